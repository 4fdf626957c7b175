"""Fixes of flags, of `trainable` and of misplaced arguments: what they write, and what Keras then does."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from bnlint.api import check_source, fix_source
from bnlint.findings import Certificate
from bnlint.rulebook.card import unmarked
from bnlint.rulebook.folders import open_book
from bnlint.run.examples import CardExample, trials
from bnlint.run.fixing import Fixer
from bnlint.run.plan import Request

SCRIPT = Path(__file__).with_name("live_mode_fixes.py")
BOOK = open_book()

IN_MODES = {
    "call-without-training": {2: ("AutoEncoder(32)", ""), 3: ("build()", "")},
    "untrained-batchnorm": {
        1: ("model", "train_step(data(28, 28, 1), np.zeros(8))"),
        3: ("(gan := GAN()).generator", "gan.generator_step(data(8))"),
    },
    "missing-training-false": {
        1: ("model", "validation_step(data(784), np.zeros(8))"),
        2: ("model", "predict_classes(data(8))"),
        3: ("generator", "generate_images(8)"),
    },
    "training-true-at-inference": {2: ("model", "test_step(data(28, 28, 1), np.zeros(8))")},
    "training-flag-ignored": {},
    "unfrozen-batchnorm": {},
}
"""By rule and by the number of the example on its card: the model to look at, and what runs the line in question."""

RAISING = ("misplaced-argument", "removed-api", "invalid-hyperparameter")

Program = tuple[str, str, str]


def fixable(rule: str, target: str) -> dict[str, tuple[CardExample, Certificate, Program]]:
    """The examples of a card that are fixed under a Keras: each with its certificate, and how to run it."""
    bad = [trial for trial in trials([BOOK[rule]]) if trial.example.kind == "bad"]
    found = {}
    for number, trial in enumerate(bad, start=1):
        if trial.example.target not in ("auto", target):
            continue
        code = unmarked(trial.example.code)
        report = check_source(code, select=[rule], target=target, fixes=True)
        fixes = [finding.fix for finding in report if finding.fix is not None]
        if fixes:
            model, use = IN_MODES.get(rule, {}).get(number, ("model" if rule in IN_MODES else "", ""))
            found[f"{rule} {number}"] = (trial, fixes[0].certificate, (code, model, use))
    return found


def cases(target: str) -> dict[str, tuple[CardExample, Certificate, Program]]:
    """All of them."""
    return {name: case for rule in (*IN_MODES, *RAISING) for name, case in fixable(rule, target).items()}


@cache
def run(library: str) -> subprocess.CompletedProcess[str]:
    """Run the programs before and after on a Keras in a process of its own."""
    programs: dict[str, Program] = {}
    for name, (trial, _, (code, model, use)) in cases(TARGETS[library]).items():
        programs |= {f"{name} before": (code, model, use), f"{name} after": (trial.fixed[0], model, use)}
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    environment["TF_USE_LEGACY_KERAS"] = "1" if library == "tf_keras" else "0"
    environment["KERAS_BACKEND"] = "tensorflow"
    environment["TF_ENABLE_ONEDNN_OPTS"] = "0"  # It corrupts the heap of TensorFlow 2.21 in one of the programs.
    command, given = [sys.executable, str(SCRIPT), library], json.dumps(programs)
    return subprocess.run(
        command, env=environment, input=given, capture_output=True, text=True, timeout=900, check=False
    )


def measured(library: str, name: str) -> tuple[dict[str, object], dict[str, object]]:
    """What a program does before and after."""
    if any(importlib.util.find_spec(package) is None for package in TARGETS):
        pytest.skip("needs keras and tf_keras")
    done = run(library)
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, dict[str, object]] = json.loads(done.stdout.splitlines()[-1])
    return found[f"{name} before"], found[f"{name} after"]


TARGETS = {"keras": "3", "tf_keras": "2"}
NAMES = [(library, name) for library, target in TARGETS.items() for name in cases(target)]


@pytest.mark.slow
@pytest.mark.parametrize(("library", "name"), NAMES)
def test_keras_does_what_the_certificate_says(library: str, name: str) -> None:
    _, certificate, (_, _, use) = cases(TARGETS[library])[name]
    before, after = measured(library, name)
    assert after["raised"] == ""
    if not certificate.modes:
        assert before["raised"] and f" {before['raised']}" in certificate.claim
        return
    assert before["raised"] == ""
    for phase, *said in certificate.modes:
        key = {"train step": "fit"}.get(phase, phase)
        if use and phase in ("call", "tape") and (phase in certificate.claim or "tape" not in certificate.claim):
            key = "use"
        for state, mode in zip((before, after), said, strict=True):
            assert state[key] is mode.startswith("training"), (phase, mode, state)
            if "learn" in mode:
                assert state["learns"] is ("without" not in mode)


NET = """import keras
import tensorflow as tf
from keras import layers


