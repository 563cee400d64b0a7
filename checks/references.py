"""What the CEL runtime takes from Python and does not give back.

For a function in Python, cel-expr-python 0.1.3 makes a tuple of the arguments, and never gives up its reference to it, nor to what the
function returns (py_cel_function.cc, PyCelFunctionAdapter::Invoke): an agent would hold whatever a rule ever compared. Here both are kept
until an evaluation is over. Whatever has one more reference then than it can have is given up; with a runtime that does so itself, nothing is.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from typing import Any, Final

_VARARGS: Final = 1


class _Definition(ctypes.Structure):
    """PyMethodDef of Python's C API."""

    _fields_ = (("name", ctypes.c_char_p), ("meth", ctypes.c_void_p), ("flags", ctypes.c_int), ("doc", ctypes.c_char_p))


# A function in C that takes any arguments is called with itself and the tuple of them: with this one, an object is called with the tuple.
_TUPLE: Final = _Definition(b"call", ctypes.cast(ctypes.pythonapi.PyObject_CallOneArg, ctypes.c_void_p).value, _VARARGS, None)
_new: Final = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p)(
    ("PyCFunction_NewEx", ctypes.pythonapi)
)
_give_up: Final = ctypes.PYFUNCTYPE(None, ctypes.py_object)(("Py_DecRef", ctypes.pythonapi))


class References:
    """Functions for the runtime, and what went in and out of them since `give_up` was called last."""

    def __init__(self) -> None:
        self._held: list[Any] = []

    def function(self, implementation: Callable[..., object]) -> Callable[..., object]:
        """The same, for the runtime to call."""

        def call(arguments: tuple[object, ...]) -> object:
            self._held.append(arguments)
            result = implementation(*arguments)
            if (own := _own(result)) is None:
                return result
            self._held.append(own)
            return own

        made: Callable[..., object] = _new(ctypes.addressof(_TUPLE), call, None)
        return made

    def give_up(self, *, raised: bool = False) -> None:
        """For the end of an evaluation, when nothing of it is there any more; `raised`: but for an error that is kept, whose traceback has
        the arguments too, so that nothing can be told."""
        if raised:
            self._held.clear()
        while self._held:
            one = self._held.pop()
            if sys.getrefcount(one) > _ALONE:
                _give_up(one)


def _own(value: object) -> object | None:
    """An equal object that nobody else has; None for what takes no memory of its own."""
    match value:
        case list():
            return list(value)
        case dict():
            return dict(value)
        case str() if len(value) > 1:
            return value[:1] + value[1:]
        case float():
            return value * 1.0
    return None


def _alone() -> int:
    """What is said of an object that nobody else has, where it is asked for as above."""
    held = [object()]
    one = held.pop()
    return sys.getrefcount(one)


_ALONE: Final = _alone()
