"""Measures what the cards claim about Keras, as JSON: python tests/keras_claims keras|tf_keras [PART…]."""

from __future__ import annotations

import importlib
import json
import sys

from bench import Bench, Measured

PARTS = ("construction", "placement", "batch", "mode")

bench = Bench(sys.argv[1])
everything: Measured = {"major": bench.major, "version": bench.keras.__version__}
for part in sys.argv[2:] or PARTS:
    for measure in importlib.import_module(part).CLAIMS:
        everything.update(measure(bench))
print(json.dumps(everything))
