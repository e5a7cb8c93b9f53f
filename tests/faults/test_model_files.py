"""Model files that lie, are cut, damaged or of another kind: a refusal in words, or a model that
writes. Each is loaded in a process of its own that says which file it is at, so that an abort or a
hang in llama.cpp would be seen."""

from __future__ import annotations

import json
import os
import random
import struct
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from gguf_files import ARRAY, I32, STRING, U32, Change, Gguf, take_apart
from hypothesis import given, settings
from hypothesis import strategies as st
from model_lies import LIES, SURPRISES

from engine.drafting.gguf_header import WEIGHTS, Unsound, read_header
from engine.drafting.model_file import check_model_file
from engine.errors import ModelError
from engine.texts import explain

HERE = Path(__file__).parent
# Far more than a load takes; what takes as long hangs.
PATIENCE = 100.0


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real model with random weights."""
    from engine.learning.starter.tiny import write_tiny_gguf

    return write_tiny_gguf(tmp_path_factory.mktemp("sound") / "tiny.gguf")


@pytest.fixture(scope="module")
def parts(sound: Path) -> Gguf:
    return take_apart(sound)


@pytest.fixture
def make(parts: Gguf, tmp_path: Path) -> Callable[[Change], Path]:
    """Writes that model with one change."""

    def written(change: Change) -> Path:
        made = parts.copy()
        change(made)
        return made.write(tmp_path / "model.gguf")

    return written


def refusal(path: Path) -> tuple[str, str, str]:
    """The code, and what a person reads, of a file that must be refused."""
    with pytest.raises(ModelError) as caught:
        check_model_file(path)
    error = caught.value
    told = explain(error, "zh"), explain(error, "en")
    for words in (*told, error.message):
        assert "\n" not in words
        assert len(words) < 400
    print(*told, sep="\n")
    return error.code, *told


def load_each(paths: Sequence[Path]) -> list[list[Any]]:
    """What came of each file: [loaded | refused, path, …]. Fails where the process did not live."""
    done = subprocess.run(
        [sys.executable, str(HERE / "loading_models.py"), *map(str, paths)],
        capture_output=True,
        timeout=PATIENCE,
        check=False,
        env=os.environ | {"PYTHONPATH": str(HERE.parents[1]), "PYTHONUTF8": "1"},
    )
    # Where llama.cpp aborts, a debugger may add to what is said.
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith(b"[")]
    assert done.returncode == 0, (lines[-1:], done.stderr[-2000:])
    assert lines[-1] == ["end"]
    return [line for line in lines if line[0] in ("loaded", "refused")]


def test_a_sound_file_passes_and_writes(sound: Path, parts: Gguf, tmp_path: Path) -> None:
    check_model_file(sound)
    rebuilt = parts.write(tmp_path / "rebuilt.gguf")
    assert [line[0] for line in load_each([sound, rebuilt])] == ["loaded", "loaded"]


def test_the_sizes_of_packed_weights_are_ggufs_own() -> None:
    from gguf.constants import GGML_QUANT_SIZES

    theirs = {int(kind): sizes for kind, sizes in GGML_QUANT_SIZES.items()}
    assert {kind: theirs[kind] for kind in WEIGHTS if kind in theirs} == {
        kind: sizes for kind, sizes in WEIGHTS.items() if kind in theirs
    }


# No GGUF, or not all of it


@pytest.mark.parametrize("data", [b"", b"GGU", b"PK\x03\x04" * 9, bytes(4096), b"GGML" * 9])
def test_what_is_no_gguf_is_called_so(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "wrong.gguf"
    path.write_bytes(data)
    code, zh, en = refusal(path)
    assert code == "model_format"
    assert "不是 GGUF 格式" in zh
    assert "not in the GGUF format" in en


def test_no_file_a_folder_and_a_pipe_are_no_model(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.gguf")
    for path in (tmp_path / "none.gguf", tmp_path, tmp_path / "pipe.gguf", Path("a\0b"), Path()):
        assert refusal(path)[0] == "model_missing"


def test_a_file_that_may_not_be_read_is_not_called_missing(
    sound: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(*_: object) -> Any:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", forbidden)
    code, zh, _ = refusal(sound)
    assert code == "model_format"
    assert "Permission denied" in zh


def test_a_file_cut_anywhere_is_refused_and_says_that_it_is_cut(
    sound: Path, tmp_path: Path, rounds: Callable[[int], int]
) -> None:
    data = sound.read_bytes()
    chance = random.Random(1)
    path = tmp_path / "cut.gguf"
    ends = [8, len(data) - 1, *(chance.randrange(4, len(data)) for _ in range(rounds(400)))]
    for end in ends:
        path.write_bytes(data[:end])
        code, zh, en = refusal(path)
        assert code == "model_format"
        assert "文件不完整" in zh or "超出了合理范围" in zh
        assert "cut off" in en or "longer than it can be" in en


def test_a_hundred_gigabytes_of_nothing_are_refused_without_being_read(
    tmp_path: Path, parts: Gguf
) -> None:
    path = tmp_path / "sparse.gguf"
    for head in (b"GGUF", parts.header()[:2000], parts.header()):
        with path.open("wb") as file:
            file.write(head)
            file.truncate(100 << 30)
        header_only = head == parts.header()
        if header_only:  # All it claims is there, though it is zeros: llama.cpp may have it.
            check_model_file(path)
        else:
            assert refusal(path)[0] == "model_format"


# Damage


def test_a_file_damaged_anywhere_in_its_header_ends_no_process(
    sound: Path, parts: Gguf, tmp_path: Path, rounds: Callable[[int], int]
) -> None:
    data = sound.read_bytes()
    header = len(parts.header())
    tokens = data.index(b"tokenizer.ggml.tokens")
    # The numbers before the tokens and the directory behind them are what matters most.
    places = [(0, tokens + 60), (header - 2500, header), (0, header)]
    chance = random.Random(2)
    passed, refused = [], 0
    for number in range(rounds(3000)):
        damaged = bytearray(data)
        first, last = places[number % len(places)]
        for _ in range(chance.choice((1, 1, 2, 4))):
            at = chance.randrange(first, last)
            flipped = damaged[at] ^ (1 << chance.randrange(8))
            damaged[at] = chance.choice((0, 255, flipped, chance.randrange(256)))
        path = tmp_path / f"damaged-{number}.gguf"
        path.write_bytes(damaged)
        try:
            check_model_file(path)
            passed.append(path)
        except ModelError as error:
            assert error.code in ("model_format", "model_template")
            refused += 1
            path.unlink()
    assert refused > len(passed) > 0
    for start in range(0, len(passed), 100):
        some = passed[start : start + 100]
        assert len(load_each(some)) == len(some)


# Lies, one at a time


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_seen_through_and_named(lie: str, make: Callable[[Change], Path]) -> None:
    change, says = LIES[lie]
    code, zh, en = refusal(make(change))
    assert code == ("model_template" if "对话模板" in says else "model_format")
    assert says in zh
    assert says in en or not says.isascii()


def test_a_vocabulary_of_another_model_is_told(parts: Gguf, tmp_path: Path) -> None:
    made = parts.copy()
    embedding = made.tensors["token_embd.weight"]
    width, rows = embedding.dimensions
    embedding.dimensions = [width, rows - 32]
    embedding.data = embedding.data[: width * (rows - 32) * 2]
    _, zh, en = refusal(made.write(tmp_path / "model.gguf"))
    assert f"{rows} 个词元" in zh
    assert f"{rows - 32} rows" in en


def test_a_model_in_several_files_needs_them_all(parts: Gguf, tmp_path: Path) -> None:
    made = parts.copy()
    made.set("split.count", 2, 2)
    made.set("split.no", 2, 0)
    made.set("split.tensors.count", I32, len(made.tensors))
    other = Gguf({"split.count": (2, 2), "split.no": (2, 1)})
    for name in list(made.tensors):
        if name.startswith("blk.1."):
            other.tensors[name] = made.tensors.pop(name)
    first = made.write(tmp_path / "model-00001-of-00002.gguf")
    assert "model-00002-of-00002.gguf" in refusal(first)[1]
    second = other.write(tmp_path / "model-00002-of-00002.gguf")
    check_model_file(first)
    assert [line[0] for line in load_each([first])] == ["loaded"]
    second.write_bytes(second.read_bytes()[:-100])
    assert "文件不完整" in refusal(first)[1]


# What only llama.cpp can tell


def test_what_passes_ends_in_a_refusal_or_a_model_that_writes(parts: Gguf, tmp_path: Path) -> None:
    paths = []
    for name, change in SURPRISES.items():
        made = parts.copy()
        change(made)
        paths.append(made.write(tmp_path / f"{name}.gguf"))
    outcomes = {Path(line[1]).stem: line for line in load_each(paths)}
    assert list(outcomes) == list(SURPRISES)
    for name, line in outcomes.items():
        print(name, *line[2:])
        if line[0] == "refused":
            code, zh, en = line[2:]
            assert code in ("model_format", "model_template")
            assert zh != en
            assert all(char.isprintable() for char in zh + en)
    assert {name for name in outcomes if name.startswith("a template")} == {
        name for name, line in outcomes.items() if line[2] == "model_template"
    }


# Hypothesis: whatever bytes come, the reader ends in a header or an `Unsound`


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=400), version=st.sampled_from([0, 1, 2, 3, 4]))
def test_any_bytes_are_read_or_refused(
    data: bytes, version: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.gguf"
    path.write_bytes(b"GGUF" + struct.pack("<I", version) + data)
    try:
        read_header(path)
    except Unsound as unsound:
        assert unsound.reason


values = st.one_of(
    st.tuples(st.sampled_from([U32]), st.integers(0, 2**32 - 1)),
    st.tuples(st.just(STRING), st.text(max_size=20)),
    st.tuples(st.just(ARRAY), st.tuples(st.just(I32), st.lists(st.integers(0, 9), max_size=9))),
    st.tuples(st.just(ARRAY), st.tuples(st.just(STRING), st.lists(st.text(max_size=3)))),
)


@settings(max_examples=100, deadline=None)
@given(
    metadata=st.dictionaries(st.from_regex(r"[a-z.]{1,20}", fullmatch=True), values, max_size=6),
    end=st.integers(0, 400),
)
def test_what_is_written_is_what_is_read_and_less_of_it_is_refused(
    metadata: dict[str, tuple[int, Any]],
    end: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    metadata.pop("general.alignment", None)
    made = Gguf(metadata)
    path = made.write(tmp_path_factory.getbasetemp() / "written.gguf")
    read = read_header(path).metadata
    assert read.keys() == metadata.keys()
    for key, (kind, value) in metadata.items():
        if kind == ARRAY:
            assert read[key].count == len(value[1])  # type: ignore[union-attr]
        else:
            assert read[key] == value
    whole = path.read_bytes()
    bare = len(whole.rstrip(b"\0")) if metadata else 24
    if metadata and end < bare - 16:
        path.write_bytes(whole[:end])
        with pytest.raises(Unsound):
            read_header(path)
