"""A customer of whom there is something in every place where the store keeps words."""

from __future__ import annotations

from pathlib import Path

from engine.records import Draft, Evidence, Hit, Span
from engine.store.rows import ExternalKey
from engine.store.store import Store

WORD = "孔雀石"
"""Stands in everything that was written with the customer, and nowhere else."""
OTHER = "绿松石"
"""Stands in everything of another customer's."""


def known_everywhere(store: Store, word: str = WORD) -> str:
    """Fill every place that keeps words with `word`; the conversation."""
    key = ExternalKey("mail", f"thread-{word}", f"mail-{word}-1")
    message = store.conversations.receive(
        f"客户{word}", f"我是{word}，壶坏了", label=word, subject=f"关于{word}", key=key
    )
    here = message.conversation
    hit = Hit("r", "规则", "L2", "block", 2, 5, word, "agent", f"名{word}", f"因{word}")
    trial = Hit("t", "规则", "L1", "log", 2, 5, word, "customer", trial=True)
    store.hits.add_all(here, message.id, message.text, [hit, trial], rules="r1")
    evidence = Evidence(1, "售后.md", word, word, f"{word}的订单", 1.0)
    for draft in (
        Draft("abstained", reason=f"没有{word}"),
        Draft("drafted", f"{word}您好", (evidence,), (hit,), (Span(0, 3, word),), script=word),
    ):
        saved = store.keep_draft(here, message.id, draft)
    store.feedback.thumbs_down(saved.id, "小满", f"不懂{word}")
    asked = store.approvals.ask(here, f"答应{word}", f"{word}是老客户", "小满", [hit])
    store.approvals.decide(asked.id, True, "班长", f"{word}可以")
    sent = store.decisions.record(
        here,
        "edited",
        text=f"答应{word}",
        draft=saved.id,
        comment=f"{word}着急",
        who="小满",
        hits=[hit],
        override=f"{word}要求",
        approved_by="班长",
        approval=asked.id,
    )
    assert store.outbox.mark_sent(sent.outgoing or "", 1e12)
    store.approvals.tell(here, f"再答应{word}", word, "小满", [hit])
    store.approvals.ask(here, f"还想答应{word}", word, "小满", [hit])
    case = store.handovers.open(here, "privacy", "r", "马上处理", message.id, who="小满")
    store.handovers.take(case.id, "班长")
    store.handovers.keep_note(case.id, f"{word}的电话")
    first = store.hits.of(here)[0].id
    store.hits.judge(first, "right", "班长", f"{word}说的")
    answered = store.reviews.appeal(first, "小满", f"{word}冤枉")
    store.reviews.answer(answered.id, False, "班长", f"没有冤枉{word}")
    store.reviews.appeal(first, "小满", f"{word}还是冤枉")
    store.composers.put(here, f"{word}写到一半")
    store.decisions.record(here, "rewritten", text=f"还没走的{word}", who="小满", undo_seconds=1e6)
    return here


def files_with(folder: Path, word: str = WORD) -> list[str]:
    """The files below `folder` in which `word` stands, as text or escaped as JSON may be."""
    forms = (word.encode(), word.encode("utf-16-le"), word.encode("unicode_escape"))
    return sorted(
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and any(form in path.read_bytes() for form in forms)
    )
