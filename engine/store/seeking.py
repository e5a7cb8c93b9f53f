"""Which hits somebody looks for, and how SQLite finds them."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from engine.records import Level, Side

Judged = Literal["unjudged", "right", "false_alarm", "missed"]


class Sought(Struct, frozen=True):
    """Which hits to look for; what is left out matches all.

    `since` and `until` are epoch seconds, the second not included. `appealed`: only those with an
    appeal that nobody has answered. `trial`: only hits of rules on trial, or only of others.
    """

    rule: str = ""
    category: str = ""
    level: Level | None = None
    side: Side | None = None
    agent: str = ""
    verdict: Judged | None = None
    since: float | None = None
    until: float | None = None
    appealed: bool = False
    trial: bool | None = None


def places_of(sought: Sought, after: int | None = None) -> tuple[str, dict[str, object]]:
    """The query for where all hits that match are (`seq`), newest first, and its values.

    With `after`, only of hits that came before that one. Of the indexes it takes the one that has
    the fewest rows to look at in the order of `seq`.
    """
    parts, values, index = ["1"], dict[str, object](), "hits_for_review"
    for name in ("category", "level", "side"):
        if getattr(sought, name):
            parts.append(f"{name} = :{name}")
            values[name] = getattr(sought, name)
    if sought.since is not None:
        parts.append("at >= :since")
        values["since"] = sought.since
    if sought.until is not None:
        parts.append("at < :until")
        values["until"] = sought.until
    if sought.trial is not None:
        parts.append("trial = :trial")
        values["trial"] = sought.trial
    if sought.appealed:
        parts.append(
            "seq IN (SELECT hits.seq FROM appeals JOIN hits ON hits.id = appeals.hit "
            "WHERE appeals.answered_at IS NULL)"
        )
    if after is not None:
        parts.append("seq < :after")
        values["after"] = after
    if sought.verdict is not None:
        parts.append("verdict = :verdict")
        values["verdict"] = "" if sought.verdict == "unjudged" else sought.verdict
    if sought.agent:
        parts.append("agent = :agent")
        values["agent"] = sought.agent
    if sought.rule:
        parts.append("rule = :rule")
        values["rule"] = sought.rule
    given = frozenset(values) - {"after"}
    if sought.appealed or not given:
        index = "hits_for_review"
    elif "rule" in given and given <= {"rule", "verdict", "since", "until"}:
        index = "hits_by_rule"
    elif given in ({"agent"}, {"verdict"}):
        index = f"hits_by_{next(iter(given))}"
    condition = " AND ".join(parts)
    return f"SELECT seq FROM hits INDEXED BY {index} WHERE {condition} ORDER BY seq DESC", values
