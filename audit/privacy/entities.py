"""Types of personal data (PII), their placeholders, and mentions of them in a call."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

PrivacyMode = Literal["keep", "mask", "drop"]
"""How PII is handled: kept in tables and pages; masked there and kept in the private store; masked
and kept nowhere."""


class EntityType(StrEnum):
    """Types of PII; the values are stored in ``turns.masked``."""

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


PLACEHOLDERS = {
    EntityType.MOBILE: "【手机号】",
    EntityType.LANDLINE: "【电话号码】",
    EntityType.ID_NUMBER: "【身份证号】",
    EntityType.BANK_CARD: "【银行卡号】",
    EntityType.CODE: "【验证码】",
    EntityType.PLATE: "【车牌号】",
    EntityType.EMAIL: "【邮箱】",
    EntityType.ADDRESS: "【地址】",
    EntityType.NAME: "【姓名】",
    EntityType.BIRTH: "【出生日期】",
    EntityType.PASSPORT: "【护照号】",
    EntityType.TRAVEL_PERMIT: "【通行证号】",
    EntityType.REGIONAL_ID: "【港澳台身份证号】",
    EntityType.WECHAT: "【微信号】",
    EntityType.QQ: "【QQ号】",
}
"""The text that replaces each."""


@dataclass(frozen=True, slots=True, order=True)
class Entity:
    """One mention of PII: characters ``start`` to before ``end`` of a turn's text."""

    turn: int
    """Position in the sequence of turns, from 0."""
    start: int
    end: int
    entity_type: EntityType