class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.norm = layers.BatchNormalization()
        self.drop = layers.Dropout(0.5)
        self.mixed = [layers.Dense(3), layers.BatchNormalization()]
        self.out = layers.Dense(1)

    def call{call}


model = Net()
model.compile("adam", "mse")
model.fit(x_train, y_train)
"""
BODY = "\n        return self.out(self.norm(x))"
TOLD = BODY.replace("(x)", "(x, training=training)")
LOOP = "\n        for layer in self.mixed:\n            x = layer(x)\n        return self.out(x)"
HARD = BODY.replace("(x)", "(x, training=True)")


def mended(text: str, rule: str) -> str:
    """The text with the fixes of one rule."""
    return fix_source(text, select=[rule], unsafe=True)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f"(self, x, mask=None):{BODY}", f"(self, x, mask=None, training=None):{TOLD}"),
        (f"(self, x, *, scale):{BODY}", f"(self, x, *, scale, training=None):{TOLD}"),
        (f"(self, x, /):{BODY}", f"(self, x, /, training=None):{TOLD}"),
        (f"(self, x, **kwargs):{BODY}", f"(self, x, training=None, **kwargs):{TOLD}"),
        (
            f"(self, x: tf.Tensor) -> tf.Tensor:{BODY}",
            f"(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:{TOLD}",
        ),
        (
            f"(\n        self,\n        x,  # images\n    ):{BODY}",
            f"(\n        self,\n        x,  # images\n        training=None,\n    ):{TOLD}",
        ),
        (
            "(self, *args):\n        return self.out(self.norm(args[0]))",
            "(self, *args, training=None):\n        return self.out(self.norm(args[0], training=training))",
        ),
        # The parameter is there under another name, which nobody passes it by.
        (
            f"(self, x, is_training=True):\n        x = x if is_training else x * 2{BODY}",
            f"(self, x, training=None):\n        x = x if training else x * 2{TOLD}",
        ),
        # Layers that are not all to be told hear it all the same.
        (
            f"(self, x):{LOOP}",
            f"(self, x, training=None):{LOOP}",
        ),
        (
            f"(self, x):\n        return self.first(x)\n\n    def first(self, x):{BODY}",
            f"(self, x, training=None):\n        return self.first(x)\n\n    def first(self, x):{BODY}",
        ),
        (
            "(self, x):\n        x = self.norm(\n            x,\n        )\n        return self.out(self.drop(x))",
            "(self, x, training=None):\n        x = self.norm(\n            x,\n"
            "            training=training,\n        )\n        return self.out(self.drop(x, training=training))",
        ),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_call_gets_the_parameter(before: str, after: str, end: str) -> None:
    old, new = (NET.replace("{call}", call).replace("\n", end) for call in (before, after))
    assert mended(old, "call-without-training") == new


@pytest.mark.parametrize(
    "text",
    [
        NET.replace("{call}", f"(self, x, is_training=False):{BODY}") + "model(x_test, is_training=True)\n",
        NET.replace("    def call{call}", f"    @tf.function(input_signature=SPEC)\n    def call(self, x):{BODY}"),
    ],
)
def test_call_is_left_where_others_say_what_it_takes(text: str) -> None:
    assert mended(text, "call-without-training") == text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f"(self, x):{HARD}", f"(self, x, training=None):{TOLD}"),
        (f"(self, x, training=None):{HARD}  # always", f"(self, x, training=None):{TOLD}  # always"),
    ],
)
def test_a_hard_wired_flag_is_handed_on_instead(before: str, after: str) -> None:
    assert mended(NET.replace("{call}", before), "training-true-at-inference") == NET.replace("{call}", after)


def test_a_method_without_the_flag_has_none_to_hand_on() -> None:
    helper = "(self, x, training=None):\n        return self.first(x)\n\n    def first(self, x):"
    text = NET.replace("{call}", helper + HARD)
    report = check_source(text, select=["training-true-at-inference"], fixes=True)
    assert [finding.fix for finding in report] == [None]
    assert any("first has no flag to hand on" in note for note in report.notes)


GRAPH = """import keras
from keras import layers

