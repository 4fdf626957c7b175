"""Numbers and strings, as they are written."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import libcst as cst

from ..values.code import Frame
from ..values.evaluator import Evaluator
from ..values.kind import Opaque, Value
from ..values.plain import MAX_NUMBER, MAX_TEXT, computed, modest


def _constant(m: Evaluator, node: cst.Integer | cst.Float | cst.SimpleString | cst.Imaginary, frame: Frame) -> Value:
    key = id(node)
    if key not in m.constants:
        m.constants[key] = _literal(node)
    return m.constants[key]


def _literal(node: cst.Integer | cst.Float | cst.SimpleString | cst.Imaginary) -> Value:
    """A literal's value; the plain ones without the parser that `evaluated_value` calls."""
    text = node.value
    if type(node) is cst.SimpleString and text[0] in "\"'" and "\\" not in text:
        width = 3 if text[:3] in ('"""', "'''") else 1
        return text[width:-width]
    try:
        if type(node) is cst.Float:
            return float(text)
        value = int(text) if text.isdecimal() else node.evaluated_value
        return Opaque("a large number") if isinstance(value, int) and value >= MAX_NUMBER else value
    except (ValueError, SyntaxError):
        return Opaque("a literal")


def _joined_string(m: Evaluator, node: cst.ConcatenatedString, frame: Frame) -> Value:
    parts, rest = [m.evaluate(node.left, frame)], node.right
    while type(rest) is cst.ConcatenatedString:  # Not by recursion: there may be thousands.
        parts.append(m.evaluate(rest.left, frame))
        rest = rest.right
    texts = [part for part in (*parts, m.evaluate(rest, frame)) if isinstance(part, str)]
    return "".join(texts) if len(texts) > len(parts) else Opaque("a string")


def _formatted_string(m: Evaluator, node: cst.FormattedString, frame: Frame) -> Value:
    text = ""
    known = True
    for part in node.parts:
        if type(part) is cst.FormattedStringText:
            text += part.value.replace("{{", "{").replace("}}", "}")
            continue
        assert type(part) is cst.FormattedStringExpression
        value = m.evaluate(part.expression, frame)
        spec = "" if part.format_spec is None else _format(part.format_spec)
        plain = isinstance(value, (str, int, float, bool)) and part.conversion is None and part.equal is None
        made = computed(format, value, spec) if plain and spec is not None and len(text) < MAX_TEXT else None
        if isinstance(made, str):
            text += made
        else:
            known = False
    return text if known else Opaque("a formatted string")


def _format(parts: Iterable[cst.BaseFormattedStringContent]) -> str | None:
    """A format that is written out, None for one that is computed, or that makes long texts."""
    texts = [part.value if type(part) is cst.FormattedStringText else "{" for part in parts]
    spec = "".join(texts)
    return spec if modest(f"{{:{spec}}}", ()) and "{" not in spec else None


LITERALS: dict[type, Callable[..., Value]] = {
    cst.Integer: _constant,
    cst.Float: _constant,
    cst.Imaginary: _constant,
    cst.SimpleString: _constant,
    cst.ConcatenatedString: _joined_string,
    cst.FormattedString: _formatted_string,
}
