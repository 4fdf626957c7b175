"""The calls around a change, as they are and as its steps leave them."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from ...catalog import is_silent, parameters
from ...graph import Arg, Call, Layer, Origin, Tensor, Unknown, users
from ...graph.nodes import NOT_GIVEN
from ...rulebook.change import (
    AddCall,
    Construct,
    MoveCall,
    NameArgument,
    RemoveArgument,
    RemoveCall,
    Replace,
    SetArgument,
    Snippet,
    Step,
)
from .specs import Ingredient, Network, Node, Untried, flag_of, rank_of


@dataclass(eq=False, slots=True)
class Member:
    """One call, of the graph or new. Its inputs are other members, and tensors from outside."""

    part: Ingredient
    inputs: list[Member | Tensor]
    training: Arg = field(default_factory=lambda: NOT_GIVEN)
    call: Call | None = None


class Neighbourhood:
    """Calls of the graph, in the order of the data; `apply` changes them, `network` gives them as plain values.

    assumed: what was not known. unseen: changed arguments that play no part in a trial; a change with some is not safe.
    outside: the tensors that come
    in.
    """

    def __init__(self, calls: Iterable[Call], frozen: Mapping[Layer, bool]) -> None:
        self.calls = sorted(dict.fromkeys(calls), key=lambda call: call.time)
        self.assumed: dict[str, None] = {}
        self.unseen: dict[str, None] = {}
        self.members: list[Member] = []
        self._parts: dict[object, Ingredient] = {}
        self._by_call: dict[Call, Member] = {}
        for call in self.calls:
            part = self._parts.setdefault(call.layer, Ingredient.of(call.layer, frozen.get(call.layer, False)))
            member = Member(part, [self._source(tensor) for tensor in call.inputs], call.training, call)
            self.members.append(member)
            self._by_call[call] = member
            if call.optional and not self.calls[0].optional:
                self.assumed[f"{part.kind} is there, which a branch decides"] = None
        inputs = (one for member in self.members for one in member.inputs)
        self.outside = list(dict.fromkeys(one for one in inputs if isinstance(one, Tensor)))
        self._ends: list[Member | Tensor] = list(self.members)

    def _source(self, tensor: Tensor) -> Member | Tensor:
        known = [self._by_call[one.call] for one in tensor.sources() if one.call in self._by_call]
        return known[-1] if known else tensor

    def rank_at(self, tensor: Tensor) -> int:
        """How many axes a tensor from outside has, by its shape, or by the layers that take it."""
        if tensor.shape is not None:
            return len(tensor.shape)
        stack = [member for member in self.members if tensor in member.inputs]
        for member in stack:
            rank = rank_of(member.part.spec({}))
            if rank:
                return rank
            stack += [other for other in self.members if member in other.inputs and other not in stack]
        return 4

    def watched(self, outputs: Collection[Tensor]) -> dict[int, list[Call]]:
        """The calls, by number, whose outputs count outside, each with the calls there that take it.

        None takes it where it is among the models' `outputs`, where it ends the neighbourhood, or where the door lost
        it.
        """
        found: dict[int, list[Call]] = {}
        for number, call in enumerate(self.calls):
            following = list(users(call))
            beyond = [user for user in following if user not in self._by_call]
            if call.output in outputs or call.output.escaped or not following:
                found[number] = []
            elif beyond:
                found[number] = beyond
        return found

    def network(self) -> Network:
        """The calls as they are now. Raises Untried for a layer that cannot be tried."""
        numbers: dict[Member | Tensor, int] = {member: number for number, member in enumerate(self.members)}
        numbers |= {tensor: -1 - number for number, tensor in enumerate(self.outside)}
        layers: dict[Ingredient, int] = {part: number for number, part in enumerate(self._parts.values())}
        nodes = []
        for member in self.members:
            flag = flag_of(member.call, member.training) if member.call else None
            spec = member.part.spec(self.assumed)
            layer = layers.setdefault(member.part, len(layers))
            nodes.append(Node(spec, tuple(numbers[one] for one in member.inputs), layer, flag))
        return Network(tuple(nodes), tuple(numbers[end] for end in self._ends))

    def apply(self, steps: Iterable[Step]) -> set[int]:
        """Carry out those steps that concern these calls; their numbers. Raises Untried for what cannot be told."""
        return {number for number, step in enumerate(steps) if self._apply(step)}

    def _apply(self, step: Step) -> bool:
        if isinstance(step, SetArgument):
            return self._give(step.origin, step.name, Arg(self._value(step.value), step.origin))
        if isinstance(step, RemoveArgument):
            return self._give(step.origin, step.name, None)
        if isinstance(step, NameArgument):
            return self._rename(step)
        if isinstance(step, Replace):
            return self._replace(step)
        if isinstance(step, Construct):
            return self._construct(step)
        if isinstance(step, AddCall):
            return self._insert(step)
        if isinstance(step, (RemoveCall, MoveCall)):
            return self._take_out(step)
        return False

    def _all_parts(self) -> Iterator[Ingredient]:
        for part in self._parts.values():
            yield part
            if part.inner is not None:
                yield part.inner

    def _give(self, origin: Origin, name: str, value: Arg | None) -> bool:
        """Set an argument, or take it away, wherever a layer or a call has this origin, or an argument of it has."""
        hit = False
        for part in self._all_parts():
            if name != "training" and _same(origin, part.origin, *(arg.origin for arg in part.args.values())):
                hit = True
                self._changed(part, name)
                part.args.pop(name, None)
                if value is not None:
                    part.args[name] = value
        for member in self.members:
            if name == "training" and member.call and _same(origin, member.call.origin, member.training.origin):
                hit = True
                member.training = value or NOT_GIVEN
        return hit

    def _changed(self, part: Ingredient, name: str) -> None:
        if is_silent(name):
            self.unseen[f"{name} of {part.kind}"] = None

    def _rename(self, step: NameArgument) -> bool:
        hit = False
        for part in self._all_parts():
            for name, arg in list(part.args.items()):
                if _same(step.origin, arg.origin):
                    hit = True
                    self._changed(part, step.name)
                    part.args[step.name] = part.args.pop(name)
        return hit

    def _replace(self, step: Replace) -> bool:
        """Put a value in the place of an argument's, or another layer of these in the place of one."""
        other = [part for part in self._all_parts() if _same(step.by, part.origin)]
        if any(_same(step.origin, part.origin) for part in self._all_parts()):
            if not other:
                raise Untried("what an expression of the program's own computes")
            return self._become(step.origin, other[0])
        value = Arg(self._value(step.by), step.origin)
        hit = False
        for part in self._all_parts():
            for name in [name for name, arg in part.args.items() if _same(step.origin, arg.origin)]:
                hit = True
                self._changed(part, name)
                part.args[name] = value
        for member in self.members:
            if _same(step.origin, member.training.origin):
                hit = True
                member.training = value
        return hit

    def _construct(self, step: Construct) -> bool:
        """Another kind in the place of one; of the arguments, those that were there by these names stay."""
        hits = [part for part in self._all_parts() if _same(step.origin, part.origin)]
        for part in hits:
            new = _made(step.kind, (), step.args)
            new.args |= {name: arg for name, arg in part.args.items() if name in step.args and arg.given}
            part.become(new)
        return bool(hits)

    def _value(self, value: object) -> object:
        """What a step writes; the Origin of an argument stands for its value."""
        for part in self._all_parts():
            for arg in part.args.values():
                if _same(value, arg.origin):
                    return arg.value
        return _value(value)

    def _become(self, origin: Origin, new: Ingredient) -> bool:
        hits = [part for part in self._all_parts() if _same(origin, part.origin)]
        for part in hits:
            part.become(new)
        return bool(hits)

    def _insert(self, step: AddCall) -> bool:
        hits = self._at_call(step.after)
        part = _made(step.kind, step.positional, step.args)
        for after in hits:
            new = Member(part, [after])
            self._substitute(after, new)
            self.members.append(new)
        return bool(hits)

    def _take_out(self, step: RemoveCall | MoveCall) -> bool:
        hits = self._at_call(step.call)
        targets = self._at_call(step.after) if isinstance(step, MoveCall) else hits
        if len(targets) != len(hits):
            return False
        for member, after in zip(hits, targets, strict=True):
            if not member.inputs:
                raise Untried(f"{member.part.kind} without its input")
            self._substitute(member, member.inputs[0])
            if isinstance(step, MoveCall):
                member.inputs = [after]
                self._substitute(after, member)
            else:
                self.members.remove(member)
        return bool(hits)

    def _substitute(self, old: Member, new: Member | Tensor) -> None:
        """Let everything that took a member's output, outside too, take the other one's."""
        for other in self.members:
            if other is not new:
                other.inputs = [new if one is old else one for one in other.inputs]
        self._ends = [new if one is old else one for one in self._ends]

    def _at_call(self, call: Call) -> list[Member]:
        return [one for one in self.members if one.call is not None and one.call.origin.key == call.origin.key]


def _same(origin: object, *others: Origin | None) -> bool:
    """Whether an origin is one of these spots, however often the code there ran."""
    key = getattr(origin, "key", None)
    return key is not None and any(other is not None and other.key == key for other in others)


def _made(kind: str, positional: tuple[object, ...], args: Mapping[str, object]) -> Ingredient:
    """A new layer."""
    given = {**dict(zip(parameters(kind)[0], positional, strict=False)), **args}
    return Ingredient(kind, {name: Arg(_value(value)) for name, value in given.items()})


def _value(value: object) -> object:
    """What a step writes, as a value: Snippet is evaluated where it is a literal."""
    if hasattr(value, "key"):
        return Unknown("an expression of the program's own")
    if not isinstance(value, Snippet):
        return value
    try:
        return ast.literal_eval(value.text)
    except (ValueError, SyntaxError):
        return Unknown(value.text)
