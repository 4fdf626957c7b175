"""What may come from a linted file, made harmless for where it is written.

`printable` for a line that somebody reads, `well_formed` for a value in JSON or a path; a format's own signs besides.
"""

from __future__ import annotations


def printable(text: str) -> str:
    """The text on one line, tabs widened, with every character a terminal might obey shown as its escape."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else "    " if c == "\t" else ascii(c)[1:-1] for c in text)


def whole_line(text: str) -> str:
    """The text as a whole line: also one that GitHub, which reads the output of its jobs, takes for no command."""
    shown = printable(text)
    return shown.replace(":", "\\x3a", 1) if shown.lstrip().startswith("::") else shown


def well_formed(text: str) -> str:
    """The text without lone surrogates, which a file name may hold and no reader of JSON needs to accept."""
    return text.encode("utf-8", "replace").decode("utf-8")
