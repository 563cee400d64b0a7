"""Sigma rules, read by pySigma."""

from __future__ import annotations

import re
from typing import Any, Final

import re2
from sigma.exceptions import SigmaError
from sigma.policy import SigmaPolicy
from sigma.policy.regex_engine import RE2RegexEngine, RegexPattern
from sigma.rule import SigmaRule

from agent.sigma.values import NotImported


class _Quiet(RE2RegexEngine):
    """pySigma's own, which would print to standard error what is wrong with a pattern, beside raising it."""

    def compile(self, pattern: str, flags: int = 0) -> RegexPattern:
        options = re2.Options()
        options.log_errors = False
        given = "".join(letter for flag, letter in ((re.IGNORECASE, "i"), (re.MULTILINE, "m"), (re.DOTALL, "s")) if flags & flag)
        compiled: RegexPattern = re2.compile(f"(?{given}){pattern}" if given else pattern, options)
        return compiled


_POLICY: Final = SigmaPolicy(regex_engine=_Quiet())


def read(data: dict[str, Any]) -> SigmaRule:
    """A rule of a parsed file. Raises NotImported."""
    try:
        return SigmaRule.from_dict(data, policy=_POLICY)
    except (SigmaError, AttributeError) as error:  # an `id` that is no text is the latter to pySigma
        raise NotImported(f"pySigma does not take it: {error}") from error
