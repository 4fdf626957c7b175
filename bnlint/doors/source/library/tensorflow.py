"""What else is TensorFlow's, and what is configured: strategies, optimizers, regularizers, channels first or last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..values.args import Args
from ..values.bound import Symbol
from ..values.containers import List
from ..values.data import Strategy, Thing
from ..values.evaluator import Evaluator
from ..values.kind import Value
from ..values.registry import method, symbol
from .functions import function


@symbol("tf.function")
def decorated(m: Evaluator, args: Args) -> Value:
    return args.get(0, "func", Symbol("builtins.identity"))


@symbol("tf.distribute.*")
def strategy(m: Evaluator, args: Args) -> Value:
    name = args.callee.rpartition(".")[2]
    return Strategy(args.callee, name=name) if name.endswith("Strategy") else function(m, args)


@symbol("tf.distribute.MirroredStrategy")
def mirrored(m: Evaluator, args: Args) -> Value:
    devices = args.get(0, "devices")
    known = len(devices) if isinstance(devices, List) and not devices.open else None
    return Strategy(args.callee, name="MirroredStrategy", devices=known)


@dataclass(eq=False, slots=True)
class Scope(Thing):
    """`strategy.scope()`."""

    strategy: Strategy | None = None

    def entered(self, m: Evaluator) -> dict[str, Any]:
        assert self.strategy is not None
        return {"strategy": self.strategy.name, "replicas": self.strategy.devices}


@method(Strategy, "scope")
def scope(m: Evaluator, strategy: Strategy, args: Args) -> Value:
    return Scope("tf.distribute.scope", strategy=strategy)


@method(Strategy, "run", "experimental_run_v2")
def run(m: Evaluator, strategy: Strategy, args: Args) -> Value:
    given = args.get(1, "args", ())
    return m.call(args.get(0, "fn"), Args(args.spot, list(given) if isinstance(given, (tuple, List)) else []))


@symbol("keras.optimizers.*")
def optimizer(m: Evaluator, args: Args) -> Value:
    second = "weight_decay" if args.callee.rpartition(".")[2].startswith("AdamW") else "beta_1"
    return Thing(args.callee, args.named(("learning_rate", second)))


@symbol("tf.train.*")
def old_optimizer(m: Evaluator, args: Args) -> Value:
    return optimizer(m, args) if args.callee.endswith("Optimizer") else function(m, args)


@symbol("keras.optimizers.schedules.*")
def schedule(m: Evaluator, args: Args) -> Value:
    return Thing(args.callee, args.named(("initial_learning_rate",)))


@symbol("keras.regularizers.*")
def regularizer(m: Evaluator, args: Args) -> Value:
    last = args.callee.rpartition(".")[2]
    first = {"l2": "l2", "L2": "l2", "l1": "l1", "L1": "l1"}.get(last, "initial_learning_rate")
    return Thing(args.callee, args.named((first,)))


@symbol("keras.backend.image_data_format", "keras.config.image_data_format")
def channels(m: Evaluator, args: Args) -> Value:
    return "channels_first" if m.channels_first else "channels_last"


@symbol("keras.backend.set_image_data_format", "keras.config.set_image_data_format")
def set_channels(m: Evaluator, args: Args) -> Value:
    m.channels_first = args.get(0, "data_format") in ("channels_first", "th")
    return None


@symbol("keras.backend.image_dim_ordering")
def dim_ordering(m: Evaluator, args: Args) -> Value:
    return "tf"
