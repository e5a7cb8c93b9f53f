"""From a conversation and its evidence to the chat messages that the model reads.

The system message is the same for every conversation of a company, so that it is evaluated once.
A conversation's prompt then only grows: what an earlier draft rested on stays where it was shown,
and a passage that stands there already is only referred to. So each turn's new text is all that
is read.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from typing import Literal, TypeVar

from msgspec import Struct

from engine.drafting.style import StyleProfile
from engine.records import Evidence, Language, Turn

_SYSTEM = {
    "zh": "你是客服的起草助手。{tone}只根据依据回答，先回应客户的顾虑，每句话后标注依据编号。",
    "en": "You draft replies for customer service. {tone} Answer from the sources only, "
    "meet the customer's worry first, and cite the source after each sentence.",
}
_SOURCES = {"zh": "依据：", "en": "Sources:"}
_AVOID = {"zh": "不要出现：{words}", "en": "Do not say: {words}"}
_ABOVE = {"zh": "（见上）", "en": " (above)"}
_CUT = "…"
# Where not all turns fit the oldest go, so many at a time: whenever they go, all is read again.
_TURNS_DROPPED = 8
_REMINDER = 12
_FEWEST_PASSAGES = 3
SOURCE_TOKENS = 280
"""Passages are what is read anew for each question, which is most of the wait on a CPU."""
_HAN = re.compile(r"[\u3400-\u9fff]")
_LATIN = re.compile(r"[A-Za-z]")

VERSION = hashlib.sha256(repr((_SYSTEM, _SOURCES, _AVOID, _ABOVE)).encode()).hexdigest()[:8]


Default = TypeVar("Default", bound=Language | None)


class ChatMessage(Struct, frozen=True):
    """One message in the words of chat templates."""

    role: Literal["system", "user", "assistant"]
    content: str


def reply_language(turns: Sequence[Turn], default: Language) -> Language:
    """The language of the newest customer turn that shows one, else `default`."""
    for turn in reversed(turns):
        if turn.role == "customer" and (language := language_of(turn.text, None)):
            return language
    return default


def language_of(text: str, default: Default) -> Language | Default:
    """The language `text` is in, else `default`; a Chinese character makes it Chinese."""
    if _HAN.search(text):
        return "zh"
    return "en" if len(_LATIN.findall(text)) >= 3 else default


def newest_message(turns: Sequence[Turn]) -> str:
    """The text of the customer's newest consecutive turns."""
    lines: list[str] = []
    for turn in reversed(turns):
        if turn.role == "agent":
            break
        if turn.role == "customer":
            lines.append(turn.text)
    return "\n".join(reversed(lines))


def newest_text(turns: Sequence[Turn]) -> str:
    """The text of the customer's newest turn."""
    return next(turn.text for turn in reversed(turns) if turn.role == "customer")


def said_by_agent(turns: Sequence[Turn]) -> str:
    """All that the agent said in `turns`."""
    return "\n".join(turn.text for turn in turns if turn.role == "agent")


