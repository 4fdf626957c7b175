"""A picture of models read back from its SVG: which nodes and edges it shows, and where."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from xml.etree import ElementTree

SVG = "{http://www.w3.org/2000/svg}"

Rectangle = tuple[float, float, float, float]
Point = tuple[float, float]


@dataclass
class Block:
    """A folded block, as its frame says."""

    first: int
    size: int
    times: int
    exit: int
    frame: Rectangle


@dataclass
class Model:
    """What is drawn: nodes by number with kind, rectangle and remarks; edges; the outputs; the blocks."""

    name: str
    kinds: dict[int, str] = field(default_factory=dict)
    places: dict[int, Rectangle] = field(default_factory=dict)
    remarks: dict[int, list[str]] = field(default_factory=dict)
    texts: dict[int, str] = field(default_factory=dict)
    outputs: dict[int, Rectangle] = field(default_factory=dict)
    edges: list[tuple[int, int, list[Point], set[str]]] = field(default_factory=list)
    ends: list[tuple[int, int, list[Point], set[str]]] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)

    def block(self, number: int) -> Block | None:
        """The block of which a node is shown."""
        return next((b for b in self.blocks if b.first <= number < b.first + b.size), None)

    def unfolded(self) -> tuple[dict[int, str], Counter[tuple[int, int]]]:
        """The nodes' kinds and the edges, with each block as often as it says it is there."""
        kinds = dict(self.kinds)
        edges = Counter((source, target) for source, target, _, _ in self.edges)
        for source, target, _, classes in self.edges:
            block = self.block(target)
            for copy in range(1, block.times if block else 1):
                assert block is not None
                moved = copy * block.size
                kinds[target + moved] = self.kinds[target]
                if source >= block.first:
                    edges[source + moved, target + moved] += 1
                elif "each" in classes:
                    edges[source, target + moved] += 1
                else:
                    edges[block.first + block.exit + moved - block.size, target + moved] += 1
        return kinds, edges


def read(svg: str) -> list[Model]:
    """The models of a picture, in order."""
    root = ElementTree.fromstring(svg)
    models = []
    for group in root.iter(f"{SVG}g"):
        if group.get("class") == "scene":
            models.append(_model(group))
    return models


def _model(group: ElementTree.Element) -> Model:
    model = Model(group.get("data-model") or "")
    for element in group.iter():
        classes = set((element.get("class") or "").split())
        if "node" in classes:
            number = int(element.get("data-id") or "")
            assert number not in model.kinds
            model.kinds[number] = element.get("data-kind") or ""
            model.places[number] = _rectangle(element)
            model.texts[number] = "".join(element.find(f"{SVG}text").itertext())  # type: ignore[union-attr]
            remarks = [one for one in element.iter() if "remark" in (one.get("class") or "").split()]
            model.remarks[number] = ["".join(one.itertext()) for one in remarks if one.tag != f"{SVG}text"]
            flags = [one for one in element.iter(f"{SVG}text") if "flag" in (one.get("class") or "")]
            model.remarks[number] += [one.text or "" for one in flags]
        elif "output" in classes and element.get("data-output"):
            model.outputs[int(element.get("data-output") or "")] = _rectangle(element)
        elif "edge" in classes:
            way = points(element.get("d") or "")
            source = int(element.get("data-from") or "")
            if element.get("data-to") is not None:
                model.edges.append((source, int(element.get("data-to") or ""), way, classes))
            else:
                model.ends.append((source, int(element.get("data-output") or ""), way, classes))
        elif "block" in classes:
            values = [int(element.get(f"data-{name}") or "") for name in ("first", "size", "times", "exit")]
            assert element.find(f"{SVG}text").text == f"×{values[2]}"  # type: ignore[union-attr]
            model.blocks.append(Block(*values, _box(element.find(f"{SVG}rect"))))
    return model


def points(d: str) -> list[Point]:
    """The points through which a path goes, its arrowhead left out."""
    found: list[Point] = []
    for letter, rest in re.findall(r"([MVC])([-0-9. ]+)", d.partition("m")[0]):
        numbers = [float(value) for value in rest.split()]
        found.append((found[-1][0], numbers[0]) if letter == "V" else (numbers[-2], numbers[-1]))
    return found


def _rectangle(group: ElementTree.Element) -> Rectangle:
    """The rectangle around a node's shape."""
    shape = group.find(f"{SVG}g[@class='shape']")
    assert shape is not None
    first = shape[0]
    if first.tag == f"{SVG}polygon":
        corners = [tuple(map(float, pair.split(","))) for pair in (first.get("points") or "").split()]
        xs, ys = [corner[0] for corner in corners], [corner[1] for corner in corners]
        return min(xs), min(ys), max(xs), max(ys)
    if first.tag == f"{SVG}ellipse":
        x, y, rx, ry = (float(first.get(name) or "") for name in ("cx", "cy", "rx", "ry"))
        return x - rx, y - ry, x + rx, y + ry
    return _box(first)


def _box(rect: ElementTree.Element | None) -> Rectangle:
    assert rect is not None
    x, y, width, height = (float(rect.get(name) or "") for name in ("x", "y", "width", "height"))
    return x, y, x + width, y + height
