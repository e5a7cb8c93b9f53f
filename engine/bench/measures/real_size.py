"""How fast and how large the engine is with models of real size, their weights random.

The weights cannot be shipped, but neither the time nor the memory depends on what they say.
"""

from __future__ import annotations

import contextlib
import importlib.util
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median

import psutil
from msgspec.structs import replace

from engine import paths
from engine.bench.figures import Figure, Target, measured
from engine.bench.peers import BareLoop, TorchModel
from engine.bench.random_model import QWEN3_06B, QWEN3_4B, RealSize, write_random_model
from engine.bench.replies import Asked, asked_of, constraint_of
from engine.bench.served import served
from engine.bench.synthetic import questions
from engine.bench.timing import medians
from engine.bench.workbench import REPLY_TOKENS, Workbench
from engine.drafting.constraints import GroundedFree
from engine.drafting.generation import Logits, Piece, Vocabulary
from engine.drafting.grounding import GroundedNumbers
from engine.drafting.llama import LlamaGenerator, load_generator
from engine.drafting.prompt import ChatMessage

_PROMPT = 600
_WRITTEN = 32
_DICTATED = 8
_CONTEXT = 2048
_GIB = 2**30
# The bytes that transformers needs for each weight while it unpacks them to 16 bits.
_UNPACKING = 4.0

Seconds = tuple[float, float]
"""Until the first token, and from then on."""
Run = Callable[[Sequence[int]], Seconds]


def small(bench: Workbench) -> list[Figure]:
    """A model in the shape of Qwen3-0.6B, 8 bits a weight."""
    return _ours(bench, "real_size.0_6b", QWEN3_06B, rounds=4, seconds=60)


def small_in_torch(bench: Workbench) -> list[Figure]:
    """The same file in another runtime."""
    return _other(bench, "real_size.0_6b", QWEN3_06B, rounds=3, seconds=60)


def large(bench: Workbench) -> list[Figure]:
    """A model in the shape of Qwen3-4B, between 4 and 6 bits a weight."""
    return _ours(bench, "real_size.4b", QWEN3_4B, rounds=2, seconds=150)


def large_in_torch(bench: Workbench) -> list[Figure]:
    """The same file in another runtime."""
    return _other(bench, "real_size.4b", QWEN3_4B, rounds=2, seconds=60)


def names_of(name: str, kind: str = "") -> tuple[str, ...]:
    """The figures of the model `name`: ours, or those beside the runtime `kind`."""
    if kind:
        return (f"{name}.first_token.{kind}", f"{name}.decode.{kind}")
    return (f"{name}.first_token", f"{name}.decode", f"{name}.memory")


def _ours(
    bench: Workbench, name: str, size: RealSize, *, rounds: int, seconds: float
) -> list[Figure]:
    names = names_of(name)
    # Two programs hold it at a time, and what is laid out for the processor stands beside the file.
    needed = 3 * size.bytes + 2 * size.cache_bytes(bench.config.context) + _GIB
    if reason := _reason_against(bench, size, needed):
        return [Figure(one, note=reason) for one in names]
    with _loaded(bench, size) as (generator, path):
        figures = _beside_bare_loop(bench, names, generator, path, rounds, seconds)
    with _file(bench.folder / f"{size.name}.gguf", size) as path:
        return [*figures, _memory(bench, names[2], size, path)]


def _other(
    bench: Workbench, name: str, size: RealSize, *, rounds: int, seconds: float
) -> list[Figure]:
    names = names_of(name, "torch")
    reason = ""
    if importlib.util.find_spec("transformers") is None:
        reason = bench.say("note.no_transformers")
    needed = _UNPACKING * size.shape.parameters() + size.bytes + _GIB
    if reason := reason or _reason_against(bench, size, needed):
        return [Figure(one, note=reason) for one in names]
    with _loaded(bench, size) as (generator, path):
        other = TorchModel(path, threads=bench.threads)
        ours, theirs, _ = _in_turn(
            generator,
            lambda prompt: other.seconds(prompt, _WRITTEN),
            range(100, 100 + rounds),
            seconds,
        )
    return _two_figures(names, ours, theirs, bench.say("peer.torch"), "")


