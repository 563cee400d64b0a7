"""upheld.yaml -> validated settings. Paths in it are relative to the file itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag

from agent.config.agent import Agent
from agent.config.azure import Azure, again
from agent.config.logs import LogSource, twice
from agent.config.values import REGION, AwsAccount, Secret, Strict, seconds
from agent.rulebook import read_document
from checks.document import Document, DocumentError, validate

FORMATS: Final = ("text", "json", "ocsf", "prometheus", "sarif", "junit")


LATE: Final = 86400
"""Seconds that an enumeration of what an endpoint offers may come late, and the one before it still counts."""


def _regions(value: object) -> tuple[str, ...]:
    if value in ("enabled", None):
        return ()
    if isinstance(value, list) and value and all(isinstance(one, str) and REGION.fullmatch(one) for one in value):
        return tuple(value)
    raise ValueError("regions is `enabled` or a list such as [eu-central-1, eu-west-1]")


class Aws(Strict):
    account: AwsAccount
    role: str | None = None
    external_id: Secret | str | None = None
    regions: Annotated[tuple[str, ...], BeforeValidator(_regions, json_schema_input_type=list[str] | Literal["enabled"] | None)] = ()


class Endpoint(Strict):
    """An endpoint that is not just `host:port`."""

    host: Annotated[str, Field(min_length=1)]
    port: Annotated[int, Field(gt=0, lt=65536)] | None = None
    starttls: Literal["ftp", "imap", "ldap", "mysql", "pop3", "postgres", "smtp", "xmpp"] | None = None
    server_name: str | None = None


def _form(value: object) -> str:
    """Whether an endpoint is written as a mapping or as text: a complaint is about what is written, not about the other form."""
    return "mapping" if isinstance(value, dict | Endpoint) else "text"


class Tls(Strict):
    """Endpoints to inspect: those named, and with `from_estate` those that the rest of the estate serves to the internet."""

    endpoints: list[Annotated[Annotated[str, Tag("text")] | Annotated[Endpoint, Tag("mapping")], Discriminator(_form)]] = []
    from_estate: bool = True
    alone: bool = False
    """Whether no cloud account is to be read beside the endpoints, not even that of the credentials."""
    private_roots: list[str] = []
    public_roots: str | None = None
    quick: bool | None = None
    """Whether to ask the quick questions alone of what is known and unchanged. Where it is not said, that is done where a state
    directory was chosen to remember in."""
    full_every: Annotated[int, BeforeValidator(seconds, json_schema_input_type=str)] = 7 * 86400
    """After how long everything is asked again all the same."""
    full_max_age: Annotated[int, BeforeValidator(seconds, json_schema_input_type=str)] | None = None
    """How long what was enumerated counts; by default a day more than that."""
    caa: bool = False
    """Whether to ask the DNS which authorities may issue for the hosts; needs `upheld[dns]`."""
    crl: bool = False
    """Whether to fetch the lists of revoked certificates that certificates name."""


class Collect(Strict):
    deadline: Annotated[int, BeforeValidator(seconds, json_schema_input_type=str | Literal[0])] = 900
    aws: list[Aws] = []
    """The accounts to read; where the key is absent, that of the credentials. An empty list says that there is none to read."""
    azure: list[Azure] = []
    tls: Tls | None = None
    logs: list[LogSource] = []

    @property
    def no_aws(self) -> bool:
        return "aws" in self.model_fields_set and not self.aws


class Output(Strict):
    format: Literal["text", "json", "ocsf", "prometheus", "sarif", "junit"]
    file: str | None = None


class Settings(Strict):
    schema_: Literal["upheld.config/1"] = Field(alias="schema")
    promises: list[str] = []
    exceptions: str | None = None
    state: str | None = None
    collect: Collect = Collect()
    rules: list[str] = []
    output: list[Output] = []
    agent: Agent = Agent()


@dataclass(frozen=True, slots=True)
class Configuration:
    """The settings, and the file they came from; None where there is no file and the defaults stand."""

    settings: Settings
    file: Path | None
    document: Document | None = None
    """The file's text, for the lines of what stands in it."""

    def place(self, *path: str | int) -> str:
        """`upheld.yaml:12`: where something stands that turns out to be wrong later on."""
        line = self.document.line(path) if self.document else None
        return f"{self.file}:{line}" if line else str(self.file)

    def path(self, name: str) -> Path:
        return (self.file.parent if self.file else Path()) / name


class ConfigurationError(ValueError):
    """One clear line for a person: exit code 2."""


def find(option: str | None, environment: Mapping[str, str]) -> Path | None:
    """--config, UPHELD_CONFIG, ./upheld.yaml, /etc/upheld/upheld.yaml, in this order."""
    named = option or environment.get("UPHELD_CONFIG")
    if named:
        return Path(named)
    return next((place for place in (Path("upheld.yaml"), Path("/etc/upheld/upheld.yaml")) if place.is_file()), None)


def load(option: str | None, environment: Mapping[str, str]) -> Configuration:
    """Raises ConfigurationError."""
    file = find(option, environment)
    if file is None:
        return Configuration(Settings(schema="upheld.config/1"), None)
    try:
        document = read_document(file)
        settings = validate(document, Settings.model_validate)
    except DocumentError as error:
        raise ConfigurationError(str(error)) from error
    accounts = [target.account for target in settings.collect.aws]
    for index, account in enumerate(accounts):
        if account in accounts[:index]:
            raise ConfigurationError(f"{file}:{document.line(('collect', 'aws', index))}: account {account} stands twice")
    if (found := again(settings.collect.azure)) is not None:
        where, at, subscription = found
        line = document.line(("collect", "azure", where, "subscriptions", at))
        raise ConfigurationError(f"{file}:{line}: subscription {subscription} stands twice")
    if (same := twice(settings.collect.logs)) is not None:
        index, name = same
        raise ConfigurationError(f"{file}:{document.line(('collect', 'logs', index))}: the source {name} stands twice")
    return Configuration(settings, file, document)


def schema() -> dict[str, Any]:
    """The JSON Schema of the configuration."""
    return Settings.model_json_schema(by_alias=True)
