"""Made-up conversations, drafts and cases for the widgets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import pytest
from PySide6.QtCore import QAbstractListModel, QModelIndex, Qt

from desktop.widgets.queue_roles import QueueRole, QueueRow
from desktop.widgets.values import Bubble, CaseView, ConversationHead
from engine.records import Draft, Evidence, Hit, NumberSource, Span

NOW = datetime(2026, 11, 22, 14, 3).timestamp()
_FIELDS = QueueRow.__struct_fields__


class RowModel(QAbstractListModel):
    """A queue model over a list of dicts."""

    def __init__(self, rows: list[dict[QueueRole, object]]) -> None:
        super().__init__()
        self.rows = rows

    def rowCount(self, parent: QModelIndex | None = None) -> int:  # noqa: N802
        return len(self.rows)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        try:
            row = self.rows[index.row()]
            if role == QueueRole.ROW:
                return QueueRow(**{field: row[QueueRole[field.upper()]] for field in _FIELDS})
            return row.get(QueueRole(role))
        except (ValueError, IndexError):
            return None


def queue_row(
    name: str, preview: str, state: str = "ready", **more: object
) -> dict[QueueRole, object]:
    row: dict[QueueRole, object] = {
        QueueRole.ID: more.get("id", name),
        QueueRole.NAME: name,
        QueueRole.PREVIEW: preview,
        QueueRole.STATE: state,
        QueueRole.WAITING: more.get("waiting"),
        QueueRole.CHANNEL: more.get("channel", "webchat"),
        QueueRole.UNREAD: more.get("unread", 0),
        QueueRole.URGENCY: more.get("urgency", 0),
        QueueRole.CATEGORY: more.get("category", ""),
    }
    return row


@dataclass
class Sample:
    """One language's worth of made-up content."""

    rows: list[dict[QueueRole, object]]
    head: ConversationHead
    bubbles: list[Bubble]
    evidence: tuple[Evidence, ...]
    draft: Draft
    case: CaseView
    hits: tuple[Hit, ...]
    typed: str
    style: str


def span_of(text: str, part: str) -> tuple[int, int]:
    start = text.index(part)
    return start, start + len(part)


def hit_in(text: str, part: str, **more: object) -> Hit:
    start, end = span_of(text, part)
    base: dict = {"rule": "r1", "category": "promise", "level": "L3", "action": "block"}
    return Hit(start=start, end=end, text=part, **(base | more))


def number_in(text: str, part: str, n: int = 1, source: str = "evidence") -> NumberSource:
    start, end = span_of(text, part)
    return NumberSource(start, end, part, source, n)


@pytest.fixture
def sample() -> Sample:
    return chinese()


@pytest.fixture
def sample_of() -> Callable[[str], Sample]:
    return of


@pytest.fixture
def row_model() -> type[RowModel]:
    return RowModel


@pytest.fixture
def now() -> float:
    return NOW


def of(language: str) -> Sample:
    return chinese() if language == "zh" else english()


