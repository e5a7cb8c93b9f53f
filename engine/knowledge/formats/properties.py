"""What a file says of itself beside its text: title, dates, access, tags."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping
from typing import Final
from xml.etree import ElementTree

from engine.knowledge.formats.columns import folded
from engine.knowledge.formats.content import line
from engine.knowledge.formats.table_words import table_words
from engine.knowledge.formats.values import is_internal

# What programs put there by themselves.
_JUNK: Final = re.compile(
    r"microsoft|\.(?:docx?|xlsx?|pptx?|wps|et|pdf)$|^(?:word )?document\s*\d*$|^untitled|^无标题"
    r"|^(?:文档|工作簿|演示文稿)\s*\d*$|^book\s*\d*$|^\W*$",
    re.IGNORECASE,
)
_CUSTOM: Final = "docProps/custom.xml"
_FIELDS: Final = {
    "from": "valid_from",
    "until": "valid_until",
    "internal": "internal",
    "tags": "tags",
}


def front_of(title: str, keywords: str, properties: Mapping[str, str]) -> dict[str, str]:
    """The front matter that a title, keywords and other properties by their names make."""
    front: dict[str, str] = {}
    for name, value in properties.items():
        role = table_words().roles.get(folded(name), "")
        if role in _FIELDS and line(value):
            front.setdefault(_FIELDS[role], line(value)[:500])
        elif role == "public" and (internal := _withheld(line(value))):
            front["internal"] = internal
    if line(keywords):
        front.setdefault("tags", line(keywords)[:500])
    if not _JUNK.search(line(title)):
        front["title"] = line(title)
    return front


def _withheld(public: str) -> str:
    """What the front matter says of access, where a property says whether a file is public."""
    try:
        return "yes" if is_internal(public, public=True) else ""
    except ValueError:
        # It is refused there, in words.
        return public[:500]


def custom_properties(data: bytes) -> dict[str, str]:
    """The properties that somebody gave an office file, which was checked before."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if _CUSTOM not in archive.namelist():
            return {}
        # The check has refused whatever declares entities.
        root = ElementTree.fromstring(archive.read(_CUSTOM))
    found = ((one.get("name", ""), "".join(one.itertext())) for one in root)
    return {name: _day_of(value.strip()) for name, value in found if name}


def _day_of(value: str) -> str:
    """A point of time, as office programs write one, as its day."""
    day, mark, _ = value.partition("T")
    return day if mark and len(day) == 10 else value
