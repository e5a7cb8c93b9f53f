"""Screening a draft while it streams: nothing is shown in which a rule may still complete."""

from __future__ import annotations

from engine.errors import RuleError
from engine.records import Hit, Language
from engine.redline.gate import STOPPING, Gate, hit_of, mask_spans
from engine.redline.matching import Found
from engine.redline.normalise import borders, fold, may_end_clause
from engine.redline.schema import STRENGTH


class StreamScreen:
    """Holds a draft back clause by clause until the rules of the model's side are through with it.

    Rules match inside one clause (or one sentence, where a rule says so) and vetoes inside one
    sentence; so a clause without any candidate of a stopping rule is safe once it is complete, and
    one with a candidate is decided when its sentence is. Whatever the chunks, the text released is
    the input with masked spans starred out, and stops before the sentence or clause of the first
    blocked phrase.
    """

    def __init__(self, gate: Gate, language: Language = "zh") -> None:
        self._matcher = gate.matcher("model")
        self._language: Language = language
        self._raw = ""  # from the start of the current sentence
        self._folded = ""
        self._offsets: list[int] = []
        self._released = 0  # of _raw
        self._blocked: tuple[Hit, ...] = ()
        self._base = 0  # where _raw starts in the whole draft

    @property
    def blocked(self) -> tuple[Hit, ...]:
        """The hits that stopped the draft; offsets count from the start of the whole draft."""
        return self._blocked

    def feed(self, chunk: str) -> str:
        """Take more of the draft; returns the text that may be shown now. Nothing after a block.

        Raises `RuleError` when the rules cannot be applied: show nothing more then.
        """
        if self._blocked:
            return ""
        piece = fold(chunk)
        self._offsets.extend(len(self._raw) + offset for offset in piece.offsets)
        self._raw += chunk
        self._folded += piece.text
        if not may_end_clause(piece.text):
            return ""
        return self._checked(end=False)

    def finish(self) -> str:
        """The draft is complete: returns what was still held back, unless it is blocked."""
        return "" if self._blocked else self._checked(end=True)

    def _checked(self, end: bool) -> str:
        try:
            return self._advance(end)
        except RuleError:
            raise
        except Exception as error:
            raise RuleError(
                f"the red-line rules could not be applied ({type(error).__name__})",
                code="rules_failed",
                kind=type(error).__name__,
            ) from error

    def _advance(self, end: bool) -> str:
        out: list[str] = []
        marks = borders(self._folded)
        done = 0
        for sentence_end in marks.sentences:
            out.append(self._decide(done, sentence_end, sentence_end))
            if self._blocked:
                return "".join(out)
            done = sentence_end
        if end:
            out.append(self._decide(done, len(self._folded), len(self._folded)))
            if not self._blocked:
                out.append(self._raw[self._released :])
                self._released = len(self._raw)
            return "".join(out)
        clauses = [place for place in marks.clauses if place > done]
        if clauses and not self._matcher.by_sentence:
            out.append(self._decide(done, clauses[-1], None))
        self._forget(done)
        return "".join(out)

    def _decide(self, start: int, stop: int, sentence_end: int | None) -> str:
        """Release the folded stretch up to `stop` as far as the rules allow."""
        held = [
            found
            for found in self._matcher.find(self._folded[start:stop])
            if STRENGTH[found.rule.action] >= STRENGTH["mask"]
            and self._language in found.rule.languages
        ]
        if sentence_end is None:
            return self._release(self._before(start, stop, held), [])
        hits = [found for found in held if not found.vetoed]
        stopping = [found for found in hits if found.rule.action in STOPPING]
        masks = [self._span(start, found) for found in hits if found.rule.action == "mask"]
        if stopping:
            self._blocked = tuple(self._hit(start, found) for found in stopping)
            if self._matcher.by_sentence:
                return ""
            # The clauses before it would have been shown, had the draft come in smaller pieces.
            return self._release(self._before(start, stop, held), [])
        return self._release(stop, masks)

    def _before(self, start: int, stop: int, held: list[Found]) -> int:
        """The last clause border before the first candidate; `stop` when there is none."""
        if not held:
            return stop
        first = start + min(found.start for found in held)
        safe = [p for p in borders(self._folded[start:stop]).clauses if start + p <= first]
        return start + safe[-1] if safe else start

    def _release(self, folded_end: int, masks: list[tuple[int, int]]) -> str:
        end = self._offsets[folded_end - 1] + 1 if folded_end else 0
        if end <= self._released:
            return ""
        text = mask_spans(self._raw[:end], masks)[self._released : end]
        self._released = end
        return text

    def _span(self, start: int, found: Found) -> tuple[int, int]:
        return self._offsets[start + found.start], self._offsets[start + found.end - 1] + 1

    def _hit(self, start: int, found: Found) -> Hit:
        first, last = self._span(start, found)
        hit = hit_of(found.rule, self._raw, first, last, "model", self._language)
        return _moved(hit, self._base)

    def _forget(self, folded_end: int) -> None:
        """Drop the complete sentences before `folded_end`: no rule looks back past them."""
        if not folded_end:
            return
        cut = self._offsets[folded_end - 1] + 1
        # One character may fold to several ("‼"): what is left of it goes with the sentence.
        while folded_end < len(self._offsets) and self._offsets[folded_end] < cut:
            folded_end += 1
        self._raw = self._raw[cut:]
        self._folded = self._folded[folded_end:]
        self._offsets = [offset - cut for offset in self._offsets[folded_end:]]
        self._released = max(0, self._released - cut)
        self._base += cut


def _moved(hit: Hit, by: int) -> Hit:
    return Hit(
        rule=hit.rule,
        category=hit.category,
        level=hit.level,
        action=hit.action,
        start=hit.start + by,
        end=hit.end + by,
        text=hit.text,
        side=hit.side,
        name=hit.name,
        why=hit.why,
        advice=hit.advice,
    )
