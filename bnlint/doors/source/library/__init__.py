"""What the symbols and methods of libraries do. Each module of this folder puts its handlers into the registry."""

import importlib
import pkgutil

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
