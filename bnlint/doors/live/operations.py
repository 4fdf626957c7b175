"""The tensor operations between the layers of a traced call, found by walking TensorFlow's graph backwards."""

from __future__ import annotations

from typing import Any

from ...catalog import operation as kind_of
from ...graph import Call, Tensor
from ...graph.nodes import Shape
from ..assembly import Assembly, sizes

_PASSING = frozenset({"Identity", "IdentityN", "Cast", "EnsureShape", "PreventGradient", "StopGradient", "Snapshot"})
_CONSTANT = frozenset({"Shape", "ShapeN", "Size", "Rank", "Const", "ReadVariableOp", "ResourceGather"})


class Operations:
    """Knows the graph's tensor for each symbolic tensor of one trace."""

    def __init__(self, assembly: Assembly, path: str) -> None:
        self._assembly, self._path = assembly, path
        self._known: dict[Any, Tensor | None] = {}
        self._kept: list[Any] = []
        self.calls: list[Call] = []
        self.lost = False

    def note(self, symbolic: Any, tensor: Tensor) -> None:
        """This symbolic tensor is that tensor of the graph."""
        self._known[_key(symbolic)] = tensor
        self._kept.append(symbolic)

    def tensors(self, symbolic: list[Any]) -> list[Tensor]:
        """The graph's tensors for these, with the operations in between; without constants."""
        found = [self._resolved(one) for one in symbolic]
        return [tensor for tensor in found if tensor is not None]

    def _resolved(self, symbolic: Any) -> Tensor | None:
        """The graph's tensor for a symbolic one; None for a constant, an unknown one where it cannot be followed."""
        stack = [symbolic]
        while stack:
            current = stack[-1]
            key = _key(current)
            if key in self._known:
                stack.pop()
                continue
            operation = _operation(current)
            if operation is None:
                self.lost = True
                self.note(current, Tensor(shape=shape_of(current), outside=True))
                continue
            inputs = [] if operation.type in _CONSTANT else [each for each in operation.inputs if each is not current]
            waiting = [each for each in inputs if _key(each) not in self._known]
            if waiting:
                stack.extend(waiting)
                continue
            self._kept.append(current)
            self._known[key] = self._applied(current, operation, inputs)
            stack.pop()
        return self._known[_key(symbolic)]

    def _applied(self, symbolic: Any, operation: Any, inputs: list[Any]) -> Tensor | None:
        given = [tensor for each in inputs if (tensor := self._known[_key(each)]) is not None]
        if not given:
            return None
        if operation.type in _PASSING:
            index = symbolic.value_index if operation.type == "IdentityN" else 0
            return self._known[_key(inputs[index])]
        kind = kind_of(operation.type)
        spot = self._assembly.spot(f"{self._path}/{operation.name.rpartition('/')[2]}", len(self._kept))
        layer = self._assembly.operation(kind, spot, {})
        shape = shape_of(symbolic)
        call = self._assembly.call(layer, given, spot, shapes={0: shape} if shape else None)
        self.calls.append(call)
        return call.output


def _key(symbolic: Any) -> Any:
    """What a symbolic tensor is known by: an operation's output, or the object."""
    operation = _operation(symbolic)
    return id(symbolic) if operation is None else (operation.name, symbolic.value_index)


def _operation(symbolic: Any) -> Any:
    if "tensorflow" not in type(symbolic).__module__ or not hasattr(symbolic, "value_index"):
        return None
    try:
        return symbolic.op
    except AttributeError:  # An eager tensor.
        return None


def shape_of(symbolic: Any) -> Shape | None:
    """The shape of a symbolic tensor; None where its rank is not known."""
    try:
        return sizes([_size(size) for size in symbolic.shape])
    except (TypeError, ValueError, AttributeError):
        return None


def _size(size: Any) -> int | None:
    """A dimension; None for one that is not given, or is a symbol, as JAX has them."""
    return None if size is None or type(size).__name__ == "_DimExpr" else int(size)
