from __future__ import annotations

import uuid

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import InputError
from engine.records import Draft, Evidence, Hit, Release, Turn
from engine.store.gaps import normalise
from engine.store.ids import IdSource, new_id
from engine.store.rows import ExternalKey
from engine.store.store import Store
from engine.store.text import clean, like, one_line

shared_store = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def test_ids_are_uuids_of_version_7_that_grow() -> None:
    ids = [new_id() for _ in range(2000)]
    assert ids == sorted(set(ids))
    assert {uuid.UUID(one).version for one in ids} == {7}
    assert {uuid.UUID(one).variant for one in ids} == {uuid.RFC_4122}


def test_ids_grow_when_the_clock_is_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    source = IdSource()
    now = 1_900_000_000_000_000_000
    monkeypatch.setattr("time.time_ns", lambda: now)
    first = source.new()
    now -= 10**12
    assert source.new() > first


def test_the_most_urgent_come_first(store: Store) -> None:
    talk = store.conversations
    late = talk.receive("后来", "在吗", at=200.0).conversation
    early = talk.receive("先来", "在吗", at=100.0).conversation
    answered = talk.receive("答过", "在吗", at=50.0).conversation
    talk.append_agent("答过", "在的", conversation=answered, at=60.0)
    earlier_answered = talk.receive("早答过", "在吗", at=40.0).conversation
    talk.append_agent("早答过", "在的", conversation=earlier_answered, at=45.0)
    handed = talk.receive("起诉", "法庭见", at=10.0).conversation
    store.handovers.open(handed, "legal", "legal.court", "请稍等", None)
    order = [early, late, handed, answered, earlier_answered]
    assert [row.id for row in talk.page()] == order
    assert [row.id for row in talk.page(limit=2, offset=1)] == order[1:3]
    assert talk.waiting() == order[:3]
    assert talk.waiting(handed_over=False) == order[:2]
    assert [row.id for row in talk.page(filter="waiting")] == order[:2]
    assert [row.id for row in talk.page(filter="answered")] == order[3:]
    assert [row.handed_over for row in talk.page(filter="handed_over")] == ["legal"]
    counts = talk.counts()
    assert (counts.all, counts.waiting, counts.handed_over, counts.answered) == (5, 2, 1, 2)


def test_waiting_counts_from_the_first_unanswered_message(store: Store) -> None:
    talk = store.conversations
    conversation = talk.receive("王女士", "在吗", at=10.0).conversation
    talk.receive("王女士", "人呢", conversation=conversation, at=20.0)
    assert talk.get(conversation).waiting_since == 10.0
    talk.append_agent("王女士", "在的", conversation=conversation, at=30.0)
    assert talk.get(conversation).waiting_since is None
    talk.receive("王女士", "那就好", conversation=conversation, at=40.0)
    row = talk.get(conversation)
    assert row.waiting_since == 40.0
    assert (row.messages, row.customer_messages, row.agent_messages) == (4, 3, 1)
    assert row.preview == "那就好"
    assert talk.turns(conversation) == (
        Turn("customer", "在吗"),
        Turn("customer", "人呢"),
        Turn("agent", "在的"),
        Turn("customer", "那就好"),
    )


def test_an_unknown_conversation_stores_nothing(store: Store) -> None:
    with pytest.raises(InputError) as caught:
        store.conversations.receive("王女士", "在吗", conversation="nobody")
    assert caught.value.code == "no_conversation"
    assert store.conversations.counts().all == 0


def test_the_same_name_is_not_the_same_customer(store: Store) -> None:
    first = store.conversations.receive("王女士", "我的地址是……")
    second = store.conversations.receive("王女士", "在吗")
    assert first.conversation != second.conversation


def test_a_closed_conversation_waits_no_more_until_the_customer_writes(store: Store) -> None:
    talk = store.conversations
    conversation = talk.receive("王女士", "在吗", at=10.0).conversation
    talk.close(conversation)
    assert talk.waiting() == []
    talk.receive("王女士", "还在吗", conversation=conversation, at=20.0)
    assert talk.get(conversation).closed_at is None
    assert talk.waiting() == [conversation]


