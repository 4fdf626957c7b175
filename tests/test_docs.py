"""The pages in docs/: what they show is run, and what they name is there."""

from __future__ import annotations

import ast
import doctest
import re
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[1]
PAGES = sorted((CHECKOUT / "docs").glob("*.md"))
FILE = re.compile(r"`((?:bnlint/|rules/|tests/|docs/)?[\w/]+(?:\.py|/))`")


def test_a_value_walks_through_the_evaluator() -> None:
    done = doctest.testfile(str(CHECKOUT / "docs" / "architecture.md"), module_relative=False)
    assert done.attempted > 20 and done.failed == 0


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_a_page_names_is_there(page: Path) -> None:
    """Files by their path, from the checkout, the package or one of its folders; and pages that are linked."""
    text = page.read_text(encoding="utf-8")
    homes = [CHECKOUT, CHECKOUT / "bnlint", CHECKOUT / "tests"]
    homes += (path for name in ("bnlint", "tests") for path in (CHECKOUT / name).rglob("*") if path.is_dir())
    named = set(FILE.findall(text)) - {"bnlint/doors/source/library/acme.py"}  # Which the page writes itself.
    assert [name for name in named if not any((home / name).exists() for home in homes)] == []
    links = re.findall(r"\]\(([^)#:]+)\)", text)
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_folder_of_the_package_is_on_the_map() -> None:
    text = (CHECKOUT / "docs" / "architecture.md").read_text(encoding="utf-8")
    parts = {path for path in (CHECKOUT / "bnlint").iterdir() if path.name[:2] != "__"}
    names = {f"{path.name}/" if path.is_dir() else path.name for path in parts} - {"rules/", "py.typed", "moved.py"}
    assert [name for name in names if f"`{name}`" not in text] == []


FIELD = re.compile(r"([a-z_]+(?:(?:, and |, | and )[a-z_]+)*): ")
CLASSES = [
    pytest.param(node, id=f"{path.stem}.{node.name}")
    for path in sorted((CHECKOUT / "bnlint").rglob("*.py"))
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    if isinstance(node, ast.ClassDef) and FIELD.search(ast.get_docstring(node) or "")
]


@pytest.mark.parametrize("node", CLASSES)
def test_the_fields_that_a_class_explains_are_there(node: ast.ClassDef) -> None:
    """`name: what it is`, at the beginning of a sentence."""
    fields = {one.target.id for one in node.body if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name)}
    if not fields:
        return
    methods = {one.name for one in node.body if isinstance(one, ast.FunctionDef)}
    sentences = re.split(r"(?<=[.;])\s+|\n\n", (ast.get_docstring(node) or "").replace("`", ""))
    found = [match[1] for one in sentences if (match := FIELD.match(one.replace("\n", " ")))]
    assert {name for names in found for name in re.split(r", and |, | and ", names)} <= fields | methods
