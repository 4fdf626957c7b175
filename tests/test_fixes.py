"""Fixes that move layers and leave calls out, in each style of writing."""

from __future__ import annotations

import textwrap

import pytest
from fixing import FUNCTIONAL, check, functional, mended, unfixed

from bnlint import check_source
from bnlint.fixes.edit.slots import aligned

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
