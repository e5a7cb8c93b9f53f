"""The engine process: `process.py` takes requests and answers them, `schedule.py` says in turn."""

from engine.worker.process import REFUSED, Worker, run

__all__ = ["REFUSED", "Worker", "run"]
