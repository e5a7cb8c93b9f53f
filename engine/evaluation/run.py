"""Drafts every case of a company as `zuoxi draft` does, and asks the peers the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from msgspec import Struct

from engine.drafting import prompt
from engine.drafting.generation import Generator
from engine.drafting.pipeline import Drafter
from engine.drafting.prompt import reply_language
from engine.drafting.quantities import quantities
from engine.drafting.style import StyleProfile, load_style
from engine.errors import InputError, ZuoxiError
from engine.evaluation.cases import Case, Outcome, judge
from engine.evaluation.companies import Company, stored_documents
from engine.evaluation.fluency import Break, breaks
from engine.evaluation.peers import (
    FORMS,
    READINGS,
    BestSection,
    Form,
    KeywordBot,
    Section,
    form_name,
    question,
    sections,
)
from engine.evaluation.results import PeerResult, Result, Shown, reasons
from engine.knowledge.documents import Document
from engine.knowledge.embedding import Embedder, load_embedder
from engine.knowledge.index import import_documents
from engine.knowledge.search import Searcher
from engine.model_card import Mode
from engine.protocol import DraftFinished, DraftRequest, EngineConfig
from engine.records import Draft, Release
from engine.redline.gate import Gate
from engine.texts import explain
from engine.workshop.running import RulesWatcher

# Searched as deep as drafting does; of it the first three count.
_SEARCHED = 8
FIRST = 3
_Peer = tuple[str, Form, KeywordBot | BestSection]


class Models(Struct, frozen=True):
    """What all companies are drafted with: the models, rules and style in use."""

    config: EngineConfig
    embedder: Embedder
    generator: Generator
    gate: Gate
    style: StyleProfile

    @property
    def release(self) -> Release:
        """What drafts are made from, apart from each company's knowledge."""
        return Release(
            model=self.generator.name,
            rules=self.gate.version,
            prompt=f"{prompt.VERSION}/{self.style.id}",
        )

    def close(self) -> None:
        """Free the model's memory."""
        self.generator.close()


def load_models(config: EngineConfig) -> Models:
    """Load what `config` names. Raises `ZuoxiError` when one of them cannot be used."""
    from engine.drafting.llama import load_generator

    in_force = RulesWatcher.of_engine(config).look()
    assert in_force is not None
    gate = Gate(in_force.rule_set)
    style = load_style(Path(config.style))
    embedder = load_embedder(Path(config.embedder))
    generator = load_generator(
        Path(config.model),
        gpu_layers=config.gpu_layers,
        threads=config.threads,
        context=config.context,
    )
    return Models(config, embedder, generator, gate, style)


def run_company(
    company: Company, models: Models, modes: Sequence[Mode]
) -> Iterator[tuple[Result, ...]]:
    """The results of each case of `company`, in order: one in each of `modes`.

    Documents to import are imported into a temporary folder that is gone at the end. Raises
    `InputError` when there is no knowledge, or a document of it was refused.
    """
    with TemporaryDirectory(prefix="zuoxi-evaluate-", ignore_cleanup_errors=True) as scratch:
        knowledge = company.indexed or Path(scratch) / "knowledge"
        if company.source is not None:
            report = import_documents(knowledge, [company.source], models.embedder)
            for left_out in report.skipped:
                # An evaluation over less than the whole knowledge would be another one.
                raise InputError(
                    f"{left_out.path} could not be imported: {left_out.reason}",
                    "evaluation_document",
                    name=left_out.path,
                    why=explain(left_out.error(), models.config.language),
                )
        searcher = Searcher.open(knowledge, models.embedder)
        try:
            if not searcher.passage_count:
                raise InputError(
                    f"There is no knowledge to draft the cases of {company.name} from.",
                    "evaluation_no_knowledge",
                    name=company.name,
                )
            running = _Running(company.name, searcher, stored_documents(knowledge), models)
            for case in company.cases:
                yield running.results(case, modes)
        finally:
            searcher.close()


