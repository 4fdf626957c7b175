"""The experiments on the cards: found without running anything, and run when somebody asks for it."""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .card import fences
from .rule import Rule

if TYPE_CHECKING:
    from ..reference.experiment import Table

INFO = "python evidence"


class Failed(Exception):
    """Why an experiment did not end with a table, in one line."""


@dataclass(frozen=True)
class Experiment:
    """One `python evidence` block of a rule's card.

    title: its first line, which is a comment. shown: the Markdown table right behind it, "" where there is none. line:
    where the code starts on the card.
    """

    rule: Rule
    title: str
    code: str
    shown: str
    line: int

    def __str__(self) -> str:
        return f"{self.rule.name}:{self.line}"

    def run(self, progress: Callable[[int, int], None] | None = None) -> Table:
        """Execute the code in this process and return its `table`. Raises Failed where it ends without one."""
        from ..reference import experiment

        path = self.rule.path.with_suffix(".md") if self.rule.path else self.rule.name
        names: dict[str, Any] = {"__name__": "evidence"}
        token = experiment.progress.set(progress)
        try:
            exec(compile("\n" * (self.line - 1) + self.code, str(path), "exec"), names)
        except ModuleNotFoundError as error:
            package = (error.name or "").partition(".")[0]
            wanted = "scikit-learn: pip install 'bnlint[plots]'" if package == "sklearn" else package
            raise Failed(f"{self.rule.name} needs {wanted}") from error
        except Exception as error:
            lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
            at = f"{path}:{lines[-1]}" if lines else str(path)
            raise Failed(f"{at}: {type(error).__name__}: {error}") from error
        finally:
            experiment.progress.reset(token)
        table = names.get("table")
        if not isinstance(table, experiment.Table):
            raise Failed(f"{path}:{self.line}: the code leaves no `table`")
        return table


def experiments(rules: Iterable[Rule]) -> list[Experiment]:
    """Every experiment of these rules' cards. Raises ValueError, naming the place, for one without a title."""
    return [experiment for rule in rules for experiment in _on_card(rule)]


def _on_card(rule: Rule) -> list[Experiment]:
    found = []
    for fence in fences(rule.card):
        if fence.info == INFO:
            title = re.match(r"# (.+)\n", fence.code)
            if title is None:
                raise ValueError(f"the card of {rule.name}: line {fence.line}: expected # and the experiment's title")
            behind = rule.card.split("\n")[fence.line + fence.code.count("\n") :]
            found.append(Experiment(rule, title[1], fence.code, _table(behind), fence.line))
    return found


def _table(lines: list[str]) -> str:
    """The table with which these lines start; empty lines may stand before it."""
    text = "\n".join(lines).lstrip("\n")
    match = re.match(r"(?:\|.*(?:\n|$))*", text)
    return match[0] if match else ""
