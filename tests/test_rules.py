"""The cards are the tests: every example of every rule, and what every card must hold."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from bnlint.rulebook.folders import open_book, read_folders, scaffold, shipped_folder
from bnlint.rulebook.rule import Rule
from bnlint.run.examples import CardExample, card_complaints, trials

RULES = list(open_book().values())


@pytest.mark.parametrize("trial", [trial for trial in trials(RULES) if not trial.example.live], ids=str)
def test_example(trial: CardExample) -> None:
    assert trial.complaints() == []


@pytest.mark.slow
@pytest.mark.skipif(find_spec("keras") is None, reason="needs keras")
@pytest.mark.parametrize("trial", [trial for trial in trials(RULES) if trial.example.live], ids=str)
def test_live_example(trial: CardExample) -> None:
    assert trial.complaints() == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_card(rule: Rule) -> None:
    assert card_complaints(rule) == []


def test_every_rule_has_a_card_and_every_card_a_rule() -> None:
    code, cards = ({path.stem for path in shipped_folder().glob(f"*.{kind}")} - {"README"} for kind in ("py", "md"))
    assert code == cards
    assert {rule.name.replace("-", "_") for rule in RULES} == code - {"_template"}


def complaints(folder: Path) -> list[str]:
    """Everything that is wrong with the rules of a folder."""
    rules = list(read_folders(folder).values())
    return [said for rule in rules for said in card_complaints(rule)] + [
        said for trial in trials(rules) for said in trial.complaints()
    ]


def test_a_folder_of_one_s_own_passes(rules_folder: Path) -> None:
    assert len(trials(read_folders(rules_folder).values())) == 7
    assert complaints(rules_folder) == []


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("(epsilon=0.5)  # <- warning", "()  # <- warning", ": warning expected, none found"),
        ("(epsilon=0.5)  # <- warning", "(epsilon=0.5)  # <- error", ": unexpected warning"),
        ("first = layers.BatchNormalization()", "first = layers.BatchNormalization(epsilon=0.9)", "unexpected warning"),
        ("x = 1", "import keras\nkeras.layers.BatchNormalization(epsilon=1.5)", ": unexpected warning"),
        ("x = 1", "x = 1  # <- warning", "no other example may have one"),
        ("  # <- warning", "", "a bad example needs a mark"),
        ("x = 1", "x = (", "does not parse: '(' was never closed"),
        ("# Epsilon is large\n", "Epsilon is large\n", "does not start with a title"),
        ("An epsilon near the variance hides it.\n\n", "", "no paragraph under the title"),
        ("## When to ignore\n\nNever.\n", "", "the sections must be Why, Examples"),
        ("## Why\n\nBecause.", "## Why\n", "section 'Why' is empty"),
        ("## Why\n\nBecause.\n\n", "## Why\n\nBecause.\n\n```python bad\nx\n```\n\n", "a bad example needs a mark"),
        ("```python good\ny = 2\n```", "", "needs 2 bad and 3 good examples, has 2 and 2"),
        ("python fixed", "python", "no fixed example"),
        ("At epsilon 0.5 a unit variance comes out as 0.67.", "It was measured.", "the evidence has no number"),
        ("- Seed 000.", "- A friend.", "neither a paper nor a seed"),
    ],
)
def test_what_is_wrong_is_said(rules_folder: Path, old: str, new: str, says: str) -> None:
    card = rules_folder / "large_epsilon.md"
    text = card.read_text(encoding="utf-8")
    assert old in text
    card.write_text(text.replace(old, new), encoding="utf-8")
    assert any(says in said for said in complaints(rules_folder)), complaints(rules_folder)


def test_a_rule_without_a_card_is_said(rules_folder: Path) -> None:
    (rules_folder / "large_epsilon.md").unlink()
    assert complaints(rules_folder) == ["large-epsilon: has no card"]


def test_an_unreadable_card_is_named(rules_folder: Path) -> None:
    (rules_folder / "large_epsilon.md").write_text("# T\n\n```python bad\n", encoding="utf-8")
    with pytest.raises(ValueError, match="the card of large-epsilon: line 3: the fence is not closed"):
        trials(read_folders(rules_folder).values())


def test_a_new_rule_works_and_asks_for_what_only_its_author_knows(tmp_path: Path) -> None:
    scaffold("wide-epsilon", tmp_path)
    assert complaints(tmp_path) == [
        "wide-epsilon: the evidence has no number",
        "wide-epsilon: neither a paper nor a seed is referred to",
    ]
