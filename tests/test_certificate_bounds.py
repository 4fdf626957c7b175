"""Certificates take little, whatever sizes a program has, and smaller sizes say what the program's own would."""

from __future__ import annotations

import re
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from bnlint.doors.source import evaluate
from bnlint.findings import ROUNDING, Certificate
from bnlint.fixes.proof import running, sizes
from bnlint.fixes.proof.budget import BATCH
from bnlint.fixes.proof.certificate import certify
from bnlint.fixes.proof.comparing import Outcome, compare
from bnlint.fixes.proof.costs import DRAWN, run_of
from bnlint.fixes.proof.neighbourhood import Neighbourhood
from bnlint.fixes.proof.running import Runner
from bnlint.fixes.proof.sizes import Outside, Sized, Sizes
from bnlint.fixes.proof.specs import Uncomputable
from bnlint.fixes.proof.trials import MOST_IN_ALL
from bnlint.graph import Call, Program
from bnlint.rulebook.change import Change, Function, MoveCall, RemoveCall, SetArgument, Step

HEAD = "from keras import Input, Model, Sequential\nfrom keras.layers import *\n"
MOST_BYTES = 50_000_000
CALLED = 40_000
"""What calling a layer counts in work, as costs.py has it: a number that is made counts 1 at least."""

WILD = st.sampled_from([1, 2, 3, 5, 7, 12, 40, 100, 513, 1000, 10**5, 10**6, 10**9])
MODERATE = st.sampled_from([1, 2, 3, 4, 5, 6])


