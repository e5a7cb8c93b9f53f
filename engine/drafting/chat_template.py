"""A model's own chat template, rendered so that nobody's text can pose as control tokens.

The template comes from the model's file and is untrusted: it runs in Jinja's sandbox, and for so
long only. Contents are stood in for by marks while it renders, and tokenised by themselves
afterwards.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final

from msgspec import Struct

from engine.drafting.prompt import ChatMessage
from engine.errors import ModelError

_MARK = re.compile("\ue000(\\d+)\ue001")
# Seconds of processor time; a template takes thousandths of one.
_LONGEST: Final = 2.0
_LARGEST: Final = 1 << 18


class Part(Struct, frozen=True):
    """A stretch of a rendered prompt; only the template's own may hold control tokens."""

    text: str
    from_template: bool


class ChatTemplate:
    """The compiled template of one model."""

    def __init__(self, source: str, *, begin: str = "", end: str = "") -> None:
        from jinja2.exceptions import TemplateError
        from jinja2.sandbox import ImmutableSandboxedEnvironment

        class Environment(ImmutableSandboxedEnvironment):
            """A sandbox in which nothing small becomes something huge."""

            intercepted_binops = frozenset({"*", "**", "%", "+"})

            def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
                """What `left` and `right` make, unless that is too large."""
                if not _is_small(operator, left, right):
                    raise _unusable("too large")
                return super().call_binop(context, operator, left, right)

        environment = Environment(trim_blocks=True, lstrip_blocks=True)
        environment.globals["raise_exception"] = _refuse
        self._special = {"bos_token": begin, "eos_token": end}
        try:
            with _limited():
                self._template = environment.from_string(source)
        except ModelError:
            raise
        except TemplateError as error:
            raise _unusable(str(error)[:200]) from error
        except Exception as error:  # Thousands of brackets, say, are too deep for the parser.
            raise _unusable(type(error).__name__) from error

    def render(self, messages: Sequence[ChatMessage]) -> list[Part]:
        """The prompt that asks for the assistant's reply to `messages`."""
        marked = [
            {"role": message.role, "content": f"\ue000{index}\ue001"}
            for index, message in enumerate(messages)
        ]
        try:
            with _limited():
                rendered = self._template.render(
                    messages=marked,
                    add_generation_prompt=True,
                    enable_thinking=False,
                    tools=None,
                    **self._special,
                )
        except ModelError:
            raise
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


@contextmanager
def _limited() -> Iterator[None]:
    """What runs in here on this thread is ended when it takes too long."""
    ends = time.thread_time() + _LONGEST
    before = sys.gettrace()

    def look(_frame: FrameType, _event: str, _argument: object) -> Callable[..., Any]:
        if time.thread_time() > ends:
            raise TimeoutError
        return look

    sys.settrace(look)
    try:
        yield
    finally:
        sys.settrace(before)


def _is_small(operator: str, left: object, right: object) -> bool:
    if operator == "**":
        return False
    if isinstance(left, int | float) and isinstance(right, int | float):
        return abs(left) < 1 << 62 and abs(right) < 1 << 62
    if operator == "%":
        return False
    first, second = _size(left), _size(right)
    return (first * second if operator == "*" else first + second) <= _LARGEST


def _size(value: object) -> int:
    if isinstance(value, str | list | tuple):
        return len(value)
    return abs(value) if isinstance(value, int) else 1


def _refuse(message: str) -> None:
    raise _unusable(message[:200])


def _unusable(detail: str) -> ModelError:
    return ModelError(
        f"The model's chat template cannot be used ({detail}). Choose another model.",
        "model_template",
        detail=detail,
    )
