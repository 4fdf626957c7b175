"""An entry of a library: its modules, and the environment they ask, are followed exactly."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from bnlint.doors.source import evaluate, evaluate_entry
from bnlint.graph import Model, Program

BACKEND = """
import os

is_tensorflow, is_other = False, False
if "tensorflow" in os.getenv("NETS_BACKEND", "TensorFlow").lower():
    is_tensorflow = True
else:
    is_other = True

try:
    import tensorflow as tf
except ModuleNotFoundError:
    is_tensorflow, is_other = False, True

if is_tensorflow:
    from tensorflow.keras import layers, models
    from nets import functions
elif is_other:
    from nets.other import layers, models, functions


def image_data_format():
    return tf.keras.backend.image_data_format() if is_tensorflow else "channels_first"


def uses_tensorflow():
    return tf.keras.backend.backend() == "tensorflow"
"""
LIBRARY = {
    "nets/__init__.py": "from nets import backend\nfrom nets import registry\nfrom nets import net\n",
    "nets/backend.py": BACKEND,
    "nets/functions.py": "from tensorflow.math import *\nfrom tensorflow.nn import *\nfrom tensorflow import split\n",
    "nets/registry.py": """
import nets as package


def register(builder):
    if not hasattr(package.registry, builder.__name__):
        setattr(package.registry, builder.__name__, builder)
    return builder


def only_elsewhere(builder):
    if package.backend.is_other:
        def wrapper(*args, **kwargs):
            return None
        return wrapper
    return builder
""",
    "nets/blocks.py": """
from nets import backend
from nets.backend import layers, functions

PADDINGS = {"torch": {"padding": "valid", "pad": 1}, "tf": {"padding": "same"}}


def conv(x, filters, kernel=3, mode="tf", name=None, **kwargs):
    axis = -1 if backend.image_data_format() == "channels_last" else 1
    params = PADDINGS.get(mode, {}).copy()
    pad = params.pop("pad", 0)
    if pad:
        x = layers.ZeroPadding2D(pad, name=name and name + "pad")(x)
    x = layers.Conv2D(filters, kernel, use_bias=not backend.is_tensorflow, name=name and name + "conv", **params)(x)
    return layers.BatchNormalization(axis=axis, epsilon=kwargs.get("epsilon", 1e-5), name=name and name + "bn")(x)


def squeeze(x, ratio=0.25, name=None):
    channels = x.shape[-1]
    y = functions.reduce_mean(x, [1, 2], keepdims=True)
    y = layers.Conv2D(int(channels * ratio), 1, activation="relu", name=name + "down")(y)
    y = layers.Conv2D(channels, 1, name=name + "up")(y)
    return layers.Multiply()([x, functions.sigmoid(y)])


def halves(x, name=None):
    first, second = functions.split(x, 2, axis=-1) if hasattr(functions, "split") else (x, x)
    return layers.Add(name=name)([first, second])
""",
    "nets/net.py": """
from nets import blocks
from nets.backend import layers, models, uses_tensorflow
from nets.registry import register, only_elsewhere


def smallest_last(shape):
    place, size = min(enumerate(shape), key=lambda pair: pair[1])
    return [one for axis, one in enumerate(shape) if axis != place] + [size]


def Net(depths, width=8, input_shape=(3, 32, 32), attn=None, attns=None, dropout=0, model_name="net", kwargs=None):
    inputs = x = layers.Input(smallest_last(input_shape))
    for index, depth in enumerate(depths):
        for block in range(depth):
            name = f"stack{index}_{block}_"
            mode = attns[index] if isinstance(attns, (list, tuple)) else "tf"
            x = blocks.conv(x, width * 2**index, mode=mode, name=name)
            block = None if attn is None else getattr(blocks, attn, None)
            x = x if block is None else block(x, name=name)
            x = layers.Activation("relu")(x)
    if any([dropout > 0, not uses_tensorflow()]):
        x = layers.Dropout(dropout)(x)
    return models.Model(inputs, layers.Dense(10)(layers.GlobalAveragePooling2D()(x)), name=model_name)


@register
@only_elsewhere
def Small(input_shape=(3, 32, 32), attn=None, **kwargs):
    depths = [1, 2]
    attns = ["torch", "tf"]
    return Net(**locals(), model_name=kwargs.pop("model_name", "small"), **kwargs)
