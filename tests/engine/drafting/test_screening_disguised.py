"""A draft that streams in any pieces: nothing of a blocked phrase shows, in whatever disguise."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from engine.drafting.screening import StreamScreen
from engine.paths import RULES
from engine.redline.gate import Gate, masked
from engine.redline.rules import load_rules

PIECES = (
    "您好，",
    "我帮您查一下，",
    "请稍等。",
    "The parcel is on its way. ",
    "稳赚不赔",
    "wen zhuan bu pei",
    "稳专不赔",
    "禾急赚不贝咅",
    "穩*賺-不~賠",
    "加wo微xin",
    "加V信聊",
    "➕薇❤",
    "一切以合同为准，",
    "jiāweixin",
    "加\u200b徽信",
    "把验正码发给我",
    "qing ba yanzhengma",
    " fa gei wo",
    "s c a m",
    "guarantee d return s",
    "一三八零零一三八零零零",
    "①③⑧001380００",
    "请不要把mima告诉任何人",
    "1. 2二",
    "，",
    "。",
    "！",
    " ",
    "\n",
    "❤",
    "v",
    "言",
    "正",
)


def test_nothing_of_a_disguised_phrase_is_ever_shown(rounds: Callable[[int], int]) -> None:
    gate = Gate(load_rules(RULES))
    chance = Random(11)
    blocked = 0
    for _ in range(rounds(10_000)):
        text = "".join(chance.choice(PIECES) for _ in range(chance.randint(1, 9)))
        whole = gate.screen(text, "model")
        screen = StreamScreen(gate)
        shown = ""
        place = 0
        while place < len(text):
            size = chance.choice((1, 1, 2, 3, 5, 8, 21))
            shown += screen.feed(text[place : place + size])
            place += size
        shown += screen.finish()
        stopping = [hit for hit in whole.hits if hit.action in ("block", "handover")]
        if stopping:
            blocked += 1
            assert screen.blocked, text
            assert len(shown) <= stopping[0].start, (text, shown)
        else:
            assert not screen.blocked and len(shown) == len(text), (text, shown)
        assert masked(text, whole).startswith(shown), (text, shown)
    assert blocked > 100
