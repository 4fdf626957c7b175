"""The report as one HTML page that needs nothing else: no network, no other file."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sized
from dataclasses import dataclass
from html import escape
from pathlib import Path
from string import Template

from .. import __version__
from ..findings import Failure, Finding, Place, Severity
from ..graph.picture import Scene
from ..rulebook.rule import Rule
from ..run.result import Result
from .fragments import escaped, fix_shown, frame, placed
from .sources import Sources
from .text import summary

PICTURES = 100
"""How many models are drawn at most."""

_TEMPLATES = Path(__file__).parent / "templates"


def render(report: Result, rules: Iterable[Rule], sources: Sources) -> str:
    """The page. `rules` are those that ran; the cards of those that have findings are in it."""
    from .picture.svg import STYLE

    used = {finding.rule for finding in report}
    cards = {rule.name: rule for rule in rules if rule.name in used}
    page = _Page(sources, _Drawings(report), cards)
    style, script = _template("report.css") + STYLE, _template("report.js")
    hashed = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    files: dict[str, list[tuple[int, Finding]]] = {}
    for number, finding in enumerate(report):
        files.setdefault(finding.place.path, []).append((number, finding))
    return Template(_template("report.html")).substitute(
        version=escape(__version__),
        policy=f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{hashed}'",
        style=style,
        script=script,
        summary=escaped(summary(report)),
        severities="".join(_severity_box(severity, report) for severity in sorted(Severity, reverse=True)),
        rules=_rules_table(report, page),
        files=_files_table(files),
        failures=_failures(report.failures) + _unseen(page.drawings),
        findings="\n".join(_file(path, found, page) for path, found in files.items()) or "<p>Nothing was found.</p>",
        cards="\n".join(_card(rule, cards) for rule in cards.values()),
    )


@dataclass(frozen=True, slots=True)
class _Page:
    """What the parts of a page need of each other: the code, the pictures, and whose cards are there."""

    sources: Sources
    drawings: _Drawings
    cards: Mapping[str, Rule]

    def rule(self, name: str) -> str:
        """A rule's name, as a link to its card if that is on the page."""
        shown = escaped(name)
        return f'<a href="#rule-{shown}">{shown}</a>' if name in self.cards else f"<b>{shown}</b>"


