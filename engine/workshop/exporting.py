"""A version of a company's rules as one pack, to be taken to another desk."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from engine.redline.changes import Base, Change, Changes, checked, own_contexts
from engine.redline.packs import PackError, read_text
from engine.redline.rules import with_contexts
from engine.redline.schema import Pack, PackHead, Rule, Script
from engine.texts import Both

_LISTS = (("rule", "rules"), ("script", "scripts"))
_UNPRINTED: Final = re.compile("[\x7f-\x9f\ufffe\uffff]")
_OWNER: Final = 80


def packed(base: Base, changes: Changes, number: int, owner: str) -> str:
    """A pack that makes the same of `base` as `changes` do; comments are kept.

    Raises `RuleError` (by `Workshop.rule_set`, which is to be asked first) where they do not load.
    """
    head = PackHead(
        "company", max(number, 1), owner[:_OWNER] or "company", Both("公司规则", "Company rules")
    )
    off = [change.id for change in changes if not change.text]
    lines = ["pack: " + _flow(head)]
    if off:
        lines.append("switched_off: " + _flow(off))
    contexts, _ = own_contexts(changes)
    if contexts:
        lines.append("contexts:")
        for name, expressions in contexts.items():
            lines.append(f"  {name}: " + _flow(expressions))
    for kind, key in _LISTS:
        items = [one for one in changes if one.kind == kind and one.text]
        if items:
            lines.append(f"{key}:")
        for one in items:
            lines += _item(one, base, contexts)
    return "\n".join(lines) + "\n"


def _item(change: Change, base: Base, contexts: dict[str, tuple[str, ...]]) -> Iterator[str]:
    """One item of a list, as it is written where that says the same there, else written anew."""
    part = checked(change, base, contexts).rule
    borrowed = ("rule", change.id) not in base.homes and change.pack
    if isinstance(part, Rule) and borrowed and "@" in change.text:
        # It names contexts of another pack, which do not come with it.
        head = PackHead("company", 1, part.owner, Both("", ""))
        part = with_contexts(part, Pack(head, base.contexts(change) | contexts))
    else:
        lines = _indented(change.text)
        if part is not None and _says(lines, part):
            yield from lines
            return
    yield f"  - {_flow(part)}"


def _flow(value: object) -> str:
    """A value as JSON that YAML reads the same; YAML takes no control characters."""
    said = msgspec.json.encode(value).decode()
    return _UNPRINTED.sub(lambda found: f"\\u{ord(found[0]):04x}", said)


def _indented(text: str) -> list[str]:
    first, *rest = text.rstrip().split("\n")
    return [f"  - {first}", *(f"    {line}".rstrip() for line in rest)]


def _says(lines: list[str], part: Rule | Script) -> bool:
    kind: Any = tuple[Rule, ...] if isinstance(part, Rule) else tuple[Script, ...]
    try:
        found: object = read_text("\n".join(lines).encode(), kind)[0]
    except PackError:
        return False
    return found == (part,)
