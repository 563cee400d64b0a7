"""Folders of JSON that a cloud's command line printed: which files there are, and each one read strictly."""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, NoReturn, TypeVar

from agent.collect.estate import EstateError
from checks.document import DocumentError

T = TypeVar("T")
MAXIMUM_BYTES: Final = 200_000_000
MAXIMUM_DEPTH: Final = 100
_SURROGATE_ESCAPE: Final = re.compile(r"\\u[dD][89a-fA-F]")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def files_below(root: Path) -> Iterator[Path]:
    """Every file, in order of name. A link may lead to a file inside the folder, and nowhere else."""
    inside = root.resolve()

    def fail(error: OSError) -> NoReturn:
        raise DocumentError(str(error.filename), None, f"cannot be read: {error.strerror}") from error

    for folder, folders, names in os.walk(root, onerror=fail):
        folders.sort()
        for name in sorted([*names, *folders]):
            path = Path(folder) / name
            if path.is_symlink() and not Path(os.path.realpath(path)).is_relative_to(inside):  # unlike resolve(), sees links in a circle
                raise EstateError(f"{path}: a link that leads out of {root} is not followed; put the file itself there")
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(folder) / name for name in sorted(names) if not name.startswith("."))


def read_json(path: Path, *, nothing: str) -> tuple[Any, str, float]:
    """A file's JSON, the SHA-256 of its bytes, and when it was last written. `nothing` is how an empty answer is written.

    Raises DocumentError, which names the file.
    """
    raw, written = _bytes(path)
    if not raw.strip():
        raise DocumentError(
            str(path), None, f"empty: the command failed, or had nothing to say; if it ended with exit code 0, write {nothing} into it"
        )
    try:
        text = raw.decode("utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
        data = json.loads(text, object_pairs_hook=_object, parse_constant=_constant)
    except json.JSONDecodeError as error:
        raise DocumentError(str(path), error.lineno, f"not JSON: {error.msg}; is it the output of --output json?") from error
    except UnicodeDecodeError as error:
        raise DocumentError(str(path), None, f"not UTF-8 text: {error.reason}") from error
    except RecursionError as error:
        raise DocumentError(str(path), None, f"nested deeper than {MAXIMUM_DEPTH} levels") from error
    except ValueError as error:
        raise DocumentError(str(path), None, f"not JSON as AWS or Azure writes it: {error}") from error
    _check_values(data, path, surrogates=_SURROGATE_ESCAPE.search(text) is not None)
    return data, hashlib.sha256(raw).hexdigest(), written


def _bytes(path: Path) -> tuple[bytes, float]:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise DocumentError(str(path), None, "not a regular file")
        if status.st_size > MAXIMUM_BYTES:
            raise DocumentError(str(path), None, f"larger than {MAXIMUM_BYTES // 1_000_000} MB: split it into pages")
        return path.read_bytes(), status.st_mtime
    except OSError as error:
        raise DocumentError(str(path), None, f"cannot be read: {error.strerror}") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the member {next(name for name in names if names.count(name) > 1)!r} stands twice in one object")
    return found


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")


def _check_values(data: Any, path: Path, *, surrogates: bool) -> None:
    """Level by level, so that depth costs no stack."""
    level: list[Any] = [data] if isinstance(data, dict | list) else []
    for _ in range(MAXIMUM_DEPTH):
        if surrogates and any(_SURROGATE.search(text) for value in level for text in _texts(value)):
            raise DocumentError(str(path), None, "holds a lone surrogate, which is no character: the text was cut or badly converted")
        children = (child for value in level for child in (value.values() if isinstance(value, dict) else value))
        level = [child for child in children if isinstance(child, dict | list)]
        if not level:
            return
    raise DocumentError(str(path), None, f"nested deeper than {MAXIMUM_DEPTH} levels")


def _texts(value: Any) -> Iterator[str]:
    """The texts right in an object or a list."""
    for held in (*value, *value.values()) if isinstance(value, dict) else value:
        if isinstance(held, str):
            yield held


def read_each(root: Path, read: Callable[[Path], T | None]) -> tuple[list[T], list[str]]:
    """What is read of the JSON files below a folder, and the names of the files that hold none of it.

    Raises DocumentError and EstateError, which name the file.
    """
    if not root.is_dir():
        raise EstateError(f"{root} is not a folder: name the one that holds the CLI's output")
    found: list[T] = []
    unused: list[str] = []
    for path in files_below(root):
        file = read(path) if path.suffix == ".json" else None
        if file is None:
            unused.append(str(path.relative_to(root)))
        else:
            found.append(file)
    return found, unused
