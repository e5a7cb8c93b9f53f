"""Decisions become training data; models are trained, measured and released."""
