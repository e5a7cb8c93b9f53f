"""The window. PySide6 is imported below this package and nowhere else."""

import builtins

# Workaround: PySide6 puts a hook into every later import that reads the imported module's source,
# to see whether it may want ``from __feature__ import …``. Nothing here does, and it costs 10 ms.
_plain = builtins.__import__
import shiboken6  # noqa: E402, F401

builtins.__import__ = _plain
