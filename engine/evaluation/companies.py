"""What an evaluation runs over: companies with their documents and cases."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from engine.errors import InputError
from engine.evaluation.cases import Case, Cases, Malformed, read_cases
from engine.knowledge import catalogue
from engine.knowledge.catalogue import Layout
from engine.knowledge.documents import Document, read_document

CASES = "cases.jsonl"
KNOWLEDGE = "knowledge"


class Company(Struct, frozen=True):
    """One company: its cases, and where its knowledge lies.

    `source` is a folder of documents to import, or else `indexed` a knowledge folder in use.
    `skipped` are the lines of `file` that are no case.
    """

    name: str
    file: str
    cases: tuple[Case, ...]
    skipped: tuple[Malformed, ...] = ()
    source: Path | None = None
    indexed: Path | None = None


def stored_documents(knowledge: Path) -> list[Document]:
    """All documents of a knowledge folder as they were read, whatever their dates and access."""
    layout = Layout(knowledge)
    rows = catalogue.list_documents(knowledge)
    return [read_document(layout.copy(row)) for row in rows]


def companies_below(folder: Path) -> list[Company]:
    """The company in `folder`, or those in the folders directly below it, by name.

    Raises `InputError` when there is none, or one whose cases cannot be read.
    """
    places = [folder] if (folder / CASES).is_file() else _folders(folder)
    found = [_company(place) for place in places if (place / CASES).is_file()]
    if not found:
        raise InputError(
            f"{folder} holds no company: a folder with {CASES} and {KNOWLEDGE}/.",
            "evaluation_no_company",
            name=str(folder),
        )
    return found


def company_in_use(knowledge: Path, file: Path, text: str) -> Company:
    """The cases in `text`, the content of `file`, over the `knowledge` folder in use."""
    cases = _sound(file, text)
    return Company(file.stem, file.name, cases.cases, cases.skipped, indexed=knowledge)


def only(companies: Sequence[Company], name: str) -> list[Company]:
    """The one that is called `name`; raises `InputError` naming those there are."""
    chosen = [company for company in companies if company.name == name]
    if not chosen:
        known = ", ".join(company.name for company in companies)
        raise InputError(
            f"There is no company {name} among {known}.",
            "evaluation_unknown_company",
            name=name,
            known=known,
        )
    return chosen


def spread(cases: Sequence[Case], limit: int) -> tuple[Case, ...]:
    """At most `limit` of `cases`, evenly from first to last, so that all kinds come in."""
    if limit <= 0 or len(cases) <= limit:
        return tuple(cases)
    return tuple(cases[(2 * place + 1) * len(cases) // (2 * limit)] for place in range(limit))


def _folders(folder: Path) -> list[Path]:
    try:
        return sorted(entry for entry in folder.iterdir() if entry.is_dir())
    except OSError as error:
        raise _unreadable(folder, error) from error


def _company(folder: Path) -> Company:
    file = folder / CASES
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise _unreadable(file, error) from error
    except UnicodeDecodeError as error:
        raise InputError(
            f"{file} is not UTF-8 text (byte {error.start}).",
            "not_text",
            name=str(file),
            place=error.start,
        ) from error
    cases = _sound(file, text)
    return Company(
        folder.resolve().name,
        f"{folder.resolve().name}/{CASES}",
        cases.cases,
        cases.skipped,
        source=folder / KNOWLEDGE,
    )


def _sound(file: Path, text: str) -> Cases:
    lines = enumerate(text.split("\n"), start=1)
    cases = read_cases((number, line) for number, line in lines if line.strip())
    if not cases.cases:
        first = cases.skipped[0] if cases.skipped else Malformed(1, "empty")
        raise InputError(
            f"{file} holds no case (line {first.line}: {first.why}).",
            "evaluation_no_case",
            name=str(file),
            line=first.line,
            why=first.why,
        )
    return cases


def _unreadable(path: Path, error: OSError) -> InputError:
    return InputError(
        f"{path} cannot be read ({error.strerror}).",
        "unreadable",
        name=str(path),
        detail=error.strerror or "",
    )
