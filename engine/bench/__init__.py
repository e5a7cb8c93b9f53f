"""How fast it is, each figure beside a peer or limit measured in the same run.

`suite.py` lists the measures, `measures/` holds them, `runner.py` runs each in a process of its own
that may crash or hang. To add one: a function in `measures/` that takes a `Workbench` and returns
figures, a line in `suite.py`, and its words in ``assets/texts/bench.yaml``.
"""
