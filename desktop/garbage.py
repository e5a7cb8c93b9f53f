"""How Python looks for garbage: seldom while a window is being made, later only in what is new."""

from __future__ import annotations

import gc
from typing import Final

_USUAL: Final = gc.get_threshold()
# What a window is made of is 35,000 objects and no garbage. Python's own 700 would look through
# them seventy times, which takes 10 ms.
_SELDOM: Final = 50_000


def look_seldom() -> None:
    """From now on, look only after very many new objects."""
    gc.set_threshold(_SELDOM, *_USUAL[1:])


def look_as_usual() -> None:
    """From now on, look as often as Python does by itself."""
    gc.set_threshold(*_USUAL)


def pass_over() -> None:
    """What stands now is no garbage and will hardly be: look through it no more.

    To look through all of it again and again would stop the window for 50 ms each time.
    """
    gc.freeze()
