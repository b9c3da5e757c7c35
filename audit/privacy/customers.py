"""Who called, as a keyed hash: calls of one customer can be counted, and nobody can be read.

A telephone number alone would be no secret behind a plain hash: there are few enough to try all.
"""

from __future__ import annotations

import hmac
import re
import unicodedata
from collections.abc import Callable

CustomerHash = Callable[[str], str | None]
"""What stands for a customer wherever anything is written; None for who is not known."""

_ADDRESS = re.compile(r"(?:sips?|tel):(?P<number>[^@;]*).*")
_BETWEEN_DIGITS = re.compile(r"[\s().\-/_]")
_NUMBER = re.compile(r"\+?\d{7,}")
_MOBILE = r"1[3-9]\d{9}"
_PLAIN = re.compile(_MOBILE)
_CHINESE = re.compile(rf"(?:\+86|0086)(?P<number>\d+)|(?:86|0)?(?P<mobile>{_MOBILE})")
_HIDDEN = re.compile(r"[*＊•]|x{3,}")
_NOBODY = frozenset(
    {"anonymous", "unknown", "restricted", "private", "unavailable", "withheld", "blocked"}
    | {"none", "null", "nil", "nan", "na", "n/a", "0", "-", "+"}
    | {"匿名", "未知", "未知号码", "隐藏", "隐藏号码", "无", "无号码", "空"}
)


def hashed(given: str, key: bytes) -> str | None:
    """HMAC-SHA256 of a customer's number or account, 128 bits of it in hexadecimal.

    Args:
        given: in any form that :func:`normal` understands.
        key: secret, and the same for all nights that are to be compared.

    Returns:
        None where nobody in particular is meant.
    """
    plain = normal(given)
    return hmac.digest(key, plain.encode(), "sha256").hex()[:32] if plain else None


def unknown(_given: str) -> None:
    """The hash of those who keep no key: no customer is known."""
    return None


def normal(given: str) -> str:
    """One form for all in which a number is written; empty where nobody in particular is meant.

    Letter case and width of an account do not count either. Numbers that are hidden in part
    (``138****8000``) stand for thousands of customers and are therefore nobody's.

    >>> normal("+86 138-0013-8000"), normal("013800138000"), normal("tel:008613800138000")
    ('13800138000', '13800138000', '13800138000')
    >>> normal("+86 (10) 6552 9988"), normal("010-65529988"), normal("00852 9123 4567")
    ('01065529988', '01065529988', '+85291234567')
    >>> normal("AC-0017"), normal("138****8000"), normal("Anonymous")
    ('ac-0017', '', '')
    """
    if given.isascii() and _PLAIN.fullmatch(given):  # as nearly all are
        return given
    text = "".join(unicodedata.normalize("NFKC", given).casefold().split())
    text = _ADDRESS.sub(r"\g<number>", text)
    digits = _BETWEEN_DIGITS.sub("", text)
    if text in _NOBODY or _HIDDEN.search(text) or not digits.strip("0"):
        return ""
    return _dialled(digits) if _NUMBER.fullmatch(digits) else text


def _dialled(digits: str) -> str:
    """A telephone number as it is dialled in China, others with a plus and their country."""
    chinese = _CHINESE.fullmatch(digits)
    if chinese is None:
        return f"+{digits[2:]}" if digits.startswith("00") else digits
    number = chinese["mobile"] or chinese["number"]
    return number if re.fullmatch(_MOBILE, number) else f"0{number.removeprefix('0')}"
