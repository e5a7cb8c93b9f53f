"""A rule's YAML and the form that shows it: what is changed in one is written into the other.

Only the lines of what was changed are written anew: the rest of the text, comments too, stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache
from typing import Any, Final

import msgspec

from desktop.widgets.workshop_values import NO_WORDS, RuleForm
from engine.errors import InputError
from engine.redline.packs import PackError, composed, read_text
from engine.redline.schema import Basis, Match, Rule
from engine.texts import Both

_WIDE: Final = 96
_ORDER: Final = tuple(field.name for field in msgspec.structs.fields(Rule))
_MATCH_ORDER: Final = tuple(field.name for field in msgspec.structs.fields(Match))
_LINES: Final = frozenset(
    ("expressions", "none_before", "none_after", "none_around", "must_hit", "must_miss", "basis")
)
_IN_MATCH: Final = frozenset(_MATCH_ORDER)
_SEPARATOR: Final = "｜"


def form_of(rule: Rule) -> RuleForm:
    """What the form shows of a rule."""
    match = rule.match
    return RuleForm(
        name=rule.name,
        sides=rule.sides,
        category=rule.category,
        level=rule.level,
        action=rule.action,
        words=match.words,
        groups=tuple(" / ".join(group) for group in match.all),
        within=match.within,
        ordered=match.ordered,
        expressions=match.expressions,
        none=match.none,
        near=match.near,
        none_before=match.none_before,
        none_after=match.none_after,
        none_around=match.none_around,
        channels=rule.evasion,
        why=rule.why,
        advice=rule.advice,
        script=rule.script or NO_WORDS,
        rewrite=rule.rewrite or NO_WORDS,
        shadow=rule.shadow,
        since=rule.effective.since.isoformat() if rule.effective.since else "",
        until=rule.effective.until.isoformat() if rule.effective.until else "",
        owner=rule.owner,
        basis=tuple(_SEPARATOR.join(filter(None, (b.law, b.article))) for b in rule.basis),
    )


def with_form(text: str, before: RuleForm, after: RuleForm) -> str:
    """`text` with everything in which `after` differs from `before` written into it.

    Raises `InputError` (`workshop_text`) where the text is no YAML mapping.
    """
    values: dict[tuple[str, ...], object] = {}
    for field in msgspec.structs.fields(RuleForm):
        now = getattr(after, field.name)
        if now != getattr(before, field.name):
            values |= _written(field.name, now, after)
    return with_values(text, values)


def with_examples(text: str, kind: str, examples: tuple[str, ...]) -> str:
    """`text` with other examples of a kind (`hit` or `miss`). Raises `InputError`."""
    return with_values(text, {(f"must_{kind}",): list(examples)})


def with_values(text: str, values: Mapping[tuple[str, ...], object]) -> str:
    """`text` with these values at their places; an empty one takes its key away."""
    for path, value in values.items():
        text = _with_value(text, path, value)
    return text


def written(rule: Mapping[str, Any]) -> str:
    """A rule as text, in the order and form in which this module writes."""
    parts = [_entry(key, rule[key], 0) for key in sorted(rule, key=_place(_ORDER))]
    return "".join(parts)


def new_rule(identity: str, chinese: str, english: str) -> str:
    """The text of a rule that somebody begins to write: it hints, and only on trial words."""
    return written(
        {
            "id": identity,
            "side": ["agent"],
            "category": "promise",
            "level": "L1",
            "action": "hint",
            "name": {"zh": chinese, "en": english},
            "why": {"zh": "", "en": ""},
            "advice": {"zh": "", "en": ""},
            "match": {"words": []},
            "must_hit": [],
            "must_miss": [],
        }
    )


def _written(name: str, value: Any, form: RuleForm) -> dict[tuple[str, ...], object]:
    if name == "sides":
        return {("side",): value[0] if len(value) == 1 else list(value)}
    if name == "groups":
        groups = [[w.strip() for w in line.split("/") if w.strip()] for line in value]
        return {("match", "all"): [group for group in groups if group]}
    if name == "channels":
        return {("evasion",): None if value is None else _Kept(list(value))}
    if name in ("since", "until"):
        days = {"from": _day(form.since), "until": _day(form.until)}
        return {("effective",): {key: day for key, day in days.items() if day is not None}}
    if name == "basis":
        return {("basis",): [_basis(line) for line in value if line.strip()]}
    if isinstance(value, Both):
        both = {"zh": value.zh, "en": value.en}
        optional = name in ("script", "rewrite")
        return {(name,): None if optional and not (value.zh or value.en) else both}
    if name in _IN_MATCH:
        defaults = {"within": 16, "near": 0, "ordered": False}
        plain = list(value) if isinstance(value, tuple) else value
        return {("match", name): None if plain == defaults.get(name, ()) else plain}
    return {(name,): None if value in ("", False) else value}


class _Kept(list[str]):
    """A list that stands there even when it is empty: no channel is not the same as all."""


def _day(words: str) -> object:
    if not words:
        return None
    try:
        return date.fromisoformat(words)
    except ValueError:
        return words


def _basis(line: str) -> dict[str, str]:
    law, _, article = line.replace("|", _SEPARATOR).partition(_SEPARATOR)
    made = msgspec.to_builtins(Basis(law.strip(), article.strip()))
    return {key: value for key, value in made.items() if value}


def _with_value(text: str, path: tuple[str, ...], value: object) -> str:
    wanted = _put(_read(text), path, value)
    made = _edited(text, path, value, wanted)
    if made is not None and _read(made) == wanted:
        return made
    # Written in a way in which lines cannot be told apart: all of it is written anew.
    return written(wanted)


def _put(rule: dict[str, Any], path: tuple[str, ...], value: object) -> dict[str, Any]:
    key, rest = path[0], path[1:]
    made = dict(rule)
    if rest:
        inner = made.get(key)
        value = _put(inner if isinstance(inner, dict) else {}, rest, value)
    if _empty(value) and not (key in ("must_hit", "must_miss", "match") and key in rule):
        made.pop(key, None)
    else:
        made[key] = list(value) if isinstance(value, _Kept) else value
    return made


def _edited(text: str, path: tuple[str, ...], value: object, wanted: dict[str, Any]) -> str | None:
    """The text with the lines of one entry replaced; None where it is not written in lines."""
    key = path[0]
    lines = text.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    spans = _entries(text)
    if spans is None:
        return None
    if path[1:] and key in spans:
        start, end = spans[key]
        inner = _inner(lines[start + 1 : end])
        if inner is not None:
            first = lines[start].partition("#")[0].rstrip()
            if first == f"{key}:":
                indent, body = inner
                changed = _edited(body, path[1:], value, wanted.get(key, {}))
                if changed is not None:
                    pad = " " * indent
                    put = [f"{pad}{line}" if line.strip() else line for line in _cut(changed)]
                    return "".join([*lines[: start + 1], *put, *lines[end:]])
    entry = _entry(key, wanted[key], 0) if key in wanted else ""
    if key in spans:
        start, end = spans[key]
        return "".join([*lines[:start], entry, *lines[end:]])
    if not entry:
        return text
    order = _place(_MATCH_ORDER if key in _IN_MATCH and "id" not in spans else _ORDER)
    before = [end for other, (_, end) in spans.items() if order(other) < order(key)]
    at = max(before, default=0)
    return "".join([*lines[:at], entry, *lines[at:]])


def _inner(lines: list[str]) -> tuple[int, str] | None:
    """The lines of a nested mapping without their indent."""
    indents = [len(line) - len(line.lstrip(" ")) for line in lines if line.strip()]
    if not indents or min(indents) == 0:
        return None
    indent = min(indents)
    return indent, "".join(line[indent:] if line.strip() else line for line in lines)


def _cut(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def _entries(text: str) -> dict[str, tuple[int, int]] | None:
    """The lines of each entry of a block mapping, first and last exclusive."""
    import yaml

    try:
        node = composed(text.encode("utf-8", "replace"))
    except PackError:
        return None
    if not isinstance(node, yaml.MappingNode) or node.flow_style:
        return None
    starts = [(key.value, key.start_mark.line) for key, _ in node.value]
    if len({line for _, line in starts}) != len(starts):
        return None
    lines = text.splitlines()
    bounds = [line for _, line in starts[1:]] + [len(lines)]
    spans: dict[str, tuple[int, int]] = {}
    for (key, start), bound in zip(starts, bounds, strict=True):
        end = bound
        # Comments and blank lines above the next key belong to it.
        while end > start + 1 and (not lines[end - 1].strip() or lines[end - 1].startswith("#")):
            end -= 1
        spans[str(key)] = (start, end)
    return spans


def _read(text: str) -> dict[str, Any]:
    try:
        return read_text(text.encode("utf-8", "replace"), dict[str, Any])[0]
    except PackError as error:
        raise _no_rule() from error


def _no_rule() -> InputError:
    return InputError(
        "The rule's text is not valid YAML, so the form cannot be written into it. What was typed "
        "is kept; correct the text first.",
        "workshop_text",
    )


def _empty(value: object) -> bool:
    return not isinstance(value, _Kept) and (value is None or value in ("", [], {}))


@cache
def _place(order: tuple[str, ...]) -> Any:
    places = {name: at for at, name in enumerate(order)}
    return lambda key: (places.get(key, len(places)), key)


def _entry(key: str, value: Any, indent: int) -> str:
    """One entry of a mapping: wordings in lines of some length, expressions a line each."""
    pad = " " * indent
    if isinstance(value, dict) and key == "match":
        if not value:
            return f"{pad}{key}: {{}}\n"
        inner = sorted(value, key=_place(_MATCH_ORDER))
        return f"{pad}{key}:\n" + "".join(_entry(one, value[one], indent + 2) for one in inner)
    if isinstance(value, list) and value and key in _LINES:
        return f"{pad}{key}:\n" + "".join(f"{pad}  - {_flow(one)}\n" for one in value)
    flow = _flow(value)
    if isinstance(value, list) and len(flow) + len(key) > _WIDE:
        return f"{pad}{key}:\n" + _wrapped(value, pad + "  ")
    return f"{pad}{key}: {flow}\n"


def _wrapped(values: list[Any], pad: str) -> str:
    """A list in as many lines as it takes, so that a change shows in a diff."""
    lines: list[str] = []
    line = f"{pad}["
    for at, one in enumerate(values):
        # Written as part of a list: some characters have to be quoted there only.
        word = _flow([one])[1:-1] + ("," if at < len(values) - 1 else "]")
        if len(line) + len(word) > _WIDE and line.strip() != "[":
            lines.append(line)
            line = f"{pad} "
        line += word if line.endswith(("[", f"{pad} ")) else f" {word}"
    return "\n".join([*lines, line]) + "\n"


def _flow(value: object) -> str:
    import yaml

    dumped = yaml.safe_dump(
        value, default_flow_style=True, allow_unicode=True, width=10**9, sort_keys=False
    )
    return str(dumped).removesuffix("...\n").rstrip("\n")
