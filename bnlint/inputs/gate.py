"""Which files are worth parsing, and which must not be: tests on bytes, and `ast.parse` in front of LibCST.

LibCST is super-linear in nesting and can take the process down; `ast.parse` refuses the same text in milliseconds.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from ..catalog import WITH_BATCHNORM, kinds
from .decoding import Refused as Refused
from .decoding import decoded

MAX_DEPTH = 250
MAX_CHAIN = 3_000
"""How many operands chains of `and` or `or` may have in all where they are long: a level of LibCST's tree each, though
one node of `ast`. LibCST itself parses as many levels of what it nests to the right."""
MAX_BRACKETS, PATTERN_GROWTH, TARGET_GROWTH = 500_000, 4.5, 2
"""What LibCST may take for the patterns of `match` and the targets of `del`: for each, its time grows by a factor with
every bracket. So much are two seconds."""
MAX_MEGABYTES = 200
"""What LibCST may take for a text: half of what a file may cost in all."""
LONG, SPREAD, PARENTHESES = 100_000, 50_000, 2_500
"""From how many characters on a text is weighed before it is parsed; and after, from how many levels, summed over all
syntax nodes, or parentheses, of which the nodes say nothing. Below, LibCST cannot take that much."""

_LAYERS = kinds("batch-normalization")
_FUNCTIONS = frozenset({"batch_normalization", "batch_norm"})
_FUNCTION_BYTES = (b"layers.batch_norm", b"slim.batch_norm", b"import batch_norm")
_LAYER_BYTES = re.compile(rb"BatchNormalization(?!`| (?!(?:as|if|else|for|in|is|or|and|not)\b)[a-z])")
"""A class's name, but not as prose has it: in backticks, or with a word behind it. A function's likewise."""
_LOADER_BYTES = re.compile(
    rb"(?:models|keras)\.load_model(?![`'\"]|\.[\s'\"]|\(\)`| (?!(?:as|if|else|for|in|is|or|and|not)\b)[a-z])"
    rb"|models import.{,400}load_model|KerasLayer",
    re.DOTALL,
)
_APPLICATION_BYTES = tuple(name.encode() for name in WITH_BATCHNORM)
_PYTHON_2 = re.compile(
    r"^[ \t]*(print\s+[\"'\w%(]|exec\s+[\"'\w]|raise\s+\w+\s*,|except\s+[\w.()]+\s*,\s*\w+\s*:)", re.MULTILINE
)


def names_batchnorm(data: bytes) -> bool:
    """Whether these bytes name a batch normalization, or something of Keras's that holds one."""
    if b"BatchNormalization" in data and _LAYER_BYTES.search(data):
        return True
    if b"batch_norm" in data and any(name in data for name in _FUNCTION_BYTES):
        return True
    if b"eras" not in data:
        return False
    if b"keras.layers.normalization" in data:
        return True
    if (b"load_model" in data or b"KerasLayer" in data) and _LOADER_BYTES.search(data):
        return True
    return b"applications" in data and any(name in data for name in _APPLICATION_BYTES)