def dictated(bench: Workbench) -> list[Figure]:
    """The starter model's replies, written by a model of real size, guessed ahead and not.

    Random weights say nothing that could be guessed; so each token is computed, and the reply is
    gone on with as it was dictated.
    """
    name, size = "real_size.0_6b.speculation", QWEN3_06B
    needed = 2 * size.bytes + size.cache_bytes(_CONTEXT) + _GIB
    if reason := _reason_against(bench, size, needed):
        return [Figure(name, note=reason)]
    asked = asked_of(bench, bench.cases[:_DICTATED])
    texts = ["".join(piece.text for piece in _reply(bench.generator, one)) for one in asked]
    with _loaded(bench, size) as (generator, _):
        replies = [generator.vocabulary.tokenize(text) for text in texts]

        def rate(guessing: bool) -> float:
            generator.speculation = guessing
            spent = tokens = 0.0
            for number, (one, reply) in enumerate(zip(asked, replies, strict=True)):
                pieces = generator.generate(
                    one.chat, _Dictation(reply), limit=len(reply), conversation=str(number)
                )
                began = time.perf_counter()
                for piece in pieces:
                    if not piece.tokens.generated:
                        began = time.perf_counter()
                spent += time.perf_counter() - began
                tokens += len(reply) - 1
            return tokens / spent

        value, peer = medians(lambda: rate(True), lambda: rate(False), rounds=4, seconds=60)
    note = bench.say("note.speculation", replies=len(asked), tokens=sum(map(len, replies)))
    return [
        measured(
            name,
            value,
            "tokens/s",
            peer=bench.say("peer.speculation"),
            peer_value=peer,
            target=Target("ratio", "≥", 1.5),
            note=note,
        )
    ]


def _reply(generator: LlamaGenerator, one: Asked) -> Iterator[Piece]:
    return generator.generate(one.chat, constraint_of(generator, one), limit=REPLY_TOKENS)


class _Dictation:
    """Goes on as it is dictated, whatever the model likes."""

    def __init__(self, tokens: Sequence[int]) -> None:
        self._left = list(tokens)

    def choose(self, logits: Logits) -> Sequence[int]:
        del logits
        return (self._left.pop(0),) if self._left else ()


def _reason_against(bench: Workbench, size: RealSize, memory: float) -> str:
    """Why it cannot be measured here, when it takes so many bytes of `memory`; "" when it can."""
    if importlib.util.find_spec("gguf") is None:
        return bench.say("note.no_gguf")
    room = 1.2 * size.bytes
    free = shutil.disk_usage(bench.folder).free
    if free < room:
        return bench.say("note.no_disk", needed=_gib(room), free=_gib(free))
    free = psutil.virtual_memory().available
    if free < memory:
        return bench.say("note.no_memory", needed=_gib(memory), free=_gib(free))
    return ""


def _gib(octets: float) -> str:
    return f"{octets / _GIB:.1f}"


@contextlib.contextmanager
def _file(path: Path, size: RealSize) -> Iterator[Path]:
    try:
        write_random_model(path, size, paths.STARTER_MODEL)
        yield path
    finally:
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def _loaded(bench: Workbench, size: RealSize) -> Iterator[tuple[LlamaGenerator, Path]]:
    with _file(bench.folder / f"{size.name}.gguf", size) as path:
        generator = load_generator(
            path, gpu_layers=bench.config.gpu_layers, threads=bench.config.threads, context=_CONTEXT
        )
        generator.speculation = False
        try:
            yield generator, path
        finally:
            generator.close()