def chinese() -> Sample:
    text = (
        "亲，水壶坏了确实闹心。不用您出运费，保修期内可以**免费上门检修**[1]，师傅**24小时**内联系您，"
        "换下的配件**0元**[1]。要是修不好、签收又在**20天**内，就给您免费换一台[2]。我们的水壶全网最好用。"
        "您看安排上门检修好吗？"
    )
    evidence = (
        Evidence(
            1,
            "appliance.md",
            "家电售后指引",
            "上门检修",
            "保修期内，家电故障可以预约免费上门检修。师傅在 24 小时内联系客户确认时间。"
            "保修期内更换的配件收费 0 元，人为损坏除外。",
            0.91,
            "2026-01-01",
            "2026-12-31",
        ),
        Evidence(
            2,
            "returns.md",
            "退换指引",
            "修不好就换",
            "签收 20 天内检修不成功的，免费更换同款。运费由商家承担。",
            0.84,
            None,
            "2027-03-31",
        ),
    )
    start, end = span_of(text, "我们的水壶全网最好用。")
    draft = Draft(
        "drafted",
        text,
        evidence,
        hits=(hit_in(text, "全网最好", name="绝对化用语", why="广告法不许说最", level="L2"),),
        unsupported=(Span(start, end, text[start:end]),),
        numbers=(number_in(text, "24小时"), number_in(text, "0元"), number_in(text, "20天", 2)),
        style="warm_shop",
    )
    complaint = "三天没人理我，再不解决就等着上法庭吧😡，我已经录音了"
    day = 86400
    bubbles = [
        Bubble("m0", "customer", "你好，我上周买的电水壶到了", NOW - day - 900),
        Bubble(
            "m1", "agent", "您好，我是小栈助手，请问有什么可以帮您？", NOW - day - 800, "accepted"
        ),
        Bubble("m2", "system", "客户离开了会话，今天重新进入", NOW - 500),
        Bubble("m3", "customer", "你们最近有啥活动没", NOW - 400),
        Bubble("m4", "agent", "本周家电满500元减40元，周日结束。", NOW - 330, "edited"),
        Bubble("m5", "agent", "您想看哪一类？", NOW - 320, "withdrawn"),
        Bubble(
            "m6", "customer", "哦。对了上回买的水壶东西坏了，想退又不值当运费，咋整？", NOW - 200
        ),
        Bubble(
            "m7",
            "customer",
            complaint,
            NOW - 60,
            hits=(hit_in(complaint, "上法庭", name="诉讼威胁", why="有法律风险"),),
        ),
        Bubble(
            "m8",
            "agent",
            "亲，不用您出运费，可以免费上门检修，师傅24小时内联系您。",
            NOW - 1,
            "sending",
            decision_id="d1",
            undo_until=NOW + 4,
        ),
    ]
    typed = "您好，我们保证百分百退款，绝对不会再出问题。"
    return Sample(
        rows=[
            queue_row("王女士", "东西坏了，想退又不值当运费，咋整？", waiting=42.0, unread=2),
            queue_row(
                "李先生", "公司名少打一个字，票还能改不", waiting=130.0, urgency=1, channel="mail"
            ),
            queue_row(
                "赵先生",
                "三天没人理我，等着上法庭吧",
                "handover",
                waiting=235.0,
                urgency=2,
                category="法律风险",
                unread=1,
            ),
            queue_row("陈阿姨", "旧电视能不能顺路拉走啊", "drafting", waiting=18.0),
            queue_row("Mia K.", "do u guys ship to the islands??", "queued", waiting=7.0),
            queue_row("周先生", "能拿购物卡分两次付吗", "gap", waiting=91.0, channel="phone"),
            queue_row("吴小姐", "好的谢谢", "replied", channel="replay"),
            queue_row("孙大爷", "喂？", "failed", waiting=12.0),
        ],
        head=ConversationHead("王女士", "金卡", "webchat", "订单 11-08 电水壶 · 第 3 次来访", 42.0),
        bubbles=bubbles,
        evidence=evidence,
        draft=draft,
        case=CaseView(
            "法律风险 · 诉讼威胁",
            "L3",
            "客户提到起诉或法庭",
            "客户写道「等着上法庭吧」，继续自动答复可能留下不利的证据。",
            "先道歉并确认事实，不承诺赔偿金额，两小时内由组长回电。",
            "非常抱歉给您带来不便。您的问题已由专人负责，我们会在两小时内与您联系。",
            opened_at=NOW - 235,
        ),
        hits=(
            hit_in(typed, "保证百分百退款", name="承诺结果", why="不得承诺结果"),
            hit_in(typed, "绝对", name="绝对化用语", level="L2", action="hint"),
        ),
        typed=typed,
        style="温暖店铺",
    )