def _template(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")


class _Drawings:
    """The models that findings stand on, drawn, those with the worst first; and where each finding is marked."""

    def __init__(self, report: Result) -> None:
        from .picture import Missing, marks_of
        from .picture.layout import spare_matplotlib
        from .picture.svg import picture

        self.missing = ""
        self.by_path: dict[str, list[tuple[str, Scene, str]]] = {}
        self._marked: dict[Place, dict[str, tuple[str, str]]] = {}
        marks = marks_of(report)
        worst = {place: max(finding.severity for _, finding in found) for place, found in marks.items()}
        scenes = [scene for scene in dict.fromkeys(report.scenes) if _places(scene) & marks.keys()]
        scenes.sort(key=lambda scene: -max(worst[place] for place in _places(scene) & marks.keys()))
        self.left_out = max(0, len(scenes) - PICTURES)
        if scenes:
            spare_matplotlib()
        for number, scene in enumerate(scenes[:PICTURES]):
            name = f"model-{number}"
            try:
                svg = picture(scene, marks, f"{name}-", style=False)
            except Missing as error:
                self.missing = str(error)
                return
            paths = {place.path for place in _places(scene) & marks.keys()}
            path = scene.place.path if scene.place.path in paths else min(paths)
            self.by_path.setdefault(path, []).append((name, scene, svg))
            for node in scene.nodes:
                if f'id="{name}-{node.number}"' in svg:
                    self._mark(node.places, name, f"{name}-{node.number}", scene)
            self._mark(scene.places, name, name, scene)

    def _mark(self, places: frozenset[Place], name: str, target: str, scene: Scene) -> None:
        for place in places:
            self._marked.setdefault(place, {}).setdefault(name, (target, scene.name))

    def of(self, place: Place) -> list[tuple[str, str]]:
        """Where a finding at this place is marked: in each model its first node, or the model, as an id; and a name."""
        return list(self._marked.get(place, {}).values())


def _places(scene: Scene) -> frozenset[Place]:
    return scene.places.union(*(node.places for node in scene.nodes))


def _severity_box(severity: Severity, report: Result) -> str:
    count = sum(finding.severity == severity for finding in report)
    key = str(severity)[0]
    box = f'<input type="checkbox" checked data-severity="{severity}" aria-keyshortcuts="{key}">'
    return f'<label class="{severity}">{box} <kbd>{key}</kbd> {severity} <b>{count}</b></label>'


def _rules_table(report: Result, page: _Page) -> str:
    counts: dict[str, Counter[Severity]] = {}
    for finding in report:
        counts.setdefault(finding.rule, Counter())[finding.severity] += 1
    rows = []
    for rule, of in sorted(counts.items(), key=lambda item: (-max(item[1]), -item[1].total(), item[0])):
        box = f'<input type="checkbox" checked data-rule="{escaped(rule)}" aria-label="show {escaped(rule)}">'
        severities = ", ".join(str(severity) for severity in sorted(of, reverse=True))
        rows.append(
            f'<tr><td>{box}<td class="{max(of)}">{severities}<td>{page.rule(rule)}<td class="number">{of.total()}'
        )
    return "\n".join(rows)


def _files_table(files: Mapping[str, Sized]) -> str:
    rows = (
        f'<tr><td><a href="#file-{_key(path)}">{escaped(path)}</a><td class="number">{len(found)}'
        for path, found in files.items()
    )
    return "\n".join(rows)


def _key(path: str) -> str:
    """A path as part of an id."""
    return hashlib.sha256(path.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _failures(failures: Iterable[Failure]) -> str:
    rows = [
        f"<li><b>{escaped(str(Place(failure.path, failure.cell, failure.line)))}</b>: {failure.state}: "
        f"{escaped(failure.message)}"
        for failure in failures
    ]
    return f'<section class="failures"><h2>Not checked</h2><ul>{"".join(rows)}</ul></section>' if rows else ""


def _unseen(drawings: _Drawings) -> str:
    """Why models are not drawn."""
    if drawings.missing:
        return f'<p class="soft">{escaped(drawings.missing)}</p>'
    left = f"{PICTURES} models are drawn, those with the worst findings; {drawings.left_out} are not."
    return f'<p class="soft">{left}</p>' if drawings.left_out else ""


def _file(path: str, found: list[tuple[int, Finding]], page: _Page) -> str:
    """A file's findings, and the pictures of its models behind them."""
    lines = [f'<section class="file" id="file-{_key(path)}"><h2>{escaped(path)}</h2>']
    lines += [_finding(number, finding, page) for number, finding in found]
    for name, scene, svg in page.drawings.by_path.get(path, []):
        said = f"<summary>The model {escaped(scene.name)}</summary>"
        lines.append(
            f'<details class="model" id="{name}">{said}<div class="picture" tabindex="0">{svg}</div></details>'
        )
    return "\n".join([*lines, "</section>"])


def _finding(number: int, finding: Finding, page: _Page) -> str:
    rule, severity, place = escaped(finding.rule), finding.severity, finding.place
    lines = [
        f'<article class="finding {severity}" id="finding-{number}" tabindex="-1" data-rule="{rule}" '
        f'data-severity="{severity}">',
        f'<h3><span class="badge">{severity}</span> {page.rule(finding.rule)} '
        f'<a class="place" href="#finding-{number}">{placed(place)}</a></h3>',
        f"<p>{escaped(finding.message)}</p>",
        frame(place, "", page.sources),
        *(frame(related.place, related.message, page.sources) for related in finding.related),
    ]
    for target, model in page.drawings.of(place):
        lines.append(f'<p><a href="#{target}">In the picture of {escaped(model)}</a></p>')
    if finding.fix is not None:
        lines.append(fix_shown(finding.fix, page.sources))
    elif finding.fixable:
        lines.append(f"<p>Fixable: {escaped(finding.fixable)}</p>")
    elif finding.withheld:
        lines.append(f"<p>Not fixable: {escaped(finding.withheld)}</p>")
    why = escaped(finding.why or finding.rule)
    if finding.rule in page.cards:
        lines.append(f'<details class="why" data-rule="{rule}"><summary>{why}</summary></details>')
    elif finding.why:
        lines.append(f"<p>{why}</p>")
    return "\n".join([*lines, "</article>"])


def _card(rule: Rule, listed: Collection[str]) -> str:
    """A rule's card, closed; the page opens it in place under a finding."""
    from .cards import as_html

    body = as_html(rule.card, listed) if rule.card else "<p>This rule has no card.</p>"
    title = f"<summary>{escaped(rule.name)}: {escaped(rule.summary)}</summary>"
    return f'<details class="card" id="rule-{escaped(rule.name)}">{title}<div class="body">{body}</div></details>'
