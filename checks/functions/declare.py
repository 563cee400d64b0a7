"""How a helper function is declared, so that rules can call it and `upheld rules functions` can list it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

Kind = str
"""A CEL runtime kind: `string`, `int`, `double`, `bool`, `list`, `map`, `timestamp` or `null`."""


class DataError(ValueError):
    """The data cannot be read as what the function needs: the rule is unproven, and says why.

    Any other exception out of a helper is a bug of ours and ends the run with exit code 4.
    """


@dataclass(frozen=True, slots=True)
class Function:
    """One helper: its name, the kinds each parameter takes, the kind it returns, and what it does."""

    name: str
    takes: tuple[tuple[str, tuple[Kind, ...]], ...]
    returns: Kind
    implementation: Callable[..., object]

    @property
    def signature(self) -> str:
        parameters = ", ".join(f"{name}: {'|'.join(kinds)}" for name, kinds in self.takes)
        return f"{self.name}({parameters}) -> {self.returns}"

    @property
    def documentation(self) -> str:
        return (self.implementation.__doc__ or "").strip()

    def overloads(self) -> Iterator[tuple[Kind, ...]]:
        """Every combination of argument kinds: the CEL runtime dispatches by kind, and `dyn` matches none."""
        return itertools.product(*(kinds for _, kinds in self.takes))


FUNCTIONS: dict[str, Function] = {}


def function(returns: Kind, **takes: Kind) -> Callable[[Callable[..., object]], Callable[..., object]]:
    """Register a helper. `takes` maps each parameter, in order, to its kinds: `policy="string"`, `value="string|list"`."""

    def register(implementation: Callable[..., object]) -> Callable[..., object]:
        name = implementation.__name__
        if name in FUNCTIONS:
            raise RuntimeError(f"helper {name} is declared twice")
        FUNCTIONS[name] = Function(
            name, tuple((parameter, tuple(kinds.split("|"))) for parameter, kinds in takes.items()), returns, implementation
        )
        return implementation

    return register
