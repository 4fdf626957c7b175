"""Programs of one kind that differ in what should not matter: names, helpers, loops, classes, files.

Each file in kinds/ is a kind. Its heading says what holds, a line below which rules it concerns; then each `##` is a
program, one block a file (```` ```python other.py ````). Every mark is a finding of these rules, which have no others;
`related` marks what a finding points to besides; behind a colon stands a part of the message.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import bnlint

KINDS = Path(__file__).parent / "kinds"
BLOCK = re.compile(r"^```(\w*)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MARK = re.compile(r"# <- (.+)$")
FEWEST = 4
"""So many programs show that it is the kind, and no single one, that is understood."""


Spot = tuple[str, int | None, str, str]
"""A path, a line, a severity and a rule."""


class Sample(NamedTuple):
    kind: str
    name: str
    rules: list[str]
    files: dict[str, str]


def samples() -> Iterator[Sample]:
    for path in sorted(KINDS.glob("*.md")):
        head, *programs = re.split(r"^## ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
        rules = re.findall(r"`([a-z0-9-]+)`", re.search(r"^Rules: (.*)$", head, re.MULTILINE)[1])  # type: ignore[index]
        for program in programs:
            files = {name or "program.py": text for _, name, text in BLOCK.findall(program)}
            yield Sample(path.stem, program.partition("\n")[0], rules, files)


SAMPLES = list(samples())


def marks(sample: Sample) -> Iterator[tuple[Spot, str]]:
    """What is marked, with the part of the message that is written there."""
    for name, text in sample.files.items():
        for number, line in enumerate(text.splitlines(), 1):
            mark = MARK.search(line)
            head, _, said = mark[1].partition(": ") if mark else ("", "", "")
            for one in head.split(", ") if head else ():
                severity, rule = one.split()
                yield (name, number, severity, rule), said


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: f"{sample.kind}: {sample.name}")
def test_marks_are_the_findings(sample: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in sample.files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    report = bnlint.check_paths(sorted(sample.files), config={}, jobs=1)
    assert not report.failures
    found, besides = {}, set()
    for one in report:
        if one.rule in sample.rules:
            found[one.place.path, one.place.line, str(one.severity), one.rule] = one.message
            besides |= {(place.place.path, place.place.line, "related", one.rule) for place in one.related}
    expected = dict(marks(sample))
    related = {mark for mark in expected if mark[2] == "related"}
    assert found.keys() == expected.keys() - related, found
    assert related <= besides
    assert all(expected[spot] in message for spot, message in found.items())


@pytest.mark.parametrize("kind", sorted({sample.kind for sample in SAMPLES}))
def test_each_kind_has_several_programs(kind: str) -> None:
    assert sum(sample.kind == kind for sample in SAMPLES) >= FEWEST
