"""Reading one rule pack: its YAML as a `Pack`, and where in the file everything stands."""

from __future__ import annotations

import re
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from msgspec import Struct

from engine.redline.schema import Pack

if TYPE_CHECKING:
    import yaml

MAX_FILE = 2_000_000
MAX_DEPTH = 20

Step = str | int
T = TypeVar("T")

_PATH = re.compile(r"at `\$([^`]*)`")
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]")
_UNKNOWN = re.compile(r"unknown field `([^`]*)`")


class PackError(Exception):
    """A text that is no pack: a code and its values, and the line of the text (0: all of it)."""

    def __init__(self, code: str, line: int = 0, **values: object) -> None:
        super().__init__(code)
        self.code = code
        self.line = line
        self.values = values


class Places:
    """In which line of a YAML file a value stands.

    What was looked through once is remembered: a hostile file may be asked about line by line.
    """

    def __init__(self, root: yaml.Node | None) -> None:
        self._root = root
        self._keys: dict[int, dict[str, tuple[yaml.Node, yaml.Node]]] = {}
        self._texts: dict[int, dict[str, yaml.Node]] = {}

    def line(self, path: tuple[Step, ...], value: str = "") -> int:
        """The line of what stands at `path`, or as near as the file has it; from 1, 0 unknown.

        With `value`: of the first text below it that reads so.
        """
        node, begin = self._at(path)
        if value and node is not None:
            begin = self._texts_of(node).get(value, begin)
        return int(begin.start_mark.line) + 1 if begin is not None else 0

    def node(self, path: tuple[Step, ...]) -> yaml.Node | None:
        """What stands at `path`, or as near as the file has it."""
        return self._at(path)[0]

    def _at(self, path: tuple[Step, ...]) -> tuple[yaml.Node | None, yaml.Node | None]:
        """What stands at `path`, and what it begins with: its key, if it has one."""
        import yaml

        node = begin = self._root
        for step in path:
            if isinstance(node, yaml.SequenceNode) and isinstance(step, int):
                if step >= len(node.value):
                    break
                node = begin = node.value[step]
            elif isinstance(node, yaml.MappingNode) and step in (keys := self._keys_of(node)):
                begin, node = keys[str(step)]
            else:
                break
        return node, begin

    def _keys_of(self, node: yaml.Node) -> dict[str, tuple[yaml.Node, yaml.Node]]:
        import yaml

        found = self._keys.get(id(node))
        if found is None:
            found = self._keys[id(node)] = {
                key.value: (key, value)
                for key, value in node.value
                if isinstance(key, yaml.ScalarNode)
            }
        return found

    def _texts_of(self, node: yaml.Node) -> dict[str, yaml.Node]:
        """The first node of each text below `node`, what stands less deep before the rest."""
        import yaml

        found = self._texts.get(id(node))
        if found is None:
            found = self._texts[id(node)] = {}
            level = [node]
            while level:
                deeper: list[yaml.Node] = []
                for one in level:
                    if isinstance(one, yaml.ScalarNode):
                        found.setdefault(one.value, one)
                    elif isinstance(one, yaml.SequenceNode):
                        deeper += one.value
                    elif isinstance(one, yaml.MappingNode):
                        deeper += [part for pair in one.value for part in pair]
                level = deeper
        return found


class Source(Struct, frozen=True):
    """A pack as it was read from the file of this name; `checked`: it is known to load."""

    file: str
    pack: Pack
    places: Places
    checked: bool = False


def packs_in(folder: Path) -> list[Path]:
    """The files of the packs in `folder`, in order."""
    return sorted(path for path in folder.iterdir() if path.suffix in (".yaml", ".yml"))


def read_pack(path: Path) -> Source:
    """The pack in the file; raises `PackError`."""
    try:
        if path.stat().st_size > MAX_FILE:
            raise _too_large()
        data = path.read_bytes()
    except OSError as error:
        raise PackError("unreadable", why=error.strerror) from error
    pack, places = read_text(data, Pack)
    return Source(path.name, pack, places)


def read_text(data: bytes, kind: type[T]) -> tuple[T, Places]:
    """What a YAML text says, as a `kind`, and where it says it; raises `PackError`."""
    root = composed(data)
    places = Places(root)
    value = _constructed(root)
    try:
        return msgspec.convert(value, type=kind, builtin_types=(datetime, date)), places
    except (msgspec.MsgspecError, UnicodeError) as error:
        why = _one_line(error)
        raise PackError("schema", _line_of(str(error), places), why=why) from error


def _constructed(root: yaml.Node | None) -> object:
    """What some nodes say. It takes them as they are: to read the text once more takes as long."""
    import yaml

    if root is None:
        return None
    try:
        return yaml.constructor.SafeConstructor().construct_document(root)
    except yaml.YAMLError as error:
        raise _not_yaml(error) from error
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
        # A tag with a wrong value raises anything.
        raise PackError("not_yaml", why=_one_line(error)) from error


def composed(data: bytes) -> yaml.Node | None:
    """A YAML text of whatever origin as nodes, None where it is empty; raises `PackError`."""
    import yaml

    if len(data) > MAX_FILE:
        raise _too_large()
    # Aliases can blow a small file up to any size in memory, and packs need none. What is nested
    # without end ends the process, since the composer calls itself.
    depth = 0
    try:
        for event in yaml.parse(data, Loader=yaml.CSafeLoader):
            if isinstance(event, yaml.AliasEvent):
                raise PackError("aliases", _line(event.start_mark))
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            if depth > MAX_DEPTH:
                raise PackError("too_deep", _line(event.start_mark))
        root: yaml.Node | None = yaml.compose(data, Loader=yaml.CSafeLoader)
    except (yaml.YAMLError, ValueError) as error:
        raise _not_yaml(error) from error
    _keys_once(root)
    return root


def _not_yaml(error: Exception) -> PackError:
    return PackError("not_yaml", _line(getattr(error, "problem_mark", None)), why=_one_line(error))


def _line(mark: Any) -> int:
    """The line of a mark that the parser sets, 0 where it sets none."""
    return int(mark.line) + 1 if mark is not None else 0


def _keys_once(root: yaml.Node | None) -> None:
    """Refuse a key that stands twice in one mapping: the last one would win without a word."""
    import yaml

    waiting = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, yaml.SequenceNode):
            waiting += node.value
        elif isinstance(node, yaml.MappingNode):
            known: set[str] = set()
            for key, value in node.value:
                waiting.append(value)
                if isinstance(key, yaml.ScalarNode):
                    if key.value in known:
                        line = key.start_mark.line + 1
                        raise PackError("key_twice", line, key=key.value[:80])
                    known.add(key.value)


def _too_large() -> PackError:
    return PackError("too_large", size=MAX_FILE // 1_000_000)


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


def _one_line(error: Exception) -> str:
    # The parser names its source as nobody else would, and the line is told besides.
    said = re.sub(r'in "<byte string>", (?:line \d+, column|position) \d+:?', "", str(error))
    return " ".join(said.split())[:300]
