"""Fixes: each step in each style of writing, hostile formatting, imports, encodings, notebooks."""

from __future__ import annotations

import json
import textwrap
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bnlint import check_source
from bnlint.finding import Edit
from bnlint.fixes.edits import Lines, applied, differences
from bnlint.fixes.slots import aligned
from bnlint.fixes.splice import spliced
from bnlint.fixes.tree import Refused
from bnlint.mend import mend_source

BEFORE = {"mixed-placement": {"placement": "before-activation"}}
AFTER = {"mixed-placement": {"placement": "after-activation"}}


def mended(code: str, rule: str, config: Any = None) -> str:
    """The code with all fixes of a rule made, which a second run leaves alone."""
    new = mend_source(code, unsafe=True, select=[rule], config=config)
    assert mend_source(new, unsafe=True, select=[rule], config=config) == new
    return new


def check(rule: str, before: str, after: str, config: Any = None) -> None:
    """Assert that fixing makes the one code the other; equal ones say that a finding gets no fix."""
    before, after = _dedented(before), _dedented(after)
    assert list(check_source(before, select=[rule], config=config)), "nothing to fix"
    assert mended(before, rule, config) == after


def _dedented(code: str) -> str:
    return textwrap.dedent(code) if code.startswith(" ") else code


def unfixed(rule: str, code: str, config: Any = None, why: str = "") -> None:
    """Assert that there is a finding, which nobody knows to fix; `why`: what is said of it, if it was tried."""
    check(rule, code, code, config)
    report = check_source(textwrap.dedent(code), select=[rule], config=config, fixes=True)
    assert why in "\n".join(report.notes)


LIST = """\
    from keras import Input, Sequential
    from keras.layers import BatchNormalization, Dense, Dropout, ReLU

    model = Sequential({})
"""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "[Input((8,)), Dense(4), Dropout(0.5), BatchNormalization(), ReLU(), Dense(1)]",
            "[Input((8,)), Dense(4), BatchNormalization(), ReLU(), Dropout(0.5), Dense(1)]",
        ),
        (
            "[Input((8,)), Dense(4), Dropout(0.5), BatchNormalization(), ReLU()]",
            "[Input((8,)), Dense(4), BatchNormalization(), ReLU(), Dropout(0.5)]",
        ),
        (
            "[Input((8,)), Dense(4), Dropout(0.5), BatchNormalization(), ReLU(),]",
            "[Input((8,)), Dense(4), BatchNormalization(), ReLU(), Dropout(0.5),]",
        ),
        (
            "[\n    Dense(4),\n    Dropout(0.5),\n    BatchNormalization(),\n    ReLU(),\n]",
            "[\n    Dense(4),\n    BatchNormalization(),\n    ReLU(),\n    Dropout(0.5),\n]",
        ),
        (
            "[\n    Dense(4),\n    Dropout(0.5),\n    BatchNormalization(),\n    ReLU()\n]",
            "[\n    Dense(4),\n    BatchNormalization(),\n    ReLU(),\n    Dropout(0.5)\n]",
        ),
        (
            "[\n\tDense(4),\n\tDropout(0.5),\n\tBatchNormalization(),  # norm\n\tDense(1)]",
            "[\n\tDense(4),\n\tBatchNormalization(),  # norm\n\tDropout(0.5),\n\tDense(1)]",
        ),
        (
            "[Dense(4),\n            Dropout(0.5),\n            BatchNormalization()]",
            "[Dense(4),\n            BatchNormalization(),\n            Dropout(0.5)]",
        ),
        (
            "[\n    # half of it\n    Dropout(0.5), # dropped\n    # then\n    BatchNormalization(),\n    Dense(1),\n]",
            "[\n    # half of it\n    # then\n    BatchNormalization(),\n    Dropout(0.5), # dropped\n    Dense(1),\n]",
        ),
        (
            "[\n    # regularize\n    # by half\n    Dropout(0.5),\n    # then\n    BatchNormalization(),\n]",
            "[\n    # then\n    BatchNormalization(),\n    # regularize\n    # by half\n    Dropout(0.5),\n]",
        ),
        (
            "[Dense(4), Dropout(0.5),\n BatchNormalization(), ReLU(),\n Dense(1)]",
            "[Dense(4),\n BatchNormalization(), ReLU(), Dropout(0.5),\n Dense(1)]",
        ),
        (
            '[\n    Dropout(\n        0.5,\n        name="""a\nb""",\n    ),\n    (BatchNormalization()),\n]',
            '[\n    (BatchNormalization()),\n    Dropout(\n        0.5,\n        name="""a\nb""",\n    ),\n]',
        ),
    ],
)
def test_a_layer_moves_in_a_list(before: str, after: str) -> None:
    template = textwrap.dedent(LIST)
    check("dropout-before-batchnorm", template.format(before), template.format(after))


def test_a_comment_without_a_line_keeps_a_layer_where_it_is() -> None:
    code = textwrap.dedent(LIST).format("[Dropout(0.5), # half\n BatchNormalization()]")
    unfixed("dropout-before-batchnorm", code, why="comment")


