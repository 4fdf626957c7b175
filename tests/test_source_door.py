"""The source door: what it makes of programs, without running them."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import libcst as cst
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from libcst.metadata import MetadataWrapper, PositionProvider

from bnlint.doors.source import evaluate
from bnlint.doors.source.draft import Draft
from bnlint.doors.source.module import Module
from bnlint.graph import Call, Model, Program, Unknown, batchnorms, holds_batchnorm, is_frozen, nearest
from bnlint.inputs.gate import Refused, check_text, read

HEAD = """
import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers as L
from tensorflow.keras.models import Model, Sequential
"""


def program(code: str) -> Program:
    text = HEAD + textwrap.dedent(code)
    check_text(text)
    return evaluate(text, "program.py")


def kinds(model: Model) -> list[str]:
    return [call.layer.kind for call in model.nodes]


def in_front(call: Call) -> set[str]:
    return {found.layer.kind for tensor in call.inputs for found, _ in nearest(tensor, lambda call: False)}


def test_a_functional_model_through_helpers_and_loops() -> None:
    model = program(
        """
        def block(x, filters, bn=True, *, act="relu"):
            x = L.Conv2D(filters, 3, padding="same", use_bias=not bn)(x)
            if bn:
                x = L.BatchNormalization()(x)
            return L.Activation(act)(x)

        inputs = x = keras.Input((28, 28, 1))
        for i, filters in enumerate([16 * 2**n for n in range(2)]):
            x = block(x, filters, act="elu" if i else "relu")
            x = L.MaxPooling2D()(x)
        x = block(x, 8, bn=False)
        model = Model(inputs, L.Dense(10)(L.Flatten()(x)))
        """
    ).models[0]
    body = ["Conv2D", "BatchNormalization", "Activation", "MaxPooling2D"]
    assert kinds(model) == [*body, *body, "Conv2D", "Activation", "Flatten", "Dense"]
    convolutions = [call for call in model.nodes if call.layer.kind == "Conv2D"]
    assert [call.layer.arg("use_bias").value for call in convolutions] == [False, False, True]
    assert [call.layer.arg("filters").value for call in convolutions] == [16, 32, 8]
    assert convolutions[-1].output.shape == (None, 7, 7, 8)
    assert [call.layer.arg("activation").value for call in model.nodes if call.layer.kind == "Activation"] == [
        "relu",
        "elu",
        "relu",
    ]


SAME_MODEL = {
    "a list": "m = Sequential([L.Dense(4, input_shape=(8,)), L.BatchNormalization(), L.ReLU()])",
    "add": "m = Sequential()\nm.add(L.Dense(4, input_shape=(8,)))\nm.add(L.BatchNormalization())\nm.add(L.ReLU())",
    "add in a loop": "m = Sequential()\nfor l in (L.Dense(4, input_shape=(8,)), L.BatchNormalization(), L.ReLU()):\n    m.add(l)",
    "a comprehension": "m = Sequential([c() for c in (lambda: L.Dense(4, input_shape=(8,)), L.BatchNormalization, L.ReLU)])",
    "concatenated lists": "m = Sequential([L.Dense(4, input_shape=(8,))] + [L.BatchNormalization()] * 1 + [*[L.ReLU()]])",
    "functional": "i = keras.Input((8,))\nm = Model(i, L.ReLU()(L.BatchNormalization()(L.Dense(4)(i))))",
    "a partial": "import functools\nd = functools.partial(L.Dense, 4)\nm = Sequential([d(input_shape=(8,)), L.BatchNormalization(), L.ReLU()])",
    "keywords in a dict": "kw = dict(units=4)\nm = Sequential([L.Dense(**kw, input_shape=(8,)), L.BatchNormalization(), L.ReLU()])",
    "a function": "def build(n):\n    m = Sequential()\n    m.add(L.Dense(n, input_shape=(8,)))\n    m.add(L.BatchNormalization())\n    m.add(L.ReLU())\n    return m\nm = build(4)",
    "a function nobody calls": "def build(n=4):\n    return Sequential([L.Dense(n, input_shape=(8,)), L.BatchNormalization(), L.ReLU()])",
    "a method": "class Net:\n    def __init__(self):\n        self.model = self.build()\n    def build(self):\n        return Sequential([L.Dense(4, input_shape=(8,)), L.BatchNormalization(), L.ReLU()])",
    "a subclass": "class Net(Model):\n    def __init__(self):\n        super().__init__()\n        self.all = [L.Dense(4), L.BatchNormalization(), L.ReLU()]\n    def call(self, x, training=None):\n        for layer in self.all:\n            x = layer(x)\n        return x",
    "layers in a dict": "parts = {'a': L.Dense(4), 'b': L.BatchNormalization(), 'c': L.ReLU()}\ni = x = keras.Input((8,))\nfor name in parts:\n    x = parts[name](x)\nm = Model(i, x)",
    "other names": "from keras.layers import Dense as D, BatchNormalization as BN\nimport keras.layers as KL\nm = Sequential([D(4, input_shape=(8,)), BN(), KL.ReLU()])",
    "a known condition": "FLAG = True\nm = Sequential([L.Dense(4, input_shape=(8,))])\nm.add(L.BatchNormalization() if FLAG else L.LayerNormalization())\nif FLAG:\n    m.add(L.ReLU())\nelse:\n    m.add(L.ELU())",
    "an own layer": "class Block(L.Layer):\n    def __init__(self, n):\n        super().__init__()\n        self.d = L.Dense(n)\n        self.b = L.BatchNormalization()\n    def call(self, x, training=None):\n        return self.b(self.d(x), training=training)\ni = keras.Input((8,))\nm = Model(i, L.ReLU()(Block(4)(i)))",
    "eval of a name": "from keras.layers import ReLU\ndef build(act, kind='BatchNormalization'):\n    return Sequential([L.Dense(eval('4'), input_shape=eval('(8,)')), eval('L.' + kind)(), eval(act)()])\nm = build('ReLU')",
    "names in globals": "BN = L.BatchNormalization\nm = Sequential([globals()['L'].Dense(4, input_shape=(8,)), globals().get('BN')(), globals().get('Nothing', L.ReLU)()])\nfrom keras.layers import *\nmore = globals()['Dense'](4)",
    "names in locals": "def build():\n    D, BN, R = L.Dense, L.BatchNormalization, L.ReLU\n    return Sequential([locals()['D'](4, input_shape=(8,)), vars()['BN'](), {**locals()}['R']()])\nm = build()",
    "names in a module": "m = Sequential([vars(L)['Dense'](4, input_shape=(8,)), L.__dict__['BatchNormalization'](), getattr(L, 'Re' + 'LU')()])",
    "names set in globals": "for name in ('Dense', 'BatchNormalization', 'ReLU'):\n    globals()[name] = getattr(L, name)\nm = Sequential([Dense(4, input_shape=(8,)), BatchNormalization(), ReLU()])",
    "functions composed": "from functools import reduce, partial\ndef compose(*fs):\n    return reduce(lambda f, g: lambda *a, **k: g(f(*a, **k)), fs)\nnothing = [lambda x: x for _ in range(6)]\ni = keras.Input((8,))\nm = Model(i, compose(partial(L.Dense, 4)(), L.BatchNormalization(), L.ReLU(), *nothing)(i))",
    "configurations": "c = L.Dense(4, input_shape=(8,)).get_config()\nm = Sequential([L.Dense.from_config(c), L.deserialize({'class_name': 'BatchNormalization', 'config': {}}), type(L.ReLU()).from_config({})])",
    "a class that is built from its configuration": "class Net(Model):\n    def __init__(self, units=1, **kwargs):\n        i = keras.Input((8,))\n        super().__init__(inputs=i, outputs=L.ReLU()(L.BatchNormalization()(L.Dense(units)(i))), **kwargs)\nm = Net.from_config({'units': 4, 'name': 'net'})",
    "a class that makes something else": "class Net:\n    def __new__(cls, units):\n        return Sequential([L.Dense(units, input_shape=(8,)), L.BatchNormalization(), L.ReLU()])\nm = Net(4)",
    "an enumeration": "import enum\nclass Kind(enum.Enum):\n    DENSE = 'd'\n    NORM = 'n'\ndef make(kind):\n    if kind == Kind.DENSE:\n        return L.Dense(4, input_shape=(8,))\n    return L.BatchNormalization() if kind is Kind('n') else L.LayerNormalization()\nm = Sequential([make(Kind['DENSE']), make(Kind.NORM), L.ReLU()])",
    "named tuples": "from collections import namedtuple\nArgs = namedtuple('Args', ['kind', 'given'])\nArgs.__new__.__defaults__ = ({},)\nall = [Args('Dense', dict(units=3)), Args('BatchNormalization'), Args(kind='ReLU')]\nall[0] = all[0]._replace(given=dict(units=4, input_shape=(8,)))\nm = Sequential([getattr(L, a.kind)(**a.given) for a in all])",
    "blocks written as texts": "import re\nm = Sequential()\nfor text in ('Dense_u4', 'BatchNormalization', 'ReLU'):\n    name, *rest = text.split('_')\n    given = {}\n    for one in rest:\n        key, value = re.split(r'(\\d.*)', one)[:2]\n        given['units' if key == 'u' else key] = int(value)\n    m.add(vars(L)[name](**given))",
    "an object of layers": "class Steps:\n    def __init__(self, *steps):\n        self.steps = steps\n    def __iter__(self):\n        return iter(self.steps)\n    def __call__(self, x):\n        for step in self:\n            x = step(x)\n        return x\ni = keras.Input((8,))\nm = Model(i, Steps(Steps(L.Dense(4)), L.BatchNormalization(), L.ReLU())(i))",
    "a while loop": "m = Sequential()\nrest = [L.ReLU(), L.BatchNormalization(), L.Dense(4, input_shape=(8,))]\nwhile len(rest) > 0:\n    m.add(rest.pop())",
}


@pytest.mark.parametrize("style", SAME_MODEL)
def test_the_same_model_in_many_styles(style: str) -> None:
    model = program(SAME_MODEL[style]).models[0]
    (call,) = batchnorms(model)
    assert in_front(call) == {"Dense"}
    assert [user.layer.kind for user in call.output.users if user.layer.kind != "Layer"] == ["ReLU"]
    (dense,) = [call for call in model.nodes if call.layer.kind == "Dense"]
    assert dense.layer.arg("units").value == 4


def test_both_sides_of_an_unknown_branch_are_alternatives() -> None:
    model = program(
        """
        def build(bn, drop):
            m = Sequential([L.Dense(4, input_shape=(8,))])
            if bn:
                m.add(L.BatchNormalization())
            else:
                m.add(L.LayerNormalization())
            if drop:
                m.add(L.Dropout(0.5))
            m.add(L.ReLU())
            return m
        """
    ).models[0]
    assert kinds(model) == ["Dense", "BatchNormalization", "LayerNormalization", "Dropout", "ReLU"]
    relu = model.nodes[-1]
    assert in_front(relu) == {"BatchNormalization", "LayerNormalization", "Dropout"}
    assert [call.optional for call in model.nodes] == [False, True, True, True, False]


def test_correlated_conditions_are_decided_together() -> None:
    model = program(
        """
        def build(bn):
            i = x = keras.Input((8,))
            if bn:
                x = L.BatchNormalization()(x)
            x = L.Dense(4, use_bias=not bn)(x)
            if not bn:
                x = L.Dropout(0.5)(x)
            if bn:
                x = L.ReLU()(x)
            return Model(i, x)
        """
    ).models[0]
    relu = next(call for call in model.nodes if call.layer.kind == "ReLU")
    assert in_front(relu) == {"Dense"}, "under bn the dropout is not there"


def test_twenty_unknown_branches_stay_linear() -> None:
    lines = "\n".join(f"    if c{i}:\n        x = L.Dense({i})(x)" for i in range(20))
    made = program(
        f"def build(x, {', '.join(f'c{i}' for i in range(20))}):\n{lines}\n    return L.BatchNormalization()(x)\n"
    )
    assert sum(call.layer.kind == "Dense" for call in made.calls) == 20
    assert not made.notes


def test_events_and_their_batches() -> None:
    made = program(
        """
        (x, y), _ = keras.datasets.mnist.load_data()
        BATCH = 4
        m = Sequential([L.Flatten(), L.BatchNormalization(), L.Dense(10)])
        m.compile("adam", "mse")
        m.fit(x, y, batch_size=BATCH * 2, epochs=3)
        m.fit(tf.data.Dataset.from_tensor_slices((x, y)).shuffle(10).batch(BATCH).prefetch(1))
        m.fit(x[:6], y[:6])
        m.train_on_batch(x[:5], y[:5])
        m.evaluate(x, y, batch_size=1)
        """
    )
    fits = [event for event in made.events if event.batch is not None]
    assert [event.batch.size.value for event in fits if event.batch] == [8, 4, 32, 5]
    assert [event.batch.samples for event in fits if event.batch] == [60_000, 60_000, 6, 5]
    assert [event.kind for event in made.events] == ["compile", "fit", "fit", "fit", "train_on_batch", "evaluate"]
    assert (
        fits[0].batch and fits[0].batch.size.origin and fits[0].batch.size.origin.place().line == HEAD.count("\n") + 6
    )


def test_a_training_step_under_a_tape() -> None:
    made = program(
        """
        model = Sequential([L.Dense(4), L.BatchNormalization()])
        optimizer = keras.optimizers.Adam()

        @tf.function
        def train_step(x, y):
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean((model(x, training=True) - y) ** 2)
            gradients = tape.gradient(loss, model.trainable_variables)
            optimizer.apply_gradients(zip(gradients, model.trainable_variables))

        def test_step(x):
            return model(x)
        """
    )
    tape, direct = [[e for e in made.events if e.kind == kind] for kind in ("tape", "call")]
    assert len(tape) == 1 and tape[0].call and tape[0].call.training.value is True
    assert [(e.context.purpose, e.context.because) for e in direct] == [
        ("training", "in train_step"),
        ("inference", "in test_step"),
    ]


def test_defaults_of_functions_nobody_calls_are_not_certain() -> None:
    made = program(
        """
        def build(rate=0.5):
            return Sequential([L.Dropout(rate), L.BatchNormalization()])
        """
    )
    rate = next(layer for layer in made.layers if layer.kind == "Dropout").arg("rate")
    assert (rate.value, rate.certain) == (0.5, False)


def test_arguments_from_the_command_line_are_defaults() -> None:
    made = program(
        """
        import argparse
        parser = argparse.ArgumentParser()
        parser.add_argument("--batch-size", type=int, default=8)
        args = parser.parse_args()
        m = Sequential([L.BatchNormalization()])
        m.compile()
        m.fit(x, y, batch_size=args.batch_size)
        """
    )
    batch = made.events[-1].batch
    assert batch and (batch.size.value, batch.size.certain) == (8, False)


def test_what_holds_batch_normalization() -> None:
    made = program(
        """
        a = keras.applications.ResNet50(weights=None)
        b = keras.applications.VGG16(weights=None)
        c = keras.models.load_model("x")
        d = Sequential([L.Dense(1), Sequential([L.BatchNormalization()])])
        """
    )
    assert [holds_batchnorm(model) for model in made.models if model.cls != "Sequential"] == [True, False, None]
    assert holds_batchnorm(made.models[-1]) is True


def test_freezing() -> None:
    made = program(
        """
        base = keras.applications.ResNet50()
        base.trainable = False
        bn = L.BatchNormalization(trainable=False)
        other = L.BatchNormalization()
        for layer in keras.applications.MobileNet().layers[:-10]:
            layer.trainable = False
        """
    )
    by_kind = {layer.kind: layer for layer in made.layers}
    assert is_frozen(by_kind["ResNet50"]) is True
    assert by_kind["MobileNet"].writes[0].only == "some"
    assert [is_frozen(layer) for layer in made.layers if layer.kind == "BatchNormalization"] == [True, False]


def test_snippets_and_names_that_are_not_keras() -> None:
    text = "m = Sequential([Dense(4), BatchNormalization()])\n"
    assert kinds(evaluate(text, "snippet.py").models[0]) == ["Dense", "BatchNormalization"]
    foreign = evaluate("from mylib import BatchNormalization\nx = BatchNormalization()(y)\n", "foreign.py")
    assert not foreign.calls


def test_nothing_of_the_linted_code_runs(tmp_path: object) -> None:
    made = program(
        f"""
        marker = {str(tmp_path)!r} + "/ran"
        open(marker, "w").close()
        class Meta(type):
            def __init_subclass__(cls): open(marker, "w").close()
        def decorate(f): open(marker, "w").close(); return f
        @decorate
        def f(x=open(marker, "w")): return L.BatchNormalization()(x)
        __import__("os").system("touch " + marker)
        exec("open(marker, 'w')")
        """
    )
    assert made.calls and not list(tmp_path.iterdir())  # type: ignore[attr-defined]


def test_running_out_of_fuel_is_said_and_drops_no_layer() -> None:
    loops = "for i in range(60):\n  for j in range(60):\n    for k in range(60):\n      n = i * j + k\n"
    made = program("x = L.BatchNormalization()(keras.Input((4,)))\n" + loops + "y = L.Dense(4)(x)\n")
    assert made.notes and "not followed to the end" in made.notes[0]
    assert not any(call.dropped for call in made.calls)


BOMBS = [
    "s = 'a'\nfor i in range(60):\n    s = s + s",
    "s = 'a'\nfor i in range(60):\n    s += s",
    "s = ['a']\nfor i in range(50):\n    s = s + s",
    "s = ['a']\nfor i in range(50):\n    s += s",
    "s = ['a']\nfor i in range(50):\n    s.extend(s)",
    "s = ('a',)\nfor i in range(50):\n    s = s + s",
    "s = 'aa'\nfor i in range(50):\n    s = s.replace('a', s)",
    "s = 'a'\nfor i in range(50):\n    s = ','.join([s, s, s])",
    "s = '%1000000000000d' % 1",
    "s = '{:>1000000000000}'.format(1)",
    "s = 9\nfor i in range(50):\n    s = s ** s",
    "s = 'a' * 10**12",
    "s = 10**12 * 'a'",
    "s = [0] * 10**12",
    "s = 'a'\nfor i in range(60):\n    s = f'{s}{s}'",
    "s = [list(range(10**9)), sum(range(10**9))]",
]


@pytest.mark.parametrize("bomb", BOMBS)
def test_memory_bombs_do_not_go_off(bomb: str) -> None:
    code = f"import resource\nresource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))\nfrom bnlint.doors.source import evaluate\nevaluate({bomb!r}, 'p.py')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr[-300:]


NUMBERS = st.integers(-20, 20).map(str)


def _combined(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    two = st.tuples(inner, inner)
    return st.one_of(
        st.tuples(st.sampled_from(["+", "-", "*", "//", "%", "<", "==", "and", "or"]), two).map(
            lambda t: f"({t[1][0]} {t[0]} {t[1][1]})"
        ),
        st.tuples(inner, inner, inner).map(lambda t: f"({t[0]} if {t[1]} else {t[2]})"),
        inner.map(lambda e: f"(lambda a, b=2: a + b)({e})"),
        inner.map(lambda e: f"sum([i * {e} for i in range(3) if i != 1])"),
        two.map(lambda t: f"[{t[0]}, {t[1]}][-1]"),
        two.map(lambda t: f"{{'k': {t[0]}, **{{'j': {t[1]}}}}}['j']"),
        two.map(lambda t: f"max({t[0]}, {t[1]})"),
        two.map(lambda t: f"len([{t[0]}] * 2 + [{t[1]}])"),
        inner.map(lambda e: f"int(str(abs({e})))"),
        two.map(lambda t: f"min([{t[0]}, {t[1]}], key=lambda v: -v)"),
        two.map(lambda t: f"sorted([{t[0]}, {t[1]}, 1], key=lambda v: v * v, reverse={t[0]} > 0)[1]"),
        two.map(lambda t: f"int(all([{t[0]}, {t[1]}])) + any([{t[0]}, {t[1]}])"),
        two.map(lambda t: f"eval('{{}}'.format({t[0]}))"),
        inner.map(lambda e: f"(not {e})"),
    )


@settings(max_examples=300)
@given(st.recursive(NUMBERS, _combined, max_leaves=12))
def test_expressions_evaluate_as_python_does(expression: str) -> None:
    try:
        expected = eval(expression)
    except ArithmeticError:
        return
    made = program(f"layer = L.Dense({expression})")
    value = made.layers[0].arg("units").value
    assert isinstance(value, Unknown) or (value == expected and type(value) is type(expected))
    assert not isinstance(value, Unknown) or abs(expected) >= 10**15


@settings(max_examples=300)
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        text, _ = read(data)
    except Refused as refused:
        assert "\n" not in refused.message
    else:
        assert isinstance(text, str)


LINES = st.sampled_from(
    [
        "x = f(a, b=1, *c, **d)",
        "class A(B):\n    def call(self, x, *, training=None):  # a comment\n        return self.bn(\n            x,\n            training=training,\n        )",
        "y = 'ä' + g('日本', [h(1), (2)])",
        "for i in range(3):\n\tz = k(i)[0](1)",
        "@dec(1)\nasync def f(a: int = m(2)) -> None:\n    await g(a)",
        "v = f'{n(1)!r:>{w}} {{}}' 'b'",
        "if a and (b or not c): q = r if s else t(u)",
        "w = x[1:2, ..., f()] = lambda a, /, b=k(): b(a)",
        "\n\n# only a comment",
        "a = b; c(d); e.f.g(h)(i)",
    ]
)


@settings(max_examples=100)
@given(st.lists(LINES, min_size=1, max_size=6), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_positions_are_those_of_libcst(lines: list[str], newline: str, final: bool) -> None:
    text = newline.join("\n".join(lines).split("\n")) + (newline if final else "")
    module = Module("m.py", text, Draft(text))
    expected = MetadataWrapper(module.draft.tree(), unsafe_skip_copy=True).resolve(PositionProvider)
    nodes = (cst.Call, cst.Arg, cst.FunctionDef, cst.Lambda, cst.Name, cst.ClassDef, cst.Attribute)
    for node, place in expected.items():
        if isinstance(node, nodes):
            found = module.place(node)
            assert (found.line, found.column, found.end_line, found.end_column) == (
                place.start.line, place.start.column + 1, place.end.line, place.end.column + 1,
            )  # fmt: skip


def test_a_flag_of_a_library_may_be_off_and_a_function_of_keras_is_not() -> None:
    code = """
from absl import flags
from tensorflow import keras

inputs = keras.Input((4,))
x = keras.layers.Dense(4)(inputs) if flags.FLAGS.wide else inputs
y = keras.layers.Flatten()(inputs) if keras.activations.relu else keras.layers.Softmax()(inputs)
"""
    assert [(call.layer.kind, call.optional) for call in program(code).calls] == [("Dense", True), ("Flatten", False)]


@pytest.mark.parametrize(("call", "loaded"), [("zoo.load_pretrained_weights(model)", True), ("zoo.show(model)", False)])
def test_who_loads_weights_by_its_name_is_believed(call: str, loaded: bool) -> None:
    code = f"import zoo\nfrom keras import Sequential, layers\nmodel = Sequential([layers.Dense(4)])\n{call}\n"
    (model,) = program(code).models
    assert model.pretrained is loaded
