"""botocore's service models, read once, and cut down to the calls of the catalogue and those that read logs.

A client made from such a model has no method for any other call: what this program can ask of AWS is what
`upheld permissions aws` prints. It is also what makes 50 services fit into little memory.
"""

from __future__ import annotations

import functools
import gzip
import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import botocore.loaders
import botocore.session
import orjson

from checks.catalogue import Catalogue, Kind, TagCall

if TYPE_CHECKING:
    import boto3

_PROSE = ("documentation", "examples")
_BESIDE = {"s3": {"HeadBucket", "CreateSession"}}
"""Calls that botocore makes by itself: to find a bucket's region, and for directory buckets."""
_OF_LOGS = {
    "s3": {"ListObjectsV2", "GetObject", "HeadObject"},
    "cloudtrail": {"ListPublicKeys"},
    "sqs": {"ReceiveMessage", "DeleteMessage"},
}
"""Calls that read logs, and the queue of one's own that announces them (`agent/commands/permissions.py` prints what they need)."""


class _Files(botocore.loaders.JSONFileLoader):
    """Models as plain dictionaries, in a third of the time: botocore's own takes each object through an OrderedDict."""

    def load_file(self, file_path: str) -> Any:
        for ending, opened in ((".json", open), (".json.gz", gzip.open)):
            if os.path.isfile(file_path + ending):
                with opened(file_path + ending, "rb") as file:
                    return orjson.loads(file.read())
        return None


class _Loader(botocore.loaders.Loader):
    """Loads only the operations named in `operations`; services that are not in it are loaded whole."""

    def __init__(self) -> None:
        super().__init__(file_loader=_Files())
        self.operations: Mapping[str, frozenset[str]] = {}
        self._models: dict[tuple[str, str | None], Any] = {}

    def load_service_model(self, service_name: str, type_name: str, api_version: str | None = None) -> Any:
        if type_name != "service-2":
            return super().load_service_model(service_name, type_name, api_version)
        key = (service_name, api_version)
        if key not in self._models:
            model = super().load_service_model(service_name, type_name, api_version)
            wanted = self.operations.get(service_name)
            self._models[key] = _without_prose(_cut(model, wanted) if wanted is not None else model)
            self._forget(service_name)
        return self._models[key]

    def _forget(self, service: str) -> None:
        """botocore's own cache holds the whole model; what was cut out of it is all that is needed from now on."""
        cache: dict[tuple[object, ...], Any] = self._cache  # type: ignore[attr-defined] # kept by botocore.loaders.instance_cache
        for key in [key for key in cache if any(str(part) == service or str(part).startswith(f"{service}/") for part in key)]:
            del cache[key]


def _cut(model: Mapping[str, Any], wanted: frozenset[str]) -> dict[str, Any]:
    """The model with only these operations, and the shapes that they reach."""
    operations = {name: held for name, held in model["operations"].items() if name in wanted}
    shapes: dict[str, Any] = {}
    todo = list(_references(operations))
    while todo:
        name = todo.pop()
        if name not in shapes:
            shapes[name] = model["shapes"][name]
            todo += _references(shapes[name])
    return {**model, "operations": operations, "shapes": shapes}


def _references(value: Any) -> Iterable[str]:
    """The names of all shapes that a part of a model refers to."""
    if isinstance(value, dict):
        for name, held in value.items():
            if name == "shape" and isinstance(held, str):
                yield held
            else:
                yield from _references(held)
    elif isinstance(value, list):
        for held in value:
            yield from _references(held)


def _without_prose(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: "" if name in _PROSE and isinstance(held, str) else _without_prose(held) for name, held in value.items()}
    return [_without_prose(held) for held in value] if isinstance(value, list) else value


@functools.cache
def loader() -> _Loader:
    """One loader for the whole process."""
    return _Loader()


def confine(catalogue: Catalogue) -> botocore.loaders.Loader:
    """The loader, from now on with no other calls than the catalogue's and those that read logs."""
    operations: dict[str, set[str]] = {}
    for held in (_BESIDE, _OF_LOGS):
        for service, calls in held.items():
            operations.setdefault(service, set()).update(calls)
    for kind in catalogue.values():
        for service, call in _calls(kind):
            operations.setdefault(service, set()).add(call)
    loader().operations = {service: frozenset(calls) for service, calls in operations.items()}
    return loader()


def _calls(kind: Kind) -> Iterable[tuple[str, str]]:
    if kind.list_ != "none":
        yield kind.service, kind.list_.call
    if isinstance(kind.tags, TagCall):
        yield kind.service, kind.tags.call
    for detail in kind.detail:
        yield detail.service or kind.service, detail.call


def session(**settings: Any) -> boto3.Session:
    """A boto3 session that reads its models here."""
    import boto3

    core = botocore.session.Session()
    core.register_component("data_loader", loader())
    return boto3.Session(botocore_session=core, **settings)
