"""From a conversation and its evidence to the chat messages that the model reads.

The system message is the same for every conversation of a company, so that it is evaluated once;
what changes most, the evidence, stands at the very end.
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
_CUT = "…"
_HAN = re.compile(r"[\u3400-\u9fff]")
_LATIN = re.compile(r"[A-Za-z]")

VERSION = hashlib.sha256(repr((_SYSTEM, _SOURCES, _AVOID)).encode()).hexdigest()[:8]


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


def build_messages(
    turns: Sequence[Turn],
    evidence: Sequence[Evidence],
    style: StyleProfile,
    language: Language,
    *,
    budget: int,
    count: Callable[[str], int],
    avoid: Sequence[str] = (),
) -> list[ChatMessage]:
    """The chat for one draft, at most about `budget` tokens as `count` measures them.

    `avoid` holds wordings that a former try was stopped for.

    The system message, the newest customer turns and the evidence always stand in it (cut in the
    middle when one alone is too long); of the rest, as many of the newest turns as still fit.
    """
    system = system_message(style, language)
    newest, earlier = _split(turns)
    share = max(64, (budget - count(system.content)) // 3)
    question = _shortened(newest, share, count)
    sources = _sources(evidence, language, share, count)
    warning = _AVOID[language].format(words="、".join(avoid)) if avoid else ""
    final = ChatMessage("user", "\n\n".join(part for part in (question, sources, warning) if part))
    left = budget - count(system.content) - count(final.content)
    return [system, *_history(earlier, left, count), final]


def system_message(style: StyleProfile, language: Language) -> ChatMessage:
    """The message that all conversations of one style and language begin with."""
    tone = style.tone.of(language)
    return ChatMessage("system", _SYSTEM[language].format(tone=tone))


def source_line(evidence: Evidence) -> str:
    """One passage as the prompt shows it."""
    heading = " › ".join(part for part in (evidence.title, evidence.section) if part)
    body = " ".join(evidence.text.split())
    return f"[{evidence.n}] {heading}：{body}"


def _sources(
    evidence: Sequence[Evidence], language: Language, budget: int, count: Callable[[str], int]
) -> str:
    if not evidence:
        return ""
    each = max(48, 2 * budget // len(evidence))
    lines = [_shortened(source_line(item), each, count) for item in evidence]
    return "\n".join([_SOURCES[language], *lines])


def _split(turns: Sequence[Turn]) -> tuple[str, Sequence[Turn]]:
    """The text of the customer's newest consecutive turns, and the turns before them."""
    end = len(turns)
    while end and turns[end - 1].role == "customer":
        end -= 1
    return "\n".join(turn.text for turn in turns[end:]), turns[:end]


def _history(turns: Sequence[Turn], budget: int, count: Callable[[str], int]) -> list[ChatMessage]:
    kept: list[ChatMessage] = []
    for turn in reversed(turns):
        if turn.role == "system":
            continue
        role: Literal["user", "assistant"] = "user" if turn.role == "customer" else "assistant"
        budget -= count(turn.text) + 6  # The template's own tokens around a message.
        if budget < 0:
            break
        if kept and kept[-1].role == role:
            kept[-1] = ChatMessage(role, f"{turn.text}\n{kept[-1].content}")
        else:
            kept.append(ChatMessage(role, turn.text))
    return kept[::-1]


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
