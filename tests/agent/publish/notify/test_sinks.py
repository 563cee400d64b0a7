"""Each sink against a receiver on loopback: what arrives, and what is told where nothing does."""

from __future__ import annotations

import json
import re
import socket
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from agent.config import ConfigurationError
from agent.config.notify import Occasion
from agent.publish.notify import DeliveryError, rfc5424, slack, teams, webhook
from agent.publish.notify.events import Event
from agent.publish.notify.mail import letter
from agent.publish.notify.mail import send as send_mail
from agent.publish.notify.outbox import Message
from agent.publish.notify.posting import post
from agent.publish.notify.sinks import Sender, senders
from tests.agent.publish.notify.receivers import (
    Certified,
    certified,
    datagrams,
    hook,
    listening,
    mail_server,
    stream,
)
from tests.agent.publish.notify.told import QUOTE, SECRET, START, configured, made, message

NAUGHTY = 'v*o_l <!channel> <https://evil.example|click> & ]"\\ [x](https://evil.example)'


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> list[Event]:
    """Thirty findings that break, one of them with a name that means something to most formats."""
    return made({NAUGHTY: "broken", **{f"vol-{one:02}": "broken" for one in range(29)}}, folder=tmp_path_factory.mktemp("ledger"))


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Certified:
    return certified(tmp_path_factory.mktemp("tls"))


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK", SECRET)
    monkeypatch.setenv("MAIL", "mail-password")


def only(folder: Path, entry: str) -> Sender:
    (sender,) = senders(configured(folder, entry))
    return sender


def refused(sender: Sender, one: Message) -> DeliveryError:
    with pytest.raises(DeliveryError) as raised:
        sender.send(one, START)
    return raised.value


def test_a_webhook_gets_signed_json_that_its_receiver_can_verify(held: list[Event], tmp_path: Path, tls: Certified) -> None:
    one = message(held[:2])
    with hook(tls=tls) as receiver:
        assert only(tmp_path, f"{{webhook: '{receiver.url}', secret: {{env: HOOK}}, ca_file: '{tls.root}'}}").send(one, START) == "200"
    (request,) = receiver.requests
    key = webhook.key(SECRET)
    assert webhook.verify(request.headers, request.body, key, START + webhook.TOLERANCE)
    assert not webhook.verify(request.headers, request.body, key, START + webhook.TOLERANCE + 1)
    assert not webhook.verify(request.headers, request.body + b" ", key, START)
    assert not webhook.verify({**request.headers, "webhook-id": "other"}, request.body, key, START)
    assert not webhook.verify({**request.headers, "webhook-timestamp": str(START + 1)}, request.body, key, START)
    assert not webhook.verify(request.headers, request.body, webhook.key(SECRET + "!"), START)
    assert not webhook.verify({}, request.body, key, START)
    told = json.loads(request.body)
    assert list(jsonschema.Draft202012Validator(webhook.json_schema()).iter_errors(told)) == []
    assert (told["id"], request.headers["webhook-id"], request.headers["idempotency-key"]) == (one.id,) * 3
    first = told["data"]["events"][0]
    assert (first["occasion"], first["promises"][0]["quote"], first["remedy"]) == ("broken", QUOTE, "Turn it on.")
    assert SECRET.encode() not in request.body


def test_a_signature_is_that_of_the_standard() -> None:
    # The first example of Standard Webhooks' own libraries: id, time, body, secret and signature.
    secret = webhook.key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    held = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1a,AAAA v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    assert webhook.verify(held, b'{"test": 2432232314}', secret, 1614265330)


def test_the_body_is_the_same_in_every_attempt_and_the_time_is_not(held: list[Event]) -> None:
    first, again = (webhook.body(message(held, attempts=attempts)) for attempts in (1, 2))
    assert first == again
    one = message(held)
    assert webhook.headers(one, first, b"k", 1)["webhook-id"] == webhook.headers(one, first, b"k", 2)["webhook-id"]
    assert webhook.headers(one, first, b"k", 1)["webhook-signature"] != webhook.headers(one, first, b"k", 2)["webhook-signature"]


