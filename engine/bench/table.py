"""The figures as a Markdown table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine.bench.figures import Figure
from engine.bench.machine import Machine
from engine.records import Language
from engine.texts import text

_COLUMNS = ("name", "value", "peer", "ratio", "target", "holds", "note")


def markdown(machine: Machine, figures: Sequence[Figure], language: Language) -> str:
    """The machine in one line, a table with one row for each figure, and how to read it."""
    head = [text(f"bench.column.{column}", language) for column in _COLUMNS]
    rows = [head, ["---"] * len(head), *(list(_cells(one, language)) for one in figures)]
    table = "\n".join(f"| {' | '.join(map(_cell, row))} |" for row in rows)
    return f"{_machine(machine, language)}\n\n{table}\n\n{text('bench.reading', language)}"


def page(machine: Machine, figures: Sequence[Figure], language: Language) -> str:
    """The same as a file to keep: with a heading, the state of the source, and how to repeat it."""
    head = text("bench.page", language, commit=machine.commit, version=machine.zuoxi)
    missed = [figure.name for figure in figures if figure.holds is False]
    judged = [figure.name for figure in figures if figure.holds is not None]
    summary = text(
        "bench.summary",
        language,
        held=len(judged) - len(missed),
        judged=len(judged),
        missed=", ".join(missed) or "–",
    )
    return f"{head}\n\n{markdown(machine, figures, language)}\n\n{summary}\n"


def _machine(machine: Machine, language: Language) -> str:
    return text(
        "bench.machine",
        language,
        cpu=machine.cpu,
        cores=machine.cores,
        memory=machine.memory,
        os=machine.os,
        python=machine.python,
        llama=machine.llama_cpp,
        model=machine.model,
        embedder=machine.embedder,
        load=machine.load,
        measured=machine.measured,
    )


def _cells(figure: Figure, language: Language) -> Iterator[str]:
    yield f"{text(f'bench.name.{figure.name}', language)} `{figure.name}`"
    if figure.error:
        yield text("bench.failed", language)
    else:
        yield _number(figure.value, figure.unit)
    yield f"{_number(figure.peer_value, figure.unit)} {figure.peer}" if figure.peer else "–"
    yield _number(figure.ratio)
    yield figure.target or "–"
    if figure.holds is None:
        yield "–"
    else:
        yield text("bench.holds" if figure.holds else "bench.missed", language)
    yield figure.error or figure.note or ""


def _number(value: float | None, unit: str = "") -> str:
    if value is None:
        return "–"
    shown = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return f"{shown} {unit}".strip()


def _cell(content: str) -> str:
    return content.replace("|", "\\|").replace("\n", " ")