def _beside_bare_loop(
    bench: Workbench,
    names: Sequence[str],
    generator: LlamaGenerator,
    path: Path,
    rounds: int,
    seconds: float,
) -> list[Figure]:
    loop = BareLoop(
        path, gpu_layers=generator.offload.layers, threads=generator.threads, context=_CONTEXT
    )

    def bare(prompt: Sequence[int]) -> Seconds:
        return loop.read(prompt), loop.write(prompt, _WRITTEN)

    try:
        ours, theirs, depth = _in_turn(generator, bare, range(rounds), seconds)
    finally:
        loop.close()
    note = bench.say(
        "note.real_size",
        tokens=depth,
        written=_WRITTEN,
        threads=bench.threads,
        size=_gib(path.stat().st_size),
    )
    return _two_figures(names, ours, theirs, bench.say("peer.decode"), note)


def _memory(bench: Workbench, name: str, size: RealSize, path: Path) -> Figure:
    """The engine process's memory once it has read a prompt, beside what nothing could do without.

    That is the file itself, and the keys and values of a whole context.
    """
    config = replace(
        bench.config, model=str(path), knowledge=str(bench.sample_knowledge), mode="free"
    )
    with served(config, patience=180) as engine:
        case = bench.cases[0]
        request = engine.client.draft(case.turns, as_of=case.as_of)
        engine.course(request, lambda course: len(course.released) > 1, 200)
        memory, shared = engine.memory()
        engine.client.cancel(request)
    least = path.stat().st_size + size.cache_bytes(config.context)
    return measured(
        name,
        memory / 2**20,
        "MB",
        peer=bench.say("peer.real_memory"),
        peer_value=least / 2**20,
        note=bench.say("note.real_memory", context=config.context, shared=f"{shared / 2**20:,.0f}"),
    )


def _in_turn(
    generator: LlamaGenerator, other: Run, seeds: Sequence[int], seconds: float
) -> tuple[list[Seconds], list[Seconds], int]:
    """What `generator` and `other` took for the same prompts, and how long the last of them is.

    Each prompt is read once by each, so that nothing can be remembered. No prompt is begun after
    `seconds`, but for the first.
    """
    ours: list[Seconds] = []
    theirs: list[Seconds] = []
    until = time.perf_counter() + seconds
    depth = 0
    for number, seed in enumerate(seeds):
        if number and time.perf_counter() > until:
            break
        chat = _chat(generator, seed=seed)
        prompt = generator.prompt_tokens(chat)
        depth = len(prompt)
        if number % 2:
            theirs.append(other(prompt))
        ours.append(_seconds(generator, chat))
        if not number % 2:
            theirs.append(other(prompt))
    return ours, theirs, depth


def _two_figures(
    names: Sequence[str], ours: Sequence[Seconds], theirs: Sequence[Seconds], peer: str, note: str
) -> list[Figure]:
    reading = [median(first for first, _ in runs) for runs in (ours, theirs)]
    writing = [_WRITTEN / median(rest for _, rest in runs) for runs in (ours, theirs)]
    return [
        measured(name, value, unit, peer=peer, peer_value=other, note=note)
        for name, unit, (value, other) in zip(
            names, ("s", "tokens/s"), (reading, writing), strict=False
        )
    ]


def _chat(generator: LlamaGenerator, *, seed: int) -> list[ChatMessage]:
    """A prompt of about 600 tokens, another for each `seed`."""
    asked = questions(_PROMPT, seed=seed)
    text = ""
    while asked and generator.count(text) < _PROMPT - 12:
        text += f"{asked.pop()}。"
    return [ChatMessage("user", text)]


def _seconds(generator: LlamaGenerator, chat: Sequence[ChatMessage]) -> Seconds:
    """The seconds until the first token of a free reply, and those of the rest of it."""
    constraint = _Onward(generator.vocabulary)
    began = time.perf_counter()
    first = 0.0
    for piece in generator.generate(chat, constraint, limit=_WRITTEN + 1):
        if piece.tokens.generated == 1:
            first = time.perf_counter() - began
    return first, time.perf_counter() - began - first


class _Onward:
    """Chooses as a free reply does, token by token; random weights neither end nor vary it."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._numbers = GroundedNumbers((), (), ())

    def choose(self, logits: Logits) -> Sequence[int]:
        free = GroundedFree(self._vocabulary, self._numbers, room=1)
        return free.choose(logits) or (len(self._vocabulary.pieces) - 1,)
