"""The engine process as its owner sees it: `EngineClient` starts, asks, restarts and ends it.

`client.py` holds the client with its two threads, `life.py` what belongs to one process,
`requests.py` what waits for its answer.
"""

from engine.client.client import ATTEMPTS, EngineClient
from engine.client.life import Patience, uninterrupted

__all__ = ["ATTEMPTS", "EngineClient", "Patience", "uninterrupted"]
