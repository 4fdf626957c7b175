"""Measures what the cards claim about Keras, and prints it as JSON: python tests/keras_claims keras|tf_keras."""

from __future__ import annotations

import json
import sys

import batch
import construction
import mode
import placement
from bench import Bench, Measured

bench = Bench(sys.argv[1])
everything: Measured = {"major": bench.major, "version": bench.keras.__version__}
for part in (construction, placement, batch, mode):
    for measure in part.CLAIMS:
        everything.update(measure(bench))
print(json.dumps(everything))
