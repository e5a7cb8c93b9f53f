"""Errors that a person is meant to read: what happened, what was kept, what to do."""

from __future__ import annotations

from collections.abc import Sequence


class ZuoxiError(Exception):
    """A refusal or failure with a stable `code` and one line for the person in front of it.

    The line shown is the text ``error.<code>`` filled with `values`, in the person's language;
    `message` is the English line used where no such text exists.
    """

    code = "error"

    def __init__(self, message: str, code: str | None = None, **values: object) -> None:
        super().__init__(message)
        self.message = message
        self.values = values
        if code is not None:
            self.code = code


class InputError(ZuoxiError):
    """Something given from outside (a file, an option, a text) cannot be used."""

    code = "bad_input"


def some_lines(numbers: Sequence[int]) -> str:
    """The numbers of lines as an error names them: the first twenty, and that there are more."""
    return ", ".join(map(str, numbers[:20])) + ("…" if len(numbers) > 20 else "")


class ModelError(ZuoxiError):
    """A generator's file is missing, cut, of the wrong kind, or refuses to load."""

    code = "model"


class EmbedderError(ZuoxiError):
    """An embedder's folder is missing or unusable."""

    code = "embedder"


class EmbedderMismatch(EmbedderError):
    """The knowledge was indexed with another embedder: it must be indexed again."""

    code = "embedder_mismatch"


class KnowledgeError(ZuoxiError):
    """The knowledge base cannot be read or written; the former version stays in use."""

    code = "knowledge"


class RuleError(ZuoxiError):
    """A rule pack is malformed or its own examples fail."""

    code = "rules"


class StoreError(ZuoxiError):
    """The database cannot be opened, read or written."""

    code = "store"


class GateRefused(ZuoxiError):
    """The send gate does not let this text out."""

    code = "blocked"


class Cancelled(ZuoxiError):
    """The person, or a newer message, called the work off."""

    code = "cancelled"
