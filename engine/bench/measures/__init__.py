"""The measures: each takes a `Workbench` and returns its figures."""
