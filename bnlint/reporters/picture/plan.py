"""A scene put in order: folded, laid out, with what is written beside each node."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ...findings import Finding, Place, Severity
from ...graph.picture import Scene, Shown
from . import shapes
from .folding import Fold, folds
from .layout import Box, Layout, Line, Point, arrange

ROW = 15.0
PAD = 10.0
HEADER = 20.0
PORT = 13.0

Marks = Mapping[Place, Sequence[tuple[int | None, Finding]]]
"""The findings at each place; with their numbers in the report, where there is one to lead to."""

LINKS = 9
"""To how many findings a remark leads at most."""


@dataclass(frozen=True, slots=True)
class Remark:
    """A line beside a node, or under a model's name: a flag, or findings of one rule, with their severity.

    findings: the numbers of those it leads to, where it leads anywhere.
    """

    text: str
    severity: Severity | None = None
    findings: tuple[int, ...] = ()

    @property
    def width(self) -> float:
        """In pixels, with its sign and the gap in front of it."""
        letter = shapes.SMALL_BOLD_LETTER if self.severity else shapes.SMALL_LETTER
        return letter * len("".join(self.texts())) + (24 if self.severity else 8)

    def texts(self) -> list[str]:
        """What it says, with a number for each further finding."""
        return [self.text, *(f" ({number})" for number in range(2, len(self.findings) + 1))]


@dataclass(slots=True)
class Drawn:
    """A node on the picture: its outline's rectangle, and what it stands for."""

    node: Shown
    copies: list[Shown]
    kind: str
    rest: str
    remarks: list[Remark]
    width: float
    x: float = 0.0
    y: float = 0.0

    @property
    def box(self) -> Box:
        """The room it takes, with the remarks to its right."""
        beside = max((remark.width for remark in self.remarks), default=0.0)
        return Box(self.node.number, self.width + beside, max(shapes.HEIGHT, ROW * len(self.remarks)))

    @property
    def off(self) -> float:
        """How far the outline's middle is from the box's."""
        return (self.width - self.box.width) / 2


@dataclass(frozen=True, slots=True)
class Wire:
    """A line on the picture. target: a node's number, or -1, -2, … for the outputs.

    each: it goes into every copy of the block its target stands in. branched: it is taken in one of several branches.
    """

    source: int
    target: int
    way: tuple[Point, ...]
    branched: bool
    each: bool = False


@dataclass(frozen=True, slots=True)
class FoldBox:
    """The box around a folded block."""

    fold: Fold
    x: float
    y: float
    width: float
    height: float


Rectangle = tuple[float, float, float]
"""Its left upper corner, and its width."""


@dataclass(slots=True)
class Drawing:
    """All of a picture, in pixels from its left upper corner."""

    width: float = 0.0
    height: float = 0.0
    nodes: list[Drawn] = field(default_factory=list)
    outputs: list[Rectangle] = field(default_factory=list)
    edges: list[Wire] = field(default_factory=list)
    frames: list[FoldBox] = field(default_factory=list)


@dataclass(slots=True)
class _Inside:
    """A folded block, laid out for itself; `entries` are the nodes outside that it takes from."""

    fold: Fold
    layout: Layout
    drawn: list[Drawn]
    lines: list[tuple[int, int, bool]]
    entries: list[int]

    @property
    def box(self) -> Box:
        return Box(self.fold, self.layout.width + 2 * PAD, self.layout.height + HEADER + PAD)

    def port(self, key: Hashable) -> float:
        """Where a line meets the frame, from its middle."""
        return PAD + self.layout.corners[key][0] - self.box.width / 2


def make_drawing(scene: Scene, marks: Marks) -> Drawing:
    """Lay a scene out. Raises layout.Missing."""
    found = folds(scene.nodes, [number for output in scene.outputs for number in output])
    within = {number: fold for fold in found for number in range(fold.first, fold.end)}
    insides = {fold: _inside(scene, fold, marks) for fold in found}
    drawn = {node.number: _drawn([node], marks) for node in scene.nodes if node.number not in within}
    boxes: list[Box] = []
    for node in scene.nodes:
        fold = within.get(node.number)
        if fold is None:
            boxes.append(drawn[node.number].box)
        elif fold.first == node.number:
            boxes.append(insides[fold].box)
    outer = _Outer(scene, within, insides, drawn)
    for node in scene.nodes:
        fold = within.get(node.number)
        if fold is None:
            outer.into(node)
        elif fold.first == node.number:
            for entry in insides[fold].entries:
                outer.line(entry, fold, insides[fold].port(("in", entry)))
    ends: list[Hashable] = [("output", place) for place in range(len(scene.outputs))]
    widths = [_output_width(scene, place) for place in range(len(scene.outputs))]
    boxes += [Box(end, width, shapes.HEIGHT) for end, width in zip(ends, widths, strict=True)]
    for end, width, numbers in zip(ends, widths, scene.outputs, strict=True):
        for number, at in zip(numbers, ports(len(numbers), width), strict=True):
            outer.line(number, end, at, len(numbers) > 1)
    layout = arrange(boxes, outer.lines)
    return _placed(scene, layout, outer, ends)


