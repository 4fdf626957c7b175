"""A program of which something holds, made small: faster than Hypothesis does it, which draws it anew each time."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import replace

from kit.python import Program

MAX_TRIES = 600
"""How many smaller programs are tried: a few seconds."""


def reduced(program: Program, holds: Callable[[Program], object]) -> Program:
    """A smaller program of which the same holds: without statements that do not matter."""
    tries = 0
    found = True
    while found:
        found = False
        for text in _smaller(program.text):
            tries += 1
            if tries > MAX_TRIES:
                return program
            candidate = replace(program, text=text)
            if holds(candidate):
                program, found = candidate, True
                break
    return program


def _smaller(text: str) -> Iterator[str]:
    """The texts that lack one statement, from the last to the first, or have a block in the place of what holds it."""
    count = sum(len(block) for block in _blocks(ast.parse(text)))
    for number in reversed(range(count)):
        for inner in (False, True):
            tree = ast.parse(text)
            block, index = [(block, index) for block in _blocks(tree) for index in range(len(block))][number]
            held = getattr(block[index], "body", [])
            if inner and not (held and isinstance(held[0], ast.stmt)):
                continue
            block[index : index + 1] = held if inner else []
            if not block:
                block.append(ast.Pass())
            smaller = ast.unparse(tree) + "\n"
            if len(smaller) < len(text) and _compiles(smaller):
                yield smaller


def _blocks(tree: ast.AST) -> list[list[ast.stmt]]:
    return [
        value
        for node in ast.walk(tree)
        for _, value in ast.iter_fields(node)
        if isinstance(value, list) and value and isinstance(value[0], ast.stmt)
    ]


def _compiles(text: str) -> bool:
    try:
        compile(text, "<program>", "exec")
    except SyntaxError:
        return False
    return True
