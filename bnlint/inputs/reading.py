"""A file's bytes as code, by the kind of file: Python, a notebook, or a document with blocks of Python."""

from __future__ import annotations

import codecs

from . import decoding
from .code import Code, whole
from .gate import check_text, read
from .suffixes import in_parts, is_document


def read_code(path: str, data: bytes) -> Code:
    """The code of a file with this name and content; Refused where it cannot be linted."""
    if path.endswith(".ipynb"):
        from .notebook import read_notebook

        return read_notebook(data)
    if is_document(path):
        from .markdown import read_document

        return read_document(data)
    text, checked = read(data)
    return whole(text, checked)


def code_of(path: str, text: str) -> Code:
    """The code of a text that stands in a file of this name; Refused where it cannot be linted."""
    if in_parts(path):
        return read_code(path, text.encode("utf-8", "surrogatepass"))
    return whole(text, check_text(text))


def encoding_of(path: str, data: bytes) -> str:
    """How a file's text is encoded, a byte order mark taken for a part of that. Refused for what is no text."""
    if in_parts(path):
        return "utf-8-sig" if data.startswith(codecs.BOM_UTF8) else "utf-8"
    return decoding.encoding_of(data)


def text_of(path: str, data: bytes) -> str:
    """The text of a file as it stands, for a notebook its JSON. Refused for what is no text."""
    return data.decode("utf-8-sig", "replace") if in_parts(path) else decoding.decoded(data)