def output_label(scene: Scene, place: int) -> str:
    """What stands in the box of an output."""
    return f"output {place + 1}" if len(scene.outputs) > 1 else "output"


def _output_width(scene: Scene, place: int) -> float:
    return shapes.width("output", output_label(scene, place), "")


class _Outer:
    """The lines between what is not folded and the folded blocks."""

    def __init__(
        self, scene: Scene, within: Mapping[int, Fold], insides: Mapping[Fold, _Inside], drawn: Mapping[int, Drawn]
    ) -> None:
        self.scene, self.within, self.insides, self.drawn = scene, within, insides, drawn
        self.lines: list[Line] = []
        self.ends: list[tuple[int, Hashable, bool]] = []

    def into(self, node: Shown) -> None:
        """The lines to a node, side by side."""
        drawn = self.drawn[node.number]
        for number, branched, at in zip(node.inputs, node.branched, ports(len(node.inputs), drawn.width), strict=True):
            self.line(number, node.number, drawn.off + at, branched or node.optional)

    def line(self, source: int, target: Hashable, arrives: float, branched: bool = False) -> None:
        """A line from a node, or from the block of which it is what the last copy puts out."""
        fold = self.within.get(source)
        key: Hashable = source if fold is None else fold
        leaves = self.drawn[source].off if fold is None else self.insides[fold].port("out")
        self.lines.append(Line(key, target, leaves, arrives))
        self.ends.append((source, target, branched))


def ports(count: int, width: float) -> list[float]:
    """Where lines arrive at a node, from its middle."""
    step = min(PORT, (width - 2 * shapes.SLANT) / max(count, 1))
    return [(place - (count - 1) / 2) * step for place in range(count)]


def _drawn(copies: list[Shown], marks: Marks) -> Drawn:
    node = copies[0]
    kind, rest = shapes.label(node, [copy.rate for copy in copies if copy.rate is not None])
    remarks = [Remark(f"training={node.training}")] if node.training else []
    remarks += [Remark("in a branch")] if node.optional else []
    remarks += remarks_of([copy.places for copy in copies], marks)
    return Drawn(node, copies, kind, rest, remarks, shapes.width(node.form, kind, rest))


def remarks_of(places: Sequence[frozenset[Place]], marks: Marks) -> list[Remark]:
    """A remark for each rule that has findings at these places, the places being those of each copy."""
    at: dict[tuple[Severity, str], tuple[set[int], set[int]]] = {}
    for copy, given in enumerate(places):
        for place in given:
            for number, finding in marks.get(place, ()):
                numbers, copies = at.setdefault((finding.severity, finding.rule), (set(), set()))
                numbers.update([] if number is None else [number])
                copies.add(copy)
    return [
        Remark(
            rule if len(copies) == len(places) else f"{rule} ({len(copies)} of {len(places)})",
            severity,
            tuple(sorted(numbers))[:LINKS],
        )
        for (severity, rule), (numbers, copies) in sorted(at.items(), key=lambda item: (-item[0][0], item[0][1]))
    ]


def _inside(scene: Scene, fold: Fold, marks: Marks) -> _Inside:
    block = range(fold.first, fold.first + fold.size)
    drawn = [_drawn([scene.nodes[n + fold.size * copy] for copy in range(fold.times)], marks) for n in block]
    entries = list(dict.fromkeys(number for one in drawn for number in one.node.inputs if number not in block))
    boxes = [Box(("in", entry), 0.0, 0.0, "top") for entry in entries]
    boxes += [*(one.box for one in drawn), Box("out", 0.0, 0.0, "bottom")]
    offs = {one.node.number: one.off for one in drawn}
    lines = []
    for one in drawn:
        inputs = one.node.inputs
        for number, at in zip(inputs, ports(len(inputs), one.width), strict=True):
            key: Hashable = number if number in block else ("in", number)
            lines.append(Line(key, one.node.number, offs.get(number, 0.0), one.off + at))
    exit_number = fold.first + fold.exit
    lines.append(Line(exit_number, "out", offs[exit_number]))
    ends = [
        (number, one.node.number, branched or one.node.optional)
        for one in drawn
        for number, branched in zip(one.node.inputs, one.node.branched, strict=True)
    ]
    return _Inside(fold, arrange(boxes, lines), drawn, ends, entries)


