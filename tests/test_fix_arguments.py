"""Fixes of names, arguments and layers: what is imported, set, removed, made anew."""

from __future__ import annotations

import textwrap
from typing import Any

import pytest
from fixing import AFTER, BEFORE, FUNCTIONAL, check, functional, mended, unfixed

from bnlint import check_source


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
