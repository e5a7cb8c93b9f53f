"""Drafts on a sheet, for a person to read one by one."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Sequence

from engine.evaluation.results import Result
from engine.records import Language
from engine.texts import text


def to_read(results: Sequence[Result], most: int) -> list[Result]:
    """At most `most` of the drafts that have a text, evenly over kinds and companies."""
    groups: dict[tuple[str, str], list[Result]] = defaultdict(list)
    for result in results:
        if result.status == "drafted":
            groups[(result.case.kind, result.company)].append(result)
    # Every kind in its turn, and within a kind every company in its, from another one on in each.
    kinds: dict[str, list[list[Result]]] = defaultdict(list)
    for (kind, _), group in sorted(groups.items()):
        kinds[kind].append(group)
    turns = []
    for place, companies in enumerate(kinds.values()):
        first = place * len(companies) // len(kinds)
        turns.append(list(_in_turn(companies[first:] + companies[:first])))
    return list(itertools.islice(_in_turn(turns), most))


def sheet(results: Sequence[Result], language: Language) -> str:
    """`results` as Markdown: what the customer wrote, the draft, a box to tick."""

    def say(key: str, **values: object) -> str:
        return text(f"evaluation.reading.{key}", language, **values)

    parts = [f"# {say('title', count=len(results))}\n\n{say('how')}\n"]
    for number, result in enumerate(results, start=1):
        seen = [text(f"evaluation.break.{one}", language) for one in result.breaks]
        lines = [f"## {number} · {result.company} · {result.case.id}\n"]
        for turn in result.case.turns:
            lines.append(f"- {text(f'evaluation.case.{turn.role}', language)} {_line(turn.text)}")
        lines += ["", *(f"> {line}" for line in result.text.splitlines()), ""]
        if seen:
            lines += [f"{say('seen')} {' · '.join(seen)}", ""]
        lines.append(f"- [ ] {say('broken')} ______")
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def _in_turn(groups: Iterable[Sequence[Result]]) -> Iterable[Result]:
    """The first of each group, then the second of each, until all are there."""
    for row in itertools.zip_longest(*groups):
        yield from (one for one in row if one is not None)


def _line(said: str) -> str:
    return " ".join(said.split())
