"""Certificates: right fixes are proven, wrong ones are caught, and what cannot be tried is said."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from bnlint.doors.source import evaluate
from bnlint.findings import ROUNDING, Certificate
from bnlint.fixes.proof.certificate import certify
from bnlint.graph import Call, Program
from bnlint.reference.modes import Level, Situation
from bnlint.rulebook.change import (
    AddCall,
    AddStatement,
    Change,
    Construct,
    Function,
    Modes,
    MoveCall,
    Raises,
    RemoveArgument,
    RemoveCall,
    Replace,
    SetArgument,
    Snippet,
    Step,
)

HEAD = "from keras import Input, Model, Sequential, layers\n"
LOAD = "weights saved before no longer load"


def sequential(*made: str, shape: str = "(12, 10, 3)", target: str = "auto") -> Program:
    """A Sequential of these layers."""
    inside = ", ".join([f"Input({shape})", *(f"layers.{one}" for one in made)])
    return evaluate(f"{HEAD}model = Sequential([{inside}])\n", "model.py", target=target)


def call(program: Program, kind: str, number: int = 0) -> Call:
    """A call of the program by its layer's kind."""
    return [one for one in program.calls if one.layer.kind == kind][number]


def proven(program: Program, *steps: Step, calls: Iterable[Call] | None = None) -> Certificate:
    """The certificate of steps that are said to change nothing that these calls compute; by default, that any do."""
    found = tuple(program.calls if calls is None else calls)
    return certify(Change("Change it", steps, Function(found)), program)


def without_bias(program: Program, kind: str = "Conv2D") -> Certificate:
    """The certificate of dropping a layer's bias."""
    return proven(program, SetArgument(call(program, kind).layer.origin, "use_bias", False))


BETWEEN = {
    "nothing": [],
    "max": ["MaxPooling2D()"],
    "average": ["AveragePooling2D(3, strides=2, padding='same')"],
    "flatten": ["Flatten()"],
    "nearest": ["UpSampling2D(2)"],
    "bilinear": ["UpSampling2D(2, interpolation='bilinear')"],
    "cropping": ["Cropping2D(1)"],
    "global max": ["GlobalMaxPooling2D()"],
    "global average": ["GlobalAveragePooling2D(keepdims=True)"],
    "noise": ["GaussianNoise(0.5)"],
    "two": ["MaxPooling2D()", "Flatten()"],
}


