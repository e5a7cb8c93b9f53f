"""Finding rules in folded text: Aho-Corasick for wordings, RE2 for expressions, linear time.

A match never crosses a clause border (or a sentence border, where the rule's scope says so), which
is what lets a streaming text be released clause by clause.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.redline.normalise import Borders, borders, fold
from engine.redline.numbers import CHECKS
from engine.redline.schema import MAX_WORD, Match, Rule, Scope, When

if TYPE_CHECKING:
    import ahocorasick_rs
    import re2

SQUEEZE_FROM = 3
MAX_GAP = 4
LOOK_AROUND = 32
_KEEP = frozenset(".。!?;,\n")


@dataclass(frozen=True)
class Found:
    """A rule's match at ``start:end`` of the folded text; `vetoed` when its context excuses it."""

    rule: Rule
    start: int
    end: int
    vetoed: bool = False


def compile_expression(expression: str) -> re2._Regexp:
    """`expression` as RE2 that never matches across a line; raises `re2.error` if it is none."""
    import re2  # Here, as all that only compiling needs: the window stands before that.

    options = re2.Options()
    options.never_nl = True
    options.log_errors = False
    options.max_mem = 64 << 20
    return re2.compile(f"(?m){expression}", options)


class _Text:
    """One folded text while it is being searched: its borders, and copies in which they are lines.

    Every border character is replaced by a line feed, so that places stay the same.
    """

    def __init__(self, folded: str) -> None:
        self.folded = folded
        self.borders: Borders = borders(folded)
        self._scoped: dict[Scope, bytes] = {}

    def scoped(self, scope: Scope) -> bytes:
        """The text in which each end of a `scope` is a line feed, as UTF-8."""
        if scope not in self._scoped:
            ends = self.borders.clauses if scope == "clause" else self.borders.sentences
            characters = list(self.folded)
            for end in ends:
                characters[end - 1] = "\n"
            self._scoped[scope] = "".join(characters).encode("utf-8", "replace")
        return self._scoped[scope]

    def same(self, scope: Scope, start: int, end: int) -> bool:
        """Whether ``start:end`` lies in one `scope`."""
        ends = self.borders.clauses if scope == "clause" else self.borders.sentences
        at = bisect_left(ends, start + 1)
        return at == len(ends) or ends[at] >= end

    def sentence(self, place: int) -> tuple[int, int]:
        """The sentence that holds `place`."""
        ends = self.borders.sentences
        at = bisect_left(ends, place + 1)
        begin = ends[at - 1] if at else 0
        return begin, ends[at] if at < len(ends) else len(self.folded)


class Words:
    """Many wordings found at once, each also with up to four spaces or symbols between characters.

    Latin letters and digits match whole words and numbers only.
    """

    def __init__(self, words: Iterable[str]) -> None:
        self.words: list[str] = []
        self._index: dict[str, int] = {}
        for word in words:
            folded = fold(word).text.strip()
            if folded and folded not in self._index:
                self._index[folded] = len(self.words)
                self.words.append(folded)
        squeezed: dict[str, list[int]] = {}
        for number, word in enumerate(self.words):
            tight = _squeeze(word)
            if len(tight) >= SQUEEZE_FROM:
                squeezed.setdefault(tight, []).append(number)
        self._tight = list(squeezed.values())
        self._plain = _automaton(self.words)
        self._squeezed = _automaton(list(squeezed))

    def number(self, word: str) -> int:
        """The number `find` reports for `word`."""
        return self._index[fold(word).text.strip()]

    def find(self, folded: str) -> list[tuple[int, int, int]]:
        """All ``(start, end, word number)`` in a folded text, ascending, without repeats."""
        found: set[tuple[int, int, int]] = set()
        if self._plain is not None:
            for number, start, end in self._plain.find_matches_as_indexes(folded, overlapping=True):
                if _whole(folded, start, end):
                    found.add((start, end, number))
        if self._squeezed is not None:
            places = [i for i, c in enumerate(folded) if c.isalnum() or c in _KEEP]
            if len(places) < len(folded):
                tight = "".join([folded[i] for i in places])
                for number, first, last in self._squeezed.find_matches_as_indexes(
                    tight, overlapping=True
                ):
                    start, end = places[first], places[last - 1] + 1
                    if end - start == last - first or not _whole(folded, start, end):
                        continue
                    gaps = zip(places[first : last - 1], places[first + 1 : last], strict=True)
                    if all(after - before <= MAX_GAP + 1 for before, after in gaps):
                        found.update((start, end, word) for word in self._tight[number])
        return sorted(found)


