"""What an evaluation under way has drafted is kept beside its report, so that a stop loses none.

A line per case. Whatever decides a result is part of the `basis`, the programs' own text included;
where anything of it is another one, the evaluation begins anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import IO

import msgspec
from msgspec import Struct

from engine import paths
from engine.evaluation.cases import Case
from engine.evaluation.companies import Company
from engine.evaluation.results import Result
from engine.knowledge import catalogue
from engine.model_card import Mode, card_path, fingerprint
from engine.protocol import EngineConfig, without_surrogates

NAME = "evaluation.partial.jsonl"


Place = tuple[str, str]
"""A company's name and the `key_of` one of its cases."""


class _Head(Struct, frozen=True):
    basis: str


class Kept:
    """The file of results in `folder`. Use it as a context manager. Raises `OSError`."""

    def __init__(self, folder: Path, basis: str) -> None:
        self._path = folder / NAME
        self._basis = basis
        self._file: IO[bytes] | None = None
        self.known: dict[Place, tuple[Result, ...]] = {}
        """What was drafted before on the same basis, by company and case."""

    def __enter__(self) -> Kept:
        """Read what there is, and go on writing behind it."""
        sound = self._read()
        self._file = file = self._path.open("r+b" if sound else "wb")
        file.truncate(sound)
        file.seek(sound)
        if not sound:
            self._write(msgspec.json.encode(_Head(self._basis)))
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file; it stays."""
        if self._file is not None:
            self._file.close()

    def add(self, results: Sequence[Result]) -> None:
        """Keep the results of one case."""
        try:
            line = msgspec.json.encode(results)
        except UnicodeEncodeError:
            line = msgspec.json.encode(without_surrogates(msgspec.to_builtins(results)))
        self._write(line)

    def reported(self, places: AbstractSet[Place], of: AbstractSet[Place]) -> None:
        """The report over `places` is written: what was kept for it may go.

        It stays where more of the cases there are (`of`) were drafted, for a longer evaluation that
        is not over: that one takes up what this one has added, too.
        """
        self.__exit__()
        if not (self.known.keys() & of) - places:
            self._path.unlink(missing_ok=True)

    def _write(self, line: bytes) -> None:
        assert self._file is not None
        self._file.write(line + b"\n")
        self._file.flush()

    def _read(self) -> int:
        """Take what was drafted on this basis; how many bytes of the file are sound."""
        try:
            head, *lines = self._path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return 0
        try:
            if msgspec.json.decode(head, type=_Head).basis != self._basis:
                return 0
        except (ValueError, msgspec.MsgspecError):
            return 0
        sound = len(head) + 1
        # Behind the last line's end stands nothing, or what a stop cut off.
        for line in lines[:-1]:
            try:
                results = msgspec.json.decode(line, type=tuple[Result, ...])
                self.known[(results[0].company, key_of(results[0].case))] = results
            except (ValueError, IndexError, msgspec.MsgspecError):
                break
            sound += len(line) + 1
        return sound if lines else 0


def key_of(case: Case) -> str:
    """What tells `case` from all other cases of its company."""
    plain = without_surrogates(msgspec.to_builtins(case))
    return hashlib.sha256(msgspec.json.encode(plain)).hexdigest()[:16]


def places_of(companies: Sequence[Company]) -> frozenset[Place]:
    """Where the results of all cases of `companies` are kept."""
    return frozenset((one.name, key_of(case)) for one in companies for case in one.cases)


def basis_of(companies: Sequence[Company], config: EngineConfig, modes: Sequence[Mode]) -> str:
    """A digest of all that decides the results of `companies` under `config` in `modes`."""
    digest = hashlib.sha256(repr((config.language, config.context, tuple(modes))).encode())
    model, program = Path(config.model), Path(__file__).parent.parent
    sources = [
        [model, card_path(model), Path(config.style)],
        _files(Path(config.embedder)),
        _files(Path(config.rules)),
        _files(paths.SYNONYMS),
        _files(paths.ASSETS / "texts"),
        sorted(program.rglob("*.py")),
    ]
    for company in companies:
        digest.update(company.name.encode("utf-8", "replace"))
        if company.source is not None:
            sources.append(_files(company.source))
        if company.indexed is not None:
            digest.update(repr(catalogue.current(company.indexed)).encode("utf-8", "replace"))
    for files in sources:
        for file in files:
            if file.is_file():
                digest.update(f"{file.name} {fingerprint(file)}\n".encode("utf-8", "replace"))
    return digest.hexdigest()


def _files(folder: Path) -> Iterable[Path]:
    return sorted(path for path in folder.rglob("*") if "__pycache__" not in path.parts)
