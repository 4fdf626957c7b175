"""Ways to batch normalization that Keras 3 does not have any more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bnlint import Options, Problem, Program, Severity
from bnlint.catalog import modules, row
from bnlint.change import Change, ImportFrom, NameArgument, Raises, RemoveArgument, Rename, SetArgument, Step
from bnlint.graph import BATCH_NORMALIZATIONS, Arg, Layer, Use

category = "construction"
severity = Severity.ERROR
source_only = "Keras raises, or the old name is that of the same layer"

_ARGUMENTS = {
    "fused": "leave it out: Keras chooses",
    "virtual_batch_size": "there is no ghost batch normalization",
    "adjustment": "there is no replacement",
    "mode": "leave out 0, the only mode that is left",
    "beta_init": "use `beta_initializer`",
    "gamma_init": "use `gamma_initializer`",
    "weights": "call `set_weights` once the layer is built",
}
_RENAMED = dict(row("BatchNormalization").renamed)
_RENORM = ("renorm", "renorm_clipping", "renorm_momentum")
_RENORM_SINCE = 14


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
        others = tuple((problem.origin, "this, too") for problem in problems[1:])
        first = problems[0]
        yield replace(first, severity=Severity.ADVICE, related=others, change=_all_at_once(problems))


def _all_at_once(problems: list[Problem]) -> Change | None:
    """All changes as one; None where one of the problems has none."""
    changes = [problem.change for problem in problems if problem.change is not None]
    steps = tuple(step for change in changes for step in change.steps)
    return replace(changes[0], steps=steps) if len(changes) == len(problems) else None


def _problems(program: Program) -> Iterator[Problem]:
    for use in program.uses:
        instead = None if use.guarded or use.args is not None else _instead(use)
        if instead is not None:
            said = f"`{_short(use.path)}` does not exist in Keras 3: {instead}."
            yield Problem(use.origin, said, change=_other_symbol(use))
    for layer in program.layers:
        if layer.kind not in BATCH_NORMALIZATIONS or layer.context.raises:
            continue
        for name, instead in _removed(program):
            arg = layer.args.get(name)
            if arg is not None and arg.origin is not None and arg.known:
                said = f"BatchNormalization has no argument `{name}` in {_which(name)}: {instead}."
                change = _other_argument(layer, name, arg) if arg.certain else None
                yield Problem(arg.origin, said, None if arg.certain else Severity.ADVICE, change=change)


def _instead(use: Use) -> str | None:
    """What to write for a symbol that is gone, None for one that is there."""
    if use.path.startswith(modules.OLD_LAYERS):
        ours = use.name in ("batch_normalization", "BatchNormalization")
        return "use `keras.layers.BatchNormalization`" if ours else None
    if use.path.startswith("tf_keras."):
        return None
    if use.path.endswith(".layers.experimental.SyncBatchNormalization") and "keras" in use.path:
        return "use `BatchNormalization(synchronized=True)`"
    package, _, below = use.path.partition(".layers.")
    if package in modules.KERAS:
        if below in ("normalization", "normalization.batch_normalization"):
            return "import it from `keras.layers`"
        if below in ("BatchNormalizationV1", "BatchNormalizationV2"):
            return "use `BatchNormalization`"
    return None


def _other_symbol(use: Use) -> Change | None:
    """The same under the name that Keras 3 has for it."""
    package, _, below = use.path.partition(".layers.")
    steps: tuple[Step, ...] = ()
    error = "AttributeError"
    if below in ("normalization", "normalization.batch_normalization"):
        module = f"{package.replace('tensorflow.python.', 'tensorflow.')}.layers"
        steps, error = (ImportFrom(use.origin, module),), "ModuleNotFoundError"
    elif below == "experimental.SyncBatchNormalization":
        steps = (Rename(use.origin, "BatchNormalization"), SetArgument(use.origin, "synchronized", True))
    elif below in ("BatchNormalizationV1", "BatchNormalizationV2"):
        steps = (Rename(use.origin, "BatchNormalization"),)
    return Change("Use what Keras 3 has", steps, Raises(error, 3)) if steps else None


def _other_argument(layer: Layer, name: str, arg: Arg) -> Change | None:
    """The argument under its new name, or left out where it says what is the case anyway; None for others."""
    assert arg.origin is not None
    step: Step
    if name in _RENAMED:
        step = NameArgument(arg.origin, _RENAMED[name])
    elif name == "fused" or arg.value is None or (name == "mode" and arg.value == 0):
        step = RemoveArgument(layer.origin, name)
    else:
        return None
    return Change("Use what Keras 3 has", (step,), Raises("ValueError", 3))


def _removed(program: Program) -> Iterator[tuple[str, str]]:
    yield from _ARGUMENTS.items()
    if program.keras_minor is not None and program.keras_minor < _RENORM_SINCE and program.keras == 3:
        yield from ((name, "batch renormalization came back in 3.14") for name in _RENORM)


def _which(name: str) -> str:
    return "this Keras" if name in _RENORM else "Keras 3"


def _short(path: str) -> str:
    return path.replace("tensorflow.", "tf.", 1) if path.startswith("tensorflow.") else path