def spatial(rank: int, size: st.SearchStrategy[int]) -> st.SearchStrategy[str]:
    """A layer on so many spatial axes, with numbers of this size."""
    padding = st.sampled_from(["'valid'", "'same'"])
    pair = st.tuples(size, size).map(lambda two: str(two if rank == 1 else (two,) * rank))
    n, r = size.map(str), str(rank)
    several = st.tuples(*[size] * rank).map(lambda sizes: str(sizes if rank > 1 else sizes[0]))

    def made(text: str, *parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        return st.tuples(*parts).map(lambda values: text.replace("#", r).format(*values))

    layers = [
        made("Conv#D({}, {}, padding={})", n, several, padding),
        made("Conv#D({}, {}, strides={}, padding={})", n, n, several, padding),
        made("Conv#D({}, {}, dilation_rate={}, padding={})", n, n, n, padding),
        made("Conv#D({0}, 3, groups={0})", n),
        made("Conv#DTranspose({}, {}, strides={}, padding={})", n, n, n, padding),
        made("MaxPooling#D({}, padding={})", several, padding),
        made("AveragePooling#D({}, strides={}, padding={})", n, n, padding),
        made("ZeroPadding#D({})", n),
        made("ZeroPadding#D({})", pair),
        made("Cropping#D({})", n),
        made("Cropping#D({})", pair),
        made("UpSampling#D({})", n),
        made("GlobalAveragePooling#D(keepdims=True)"),
        made("GroupNormalization({})", n),
        made("Dropout({})", st.sampled_from(["0.5", "0.1, noise_shape=(None, 1)", "0.5, noise_shape=(1, 10**9)"])),
        made("Flatten()"),
        made("Reshape(({}, {}))", n, n),
        made("Reshape((-1, {}))", n),
        made("Activation({})", st.sampled_from(["'relu'", "'gelu'", "'softmax'", "'mish'", "None"])),
        made("PReLU()"),
        made("LayerNormalization()"),
        made("BatchNormalization()"),
    ]
    if rank < 3:
        layers += [
            made("DepthwiseConv#D({}, depth_multiplier={})", n, n),
            made("SeparableConv#D({}, {}, padding={})", n, n, padding),
        ]
    return st.one_of(layers)


def flat(size: st.SearchStrategy[int]) -> st.SearchStrategy[str]:
    """A layer on features."""
    n = size.map(str)
    pieces = ["Dense({})", "RepeatVector({})", "Reshape(({0}, {0}, {0}))", "TimeDistributed(Dense({}))", "Dropout(0.5)"]
    return st.one_of([n.map(piece.format) for piece in pieces])


@st.composite
def chains(draw: st.DrawFn, size: st.SearchStrategy[int], inputs: st.SearchStrategy[int]) -> str:
    """A model: a linear layer, anything, and batch normalization."""
    rank = draw(st.sampled_from([0, 1, 2, 2, 3]))
    shape = tuple(draw(st.one_of(inputs, st.none()) if rank else inputs) for _ in range(rank + 1))
    channels = draw(inputs)
    first = f"Conv{rank}D({draw(size)}, {draw(st.sampled_from([1, 3]))})" if rank else f"Dense({draw(size)})"
    layer = spatial(rank, size) if rank else flat(size)
    others = draw(st.lists(layer, max_size=4))
    made = [f"Input({(*shape[:rank], channels)})", first, *others, "BatchNormalization()"]
    return f"{HEAD}Sequential([{', '.join(made)}])\n"


def bias(program: Program) -> tuple[Step, ...]:
    first = next(call for call in program.calls if call.layer.kind[:4] in ("Conv", "Dens"))
    return (SetArgument(first.layer.origin, "use_bias", False),)


def last(program: Program) -> tuple[Step, ...]:
    return (RemoveCall(program.calls[-1]),)


def moved(program: Program) -> tuple[Step, ...]:
    return (MoveCall(program.calls[-2], program.calls[-1]),)


STEPS = st.sampled_from([bias, last, moved])
Steps = Callable[[Program], tuple[Step, ...]]


class Work:
    """Counts what trials do, beside what they are said to: calls of layers, and numbers that come out."""

    def __init__(self) -> None:
        self.done = 0
        self._call = running.At.__call__

    def __enter__(self) -> Work:
        def counted(at: running.At, xs: list[np.ndarray]) -> np.ndarray:  # type: ignore[type-arg]
            y = self._call(at, xs)
            self.done += CALLED + y.size
            return y

        self._patch = patch.object(running.At, "__call__", counted)
        self._patch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._patch.stop()


def bounded(program: Program, steps: tuple[Step, ...]) -> Certificate:
    """The certificate, which must have taken little memory and work."""
    compare.cache_clear()
    tracemalloc.start()
    try:
        with Work() as work:
            found = certify(Change("", steps, Function(tuple(program.calls))), program)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < MOST_BYTES
    assert work.done <= MOST_IN_ALL
    return found


SLOW = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@SLOW
@given(chains(WILD, WILD), STEPS)
def test_wild_sizes_take_little(text: str, steps: Steps) -> None:
    program = evaluate(text, "model.py")
    assume(len(program.calls) > 2)
    found = bounded(program, steps(program))
    assert found.training is not None or "could not be tried" in found.claim


HOSTILE = [
    "Input((512, 512, 3)), Conv2D(64, 3), Cropping2D(40)",
    "Input((2000, 2000, 3)), Conv2D(10**6, 1000)",
    "Input((10**9,)), Dense(10**9)",
    "Input((20, 20, 3)), Conv2D(8, 3), ZeroPadding2D(10**6)",
    "Input((20, 20, 3)), Conv2D(8, 3), UpSampling2D(10**5)",
    "Input((20,)), Dense(8), RepeatVector(10**9)",
    "Input((20,)), Dense(10**9), Reshape((1000, 1000, 1000))",
    "Input((64, 64, 10**4)), Conv2D(10**4, 3, groups=10**4)",
    "Input((64, 64, 4095)), Conv2D(4095, 3), GroupNormalization(3)",
    "Input((10**5, 10**5, 3)), Conv2D(8, 3), MaxPooling2D(1000)",
    "Input((10**5, 10**5, 3)), Conv2D(8, 3, dilation_rate=1000)",
    "Input((100, 100, 3)), Conv2DTranspose(8, 1000, strides=999)",
    "Input((512, 512, 512, 3)), Conv3D(8, 30)",
    "Input((10**6, 8)), TimeDistributed(Dense(10**6))",
    "Input((64, 64, 64)), SeparableConv2D(10**6, 300, padding='same')",
    "Input((64, 64, 64)), DepthwiseConv2D(3, depth_multiplier=10**6)",
]


@pytest.mark.parametrize("made", HOSTILE)
def test_hostile_sizes_are_certified_on_smaller_ones(made: str) -> None:
    program = evaluate(f"{HEAD}Sequential([{made}, BatchNormalization()])\n", "model.py")
    layer = program.calls[0].layer
    found = bounded(program, (SetArgument((layer.wrapped or layer).origin, "use_bias", False),))
    assert found.training is not None and found.assumed


def test_what_a_crop_needs_is_left() -> None:
    """Where a crop would take all of the small sizes, and the known ones are too large, there are some between."""
    made = "Input((300, 300, 64)), Conv2D(64, 3), Cropping2D(7), BatchNormalization()"
    program = evaluate(f"{HEAD}Sequential([{made}])\n", "model.py")
    found = bounded(program, bias(program))
    height, width = re.match(
        "an input of ([0-9]+) × ([0-9]+) × 8 for 300 × 300 × 64, 8 filters", found.assumed
    ).groups()  # type: ignore[union-attr]
    assert found.same and 2 + 2 * 7 < int(width) < int(height) < 40


def test_sizes_that_meet_go_together() -> None:
    text = f"{HEAD}a, b = Input((600, 600, 3)), Input((500, 500, 8))\nx = Cropping2D(49)(Conv2D(8, 3)(a))\n"
    program = evaluate(f"{text}x = BatchNormalization()(Add()([x, b]))\n", "model.py")
    found = bounded(program, bias(program))
    assert found.same and found.assumed.startswith(
        "an input of 12 × 11 × 3 for 600 × 600 × 3, an input of 4 × 3 × 8 for"
    )


def test_layers_too_large_in_any_size_are_not_tried() -> None:
    many = "Cropping2D(8), " * 30
    program = evaluate(
        f"{HEAD}Sequential([Input((999, 999, 8)), Conv2D(8, 3), {many}BatchNormalization()])\n", "model.py"
    )
    found = bounded(program, bias(program))
    assert not found.safe and found.claim == "layers this large, even on smaller sizes, could not be tried"


def test_many_uses_are_not_tried_for_long() -> None:
    text = f"{HEAD}def block(x, n):\n    x = Conv2D(8, n, padding='same')(x)\n    return BatchNormalization()(x)\n"
    text += "".join(f"block(Input((9, 9, 3)), {n})\n" for n in range(1, 60))
    program = evaluate(text, "model.py")
    change = Change("", bias(program), Function(tuple(program.calls[:2])))
    with Work() as work:
        found = certify(change, program)
    assert work.done <= MOST_IN_ALL
    assert not found.safe and found.claim == "all that the change takes part in could not be tried"


# What costs.py says of a run


def outside_of(hood: Neighbourhood) -> list[Outside]:
    return [Outside(hood.rank_at(one), one.shape) for one in hood.outside]


@SLOW
@given(chains(MODERATE, st.sampled_from([4, 8, 9, 12])))
def test_shapes_and_variables_are_those_of_a_run_and_its_peak_is_no_higher(text: str) -> None:
    program = evaluate(text, "model.py")
    hood = Neighbourhood(program.calls, {})
    network = hood.network()
    shapes = tuple(one.known for one in outside_of(hood))
    try:
        costs = run_of(network, shapes, 3, BATCH)
    except Uncomputable:
        return
    assume(costs.values + costs.beside < 3_000_000)
    runner = Runner(network, 3, {}, True)
    inputs = [np.random.default_rng(0).standard_normal((BATCH, *shape)) for shape in shapes]
    tracemalloc.start()
    values = runner.run(inputs, True, 1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [value.shape for value in values] == [cost.shape for cost in costs.nodes]
    variables = {name: shape for cost in costs.nodes for name, shape in cost.variables}
    assert {name: shape for (_, name), shape in runner.order.items()} == variables
    numbers = sum(np.prod(shape) for cost in costs.nodes for _, shape in cost.variables)
    assert peak < 8 * (costs.values + costs.beside + 3 * numbers) + 200_000


# What smaller sizes say


def verdict(outcome: Outcome) -> tuple[object, ...]:
    """What a certificate makes of an outcome, but for how large a difference is."""
    differs = max(outcome.training) > ROUNDING, max(outcome.inference) > ROUNDING
    return differs, not any(differs) and bool(outcome.learns), outcome.layout


def smaller(program: Program, steps: tuple[Step, ...], calls: Sequence[Call]) -> Iterator[tuple[Outcome, Sized]]:
    """The outcome on the known sizes, and then on all those that would stand for them were they too large."""
    hood = Neighbourhood(calls, {})
    before = hood.network()
    hood.apply(steps)
    after = hood.network()
    made = Sizes(before, after, outside_of(hood), program.keras)
    *_, known = [sized for sized, _ in zip(made.tries(), range(3), strict=False)]
    watched = tuple(hood.watched(set()))
    try:
        assume(known.fits() and known.work > 2 * DRAWN)
    except Uncomputable:
        assume(False)
    yield compare(known.before, known.after, known.shapes, watched, program.keras), known
    with patch.object(sizes, "MOST_NUMBERS", known.numbers - 1):
        for sized in [*made.tries()][3:]:
            yield compare(sized.before, sized.after, sized.shapes, watched, program.keras), sized


EXPLORED = [
    # A normalization over one channel gives 0 everywhere: noise is no multiple of that.
    ("Input((9, None, 9)), Conv2D(1, 1), LayerNormalization(), Dropout(0.5)", moved),
    # Of many numbers, the largest is above 0 nearly always.
    ("Input((9, 9, None, 9)), Conv3D(1, 1), MaxPooling3D((2, 3, 5), padding='valid'), PReLU()", bias),
    # A crop takes away all that a padding has changed.
    ("Input((9, None, 9)), Conv2D(1, 1), Conv2D(1, (1, 2), padding='same'), ZeroPadding2D(1), Cropping2D(2)", bias),
    ("Input((9, 9, 9)), Conv2D(1, 1), Conv2D(1, (1, 4), padding='same'), Cropping2D(2)", bias),
    # As many elements as there were channels, or another number.
    ("Input((None, 9)), Conv1D(2, 3), MaxPooling1D(2, padding='valid'), Flatten(), Reshape((2, 5))", bias),
    # All taps but one see the padding, everywhere or not.
    ("Input((9, 9, 9)), Conv2D(1, 1), Conv2D(1, 3, dilation_rate=5, padding='same')", bias),
    # A stride takes one of the places that a transposed convolution fills, or every one.
    ("Input((9, 9)), Conv1D(1, 1), Conv1DTranspose(1, 1, strides=3), Conv1D(1, 1, strides=4)", bias),
]
"""What random programs have shown once, or what comes near it."""


def with_examples(test: Callable[..., None]) -> Callable[..., None]:
    for made, steps in EXPLORED:
        test = example(f"{HEAD}Sequential([{made}, BatchNormalization()])\n", steps)(test)
    return test


@SLOW
@with_examples
@given(chains(MODERATE, st.sampled_from([9, 12, 16, 20])), STEPS)
def test_smaller_sizes_say_the_same(text: str, steps: Steps) -> None:
    program = evaluate(text, "model.py")
    assume(len(program.calls) > 2)
    (known, _), *others = smaller(program, steps(program), program.calls)
    for outcome, sized in others:
        assert verdict(outcome) == verdict(known), sized
