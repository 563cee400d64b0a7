"""What `agent.notify` may say, and what is wrong with the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent import config
from agent.config import ConfigurationError
from agent.config.notify import MailSink, Occasion, SlackSink, SyslogSink, TeamsSink, WebhookSink, name

GOOD = """
schema: upheld.config/1
agent:
  notify:
    - {webhook: "https://hooks.example/upheld", secret: {credential: hook}, transitions: [broken, repaired, evidence-lost], digest: 1h}
    - {slack: "https://hooks.example/T/B/X"}
    - {teams: {env: TEAMS}}
    - email: {to: [ops@shop.example], from: upheld@shop.example, server: "mail.shop.example:587", user: upheld, password: {env: MAIL}}
      transitions: [broken]
      deadline: 1d
    - {syslog: "unix:///dev/log", facility: 10}
  metrics: "[::1]:9464"
"""


def load(folder: Path, text: str) -> config.Configuration:
    file = folder / "upheld.yaml"
    file.write_text(text, encoding="utf-8")
    return config.load(str(file), {})


def test_every_kind_of_sink_is_read(tmp_path: Path) -> None:
    agent = load(tmp_path, GOOD).settings.agent
    assert [type(one) for one in agent.notify] == [WebhookSink, SlackSink, TeamsSink, MailSink, SyslogSink]
    assert (agent.notify[0].digest, agent.notify[3].deadline, agent.notify[1].transitions) == (3600, 86400, tuple(Occasion))
    assert agent.metrics == "[::1]:9464"


def test_metrics_are_for_this_machine_unless_somebody_says_otherwise(tmp_path: Path) -> None:
    assert load(tmp_path, "schema: upheld.config/1\n").settings.agent.metrics == "127.0.0.1:9464"


def test_a_sink_has_a_name_that_stays_and_tells_no_secret(tmp_path: Path) -> None:
    first, again = ([name(one) for one in load(tmp_path, text).settings.agent.notify] for text in (GOOD, GOOD.replace("1h", "2h")))
    assert first == again
    assert len(set(first)) == 5
    assert "hooks" not in "".join(first)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("{webhook: 'http://hooks.example/', secret: {env: A}}", "a webhook is an https:// URL; http:// is for this machine"),
        ("{slack: 'http://127.0.0.2.example/'}", "a webhook is an https:// URL"),
        ("{slack: 'https://user:pw@hooks.example/'}", "has no user, no password"),
        ("{slack: 'https://hooks.example/\u00fc'}", "neither blanks nor letters outside of ASCII"),
        ('{slack: "https://hooks.example/\\r\\nX: y"}', "neither blanks nor letters outside of ASCII"),
        ("{slack: 'file:///etc/passwd'}", "a webhook is an https:// URL"),
        ("{webhook: 'https://hooks.example/'}", "secret"),
        ("{webhook: 'https://hooks.example/', secret: in-the-file-itself}", "secret"),
        ("{webhook: 'https://hooks.example/', slack: 'https://hooks.example/', secret: {env: A}}", "exactly one of webhook, slack, teams"),
        ("{pager: 'https://hooks.example/'}", "exactly one of webhook, slack, teams, email and syslog"),
        ("just text", "exactly one of webhook, slack, teams, email and syslog"),
        ("{slack: 'https://hooks.example/', transitions: []}", "at least 1 item"),
        ("{slack: 'https://hooks.example/', transitions: [fixed]}", "'broken', 'repaired', 'ended'"),
        ("{slack: 'https://hooks.example/', digest: soon}", "is not a duration"),
        ("{slack: 'https://hooks.example/', deadline: 5s}", "greater than or equal to 60"),
        ("{email: {to: [a@b.example], from: a@b.example, server: 'mail.example:25', tls: none}}", "in the clear to a server on this machine only"),
        ("{email: {to: [a@b.example], from: a@b.example, server: mail.example}}", "write host:port"),
        ("{email: {to: [a@b.example], from: a@b.example, server: 'mail.example:587', user: a}}", "user and password stand together"),
        ('{email: {to: ["a@b.example\\nBcc: c@d.example"], from: a@b.example, server: "mail.example:587"}}', "is not an e-mail address"),
        ("{email: {to: [], from: a@b.example, server: 'mail.example:587'}}", "at least 1 item"),
        ("{syslog: 'tls://host:6514'}", "is not a place for syslog"),
        ("{syslog: 'udp://host'}", "is not a place for syslog"),
        ("{syslog: 'udp://host:514', facility: 24}", "less than or equal to 23"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_told_with_its_line(entry: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"upheld\.yaml:4") as raised:
        load(tmp_path, f"schema: upheld.config/1\nagent:\n  notify:\n    - {entry}\n")
    assert said in str(raised.value)


@pytest.mark.parametrize("place", ["9464", "host", "127.0.0.1:99999", "127.0.0.1:x"])
def test_an_address_to_listen_at_has_a_host_and_a_port(place: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is not an address to listen at"):
        load(tmp_path, f"schema: upheld.config/1\nagent: {{metrics: '{place}'}}\n")