class TestBias:
    @pytest.mark.parametrize("between", BETWEEN.values(), ids=BETWEEN)
    @pytest.mark.parametrize("target", ["2", "3"])
    def test_batch_normalization_takes_it(self, between: list[str], target: str) -> None:
        found = without_bias(sequential("Conv2D(8, 3)", *between, "BatchNormalization()", target=target))
        assert found.same and found.training is not None and found.inference is not None
        assert max(found.training, found.inference) < ROUNDING
        assert found.weights == "Conv2D's bias dropped, BatchNormalization's moving mean less the bias"
        # One variable fewer: the same function, but not safe.
        assert not found.safe and found.claim == f"the same function in both modes, but {LOAD}"
        assert found.assumed == ""

    @pytest.mark.parametrize(
        "layer",
        [
            "Conv2DTranspose(8, 3, strides=2)",
            "DepthwiseConv2D(3, depth_multiplier=2)",
            "SeparableConv2D(8, 3)",
            "Dense(8)",
            "Conv2D(8, 3, groups=1, dilation_rate=2, data_format='channels_last')",
        ],
    )
    def test_of_any_linear_layer(self, layer: str) -> None:
        program = sequential(layer, "BatchNormalization()")
        assert without_bias(program, program.calls[0].layer.kind).same

    def test_in_a_wrapper(self) -> None:
        program = sequential("TimeDistributed(layers.Dense(8))", "BatchNormalization()", shape="(7, 3)")
        wrapped = program.calls[0].layer.wrapped
        assert wrapped is not None
        found = proven(program, SetArgument(wrapped.origin, "use_bias", False))
        assert found.same and found.weights.startswith("TimeDistributed(Dense)'s bias dropped")

    def test_channels_first(self) -> None:
        first = "data_format='channels_first'"
        made = f"Conv2D(8, 3, {first})", f"MaxPooling2D({first})", "BatchNormalization(axis=1)"
        program = sequential(*made, shape="(3, 12, 10)")
        assert without_bias(program).same

    @pytest.mark.parametrize(
        "between",
        [
            "ReLU()",
            "Activation('tanh')",
            "ZeroPadding2D()",
            "Reshape((20, 8, 4))",
            "LayerNormalization()",
            "Conv2D(4, 3, padding='same')",
        ],
    )
    def test_across_what_does_not_let_it_pass(self, between: str) -> None:
        found = without_bias(sequential("Conv2D(8, 3)", between, "BatchNormalization()"))
        assert (
            not found.same and not found.safe and found.claim.startswith("another function in training and inference")
        )
        assert min(found.training or 0, found.inference or 0) > 0.01

    def test_across_a_dropout_with_the_same_masks(self) -> None:
        found = without_bias(sequential("Conv2D(8, 3)", "Dropout(0.5)", "BatchNormalization()"))
        assert not found.same and found.training is not None and found.training > 0.01 and "dropped:" not in found.claim

    @pytest.mark.parametrize("norm", ["BatchNormalization(axis=1)", "BatchNormalization(renorm=True)"])
    def test_in_front_of_another_axis_or_renorm(self, norm: str) -> None:
        assert not without_bias(sequential("Conv2D(8, 3)", norm)).same

    def test_in_front_of_a_frozen_one_it_learned(self) -> None:
        """A moving mean can make up for the bias, but only the bias can move."""
        found = without_bias(sequential("Conv2D(8, 3)", "BatchNormalization(trainable=False)"))
        assert found.training is not None and found.training < ROUNDING
        assert not found.same and not found.safe and "Conv2D's bias learned" in found.claim

    def test_that_goes_elsewhere_too(self) -> None:
        """The rule may name one way; where the value goes another way, the certificate follows it."""
        text = f"{HEAD}def make(inputs):\n    x = layers.Conv2D(8, 3)(inputs)\n    y = layers.BatchNormalization()(x)\n"
        for more, same in (
            ("layers.BatchNormalization()(layers.MaxPooling2D()(x))", True),
            ("layers.ReLU()(x)", False),
        ):
            program = evaluate(f"{text}    return Model(inputs, [y, {more}])\nmake(Input((9, 9, 3)))\n", "a.py")
            step = SetArgument(program.calls[0].layer.origin, "use_bias", False)
            assert proven(program, step, calls=program.calls[:2]).same is same

    def test_of_a_layer_that_is_called_twice(self) -> None:
        text = f"{HEAD}conv = layers.Conv2D(8, 3)\na = conv(Input((9, 9, 3)))\na = layers.BatchNormalization()(a)\n"
        for norm, same in (("BatchNormalization()", True), ("ReLU()", False)):
            program = evaluate(f"{text}b = layers.{norm}(conv(Input((9, 9, 3))))\n", "a.py")
            step = SetArgument(program.calls[0].layer.origin, "use_bias", False)
            calls = [program.calls[0], call(program, "BatchNormalization")]
            assert proven(program, step, calls=calls).same is same

    def test_in_every_use_of_a_helper(self) -> None:
        text = f"{HEAD}def block(x, act):\n    x = layers.Conv2D(8, 3)(x)\n    x = layers.Activation(act)(x)\n"
        text += "    return layers.BatchNormalization()(x)\nx = block(Input((20, 20, 3)), None)\n"
        for use, same in (("None", True), ("'relu'", False)):
            program = evaluate(f"{text}x = block(x, {use})\n", "a.py")
            step = SetArgument(program.calls[0].layer.origin, "use_bias", False)
            assert proven(program, step, calls=program.calls[:3]).same is same