@pytest.mark.parametrize(
    "layers", ["[Dropout(0.5)] + [BatchNormalization()]", "tuple([Dropout(0.5), BatchNormalization()])"]
)
def test_layers_of_which_the_place_is_not_seen_stay(layers: str) -> None:
    unfixed("dropout-before-batchnorm", textwrap.dedent(LIST).format(layers))


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


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "x = Dense(4)(inputs)\nx = Dropout(0.5)(x)\nx = BatchNormalization()(x)\nx = ReLU()(x)",
            "x = Dense(4)(inputs)\nx = BatchNormalization()(x)\nx = ReLU()(x)\nx = Dropout(0.5)(x)",
        ),
        (
            "x = Dropout(0.5)(Dense(4)(inputs))\nx = tf.nn.relu(BatchNormalization()(x))",
            "x = Dense(4)(inputs)\nx = tf.nn.relu(BatchNormalization()(x))\nx = Dropout(0.5)(x)",
        ),
        (
            "x = tf.nn.relu(BatchNormalization()(Dropout(0.5)(Dense(4)(inputs))))",
            "x = Dropout(0.5)(tf.nn.relu(BatchNormalization()(Dense(4)(inputs))))",
        ),
        (
            "x = Dense(1)(BatchNormalization()(Dropout(0.5)(inputs + 1)))",
            "x = Dense(1)(Dropout(0.5)(BatchNormalization()(inputs + 1)))",
        ),
        (
            "hidden = Dense(4)(inputs)\ndrop = Dropout(0.5)(hidden)\nnorm = BatchNormalization()(drop)\n"
            "x = ReLU()(norm)",
            "hidden = Dense(4)(inputs)\nnorm = BatchNormalization()(hidden)\nx = ReLU()(norm)\nx = Dropout(0.5)(x)",
        ),
        (
            "x = Dense(4)(inputs)\n# noise\nx = Dropout(0.5)(x)  # drop\n\nx = (BatchNormalization())(x)  # norm",
            "x = Dense(4)(inputs)\n# noise\n\nx = (BatchNormalization())(x)  # norm\nx = Dropout(0.5)(x)  # drop",
        ),
        (
            "x = Dropout(0.5)(inputs)\nx = Dense(1)(ReLU()(BatchNormalization()(x)))",
            "x = Dense(1)(Dropout(0.5)(ReLU()(BatchNormalization()(inputs))))",
        ),
        (
            "x = Dense(4)(inputs)\nfor _ in range(3):\n    x = Dense(4)(x)\n    x = Dropout(0.5)(x)\n"
            "    x = BatchNormalization()(x)\n    x = ReLU()(x)",
            "x = Dense(4)(inputs)\nfor _ in range(3):\n    x = Dense(4)(x)\n    x = BatchNormalization()(x)\n"
            "    x = ReLU()(x)\n    x = Dropout(0.5)(x)",
        ),
        (
            "drop = Dropout(0.5)\nx = Dense(4)(inputs)\nx = drop(x)\nx = BatchNormalization()(x)",
            "drop = Dropout(0.5)\nx = Dense(4)(inputs)\nx = BatchNormalization()(x)\nx = drop(x)",
        ),
        (
            "x = Dropout(0.5)(Dense(4)(inputs), training=True,)\nx = BatchNormalization()(x)",
            "",
        ),
    ],
)
def test_a_layer_moves_among_calls(before: str, after: str) -> None:
    if after:
        functional("dropout-before-batchnorm", before, after)
    else:
        template = textwrap.dedent(FUNCTIONAL)
        assert not list(check_source(template.format(before), select=["dropout-before-batchnorm"]))


@pytest.mark.parametrize(
    "code",
    [
        "x = Dense(4)(inputs); x = Dropout(0.5)(x)\nx = BatchNormalization()(x)",
        "x = Dropout(0.5)(inputs)\ny = BatchNormalization()(x)\nx = Add()([x, y])",
        "x = Dropout(0.5)(inputs)\nif flag:\n    x = BatchNormalization()(x)",
        "x = Dropout(0.5)(inputs)\nx = BatchNormalization()(x)\nx = Dropout(0.5)(x)",
        "x = Dropout(0.5)(inputs=Dense(4)(inputs))\nx = BatchNormalization()(x)",
        "x = Dense(4)(inputs)\nfor _ in range(2):\n    x = BatchNormalization()(x)\n    x = Dropout(0.5)(x)",
    ],
)
def test_where_moving_is_not_sure_nothing_moves(code: str) -> None:
    code = textwrap.dedent(FUNCTIONAL).format(code)
    unfixed("dropout-before-batchnorm", code)


def test_a_layer_moves_into_a_return_and_stands_below_its_bracket() -> None:
    before = """\
    from keras import layers


    def block(x, name):
        x = layers.Dense(4)(x)
        x = layers.Dropout(0.5,
                           name=name)(x)
        return layers.BatchNormalization(axis=-1,
                                         name=name)(x)
    """
    after = """\
    from keras import layers


    def block(x, name):
        x = layers.Dense(4)(x)
        x = layers.BatchNormalization(axis=-1,
                                      name=name)(x)
        return layers.Dropout(0.5,
                              name=name)(x)
    """
    check("dropout-before-batchnorm", before, after)


