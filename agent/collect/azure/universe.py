"""What exists in Azure beside what is read of it: the tenant's subscriptions, and how many resources of each kind there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from agent.collect.aws.errors import Failure
from agent.collect.azure.client import Answer, Halt
from agent.collect.azure.graph import CALL, READ
from agent.collect.azure.listing import Record
from agent.collect.azure.roles import EVERYTHING
from agent.collect.azure.subscriptions import DESCENDANTS, Entered, by_tenant, descendants, visible
from agent.collect.azure.tasks import Tasks
from checks.model import GLOBAL, Gap, Reason, Resource
from checks.plan import AZURE_KINDS, AZURE_SUBSCRIPTIONS, Plan

_COUNTS: Final = "Resources | summarize number = count() by subscriptionId, type | order by subscriptionId asc, type asc"


@dataclass(frozen=True, slots=True)
class Universe:
    """Asks what exists, as far as the plan wants to know."""

    tasks: Tasks
    record: Record
    plan: Plan

    def ask(self, entered: Sequence[Entered]) -> None:
        for group in by_tenant(entered):
            if AZURE_SUBSCRIPTIONS in self.plan:
                self.tasks.ask(partial(visible, group[0].arm), partial(self._visible, group[0]))
            if AZURE_KINDS in self.plan:
                self._kinds([one for one in group if one.settings.resource_graph])
                for one in group:
                    if not one.settings.resource_graph:
                        self._gap(one, AZURE_KINDS, Failure(Reason.NOT_COLLECTED, "", "the configuration says resource_graph: false"), "")

    # -- subscriptions --------------------------------------------------------------------------------------------

    def _visible(self, first: Entered, answer: Answer | Halt) -> None:
        """What the caller sees is known to exist, and need not be all."""
        call = "GET subscriptions"
        known = dict(answer.items)
        if isinstance(answer, Halt):
            self._gap(first, AZURE_SUBSCRIPTIONS, answer.failure, call, "Microsoft.Resources/subscriptions/read")
        else:
            self.record.look(AZURE_SUBSCRIPTIONS, first.id, call, "visible", answer, len(known))
        if first.tenant is None:
            failure = Failure(Reason.MALFORMED, "MissingMember", "the subscription does not tell its tenant")
            self._all(first, known, Halt(failure))
        else:
            self.tasks.ask(partial(descendants, first.arm, first.tenant), partial(self._all, first, known))

    def _all(self, first: Entered, known: Mapping[str, dict[str, Any]], answer: Answer | Halt) -> None:
        call = "GET managementGroups/{tenantId}/descendants"
        found = {**known, **{id_: {**data, **known.get(id_, {})} for id_, data in answer.items}}
        look: tuple[str, ...] = ()
        if isinstance(answer, Halt):
            self._gap(first, AZURE_SUBSCRIPTIONS, answer.failure, call, DESCENDANTS)
        else:
            look = (self.record.look(AZURE_SUBSCRIPTIONS, first.id, call, None, answer, len(answer.items)),)
        resources = [Resource(id_, AZURE_SUBSCRIPTIONS, first.id, GLOBAL, data, {}, look) for id_, data in found.items()]
        self.record.writer.add_resources(resources)

    # -- kinds ----------------------------------------------------------------------------------------------------

    def _kinds(self, group: Sequence[Entered]) -> None:
        if group:
            self.tasks.ask(partial(group[0].arm.graph, _COUNTS, [one.id for one in group]), partial(self._counted, group))

    def _counted(self, group: Sequence[Entered], answer: Answer | Halt) -> None:
        counts = {one.id: dict[str, int]() for one in group}
        if not isinstance(answer, Halt):
            for row in answer.items:
                match row:
                    case {"subscriptionId": str() as subscription, "type": str() as type_, "number": int() as number}:
                        counts.setdefault(subscription.lower(), {})[type_.lower()] = number
                    case _:
                        answer = Halt(Failure(Reason.MALFORMED, "MissingMember", "a row without its subscription, type and number"))
                        break
        for one in group:
            if isinstance(answer, Halt):
                self._gap(one, AZURE_KINDS, answer.failure, CALL, READ)
                continue
            # Resource Graph counts what the caller may read: with less than everything, other kinds may be there and not be counted.
            if lack := one.lacks(EVERYTHING):
                self._gap(one, AZURE_KINDS, lack.failure, CALL, lack.action)
            held = counts[one.id]
            look = self.record.look(AZURE_KINDS, one.id, CALL, None, answer, len(held))
            self.record.writer.add_resources(
                Resource(type_, AZURE_KINDS, one.id, GLOBAL, {"count": number}, {}, (look,)) for type_, number in held.items()
            )

    def _gap(self, one: Entered, type_: str, failure: Failure, call: str, action: str | None = None) -> None:
        needed = action if failure.reason is Reason.DENIED else None
        self.record.writer.add_gap(Gap(type_, one.id, GLOBAL, None, None, failure.reason, call, failure.code, failure.message, needed))