class TestFunction:
    def test_nothing_changed_is_safe(self) -> None:
        program = sequential("Conv2D(8, 3)", "BatchNormalization()")
        found = proven(program, SetArgument(program.calls[1].layer.origin, "momentum", 0.99))
        assert (
            found.safe
            and found.same
            and list(found.lines())
            == [
                "safe: the same function in both modes",
                "max |Δ| in training 0, in inference 0",
            ]
        )

    def test_an_effect_makes_it_unsafe(self) -> None:
        program = sequential("BatchNormalization()")
        step = SetArgument(program.calls[0].layer.origin, "momentum", 0.99)
        found = certify(Change("", (step,), Function(tuple(program.calls)), effect="It is slower."), program)
        assert found.same and not found.safe and found.effects == ("It is slower.",)

    @pytest.mark.parametrize("name", ["gamma_regularizer", "beta_initializer", "synchronized", "dtype"])
    def test_what_a_trial_does_not_see_is_not_safe(self, name: str) -> None:
        program = sequential("BatchNormalization()")
        found = proven(program, SetArgument(program.calls[0].layer.origin, name, "x"))
        assert not found.safe and f"{name} of BatchNormalization counts" in found.claim

    def test_the_axis(self) -> None:
        program = sequential("Conv2D(8, 3)", "BatchNormalization(axis=1)")
        found = proven(program, SetArgument(call(program, "BatchNormalization").layer.origin, "axis", -1))
        assert not found.same and not found.safe and LOAD in found.claim and "of another shape" in found.weights

    def test_the_same_axis_said_otherwise(self) -> None:
        program = sequential("Conv2D(8, 3)", "BatchNormalization(axis=-1)")
        assert proven(program, Replace(call(program, "BatchNormalization").layer.args["axis"].origin, 3)).safe  # type: ignore[arg-type]

    def test_momentum(self) -> None:
        text = f"{HEAD}model = Sequential([Input((8,)), layers.BatchNormalization(momentum=0.1), layers.Dense(1)])\n"
        text += "model.compile('adam', 'mse')\nimport numpy as np\n"
        text += "model.fit(np.zeros((100, 8)), np.zeros(100), batch_size=50, epochs=1)\n"
        program = evaluate(text, "a.py")
        found = proven(program, SetArgument(program.calls[0].layer.origin, "momentum", 0.9), calls=program.calls[:1])
        assert found.claim == "another function in inference" and not found.safe
        assert found.training is not None and found.training < ROUNDING < (found.inference or 0)
        said = "after the 2 steps of training, 1 % of the initial moving statistics are left before, 81 % after"
        assert found.effects == (said,)

    def test_layer_normalization_in_its_place(self) -> None:
        text = (
            f"{HEAD}model = Sequential([Input((8,)), layers.Dense(8), layers.BatchNormalization(), layers.Dense(1)])\n"
        )
        text += (
            "model.compile('adam', 'mse')\nimport numpy as np\nmodel.fit(np.zeros((9, 8)), np.zeros(9), batch_size=3)\n"
        )
        program = evaluate(text, "a.py")
        step = Construct(call(program, "BatchNormalization").layer.origin, "LayerNormalization")
        found = proven(program, step, calls=program.calls[:2])
        assert not found.same and LOAD in found.claim
        assert "BatchNormalization's moving mean and moving variance dropped" in found.weights
        assert any("3 values, and its variance to within 100 %" in said for said in found.effects)

    def test_a_second_batch_normalization_does_something(self) -> None:
        program = sequential("BatchNormalization()", "BatchNormalization()", "ReLU()")
        found = proven(program, RemoveCall(program.calls[1]), calls=program.calls[:2])
        assert not found.same and not found.safe and found.training is not None and found.inference is not None
        # The first takes over the second's scale and offset, which leaves epsilon's part in training.
        assert ROUNDING < found.training < 0.2 < found.inference
        assert "go to the BatchNormalization in front" in found.weights

    def test_the_bare_layer_of_a_time_distributed_one(self) -> None:
        for target, same in (("2", True), ("3", False)):
            program = sequential("TimeDistributed(layers.BatchNormalization())", shape="(5, 7)", target=target)
            layer = program.calls[0].layer
            assert layer.wrapped is not None
            for step in (Replace(layer.origin, layer.wrapped.origin), Construct(layer.origin, "BatchNormalization")):
                found = proven(program, step)
                assert found.same is same and not found.safe and LOAD in found.claim

    def test_the_bare_layer_on_images_goes_to_another_kernel_in_keras_2(self) -> None:
        """The fused kernel, which takes rank 4 only, stores the unbiased variance: by 1/(6 * 12 * 10 - 1) more."""
        program = sequential("TimeDistributed(layers.BatchNormalization())", target="2")
        found = proven(program, Construct(program.calls[0].layer.origin, "BatchNormalization"))
        assert not found.same and found.training is not None and found.inference is not None
        assert found.training < ROUNDING < found.inference < 0.01

    def test_a_flag(self) -> None:
        program = sequential("Dense(4)", "BatchNormalization()")
        found = proven(program, SetArgument(program.calls[1].origin, "training", True))
        assert found.claim == "another function in inference" and not found.safe

    def test_an_activation_taken_out_of_a_layer_stays_what_it_is(self) -> None:
        program = sequential("Conv2D(8, 3, activation='relu')", "BatchNormalization()")
        conv, norm = program.calls
        steps = (RemoveArgument(conv.layer.origin, "activation"), AddCall(conv, "Activation", positional=("relu",)))
        found = proven(program, *steps)
        assert found.same and found.safe  # A layer more, but none with weights.
        behind = (steps[0], AddCall(norm, "ReLU"))
        assert not proven(program, *behind).same

    def test_an_input_that_joins_is_drawn(self) -> None:
        text = f"{HEAD}a, b = Input((9, 9, 8)), Input((9, 9, 8))\nx = layers.Conv2D(8, 3, padding='same')(a)\n"
        program = evaluate(f"{text}x = layers.BatchNormalization()(layers.Add()([x, b]))\n", "a.py")
        assert without_bias(program).same  # A bias passes a sum with one user.


