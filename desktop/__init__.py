"""The window. PySide6 is imported below this package and nowhere else."""

from desktop import qt_loading

qt_loading.load()
