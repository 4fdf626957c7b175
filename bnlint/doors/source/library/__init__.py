"""What the symbols and methods of libraries do. Each module puts its handlers into the registry when it is imported."""

from . import (
    builtins,
    datasets,
    functions,
    layers,
    methods,
    models,
    sequential,
    stdlib,
    subclasses,
    tensorflow,
    training,
)

__all__ = [
    "builtins",
    "datasets",
    "functions",
    "layers",
    "methods",
    "models",
    "sequential",
    "stdlib",
    "subclasses",
    "tensorflow",
    "training",
]
