"""Trees whose function bodies are parsed when they are asked for."""

from __future__ import annotations

import ast
import gc
import pathlib
from collections.abc import Iterator

import libcst as cst
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from libcst.metadata import MetadataWrapper, PositionProvider

from bnlint import check_paths
from bnlint.doors.source import draft, evaluate
from bnlint.doors.source.draft import Draft
from bnlint.doors.source.language.relevance import _names_by_ast, _names_in
from bnlint.doors.source.module import Module
from bnlint.inputs.code import Code
from bnlint.inputs.gate import check_text

FIXTURES = pathlib.Path(__file__).parents[1] / "fixtures" / "programs"
BODIES = st.sampled_from(
    [
        "pass",
        "return 1  # last",
        '"""A docstring\nat the margin."""\nx = 1',
        "# first\n\n# second\nx = [\n1,\n\n]\n# after\n",
        "if a:\n    b()\n    # deep\n\n# shallow",
        "@d(1)\n# between\ndef inner(x: int = 1) -> str:\n\treturn x\n\nreturn inner",
        "class K:\n  def m(self): return self\n",
        "a = b \\\n  + c; d = e",
        "for i in x:\n        y(i)\nelse:\n        z('''\n  text''')",
        "async with a as b, c: await b.d\nyield",
        "x.y = f'{a!r:>{b}}'",
    ]
)
HEADS = st.sampled_from(
    ["def f(a, *, b=1):", "async def g():  # why", "@d\ndef h(\n    a,\n) -> None:", "def i(): \\\n"]
)


@pytest.fixture(autouse=True)
def all_bodies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draft, "LONG", 1)


def drafted(text: str) -> Draft:
    return Draft(text, check_text(text).functions)


def indented(text: str, by: str) -> str:
    return "\n".join(by + line if line else line for line in text.split("\n"))


@st.composite
def programs(draw: st.DrawFn) -> str:
    """Functions and classes of functions, with all line ends, indentations and comments in between."""
    parts: list[str] = []
    for _ in range(draw(st.integers(1, 4))):
        head, indent = draw(HEADS), draw(st.sampled_from(["    ", "  ", "\t"]))
        body = "  return 1" if head.endswith("\\\n") else "\n" + indented(draw(BODIES), indent)
        function = head + body
        if draw(st.booleans()):
            function = f"class C(B):\n{indent}x = 1\n\n" + indented(function, indent)
        parts.append(function)
        parts.append(draw(st.sampled_from(["", "\n# a comment", "x = 1", "if x:\n  def not_at_the_top():\n    pass"])))
    text = "\n".join(parts)
    return text.replace("\n", draw(st.sampled_from(["\n", "\r\n", "\r"]))) + draw(st.sampled_from(["", "\n", "\n\n"]))


def parses(text: str) -> bool:
    try:
        ast.parse(text)
        cst.parse_module(text)
    except (SyntaxError, cst.ParserSyntaxError):
        return False
    return True


@settings(max_examples=300)
@given(programs().filter(parses), st.data())
def test_the_whole_tree_is_the_one_that_libcst_makes(text: str, data: st.DataObject) -> None:
    here = drafted(text)
    missing = list(here.missing)
    early = data.draw(st.lists(st.sampled_from(missing), unique_by=id)) if missing else []
    statements = [statement for node in early for statement in here.body(node)]  # type: ignore[arg-type]
    module = Module("m.py", text, here)
    tree = here.tree()
    whole = cst.parse_module(text)
    assert not here.missing and tree.code == whole.code
    assert ast.dump(ast.parse(tree.code)) == ast.dump(ast.parse(text))
    places = MetadataWrapper(tree, unsafe_skip_copy=True).resolve(PositionProvider)
    for statement in statements:
        place, found = places[statement], module.place(statement)
        assert (found.line, found.column, found.end_line, found.end_column) == (
            place.start.line, place.start.column + 1, place.end.line, place.end.column + 1,
        )  # fmt: skip


def functions(nodes: list[ast.stmt]) -> Iterator[ast.stmt]:
    for node in nodes:
        if isinstance(node, ast.ClassDef):
            yield from functions(node.body)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node


@settings(max_examples=200)
@given(programs().filter(parses))
def test_a_body_not_parsed_yet_names_what_it_names_when_it_is(text: str) -> None:
    here = drafted(text)
    before = {node: _names_by_ast(body.function) for node, body in here.missing.items()}
    here.tree()
    for node, (used, assigned) in before.items():
        assert (used, assigned) == _names_in(node)


def test_every_body_on_lines_of_its_own_waits() -> None:
    text = "def f(a):\n    return a\n\n\nclass C:\n    def g(self):\n        return 1\n\n    def h(self): return 2\n"
    here = drafted(text)
    assert [node.name.value for node in here.missing] == ["f", "g"]  # type: ignore[attr-defined]
    assert [type(statement).__name__ for statement in here.statements] == ["FunctionDef", "ClassDef"]


@pytest.mark.parametrize("program", sorted(FIXTURES.glob("*.py")), ids=lambda path: path.stem)
def test_what_waits_changes_nothing_that_is_understood(program: pathlib.Path) -> None:
    text = program.read_text(encoding="utf-8")
    at_once, in_time = evaluate(text, "a.py"), evaluate(Code(text, *check_text(text)), "a.py")
    for one, other in ((at_once.calls, in_time.calls), (at_once.events, in_time.events)):
        assert [item.origin.place() for item in one] == [item.origin.place() for item in other]
    assert at_once.coverage == in_time.coverage


def test_a_text_with_the_mark_in_it_is_parsed_at_once() -> None:
    text = "def f():\n    _bnlint_body\n\ndef g():\n    return 1\n"
    assert not drafted(text).missing and drafted(text).tree().code == text


def test_programs_leave_no_trees_behind() -> None:
    def trees() -> list[object]:
        return [thing for thing in gc.get_objects() if isinstance(thing, (Draft, Module))]

    gc.collect()
    before = trees()
    gc.disable()
    try:
        check_paths([FIXTURES], config={}, jobs=1)
        left = [thing for thing in trees() if not any(thing is other for other in before)]
    finally:
        gc.enable()
    assert not left
