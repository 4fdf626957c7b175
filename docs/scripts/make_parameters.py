"""Write bnlint/catalog/parameters.py from the installed Keras 3 and tf_keras: python docs/scripts/make_parameters.py"""

from __future__ import annotations

import importlib
import inspect
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from bnlint.catalog.functions import camel, operation
from bnlint.catalog.layers import LAYERS, kind_of

HEADER = '''"""The parameters of Keras's layers and functions: written by docs/scripts/make_parameters.py.

Of Keras 2, those of layers that Keras 3 has not, or has with other parameters.
"""

from __future__ import annotations
'''


def signature(function: Any, skip: int = 0) -> str:
    """The named parameters as source text, without the first `skip`."""
    parameters = list(inspect.signature(function).parameters.values())[skip:]
    named = [p for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
    return ", ".join(p.name if p.default is p.empty else f"{p.name}={p.default!r}" for p in named)


def signatures(library: str) -> dict[str, str]:
    """The parameters of a library's layers and functions, by their kind."""
    keras = importlib.import_module(library)
    layers = {name: cls for name, cls in vars(keras.layers).items() if inspect.isclass(cls)}
    found = {
        kind_of(name): signature(cls.__init__, skip=1)
        for name, cls in layers.items()
        if issubclass(cls, keras.layers.Layer) and kind_of(name) == name
    }
    spaces = (getattr(keras, "ops", None), keras.activations)
    functions = {name: one for space in spaces[::-1] if space for name, one in vars(space).items() if callable(one)}
    for name, function in sorted(functions.items(), key=lambda pair: operation(pair[0]) != camel(pair[0])):
        if name not in ("get", "serialize", "deserialize") and not name.startswith("_"):
            found.setdefault(operation(name), signature(function))
    return found


def table(name: str, rows: dict[str, str]) -> str:
    """A dictionary as source text."""
    lines = "".join(f'    "{kind}": "{text}",\n' for kind, text in sorted(rows.items()))
    return f"\n{name}: dict[str, str] = {{\n{lines}}}\n"


def main() -> None:
    """Ask each library in a process of its own."""
    if len(sys.argv) > 1:
        print(json.dumps(signatures(sys.argv[1])))
        return
    found = {}
    for library in ("keras", "tf_keras"):
        environment = {
            **os.environ,
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "TF_USE_LEGACY_KERAS": str(int(library == "tf_keras")),
        }
        command = [sys.executable, __file__, library]
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
        found[library] = json.loads(done.stdout.splitlines()[-1])
    third = found["keras"]
    second = {kind: text for kind, text in found["tf_keras"].items() if kind in LAYERS and third.get(kind) != text}
    target = Path(__file__).parents[2] / "bnlint" / "catalog" / "parameters.py"
    target.write_text(HEADER + table("KERAS_3", third) + table("KERAS_2", second), encoding="utf-8")


if __name__ == "__main__":
    main()