""",
}


def library(folder: Path, changes: dict[str, str] | None = None) -> Path:
    for name, text in {**LIBRARY, **(changes or {})}.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(textwrap.dedent(text))
    return folder / "nets" / "net.py"


def entry(folder: Path, expression: str, changes: dict[str, str] | None = None) -> Program:
    file = library(folder, changes)
    program = evaluate_entry(file.read_text(), str(file), expression, target="2", file=file)
    assert program.faults == []
    return program


def kinds(model: Model) -> list[str]:
    assert not any(call.optional for call in model.nodes)
    return [call.layer.kind for call in model.nodes]


BLOCK = ["Conv2D", "BatchNormalization"]


def test_an_entry_goes_through_flags_registers_and_modules_that_choose(tmp_path: Path) -> None:
    model = entry(tmp_path, "Small()").models[-1]
    blocks = ["ZeroPadding2D", *BLOCK, "Activation", *BLOCK, "Activation", *BLOCK, "Activation"]
    assert kinds(model) == [*blocks, "GlobalAveragePooling2D", "Dense"]
    assert model.arg("name").value == "small"
    assert model.inputs[0].shape == (None, 32, 32, 3)
    conv = model.nodes[1].layer
    assert [conv.arg(name).value for name in ("filters", "use_bias", "padding")] == [8, False, "valid"]
    bn = model.nodes[2].layer
    assert [bn.arg(name).value for name in ("axis", "epsilon", "name")] == [-1, 1e-5, "stack0_0_bn"]


@pytest.mark.parametrize(
    ("attn", "more"),
    [
        ("squeeze", ["Mean", "Conv2D", "Conv2D", "Sigmoid", "Multiply"]),
        ("halves", ["Split", "Add"]),
        ("nothing", []),
    ],
)
def test_what_a_module_has_is_found_by_name(attn: str, more: list[str], tmp_path: Path) -> None:
    model = entry(tmp_path, f"Small(attn={attn!r}, dropout=0.5)").models[-1]
    first = ["ZeroPadding2D", *BLOCK, *("ReduceMean" if kind == "Mean" else kind for kind in more), "Activation"]
    assert kinds(model)[: len(first)] == first and "Dropout" in kinds(model)
    relu = model.nodes[len(first) - 1]
    if attn == "halves":
        assert [tensor.shape for tensor in model.nodes[3].outputs] == [(None, 32, 32, 4)] * 2
        assert relu.inputs[0].shape == (None, 32, 32, 4)
    if attn == "squeeze":
        assert [call.layer.arg("filters").value for call in model.nodes[4:6]] == [2, 8]


def test_the_program_sets_its_environment(tmp_path: Path) -> None:
    other = {
        "nets/__init__.py": "import os\nos.environ['NETS_BACKEND'] = 'other'\n" + LIBRARY["nets/__init__.py"],
        "nets/other/__init__.py": "from keras import layers, models\n",
    }
    backend = {
        "nets/backend.py": BACKEND.replace("import os\n", "import os\nimport nets as set_first\nset_first.net\n", 1)
    }
    model = entry(tmp_path, "Net([1])", {**other, **backend}).models[-1]
    assert model.nodes[1].layer.arg("axis").value == 1


def test_without_an_entry_a_variable_of_the_environment_is_a_default() -> None:
    code = """
import os
from tensorflow.keras import Sequential, layers
momentum = float(os.environ.get("MOMENTUM", "0.5"))
model = Sequential([layers.Dense(4, activation=os.getenv("ACT")), layers.BatchNormalization(momentum=momentum)])
if os.environ.get("MODE", "Train").lower() == "train":
    model.add(layers.Dropout(0.5))
"""
    (model,) = evaluate(code, "program.py").models
    given = model.nodes[1].layer.arg("momentum")
    assert (given.value, given.certain) == (0.5, False)
    assert not model.nodes[0].layer.arg("activation").known
    assert [call.optional for call in model.nodes] == [False, False, True]


def test_an_import_that_may_fail_is_followed_both_ways(tmp_path: Path) -> None:
    changes = {
        "nets/backend.py": BACKEND.replace("import tensorflow as tf\n", "import tensorflow as tf, extras\n"),
        "nets/other/__init__.py": "from nets.backend import tf\nlayers, models = tf.keras.layers, tf.keras.models\n",
    }
    program = entry(tmp_path, "Net([1])", changes)
    bn = next(call.layer for call in program.calls if call.layer.kind == "BatchNormalization")
    assert not bn.arg("axis").known


RESIZED = """
import tensorflow as tf
from tensorflow.keras import Input, Model, layers
fine = Input((16, 12, 4))
coarse = layers.MaxPooling2D()(fine)
size = tf.shape(fine)[1:-1]
wide = tf.image.resize(coarse, size)
flat = tf.reshape(wide, [-1, tf.shape(wide)[1] * tf.shape(wide)[2], 4])
model = Model(fine, [wide, flat])
"""


def test_what_is_resized_by_a_shape_follows_from_its_tensor() -> None:
    resized, reshaped = evaluate_entry(RESIZED, "program.py", "model", target="2").models[-1].outputs
    assert (resized.shape, reshaped.shape) == ((None, 16, 12, 4), (None, 192, 4))
    call = resized.call
    assert call is not None and [given.call and given.call.layer.kind for given in call.inputs] == [
        "MaxPooling2D",
        "GetItem",
    ]
    (sizes,) = [given.call for given in call.inputs[1].call.inputs] if call.inputs[1].call else [None]
    assert sizes is not None and sizes.layer.kind == "Shape" and sizes.inputs[0].input is not None
    in_keras_3 = evaluate_entry(RESIZED, "program.py", "model", target="3").models[-1].outputs[0].call
    assert in_keras_3 is not None and len(in_keras_3.inputs) == 1


def test_a_schedule_of_rates_is_cut_into_stages(tmp_path: Path) -> None:
    code = """
import numpy as np
import tensorflow as tf
from tensorflow.keras import Input, Model, layers
depths = [2, 1]
rates = [part.tolist() for part in np.split(np.linspace(0, 0.5, sum(depths)), np.cumsum(depths)[:-1])]
others = [part.numpy().tolist() for part in tf.split(2 * tf.linspace(0.0, 0.25, sum(depths)), depths)]
x = inputs = Input((8,))
for stage in (*rates, *others):
    for rate in stage if isinstance(stage, (list, tuple)) else [stage]:
        x = layers.Dropout(rate)(x) if rate > 0 else x
model = Model(inputs, x)
"""
    model = evaluate_entry(code, "program.py", "model", target="2").models[-1]
    assert [call.layer.arg("rate").value for call in model.nodes] == [0.25, 0.5, 0.25, 0.5]
    assert not any(call.optional for call in model.nodes)
