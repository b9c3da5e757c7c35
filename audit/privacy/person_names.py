"""Names of customers and of people they mention; those of agents and staff are left out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache

from audit.language.surnames import DOUBLE_SURNAMES, EVERYDAY_SURNAMES, RARE_SURNAMES, SURNAMES
from audit.language.text import sounds
from audit.privacy import cued_names, foreign_names
from audit.privacy.entities import Entity, EntityType
from audit.privacy.name_words import (
    FOREIGN,
    FUNCTION,
    HAN,
    NOT_A_BARE_NAME,
    NOT_A_NAME,
    TITLES,
    UNMISTAKABLE,
    is_foreign,
)
from audit.types import Role, Turn

_FIELD_AFTER = "[0-9零一二三四五六七八九幺洞]{3}|电话|店话|手机|身份|身分|地址|我|他|她|住|今年"
"""What may follow a name in transcripts without punctuation."""
_NAME_END = (
    rf"(?=[，。！？、,.!?\s]|$|的|{TITLES}|您好|你好|本人|收(?:[，。]|$)|"
    rf"吗|吧|对|啊|呢|哈|{_FIELD_AFTER})"
)

_DOUBLE_SURNAME_STARTS = "".join({name[0] for name in DOUBLE_SURNAMES.split("|")})
_GIVEN_NAME = rf"(?:{HAN}{{1,2}}|(?<=[{_DOUBLE_SURNAME_STARTS}]){HAN}{{3}})"
_OWNER = (
    "机主|基主|机组|户主|户名|车主|姓名|名字|大名|收件人|收货人|联系人|开户人|投保人|被保险人|"
    "我爱人|我老公|我老婆|我儿子|我女儿|我爸|我妈|寄件人|登记人|被保人|病人|患者|业主|持卡人|乘客|旅客|"
    "租客|房东|受益人|参保人|就诊人|申请人|取件人|借款人|贷款人|监护人|紧急联系人|下单人|中文名|我先生|我太太|我媳妇"
)
_CALLED_NAME = re.compile(
    rf"(?:(?:{_OWNER})(?:就)?(?:是|叫|写)?[：:，]?|(?<![打您你])叫做?|较)({HAN}{_GIVEN_NAME}){_NAME_END}"
)
_VERB_AFTER = "想|要|是[我他她]|这[个边里]"
_ANNOUNCED = re.compile(
    rf"(?:(?:我|他|她|{_OWNER})(?:的?(?:名字|姓名|全名|真名))?(?:就?是)?叫做?|(?:{_OWNER})(?:就?是|写的?是?|[：:])|"
    rf"全名是?|真名是?|有个叫)(?:[：:，,\s]|嗯|呃|啊|那个){{0,3}}({HAN}{_GIVEN_NAME})(?={_NAME_END[3:-1]}|{_VERB_AFTER})"
)
"""After these a rare surname is one too, and a name has none where its people have none."""
_I_AM = re.compile(
    rf"我是([{SURNAMES}{UNMISTAKABLE}]{HAN}{{2}})(?<![生人的户客员者家工方])(?=[，。,.]|$)"
)
_DISTINCTIVE_SURNAME = f"(?:{DOUBLE_SURNAMES}|[{SURNAMES}{UNMISTAKABLE}])"
_ANY_SURNAME = f"(?:{DOUBLE_SURNAMES}|[{SURNAMES}{RARE_SURNAMES}{EVERYDAY_SURNAMES}])"
_STOP = r"(?=[，。！？、,.!?\s]|$)"
_FULL_NAME = rf"(?:{_DISTINCTIVE_SURNAME}{HAN}{{1,2}}|[{RARE_SURNAMES}]{HAN}{{2}})"
_DATA_AFTER = (
    r"[，,、。\s]{1,2}(?:嗯|呃|啊)?"
    r"(?:我?的?(?:电话|手机|身份证|证件|生日|出生|地址|住)|[0-9零一二三四五六七八九幺洞]{3})"
)
"""What follows names, and little else."""
_BARE_NAME = re.compile(
    rf"(?:(?<=^)|(?<=[，。、,\s]))(?:我|是|叫|就|嗯|呃){{0,4}}(?![我是叫就嗯呃])({_FULL_NAME}|{HAN}{{3,5}})(?={_DATA_AFTER})"
)
_OF_ROLE = re.compile(rf"(?:{_OWNER}|司机|学生|孩子|宝宝|小孩)({_FULL_NAME}){_STOP}")
_KIN = "妈|爸|家长|母亲|父亲|爷爷|奶奶|外公|外婆|姥|儿子|女儿|老婆|老公|爱人|家属|监护人"
_NAME_OF_KIN = re.compile(
    rf"(?:我是|[是班级床室])({_FULL_NAME}|[{EVERYDAY_SURNAMES}]{HAN}{{2}})(?=的(?:{_KIN}))"
)
_BEFORE_NICKNAME = (
    rf"(?:(?<=^)|(?<=[，。！？、,.!?\s好])|叫我|喊我|我叫|我是|请问是?|{_OWNER}|(?<=[是找跟给问]))"
)
_AFTER_NICKNAME = (
    r"(?=[，。！？、,.!?\s]|$|就[行好可]|[您你]好|在[吗不]|本人|吗|吧|呀|啊|是我|介绍|让我|跟我|"
    "的?电话|的?手机)"
)
_NICKNAME = re.compile(
    rf"{_BEFORE_NICKNAME}([小老阿](?:[{SURNAMES}{RARE_SURNAMES}{EVERYDAY_SURNAMES}])){_AFTER_NICKNAME}"
)
_NOT_NICKNAME = re.compile(
    "老[师公年农家底古路本生实乡早]|小[区车米时麦康班鱼店步学家节平冬寒暑满]|小[龙黄]|阿[里明联姨拉胶]|老[外毛大婆]|小[白]"
)
"""Words that end with a surname but are not nicknames."""
_KIN_TITLE = re.compile(
    rf"(?:(?<=^)|(?<=[，。！？、,.!?\s是找跟给问好叫])|我|{_OWNER})({_ANY_SURNAME})"
    r"(?=(?:姐|哥|叔|姨|嫂|婶|伯|爷|奶奶|婆婆|太)(?:[，。！？、,.!?\s是在说的吗吧]|$|[您你]好|让|电话|手机|本人|家|要|想|来|叫|刚|今|明|昨))"
)
_NOT_KIN_SURNAME = frozenset("和大小老阿我你您他她公师别连都欧表堂干亲后家")
_SPELT_NAME = re.compile(
    rf"(?:(?<=^)|(?<=[，。,\s我叫是]))(?![我叫是])({HAN}{{2,4}})[，,、\s]+(?:{HAN}是)?({HAN}{{1,3}})的({HAN})"
)
_SURNAMED = re.compile(rf"(?:(?<![贵百什])|(?<=免贵))姓({DOUBLE_SURNAMES}|{HAN})(?!的|什么|氏)")
_SURNAMED_FULL = re.compile(
    rf"姓({DOUBLE_SURNAMES}|{HAN})[，,。\s]*(?:嗯|呃|我)?[，,]?(?:名字)?(?:就?是|叫)?(\1{HAN}{{1,2}}){_NAME_END}"
)
_LONG_NAME = re.compile(
    r"(?:我|他|她|名字|机主|姓名)(?:叫|是叫|是(?<=名字是)|是(?<=姓名是))[，,]?"
    r"([一-鿿·][一-鿿· ]{2,12}[一-鿿])(?=[，。！？,.]|$)(?<![人了吗吧的])"
)
"""Names of peoples that have no surname, and whoever else has a long one."""
_ADDRESSED = re.compile(
    rf"(?:(?<=^)|(?<=[，。！？、,.!?\s是的好问给找跟了吗吧呢您]))"
    rf"((?![是的好问给找跟]){HAN}{{1,3}}?)(?={TITLES})"
)
_PERSON = re.compile(rf"(?:(?<=^)|(?<=[，。！？、,.!?\s是]))({HAN}{_GIVEN_NAME})(?=本人|收[，。])")
_SURNAME_TITLE = re.compile(
    rf"(?<![关由对位至押现奖余])({DOUBLE_SURNAMES}|[{SURNAMES}])(?={TITLES})"
)
_GREETED_SURNAME = re.compile(
    rf"({_ANY_SURNAME})(?=(?:经理|主任|老师|师傅|总|工)(?:[您你]好|在[吗不]|是吗|本人))"
    rf"|(?<=请问是)({_ANY_SURNAME})(?=(?:经理|主任|老师|师傅|总|工)吗)"
)
_MISRECOGNIZED_SURNAME = re.compile(
    rf"^(?:免贵|我|嗯|，)*[心新信幸性星]({HAN})(?=[，。！？,.]|$|[在的是])"
)
"""In answer to a question: 我心白, misrecognized for 我姓白."""
_ASKS = re.compile(
    rf"贵姓|称呼|叫什么|名字|姓名|{_OWNER}|怎么写|谁的名|登记的是谁|名下|哪位|收款人|付款人|单名"
)
_NAME_ANSWER = re.compile(
    rf"^(?:嗯|呃|啊|哦|是|叫|我|就|的|写|，|、|：)*?({HAN}{_GIVEN_NAME})(?=[，。！？,.!?\s]|$|{_FIELD_AFTER})"
)
_FOREIGN_ANSWER = re.compile(rf"^(?:嗯|呃|我|是|叫|，)*({HAN}{{2,12}})[。.]?$")
_SPELT_SURNAME = re.compile(
    "弓长张|木子李|立早章|耳东陈|双口吕|草头黄|三横王|古月胡|口天吴|言午许|双人徐|双木林|走肖赵|"
    "草字头蒋|草头蒋|马各骆|人可何|木土杜|一横王|干勾于|文刀刘|禾呈程|禾火秋|走之底边|西早覃|木易杨|关耳郑|"
    "卯金刀刘|四维罗|十口叶|口十叶|美女姜|羊女姜|十八子李|单人何|草肃萧|竹付符|禾子季|雨田雷|文武斌|走召超|"
    "双吉喆|三石磊|三水淼|三金鑫|王月玥|雨林霖|三点水[江汪沈洪潘温汤涂]"
)
_NOT_A_SURNAME = frozenset("这那位各的老请问和与是您你我他她它谁啥名什氏好对没有不了吗么也都就")
_NEVER_MISRECOGNIZED = frozenset("和与及或跟以后前号报河合")
_GREETINGS = re.compile("扎西[德得]勒")


@cache
def _surname_sounds() -> frozenset[str]:
    return frozenset(sounds(surname).code for surname in SURNAMES)


def _is_name(text: str, *, announced: bool = False, called: bool = False) -> bool:
    """Whether two to four characters can be a full name, possibly a misrecognized one.

    Where a name was ``announced`` (asked for, or a title follows), rare surnames count; after
    ``called`` cues (我叫), surnames that begin everyday words and names without surname do too.
    """
    if re.match(DOUBLE_SURNAMES, text):
        return len(text) in (2, 3, 4)
    if NOT_A_NAME.search(text) or text.endswith(
        ("的", "了", "师傅", "经理", "主任", "老师", "客服")
    ):
        return False
    if (called or (announced and len(text) > 2)) and is_foreign(text):
        return True
    everyday = (called or (announced and len(text) == 3)) and not FUNCTION.search(text)
    return len(text) in (2, 3) and (
        text[0] in SURNAMES
        or (announced and text[0] in RARE_SURNAMES)
        or (everyday and text[0] in EVERYDAY_SURNAMES)
        or (text[0] not in _NEVER_MISRECOGNIZED and sounds(text[0]).code in _surname_sounds())
    )


def _is_unmistakable_name(text: str) -> bool:
    """Whether characters can only be a name even where no cue announces one."""
    if NOT_A_NAME.search(text) or NOT_A_BARE_NAME.search(text) or FUNCTION.search(text[1:]):
        return False
    if re.match(DOUBLE_SURNAMES, text):
        return len(text) in (3, 4)
    if re.fullmatch(_FULL_NAME, text):
        return len(text) == 3
    return len(text) > 2 and sum(character not in FOREIGN for character in text) == 0


def find(turns: Sequence[Turn], *, agent_name: str | None) -> list[Entity]:
    """Mentions of people other than the agent, in order."""
    spans: set[tuple[int, int, int]] = set()
    agents_names: set[str] = set()
    asked = False
    for index, turn in enumerate(turns):
        for start, end in _announced(turn, asked=asked):
            if _is_agents_own(turn, start, end, agent_name) or (
                not asked and _addresses_agent(turn, start, end)
            ):
                agents_names.add(turn.text[start:end])
            else:
                spans.add((index, start, end))
        asked = turn.role is not Role.CUSTOMER and bool(_ASKS.search(turn.text))
    nicknames = {name for name in agents_names if _is_nickname(name)}
    spans = {one for one in spans if turns[one[0]].text[one[1] : one[2]] not in nicknames}
    names = {turns[i].text[start:end] for i, start, end in spans}
    names |= {part for name in names if "·" in name for part in name.split("·") if part}
    full = {name for name in names if len(name) > 1}
    surnames = {name[0] for name in names}
    for index, turn in enumerate(turns):
        spans |= {
            (index, start, end) for start, end in _repeated_mentions(turn.text, full, surnames)
        }
    return [Entity(index, start, end, EntityType.NAME) for index, start, end in _outermost(spans)]


def _is_nickname(name: str) -> bool:
    return len(name) == 2 and name[0] in "小老阿"


def _addresses_agent(turn: Turn, start: int, end: int) -> bool:
    """Whether a customer's turn begins by addressing the agent by a nickname: 小高，你们…."""
    return (
        turn.role is Role.CUSTOMER
        and start == 0
        and bool(re.match("[姐哥]?[，,啊呀]?[你您]", turn.text[end:]))
    )


