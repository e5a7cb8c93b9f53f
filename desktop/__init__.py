"""The window. PySide6 is imported below this package and nowhere else."""
