"""TensorFlow 1 graphs whose train op leaves the moving statistics where they start."""

from __future__ import annotations

from collections.abc import Iterator

from bnlint import Options, Origin, Problem, Program, Severity
from bnlint.graph import Call, Use, holds_batchnorm, is_batchnorm, is_frozen

category = "mode"
severity = Severity.WARNING
source_only = "the update operations are those of a session's graph"

_GRAPH = frozenset({"Session", "InteractiveSession", "placeholder", "EstimatorSpec", "TPUEstimatorSpec"})
_TRAIN_OPS = frozenset({"minimize", "apply_gradients"})
_HANDLED = frozenset({"UPDATE_OPS", "create_train_op", "optimize_loss"})
_KERAS_HANDLED = frozenset({"updates", "get_updates_for"})
watches = _GRAPH | _TRAIN_OPS | _HANDLED | {"batch_normalization", "get_collection", "GraphKeys"}


def check(program: Program, options: Options) -> Iterator[Problem]:
    """The train op of a session's graph, where nothing runs the updates of its batch normalizations.

    And each `batch_normalization` in such a graph that is never told to train.
    """
    names = [use.name for use in program.uses if use.args is None]
    trainers = [use for use in program.uses if use.name in _TRAIN_OPS and ".train." in use.path]
    if program.notes or not trainers or _GRAPH.isdisjoint(names):
        return
    norms = [use for use in program.uses if use.args is not None and use.path.endswith(".layers.batch_normalization")]
    for use in norms:
        if use.args is not None and "training" not in use.args and "**" not in use.args:
            said = "batch_normalization without `training` is in inference mode, in a graph that is trained"
            yield Problem(use.origin, f"{said}: its moving statistics keep their initial 0 and 1.")
    # What else is looked up in a collection by a name of its own may be "update_ops".
    looked_up = names.count("get_collection") > names.count("GraphKeys")
    if not _HANDLED.isdisjoint(names) or looked_up:
        return
    learning = [use.origin for use in norms if _learns(use)]
    if learning:
        said = "This train op does not run UPDATE_OPS, so the moving statistics keep their initial 0 and 1."
        yield Problem(trainers[0].origin, said, None, ((learning[0], "this batch normalization"),))
        return
    alone = _left_alone(program)
    if alone is not None and _KERAS_HANDLED.isdisjoint(names):
        said = "This train op does not run the `updates` of the Keras layers: the moving statistics stay at 0 and 1."
        yield Problem(trainers[0].origin, said, None, ((alone, "this batch normalization"),))


def _learns(use: Use) -> bool:
    args = use.args or {}
    frozen = "trainable" in args and args["trainable"].value is not True
    return "training" in args and args["training"].value is not False and not frozen


def _left_alone(program: Program) -> Origin | None:
    """The first batch normalization of Keras that is called in training mode, and not in a model that Keras trains."""
    trained = [model for model in program.models if model.events and holds_batchnorm(model)]
    cared_for = {call for model in trained for call in model.nodes}
    for layer in program.layers:
        learns = is_batchnorm(layer) and not is_frozen(layer) and layer.calls
        if learns and all(_trains(call) and call not in cared_for for call in layer.calls):
            return layer.origin
    return None


def _trains(call: Call) -> bool:
    return call.training.given and call.training.value is not False
