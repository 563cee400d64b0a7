"""Where the program keeps what it remembers."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent import state
from agent.config import Configuration, ConfigurationError, Settings


def configuration(place: Path | None = None, **settings: str) -> Configuration:
    return Configuration(Settings(schema="upheld.config/1", **settings), place)


@pytest.mark.parametrize(
    ("settings", "environment", "chosen"),
    [
        ({"state": "memory"}, {"UPHELD_STATE": "/a", "STATE_DIRECTORY": "/b"}, "/etc/upheld/memory"),
        ({"state": "/var/own"}, {}, "/var/own"),
        ({}, {"UPHELD_STATE": "/a", "STATE_DIRECTORY": "/b"}, "/a"),
        ({}, {"STATE_DIRECTORY": "/var/lib/upheld:/var/lib/other"}, "/var/lib/upheld"),
        ({}, {"UPHELD_STATE": "", "STATE_DIRECTORY": ""}, None),
    ],
)
def test_what_somebody_chose_counts_in_order(settings: dict[str, str], environment: dict[str, str], chosen: str | None) -> None:
    found = state.configured(configuration(Path("/etc/upheld/upheld.yaml"), **settings), environment)
    assert found == (Path(chosen) if chosen else None)


def test_else_it_is_where_the_desktop_keeps_such_things(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/a")
    assert state.usual({"XDG_STATE_HOME": "/s"}) == Path("/s/upheld")
    assert state.usual({"XDG_STATE_HOME": "relative"}) == state.usual({}) == Path("/home/a/.local/state/upheld")


def test_it_is_made_for_its_owner_alone_and_one_that_is_there_is_left_as_it_is(tmp_path: Path) -> None:
    made = state.make(tmp_path / "deep" / "state")
    assert made.stat().st_mode & 0o777 == 0o700
    made.chmod(0o750)
    assert state.make(made).stat().st_mode & 0o777 == 0o750


def test_one_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="cannot be made: Not a directory; name another with `state`"):
        state.make(tmp_path / "file" / "state")
