"""Rule packs of a few words each, as tests need them."""

from __future__ import annotations

from collections.abc import Mapping


def pack(id: str, *parts: str) -> str:
    """A pack of rules, with whatever else stands behind them."""
    head = f"pack: {{id: {id}, version: 1, owner: 测试组, title: {{zh: 测试规则, en: Test rules}}}}"
    return "\n".join([head, "rules:", *parts, ""])


def rule(
    id: str,
    words: str,
    *,
    side: str = "agent",
    category: str = "tone",
    level: str = "L3",
    action: str = "block",
    name: tuple[str, str] = ("", ""),
    more: Mapping[str, str] | None = None,
) -> str:
    """A rule that finds `words` (separated by commas, each one an example that it must hit)."""
    zh, en = name[0] or id, name[1] or id
    fields = {
        "id": id,
        "side": side,
        "category": category,
        "level": level,
        "action": action,
        "name": f"{{zh: {zh}, en: {en}}}",
        "why": f"{{zh: 有{zh}, en: '{en}'}}",
        "advice": "{zh: 改一改, en: Change it}",
        "match": f"{{words: [{words}]}}",
        "must_hit": f"[{words}]",
        "must_miss": "[你好]",
        **(more or {}),
    }
    lines = [f"    {key}: {value}" for key, value in fields.items()]
    return "  - " + "\n".join(lines).lstrip()


INSULT = rule("insult", "蠢货", name=("辱骂", "Insult"))
"""What an agent may send only once a lead has approved it."""
