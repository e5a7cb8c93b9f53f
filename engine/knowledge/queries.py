"""What to search for the newest customer turn: itself, or itself with the topic it refers back to.

Three scores decide, each a sum over the cues of `cues` and over measures of the conversation:
how much the turn leans on what came before (`_dependence`), which topics the conversation had
(`_topics`), and which of them is meant (`_choose`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec import Struct

from engine.knowledge.cues import ASKING, CLOSING, COURTESY, CUES, GENERIC, OPENINGS
from engine.knowledge.grams import clean, fold, grams, is_function
from engine.records import Turn

_LONGEST_TURN = 160
_LONGEST_REPLY = 80
# From this dependence on a turn is searched with the topic it refers to.
_LEANS = 0.5
# From this share of known subjects on a turn that stands alone still belongs to the topic at hand.
_CONTINUES = 0.34

_HAN = re.compile(r"[\u3400-\u9fff]")
_ENGLISH = re.compile(r"[a-z][a-z'’-]+")
_NUMBER = re.compile(r"\d+")
_PAUSE = re.compile(r"[,.!?。、~;: ]+")
_HALF_WIDTH = str.maketrans("，．！？～；：", ",.!?~;:")
_ASKS = re.compile(r"[^。！？!?\n]*[？?][^。！？!?\n]*$")


class _Reading(Struct, frozen=True):
    """A customer turn, read.

    `text`: without courtesies; `bare`: without the cues that name nothing either. `content`: how
    much it says, in Chinese characters. `subjects`: what it speaks of. `leaning`: what its cues
    add up to; `back`, `first` and `turning`: which way they point. `asking`: whether it asks.
    """

    text: str
    bare: str
    content: float
    subjects: frozenset[str]
    leaning: float
    back: bool
    first: bool
    turning: bool
    asking: bool

    @property
    def says_something(self) -> bool:
        return bool(self.text) and (self.content > 0 or self.leaning > 0)


class _Topic(Struct):
    """Turns of one subject. `touched`: the place of the latest; `said`: the agent's last words."""

    turns: list[str]
    subjects: set[str]
    touched: int
    turning: bool = False
    said: str = ""
    asked: bool = False


def standalone_query(turns: Sequence[Turn]) -> str:
    """What to search for the newest customer turn of `turns` (oldest first).

    A question that stands alone is returned as it is (courtesies aside); one that refers back is
    returned behind the turns of the topic it takes up. "" when no customer has spoken.
    """
    newest = _newest(turns)
    if newest is None:
        return ""
    reading = _read(turns[newest].text)
    if not reading.text:
        return clean(turns[newest].text).strip()
    topics = _topics(turns[:newest])
    if not topics or _dependence(reading, topics, _in_burst(turns, newest)) < _LEANS:
        return reading.text
    return _composed(_choose(reading, topics), reading)


def _newest(turns: Sequence[Turn]) -> int | None:
    """The last customer turn since the last reply that says something, else the last one."""
    last = None
    for place in range(len(turns) - 1, -1, -1):
        if turns[place].role == "customer":
            last = place if last is None else last
            if _read(turns[place].text).says_something:
                return place
        elif last is not None:
            break
    return last


def _in_burst(turns: Sequence[Turn], place: int) -> bool:
    """Whether the turn was sent right after another one of the customer's."""
    return place > 0 and turns[place - 1].role == "customer"


def _read(text: str) -> _Reading:
    said = _without_courtesy(re.sub(r"\s+", " ", clean(text[:4000])).strip())
    bare = fold(said)
    leaning = 0.0
    back = first = turning = False
    for cue in CUES:
        if not cue.pattern.search(bare):
            continue
        # Of those that lean, the strongest counts whole and each further one a little.
        if cue.weight < 0:
            leaning += cue.weight
        else:
            leaning = max(leaning, cue.weight) + (0.1 if leaning > 0 else 0.0)
        back, first = back or cue.back, first or cue.first
        turning = turning or cue.weight <= -0.4
        if cue.empty:
            bare = cue.pattern.sub(" ", bare)
    matter = GENERIC.sub(" ", bare)
    generic = sum(len(match.group()) for match in GENERIC.finditer(bare))
    han = sum(1 for char in _HAN.findall(matter) if not is_function(char))
    words = [word for word in _ENGLISH.findall(matter) if not is_function(word)]
    numbers = _NUMBER.findall(matter)
    return _Reading(
        text=said,
        bare=_PAUSE.sub(" ", bare).strip(),
        content=han + 2.0 * len(words) + 0.5 * len(numbers) + 0.15 * generic,
        subjects=frozenset(
            gram for gram in grams(matter) if len(gram) > 1 and not is_function(gram)
        ),
        leaning=leaning,
        back=back,
        first=first,
        turning=turning,
        asking=bool(ASKING.search(bare)),
    )


