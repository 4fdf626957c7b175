"""Code that LibCST reads otherwise than Python, or not at all: places stay right, or one line says it is not read."""

from __future__ import annotations

import ast
import warnings
from pathlib import Path

import pytest
from click.testing import CliRunner

from bnlint import check_paths, check_source, fix_source
from bnlint.cli.main import main
from bnlint.inputs import gate
from bnlint.inputs.reading import read_code

BN = "keras.layers.BatchNormalization"
JOINED = {
    "on top": "\\\n{bn}()\n",
    "behind a statement": "x = 1\n\\\n{bn}()\n",
    "twice": "\\\n\\\n{bn}()\n",
    "in a comment": "\\\n# a comment\n{bn}()\n",
    "in a blank line": "\\\n\n{bn}()\n",
    "a block's first line": "if a:\n    \\\n    {bn}()\n    {bn}()\n",
    "a block's second line": "if a:\n    {bn}()\n    \\\n    {bn}()\n",
    "without its own margin": "if a:\n\\\n    {bn}()\n",
    "further left": "if a:\n    \\\n  {bn}()\n",
    "further right": "if a:\n    \\\n            {bn}()\n    {bn}()\n",
    "at the margin": "if a:\n    x\n    \\\n{bn}()\n",
    "with a tab": "if a:\n\t\\\n\t{bn}()\n",
    "with a form feed": "\f\\\n{bn}()\n\\\n\f{bn}()\n",
    "a function's first line": "def f(x):\n    \\\n    return {bn}()(x)\nf(1)\n{bn}()\n",
    "a docstring": "def f(x):\n    \\\n    'text'\n    \\\n    return {bn}()(x)\n{bn}()\n",
    "a class": "class A:\n    \\\n    x = 1\n    \\\n    def f(self):\n        \\\n        {bn}()\n",
    "else": "if a:\n    pass\n\\\nelse:\n    {bn}()\n",
    "except": "try:\n    pass\n\\\nexcept E:\n    {bn}()\n\\\nfinally:\n    {bn}()\n",
    "decorators": "\\\n@a\n\\\n@b\n\\\ndef f():\n    {bn}()\n",
    "match": "match a:\n    \\\n    case 1:\n        \\\n        {bn}()\n",
    "with": "with \\\n  a as b, \\\n  c: \\\n  {bn}()\n",
    "brackets": "f(\n\\\n{bn}(),\n  \\\n  1)\n{bn}()\n",
    "operators": "x = 1 + \\\n\\\n    2\n{bn}()\n",
    "strings": "x = '''\n    \\\n    '''\ny = 'a\\\n    \\\nb'  # ''' \\\n{bn}()\n",
    "semicolons": "x = 1; \\\n\\\n{bn}(); {bn}()\n",
    "the end": "{bn}() \\\n\n",
    "long": "def f(x):\n    \\\n    x = 1\n"
    + "    x = x + 1  # so that the body is long\n" * 20
    + "    {bn}()\nf(1)\n",
}


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["lf", "crlf", "cr"])
@pytest.mark.parametrize("name", JOINED)
def test_places_behind_lines_of_a_backslash(name: str, end: str) -> None:
    """Each batch normalization is found where `ast` has it."""
    text = ("import keras\n" + JOINED[name].format(bn=BN)).replace("\n", end)
    nodes = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Expr)]
    wanted = {(node.lineno, node.col_offset + 1) for node in nodes if ast.unparse(node) == f"{BN}()"}
    report = check_source(text, config={}, select=["ALL"])
    assert not report.failures and wanted
    found = {(finding.place.line, finding.place.column) for finding in report}
    assert found == wanted
    code = read_code("a.py", text.encode())
    assert code.text.count(end) == text.count(end)


