"""How an audit record is written down and chained: pure, so that anybody can check it anew.

A record's text is JSON with sorted keys, no blanks, UTF-8. Its hash is the SHA-256, in hexadecimal
digits, of the former record's hash (nothing for the first), a line feed, and that text.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

import msgspec

from engine.records import Hit
from engine.store.text import clean, sha256

_SHOWN = 40
_FEW_DIGITS = 4


def canonical(value: object) -> str:
    """`value` as the one JSON text it has; lone surrogates are replaced. Structs are allowed."""
    try:
        return msgspec.json.encode(value, order="sorted").decode()
    except UnicodeEncodeError:
        return msgspec.json.encode(_cleaned(msgspec.to_builtins(value)), order="sorted").decode()


def chained(former: str, body: str) -> str:
    """The hash of the record `body` that comes after the one with the hash `former`."""
    return sha256(f"{former}\n{body}")


def sealed(key: str, content: object) -> str:
    """A fingerprint of `content` that says nothing of it once `key` is gone."""
    import hmac

    return hmac.digest(key.encode(), canonical(content).encode(), "sha256").hex()


def entry(number: int, former: str, record: Mapping[str, object]) -> dict[str, object]:
    """The row of record `number`, as the table `audit` holds it."""
    body = canonical({"number": number, **record})
    return {"number": number, "former": former, "hash": chained(former, body), "body": body}


def begun(decisions: int, at: int) -> dict[str, object]:
    """The first row: `decisions` is the last one (`seq`) that was taken before there was a chain.

    `at` is in milliseconds.
    """
    return entry(1, "", {"kind": "begun", "at": at, "detail": {"decisions": decisions}})


def veiled(hit: Hit) -> str:
    """What a hit found, as it may stand in a record for ever: without anything personal.

    What a rule masks is starred out whole, and so are more than four digits and addresses of mail.
    """
    shown = clean(hit.text)[:_SHOWN]
    if hit.action == "mask" or "@" in shown or "＠" in shown:
        return _starred(shown, digits=False)
    digits = sum(unicodedata.numeric(character, None) is not None for character in shown)
    return _starred(shown, digits=True) if digits > _FEW_DIGITS else shown


def _starred(text: str, *, digits: bool) -> str:
    return "".join(
        character
        if character.isspace() or (digits and unicodedata.numeric(character, None) is None)
        else "*"
        for character in text
    )


def _cleaned(value: object) -> object:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {clean(key): _cleaned(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_cleaned(item) for item in value]
    return value