def _placed(scene: Scene, layout: Layout, outer: _Outer, ends: list[Hashable]) -> Drawing:
    """The plan, once everything has its place; the ways into and out of blocks are put together."""
    plan = Drawing(layout.width, layout.height)
    for number, one in outer.drawn.items():
        _put(one, layout.corners[number], (0.0, 0.0))
        plan.nodes.append(one)
    leads: dict[tuple[int, Hashable], list[Point]] = {}
    for (source, target, branched), way in zip(outer.ends, layout.ways, strict=True):
        fold = outer.within.get(source)
        whole = way if fold is None else [*_out_of(outer.insides[fold], layout.corners[fold]), *way]
        if isinstance(target, int):
            plan.edges.append(Wire(source, target, tuple(whole), branched))
        elif isinstance(target, Fold):
            leads[source, target] = whole
        else:
            plan.edges.append(Wire(source, -1 - ends.index(target), tuple(whole), branched))
    for fold, inside in outer.insides.items():
        left, top = layout.corners[fold]
        plan.frames.append(FoldBox(fold, left, top, inside.box.width, inside.box.height))
        shift = (left + PAD, top + HEADER)
        for one in inside.drawn:
            _put(one, inside.layout.corners[one.node.number], shift)
            plan.nodes.append(one)
        for (source, target, branched), way in zip(inside.lines, inside.layout.ways[:-1], strict=True):
            moved = [(x + shift[0], y + shift[1]) for x, y in way]
            lead = leads[source, fold] if source < fold.first else []
            each = bool(lead) and source != fold.entry
            plan.edges.append(Wire(source, target, (*lead, *moved), branched, each))
    plan.outputs = [(*layout.corners[end], _output_width(scene, place)) for place, end in enumerate(ends)]
    _join(plan)
    return plan


def _out_of(inside: _Inside, corner: Point) -> list[Point]:
    """The way from what a block puts out to the lower edge of its frame."""
    way = [(x + corner[0] + PAD, y + corner[1] + HEADER) for x, y in inside.layout.ways[-1]]
    return [*way, (way[-1][0], corner[1] + inside.box.height)]


def _join(plan: Drawing) -> None:
    """Let lines begin and end at the outlines, those into one node in the order in which they come."""
    tops = {one.node.number: one.y for one in plan.nodes}
    tops |= {-1 - place: y for place, (_, y, _) in enumerate(plan.outputs)}
    shown = {copy.number: one for one in plan.nodes for copy in one.copies}
    ends: dict[int, list[float]] = {}
    for edge in plan.edges:
        ends.setdefault(edge.target, []).append(edge.way[-1][0])
    coming = sorted(range(len(plan.edges)), key=lambda n: (plan.edges[n].target, plan.edges[n].way[-3:-2]))
    into = {target: iter(sorted(places)) for target, places in ends.items()}
    for number in coming:
        edge = plan.edges[number]
        way = [(edge.way[0][0], shown[edge.source].y + shapes.HEIGHT), *edge.way]
        x = next(into[edge.target])
        way[-2:] = [(x, way[-2][1]), (x, tops[edge.target])]
        plan.edges[number] = replace(edge, way=tuple(p for n, p in enumerate(way) if n == 0 or p != way[n - 1]))


def _put(one: Drawn, corner: Point, shift: Point) -> None:
    one.x = corner[0] + shift[0]
    one.y = corner[1] + shift[1] + (one.box.height - shapes.HEIGHT) / 2


def summary(scene: Scene) -> str:
    """How many nodes there are of which form, and whether that is all."""
    counts = Counter(node.form for node in scene.nodes)
    if not counts.keys() - {"input"}:
        return "its layers are not known"
    parts = [f"{shapes.WORDS[form]} {counts[form]}" for form in shapes.FORMS if counts[form]]
    rest = "" if scene.complete else "; a part of it is not known"
    return f"{len(scene.nodes)} nodes: {' · '.join(parts)}{rest}"
