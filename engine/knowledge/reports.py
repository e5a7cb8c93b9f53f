"""What an import tells while it runs and at its end."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from engine.knowledge.documents import Skipped

Step = Literal["reading", "embedding", "indexing"]


class ImportProgress(Struct, frozen=True, tag=True):
    """How far an import is: `done` of `total` files (reading) or passages (embedding, indexing)."""

    step: Step
    done: int
    total: int
    doc: str = ""


class ImportReport(Struct, frozen=True, tag=True):
    """What an import did: documents and passages taken in now, what was left out, what is in use.

    `version` is the version in use afterwards, the former one when nothing was taken in, and ""
    when there is none. The totals count everything it holds. `partly` tells of files that were
    taken in, but not all of what they hold.
    """

    documents: int
    passages: int
    skipped: tuple[Skipped, ...] = ()
    version: str = ""
    total_documents: int = 0
    total_passages: int = 0
    partly: tuple[Skipped, ...] = ()
