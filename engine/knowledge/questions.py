"""A customer's turn as it is searched, and as sentences are compared with it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from msgspec import Struct

from engine.knowledge.answer_cues import WISHES, cues_in
from engine.knowledge.answer_features import Wish
from engine.knowledge.embedding import Embedder
from engine.knowledge.grams import clean, grams, is_function
from engine.knowledge.queries import standalone_query
from engine.knowledge.vectors import Vectors
from engine.records import Turn

MAX_QUERY: Final = 512
_TURNS: Final = 8
_MARKUP: Final = re.compile(r"<[|/]?[a-zA-Z][^<>]{0,60}>")


class Asking(Struct, frozen=True):
    """A text as it is searched: its `forms` in grams (as it stands, and as the policies would put
    it where that differs), and its vector."""

    forms: list[list[str]]
    vector: Vectors


class Question(Struct, frozen=True):
    """A question: its `text` as it is searched, that and the whole `talk` as they are searched,
    and how sentences are compared with it."""

    text: str
    asking: Asking
    talk: Asking
    wish: Wish


def read_question(
    query: str, turns: Sequence[Turn], embedder: Embedder, in_policy_words: Callable[[str], str]
) -> Question:
    """The `query` that a customer asks in the conversation `turns`, which it may end.

    `in_policy_words` says how the policies would put a text.
    """

    def forms(text: str) -> list[list[str]]:
        put = in_policy_words(text)
        return [grams(text)] if put == text else [grams(text), grams(put)]

    newest = searchable(query)
    text = searchable(_completed(query, turns))
    spoken = _taken_up(turns, text)
    talk = _said(spoken, ("customer", "agent"), text)
    # What an agent has said tells the subject, but not which sentence to say next.
    told = _said(spoken, ("customer",), text)
    texts = list(dict.fromkeys((text, talk, told, newest)))
    vectors = dict(zip(texts, embedder.queries(texts), strict=True))
    of = {one: forms(one) for one in dict.fromkeys((text, talk, told))}
    wish = Wish(
        forms=of[text],
        vector=vectors[text],
        newest=vectors[newest],
        newest_grams=grams(newest),
        told_forms=of[told],
        told=vectors[told],
        talk=vectors[talk],
        asks=cues_in(newest, WISHES),
    )
    return Question(text, Asking(of[text], vectors[text]), Asking(of[talk], vectors[talk]), wish)


def searchable(query: str) -> str:
    """`query` as it is searched: no control characters, no markup, the middle of a long one cut."""
    text = _MARKUP.sub(" ", clean(query[: 64 * MAX_QUERY]))
    text = re.sub(r"\s+", " ", text).strip()
    if len(text) > MAX_QUERY:
        # What is wanted mostly stands at the beginning or at the end.
        half = MAX_QUERY // 2
        text = f"{text[:half]} {text[-half:]}"
    return text


def _completed(query: str, turns: Sequence[Turn]) -> str:
    """`query` with what it refers back to in the conversation `turns`, which it may end."""
    if not turns:
        return query
    newest = turns[-1].role == "customer" and turns[-1].text.strip() == query.strip()
    return standalone_query([*turns] if newest else [*turns, Turn("customer", query)])


def _taken_up(turns: Sequence[Turn], text: str) -> Sequence[Turn]:
    """Of `turns` those that `text`, which the newest is searched as, goes back to, where that is
    behind what was spoken of last; else all."""
    searched = frozenset(grams(text))
    subject = [
        place
        for place, turn in enumerate(turns[:-1])
        if turn.role == "customer" and searched.issuperset(_content(turn.text))
    ]
    customer = [place for place, turn in enumerate(turns[:-1]) if turn.role == "customer"]
    if not subject or customer[-1] in subject:
        return turns
    kept: list[Turn] = []
    for place, turn in enumerate(turns[:-1]):
        asked = max((one for one in customer if one <= place), default=-1)
        if asked in subject:
            kept.append(turn)
    return [*kept, turns[-1]]


def _content(text: str) -> list[str]:
    return [gram for gram in grams(searchable(text)) if not is_function(gram)]


def _said(turns: Sequence[Turn], roles: Sequence[str], query: str) -> str:
    """What `roles` said in the newest turns, as one text; `query` where that is nothing."""
    said = " ".join(turn.text for turn in turns[-_TURNS:] if turn.role in roles)
    return searchable(said[-MAX_QUERY:]) or query
