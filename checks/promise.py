"""What promise and exception files mean: quoted sentences, the controls that decide them, what a person asserts."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from checks.control import Controls
from checks.counterexample import comes_again, covers, what
from checks.document import Document, validate
from checks.model import Place, Reading, Resource, provider
from checks.network.body import read_allowed
from checks.network.wanted import Unclear
from checks.rule import Parameter, Rule

NonEmpty = Annotated[str, Field(min_length=1)]
_ACCOUNT = re.compile(r"(?<![0-9])(?<![0-9A-Fa-f]{4}-)[0-9]{12}(?![0-9])")
"""An account of AWS, which the end of a subscription's id is not."""
_SUBSCRIPTION = re.compile(r"(?<![0-9A-Fa-f-])[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}(?![0-9A-Fa-f])")
_REGION = re.compile(r"\b[a-z]{2}(?:-[a-z]+)+-[0-9]\b")
_KIND = re.compile(r"\bAWS::[A-Za-z0-9]+::[A-Za-z0-9]+\b|\bMicrosoft\.[A-Za-z0-9]+(?:/[A-Za-z0-9]+)+")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _account(value: object) -> str:
    if isinstance(value, str) and _ACCOUNT.fullmatch(value):
        return value
    if isinstance(value, str) and _SUBSCRIPTION.fullmatch(value):
        return value.lower()
    raise ValueError(f"an AWS account id is 12 digits in quotation marks, and {value!r} is not, nor the GUID of an Azure subscription")


class Policy(_Strict):
    id: NonEmpty
    title: str = ""
    url: str | None = None
    file: NonEmpty


class Tags(_Strict):
    tags: dict[str, str] = Field(min_length=1)


class PromiseScope(_Strict):
    """What a promise speaks of; by default everything. A resource is left out by what is known of its tags."""

    accounts: list[str] | Literal["all"] = "all"
    regions: list[str] | Literal["all"] = "all"
    exclude: Tags | None = None

    @field_validator("accounts", mode="before")
    @classmethod
    def _accounts(cls, value: object) -> object:
        return [_account(one) for one in value] if isinstance(value, list) else value

    @property
    def narrower(self) -> bool:
        """Whether it leaves out a part of an account."""
        return self.regions != "all" or self.exclude is not None

    def has_account(self, account: str) -> bool:
        """Endpoints are seen from outside and are in nobody's account, as are the logs of one's own servers: no choice of accounts
        leaves them out."""
        return provider(account) in {"tls", "log"} or self.accounts == "all" or account in self.accounts

    def has_place(self, place: Place) -> bool:
        """Whether a listing matters. Global and unknown regions always do."""
        return self.has_account(place.account) and (self.regions == "all" or place.region in self.regions or "-" not in place.region)

    def excludes(self, resource: Resource) -> bool | None:
        """Whether tags leave the resource out; None where its tags are not known."""
        if self.exclude is None:
            return False
        if resource.tags is None:
            return None
        return all(resource.tags.get(name) == value for name, value in self.exclude.tags.items())


class Confirmed(_Strict):
    by: NonEmpty
    date: date


class Binding(_Strict):
    id: NonEmpty
    params: dict[str, Any] = {}


class Promise(_Strict):
    id: NonEmpty = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    policy: str | None = None
    line: int | None = None
    quote: NonEmpty
    quantifier: Literal["all", "only", "never"] = "all"
    reading: Reading = "substance"
    sha256: str | None = None
    confirmed: Confirmed | None = None
    controls: list[Binding] = []
    scope: PromiseScope = PromiseScope()
    unverifiable: NonEmpty | None = None

    @property
    def names_tags(self) -> bool:
        """Whether its paths are named by tags, which then must be known."""
        return any("tag:" in str(binding.params.get("allowed", "")) for binding in self.controls)

    @field_validator("quote")
    @classmethod
    def _said(cls, value: str) -> str:
        if not normal(value):
            raise ValueError("a quote of nothing stands in every policy")
        return value

    @field_validator("quantifier", mode="before")
    @classmethod
    def _decidable(cls, value: object) -> object:
        if value in {"some", "majority"}:
            raise ValueError(f"a promise about {value!r} cannot be decided by looking: mark it `unverifiable` and say why")
        return value

    @model_validator(mode="after")
    def _either(self) -> Promise:
        if bool(self.controls) == bool(self.unverifiable):
            raise ValueError("a promise has either `controls` or `unverifiable: <why>`")
        if self.sha256 is not None and self.sha256 != quote_digest(self.quote):
            raise ValueError(f"the sha256 is not that of the quote, which is {quote_digest(self.quote)}")
        return self


class Covers(_Strict):
    """What an assumption stands in for: unread accounts, regions, kinds, or the lists of accounts or kinds themselves."""

    accounts: list[str] = []
    regions: list[str] = []
    kinds: list[str] = []
    universe: list[Literal["accounts", "kinds"]] = []