def _is_agents_own(turn: Turn, start: int, end: int, agent_name: str | None) -> bool:
    """Whether a name is the agent's own."""
    text = turn.text[start:end]
    introduction = re.search(r"我[是叫姓]?$|我的名字[是叫]?$|我[是叫].{0,8}$", turn.text[:start])
    if introduction is not None and turn.role is not Role.UNKNOWN:
        return turn.role is Role.AGENT
    return bool(agent_name) and len(text) > 1 and sounds(text).code == sounds(agent_name or "").code


def _announced(turn: Turn, *, asked: bool) -> Iterator[tuple[int, int]]:
    text = turn.text
    for match in _SURNAMED.finditer(text):
        if match[1] not in _NOT_A_SURNAME and not cued_names.is_of_staff(text, match.start()):
            yield match.span(1)
    yield from cued_names.find(text, asked=asked and turn.role is not Role.AGENT)
    for pattern in (_CALLED_NAME, _PERSON):
        for match in pattern.finditer(text):
            is_misrecognized = match[1][0] not in SURNAMES
            has_cue = text[max(0, match.start(1) - 1) : match.start(1)] in tuple(
                "是叫写较做：:，字名"
            )
            doubtful = text[match.end() :].startswith("的") or (
                pattern is _CALLED_NAME and not has_cue
            )
            if _is_name(match[1]) and not (is_misrecognized and doubtful):
                yield match.span(1)
    for match in _ANNOUNCED.finditer(text):
        if _is_name(match[1], announced=True, called=True):
            yield match.span(1)
    for match in _SURNAMED_FULL.finditer(text):
        yield match.span(2)
    yield from foreign_names.dotted_names(text)
    yield from foreign_names.latin_names(text, asked=asked and turn.role is not Role.AGENT)
    for match in _LONG_NAME.finditer(text):
        surnamed = match[1][0] in SURNAMES and match[1][1] in SURNAMES and len(match[1]) == 4
        doubled = len(match[1]) <= 5 and re.match(DOUBLE_SURNAMES, match[1])
        if surnamed or is_foreign(match[1]) or doubled:
            yield match.span(1)
    for match in (*_SURNAME_TITLE.finditer(text), *_GREETED_SURNAME.finditer(text)):
        yield match.span(match.lastindex or 1)
    yield from _from_context(text)
    for match in _ADDRESSED.finditer(text):
        name = match[1]
        if _is_name(name, announced=True) or (len(name) == 1 and name not in _NOT_A_SURNAME):
            yield match.span(1)
    if turn.role is not Role.AGENT:
        for match in _I_AM.finditer(text):
            yield match.span(1)
        surname = _MISRECOGNIZED_SURNAME.match(text) if asked else None
        if surname:
            yield surname.span(1)
        answer = _NAME_ANSWER.match(text) if asked else None
        if answer and _is_name(answer[1], announced=True):
            yield answer.span(1)
        whole = _FOREIGN_ANSWER.match(text) if asked else None
        if whole and is_foreign(whole[1]) and not NOT_A_NAME.search(whole[1]):
            yield whole.span(1)


