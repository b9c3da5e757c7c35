"""Names of customers and those they speak of; agents and their colleagues are none."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache

from audit.names import SURNAMES
from audit.privacy.items import Item, Kind
from audit.text import sounds
from audit.types import Role, Turn

_HAN = "[一-鿿]"
_TITLES = "先生|女士|小姐|阿姨|大姐|大哥|大爷|叔叔|太太|同学"
_NEXT = "[0-9零一二三四五六七八九幺洞]{3}|电话|店话|手机|身份|身分|地址|我|他|她|住|今年"
"""What may follow a name where a recogniser writes no marks."""
_END = (
    rf"(?=[，。！？、,.!?\s]|$|的|{_TITLES}|您好|你好|本人|收(?:[，。]|$)|"
    rf"吗|吧|对|啊|呢|哈|{_NEXT})"
)
_GIVEN = rf"(?:{_HAN}{{1,2}}|(?<=[欧司上诸慕皇尉令夏]){_HAN}{{3}})"
_OWNER = (
    "机主|基主|机组|户主|户名|车主|姓名|名字|大名|收件人|收货人|联系人|开户人|投保人|被保险人|"
    "我爱人|我老公|我老婆|我儿子|我女儿|我爸|我妈|寄件人|登记人"
)
_CALLED = re.compile(
    rf"(?:(?:{_OWNER})(?:就)?(?:是|叫|写)?[：:，]?|(?<![打您你])叫做?|较)({_HAN}{_GIVEN}){_END}"
)
_I_AM = re.compile(rf"我是([{SURNAMES}]{_HAN}{{2}})(?<![生人的户客员者家工方])(?=[，。,.]|$)")
_DOUBLE = "欧阳|司马|上官|诸葛|慕容|皇甫|尉迟|令狐|司徒|夏侯"
_SURNAMED = re.compile(rf"(?:(?<![贵百什])|(?<=免贵))姓({_DOUBLE}|{_HAN})(?!的|什么|氏)")
_LONG = re.compile(
    r"(?:我|他|她|名字|机主|姓名)(?:叫|是叫)([一-鿿·]{4,12})(?=[，。！？,.]|$)(?<![人了吗吧的])"
)
"""Names of peoples that have no surname, and whoever else has a long one."""
_ADDRESSED = re.compile(
    rf"(?:(?<=^)|(?<=[，。！？、,.!?\s是的好问给找跟了吗吧呢您]))"
    rf"((?![是的好问给找跟]){_HAN}{{1,3}}?)(?={_TITLES})"
)
_PERSON = re.compile(rf"(?:(?<=^)|(?<=[，。！？、,.!?\s是]))({_HAN}{_GIVEN})(?=本人|收[，。])")
_SURNAME_TITLE = re.compile(rf"(?<![关由对位至押现奖余])({_DOUBLE}|[{SURNAMES}])(?={_TITLES})")
_GREETED = re.compile(rf"([{SURNAMES}])(?=(?:经理|主任|老师|师傅|总|工)[您你]好)")
_MISHEARD = re.compile(rf"^(?:免贵|我|嗯|，)*[心新信幸性星]({_HAN})(?=[，。！？,.]|$|[在的是])")
"""In answer to a question: 我心白 for 我姓白."""
_ASKS = re.compile(rf"贵姓|称呼|叫什么|名字|姓名|{_OWNER}|怎么写|谁的名|登记的是谁|名下|哪位")
_ANSWER = re.compile(
    rf"^(?:嗯|呃|啊|哦|是|叫|我|就|的|写|，|、|：)*?({_HAN}{_GIVEN})(?=[，。！？,.!?\s]|$|{_NEXT})"
)
_SPELT = re.compile(
    "弓长张|木子李|立早章|耳东陈|双口吕|草头黄|三横王|古月胡|口天吴|言午许|双人徐|双木林|走肖赵|"
    "草字头蒋|草头蒋|马各骆|人可何|木土杜|一横王|干勾于|文刀刘|禾呈程|禾火秋|走之底边"
)
_NO_SURNAME = frozenset("这那位各的老请问和与是您你我他她它谁啥名什氏好对没有不了吗么也都就")
_NO_NAME = re.compile(
    "^(?:对|是|好|没|可|行|我|你|您|他|她|那|这|有|不|请|谢|方便|安装|任何|于是|常常|向来|金额|高兴|"
    "马上|明白|知道|等|嗯|喂|已经|怎么|什么|麻烦|一样|还是|就是|也是|应该|关于|何时|何况|连接|全部|"
    "时间|以前|现在|刚才|先|后|昨天|今天|明天|多少|为什么|家里|姓|叫|单位|公司|个人)"
)


@cache
def _surname_sounds() -> frozenset[str]:
    return frozenset(sounds(surname).code for surname in SURNAMES)


def _is_name(text: str) -> bool:
    """Whether two to four characters can be a full name, misheard ones among them."""
    if re.match(_DOUBLE, text):
        return len(text) in (2, 3, 4)
    return (
        len(text) in (2, 3)
        and not _NO_NAME.search(text)
        and not text.endswith(("师傅", "经理", "主任", "老师", "客服"))
        and (text[0] in SURNAMES or sounds(text[0]).code in _surname_sounds())
    )


def find(turns: Sequence[Turn], *, agent_name: str | None) -> list[Item]:
    """Mentions of persons who are not the agent, in order."""
    spans: set[tuple[int, int, int]] = set()
    asked = False
    for index, turn in enumerate(turns):
        for start, end in _introduced(turn, asked=asked):
            if not _agents(turn, start, end, agent_name):
                spans.add((index, start, end))
        asked = turn.role is not Role.CUSTOMER and bool(_ASKS.search(turn.text))
    names = {turns[i].text[start:end] for i, start, end in spans}
    full = {name for name in names if len(name) > 1}
    surnames = {name[0] for name in names}
    for index, turn in enumerate(turns):
        spans |= {(index, start, end) for start, end in _again(turn.text, full, surnames)}
    return [Item(index, start, end, Kind.NAME) for index, start, end in _widest(spans)]


def _agents(turn: Turn, start: int, end: int, agent_name: str | None) -> bool:
    """Whether a name is the agent's own."""
    text = turn.text[start:end]
    own = re.search(r"我[是叫姓]?$|我的名字[是叫]?$|我[是叫].{0,8}$", turn.text[:start])
    if own is not None and turn.role is not Role.UNKNOWN:
        return turn.role is Role.AGENT
    return bool(agent_name) and len(text) > 1 and sounds(text).code == sounds(agent_name or "").code