def test_what_stands_behind_a_line_of_a_backslash_is_mended(tmp_path: Path) -> None:
    body = "    \\\n  x = i = keras.Input((4,))\n    \\\n    x = keras.layers.Dense(3)(x)\n    \\\n"
    body += "        x = keras.layers.BatchNormalization()(x)\n    return keras.Model(i, x)\n"
    text = f"import keras\n\ndef build():\n{body}\nbuild()\n"
    mended = fix_source(text, unsafe=True, select=["redundant-bias"])
    assert mended == text.replace("Dense(3)", "Dense(3, use_bias=False)")


def test_cells_and_documents_have_such_lines_too(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(f"# A\n\n```python\nimport keras\n\\\n{BN}()\n```\n", encoding="utf-8")
    cell = f'{{"cell_type": "code", "source": ["import keras\\n", "\\\\\\n", "{BN}()"]}}'
    (tmp_path / "b.ipynb").write_text(f'{{"cells": [{cell}]}}', encoding="utf-8")
    report = check_paths([tmp_path / "a.md", tmp_path / "b.ipynb"], config={})
    assert [(finding.place.line, finding.place.column) for finding in report] == [(6, 1), (3, 1)]
    assert not report.failures


DEEP = {
    "strings": lambda n: "y = " + "'a' " * n,
    "strings on lines": lambda n: "f(\n" + "    'a'\n" * n + ")",
    "strings in a function": lambda n: "def g(x):\n    y = (" + "b'a' " * n + f")\n    return {BN}()(x)",
    "formatted strings": lambda n: "y = " + "f'{a}' " * n,
    "replacements": lambda n: f"y = f'{'{a:{b}}' * n}'",
    "a sum": lambda n: "y = " + "+".join("a" * n),
    "powers": lambda n: "y = " + "**".join("a" * n),
    "comparisons": lambda n: "y = " + "<".join("a" * n),
    "and": lambda n: "y = " + " and ".join("a" * n),
    "and, or": lambda n: "y = " + " and b or ".join("a" * n),
    "and in and": lambda n: "y = " + "a and (" * n + "b" + ")" * n,
    "calls": lambda n: "y = a" + "()" * n,
    "attributes": lambda n: "y = a" + ".b" * n,
    "subscripts": lambda n: "y = a" + "[0]" * n,
    "parentheses": lambda n: "y = " + "(" * n + "1" + ")" * n,
    "lists": lambda n: "y = " + "[" * n + "]" * n,
    "dicts": lambda n: "y = " + "{1: " * n + "1" + "}" * n,
    "strings in strings": lambda n: "y = " + "f'{" * n + "1" + "}'" * n,
    "decorators": lambda n: "@a\n" * n + "def g(x): return x",
    "elif": lambda n: "if a: pass\n" + "elif b: pass\n" * n,
    "else: if": lambda n: "".join(f"{' ' * k}if a: pass\n{' ' * k}else:\n" for k in range(n)) + " " * n + "pass",
    "functions": lambda n: "".join(f"{' ' * k}def f(x):\n" for k in range(n)) + " " * n + "pass",
    "classes": lambda n: "".join(f"{' ' * k}class C:\n" for k in range(n)) + " " * n + "pass",
    "loops": lambda n: "".join(f"{' ' * k}for a in b:\n" for k in range(n)) + " " * n + "pass",
    "targets": lambda n: "x = " * n + "1",
    "not": lambda n: "y = " + "not " * n + "a",
    "choices": lambda n: "y = " + "a if b else " * n + "c",
    "lambdas": lambda n: "y = " + "lambda: " * n + "c",
    "comprehensions": lambda n: "y = " + "[" * n + "1" + " for a in b]" * n,
    "patterns": lambda n: "match a:\n  case " + "[" * n + "b" + "]" * n + ": pass",
    "classes in patterns": lambda n: "match a:\n  case " + "A(" * n + ")" * n + ": pass",
    "tuples in patterns": lambda n: "match a:\n  case " + "(" * n + "b" + ",)" * n + ": pass",
    "mappings in patterns": lambda n: "match a:\n  case " + "{1: " * n + "b" + "}" * n + ": pass",
    "parentheses in patterns": lambda n: "match a:\n  case " + "(" * n + "b" + ")" * n + ": pass",
    "deep patterns, often": lambda n: "match a:\n" + f"  case {'(' * 7}b{',)' * 7}: pass\n" * n,
    "deleted targets": lambda n: "del " + "(" * n + "a" + ",)" * n,
    "deleted items": lambda n: "del " + "a[" * n + "b" + "]" * n,
    "lines of a backslash": lambda n: "y = 1 + " + "\\\n" * n + "2",
    "leading lines of a backslash": lambda n: "def h():\n" + "    \\\n" * n + "    return 1",
    "models": lambda n: "y = keras.Sequential([" + "keras.Sequential([" * n + f"{BN}()" + "])" * n + "])",
    "wrappers": lambda n: "y = " + "keras.layers.TimeDistributed(" * n + f"{BN}()" + ")" * n,
    "a graph": lambda n: "i = keras.Input((4,))\ny = " + f"{BN}()(" * n + "i" + ")" * n,
}


@pytest.mark.parametrize("size", [8, 80, 240, 600, 3500])
@pytest.mark.parametrize("name", DEEP)
def test_long_and_deep_code_is_checked_or_refused_in_one_line(name: str, size: int) -> None:
    report = check_source(f"import keras\n{DEEP[name](size)}\n{BN}()\n", config={}, fixes=True)
    if report.failures:
        (failure,) = report.failures
        assert size > 8 or name == "strings in strings"
        assert failure.message.startswith(
            ("too deeply nested", "too large", "syntax error", "LibCST does not parse it")
        )
    else:
        assert "discarded-batchnorm" in {finding.rule for finding in report}


@pytest.mark.parametrize("name", ["strings", "strings on lines", "bytes", "and", "decorators", "elif", "comparisons"])
def test_long_texts_and_chains_are_code_as_it_is_written(name: str) -> None:
    make = DEEP.get(name, lambda n: "y = " + "b'a' " * n)
    report = check_source(f"import keras\n{make(240 if name == 'elif' else 1_500)}\n{BN}()\n", config={})
    assert [finding.rule for finding in report] == ["discarded-batchnorm"]


QUOTED = "'a' "
UNREAD = f"    y = ({QUOTED * 3_500})\n"
"""More strings than LibCST joins."""


def test_what_libcst_does_not_parse_costs_that_file_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a function it is met when that is entered; in a module that another one imports, it is something unknown."""
    monkeypatch.chdir(tmp_path)
    unread = f"import keras\ndef f(x):\n{UNREAD}    return {BN}()(x)\n"
    Path("on_top.py").write_text(f"import keras\nif 1:\n{UNREAD}{BN}()\n", encoding="utf-8")
    Path("within.py").write_text(unread, encoding="utf-8")
    Path("uses.py").write_text(f"import keras\nfrom within import f\nimport on_top\nf(1)\n{BN}()\n", encoding="utf-8")
    for jobs in (1, 2):
        report = check_paths(["."], config={}, fixes=True, jobs=jobs)
        assert [failure.path for failure in report.failures] == ["./on_top.py", "./within.py"]
        assert all(failure.line in (3, 4) for failure in report.failures)  # What LibCST stumbles over may be next.
        assert all("LibCST does not parse it" in failure.message for failure in report.failures)
        assert [finding.place.path for finding in report] == ["./uses.py"]
    result = CliRunner().invoke(main, ["graph", "within.py"])
    assert result.exit_code == 2 and "LibCST does not parse it" in result.stderr


def test_the_gate_does_not_parse_what_it_cannot_weigh() -> None:
    """Brackets around a pattern are nowhere in the tree of `ast`."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        guarded = "  case {'a': [(1, 2), A(b=[c])]} if f(g(h(1))): f([[[[[[[[[[1]]]]]]]]]])\n"
        gate.check_text(f"match a:\n  case '((((((((((((((((': pass\n{guarded}")
    with pytest.raises(gate.Refused, match="nested") as refusal:
        gate.check_text(f"match a:\n  case 1:\n    x = 2\n  case {'(' * 20}1{')' * 20}: pass\n")
    assert refusal.value.line == 4