class Matcher:
    """The rules of one side, compiled: every wording in one automaton, every expression in RE2."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._words = Words(_words_of(rules))
        self._rules = [_Compiled.of(rule, self._words) for rule in rules]
        self.by_sentence = any(
            rule.match.scope == "sentence" and rule.action in ("mask", "block", "handover")
            for rule in rules
        )

    def find(self, folded: str, most: int | None = None) -> list[Found]:
        """All matches in a folded text, vetoed ones included and marked, by rule and place.

        With `most`, no more are looked at once a rule that masks nothing has so many that count.
        """
        text = _Text(folded)
        by_word: dict[int, list[tuple[int, int]]] = {}
        for start, end, number in self._words.find(folded):
            by_word.setdefault(number, []).append((start, end))
        found: list[Found] = []
        for rule in self._rules:
            spans = _longest(rule.candidates(text, by_word))
            if spans:
                vetoes = rule.vetoes(text, by_word)
                left = len(spans) if most is None or rule.rule.action == "mask" else most
                for start, end in spans:
                    vetoed = vetoes(start, end)
                    found.append(Found(rule.rule, start, end, vetoed))
                    left -= not vetoed
                    if not left:
                        break
        return found


class PhraseFinder:
    """Any of some wordings or expressions in a text: the conditions of mandatory scripts."""

    def __init__(
        self, words: Iterable[str] = (), expressions: Iterable[str] = (), none: Iterable[str] = ()
    ) -> None:
        self._words = Words(words)
        self._none = Words(none)
        self._expressions = [compile_expression(e) for e in expressions]

    @classmethod
    def of_when(cls, when: When) -> PhraseFinder:
        """The finder for a script's condition."""
        return cls(when.words, when.expressions, when.none)

    def found_in(self, folded: str) -> bool:
        """Whether anything is found in a folded text outside the `none` wordings."""
        vetoes = [(start, end) for start, end, _ in self._none.find(folded)]
        spans = [(start, end) for start, end, _ in self._words.find(folded)]
        for expression in self._expressions:
            spans.extend(match.span() for match in expression.finditer(folded))
        return any(
            not any(start < right and left < end for left, right in vetoes) for start, end in spans
        )


@dataclass(frozen=True)
class _Compiled:
    rule: Rule
    words: frozenset[int]
    groups: tuple[frozenset[int], ...]
    none: frozenset[int]
    any: re2._Regexp | None
    expressions: tuple[re2._Regexp, ...]
    before: tuple[re2._Regexp, ...]
    after: tuple[re2._Regexp, ...]
    around: tuple[re2._Regexp, ...]
    check: Callable[[str, int, int], bool] = field(repr=False)

    @classmethod
    def of(cls, rule: Rule, words: Words) -> _Compiled:
        match = rule.match
        return cls(
            rule=rule,
            words=frozenset(words.number(word) for word in match.words),
            groups=tuple(frozenset(words.number(w) for w in group) for group in match.all),
            none=frozenset(words.number(word) for word in match.none),
            any=_any_of(match.expressions),
            expressions=tuple(compile_expression(e) for e in match.expressions),
            before=tuple(compile_expression(f"(?:{e})$") for e in match.none_before),
            after=tuple(compile_expression(e) for e in match.none_after),
            around=tuple(compile_expression(e) for e in match.none_around),
            check=CHECKS[match.check],
        )

    def candidates(
        self, text: _Text, by_word: dict[int, list[tuple[int, int]]]
    ) -> Iterator[tuple[int, int]]:
        scope = self.rule.match.scope
        for number in self.words & by_word.keys():
            yield from (span for span in by_word[number] if text.same(scope, *span))
        if self.groups and all(group & by_word.keys() for group in self.groups):
            yield from self._windows(text, by_word)
        if self.any is None:
            return
        encoded = text.scoped(scope)
        if self.any.search(encoded) is None:
            return
        for expression in self.expressions:
            for start, end in _spans(expression, encoded):
                if start < end and self.check(text.folded, start, end):
                    yield start, end

    def _windows(
        self, text: _Text, by_word: dict[int, list[tuple[int, int]]]
    ) -> Iterator[tuple[int, int]]:
        """Every window that ends with a wording and holds all groups, the shortest for its end."""
        places = sorted(
            (start, end, number)
            for number, group in enumerate(self.groups)
            for word in group & by_word.keys()
            for start, end in by_word[word]
        )
        match = self.rule.match
        last: list[tuple[int, int] | None] = [None] * len(self.groups)
        for start, end, number in places:
            if match.ordered:
                # last[n] is the latest start of a chain of groups 0…n, and where the chain ends.
                if number == 0:
                    last[0] = (start, end)
                elif (chain := last[number - 1]) is not None and chain[1] <= start:
                    last[number] = (chain[0], end)
                else:
                    continue
                if number < len(self.groups) - 1:
                    continue
                window = last[number]
            else:
                last[number] = (start, end)
                spans = [span for span in last if span is not None]
                if len(spans) < len(self.groups):
                    continue
                window = min(s for s, _ in spans), max(e for _, e in spans)
            if (
                window is not None
                and window[1] - window[0] <= match.within
                and text.same(match.scope, *window)
            ):
                yield window

    def vetoes(
        self, text: _Text, by_word: dict[int, list[tuple[int, int]]]
    ) -> Callable[[int, int], bool]:
        """Whether the context of a span excuses it."""
        near = self.rule.match.near
        wordings = sorted(s for number in self.none & by_word.keys() for s in by_word[number])
        around = sorted(
            span
            for expression in self.around
            for span in _spans(expression, text.scoped("sentence"))
        )

        def vetoed(start: int, end: int) -> bool:
            if _near(wordings, start - near, end + near, touch=True, text=text):
                return True
            if around and _near(around, start, end, touch=False, text=text):
                return True
            if not self.before and not self.after:
                return False
            begin, stop = text.sentence(start)
            left = text.folded[max(begin, start - LOOK_AROUND) : start]
            right = text.folded[end : min(stop, end + LOOK_AROUND)]
            return any(expression.search(left) for expression in self.before) or any(
                expression.match(right) for expression in self.after
            )

        return vetoed


