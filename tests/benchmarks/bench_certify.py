"""What a certificate costs: `python tests/benchmarks/bench_certify.py` prints milliseconds and megabytes a fix.

Each is made from nothing: what earlier ones computed is forgotten, NumPy is loaded. The exit code is 1 where the median
is above 50 ms, or any one above 100 ms or 50 MB. "again" is the cost where the same neighbourhood was tried before, as
it mostly was in a corpus.
"""

from __future__ import annotations

import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from bnlint.doors.source import evaluate
from bnlint.fixes.proof.certificate import certify
from bnlint.fixes.proof.comparing import compare
from bnlint.fixes.proof.costs import run_of
from bnlint.graph import Call, Program
from bnlint.reference.modes import Level, Situation
from bnlint.rulebook.change import Change, Construct, Function, Modes, MoveCall, RemoveCall, SetArgument

LIMIT, MOST, MOST_MEGABYTES, ROUNDS = 50.0, 100.0, 50.0, 5
HEAD = "from keras import Input, Sequential, layers\nfrom keras.layers import *\n"

Make = Callable[[tuple[Call, ...]], Change]


def no_bias(calls: tuple[Call, ...]) -> Change:
    return Change("", (SetArgument(calls[0].layer.origin, "use_bias", False),), Function(calls))


def moved(calls: tuple[Call, ...]) -> Change:
    return Change("", (MoveCall(calls[-3], calls[-1]),), Function(calls))


def dropped(calls: tuple[Call, ...]) -> Change:
    return Change("", (RemoveCall(calls[-1]),), Function(calls))


def momentum(calls: tuple[Call, ...]) -> Change:
    return Change("", (SetArgument(calls[-1].layer.origin, "momentum", 0.9),), Function(calls))


def layernorm(calls: tuple[Call, ...]) -> Change:
    return Change("", (Construct(calls[-1].layer.origin, "LayerNormalization"),), Function(calls))


def flag(calls: tuple[Call, ...]) -> Change:
    before = Situation((Level("functional"),), "call")
    return Change("", (SetArgument(calls[-1].origin, "training", False),), Modes(before, before._replace(flag=False)))


FIXES: dict[str, tuple[str, Make]] = {
    "bias of an image's convolution": ("Input((224, 224, 3)), Conv2D(64, 7, strides=2), BatchNormalization()", no_bias),
    "bias of a wide convolution": ("Input((28, 28, 512)), Conv2D(512, 3), BatchNormalization()", no_bias),
    "bias through a pooling": ("Input((32, 32, 3)), Conv2D(32, 3), MaxPooling2D(), BatchNormalization()", no_bias),
    "bias of a dense layer": ("Input((4096,)), Dense(1024), BatchNormalization()", no_bias),
    "bias of a separable one": ("Input((64, 64, 128)), SeparableConv2D(256, 3), BatchNormalization()", no_bias),
    "bias in a volume": ("Input((32, 32, 32, 16)), Conv3D(32, 3), BatchNormalization()", no_bias),
    "bias that regroups": ("Input((100,)), Dense(7 * 7 * 64), Reshape((7, 7, 64)), BatchNormalization()", no_bias),
    "a dropout moved": ("Input((32, 32, 3)), Conv2D(64, 3), Dropout(0.5), BatchNormalization(), ReLU()", moved),
    "a dense dropout moved": ("Input((784,)), Dense(512), Dropout(0.5), BatchNormalization(), ReLU()", moved),
    "a second one dropped": ("Input((32, 32, 64)), BatchNormalization(), BatchNormalization()", dropped),
    "another momentum": ("Input((32, 32, 64)), Conv2D(64, 3), BatchNormalization(momentum=0.1)", momentum),
    "layer normalization": ("Input((32, 32, 64)), Conv2D(64, 3), BatchNormalization()", layernorm),
    "a flag": ("Input((8,)), Dense(4), BatchNormalization()", flag),
}


HOSTILE = [
    "Input((512, 512, 3)), Conv2D(64, 3), Cropping2D(40)",
    "Input((512, 512, 3)), Conv2D(64, 3), Cropping2D(((0, 40), (30, 20)))",
    "Input((2000, 2000, 3)), Conv2D(10**6, 1000)",
    "Input((10**9,)), Dense(10**9)",
    "Input((20, 20, 3)), Conv2D(8, 3), ZeroPadding2D(10**6), ReLU(), Cropping2D(10**6)",
    "Input((20, 20, 3)), Conv2D(8, 3), UpSampling2D(10**5)",
    "Input((20,)), Dense(8), RepeatVector(10**9)",
    "Input((20,)), Dense(10**9), Reshape((1000, 1000, 1000))",
    "Input((64, 64, 10**4)), Conv2D(10**4, 3, groups=10**4)",
    "Input((64, 64, 4095)), Conv2D(4095, 3), GroupNormalization(3)",
    "Input((10**5, 10**5, 3)), Conv2D(8, 3), MaxPooling2D(1000)",
    "Input((500, 500, 3)), Conv2D(8, 3), MaxPooling2D(100), Conv2D(8, 3)",
    "Input((10**5, 10**5, 3)), Conv2D(8, 3, dilation_rate=1000)",
    "Input((100, 100, 64)), Conv2DTranspose(8, 64, strides=32)",
    "Input((512, 512, 512, 3)), Conv3D(8, 30)",
    "Input((64, 64, 64)), DepthwiseConv2D(3, depth_multiplier=10**6)",
    "Input((224, 224, 3)), Conv2D(64, 3, activation='gelu'), Cropping2D(30)",
    "Input((512, 512, 3)), Conv2D(64, 3), " + ", ".join(["Cropping2D(8)"] * 20),
    "Input((512, 512, 3)), Conv2D(64, 3), " + ", ".join(["MaxPooling2D(2, 1)"] * 60),
]
FIXES |= {made: (f"{made}, BatchNormalization()", no_bias) for made in HOSTILE}


def forget() -> None:
    compare.cache_clear()
    run_of.cache_clear()


def megabytes(change: Change, program: Program) -> float:
    tracemalloc.start()
    certify(change, program)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


def milliseconds(change: Change, program: Program) -> float:
    start = time.perf_counter()
    certify(change, program)
    return 1000 * (time.perf_counter() - start)


def main() -> int:
    costs, memory = [], []
    for name, (made, make) in FIXES.items():
        program = evaluate(f"{HEAD}Sequential([{made}])\n", "model.py")
        change = make(tuple(program.calls))
        certify(change, program)
        rounds = []
        for _ in range(ROUNDS):
            forget()
            rounds.append(milliseconds(change, program))
        again = min(milliseconds(change, program) for _ in range(ROUNDS))
        costs.append(statistics.median(rounds))
        forget()
        memory.append(megabytes(change, program))
        said = next(certify(change, program).lines())
        print(f"{costs[-1]:8.1f} ms, again {again:5.1f} ms, {memory[-1]:5.1f} MB  {name[:90]}: {said}")
    middle = statistics.median(costs)
    print(f"{middle:8.1f} ms at the median, {max(costs):.1f} ms and {max(memory):.1f} MB at most")
    return int(middle > LIMIT or max(costs) > MOST or max(memory) > MOST_MEGABYTES)


if __name__ == "__main__":
    raise SystemExit(main())