def _without_courtesy(text: str) -> str:
    """`text` without greetings and thanks at its ends; "" when it holds nothing else."""
    plain = text.translate(_HALF_WIDTH).lower()
    if len(plain) != len(text):
        return text
    start = 0
    while (match := COURTESY.match(plain, start)) and match.end() > start:
        pauses = match.end() == len(text) or match.group()[-1] in " ,.!?。、~;:"
        if not pauses and not match.group().startswith(OPENINGS):
            break
        start = match.end()
    end = len(text)
    for place in reversed([start, *(found.end() for found in _PAUSE.finditer(plain, start))]):
        rest = plain[place:end].strip()
        if rest and not COURTESY.fullmatch(rest):
            break
        end = place
    return text[start:end].strip()


def _dependence(reading: _Reading, topics: Sequence[_Topic], burst: bool) -> float:
    """How much (about 0…1.5) a turn needs what was said before to be understood."""
    score = reading.leaning + 0.6 * max(0.0, 1.0 - reading.content / 6.0)
    shared = max(_shared(reading, topic) for topic in topics)
    words = reading.bare.split()
    if len(reading.bare) <= 5 or (len(words) <= 3 and reading.bare.isascii()):
        score += 0.15
    elif reading.leaning < 0.5 and reading.content >= 2 and not shared and not burst:
        # It names something of its own that nobody has spoken of yet.
        score -= 0.25
    latest = max(topics, key=lambda topic: topic.touched)
    if latest.asked and not reading.turning:
        # After a question of the agent's, a statement is its answer.
        score += 0.2 if reading.asking else 0.8
    if burst and not reading.turning:
        # One thought in several messages.
        score += 0.65
    if reading.leaning > 0:
        score += 0.3 * shared
    return score


def _topics(turns: Sequence[Turn]) -> list[_Topic]:
    """The conversation so far, as subjects taken up and left."""
    topics: list[_Topic] = []
    active: _Topic | None = None
    for place, turn in enumerate(turns):
        if turn.role == "agent" and active is not None:
            active.said = clean(turn.text[:2000]).strip()
            asks = _ASKS.search(active.said)
            active.asked = bool(asks and not CLOSING.search(asks.group().lower()))
            active.subjects |= _read(active.said).subjects
        if turn.role != "customer":
            continue
        reading = _read(turn.text)
        if not reading.says_something:
            continue
        topic = None
        if topics and _dependence(reading, topics, _in_burst(turns, place)) >= _LEANS:
            topic = _choose(reading, topics)
        elif active is not None and not reading.turning:
            topic = active if _shared(reading, active) >= _CONTINUES else None
        if topic is None:
            topic = _Topic([], set(), place, reading.turning)
            topics.append(topic)
        topic.turns.append(reading.text)
        topic.subjects |= reading.subjects
        topic.touched = place
        topic.asked = False
        active = topic
    return topics


def _shared(reading: _Reading, topic: _Topic) -> float:
    """The share (0…1) of a turn's subjects that the topic has spoken of."""
    if not reading.subjects:
        return 0.0
    return len(reading.subjects & topic.subjects) / len(reading.subjects)


def _choose(reading: _Reading, topics: Sequence[_Topic]) -> _Topic:
    """The topic that a turn takes up: by words in common, by how far back its cues reach."""
    recent = sorted(topics, key=lambda topic: -topic.touched)

    def score(distance: int, topic: _Topic) -> float:
        if reading.first:
            nearness = 1.0 if topic is topics[0] else 0.4
        elif reading.back:
            # "刚才那个" is said of what was left, not of what is being spoken of; and what was
            # itself only slipped in is left for good.
            nearness = 0.55 if distance == 0 else 1.0 - 0.2 * (distance - 1)
            nearness += 0.1 * topic.asked - 0.2 * topic.turning
        else:
            nearness = 1.0 - 0.3 * distance
        return nearness + 1.5 * _shared(reading, topic)

    scores = [score(distance, topic) for distance, topic in enumerate(recent)]
    return recent[scores.index(max(scores))]


def _composed(topic: _Topic, reading: _Reading) -> str:
    """The topic in the customer's words and in the agent's, and what is asked now."""
    said = topic.turns[:1] + topic.turns[1:][-2:]
    parts = [text[:_LONGEST_TURN] for text in said]
    if topic.asked and (question := _ASKS.search(topic.said)):
        parts.append(question.group().strip()[:_LONGEST_TURN])
    elif topic.said:
        # The agent's words are mostly those of the knowledge.
        parts.append(topic.said[:_LONGEST_REPLY])
    parts.append(reading.bare or reading.text)
    return " ".join(dict.fromkeys(parts))