class TestDropout:
    def test_moved_behind(self) -> None:
        program = sequential("Conv2D(8, 3)", "ReLU()", "Dropout(0.5)", "BatchNormalization()", "ReLU()")
        dropout, norm, relu = program.calls[2:]
        for after in (norm, relu):
            found = proven(program, MoveCall(dropout, after), calls=program.calls[2:])
            assert not found.same and not found.safe and "means and standard deviations are compared" in found.claim
            (said,) = found.effects
            before, later = (float(word) for word in said.replace(",", "").split() if word[0].isdigit())
            assert later == 1 < 1.3 < before < 3 and "enters the batch normalization" in said

    def test_of_a_half_doubles_the_variance(self) -> None:
        """Of numbers around 0: E[x²]/(1 - rate) against E[x²]."""
        program = sequential("Dropout(0.5)", "BatchNormalization()", shape="(12, 10, 8)")
        found = proven(program, MoveCall(*program.calls))
        assert "is 2 times that in inference before, 1 times after" in found.effects[0]

    def test_another_rate(self) -> None:
        program = sequential("Dropout(0.5)", "BatchNormalization()")
        assert not proven(program, SetArgument(program.calls[0].layer.origin, "rate", 0.2)).same


class TestUntried:
    def untried(self, program: Program, *steps: Step, calls: Iterable[Call] | None = None) -> str:
        found = proven(program, *steps, calls=calls)
        assert found.same is False and not found.safe and found.training is None
        return found.claim

    def test_a_layer_that_is_not_known(self) -> None:
        program = sequential("Dense(4)", "Lambda(thing)", "BatchNormalization()")
        step = SetArgument(program.calls[0].layer.origin, "use_bias", False)
        assert self.untried(program, step) == "what Lambda computes could not be tried"

    def test_a_layer_of_the_program_s_own(self) -> None:
        text = f"{HEAD}class Norm(layers.BatchNormalization):\n    def call(self, x):\n        return x\n"
        program = evaluate(f"{text}model = Sequential([Input((8,)), layers.Dense(4), Norm()])\n", "a.py")
        step = SetArgument(program.calls[0].layer.origin, "use_bias", False)
        assert self.untried(program, step) == "what Norm computes could not be tried"

    def test_an_argument_that_is_not_known(self) -> None:
        program = sequential("Conv2D(4, 3, padding=unknown)", "BatchNormalization()")
        step = SetArgument(program.calls[0].layer.origin, "use_bias", False)
        assert "Conv2D with a value of padding that is not known" in self.untried(program, step)

    def test_an_argument_that_no_trial_knows(self) -> None:
        program = sequential("Dense(4)", "BatchNormalization(virtual_batch_size=4)", target="2")
        step = SetArgument(program.calls[0].layer.origin, "use_bias", False)
        assert "BatchNormalization with the argument virtual_batch_size" in self.untried(program, step)

    def test_a_number_that_is_added(self) -> None:
        program = evaluate(f"{HEAD}x = layers.Dense(4)(Input((8,))) * 2\nx = layers.BatchNormalization()(x)\n", "a.py")
        step = SetArgument(program.calls[0].layer.origin, "use_bias", False)
        assert "Multiply takes a number that is not known" in self.untried(program, step)

    def test_steps_beside_the_layers(self) -> None:
        program = sequential("BatchNormalization()")
        norm = program.calls[0].layer.origin
        steps = (SetArgument(norm, "momentum", 0.99), AddStatement(norm, Snippet("import os")))
        assert self.untried(program, *steps) == "the rest of what is changed could not be tried"

    def test_code_that_raises_afterwards(self) -> None:
        program = sequential("BatchNormalization()")
        assert "wrong for inputs of rank 4" in self.untried(
            program, SetArgument(program.calls[0].layer.origin, "axis", 7)
        )

    def test_no_proof(self) -> None:
        program = sequential("BatchNormalization()")
        step = SetArgument(program.calls[0].layer.origin, "momentum", 0.99)
        found = certify(Change("", (step,)), program)
        assert found == Certificate("what it changes could not be tried", False, False)


