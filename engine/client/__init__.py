"""The engine process as its owner sees it: `EngineClient` starts, asks, restarts and ends it.

`client.py` holds the client with its two threads, `life.py` what belongs to one process.
"""

from engine.client.client import ATTEMPTS, EngineClient
from engine.client.life import uninterrupted

__all__ = ["ATTEMPTS", "EngineClient", "uninterrupted"]
