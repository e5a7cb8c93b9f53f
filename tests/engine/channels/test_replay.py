from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import texts
from engine.channels.replay import SOURCE, Replay, Scene, Script, deliver, read_script
from engine.errors import InputError
from engine.paths import SAMPLE
from engine.records import Turn
from engine.redline.gate import Gate
from engine.redline.schema import RuleSet
from engine.store.store import Store, open_store

KETTLE = {
    "id": "kettle",
    "customer": "王大姐",
    "channel": "网页",
    "label": "金卡",
    "subject": "电水壶",
    "start": 0,
    "waited": 42,
    "turns": [
        {"role": "customer", "text": "在吗", "ago": 60},
        {"role": "agent", "text": "在的", "ago": 50},
    ],
    "opening": [
        {"text": "东西坏了,想退又不值当运费,咋整?", "after": 0},
        {"text": "急", "after": 50},
    ],
    "replies": [
        {"when": ["上门", "Home"], "text": "真不要钱啊", "delay": 10},
        {"when": [], "text": "给个准话", "delay": 12},
    ],
    "closing": "谢谢啊",
}
LATER = {"id": "later", "customer": "李先生", "start": 100, "opening": [{"text": "发票"}]}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "zuoxi.db") as opened:
        yield opened


@pytest.fixture
def gate() -> Gate:
    return Gate(RuleSet("none"))


def script(tmp_path: Path, *scenes: object) -> tuple[Scene, ...]:
    path = tmp_path / "script.jsonl"
    lines = (json.dumps(scene, ensure_ascii=False) for scene in scenes)
    path.write_text("\n\n".join(lines) + "\n", encoding="utf-8")
    return read_script(path).scenes


def play(store: Store, gate: Gate, replay: Replay, now: float) -> list[str]:
    arrivals = replay.due(now)
    for arrival in arrivals:
        deliver(store, gate, arrival)
    return [arrival.text for arrival in arrivals]


def answer(store: Store, replay: Replay, text: str, now: float) -> float | None:
    conversation = store.channel_keys.conversation(SOURCE, "kettle")
    assert conversation is not None
    decision = store.decisions.record(conversation, "rewritten", text=text, at=now)
    assert decision.outgoing is not None
    assert store.outbox.mark_sent(decision.outgoing, now)
    due = replay.sent("kettle", text, now, key=decision.outgoing)
    assert replay.sent("kettle", text, now, key=decision.outgoing) is None
    assert store.outbox.mark_delivered(decision.outgoing, now)
    return due


def test_history_and_opening_arrive_as_they_were_written(
    store: Store, gate: Gate, tmp_path: Path
) -> None:
    replay = Replay(script(tmp_path, KETTLE, LATER), lambda: 1000.0)
    assert play(store, gate, replay, 1000.0) == ["在吗", "在的", KETTLE["opening"][0]["text"]]
    (row,) = store.conversations.page()
    assert (row.customer, row.channel, row.label, row.subject) == (
        "王大姐",
        "网页",
        "金卡",
        "电水壶",
    )
    assert row.waiting_since == 958.0
    assert [m.at for m in store.conversations.messages(row.id)] == [898.0, 908.0, 958.0]
    assert store.conversations.turns(row.id)[1] == Turn("agent", "在的")
    assert replay.due(1007.0) == []
    assert replay.next_at() == 1008.0
    assert play(store, gate, replay, 1100.0) == ["急", "发票"]
    assert replay.next_at() is None
    assert store.conversations.unscreened() == []


def test_the_customer_answers_what_the_agent_wrote(
    store: Store, gate: Gate, tmp_path: Path
) -> None:
    replay = Replay(script(tmp_path, KETTLE), lambda: 1000.0)
    replay.due(1100.0)
    assert replay.sent("kettle", "我们home repair", 1100.0) == 1110.0
    assert replay.sent("kettle", "可以上门", 1101.0) == 1113.0
    assert replay.sent("kettle", "不客气", 1102.0) == 1110.0
    assert replay.sent("kettle", "不客气", 1103.0) is None
    assert replay.sent("nobody", "您好", 1104.0) is None
    assert [one.text for one in replay.due(1110.0)] == ["真不要钱啊", "谢谢啊"]
    assert [one.text for one in replay.due(1113.0)] == ["给个准话"]


def test_a_reply_waits_for_its_word(tmp_path: Path) -> None:
    scene = {**KETTLE, "replies": [{"when": ["上门"], "text": "好", "delay": 1}]}
    replay = Replay(script(tmp_path, scene), lambda: 0.0)
    assert replay.sent("kettle", "您好", 10.0) is None
    assert replay.sent("kettle", "可以上门", 20.0) == 21.0


