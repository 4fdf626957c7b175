"""Comments that silence findings: `# bnlint: ignore[rule]` on a line, `# bnlint: ignore-file[rule]` for a file."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from ..findings import Finding
from . import disk

MARK = "bnlint:"
_COMMENT = re.compile(r"#\s*bnlint:\s*(?P<all>(?P<word>[\w-]+)?\s*(?P<rules>\[[^\]#]*\]?)?)")


@dataclass(eq=False, slots=True)
class Suppression:
    """One comment. `rules` None stands for all; `problem` says why the comment has no effect, where it has none."""

    line: int
    column: int
    end_column: int
    whole_file: bool = False
    rules: tuple[str, ...] | None = None
    problem: str = ""
    used: set[str] = field(default_factory=set)
    cell: int | None = None

    def covers(self, finding: Finding) -> bool:
        """Whether it silences the finding: stands on its first or last line, or for the whole file."""
        if self.problem or (self.rules is not None and finding.rule not in self.rules):
            return False
        return self.whole_file or (self.cell == finding.place.cell and self.line in _ends(finding))

    def idle(self, ran: Collection[str], known: Collection[str], everything: bool) -> Iterator[str]:
        """What is wrong with the comment, a sentence each, once its findings are marked as used.

        ran: the rules that looked at the file. known: all there are. everything: whether those that ran are all that
        can be expected to, so that a comment without rules can be judged.
        """
        if self.problem:
            yield self.problem
        elif self.rules is None:
            if everything and not self.used:
                yield "unused suppression: there is nothing to ignore here"
        else:
            for name in self.rules:
                if name not in known:
                    yield f"unknown rule {name!r} in a suppression"
                elif name in ran and name not in self.used:
                    yield f"unused suppression: {name} finds nothing here"


def read(text: str) -> list[Suppression]:
    """The suppressions in a Python text. Only comments count, not strings that look like one."""
    if MARK not in text:
        return []
    import io
    import tokenize

    found: list[Suppression] = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(text, newline=None).readline):
            match = _COMMENT.search(token.string) if token.type == tokenize.COMMENT else None
            if match:
                line, start = token.start
                alone = not token.line[:start].strip()
                found.append(_suppression(match, line, start, alone))
    except (tokenize.TokenError, SyntaxError):
        pass  # The gate has said so already; what was found up to here still holds.
    return found


def of_file(path: str) -> list[Suppression]:
    """The suppressions in a file that has been linted already; none where it can no longer be read."""
    from .suffixes import is_model

    if is_model(path):
        return []
    try:
        return of_bytes(path, disk.read(path))
    except OSError:
        return []


def of_text(path: str, text: str) -> list[Suppression]:
    """The suppressions in a text that stands in a file of this name."""
    from .suffixes import in_parts

    return of_bytes(path, text.encode("utf-8", "surrogatepass")) if in_parts(path) else read(text)


def of_bytes(path: str, data: bytes) -> list[Suppression]:
    """The suppressions in a file with this content; none where it cannot be linted."""
    from .decoding import Refused, decoded
    from .reading import read_code
    from .suffixes import in_parts

    try:
        if not in_parts(path):
            return read(decoded(data))
        code = read_code(path, data)
    except Refused:
        return []
    suppressions = read(code.text)
    for suppression in suppressions:
        suppression.column += code.shifts.get(suppression.line, 0)
        suppression.end_column += code.shifts.get(suppression.line, 0)
        if code.cells:
            suppression.cell = bisect_right(code.cells, suppression.line)
            suppression.line -= code.cells[suppression.cell - 1] - 1
    return suppressions


def silence(findings: list[Finding], suppressions: list[Suppression]) -> list[Finding]:
    """The findings that no suppression covers; those that do are marked as used."""
    left = []
    for finding in findings:
        covering = [suppression for suppression in suppressions if suppression.covers(finding)]
        for suppression in covering:
            suppression.used.add(finding.rule)
        if not covering:
            left.append(finding)
    return left


def _suppression(match: re.Match[str], line: int, start: int, alone: bool) -> Suppression:
    found = Suppression(line, start + match.start() + 1, start + match.end() + 1)
    word, rules = match["word"], match["rules"]
    found.whole_file = word == "ignore-file"
    if word not in ("ignore", "ignore-file"):
        found.problem = f"not a suppression: expected ignore or ignore-file, not {match['all']!r}"
    elif rules is not None:
        found.rules = tuple(name.strip() for name in rules.strip("[]").split(",") if name.strip())
        if not rules.endswith("]"):
            found.problem = "not a suppression: the bracket is not closed"
        elif not found.rules:
            found.problem = "not a suppression: it names no rule"
    if found.whole_file and not alone and not found.problem:
        found.problem = "not a suppression: ignore-file needs a line of its own"
    return found


def _ends(finding: Finding) -> tuple[int | None, int | None]:
    """The first and the last line of a finding. An end (exclusive) at a line's first column is on the line before."""
    place = finding.place
    last = place.end_line if place.end_line is not None else place.line
    if last is not None and place.end_column == 1 and place.line is not None and last > place.line:
        last -= 1
    return place.line, last
