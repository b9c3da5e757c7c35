"""One customer is one key, however the number is written; another customer is another one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as s

from audit.privacy.customers import hashed, normal

KEY = b"k" * 32


@pytest.mark.parametrize(
    ("forms", "plain"),
    [
        (
            (
                *("13800138000", "+8613800138000", "008613800138000", "8613800138000"),
                *("013800138000", "138-0013-8000", "+86 138 0013 8000", "(86)138.0013.8000"),
                *("１３８００１３８０００", "tel:+86-13800138000", "sip:13800138000@10.0.0.8:5060"),
                "sip:13800138000;user=phone",
            ),
            "13800138000",
        ),
        (
            ("010-65529988", "+86 10 65529988", "0086-10-6552-9988", "+86 (0)10 65529988"),
            "01065529988",
        ),
        (("+852 9123 4567", "0085291234567"), "+85291234567"),
        (("95588-1", "95588-1 "), "95588-1"),
        (("VIP-0017", "vip-0017", "ＶＩＰ-0017"), "vip-0017"),
        (("a@example.com",), "a@example.com"),
        (("007",), "007"),
        (("", " ", "0", "00000000", "Anonymous", "未知", "138****8000", "138xxxx8000", "N/A"), ""),
    ],
)
def test_forms_of_one_number(forms: tuple[str, ...], plain: str) -> None:
    assert {form: normal(form) for form in forms} == dict.fromkeys(forms, plain)


@given(s.from_regex(r"1[3-9][0-9]{9}", fullmatch=True), s.text("-. ()", max_size=3), s.data())
def test_no_separator_and_no_prefix_makes_another_customer(
    number: str, mark: str, data: s.DataObject
) -> None:
    at = data.draw(s.integers(0, 10))
    prefix = data.draw(s.sampled_from(["", "+86", "0086", "86", "0", "+86-", "tel:"]))
    assert hashed(f"{prefix}{number[:at]}{mark}{number[at:]}", KEY) == hashed(number, KEY)


@given(s.text(), s.text())
def test_only_forms_of_one_are_one(one: str, other: str) -> None:
    same = hashed(one, KEY) == hashed(other, KEY)
    assert same == (normal(one) == normal(other))


def test_nothing_of_the_number_is_left() -> None:
    digest = hashed("13800138000", KEY)
    assert digest is not None and len(digest) == 32 and int(digest, 16)
    assert digest != hashed("13800138000", b"K" * 32)
    assert hashed("138****8000", KEY) is None
