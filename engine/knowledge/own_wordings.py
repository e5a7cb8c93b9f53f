"""The operator's own table of everyday wordings, changed line by line.

What somebody wrote into it by hand (comments, order, lines that cannot be read) stays as it is;
every change replaces the file in one step.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from engine import texts
from engine.errors import InputError
from engine.knowledge import catalogue
from engine.knowledge.grams import fold
from engine.knowledge.synonyms import LONGEST, OWN_TABLE, SEPARATOR

_LARGEST = 4 << 20


class Pair(Struct, frozen=True, order=True):
    """A customer says `said` for what policies call `policy`."""

    said: str
    policy: str


class _Line(Struct):
    """A line that makes a group; its wordings as they were typed."""

    number: int
    policies: list[str]
    everyday: list[str]

    def written(self) -> bytes:
        return f"{', '.join(self.policies)} = {', '.join(self.everyday)}".encode()


def own_pairs(knowledge: Path) -> list[Pair]:
    """The operator's own pairs in the order of the file, each once."""
    lines = _read(knowledge)
    pairs = (
        Pair(said, policy)
        for line in _groups(lines)
        for said in line.everyday
        for policy in line.policies
    )
    return list(dict.fromkeys(pairs))


def checked(said: str, policy: str) -> Pair:
    """The pair as it can stand in the table. Raises `InputError` (`wording_unfit`)."""
    return Pair(_fit(said), _fit(policy, other=said))


def add_pair(knowledge: Path, said: str, policy: str) -> Pair:
    """Add a pair; one that is there already changes nothing.

    Raises `InputError`: `wording_unfit` (too short or long, a mark of the table's own),
    `wordings_not_written`.
    """
    pair = checked(said, policy)
    lines = _read(knowledge)
    if not _has(lines, pair):
        _insert(lines, pair)
        _write(knowledge, lines)
    return pair


def remove_pair(knowledge: Path, said: str, policy: str = "") -> list[Pair]:
    """Take the pair out, or without `policy` all pairs of `said`; what was taken out.

    Raises `InputError`: `wording_unknown` when there is none, `wordings_not_written`.
    """
    lines = _read(knowledge)
    taken = _take(lines, _key(said), _key(policy))
    if not taken:
        raise InputError(
            f"The own table has no wording {said!r}; nothing was changed.",
            "wording_unknown",
            wording=said,
        )
    _write(knowledge, lines)
    return taken


def change_pair(knowledge: Path, old: Pair, said: str, policy: str) -> Pair:
    """Put another pair in the place of `old`, in one step. Raises as adding and removing do."""
    pair = checked(said, policy)
    lines = _read(knowledge)
    if not _take(lines, _key(old.said), _key(old.policy)):
        raise InputError(
            f"The own table has no wording {old.said!r}; nothing was changed.",
            "wording_unknown",
            wording=old.said,
        )
    if not _has(lines, pair):
        _insert(lines, pair)
    _write(knowledge, lines)
    return pair


def _fit(wording: str, other: str = "") -> str:
    words = " ".join(wording.split())
    plain = not any(unicodedata.category(char)[0] == "C" for char in words)
    key = _key(words)
    # As it is compared, too: what looks like a comma becomes one.
    apart = any(SEPARATOR.search(one) or "=" in one or one.startswith("#") for one in (words, key))
    if apart or not plain or not 2 <= len(key) <= LONGEST or key == _key(other):
        raise InputError(
            f"{words[:LONGEST]!r} cannot stand in the table: a wording has 2 to {LONGEST} "
            "characters, no comma and no '=', and differs from what it stands for. "
            "Nothing was changed.",
            "wording_unfit",
            wording=words[:LONGEST],
            most=LONGEST,
        )
    return words


def _key(wording: str) -> str:
    """By what a wording is told from others."""
    return " ".join(fold(wording).split())


def _read(knowledge: Path) -> list[bytes]:
    """The lines without their ends; what cannot be read as text is kept all the same."""
    path = knowledge / OWN_TABLE
    try:
        if path.stat().st_size > _LARGEST:
            raise InputError(
                f"{path} is too large to be changed here; it was left as it is.",
                "wordings_not_written",
                path=str(path),
                detail="> 4 MB",
            )
        data = path.read_bytes()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise _not_written(path, error) from error
    return data.rstrip(b"\r\n").split(b"\n") if data.strip() else []


def _groups(lines: list[bytes]) -> Iterator[_Line]:
    for number, raw in enumerate(lines):
        try:
            line = raw.decode("utf-8").strip()
        except UnicodeDecodeError:
            continue
        policies, equals, everyday = line.partition(" = ")
        left, right = _words(policies), _words(everyday)
        if equals and left and right and not line.startswith("#"):
            yield _Line(number, left, right)


def _words(side: str) -> list[str]:
    words = (word.strip() for word in SEPARATOR.split(side))
    return [word for word in words if 2 <= len(_key(word)) <= LONGEST]


def _has(lines: list[bytes], pair: Pair) -> bool:
    said, policy = _key(pair.said), _key(pair.policy)
    return any(
        said in map(_key, line.everyday) and policy in map(_key, line.policies)
        for line in _groups(lines)
    )


def _insert(lines: list[bytes], pair: Pair) -> None:
    for line in _groups(lines):
        if [_key(one) for one in line.policies] == [_key(pair.policy)]:
            line.everyday.append(pair.said)
            lines[line.number] = line.written()
            return
    if not lines:
        head = texts.both("knowledge.own_wordings")
        lines += [f"# {head.zh}".encode(), f"# {head.en}".encode()]
    lines.append(_Line(0, [pair.policy], [pair.said]).written())


def _take(lines: list[bytes], said: str, policy: str) -> list[Pair]:
    """Take `said` out of its groups, of one policy or of all; a group of several is divided."""
    taken: list[Pair] = []
    gone: list[int] = []
    more: list[bytes] = []
    for line in _groups(lines):
        names = [one for one in line.everyday if _key(one) == said]
        left = [one for one in line.policies if policy in ("", _key(one))]
        if not names or not left:
            continue
        taken += [Pair(name, one) for name in names for one in left]
        kept = [one for one in line.policies if one not in left]
        if kept:
            # What it stays a wording of goes into a line of its own.
            more.append(_Line(0, kept, names).written())
        line.everyday = [one for one in line.everyday if one not in names]
        if line.everyday:
            lines[line.number] = line.written()
        else:
            gone.append(line.number)
    for number in reversed(gone):
        del lines[number]
    lines += more
    return taken


def _write(knowledge: Path, lines: list[bytes]) -> None:
    path = knowledge / OWN_TABLE
    try:
        catalogue.replace(path, b"".join(line + b"\n" for line in lines))
    except OSError as error:
        raise _not_written(path, error) from error


def _not_written(path: Path, error: OSError) -> InputError:
    return InputError(
        f"{path} cannot be changed ({error.strerror}); the wordings are as they were.",
        "wordings_not_written",
        path=str(path),
        detail=error.strerror or type(error).__name__,
    )
