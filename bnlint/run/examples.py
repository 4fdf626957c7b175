"""Puts rules to the test of their own cards: every example is linted, every card read for what it must hold.

bnlint's tests run this over its own rules; a project runs it over its own folder of rules.
"""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import unified_diff
from functools import lru_cache
from typing import Any

from ..findings import Failure, Finding, Place, Severity
from ..rulebook.card import SECTIONS, Example, examples, fences, fixed_behind, sections, unmarked
from ..rulebook.folders import shipped_folder
from ..rulebook.rule import Rule
from .engine import run_text
from .fixing import fixed_text
from .plan import Plan, Request
from .result import Result

LEAST_BAD = 2
LEAST_GOOD = 3

_SOURCE = re.compile(r"\bseeds? \d{3}|arXiv|\bdoi\b|\bet al\.|\b(19|20)\d\d\b", re.IGNORECASE)


@dataclass(frozen=True)
class CardExample:
    """One example of one rule's card; for a bad one, also the code and the certificate that are shown behind it."""

    rule: Rule
    example: Example
    fixed: tuple[str, str] = ("", "")

    def __str__(self) -> str:
        return f"{self.rule.name}:{self.example.card_line}-{self.example.kind}"

    def complaints(self) -> list[str]:
        """What the rule does with the example other than its marks say; empty where all is right."""
        example = self.example
        if (example.kind == "bad") != bool(example.marks):
            return [f"{self}: a bad example needs a mark, and no other example may have one"]
        report = _run_live(self) if example.live else run_text(self.plan(), example.code, self.filename)
        found = Counter((finding.place.line or 0, finding.severity) for finding in report)
        wanted = Counter(example.marks.items())
        said = [self._at(failure.line or 0, failure.message) for failure in report.failures]
        said += [self._at(line, f"{severity} expected, none found") for line, severity in (wanted - found).elements()]
        said += [self._at(line, f"unexpected {severity}") for line, severity in (found - wanted).elements()]
        return said + (list(self._fix_complaints()) if example.kind == "bad" and not (said or example.live) else [])

    def _fix_complaints(self) -> Iterator[str]:
        """What the fixes of a bad example do other than the card shows."""
        code = unmarked(self.example.code)
        report = run_text(self.plan(fixes=True), code, self.filename)
        fixes = [finding.fix for finding in report if finding.fix is not None]
        if not fixes:
            return
        shown, certificate = self.fixed
        fixed = self._fixed(code)
        if fixed != shown:
            difference = unified_diff(shown.splitlines(), fixed.splitlines(), "the card", "the fix", lineterm="", n=1)
            yield self._at(1, "\n".join(["the fix is not what the card shows:", *difference]))
        if self._fixed(fixed) != fixed:
            yield self._at(1, "a second run fixes more")
        said = "\n\n".join(dict.fromkeys("\n".join(fix.certificate.lines()) for fix in fixes))
        if said != certificate.strip():
            yield self._at(1, f"the card's certificate should say:\n{said}")

    def _fixed(self, code: str) -> str:
        return fixed_text(self.plan(fixes=True), code, self.filename, unsafe=True)

    def plan(self, *, fixes: bool = False) -> Plan:
        """What a run over the example does."""
        return Request(**self.lint()).plan(fixes=fixes)

    @property
    def filename(self) -> str:
        """What the example's file is called in findings."""
        return f"<{self.rule.name}>"

    def lint(self) -> dict[str, Any]:
        """The keywords with which the example is linted."""
        folder = self.rule.path.parent if self.rule.path else shipped_folder()
        return {
            "select": [self.rule.name],
            "target": self.example.target,
            "config": {self.rule.name: dict(self.example.options)},
            "rules": [] if folder == shipped_folder() else [folder],
        }

    def _at(self, line: int, said: str) -> str:
        return f"{self}: line {self.example.card_line + line - 1} of the card: {said}"


