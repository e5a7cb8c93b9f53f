"""Grounding tasks made from public text: find the sentence that a broken query means, restate it.

Numbers are replaced by random ones and passages by other passages each time, so only copying from
the evidence is ever right; nothing can be answered from memory.
"""

from __future__ import annotations

import re
from random import Random

from engine.learning.starter.chat import Sample, SampleMaker
from engine.learning.starter.corpus import other_numbers
from engine.learning.starter.public import PublicText, sentences
from engine.records import Evidence, Language, Turn

_ARTICLE = re.compile(r"^第[零一二三四五六七八九十百千]+[条章节编款]\s*")
_HAN_NUMBER = re.compile(r"[二三四五六七八九十百千]+(?=[日天年月元人倍份个小])")
_CLAUSE = re.compile(r"[，。；：、！？,.;:!?\s]+")
_DATE = re.compile(r"[（(][\d-]+[)）]")
_ASKING_ZH = (
    "{}",
    "{}？",
    "{}吗",
    "请问{}",
    "{}怎么办",
    "我想问一下{}",
    "{}是怎么规定的？",
    "{}多少啊",
    "你好，{}",
    "{}有没有说法",
    "那{}呢",
    "{}要多久",
)
_ASKING_EN = ("{}", "{}?", "what about {}", "can you tell me {}", "hi, {}", "how does {} work?")


class PublicTasks:
    """Makes samples from public text; the same `Random` makes the same samples."""

    def __init__(self, text: PublicText, maker: SampleMaker) -> None:
        self._text = text
        self._maker = maker
        self._laws = [
            (_DATE.sub("", title), useful)
            for title, paragraphs in text.laws
            if len(useful := _useful(paragraphs)) > 8
        ]
        self._english = [
            line for lines in text.customers for line in lines if 5 <= len(line.split()) <= 30
        ]
        self._intents = [lines for lines in text.intents.values() if len(lines) > 4]

    def sample(self, random: Random) -> Sample:
        """One training sample, mostly grounding, sometimes plain text."""
        return self.grounding(random) if random.random() < 0.9 else self._plain(random)

    def grounding(self, random: Random) -> Sample:
        """One sample that shows passages and asks what stands in them."""
        pick = random.random()
        if pick < 0.65:
            return self._law(random)
        if pick < 0.76:
            return self._loose(random)
        if pick < 0.88:
            return self._reply(random)
        return self._english_intents(random)

    def _law(self, random: Random) -> Sample:
        title, paragraphs = random.choice(self._laws)
        passages = []
        for n in range(1, random.randint(2, 4) + 1):
            if random.random() < 0.3:
                title, paragraphs = random.choice(self._laws)
            start = random.randrange(len(paragraphs))
            found = [
                sentence
                for paragraph in paragraphs[start : start + 2]
                for sentence in sentences(_numbered(paragraph, random))
                if 8 <= len(sentence) <= 90
            ][: random.randint(1, 3)]
            if found:
                section = "".join(found[0][:6]) if random.random() < 0.3 else ""
                passages.append(_passage(n, title[:16], section, found))
        return self._quote(passages, random)

    def _loose(self, random: Random) -> Sample:
        pool = self._text.prose
        passages = []
        for n in range(1, random.randint(3, 5) + 1):
            found = sentences(_numbered(random.choice(pool), random))[:2]
            found = [sentence[:80] for sentence in found if len(sentence) >= 8]
            if found:
                passages.append(_passage(n, "", random.choice(("资料", "说明", "规定")), found))
        return self._quote(passages, random)

    def _quote(self, passages: list[tuple[Evidence, list[str]]], random: Random) -> Sample:
        if not passages:
            return self._plain(random)
        rounds = []
        places = [(e.n, s) for e, found in passages for s in found]
        random.shuffle(places)
        for n, sentence in places[: random.randint(1, 3)]:
            rounds.append((_query(sentence, random), f"{sentence}[{n}]"))
        if len(places) > 1 and random.random() < 0.4:
            two = random.sample(places, 2)
            query = "，".join(_query(sentence, random, plain=True) for _, sentence in two)
            rounds.append((query, "".join(f"{sentence}[{n}]" for n, sentence in two)))
        random.shuffle(rounds)
        return self._rounds([e for e, _ in passages], rounds, "zh", random)

    def _reply(self, random: Random) -> Sample:
        """Which of several replies follows this turn? Meaning rather than shared words."""
        many = self._text.dialogues if random.random() < 0.6 else self._text.talks
        passages, rounds = [], []
        for n in range(1, random.randint(3, 5) + 1):
            turns = random.choice(many)
            if len(turns) < 2:
                continue
            place = random.randrange(0, len(turns) - 1, 2)
            reply = sentences(other_numbers(turns[place + 1], random))
            if reply and 4 <= len(reply[0]) <= 90:
                passages.append(_passage(n, "", "答复", reply[:1])[0])
                rounds.append((turns[place][-80:], f"{reply[0]}[{n}]"))
        if not passages:
            return self._plain(random)
        random.shuffle(rounds)
        return self._rounds(passages, rounds[:3], "zh", random)

    def _english_intents(self, random: Random) -> Sample:
        passages, rounds = [], []
        groups = random.sample(self._intents, random.randint(3, 5))
        for n, lines in enumerate(groups, 1):
            asked, meant = random.sample(lines, 2)
            if random.random() < 0.4:
                meant = random.choice(self._english)
                asked = _query_en(meant, random)
            meant = meant[:160].rstrip(" .?!") + f" within {random.randint(2, 90)} days."
            passages.append(_passage(n, "", "FAQ", [meant])[0])
            rounds.append((asked[:160], f"{meant} [{n}]"))
        random.shuffle(rounds)
        return self._rounds(passages, rounds[:3], "en", random)

    def _plain(self, random: Random) -> Sample:
        pick = random.random()
        if pick < 0.4:
            turns = random.choice(
                self._text.dialogues if random.random() < 0.5 else self._text.talks
            )
            start = random.randrange(0, len(turns), 2)
            return self._maker.dialogue([turn[:120] for turn in turns[start : start + 6]])
        if pick < 0.7:
            _, paragraphs = random.choice(self._laws)
            start = random.randrange(len(paragraphs))
            return self._maker.plain("\n".join(paragraphs[start : start + 4])[:300])
        if pick < 0.85:
            return self._maker.plain("\n".join(random.sample(self._english, 6)))
        return self._maker.plain("".join(random.sample(self._text.prose, 4))[:300])

    def _rounds(
        self,
        passages: list[Evidence],
        rounds: list[tuple[str, str]],
        language: Language,
        random: Random,
    ) -> Sample:
        (first, answer), later = rounds[0], rounds[1:]
        turns = [Turn("customer", first)]
        return self._maker.grounded(turns, passages, answer, language, random, later=later)


