"""What one case came to, and by which simple rules a failure gets its reason."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from engine.evaluation.cases import Case, Judgement, folded
from engine.evaluation.fluency import Break
from engine.model_card import Mode
from engine.records import Draft, DraftStatus, Timings, TokenCounts

Reason = Literal[
    "error",
    "abstained_wrongly",
    "answered_unanswerable",
    "handed_over_wrongly",
    "handover_missed",
    "gold_missed",
    "fact_not_in_evidence",
    "fact_not_quoted",
    "forbidden",
    "unsupported",
    "too_long",
]


class Shown(Struct, frozen=True):
    """A passage that a draft could rest on; `gold` when its document holds the answer."""

    n: int
    doc: str
    section: str
    text: str
    gold: bool


class PeerResult(Struct, frozen=True):
    """What a peer in one of its forms made of a case. `recall` as in `Result`, if it searches."""

    name: str
    form: str
    status: DraftStatus
    text: str
    solved: bool
    recall: float | None = None


class Result(Struct, frozen=True):
    """What one case came to, drafted in one `mode`. `breaks` is what is no whole text in it.

    `note` is what was said instead of a text: a script, or why there is none. `why` holds every
    reason of the failure, the foremost first. `first` are the documents of the first three passages
    that the search found, `recall` the share of the gold documents among them. `numbers` counts the
    quantities in the text, `unsupported_numbers` are those of them that stand nowhere.
    """

    company: str
    case: Case
    status: DraftStatus
    text: str
    note: str
    judgement: Judgement
    why: tuple[Reason, ...]
    evidence: tuple[Shown, ...]
    first: tuple[str, ...]
    recall: float | None
    peers: tuple[PeerResult, ...]
    mode: Mode = "verbatim"
    breaks: tuple[Break, ...] = ()
    numbers: int = 0
    unsupported: tuple[str, ...] = ()
    unsupported_numbers: tuple[str, ...] = ()
    tokens: TokenCounts = TokenCounts()
    ms: Timings = Timings()

    @property
    def solved(self) -> bool:
        """Whether the app solved it."""
        return self.judgement.solved

    @property
    def missed(self) -> list[list[str]]:
        """The facts that are not said, as the case has them."""
        return [list(fact) for fact in self.judgement.missing]

    def peer(self, name: str, form: str) -> PeerResult:
        """That peer's result in that form."""
        return next(one for one in self.peers if (one.name, one.form) == (name, form))


def reasons(
    case: Case, draft: Draft, judgement: Judgement, first: tuple[str, ...]
) -> tuple[Reason, ...]:
    """Why the case failed, the foremost reason first; empty when it is solved.

    A fact that is missing is put down to the search when no gold document was among its `first`,
    to the choice of evidence when the draft had none that holds it, else to the writing.
    """
    found: list[Reason] = []
    if "error" in judgement.flaws:
        found.append("error")
    if "status" in judgement.flaws:
        found.append(_status_reason(case, draft))
    if "facts" in judgement.flaws and draft.status in ("drafted", "abstained"):
        if not set(case.gold_docs).intersection(first):
            found.append("gold_missed")
        elif draft.status == "drafted":
            found.append(_fact_reason(draft, judgement))
    if "forbidden" in judgement.flaws:
        found.append("forbidden")
    if "unsupported" in judgement.flaws:
        found.append("unsupported")
    if "long" in judgement.flaws:
        found.append("too_long")
    return tuple(found)


def _status_reason(case: Case, draft: Draft) -> Reason:
    if draft.status == "handover":
        return "handed_over_wrongly"
    if case.expect == "handover":
        return "handover_missed"
    return "abstained_wrongly" if case.expect == "draft" else "answered_unanswerable"


def _fact_reason(draft: Draft, judgement: Judgement) -> Reason:
    held = folded("\n".join(item.text for item in draft.evidence))
    if all(any(folded(wording) in held for wording in fact) for fact in judgement.missing):
        return "fact_not_quoted"
    return "fact_not_in_evidence"
