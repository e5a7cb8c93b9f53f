"""What the columns of a table are, by the names in its header."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from engine.knowledge.formats.table_words import table_words

LONGEST_NAME: Final = 30
_ASIDE: Final = re.compile(r"[(（\[【][^()（）\[\]【】]*+[)）\]】]|[*＊:：\s_\-]|(?<!\d)\d++$")


class Columns(Struct, frozen=True):
    """The columns of a table with a question and an answer, by their places."""

    question: tuple[int, ...] = ()
    alike: tuple[int, ...] = ()
    answer: tuple[int, ...] = ()
    category: tuple[int, ...] = ()
    tags: tuple[int, ...] = ()
    starts: int | None = None
    ends: int | None = None
    internal: int | None = None
    public: int | None = None
    unused: tuple[int, ...] = ()

    @property
    def answers(self) -> bool:
        """Whether there are questions and answers."""
        return bool(self.question and self.answer)


def folded(name: str) -> str:
    """A name as it is compared."""
    bare = unicodedata.normalize("NFKC", name).lower()
    return _ASIDE.sub("", bare) or bare.strip()


def columns_of(names: Sequence[str]) -> Columns:
    """What the columns with those `names` are."""
    words = table_words()
    roles = [
        words.roles.get(folded(name), "") if len(name) <= LONGEST_NAME else "" for name in names
    ]
    answers = "question" in roles and "answer" in roles
    if answers:
        roles = [
            role or words.dates.get(folded(name), "")
            for role, name in zip(roles, names, strict=True)
        ]

    def places(role: str) -> tuple[int, ...]:
        return tuple(place for place, one in enumerate(roles) if one == role)

    def first(role: str) -> int | None:
        return next(iter(places(role)), None)

    return Columns(
        places("question") if answers else (),
        places("alike") if answers else (),
        places("answer") if answers else (),
        places("category") if answers else (),
        places("tags"),
        first("from"),
        first("until"),
        first("internal"),
        first("public"),
        tuple(place for place, role in enumerate(roles) if not role and names[place]),
    )


def is_number_column(name: str) -> bool:
    """Whether it only counts the rows."""
    return table_words().roles.get(folded(name)) == "number"


def is_for_insiders(name: str) -> bool:
    """Whether what stands in the column is not for customers, by its name."""
    return any(word in name.lower() for word in table_words().insiders)


def names_columns(name: str) -> bool:
    """Whether `name` sounds like the name of a column rather than like a value."""
    words = table_words()
    return folded(name).endswith(words.endings) or folded(name) in words.roles
