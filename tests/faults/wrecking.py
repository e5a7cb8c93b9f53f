"""Run as a program: damages knowledge folders at random and prints what each of them then says.

In a process of its own, so that a crash or a hang below Python is seen for what it is.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from engine.errors import ZuoxiError
from engine.knowledge.embedding import HashedEmbedder
from engine.knowledge.index import rebuild
from engine.knowledge.search import Searcher
from engine.texts import explain

QUESTIONS = ("第7条怎么保管", "编号3-5说了什么", "物品要登记吗", "退货运费谁出", "internal price")
EMBEDDER = HashedEmbedder(64, vector_weight=0.3)


def answers(folder: Path) -> list[list[Any]]:
    """What each question finds: documents, places, texts and likeness."""
    searcher = Searcher.open(folder, EMBEDDER)
    try:
        return [
            [[one.passage.doc, one.passage.ordinal, one.passage.text, one.cosine] for one in found]
            for found in (
                searcher.search(question, as_of="2026-11-22").found for question in QUESTIONS
            )
        ]
    finally:
        searcher.close()


def _flip(path: Path, random: Random) -> None:
    data = bytearray(path.read_bytes())
    for _ in range(random.choice((1, 1, 8))):
        if data:
            data[random.randrange(len(data))] ^= 1 << random.randrange(8)
    path.write_bytes(data)


def _cut(path: Path, random: Random) -> None:
    with path.open("r+b") as file:
        file.truncate(random.randrange(max(1, path.stat().st_size)))


def _empty(path: Path, _: Random) -> None:
    path.write_bytes(b"")


def _delete(path: Path, _: Random) -> None:
    path.unlink()


def _lengthen(path: Path, random: Random) -> None:
    path.write_bytes(path.read_bytes() + random.randbytes(random.randrange(1, 5000)))


def _swap(path: Path, random: Random) -> None:
    others = [other for other in path.parent.iterdir() if other.is_file() and other != path]
    path.write_bytes(random.choice(others).read_bytes() if others else b"other")


def _zero(path: Path, _: Random) -> None:
    # What a file system leaves behind after the power failed.
    path.write_bytes(bytes(path.stat().st_size))


def _fold(path: Path, _: Random) -> None:
    path.unlink()
    path.mkdir()


def _pipe(path: Path, _: Random) -> None:
    path.unlink()
    os.mkfifo(path)


WAYS: tuple[Callable[[Path, Random], None], ...] = (
    *(_flip, _flip, _flip, _cut, _empty, _delete, _lengthen, _swap, _zero, _fold),
    *((_pipe,) if hasattr(os, "mkfifo") else ()),
)


def main(sound: Path, scratch: Path, rounds: int, seed: int) -> None:
    """For each round one line: what was done to which file, what was said, what mending made."""
    random = Random(seed)
    right = answers(sound)
    files = [path for path in sorted(sound.rglob("*")) if path.is_file()]
    files = [path for path in files if path.name != "import.lock"]
    for _ in range(rounds):
        # Every kind of place is as likely, however many files it has.
        place = random.choice(sorted({str(path.parent) for path in files}))
        chosen = random.choice([path for path in files if str(path.parent) == place])
        name = chosen.relative_to(sound)
        shutil.rmtree(scratch, ignore_errors=True)
        shutil.copytree(sound, scratch)
        way = random.choice(WAYS)
        way(scratch / name, random)
        line = {"file": str(name), "way": way.__name__, "code": "", "told": ""}
        try:
            line["right"] = answers(scratch) == right
        except ZuoxiError as error:
            line |= {"code": error.code, "told": explain(error, "zh")}
        report = rebuild(scratch, EMBEDDER)
        line["skipped"] = [skipped.code for skipped in report.skipped]
        line["mended"] = answers(scratch) == right
        print(json.dumps(line, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
