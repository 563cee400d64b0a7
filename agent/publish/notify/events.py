"""From a recorded run to what people are told: an event for each transition that somebody may want to know of.

An event's texts are printable when it is made: whatever a cloud or a log lets an attacker name cannot move a cursor, forge a line or
end a string anywhere further on. What it shows are values that the report shows, too: no secret reaches an estate.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from agent.config.notify import Occasion
from agent.ledger.run_record import moment
from agent.publish.printable import printable
from checks.lifecycle import ENDED, Change, Known, Status, Transition
from checks.model import digest
from checks.promise import Acceptance
from checks.telling import is_settling

if TYPE_CHECKING:
    from agent.ledger.ledger import Recorded
    from agent.publish.result import Result

SCHEMA: Final = "upheld.event/1"
SOON: Final = timedelta(days=14)
"""How long before its end an exception is told of."""
SETTLING: Final = timedelta(minutes=10)
"""How long what was changed may be undecided before it is told of: it is looked at again each minute, and mostly decided by the next."""
_LONG: Final = 1000
_BROKEN: Final = frozenset({Change.BROKEN, Change.REOPENED, Change.CHANGED, Change.ACCEPTANCE_ENDED})


@dataclass(frozen=True, slots=True)
class Sentence:
    """A promise that an event is about, and what it says."""

    id: str
    quote: str
    policy: str | None


@dataclass(frozen=True, slots=True)
class Event:
    """What somebody is told. All text is printable, and of a length that a message can hold."""

    id: str
    """The same for the same event, however often it is made: what has seen it once need not look again."""
    occasion: Occasion
    at: str
    """When it was seen, RFC 3339 in UTC."""
    run: int
    """The number of the run in the ledger."""
    finding: str
    rule: str
    severity: str
    type: str
    resource: str
    account: str
    region: str
    promises: tuple[Sentence, ...]
    before: str | None
    after: str
    what: str
    """What broke, with the counterexample in words; or what became of it."""
    counterexample: str
    """Digest of what broke it, which an exception is bound to."""
    remedy: str

    @property
    def record(self) -> dict[str, Any]:
        """As JSON."""
        held = asdict(self)
        subject = {name: held.pop(name) for name in ("type", "account", "region")}
        return {"schema": SCHEMA, **held, "resource": {"id": self.resource, **subject}}


def read(record: Mapping[str, Any]) -> Event:
    """The opposite of `Event.record`."""
    held = {name: value for name, value in record.items() if name != "schema"}
    subject = held.pop("resource")
    promises = tuple(Sentence(**one) for one in held.pop("promises"))
    return Event(
        **{**held, "occasion": Occasion(held["occasion"]), "promises": promises},
        resource=subject["id"],
        **{name: subject[name] for name in ("type", "account", "region")},
    )


def events(recorded: Recorded, result: Result, exceptions: Mapping[str, Acceptance]) -> list[Event]:
    """What a run that was recorded just now gives to tell: in the ledger's order, exceptions last."""
    turns = [
        (occasion, turn, known) for turn, known in recorded.turns if (occasion := _occasion(turn, known, recorded.before.get(turn.id)))
    ]
    late = list(_settled_badly(recorded, result))
    today = date.fromisoformat(result.manifest.finished[:10])
    ending = {name: held for name, held in exceptions.items() if timedelta(0) <= held.expires - today <= SOON}
    wanted = {turn.id for _, turn, _ in turns} | set(ending)
    records = {one["id"]: one for one in result.findings.records() if one["id"] in wanted} if wanted else {}
    sentences = {one.id: Sentence(one.id, _text(" ".join(one.quote.split())), one.policy) for one in result.promises}
    told = [_turned(occasion, turn, known, recorded.number, records.get(turn.id, {}), sentences) for occasion, turn, known in turns]
    told += [_late(known, record, recorded.number, moment(result.manifest.finished), sentences) for known, record in late]
    return [*told, *_expiring(ending, records, recorded.number, moment(result.manifest.finished), sentences)]


