"""What is enforced in the sampler: grounded numbers in free drafts, whole sentences in verbatim.

Decoding is greedy: the same conversation over the same evidence gives the same draft.
"""

from __future__ import annotations

import codecs
import math
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

import numpy as np
from msgspec import Struct

from engine.drafting.generation import Logits, Vocabulary
from engine.drafting.grounding import GroundedNumbers
from engine.drafting.quantities import SETTLED, is_plain

_SENTENCE_ENDS = frozenset("。！？!?\n")
_REPEAT = 12
_CONTEXT = 20
"""Plain characters before a number on which it depends what it is (第三天, 3 of May)."""


class GroundedFree:
    """Free wording in which no number may stand that the sources do not hold.

    Of the likeliest tokens the first is taken that keeps the text clean; a reply that has used
    its `room` (characters) ends at the next end of a sentence, one that repeats itself at once.
    """

    def __init__(self, vocabulary: Vocabulary, numbers: GroundedNumbers, *, room: int) -> None:
        self._pieces = vocabulary.pieces
        self._ends = vocabulary.ends
        self._numbers = numbers
        self._room = room
        self._text = ""
        self._unread = b""
        # A number is judged with what stands before it, but never further back than this.
        self._judged_from = 0
        # How many plain characters the text ends with; None when all that is judged is plain.
        self._plain_end: int | None = None
        self._open = False
        # A citation that the text ends within.
        self._citing = ""

    def choose(self, logits: Logits) -> Sequence[int]:
        """The likeliest token that may stand here; none at the end."""
        if self._is_over():
            return ()
        for token in _best_first(logits):
            if token in self._ends:
                if self._may_end():
                    return ()
                continue
            if self._pieces[token] and self._may_add(token):
                return (token,)
        return ()

    def _may_end(self) -> bool:
        judged = self._text[self._judged_from :]
        return not judged or not self._numbers.violation(judged, final=True)

    def _is_over(self) -> bool:
        if len(self._text) >= self._room:
            end = self._text.rstrip("]0123456789[")[-1:]
            if end == "." or end in _SENTENCE_ENDS:
                return True
        tail = self._text[-_REPEAT:]
        return len(tail) == _REPEAT and self._text.count(tail) > 2

    def _may_add(self, token: int) -> bool:
        """Add `token` where the text stays readable and clean; whether it was added."""
        piece = self._pieces[token]
        if not self._unread and not self._open and (text := _plain_text(piece)):
            self._text += text
            if self._plain_end is not None or not _SENTENCE_ENDS.isdisjoint(text):
                self._settle(text, plain=True)
            return True
        if not self._unread and self._cites(piece):
            return True
        read = self._unread + piece
        unread = b""
        try:
            added = read.decode()
        except UnicodeDecodeError:
            # A token may end within a character: what is judged is what can be read so far.
            decoder = codecs.getincrementaldecoder("utf-8")()
            try:
                added = decoder.decode(read)
            except UnicodeDecodeError:
                return False
            unread = decoder.getstate()[0]
        plain = is_plain(added, self._text)
        if not plain or self._open:
            if self._plain_end is None and not self._open:
                self._judge_from(len(self._text) - _CONTEXT)
            judged = self._text[self._judged_from :] + added
            violation, is_open = self._numbers.judge(judged)
            if violation:
                return False
            # Shortly behind what may belong to a number, the next characters decide.
            self._open = is_open or not is_plain(judged[-3:])
        self._text += added
        self._unread = unread
        self._citing = ""
        self._settle(added, plain=plain)
        return True

    def _cites(self, piece: bytes) -> bool:
        """Add `piece` where it begins or continues a citation of the evidence; whether it does."""
        if self._open and not self._citing:
            return False
        citing = self._citing + piece.decode("utf-8", "replace")
        if citing not in self._numbers.citation_beginnings:
            return False
        if not self._citing:
            # What a number is depends on nothing behind a citation.
            self._judged_from = len(self._text)
        self._text += citing[len(self._citing) :]
        self._open = not citing.endswith("]")
        self._citing = citing if self._open else ""
        if not self._open:
            self._judged_from = len(self._text)
            self._plain_end = None
        return True

    def _settle(self, added: str, *, plain: bool) -> None:
        """Move on from where numbers are judged, as far as nothing to come can change them."""
        if not _SENTENCE_ENDS.isdisjoint(added):
            self._judged_from = max(self._text.rfind(end) for end in _SENTENCE_ENDS)
            self._open = self._open and not plain
            self._plain_end = None if is_plain(self._text[self._judged_from :]) else 0
        elif not plain:
            self._plain_end = 0
        elif self._plain_end is not None:
            self._plain_end += len(added)
            settled = SETTLED[not added.isascii()]
            if self._plain_end >= settled and not self._open:
                self._judge_from(len(self._text) - settled // 2)
                self._plain_end = None

    def _judge_from(self, place: int) -> None:
        """Judge from `place` on, or from where its word begins."""
        while (
            place > self._judged_from
            and self._text[place - 1].isascii()
            and self._text[place - 1].isalpha()
        ):
            place -= 1
        self._judged_from = max(self._judged_from, place)


@lru_cache(maxsize=1 << 16)
def _plain_text(piece: bytes) -> str:
    """The text of a token that is plain whatever stands before it; else nothing."""
    try:
        text = piece.decode()
    except UnicodeDecodeError:
        return ""
    joins = text[:1].isascii() and text[:1].isalpha()
    return "" if joins or not is_plain(text) else text


class Alternative(Struct, frozen=True):
    """One way to go on: its text, how likely it is beforehand, and what is taken by it."""

    text: str
    weight: float
    taken: int | None = None


class Menu:
    """The grammar of a verbatim reply, as the alternatives open after what was taken so far.

    reply → sentence cite ((connective)? sentence cite)*, each sentence at most once, as a whole.
    `relevance` of a sentence is 0…1; ending weighs as much as a sentence of `stop` times the best.
    """

    def __init__(
        self,
        sentences: Sequence[str],
        cites: Sequence[str],
        relevance: Sequence[float],
        *,
        connectives: Sequence[str] = (),
        room: int = 220,
        most: int = 3,
        sharpness: float = 4.0,
        stop: float = 0.75,
    ) -> None:
        self._sentences = list(zip(sentences, cites, relevance, strict=True))
        self._connectives = connectives
        self._room = room
        self._most = most
        self._sharpness = sharpness
        self._stop = stop

    def after(self, taken: Sequence[int]) -> list[Alternative]:
        """The alternatives when sentences `taken` stand already; an empty text ends the reply."""
        if len(taken) >= self._most:
            return []
        used = sum(len(self._sentences[index][0]) for index in taken)
        best = max((relevance for _, _, relevance in self._sentences), default=0.0)
        # A connective before the second sentence on, each in turn, so that none is said twice.
        joint = ""
        if taken and self._connectives:
            joint = self._connectives[(len(taken) - 1) % len(self._connectives)]
        open_ways = [
            Alternative(f"{joint}{sentence}{cite}", self._weight(relevance), index)
            for index, (sentence, cite, relevance) in enumerate(self._sentences)
            if index not in taken and (not taken or used + len(sentence) <= self._room)
        ]
        if taken:
            open_ways.append(Alternative("", self._weight(self._stop * best)))
        return open_ways

    def _weight(self, relevance: float) -> float:
        return math.pow(max(relevance, 1e-3), self._sharpness)


class Verbatim:
    """A reply made of whole sentences of the evidence only (the Menu's), by a token trie.

    At a fork the model's likelihood of each way, restricted to those that are open, is multiplied
    by the way's weight beforehand (to the power `trust`, 0: the model alone decides). Where one
    way is left all its tokens are given at once, so that they are read as one batch. A sentence
    that the tokens cannot spell, or that would need more than the `limit` leaves, is not open.
    """

    def __init__(
        self, vocabulary: Vocabulary, menu: Menu, *, limit: int, trust: float = 1.0
    ) -> None:
        self._vocabulary = vocabulary
        self._menu = menu
        self._trust = trust
        self._left = limit
        self.taken: list[int] = []
        self._ways: list[tuple[list[int], Alternative]] = []
        self._fork()

    def choose(self, logits: Logits) -> Sequence[int]:
        """The next tokens: one at a fork, the rest of the sentence where there is none."""
        if not self._ways:
            return ()
        if len(self._ways) > 1:
            token = self._decide(logits)
            if token is None:
                return ()
            self._ways = [(way[1:], end) for way, end in self._ways if way[:1] == [token]]
            chosen = [token]
        else:
            chosen = []
        if len(self._ways) == 1 or all(way == self._ways[0][0] for way, _ in self._ways):
            rest, alternative = self._ways[0]
            chosen += rest
            if alternative.taken is None:
                return ()
            self.taken.append(alternative.taken)
            self._left -= len(chosen)
            self._fork()
        else:
            self._left -= len(chosen)
        return chosen

    def _fork(self) -> None:
        ways = (
            (self._vocabulary.tokenize(alternative.text), alternative)
            for alternative in self._menu.after(self.taken)
        )
        self._ways = [(way, end) for way, end in ways if self._may_stand(way, end.text)]

    def _may_stand(self, way: Sequence[int], text: str) -> bool:
        spelt = b"".join(self._vocabulary.pieces[token] for token in way)
        # Some tokenizers begin every text with a blank.
        return len(way) <= self._left and spelt.lstrip() == text.encode("utf-8", "replace").lstrip()

    def _decide(self, logits: Logits) -> int | None:
        """The token of the best way; None when that is to end here."""
        prior: dict[int | None, float] = {}
        for way, alternative in self._ways:
            token = way[0] if way else None
            prior[token] = prior.get(token, 0.0) + alternative.weight
        likelihood = self._likelihoods(logits, [token for token in prior if token is not None])
        return max(
            prior, key=lambda token: likelihood(token) + self._trust * math.log(prior[token])
        )

    def _likelihoods(self, logits: Logits, tokens: Sequence[int]) -> Callable[[int | None], float]:
        """Log-likelihood of each of `tokens` and of ending (None), all others being impossible."""
        ending = max((float(logits[token]) for token in self._vocabulary.ends), default=-math.inf)
        values: dict[int | None, float] = {token: float(logits[token]) for token in tokens}
        values[None] = ending
        top = max(values.values())
        total = top + math.log(sum(math.exp(value - top) for value in values.values()))
        return lambda token: values[token] - total


def _best_first(logits: Logits, most: int = 64) -> Iterator[int]:
    """The `most` likeliest tokens, best first. The usual case needs only the first."""
    best = int(logits.argmax())
    yield best
    count = min(most, logits.size)
    top = np.argpartition(logits, -count)[-count:]
    for token in top[np.argsort(logits[top])[::-1]]:
        if token != best:
            yield int(token)
