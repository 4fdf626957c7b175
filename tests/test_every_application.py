"""Every rule is asked about networks of keras.applications, in each way that people use one: bnlint may not fail."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import pytest
from kit.applications import CONSTRUCTORS

from bnlint import check_source

WEIGHTS = ("", "weights=None", "weights='imagenet'", "weights=weights", "include_top=False, input_shape=(64, 64, 3)")
USES = {
    "itself": "model = base",
    "frozen": """
base.trainable = False
model = base
""",
    "thawed": """
base.trainable = False
base.trainable = True
model = base
""",
    "frozen in part": """
for layer in base.layers[:-10]:
    layer.trainable = False
model = base
""",
    "frozen but for its batch normalization": """
for layer in base.layers:
    layer.trainable = not isinstance(layer, layers.BatchNormalization)
model = base
""",
    "nested": "model = keras.Model(inputs, layers.Dense(2)(base(inputs)))",
    "nested with a flag": "model = keras.Model(inputs, base(inputs, training=False))",
    "nested twice": """
inner = keras.Sequential([base])
model = keras.Model(inputs, inner(inputs))
""",
    "in a Sequential": "model = keras.Sequential([base, layers.BatchNormalization(), layers.Dense(2)])",
    "added": """
model = keras.Sequential()
model.add(base)
model.add(layers.Dense(2))
""",
    "continued": "model = keras.Model(base.input, layers.Dense(2)(layers.BatchNormalization()(base.output)))",
    "cut": "model = keras.Model(base.input, base.layers[-5].output)",
    "distributed": "model = keras.Sequential([layers.TimeDistributed(base), layers.LSTM(4)])",
    "shared": """
other = keras.Input((64, 64, 3))
model = keras.Model([inputs, other], base(inputs) + base(other))
""",
    "saved and loaded": """
base.save("m.keras")
model = keras.models.load_model("m.keras")
""",
    "loaded and continued": """
base.save("m.h5")
base = keras.models.load_model("m.h5")
base.trainable = True
model = keras.Sequential([base, layers.Dense(2)])
""",
    "cloned": """
model = keras.models.clone_model(base)
model.set_weights(base.get_weights())
""",
    "subclassed": """
class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.base = base
        self.out = layers.Dense(2)

    def call(self, x):
        return self.out(self.base(x))

model = Net()
""",
}
START = """import keras
from keras import layers
inputs = keras.Input((64, 64, 3))
"""
RUN = """
model.compile("sgd", "categorical_crossentropy")
model.fit(x, y, batch_size=8, epochs=2)
model.trainable = False
model.predict(x)
model(x)
model(x, training=True)
"""


FEW = ("ResNet50", "EfficientNetB0", "VGG16")


@pytest.mark.parametrize("names", [FEW, pytest.param(CONSTRUCTORS, marks=pytest.mark.slow)], ids=["a few", "all"])
@pytest.mark.parametrize("target", ["2", "3"])
@pytest.mark.parametrize("use", USES)
def test_no_rule_fails_on_an_application(use: str, target: str, names: Sequence[str]) -> None:
    for name, weights in product(names, WEIGHTS):
        program = f"{START}base = keras.applications.{name}({weights})\n{USES[use]}\n{RUN}"
        report = check_source(program, target=target, select=["ALL"])
        assert not report.failures, f"{report.failures}\n{program}"


@pytest.mark.parametrize("target", ["2", "3"])
def test_the_simplest_fine_tuning_is_advised_on(target: str) -> None:
    for name in CONSTRUCTORS:
        program = f"import keras\nmodel = keras.applications.{name}()\nmodel.compile('sgd', 'mse')\nmodel.fit(x, y)\n"
        found = [(str(f.severity), f.rule, f.place.line) for f in check_source(program, target=target, fixes=True)]
        has_batchnorm = not name.startswith(("VGG", "ConvNeXt"))
        assert found == [("advice", "unfrozen-batchnorm", 2)] * has_batchnorm, name
