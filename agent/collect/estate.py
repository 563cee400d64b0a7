"""Estates on disk: a folder of JSON lines that people can read, sealed by the hashes in its manifest.

manifest.json                              scope, times, identity, SHA-256 of every other file
looks.jsonl  gaps.jsonl
<provider>/<account>/<region>/<type>.jsonl one resource a line, ordered by id
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Any, Self

from agent.collect.serialized import Serialized, to_json
from checks.model import Estate, Gap, Look, Manifest, Reason, Resource, Scope

SCHEMA = "upheld.estate/1"
MANIFEST = "manifest.json"


class EstateError(ValueError):
    """A folder that is not an estate, or no longer the one that was sealed."""


class EstateWriter:
    """Writes an estate beside its place and moves it there when it is whole: a folder that is there is complete.

    A context manager: leaving it by an exception leaves nothing behind. Raises EstateError where the place is taken.
    """

    def __init__(self, place: Path, remember: Iterable[str] = ()) -> None:
        if place.exists() and (not place.is_dir() or any(place.iterdir())):
            raise EstateError(f"{place} is there already: an estate is never written over another; name a new folder")
        self._place, self.remembers = place, frozenset(remember)
        self.remembered: list[Resource] = []
        """The resources of the types that a later stage of the collection asks for."""
        self.remembered_gaps: list[Gap] = []
        """The gaps of these types."""
        self._looks: dict[str, Look] = {}
        self._gaps: list[Gap] = []

    def __enter__(self) -> Self:
        self._place.parent.mkdir(parents=True, exist_ok=True)
        self._folder = Path(tempfile.mkdtemp(prefix=f".{self._place.name}-", dir=self._place.parent))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def add_look(self, look: Look) -> None:
        self._looks[look.id] = look

    def add_gap(self, gap: Gap) -> None:
        if gap.type in self.remembers:
            self.remembered_gaps.append(gap)
        self._gaps.append(gap)

    def add_resources(self, resources: Iterable[Resource]) -> None:
        """Append the resources of one listing to their files."""
        files: dict[tuple[str, str, str], list[Resource]] = {}
        for resource in resources:
            if resource.type in self.remembers:
                data = resource.data
                self.remembered.append(dataclasses.replace(resource, data=data.plain()) if isinstance(data, Serialized) else resource)
            files.setdefault((resource.type, resource.account, resource.region), []).append(resource)
        for (type_, account, region), members in files.items():
            file = self._folder / _safe(type_.partition(".")[0]) / _safe(account) / _safe(region) / f"{_safe(type_)}.jsonl"
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("a", encoding="ascii") as stream:
                for resource in sorted(members, key=lambda resource: resource.id):
                    stream.write(line_of(_resource_record(resource)))

    def finish(self, manifest: Manifest) -> None:
        """Seal the estate and move it to its place."""
        _write_lines(self._folder / "looks.jsonl", (dataclasses.asdict(self._looks[name]) for name in sorted(self._looks)))
        gaps = sorted({line_of(dataclasses.asdict(gap)) for gap in self._gaps})
        (self._folder / "gaps.jsonl").write_text("".join(gaps), encoding="ascii")
        hashes = {str(name): sha256_of(self._folder / name) for name in _files(self._folder)}
        record = {**dataclasses.asdict(manifest), "files": hashes}
        (self._folder / MANIFEST).write_text(json.dumps(record, indent=2, sort_keys=True) + "\n", encoding="ascii")
        if self._place.exists():
            self._place.rmdir()
        self._folder.chmod(0o755)
        os.replace(self._folder, self._place)


def read_estate(place: Path, types: Collection[str] | None = None) -> Estate:
    """Load an estate, or some types of one. Raises EstateError where a file is missing, unlisted, or not the bytes that were sealed."""
    record = manifest_record(place)
    hashes = record.pop("files")
    found = {str(name) for name in _files(place)}
    if missing := sorted(set(hashes) - found):
        raise EstateError(f"{place}: {missing[0]} is gone from this estate")
    if extra := sorted(found - set(hashes)):
        raise EstateError(f"{place}: {extra[0]} is not named in the manifest")
    if types is not None:
        hashes = {name: held for name, held in hashes.items() if "/" not in name or PurePosixPath(name).stem in types}
    for name, expected in hashes.items():
        if sha256_of(place / name) != expected:
            raise EstateError(f"{place}: {name} was changed after the estate was sealed (its SHA-256 differs)")
    try:
        manifest = Manifest(**{**record, "scope": scope_of(record["scope"])})
        resources: dict[str, list[Resource]] = {}
        for name in sorted(hashes):
            if name.endswith(".jsonl") and "/" in name:
                for line in _lines(place / name):
                    resource = Resource(**{**line, "evidence": tuple(line["evidence"])})
                    resources.setdefault(resource.type, []).append(resource)
        looks = tuple(Look(**line) for line in _lines(place / "looks.jsonl") if types is None or line["type"] in types)
        lines = (line for line in _lines(place / "gaps.jsonl") if types is None or line["type"] in types)
        gaps = tuple(Gap(**{**line, "reason": Reason(line["reason"])}) for line in lines)
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise EstateError(f"{place}: not an estate of schema {SCHEMA}: {error}") from error
    return Estate(manifest, {kind: tuple(members) for kind, members in resources.items()}, looks, gaps)


def scope_of(record: Mapping[str, Any]) -> Scope:
    """The scope that a manifest records."""
    return Scope({account: tuple(regions) for account, regions in record["accounts"].items()}, tuple(record["types"]))


def manifest_record(place: Path) -> dict[str, Any]:
    try:
        record = json.loads((place / MANIFEST).read_text(encoding="ascii"))
    except FileNotFoundError:
        raise EstateError(f"{place} is not an estate: there is no {MANIFEST}; `upheld collect -o DIR` makes one") from None
    except (OSError, ValueError, RecursionError) as error:
        raise EstateError(f"{place}: {MANIFEST} cannot be read: {error}") from error
    if not isinstance(record, dict) or record.get("schema") != SCHEMA or not isinstance(record.get("files"), dict):
        raise EstateError(f"{place}: {MANIFEST} is not of schema {SCHEMA}")
    return record


def _resource_record(resource: Resource) -> Mapping[str, Any]:
    return {field.name: getattr(resource, field.name) for field in dataclasses.fields(resource)}


def line_of(record: Mapping[str, Any]) -> str:
    """ASCII, with sorted keys."""
    line = to_json(record)
    if line.isascii():
        return f"{line.decode('ascii')}\n"
    return json.dumps(record, default=dict, sort_keys=True, separators=(",", ":")) + "\n"


def _write_lines(file: Path, records: Iterable[Mapping[str, Any]]) -> None:
    with file.open("w", encoding="ascii") as stream:
        stream.writelines(map(line_of, records))


def _lines(file: Path) -> Iterator[dict[str, Any]]:
    with file.open(encoding="ascii") as stream:
        yield from map(json.loads, stream)


def _files(folder: Path) -> list[PurePosixPath]:
    names = (PurePosixPath(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())
    return sorted(name for name in names if str(name) != MANIFEST)


def sha256_of(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _safe(name: str) -> str:
    """A name as one path component."""
    return "".join(char if char.isalnum() or char in "-_." else "_" for char in name).lstrip(".") or "_"
