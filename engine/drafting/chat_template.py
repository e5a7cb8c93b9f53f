"""A model's own chat template, rendered so that nobody's text can pose as control tokens.

The template comes from the model's file and is untrusted: it runs in Jinja's sandbox. Contents
are stood in for by marks while it renders, and tokenised by themselves afterwards.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec import Struct

from engine.drafting.prompt import ChatMessage
from engine.errors import ModelError

_MARK = re.compile("\ue000(\\d+)\ue001")


class Part(Struct, frozen=True):
    """A stretch of a rendered prompt; only the template's own may hold control tokens."""

    text: str
    from_template: bool


class ChatTemplate:
    """The compiled template of one model."""

    def __init__(self, source: str, *, begin: str = "", end: str = "") -> None:
        from jinja2.exceptions import TemplateError
        from jinja2.sandbox import ImmutableSandboxedEnvironment

        environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
        environment.globals["raise_exception"] = _refuse
        self._special = {"bos_token": begin, "eos_token": end}
        try:
            self._template = environment.from_string(source)
        except TemplateError as error:
            raise _unusable(str(error)) from error

    def render(self, messages: Sequence[ChatMessage]) -> list[Part]:
        """The prompt that asks for the assistant's reply to `messages`."""
        marked = [
            {"role": message.role, "content": f"\ue000{index}\ue001"}
            for index, message in enumerate(messages)
        ]
        try:
            rendered = self._template.render(
                messages=marked,
                add_generation_prompt=True,
                enable_thinking=False,
                tools=None,
                **self._special,
            )
        except Exception as error:  # A template can fail in any way that Python can.
            raise _unusable(type(error).__name__) from error
        pieces = _MARK.split(rendered)
        if {int(index) for index in pieces[1::2]} != set(range(len(messages))):
            raise _unusable("it leaves out a message")
        parts = [
            Part(messages[int(piece)].content if place % 2 else piece, place % 2 == 0)
            for place, piece in enumerate(pieces)
        ]
        return [part for part in parts if part.text]


def _refuse(message: str) -> None:
    raise _unusable(message)


def _unusable(detail: str) -> ModelError:
    return ModelError(
        f"The model's chat template cannot be used ({detail}). Choose another model.",
        "model_template",
        detail=detail,
    )
