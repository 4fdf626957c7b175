"""Write bnlint/doors/signatures.py from the installed Keras: python scripts/make_signatures.py"""

from __future__ import annotations

import inspect
import pathlib

import keras

HEADER = '''"""The constructor parameters of Keras's layers: written by scripts/make_signatures.py."""

from __future__ import annotations

SIGNATURES: dict[str, str] = {
'''


def signature(cls: type) -> str:
    """The constructor's named parameters as source text, without `self`."""
    parameters = list(inspect.signature(cls.__init__).parameters.values())[1:]
    named = [p for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
    return ", ".join(p.name if p.default is p.empty else f"{p.name}={p.default!r}" for p in named)


def render() -> str:
    """The module's text."""
    layers = {
        name: cls
        for name, cls in sorted(vars(keras.layers).items())
        if inspect.isclass(cls) and issubclass(cls, keras.layers.Layer)
    }
    rows = "".join(f'    "{name}": "{signature(cls)}",\n' for name, cls in layers.items())
    return HEADER + rows + "}\n"


if __name__ == "__main__":
    target = pathlib.Path(__file__).parent.parent / "bnlint" / "doors" / "signatures.py"
    target.write_text(render(), encoding="utf-8")
