"""Writes on the rules' cards, behind each fixed example, what its certificates say: run it when fixes change."""

from __future__ import annotations

import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from bnlint.api import check_source
from bnlint.rulebook.card import unmarked
from bnlint.rulebook.folders import open_book
from bnlint.rulebook.rule import Rule
from bnlint.run.examples import CardExample, trials


def said(trial: CardExample) -> str:
    """The certificates of an example's fixes, a blank line between them."""
    report = check_source(unmarked(trial.example.code), trial.filename, **trial.lint(), fixes=True)
    return "\n\n".join(dict.fromkeys("\n".join(one.fix.certificate.lines()) for one in report if one.fix))


def update(rule: Rule) -> None:
    """Bring one card up to date."""
    assert rule.path is not None
    path = rule.path.with_suffix(".md")
    card = path.read_text(encoding="utf-8")
    for trial in trials([rule]):
        fixed, certificate = trial.fixed
        certificates = said(trial) if trial.example.kind == "bad" else ""
        if certificates:
            block = re.escape(f"{fixed}```\n")
            old = re.escape(f"\n```text certificate\n{certificate}```\n") if certificate else ""
            after = card.index(trial.example.code)
            shown = re.compile(f"(```python fixed[^\n]*\n{block}){old}").search(card, after)
            assert shown is not None
            new = f"{shown[1]}\n```text certificate\n{certificates}\n```\n"
            card = card[: shown.start()] + new + card[shown.end() :]
    path.write_text(card, encoding="utf-8")


if __name__ == "__main__":
    book = open_book()
    for name in sys.argv[1:] or list(book):
        update(book[name])
