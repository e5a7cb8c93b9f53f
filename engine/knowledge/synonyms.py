"""Everyday wordings and the policies' own: 邮费 is what the policy calls 运费.

The table is data (``assets/synonyms``, one group a line, see its README) that an operator adds to
in ``synonyms.txt`` of the knowledge folder. A line that cannot be read is left out and reported.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path

from msgspec import Struct

from engine import paths
from engine.knowledge.grams import fold

OWN_TABLE = "synonyms.txt"
SEPARATOR = re.compile(r"[,，、]")
_LATIN = re.compile(r"[a-z0-9]{2}")
LONGEST = 40
_MOST_FOUND = 12


class BadLine(Struct, frozen=True):
    """A line of a table that was left out."""

    file: str
    line: int


class Wordings(Struct, frozen=True):
    """An everyday wording in a text (`start`, `end`) and how policies may put it."""

    start: int
    end: int
    policies: tuple[str, ...]


class Synonyms:
    """The table, ready to be looked up in."""

    def __init__(self, groups: Mapping[str, tuple[str, ...]]) -> None:
        from ahocorasick_rs import AhoCorasick, MatchKind

        self._groups = groups
        self._everyday = list(groups)
        # The longest of those that begin at a place: 来回的运费 is not read as 运费.
        self._automaton = AhoCorasick(self._everyday, matchkind=MatchKind.LeftmostLongest)

    def __len__(self) -> int:
        return sum(len(policies) for policies in self._groups.values())

    def policies(self) -> frozenset[str]:
        """Every wording of policies, folded."""
        return frozenset(policy for each in self._groups.values() for policy in each)

    def of(self, wording: str) -> tuple[str, ...]:
        """How policies put that very wording, which is to be `fold`ed before."""
        return self._groups.get(wording, ())

    def find(self, text: str) -> list[Wordings]:
        """The everyday wordings in `text`, from left to right; `text` is to be `fold`ed before."""
        found = []
        for index, start, end in self._automaton.find_matches_as_indexes(text):
            # In Latin letters whole words only.
            if not (_LATIN.search(text[start - 1 : start + 1]) and start) and not _LATIN.search(
                text[end - 1 : end + 1]
            ):
                found.append(Wordings(start, end, self._groups[self._everyday[index]]))
        return found[:_MOST_FOUND]

    def in_policy_words(self, text: str, says: Callable[[str], bool]) -> str:
        """`text` with its everyday wordings put as policies do, where they do (`says`)."""
        folded = fold(text)
        parts = []
        place = 0
        for wording in self.find(folded):
            said = [policy for policy in wording.policies if says(policy)]
            if said:
                parts += [folded[place : wording.start], " ".join(said)]
                place = wording.end
        return " ".join([*parts, folded[place:]]) if parts else text


def synonyms_of(knowledge: Path) -> tuple[Synonyms, list[BadLine]]:
    """The table that ships, with what the operator wrote into `synonyms.txt` of the knowledge."""
    own = knowledge / OWN_TABLE
    if own.exists():
        return load_synonyms([*sorted(paths.SYNONYMS.glob("*.txt")), own])
    return _shipped()


class CurrentSynonyms:
    """Call it for the table as it is now: what an operator changes counts from the next search."""

    def __init__(self, knowledge: Path) -> None:
        self._knowledge = knowledge
        self._own = knowledge / OWN_TABLE
        self._seen: tuple[int, ...] = ()
        self._table, _ = self._read()

    def __call__(self) -> Synonyms:
        """The table that ships with the operator's own, read again only where that was changed."""
        if self._stamp() != self._seen:
            self._table, _ = self._read()
        return self._table

    def _read(self) -> tuple[Synonyms, list[BadLine]]:
        # Looked at before it is read: a change in between is seen the next time.
        self._seen = self._stamp()
        return synonyms_of(self._knowledge)

    def _stamp(self) -> tuple[int, ...]:
        try:
            found = self._own.stat()
        except OSError:
            return ()
        return found.st_mtime_ns, found.st_size, found.st_ino


@cache
def _shipped() -> tuple[Synonyms, list[BadLine]]:
    return load_synonyms(sorted(paths.SYNONYMS.glob("*.txt")))


def load_synonyms(files: Iterable[Path]) -> tuple[Synonyms, list[BadLine]]:
    """The table in `files` (those that are there) and the lines that were left out."""
    groups: dict[str, tuple[str, ...]] = {}
    bad: list[BadLine] = []
    for path in files:
        try:
            # A line's end is no control character to fold away.
            lines = [
                fold(line) for line in path.read_bytes().decode("utf-8", "replace").split("\n")
            ]
        except OSError:
            continue
        for number, line in enumerate(lines, start=1):
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            policies, equals, everyday = line.partition(" = ")
            left, right = _wordings(policies), _wordings(everyday)
            if not equals or not left or not right:
                bad.append(BadLine(path.name, number))
                continue
            for wording in (*right, *left):
                others = (policy for policy in left if policy != wording)
                groups[wording] = tuple(dict.fromkeys([*groups.get(wording, ()), *others]))
    return Synonyms({key: value for key, value in groups.items() if value}), bad


def _wordings(side: str) -> list[str]:
    words = (word.strip() for word in SEPARATOR.split(side))
    return [word for word in words if 2 <= len(word) <= LONGEST and "\ufffd" not in word]
