"""The rulebook: cards, loading, choosing, new rules, the index."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bnlint import check_source
from bnlint.findings import Severity
from bnlint.rulebook.card import examples, fences, sections, summary, why
from bnlint.rulebook.folders import Book, index, open_book, read_folders, scaffold, shipped_folder
from bnlint.rulebook.rule import CATEGORIES

CARD = """# Title with `code`

First line of the
reason.

Second paragraph.

## Why

Text.

```python bad keras=2 option.placement="before-activation" option.n=8
# Not a title
## Nor a section
x = 1  # <- error
y = 2

z = 3  # <- advice
```

```python fixed
x = 2
```

```
plain
```

```python
print("evidence")
```

## Evidence

1 of 2.
"""


def test_a_card_s_title_and_reason() -> None:
    assert summary(CARD) == "Title with `code`"
    assert why(CARD) == "First line of the reason."


@pytest.mark.parametrize("card", ["", "# Title", "# Title\n\n## Why\n", "# Title\n\n```python bad\n```\n"])
def test_a_card_without_a_reason(card: str) -> None:
    assert why(card) == ""


def test_sections_leave_code_out() -> None:
    found = sections(CARD)
    assert list(found) == ["Why", "Evidence"]
    assert found["Why"].strip() == "Text." and found["Evidence"] == "1 of 2."


def test_examples_with_their_marks_and_attributes() -> None:
    bad, fixed = examples(CARD)
    assert (bad.kind, fixed.kind) == ("bad", "fixed")
    assert bad.marks == {3: Severity.ERROR, 6: Severity.ADVICE}
    assert (bad.target, fixed.target) == ("2", "auto")
    assert bad.options == {"placement": "before-activation", "n": 8} and fixed.options == {}
    assert bad.code.startswith("# Not a title\n") and bad.code.endswith("# <- advice\n")
    assert CARD.split("\n")[bad.card_line - 1] == "# Not a title"
    assert [fence.info for fence in fences(CARD)][2:] == ["", "python"]


@pytest.mark.parametrize(
    ("card", "says"),
    [
        ("```python bad\nx", "line 1: the fence is not closed"),
        ("\n```python worse\n```\n", "line 2: expected `python bad`"),
        ("```python bad kears=2\n```\n", "unknown attribute 'kears'"),
        ("```python bad option.n=eight\n```\n", "not JSON: eight"),
        ("```python bad keras\n```\n", "expected name=value"),
        ("```python bad\nx  # <- wrning\n```\n", "unknown severity 'wrning'"),
    ],
)
def test_a_wrong_fence_is_refused_by_its_line(card: str, says: str) -> None:
    with pytest.raises(ValueError, match="line") as caught:
        examples(card)
    assert says in str(caught.value)


def test_the_shipped_rules_are_the_files_of_the_folder() -> None:
    stems = {path.stem for path in shipped_folder().glob("[a-z]*.py")}
    assert {name.replace("-", "_") for name in open_book()} == stems
    assert stems >= {"tiny_batch", "mixed_placement"}
    assert all(rule.name == name and rule.category in CATEGORIES for name, rule in open_book().items())


def test_opening_reads_no_rule_and_loading_reads_no_card(rules_folder: Path) -> None:
    sys.modules.pop("bnlint.rules.large_epsilon", None)
    book = read_folders(rules_folder)
    assert list(book) == ["large-epsilon"] and "bnlint.rules.large_epsilon" not in sys.modules
    rule = book["large-epsilon"]
    assert "bnlint.rules.large_epsilon" in sys.modules and "card" not in vars(rule)
    assert rule.summary == "Epsilon is large" and "card" in vars(rule)


def test_a_rule_without_a_card_has_an_empty_one(rules_folder: Path) -> None:
    (rules_folder / "large_epsilon.md").unlink()
    rule = read_folders(rules_folder)["large-epsilon"]
    assert (rule.card, rule.summary, rule.why) == ("", "", "")


def make_book(folder: Path) -> Book:
    """Four rules: `one` and `two` in "batch", `three` in "mode", and `extra` in "mode", off by default."""
    for name, category, enabled in (
        ("one", "batch", True),
        ("two", "batch", True),
        ("three", "mode", True),
        ("extra", "mode", False),
    ):
        code = f"from bnlint import Severity\ncategory = {category!r}\nseverity = Severity.ERROR\nenabled = {enabled}\n"
        (folder / f"{name}.py").write_text(f"{code}def check(program, options):\n    return ()\n")
    return read_folders(folder)


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ({}, ["one", "three", "two"]),
        ({"select": []}, []),
        ({"select": ["one"]}, ["one"]),
        ({"select": ["mode"]}, ["three"]),
        ({"select": ["ALL"]}, ["extra", "one", "three", "two"]),
        ({"select": ["extra", "batch"]}, ["extra", "one", "two"]),
        ({"extend_select": ["extra"]}, ["extra", "one", "three", "two"]),
        ({"ignore": ["batch"]}, ["three"]),
        ({"extend_select": ["extra"], "ignore": ["mode"]}, ["one", "two"]),
        ({"select": ["batch"], "extend_select": ["mode"], "ignore": ["two"]}, ["one", "three"]),
        ({"ignore": ["ALL"]}, []),
    ],
)
def test_selection(tmp_path: Path, given: dict[str, list[str]], names: list[str]) -> None:
    assert [rule.name for rule in make_book(tmp_path).select(**given)] == names


@pytest.mark.parametrize("argument", ["select", "extend_select", "ignore"])
def test_an_unknown_entry_names_the_closest(tmp_path: Path, argument: str) -> None:
    book = make_book(tmp_path)
    with pytest.raises(ValueError, match="unknown rule or category 'tree': did you mean 'three'"):
        book.select(**{argument: ["tree"]})
    with pytest.raises(ValueError, match="unknown rule or category 'xyz': expected one of extra, one"):
        book.select(**{argument: ["xyz"]})


def test_find(tmp_path: Path) -> None:
    book = make_book(tmp_path)
    assert book.find("extra").enabled is False
    with pytest.raises(ValueError, match="unknown rule 'thre': did you mean 'three'"):
        book.find("thre")


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("", "needs `category`, of type str"),
        ("category = 'btch'", "unknown category 'btch': did you mean 'batch'"),
        ("category = 'batch'", "needs `severity`, of type Severity"),
        ("category = 'batch'\nseverity = 'error'", "needs `severity`, of type Severity"),
        ("from bnlint import Severity\ncategory = 'batch'\nseverity = Severity.ERROR", "needs `check`"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("def", "SyntaxError"),
        ("import nothing_of_this_name", "ModuleNotFoundError"),
    ],
)
def test_a_broken_rule_is_named_with_its_file(tmp_path: Path, code: str, says: str) -> None:
    path = tmp_path / "broken.py"
    path.write_text(code)
    with pytest.raises(ValueError, match="broken") as caught:
        read_folders(tmp_path).select()
    assert str(path) in str(caught.value) and says in str(caught.value)
    assert "bnlint.rules.broken" not in sys.modules or says.startswith(("needs", "unknown"))


def test_folders_that_cannot_be_opened(tmp_path: Path, rules_folder: Path) -> None:
    with pytest.raises(ValueError, match="rules folder not found"):
        open_book(tmp_path / "none")
    with pytest.raises(ValueError, match="'large-epsilon' stands twice"):
        open_book(rules_folder, rules_folder)
    (rules_folder / "Batch-Size.py").write_text("")
    with pytest.raises(ValueError, match="a rule's file is named"):
        open_book(rules_folder)


def test_user_rules_stand_beside_the_shipped_ones(rules_folder: Path) -> None:
    assert set(open_book(rules_folder)) == set(open_book()) | {"large-epsilon"}


def test_a_new_rule_is_two_files_that_load(tmp_path: Path) -> None:
    module, card = scaffold("wide-epsilon", tmp_path / "rules")
    assert (module.name, card.name) == ("wide_epsilon.py", "wide_epsilon.md")
    rule = read_folders(tmp_path / "rules")["wide-epsilon"]
    assert rule.summary and rule.why and "ignore[wide-epsilon]" in rule.card and "rule-name" not in rule.card


@pytest.mark.parametrize("name", ["Wide", "wide_epsilon", "wide epsilon", "", "-wide", "batch", "all", "../x", "9s"])
def test_a_new_rule_s_name_must_be_possible(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="cannot be a rule's name"):
        scaffold(name, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_new_rule_overwrites_nothing(tmp_path: Path) -> None:
    (tmp_path / "wide.md").write_text("mine")
    with pytest.raises(FileExistsError, match=r"wide\.md"):
        scaffold("wide", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["wide.md"]


def test_the_index_lists_every_rule_once(tmp_path: Path) -> None:
    page = index(make_book(tmp_path))
    assert [line for line in page.split("\n") if line.startswith("## ")] == ["## batch", "## mode"]
    assert page.count("](") == 4 and "error (off by default)" in page


def test_the_shipped_index_is_current() -> None:
    page = (shipped_folder() / "README.md").read_text(encoding="utf-8")
    assert page == index(open_book()), "run: python docs/scripts/make_index.py"


WATCHING = """
from bnlint import Problem, Severity

category = "batch"
severity = Severity.ADVICE
watches = frozenset({"set_seed"})


def check(program, options):
    yield from (Problem(use.origin, f"{use.path} of {use.args['0'].value}.") for use in program.uses if use.args)
"""


def test_a_rule_sees_every_use_of_what_it_watches(tmp_path: Path) -> None:
    (tmp_path / "seeds.py").write_text(WATCHING, encoding="utf-8")
    code = "import tensorflow as tf\ntf.random.set_seed(3)\nbn = tf.keras.layers.BatchNormalization()\n"
    code += "tf.keras.utils.set_random_seed(4)\n"
    found = check_source(code, config={}, rules=[tmp_path], select=["seeds"])
    assert [(finding.place.line, finding.message) for finding in found] == [(2, "tensorflow.random.set_seed of 3.")]
    assert not [finding for finding in check_source(code, config={}) if "set_seed" in finding.message]
