"""What a function is there for, as far as its name says it."""

from __future__ import annotations

import re
from functools import lru_cache

_INFERENCE = frozenset(
    {
        *("predict", "prediction", "predictions", "evaluate", "eval", "evaluation", "generate", "infer", "inference"),
        *("export", "serve", "serving", "val", "validate", "validation"),
    }
)
_TRAINING = frozenset({"train", "training", "fit", "optimize", "update"})
_LOADS = re.compile(r"load.*weights|weights.*load|(restore|pretrained).*weights")
_TEST_LOOPS = re.compile(r"test(_?(step|epoch|loop|phase|fn|one_(step|epoch|batch)))?$")


@lru_cache(maxsize=4096)
def purpose_of(name: str) -> str | None:
    """What a function of this name is there for: "inference", "training" or None. A pytest function is for neither."""
    name = name.lower().strip("_")
    if name.startswith("test"):
        return "inference" if _TEST_LOOPS.match(name) else None
    words = set(name.split("_"))
    if words & _TRAINING:
        return "training"
    return "inference" if words & _INFERENCE else None


@lru_cache(maxsize=4096)
def loads_weights(name: str) -> bool:
    """Whether a function of this name loads weights into what it is given."""
    return "weights" in name and _LOADS.search(name) is not None
