"""Which files are worth parsing, and which must not be: tests on bytes, and `ast.parse` in front of LibCST.

LibCST is super-linear in nesting and can take the process down; `ast.parse` refuses the same text in milliseconds.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
import warnings

MAX_DEPTH = 250
MAX_NODES = 100_000

_SURE = (b"BatchNorm", b"batch_norm", b"batchnorm")
_HOLDERS = (
    b"load_model",
    b"ResNet",
    b"MobileNet",
    b"DenseNet",
    b"EfficientNet",
    b"Inception",
    b"Xception",
    b"NASNet",
    b"hub.KerasLayer",
)
_PYTHON_2 = re.compile(r"^\s*(print\s+[\"'\w%(]|exec\s+[\"'\w]|raise\s+\w+\s*,|except\s+[\w.()]+\s*,\s*\w+\s*:)", re.MULTILINE)


class Refused(Exception):
    """A text that cannot be linted: `message` says why, `line` where (from 1; None for the whole file)."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


def names_batchnorm(data: bytes) -> bool:
    """Whether these bytes name a batch normalization, or something of Keras's that holds one."""
    if any(name in data for name in _SURE):
        return True
    return b"keras" in data and any(name in data for name in _HOLDERS)


def read_text(data: bytes) -> str:
    """The text of a Python file, decoded as Python does; Refused where LibCST should not see it."""
    if b"\0" in data:
        raise Refused("contains null bytes", data[: data.index(b"\0")].count(b"\n") + 1)
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        text = data.decode(encoding)
    except SyntaxError as error:
        raise Refused(str(error.msg or error), 1) from None
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise Refused(f"not valid {error.encoding}: byte 0x{data[error.start]:02x}", line) from None
    check_text(text)
    return text


def check_text(text: str) -> ast.Module:
    """The stdlib tree of a text; Refused if it does not parse, or is too deep or too large for LibCST."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except SyntaxError as error:
        if error.msg and "nested" in error.msg:
            raise Refused("too deeply nested", error.lineno) from None
        if _PYTHON_2.search(text):
            raise Refused(f"looks like Python 2: {error.msg}", error.lineno) from None
        raise Refused(f"syntax error: {error.msg}", error.lineno) from None
    except (RecursionError, MemoryError):
        raise Refused("too deeply nested") from None
    except ValueError as error:
        raise Refused(f"does not parse: {error}") from None
    _measure(tree)
    return tree


def _measure(tree: ast.Module) -> None:
    """Refuse a tree that is too deep or too large, walking it level by level."""
    level: list[ast.AST] = [tree]
    count = depth = 0
    while level:
        depth += 1
        count += len(level)
        if depth > MAX_DEPTH:
            raise Refused("too deeply nested", getattr(level[0], "lineno", None))
        if count > MAX_NODES:
            raise Refused(f"too large: over {MAX_NODES:,} syntax nodes")
        level = [child for node in level for child in ast.iter_child_nodes(node)]