def test_a_channel_may_name_a_conversation_as_it_names_its_first_message(store: Store) -> None:
    """A thread of mails bears the first one's name. Nothing may be lost of it, or come twice."""
    talk = store.conversations
    first = talk.receive("王女士", "在吗", key=ExternalKey("mail", "m1", "m1"))
    assert talk.receive("王女士", "在吗", key=ExternalKey("mail", "m1", "m1")) == first
    follows = talk.receive("王女士", "人呢", key=ExternalKey("mail", "m1", "m2"))
    assert follows.conversation == first.conversation
    other = talk.receive("李先生", "在吗", key=ExternalKey("mail", "m2", "m3"))
    assert other.conversation != first.conversation
    assert store.channel_keys.conversation("mail", "m1") == first.conversation
    assert store.channel_keys.external("mail", first.conversation) == "m1"
    assert set(store.channel_keys.delivered("mail")) == {"m1", "m2", "m3"}


def test_a_message_with_a_key_arrives_once(store: Store) -> None:
    talk = store.conversations
    first = talk.receive("王女士", "在吗", key=ExternalKey("mail", "t1", "m1"))
    again = talk.receive("王女士", "在吗", key=ExternalKey("mail", "t1", "m1"))
    follows = talk.receive("王女士", "人呢", key=ExternalKey("mail", "t1", "m2"))
    other = talk.receive("王女士", "在吗", key=ExternalKey("web", "t1", "m1"))
    assert again == first
    assert follows.conversation == first.conversation != other.conversation
    keys = store.channel_keys
    assert keys.conversation("mail", "t1") == first.conversation
    assert keys.external("mail", first.conversation) == "t1"
    assert keys.external("web", first.conversation) is None
    assert keys.delivered("mail") == {"m1": first.id, "m2": follows.id}


@pytest.mark.parametrize("literal", ["100%", "a_b", "\\", "%", "_", "'", '"', "退货 OR 1"])
def test_a_search_takes_every_character_literally(store: Store, literal: str) -> None:
    wanted = store.conversations.receive("王女士", f"我要{literal}的").conversation
    store.conversations.receive("李先生", "我要100个axb的东西")
    named = store.conversations.receive(f"客户{literal}", "在吗").conversation
    found = {row.id for row in store.conversations.page(search=literal)}
    assert found == {wanted, named}


@given(st.text(min_size=1, max_size=12))
def test_a_like_pattern_escapes_all_wildcards(text: str) -> None:
    pattern = like(text)
    bare = pattern[1:-1].replace("\\\\", "").replace("\\%", "").replace("\\_", "")
    assert "%" not in bare and "_" not in bare and "\\" not in bare


def test_undone_messages_are_not_found(store: Store) -> None:
    message = store.conversations.receive("王女士", "在吗")
    decision = store.decisions.record(
        message.conversation, "rewritten", text="说漏嘴了", undo_seconds=5.0
    )
    assert store.conversations.page(search="漏嘴")
    assert store.decisions.undo(decision.id)
    assert store.conversations.page(search="漏嘴") == []


@given(st.text(alphabet=st.characters(), max_size=40))
@shared_store
def test_any_text_is_kept_but_for_lone_surrogates(store: Store, text: str) -> None:
    message = store.conversations.receive(text, text, label=text, subject=text)
    assert message.text == clean(text)
    kept = store.conversations.messages(message.conversation)[0].text
    assert kept == message.text
    if all(not 0xD800 <= ord(character) < 0xE000 for character in text):
        assert kept == text
    store.conversations.page(search=text)
    store.composers.put(message.conversation, text)
    assert store.composers.get(message.conversation) == clean(text)


def test_surrogates_are_replaced_and_pairs_are_joined() -> None:
    assert clean("a\ud800b") == "a\ufffdb"
    assert clean("\ud83d\ude00") == "😀"


def test_a_nul_is_kept(store: Store) -> None:
    message = store.conversations.receive("王\0女士", "在\0吗")
    assert message.text == "在\0吗"
    row = store.conversations.get(message.conversation)
    assert (row.customer, row.preview) == ("王 女士", "在 吗")


def test_a_message_of_a_megabyte_has_a_short_preview(store: Store) -> None:
    message = store.conversations.receive("王女士", "退货\n" * 250_000)
    assert len(message.text) == 750_000
    row = store.conversations.get(message.conversation)
    assert len(row.preview) == 120
    assert row.preview.endswith("…")


