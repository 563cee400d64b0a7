"""Values that stand in several places of a configuration: durations, accounts, secrets."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION: Final = re.compile(r"([0-9]+)([smhd])")
_ACCOUNT: Final = re.compile(r"[0-9]{12}")
REGION: Final = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]+")


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def seconds(value: object) -> int:
    """`15m` as 900. Raises ValueError."""
    if isinstance(value, int) and not isinstance(value, bool) and value == 0:
        return 0
    if isinstance(value, str) and (found := _DURATION.fullmatch(value)):
        return int(found[1]) * _UNITS[found[2]]
    raise ValueError(f"{value!r} is not a duration: write 90s, 15m, 24h or 7d")


Duration = Annotated[int, BeforeValidator(seconds, json_schema_input_type=str)]
"""In seconds; written as `90s`, `15m`, `24h` or `7d`."""


def account(value: object) -> str:
    """Raises ValueError where it is not the id of an AWS account, as text."""
    if isinstance(value, str) and _ACCOUNT.fullmatch(value):
        return value
    raise ValueError(f"an AWS account id is 12 digits in quotation marks, and {value!r} is not")


AwsAccount = Annotated[str, BeforeValidator(account)]


class Secret(Strict):
    """A value that does not stand in the file: from the environment, or from a file such as a systemd credential."""

    env: str | None = None
    credential: str | None = None

    def read(self) -> str:
        """Raises ValueError where it is not there."""
        if self.env:
            if (value := os.environ.get(self.env)) is None:
                raise ValueError(f"the environment variable {self.env} is not set")
            return value
        folder = os.environ.get("CREDENTIALS_DIRECTORY")
        if not self.credential or not folder:
            raise ValueError("a secret names `env`, or `credential` under $CREDENTIALS_DIRECTORY")
        try:
            return Path(folder, self.credential).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ValueError(f"the credential {self.credential} cannot be read: {error.strerror}") from error


def plain(value: Secret | str | None) -> str | None:
    """A value that may stand in the file or be a secret. Raises ValueError where the secret is not there."""
    return value.read() if isinstance(value, Secret) else value
