"""Addresses, e-mail, plates and dates of birth."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from audit.privacy.digits import runs, sounding, value
from audit.privacy.items import Item, Kind
from audit.privacy.topics import Topic, is_public, topics
from audit.types import Role, Turn

_HAN = "[一-鿿]"
_NUM = "[0-9零〇一二三四五六七八九十百幺两]{1,7}"
_ROAD = rf"{_HAN}{{1,5}}(?:路|街|大道|巷|弄|胡同|道){_NUM}(?:号(?:院|弄)?|弄)(?!楼)"
_ESTATE = (
    rf"{_HAN}{{2,6}}(?:小区|花园|家园|公寓|苑|庭|新村|壹号|大厦|广场|公馆|府|城|湾|院|里|村|园|郡|墅|"
    "宿舍)"
)
_HOUSE = (
    rf"{_NUM}(?:号楼|栋|幢|座|号院|期|单元)(?:[，,、\s]?{_NUM}(?:单元|号楼|栋|楼|层|门))*"
    rf"(?:[，,、\s]?{_NUM}(?:室|号|户)?)?"
)
_CORE = re.compile(
    rf"{_ROAD}[，,\s]?(?:{_ESTATE}[，,\s]?)?(?:{_HOUSE})?|(?:{_ESTATE}[，,\s]?)?{_HOUSE}"
    rf"|{_HAN}{{2,5}}(?:镇|乡|村){_HAN}{{1,5}}(?:村|组|屯){_NUM}[号组]"
)
_DOOR = re.compile(
    r"[，,、\s]?(?:[一-鿿]{1,2}|[0-9零一二三四五六七八九十]{1,3}[-－—])?[0-9零一二三四五六七八九幺两]{3,5}"
    r"(?:室|号|户)?(?![0-9零一二三四五六七八九十百千万点.]|元|块|年|月|天|个|兆|折|分|度|[MG])"
)
"""What is left of building and door behind an address where the words for them were misheard."""
_ESTATE_ONLY = re.compile(rf"^(?:嗯|呃|啊|是|在|住|我|就|那个|，)*({_ESTATE})(?=[，。！？,.]|$|的)")
_ASKS_WHERE = re.compile("地址|哪个小区|哪里住|住在哪|住哪|什么地方|寄到哪|送到哪|几号楼")
_LED = re.compile(
    "住在|住|地址是|地址|地方是|现在在|就在|在|送到|寄到|寄往|寄给|发到|邮到|搬到|改成|改到|换到|到|"
    "就是|家是|是|我们家|我家|您家|门牌号|的话|给|重复一下|核对一下|好的|好"
)
_OURS = re.compile("我们(?:的|公司|这边|总部)|公司地址|服务中心|服务站")
_EMAIL = re.compile(
    r"[A-Za-z0-9零一二三四五六七八九幺_.\-]{1,40}(?:点[A-Za-z0-9零一二三四五六七八九幺]{1,20}){0,3}"
    r"\s*(?:@|＠|艾特|爱特|at|AT|圈[aA])\s*"
    r"[A-Za-z0-9零一二三四五六七八九幺\-]+(?:\s*(?:\.|点)\s*[A-Za-z]+)+"
)
_PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_PLATE = re.compile(rf"([{_PROVINCES}]|{_HAN})\s?([A-Za-z])[·.，, ]?")
_Y = "[0-9零〇一二三四五六七八九]"
_N = "[0-9一二三四五六七八九十两]"
_DATE = re.compile(
    rf"{_Y}{{2,4}}年(?:的)?(?:{_N}{{1,2}}月(?:份)?(?:{_N}{{1,3}}[日号]?)?)?|{_N}{{1,2}}月{_N}{{1,3}}[日号]?"
    r"|(?:19|20)[0-9]{2}[-/.][0-9]{1,2}[-/.][0-9]{1,2}"
)


def find(turns: Sequence[Turn]) -> list[Item]:
    """Addresses, e-mail addresses, plates and dates of birth in a call, in order."""
    items: list[Item] = []
    asked = False
    topic: Topic = None
    since = 0
    for index, turn in enumerate(turns):
        text = turn.text
        named = topics(text)
        for match in _EMAIL.finditer(text):
            items.append(Item(index, match.start(), match.end(), Kind.EMAIL))
        if not (turn.role is Role.AGENT and (_OURS.search(text) or is_public(text))):
            items += [Item(index, a, b, Kind.ADDRESS) for a, b in _addresses(text, asked=asked)]
        plates = any(one.topic is Kind.PLATE for one in named) or topic is Kind.PLATE
        items += [Item(index, a, b, Kind.PLATE) for a, b in _plates(text, announced=plates)]
        if any(one.topic is Kind.BIRTH for one in named) or re.search("[日号年月]生的?", text):
            topic, since = Kind.BIRTH, 0
        if topic is Kind.BIRTH and since <= 2:
            items += [Item(index, a, b, Kind.BIRTH) for a, b in _births(text)]
        asked = bool(_ASKS_WHERE.search(text)) or (asked and len(text) < 8)
        since += 1
        lasting = [one.topic for one in named if one.lasts]
        if lasting and lasting[-1] is not Kind.BIRTH:
            topic = lasting[-1]
    return sorted({*items, *_repeated(turns, items)})


def _addresses(text: str, *, asked: bool) -> Iterator[tuple[int, int]]:
    homely = asked or re.search("住|家|地址|小区|送到|寄到", text)
    for match in _CORE.finditer(text):
        if not homely and re.fullmatch(_HOUSE, match[0]) and not re.search("单元|[室户]", match[0]):
            continue
        clause = max(text.rfind(sign, 0, match.end() - 1) for sign in "。！？!?；")
        comma = max(text.rfind(sign, 0, match.start()) for sign in "，,")
        begin = max(clause, comma) + 1
        head = _place(text[begin : match.end()])
        door = _DOOR.match(text, match.end())
        yield begin + head, door.end() if door else match.end()
    estate = _ESTATE_ONLY.match(text) if asked else None
    if estate:
        yield estate.span(1)


def _place(clause: str) -> int:
    """Where in a clause that ends with an address the address begins."""
    firm = re.search(rf"(?:路|街|大道|小区|花园|苑|{_NUM}(?:号楼|栋|幢|座|单元))", clause)
    limit = firm.start() if firm else len(clause)
    return max((m.end() for m in _LED.finditer(clause, 0, limit) if m.end() < limit), default=0)


def _plates(text: str, *, announced: bool) -> Iterator[tuple[int, int]]:
    for match in _PLATE.finditer(text):
        if match[1] not in _PROVINCES and not announced:
            continue
        end, count = match.end(), 0
        while end < len(text) and count < 6:
            pause = re.compile("(?:[，,。 ·]|嗯|那个|呃)*").match(text, end)
            at = pause.end() if pause else end
            if at >= len(text) or not (
                re.match("[A-Za-z]", text[at])
                or value(text[at])
                or (sounding(text[at]) and count < 5)
            ):
                break
            end, count = at + 1, count + 1
        if count >= 5:
            yield match.start(), end


def _births(text: str) -> Iterator[tuple[int, int]]:
    for match in _DATE.finditer(text):
        yield match.span()
    for run in runs(text, least=6):
        if len(run.digits) in (6, 8) and run.digits.startswith(("19", "20")):
            yield run.start, run.end


def _repeated(turns: Sequence[Turn], items: Sequence[Item]) -> Iterator[Item]:
    """The same words said again."""
    texts = {(turns[i.turn].text[i.start : i.end], i.kind) for i in items}
    for said, kind in texts:
        if len(said) < 4:
            continue
        for index, turn in enumerate(turns):
            at = turn.text.find(said)
            while at >= 0:
                if not any(i.turn == index and i.start <= at < i.end for i in items):
                    yield Item(index, at, at + len(said), kind)
                at = turn.text.find(said, at + 1)
