"""Every result that a card states is printed by its own code, or it is said whose it is."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from pathlib import Path

import pytest

from bnlint.rulebook.card import sections
from bnlint.rulebook.experiments import Experiment, experiments
from bnlint.rulebook.folders import open_book, read_folders
from bnlint.rulebook.rule import Rule

CHECKOUT = Path(__file__).parents[1]

NUMBER = re.compile(r"(?<![\w.])(?=\.?\d)(\d*(?:\.(\d+))?(?:e([-+]?\d+))?)( ?%)?")
SETTING = re.compile(r"`[^`]*`|\$\$.*?\$\$|\$[^$]*\$", re.DOTALL)
"""Code and formulas, whose numbers were chosen."""

VERSION = re.compile(r"\b(?:Keras|tf_keras|TensorFlow|NumPy|Python) \d+(?:\.\d+)*(?:(?:,| and) \d+\.\d+\.\d+)*")
CITATION = re.compile(r"\b[Ss]eeds? \(?0\d\d\b|\b[A-Z]\w+ (?:& [A-Z]\w+|et al\.) \(?\d{4}\)")
TESTS = re.compile(r"`(tests/test_\w+\.py)`")


def unprinted(rule: Rule) -> list[str]:
    """The results on a rule's card that none of its experiments prints.

    In prose, a number with decimals, a power of ten or a percent sign is a result; in a table that no code prints,
    every number is. It may be rounded. Not asked for are those of a source that the sentence cites, and those that
    stand in a test which the paragraph names, or the one in front of the table.
    """
    printed = experiments([rule])
    own = _numbers("\n".join(one.code + one.shown for one in printed))
    found: list[str] = []
    tested: list[float] = []
    for paragraph in _paragraphs(rule, printed):
        table = paragraph.startswith("|")
        tests = "\n".join((CHECKOUT / name).read_text(encoding="utf-8") for name in TESTS.findall(paragraph))
        tested = _numbers(tests) + (tested if table else [])
        for sentence in re.split(r"(?<=\.)\s+(?=[A-Z])", paragraph):
            if not CITATION.search(sentence):
                found += _results(VERSION.sub("", SETTING.sub("", sentence)), table, own + tested)
    return found


def _paragraphs(rule: Rule, printed: Iterable[Experiment]) -> list[str]:
    """The card's prose and tables, without what is printed."""
    parts = sections(rule.card)
    text = "\n\n".join([rule.why, *(part for title, part in parts.items() if title != "References")])
    for one in printed:
        text = text.replace(one.shown.strip() or "\n\n", "\n\n")
    return [part.strip() for part in re.split(r"\n{2,}", text)]


def _results(text: str, table: bool, known: Collection[float]) -> list[str]:
    """The results in a text that are no known number, rounded."""
    found = []
    for match in NUMBER.finditer(text):
        _, decimals, power, percent = match.groups()
        if table or decimals or power or percent:
            (value,) = _numbers(match[0])
            unit = 10.0 ** (int(power or 0) - len(decimals or "")) / (100 if percent else 1)
            if not any(abs(value - one) <= unit * 0.500001 for one in known):
                found.append(match[0])
    return found


def _numbers(text: str) -> list[float]:
    """The numbers in a text, percents as shares."""
    return [float(number) / (100 if percent else 1) for number, _, _, percent in NUMBER.findall(text)]


@pytest.mark.parametrize("rule", open_book().values(), ids=lambda rule: rule.name)
def test_a_card_states_what_its_code_prints(rule: Rule) -> None:
    assert unprinted(rule) == []


BLOCK = """```python evidence
# A share
share = 0.25
```

| rate | share |
| --- | --- |
| 0.5 | 72.5% |
| 3 | 0.816 |

"""


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("It is 0.82, 0.8 or 82 % and at 0.25 it is 73 %.", []),
        ("It is 0.83, 81 % or 1e-3, and 72.4 %.", ["0.83", "81 %", "1e-3", "72.4 %"]),
        ("| a |\n|---|\n| .82 ± .01 |", [".01"]),
        ("Twice `Dense(64)` in 5 runs, `Adam(0.003)`, $m = 0.97$, Keras 3.15.1 and 2.21.0.", []),
        ("Keras 3 gives 0.83.", ["0.83"]),
        ("| a | b |\n|---|---|\n| 0.5 | 7 |", ["7"]),
        ("Seed 000 and Wu & He (2018) find 0.83, versus 9.9 %.", []),
        ("Seed 000 is wrong. It is 0.83.", ["0.83"]),
        ("`tests/test_keras_claims.py` finds 1.99, and not 1.98.", ["1.98"]),
        ("`tests/test_keras_claims.py` finds it:\n\n| a |\n|---|\n| 1.99 |\n\nAnd 1.99.", ["1.99"]),
    ],
)
def test_what_no_code_prints_is_found(rules_folder: Path, said: str, found: list[str]) -> None:
    card = rules_folder / "large_epsilon.md"
    text = card.read_text(encoding="utf-8")
    old = "At epsilon 0.5 a unit variance comes out as 0.67."
    assert old in text
    card.write_text(text.replace(old, f"{BLOCK}{said}"), encoding="utf-8")
    (rule,) = read_folders(rules_folder).values()
    assert unprinted(rule) == found