def english() -> Sample:
    text = (
        "Sorry about the kettle. You pay no shipping: within the warranty a technician comes "
        "**free of charge**[1] and calls you within **24 hours**; replaced parts cost **$0**[1]. "
        "If it cannot be mended within **20 days** of delivery, you get a new one[2]. "
        "Ours is the best kettle anywhere. Shall I book the visit?"
    )
    evidence = (
        Evidence(
            1,
            "appliance.md",
            "Appliance care",
            "Repairs at home",
            "Within the warranty a repair at home is free of charge. The technician calls within "
            "24 hours. Replaced parts cost $0, unless the damage was done by the user.",
            0.91,
            "2026-01-01",
            "2026-12-31",
        ),
        Evidence(
            2,
            "returns.md",
            "Returns",
            "When a repair fails",
            "If a repair fails within 20 days of delivery, the same model is sent free of charge.",
            0.84,
            None,
            "2027-03-31",
        ),
    )
    start, end = span_of(text, "Ours is the best kettle anywhere.")
    draft = Draft(
        "drafted",
        text,
        evidence,
        hits=(hit_in(text, "the best", name="Superlative", why="Not allowed", level="L2"),),
        unsupported=(Span(start, end, text[start:end]),),
        numbers=(
            number_in(text, "24 hours"),
            number_in(text, "$0"),
            number_in(text, "20 days", 2),
        ),
        style="warm_shop",
        mode="verbatim",
    )
    complaint = "nobody answered for three days 😡 see you in court, I recorded everything"
    day = 86400
    bubbles = [
        Bubble("m0", "customer", "hi, the kettle from last week arrived", NOW - day - 900),
        Bubble("m1", "agent", "Hello! What can I do for you?", NOW - day - 800, "accepted"),
        Bubble("m2", "system", "The customer left and came back today", NOW - 500),
        Bubble("m3", "customer", "any offers this week?", NOW - 400),
        Bubble("m4", "agent", "$40 off appliances over $500, until Sunday.", NOW - 330, "edited"),
        Bubble("m5", "agent", "What are you looking for?", NOW - 320, "withdrawn"),
        Bubble(
            "m6",
            "customer",
            "ok. btw the kettle broke, returning it is not worth the shipping, what now?",
            NOW - 200,
        ),
        Bubble(
            "m7",
            "customer",
            complaint,
            NOW - 60,
            hits=(hit_in(complaint, "court", name="Threat to sue", why="Legal risk"),),
        ),
        Bubble(
            "m8",
            "agent",
            "You pay no shipping: a technician comes free of charge within 24 hours.",
            NOW - 1,
            "sending",
            decision_id="d1",
            undo_until=NOW + 4,
        ),
    ]
    typed = "We guarantee a full refund, this will never ever happen again."
    return Sample(
        rows=[
            queue_row(
                "Ms Wong", "it broke, returning is not worth the shipping", waiting=42.0, unread=2
            ),
            queue_row(
                "Mr Lee",
                "wrong company name on the invoice",
                waiting=130.0,
                urgency=1,
                channel="mail",
            ),
            queue_row(
                "Mr Chow",
                "three days without an answer, see you in court",
                "handover",
                waiting=235.0,
                urgency=2,
                category="Legal risk",
                unread=1,
            ),
            queue_row("Mrs Chan", "can you take the old TV along", "drafting", waiting=18.0),
            queue_row("Mia K.", "do u guys ship to the islands??", "queued", waiting=7.0),
            queue_row(
                "Mr Chu", "two gift cards for one order?", "gap", waiting=91.0, channel="phone"
            ),
            queue_row("Ms Ng", "thanks", "replied", channel="replay"),
            queue_row("Mr Sun", "hello?", "failed", waiting=12.0),
        ],
        head=ConversationHead("Ms Wong", "Gold", "webchat", "Order 11-08 kettle · 3rd visit", 42.0),
        bubbles=bubbles,
        evidence=evidence,
        draft=draft,
        case=CaseView(
            "Legal risk · threat to sue",
            "L3",
            "Customer mentions a court or a lawsuit",
            "The customer wrote “see you in court”; an automatic reply could be used as evidence.",
            "Apologise, confirm the facts, promise no amount; the lead calls within two hours.",
            "We are very sorry. A colleague is now in charge and will call within two hours.",
            opened_at=NOW - 235,
        ),
        hits=(
            hit_in(typed, "guarantee a full refund", name="Promised outcome", why="Not allowed"),
            hit_in(typed, "never ever", name="Absolute wording", level="L2", action="hint"),
        ),
        typed=typed,
        style="Warm shop",
    )
