"""Requests to the engine process and events from it: everything that crosses the pipe.

Each is a tagged msgspec struct, sent as MessagePack bytes (never pickle). Every event that answers
a request carries that request's `id`; the receiver drops answers to ids it no longer waits for.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Struct

from engine.records import Draft, DraftMode, Evidence, Found, Language, Turn

EngineStep = Literal["process", "model", "embedder", "knowledge"]


class EngineConfig(Struct, frozen=True, tag=True):
    """What an engine process is started with. Paths are absolute strings.

    `gpu_layers` −1 means as many as fit; `threads` 0 means the physical cores.
    `generator` "scripted" starts the fake that tests use instead of llama.cpp; "none" goes without
    a model, because it ended the process when it was loaded. `database` is where the company's own
    version of the rules is looked up before every request; without one, what is in `rules` holds.
    """

    model: str
    embedder: str
    knowledge: str
    rules: str
    style: str
    language: Language = "zh"
    gpu_layers: int = -1
    threads: int = 0
    context: int = 4096
    mode: DraftMode = "auto"
    generator: Literal["llama", "scripted", "none"] = "llama"
    database: str = ""


class DraftRequest(Struct, frozen=True, tag=True):
    """Draft a reply to the newest customer turn. `as_of` is the day the knowledge is asked for.

    `conversation` names whose turns these are, so that what was read of it before stays read.
    `priority` 0 is the open conversation, which goes before all else; the lower the sooner.
    `alone` has nothing else begun meanwhile: the process died while it was under way before.
    Until its answer, `DraftStarted` may come again: all that came before is to be forgotten then.
    """

    id: str
    turns: tuple[Turn, ...]
    as_of: str | None = None
    mode: DraftMode = "auto"
    conversation: str = ""
    priority: int = 1
    alone: bool = False


class SearchRequest(Struct, frozen=True, tag=True):
    """Search the knowledge. `turns`, when given, lets a follow-up refer back."""

    id: str
    query: str
    k: int = 5
    as_of: str | None = None
    turns: tuple[Turn, ...] = ()


class CancelRequest(Struct, frozen=True, tag=True):
    """Give up request `id`: it ends with `RequestFailed(code="cancelled")` within one token."""

    id: str


class PrioritiseRequest(Struct, frozen=True, tag=True):
    """Draft request `id` has another `priority` from now on; no answer follows."""

    id: str
    priority: int


class ReloadKnowledge(Struct, frozen=True, tag=True):
    """The knowledge on disk has a newer version: open it."""

    id: str


class ForgetConversations(Struct, frozen=True, tag=True):
    """Remember nothing of these conversations, whose data was deleted; no answer follows.

    Drafts for them are to be called off before.
    """

    conversations: tuple[str, ...]


class Shutdown(Struct, frozen=True, tag=True):
    """End the process in good order."""


class Ping(Struct, frozen=True, tag=True):
    """Is the engine alive? `Pong` follows, whatever the engine is at."""


Request = (
    DraftRequest
    | SearchRequest
    | CancelRequest
    | PrioritiseRequest
    | ReloadKnowledge
    | ForgetConversations
    | Ping
    | Shutdown
)


class Offload(Struct, frozen=True):
    """GPU layers in use and in all, and why that number (`reason` is a code for the texts)."""

    layers: int = 0
    total: int = 0
    device: str = "CPU"
    reason: str = ""


class EngineStarting(Struct, frozen=True, tag=True):
    """The engine is loading `step`."""

    step: EngineStep


class EngineReady(Struct, frozen=True, tag=True):
    """The engine can answer. `model_error` is set when it can search but not draft.

    `knowledge_error` says why there is no knowledge to search, `knowledge_code` is its code.
    """

    model: str = ""
    embedder: str = ""
    knowledge: str = ""
    passages: int = 0
    rules: str = ""
    offload: Offload = Offload()
    model_error: str = ""
    knowledge_error: str = ""
    knowledge_code: str = ""


class EngineFailed(Struct, frozen=True, tag=True):
    """The engine cannot start: `code` and one line that says what to do."""

    code: str
    message: str


class EngineRestarted(Struct, frozen=True, tag=True):
    """Made by the client, not the process: the process died (`why`) and a new one is starting.

    `attempt` counts deaths without an answered request in between; `repeated` says how many
    requests were sent again.
    """

    why: str
    attempt: int = 1
    repeated: int = 0


class DraftStarted(Struct, frozen=True, tag=True):
    """Work on the request has begun."""

    id: str


class EvidenceFound(Struct, frozen=True, tag=True):
    """The passages that the draft will rest on."""

    id: str
    evidence: tuple[Evidence, ...]


class TextReleased(Struct, frozen=True, tag=True):
    """More of the draft, cleared by the screen. Append `text` to what came before."""

    id: str
    text: str


class TextWithdrawn(Struct, frozen=True, tag=True):
    """Forget all text released so far for this request: it is being drafted again."""

    id: str
    reason: str = ""


class DraftFinished(Struct, frozen=True, tag=True):
    """The draft as it may be stored and shown; its text replaces what was streamed."""

    id: str
    draft: Draft


class SearchFinished(Struct, frozen=True, tag=True):
    """Passages, best first. `query` is what was searched, with its references resolved."""

    id: str
    query: str
    found: tuple[Found, ...]
    ms: float


class KnowledgeReloaded(Struct, frozen=True, tag=True):
    """The knowledge version now in use."""

    id: str
    knowledge: str
    passages: int


class ModelMemory(Struct, frozen=True):
    """What a model remembers of conversations: K/V sequences taken, conversations known, and the
    bytes of the states saved of those that had to leave."""

    sequences: int = 0
    conversations: int = 0
    saved_bytes: int = 0


class Pong(Struct, frozen=True, tag=True):
    """The process lives. `beats` says how many pings in a row found its main thread in the same
    step of work; 0 while it has nothing to do. For the client alone, which tells nobody.
    """

    beats: int = 0
    memory: ModelMemory = ModelMemory()


class RequestFailed(Struct, frozen=True, tag=True):
    """The request ended without an answer: `cancelled`, or an error for the person."""

    id: str
    code: str
    message: str


Event = (
    EngineStarting
    | EngineReady
    | EngineFailed
    | EngineRestarted
    | DraftStarted
    | EvidenceFound
    | TextReleased
    | TextWithdrawn
    | DraftFinished
    | SearchFinished
    | KnowledgeReloaded
    | Pong
    | RequestFailed
)

_encoder = msgspec.msgpack.Encoder()
_request_decoder: msgspec.msgpack.Decoder[Request] = msgspec.msgpack.Decoder(Request)
_event_decoder: msgspec.msgpack.Decoder[Event] = msgspec.msgpack.Decoder(Event)


def encode(message: Request | Event) -> bytes:
    """One request or event as MessagePack bytes. Lone surrogates are replaced, not refused."""
    try:
        return _encoder.encode(message)
    except UnicodeEncodeError:
        builtins = msgspec.to_builtins(message)
        return _encoder.encode(without_surrogates(builtins))


def decode_request(data: bytes) -> Request:
    """The request in `data`; raises `msgspec.DecodeError` when it is none."""
    return _request_decoder.decode(data)


def decode_event(data: bytes) -> Event:
    """The event in `data`; raises `msgspec.DecodeError` when it is none."""
    return _event_decoder.decode(data)


def without_surrogates(value: object) -> object:
    """`value` (of JSON's own types) with every lone surrogate in it replaced."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, dict):
        return {key: without_surrogates(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_surrogates(item) for item in value]
    return value
