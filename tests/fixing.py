"""What the tests of fixes do with a code: mend it, twice, and compare."""

from __future__ import annotations

import textwrap
from typing import Any

from bnlint import check_source
from bnlint.api import fix_source

BEFORE = {"mixed-placement": {"placement": "before-activation"}}
AFTER = {"mixed-placement": {"placement": "after-activation"}}


def mended(code: str, rule: str, config: Any = None) -> str:
    """The code with all fixes of a rule made, which a second run leaves alone."""
    new = fix_source(code, unsafe=True, select=[rule], config=config)
    assert fix_source(new, unsafe=True, select=[rule], config=config) == new
    return new


def check(rule: str, before: str, after: str, config: Any = None) -> None:
    """Assert that fixing makes the one code the other; equal ones say that a finding gets no fix."""
    before, after = dedented(before), dedented(after)
    assert list(check_source(before, select=[rule], config=config)), "nothing to fix"
    assert mended(before, rule, config) == after


def dedented(code: str) -> str:
    return textwrap.dedent(code) if code.startswith(" ") else code


def unfixed(rule: str, code: str, config: Any = None, why: str = "") -> None:
    """Assert that there is a finding, which nobody knows to fix; `why`: what is said of it, if it was tried."""
    check(rule, code, code, config)
    report = check_source(textwrap.dedent(code), select=[rule], config=config, fixes=True)
    assert why in "\n".join(report.notes)


FUNCTIONAL = """\
    import tensorflow as tf
    from tensorflow.keras import Input, Model
    from tensorflow.keras.layers import Add, BatchNormalization, Dense, Dropout, ReLU

    inputs = Input((8,))
    {}
    model = Model(inputs, x)
"""


def functional(rule: str, before: str, after: str, config: Any = None) -> None:
    template = textwrap.dedent(FUNCTIONAL)
    check(rule, template.format(before), template.format(after), config)
