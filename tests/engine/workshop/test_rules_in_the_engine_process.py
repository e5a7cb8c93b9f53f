"""The engine process drafts by the rules that are in force when it is asked, without a restart."""

from __future__ import annotations

import queue
from collections.abc import Callable
from pathlib import Path

from written_rules import GIFT

from engine.client import EngineClient
from engine.protocol import DraftFinished, EngineConfig, EngineReady, Event
from engine.records import Draft, Turn
from engine.store.store import open_store
from engine.workshop.workshop import Workshop

WORD = "白金卡"
RULE = (
    GIFT.replace("[model, agent]", "customer")
    .replace("action: block", "action: handover\nscript: {zh: 请稍等。, en: Please wait.}")
    .replace("送您一份礼", WORD)
)


def test_what_is_published_and_rolled_back_holds_for_the_next_draft(
    make_config: Callable[..., EngineConfig], rules_folder: Path, tmp_path: Path
) -> None:
    heard: queue.SimpleQueue[Event] = queue.SimpleQueue()
    path = tmp_path / "zuoxi.db"
    client = EngineClient(
        make_config(database=str(path), generator="scripted", mode="verbatim"), heard.put
    )

    def until(kind: type[Event]) -> Event:
        while not isinstance(event := heard.get(timeout=40), kind):
            pass
        return event

    def drafted() -> Draft:
        client.draft([Turn("customer", f"我的{WORD}怎么用")])
        event = until(DraftFinished)
        assert isinstance(event, DraftFinished)
        return event.draft

    try:
        client.start()
        ready = until(EngineReady)
        assert isinstance(ready, EngineReady)
        before = drafted()
        assert before.status != "handover" and before.release.rules == ready.rules
        with open_store(path) as store:
            workshop = Workshop(store, rules_folder)
            workshop.put(RULE, "王班长")
            number = workshop.start_trial("王班长", "白金卡客户转专人").number
            on_trial = drafted()
            assert on_trial.status != "handover"
            assert on_trial.release.rules == workshop.standing().rules != ready.rules
            workshop.ask(number, "王班长")
            workshop.approve(number, "李班长")
            published = drafted()
            assert (published.status, published.script) == ("handover", "请稍等。")
            assert published.release.rules == workshop.standing().rules
            workshop.roll_back(0, "李班长", "误拦")
            after = drafted()
            assert (after.status, after.release.rules) == (before.status, ready.rules)
    finally:
        client.close()
