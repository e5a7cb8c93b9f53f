"""sqlite-utils, without the libraries that it loads only to know their types."""

from __future__ import annotations

import sys

# Workaround: where numpy and pandas are installed, importing sqlite-utils 4.2 imports them too,
# which costs the desk a second and 100 MB for column types that the store never uses.
_unwanted = [name for name in ("numpy", "pandas") if name not in sys.modules]
sys.modules.update(dict.fromkeys(_unwanted))  # type: ignore[arg-type]
try:
    from sqlite_utils import Database
finally:
    for name in _unwanted:
        del sys.modules[name]

__all__ = ["Database"]
