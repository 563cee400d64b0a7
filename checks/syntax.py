"""The checked syntax tree of a CEL expression, as small frozen nodes.

The CEL runtime hands its tree out as a serialised `google.protobuf.Any` of `cel.expr.CheckedExpr`; the message is
declared here from the field numbers of cel-spec's `proto/cel/expr/{checked,syntax}.proto`, as no package on its own
carries those descriptors. Comprehensions, which the parser has already expanded, are folded back into the macro that
was written (`all`, `exists`, `exists_one`, `map`, `filter`): what a rule means is read from macros.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, message_factory

Constant = None | bool | int | float | str | bytes


class UnsupportedSyntax(ValueError):
    """The tree holds a construct that no rule may use; the message names it."""


@dataclass(frozen=True, slots=True)
class Node:
    """A node; `offset` is its place in the expression, in code points, -1 where the parser gives none."""

    offset: int = field(kw_only=True, default=-1, compare=False)

    def children(self) -> tuple[Node, ...]:
        return ()

    def walk(self) -> Iterator[Node]:
        """This node and all below it, parents first."""
        yield self
        for child in self.children():
            yield from child.walk()


@dataclass(frozen=True, slots=True)
class Const(Node):
    value: Constant


@dataclass(frozen=True, slots=True)
class Ident(Node):
    name: str


@dataclass(frozen=True, slots=True)
class Select(Node):
    """`operand.member`, or `has(operand.member)` where `test` is set."""

    operand: Node
    member: str
    test: bool = False

    def children(self) -> tuple[Node, ...]:
        return (self.operand,)


@dataclass(frozen=True, slots=True)
class Call(Node):
    """A function or operator; a method's receiver is its first argument."""

    function: str
    arguments: tuple[Node, ...]

    def children(self) -> tuple[Node, ...]:
        return self.arguments


@dataclass(frozen=True, slots=True)
class Sequence(Node):
    elements: tuple[Node, ...]

    def children(self) -> tuple[Node, ...]:
        return self.elements


@dataclass(frozen=True, slots=True)
class Macro(Node):
    """`items.name(variable, body)`; `map` and `filter` alike. A filtering `map` carries its condition apart."""

    name: str
    items: Node
    variable: str
    body: Node
    condition: Node | None = None

    def children(self) -> tuple[Node, ...]:
        return (self.items, self.body) if self.condition is None else (self.items, self.condition, self.body)


def read(serialized: bytes) -> Node:
    """The tree of a checked expression. Raises UnsupportedSyntax for map and message literals and unknown folds."""
    envelope = any_pb2.Any.FromString(serialized)
    checked = _checked_expr().FromString(envelope.value)
    return _Reader({place.key: place.value for place in checked.source_info.positions}).node(checked.expr)


class _Reader:
    def __init__(self, positions: dict[int, int]) -> None:
        self._positions = positions

    def node(self, expr: Any) -> Node:
        kind = expr.WhichOneof("expr_kind")
        offset = self._positions.get(expr.id, -1)
        match kind:
            case "const_expr":
                return Const(_constant(expr.const_expr), offset=offset)
            case "ident_expr":
                return Ident(expr.ident_expr.name, offset=offset)
            case "select_expr":
                select = expr.select_expr
                return Select(self.node(select.operand), select.field, select.test_only, offset=offset)
            case "call_expr":
                call = expr.call_expr
                receiver = [call.target] if call.HasField("target") else []
                return Call(call.function, tuple(map(self.node, [*receiver, *call.args])), offset=offset)
            case "list_expr":
                return Sequence(tuple(map(self.node, expr.list_expr.elements)), offset=offset)
            case "comprehension_expr":
                return self._macro(expr.comprehension_expr, offset)
            case _:
                raise UnsupportedSyntax("map and message literals are not part of the rule language")

    def _macro(self, fold: Any, offset: int) -> Macro:
        items, step = self.node(fold.iter_range), self.node(fold.loop_step)
        start = self.node(fold.accu_init)
        match start, step:
            case Const(value=True), Call(function="_&&_", arguments=(_, body)):
                return Macro("all", items, fold.iter_var, body, offset=offset)
            case Const(value=False), Call(function="_||_", arguments=(_, body)):
                return Macro("exists", items, fold.iter_var, body, offset=offset)
            case Const(value=0), Call(function="_?_:_", arguments=(body, _, _)):
                return Macro("exists_one", items, fold.iter_var, body, offset=offset)
            case Sequence(), Call(function="_+_", arguments=(_, Sequence(elements=(body,)))):
                return Macro("map", items, fold.iter_var, body, offset=offset)
            case Sequence(), Call(
                function="_?_:_", arguments=(condition, Call(function="_+_", arguments=(_, Sequence(elements=(body,)))), _)
            ):
                if body == Ident(fold.iter_var):
                    return Macro("filter", items, fold.iter_var, condition, offset=offset)
                return Macro("map", items, fold.iter_var, body, condition, offset=offset)
        raise UnsupportedSyntax("this comprehension is not one of all, exists, exists_one, map and filter")