def test_a_restart_goes_on_where_it_was(store: Store, gate: Gate, tmp_path: Path) -> None:
    scenes = script(tmp_path, KETTLE, LATER)
    replay = Replay(scenes, lambda: 1000.0)
    play(store, gate, replay, 1002.0)
    assert answer(store, replay, "可以上门", 1003.0) == 1013.0
    again = Replay(scenes, lambda: 1005.0)
    again.restore(store)
    assert again.next_at() == 1008.0
    assert play(store, gate, again, 1013.0) == ["急", "真不要钱啊"]
    third = Replay(scenes, lambda: 1020.0)
    third.restore(store)
    assert third.next_at() == 1120.0
    assert answer(store, third, "这就安排", 1021.0) == 1033.0
    assert play(store, gate, third, 1200.0) == ["给个准话", "发票"]
    assert store.conversations.counts().all == 2
    assert (
        store.conversations.messages(store.conversations.page(search="王")[0].id)[1].text == "在的"
    )


def test_an_arrival_delivered_twice_is_stored_once(
    store: Store, gate: Gate, tmp_path: Path
) -> None:
    replay = Replay(script(tmp_path, KETTLE), lambda: 1000.0)
    for arrival in replay.due(1100.0):
        deliver(store, gate, arrival)
        deliver(store, gate, arrival)
    (row,) = store.conversations.page()
    assert row.messages == 4


@pytest.mark.parametrize(
    "bad",
    [
        "{",
        "[]",
        '{"id": "x"}',
        '{"id": "", "customer": "x", "opening": [{"text": "x"}]}',
        '{"id": "x", "customer": "x", "opening": []}',
        '{"id": "x", "customer": "x", "opening": [{"text": "x", "after": -1}]}',
        '{"id": "x", "customer": "x", "opening": [{"text": "x"}], "turns": [{"role": "king"}]}',
        json.dumps(KETTLE),
        b"\xff\xfe",
    ],
)
def test_a_malformed_line_is_skipped_and_named(tmp_path: Path, bad: str | bytes) -> None:
    path = tmp_path / "script.jsonl"
    line = bad.encode() if isinstance(bad, str) else bad
    path.write_bytes(json.dumps(KETTLE).encode() + b"\r\n\r\n" + line)
    read = read_script(path)
    assert [scene.id for scene in read.scenes] == [KETTLE["id"]]
    (skipped,) = read.skipped
    assert (skipped.code, skipped.values["line"]) == ("replay_line", 3)
    assert "3" in texts.text("error.replay_line", "zh", **skipped.values)
    assert read.trouble is not None
    assert (read.trouble.values["count"], read.trouble.values["lines"]) == (1, "3")
    assert "第 3 行" in texts.explain(read.trouble, "zh")


def test_a_script_of_which_nothing_can_be_used_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "script.jsonl"
    path.write_text("{}\n[]\n", "utf-8")
    with pytest.raises(InputError) as caught:
        read_script(path)
    assert (caught.value.code, caught.value.values["line"]) == ("replay_line", 1)


def test_a_missing_script_is_explained(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read_script(tmp_path / "none.jsonl")
    assert caught.value.code == "replay_file"


@given(st.binary(max_size=200))
def test_any_bytes_are_a_script_or_an_input_error(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = tmp_path_factory.mktemp("script") / "script.jsonl"
    path.write_bytes(data)
    try:
        assert read_script(path) == Script(())
    except InputError as error:
        assert error.code == "replay_line"


def test_the_sample_script_plays_to_its_end_without_repeats() -> None:
    scenes = read_script(SAMPLE / "replay.jsonl").scenes
    replay = Replay(scenes, lambda: 0.0)
    now, keys = 0.0, []
    while (coming := replay.next_at()) is not None:
        now = max(now, coming)
        for arrival in replay.due(now):
            keys.append(arrival.key)
            if not arrival.history:
                replay.sent(arrival.conversation, "上门 24小时 photo", now)
    assert len(keys) == len(set(keys))
    assert {key.split("#")[0] for key in keys} == {scene.id for scene in scenes}


def test_a_replay_brings_no_deleted_customer_back(store: Store, gate: Gate, tmp_path: Path) -> None:
    scenes = script(tmp_path, KETTLE)
    play(store, gate, Replay(scenes, lambda: 1000.0), 1100.0)
    (row,) = store.conversations.page()
    before = len(store.conversations.messages(row.id))
    store.forgetting.erase([row.id], who="王班长")
    again = Replay(scenes, lambda: 2000.0)
    again.restore(store)
    play(store, gate, again, 2100.0)
    (kept,) = store.conversations.page()
    assert (kept.id, kept.messages, kept.customer) == (row.id, before, "—")
    assert store.forgetting.of("王大姐") == []
