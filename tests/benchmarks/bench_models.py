"""How long bnlint takes for models, as ratios: `python tests/benchmarks/bench_models.py [--rounds N]`.

ResNet152, saved as .keras and .h5 and checked there, by a process that has no TensorFlow, against a process that
imports libcst, both taken in turns; and alive, against building it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

CHECKOUT = Path(__file__).parents[2]
LIMITS = {"model.keras": 3.0, "model.h5": 3.0, "alive": 0.1}

ALIVE = """
import json, sys, time
import keras
from bnlint import check_model
shares = []
for _ in range(int(sys.argv[2])):
    keras.backend.clear_session()
    begin = time.perf_counter()
    model = keras.applications.ResNet152(weights=None)
    built = time.perf_counter()
    report = check_model(model, config={})
    shares.append((time.perf_counter() - built) / (built - begin))
for suffix in (".keras", ".h5"):
    model.save(f"{sys.argv[1]}/model{suffix}")
print(json.dumps([shares, len(report)]))
"""

NO_TENSORFLOW = """
import sys
from bnlint import check_paths
report = check_paths(sys.argv[1:], config={}, jobs=1)
assert len(report) and not report.failures and not {"tensorflow", "keras"} & set(sys.modules)
"""


def timed(*command: str) -> float:
    """How many seconds a process takes."""
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    begin = time.perf_counter()
    subprocess.run([sys.executable, *command], env=environment, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begin


def alive(folder: str, rounds: int) -> float:
    """What checking costs, as a share of building; the model is left in the folder."""
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-c", ALIVE, folder, str(rounds)]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    shares, findings = json.loads(done.stdout.splitlines()[-1])
    assert findings
    return median(shares)


def main() -> int:
    """Measure, print, and return 1 where a limit is passed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    rounds: int = parser.parse_args().rounds
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        found["alive"] = alive(folder, rounds)
        for name in ("model.keras", "model.h5"):
            path = os.path.join(folder, name)
            timed("-c", NO_TENSORFLOW, path)
            pairs = [(timed("-c", NO_TENSORFLOW, path), timed("-c", "import libcst")) for _ in range(rounds)]
            found[name] = median(checked / imported for checked, imported in pairs)
    for name, ratio in found.items():
        print(f"{name:12} {ratio:5.2f}  (at most {LIMITS[name]})")
    return int(any(ratio > LIMITS[name] for name, ratio in found.items()))


if __name__ == "__main__":
    sys.exit(main())