class TestAssumed:
    def test_sizes_are_cut_down_and_said(self) -> None:
        found = without_bias(sequential("Conv2D(64, 3)", "BatchNormalization()", shape="(224, 224, 3)"))
        assert found.same and found.assumed == "an input of 12 × 11 × 3 for 224 × 224 × 3, 8 filters for 64"

    def test_where_they_would_not_fit_they_are_as_they_are(self) -> None:
        program = sequential("Dense(256)", "Reshape((4, 8, 8))", "BatchNormalization()", shape="(4,)")
        found = without_bias(program, "Dense")
        assert not found.same and found.training is not None and "units" not in found.assumed

    def test_what_is_not_known_is_drawn_and_said(self) -> None:
        program = evaluate(
            f"{HEAD}def f(x, n):\n    return layers.BatchNormalization()(layers.Conv1D(n, 3)(x))\n", "a.py"
        )
        found = without_bias(program, "Conv1D")
        said = "filters=8 of Conv1D, which is not known, an input of 12 × 8, which is not known"
        assert found.same and found.assumed == said

    def test_what_cannot_run_in_front_is_drawn(self) -> None:
        program = sequential("LSTM(8, return_sequences=True)", "BatchNormalization()", shape="(5, 3)")
        step = Construct(program.calls[1].layer.origin, "LayerNormalization")
        found = proven(program, step)
        assert not found.same and found.training is not None and "what LSTM gives is drawn too" in found.assumed


