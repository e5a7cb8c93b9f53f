"""What the measures share, made when first asked for: models, sample company, knowledge."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from engine import paths
from engine.drafting import prompt
from engine.drafting.prompt import ChatMessage
from engine.drafting.style import StyleProfile, load_style
from engine.errors import ZuoxiError
from engine.knowledge.documents import read_document
from engine.knowledge.embedding import Embedder, load_embedder
from engine.knowledge.index import import_documents
from engine.knowledge.passages import passages
from engine.protocol import EngineConfig
from engine.records import DraftMode, Evidence, Language, Turn
from engine.redline.gate import Gate
from engine.redline.rules import load_rules
from engine.texts import text

if TYPE_CHECKING:
    from engine.drafting.llama import LlamaGenerator
    from engine.knowledge.search import Searcher

REPLY_TOKENS = 160
_EVIDENCE = 5


class BenchError(ZuoxiError):
    """A figure cannot be measured here and now."""

    code = "bench_failed"


class SampleCase(Struct, frozen=True):
    """A conversation of the sample company, the day it plays on, and the documents it is about."""

    id: str
    kind: str
    as_of: str
    turns: tuple[Turn, ...]
    gold_docs: tuple[str, ...] = ()

    @property
    def question(self) -> str:
        """The newest message."""
        return self.turns[-1].text

    @property
    def message(self) -> str:
        """All that the customer wrote since somebody answered."""
        newest = itertools.takewhile(lambda turn: turn.role == "customer", reversed(self.turns))
        return "\n".join(turn.text for turn in reversed(list(newest)))


class Workbench:
    """One process's measuring place. Everything is written below `folder` only."""

    def __init__(self, config: EngineConfig, folder: Path, language: Language) -> None:
        self.config = config
        self.folder = folder
        self.language: Language = language
        folder.mkdir(parents=True, exist_ok=True)

    def say(self, key: str, **values: object) -> str:
        """The sentence ``bench.<key>`` in the person's language."""
        return text(f"bench.{key}", self.language, **values)

    @cached_property
    def threads(self) -> int:
        """How many threads a peer may use."""
        import psutil

        return self.config.threads or psutil.cpu_count(logical=False) or 1

    @cached_property
    def generator(self) -> LlamaGenerator:
        """The model in use."""
        return self._loaded(self.config.mode)

    @cached_property
    def free_writer(self) -> LlamaGenerator:
        """The model in use, loaded to write in its own words."""
        return self._loaded("free")

    def _loaded(self, mode: DraftMode) -> LlamaGenerator:
        from engine.drafting.llama import load_generator

        return load_generator(
            Path(self.config.model),
            gpu_layers=self.config.gpu_layers,
            threads=self.config.threads,
            context=self.config.context,
            mode=mode,
        )

    @cached_property
    def embedder(self) -> Embedder:
        """The embedder in use."""
        return load_embedder(Path(self.config.embedder))

    @cached_property
    def gate(self) -> Gate:
        """The red-line rules in use."""
        return Gate(load_rules(Path(self.config.rules)))

    @cached_property
    def style(self) -> StyleProfile:
        """The style in use."""
        return load_style(Path(self.config.style))

    @cached_property
    def cases(self) -> list[SampleCase]:
        """The sample company's conversations that a draft can answer, all kinds mixed."""
        lines = (paths.SAMPLE / "cases.jsonl").read_bytes().splitlines()
        every = [msgspec.json.decode(line, type=SampleCase) for line in lines if line.strip()]
        return sorted(
            (case for case in every if case.kind in ("plain", "hard", "multiturn")),
            key=lambda case: case.id[::-1],
        )

    @cached_property
    def sample_knowledge(self) -> Path:
        """A knowledge folder that holds the sample company's documents."""
        folder = self.folder / "sample-knowledge"
        import_documents(folder, [paths.SAMPLE / "knowledge"], self.embedder)
        return folder

    @cached_property
    def searcher(self) -> Searcher:
        """The sample company's knowledge, open for searching."""
        from engine.knowledge.search import Searcher

        return Searcher.open(self.sample_knowledge, self.embedder)

    def evidence(self, case: SampleCase) -> tuple[Evidence, ...]:
        """The passages of the documents that `case` is about, as a draft would rest on them."""
        found = [
            passage
            for doc in case.gold_docs
            for passage in passages(read_document(paths.SAMPLE / "knowledge" / doc))
        ]
        return tuple(
            Evidence(n, one.doc, one.title, one.section, one.text, 1.0)
            for n, one in enumerate(found[:_EVIDENCE], start=1)
        )

    def messages(self, turns: Sequence[Turn], evidence: Sequence[Evidence]) -> list[ChatMessage]:
        """The chat messages that a draft for `turns` is asked for with."""
        return prompt.build_messages(
            turns,
            evidence,
            self.style,
            prompt.reply_language(turns, self.language),
            budget=self.generator.context - REPLY_TOKENS - 64,
            count=self.generator.count,
        )

    def close(self) -> None:
        """Free what was loaded."""
        for generator in ("generator", "free_writer"):
            if generator in self.__dict__:
                getattr(self, generator).close()
        if "searcher" in self.__dict__:
            self.searcher.close()
