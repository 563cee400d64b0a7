r"""Sigma's values as patterns for RE2, and texts that they match.

A text means the same in any case unless `cased` says otherwise, `*` is any text and `?` any character; a regular expression means
case unless a flag says otherwise, and matches anywhere.
Source: Sigma specification, "Sigma rules specification" (Special characters, case) and appendix "Sigma modifiers" (cased, re).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Final

from sigma.types import (
    Placeholder,
    SigmaBool,
    SigmaCasedString,
    SigmaCIDRExpression,
    SigmaCompareExpression,
    SigmaFieldReference,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaRegularExpressionFlag,
    SigmaString,
    SigmaTimestampPart,
    SigmaType,
    SpecialChars,
)

_FLAGS: Final = {
    SigmaRegularExpressionFlag.IGNORECASE: "i",
    SigmaRegularExpressionFlag.MULTILINE: "m",
    SigmaRegularExpressionFlag.DOTALL: "s",
}
_KINDS: Final[Mapping[type[SigmaType], str]] = {
    SigmaFieldReference: "whether it is like another field",
    SigmaCompareExpression: "whether it is less or more than a number",
    SigmaCIDRExpression: "whether it is in a network",
    SigmaTimestampPart: "a part of a time",
}
_ITSELF: Final = re.compile(r"[^\x00-\x1f\x7f\\'.+*?()|\[\]{}^$]")
_ANY: Final = {SpecialChars.WILDCARD_MULTI: ".*", SpecialChars.WILDCARD_SINGLE: "."}
_SHOWN: Final = {SpecialChars.WILDCARD_MULTI: "", SpecialChars.WILDCARD_SINGLE: "x"}
_SIMPLER: Final = (
    (re.compile(r"\\{2}"), "\0"),
    (re.compile(r"\(\?[a-zA-Z-]+\)|\\[AzbB]|(?<!\\)[\^$]"), ""),
    (re.compile(r"\((?:\?P?<\w+>|\?[a-zA-Z-]*:)?([^()|]*)(?:\|[^()]*)?\)"), r"\1"),
    (re.compile(r"\[([a-zA-Z0-9])[^\]]*\]"), r"\1"),
    (re.compile(r"\\[dD]"), "1"),
    (re.compile(r"\\[wS]"), "x"),
    (re.compile(r"\\[sW]"), " "),
    (re.compile(r"(?<!\\)\."), "x"),
    (re.compile(r"(?<!\\)(?:[*+?]|\{[0-9,]+\})\??"), ""),
    (re.compile(r"\\(.)"), r"\1"),
    (re.compile("\0"), r"\\"),
)
"""What a pattern becomes step by step to be a text that it may match; whether it does, the examples show."""


class NotImported(ValueError):
    """Why a Sigma rule is not imported; `field` is the one it stumbled over, if it was one."""

    def __init__(self, reason: str, field: str | None = None) -> None:
        self.reason, self.field = reason, field
        super().__init__(reason)


def plain(value: SigmaType) -> str | None:
    """A text without wildcards, a number or a truth value as a text; None for anything else."""
    match value:
        case SigmaString() if all(isinstance(part, str) for part in value.s):
            return "".join(part for part in value.s if isinstance(part, str))
        case SigmaTimestampPart():
            return None
        case SigmaNumber() | SigmaBool():
            return str(value).lower()
    return None


def pattern(values: Sequence[SigmaType], *, folded: bool = False) -> str:
    """One pattern for any of the values. `folded`: the column holds what was put into lower case. Raises NotImported."""
    if len(values) == 1 and isinstance(expression := values[0], SigmaRegularExpression):
        return _expression(expression, folded)
    texts = [SigmaString(one) if (one := plain(value)) is not None and not isinstance(value, SigmaString) else value for value in values]
    if not all(isinstance(text, SigmaString) for text in texts):
        raise NotImported(f"{_kind(values)} cannot be asked of a text")
    cased = any(isinstance(text, SigmaCasedString) for text in texts)
    if cased and folded:
        raise NotImported("the modifier `cased` is for a text that the table holds in lower case")
    return _flags("" if cased else "i", [_anchored(text.s) for text in texts if isinstance(text, SigmaString)])


def samples(values: Sequence[SigmaType], *, folded: bool = False) -> list[str]:
    """Texts that the values should match, for examples."""
    found = [_sample(value) for value in values]
    return [text.lower() if folded else text for text in dict.fromkeys(found)]


def literal(text: str) -> str:
    """A text as CEL writes it; a pattern stays readable."""
    return f"r'{text}'" if "'" not in text and text.isprintable() else json.dumps(text, ensure_ascii=False)


def _kind(values: Sequence[SigmaType]) -> str:
    kinds = {type(value) for value in values}
    return _KINDS.get(kinds.pop(), "a query of another language") if len(kinds) == 1 else "a mixture of texts and other values"


def _anchored(parts: Sequence[str | SpecialChars | Placeholder]) -> tuple[str, str, str]:
    """(where it begins, what it says, where it ends)"""
    if any(isinstance(part, Placeholder) for part in parts):
        raise NotImported("a placeholder stands for values that the rule does not hold")
    held = list(parts)
    opening = r"\A"
    while held and held[0] is SpecialChars.WILDCARD_MULTI:
        opening = ""
        del held[0]
    closing = r"\z"
    while held and held[-1] is SpecialChars.WILDCARD_MULTI:
        closing = ""
        del held[-1]
    if not held and not (opening and closing):
        return r"\A", "", ""  # whatever is there
    return (
        opening,
        "".join(_escaped(part) if isinstance(part, str) else _ANY[part] for part in held if not isinstance(part, Placeholder)),
        closing,
    )


def _escaped(text: str) -> str:
    """A backslash is written by its number: before a letter it would look like a class, which the traps of rules refuse."""
    return "".join(
        one if _ITSELF.fullmatch(one) else f"\\x{{{ord(one):x}}}" if one in "\\'" or not one.isprintable() else f"\\{one}" for one in text
    )


def _flags(case: str, forms: Sequence[tuple[str, str, str]]) -> str:
    inner = [said for _, said, _ in forms]
    flags = case + ("s" if any(re.search(r"(?<!\\)\.", said) for said in inner) else "")
    prefix = f"(?{flags})" if flags else ""
    if len({(opening, closing) for opening, _, closing in forms}) == 1:
        opening, _, closing = forms[0]
        said = inner[0] if len(inner) == 1 else f"(?:{'|'.join(inner)})"
        return f"{prefix}{opening}{said}{closing}"
    return prefix + "|".join("".join(form) for form in forms)


def _expression(value: SigmaRegularExpression, folded: bool) -> str:  # noqa: FBT001
    if any(isinstance(part, Placeholder) for part in value.regexp.s):
        raise NotImported("a placeholder stands for values that the rule does not hold")
    flags = {_FLAGS[flag] for flag in value.flags} | ({"i"} if folded else set())
    return (f"(?{''.join(sorted(flags))})" if flags else "") + value.regexp.original


def _sample(value: SigmaType) -> str:
    match value:
        case SigmaRegularExpression():
            text = value.regexp.original
            for simpler, becomes in _SIMPLER:
                text = simpler.sub(becomes, text)
            return text
        case SigmaString():
            return (
                "".join(part if isinstance(part, str) else _SHOWN.get(part, "") for part in value.s if not isinstance(part, Placeholder))
                or "x"
            )
    return plain(value) or "x"
