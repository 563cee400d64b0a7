"""Reading a folder of Azure resources: what each file holds, and where it says that it is not all.

    [<subscription>/[<resource group>/]]<any name>.json

A file is one resource, a list of them, an answer of ARM (`value`) or of Resource Graph (`data`), or a template. Only a
template needs the folders: it says of neither the subscription nor the resource group.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

from agent.collect.azure import ids as arm_ids
from agent.collect.azure.ids import ArmId
from agent.collect.estate import EstateError
from agent.collect.files import arm_template
from agent.collect.files.arm_expressions import Surroundings
from agent.collect.files.arm_template import Declared
from agent.collect.files.json_files import read_each, read_json

_OUTSIDE: Final = re.compile(r"(?i)/providers/.+|/subscriptions/[^/]+(/resourceGroups/[^/]+)?")
"""Ids of what is in no resource group or subscription, or is one."""
LISTED: Final = "az"
DECLARED: Final = "template"


@dataclass(frozen=True, slots=True, eq=False)
class AzFile:
    """One file: its resources, and how it says that there are more. `form` is LISTED or DECLARED."""

    path: Path
    name: str
    """Its path inside the folder: the same on any machine."""
    form: str
    subscription: str
    """That of a template; of a list, the first that it shows."""
    found: tuple[Declared, ...]
    single: bool
    cut: str
    sha256: str
    written: float

    def fail(self, problem: str) -> NoReturn:
        raise EstateError(f"{self.path}: {problem}")


@dataclass(frozen=True, slots=True)
class Folder:
    """The files that hold resources, and the names of those that do not."""

    files: tuple[AzFile, ...]
    unused: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Defaults:
    """What the options say of files that no folder assigns; the location is that of resource groups."""

    subscription: str | None
    group: str | None
    location: str | None


def read_folder(root: Path, defaults: Defaults) -> Folder:
    """Read every file below `root`. Raises DocumentError and EstateError, which name the file."""
    files, unused = read_each(root, lambda path: _read(path, root, defaults))
    if not files:
        seen = f"{unused[0]} holds no resource with an id of Azure Resource Manager" if unused else "it is empty"
        raise EstateError(f"{root} holds no file to import: {seen}")
    return Folder(tuple(files), tuple(unused))


def _read(path: Path, root: Path, defaults: Defaults) -> AzFile | None:
    """One file; None where it holds no resources."""
    data, sha256, written = read_json(path, nothing="[]")
    name = str(path.relative_to(root))
    subscription, group = _folders(path, root)
    if isinstance(data, dict) and arm_template.is_template(data):
        around = Surroundings(
            _needed(path, subscription or defaults.subscription, "subscription", "--account"),
            _needed(path, group or defaults.group, "resource group", "--resource-group"),
            defaults.location,
        )
        found = tuple(arm_template.resources(data, around))
        return AzFile(path, name, DECLARED, around.subscription, found, False, "", sha256, written)
    items, cut, single = _items(path, data)
    ids = [arm_ids.parse(item.get("id")) if isinstance(item, dict) else None for item in items]
    if not any(ids):
        if cut:
            raise EstateError(f"{path}: {cut}, and nothing tells of which type")
        return None
    listed = tuple(_listed(path, number, item, id_) for number, (item, id_) in enumerate(zip(items, ids, strict=True), 1))
    subscriptions = [one.id.subscription for one in listed if one.id]
    if others := sorted(set(subscriptions) - {subscription}) if subscription else []:
        raise EstateError(f"{path}: its folder names the subscription {subscription}, and its resources are of {others[0]}")
    return AzFile(path, name, LISTED, subscriptions[0], listed, single, cut, sha256, written)


def _folders(path: Path, root: Path) -> tuple[str | None, str | None]:
    """The subscription that a folder names, and the resource group that the folder in it does."""
    parts = path.relative_to(root).parts[:-1]
    at = [index for index, part in enumerate(parts) if arm_ids.GUID.fullmatch(part)]
    if len(at) > 1:
        raise EstateError(f"{path}: its folders name several subscriptions")
    return (parts[at[0]].lower(), next(iter(parts[at[0] + 1 :]), None)) if at else (None, None)


def _needed(path: Path, told: str | None, what: str, option: str) -> str:
    if told is None:
        raise EstateError(
            f"{path}: which {what} the template is of cannot be told: put it into a folder <subscription>/<resource group>/, or give {option}"
        )
    return told


def _items(path: Path, data: Any) -> tuple[list[Any], str, bool]:
    """The objects of a file, how it says that there are more of them, and whether it is about one."""
    match data:
        case list():
            return data, "", False
        case {"id": str()}:
            return [data], _more(data), True
        case {"error": {"code": str() as code}}:
            raise EstateError(f"{path}: holds the error {code} in the place of an answer")
        case {"value": list() as items}:
            return items, _more(data), False
        case {"data": list() as items}:
            return items, _truncated(data, len(items)), False
        case {"data": {"columns": list(), "rows": list()}}:
            raise EstateError(f"{path}: a table of Resource Graph: ask for it with the result format objectArray")
    return [], "", False


def _more(data: Mapping[str, Any]) -> str:
    return "its nextLink says that there are more" if data.get("nextLink") else ""


def _truncated(data: Mapping[str, Any], held: int) -> str:
    """What in an answer of Resource Graph says that it is not the whole (Resource Graph REST API, Resources: QueryResponse)."""
    if any(data.get(name) for name in ("$skipToken", "skipToken", "skip_token", "nextLink")):
        return "its skip token says that there are more"
    if str(data.get("resultTruncated", data.get("result_truncated"))).lower() == "true":
        return "it says that it is truncated"
    total = data.get("totalRecords", data.get("total_records"))
    if isinstance(total, int) and total > held:
        return f"it holds {held} of {total} records"
    return ""


def _listed(path: Path, number: int, item: Any, id_: ArmId | None) -> Declared:
    if id_ is None:
        if isinstance(item, dict) and isinstance(text := item.get("id"), str) and _OUTSIDE.fullmatch(text):
            return Declared("", None, item)
        raise EstateError(f"{path}: its object {number} has no id of Azure Resource Manager, and others have: print whole resources")
    type_ = item.get("type")
    if type_ is None or (isinstance(type_, str) and type_.lower().split("/")[-1] == id_.types[-1].lower()):
        return Declared(id_.type, id_, item)
    return Declared(id_.type, id_, item, f"its id is that of a {id_.type}, its type says otherwise")
