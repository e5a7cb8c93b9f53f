"""Rules with texts that nobody reads, for tests of what rules find."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from engine.redline.schema import Match, Rule
from engine.texts import Both

_SAID = Both("规则", "rule")
_ANY = Rule("t.one", "agent", "t", "L3", "block", _SAID, _SAID, _SAID, Match())


def made(match: Match, **fields: Any) -> Rule:
    """A rule `t.one` of the agent's side that blocks at L3, unless `fields` say otherwise."""
    return replace(_ANY, match=match, **fields)
