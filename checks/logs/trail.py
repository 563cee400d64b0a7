"""The chain of CloudTrail digests: which hours of delivery it proves, and what in the files contradicts it.

Each digest names and hashes the log files of its hour and the digest before it, and CloudTrail signs it. So what was
altered, deleted or added after delivery shows. Two things cannot: a newest digest deleted together with all that came
after (its hours are then `cannot tell` once they are due), and a backfill digest deleted together with its log files.

An hour is one of *delivery*, as in the digests: the events of an hour may be delivered in the next one.
Source: AWS CloudTrail User Guide, "CloudTrail digest file structure" and "Custom implementations of CloudTrail log
file integrity validation".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from checks.logs.digest import PERIOD, Chain, Digest, Key, Named, base, digest_name, log_name, tail, verify
from checks.logs.hours import Claim, Proof, Row, rows, uncovered, worst

_BESIDE: Final = re.compile("/CloudTrail-[A-Za-z]+/")
"""Folders beside that of the log files, as that of Insights events."""
DUE: Final = timedelta(hours=2)
"""After so long a digest is there: its hour, and the delay that is allowed it."""
STAMP: Final = timedelta(minutes=10)
"""How far the time in a log file's name may be from when it was delivered: the digest before may have been closed already."""


@dataclass(frozen=True, slots=True)
class Held:
    """A file: the SHA-256 of its uncompressed contents, or why there is none.

    `damaged` tells bytes that are there and are not what was delivered from bytes that could not be read.
    """

    path: str
    sha256: str | None = None
    fault: str = ""
    damaged: bool = False


@dataclass(frozen=True, slots=True)
class DigestFile:
    """A digest file, what it says (None: it cannot be read), and the signature in the object's metadata, where that was given."""

    file: Held
    digest: Digest | None
    signature: str | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong or not known, and where: `file` is a path, or the key of what is not there."""

    chain: Chain | None
    proof: Proof
    kind: str
    file: str
    what: str
    start: datetime | None
    end: datetime | None


@dataclass(frozen=True, slots=True)
class ChainReport:
    """One chain: its hours in the window, and how much was looked at."""

    chain: Chain
    start: datetime
    until: datetime
    hours: tuple[Row, ...]
    digests: int
    backfills: int
    logs: int
    keys: int
    earlier: bool
    """Whether its first digest names one before it, which was not given."""


@dataclass(frozen=True, slots=True)
class TrailReport:
    """All chains, and every problem."""

    chains: tuple[ChainReport, ...]
    problems: tuple[Problem, ...]

    @property
    def proof(self) -> Proof:
        """The worst of all. What is not due yet is neutral; where no hour at all is proven, nothing can be told."""
        found = [*(row.proof for chain in self.chains for row in chain.hours), *(problem.proof for problem in self.problems)]
        return worst(proof for proof in found if proof is not Proof.NOT_YET_DUE)


def examine(
    digests: Sequence[DigestFile],
    logs: Sequence[Held] | None,
    keys: Sequence[Key],
    *,
    since: datetime | None,
    until: datetime,
) -> TrailReport:
    """Judge the files of a trail. `logs` is None where log files were not looked at; `since` None is each chain's first digest."""
    return _Trail(digests, logs, keys, since, until).report()


