"""The global learning phase, which Keras 3 does not have and Keras 2 heeds here and there."""

from __future__ import annotations

from collections.abc import Iterator

from bnlint import Options, Problem, Program, Severity
from bnlint.graph import Arg, Use

category = "mode"
severity = Severity.ERROR
source_only = "the global flag is no part of a model"
watches = frozenset({"learning_phase", "set_learning_phase", "learning_phase_scope"})

_COPY = "tensorflow.python.keras."
"""Old Keras inside TensorFlow: its phase is still there and reaches no layer of Keras 3."""


def check(program: Program, options: Options) -> Iterator[Problem]:
    """Each use of Keras's learning phase, but for attempts that have something to fall back on."""
    for use in program.uses:
        elsewhere = use.origin.path != program.path  # Which may be for another Keras, and is judged by itself.
        if use.name not in watches or "keras" not in use.path or use.guarded or elsewhere:
            continue
        # Keras 3 fails where the name is looked up; in Keras 2 it matters where it is called, and with what.
        if program.keras < 3 and use.args is not None:
            value = use.args.get("0", use.args.get("value"))
            said, harm = _in_keras_2(use, value)
            trained = [event.time for event in program.events if event.kind in ("fit", "train_on_batch", "tape")]
            # A phase of 0 where nothing is trained any more is only another way to say what happens anyway.
            means_inference = bool(trained) or (value is not None and value.value == 0)
            over = means_inference and all(time <= use.time for time in trained)  # A use takes no time of its own.
            yield Problem(use.origin, said, Severity.ADVICE if over else harm)
        elif program.keras >= 3 and use.args is None:
            if use.path.startswith(_COPY):
                said = f"`{use.name}` of tensorflow.python.keras does not reach the layers of Keras 3."
                yield Problem(use.origin, said, Severity.WARNING)
            else:
                yield Problem(use.origin, f"`{use.name}` does not exist in Keras 3: pass `training=` to the call.")


def _in_keras_2(use: Use, value: Arg | None) -> tuple[str, Severity]:
    if use.name == "learning_phase":
        return "`learning_phase()` is deprecated, and no input of a function in TensorFlow 2.", Severity.ADVICE
    if value is None or not isinstance(value.value, int):
        return f"`{use.name}` sets a mode for every layer at once: pass `training=` to the call.", Severity.ADVICE
    if value.value:
        said = "sets every model into training mode: batch statistics for a prediction"
    else:
        said = "keeps every batch normalization in inference mode in a session, in fit too; without one, fit ignores it"
    return f"`{use.name}({value.value})` {said}.", Severity.WARNING if value.certain else Severity.ADVICE
