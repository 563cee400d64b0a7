"""Log sources read into estates, made in a test."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from agent.collect.estate import EstateWriter, read_estate
from agent.collect.logs import stage
from agent.collect.logs.counting import Question
from agent.collect.logs.files import LocalFiles
from agent.collect.logs.memory import LogMemory
from agent.collect.logs.stage import LogSource
from agent.collect.logs.trail_files import read_trail
from checks.judge import bind, judge
from checks.logs.digest import Key, read_keys
from checks.logs.source import SOURCE, question
from checks.logs.trail import Held, TrailReport, examine
from checks.model import GLOBAL, Estate, Manifest, Scope
from checks.rule import Rule
from tests.world.trails import ACCOUNT, REGION, Trail, key_list, text


def source(root: Path, format_: str = "cloudtrail", **more: object) -> LogSource:
    given = {"account": ACCOUNT, "window": timedelta(hours=6), **more}
    return LogSource("trail", given.pop("account"), format_, LocalFiles((root,)), given.pop("window"), **given)  # type: ignore[arg-type]


def of_trail(trail: Trail, **more: object) -> LogSource:
    """A trail as a source, with its digests."""
    keys: Sequence[Key] = read_keys(key_list(0))

    def examined(held: Sequence[Held], start: datetime, until: datetime) -> TrailReport:
        return examine(
            read_trail([LocalFiles((trail.root,))], since=start, until=until, logs=False).digests, held, keys, since=start, until=until
        )

    return source(trail.root, examine=examined, regions=frozenset({REGION}), **more)


def questions(rules: Iterable[Rule], now: datetime) -> list[Question]:
    return [Question(question(one, one.params({}), now), one.kind, one.file.control, one.document, one.params({})) for one in rules]


def collected(
    place: Path, sources: Iterable[LogSource], rules: Sequence[Rule], now: datetime, *,
    memory: Path | None = None, late: Callable[[], bool] = lambda: False, **more: Any,
) -> Estate:  # fmt: skip
    with EstateWriter(place) as writer, LogMemory(memory) as held:
        accounts = set()
        for one in sources:
            accounts.add(one.account)
            stage.collect(one, questions(rules, now), held, writer, now, late, **more)
        scope = Scope(dict.fromkeys(sorted(accounts), (GLOBAL,)), (SOURCE,))
        writer.finish(Manifest("upheld.estate/1", text(now), text(now), "test", {}, None, scope))
    return read_estate(place)


def verdicts(estate: Estate, *rules: Rule) -> dict[str, str]:
    return {one.resource.id: str(one.verdict) for one in judge(estate, {}, bind(rules, [], every=True), {})}