_LIVE = """
import json, sys
import traceback
from bnlint import check_model
answers = []
for code, lint in json.load(sys.stdin):
    space = {}
    try:
        exec(code, space)
        report = check_model(space["model"], space.get("data"), **lint)
    except Exception:
        answers.append(traceback.format_exc()[-500:])
    else:
        answers.append([(f.place.layer, str(f.severity), f.message) for f in report])
print("found:" + json.dumps(answers))
"""


def _run_live(trial: CardExample) -> Result:
    """Run an example's code in another process and check the model it leaves; the report names its lines."""
    all_of_card = [each for each in trials([trial.rule]) if each.example.live]
    tasks = [
        (each.example.code, {**each.lint(), "rules": [str(folder) for folder in each.lint()["rules"]]})
        for each in all_of_card
    ]
    answer = _answers(json.dumps(tasks))[all_of_card.index(trial)]
    if isinstance(answer, str):
        return Result(failures=[Failure(trial.filename, f"the example raises: {answer}", line=1)])
    lines = trial.example.code.split("\n")
    report = Result()
    for layer, severity, message in answer:
        name = f'"{layer.rpartition("/")[2]}"'
        line = next((number for number, text in enumerate(lines, start=1) if name in text), 1)
        place = Place(trial.filename, line=line, layer=layer)
        report.findings.append(Finding(trial.rule.name, trial.rule.category, Severity.parse(severity), place, message))
    return report


@lru_cache(maxsize=8)
def _answers(tasks: str) -> list[Any]:
    """What the live examples of one card come to, all in one process: findings, or what was raised."""
    environment = {"TF_CPP_MIN_LOG_LEVEL": "3", **os.environ}
    command = [sys.executable, "-c", _LIVE]
    done = subprocess.run(command, input=tasks, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        return [done.stderr.strip()[-500:]] * len(json.loads(tasks))
    found: list[Any] = json.loads(done.stdout.rpartition("found:")[2])
    return found


def trials(rules: Iterable[Rule]) -> list[CardExample]:
    """Every example of these rules' cards. Raises ValueError for a card whose fences cannot be read."""
    found = []
    for rule in rules:
        try:
            found += [CardExample(rule, example, fixed_behind(rule.card, example)) for example in examples(rule.card)]
        except ValueError as error:
            raise ValueError(f"the card of {rule.name}: {error}") from None
    return found


def card_complaints(rule: Rule) -> list[str]:
    """What a rule's card lacks: its parts, enough examples, numbers under Evidence, and where the rule comes from."""
    if not rule.card:
        return [f"{rule.name}: has no card"]
    return [f"{rule.name}: {said}" for said in _lacking(rule)]


def _lacking(rule: Rule) -> Iterator[str]:
    if not rule.summary:
        yield "the card does not start with a title"
    if not rule.why:
        yield "no paragraph under the title says why in a line"
    found = sections(rule.card)
    if [title for title in found if title in SECTIONS] != list(SECTIONS):
        yield f"the sections must be {', '.join(SECTIONS)}, in this order"
    yield from (f"section {title!r} is empty" for title, text in found.items() if not text and title != "Examples")
    kinds = Counter(example.kind for example in examples(rule.card))
    if kinds["bad"] < LEAST_BAD or kinds["good"] < LEAST_GOOD:
        yield f"needs {LEAST_BAD} bad and {LEAST_GOOD} good examples, has {kinds['bad']} and {kinds['good']}"
    if kinds["fixed"] < 1:
        yield "no fixed example shows what right code looks like"
    if not re.search(r"\d", found.get("Evidence", "")):
        yield "the evidence has no number"
    if not _SOURCE.search(f"{found.get('Evidence', '')}\n{found.get('References', '')}"):
        yield "neither a paper nor a seed is referred to"
    yield from _unparsed(rule.card)


def _unparsed(card: str) -> Iterator[str]:
    for fence in fences(card):
        if fence.info.split()[:1] == ["python"]:
            try:
                ast.parse(fence.code)
            except SyntaxError as error:
                yield f"line {fence.line + (error.lineno or 1) - 1} of the card does not parse: {error.msg}"
