"""The command line: everything the window does, without a window. See `zuoxi --help`.

One file per group of commands; `console.py` holds how they speak, `__main__` how they start. The
window alone is opened without loading any of them: a person waits for it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. 0: done, 1: refused or failed and explained, 2: wrong usage."""
    from engine.cli.opening import plain_window

    given = list(sys.argv[1:] if arguments is None else arguments)
    opened = plain_window(given)
    if opened is not None:
        return opened()
    from engine.cli.app import main as whole

    return whole(given)
