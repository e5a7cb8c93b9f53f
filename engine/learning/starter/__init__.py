"""Recipes of the starter models: the generator and the embedder that ship with the program."""
