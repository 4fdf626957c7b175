"""What a node looks like: an outline for each kind of layer, and a label that fits in."""

from __future__ import annotations

from collections.abc import Sequence

from ...graph.picture import Form, Shown
from ..escape import printable

HEIGHT = 26.0
SLANT = 9.0
LETTER, BOLD_LETTER, SMALL_LETTER, SMALL_BOLD_LETTER = 7.0, 7.9, 6.3, 7.0
"""How wide a character is at most, on average, in the fonts that are asked for."""

_LONGEST = 60

WORDS: dict[str, str] = {
    "input": "input",
    "output": "output",
    "linear": "linear",
    "batchnorm": "batch normalization",
    "normalization": "other normalization",
    "activation": "activation",
    "dropout": "dropout, noise",
    "recurrent": "recurrent, attention",
    "join": "joins",
    "reshaping": "pools, pads, reshapes",
    "model": "a model",
    "other": "anything else",
}
"""The legend's words for the forms, in its order."""

COLORS: dict[str, tuple[str, str]] = {
    "input": ("#ffffff", "#1a1a1a"),
    "output": ("#ffffff", "#1a1a1a"),
    "linear": ("#d5d9de", "#1a1a1a"),
    "batchnorm": ("#0a4f8f", "#ffffff"),
    "normalization": ("#bcd9f2", "#1a1a1a"),
    "activation": ("#ffe28a", "#1a1a1a"),
    "dropout": ("#ffc9a8", "#1a1a1a"),
    "recurrent": ("#cfe8c6", "#1a1a1a"),
    "join": ("#ffffff", "#1a1a1a"),
    "reshaping": ("#efe9f5", "#1a1a1a"),
    "model": ("#e6dccb", "#1a1a1a"),
    "other": ("#ffffff", "#1a1a1a"),
}
"""Each form's color, and that of the text on it."""

_DASHES = {"dropout": "6 3", "other": "1.5 2.5"}


def label(node: Shown, rates: Sequence[float] = ()) -> tuple[str, str]:
    """What a node says: its kind, and the rest. `rates` are those of all the copies it stands for."""
    known = sorted({*rates} or ({node.rate} if node.rate is not None else set()))
    said = [node.name] if node.form == "model" and node.name else []
    said += node.settings
    if known:
        said.append(f"{known[0]:.3g}" if len(known) == 1 else f"{known[0]:.3g} to {known[-1]:.3g}")
    return short(node.kind), short(" · ".join(said))


def short(text: str) -> str:
    """The text on one line, cut where it is very long."""
    text = printable(text)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def width(form: str, kind: str, rest: str) -> float:
    """How wide a node of this form is with this label."""
    text = BOLD_LETTER * len(kind) + (LETTER * (len(rest) + 1) if rest else 0)
    return round(text + 16 + (0 if form in ("linear", "other") else 2 * SLANT))


def outline(form: str, x: float, y: float, w: float, h: float = HEIGHT) -> str:
    """The SVG elements of a node's shape in this rectangle, in its color."""
    dash = f' stroke-dasharray="{_DASHES[form]}"' if form in _DASHES else ""
    fill = f'fill="{COLORS[form][0]}"{dash}'
    ink = f'stroke="{COLORS[form][1]}"'
    s, r, b, m = SLANT, x + w, y + h, y + h / 2
    corners = {
        "input": ((x, y), (r, y), (r, b - 7), (x + w / 2, b), (x, b - 7)),
        "output": ((x, y), (r, y), (r, b), (x, b)),
        "batchnorm": ((x + s, y), (r - s, y), (r, m), (r - s, b), (x + s, b), (x, m)),
        "normalization": ((x + s, y), (r - s, y), (r, m), (r - s, b), (x + s, b), (x, m)),
        "dropout": ((x + s, y), (r, y), (r - s, b), (x, b)),
        "reshaping": ((x, y), (r, y), (r - s, b), (x + s, b)),
    }
    if form in corners:
        points = " ".join(f"{number(a)},{number(c)}" for a, c in corners[form])
        inner = ""
        if form == "output":
            inner = f'<path d="M{number(x + 4)} {number(b - 4)}H{number(r - 4)}" {ink}/>'
        return f'<polygon points="{points}" {fill}/>{inner}'
    if form == "join":
        middle = f'cx="{number(x + w / 2)}" cy="{number(m)}"'
        return f'<ellipse {middle} rx="{number(w / 2)}" ry="{number(h / 2)}" {fill}/>'
    round_by = {"activation": h / 2, "other": 5.0}.get(form, 0.0)
    box = f'x="{number(x)}" y="{number(y)}" width="{number(w)}" height="{number(h)}"'
    rounded = f' rx="{number(round_by)}"' if round_by else ""
    shape = f"<rect {box}{rounded} {fill}/>"
    if form == "recurrent":
        bars = f"M{number(x + 5)} {number(y)}v{number(h)}M{number(r - 5)} {number(y)}v{number(h)}"
        return f'{shape}<path d="{bars}" {ink}/>'
    if form == "model":
        inside = f"M{number(x + 3)} {number(y + 3)}h{number(w - 6)}v{number(h - 6)}h{number(6 - w)}z"
        return f'{shape}<path d="{inside}" fill="none" {ink}/>'
    return shape


def number(value: float) -> str:
    """A coordinate, to a tenth of a pixel."""
    return f"{round(value, 1):g}" if abs(value) < 1e5 else f"{round(value)}"


FORMS: tuple[Form, ...] = tuple(form for form in WORDS if form != "output")  # type: ignore[misc]
