"""Names in Latin letters, and names with a middle dot (transliterated ones)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from audit.privacy.name_words import FOREIGN, HAN, TITLES, is_foreign

_DOT = re.compile(r"(?<=[一-鿿])\s?([·.])\s?(?=[一-鿿])")
_BEFORE_DOT = re.compile(
    "是|叫|姓名|名字|机主|户主|客户|联系人|[收寄]件人|[寄送]?给|找|跟|请问|[您你]好|好的|的|我|您|他|她|位|人"
)
_AFTER_DOT = re.compile(
    rf"{TITLES}|同志|本人|您|你|我|他|她|的|在|是|这|那|吗|吧|呢|啊|对|住|电话|手机|身份|地址|可以|请|想|"
    "要|已|有|没|收|和|跟|名下"
)
_NOT_PERSONAL = re.compile("套餐|会员|宽带|电视|版|系列|店|广场|小区|花园|公司|集团|[省市县区]")
_LATIN = r"[A-Za-z]{2,20}(?:[ ·.\-'][A-Za-z]{1,20}){0,4}"
_LATIN_CALLED = re.compile(
    rf"(?:我叫|我的(?:英文)?名字?[是叫]|英文名字?[是叫]?|护照上?的?(?:名字|姓名)[是叫]?|姓名[是叫]?[：:]?|"
    rf"(?:机主|户主|联系人|收件人|乘客|旅客)(?:是|叫|[：:]))\s?({_LATIN})"
)
_I_AM_LATIN = re.compile(
    r"(?:我是|[Tt]his is|I'?\s?a?m)\s?"
    r"([A-Z][a-z]+(?:[ ·\-'][A-Z][A-Za-z]*)+|[A-Z][a-z]{2,}(?=[，。,.]|$))"
)
_LATIN_TITLED = re.compile(rf"({_LATIN})(?=\s?(?:先生|女士|小姐|太太))")
_LATIN_ANSWER = re.compile(rf"^(?:嗯|呃|我|是|叫|，|,|\s)*({_LATIN})[\s。.]*$")
_NOT_LATIN_NAME = re.compile(
    r"(?i)(?:ok|okay|hello|hi|hey|yes|no|sorry|bye|vip|app|wifi|qq|and|the)\b.*"
)


def latin_names(text: str, *, asked: bool) -> Iterator[tuple[int, int]]:
    """Names in Latin letters, after a cue or in answer to a question for one (``asked``)."""
    if not re.search("[A-Za-z]", text):
        return
    answer = _LATIN_ANSWER.match(text) if asked else None
    found = (
        *_LATIN_CALLED.finditer(text),
        *_LATIN_TITLED.finditer(text),
        *_I_AM_LATIN.finditer(text),
        answer,
    )
    for match in found:
        if match and not _NOT_LATIN_NAME.fullmatch(match[1]):
            yield match.span(1)


def dotted_names(text: str) -> Iterator[tuple[int, int]]:
    """Names with a middle dot, without the words around them."""
    end = 0
    for dot in _DOT.finditer(text):
        if dot.start() < end:
            continue
        head = re.search(rf"{HAN}{{1,10}}$", text[: dot.start()])
        tail = re.match(rf"{HAN}{{1,8}}(?:\s?[·.]\s?{HAN}{{1,8}})*", text[dot.end() :])
        if head is None or tail is None:
            continue
        cut = max((m.end() for m in _BEFORE_DOT.finditer(head[0], 0, len(head[0]) - 1)), default=0)
        stop = _AFTER_DOT.search(tail[0], 1)
        first, last = head[0][cut:], tail[0][: stop.start() if stop else None]
        strange = sum(
            character not in FOREIGN for character in first + last if character not in "·. "
        )
        implausible = (
            not is_foreign(first + last) if dot[1] == "." else strange * 2 > len(first + last)
        )
        numeral = all(character in "零〇一二三四五六七八九十百" for character in first)
        if implausible or numeral or _NOT_PERSONAL.search(first + tail[0]):
            continue
        end = dot.end() + len(last)
        yield dot.start() - len(first), end
