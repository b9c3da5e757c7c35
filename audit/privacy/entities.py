"""What customers' data there is, and where it stands in a call."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

Private = Literal["keep", "mask", "drop"]
"""What becomes of customers' data: kept in tables and pages; masked there and kept in the private
store; masked and kept nowhere."""


class Kind(StrEnum):
    """Kinds of customers' data."""

    MOBILE = "mobile"
    LANDLINE = "landline"
    ID_NUMBER = "id_number"
    BANK_CARD = "bank_card"
    CODE = "code"
    PLATE = "plate"
    EMAIL = "email"
    ADDRESS = "address"
    NAME = "name"
    BIRTH = "birth"
    PASSPORT = "passport"
    TRAVEL_PERMIT = "travel_permit"
    """Of Hong Kong, Macau or Taiwan, and residence permits."""
    REGIONAL_ID = "regional_id"
    """Identity cards of Hong Kong, Macau and Taiwan."""
    WECHAT = "wechat"
    QQ = "qq"


MARKS = {
    Kind.MOBILE: "【手机号】",
    Kind.LANDLINE: "【电话号码】",
    Kind.ID_NUMBER: "【身份证号】",
    Kind.BANK_CARD: "【银行卡号】",
    Kind.CODE: "【验证码】",
    Kind.PLATE: "【车牌号】",
    Kind.EMAIL: "【邮箱】",
    Kind.ADDRESS: "【地址】",
    Kind.NAME: "【姓名】",
    Kind.BIRTH: "【出生日期】",
    Kind.PASSPORT: "【护照号】",
    Kind.TRAVEL_PERMIT: "【通行证号】",
    Kind.REGIONAL_ID: "【港澳台身份证号】",
    Kind.WECHAT: "【微信号】",
    Kind.QQ: "【QQ号】",
}
"""What stands in the place of each."""


@dataclass(frozen=True, slots=True, order=True)
class Item:
    """One mention of customers' data: characters ``start`` to before ``end`` of a turn's text."""

    turn: int
    """Position in the sequence of turns, from 0."""
    start: int
    end: int
    kind: Kind
