"""The rules that are in force for the data folder, as commands use them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine import paths
from engine.cli.console import Session, say
from engine.texts import explain

if TYPE_CHECKING:
    from engine.redline.gate import Gate
    from engine.store.store import Store
    from engine.workshop.running import Running


def in_force(session: Session, store: Store | None = None) -> Running:
    """What runs; where a version does not load, that is said. Raises `RuleError`, `StoreError`."""
    from engine.workshop.running import RulesWatcher, running

    if store is not None:
        found = running(store, paths.RULES)
    else:
        looked = RulesWatcher(session.folder.database, paths.RULES).look()
        assert looked is not None
        found = looked
    if found.problem is not None:
        say(explain(found.problem, session.language))
    return found


def gate_of(session: Session, store: Store | None = None) -> Gate:
    """The gate of what runs; it compiles what it is first asked about."""
    from engine.redline.gate import Gate

    return Gate(in_force(session, store).rule_set, lazy=True)
