"""What Keras is, as data: a row a layer, activation, function of keras.ops, tf.nn or tf.math, and application.

Whoever asks a fact of Keras asks a row. Nothing here knows the graph, or imports Keras.
"""

from .applications import APPLICATIONS, LAST_BATCHNORM, WITH_BATCHNORM, Application
from .functions import FUNCTIONS, operation
from .layers import LAYERS, is_layer, kind_of, parameters
from .lookup import NOTHING, kinds, row, rows
from .row import Asked, Role, Row, Shape

__all__ = [
    "APPLICATIONS",
    "FUNCTIONS",
    "LAST_BATCHNORM",
    "LAYERS",
    "NOTHING",
    "WITH_BATCHNORM",
    "Application",
    "Asked",
    "Role",
    "Row",
    "Shape",
    "is_layer",
    "kind_of",
    "kinds",
    "operation",
    "parameters",
    "row",
    "rows",
]