def test_strings_and_hanging_arguments_are_not_realigned() -> None:
    assert aligned("f(a,\n  b)", 0, 3) == "f(a,\n     b)"
    assert aligned("f(\n    a)", 0, 3) == "f(\n    a)"
    assert aligned('f("""\n  b""")', 0, 3) == 'f("""\n  b""")'


def test_a_helper_is_changed_only_where_each_use_wants_it() -> None:
    code = """\
    from keras import Input, Model, layers


    def block(x):
        return layers.Dropout(0.5)(layers.Dense(4)(x))


    inputs = Input((8,))
    x = layers.BatchNormalization()(block(inputs))
    model = Model(inputs, {})
    """
    unfixed("dropout-before-batchnorm", code.format("layers.Dense(1)(x)"), why="one function")
    unfixed("dropout-before-batchnorm", code.format("layers.Dense(1)(block(x))"))


SUBCLASS = """\
    import keras
    from keras import layers


    class Net(keras.Model):
        def __init__(self):
            super().__init__()
            self.hidden = layers.Dense(8)
            self.drop = layers.Dropout(0.5)
            self.norm = layers.BatchNormalization()
            self.out = layers.Dense(1)

        def call(self, x, training=None):
    {}
"""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "x = self.drop(self.hidden(x), training=training)\nx = self.norm(x, training=training)\nreturn self.out(x)",
            "x = self.hidden(x)\nx = self.norm(x, training=training)\nx = self.drop(x, training=training)\n"
            "return self.out(x)",
        ),
        (
            "return self.out(keras.ops.relu(self.norm(self.drop(self.hidden(x)), training=training)))",
            "return self.out(self.drop(keras.ops.relu(self.norm(self.hidden(x), training=training))))",
        ),
    ],
)
def test_a_layer_moves_in_a_subclass(before: str, after: str) -> None:
    template, indent = textwrap.dedent(SUBCLASS), " " * 8
    codes = [template.format(textwrap.indent(code, indent)) for code in (before, after)]
    check("dropout-before-batchnorm", codes[0], codes[1])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("x = BatchNormalization()(inputs)\nx = BatchNormalization()(x)", "x = BatchNormalization()(inputs)"),
        ("x = BatchNormalization()(BatchNormalization()(inputs))", "x = BatchNormalization()(inputs)"),
        (
            "a = BatchNormalization()(inputs)\nb = BatchNormalization()(a)\nx = Dense(1)(Add()([b, b]))",
            "a = BatchNormalization()(inputs)\nx = Dense(1)(Add()([a, a]))",
        ),
        (
            "norm = BatchNormalization()\nx = BatchNormalization()(inputs)\nx = norm(x)",
            "x = BatchNormalization()(inputs)",
        ),
        (
            "x = BatchNormalization()(inputs)\n\n# the second norm\nx = BatchNormalization()(x)\n\nx = ReLU()(x)",
            "x = BatchNormalization()(inputs)\n\nx = ReLU()(x)",
        ),
        (
            "x = BatchNormalization()(inputs)\n# second block\nx = BatchNormalization()(x)\nx = ReLU()(x)",
            "x = BatchNormalization()(inputs)\n# second block\nx = ReLU()(x)",
        ),
    ],
)
def test_a_call_is_left_out(before: str, after: str) -> None:
    functional("repeated-batchnorm", before, after)


@pytest.mark.parametrize(
    "code",
    [
        "a = BatchNormalization()(inputs)\nb = BatchNormalization()(a)\na = Dense(1)(inputs)\nx = Add()([a, b])",
        "a = BatchNormalization()(inputs)\nif flag:\n    b = BatchNormalization()(a)\nelse:\n    b = a\nx = ReLU()(b)",
        "norm = BatchNormalization()\nx = BatchNormalization()(inputs)\nx = norm(x)\nprint(norm.gamma)",
    ],
)
def test_a_call_stays_where_its_variables_have_other_uses(code: str) -> None:
    code = textwrap.dedent(FUNCTIONAL).format(code)
    assert mended(code, "repeated-batchnorm") == code


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "from keras.layers import BatchNormalization, Dense, Input",
            "from keras.layers import Activation, BatchNormalization, Dense, Input",
        ),
        (
            "from keras.layers import Input, Dense, BatchNormalization",
            "from keras.layers import Input, Dense, BatchNormalization, Activation",
        ),
        (
            "from keras.layers import (\n    BatchNormalization,\n    Dense,\n    Input,\n)",
            "from keras.layers import (\n    Activation,\n    BatchNormalization,\n    Dense,\n    Input,\n)",
        ),
        (
            "from keras.layers import (Input, Dense,\n                          BatchNormalization  # norm\n"
            "                          )",
            "from keras.layers import (Input, Dense,\n                          BatchNormalization,  # norm\n"
            "                          Activation\n                          )",
        ),
        (
            "from keras.layers import Input, Dense, BatchNormalization, Activation as Act",
            "from keras.layers import Input, Dense, BatchNormalization, Activation as Act",
        ),
        ("from keras.layers import *", "from keras.layers import *"),
        (
            "from keras.layers import Input, Dense\nfrom keras.layers import BatchNormalization",
            "from keras.layers import Input, Dense\nfrom keras.layers import BatchNormalization, Activation",
        ),
    ],
)
def test_a_name_is_imported(before: str, after: str) -> None:
    name = "Act" if " as " in after else "Activation"
    old = '\n\nx = BatchNormalization()(Dense(8, activation="relu")(Input((4,))))\n'
    new = f'\n\nx = BatchNormalization()(Dense(8)(Input((4,))))\nx = {name}("relu")(x)\n'
    check("mixed-placement", before + old, after + new, BEFORE)


