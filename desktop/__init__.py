"""The window. PySide6 is imported below this package and nowhere else."""

from desktop import garbage, qt_loading

garbage.look_seldom()  # Until the window has its first frame.
qt_loading.load()
