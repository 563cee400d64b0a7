"""Where the program keeps what it remembers from run to run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from agent.config import Configuration, ConfigurationError


def configured(configuration: Configuration, environment: Mapping[str, str]) -> Path | None:
    """The state directory that somebody chose: `state` of the configuration, $UPHELD_STATE, or systemd's $STATE_DIRECTORY (the
    first, where a unit has several: systemd.exec(5), StateDirectory=)."""
    if configuration.settings.state:
        return configuration.path(configuration.settings.state)
    chosen = environment.get("UPHELD_STATE") or environment.get("STATE_DIRECTORY", "").partition(":")[0]
    return Path(chosen) if chosen else None


def usual(environment: Mapping[str, str]) -> Path:
    """Where it is otherwise: `upheld` below $XDG_STATE_HOME, whose default is ~/.local/state (XDG Base Directory Specification, which
    has a path that is not absolute ignored)."""
    home = environment.get("XDG_STATE_HOME", "")
    return (Path(home) if home.startswith("/") else Path.home() / ".local" / "state") / "upheld"


def make(folder: Path) -> Path:
    """The folder, made for its owner alone where it is not there. Raises ConfigurationError."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"the state directory {folder} cannot be made: {error.strerror}; name another with `state`") from error
    return folder