class Assumption(_Strict):
    """What a person asserts because no machine can see it. Without `covers`, it covers the account ids, regions and
    Config kinds that `what` names."""

    what: NonEmpty
    owner: NonEmpty
    reason: NonEmpty
    expires: date
    covers: Covers = Covers()

    @model_validator(mode="before")
    @classmethod
    def _read(cls, value: Any) -> Any:
        if isinstance(value, dict) and "covers" not in value and isinstance(what := value.get("what"), str):
            accounts = [*_ACCOUNT.findall(what), *map(str.lower, _SUBSCRIPTION.findall(what))]
            covers = {"accounts": accounts, "regions": _REGION.findall(what), "kinds": _KIND.findall(what)}
            if not any(covers.values()):
                raise ValueError("`what` names no account id, region or kind (AWS::EC2::Volume): name one, or add `covers`")
            return {**value, "covers": covers}
        return value

    def __str__(self) -> str:
        return f"{self.what} ({self.owner}: {self.reason}; until {self.expires})"


class Promises(_Strict):
    schema_: Literal["upheld.promises/1"] = Field(alias="schema")
    policies: list[Policy] = []
    promises: list[Promise]
    assume: list[Assumption] = []

    def policy(self, id_: str | None) -> Policy | None:
        return next((policy for policy in self.policies if policy.id == id_), None)


class Acceptance(_Strict):
    """A broken finding that a person accepts, for the counterexample it was given for and no worse one; if it is `standing`, rows of a
    log that come later, too."""

    finding: NonEmpty
    rule: str = ""
    resource: str = ""
    owner: NonEmpty
    reason: NonEmpty
    expires: date
    digest: NonEmpty
    standing: bool = False

    def __str__(self) -> str:
        later = ", whatever rows come" if self.standing else ""
        return f"{self.owner}: {self.reason} (until {self.expires}{later})"

    def covers(self, seen: str) -> bool:
        """Whether it is about this counterexample."""
        return what(seen) == what(self.digest) if self.standing and comes_again(seen) else covers(self.digest, seen)


class _AcceptanceFile(_Strict):
    schema_: Literal["upheld.exceptions/1"] = Field(alias="schema")
    exceptions: list[Acceptance]


def read(document: Document, controls: Controls, rules: Iterable[Rule]) -> Promises:
    """Load a promises file. Raises DocumentError with the line for whatever it does not say well."""
    promises = validate(document, Promises.model_validate)
    by_control: dict[str, list[Rule]] = {}
    for rule in rules:
        by_control.setdefault(rule.file.control, []).append(rule)
    _unique(document, "policies", [policy.id for policy in promises.policies])
    _unique(document, "promises", [promise.id for promise in promises.promises])
    for index, promise in enumerate(promises.promises):
        at = ("promises", index)
        if promise.policy is not None and promises.policy(promise.policy) is None:
            document.fail((*at, "policy"), f"there is no policy {promise.policy!r} in this file")
        for place, binding in enumerate(promise.controls):
            _check_binding(document, (*at, "controls", place), promise, binding, controls, by_control.get(binding.id, []))
    return promises


def read_exceptions(document: Document) -> Mapping[str, Acceptance]:
    """Exceptions by finding id. Raises DocumentError."""
    exceptions = validate(document, _AcceptanceFile.model_validate).exceptions
    _unique(document, "exceptions", [one.finding for one in exceptions])
    return {one.finding: one for one in exceptions}


def _unique(document: Document, key: str, names: Sequence[str]) -> None:
    for index, name in enumerate(names):
        if name in names[:index]:
            document.fail((key, index), f"{name!r} stands twice")


def _check_binding(
    document: Document, at: tuple[str | int, ...], promise: Promise, binding: Binding, controls: Controls, rules: list[Rule]
) -> None:
    control = controls.get(binding.id)
    if control is None:
        document.fail((*at, "id"), f"there is no control {binding.id!r}; there is {', '.join(sorted(controls))}")
    if promise.quantifier not in control.quantifiers:
        document.fail(
            at, f"the control {binding.id} does not take the quantifier {promise.quantifier!r}, but {', '.join(control.quantifiers)}"
        )
    if promise.quantifier == "only" and control.allow_list not in binding.params:
        document.fail(at, f"*only* needs to be told what is allowed: give {binding.id} the parameter {control.allow_list!r}")
    for name, value in binding.params.items():
        if name not in control.params:
            known = ", ".join(sorted(control.params)) or "none"
            document.fail((*at, "params", name), f"the control {binding.id} has no parameter {name!r}; it has {known}")
        declared = [
            Parameter(type=control.params[name].value_type),
            *(rule.file.params[name] for rule in rules if name in rule.file.params),
        ]
        for parameter in declared:
            if not parameter.takes(value):
                document.fail((*at, "params", name), f"{name} must be of type {parameter.type}")
        if control.params[name].type == "paths":
            try:
                read_allowed(value)
            except Unclear as error:
                document.fail((*at, "params", name), str(error))


def normal(text: str) -> str:
    """Text as quotes are compared: NFC, every run of white space one space."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def quote_digest(quote: str) -> str:
    return hashlib.sha256(normal(quote).encode()).hexdigest()


def find_quote(quote: str, text: str) -> int | None:
    """The line on which the quote begins in the policy text, None where it does not stand there, word for word."""
    words = [re.escape(word) for word in normal(quote).split()]
    composed = unicodedata.normalize("NFC", text)
    found = re.search(r"(?<!\w)" + r"\s+".join(words) + r"(?!\w)", composed)
    return composed.count("\n", 0, found.start()) + 1 if found and words else None