@pytest.mark.parametrize(
    ("imports", "made"),
    [
        ("from tensorflow import keras", "keras.layers"),
        ("import tensorflow as tf", "tf.keras.layers"),
        ("from tensorflow.keras import layers as L", "L"),
        ("import keras.layers as kl", "kl"),
        ("import keras", "keras.layers"),
    ],
)
def test_a_class_is_named_as_its_neighbours_are(imports: str, made: str) -> None:
    code = "{0}\n\nx = {1}.Dense(8{2})(y)\nx = {1}.BatchNormalization()(x)\n"
    before = code.format(imports, made, ", activation='relu'")
    after = code.format(imports, made, "") + f"x = {made}.Activation('relu')(x)\n"
    check("mixed-placement", before, after, BEFORE)


@pytest.mark.parametrize(
    "imports",
    [
        "from keras.layers import BatchNormalization, Dense\n\nclass Activation:\n    pass\n\n",
        "from mylayers import BatchNormalization, Dense\n",
        "from keras.layers import BatchNormalization as BN\nfrom keras.layers import Dense\nActivation = print\n",
    ],
)
def test_a_name_that_is_something_else_is_not_imported(imports: str) -> None:
    name = "BN" if " as BN" in imports else "BatchNormalization"
    code = f'{imports}\nx = Dense(8, activation="relu")(y)\nx = {name}()(x)\n'
    assert mended(code, "mixed-placement", BEFORE) == code


def test_a_name_that_only_the_fix_left_unused_is_no_longer_imported() -> None:
    code = "from keras.layers import {}\n{}\nx = LSTM(8, return_sequences=True)(y)\nx = {}()(x)\n"
    rule = "batchnorm-on-sequence"
    before = code.format("BatchNormalization, Flatten, LSTM", "", "BatchNormalization")
    check(rule, before, code.format("Flatten, LayerNormalization, LSTM", "", "LayerNormalization"))
    exported = '__all__ = ["BatchNormalization"]\n'
    before = code.format("BatchNormalization, LSTM", exported, "BatchNormalization")
    check(rule, before, code.format("BatchNormalization, LayerNormalization, LSTM", exported, "LayerNormalization"))
    alone = "from keras.layers import LayerNormalization, LSTM\nfrom keras.layers import BatchNormalization{}\n"
    use = "\nx = LSTM(8, return_sequences=True)(y)\nx = {}()(x)\n"
    first = alone.split("from keras.layers import BatchNormalization", maxsplit=1)[0]
    check(rule, alone.format("") + use.format("BatchNormalization"), first + use.format("LayerNormalization"))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("momentum=0.1", "momentum=0.9"),
        ("-1, 0.1", "-1, 0.9"),
        ("axis=-1,\n    momentum=.003,  # of PyTorch\n    epsilon=1e-5,\n", None),
        ("momentum=(0.1)", "momentum=0.9"),
        ("momentum = 0.1 ,", "momentum = 0.9 ,"),
        ("momentum=0.05 * 2", "momentum=1 - (0.05 * 2)"),
        ("momentum=settings['m']", "momentum=1 - settings['m']"),
    ],
)
def test_an_argument_is_set(before: str, after: str | None) -> None:
    after = before.replace(".003", "0.997") if after is None else after
    code = "from keras.layers import BatchNormalization\nsettings = {{'m': 0.1}}\nx = BatchNormalization({})(y)\n"
    check("pytorch-momentum", code.format(before), code.format(after))


def test_a_constant_is_set_where_all_its_uses_are_such_arguments() -> None:
    code = """\
    from keras.layers import BatchNormalization
    {}
    x = BatchNormalization(momentum=MOMENTUM)(y)
    x = BatchNormalization(momentum=MOMENTUM)(x + 1){}
    """
    rule = "pytorch-momentum"
    check(rule, code.format("MOMENTUM = 0.1", ""), code.format("MOMENTUM = 0.9", ""))
    other = "\n    print(MOMENTUM)"
    after = code.format("MOMENTUM = 0.1", other).replace("momentum=M", "momentum=1 - M")
    check(rule, code.format("MOMENTUM = 0.1", other), after)


