"""How much memory LibCST needs for a text, estimated from its tokens before anything parses it.

What a token costs was measured with LibCST 1.9; brackets cost the more the deeper they stand, since the parser tries
several rules at each level. The estimates lie between 0.7 and 2.5 times what was measured, for code as it is written
and for lists, chains, operators and nesting without end.
"""

from __future__ import annotations

import re

_TOKEN = re.compile(
    r"""(?P<quotes>\"{3}|'{3})(?:\\.|.)*?(?P=quotes)|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'"""
    r"""|\#[^\n]*|\n+|(?:\d[\d_]*\.?[\d_]*|\.\d+)(?:[eE][+-]?\d+)?\w*|\w+|\*\*|[^\s\w]""",
    re.DOTALL,
)
_LEAF, _INSIDE, _BRACKET, _DEEPER, _LINE, _LINES = 3.3, 1.2, 1.5, 4.0, 0.8, 0.6
_KILOBYTES = {
    **dict.fromkeys(")]},", 0.3),
    **dict.fromkeys(":<>", 1.0),
    **dict.fromkeys(".=", 2.0),
    **dict.fromkeys("-~", 8.0),
    "\\": 0.1,
    "lambda": 18.0,
    "not": 6.0,
    "if": 5.0,
    "else": 5.0,
    "**": 10.0,
}


def megabytes(text: str, enough: float) -> float:
    """About how many MB LibCST takes to parse a Python text; it stops counting where there are `enough`."""
    limit = enough * 1024
    total, depth = 0.0, 0
    formatted = -1
    for match in _TOKEN.finditer(text):
        token = match[0]
        first = token[0]
        if first in "([{":
            depth += 1
            total += _BRACKET + _DEEPER * depth
        elif first == "\n":
            total += _LINES + _LINE * len(token)
        elif first in "'\"":
            total += _LEAF + _INSIDE * depth
            if match.start() == formatted:
                total += 1.5 * _LEAF * token.count("{")
        elif first != "#":
            total += _KILOBYTES.get(token) or _LEAF + _INSIDE * depth
            if first in ")]}":
                depth -= 1
            elif len(token) < 3 and first in "fFrRtT":
                formatted = match.end()
        if total > limit:
            break
    return total / 1024
