"""The sentences of the evidence that a reply may be made of."""

from __future__ import annotations

from collections.abc import Sequence

from engine.drafting import prompt
from engine.knowledge.passages import split_sentences
from engine.records import Evidence, Language

# Further down, passages help a model that words freely more than they are worth quoting.
_QUOTED_PASSAGES = 3


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
            # What leads in to a list, or asks, is no answer.
            if not sentence or sentence.endswith(("：", ":", "？", "?")):
                continue
            if not any(words in sentence for words in avoid):
                sentences.setdefault(sentence, item)
    own = {
        sentence: item
        for sentence, item in sentences.items()
        if prompt.language_of(sentence, language) == language
    }
    return own or sentences