_STRING = re.compile(rb"\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.DOTALL)


class Checked(NamedTuple):
    """What `ast` tells of a text.

    `named`: its code, not just a comment or a string, names a batch normalization, or what holds one. `functions`:
    those at its top level and in its classes, in order.
    """

    named: bool
    functions: tuple[ast.FunctionDef | ast.AsyncFunctionDef, ...] = ()


def read(data: bytes) -> tuple[str, Checked]:
    """The text of a Python file, decoded as Python does; Refused where LibCST should not see it."""
    text = decoded(data)
    return text, check_text(text)


def check_text(text: str) -> Checked:
    """Look a text through; Refused if it does not parse, or is too deep or too large for LibCST."""
    if len(text) > LONG:
        _weigh(text)
    tree = tree_of(text)
    found, spread, bracketed = _names(tree)
    if bracketed:
        _check_brackets(text, bracketed)
    if len(text) <= LONG and (spread > SPREAD or text.count("(") > PARENTHESES):
        _weigh(text)
    return Checked(found, tuple(_functions(tree.body)))


def tree_of(text: str) -> ast.Module:
    """A text's tree, without Python's warnings of it; Refused if it does not parse, or is too deep."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except SyntaxError as error:
        if error.msg and "nested" in error.msg:
            raise Refused("too deeply nested", error.lineno, "limit") from None
        if _PYTHON_2.search(text):
            raise Refused(f"looks like Python 2: {error.msg}", error.lineno, "syntax") from None
        raise Refused(f"syntax error: {error.msg}", error.lineno, "syntax") from None
    except (RecursionError, MemoryError):
        raise Refused("too deeply nested", kind="limit") from None
    except ValueError as error:
        raise Refused(f"does not parse: {error}", kind="syntax") from None


def _functions(statements: list[ast.stmt]) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for statement in statements:
        if isinstance(statement, ast.ClassDef):
            yield from _functions(statement.body)
        elif isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield statement


def _weigh(text: str) -> None:
    from .weight import megabytes

    if megabytes(text, MAX_MEGABYTES) > MAX_MEGABYTES:
        raise Refused(f"too large: parsing it would take over {MAX_MEGABYTES} MB", kind="limit")


def _check_brackets(text: str, nodes: list[ast.Match | ast.Delete]) -> None:
    """Refuse patterns and deleted targets in many brackets, which stand in the text alone: `ast` has no such nodes."""
    lines = [line.encode("utf-8", "surrogatepass") for line in re.split(r"\r\n|\r|\n", text)]
    cost = 0.0
    for line, growth, (row, column), (end, end_column) in _bracketed(nodes):
        between = b"\n".join([*lines[row - 1 : end - 1], lines[end - 1][:end_column]])
        depth = deepest = 0
        for byte in _STRING.sub(b"", between[column:]):
            depth += (byte in b"([{") - (byte in b")]}")
            deepest = max(deepest, depth)
        cost += growth ** min(deepest, 100)
        if cost > MAX_BRACKETS:
            raise Refused("too deeply nested", line, "limit")


def _bracketed(nodes: list[ast.Match | ast.Delete]) -> Iterator[tuple[int, float, tuple[int, int], tuple[int, int]]]:
    """The line of each, how LibCST's time grows with its brackets, and between which lines and columns they stand."""
    for node in nodes:
        if isinstance(node, ast.Delete):
            end = (node.end_lineno or node.lineno, node.end_col_offset or 0)
            yield node.lineno, TARGET_GROWTH, (node.lineno, node.col_offset), end
            continue
        above: ast.expr | ast.stmt = node.subject
        for case in node.cases:
            first, start = case.body[0], (above.end_lineno or 1, above.end_col_offset or 0)
            yield case.pattern.lineno, PATTERN_GROWTH, start, (first.lineno, first.col_offset)
            above = case.body[-1]


def _names(tree: ast.Module) -> tuple[bool, int, list[ast.Match | ast.Delete]]:
    """Walk a tree level by level: refuse it where it is too deep, look for the names, sum up the nodes' levels, and
    collect the statements whose brackets are to be weighed."""
    level: list[ast.AST] = [tree]
    spread = depth = chained = 0
    bracketed: list[ast.Match | ast.Delete] = []
    found = False
    while level:
        depth += 1
        spread += depth * len(level)
        if depth > MAX_DEPTH:
            raise Refused("too deeply nested", getattr(level[0], "lineno", None), "limit")
        below: list[ast.AST] = []
        for node in level:
            kind: Any = type(node)
            if not found and kind in _NAMING and _bears(node):
                found = True
            elif isinstance(node, (ast.Match, ast.Delete)):
                bracketed.append(node)
            elif isinstance(node, ast.BoolOp) and len(node.values) > MAX_DEPTH:
                chained += len(node.values)
                if chained > MAX_CHAIN:
                    raise Refused("too deeply nested", node.lineno, "limit")
            for name in _branches(kind):
                value = getattr(node, name)
                if type(value) is list:
                    below += [item for item in value if isinstance(item, ast.AST)]
                elif isinstance(value, ast.AST):
                    below.append(value)
        level = below
    return found, spread, bracketed


@cache
def _branches(kind: type[ast.AST]) -> tuple[str, ...]:
    """The fields of a node that hold further nodes; those that say nothing of names and of depth left out."""
    return () if kind in (ast.Constant, ast.Name) else tuple(name for name in kind._fields if name not in _BARE)


_BARE = frozenset({"attr", "ctx", "is_async", "kind", "level", "module", "op", "ops", "type_comment"})
_NAMING = frozenset({ast.Name, ast.Attribute, ast.ImportFrom, ast.Import})


def _bears(node: ast.AST) -> bool:
    """Whether a node names a batch normalization as code that uses one does, not as code that defines one."""
    if isinstance(node, ast.Name):
        return node.id in _LAYERS or node.id.startswith(WITH_BATCHNORM)
    if isinstance(node, ast.Attribute):
        if node.attr in _FUNCTIONS:
            return _last(node.value) in ("layers", "slim")
        if node.attr == "load_model":
            return _last(node.value) in ("models", "keras")
        return node.attr in _LAYERS or node.attr == "KerasLayer" or node.attr.startswith(WITH_BATCHNORM)
    if isinstance(node, ast.ImportFrom):
        module = node.module or ""
        if "keras.layers.normalization" in module and "src" not in module:
            return True
        names = {alias.name for alias in node.names}
        return (module.endswith(("layers", "slim")) and bool(names & _FUNCTIONS)) or (
            module.endswith("models") and "load_model" in names
        )
    return False


def bears_name(name: str) -> bool:
    """Whether a name, wherever it stands, may be that of a batch normalization or of what holds one."""
    return (
        name in _LAYERS or name in _FUNCTIONS or name in ("load_model", "KerasLayer") or name.startswith(WITH_BATCHNORM)
    )


def _last(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
