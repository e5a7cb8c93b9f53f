"""What the demo leaves behind: pictures, a transcript to read and one to compute with."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path
from time import monotonic
from typing import Any, Final

import msgspec
from msgspec import Struct
from PySide6.QtGui import QPixmap

from engine.errors import InputError
from engine.records import Draft, Language
from engine.store.rows import StoredDecision, StoredMessage
from engine.store.store import Store
from engine.texts import text

_MARK: Final = ".zuoxi-demo"


class Step(Struct):
    """One thing the agent did. `at` and `decision.seconds` are seconds; `pictures` are names."""

    at: float
    conversation: str
    customer: str
    channel: str
    asked: tuple[str, ...]
    did: str
    draft: Draft | None = None
    decision: StoredDecision | None = None
    note: str = ""
    pictures: list[str] = []
    answer: tuple[str, ...] = ()


class Record:
    """Collects while the demo runs; `close` writes the transcripts into `out`."""

    def __init__(self, out: Path, language: Language) -> None:
        """Make room in `out`. Raises `InputError` (`demo_folder`, `demo_foreign`)."""
        self.began = monotonic()
        self.steps: list[Step] = []
        self.pictures: list[str] = []
        self.drafts: Counter[str] = Counter()
        self._out = out
        self._language: Language = language
        self._new: list[str] = []
        _make_room(out)

    @property
    def seconds(self) -> float:
        """How long the demo has been running."""
        return round(monotonic() - self.began, 1)

    def picture(self, name: str, made: QPixmap) -> str:
        """Save a picture as ``NN-name.png``; its name."""
        file = f"{len(self.pictures) + 1:02}-{name}.png"
        if not made.save(str(self._out / file)):
            raise _cannot_write(self._out)
        self.pictures.append(file)
        self._new.append(file)
        return file

    def add(self, step: Step) -> None:
        """The agent did something; the pictures taken since the last step belong to it."""
        step.pictures = [*step.pictures, *self._new]
        self._new = []
        self.steps.append(step)

    def close(self, store: Store) -> dict[str, Any]:
        """Write the transcripts, with what the customers answered. The summary."""
        for step in self.steps:
            if step.decision is not None and step.decision.outgoing is not None:
                messages = store.conversations.messages(step.conversation)
                step.answer = _answer(messages, step.decision.outgoing)
        if self.steps:
            self.steps[-1].pictures += self._new
        summary = self._summary(store)
        try:
            lines = [msgspec.json.encode(self._line(step)) for step in self.steps]
            (self._out / "transcript.jsonl").write_bytes(b"\n".join([*lines, b""]))
            (self._out / "transcript.md").write_text(self._pages(summary), "utf-8")
        except OSError as error:
            raise _cannot_write(self._out) from error
        return summary

    def _summary(self, store: Store) -> dict[str, Any]:
        rows = store.conversations.page(limit=10_000)
        decisions = list(store.decisions.all())
        standing = Counter(one.action for one in decisions if not one.undone)
        return {
            "conversations": len(rows),
            "drafted": self.drafts["drafted"],
            "abstained": self.drafts["abstained"],
            "handover": sum(len(store.handovers.of(row.id)) for row in rows),
            "decisions": dict(standing),
            "undone": sum(one.undone for one in decisions),
            "gaps": len(store.gaps.list()),
            "pictures": self.pictures,
            "transcript": "transcript.md",
            "seconds": self.seconds,
        }

    def _line(self, step: Step) -> dict[str, Any]:
        draft, decision = step.draft, step.decision
        return {
            "at": step.at,
            "conversation": step.conversation,
            "customer": step.customer,
            "channel": step.channel,
            "asked": step.asked,
            "draft": None
            if draft is None
            else {
                "status": draft.status,
                "text": draft.text,
                "reason": draft.reason,
                "evidence": draft.evidence,
                "numbers": draft.numbers,
                "ms": draft.ms,
                "release": draft.release,
            },
            "did": step.did,
            "reason": decision.reason if decision else None,
            "sent": decision.text if decision else "",
            "edit_distance": decision.edit_distance if decision else None,
            "decision_seconds": decision.seconds if decision else None,
            "note": step.note,
            "answer": step.answer,
            "pictures": step.pictures,
        }

    def _pages(self, summary: dict[str, Any]) -> str:
        def words(key: str, **values: object) -> str:
            return text(f"demo.{key}", self._language, **values)

        lines = [f"# {words('title')}", "", words("intro"), ""]
        lines += [words("summary", **_counts(summary)), ""]
        for number, step in enumerate(self.steps, start=1):
            head = f"{step.customer} · {words(f'did.{step.did}')}"
            lines += [f"## {number}. {head}", "", words("at", seconds=step.at), ""]
            lines += [f"- **{words('asked')}** {_line(one)}" for one in step.asked]
            lines += self._draft_lines(step)
            if step.note:
                lines.append(f"- **{words('note')}** {_line(step.note)}")
            decision = step.decision
            if decision is not None:
                if decision.reason is not None:
                    reason = text(f"desktop.reason.{decision.reason}", self._language)
                    lines.append(f"- **{words('reason')}** {reason}")
                if decision.text:
                    lines.append(f"- **{words('sent')}** {_line(decision.text)}")
                lines.append(f"- **{words('took')}** {decision.seconds:.1f} s")
            lines += [f"- **{words('answer')}** {_line(one)}" for one in step.answer]
            lines += ["", *(f"![{one}]({one})" for one in step.pictures), ""]
        return "\n".join(lines)

    def _draft_lines(self, step: Step) -> list[str]:
        draft, language = step.draft, self._language
        if draft is None:
            return []
        if draft.status != "drafted":
            return [f"- **{text('demo.no_draft', language)}** {_line(draft.reason)}"]
        seconds = f"{draft.ms.total / 1000:.1f} s"
        lines = [f"- **{text('demo.draft', language, seconds=seconds)}** {_line(draft.text)}"]
        for one in draft.evidence:
            place = f"{one.title} › {one.section}" if one.section else one.title
            lines.append(f"    - [{one.n}] {_line(place)}: {_line(one.text)}")
        return lines


def _counts(summary: dict[str, Any]) -> dict[str, object]:
    decisions = summary["decisions"]
    actions = ("accepted", "edited", "rewritten", "rejected", "handed_over")
    return {**summary, **{action: decisions.get(action, 0) for action in actions}}


def summary_line(summary: dict[str, Any], language: Language) -> str:
    """The summary as a sentence."""
    return text("demo.summary", language, **_counts(summary))


def _answer(messages: list[StoredMessage], outgoing: str) -> tuple[str, ...]:
    """What the customer wrote after that message and before the agent's next one."""
    after: list[str] = []
    seen = False
    for message in messages:
        if message.id == outgoing:
            seen = True
        elif seen and message.role == "agent" and message.state != "undone":
            break
        elif seen and message.role == "customer":
            after.append(message.text)
    return tuple(after)


def _line(words: str) -> str:
    return " ".join(words.split())


def _make_room(out: Path) -> None:
    """Take away what an earlier demo left; nothing that something else put there."""
    data = out / "data"
    try:
        out.mkdir(parents=True, exist_ok=True)
        if data.exists() and not (data / _MARK).exists():
            raise InputError(
                f"{data} is there already and no demo made it; it is left as it is. "
                "Name another folder with --out.",
                "demo_foreign",
                folder=str(data),
            )
        if data.exists():
            shutil.rmtree(data)
            for old in out.glob("[0-9][0-9]-*.png"):
                old.unlink()
        data.mkdir()
        (data / _MARK).touch()
    except OSError as error:
        raise _cannot_write(out) from error


def _cannot_write(out: Path) -> InputError:
    return InputError(f"{out} cannot be written.", "demo_folder", folder=str(out))