def _from_context(text: str) -> Iterator[tuple[int, int]]:
    """Names by their context: kinship, a number, or how they are spelled."""
    for match in _BARE_NAME.finditer(text):
        if _is_unmistakable_name(match[1]):
            yield match.span(1)
    for pattern in (_OF_ROLE, _NAME_OF_KIN):
        for match in pattern.finditer(text):
            rest = match[1][1:]
            if not (
                NOT_A_NAME.search(match[1])
                or NOT_A_BARE_NAME.search(match[1])
                or FUNCTION.search(rest)
            ):
                yield match.span(1)
    for match in _NICKNAME.finditer(text):
        if not _NOT_NICKNAME.match(match[1]):
            yield match.span(1)
    for match in _KIN_TITLE.finditer(text):
        if match[1] not in _NOT_KIN_SURNAME:
            yield match.span(1)
    for match in _SPELT_NAME.finditer(text):
        if match[3] in match[2] and match[3] in match[1]:
            yield match.span(1)


def _repeated_mentions(text: str, full: set[str], surnames: set[str]) -> Iterator[tuple[int, int]]:
    """Other mentions of detected names, by sound, and where they are spelled out."""
    transcribed = sounds(text)
    greetings = [match.start() for match in _GREETINGS.finditer(text)]
    for name in full:
        if _is_nickname(name):  # 小程 sounds like 小城
            yield from (match.span() for match in re.finditer(name, text))
            continue
        sounds_of_name = sounds(name)
        name_characters = [name[place] for place in sounds_of_name.positions]
        at = transcribed.code.find(sounds_of_name.code) if name_characters else -1
        while at >= 0:
            places = transcribed.positions[at // 2 : at // 2 + len(sounds_of_name)]
            if at % 2 == 0 and _is_contiguous(text, places) and places[0] not in greetings:
                matching_characters = sum(
                    text[place] == character
                    for place, character in zip(places, name_characters, strict=True)
                )
                if matching_characters >= len(sounds_of_name) - 1:
                    yield places[0], places[-1] + 1
            at = transcribed.code.find(sounds_of_name.code, at + 1)
    for match in _SPELT_SURNAME.finditer(text):
        yield match.span()
    characters = {character for name in full for character in name} | surnames
    for character in characters:
        if not "一" <= character <= "鿿":
            continue
        if character in surnames:
            spelt_out = rf"{character}?{HAN}{{2}}{character}{_STOP}"
            nickname = rf"(?<![一-鿿])(?:[小老阿]{character}{_AFTER_NICKNAME}|{spelt_out})"
            before = text.find(character)
            for match in re.finditer(nickname, text):
                short = match.end() - match.start() == 2
                if not _NOT_NICKNAME.match(match[0]) and (short or before < match.start()):
                    yield match.span()
        for match in re.finditer(
            rf"{character}?是?((?:{character}|{HAN}{{1,2}}{character}|{character}{HAN}{{1,3}}))的{character}",
            text,
        ):
            yield match.start(1), match.end()


def _is_contiguous(text: str, places: Sequence[int]) -> bool:
    """Whether only middle dots or spaces separate the characters."""
    between = text[places[0] : places[-1] + 1]
    return len(places) == sum(
        not (character.isspace() or character in "·.-'") for character in between
    )


def _outermost(spans: set[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """Spans that are not inside another one, in order."""
    outermost: list[tuple[int, int, int]] = []
    for turn, start, end in sorted(spans, key=lambda span: (span[0], span[1], -span[2])):
        if not outermost or outermost[-1][0] != turn or outermost[-1][2] < end:
            outermost.append((turn, start, end))
    return outermost
