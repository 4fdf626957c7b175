"""Run the cards' experiments and write each one's table behind it: all of them, or those of the rules named."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from bnlint.rulebook.experiments import experiments
from bnlint.rulebook.folders import open_book

BOOK = open_book()

for experiment in experiments(BOOK[name] for name in sys.argv[1:] or BOOK):
    path = experiment.rule.path.with_suffix(".md")
    table = str(experiment.run())
    if table != experiment.shown:
        card = path.read_text(encoding="utf-8")
        block = f"{experiment.code}```\n\n"
        assert card.count(block) == 1, f"{path} has changed"
        path.write_text(
            card.replace(block + experiment.shown, block + table + ("" if experiment.shown else "\n")), encoding="utf-8"
        )
        print(f"{path}: {experiment.title}")