def build_messages(
    turns: Sequence[Turn],
    evidence: Sequence[Evidence],
    style: StyleProfile,
    language: Language,
    *,
    budget: int,
    count: Callable[[str], int],
    avoid: Sequence[str] = (),
    source_tokens: int = SOURCE_TOKENS,
) -> list[ChatMessage]:
    """The chat for one draft, at most about `budget` tokens as `count` measures them.

    `avoid` holds wordings that a former try was stopped for. The first passages always stand in
    it, others as long as all of a turn have at most `source_tokens`.

    The system message, the newest customer turns and the evidence always stand in it (cut in the
    middle when one alone is too long); of the rest, as many of the newest turns as still fit.
    """
    system = system_message(style, language)
    room = budget - count(system.content)
    writer = _Writer(evidence, language, max(64, room // 3), source_tokens, count)
    said = [turn for turn in turns if turn.role != "system"]
    newest = len(said)
    while newest and said[newest - 1].role == "customer":
        newest -= 1
    if newest == len(said):
        said.append(Turn("customer", ""))
    warning = _AVOID[language].format(words="、".join(avoid)) if avoid else ""
    # Of thousands of turns only those are counted for which there may be room.
    earliest, left = len(said), room
    while earliest and (left := left - count(said[earliest - 1].text[: 8 * room])) >= 0:
        earliest -= 1
    for start in [*range(0, newest, _TURNS_DROPPED), newest]:
        if start < earliest:
            continue
        messages = writer.messages(said[start:], warning)
        # Around each message stand the template's own tokens.
        if sum(count(message.content) + 6 for message in messages) <= room:
            return [system, *messages]
    together = Turn("customer", "\n".join(turn.text for turn in said[newest:]))
    return [system, *writer.messages([together], warning)]


class _Writer:
    """Writes turns as chat messages; `share` is the most tokens that one text may have."""

    def __init__(
        self,
        evidence: Sequence[Evidence],
        language: Language,
        share: int,
        source_tokens: int,
        count: Callable[[str], int],
    ) -> None:
        self._source_tokens = source_tokens
        self._evidence = evidence
        self._language: Language = language
        self._share = share
        self._count = count

    def messages(self, turns: Sequence[Turn], warning: str) -> list[ChatMessage]:
        """`turns`, the last of them with the evidence and the `warning`."""
        written: list[ChatMessage] = []
        shown: set[str] = set()
        for turn in turns:
            last = turn is turns[-1]
            evidence = self._evidence if last else turn.evidence
            parts = [
                _shortened(turn.text, self._share, self._count),
                self._sources(evidence, shown) if turn.role == "customer" else "",
                warning if last else "",
            ]
            content = "\n\n".join(part for part in parts if part)
            role: Literal["user", "assistant"] = "user" if turn.role == "customer" else "assistant"
            if written and written[-1].role == role:
                written[-1] = ChatMessage(role, f"{written[-1].content}\n{content}")
            else:
                written.append(ChatMessage(role, content))
        return written

    def _sources(self, evidence: Sequence[Evidence], before: set[str]) -> str:
        if not evidence:
            return ""
        each = max(48, 2 * self._share // len(evidence))
        lines = [_SOURCES[self._language]]
        tokens = 0
        for item in evidence:
            line = source_line(item)
            tokens += self._count(line[: 8 * each])
            if len(lines) > _FEWEST_PASSAGES and tokens > self._source_tokens:
                break
            body = line.partition(" ")[2]
            if body in before:
                head, colon, text = line.partition("：")
                line = f"{head}{colon}{text[:_REMINDER]}{_CUT}{_ABOVE[self._language]}"
            before.add(body)
            lines.append(_shortened(line, each, self._count))
        return "\n".join(lines)


def system_message(style: StyleProfile, language: Language) -> ChatMessage:
    """The message that all conversations of one style and language begin with."""
    tone = style.tone.of(language)
    return ChatMessage("system", _SYSTEM[language].format(tone=tone))


def source_line(evidence: Evidence) -> str:
    """One passage as the prompt shows it."""
    heading = " › ".join(part for part in (evidence.title, evidence.section) if part)
    body = " ".join(evidence.text.split())
    return f"[{evidence.n}] {heading}：{body}"


def _shortened(text: str, budget: int, count: Callable[[str], int]) -> str:
    """`text`, without its middle when it has more than `budget` tokens."""
    # A token has seldom more than eight characters: a huge message is cut before it is counted.
    keep = budget * 8
    if len(text) > keep:
        text = text[: keep // 2] + _CUT + text[-keep // 2 :]
    while (tokens := count(text)) > budget and len(text) > 8:
        keep = max(8, int(len(text) * budget / tokens * 0.95))
        text = text[: keep // 2] + _CUT + text[-(keep // 2) :]
    return text
