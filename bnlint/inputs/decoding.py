"""The text of a file's bytes. Nothing else looks for a coding declaration, or knows which codecs can be one's."""

from __future__ import annotations

import io
import re
import tokenize
import warnings

from ..findings import Failure, Kind

_LINE = re.compile(rb"[^\r\n]*(?:\r\n?|\n)?")


class Refused(Exception):
    """A file that cannot be linted: `message` says why, `line` where (from 1; None for the whole file).

    kind: of which kind of failure it is.
    """

    def __init__(self, message: str, line: int | None = None, kind: Kind = "unreadable") -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.kind = kind

    def failure(self, path: str) -> Failure:
        """The same, of a file."""
        return Failure(path, self.message, line=self.line, kind=self.kind)


def encoding_of(data: bytes) -> str:
    """The encoding of a Python file, "utf-8-sig" with a byte order mark. Refused where Python reads none such.

    A codec that does not read its own declaration, as those for bytes, for numbers of two bytes and for host names do
    not, is no encoding of source text.
    """
    first = _LINE.match(data)
    second = _LINE.match(data, first.end()) if first else None
    head = b"".join(match.group().rstrip(b"\r\n") + b"\n" for match in (first, second) if match)
    try:
        name, _ = tokenize.detect_encoding(io.BytesIO(head).readline)
    except SyntaxError as error:
        raise Refused(str(error.msg or error)[:200], 1) from None
    declaration = f"coding: {name}"
    try:
        readable = declaration.encode("ascii").decode(name) == declaration
    except (ValueError, LookupError):
        readable = False
    if not readable:
        raise Refused(f"declares the encoding {name}, in which Python reads no source text", 1)
    return name


def decoded(data: bytes) -> str:
    """The text of a Python file, as Python decodes it. Raises Refused."""
    if b"\0" in data:
        raise Refused("contains null bytes", data[: data.index(b"\0")].count(b"\n") + 1)
    encoding = encoding_of(data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # A codec warns of escapes that it does not know.
            return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        bad = error.object[error.start : error.start + 1]
        raise Refused(f"not valid {error.encoding}: {f'byte 0x{bad.hex()}' if bad else error.reason}", line) from None
    except (ValueError, LookupError) as error:
        raise Refused(f"not valid {encoding}: {' '.join(str(error).split())[:200]}") from None
