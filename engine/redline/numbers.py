"""Which digits are a number of some kind: what an expression alone cannot tell."""

from __future__ import annotations

from collections.abc import Callable

from engine.redline.schema import Check


def _alone(text: str, start: int, end: int) -> bool:
    """Whether the number at ``start:end`` is a whole one."""
    left = text[start - 1] if start else ""
    right = text[end] if end < len(text) else ""
    return not any(edge.isascii() and edge.isalnum() for edge in (left, right))


def _identity_card(text: str, start: int, end: int) -> bool:
    """Eighteen places whose last is the check character of GB 11643 (ISO 7064, MOD 11-2)."""
    card = _plain(text[start:end])
    if len(card) != 18 or not card[:17].isdigit() or not _alone(text, start, end):
        return False
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(int(digit) * weight for digit, weight in zip(card, weights, strict=False))
    return "10x98765432"[total % 11] == card[17]


def _luhn(text: str, start: int, end: int) -> bool:
    """A card number of 15 to 19 digits that passes the Luhn check."""
    card = _plain(text[start:end])
    if not 15 <= len(card) <= 19 or not card.isdigit() or not _alone(text, start, end):
        return False
    total = 0
    for place, digit in enumerate(reversed(card)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0 and len(set(card)) > 1


def _plain(text: str) -> str:
    return text.replace(" ", "").replace("-", "")


CHECKS: dict[Check, Callable[[str, int, int], bool]] = {
    "none": lambda text, start, end: True,
    "identity_card": _identity_card,
    "luhn": _luhn,
    "mobile": _alone,
}
