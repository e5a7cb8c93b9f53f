"""The sentences of the evidence that a reply may be made of."""

from __future__ import annotations

import re
from collections.abc import Sequence

from engine.drafting import prompt
from engine.knowledge.passages import split_sentences
from engine.records import Evidence, Language, Span

# Further down, passages help a model that words freely more than they are worth quoting.
_QUOTED_PASSAGES = 3
# The name a text bears on its first line: no sentence, no figure, and an empty line below it.
_NAME = re.compile(r"[^\n\d。！？；!?;.]{1,60}\n[ \t]*\n(?=.*[。！？.!?])", re.DOTALL)


def quotable_sentences(
    evidence: Sequence[Evidence], language: Language, avoid: Sequence[str] = ()
) -> dict[str, Evidence]:
    """Each sentence that may be quoted, once, with the passage it stands in.

    None that holds a wording to `avoid`; only those in `language`, unless there are none.
    """
    sentences: dict[str, Evidence] = {}
    for item in evidence[:_QUOTED_PASSAGES]:
        for span in split_sentences(item.text):
            sentence = span.text.strip()
            # What leads in to a list, or asks, is no answer; nor is a name.
            if not sentence or sentence.endswith(("：", ":", "？", "?")):
                continue
            if not item.section and _is_name(item, span):
                continue
            if not any(words in sentence for words in avoid):
                sentences.setdefault(sentence, item)
    own = {
        sentence: item
        for sentence, item in sentences.items()
        if prompt.language_of(sentence, language) == language
    }
    return own or sentences


def _is_name(item: Evidence, first: Span) -> bool:
    """Whether `first` is the line at the head of a document without headings that names it."""
    head = item.text[: first.end].strip()
    if head != first.text.strip():
        return False
    return head == item.title or _NAME.match(item.text[first.start :]) is not None
