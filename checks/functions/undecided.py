"""The helper that says what a rule cannot see."""

from __future__ import annotations

from typing import NoReturn

from checks.functions.declare import DataError, function


@function(returns="bool", reason="string")
def undecided(reason: str) -> NoReturn:
    """Never a truth value: where an expression comes to it, the rule is unproven for `reason`.

    For what no member that is collected can show, as in
    `listener.Protocol == 'TCP' && undecided('what passes through may be encrypted; the load balancer cannot tell')`.

    DataError: always, with the reason.
    Source: none; it says that there is none.
    """
    raise DataError(reason)
