"""The agent's HTTP server: two pages, on this machine, whatever its clients do."""

from __future__ import annotations

import socket
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from agent.config import ConfigurationError
from agent.daemon.metrics_server import serving


@pytest.fixture
def wrong() -> list[str]:
    return []


@pytest.fixture
def port(wrong: list[str]) -> Iterator[int]:
    with serving("127.0.0.1:0", lambda: b"upheld_build_info 1\n", lambda: wrong) as place:
        yield int(place.rpartition(":")[2])


def get(port: int, path: str, method: str = "GET") -> tuple[int, str, dict[str, str]]:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode(), dict(answer.headers)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode(), dict(error.headers)


def test_metrics_are_text_that_prometheus_reads(port: int) -> None:
    status, body, headers = get(port, "/metrics")
    assert (status, body) == (200, "upheld_build_info 1\n")
    assert headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "Python" not in headers["Server"]


def test_health_is_ok_or_says_what_is_wrong(port: int, wrong: list[str]) -> None:
    assert get(port, "/healthz")[:2] == (200, "ok\n")
    wrong += ["settings: no verdicts for twice its interval", "the settings run has been on its way for 4000 s"]
    status, body, _ = get(port, "/healthz")
    assert (status, body.splitlines()) == (503, wrong)


@pytest.mark.parametrize(("path", "method", "status"), [("/", "GET", 404), ("/metrics/../etc", "GET", 404), ("/metrics", "POST", 501)])
def test_there_is_nothing_else(port: int, path: str, method: str, status: int) -> None:
    assert get(port, path, method)[0] == status


def test_a_head_has_no_body(port: int) -> None:
    assert get(port, "/metrics", "HEAD")[:2] == (200, "")


def test_clients_that_say_nothing_or_nonsense_hold_up_nobody(port: int) -> None:
    held = [socket.create_connection(("127.0.0.1", port)) for _ in range(8)]
    held[0].sendall(b"\x16\x03\x01\x00\xff\r\n\r\n")
    assert get(port, "/healthz")[0] == 200
    for one in held:
        one.close()


def test_it_is_heard_on_this_machine_alone(port: int) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.2", port))  # it is free there


def test_an_address_that_is_taken_is_one_clear_line(port: int) -> None:
    with pytest.raises(ConfigurationError, match=rf"agent\.metrics: nothing can listen at 127\.0\.0\.1:{port}: Address already in use"):
        serving(f"127.0.0.1:{port}", bytes, list)