class _Running:
    """One company while its cases are drafted."""

    def __init__(
        self, name: str, searcher: Searcher, documents: list[Document], models: Models
    ) -> None:
        self._name = name
        self._searcher = searcher
        self._documents = documents
        self._language = models.config.language
        self._drafter = Drafter(
            searcher,
            models.generator,
            models.gate,
            models.style,
            language=models.config.language,
        )
        self._style = models.style
        self._drafter.read_ahead()
        self._peers: dict[str, list[_Peer]] = {}
        self._turns = 0

    def results(self, case: Case, modes: Sequence[Mode]) -> tuple[Result, ...]:
        """Draft `case` in each of `modes` and judge it, beside the peers."""
        # The first to search finds least of it done: each mode is it in its turn.
        self._turns += 1
        order = modes if self._turns % 2 else tuple(reversed(modes))
        drafts = {mode: self._draft(case, mode) for mode in order}
        found, peers = self._first(case), self._asked(case)
        return tuple(self._result(case, mode, drafts[mode], found, peers) for mode in modes)

    def _result(
        self,
        case: Case,
        mode: Mode,
        draft: Draft,
        found: tuple[str, ...],
        peers: tuple[PeerResult, ...],
    ) -> Result:
        unsupported = tuple(span.text for span in draft.unsupported)
        judgement = judge(case, Outcome(draft.status, draft.text, unsupported))
        numbers = {(one.start, one.end) for one in quantities(draft.text)}
        return Result(
            company=self._name,
            case=case,
            status=draft.status,
            text=draft.text,
            note=draft.script or draft.reason,
            judgement=judgement,
            why=reasons(case, draft, judgement, found),
            evidence=tuple(
                Shown(item.n, item.doc, item.section, item.text, item.doc in case.gold_docs)
                for item in draft.evidence
            ),
            first=found,
            recall=_recall(case, found),
            peers=peers,
            mode=mode,
            breaks=self._breaks(case, draft),
            numbers=len(numbers),
            unsupported=unsupported,
            unsupported_numbers=tuple(
                span.text for span in draft.unsupported if (span.start, span.end) in numbers
            ),
            tokens=draft.tokens,
            ms=draft.ms,
        )

    def _breaks(self, case: Case, draft: Draft) -> tuple[Break, ...]:
        if draft.status != "drafted":
            return ()
        language = reply_language(case.conversation, self._language)
        numbers = {item.n for item in draft.evidence}
        return breaks(draft.text, language, numbers, self._style.closing.of(language))

    def _draft(self, case: Case, mode: Mode) -> Draft:
        request = DraftRequest(
            f"{self._name} {case.id}",
            case.conversation,
            as_of=case.as_of or None,
            mode=mode,
            # Neither finds read what the other has read.
            conversation=mode,
        )
        try:
            for event in self._drafter.draft(request):
                if isinstance(event, DraftFinished):
                    return event.draft
        except ZuoxiError as error:
            # One case that cannot be drafted is a failed case; the others go on.
            return Draft("failed", reason=explain(error, self._language))
        raise AssertionError("a draft ends with DraftFinished")

    def _first(self, case: Case) -> tuple[str, ...]:
        """The documents of the first passages that the search finds for `case`."""
        if not case.gold_docs:
            return ()
        turns = case.conversation
        result = self._searcher.search(
            turns[-1].text, k=_SEARCHED, as_of=case.as_of or None, turns=turns
        )
        return tuple(item.passage.doc for item in result.found[:FIRST])

    def _asked(self, case: Case) -> tuple[PeerResult, ...]:
        if case.day not in self._peers:
            self._peers[case.day] = _made(sections(self._documents, case.day))
        return tuple(
            _asked_of(case, name, form_name(form, reading), bot, question(case, reading))
            for name, form, bot in self._peers[case.day]
            for reading in READINGS[name]
        )


def _asked_of(
    case: Case, name: str, form: str, bot: KeywordBot | BestSection, asked: str
) -> PeerResult:
    outcome = bot.answer(asked)
    recall = None
    if isinstance(bot, BestSection):
        recall = _recall(case, tuple(section.doc for section in bot.best(asked, FIRST)))
    solved = judge(case, outcome).solved
    return PeerResult(name, form, outcome.status, outcome.text, solved, recall)


def _made(usable: tuple[Section, ...]) -> list[_Peer]:
    return [
        *(("keyword", form, KeywordBot(usable, form)) for form in FORMS),
        *(("bm25", form, BestSection(usable, form)) for form in FORMS),
    ]


def _recall(case: Case, first: tuple[str, ...]) -> float | None:
    """The share of the gold documents that is among `first`; None where there is no gold."""
    gold = set(case.gold_docs)
    return len(gold.intersection(first)) / len(gold) if gold else None
