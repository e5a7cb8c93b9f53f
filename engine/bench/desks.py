"""A desk's data folder as it is after a long time: many conversations wait, one is very long."""

from __future__ import annotations

from itertools import cycle, islice
from pathlib import Path
from random import Random

from engine.paths import DataFolder
from engine.store.store import open_store

CONVERSATIONS = 10_000
TURNS = 10_000

_SAID = (
    "东西坏了，想退又不值当运费，怎么办？",
    "你好，我上周三下的单，说好两天到，今天都第五天了，物流一直停在中转站没动过，麻烦帮我看看到底"
    "卡在哪里，周末之前一定要用到。",
    "在吗",
    "发票抬头开错了，能不能重新开一张？订单里一共三件，只有那台空气净化器要开公司抬头，其余的个人就行。",
    "Is the heater still under warranty? I bought it in March and it stopped working yesterday. "
    "The box is gone, but I have kept the receipt and all of the cables.",
)
_ANSWERED = (
    "您好，已经为您催促中转站，预计明天下午送达，到货前快递员会给您打电话。",
    "可以的，七天内无理由退货，运费由我们承担。",
)


def fill(folder: Path, conversations: int = CONVERSATIONS, turns: int = TURNS) -> str:
    """Fill the data folder `folder`; the id of the conversation that has `turns` messages.

    It is the one that has waited longest, so that it stands first. What is filled stays.
    """
    random = Random(3)
    with open_store(DataFolder(folder).database) as store:
        rows = store.conversations.page(limit=1)
        if rows:
            return rows[0].id
        first = ""
        for start in range(0, conversations, 1000):
            with store.transaction():
                for place in range(start, min(conversations, start + 1000)):
                    message = store.conversations.receive(
                        f"顾客{place}", random.choice(_SAID), at=1.7e9 + place, history=True
                    )
                    first = first or message.conversation
        said = islice(cycle((*_SAID, *_ANSWERED)), max(0, turns - 2))
        with store.transaction():
            for place, text in enumerate(said):
                write = store.conversations.append_agent
                if text in _SAID:
                    store.conversations.receive(
                        "顾客0", text, conversation=first, at=1.6e9 + place, history=True
                    )
                else:
                    write("顾客0", text, conversation=first, at=1.6e9 + place)
            store.conversations.receive(
                "顾客0", _SAID[0], conversation=first, at=1.65e9, history=True
            )
    return first