def _constant(constant: Any) -> Constant:
    kind = constant.WhichOneof("constant_kind")
    return None if kind == "null_value" else getattr(constant, kind)


@functools.cache
def _checked_expr() -> Any:
    kinds = descriptor_pb2.FieldDescriptorProto
    scalar = {
        "bool": kinds.TYPE_BOOL,
        "int32": kinds.TYPE_INT32,
        "int64": kinds.TYPE_INT64,
        "uint64": kinds.TYPE_UINT64,
        "double": kinds.TYPE_DOUBLE,
        "string": kinds.TYPE_STRING,
        "bytes": kinds.TYPE_BYTES,
    }
    # name: (oneof, ((field, number, type),...)); a type in upper case is a message, `*` marks a repeated field.
    # Fields that no rule needs (types, references) are left out: protobuf skips what it does not know.
    messages: dict[str, tuple[str | None, str]] = {
        "Constant": (
            "constant_kind",
            "null_value=1:int32 bool_value=2:bool int64_value=3:int64 uint64_value=4:uint64"
            " double_value=5:double string_value=6:string bytes_value=7:bytes",
        ),
        "Ident": (None, "name=1:string"),
        "Select": (None, "operand=1:Expr field=2:string test_only=3:bool"),
        "Call": (None, "target=1:Expr function=2:string args=3:*Expr"),
        "CreateList": (None, "elements=1:*Expr"),
        "CreateStruct": (None, "message_name=1:string"),
        "Comprehension": (
            None,
            "iter_var=1:string iter_range=2:Expr accu_var=3:string accu_init=4:Expr"
            " loop_condition=5:Expr loop_step=6:Expr result=7:Expr iter_var2=8:string",
        ),
        "Expr": (
            "expr_kind",
            "const_expr=3:Constant ident_expr=4:Ident select_expr=5:Select call_expr=6:Call list_expr=7:CreateList"
            " struct_expr=8:CreateStruct comprehension_expr=9:Comprehension id=2:int64",
        ),
        "Position": (None, "key=1:int64 value=2:int32"),
        "SourceInfo": (None, "positions=4:*Position"),
        "CheckedExpr": (None, "expr=4:Expr source_info=5:SourceInfo"),
    }
    file = descriptor_pb2.FileDescriptorProto(name="upheld/checked.proto", package="upheld.cel", syntax="proto3")
    for name, (oneof, fields) in messages.items():
        message = file.message_type.add(name=name)
        if oneof:
            message.oneof_decl.add(name=oneof)
        for declaration in fields.split():
            left, kind = declaration.split(":")
            label, number = left.split("=")
            repeated, kind = kind.startswith("*"), kind.lstrip("*")
            entry = message.field.add(name=label, number=int(number))
            entry.label = kinds.LABEL_REPEATED if repeated else kinds.LABEL_OPTIONAL
            if kind in scalar:
                entry.type = scalar[kind]
            else:
                entry.type, entry.type_name = kinds.TYPE_MESSAGE, f".upheld.cel.{kind}"
            if oneof and label != "id":
                entry.oneof_index = 0
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("upheld.cel.CheckedExpr"))
