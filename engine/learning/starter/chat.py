"""Turns conversations into token sequences in the very prompt form of the app."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from msgspec import Struct

from engine.drafting.prompt import ChatMessage, build_messages
from engine.drafting.style import StyleProfile, Wording
from engine.learning.starter.tokenizer import END_OF_TEXT, IM_END, IM_START, encode
from engine.records import Evidence, Language, Turn

LONGEST = 900
"""Tokens a sample may have; the prompt's budget keeps it below, see `PROMPT_BUDGET`."""
PROMPT_BUDGET = 700


class Sample(Struct, frozen=True):
    """A sequence and how much each of its tokens counts in the loss (the first never does)."""

    ids: list[int]
    weights: list[float]


class SampleMaker:
    """Makes samples with one tokenizer. `text_weight` is what tokens outside answers count."""

    def __init__(
        self, tokenizer: Any, styles: Sequence[StyleProfile] = (), text_weight: float = 0.3
    ) -> None:
        self._tokenizer = tokenizer
        self._styles = [*styles, *TONES]
        self._text_weight = text_weight
        vocabulary = tokenizer.get_vocab()
        self._start, self._end = vocabulary[IM_START], vocabulary[IM_END]
        self._stop = vocabulary[END_OF_TEXT]
        self._break = encode(tokenizer, "\n")

    def count(self, text: str) -> int:
        """The tokens of `text`."""
        return len(encode(self._tokenizer, text))

    def grounded(
        self,
        turns: Sequence[Turn],
        evidence: Sequence[Evidence],
        answer: str | Sequence[str],
        language: Language,
        random: Random,
        *,
        later: Sequence[tuple[str, str | Sequence[str]]] = (),
        text_weight: float | None = None,
    ) -> Sample:
        """The app's prompt for `turns` and `evidence` with `answer` behind it.

        `later` holds further questions on the same evidence with their answers. An answer in
        pieces is encoded piece by piece, as verbatim mode decodes it.
        """
        style = random.choice(self._styles)
        messages = build_messages(
            turns,
            evidence,
            style,
            language,
            budget=PROMPT_BUDGET,
            count=self.count,
            # The answer's passage may be any of them.
            source_tokens=PROMPT_BUDGET,
        )
        pieces: dict[int, list[str]] = {}
        for question, reply in (("", answer), *later):
            if pieces:
                messages.append(ChatMessage("user", question))
            parts = [reply] if isinstance(reply, str) else list(reply)
            pieces[len(messages)] = parts
            messages.append(ChatMessage("assistant", "".join(parts)))
        weight = self._text_weight if text_weight is None else text_weight
        return self._encoded(messages, weight, pieces)

    def dialogue(self, lines: Sequence[str]) -> Sample:
        """A conversation without evidence, every token for language."""
        roles = ("user", "assistant")
        messages = [ChatMessage(roles[place % 2], line) for place, line in enumerate(lines)]  # type: ignore[arg-type]
        return self._encoded(messages, self._text_weight, {})

    def plain(self, text: str) -> Sample:
        """Running text, every token for language."""
        ids = [*encode(self._tokenizer, text), self._stop]
        return Sample(ids[:LONGEST], [self._text_weight] * min(len(ids), LONGEST))

    def _encoded(
        self,
        messages: Sequence[ChatMessage],
        text_weight: float,
        answers: Mapping[int, Sequence[str]],
    ) -> Sample:
        ids: list[int] = []
        weights: list[float] = []
        for place, message in enumerate(messages):
            answering = place in answers
            parts = answers.get(place, [message.content])
            head = encode(self._tokenizer, f"{message.role}\n")
            body = [token for part in parts for token in encode(self._tokenizer, part)]
            ids += [self._start, *head, *body, self._end, *self._break]
            weights += [0.0] * (1 + len(head))
            weights += [1.0 if answering else text_weight] * len(body)
            # Where to stop is half of the skill.
            weights += [1.0 if answering else 0.0] + [0.0] * len(self._break)
        return Sample(ids[:LONGEST], weights[:LONGEST])


def _tone(zh: str, en: str) -> StyleProfile:
    return StyleProfile(id="", name=Wording(), tone=Wording(zh=zh, en=en))


TONES = (
    _tone("", ""),
    _tone("语气亲切。", "Be warm."),
    _tone("语气热情，像朋友一样。", "Be friendly."),
    _tone("用语严谨。", "Be precise and formal."),
    _tone("简短直接。", "Be brief and direct."),
)
"""Tones the model must be indifferent to: how a reply sounds is the style profile's part."""
