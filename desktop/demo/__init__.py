"""The sample company, served by itself through the real window with no screen.

`play.py` is the story, `hands.py` presses the keys, `record.py` keeps what happened.
"""

from desktop.demo.play import main

__all__ = ["main"]
