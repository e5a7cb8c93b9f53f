"""What is being changed of the rules: one draft, kept with every edit, even while it is wrong."""

from __future__ import annotations

import time

import msgspec
from msgspec import Struct

from engine.errors import InputError
from engine.store.approvals import same_person
from engine.store.database import Database
from engine.store.text import clean, sha256, to_json


class RuleDraft(Struct, frozen=True):
    """What is being worked on: it began as version `base`. `at` is in seconds."""

    base: int
    changes: str
    authors: tuple[str, ...]
    at: float


class RuleDrafts:
    """The draft of one database, if there is one."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self) -> RuleDraft | None:
        """What is being worked on."""
        row = self._database.row("SELECT base, changes, authors, at FROM rule_draft")
        if row is None:
            return None
        authors = msgspec.json.decode(row["authors"], type=tuple[str, ...])
        return RuleDraft(**{**row, "authors": authors})

    def keep(self, base: int, changes: str, who: str, *, authors: tuple[str, ...] = ()) -> None:
        """Keep it; `who` is one of its authors from now on.

        `base` and its `authors` (where it waits to be published) count only for a new one. Raises
        `InputError` (`no_name`).
        """
        named(who)
        with self._database.transaction():
            former = self.get()
            authors = with_author(former.authors if former else authors, who)
            self.put(former.base if former else base, changes, authors)

    def put(self, base: int, changes: str, authors: tuple[str, ...]) -> None:
        """Keep it as theirs, whatever stood there."""
        self._database.run(
            """INSERT INTO rule_draft (one, base, changes, authors, at) VALUES (1, ?, ?, ?, ?)
            ON CONFLICT (one) DO UPDATE SET base = excluded.base, changes = excluded.changes,
                authors = excluded.authors, at = excluded.at""",
            [base, changes, to_json(list(authors)), time.time()],
        )

    def drop(self, who: str) -> None:
        """Forget it. Raises `InputError` (`no_name`)."""
        named(who)
        self._database.run("DELETE FROM rule_draft")


def with_author(authors: tuple[str, ...], who: str) -> tuple[str, ...]:
    """The authors, and `who` once."""
    return authors if any(same_person(one, who) for one in authors) else (*authors, who)


def changes_hash(changes: str) -> str:
    """The SHA-256 of what a version changes, in hex."""
    return sha256(clean(changes))


def named(who: str) -> None:
    """Raise `InputError` (`no_name`) for nobody."""
    if same_person(who, ""):
        raise InputError(
            "Whoever changes rules needs a name. Nothing was changed; enter it in the settings.",
            "no_name",
        )