def test_a_default_is_nobody_s_to_change() -> None:
    code = (
        "from keras.layers import BatchNormalization\n\ndef norm(m=0.1):\n    return BatchNormalization(momentum=m)\n"
    )
    unfixed("pytorch-momentum", code)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("axis=1", ""),
        ("1", ""),
        ("axis=1, momentum=0.9", "momentum=0.9"),
        ("momentum=0.9, axis=1", "momentum=0.9"),
        ("\n        axis=1,\n        momentum=0.9,  # kept\n    ", "\n        momentum=0.9,  # kept\n    "),
        ("momentum=0.9,  # kept\n    axis=1,  # gone\n    ", "momentum=0.9,  # kept\n    "),
    ],
)
def test_an_argument_is_removed(before: str, after: str) -> None:
    code = """from keras import Input, layers
x = layers.Conv2D(8, 3)(Input((28, 28, 3)))
x = layers.BatchNormalization({})(x)
"""
    check("axis-mismatch", code.format(before), code.format(after))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "axis=1"),
        ("-1", "1"),
        ("axis=-1", "axis=1"),
        ("momentum=0.9", "momentum=0.9, axis=1"),
        ("\n    momentum=0.9,\n", "\n    momentum=0.9,\n    axis=1,\n"),
        ("\n    momentum=0.9\n", "\n    momentum=0.9,\n    axis=1\n"),
        ("\n    momentum=0.9  # slow\n", "\n    momentum=0.9,  # slow\n    axis=1\n"),
        ("\n    momentum=0.9)", "\n    momentum=0.9,\n    axis=1)"),
    ],
)
def test_an_argument_is_added(before: str, after: str) -> None:
    end = "" if before.endswith(")") else ")"
    code = """from keras import Input, layers
options = dict(epsilon=1e-5)
x = layers.Conv2D(8, 3, data_format="channels_first")(Input((3, 28, 28)))
x = layers.BatchNormalization({}{}(x)
"""
    check("axis-mismatch", code.format(before, end), code.format(after, end))


def test_an_argument_that_may_be_hidden_is_not_added() -> None:
    code = """from keras import Input, layers
options = dict(axis=-1)
x = layers.Conv2D(8, 3, data_format="channels_first")(Input((3, 28, 28)))
x = layers.BatchNormalization(**options)(x)
"""
    unfixed("axis-mismatch", code, why="may be in **")


def test_another_layer_is_made_with_the_arguments_both_have() -> None:
    code = """\
    from keras import layers

    x = layers.LSTM(8, return_sequences=True)(y)
    x = layers.{}(x{})
    """
    before = code.format('BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"n{1}")', ", training=True")
    check("batchnorm-on-sequence", before, code.format('LayerNormalization(epsilon=1e-5, name=f"n{1}")', ""))
    unfixed("batchnorm-on-sequence", code.format("BatchNormalization(**{'name': 'n'})", ""), why="not all written here")


def test_a_wrapper_is_taken_off() -> None:
    code = "from keras.layers import {}BatchNormalization\n\nx = {}(y)\n"
    rule = "time-distributed-batchnorm"
    check(
        rule,
        code.format("TimeDistributed, ", "TimeDistributed(BatchNormalization(epsilon=1e-5), name='n' + str(1))"),
        code.format("", "BatchNormalization(epsilon=1e-5, name='n' + str(1))"),
    )
    check(
        rule,
        code.format("TimeDistributed, ", "TimeDistributed(layer=BatchNormalization())"),
        code.format("", "BatchNormalization()"),
    )
    unfixed(rule, code.format("TimeDistributed, ", "TimeDistributed(BatchNormalization(axis=1))"))
    unfixed(rule, code.format("TimeDistributed, ", "TimeDistributed(BatchNormalization(), dtype='float32')"))


@pytest.mark.parametrize(
    ("element", "after"),
    [
        ("norm", "layers.BatchNormalization()"),
        ("lambda x: layers.BatchNormalization()(x)", "layers.BatchNormalization()"),
        ("layers.BatchNormalization()(hidden)", "layers.BatchNormalization()"),
        (
            "layers.ReLU()(layers.BatchNormalization()(hidden))",
            "layers.BatchNormalization(),  # here\n    layers.ReLU(),",
        ),
        ("layers.ReLU", "layers.ReLU()"),
        ("block", "layers.Dense(8),  # here\n    layers.BatchNormalization(),\n    layers.ReLU(),"),
    ],
)
def test_layers_are_written_in_the_place_of_what_is_none(element: str, after: str) -> None:
    code = """\
    from keras import Input, Sequential, layers

    hidden = Input((8,))


    def norm(tensor):
        '''Only one.'''
        return layers.BatchNormalization()(tensor)


    def block(x):
        y = layers.Dense(8)(x)
        y = layers.BatchNormalization()(y)
        return layers.ReLU()(y)


    model = Sequential([
        Input((8,)),
        {},  # here
    ])
    """
    code = textwrap.dedent(code)
    new = code.format(after)
    check(
        "function-in-sequential",
        code.format(element),
        new if "# here\n  " not in after else new.replace(",,  # here", ","),
    )