model = keras.Sequential([keras.Input((8,)), layers.BatchNormalization(), layers.Dense(1)])


"""


@pytest.mark.parametrize(
    ("rule", "before", "after"),
    [
        ("training-true-at-inference", "def predict(x):\n    return model(x, True)", "model(x, False)"),
        (
            "training-true-at-inference",
            "def predict(x):\n    return model(x, training=True).numpy()",
            "training=False)",
        ),
        (
            "missing-training-false",
            "def predict(x):\n    return [model(row) for row in x]",
            "model(row, training=False)",
        ),
        (
            "missing-training-false",
            "def predict(m, x):\n    return m(x)\n\n\npredict(model, x)",
            "m(x, training=False)",
        ),
    ],
)
def test_inference_code_says_so(rule: str, before: str, after: str) -> None:
    new = mended(f"{GRAPH}{before}\n", rule)
    assert after in new and len(new.splitlines()) == len(f"{GRAPH}{before}".splitlines())


def test_a_line_that_a_call_gets_to_is_left() -> None:
    """A False there would also reach the layers that are called after it, in Keras 3."""
    text = NET.replace(
        "{call}", "(self, x, training=None):\n        return self.predict_one(x)\n\n    def predict_one(self, x):"
    )
    text = text.replace(
        "self.norm = layers.BatchNormalization()", "self.net = keras.Sequential([layers.BatchNormalization()])"
    )
    text = text.replace("\n\n\nmodel = ", "\n        return self.net(x)\n\n\nmodel = ") + "model.predict_one(x_test)\n"
    report = check_source(text, select=["missing-training-false"], fixes=True)
    assert [(str(finding.severity), finding.fix) for finding in report] == [("warning", None)]


def test_all_calls_of_a_step_are_told() -> None:
    step = """import tensorflow as tf

optimizer = keras.optimizers.Adam()


def train_step(x, y):
    with tf.GradientTape() as tape:
        loss = distance(model(x), model(y, False))
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables))
"""
    new = mended(GRAPH + step, "untrained-batchnorm")
    assert new == GRAPH + step.replace("model(x)", "model(x, training=True)").replace("y, False", "y, True")


BASE = """import keras
from keras import layers