@pytest.mark.parametrize(
    ("answer", "said", "how"),
    [
        (500, "127.0.0.1 answered 500", (0, True, False)),
        ((503, {"Retry-After": "120"}, b"busy\r\n\x1b[31mfine"), r"answered 503: busy\\r\\n\\x1b[31mfine", (120, True, False)),
        ((429, {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, b""), "answered 429", (0, True, False)),
        (400, "answered 400", (0, False, False)),
        (410, "answered 410", (0, False, True)),
        ((302, {"Location": "http://127.0.0.1:9/"}, b""), "answered 302, and redirects are not followed", (0, False, False)),
    ],
)
def test_an_answer_that_is_not_yes_is_told_without_the_url(answer: Any, said: str, how: tuple[int, bool, bool]) -> None:
    with hook(answer) as receiver, pytest.raises(DeliveryError) as raised:
        post(receiver.url + "/T0/SECRET", b"{}", {})
    error = raised.value
    assert said.replace("\\\\", "\\") in str(error)
    assert "SECRET" not in str(error)
    assert (error.after, error.blocks, error.final) == how
    assert len(receiver.requests) == 1


def _dripping(handler: BaseHTTPRequestHandler) -> None:
    """Headers without end, a byte at a time."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
    for _ in range(200):
        handler.wfile.write(b"x")
        time.sleep(0.02)


def _silent(handler: BaseHTTPRequestHandler) -> None:
    handler.connection.recv(1)


def _garbage(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"\x00\x01 no HTTP\r\n\r\n")


def _broken_off(handler: BaseHTTPRequestHandler) -> None:
    handler.connection.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (_dripping, "did not answer in time"),
        (_silent, "did not answer in time"),
        (_garbage, "no HTTP"),
        (_broken_off, "closed connection without"),
    ],
)
def test_a_receiver_that_does_not_answer_properly_has_not_got_it(answer: Any, said: str) -> None:
    with hook(answer) as receiver, pytest.raises(DeliveryError, match=said):
        post(receiver.url, b"{}", {}, seconds=0.3)


def test_a_body_that_never_ends_is_not_waited_for() -> None:
    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 204 No Content\r\nContent-Length: 1000000\r\n\r\n")
        _silent(handler)

    with hook(endless) as receiver:
        assert post(receiver.url, b"{}", {}) == "204"


@pytest.mark.enable_socket  # of this machine, too
def test_nobody_listens(tmp_path: Path, held: list[Event]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    for entry in (
        f"{{slack: 'http://127.0.0.1:{port}/T/B/X'}}",
        f"{{email: {{to: [a@b.example], from: u@b.example, server: '127.0.0.1:{port}', tls: none}}}}",
        f"{{syslog: 'tcp://127.0.0.1:{port}'}}",
        f"{{syslog: 'udp://127.0.0.1:{port}'}}",
        f"{{syslog: 'unix://{tmp_path}/nothing'}}",
    ):
        error = refused(only(tmp_path, entry), message(held[:3]))
        assert re.search("Connection refused|No such file", str(error)), entry
        assert error.blocks


def test_a_certificate_that_is_not_trusted_ends_it_before_anything_is_said(tls: Certified) -> None:
    with hook(tls=tls) as receiver:
        with pytest.raises(DeliveryError, match="its certificate is not trusted: unable to get local issuer"):
            post(receiver.url, b"{}", {})
        with pytest.raises(DeliveryError, match=r"its certificate is not trusted: .*mismatch"):
            post(receiver.url.replace("127.0.0.1", "localhost"), b"{}", {}, ca_file=str(tls.root))
        with pytest.raises(DeliveryError, match="roots in /nowhere cannot be read"):
            post(receiver.url, b"{}", {}, ca_file="/nowhere")
    assert receiver.requests == []


def test_https_where_none_is_spoken_is_told() -> None:
    with hook() as receiver, pytest.raises(DeliveryError, match=r"127\.0\.0\.1: "):
        post(receiver.url.replace("http", "https"), b"{}", {})


def test_slack_gets_text_in_which_no_name_is_a_link_or_calls_anybody(held: list[Event], tmp_path: Path) -> None:
    with hook((200, {}, b"ok")) as receiver:
        only(tmp_path, f"{{slack: '{receiver.url}'}}").send(message(held), START)
    told = json.loads(receiver.requests[0].body)
    texts = [block["text"] for block in told["blocks"] if block["type"] == "section"]
    assert told["text"] == "upheld: 30 broken"
    assert all(text["verbatim"] and text["type"] == "mrkdwn" for text in texts)
    assert "<" not in "".join(text["text"] for text in texts)
    assert "&lt;!channel&gt;" in texts[0]["text"]
    assert f"\u201c{QUOTE}\u201d (at-rest)" in texts[0]["text"]
    assert "do: Turn it on." in texts[0]["text"]
    assert texts[-1]["text"] == "and 10 more broken under aws-ebs-volume-encrypted"
    assert "f" * 32 in json.dumps(told["blocks"][-1])
    assert len(told["blocks"]) <= 50


def test_slack_texts_are_cut_between_escapes() -> None:
    for more in range(6):
        one = replace(EVENT, what="x" * more + "<" * 1000, remedy="&" * 1000, resource=">" * 900)
        (section,) = [block for block in json.loads(slack.body(message([one])))["blocks"] if block["type"] == "section"]
        text = section["text"]["text"]
        assert len(text) <= 3000
        assert re.fullmatch(r"(?:[^&]|&(?:amp|lt|gt);)*", text, re.DOTALL)


def test_teams_gets_a_card_without_markdown_that_is_small_enough(held: list[Event], tmp_path: Path) -> None:
    with hook(202) as receiver:
        only(tmp_path, f"{{teams: '{receiver.url}'}}").send(message(held), START)
    body = receiver.requests[0].body
    (attachment,) = json.loads(body)["attachments"]
    card = attachment["content"]
    assert (attachment["contentType"], card["type"]) == ("application/vnd.microsoft.card.adaptive", "AdaptiveCard")
    assert {block["type"] for block in card["body"]} == {"RichTextBlock"}
    lines = [run["text"] for block in card["body"] for run in block["inlines"]]
    assert lines[0] == "upheld: 30 broken"
    assert lines[1] == f"BROKEN  {NAUGHTY} in 111122223333/eu-central-1"
    assert any(re.fullmatch(r"and \d+ more broken under aws-ebs-volume-encrypted", line) for line in lines)
    long = [replace(EVENT, id=str(one), rule=f"rule-{one}-" + "r" * 300, what="\u00fc" * 1000) for one in range(400)]
    assert len(teams.body(message(long))) <= 20_000


def test_mail_is_one_letter_for_a_digest(held: list[Event], tmp_path: Path, tls: Certified) -> None:
    for mode in ("starttls", "implicit"):
        with mail_server(tls, implicit=mode == "implicit") as server:
            entry = (
                f"{{email: {{to: [ops@shop.example, ciso@shop.example], from: upheld@shop.example, server: '127.0.0.1:{server.port}', "
                f"tls: {mode}, user: upheld, password: {{env: MAIL}}, ca_file: '{tls.root}'}}}}"
            )
            assert only(tmp_path, entry).send(message(held), START) == "handed in"
        (mail,) = server.letters
        assert server.recipients == ["ops@shop.example", "ciso@shop.example"]
        assert server.logins == ["\0upheld\0mail-password"]
        assert server.in_the_clear == ([] if mode == "implicit" else ["EHLO", "STARTTLS"])
        assert (mail["Subject"], mail["Message-ID"]) == ("upheld: 30 broken", f"<{'f' * 32}@shop.example>")
        assert mail["Auto-Submitted"] == "auto-generated"
        text = mail.get_content()
        assert text.count("BROKEN  ") == 30
        assert f"\u201c{QUOTE}\u201d (at-rest)" in text
        assert "do: Turn it on." in text
        assert "mail-password" not in mail.as_string()


def test_mail_is_not_sent_without_the_tls_that_was_asked_for(held: list[Event], tmp_path: Path, tls: Certified) -> None:
    entry = "{email: {to: [a@b.example], from: u@b.example, server: '127.0.0.1:%d', user: u, password: {env: MAIL}}}"
    with mail_server() as server:
        assert "STARTTLS extension not supported by server" in str(refused(only(tmp_path, entry % server.port), message(held[:1])))
    with mail_server(tls) as trusted:
        assert "its certificate is not trusted" in str(refused(only(tmp_path, entry % trusted.port), message(held[:1])))
    assert (server.letters, trusted.letters, server.logins, trusted.logins) == ([], [], [], [])


@pytest.mark.parametrize(
    ("says", "said", "blocks"),
    [
        ({"CONNECT": ["554 go away"]}, "answered 554 go away", False),
        ({"RCPT": ["550 nobody"]}, "takes mail for none of its recipients: a@b.example: 550 nobody", False),
        ({"RCPT": ["450 later"]}, "a@b.example: 450 later", True),
        ({"DATA": ["451 disk\tfull"]}, r"answered 451 disk\\tfull", True),
        ({"DATA": ["554 spam"]}, "answered 554 spam", False),
        ({"AUTH": ["535 wrong password", "535 wrong password", "535 wrong password"]}, "answered 535 wrong password", True),
    ],
)
def test_a_mail_server_that_refuses_is_quoted(
    says: dict[str, list[str]], said: str, blocks: bool, held: list[Event], tmp_path: Path
) -> None:
    login = ", user: u, password: {env: MAIL}" if "AUTH" in says else ""
    with mail_server(**says) as server:
        entry = f"{{email: {{to: [a@b.example], from: u@b.example, server: '127.0.0.1:{server.port}', tls: none{login}}}}}"
        error = refused(only(tmp_path, entry), message(held[:1]))
    assert said.replace("\\\\", "\\") in str(error)
    assert error.blocks is blocks
    assert server.letters == []


def test_mail_that_some_may_not_get_is_sent_once_to_the_others(held: list[Event], tmp_path: Path) -> None:
    with mail_server(RCPT=["550 nobody"], QUIT=["421 no"]) as server:
        entry = f"{{email: {{to: [a@b.example, c@b.example], from: u@b.example, server: '127.0.0.1:{server.port}', tls: none}}}}"
        assert only(tmp_path, entry).send(message(held[:1]), START) == "handed in; not taken for a@b.example"
    assert server.recipients == ["c@b.example"]


def test_a_mail_server_that_drips_is_left(held: list[Event], tmp_path: Path) -> None:
    def drip(connection: socket.socket) -> None:
        for _ in range(200):
            connection.sendall(b"2")
            time.sleep(0.02)

    with listening(drip) as port:
        sink = only(tmp_path, f"{{email: {{to: [a@b.example], from: u@b.example, server: '127.0.0.1:{port}', tls: none}}}}").settings
        with pytest.raises(DeliveryError, match=rf"127\.0\.0\.1:{port}: it did not answer in time"):
            send_mail(letter(message(held[:1]), sink.email), sink.email, None, seconds=0.3)  # type: ignore[union-attr]


SYSLOG = re.compile(
    rb'<131>1 2026-11-20T00:00:00\.000000Z \S+ upheld - broken \[origin software="upheld" swVersion="[0-9.]+"\] \xef\xbb\xbf(.*)', re.DOTALL
)


@pytest.mark.enable_socket
def test_syslog_over_datagrams_is_one_message_for_each_event(held: list[Event], tmp_path: Path) -> None:
    for place in (None, tmp_path / "log"):
        with datagrams(place) as collector:
            assert only(tmp_path, f"{{syslog: '{collector.url}'}}").send(message(held[:3]), START) == "3 sent"
        assert len(collector.data) == 3
        found = SYSLOG.fullmatch(collector.data[0])
        assert found is not None
        assert f'event="{held[0].id}" finding="{held[0].finding}"'.encode() in found[1]
        assert f'promised="{QUOTE}" do="Turn it on."'.encode() in found[1]


def test_syslog_over_tcp_counts_octets(held: list[Event], tmp_path: Path) -> None:
    with stream() as collector:
        only(tmp_path, f"{{syslog: '{collector.url}'}}").send(message(held[:3]), START)
    data, lines = b"".join(collector.data), []
    while data:
        length, _, data = data.partition(b" ")
        lines.append(data[: int(length)])
        data = data[int(length) :]
    assert [SYSLOG.fullmatch(line) is not None for line in lines] == [True] * 3


def test_syslog_over_a_connection_that_is_reset_has_not_arrived(held: list[Event], tmp_path: Path) -> None:
    with stream(reset_after=10) as collector:
        assert "Connection reset" in str(refused(only(tmp_path, f"{{syslog: '{collector.url}'}}"), message(held[:3])))


def test_a_syslog_message_is_one_line_within_its_length_and_nothing_in_it_ends_a_value() -> None:
    one = replace(EVENT, resource='x" y="z\\', what="\u00fc" * 1000, remedy="r" * 1000)
    line = rfc5424.line(one, 16, "host name")
    assert b" - upheld - broken " in line
    assert b'resource="x\\" y=\\"z\\\\" account=' in line
    assert len(line) <= 2048
    assert line.decode()
    assert b"\n" not in line


def test_facts_stand_as_structured_data_under_a_number_of_ones_own_and_nothing_in_them_ends_it() -> None:
    one = replace(EVENT, resource='x" y="z\\][evil@1 a="b"]')
    line = rfc5424.line(one, 16, "h", 32473).decode()
    assert '][upheld@32473 event="' in line
    assert 'resource="x\\" y=\\"z\\\\\\][evil@1 a=\\"b\\"\\]" account="111122223333"' in line
    long = rfc5424.line(replace(EVENT, resource="]" * 1000, region="\u00fc" * 900), 16, "h", 32473)
    assert len(long) <= 2048
    assert 'severity="high"] \ufeff' in long.decode()


@pytest.mark.parametrize(
    ("occasion", "severity", "wanted"),
    [("broken", "critical", 130), ("broken", "low", 133), ("repaired", "critical", 133), ("evidence-lost", "low", 132)],
)
def test_a_syslog_message_is_as_severe_as_what_it_says(occasion: str, severity: str, wanted: int) -> None:
    assert rfc5424.line(replace(EVENT, occasion=Occasion(occasion), severity=severity), 16, "h").startswith(f"<{wanted}>1 ".encode())


EVENT = Event(
    "1" * 32, Occasion.BROKEN, "2026-11-20T00:00:00.000000Z", 1, "2" * 32, "rule", "high", "aws.ec2.volume", "vol-a", "111122223333",
    "eu-central-1", (), None, "broken", "Not so.", "c1", "Mend it.",
)  # fmt: skip


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("{webhook: 'https://h.example/', secret: {env: NOWHERE}}", "upheld.yaml:4: the environment variable NOWHERE is not set"),
        ("{webhook: 'https://h.example/', secret: {env: SHORT}}", "upheld.yaml:4: a webhook's secret has 24 bytes or more"),
        ("{slack: {env: SHORT}}", "upheld.yaml:4: a webhook is an https:// URL"),
    ],
)
def test_a_secret_that_is_missing_or_none_is_told_before_anything_runs(
    entry: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHORT", "short")
    with pytest.raises(ConfigurationError, match=re.escape(said)):
        senders(configured(tmp_path, entry))


def test_a_place_that_stands_twice_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"upheld\.yaml:5: the same place stands in `notify` twice"):
        senders(configured(tmp_path, "{syslog: 'udp://h.example:514'}", "{syslog: 'udp://h.example:514', transitions: [repaired]}"))