def test_layers_are_added_in_the_place_of_a_function() -> None:
    code = """\
    from keras import Input, Sequential
    from keras.layers import BatchNormalization, ReLU

    def act(x): return ReLU()(BatchNormalization()(x))

    model = Sequential()
    if True:
        model.add(Input((8,)))
        model.add({})
        model.add({})  # both{}
    """
    after = code.format("BatchNormalization()", "BatchNormalization()", "\n        model.add(ReLU())")
    check("function-in-sequential", code.format("BatchNormalization", "act", ""), after)


@pytest.mark.parametrize(
    "function",
    [
        "def norm(x, axis=-1):\n    return layers.BatchNormalization(axis=axis)(x)",
        "def norm(x):\n    return x + layers.BatchNormalization()(x)",
        "def norm(x):\n    print(x)\n    return layers.BatchNormalization()(x)",
        "def norm(x):\n    y = layers.Dense(8)(x)\n    return layers.BatchNormalization()(x)",
        "def norm(x):\n    size = 8\n    return layers.Dense(size)(x)",
        "@cached\ndef norm(x):\n    return layers.BatchNormalization()(x)",
        "def norm(x):\n    return tf.nn.relu(layers.BatchNormalization()(x))",
        "norm = layers.Dense",
        "norm = functools.partial(layers.BatchNormalization, 1)",
    ],
)
def test_functions_that_do_more_than_chain_layers_stay(function: str) -> None:
    code = f"import functools\nimport tensorflow as tf\nfrom keras import Sequential, layers\n\n{function}\n\n"
    code += "model = Sequential([norm, layers.BatchNormalization()])\n"
    assert mended(code, "function-in-sequential") == code


def test_layers_of_a_call_are_made_in_the_constructor() -> None:
    code = """\
    import keras
    from keras import layers


    class Net(keras.Model):
        {}def call(self, x, training=None):
            x = {}(x, training=training)  # first
            return {}(x + 1)
    """
    init = "def __init__(self):\n            super().__init__()\n            self.out = layers.Dense(1)\n{}\n        "
    made = "layers.BatchNormalization(axis=-1)"
    both = f"            self.norm_1 = {made}\n            self.norm_2 = {made}\n"
    before = code.format(init.format(""), made, made)
    after = code.format(init.format(both), "self.norm_1", "self.norm_2")
    check("batchnorm-in-call", before, after)
    bare = "def __init__(self, **kwargs):\n            super().__init__(**kwargs)\n            "
    bare += f"self.norm = {made}\n\n        "
    one = code.replace("return {}(x + 1)", "return x")
    check("batchnorm-in-call", one.format("", made), one.format(bare, "self.norm"))


@pytest.mark.parametrize(
    "line",
    [
        "return layers.BatchNormalization(axis=axis)(x)",
        "return layers.BatchNormalization(name=self.norm)(x)",
        "for _ in range(2):\n            x = layers.BatchNormalization()(x)\n        return x",
        "return (lambda y: layers.BatchNormalization()(y))(x)",
    ],
)
def test_layers_that_the_call_decides_on_stay_in_it(line: str) -> None:
    code = f"""
import keras
from keras import layers


class Net(keras.Model):
    def __init__(self):
        super().__init__()

    def call(self, x, axis=-1):
        {line}
"""
    assert mended(code, "batchnorm-in-call") == code


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "x = Dense(4)(inputs)\nBatchNormalization()(x)\nx = ReLU()(x)",
            "x = Dense(4)(inputs)\nx = BatchNormalization()(x)\nx = ReLU()(x)",
        ),
        (
            "x = Dense(4)(inputs)\nBatchNormalization() # ?\nx = ReLU()(x)",
            "x = Dense(4)(inputs)\nx = BatchNormalization()(x) # ?\nx = ReLU()(x)",
        ),
        (
            "x = Dense(4)(inputs)\nnorm = BatchNormalization()\nnorm(x)\nx = ReLU()(x)",
            "x = Dense(4)(inputs)\nnorm = BatchNormalization()\nx = norm(x)\nx = ReLU()(x)",
        ),
    ],
)
def test_a_discarded_layer_takes_part(before: str, after: str) -> None:
    functional("discarded-batchnorm", before, after)


@pytest.mark.parametrize(
    "code",
    [
        "x = Dense(4)(inputs)\nBatchNormalization()\ny = ReLU()(x)\nx = y",
        "x = Dense(4)(inputs)\nBatchNormalization()(x + 1)\nx = ReLU()(x)",
        "x = Dense(4)(inputs); BatchNormalization()(x); x = ReLU()(x)",
    ],
)
def test_where_a_discarded_layer_belongs_must_be_plain(code: str) -> None:
    code = textwrap.dedent(FUNCTIONAL).format(code)
    assert mended(code, "discarded-batchnorm") == code


PLACED = """\
import keras
from keras import layers

inputs = keras.Input((28, 28, 1))
{}
model = keras.Model(inputs, x)
"""