def _near(spans: list[tuple[int, int]], start: int, end: int, *, touch: bool, text: _Text) -> bool:
    """Whether one of the sorted spans overlaps ``start:end`` (or touches it) in its sentence."""
    slack = 1 if touch else 0
    longest = MAX_WORD * (MAX_GAP + 1) if touch else LOOK_AROUND * 8
    for left, right in spans[bisect_left(spans, (start - longest, 0)) :]:
        if left >= end + slack:
            return False
        if right > start - slack and text.same("sentence", min(left, start), max(right, end)):
            return True
    return False


def _spans(expression: re2._Regexp, encoded: bytes) -> Iterator[tuple[int, int]]:
    """Character spans of an expression's matches (of its first group) in UTF-8 text.

    The search goes on behind the group, so that what follows it may begin the next match.
    """
    group = 1 if expression.groups else 0
    place = bytes_done = characters = 0
    while place <= len(encoded):
        match = expression.search(encoded, place)
        if match is None:
            return
        first, last = match.span(group)
        if first < 0 or first == last:
            first, last = match.span()
        if first >= bytes_done:
            characters += len(encoded[bytes_done:first].decode())
            bytes_done = first
            yield characters, characters + len(encoded[first:last].decode())
        place = max(last, place + 1)
        while place < len(encoded) and encoded[place] & 0xC0 == 0x80:
            place += 1


def _longest(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The spans without those inside another one, ascending."""
    kept: list[tuple[int, int]] = []
    for start, end in sorted(set(spans), key=lambda span: (span[0], -span[1])):
        if not kept or end > kept[-1][1]:
            kept.append((start, end))
    return kept


def _words_of(rules: Iterable[Rule]) -> Iterator[str]:
    for rule in rules:
        match: Match = rule.match
        yield from match.words
        yield from match.none
        for group in match.all:
            yield from group


def _any_of(expressions: Sequence[str]) -> re2._Regexp | None:
    """All `expressions` as one: a single pass tells that none of them matches, the usual case."""
    if not expressions:
        return None
    return compile_expression("|".join(f"(?:{expression})" for expression in expressions))


def _automaton(patterns: list[str]) -> ahocorasick_rs.AhoCorasick | None:
    import ahocorasick_rs

    return ahocorasick_rs.AhoCorasick(patterns) if patterns else None


def _squeeze(word: str) -> str:
    return "".join(character for character in word if character.isalnum() or character in _KEEP)


def _whole(text: str, start: int, end: int) -> bool:
    """Whether the edges of ``start:end`` cut no Latin word and no number in two."""
    return not (
        (start > 0 and _joined(text[start - 1], text[start]))
        or (end < len(text) and _joined(text[end - 1], text[end]))
    )


def _joined(left: str, right: str) -> bool:
    if left.isdigit() or right.isdigit():
        return left.isdigit() and right.isdigit()
    return left.isalpha() and right.isalpha() and left < "\u0250" and right < "\u0250"
