"""Pictures of models: each layer's kind told by shape and color, findings marked where they stand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ...finding import Finding, Place
from ...scene import Scene


def marks_of(findings: Iterable[Finding]) -> dict[Place, list[tuple[int, Finding]]]:
    """The findings by place, with their numbers, from 0."""
    marks: dict[Place, list[tuple[int, Finding]]] = {}
    for number, finding in enumerate(findings):
        marks.setdefault(finding.place, []).append((number, finding))
    return marks


def render(scenes: Sequence[Scene], findings: Iterable[Finding] = ()) -> str:
    """The models as one SVG document, with those of the findings marked that stand on them.

    Raises layout.Missing where igraph is not installed.
    """
    from .svg import sheet

    return sheet(scenes, marks_of(findings))
