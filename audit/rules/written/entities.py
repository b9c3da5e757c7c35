"""Numbers, dates, names and the like in recognised speech."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from audit.language.surnames import (
    DOUBLE_SURNAMES,
    EVERYDAY_SURNAMES,
    RARE_SURNAMES,
    SURNAMES,
    TITLES,
)
from audit.rules.written.arguments import Entity

_DIGIT = "[0-9零〇一二三四五六七八九幺两]"
_RUN = f"{_DIGIT}(?:[ ，,、-]?{_DIGIT})*"
_NUMERAL = "[0-9零一二三四五六七八九十百千万两]"
_HAN = "[一-鿿]"
_DAYTIME = "(?:上午|下午|早上|晚上|中午|凌晨|傍晚)"
_STREET = "(?:路|街|大道|巷|弄|胡同|小区|大厦|花园|村|广场|家园|公寓|苑)"

_PATTERNS: dict[str, str] = {
    "surname": f"(?<=姓)[{SURNAMES}{RARE_SURNAMES}]|[{SURNAMES}](?={'|'.join(TITLES)})",
    "person_name": "(?:叫|名字是|姓名是|登记的是|我是|我，|姓.{1,2}，"
    "|我[^，。]{1,12}的，?|[师生士]，|老.，)"
    f"(?P<it>(?:[{SURNAMES}{RARE_SURNAMES}]|{DOUBLE_SURNAMES}|(?<=我叫)[{EVERYDAY_SURNAMES}])"
    f"{_HAN}{{1,2}})(?=[，。！？,. ]|的|$)",
    "phone": _RUN,
    "number": _RUN,
    "id_number": f"{_RUN}[ ，]?[Xx]?",
    "job_number": f"(?<=工号)(?:是|为|：)?{_RUN}"
    f"|{_DIGIT}{{2,}}(?=号(?:客服|坐席|话务|服务|为您|很高兴))",
    "date": f"(?:{_NUMERAL}{{2,4}}年)?{_NUMERAL}{{1,3}}月(?:{_NUMERAL}{{1,3}}[日号])?"
    f"|{_NUMERAL}{{1,3}}[日号](?=[上下早晚中]|[，。！？]|之?前|$)"
    "|今天|明天|后天|大后天|昨天|前天|[这下上]?(?:周|星期|礼拜)[一二三四五六日天]"
    "|[0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2}|(?<![0-9/])(?:1[0-2]|0?[1-9])/(?:3[01]|[12][0-9]|0?[1-9])(?![0-9/])"
    "|(?:本周|这周|下周|本月|这个月|下个?月|月底|年底|国庆节?|春节|元旦)(?=之?[前内]|以[前内])",
    "time": f"{_DAYTIME}?{_NUMERAL}{{1,3}}点(?:半|钟|整|[一三]刻|{_NUMERAL}{{1,3}}分?)"
    f"|{_DAYTIME}{_NUMERAL}{{1,3}}点|[两三四五六七八九十]点|[01]?[0-9]点|[0-2]?[0-9][:：][0-5][0-9]"
    f"|(?:{_NUMERAL}{{1,3}}个?|半个?)(?:工作日|小时|钟头|天|分钟|星期|礼拜|月)(?=之?内|以内)",
    "address": f"{_HAN}{{1,10}}{_STREET}[^，。？！]{{0,8}}?{_NUMERAL}+[号栋幢室楼弄单]?[楼元]?",
    "amount": "[¥￥][0-9]+(?:[.][0-9]+)?"
    f"|{_NUMERAL}+(?:[.点]{_NUMERAL}+)?(?:元|块钱|(?<!一)块|毛钱|角|分钱)",
}
_COMPILED = {kind: re.compile(pattern) for kind, pattern in _PATTERNS.items()}

_VALUES = dict(zip("零〇一二三四五六七八九幺两", "0012345678912", strict=True))

_LENGTHS: dict[str, frozenset[int]] = {
    "phone": frozenset(range(7, 13)),
    "id_number": frozenset({15, 17, 18}),
}
"""Digits that make one; 17 and a letter for identity cards."""

_LEAST_DIGITS = {"number": 3}


@lru_cache(maxsize=4096)
def digits(text: str) -> str:
    """The digits of a text in order, spoken ones among them.

    >>> digits("幺三八，0013")
    '1380013'
    """
    return "".join(_VALUES.get(sign, sign) for sign in text if sign in _VALUES or sign.isdecimal())


def find(kind: Entity, text: str, *, min_digits: int | None = None) -> Iterator[tuple[int, int]]:
    """Where a kind of information stands in a text: first character, and after the last.

    Args:
        kind: of information.
        text: in simplified characters.
        min_digits: with fewer it is none.
    """
    least = _LEAST_DIGITS.get(kind, 0) if min_digits is None else min_digits
    for match in _COMPILED[kind].finditer(text):
        count = len(digits(match[0])) if least or kind in _LENGTHS else 0
        if count >= least and (kind not in _LENGTHS or count in _LENGTHS[kind]):
            yield match.span("it") if "it" in match.re.groupindex else match.span()