def test_one_line_keeps_what_fits() -> None:
    assert one_line(" a\r\n\tb ", 3) == "a b"
    assert one_line("abcd", 3) == "ab…"


def test_a_time_that_is_no_number_is_refused(store: Store) -> None:
    with pytest.raises(InputError):
        store.conversations.receive("王女士", "在吗", at=float("nan"))


def test_a_draft_comes_back_whole_with_surrogates_replaced(store: Store) -> None:
    message = store.conversations.receive("王女士", "在吗")
    draft = Draft(
        "drafted",
        "可以**免费**[1]\ud800",
        evidence=(Evidence(1, "a.md", "题", "节", "文", 0.5, valid_until="2027-01-01"),),
        hits=(Hit("r", "c", "L1", "hint", 0, 1, "可", side="model"),),
        release=Release("m", "a", "r", "k", "p"),
    )
    stored = store.drafts.save(message.conversation, message.id, draft)
    assert stored.draft.text == "可以**免费**[1]\ufffd"
    assert stored.draft.evidence == draft.evidence
    assert stored.draft.release == draft.release
    assert store.drafts.latest(message.conversation) == stored


def test_a_draft_is_latest_only_for_the_newest_message(store: Store) -> None:
    first = store.conversations.receive("王女士", "在吗")
    conversation = first.conversation
    store.drafts.save(conversation, first.id, Draft("drafted", "在的"))
    assert store.conversations.get(conversation).draft_status == "drafted"
    second = store.conversations.receive("王女士", "退货", conversation=conversation)
    assert store.drafts.latest(conversation) is None
    assert store.conversations.get(conversation).draft_status == "none"
    late = store.drafts.save(conversation, first.id, Draft("drafted", "在的"))
    assert store.drafts.latest(conversation) is None
    assert store.drafts.get(late.id) == late
    store.drafts.save(conversation, second.id, Draft("abstained", reason="没有依据"))
    row = store.conversations.get(conversation)
    assert (row.draft_status, row.gap) == ("abstained", True)
    newest = store.drafts.save(conversation, second.id, Draft("drafted", "可以退"))
    assert store.drafts.latest(conversation) == newest
    assert [row.id for row in store.conversations.page(filter="ready")] == [conversation]


def test_a_draft_for_someone_elses_message_is_refused(store: Store) -> None:
    one = store.conversations.receive("王女士", "在吗")
    other = store.conversations.receive("李先生", "在吗")
    with pytest.raises(InputError):
        store.drafts.save(one.conversation, other.id, Draft("drafted", "在的"))
    with pytest.raises(InputError) as caught:
        store.drafts.save(one.conversation, "nothing", Draft("drafted", "在的"))
    assert caught.value.code == "no_message"


def test_the_same_question_is_one_gap(store: Store) -> None:
    one = store.conversations.receive("王女士", "有Ａ款吗？").conversation
    other = store.conversations.receive("李先生", "有 a款吗").conversation
    store.gaps.add("有Ａ款吗？", one, "no_evidence", at=10.0)
    gap = store.gaps.add("有 a款吗", other, "expired", at=20.0)
    store.gaps.add("能刻字吗", other, "no_evidence")
    assert (gap.count, gap.first_at, gap.last_at) == (2, 10.0, 20.0)
    assert (gap.question, gap.reason, gap.conversation) == ("有Ａ款吗？", "expired", other)
    assert [(found.question, found.count) for found in store.gaps.list()] == [
        ("有Ａ款吗？", 2),
        ("能刻字吗", 1),
    ]
    assert store.conversations.counts().gaps == 2
    assert store.gaps.settle(gap.id)
    assert not store.gaps.settle(gap.id)
    assert store.conversations.counts().gaps == 1
    assert store.gaps.add("有a款吗", one, "no_evidence").count == 1


@given(
    st.text(alphabet="有没能刻字abcXYZ123", min_size=1, max_size=12),
    st.text(alphabet=" ，。？！,.?!…～\u3000\t", max_size=4),
)
def test_punctuation_and_case_make_no_new_question(question: str, noise: str) -> None:
    middle = len(question) // 2
    noisy = noise + question[:middle] + noise + question[middle:].upper() + noise
    assert normalise(noisy) == normalise(question) != ""