class TestModes:
    def certified(self, before: Situation, after: Situation, value: object = False, keras: str = "3") -> Certificate:
        program = sequential("BatchNormalization()", target=keras)
        step = SetArgument(program.calls[0].origin, "training", value)
        return certify(Change("", (step,), Modes(before, after)), program)

    def test_what_is_the_same_in_every_row(self) -> None:
        """A call without a flag runs in inference mode anyway, whatever the phase."""
        before = Situation((Level("functional"),), "call")
        found = self.certified(before, before._replace(flag=False))
        assert found.safe and found.same and found.claim == "the same mode in every phase"
        assert ("call", "inference", "inference") in found.modes and ("fit", "training", "training") in found.modes

    def test_a_default_of_true_is_overruled(self) -> None:
        before = Situation((Level("subclass", default=True),), "call")
        found = self.certified(before, before._replace(flag=False))
        assert not found.safe and not found.same and ("call", "training", "inference") in found.modes

    @pytest.mark.parametrize(("claimed", "written"), [(False, True), (True, False), (None, True)])
    def test_the_flag_flipped_the_other_way(self, claimed: bool | None, written: bool) -> None:
        before = Situation((Level("functional"),), "call")
        found = self.certified(before, before._replace(flag=claimed), written)
        assert not found.safe and found.claim == f"training becomes {written}, which is not what the claim is of"

    def test_a_flag_flipped_the_wrong_way(self) -> None:
        before = Situation((Level("functional"),), "call")
        found = self.certified(before, before._replace(flag=True), True)
        assert not found.safe and ("call", "inference", "training") in found.modes

    def test_phases_that_are_not_shown_count(self) -> None:
        """`training=False` instead of True in a functional model: Keras 3 overrides both in fit, but not in a call."""
        before = Situation((Level("functional", flag=True),), "predict")
        found = self.certified(before, before._replace(path=(Level("functional", flag=False),)))
        assert not found.safe and "another mode in" in found.claim

    def test_frozen_for_good_is_another_mode(self) -> None:
        before = Situation((Level("sequential"),), "fit")
        found = self.certified(before, before._replace(trainable=False))
        assert found.claim.startswith("training becomes False")
        program = sequential("BatchNormalization()")
        step = SetArgument(program.calls[0].layer.origin, "trainable", False)
        found = certify(Change("", (step,), Modes(before, before._replace(trainable=False))), program)
        assert not found.safe and ("fit", "training", "inference") in found.modes


class TestRaises:
    def certified(self, keras: int | None, target: str, effect: str = "") -> Certificate:
        program = sequential("BatchNormalization()", target=target)
        return certify(Change("", (), Raises("ValueError", keras), effect), program)

    @pytest.mark.parametrize(("keras", "target"), [(3, "3"), (2, "2"), (None, "2")])
    def test_code_that_raises_cannot_get_worse(self, keras: int | None, target: str) -> None:
        found = self.certified(keras, target)
        assert found.safe and found.same is None and found.assumed == ""

    @pytest.mark.parametrize(("keras", "target"), [(3, "2"), (2, "3")])
    def test_not_so_in_another_version(self, keras: int, target: str) -> None:
        found = self.certified(keras, target)
        assert not found.safe and found.same is False and "could not be tried" in found.claim

    def test_a_guessed_version_is_said(self) -> None:
        assert self.certified(3, "auto").assumed.startswith("Keras 3 (")

    def test_an_effect_counts(self) -> None:
        assert not self.certified(3, "3", "It reads a file.").safe


def test_numpy_comes_with_the_first_fix() -> None:
    code = "import sys, bnlint.fixes.proof.certificate, bnlint.fixes.workshop; print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


KEPT = {"bias", "bias through pooling", "bias through sampling", "bias of a dense layer"}
"""Which of live_certificates.py's changes keep the function."""


@pytest.mark.slow
@pytest.mark.parametrize("library", ["keras", "tf_keras"])
def test_keras_does_what_certificates_claim(library: str) -> None:
    """With the weights mapped as the certificate says, on the same data. Keras computes in float32: 24 bits."""
    pytest.importorskip(library)
    script = Path(__file__).with_name("live_certificates.py")
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    environment["KERAS_BACKEND"] = "tensorflow"
    environment["TF_USE_LEGACY_KERAS"] = "1" if library == "tf_keras" else "0"
    command = [sys.executable, str(script), library]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    cases = json.loads(done.stdout.splitlines()[-1])
    assert {name for name, found in cases.items() if found["same"]} == KEPT
    for name, found in cases.items():
        # A few hundred operations in float32 on numbers up to `largest`, divided by no less than sqrt(epsilon) = 0.03.
        rounding = 2**-24 * 300 * max(1, found["largest"])
        assert found["error"] < rounding, (name, found)
        for claimed, measured in zip(found["claimed"], found["found"], strict=True):
            assert abs(claimed - measured) < 2 * rounding, (name, found)
