"""Rows become knowledge: questions with their answers, or sentences that name the columns."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from msgspec import Struct

from engine.knowledge.formats.columns import (
    LONGEST_NAME,
    Columns,
    columns_of,
    is_for_insiders,
    is_number_column,
    names_columns,
)
from engine.knowledge.formats.content import ANSWERED, ASKED, LeftOut, Part, block, day, line
from engine.knowledge.formats.table_words import table_words
from engine.knowledge.formats.values import is_internal

# The header may stand below a title and some notes.
_HEADER_WITHIN: Final = 30
_QUESTIONS: Final = 120
"""So many characters of questions alike stand above one answer; more stand above it again."""
_LONGEST_QUESTION: Final = 200
_SHORT: Final = 80
_LONGEST_SENTENCE: Final = 120
_MOST_NAMES: Final = 3
_ENDS: Final = re.compile(r"[。！？!?；;]")
_INNER_END: Final = re.compile(r"[。；;！？!?]+\s*(?=\S)")
_LAST_END: Final = re.compile(r"(?<![。；;，,、.\s])[。；;，,、.\s]++$")
_HAN: Final = re.compile("[\u3400-\u9fff]")
_FIGURE: Final = re.compile(r"[-+¥￥$€£]?\d[\d,.]*%?")
_UNIT: Final = re.compile(r"(.+?)\s*[(（](.{1,6})[)）]")
_ASKS: Final = re.compile(r"[?？]\s*$")
_BETWEEN: Final = re.compile(r"\n|\|\|?|[;；｜]|\s/\s")


class Tally:
    """What was left out of tables, to be told once for the whole file."""

    def __init__(self) -> None:
        self._rows: Counter[str] = Counter()
        self._names: dict[str, dict[str, None]] = {}

    def row(self, code: str) -> None:
        """A row was left out, for the reason `code`."""
        self._rows[code] += 1

    def named(self, code: str, names: Iterable[str]) -> None:
        """Columns or sheets were left out."""
        self._names.setdefault(code, {}).update(dict.fromkeys(names))

    def add(self, other: Tally) -> None:
        """What `other` counted as well."""
        self._rows.update(other._rows)
        for code, names in other._names.items():
            self.named(code, names)

    def told(self) -> tuple[LeftOut, ...]:
        """All of it."""
        rows = [
            LeftOut(f"{count} left out: {code}.", f"left_out_{code}", {"n": str(count)})
            for code, count in self._rows.items()
        ]
        names = [
            LeftOut(f"Left out: {code}.", f"left_out_{code}", {"names": _shown(list(known))})
            for code, known in self._names.items()
            if known
        ]
        return (*rows, *names)


def _shown(names: Sequence[str]) -> str:
    """Some names in a line."""
    return "、".join(name[:40] for name in names[:8]) + ("…" if len(names) > 8 else "")


class _Terms(Struct, frozen=True):
    """From when to when a row counts, and for whom."""

    starts: str | None = None
    ends: str | None = None
    internal: bool = False
    tags: tuple[str, ...] = ()

    def part(self, path: Sequence[str], text: str) -> Part:
        return Part(tuple(path), text, self.starts, self.ends, self.internal, self.tags)


def table_parts(
    rows: Iterable[Sequence[str]],
    path: tuple[str, ...],
    tally: Tally,
    *,
    header: bool | None = None,
) -> list[Part]:
    """The parts that a table makes under the headings `path`.

    `header`: whether its first row names the columns, where the file says so.
    """
    grid = [[cell if cell.isprintable() else block(cell) for cell in row] for row in rows]
    grid = [[cell.strip() for cell in row] for row in grid]
    grid = [row for row in grid if any(row)]
    if not grid:
        return []
    place, columns = _questions_and_answers(grid)
    if columns is not None:
        path, found = _above(grid[: max(place, 0)], path)
        answers = _Answers(path, columns, tally)
        names = grid[place] if place >= 0 else []
        tally.named("columns", [line(names[one]) for one in columns.unused if names])
        for row in grid[place + 1 :]:
            answers.take(row)
        return [*found, *answers.parts()]
    return _Rows(grid, path, tally, header).parts()


def _questions_and_answers(grid: list[list[str]]) -> tuple[int, Columns | None]:
    """The place of the header of a table of questions and answers (-1: it has none)."""
    for place, row in enumerate(grid[:_HEADER_WITHIN]):
        columns = columns_of([line(cell) for cell in row])
        if columns.answers:
            return place, columns
    pairs = [row for row in grid if len([cell for cell in row if cell]) == 2]
    asked = sum(bool(_ASKS.search(row[0])) and bool(row[1]) for row in pairs if len(row) > 1)
    if len(pairs) == len(grid) > 1 and asked >= 0.6 * len(grid):
        return -1, Columns(question=(0,), answer=(1,))
    return 0, None


def _above(
    rows: Iterable[Sequence[str]], path: tuple[str, ...]
) -> tuple[tuple[str, ...], list[Part]]:
    """What stands above a table: its name joins the headings, notes are a part of their own.

    Merged cells hold the same text several times. Of many lines only the first are names.
    """
    names: list[str] = []
    notes: list[str] = []
    for row in rows:
        texts = list(dict.fromkeys(filter(None, row)))
        if len(texts) > 1:
            notes.append(_sentence([], row))
        elif len(texts[0]) > LONGEST_NAME or _ENDS.search(texts[0]) or notes:
            notes.append(block(texts[0]))
        elif len(names) == _MOST_NAMES:
            notes.append(texts[0])
        elif line(texts[0]) not in path:
            names.append(line(texts[0]))
            path = (*path, names[-1])
    return path, [Part(path, "\n".join(notes))] if notes else []


def _cell(row: Sequence[str], place: int | None) -> str:
    return row[place] if place is not None and place < len(row) else ""


def _terms(row: Sequence[str], columns: Columns, tally: Tally) -> _Terms | None:
    """The terms of a row; None when they cannot be understood, and the row must not be used."""
    try:
        starts = _day(_cell(row, columns.starts))
        ends = _day(_cell(row, columns.ends))
        if starts and ends and starts > ends:
            raise ValueError(ends)
    except ValueError:
        tally.row("dates")
        return None
    try:
        internal = is_internal(_cell(row, columns.internal))
        internal = internal or is_internal(_cell(row, columns.public), public=True)
    except ValueError:
        tally.row("internal")
        return None
    tags = (tag for place in columns.tags for tag in re.split(r"[,，、;；\n|]", _cell(row, place)))
    named = dict.fromkeys(line(tag)[:60] for tag in tags if tag.strip())
    return _Terms(starts, ends, internal, tuple(named)[:32])


def _day(cell: str) -> str | None:
    return None if not cell or cell.lower() in table_words().open else day(cell)


class _Answers:
    """Collects the questions that have one and the same answer."""

    def __init__(self, path: tuple[str, ...], columns: Columns, tally: Tally) -> None:
        self._path = path
        self._columns = columns
        self._tally = tally
        self._asked: dict[tuple[tuple[str, ...], str, _Terms], dict[str, None]] = {}

    def take(self, row: Sequence[str]) -> None:
        """Take a row in."""
        columns = self._columns
        answer = "\n".join(
            dict.fromkeys(
                _unmarked(ANSWERED, block(_cell(row, place)))
                for place in columns.answer
                if _cell(row, place)
            )
        )
        asked = [one for place in columns.question for one in _cell(row, place).split("\n")]
        alike = [one for place in columns.alike for one in _BETWEEN.split(_cell(row, place))]
        questions = [line(_unmarked(ASKED, one))[:_LONGEST_QUESTION] for one in (*asked, *alike)]
        questions = [one for one in questions if one]
        if not answer:
            if questions:
                self._tally.row("answer")
            return
        terms = _terms(row, columns, self._tally)
        if terms is None:
            return
        category = tuple(line(_cell(row, place)) for place in columns.category)
        path = tuple(dict.fromkeys((*self._path, *(name for name in category if name))))
        self._asked.setdefault((path, answer, terms), {}).update(dict.fromkeys(questions))

    def parts(self) -> list[Part]:
        """One for each answer, under its questions."""
        return [
            terms.part((*path, heading) if heading else path, answer)
            for (path, answer, terms), questions in self._asked.items()
            for heading in _headings(questions)
        ]


def _unmarked(mark: re.Pattern[str], text: str) -> str:
    found = mark.match(text)
    return text[found.end() :] if found else text


def _headings(questions: Iterable[str]) -> Iterator[str]:
    heading = ""
    for question in questions:
        joined = f"{heading} / {question}" if heading else question
        if heading and len(joined) > _QUESTIONS:
            yield heading
            joined = question
        heading = joined
    yield heading


class _Rows:
    """A table whose rows are told as sentences."""

    def __init__(
        self, grid: list[list[str]], path: tuple[str, ...], tally: Tally, header: bool | None
    ) -> None:
        self._tally = tally
        first = next(
            (place for place, row in enumerate(grid) if len(set(filter(None, row))) > 1), len(grid)
        )
        if first == len(grid):
            # One column: text, line by line.
            lines = (block(next(filter(None, row))) for row in grid)
            self._path, self._found = path, [Part(path, "\n".join(lines))]
        else:
            self._path, self._found = _above(grid[:first], path)
        self._names: list[str] = []
        self._body = grid[first:]
        if self._body and _is_header(self._body, header):
            self._names = [line(cell) for cell in self._body[0]]
            self._body = self._body[1:]
        self._columns = columns_of(self._names)
        self._left_out = {place for place, name in enumerate(self._names) if _is_aside(name)}
        columns = self._columns
        for place in (columns.starts, columns.ends, columns.internal, columns.public):
            if place is not None:
                self._left_out.add(place)
        secret = [
            place
            for place, name in enumerate(self._names)
            if place not in self._left_out and is_for_insiders(name)
        ]
        self._left_out.update(secret)
        tally.named("internal_columns", [self._names[place] for place in secret])

    def parts(self) -> list[Part]:
        if self._names and not self._body:
            # Names without anything below them.
            self._body, self._names = [self._names], []
        path, found = self._path, self._found
        lines: list[str] = []
        of: _Terms | None = None
        for row in self._body:
            if len(row) > 2 and len(set(row)) == 1:
                # Merged over all columns: it names the rows below it.
                found += _lines(of, path, lines)
                path, lines = (*self._path, line(row[0])[: 2 * LONGEST_NAME]), []
                continue
            terms = _terms(row, self._columns, self._tally)
            if terms is None:
                continue
            cells = ["" if place in self._left_out else cell for place, cell in enumerate(row)]
            long = [place for place, cell in enumerate(cells) if cell and _is_long(cell)]
            short = ["" if place in long else cell for place, cell in enumerate(cells)]
            key = next(filter(None, short), "")
            if of != terms or (long and key):
                found += _lines(of, path, lines)
                lines = []
            of = terms
            told = _sentence(self._names, short)
            if long and key:
                text = self._told_at_length(told, cells, long)
                found.append(terms.part((*path, line(key)[: 2 * LONGEST_NAME]), text))
            else:
                lines += [one for one in (told, *(block(cells[place]) for place in long)) if one]
        return [*found, *_lines(of, path, lines)]

    def _told_at_length(self, told: str, cells: Sequence[str], long: Sequence[int]) -> str:
        texts = [told]
        for place in long:
            name = _cell(self._names, place)
            texts.append(
                f"{name}：\n{block(cells[place])}"
                if name and len(long) > 1
                else block(cells[place])
            )
        return "\n\n".join(text for text in texts if text)


def _lines(of: _Terms | None, path: tuple[str, ...], lines: Sequence[str]) -> list[Part]:
    return [(of or _Terms()).part(path, "\n".join(lines))] if lines else []


def _is_aside(name: str) -> bool:
    return bool(name) and is_number_column(name)


def _is_long(cell: str) -> bool:
    return len(cell) > _SHORT or bool(_INNER_END.search(cell)) or cell.count("\n") > 1


def _is_header(body: list[list[str]], told: bool | None) -> bool:
    first, rest = body[0], body[1:]
    if told is not None:
        # With each row every name is told again: what is no name would blow up a small file.
        return told and bool(rest) and max(map(len, first)) <= _LONGEST_SENTENCE
    names = [cell for cell in first if cell]
    if (
        not rest
        or len(names) < 2
        or len(set(names)) < len(names)
        or any(len(name) > LONGEST_NAME or _ENDS.search(name) for name in names)
        or any(_FIGURE.fullmatch(name) or _is_day(name) for name in names)
    ):
        return False
    if len(names) > 2 or any(names_columns(name) for name in names):
        return True
    # Two columns: a list of names and values, unless figures stand below a name.
    figures = sum(any(re.search(r"\d", cell) for cell in row[1:]) for row in rest)
    return figures >= 0.5 * len(rest) and not any(re.search(r"\d", name) for name in names)


def _is_day(cell: str) -> bool:
    try:
        return bool(day(cell))
    except ValueError:
        return False


def _sentence(names: Sequence[str], cells: Sequence[str]) -> str:
    """A row in one sentence, or some where it is wide, each value with the name of its column."""
    named = [(_cell(names, place), _LAST_END.sub("", cell)) for place, cell in enumerate(cells)]
    values = [(name, value) for name, value in named if value]
    chinese = bool(_HAN.search("".join((*names, *cells))))
    comma, colon, end = ("，", "：", "。") if chinese else (", ", ": ", ".")
    if not names and len(values) == 2 and len(values[0][1]) <= LONGEST_NAME:
        values = [(values[0][1], values[1][1])]
    texts = []
    for name, value in values:
        words = comma.join(filter(None, map(str.strip, _INNER_END.sub("\n", value).split("\n"))))
        bare, unit = _with_unit(name, words)
        texts.append(f"{line(bare)}{colon}{unit}" if bare else unit)
    sentences: list[list[str]] = []
    for text in texts:
        if sentences and len(comma.join((*sentences[-1], text))) <= _LONGEST_SENTENCE:
            sentences[-1].append(text)
        else:
            # Each says what it is about, so that any of them can be told alone.
            about = texts[:1] if sentences and len(texts[0]) <= _LONGEST_SENTENCE else []
            sentences.append([*about, text])
    ends = ("。", "！", "？", "!", "?", ".")
    told = [comma.join(parts) for parts in sentences]
    return "\n".join(one if one.endswith(ends) else one + end for one in told)


def _with_unit(name: str, value: str) -> tuple[str, str]:
    """价格（元） 99 is 价格 99元."""
    found = _UNIT.fullmatch(name)
    if found is None or found[2].strip() not in table_words().units or not _FIGURE.fullmatch(value):
        return name, value
    # 12月 is December.
    unit = "个月" if found[2].strip() == "月" else found[2].strip()
    return found[1], f"{value} {unit}" if unit.isascii() and unit.isalpha() else f"{value}{unit}"