def _occasion(turn: Transition, known: Known, before: Known | None) -> Occasion | None:
    """What a transition is to somebody who is told of few; None for the rest, which the ledger holds all the same."""
    match turn.change:
        case change if change in _BROKEN:
            return None if known.accepted is not None else Occasion.BROKEN
        case Change.REPAIRED:
            return Occasion.REPAIRED
        case Change.EVIDENCE_LOST:
            return None if is_settling(turn.cause) else Occasion.EVIDENCE_LOST
        case _ if turn.after in ENDED and before is not None and before.opened is not None:
            return Occasion.ENDED
    return None


def _settled_badly(recorded: Recorded, result: Result) -> Iterator[tuple[Known, Mapping[str, Any]]]:
    """Findings that nobody was told of, as they were about to be decided, and that are undecided for another reason now, or still."""
    waiting = {
        name: held for name, held in recorded.before.items()
        if held.status is Status.UNPROVEN and is_settling(held.cause) and held.since != held.first_seen
    }  # fmt: skip
    now = datetime.fromisoformat(result.manifest.finished)
    for record in result.findings.records() if waiting else ():
        held = waiting.get(record["id"])
        if held is None or record["verdict"] != held.status:
            continue
        if not is_settling(record["explanation"]) or now - datetime.fromisoformat(held.since) >= SETTLING:
            yield held, record


def _late(known: Known, record: Mapping[str, Any], run: int, at: str, sentences: Mapping[str, Sentence]) -> Event:
    """Evidence that was lost for longer than a change explains; the same in every later run."""
    turn = Transition(known.number, known.id, known.status, known.status, Change.EVIDENCE_LOST, record["explanation"], at)
    told = _turned(Occasion.EVIDENCE_LOST, turn, known, run, record, sentences)
    return replace(told, id=digest("event", Occasion.EVIDENCE_LOST, known.id, known.since))


def _turned(
    occasion: Occasion, turn: Transition, known: Known, run: int, record: Mapping[str, Any], sentences: Mapping[str, Sentence]
) -> Event:
    subject = known.resource
    return Event(
        digest("event", occasion, turn.id, run), occasion, turn.at, run, known.id, printable(known.rule), known.severity, printable(subject.type),
        _text(subject.id), _text(subject.account), _text(subject.region), _said(known.promises, sentences),
        None if turn.before is None else str(turn.before), str(turn.after), _text(turn.cause), known.counterexample,
        _text(record.get("remedy", "")),
    )  # fmt: skip


def _expiring(
    ending: Mapping[str, Acceptance], records: Mapping[str, Mapping[str, Any]], run: int, at: str, sentences: Mapping[str, Sentence]
) -> Iterator[Event]:
    """Exceptions that end soon, of findings that they still accept."""
    for name, held in sorted(ending.items()):
        record = records.get(name, {})
        if not record.get("accepted"):
            continue
        subject = record["resource"]
        what = f"the exception of {held.owner} ({held.reason}) ends on {held.expires}; from then on this breaks its promise: {record['explanation']}"
        yield Event(
            digest("event", Occasion.EXCEPTION_EXPIRING, name, held.expires, held.digest), Occasion.EXCEPTION_EXPIRING, at, run, name,
            printable(record["rule"]), record["severity"], printable(subject["type"]), _text(subject["id"]), _text(subject["account"]),
            _text(subject["region"]), _said(record["promises"], sentences), record["verdict"], record["verdict"], _text(what),
            held.digest, _text(record["remedy"]),
        )  # fmt: skip


def _said(promises: Iterable[str], sentences: Mapping[str, Sentence]) -> tuple[Sentence, ...]:
    """The promises that ask for a finding; of one that this run did not judge, its id alone."""
    return tuple(sentences.get(name, Sentence(printable(name), "", None)) for name in promises)


def _text(value: object) -> str:
    """Printable, and no longer than a message can hold."""
    text = printable(value)
    return text if len(text) <= _LONG else text[: _LONG - 3] + "..."
