"""Our own corpus: policies with slots and the questions that rest on them, one file per trade.

``lots.json`` beside them says which trades were written together, by the same people on one
occasion: what is tried on a trade must not have learnt from any of its lot.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from engine.records import Turn

LOTS = "lots.json"

Kind = Literal["plain", "hard", "multiturn", "abstain", "attack", "overblock"]
Values = Mapping[str, str]

_SLOT = re.compile(r"\{(\w+)\}")
_CITED = re.compile(r"\[([A-Za-z][\w-]*)\]")
_DIGITS = re.compile(r"\d+")


class Policy(Struct, frozen=True, tag="policy"):
    """A piece of a company's knowledge; `slots` names what may stand in each brace of `text`."""

    id: str
    doc: str
    title: str
    section: str
    text: str
    slots: dict[str, list[str]] = {}


class Question(Struct, frozen=True, tag="question"):
    """A customer's question, the policies it rests on and two forms of its answer."""

    id: str
    kind: Kind
    policies: list[str]
    turns: list[Turn]
    answer: str = ""
    sentences: list[str] = []
    worry: str = ""
    reasoning: str = ""


class Trade(Struct, frozen=True):
    """All of one file: a made-up company's policies and the questions its customers ask.

    It was written in the lot `lot`, "" where that is not known.
    """

    name: str
    policies: dict[str, Policy]
    questions: tuple[Question, ...]
    lot: str = ""

    @property
    def english(self) -> bool:
        """Whether the file is in English."""
        return self.name.startswith("en_")


_LINE = msgspec.json.Decoder(Policy | Question)


def load_trades(folder: Path) -> tuple[list[Trade], list[str]]:
    """The trades in `folder` by name, and one line for every line that was skipped and why."""
    trades = []
    problems: list[str] = []
    noted = folder / LOTS
    lots = msgspec.json.decode(
        noted.read_bytes() if noted.is_file() else b"{}", type=dict[str, str]
    )
    for path in sorted(folder.glob("*.jsonl")):
        trade, found = load_trade(path)
        trades.append(replace(trade, lot=lots.get(trade.name, "")))
        problems += found
    return trades, problems


def in_lots(trades: Sequence[Trade], others: int) -> list[list[Trade]]:
    """`trades` by lot; those of none are dealt out to as many lots as `others` more."""
    lots: dict[str, list[Trade]] = {}
    unknown = [trade for trade in trades if not trade.lot]
    Random(4).shuffle(unknown)
    for trade in trades:
        lot = trade.lot or str(unknown.index(trade) % others)
        lots.setdefault(lot, []).append(trade)
    return list(lots.values())


def load_trade(path: Path) -> tuple[Trade, list[str]]:
    """One file; a line that cannot be used is named by its number and left out."""
    policies: dict[str, Policy] = {}
    questions = []
    problems = []
    for number, line in enumerate(path.read_bytes().split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            record = _LINE.decode(line)
            if isinstance(record, Policy):
                _check_policy(record, policies)
                policies[record.id] = record
            else:
                _check_question(record, policies)
                questions.append(record)
        except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as error:
            problems.append(f"{path.name}:{number}: skipped: {error}")
    return Trade(path.stem, policies, tuple(questions)), problems


def report(problems: Sequence[str]) -> None:
    """Prints every skipped line on stderr."""
    for problem in problems:
        print(problem, file=sys.stderr)


def draw_values(policy: Policy, random: Random, *, shuffle_digits: float = 0.0) -> dict[str, str]:
    """A value for every slot; with probability `shuffle_digits` its numbers become others."""
    values = {}
    for slot, choices in policy.slots.items():
        value = random.choice(choices)
        if random.random() < shuffle_digits:
            value = other_numbers(value, random)
        values[slot] = value
    return values


def other_numbers(text: str, random: Random) -> str:
    """`text` with each run of digits replaced by another of about its length."""

    def another(match: re.Match[str]) -> str:
        length = min(len(match[0]), 6)
        return str(random.randint(10 ** (length - 1) if length > 1 else 1, 10**length - 1))

    return _DIGITS.sub(another, text)


def fill(text: str, values: Values) -> str:
    """`text` with its slots filled; a slot without a value stays as it is."""
    return _SLOT.sub(lambda match: values.get(match[1], match[0]), text)


def fill_answer(answer: str, values: Mapping[str, Values], numbers: Mapping[str, int]) -> str:
    """`answer` with each clause filled from the policy cited behind it and ``[id]`` made ``[n]``.

    `values` are the slots' values by policy id, `numbers` the evidence numbers by policy id.
    """
    everything: dict[str, str] = {}
    for known in values.values():
        everything = {**known, **everything}
    parts = []
    start = 0
    for match in _CITED.finditer(answer):
        own = {**everything, **values.get(match[1], {})}
        parts.append(fill(answer[start : match.start()], own))
        if match[1] in numbers:
            parts.append(f"[{numbers[match[1]]}]")
        start = match.end()
    parts.append(fill(answer[start:], everything))
    return "".join(parts)


def holder(sentence: str, policies: Sequence[Policy]) -> Policy | None:
    """The policy that `sentence` (with slots) stands in."""
    return next((policy for policy in policies if sentence in policy.text), None)


def _check_policy(policy: Policy, known: Mapping[str, Policy]) -> None:
    if policy.id in known:
        raise ValueError(f"the id {policy.id} stands twice")
    for slot in _SLOT.findall(policy.text):
        if not policy.slots.get(slot):
            raise ValueError(f"the slot {slot} has no values")


def _check_question(question: Question, policies: Mapping[str, Policy]) -> None:
    if not question.turns or question.turns[-1].role != "customer":
        raise ValueError("the last turn is not the customer's")
    if missing := [name for name in question.policies if name not in policies]:
        raise ValueError(f"unknown policies {missing}")
    own = [policies[name] for name in question.policies]
    if lost := [text for text in question.sentences if holder(text, own) is None]:
        raise ValueError(f"stands in none of its policies: {lost[0]}")
