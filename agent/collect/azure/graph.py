"""Resource Graph: the second enumeration of what Resource Manager lists.

It shows only what the caller may read, says nothing of subscriptions that the caller may not, and lags behind (Azure Resource
Graph documentation, "What is Azure Resource Graph?", permissions and how it is kept current). So what it shows beyond a list is
asked about once more before it counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from agent.collect.aws.errors import Failure
from agent.collect.azure.client import Answer, Halt
from agent.collect.azure.errors import GONE
from agent.collect.azure.listing import Record
from agent.collect.azure.reading import region
from agent.collect.azure.subscriptions import Entered, by_tenant
from agent.collect.azure.tasks import Tasks
from checks.catalogue import Catalogue, Kind
from checks.model import GLOBAL, Gap, Reason
from checks.plan import AZURE_KINDS, Plan, whole

READ: Final = "Microsoft.ResourceGraph/resources/read"
CALL: Final = "POST Microsoft.ResourceGraph/resources"
_IDS: Final = "Resources | where type in~ ({types}) | project id, type, subscriptionId, location | order by id asc"
Seen = Mapping[tuple[str, str], frozenset[str]]
"""(Subscription, type) of each whole list -> its ids."""


@dataclass(frozen=True, slots=True)
class SecondLook:
    """Holds the whole lists of a collection against Resource Graph; a difference is a gap that names the id."""

    tasks: Tasks
    record: Record
    catalogue: Catalogue
    plan: Plan
    seen: Seen

    def ask(self, entered: Sequence[Entered]) -> None:
        kinds = [self.catalogue[name] for name in whole(self.plan, self.catalogue)]
        types = {kind.arm.type.lower(): kind for kind in kinds if kind.arm is not None and kind.arm.graph}
        for group in by_tenant(one for one in entered if one.settings.resource_graph):
            if types:
                query = _IDS.format(types=", ".join(f"'{type_}'" for type_ in sorted(types)))
                then = partial(self._answered, group, types)
                self.tasks.ask(partial(group[0].arm.graph, query, [one.id for one in group]), then)

    def _answered(self, group: Sequence[Entered], types: Mapping[str, Kind], answer: Answer | Halt) -> None:
        shown: dict[tuple[str, str], dict[str, Shown]] = {}
        if not isinstance(answer, Halt):
            for row in answer.items:
                if (told := _row(row)) is None:
                    answer = Halt(Failure(Reason.MALFORMED, "MissingMember", "a row without its id, type and subscription"))
                    break
                subscription, type_, one_shown = told
                shown.setdefault((subscription, type_), {})[one_shown.id.lower()] = one_shown
        if isinstance(answer, Halt):
            for one in group:
                self.gap(one, AZURE_KINDS, None, answer.failure, READ)
            return
        known = {type_ for _, type_ in shown}
        for one in group:
            for type_, kind in types.items():
                if (listed := self.seen.get((one.id, kind.name))) is not None:
                    self._held_against(one, kind, shown.get((one.id, type_), {}), listed, told=type_ in known)

    def _held_against(self, one: Entered, kind: Kind, shown: Mapping[str, Shown], listed: frozenset[str], *, told: bool) -> None:
        assert kind.arm is not None
        for id_ in sorted(shown.keys() - listed):
            call = partial(one.arm.one, shown[id_].id, kind.arm.api, None, lambda answer: answer.get("id"))
            self.tasks.ask(call, partial(self._confirmed, one, kind, id_, shown[id_].region))
        if told and not kind.arm.per:
            for id_ in sorted(listed - shown.keys()):
                failure = Failure(
                    Reason.STALE, "NotInResourceGraph", f"{kind.arm.type} lists it, and Resource Graph does not show it (yet)"
                )
                self.gap(one, AZURE_KINDS, id_, failure, None)

    def _confirmed(self, one: Entered, kind: Kind, id_: str, region: str, answer: Answer | Halt) -> None:
        assert kind.arm is not None
        if isinstance(answer, Halt) and answer.failure.code in GONE:
            return  # deleted, and Resource Graph does not know it yet
        problem = "Resource Graph shows it, and the list of its type does not"
        if isinstance(answer, Halt):
            failure = Failure(answer.failure.reason, answer.failure.code, f"{problem}; asked for itself: {answer.failure.message}")
        else:
            failure = Failure(Reason.FAILED, "NotListed", f"{problem}, though it is there")
        self.gap(one, kind.name, id_, failure, kind.arm.permission, region)
        for child in self._below(kind.name):
            told = Failure(failure.reason, failure.code, f"what is below {id_} was not asked for: {failure.message}")
            self.gap(one, child, None, told, kind.arm.permission)

    def _below(self, name: str) -> Iterator[str]:
        """The types of the plan that are listed below those of a type."""
        for child in whole(self.plan, self.catalogue):
            arm = self.catalogue[child].arm
            if arm is not None and arm.per == name:
                yield child
                yield from self._below(child)

    def gap(self, one: Entered, type_: str, id_: str | None, failure: Failure, action: str | None, region: str = GLOBAL) -> None:
        """`region`: where it is, as the finding on it is the same one that there was when it was listed."""
        needed = action if failure.reason is Reason.DENIED else None
        self.record.writer.add_gap(Gap(type_, one.id, region, id_, None, failure.reason, CALL, failure.code, failure.message, needed))


@dataclass(frozen=True, slots=True)
class Shown:
    """A resource as Resource Graph shows it."""

    id: str
    region: str


def _row(row: Any) -> tuple[str, str, Shown] | None:
    """(Subscription, type, resource) of a row."""
    held = [row.get(name) for name in ("subscriptionId", "type", "id")] if isinstance(row, dict) else []
    if not held or not all(isinstance(one, str) for one in held):
        return None
    return str(held[0]).lower(), str(held[1]).lower(), Shown(str(held[2]), region(row))
