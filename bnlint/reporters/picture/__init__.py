"""Pictures of models: each layer's kind told by shape and color, findings marked where they stand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ...findings import Finding, Place
from ...graph.picture import Scene
from .layout import Missing

__all__ = ["Missing", "Picture", "marks_of", "render"]


class Picture(str):
    """An SVG document, which notebooks show as the picture it is."""

    __slots__ = ()

    def _repr_svg_(self) -> str:
        return str(self)


def render(scenes: Sequence[Scene], findings: Iterable[Finding] = ()) -> str:
    """The models as one SVG document, with those of the findings marked that stand on them. Raises Missing."""
    from .svg import sheet

    return sheet(scenes, marks_of(findings, numbered=False))


def marks_of(findings: Iterable[Finding], *, numbered: bool = True) -> dict[Place, list[tuple[int | None, Finding]]]:
    """The findings by place, with their numbers, from 0."""
    marks: dict[Place, list[tuple[int | None, Finding]]] = {}
    for number, finding in enumerate(findings):
        marks.setdefault(finding.place, []).append((number if numbered else None, finding))
    return marks