base = keras.applications.ResNet50(include_top=False, pooling="avg")
base.trainable = False
model = keras.Sequential([keras.Input((224, 224, 3)), base, layers.Dense(2)])
model.compile("adam", "mse")
model.fit(x, y)
"""
TUNED = 'model.compile("adam", "mse")\nmodel.fit(x, y)'


@pytest.mark.parametrize(
    ("thawed", "name"),
    [
        ("base.trainable = True\n", "layer"),
        ("model.trainable = True\n", "layer"),
        ("for l in base.layers: l.trainable = True\n", "l"),
        ("for l in base.layers:\n    l.trainable = True\n", "l"),
        ("base.trainable = True\nfor l in base.layers[:-30]:\n    l.trainable = False\n", "l"),
        ("layer = 3\nbase.trainable = True\n", "each"),
    ],
)
@pytest.mark.parametrize("indent", ["    ", "\t"])
def test_batch_normalization_is_frozen_behind(thawed: str, name: str, indent: str) -> None:
    loop = f"for {name} in base.layers:\n    if isinstance({name}, layers.BatchNormalization):\n"
    loop += f"        {name}.trainable = False\n"
    old, new = (f"{BASE}{text}{TUNED}" for text in (thawed, thawed + loop))
    shape = "def f():\n    pass\n\n\n"  # So that LibCST sees the file's indentation.
    old, new = ((shape + text).replace("    ", indent) for text in (old, new))
    assert mended(old, "unfrozen-batchnorm") == new


@pytest.mark.parametrize(
    "text",
    [
        'model = keras.Sequential([keras.applications.ResNet50(pooling="avg"), layers.Dense(2)])',
        'def make():\n    base = keras.applications.ResNet50(pooling="avg")\n    base.trainable = False\n'
        "    return keras.Sequential([base, layers.Dense(2)])\n\n\nmodel = make()\nmodel.trainable = True",
    ],
)
def test_a_network_without_a_name_is_not_frozen(text: str) -> None:
    report = check_source(
        f"import keras\nfrom keras import layers\n\n{text}\n{TUNED}\n", select=["unfrozen-batchnorm"], fixes=True
    )
    assert [finding.fix for finding in report] == [None] and any("not fixed" in note for note in report.notes)
    (finding,) = report
    assert finding.withheld and not finding.fixable and f"= not fixable: {finding.withheld}" in str(report)


def test_in_a_notebook_the_loop_goes_to_the_cell_of_what_it_follows(tmp_path: Path) -> None:
    sources = [BASE.splitlines(keepends=True), ["base.trainable = True"], TUNED.splitlines(keepends=True)]
    cells = [{"cell_type": "code", "metadata": {}, "outputs": [], "source": source} for source in sources]
    book = tmp_path / "n.ipynb"
    text = json.dumps({"cells": cells, "nbformat": 4, "nbformat_minor": 5}, indent=1)
    book.write_text(text, encoding="utf-8")
    plan = Request(config={}, select=["unfrozen-batchnorm"]).plan(fixes=True)
    new = Fixer(plan, unsafe=True)(str(book), text.encode()).new.decode()
    added = ["base.trainable = True\n", "for layer in base.layers:\n"]
    added += ["    if isinstance(layer, layers.BatchNormalization):\n", "        layer.trainable = False"]
    cells[1]["source"] = added
    assert new == json.dumps({"cells": cells, "nbformat": 4, "nbformat_minor": 5}, indent=1)


MADE = "import keras\nfrom keras import layers\n\ninputs = keras.Input((8,))\nx = layers.Dense(16)(inputs)\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("x = layers.BatchNormalization(x, training=True)", "x = layers.BatchNormalization()(x, training=True)"),
        (
            "x = layers.BatchNormalization(x, momentum=0.9, training=True)",
            "x = layers.BatchNormalization(momentum=0.9)(x, training=True)",
        ),
        (
            "x = layers.BatchNormalization(\n    x,\n    momentum=0.9,  # less\n)",
            "x = layers.BatchNormalization(\n    momentum=0.9,  # less\n)(x)",
        ),
        ("x = layers.BatchNormalization(inputs)(x)", "x = layers.BatchNormalization()(x)"),
        ("x = layers.ReLU()(layers.BatchNormalization(x))", "x = layers.ReLU()(layers.BatchNormalization()(x))"),
        ("x = layers.BatchNormalization(1e-5)(x)", "x = layers.BatchNormalization(epsilon=1e-5)(x)"),
        ("x = layers.BatchNormalization()(x, True)", "x = layers.BatchNormalization()(x, training=True)"),
        # What was meant is not plain.
        ("x = layers.BatchNormalization(0.1)(x)", ""),
        ("x = layers.BatchNormalization(64, 1e-5, 0.1)(x)", ""),
        ("x = layers.BatchNormalization(-7)(x)", ""),
    ],
)
def test_misplaced_arguments(before: str, after: str) -> None:
    assert mended(f"{MADE}{before}\n", "misplaced-argument") == f"{MADE}{after or before}\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "from keras.layers.normalization import BatchNormalization as BN",
            "from keras.layers import BatchNormalization as BN",
        ),
        (
            "from keras.layers.normalization import BatchNormalization\nfrom keras.layers import Dense, ReLU",
            "from keras.layers import BatchNormalization, Dense, ReLU",
        ),
        (
            "from keras.layers import Dense\nfrom keras.layers.normalization import BatchNormalization  # moved",
            "from keras.layers import Dense\nfrom keras.layers import BatchNormalization  # moved",
        ),
        (
            "from tensorflow.python.keras.layers.normalization import BatchNormalization",
            "from tensorflow.keras.layers import BatchNormalization",
        ),
        (
            "import tensorflow as tf\nbn = tf.keras.layers.experimental.SyncBatchNormalization(axis=-1)",
            "import tensorflow as tf\nbn = tf.keras.layers.BatchNormalization(axis=-1, synchronized=True)",
        ),
        (
            "import keras\nbn = keras.layers.BatchNormalization(beta_init='zero', fused=None, gamma_init='one')",
            "import keras\nbn = keras.layers.BatchNormalization(beta_initializer='zero', gamma_initializer='one')",
        ),
        ("import keras\nbn = keras.layers.BatchNormalization(virtual_batch_size=8)", ""),
        ("import keras\nbn = keras.layers.BatchNormalization(mode=1)", ""),
        ("from keras.layers import normalization\nbn = normalization.BatchNormalization()", ""),
    ],
)
def test_removed_api(before: str, after: str) -> None:
    end = "" if "bn =" in before else "\nlayers = [Dense, ReLU, BN, BatchNormalization]"
    assert mended(f"{before}{end}\n", "removed-api") == f"{after or before}{end}\n"


def test_code_of_keras_1_is_mended_at_once_or_not_at_all() -> None:
    """It gets one finding a file, which stays as long as there is something left."""
    text = "from keras.layers import BatchNormalization\nfrom keras.layers.core import Dense\n"
    text += "model.fit(x, y, nb_epoch=3)\nBatchNormalization(mode=0)\nBatchNormalization(mode=0, beta_init='one')\n"
    new = text.replace("(mode=0)", "()").replace("mode=0, beta_init", "beta_initializer")
    assert mended(text, "removed-api") == new
    other = text + "BatchNormalization(mode=1)\n"
    assert mended(other, "removed-api") == other


JAX = """import jax
import keras
from keras import layers

model = keras.Sequential([keras.Input((8,)), layers.Dense(4), layers.BatchNormalization(), layers.Dense(1)])


def compute_loss(trainable, others, x, y):
    y_pred, others = model.stateless_call(trainable, others, x)
    return loss(y, y_pred), others


compute_gradients = jax.value_and_grad(compute_loss, has_aux=True)


def predict(state, x):
    return model.stateless_call(*state, x)[0]
"""


def test_a_loss_that_jax_differentiates_is_a_training_step() -> None:
    (finding,) = check_source(JAX, ignore=["redundant-bias"], config={})
    assert (finding.rule, finding.place.line) == ("untrained-batchnorm", 9)
    assert mended(JAX, "untrained-batchnorm") == JAX.replace("others, x)\n", "others, x, training=True)\n", 1)
    assert not check_source(JAX.replace("jax.value_and_grad", "print"), ignore=["redundant-bias"], config={}).findings