@pytest.mark.parametrize(
    ("before", "after", "config"),
    [
        (
            "x = layers.Conv2D(8, 3)(inputs)\nx = layers.ReLU()(x)\nx = layers.MaxPooling2D()(x)\n"
            "x = layers.BatchNormalization()(x)",
            "x = layers.Conv2D(8, 3)(inputs)\nx = layers.MaxPooling2D()(x)\nx = layers.BatchNormalization()(x)\n"
            "x = layers.ReLU()(x)",
            BEFORE,
        ),
        (
            "x = layers.Conv2D(8, 3)(inputs)\nx = layers.BatchNormalization()(x)\nx = layers.Dropout(0.1)(x)\n"
            "x = layers.ReLU()(x)",
            "x = layers.Conv2D(8, 3)(inputs)\nx = layers.ReLU()(x)\nx = layers.BatchNormalization()(x)\n"
            "x = layers.Dropout(0.1)(x)",
            AFTER,
        ),
        (
            "x = layers.BatchNormalization()(keras.activations.relu(layers.Dense(4)(inputs)))",
            "x = keras.activations.relu(layers.BatchNormalization()(layers.Dense(4)(inputs)))",
            BEFORE,
        ),
        (
            "c = layers.Conv2D(8, 3)(inputs)\nn = layers.BatchNormalization()(c)\nx = layers.ReLU()(n)",
            "c = layers.Conv2D(8, 3)(inputs)\nx = layers.ReLU()(c)\nx = layers.BatchNormalization()(x)",
            AFTER,
        ),
    ],
)
def test_activations_change_sides(before: str, after: str, config: Any) -> None:
    check("mixed-placement", PLACED.format(before), PLACED.format(after), config)


def test_all_that_deviate_are_fixed_together() -> None:
    block = "x = layers.Conv2D(8, 3)(x)\nx = layers.BatchNormalization()(x)\nx = layers.ReLU()(x)\n"
    other = "x = layers.Conv2D(8, 3)(x)\nx = layers.ReLU()(x)\nx = layers.BatchNormalization()(x)\n"
    before, after = ("x = inputs\n" + 3 * block + last * 2 for last in (other, block))
    check("mixed-placement", PLACED.format(before), PLACED.format(after))


def test_a_branch_on_the_way_keeps_activations_where_they_are() -> None:
    code = "y = layers.ReLU()(layers.Dense(4)(inputs))\nx = layers.BatchNormalization()(y)\nx = layers.Add()([x, y])"
    unfixed("mixed-placement", PLACED.format(code), BEFORE)


def test_the_remainder_is_dropped() -> None:
    code = """\
    import numpy as np
    import tensorflow as tf
    from tensorflow import keras
    from tensorflow.keras import layers

    data = tf.data.Dataset.from_tensor_slices((np.zeros((1025, 8)), np.zeros((1025, 1)))).shuffle(9).{}.prefetch(2)
    model = keras.Sequential([keras.Input((8,)), layers.Dense(4), layers.BatchNormalization(), layers.Dense(1)])
    model.compile("adam", "mse")
    model.fit(data, epochs=9)
    """
    rule = "last-batch-of-one"
    check(rule, code.format("batch(64)"), code.format("batch(64, drop_remainder=True)"))
    check(rule, code.format("batch(64, False)"), code.format("batch(64, True)"))
    assert not list(check_source(textwrap.dedent(code.format("batch(64, drop_remainder=flag)")), select=[rule]))


@pytest.mark.parametrize("newline", ["\r\n", "\r", "\n"])
@pytest.mark.parametrize("indent", ["\t", "  "])
@pytest.mark.parametrize("end", ["", "\n"])
def test_line_ends_and_indents_stay(newline: str, indent: str, end: str) -> None:
    one, two = f"{indent}x = layers.Dropout(0.5)(x)", f"{indent}x = layers.BatchNormalization()(x)"
    first, second = f"{indent}layers.Dropout(0.5),", f"{indent}layers.BatchNormalization(),"
    head = ["from keras import Sequential, layers", "", "def f(x):"]
    middle = [f"{indent}return x", "", "m = Sequential(["]
    before, after = (
        newline.join([*head, *lines, *middle, *elements, "])"]) + (newline if end else "")
        for lines, elements in (((one, two), (first, second)), ((two, one), (second, first)))
    )
    check("dropout-before-batchnorm", before, after)


def test_the_last_line_needs_no_line_end() -> None:
    code = "from keras import layers\nx = layers.Dropout(0.5)(y)\nx = layers.BatchNormalization()(x)"
    after = "from keras import layers\nx = layers.BatchNormalization()(y)\nx = layers.Dropout(0.5)(x)"
    check("dropout-before-batchnorm", code, after)


@pytest.mark.parametrize(
    ("head", "encoding"),
    [
        ("", "utf-8"),
        ("", "utf-8-sig"),
        ("# -*- coding: latin-1 -*-\n", "latin-1"),
        ("# größe\n", "utf-8"),
    ],
)
def test_encodings_stay(tmp_path: Path, head: str, encoding: str) -> None:
    import subprocess
    import sys

    text = (
        head + "from keras.layers import BatchNormalization\nx = BatchNormalization(momentum=0.1, name='größe')(y)\r\n"
    )
    path = tmp_path / "code.py"
    path.write_bytes(text.encode(encoding))
    command = [sys.executable, "-m", "bnlint", "--select", "pytorch-momentum", "--unsafe-fixes", "--fix", str(path)]
    subprocess.run(command, check=False, capture_output=True)
    assert path.read_bytes() == text.replace("0.1", "0.9").encode(encoding)


