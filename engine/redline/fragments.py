"""Latin words in fragments (s u e, r-i-s-k): how many pieces make up one word of the rules."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

MAX_GAP = 6
_FRAGMENTS = 16
_LETTERS = 24
_FIXED = frozenset(",。!?;\n")

Tokens = Sequence[tuple[int, int]]


def is_gap(text: str, start: int, end: int) -> bool:
    """Whether something stands between two tokens that may be left out.

    The second half of a character that was joined ("\\0") counts for nothing.
    """
    if start == end:
        return False
    length = end - start - text.count("\0", start, end)
    return 0 < length <= MAX_GAP and _FIXED.isdisjoint(text[start:end])


class Fragments:
    """Joins the fragments of the Latin words of some rules."""

    def __init__(self, words: Iterable[str]) -> None:
        self.words = frozenset(words)
        self._beginnings = frozenset(
            word[:size] for word in self.words for size in range(1, len(word) + 1)
        )

    def may_begin(self, word: str) -> bool:
        """Whether a Latin word is the beginning of one of the words."""
        return word in self._beginnings

    def joined(self, text: str, tokens: Tokens, number: int) -> int:
        """How many of `tokens` from `number` on make up a Latin word; one or less when none do.

        Letters that stand apart are one word up to where they stand farther apart; where they never
        do, and for longer fragments, it is the longest word of the rules.
        """
        start, end = tokens[number]
        if end - start > 1 and not self.may_begin(text[start:end]):
            return 1
        apart = self._letters_apart(text, tokens, number)
        if apart > 2 or apart < 0 or (apart == 2 and text[tokens[number][0]].isdigit()):
            return max(apart, 1)
        best = 0
        word = blank = ""
        for count, (start, end) in enumerate(tokens[number : number + _FRAGMENTS], 1):
            if count > 1:
                last = tokens[number + count - 2][1]
                gap = text[last:start]
                blank = blank or gap
                spaced = " " if " " in blank else ""
                if not is_gap(text, last, start) or (gap if " " in gap else "") != spaced:
                    if best == count - 1 and spaced and " " not in gap:
                        best = 0  # The last letter belongs to what follows.
                    break
            word += text[start:end]
            if word not in self._beginnings:
                break
            if word in self.words:
                best = count
        return best

    def _letters_apart(self, text: str, tokens: Tokens, number: int) -> int:
        """How many single letters from `number` on are one word by how far apart they stand.

        Less than none: the first is a word by itself.
        """
        count = 1
        first = ""
        ended = False
        while number + count < len(tokens):
            before, (start, end) = tokens[number + count - 1], tokens[number + count]
            if before[1] - before[0] != 1:
                return 0
            gap = text[before[1] : start]
            first = first or gap
            if " " in first and first != " ":
                return 0
            if not gap or text[start] >= "\u3400":
                ended = True
                break
            if (" " in gap) != (first == " ") or (first == " " and gap != " "):
                ended = " " in gap
                break
            if end - start != 1:
                ended = True
                break
            if len(gap) > MAX_GAP or count == _LETTERS:
                return 0
            count += 1
        else:
            ended = " " not in first
        word = "".join(text[start] for start, _ in tokens[number : number + count])
        if word[0] in "ia" and word not in self.words and word[1:] in self.words:
            return -1  # "I", and a word behind it.
        if word.isdigit():
            return count
        numbered = count > 4 and any(character.isdigit() for character in word)
        return count if ended or numbered or word in self.words else 0
