"""Whether a draft is whole text: nothing repeated, cut off, mixed up or pointing nowhere.

It sees what a program can see: the form. Whether the sentences belong together, a person reads.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from typing import Literal

from engine.records import Language

Break = Literal["repeat", "cut", "language", "citation", "markup"]

_CITATION = re.compile(r"\s?\[(\d{1,3})\]")
_HAN_RUN = re.compile(r"[\u3400-\u9fff]+")
_LATIN_RUN = re.compile(r"[A-Za-z][A-Za-z'’-]*(?:[ ,]+[A-Za-z][A-Za-z'’-]*)+")
# A few words in a row are a name or a code; more are a sentence in the other language.
_FOREIGN_WORDS = 5
_FOREIGN_HAN = 6
_STAMMER = re.compile(r"(\S.{0,19}?)\1{2,}")
_SENTENCE = re.compile(r"[^。！？!?\n]+")
_ENGLISH_SENTENCE = re.compile(r"(?:[^.!?\n]|\.(?=\S))+")
# Sentences shorter than this may well be said twice.
_SHORT = 6
_ENDS = frozenset("。！？!?.…～~”」』）)】;；")
_JOINTS = "，、；：,;:"
_PAIRS = {"（": "）", "「": "」", "『": "』", "“": "”", "《": "》", "【": "】"}
_OPENERS = {closer: opener for opener, closer in _PAIRS.items()}
_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,60}>|<\|")
_FRAGMENT = re.compile(r"\[(?!\d{1,3}\])|(?<!\d)\]|(?<!\[)(?<=\D)\d{1,3}\]")
_MARKUP = re.compile(r"^\s*(?:#{1,6}\s|[-*]\s|\||>\s)", re.MULTILINE)


def breaks(
    text: str, language: Language, numbers: Collection[int], closing: str = ""
) -> tuple[Break, ...]:
    """What is broken in a draft's `text`, in the order of `Break`; empty when it is whole.

    `language` is the customer's, `numbers` those of the evidence, `closing` the sentence that the
    style profile puts behind the model's.
    """
    bare = _CITATION.sub("", text).replace("**", "")
    body = bare.strip().removesuffix(closing.strip()).rstrip()
    found: list[Break] = []
    if _repeats(body, language):
        found.append("repeat")
    if _is_cut(body):
        found.append("cut")
    if _is_mixed(body, language):
        found.append("language")
    if _points_nowhere(text, numbers):
        found.append("citation")
    if text.count("**") % 2 or "****" in text or _TAG.search(text) or _MARKUP.search(bare):
        found.append("markup")
    return tuple(found)


def _repeats(body: str, language: Language) -> bool:
    if any(len(match[1]) > 1 or len(match[0]) > 4 for match in _letters(_STAMMER, body)):
        return True
    pattern = _SENTENCE if language == "zh" else _ENGLISH_SENTENCE
    said = ["".join(match[0].split()).casefold() for match in pattern.finditer(body)]
    long = [sentence for sentence in said if len(sentence) >= _SHORT]
    return len(set(long)) < len(long)


def _letters(pattern: re.Pattern[str], text: str) -> list[re.Match[str]]:
    """The matches that repeat letters: 6666 may be a number, 啊啊啊啊啊 is none."""
    return [match for match in pattern.finditer(text) if any(map(str.isalpha, match[1]))]


def _is_cut(body: str) -> bool:
    if not body:
        return False
    if body[-1] not in _ENDS or body[0] in _JOINTS or "\ufffd" in body:
        return True
    # A joint behind an end, or two joints together: what should stand between them is gone.
    if re.search(rf"[。！？{_JOINTS}][{_JOINTS}。]", body):
        return True
    waiting: list[str] = []
    for char in body:
        if char in _PAIRS:
            waiting.append(char)
        elif char in _OPENERS and (not waiting or waiting.pop() != _OPENERS[char]):
            return True
    return bool(waiting)


def _is_mixed(body: str, language: Language) -> bool:
    if language == "zh":
        runs = (match[0].split() for match in _LATIN_RUN.finditer(body))
        return any(len(run) >= _FOREIGN_WORDS for run in runs)
    return any(len(run) >= _FOREIGN_HAN for run in _HAN_RUN.findall(body))


def _points_nowhere(text: str, numbers: Collection[int]) -> bool:
    cited = [int(match[1]) for match in _CITATION.finditer(text)]
    if any(number not in numbers for number in cited) or _FRAGMENT.search(text):
        return True
    first = _CITATION.search(text)
    nothing = first and not any(
        unicodedata.category(char)[0] == "L" for char in text[: first.start()]
    )
    return bool(nothing) or re.search(r"(\[\d{1,3}\])\s?\1", text) is not None
