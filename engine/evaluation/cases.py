"""Cases: conversations with what a good reply to them must show; and whether one does."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import date
from typing import Literal

import msgspec
from msgspec import Struct

from engine.records import DraftStatus, Turn

Expected = Literal["draft", "abstain", "handover"]
Flaw = Literal["error", "status", "facts", "forbidden", "unsupported", "long"]

MOST_CHARACTERS = 240
MOST_WORDS = 130

_STATUS: dict[Expected, DraftStatus] = {
    "draft": "drafted",
    "abstain": "abstained",
    "handover": "handover",
}
_ASIDE = re.compile(r"[\s*]")
_MARKS = re.compile(r"\[\d{1,2}\]|\*")
_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_LATIN = re.compile(r"[A-Za-z]+(?:['’-][A-Za-z]+)*")
_VISIBLE = re.compile(r"\S")
_WORD = re.compile(r"\S+")


class _Said(Struct, frozen=True):
    role: Literal["customer", "agent"]
    text: str


class Case(Struct, frozen=True):
    """One conversation, whose last turn is the customer's, and what a good reply shows.

    Of each inner list of `facts` one wording must stand in the reply, of `forbid` none may.
    `gold_docs` are the documents that hold the answer. Empty `as_of` means today.
    """

    turns: list[_Said]
    id: str | int = ""
    kind: str = ""
    as_of: str = ""
    gold_docs: list[str] = []
    facts: list[list[str]] = []
    forbid: list[str] = []
    expect: Expected = "draft"

    @property
    def conversation(self) -> tuple[Turn, ...]:
        """The turns as drafting takes them."""
        return tuple(Turn(turn.role, turn.text) for turn in self.turns)

    @property
    def question(self) -> str:
        """What the customer wrote since anybody answered."""
        newest: list[str] = []
        for turn in reversed(self.turns):
            if turn.role != "customer":
                break
            newest.append(turn.text)
        return "\n".join(reversed(newest))

    @property
    def day(self) -> str:
        """The day asked for, as an ISO date."""
        return self.as_of or date.today().isoformat()


class Malformed(Struct, frozen=True):
    """A line that is no case: its number in the file, and what is wrong with it."""

    line: int
    why: str


class Cases(Struct, frozen=True):
    """What a file of cases holds: the sound ones, in order, and the lines that were skipped."""

    cases: tuple[Case, ...] = ()
    skipped: tuple[Malformed, ...] = ()


class Outcome(Struct, frozen=True):
    """What came of a case: by the app or by a peer. `unsupported`: stretches without evidence."""

    status: DraftStatus
    text: str = ""
    unsupported: tuple[str, ...] = ()


class Judgement(Struct, frozen=True):
    """Whether an outcome solves its case, and if not, all that is wrong with it.

    `missing` are the facts not there (all wordings of each), `forbidden` the wordings that are.
    """

    solved: bool
    flaws: tuple[Flaw, ...] = ()
    missing: tuple[tuple[str, ...], ...] = ()
    forbidden: tuple[str, ...] = ()


def read_cases(lines: Iterable[tuple[int, str]]) -> Cases:
    """The cases in numbered `lines` of JSON. One that is none is skipped and named, with why."""
    cases: list[Case] = []
    skipped: list[Malformed] = []
    for number, line in lines:
        try:
            cases.append(_case(line))
        except (ValueError, msgspec.MsgspecError) as error:
            skipped.append(Malformed(number, " ".join(str(error).split())[:200]))
    return Cases(tuple(cases), tuple(skipped))


def _case(line: str) -> Case:
    case = msgspec.json.decode(line.encode("utf-8", "strict"), type=Case)
    if not case.turns or case.turns[-1].role != "customer":
        raise ValueError("turns must end with the customer's")
    if case.as_of:
        date.fromisoformat(case.as_of)
    if any(not folded(wording) for wordings in [*case.facts, case.forbid] for wording in wordings):
        raise ValueError("a wording in facts or forbid is empty")
    if not all(case.facts):
        raise ValueError("a fact has no wording")
    return case


def judge(case: Case, outcome: Outcome) -> Judgement:
    """Whether `outcome` solves `case`.

    It does when the status is the expected one, of every fact one wording stands in the text and
    nothing forbidden does (spaces and ``*`` aside, full width folded), nothing in it is
    unsupported, and it is short enough to send.
    """
    said = folded(outcome.text)
    missing = tuple(
        tuple(wordings)
        for wordings in case.facts
        if not any(folded(wording) in said for wording in wordings)
    )
    forbidden = tuple(wording for wording in case.forbid if folded(wording) in said)
    flaws: list[Flaw] = []
    if outcome.status == "failed":
        flaws.append("error")
    elif outcome.status != _STATUS[case.expect]:
        flaws.append("status")
    if missing:
        flaws.append("facts")
    if forbidden:
        flaws.append("forbidden")
    if outcome.unsupported:
        flaws.append("unsupported")
    if too_long(outcome.text):
        flaws.append("long")
    return Judgement(not flaws, tuple(flaws), missing, forbidden)


def folded(text: str) -> str:
    """`text` as facts are looked for in it: full width folded, without spaces and asterisks."""
    return _ASIDE.sub("", unicodedata.normalize("NFKC", text))


def too_long(text: str) -> bool:
    """Whether `text` has more than 240 characters, where it is Chinese, or 130 words.

    All that is visible counts; citation marks and asterisks, which no customer sees, do not.
    """
    plain = _MARKS.sub("", text)
    pattern, most = _measure(plain)
    return len(pattern.findall(plain)) > most


def cut(text: str) -> str:
    """The beginning of `text` that is short enough to send."""
    pattern, most = _measure(text)
    ends = [match.end() for match in pattern.finditer(text)]
    return text if len(ends) <= most else text[: ends[most - 1]]


def is_chinese(text: str) -> bool:
    """Whether `text` has at least as many Chinese characters as Latin words."""
    han = len(_HAN.findall(text))
    return han > 0 and han >= len(_LATIN.findall(text))


def _measure(text: str) -> tuple[re.Pattern[str], int]:
    return (_VISIBLE, MOST_CHARACTERS) if is_chinese(text) else (_WORD, MOST_WORDS)
