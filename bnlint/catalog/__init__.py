"""What Keras is, as data: a row a layer, activation, function of keras.ops, tf.nn or tf.math, and application.

Whoever asks a fact of Keras asks a row. Nothing here knows the graph, or imports Keras.
"""

from .applications import APPLICATIONS, LAST_BATCHNORM, WITH_BATCHNORM, Application
from .functions import FUNCTIONS, names_of, operation
from .layers import LAYERS, MARKS, is_layer, is_silent, kind_of, parameters
from .lookup import NOTHING, kinds, row, rows
from .optimizers import OPTIMIZERS, Optimizer, optimizer
from .row import Asked, Role, Row, Shape

__all__ = [
    "APPLICATIONS",
    "FUNCTIONS",
    "LAST_BATCHNORM",
    "LAYERS",
    "MARKS",
    "NOTHING",
    "OPTIMIZERS",
    "WITH_BATCHNORM",
    "Application",
    "Asked",
    "Optimizer",
    "Role",
    "Row",
    "Shape",
    "is_layer",
    "is_silent",
    "kind_of",
    "kinds",
    "names_of",
    "operation",
    "optimizer",
    "parameters",
    "row",
    "rows",
]
