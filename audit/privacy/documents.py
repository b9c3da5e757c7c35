"""Identity cards of Hong Kong, Macau and Taiwan by their form, and WeChat's names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from audit.privacy.digits import value
from audit.privacy.entities import Item, Kind
from audit.types import Role, Turn

_DIGIT = "[0-9零〇洞一幺二两三四五六拐七八九勾]"
_GAP = r"[\s，,\-]?"
_HONG_KONG = re.compile(
    rf"(?<![A-Za-z0-9])([A-Za-z]{{1,2}}){_GAP}((?:{_DIGIT}{_GAP}){{6}})"
    rf"(?:\(\s?({_DIGIT}|[Aa])\s?\)|括号\s?({_DIGIT}|[Aa])(?:\s?括号)?|({_DIGIT}|[Aa]))(?![A-Za-z0-9])"
)
_MACAU = re.compile(rf"(?<![A-Za-z0-9])[157]{_DIGIT}{{6}}(?:\({_DIGIT}\)|括号{_DIGIT})")
_TAIWAN = re.compile(
    rf"(?<![A-Za-z0-9])([A-Za-z]){_GAP}((?:{_DIGIT}{_GAP}){{8}}{_DIGIT})(?![A-Za-z0-9])"
)
_REGION = re.compile("香港|港澳|澳门|台湾|身份证|身分证|证件|HKID|hkid")
_PERMIT = re.compile(
    rf"(?<![A-Za-z0-9])[HMhm]{_GAP}(?:{_DIGIT}{_GAP}){{7,9}}{_DIGIT}(?![A-Za-z0-9])"
)
"""Of Hong Kong and Macau, to travel to the mainland."""
_PERMITS = re.compile("通行证|回乡证|港澳|来往内地|证号|证件")
_PASSPORT = re.compile("护照|[Pp]assport")
_DOCUMENT = re.compile(
    r"(?<![A-Za-z0-9])(?=[A-Za-z]{0,3}[0-9])(?:[A-Za-z]{1,3}[0-9]{5,9}|[0-9]{2}[A-Za-z]{2}[0-9]{5})"
    r"(?![A-Za-z0-9])"
)
_LATIN = re.compile("[A-Za-z]")
_TAIWAN_AREAS = dict(zip("ABCDEFGHJKLMNPQRSTUVXYWZIO", range(10, 36), strict=True))

_WECHAT = re.compile(
    r"(?:微信|薇信|威信|weixin|[Ww]e[Cc]hat|(?<![A-Za-z])(?:[VvWw][Xx]|[Vv]信|加[Vv]))"
    r"(?:的?账?号码?|ID|id|名)?(?:就?[是叫为]|[：:，,\s]|嗯|呃|那个|我的|一下|搜)*"
)
_WXID = re.compile(r"(?i)(?<![a-z0-9])wxid_[a-z0-9_\-]{5,}")
"""As WeChat makes them: nothing else looks so."""
_ASKS_WECHAT = re.compile("微信")
_NO_PERSONS = re.compile("公众号|小程序|服务号|订阅号|企业微信|支付|视频号|客服微信|官方微信|转账")
_NAME = re.compile(
    rf"[A-Za-z](?:(?:{_GAP}|嗯|呃|那个)(?:[A-Za-z0-9_\-]|{_DIGIT}|下划线|下横线|横杠|中划线|减号|杠))+"
    rf"|{_DIGIT}(?:{_GAP}{_DIGIT}){{4,14}}"
)
_EXPLAINED = re.compile(r"[^A-Za-z0-9。！？]{2,16}[，,：:\s](?=[A-Za-z]{2})")
"""How a name is made, before it is said: 我名字拼音加生日，…"""
_ADDED = re.compile(
    rf"(?:用|搜索?|号是)\s?({_NAME.pattern})\s?[，,]?(?:这个|那个|的)?(?:微信)?(?:账?号)?\s?"
    "(?:加(?:的|[你您我]|了|过|上|微信|一下|就)|搜|就[能可]|[能可]以?[加搜找])"
)
_COMMON = re.compile("(?i)(?:app|wifi|vip|pdf|ok|bug|sim|pos|atm)")


def find(turns: Sequence[Turn]) -> list[Item]:
    """Identity cards that are none of the mainland's, passports, WeChat names, in order."""
    items: list[Item] = []
    asked = ""
    for index, turn in enumerate(turns):
        text = turn.text
        topic = asked + text
        for kind, found in (
            (Kind.REGIONAL_ID, _cards(text, topic)),
            (Kind.PASSPORT, _passports(text) if _PASSPORT.search(topic) else ()),
            (Kind.TRAVEL_PERMIT, _permits(text) if _PERMITS.search(topic) else ()),
            (Kind.WECHAT, _wechat(turn, asked)),
        ):
            items += [Item(index, start, end, kind) for start, end in found]
        asked = "" if turn.role is Role.CUSTOMER else text
    return items


def _digits(said: str) -> str:
    return "".join([value(sign) or "" for sign in said])


def _cards(text: str, topic: str) -> Iterator[tuple[int, int]]:
    announced = bool(_REGION.search(topic))
    if not announced and not _LATIN.search(text):
        return
    for match in _HONG_KONG.finditer(text):
        if announced or match[3] or match[4]:  # hardly anything else has its check in brackets
            yield match.span()
    for match in _MACAU.finditer(text):
        if announced:
            yield match.span()
    for match in _TAIWAN.finditer(text):
        if announced or is_taiwan(match[1].upper() + _digits(match[2])):
            yield match.span()


def is_taiwan(signs: str) -> bool:
    """Whether a letter and nine digits hold the check of Taiwan's identity cards."""
    if not re.fullmatch("[A-Z][1289][0-9]{8}", signs):
        return False
    tens, ones = divmod(_TAIWAN_AREAS[signs[0]], 10)
    numbers = (tens, ones, *map(int, signs[1:]))
    weights = (1, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1)
    return sum(n * w for n, w in zip(numbers, weights, strict=True)) % 10 == 0


def _passports(text: str) -> Iterator[tuple[int, int]]:
    for match in _DOCUMENT.finditer(text):
        yield match.span()


def _permits(text: str) -> Iterator[tuple[int, int]]:
    for match in _PERMIT.finditer(text):
        yield match.span()


def _wechat(turn: Turn, asked: str) -> Iterator[tuple[int, int]]:
    """Names and numbers said after 微信号, or in answer to a question for it."""
    text = turn.text
    begins = [match.end() for match in _WECHAT.finditer(text)]
    if _ASKS_WECHAT.search(asked) and not _NO_PERSONS.search(asked):
        begins.append(0)
    for made in _WXID.finditer(text):
        yield made.span()
    if begins and _NO_PERSONS.search(text):
        return
    for added in _ADDED.finditer(text):
        if len(added[1]) >= 5:
            yield added.span(1)
    for begin in begins:
        match = _NAME.match(text, begin) if begin else _NAME.search(text)
        if match is None and (told := _EXPLAINED.match(text, begin)):
            match = _NAME.match(text, told.end())
        if match and len(match[0]) >= 5 and not _COMMON.fullmatch(match[0]):
            yield match.span()