TEXTS = st.text(st.sampled_from("ab(\n\r\t #é𝕏")) | st.text()


@given(TEXTS, TEXTS)
@settings(max_examples=400, deadline=None)
def test_differences_make_one_text_the_other(old: str, new: str) -> None:
    spans = differences(old, new)
    assert applied(old, spans) == new
    assert all(span.start <= span.end <= len(old) for span in spans)
    assert all(one.end <= other.start for one, other in pairwise(spans))
    assert all(
        text[cut - 1 : cut + 1] != "\r\n" for span in spans for text, cut in ((old, span.start), (old, span.end))
    )


@given(TEXTS, st.data())
@settings(max_examples=200, deadline=None)
def test_differences_are_no_longer_than_what_changed(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    new = text[:start] + data.draw(TEXTS) + text[end:]
    changed = sum(span.end - span.start for span in differences(text, new))
    assert changed <= len(text)


@given(TEXTS)
def test_offsets_and_positions_agree(text: str) -> None:
    lines = Lines(text)
    for offset in range(len(text) + 1):
        assert lines.offset(*lines.position(offset)) == offset


CELL = "x = 1\ny = 'é'\n\nz = [x,\n     y]"


def notebook(source: Any, nbformat: int = 4, **cell: Any) -> dict[str, Any]:
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": ["# \\u00e9", "x = 1"]},
        {"cell_type": "code", "metadata": {"tags": []}, "outputs": [{"text": "x = 1\n"}], **cell},
        {"cell_type": "code", "metadata": {}, "source": "x = 1", "input": "x = 1", "outputs": []},
    ]
    cells[1]["input" if nbformat == 3 else "source"] = source
    if nbformat == 3:
        return {"nbformat": 3, "worksheets": [{"cells": cells}], "metadata": {"name": "n"}}
    return {"nbformat": 4, "cells": cells, "metadata": {}}


def inside(book: dict[str, Any], nbformat: int) -> dict[str, Any]:
    cells = book["worksheets"][0]["cells"] if nbformat == 3 else book["cells"]
    cell: dict[str, Any] = cells[1]
    return cell


@pytest.mark.parametrize("nbformat", [3, 4])
@pytest.mark.parametrize("as_list", [True, False])
@pytest.mark.parametrize("indent", [None, 1, 2, 4])
@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize(
    ("edits", "result"),
    [
        ([((1, 5), (1, 6), "2")], "x = 2\ny = 'é'\n\nz = [x,\n     y]"),
        ([((2, 1), (3, 1), "")], "x = 1\n\nz = [x,\n     y]"),
        ([((1, 1), (2, 1), "")], "y = 'é'\n\nz = [x,\n     y]"),
        ([((2, 1), (2, 1), "w = 'ü'\n")], "x = 1\nw = 'ü'\ny = 'é'\n\nz = [x,\n     y]"),
        ([((1, 1), (1, 1), "w\n")], "w\nx = 1\ny = 'é'\n\nz = [x,\n     y]"),
        ([((5, 8), (5, 8), "\nv = 3")], CELL + "\nv = 3"),
        ([((4, 1), (5, 8), "z = [x, y]")], "x = 1\ny = 'é'\n\nz = [x, y]"),
        ([((1, 1), (5, 8), "")], ""),
        ([((1, 5), (1, 6), "7"), ((5, 6), (5, 7), "x")], "x = 7\ny = 'é'\n\nz = [x,\n     x]"),
    ],
)
def test_only_the_touched_lines_of_a_notebook_change(
    nbformat: int, as_list: bool, indent: int | None, ascii_only: bool, newline: str, edits: Any, result: str
) -> None:
    source = CELL.splitlines(keepends=True) if as_list else CELL
    book = notebook(source, nbformat)
    text = json.dumps(book, indent=indent, ensure_ascii=ascii_only).replace("\n", newline) + newline
    data = text.encode()
    new = spliced("a.ipynb", data, [Edit("a.ipynb", 1, start, end, added) for start, end, added in edits])
    after = json.loads(new)
    assert "".join(inside(after, nbformat)["input" if nbformat == 3 else "source"]) == result
    inside(after, nbformat)["input" if nbformat == 3 else "source"] = source
    assert after == book
    around = (
        json.dumps(notebook("@@@", nbformat), indent=indent, ensure_ascii=ascii_only).replace("\n", newline) + newline
    )
    head, tail = around.split('"@@@"')
    assert new.decode().startswith(head) and new.decode().endswith(tail)
    for line in CELL.splitlines(keepends=True)[1:-1] if as_list else ():
        assert line not in result or json.dumps(line, ensure_ascii=ascii_only) in new.decode()
    assert newline == "\n" or b"\n" not in new.replace(b"\r\n", b"")


def test_a_string_that_an_encoding_cannot_hold_is_refused() -> None:
    data = b"# coding: ascii\nx = 1\n"
    with pytest.raises(Refused, match="ascii"):
        spliced("a.py", data, [Edit("a.py", None, (2, 5), (2, 6), "'é'")])
