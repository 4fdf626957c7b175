"""Programs of one kind that differ in what should not matter: names, helpers, loops, classes, files.

Each file in kinds/ is a kind. Its heading says what holds, a line below which rules it concerns; then each `##` is a
program, one block a file (```` ```python other.py ````). Every mark is a finding of these rules, which have no others;
`related` marks what a finding points to besides.
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


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: f"{sample.kind}: {sample.name}")
def test_marks_are_the_findings(sample: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    marks = set()
    for name, text in sample.files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
        for number, line in enumerate(text.splitlines(), 1):
            for one in MARK.search(line)[1].split(", ") if MARK.search(line) else ():  # type: ignore[index]
                severity, rule = one.split()
                marks.add((name, number, severity, rule))
    monkeypatch.chdir(tmp_path)
    report = bnlint.check_paths(sorted(sample.files), config={}, jobs=1)
    assert not report.failures
    pointed = {
        (one.place.path, one.place.line, "related", finding.rule) for finding in report for one in finding.related
    }
    assert {mark for mark in marks if mark[2] == "related"} <= pointed
    found = {(one.place.path, one.place.line, str(one.severity), one.rule): one.message for one in report}
    expected = {mark for mark in marks if mark[2] != "related"}
    assert {finding: message for finding, message in found.items() if finding[3] in sample.rules}.keys() == expected


@pytest.mark.parametrize("kind", sorted({sample.kind for sample in SAMPLES}))
def test_each_kind_has_several_programs(kind: str) -> None:
    assert sum(sample.kind == kind for sample in SAMPLES) >= FEWEST
