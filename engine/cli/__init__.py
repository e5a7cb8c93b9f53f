"""The command line: everything the window does, without a window. See `zuoxi --help`.

One file per group of commands; `console.py` holds how they speak, `__main__` how they start.
"""

from engine.cli.app import main

__all__ = ["main"]
