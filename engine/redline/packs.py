"""Reading one rule pack: its YAML as a `Pack`, and where in the file everything stands."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from engine.redline.schema import Pack

if TYPE_CHECKING:
    import yaml

MAX_FILE = 2_000_000

Step = str | int

_PATH = re.compile(r"at `\$([^`]*)`")
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]")
_UNKNOWN = re.compile(r"unknown field `([^`]*)`")


class PackError(Exception):
    """A file that is no pack: why, in one line, and the line of the file (0: the whole file)."""

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(message)
        self.line = line


class Places:
    """In which line of a YAML file a value stands."""

    def __init__(self, root: yaml.Node | None) -> None:
        self._root = root

    def line(self, path: tuple[Step, ...], value: str = "") -> int:
        """The line of what stands at `path`, or as near as the file has it; from 1, 0 unknown.

        With `value`: of the first text below it that reads so.
        """
        node = self._root
        for step in path:
            inner = _child(node, step)
            if inner is None:
                break
            node = inner
        if value:
            node = _scalar(node, value) or node
        return int(node.start_mark.line) + 1 if node is not None else 0


class Source(Struct, frozen=True):
    """A pack as it was read from the file of this name."""

    file: str
    pack: Pack
    places: Places


def packs_in(folder: Path) -> list[Path]:
    """The files of the packs in `folder`, in order."""
    return sorted(path for path in folder.iterdir() if path.suffix in (".yaml", ".yml"))


def read_pack(path: Path) -> Source:
    """The pack in the file; raises `PackError`."""
    import yaml

    try:
        if path.stat().st_size > MAX_FILE:
            raise PackError(f"larger than {MAX_FILE // 1_000_000} MB")
        data = path.read_bytes()
    except OSError as error:
        raise PackError(f"cannot be read ({error.strerror})") from error
    places = Places(None)
    try:
        # Aliases can blow a small file up to any size in memory, and packs need none.
        for token in yaml.scan(data, Loader=yaml.CSafeLoader):
            if isinstance(token, yaml.AliasToken):
                raise PackError("YAML aliases are not allowed", token.start_mark.line + 1)
        places = Places(yaml.compose(data, Loader=yaml.CSafeLoader))
        return Source(path.name, msgspec.yaml.decode(data, type=Pack), places)
    except RecursionError as error:
        raise PackError("nested too deeply") from error
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise PackError(_one_line(error), _line_of(str(error), places)) from error
    except (yaml.YAMLError, ValueError, KeyError, AttributeError, TypeError) as error:
        # A tag with a wrong value raises anything.
        mark = getattr(error, "problem_mark", None)
        line = int(mark.line) + 1 if mark is not None else 0
        raise PackError(f"not valid YAML ({_one_line(error)})", line) from error


def _line_of(message: str, places: Places) -> int:
    """The line that a schema error speaks of."""
    found = _PATH.search(message)
    path: list[Step] = []
    for key, index in _STEP.findall(found[1] if found else ""):
        path.append(int(index) if index else key)
    unknown = _UNKNOWN.search(message)
    if unknown:
        path.append(unknown[1])
    return places.line(tuple(path))


def _child(node: yaml.Node | None, step: Step) -> yaml.Node | None:
    import yaml

    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        inner: yaml.Node = node.value[step]
        return inner
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value == step:
                # What a mapping holds begins a line below its key.
                return value if value.start_mark.line == key.start_mark.line else _at(value, key)
    return None


def _at(value: yaml.Node, key: yaml.Node) -> yaml.Node:
    value.start_mark = key.start_mark
    return value


def _scalar(node: yaml.Node | None, value: str) -> yaml.Node | None:
    import yaml

    waiting = [node]
    while waiting:
        one = waiting.pop(0)
        if isinstance(one, yaml.ScalarNode):
            if one.value == value:
                return one
        elif isinstance(one, yaml.SequenceNode):
            waiting += one.value
        elif isinstance(one, yaml.MappingNode):
            waiting += [part for pair in one.value for part in pair]
    return None


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
