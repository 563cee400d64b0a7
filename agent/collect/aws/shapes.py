"""Shapes of AWS resource types, read from botocore's service models and cut down to what the catalogue keeps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from checks import paths
from checks.catalogue import Catalogue, Detail, Kind
from checks.shape import ANY, SCALAR, Shape, declared

if TYPE_CHECKING:
    from botocore.loaders import Loader
    from botocore.model import ServiceModel

_SCALARS = {
    "string": "string",
    "character": "string",
    "boolean": "boolean",
    "integer": "integer",
    "long": "integer",
    "float": "double",
    "double": "double",
    "timestamp": "timestamp",
    "blob": "string",
}
_DECODED = frozenset({"policyDocumentType"})
"""botocore's handlers decode these strings into the JSON they hold (botocore/handlers.py, json_decode_policies)."""
_DEEPEST = 14


class CatalogueError(ValueError):
    """The catalogue names a call or a member that the service model does not have."""


class AwsShapes(Mapping[str, Shape]):
    """The shape of each type, built when it is first asked for; one that the catalogue declares is as declared. Raises CatalogueError."""

    def __init__(self, catalogue: Catalogue, loader: Loader) -> None:
        self._catalogue, self._loader = catalogue, loader
        self._built: dict[str, Shape] = {}

    def __iter__(self) -> Iterator[str]:
        return iter(self._catalogue)

    def __len__(self) -> int:
        return len(self._catalogue)

    def __contains__(self, name: object) -> bool:
        return name in self._catalogue

    def __getitem__(self, name: str) -> Shape:
        if name not in self._built:
            self._built[name] = self._build(self._catalogue[name])
        return self._built[name]

    def model(self, service: str) -> ServiceModel:
        """Made anew each time: the loader keeps what is dear, and a resolved model is dear to keep."""
        from botocore.model import ServiceModel

        return ServiceModel(self._loader.load_service_model(service, "service-2"), service)

    def item(self, kind: Kind) -> Any:
        """The model of one listed item, before anything is cut away."""
        assert kind.list_ != "none"
        found = self._member(kind, kind.service, kind.list_.call, kind.list_.path)
        if found.type_name != ("structure" if kind.list_.one else "list"):
            raise CatalogueError(
                f"{kind.name}: {kind.list_.items} of {kind.list_.call} is not {'one thing' if kind.list_.one else 'a list'}"
            )
        return found if kind.list_.one else found.member

    def _build(self, kind: Kind) -> Shape:
        if kind.arm is not None:
            return kind.arm.completed
        if kind.members:
            return declared(kind.members)
        members: dict[str, Shape] = {}
        if kind.list_ != "none":
            item = self.item(kind)
            if kind.list_.as_:
                members[kind.list_.as_] = _shape(item, {}, 0)
            else:
                members.update(self._kept(kind.name, item, kind.kept).members)
        else:
            members["Account"] = Shape("string")
        for detail in kind.detail:
            members[detail.into] = self._detail(kind, detail)
        return Shape("structure", members)

    def _detail(self, kind: Kind, detail: Detail) -> Shape:
        taken = self._member(kind, detail.service or kind.service, detail.call, paths.parse(detail.take))
        return self._kept(f"{kind.name}.{detail.into}", taken, paths.tree(map(paths.parse, detail.keep)))

    def _kept(self, where: str, model: Any, keep: paths.Tree) -> Shape:
        try:
            return _shape(model, keep, 0)
        except KeyError as error:
            raise CatalogueError(f"{where}: keep: there is no member {error.args[0]!r}") from error

    def _member(self, kind: Kind, service: str, call: str, path: paths.Path) -> Any:
        try:
            at: Any = self.model(service).operation_model(call).output_shape
        except Exception as error:  # botocore: UnknownServiceError, OperationNotFoundError and others without a common base
            raise CatalogueError(f"{kind.name}: {service} has no call {call}: {error}") from error
        for step in path:
            try:
                at = at.member if step == paths.ELEMENT or step.isdigit() else at.members[step]
            except (AttributeError, KeyError) as error:
                raise CatalogueError(f"{kind.name}: {call} gives no {paths.render(path)}") from error
        return at


def _shape(model: Any, keep: paths.Tree, depth: int) -> Shape:
    if depth > _DEEPEST or model.name in _DECODED or getattr(model, "is_document_type", False):
        return ANY
    match model.type_name:
        case "structure":
            names = keep or dict.fromkeys(model.members, paths.Tree())
            return Shape("structure", {name: _shape(model.members[name], below, depth + 1) for name, below in names.items()})
        case "list":
            return Shape("list", element=_shape(model.member, keep.get(paths.ELEMENT, keep), depth + 1))
        case "map":
            return Shape("map", element=_shape(model.value, {}, depth + 1))
    kind = _SCALARS[model.type_name]
    return Shape(kind, values=tuple(model.enum)) if model.type_name == "string" and model.enum else SCALAR[kind]
