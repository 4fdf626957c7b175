"""The standard library: functools, copy, argparse, types; and what the symbols of unknown libraries mean."""

from __future__ import annotations

from dataclasses import dataclass

from ....graph import Model
from ..purposes import loads_weights
from ..values.args import Args
from ..values.bound import Partial
from ..values.containers import Dict, List
from ..values.data import Array, Thing
from ..values.evaluator import Evaluator
from ..values.kind import ABSENT, Opaque, Value, layer_of
from ..values.lifted import instead
from ..values.plain import is_small
from ..values.registry import method, symbol
from .layers import new_layer


@symbol("functools.partial")
def partial(m: Evaluator, args: Args) -> Value:
    return Partial(args.get(0, "func"), list(args.positional[1:]), dict(args.keywords))


@symbol("copy.deepcopy", "copy.copy")
def copied(m: Evaluator, args: Args) -> Value:
    value = args.get(0, "x")
    if not is_small(value):
        m.escape(value)
        return Opaque("a copy of much")
    return _copied(value) if args.callee == "copy.deepcopy" else _shallow(value)


def _shallow(value: Value) -> Value:
    if isinstance(value, List):
        return type(value)(value, value.open)
    return Dict(value, value.open) if isinstance(value, Dict) else value


def _copied(value: Value) -> Value:
    if isinstance(value, List):
        return List(map(_copied, value), open=value.open)
    if isinstance(value, Dict):
        return Dict({key: _copied(item) for key, item in value.items()}, open=value.open)
    return value


@symbol("os.getenv", "os.environ.get")
def variable(m: Evaluator, args: Args) -> Value:
    """A variable of the environment: what the program has set it to, else the default."""
    name, default = args.get(0, "key"), args.get(1, "default", None)
    if not isinstance(name, str) or m.environment.open:
        return Opaque("a variable of the environment", "os.environ")
    unset = Opaque(f"the variable {name} of the environment", name) if default is None and not m.exact else default
    return instead(m.settled(m.environment.get(name, ABSENT)), m.by_default(unset))


@symbol("os.environ.setdefault")
def variable_or(m: Evaluator, args: Args) -> Value:
    name = args.get(0, "key")
    value = variable(m, args)
    m.environment.set_item(m, name, value)
    return value


@symbol("types.SimpleNamespace")
def namespace(m: Evaluator, args: Args) -> Value:
    return Thing("types.SimpleNamespace", {}, Dict(args.keywords))


@dataclass(eq=False, slots=True)
class Parser(Thing):
    """argparse's parser, or a group of its arguments: the defaults by name."""


@symbol("argparse.ArgumentParser")
def parser(m: Evaluator, args: Args) -> Value:
    return Parser(args.callee)


@method(Parser, "add_argument")
def add_argument(m: Evaluator, parser: Parser, args: Args) -> Value:
    flags = [value for value in args.positional if isinstance(value, str)]
    flag = next((value for value in flags if value.startswith("--")), flags[0] if flags else "")
    dest = args.get(None, "dest")
    key = dest if isinstance(dest, str) else flag.lstrip("-").replace("-", "_")
    default = args.get(None, "default", Opaque("a command-line argument"))
    if args.get(None, "action") in ("store_true", "store_false"):
        default = args.get(None, "action") == "store_false"
    known = isinstance(default, (bool, int, float, str))
    m.store(parser.attributes, key, m.by_default(default) if known else Opaque("a command-line argument"))
    return None


@method(Parser, "parse_args", "parse_known_args")
def parse(m: Evaluator, parser: Parser, args: Args) -> Value:
    space = Thing("argparse.Namespace", {}, Dict(parser.attributes, open=True))
    return space if args.callee == "parse_args" else (space, List(open=True))


@method(Parser, "add_argument_group", "add_mutually_exclusive_group")
def group(m: Evaluator, parser: Parser, args: Args) -> Value:
    return parser


@method(Thing, "parse_args")
def parse_otherwise(m: Evaluator, thing: Thing, args: Args) -> Value:
    return thing


@symbol("*.train_test_split")
def train_test_split(m: Evaluator, args: Args) -> Value:
    return List([Array() for value in args.positional for _ in range(2)])


@symbol("*")
def unknown(m: Evaluator, args: Args) -> Value:
    """Symbols of libraries that are not known: a layer of theirs is still a layer."""
    path, last = args.callee, args.callee.rpartition(".")[2]
    if last[:1].isupper() and ".layers" in path:
        return new_layer(m, last, args)
    if path.startswith("keras.") and last[:1].isupper():
        return Thing(path, args.named(()))
    note_loaded(last, args)
    m.escape_all(args)
    return Opaque(f"the result of {path}", path)


def note_loaded(name: str, args: Args) -> None:
    """A function that by its name loads weights is given models: from now on they may be trained ones."""
    if loads_weights(name):
        for value in args.values:
            model = layer_of(value)
            if isinstance(model, Model):
                model.pretrained = True
