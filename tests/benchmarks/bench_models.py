"""What pictures and checks of a large model cost: python tests/benchmarks/bench_models.py

check: `check_model` of ResNet152, over building it, in one process; a tenth was the aim when this was written.
picture: `bnlint graph --format svg` of ResNet50, over the same with `--format text`, each a process of its own.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

ROUNDS = 5

CHECK = """
import time, keras, bnlint
start = time.perf_counter()
model = keras.applications.ResNet152(weights=None)
built = time.perf_counter()
bnlint.check_model(model, config={})
print((time.perf_counter() - built) / (built - start))
"""


def checked() -> float:
    """The share of checking a model."""
    done = subprocess.run([sys.executable, "-c", CHECK], capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def seconds(form: str) -> float:
    """How long one picture or text takes."""
    spec = importlib.util.find_spec("keras")
    if spec is None or spec.origin is None:
        sys.exit("keras is not installed: pip install -e '.[test]'")
    path = Path(spec.origin).parent / "src" / "applications" / "resnet.py"
    command = [sys.executable, "-m", "bnlint", "graph", str(path), "--entry", "ResNet50(weights=None)"]
    start = time.perf_counter()
    subprocess.run([*command, "--format", form], capture_output=True, check=True)
    return time.perf_counter() - start


def main() -> None:
    """Measure in turns, and print the medians."""
    pairs = [(seconds("svg") / seconds("text"), checked()) for _ in range(ROUNDS)]
    for name, values in zip(("picture", "check"), zip(*pairs, strict=True), strict=True):
        print(f"{name:8}{median(values):.3f}   {' '.join(f'{value:.3f}' for value in sorted(values))}")


if __name__ == "__main__":
    main()