class _Trail:
    def __init__(
        self, digests: Sequence[DigestFile], logs: Sequence[Held] | None, keys: Sequence[Key], since: datetime | None, until: datetime
    ) -> None:
        self.files, self.logs, self.keys, self.since, self.until = digests, logs, keys, since, until
        self.problems: list[Problem] = []
        self.read = [(one, one.digest) for one in digests if one.digest is not None]
        self.successors: dict[str, list[Digest]] = {}
        for _, digest in self.read:
            if digest.previous:
                self.successors.setdefault(digest.previous.key, []).append(digest)
        self.found: dict[str, list[Held]] = {}
        for log in logs or ():
            self.found.setdefault(base(log.path), []).append(log)
        self.signed: dict[int, bool | None] = {}
        self.named: dict[str, list[str]] = {}
        self.claimed: dict[str, list[str]] = {}
        """What only digests name that nothing shows to be CloudTrail's."""
        self.spans: dict[tuple[str, str], list[Claim]] = {}

    def report(self) -> TrailReport:
        for one, digest in self.read:
            self._signature(one, digest)
        for one, digest in self.read:
            self._digest(one, digest)
        for one in self.files:
            if one.digest is None:
                self._unread(one.file)
        chains = sorted({digest.chain for _, digest in self.read} | {p.chain for p in self.problems if p.chain})
        covered = {chain: self._walk(chain) for chain in chains}
        for log in self.logs or ():
            self._unnamed(log, chains)
        reports = [self._chain(chain, claims) for chain, claims in covered.items()]
        return TrailReport(tuple(reports), tuple(one for one in self.problems if self._in_window(one)))

    def _in_window(self, one: Problem) -> bool:
        return one.start is None or one.end is None or (one.start < self.until and (self.since is None or one.end > self.since))

    def _tell(self, chain: Chain | None, proof: Proof, kind: str, file: str, what: str, span: tuple[datetime, datetime] | None) -> None:
        start, end = span or (None, None)
        self.problems.append(Problem(chain, proof, kind, file, what, start, end))

    def _unread(self, file: Held) -> None:
        name = digest_name(file.path)
        proof = Proof.BROKEN if file.damaged else Proof.CANNOT_TELL
        span = (name.end - PERIOD, name.end) if name else None
        self._tell(name.chain if name else None, proof, "damaged-digest" if file.damaged else "unread-digest", file.path, file.fault, span)

    def _signature(self, one: DigestFile, digest: Digest) -> None:
        after = [held.previous.signature for held in self.successors.get(digest.key, ()) if held.previous]
        given = [*after, *([one.signature] if one.signature else [])]
        signed, why = verify(digest, given, self.keys)
        self.signed[id(digest)] = signed
        span = (digest.start, digest.end)
        if signed is False:
            self._tell(digest.chain, Proof.BROKEN, "forged-digest", one.file.path, why, span)
        elif signed is None:
            self._tell(digest.chain, Proof.CANNOT_TELL, "unsigned-digest", one.file.path, why, span)
            if len({signature.lower() for signature in given}) > 1:
                self._tell(digest.chain, Proof.BROKEN, "broken-link", one.file.path, "two different signatures are given for it", span)

    def _digest(self, one: DigestFile, digest: Digest) -> None:
        span = (digest.start, digest.end)
        if not _at(one.file.path, digest.key):
            self._tell(digest.chain, Proof.BROKEN, "moved-digest", one.file.path, f"CloudTrail delivered it as {digest.key}", span)
        for after in self.successors.get(digest.key, ()):
            self._link(one, digest, after)
        if self.signed[id(digest)] is False:
            return
        for log in digest.logs:
            (self.named if self.signed[id(digest)] else self.claimed).setdefault(base(log.key), []).append(log.key)
        if self.logs is None:
            if digest.logs:
                what = f"its {len(digest.logs)} log files were not looked at"
                self._tell(digest.chain, Proof.CANNOT_TELL, "logs-not-read", one.file.path, what, span)
            return
        for log in digest.logs:
            for proof, kind, file, what in self._log(log):
                self._tell(digest.chain, proof, kind, file, what, span)

    def _link(self, one: DigestFile, digest: Digest, after: Digest) -> None:
        assert after.previous is not None
        if self.signed[id(after)] is False or after.previous.sha256 == digest.sha256:
            return
        if after.previous.sha256 is None:
            proof, what = Proof.CANNOT_TELL, "the digest after it hashes it in a way that is not known here"
        else:
            proof, what = Proof.BROKEN, f"it is not the file that the next digest names: {base(after.key)}"
        guilty = after if self.signed[id(digest)] and not self.signed[id(after)] else digest
        self._tell(digest.chain, proof, "broken-link", one.file.path, what, (guilty.start, guilty.end))

    def _log(self, named: Named) -> Iterator[tuple[Proof, str, str, str]]:
        files = self.found.get(base(named.key), [])
        here = [file for file in files if _at(file.path, named.key)]
        if not here:
            where = f"; {files[0].path} stands elsewhere" if files else ""
            yield Proof.BROKEN, "missing-log", named.key, f"a log file that a digest names is not there: deleted, or not downloaded{where}"
        for file in here:
            if file.sha256 is None:
                kind = "damaged-log" if file.damaged else "unread-log"
                yield Proof.BROKEN if file.damaged else Proof.CANNOT_TELL, kind, file.path, file.fault
            elif named.sha256 is None:
                yield Proof.CANNOT_TELL, "unread-log", file.path, "the digest hashes it in a way that is not known here"
            elif file.sha256 != named.sha256:
                yield Proof.BROKEN, "altered-log", file.path, "its contents are not those that the digest hashed"

    def _walk(self, chain: Chain) -> list[Claim]:
        """What the chain's digests cover, and what is missing between them."""
        mine = [digest for _, digest in self.read if digest.chain == chain and self.signed[id(digest)] is not False]
        hourly = sorted(({digest.key: digest for digest in mine if not digest.backfill}).values(), key=lambda one: (one.end, one.key))
        there = {digest.key for digest in mine}
        for before, digest in pairwise(hourly):
            self._step(before, digest, there)
        for digest in [one for one in mine if one.backfill]:
            if digest.previous and digest.previous.key not in there:
                self._missing(chain, digest.previous.key, None)
        if hourly and self.since and self.since < hourly[0].start:
            first = hourly[0]
            if first.previous and first.previous.key not in there:
                self._missing(chain, first.previous.key, None)
            self._tell(chain, Proof.CANNOT_TELL, "no-digest", "", "there is no digest so far back", (self.since, first.start))
        return [Claim(one.start, one.end, Proof.PROVEN) for one in hourly]

    def _step(self, before: Digest, digest: Digest, there: set[str]) -> None:
        between = (before.end, digest.start) if before.end < digest.start else None
        if digest.previous is None:
            what = "the chain begins anew after it: logging or its validation was off"
            if between:
                self._tell(digest.chain, Proof.CANNOT_TELL, "gap", digest.key, what, between)
        elif digest.previous.key not in there:
            self._missing(digest.chain, digest.previous.key, between)
        elif between:
            self._tell(digest.chain, Proof.CANNOT_TELL, "gap", digest.key, "no digest covers it, though none is missing", between)

    def _missing(self, chain: Chain, key: str, between: tuple[datetime, datetime] | None) -> None:
        name = digest_name(key)
        span = between or ((name.end - PERIOD, name.end) if name else None)
        what = "a digest that the next one names is not there: deleted, or not downloaded"
        self._tell(chain, Proof.BROKEN, "missing-digest", key, what, span)

    def _unnamed(self, log: Held, chains: Iterable[Chain]) -> None:
        if self._is_in(self.named, log):
            return
        claimed = self._is_in(self.claimed, log)
        if claimed and not self.keys:
            return  # no hour is proven, and why is said of its digest
        name = log_name(log.path)
        if _BESIDE.search(log.path):
            what = "no digest names it, and whether digests name files of this folder is not documented"
            self._tell(None, Proof.CANNOT_TELL, "unnamed-log", log.path, what, None)
            return
        if name is None:
            self._tell(None, Proof.BROKEN, "unnamed-log", log.path, "no digest names it, and it has no name that CloudTrail gives", None)
            return
        own = [chain for chain in chains if (chain.account, chain.region) == (name.account, name.region)]
        near = (name.delivered - STAMP, name.delivered + STAMP)
        spans = self._spans(name.account, name.region)
        if claimed:
            proof, what = Proof.CANNOT_TELL, "only a digest names it that nothing shows to be CloudTrail's"
        elif not any(uncovered(spans, *near)):
            proof, what = Proof.BROKEN, "no digest names it: forged, of a trail without digests, or still to be named by a backfill digest"
        elif spans and near[1] >= spans[-1].end and name.delivered >= self.until - DUE:
            proof, what = Proof.NOT_YET_DUE, "the digest that is to name it is not due yet"
        else:
            proof, what = Proof.CANNOT_TELL, "there is no digest of when it was delivered"
        told: list[Chain | None] = [*own] or [None]
        for chain in told:
            self._tell(chain, proof, "unnamed-log", log.path, what, (name.delivered, name.delivered + timedelta(minutes=1)))

    @staticmethod
    def _is_in(named: Mapping[str, list[str]], log: Held) -> bool:
        return any(_at(log.path, key) for key in named.get(base(log.path), ()))

    def _spans(self, account: str, region: str) -> list[Claim]:
        """What the hourly digests of an account and region cover, whichever trail's they are."""
        if (account, region) not in self.spans:
            self.spans[account, region] = sorted(
                Claim(one.start, one.end, Proof.PROVEN)
                for _, one in self.read
                if (one.chain.account, one.chain.region) == (account, region) and not one.backfill and self.signed[id(one)] is not False
            )
        return self.spans[account, region]

    def _chain(self, chain: Chain, covered: list[Claim]) -> ChainReport:
        mine = [digest for _, digest in self.read if digest.chain == chain]
        told = [
            Claim(one.start, one.end, one.proof, f"{one.what} ({base(one.file)})" if one.file else one.what)
            for one in self.problems
            if one.chain == chain and one.start is not None and one.end is not None
        ]
        known = [*covered, *told]
        start = self.since or min((claim.start for claim in known), default=self.until)
        last = max((claim.end for claim in covered), default=start)
        due = max(last, self.until - DUE)
        if last < due:
            what = "no digest covers it: the newest were deleted or not downloaded, or the trail was stopped"
            self._tell(chain, Proof.CANNOT_TELL, "no-digest", "", what, (last, due))
            known.append(Claim(last, due, Proof.CANNOT_TELL, what))
        if due < self.until:
            known.append(Claim(due, self.until, Proof.NOT_YET_DUE, "its digest is not due yet"))
        first = min((digest for digest in mine if not digest.backfill), key=lambda one: one.end, default=None)
        return ChainReport(
            chain, start, self.until, tuple(rows(known, start, self.until)), sum(not one.backfill for one in mine),
            sum(one.backfill for one in mine), sum(len(one.logs) for one in mine), len({one.fingerprint for one in mine}), bool(first and first.previous),
        )  # fmt: skip


def _at(path: str, key: str) -> bool:
    """Whether a file stands where its key says, as far as its path tells."""
    placed = tail(path)
    return base(path) == base(key) if placed is None else placed == tail(key)