def _useful(paragraphs: list[str]) -> list[str]:
    cut = [_ARTICLE.sub("", paragraph).strip() for paragraph in paragraphs]
    return [paragraph for paragraph in cut if 12 <= len(paragraph) <= 200]


def _passage(n: int, title: str, section: str, found: list[str]) -> tuple[Evidence, list[str]]:
    evidence = Evidence(n=n, doc="", title=title, section=section, text="".join(found), score=0.0)
    return evidence, found


def _numbered(text: str, random: Random) -> str:
    """`text` with other numbers: Chinese numerals mostly as digits, digits replaced."""
    if random.random() < 0.8:
        text = _HAN_NUMBER.sub(lambda _: str(random.randint(1, 200)), text)
    return other_numbers(text, random)


def _query(sentence: str, random: Random, *, plain: bool = False) -> str:
    """What somebody might ask who half remembers `sentence`: pieces of it, without its numbers."""
    clauses = [clause for clause in _CLAUSE.split(re.sub(r"\d+", "", sentence)) if len(clause) > 2]
    chosen = random.sample(clauses, min(len(clauses), random.randint(1, 2)))
    pieces = []
    for clause in chosen:
        length = random.randint(3, 10)
        start = random.randrange(max(1, len(clause) - length + 1))
        piece = clause[start : start + length]
        if random.random() < 0.3:
            piece = "".join(c for c in piece if random.random() > 0.15)
        pieces.append(piece)
    text = random.choice(("", "，", " ", "的")).join(pieces) or sentence[:6]
    return text if plain else random.choice(_ASKING_ZH).format(text)


def _query_en(sentence: str, random: Random) -> str:
    words = sentence.split()
    length = random.randint(2, 6)
    start = random.randrange(max(1, len(words) - length + 1))
    return random.choice(_ASKING_EN).format(" ".join(words[start : start + length]))
