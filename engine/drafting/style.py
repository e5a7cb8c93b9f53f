"""The style profile: how one company opens, comforts, joins, emphasises and closes its replies."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from engine.errors import InputError
from engine.records import Language


class Wording(Struct, frozen=True, forbid_unknown_fields=True):
    """One sentence in both languages."""

    zh: str = ""
    en: str = ""

    def of(self, language: Language) -> str:
        """The sentence in `language`."""
        return self.zh if language == "zh" else self.en


class Choices(Struct, frozen=True, forbid_unknown_fields=True):
    """Equivalent sentences in both languages; the first is the usual one."""

    zh: tuple[str, ...] = ()
    en: tuple[str, ...] = ()

    def of(self, language: Language) -> tuple[str, ...]:
        """The sentences in `language`."""
        return self.zh if language == "zh" else self.en


class Empathy(Struct, frozen=True, forbid_unknown_fields=True):
    """What to say first when one of the words `when` stands in the customer's message."""

    when: tuple[str, ...]
    say: Choices


class StyleProfile(Struct, frozen=True, forbid_unknown_fields=True):
    """One company's voice. Lengths are in characters (zh), words (en) and quoted sentences."""

    id: str
    name: Wording
    tone: Wording = Wording()
    greeting: Choices = Choices()
    empathy: tuple[Empathy, ...] = ()
    connectives: Choices = Choices()
    closing: Wording = Wording()
    bold_amounts: bool = True
    max_chars: Annotated[int, Meta(ge=40, le=2000)] = 220
    max_words: Annotated[int, Meta(ge=20, le=1000)] = 120
    max_sentences: Annotated[int, Meta(ge=1, le=20)] = 3
    abstain: Wording = Wording()

    def opening(self, message: str, language: Language, said: str = "") -> str:
        """The greeting and, where it fits `message`, a sentence of comfort.

        `said` is what the agent said in this conversation before: nobody greets twice, or is
        comforted twice for the same thing.
        """
        greeting = "" if said else next(iter(self.greeting.of(language)), "")
        return greeting + self._comfort(message.casefold(), language, said)

    def _comfort(self, message: str, language: Language, said: str) -> str:
        for entry in self.empathy:
            sentences = entry.say.of(language)
            if sentences and any(_stands_in(word, message) for word in entry.when):
                if any(sentence.strip() in said for sentence in sentences):
                    return ""
                # The same message gets the same sentence: a draft made twice does not change.
                return sentences[sum(map(ord, message)) % len(sentences)]
        return ""

    def own_sentences(self, language: Language) -> tuple[str, ...]:
        """All that the profile itself may put into a reply: none of it needs evidence."""
        comfort = (sentence for entry in self.empathy for sentence in entry.say.of(language))
        return (
            *self.greeting.of(language),
            *comfort,
            *self.connectives.of(language),
            self.closing.of(language),
        )

    def room(self, language: Language) -> int:
        """The most characters a reply may have; English words count as six characters."""
        return self.max_chars if language == "zh" else self.max_words * 6


def load_style(path: Path) -> StyleProfile:
    """The profile in the YAML file `path`; raises `InputError` naming what is wrong with it."""
    try:
        return msgspec.yaml.decode(path.read_bytes(), type=StyleProfile)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError(
            f"The style profile {path.name} cannot be used: {error}. Nothing was changed; "
            "choose another style in the settings.",
            "style",
            name=path.name,
            detail=str(error),
        ) from error


def list_styles(folder: Path) -> tuple[StyleProfile, ...]:
    """The usable profiles in `folder`, by id."""
    profiles = []
    for path in sorted(folder.glob("*.yaml")):
        try:
            profiles.append(load_style(path))
        except InputError:
            continue
    return tuple(profiles)


def _stands_in(word: str, message: str) -> bool:
    folded = word.casefold()
    if folded.isascii():
        return re.search(rf"(?<![a-z]){re.escape(folded)}(?![a-z])", message) is not None
    return folded in message