def _introduced(turn: Turn, *, asked: bool) -> Iterator[tuple[int, int]]:
    text = turn.text
    for match in _SURNAMED.finditer(text):
        if match[1] not in _NO_SURNAME:
            yield match.span(1)
    for pattern in (_CALLED, _PERSON):
        for match in pattern.finditer(text):
            misheard = match[1][0] not in SURNAMES
            if _is_name(match[1]) and not (misheard and text[match.end() :].startswith("的")):
                yield match.span(1)
    for match in _LONG.finditer(text):
        if not re.search("[你我他她它们不个这那来去就]", match[1]):
            yield match.span(1)
    for match in (*_SURNAME_TITLE.finditer(text), *_GREETED.finditer(text)):
        yield match.span(1)
    for match in _ADDRESSED.finditer(text):
        name = match[1]
        if _is_name(name) or (len(name) == 1 and name not in _NO_SURNAME):
            yield match.span(1)
    if turn.role is not Role.AGENT:
        for match in _I_AM.finditer(text):
            yield match.span(1)
        surname = _MISHEARD.match(text) if asked else None
        if surname:
            yield surname.span(1)
        answer = _ANSWER.match(text) if asked else None
        if answer and _is_name(answer[1]):
            yield answer.span(1)


def _again(text: str, full: set[str], surnames: set[str]) -> Iterator[tuple[int, int]]:
    """Names once found wherever they are said, by sound, and how they are spelt out."""
    heard = sounds(text)
    for name in full:
        code = sounds(name).code
        at = heard.code.find(code)
        while at >= 0:
            if at % 2 == 0:
                start = heard.positions[at // 2]
                end = heard.positions[at // 2 + len(name) - 1] + 1
                same = sum(a == b for a, b in zip(text[start:end], name, strict=False))
                if end - start == len(name) and same >= len(name) - 1:
                    yield start, end
            at = heard.code.find(code, at + 1)
    for match in _SPELT.finditer(text):
        yield match.span()
    letters = {letter for name in full for letter in name} | surnames
    for letter in letters:
        for match in re.finditer(
            rf"{letter}?是?((?:{letter}|{_HAN}{{1,2}}{letter}|{letter}{_HAN}{{1,3}}))的{letter}",
            text,
        ):
            yield match.start(1), match.end()


def _widest(spans: set[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """Spans that lie in no other, in order."""
    return sorted(
        a
        for a in spans
        if not any(b != a and b[0] == a[0] and b[1] <= a[1] and a[2] <= b[2] for b in spans)
    )
