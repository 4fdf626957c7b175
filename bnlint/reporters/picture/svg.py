"""A plan written as SVG. What a node, an edge, a folded block stands for is in its data attributes as well."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from html import escape
from textwrap import wrap

from ...findings import Severity
from ...graph.picture import Scene
from ..escape import printable
from . import shapes
from .plan import Drawing, Drawn, FoldBox, Marks, Remark, Wire, make_drawing, output_label, remarks_of, summary
from .shapes import number

MARGIN = 14.0
NARROWEST = 380.0
_LINE = 17.0
_WRAP = 62

_SIGNS = {
    Severity.ERROR: "M-2.5-6h5L6-2.5v5L2.5 6h-5L-6 2.5v-5zM-2.5-2.5l5 5m0-5l-5 5",
    Severity.WARNING: "M0-6L6 5H-6zM0-2.5v4m0 1.5v.8",
    Severity.ADVICE: "M-6 0a6 6 0 0 1 12 0a6 6 0 0 1-12 0M0-3.5v.8m0 1.7v4.5",
}
"""An octagon with a cross, a triangle and a circle with marks: told apart without color."""

STYLE = """\
.bnlint{--ink:#1a1a1a;--paper:#fff;--line:#555;--soft:#f4f6f8;--error:#b00020;--warning:#8a4b00;--advice:#0a5a8a;
font:12px "DejaVu Sans",Verdana,Arial,sans-serif}
@media (prefers-color-scheme:dark){.bnlint{--ink:#e8e8e8;--paper:#16181b;--line:#a8adb3;--soft:#22262b;
--error:#ff8a94;--warning:#ffb866;--advice:#7cc4f0}}
.bnlint text{fill:var(--ink)}
.bnlint .paper{fill:var(--paper)}
.bnlint .name{font-size:15px;font-weight:bold}
.bnlint .said,.bnlint .remark,.bnlint .word{font-size:10.5px}
.bnlint .kind{font-weight:bold}
.bnlint .shape{stroke:var(--ink);stroke-width:1.2}
.bnlint .batchnorm .shape{stroke-width:2}
.bnlint .edge{fill:none;stroke:var(--line);stroke-width:1.3}
.bnlint .branched{stroke-dasharray:4 3}
.bnlint .each{stroke-width:2.6}
.bnlint .frame{fill:var(--soft);stroke:var(--line);stroke-dasharray:7 4}
.bnlint .times{font-size:15px;font-weight:bold}
.bnlint .marked .shape{stroke-width:3}
.bnlint .sign{stroke-width:1.5;fill:var(--paper)}
.bnlint .error .sign{stroke:var(--error)}.bnlint .warning .sign{stroke:var(--warning)}
.bnlint .advice .sign{stroke:var(--advice)}
.bnlint .error text{fill:var(--error)}.bnlint .warning text{fill:var(--warning)}.bnlint .advice text{fill:var(--advice)}
.bnlint .error text,.bnlint .warning text{font-weight:bold}
"""


def picture(scene: Scene, marks: Marks, name: str = "", *, style: bool = True) -> str:
    """One model as an <svg> element, with its own style sheet unless the page has it.

    name: what the ids of its nodes begin with; without one there are no ids and no links. Raises layout.Missing.
    """
    body, width, height = _scene(scene, marks, name)
    return _document(body, width, height, f"Model {scene.name}", STYLE if style else "")


def sheet(scenes: Sequence[Scene], marks: Marks) -> str:
    """Models one below the other as one SVG document. Raises layout.Missing."""
    parts: list[str] = []
    width, height = NARROWEST, 0.0
    for scene in scenes:
        body, wide, high = _scene(scene, marks, "")
        parts.append(f'<g transform="translate(0 {number(height)})">\n{body}</g>\n')
        width, height = max(width, wide), height + high
    if not scenes:
        parts.append(_text("said", MARGIN, MARGIN + 11, "no model was found"))
        height = 2 * MARGIN + 11
    return _document("".join(parts), width, height, ", ".join(scene.name for scene in scenes), STYLE)


def _document(body: str, width: float, height: float, title: str, style: str) -> str:
    size = f'width="{number(width)}" height="{number(height)}" viewBox="0 0 {number(width)} {number(height)}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" class="bnlint" role="img" {size}>'
    sheet = f"<style>{style}</style>\n" if style else ""
    paper = '<rect class="paper" width="100%" height="100%"/>'
    return f"{head}\n<title>{_safe(title)}</title>\n{sheet}{paper}\n{body}</svg>\n"


def _scene(scene: Scene, marks: Marks, name: str) -> tuple[str, float, float]:
    """The elements of one model, and the room they take."""
    plan = make_drawing(scene, marks)
    head = _head(scene, remarks_of([scene.places], marks))
    wide = max([NARROWEST, plan.width + 2 * MARGIN, *(right for _, right in head)])
    left, top = (wide - plan.width) / 2, MARGIN + len(head) * _LINE + 12
    lines = [f'<g class="scene" data-model="{_safe(scene.name)}">']
    lines += [line.replace("@", number(MARGIN + (place + 1) * _LINE), 1) for place, (line, _) in enumerate(head)]
    lines.append(f'<g transform="translate({number(left)} {number(top)})">')
    lines += [_frame(frame) for frame in plan.frames]
    lines += [_edge(edge) for edge in plan.edges]
    lines += [line for one in plan.nodes for line in _node(one, name)]
    for place, (x, y, width) in enumerate(plan.outputs):
        text = output_label(scene, place)
        lines.append(f'<g class="output" data-output="{place}">{_shape("output", x, y, width)}')
        lines.append(f"{_middle('kind', x + width / 2, y, text)}</g>")
    lines.append("</g>")
    legend, bottom = _legend(scene, plan, wide, top + plan.height + 22)
    return "\n".join([*lines, *legend, "</g>\n"]), wide, bottom


def _head(scene: Scene, remarks: list[Remark]) -> list[tuple[str, float]]:
    """The lines above a model, "@" standing for where, each with how far it reaches to the right."""
    where = printable(str(scene.place))
    where = where if len(where) < 60 else f"…{where[-59:]}"
    texts = [
        ("name", shapes.short(scene.name), 9.8),
        ("said", f"{scene.style}, {where}", shapes.SMALL_LETTER),
        *(("said", text, shapes.SMALL_LETTER) for text in wrap(summary(scene), _WRAP)),
    ]
    lines = [(_text(kind, MARGIN, "@", text), MARGIN + letter * len(text)) for kind, text, letter in texts]
    for remark in remarks:
        mark = "".join(_remark(remark, MARGIN - 8, 0.0))
        lines.append((f'<g transform="translate(0 @)">{mark}</g>', MARGIN + remark.width))
    return lines


def _frame(frame: FoldBox) -> str:
    fold = frame.fold
    said = f"{fold.times} such blocks, one after the other: each takes what the one before puts out"
    data = f'data-first="{fold.first}" data-size="{fold.size}" data-times="{fold.times}" data-exit="{fold.exit}"'
    box = f'x="{number(frame.x)}" y="{number(frame.y)}" width="{number(frame.width)}" height="{number(frame.height)}"'
    count = _text("times", frame.x + 8, frame.y + 17, f"×{fold.times}")
    return f'<g class="block" {data}><title>{said}</title><rect class="frame" rx="6" {box}/>{count}</g>'


def _edge(edge: Wire) -> str:
    """A line with bends only in the gaps between layers, and an arrowhead."""
    (x, y), *others = edge.way
    steps = [f"M{number(x)} {number(y)}"]
    for a, b in others:
        if a == x:
            steps.append(f"V{number(b)}")
        else:
            half = number((y + b) / 2)
            steps.append(f"C{number(x)} {half} {number(a)} {half} {number(a)} {number(b)}")
        x, y = a, b
    steps.append("m-3 -6l3 6 3 -6")
    kinds = f"edge{' each' if edge.each else ''}{' branched' if edge.branched else ''}"
    target = f'data-to="{edge.target}"' if edge.target >= 0 else f'data-output="{-1 - edge.target}"'
    data = f'data-from="{edge.source}" {target}'
    each = ' data-each="true"' if edge.each else ""
    return f'<path class="{kinds}" {data}{each} d="{"".join(steps)}"/>'


def _node(one: Drawn, name: str) -> Iterator[str]:
    node = one.node
    marked = any(remark.severity for remark in one.remarks)
    ids = f' id="{name}{node.number}" tabindex="-1"' if name else ""
    data = f'data-id="{node.number}" data-kind="{_safe(node.kind)}" data-inputs="{" ".join(map(str, node.inputs))}"'
    yield f'<g class="node {node.form}{" marked" if marked else ""}"{ids} {data}>'
    names = ", ".join(copy.name for copy in one.copies if copy.name)
    said = " ".join(part for part in (one.kind, one.rest, f"({shapes.short(names)})" if names else "") if part)
    yield f"<title>{_safe(said)}</title>{_shape(node.form, one.x, one.y, one.width)}"
    color = shapes.COLORS[node.form][1]
    rest = f'<tspan font-weight="normal"> {_safe(one.rest)}</tspan>' if one.rest else ""
    middle = f'x="{number(one.x + one.width / 2)}" y="{number(one.y + 17)}" text-anchor="middle"'
    yield f'<text class="kind" {middle} style="fill:{color}">{_safe(one.kind)}{rest}</text>'
    high = one.y + shapes.HEIGHT / 2 - (len(one.remarks) - 1) * 7.5 + 4
    for place, remark in enumerate(one.remarks):
        yield from _remark(remark, one.x + one.width, high + 15 * place)
    yield "</g>"


def _remark(remark: Remark, x: float, y: float) -> Iterator[str]:
    """A line beside a node; that of a finding with its severity's sign, and a link to it."""
    if remark.severity is None:
        yield _text("remark flag", x + 6, y, remark.text)
        return
    data = f'class="remark {remark.severity}" data-rule="{_safe(remark.text)}"'
    texts = [_safe(text) for text in remark.texts()]
    if remark.findings:
        pairs = zip(remark.findings, texts, strict=True)
        texts = [f'<a href="#finding-{finding}">{text}</a>' for finding, text in pairs]
    said = f'<text class="remark" x="{number(x + 23)}" y="{number(y)}">{"".join(texts)}</text>'
    yield f"<g {data}>{_sign(remark.severity, x + 15, y - 4)}{said}</g>"


def _sign(severity: Severity, x: float, y: float) -> str:
    return f'<path class="sign" transform="translate({number(x)} {number(y)})" d="{_SIGNS[severity]}"/>'


def _legend(scene: Scene, plan: Drawing, wide: float, top: float) -> tuple[list[str], float]:
    """A sample of each shape that the picture has, with its word; and where that ends."""
    used = {node.form for node in scene.nodes} | ({"output"} if scene.outputs else set())
    x, y = MARGIN, top
    lines = ['<g class="legend">']
    for form, word in shapes.WORDS.items():
        if form not in used:
            continue
        room = 34 + shapes.SMALL_LETTER * len(word) + 14
        if x > MARGIN and x + room > wide:
            x, y = MARGIN, y + 20
        sample = shapes.outline(form, x, y, 28, 13)
        lines.append(f'<g class="{form}"><g class="shape">{sample}</g>{_text("word", x + 34, y + 10.5, word)}</g>')
        x += room
    said = []
    if plan.frames:
        said.append("×n: that many such blocks, each takes what the one before puts out")
    if any(edge.each for edge in plan.edges):
        said.append("thick line: goes into each of the blocks")
    if any(edge.branched for edge in plan.edges):
        said.append("broken line: taken in a branch, of which it is not known when")
    places = Counter(place for node in scene.nodes for place in node.places)
    if any(count > 1 for count in places.values()):
        said.append("a finding is marked on each layer that its line makes")
    for text in said:
        y += 18
        lines.append(_text("word", MARGIN, y + 10.5, text))
    return [*lines, "</g>"], y + 13 + MARGIN


def _shape(form: str, x: float, y: float, width: float) -> str:
    return f'<g class="shape">{shapes.outline(form, x, y, width)}</g>'


def _text(kind: str, x: float, y: float | str, text: str) -> str:
    down = y if isinstance(y, str) else number(y)
    return f'<text class="{kind}" x="{number(x)}" y="{down}">{_safe(text)}</text>'


def _middle(kind: str, x: float, y: float, text: str) -> str:
    fill = shapes.COLORS["output"][1]
    place = f'x="{number(x)}" y="{number(y + 16)}" text-anchor="middle"'
    return f'<text class="{kind}" {place} style="fill:{fill}">{_safe(text)}</text>'


def _safe(text: str) -> str:
    """Text from a user's file as the content of an element or attribute."""
    return escape(printable(text))