def test_a_composer_keeps_what_was_typed_last(store: Store) -> None:
    conversation = store.conversations.receive("王女士", "在吗").conversation
    assert store.composers.get(conversation) == ""
    store.composers.put(conversation, "您好")
    store.composers.put(conversation, "您好,")
    assert store.composers.get(conversation) == "您好,"
    assert [kept.text for kept in store.composers.all()] == ["您好,"]
    store.composers.put(conversation, "")
    assert store.composers.all() == []


def test_one_open_case_per_conversation(store: Store) -> None:
    message = store.conversations.receive("赵先生", "法庭见")
    case = store.handovers.open(message.conversation, "legal", "legal.court", "请稍等", message.id)
    same = store.handovers.open(message.conversation, "agent")
    assert same == case
    assert store.handovers.take(case.id, "班长")
    assert not store.handovers.take(case.id, "别人")
    assert store.handovers.get(case.id).taken_by == "班长"
    assert [one.id for one in store.handovers.all_open()] == [case.id]
    assert store.handovers.close(case.id, "已致歉")
    assert not store.handovers.close(case.id, "再来")
    assert store.conversations.get(message.conversation).handed_over is None
    assert store.handovers.open(message.conversation, "agent").id != case.id
    assert [one.note for one in store.handovers.of(message.conversation)] == ["已致歉", ""]


def test_hits_wait_for_a_verdict(store: Store) -> None:
    message = store.conversations.receive("赵先生", "法庭见")
    hit = Hit("legal.court", "legal", "L4", "handover", 0, 2, "法庭", side="customer")
    store.hits.add_all(message.conversation, message.id, message.text, (hit,))
    (stored,) = store.hits.page(unjudged=True)
    assert (stored.hit, stored.screened, stored.verdict) == (hit, "法庭见", None)
    store.hits.judge(stored.id, "false_alarm", "班长")
    store.hits.judge(stored.id, "right", "班长", "看错了")
    assert store.hits.page(unjudged=True) == []
    assert store.hits.of(message.conversation)[0].verdict == "right"
    with pytest.raises(InputError):
        store.hits.judge("nothing", "right", "班长")


def test_one_agent_marks_a_draft_once(store: Store) -> None:
    message = store.conversations.receive("王女士", "在吗")
    draft = store.drafts.save(message.conversation, message.id, Draft("drafted", "在的"))
    first = store.feedback.thumbs_down(draft.id, "小陈")
    assert store.feedback.thumbs_down(draft.id, "小陈") == first
    store.feedback.thumbs_down(draft.id, "小林")
    assert [thumb.who for thumb in store.feedback.of(draft.id)] == ["小陈", "小林"]
    with pytest.raises(InputError):
        store.feedback.thumbs_down("nothing")


def test_a_list_of_many_uses_the_index(store: Store) -> None:
    plan = store._database.rows(
        "EXPLAIN QUERY PLAN SELECT * FROM conversations WHERE urgency = 0 "
        "ORDER BY urgency, sort_key, id LIMIT 200"
    )
    assert "conversations_by_urgency" in str(plan)


def test_those_due_for_a_draft_come_in_order_and_in_no_walk(store: Store) -> None:
    at = {name: 100.0 + place for place, name in enumerate("abcdef")}
    made = {name: store.conversations.receive(name, name, at=when) for name, when in at.items()}
    store.drafts.save(made["b"].conversation, made["b"].id, Draft("drafted", "x"))
    store.conversations.close(made["c"].conversation)
    store.handovers.open(made["d"].conversation, "legal")
    due = store.conversations.due
    assert [row.customer for row in due(9)] == ["a", "e", "f"]
    assert [row.customer for row in due(2)] == ["a", "e"]
    assert [row.customer for row in due(2, without=[made["a"].id, made["c"].id])] == ["e", "f"]
    store.conversations.receive("a", "more", conversation=made["a"].conversation, at=300.0)
    # Another message, for which nothing was left out; the customer waits since the first.
    assert [row.customer for row in due(1, without=[made["a"].id])] == ["a"]
