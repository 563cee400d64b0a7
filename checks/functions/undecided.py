"""The helper that says what a rule cannot see."""

from __future__ import annotations

from checks.functions.declare import DataError, function


@function(returns="bool", reason="string")
def undecided(reason: str) -> bool:
    """Never a truth value: the branch that is reached is unproven, for the reason given.

    For what no member that is collected can show: `resource.Protocol in ['TCP'] && undecided('what passes through ...')`.
    """
    raise DataError(reason)
