"""Trying a text under two rule sets, again and again while somebody types."""

from __future__ import annotations

import threading

from msgspec import Struct

from engine.records import Screening
from engine.redline.gate import Gate
from engine.redline.schema import RuleSet

_REMEMBERED = 3


class Tried(Struct, frozen=True):
    """One text under the rules in force and under the draft's."""

    former: Screening
    changed: Screening


class GateCache:
    """The gates of the last few rule sets that were asked for. Safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._gates: dict[str, Gate] = {}

    def of(self, rule_set: RuleSet) -> Gate:
        """The gate of a set, which compiles what it is first asked about."""
        with self._lock:
            gate = self._gates.pop(rule_set.version, None) or Gate(rule_set, lazy=True)
            self._gates[rule_set.version] = gate
            while len(self._gates) > _REMEMBERED:
                del self._gates[next(iter(self._gates))]
            return gate
