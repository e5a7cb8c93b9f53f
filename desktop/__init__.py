"""The window. PySide6 is imported below this package and nowhere else."""

from __future__ import annotations

import ctypes
import sys

# Workaround: the wheels of PySide6 6.12.0 are built for an immortal None (Python 3.12 and later):
# under 3.11 every void call takes one reference to None that it was not given, and after some
# thousand calls the interpreter aborts ("deallocating None"). So None gets references to spare.
# Can go when PySide6 6.12.0 or Python 3.11 is no longer supported.
if sys.implementation.name == "cpython" and sys.version_info < (3, 12):
    ctypes.c_ssize_t.from_address(id(None)).value += 1 << 60
