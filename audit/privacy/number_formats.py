"""What a number is by its own form: lengths, prefixes and check digits."""

from __future__ import annotations

import re
from datetime import date
from functools import cache

from audit.privacy.entities import EntityType


@cache
def type_by_format(digits: str) -> EntityType | None:
    """The type that length, prefix or check digit imply, whatever the topic; None for others."""
    if not 10 <= len(digits) <= 19:
        return None
    if is_id_number(digits) or looks_like_id_number(digits):
        return EntityType.ID_NUMBER
    if is_card(digits) or looks_like_card(digits):
        return EntityType.BANK_CARD
    if is_mobile(digits):
        return EntityType.MOBILE
    return EntityType.LANDLINE if is_landline(digits) else None


def is_mobile(digits: str) -> bool:
    """Whether the digits are a mobile number of mainland China, Hong Kong, Macau or Taiwan."""
    return bool(
        re.fullmatch(
            "(?:0?086|86|0)?1[3-9][0-9]{9}|(?:00)?852[4-9][0-9]{7}|(?:00)?8536[0-9]{7}|"
            "09[0-9]{8}|(?:00)?8869[0-9]{8}",
            digits,
        )
    )


def is_landline(digits: str) -> bool:
    """Whether the digits are a landline with its area code."""
    return bool(re.fullmatch("(?:0?086|86)?0(?:10|2[0-9]|[3-9][0-9]{2})[2-8][0-9]{6,7}", digits))


def _birth_date(year: str, month: str, day: str) -> date | None:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def is_id_number(digits: str) -> bool:
    """Whether 18 characters are an ID number: a date of birth and the checksum of GB 11643."""
    if not re.fullmatch("[1-9][0-9]{16}[0-9X]", digits):
        return False
    if _birth_date(digits[6:10], digits[10:12], digits[12:14]) is None:
        return False
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(int(d) * w for d, w in zip(digits[:17], weights, strict=True))
    return "10X98765432"[total % 11] == digits[17]


_PROVINCE = "(?:1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3])"


def looks_like_id_number(digits: str) -> bool:
    """Whether 18 characters have a province and an adult's birth date where an ID number has.

    One misrecognized digit breaks the checksum; one random number in 8,000 has both.
    """
    if not re.fullmatch(_PROVINCE + "[0-9]{4}(?:19[2-9]|20[01])[0-9]{8}[0-9X]", digits):
        return False
    return _birth_date(digits[6:10], digits[10:12], digits[12:14]) is not None


_CARD_ISSUER = re.compile(
    "(?:62|60|81|9558)[0-9]{12,17}|4[0-9]{15}|5[1-5][0-9]{14}|"
    "2(?:2[2-9]|[3-6][0-9]|7[01])[0-9]{13}|35(?:2[89]|[3-8][0-9])[0-9]{12}"
)
"""Prefixes and lengths of UnionPay, BOC, ICBC, Visa, Mastercard, JCB."""


def is_card(digits: str) -> bool:
    """Whether the digits are a payment card's number: an issuer's prefix, its length, Luhn's check.

    One random number in 10 passes Luhn's check; with a prefix, one in 40 of those with 16 digits
    and one in 300 of longer ones.
    """
    if not 16 <= len(digits) <= 19 or not _CARD_ISSUER.fullmatch(digits):
        return False
    doubled = [int(d) * (1 + i % 2) for i, d in enumerate(reversed(digits))]
    return sum(n - 9 if n > 9 else n for n in doubled) % 10 == 0


def looks_like_card(digits: str) -> bool:
    """Whether the digits are a UnionPay number except for Luhn's check, which one error breaks."""
    return bool(re.fullmatch("62[0-9]{14,17}", digits))
