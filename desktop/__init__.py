"""The window. PySide6 is imported below this package and nowhere else."""

# Before PySide6, which reads the source of every module that is imported after it.
import string  # noqa: F401

import engine.channels.replay
import engine.deciding
import engine.drafting.style
import engine.redline.rules
import engine.settings
import engine.store.store  # noqa: F401
