"""Ways to batch normalization that Keras 3 does not have any more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bnlint import Options, Problem, Program, Severity
from bnlint.graph import BATCH_NORMALIZATIONS, Use

category = "construction"
severity = Severity.ERROR

_ARGUMENTS = {
    "fused": "leave it out: Keras chooses",
    "virtual_batch_size": "there is no ghost batch normalization",
    "adjustment": "there is no replacement",
    "mode": "leave out 0, the only mode that is left",
    "beta_init": "use `beta_initializer`",
    "gamma_init": "use `gamma_initializer`",
    "weights": "call `set_weights` once the layer is built",
}
_RENORM = ("renorm", "renorm_clipping", "renorm_momentum")
_RENORM_SINCE = 14
_OLD_LAYERS = ("tensorflow.layers.", "tensorflow.compat.v1.layers.")
_KERAS_LAYERS = ("keras.layers.", "tensorflow.keras.layers.", "tensorflow.python.keras.layers.")


def check(program: Program, options: Options) -> Iterator[Problem]:
    """Each symbol and each constructor argument of batch normalization that only Keras 2 knows.

    Code that plainly nobody runs under Keras 3 as it is, of Keras 1 or of sessions, is told once.
    """
    if (program.keras < 3 and program.explicit_keras) or program.tensorflow_1 == "only":
        return
    # Other files may be for another Keras; each has its own say.
    problems = [problem for problem in _problems(program) if problem.origin.path == program.path]
    if program.explicit_keras or not (program.keras_1 or program.tensorflow_1):
        yield from problems
    elif problems:
        yield replace(problems[0], severity=Severity.ADVICE)


def _problems(program: Program) -> Iterator[Problem]:
    for use in program.uses:
        instead = None if use.guarded or use.args is not None else _instead(use)
        if instead is not None:
            yield Problem(use.origin, f"`{_short(use.path)}` does not exist in Keras 3: {instead}.")
    for layer in program.layers:
        if layer.kind not in BATCH_NORMALIZATIONS or layer.context.raises:
            continue
        for name, instead in _removed(program):
            arg = layer.args.get(name)
            if arg is not None and arg.origin is not None and arg.known:
                said = f"BatchNormalization has no argument `{name}` in {_which(name)}: {instead}."
                yield Problem(arg.origin, said, None if arg.certain else Severity.ADVICE)


def _instead(use: Use) -> str | None:
    """What to write for a symbol that is gone, None for one that is there."""
    if use.path.startswith(_OLD_LAYERS):
        ours = use.name in ("batch_normalization", "BatchNormalization")
        return "use `keras.layers.BatchNormalization`" if ours else None
    if use.path.endswith(".layers.experimental.SyncBatchNormalization") and "keras" in use.path:
        return "use `BatchNormalization(synchronized=True)`"
    if use.path.startswith(_KERAS_LAYERS):
        below = use.path.split(".layers.", 1)[1]
        if below in ("normalization", "normalization.batch_normalization"):
            return "import it from `keras.layers`"
        if below in ("BatchNormalizationV1", "BatchNormalizationV2"):
            return "use `BatchNormalization`"
    return None


def _removed(program: Program) -> Iterator[tuple[str, str]]:
    yield from _ARGUMENTS.items()
    if program.keras_minor is not None and program.keras_minor < _RENORM_SINCE and program.keras == 3:
        yield from ((name, "batch renormalization came back in 3.14") for name in _RENORM)


def _which(name: str) -> str:
    return "this Keras" if name in _RENORM else "Keras 3"


def _short(path: str) -> str:
    return path.replace("tensorflow.", "tf.", 1) if path.startswith("tensorflow.") else path
