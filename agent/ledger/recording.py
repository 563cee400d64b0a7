"""From a result to the ledger: `upheld check --record`."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, astuple, dataclass, field, replace
from datetime import timedelta
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Final

from agent.clock import Clock
from agent.gate import lacks_of
from agent.inputs import Inputs
from agent.ledger import LedgerError
from agent.ledger.changes import all_of
from agent.ledger.claim import claimed
from agent.ledger.ledger import Also, nothing_else
from agent.ledger.opening import Place
from agent.ledger.prune import oldest, prune
from agent.ledger.run_record import Run, moment
from agent.ledger.signing import Signer
from agent.publish.json_report import coverage_record, run_record
from agent.publish.notify.delivery import Delivery
from agent.publish.result import Result
from agent.rulebook import Rulebook
from checks.lifecycle import USUAL
from checks.model import canonical, digest
from checks.rule import Rule
from checks.summary import PromiseSummary, RuleSummary
from checks.target import about

DAY: Final = timedelta(days=1)


def claim(place: Place, stopping: Callable[[], bool]) -> AbstractContextManager[Callable[[], None]]:
    """Hold the part of the configuration against all other agents of its ledger; gives what raises LedgerError where it is not held any
    more. Raises LedgerError where another one has it for longer than a run may take."""
    end = time.monotonic() + place.configuration.settings.agent.run_limit

    def wait(seconds: float) -> bool:
        time.sleep(seconds)
        return not stopping() and time.monotonic() < end

    return claimed(place.database, place.part, wait)


@dataclass(slots=True)
class Recorder:
    """Puts results into one ledger. `failure`: why the last one is not in it."""

    place: Place
    signer: Signer
    inputs: Inputs
    clock: Clock
    live: bool
    """Whether what is recorded was collected just now."""
    delivery: Delivery | None = None
    failure: LedgerError | None = None
    _still: Callable[[], None] = field(default=lambda: None)

    @contextmanager
    def claim(self, stopping: Callable[[], bool]) -> Iterator[None]:
        """Hold what is judged, as `claim` does, until it is recorded."""
        with claim(self.place, stopping) as self._still:
            yield

    def __call__(self, result: Result, estate: Path, also: Also = nothing_else) -> None:
        """Record a result, with what was collected, and `also` what is to be there with it. What fails does not keep the result from
        being told."""
        try:
            self._record(result, estate, also)
        except LedgerError as error:
            self.failure = error
            result.notes.append(f"this run is not in the ledger: {error}")

    def _record(self, result: Result, estate: Path, beside: Also) -> None:
        self._still()
        run, evidence = replace(run_of(result, self.inputs), live=self.live), self.place.evidence
        archive = evidence.pack(estate, run.finished)
        entry = evidence.entry(archive)
        # Should this fail, the archive stays, for a commit that failed may still be found on the disk; it goes with the quota.
        told = nothing_else if self.delivery is None else self.delivery.put(result, self.inputs.exceptions)
        also = all_of([told, beside])
        result.recorded = self.place.ledger.append(run, self.signer, moment(self.clock.now().isoformat()), entry, also)
        if not result.recorded.again:
            evidence.forget(entry.get("dropped", ()))
        if archive is not None and archive.fresh and (result.recorded.again or entry["archive"] is None):
            evidence.forget([archive.name])
        self._prune()

    def _prune(self) -> None:
        """Once a day, records go that are older than they are to be kept."""
        keep = self.place.configuration.settings.agent.ledger.keep
        if keep is None:
            return
        now = self.clock.now()
        before = moment((now - timedelta(seconds=keep)).isoformat())
        try:
            if oldest(self.place.database) < moment((now - timedelta(seconds=keep) - DAY).isoformat()):
                prune(self.place.ledger, self.signer, self.place.evidence, before, moment(now.isoformat()))
        except LedgerError as error:  # the run is recorded all the same
            from agent import log

            log.logger().warning("ledger-not-pruned", detail=str(error))


def run_of(result: Result, inputs: Inputs) -> Run:
    """What a result leaves in the ledger."""
    assert result.whereabouts is not None
    finished = moment(result.manifest.finished)
    asked = sorted(promise.id for promise in inputs.promises.promises) if inputs.narrowed else None
    findings = hashlib.sha256()
    for record in result.findings.records():
        findings.update(canonical(record).encode("ascii"))
    told = {
        **run_record(result),
        "asked": asked,
        **({} if inputs.about is None else {"about": str(inputs.about)}),
        **({} if inputs.part is None else {"units": [list(astuple(unit)) for unit in sorted(inputs.part.units)]}),
        **({"changes": list(result.changes)} if result.changes else {}),
        "findings": findings.hexdigest(),
        "rules": rules_digest(inputs),
        "policies": policies(inputs),
        "coverage": {name: held for name, held in coverage_record(result).items() if name != "rules"},
    }
    return Run(
        digest(result.estate_digest, finished, asked, told["findings"]),
        finished,
        told["verdict"],
        [_promise(one, result) for one in result.promises],
        list(_coverage(result)),
        told,
        result.findings.records,
        result.whereabouts.of,
        inputs.narrowed,
        age=partial(_age, result, result.whereabouts.rules),
        part=inputs.configuration.settings.agent.ledger.part or "",
        looked={name: moment(at) if at else "" for name, at in result.looked.items()},
    )


def _age(result: Result, rules: Mapping[str, Rule], name: str) -> int:
    """How long a finding of a rule counts, in seconds."""
    most = result.ages.by.get(about(rules[name]))
    return USUAL if most is None else int(most.total_seconds())


def _promise(one: PromiseSummary, result: Result) -> dict[str, Any]:
    until = result.until.get(one.id)
    return {
        "id": one.id, "verdict": one.verdict, "open": one.open, "lacks": sorted(lacks_of(asdict(one))),
        "until": None if until is None else moment(until.isoformat()),
    }  # fmt: skip


def _coverage(result: Result) -> Iterator[dict[str, Any]]:
    for promise in result.promises:
        for place, control in enumerate(promise.controls):
            for rule in control.rules:
                yield _covered(promise.id, place, rule)
    for rule in result.rules:
        yield _covered("", 0, rule)


def _covered(promise: str, control: int, rule: RuleSummary) -> dict[str, Any]:
    decided, unseen = rule.counts["upheld"] + rule.counts["broken"], rule.counts["unproven"]
    return {"promise": promise, "control": control, "rule": rule.rule, "known": decided + unseen, "seen": decided, "gaps": unseen}


def rules_digest(inputs: Inputs) -> str:
    """SHA-256 over all rules, as they mean."""
    return _digest_of(inputs.book)


@lru_cache(maxsize=2)
def _digest_of(book: Rulebook) -> str:
    """An agent's rules are the same from run to run."""
    rules = {**book.rules, **book.log_rules}
    text = canonical([rules[name].file.model_dump(mode="json") for name in sorted(rules)])
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def policies(inputs: Inputs) -> dict[str, str | None]:
    """SHA-256 of each policy's text; None for one that could not be read."""
    return {
        name: None if held.text is None else hashlib.sha256(held.text.encode("utf-8", "surrogatepass")).hexdigest()
        for name, held in sorted(inputs.texts.items())
    }
