"""Whatever crosses the pipe arrives as it was sent, and what is no message is refused."""

from __future__ import annotations

import typing
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import protocol
from engine.protocol import (
    CancelRequest,
    DraftFinished,
    DraftRequest,
    EngineConfig,
    RequestFailed,
    SearchRequest,
    Shutdown,
    TextReleased,
    decode_event,
    decode_request,
    encode,
)
from engine.records import Draft, Hit, NumberSource, Span, Turn

REQUESTS = typing.get_args(protocol.Request)
EVENTS = typing.get_args(protocol.Event)
PLAIN = st.text(st.characters(exclude_categories=["Cs"]))


def values_of(kind: Any) -> st.SearchStrategy[Any]:
    """Values of a type as the structs declare it."""
    if isinstance(kind, typing.TypeAliasType if hasattr(typing, "TypeAliasType") else ()):
        kind = kind.__value__
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind is str:
        return PLAIN
    if kind is int:
        return st.integers(-(2**31), 2**31)
    if kind is float:
        return st.floats(allow_nan=False, width=32)
    if kind is bool:
        return st.booleans()
    if kind is type(None):
        return st.none()
    if origin is typing.Literal:
        return st.sampled_from(arguments)
    if origin is tuple:
        return st.lists(values_of(arguments[0]), max_size=2).map(tuple)
    if arguments:
        return st.one_of([values_of(one) for one in arguments])
    fields = typing.get_type_hints(kind)
    return st.builds(kind, **{name: values_of(hint) for name, hint in fields.items()})


@pytest.mark.parametrize("kind", REQUESTS, ids=lambda kind: kind.__name__)
@given(data=st.data())
def test_every_request_arrives_as_it_was_sent(kind: Any, data: st.DataObject) -> None:
    request = data.draw(values_of(kind))
    assert decode_request(encode(request)) == request


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.__name__)
@given(data=st.data())
def test_every_event_arrives_as_it_was_sent(kind: Any, data: st.DataObject) -> None:
    event = data.draw(values_of(kind))
    assert decode_event(encode(event)) == event


@given(st.lists(st.text(st.characters()), min_size=1, max_size=4))
def test_lone_surrogates_are_replaced_and_all_else_is_kept(texts: list[str]) -> None:
    request = DraftRequest("r1", tuple(Turn("customer", text) for text in texts))
    arrived = decode_request(encode(request))
    assert isinstance(arrived, DraftRequest)
    assert [turn.text for turn in arrived.turns] == [
        text.encode("utf-8", "replace").decode() for text in texts
    ]


def test_surrogates_are_replaced_however_deep_they_stand() -> None:
    hit = Hit("r", "c", "L1", "log", 0, 1, "\ud800")
    draft = Draft("drafted", "a\udfffb", hits=(hit,), unsupported=(Span(0, 1, "\ud800x"),))
    arrived = decode_event(encode(DraftFinished("r1", draft)))
    assert isinstance(arrived, DraftFinished)
    assert arrived.draft.text == "a?b"
    assert arrived.draft.hits[0].text == "?"
    assert arrived.draft.unsupported[0].text == "?x"


def test_a_megabyte_of_message_arrives_whole() -> None:
    request = DraftRequest("r1", (Turn("customer", "壶坏了" * 350_000),))
    assert decode_request(encode(request)) == request


def test_numbers_keep_their_source() -> None:
    draft = Draft("drafted", "7天", numbers=(NumberSource(0, 2, "7天", "evidence", 3),))
    assert decode_event(encode(DraftFinished("r9", draft))) == DraftFinished("r9", draft)


@given(st.binary(max_size=200))
def test_bytes_that_are_no_message_are_refused_in_one_way(data: bytes) -> None:
    for decode, kinds in ((decode_request, REQUESTS), (decode_event, EVENTS)):
        try:
            message = decode(data)
        except msgspec.DecodeError:
            continue
        assert isinstance(message, kinds)


@given(st.data())
def test_a_message_that_was_cut_is_refused(data: st.DataObject) -> None:
    whole = encode(SearchRequest("r1", "运费多少", 3, "2026-11-22", (Turn("agent", "您好"),)))
    cut = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(msgspec.DecodeError):
        decode_request(whole[:cut])


@pytest.mark.parametrize(
    "data",
    [
        msgspec.msgpack.encode({"type": "DraftRequest", "id": 1, "turns": []}),
        msgspec.msgpack.encode({"type": "DraftRequest", "id": "r1"}),
        msgspec.msgpack.encode(
            {"type": "DraftRequest", "id": "r1", "turns": [{"role": "ghost", "text": ""}]}
        ),
        msgspec.msgpack.encode({"type": "Unheard", "id": "r1"}),
        msgspec.msgpack.encode({"id": "r1"}),
    ],
    ids=["id no text", "field missing", "unknown role", "unknown kind", "no kind"],
)
def test_a_message_of_the_wrong_form_is_refused(data: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_request(data)


def test_a_request_is_no_event_and_an_event_no_request() -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_event(encode(CancelRequest("r1")))
    with pytest.raises(msgspec.DecodeError):
        decode_request(encode(TextReleased("r1", "好")))
    assert decode_request(encode(Shutdown())) == Shutdown()


def test_every_answer_bears_the_id_of_its_request() -> None:
    of_engine = {"EngineStarting", "EngineReady", "EngineFailed", "EngineRestarted", "Pong"}
    for kind in EVENTS:
        assert ("id" in kind.__struct_fields__) == (kind.__name__ not in of_engine), kind


def test_a_configuration_arrives_as_it_was_sent() -> None:
    config = EngineConfig("m", "e", "k", "r", "s", language="en", gpu_layers=3, generator="none")
    data = msgspec.msgpack.encode(config)
    assert msgspec.msgpack.decode(data, type=EngineConfig) == config


def test_a_failure_says_its_code() -> None:
    event = RequestFailed("r1", "cancelled", "已取消。")
    assert decode_event(encode(event)) == event
