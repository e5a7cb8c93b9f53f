"""Looks at an embedder's folder before the libraries do: by its headers, without loading any.

What passes may still be refused by them; what is of another kind, cut or mixed up is told by name.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from engine import texts
from engine.errors import EmbedderError

MODULES: Final = "modules.json"
HASHED: Final = "hashed.json"
_CONFIG: Final = "config.json"
_TOKENIZER: Final = "tokenizer.json"
_WEIGHTS: Final = "model.safetensors"
_OTHER_WEIGHTS: Final = "pytorch_model.bin"
_SETTINGS: Final = "config_sentence_transformers.json"
_TABLE: Final = "embedding.weight"
_WHOLE: Final = "sentence_embedding"
_PLAIN: Final = ("F64", "F32", "F16")
_FIRST_PARTS: Final = ("Transformer", "StaticEmbedding")
# Models that make no vector of a text, by what their architectures are called.
_OTHER_KINDS: Final = re.compile(
    r"Image|Vision|Video|Audio|Speech|CTC|Whisper|Wav2Vec|CLIP|ViT|Detection|Segmentation"
    r"|SequenceClassification|QuestionAnswering|TokenClassification"
)
_WRITERS: Final = re.compile(r"ForCausalLM|LMHead|ForConditionalGeneration")
_ROWS: Final = (
    "word_embeddings.weight",
    "embed_tokens.weight",
    "tok_embeddings.weight",
    "shared.weight",
    "wte.weight",
)
_LONGEST_HEADER: Final = 100_000_000
_LONGEST_JSON: Final = 1 << 28
# Some transformers have rows to spare for the sake of speed, but never very many.
_SPARE_SHARE: Final = 0.1
_SPARE_ROWS: Final = 1024
_BITS: Final = {
    **dict.fromkeys(("F64", "I64", "U64"), 64),
    **dict.fromkeys(("F32", "I32", "U32"), 32),
    **dict.fromkeys(("F16", "BF16", "I16", "U16"), 16),
    **dict.fromkeys(("F8_E4M3", "F8_E5M2", "I8", "U8", "BOOL"), 8),
}


class _Module(Struct, frozen=True):
    type: str
    path: str = ""


class _Config(Struct, frozen=True):
    architectures: tuple[str, ...] | None = None


class _Added(Struct, frozen=True):
    id: int


class _Vocabulary(Struct, frozen=True):
    vocab: dict[str, int] | list[Any]


class _Tokenizer(Struct, frozen=True):
    model: _Vocabulary
    added_tokens: tuple[_Added, ...] = ()


class _Index(Struct, frozen=True):
    weight_map: dict[str, str]


class _Tensor(Struct, frozen=True):
    dtype: str
    shape: tuple[int, ...]
    data_offsets: tuple[int, int]


class _Settings(Struct, frozen=True):
    prompts: dict[str, str] = {}
    default_prompt_name: str | None = None
    truncate_dim: int | None = None


class StaticTable(Struct, frozen=True):
    """Where the vectors of tokens lie: the `tensor` in the file `weights`; and the tokenizer."""

    weights: Path
    tensor: str
    tokenizer: Path


class _Unfit(Exception):
    """Why a folder is no embedder: `reason` is the text ``embedder_folder.<reason>``."""

    def __init__(self, reason: str, **values: object) -> None:
        super().__init__(reason)
        self.reason = reason
        self.values = values


def check_embedder_folder(folder: Path) -> None:
    """Refuse a folder that cannot be an embedder; only the beginnings of its weights are read.

    Raises `EmbedderError`: ``embedder_missing`` when none is there at all, else
    ``embedder_broken`` with `name` and, in `why`, what is wrong.
    """
    try:
        there = [name for name in (HASHED, MODULES, _CONFIG) if (folder / name).is_file()]
    except (OSError, ValueError):
        there = []
    if not there:
        raise EmbedderError(
            f"There is no embedder in {folder}. Choose a sentence-transformers folder in the "
            "settings, or install the starter models again.",
            "embedder_missing",
            folder=str(folder),
        )
    if there[0] == HASHED:
        # Whoever loads it reads the whole of it.
        return
    try:
        _check(folder)
    except _Unfit as unfit:
        raise broken(folder, unfit.reason, **unfit.values) from unfit
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise broken(folder, "unreadable", why=why) from error


def broken(folder: Path, reason: str | Exception, **values: object) -> EmbedderError:
    """The refusal of an embedder: `reason` is the text ``embedder_folder.<reason>``, filled with
    `values`, or what a library raised."""
    if isinstance(reason, str):
        why = texts.both(f"embedder_folder.{reason}", **values)
    else:
        line = f"{type(reason).__name__}: {reason}".splitlines()[0][:200]
        why = texts.Both(line, line)
    return EmbedderError(
        f"The embedder {folder} cannot be used ({why.en}). Copy it again or choose another one.",
        "embedder_broken",
        name=str(folder),
        why=why,
    )


def static_table(folder: Path) -> StaticTable | None:
    """Where the parts of `folder` lie, when it averages the vectors of tokens and does no more."""
    modules = _modules(folder)
    kinds = [module.type.rpartition(".")[2] for module in modules]
    weights = folder / modules[0].path / _WEIGHTS
    if kinds not in (["StaticEmbedding"], ["StaticEmbedding", "Normalize"]):
        return None
    if not weights.is_file() or _TABLE not in (tensors := _tensors(weights)):
        return None
    settings: _Settings = _optional(folder / _SETTINGS, _Settings)
    if any(settings.prompts.values()) or settings.default_prompt_name or settings.truncate_dim:
        return None
    names = [
        name
        for module in modules[1:]
        for name in _optional(folder / module.path / _CONFIG, dict[str, str]).values()
    ]
    if tensors[_TABLE].dtype not in _PLAIN or any(name != _WHOLE for name in names):
        return None
    return StaticTable(weights, _TABLE, weights.with_name(_TOKENIZER))


def _check(folder: Path) -> None:
    modules = _modules(folder)
    first = modules[0]
    root = folder / first.path
    static = first.type.endswith("StaticEmbedding")
    if not static:
        _check_architecture(root, bare=not (folder / MODULES).is_file())
    tensors = _weights(root)
    for module in modules[1:]:
        if (folder / module.path / _WEIGHTS).is_file():
            _tensors(folder / module.path / _WEIGHTS)
    tokens = _tokens(root, needed=static)
    rows = _rows(tensors, static)
    if tokens and rows:
        spare = 0 if static else max(_SPARE_ROWS, round(_SPARE_SHARE * tokens))
        if not tokens <= rows <= tokens + spare:
            raise _Unfit("vocabulary", tokens=tokens, rows=rows)


def _modules(folder: Path) -> list[_Module]:
    if not (folder / MODULES).is_file():
        return [_Module("sentence_transformers.Transformer")]
    modules: list[_Module] = _decoded(folder / MODULES, list[_Module])
    if not modules:
        raise _Unfit("garbled", what=MODULES)
    for module in modules:
        # It may name Python code beside it; the library's own refusal is not relied upon.
        if not module.type.startswith("sentence_transformers."):
            raise _Unfit("code", what=_shown(module.type))
        if Path(module.path).is_absolute() or ".." in Path(module.path).parts:
            raise _Unfit("garbled", what=MODULES)
    kind = modules[0].type.rpartition(".")[2]
    if kind not in _FIRST_PARTS:
        raise _Unfit("kind", what=_shown(kind))
    return modules


def _check_architecture(root: Path, *, bare: bool) -> None:
    config: _Config = _decoded(root / _CONFIG, _Config)
    for name in config.architectures or ():
        # With its parts named, a model that could write makes vectors: Qwen3-Embedding, say.
        if _OTHER_KINDS.search(name) or (bare and _WRITERS.search(name)):
            raise _Unfit("architecture", what=_shown(name))
    if bare and not config.architectures:
        raise _Unfit("lacks", what=MODULES)


def _weights(root: Path) -> dict[str, _Tensor]:
    """The tensors by name; none where they are in a file that has no header."""
    index = root / f"{_WEIGHTS}.index.json"
    if (root / _WEIGHTS).is_file():
        return _tensors(root / _WEIGHTS)
    if index.is_file():
        parts: _Index = _decoded(index, _Index)
        tensors: dict[str, _Tensor] = {}
        for name in sorted(set(parts.weight_map.values())):
            if Path(name).name != name or not (root / name).is_file():
                raise _Unfit("lacks", what=_shown(name))
            tensors |= _tensors(root / name)
        return tensors
    if (root / _OTHER_WEIGHTS).is_file():
        return {}
    raise _Unfit("lacks", what=_WEIGHTS)


def _tensors(path: Path) -> dict[str, _Tensor]:
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if size < 8 or length > _LONGEST_HEADER:
            raise _Unfit("garbled", what=path.name)
        if size < 8 + length:
            raise _Unfit("cut", what=path.name, size=size, needed=8 + length)
        try:
            raw = msgspec.json.decode(file.read(length), type=dict[str, msgspec.Raw])
            raw.pop("__metadata__", None)
            found = {
                name: msgspec.json.decode(one, type=_Tensor, strict=True)
                for name, one in raw.items()
            }
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            raise _Unfit("garbled", what=path.name) from error
    end = 0
    for name, tensor in found.items():
        start, stop = tensor.data_offsets
        bits = _BITS.get(tensor.dtype)
        count = math.prod(tensor.shape) if min(tensor.shape, default=0) >= 0 else -1
        if not 0 <= start <= stop or (bits and (stop - start) * 8 != count * bits):
            raise _Unfit("shape", what=_shown(name))
        end = max(end, stop)
    if not found or size > 8 + length + end:
        raise _Unfit("garbled", what=path.name)
    if size < 8 + length + end:
        raise _Unfit("cut", what=path.name, size=size, needed=8 + length + end)
    return found


def _tokens(root: Path, *, needed: bool) -> int:
    """How many tokens its tokenizer makes, by the highest number; 0 where that is not to be had."""
    path = root / _TOKENIZER
    if path.is_file():
        tokenizer: _Tokenizer = _decoded(path, _Tokenizer)
        vocabulary = tokenizer.model.vocab
        if isinstance(vocabulary, dict):
            highest = max(vocabulary.values(), default=-1)
        else:
            highest = len(vocabulary) - 1
        return max([highest, *(one.id for one in tokenizer.added_tokens)]) + 1
    if (root / "vocab.txt").is_file():
        with (root / "vocab.txt").open("rb") as lines:
            return sum(1 for _ in lines)
    others = ("vocab.json", "tokenizer.model", "sentencepiece.bpe.model", "spiece.model")
    if needed or not any((root / name).is_file() for name in others):
        raise _Unfit("lacks", what=_TOKENIZER)
    return 0


def _rows(tensors: dict[str, _Tensor], static: bool) -> int:
    """How many tokens the weights have a vector for; 0 where they do not say."""
    if static and tensors:
        if _TABLE not in tensors or len(tensors[_TABLE].shape) != 2:
            raise _Unfit("lacks", what=_TABLE)
        return tensors[_TABLE].shape[0]
    for name, tensor in tensors.items():
        if name.endswith(_ROWS) and len(tensor.shape) == 2:
            return tensor.shape[0]
    return 0


def _optional(path: Path, kind: Any) -> Any:
    """What is settled in a file that need not be there."""
    return _decoded(path, kind) if path.is_file() else kind()


def _decoded(path: Path, kind: Any) -> Any:
    try:
        if path.stat().st_size > _LONGEST_JSON:
            raise _Unfit("garbled", what=path.name)
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except FileNotFoundError as error:
        raise _Unfit("lacks", what=path.name) from error
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise _Unfit("garbled", what=path.name) from error


def _shown(name: str) -> str:
    return name[:60]
