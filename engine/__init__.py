"""Zuoxi without a window: knowledge, red line, drafting, store, learning. Never imports Qt."""

__version__ = "0.1.0"
