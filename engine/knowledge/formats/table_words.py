"""The words by which tables are read, from ``assets/tables.yaml``."""

from __future__ import annotations

from functools import cache

import msgspec
from msgspec import Struct

from engine.paths import ASSETS


class _Written(Struct, forbid_unknown_fields=True):
    """The file: words with a blank between them."""

    columns: dict[str, str]
    dates_of_answers: dict[str, str]
    endings: str
    insiders: str
    units: str
    yes: str
    no: str
    insiders_only: str
    everybody: str
    open: str


class TableWords(Struct, frozen=True):
    """`roles`: what a column of that name holds, `dates` what beside questions and answers."""

    roles: dict[str, str]
    dates: dict[str, str]
    endings: tuple[str, ...]
    insiders: tuple[str, ...]
    units: frozenset[str]
    yes: frozenset[str]
    no: frozenset[str]
    insiders_only: frozenset[str]
    everybody: frozenset[str]
    open: frozenset[str]


@cache
def table_words() -> TableWords:
    """The words that ship."""
    given = msgspec.yaml.decode((ASSETS / "tables.yaml").read_bytes(), type=_Written)
    return TableWords(
        _by_name(given.columns),
        _by_name(given.dates_of_answers),
        tuple(given.endings.split()),
        tuple(given.insiders.split()),
        frozenset(given.units.split()),
        frozenset(given.yes.split()),
        frozenset(given.no.split()),
        frozenset(given.insiders_only.split()),
        frozenset(given.everybody.split()),
        frozenset(given.open.split()),
    )


def _by_name(groups: dict[str, str]) -> dict[str, str]:
    return {name: role for role, names in groups.items() for name in names.split()}
