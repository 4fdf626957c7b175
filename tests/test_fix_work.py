"""The work of fixing is in proportion to the number of findings, counted and not timed."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from unittest.mock import patch

import libcst
import pytest

from bnlint.api import check_source, fix_source
from bnlint.fixes.edit import slots, tree
from bnlint.fixes.proof import trials
from bnlint.run.checker import Checker

HEAD = "import keras\nfrom keras import layers\n"
DENSE, DROPOUT = "layers.Dense(8)", "layers.Dense(8, use_bias=False)\nlayers.Dropout(0.5)"


def added(made: Sequence[str]) -> str:
    return f"{HEAD}m = keras.Sequential()\nm.add(keras.Input((8,)))\n" + "".join(f"m.add({one})\n" for one in made)


def listed(made: Sequence[str]) -> str:
    return f"{HEAD}m = keras.Sequential([\n    keras.Input((8,)),\n" + "".join(f"    {one},\n" for one in made) + "])\n"


def in_a_function(made: Sequence[str]) -> str:
    lines = "".join(f"    x = {one}(x)\n" for one in made)
    head = f"{HEAD}def build():\n    x = inputs = keras.Input((8,))\n"
    return f"{head}{lines}    return keras.Model(inputs, x)\nm = build()\n"


def with_names(made: Sequence[str]) -> str:
    lines = "".join(f"    x{number} = {one}(x{number - 1})\n" for number, one in enumerate(made, 1))
    head = f"{HEAD}def build():\n    x0 = keras.Input((8,))\n"
    return f"{head}{lines}    return keras.Model(x0, x{len(made)})\nm = build()\n"


def in_a_class(made: Sequence[str]) -> str:
    lines = "".join(f"    x = {one}(x)\n" for one in made)
    return f"{HEAD}class Holder:\n    x = inputs = keras.Input((8,))\n{lines}    m = keras.Model(inputs, x)\n"


class Work:
    """Characters parsed, lines compared, nodes walked, trials made, files checked."""

    done = 0


@contextmanager
def counted() -> Iterator[Work]:
    work = Work()

    def count(target: object, name: str, cost: Callable[..., int]) -> object:
        old = getattr(target, name)

        def counting(*args: object, **kwargs: object) -> object:
            work.done += cost(*args)
            return old(*args, **kwargs)

        return patch.object(target, name, counting)

    def walked(*args: object) -> int:
        return 20

    patches = [
        count(ast, "parse", lambda text, *_: len(text)),
        count(libcst, "parse_module", len),
        count(difflib.SequenceMatcher, "__init__", lambda _, junk=None, a="", b="": len(a) * len(b)),
        count(tree, "children", walked),
        count(slots, "_is_target", walked),
        count(trials, "compare", lambda *_: 500),
        count(Checker, "check", lambda *_: 2000),
    ]
    for one in patches:
        one.start()  # type: ignore[attr-defined]
    try:
        yield work
    finally:
        for one in patches:
            one.stop()  # type: ignore[attr-defined]


def checked(text: str) -> int:
    report = check_source(text, "a.py", fixes=True, select=["redundant-bias", "dropout-before-batchnorm"])
    return sum(finding.fix is not None for finding in report)


def mended(text: str) -> int:
    new = fix_source(text, unsafe=True, select=["redundant-bias"])
    return new.count("use_bias=False")


@pytest.mark.parametrize("write", [added, listed, in_a_function, with_names, in_a_class])
@pytest.mark.parametrize(
    ("made", "run"), [(DENSE, checked), (DROPOUT, checked), (DENSE, mended)], ids=["bias", "dropout", "mended"]
)
def test_twice_the_findings_are_twice_the_work(
    write: Callable[[Sequence[str]], str], made: str, run: Callable[[str], int]
) -> None:
    done = []
    for n in (30, 60):
        row = [*made.split("\n"), "layers.BatchNormalization()", "layers.ReLU()"] * n
        with counted() as work:
            assert run(write(row)) == n
        done.append(work.done)
    assert done[1] < 2.2 * done[0], done
