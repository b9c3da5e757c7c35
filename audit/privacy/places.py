"""Addresses, e-mail, plates and dates of birth."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from audit.privacy.digits import digit_by_sound, digit_of, runs
from audit.privacy.entities import Entity, EntityType
from audit.privacy.name_words import HAN
from audit.privacy.number_formats import type_by_format
from audit.privacy.topics import Topic, is_public, topics
from audit.types import Role, Turn

_NUMBER = "[0-9零〇一二三四五六七八九十百幺两]{1,7}"
_UNIT_NUMBER = rf"(?:[A-Za-z东南西北中](?=[座栋区幢塔]|单元)|[A-Za-z]?{_NUMBER}|[甲乙丙丁])"
_ROAD = (
    rf"{HAN}{{1,5}}(?:路|街|大道|巷|弄|胡同|道|大街|里弄)(?:[一二三四五六七八九十东西南北中0-9]{{1,2}}段)?{_NUMBER}(?:[-之]{_NUMBER})?"
    r"(?:号(?:院|弄|附[0-9一二三四五六七八九十]{1,3}号|之[0-9一二三四五六七八九十]{1,2})?|弄)(?!楼)"
)
_FIRM_ESTATE = "小区|花园|家园|公寓|新村|壹号|大厦|公馆|华庭|宿舍|大楼|写字楼|商厦|雅苑|名苑|别墅"
_ESTATE = (
    rf"{HAN}{{2,8}}(?:{_FIRM_ESTATE}|苑|庭|广场|府|城|湾|院|里|村|园|郡|墅|中心|国际|楼盘|"
    "社区|学校|大学|医院)"
)
_GAP = r"(?:[，,、\s]|嗯|呃|的|那个)?"
_HOUSE = (
    rf"{_UNIT_NUMBER}(?:号楼|栋|幢|座|号院|期|区|单元|号门|塔)(?:{_GAP}{_UNIT_NUMBER}(?:单元|号楼|栋|座|楼|层|门|梯))*"
    rf"(?:{_GAP}(?:[A-Za-z]?{_NUMBER}(?:-{_NUMBER})?(?:室|号房|号|户|房)?|[A-Za-z](?:室|户)))?"
)
_FLOOR = (
    rf"(?:{_GAP}{_UNIT_NUMBER}(?:单元|号楼|栋|座|楼|层|门|梯))+"
    rf"(?:{_GAP}(?:[A-Za-z]?{_NUMBER}(?:-{_NUMBER})?(?:室|号房|户|房|号)|[A-Za-z](?:室|户)))?"
)
"""Floor and room, of a building that was named."""
_ROOM = rf"{_GAP}[A-Za-z]?[0-9零〇一二三四五六七八九幺两]{{2,5}}(?:室|房|号房|户)"
_INSIDE = rf"(?:{_GAP}{_HOUSE}|{_FLOOR}|{_ROOM})"
_CORE = re.compile(
    rf"{_ROAD}{_GAP}(?:{_ESTATE}{_GAP})?(?:{_HOUSE}|{_FLOOR}|{_ROOM})?"
    rf"|(?:{_ESTATE}{_GAP})?{_HOUSE}|{_ESTATE}{_INSIDE}"
    rf"|{HAN}{{2,5}}(?:镇|乡|村|街道){HAN}{{1,5}}(?:村|组|屯|社区|大队){_NUMBER}(?:[号组队]|社)(?:{_NUMBER}号)?"
)
_DASHED = re.compile(
    r"(?<![0-9A-Za-z一二三四五六七八九十-])(?:[0-9]{1,3}-(?:[0-9]{1,2}-)?[0-9]{3,4}|"
    r"(?:[一二三四五六七八九十]{1,3}杠){1,2}[0-9零一二三四五六七八九幺]{3,4})(?![0-9-])"
)
"""Building, unit and door, behind an estate's name."""
_BEFORE_DASHED = re.compile(
    rf"(?:住在|住的是?|住|家在|家是|地址是?|送到|寄到)[：:，,\s]?({HAN}{{2,12}})[，,\s]?$|"
    rf"({HAN}{{2,8}}(?:{_FIRM_ESTATE}))[，,\s]?$"
)
_HAS_DOOR = re.compile(
    r"单元.{0,3}[0-9零一二三四五六七八九幺]{2}|单元.{0,2}[0-9一二三四五六七八九]+[号室户]|[室户]"
)
_COMES_FROM = re.compile(
    "[我俺咱]们?(?:就|也|家)?[是在].{1,4}(?:号楼|栋|幢|座).?[0-9零一二三四五六七八九幺]{3,4}$"
)
_DOOR = re.compile(
    r"[，,、\s]?(?:[一-鿿]{1,2}|[0-9零一二三四五六七八九十]{1,3}[-－—])?[0-9零一二三四五六七八九幺两]{3,5}"
    r"(?:室|号|户|房)?(?![0-9零一二三四五六七八九十百千万点.]|元|块|年|月|天|个|兆|折|分|度|[MG])"
)
"""Remains of building and door after an address where the words for them were misrecognized."""
_ESTATE_ONLY = re.compile(rf"^(?:嗯|呃|啊|是|在|住|我|就|那个|，)*({_ESTATE})(?=[，。！？,.]|$|的)")
_STOREY = re.compile(rf"{_ESTATE}{_GAP}{_UNIT_NUMBER}(?:楼|层)")
"""A storey alone is a place to go to, not a home address: 医院三楼."""
_LIVES = re.compile(
    rf"(?:住在|家在|住)({HAN}{{2,12}}(?:{_FIRM_ESTATE}))(?=[，。！？,.]|$|的|里|这)"
)
_DISTRICTS = re.compile(
    rf"(?:{HAN}{{2,8}}(?:省|自治区|市|区|县|旗|州|镇|乡|街道|新区|开发区)[，,、\s]+)+$"
)
"""The first parts of an address that is separated by commas."""
_ASKS_WHERE = re.compile(
    "地址|哪个小区|哪里住|住在哪|住哪|什么地方|寄到哪|送到哪|几号楼|几[栋幢座]|哪一?[栋幢座]|几单元|门牌|房号"
)
_ADDRESS_LEAD = re.compile(
    "住在|住|地址是|地址|地方是|现在在|就在|在|送到|寄到|寄往|寄给|发到|邮到|搬到|改成|改到|换到|到|"
    "就是|家是|是|我们家|我家|您家|门牌号|的话|给|重复一下|核对一下|好的|好"
)
_ADDRESS_CHARACTERS_MAX = 40
"""Characters of an address before its number."""
_COMPANY_OWNED = re.compile("我们(?:的|公司|这边|总部)|公司地址|服务中心|服务站")
_AT = re.compile(
    r"@|艾特|爱特|艾忒|(?<![A-Za-z])at(?![A-Za-z])|(?<=[0-9a-z])at(?=[a-z0-9])|AT|圈儿?\s?[aA]|小老鼠|花[aA]"
)
_LOCAL_CHARACTER = "[A-Za-z0-9零〇一二三四五六七八九幺洞两拐勾_.\\-+]"
_LOCAL_WORD = "下划线|下横线|横杠|中划线|减号|杠|点"
_LOCAL = re.compile(
    rf"(?:(?:{_LOCAL_CHARACTER}|{_LOCAL_WORD})(?:[\s，,、]|嗯|呃|那个|再|然后){{0,2}})+(?:符号|那个)?$"
)
_LOCAL_WORDS = re.compile(r"[^，。！？,.!?：:\s是]{1,12}$")
_DOMAIN = re.compile(
    r"(?:符号|[\s，,])*(?:[A-Za-z0-9零一二三四五六七八九幺\-]|扣扣|新浪|网易|搜狐|谷歌|[\s](?=\S)){1,30}"
    r"(?:\s?[，,]?\s?(?:\.|点|dot)\s?(?:[A-Za-z](?:\s?[A-Za-z]){0,9}|康姆|抗姆|康木|康|[A-Za-z0-9零一二三四五六七八九幺]+))+"
)
_DOMAIN_REST = re.compile(r"-[A-Za-z0-9.\-]*[A-Za-z0-9]")
"""The rest of a domain label after a hyphen: mail.example-corp.com."""
_MAIL_WITHOUT_AT = re.compile(
    rf"(?:邮箱|邮件|[Ee]-?mail)(?:号|地址|账号)?(?:就?是|[：:，,\s]|嗯|呃|那个)*"
    rf"((?:{_LOCAL_CHARACTER}|{_LOCAL_WORD}|\s){{3,40}}(?:\.|点)\s?(?:com|cn|net|COM|康姆))"
)
_PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_PLATE = re.compile(
    rf"([{_PROVINCES}]|{HAN})(?:[，,]?{HAN}{{1,3}}的\1)?(?:[\s，,]|牌)*(?:大写的?|字母)?"
    r"([A-Za-z])[·.，,\- ]?"
)
_PLATE_PAUSE = re.compile(
    r"(?:[\s，,。·\-.]|嗯|那个?|呃|这个|然后|后面是?|杠|点|大写的?|小写的?|英文的?|字母|数字)*"
)
_REPEATED_DIGIT = re.compile("([二两三四五俩仨2-5])[个连][0-9零一二三四五六七八九幺]")
_CODE_REST = re.compile("(?<=[A-Za-z0-9])[A-Za-z0-9]+")
_PLATE_LAST = "挂学警港澳使领"
_PLATE_ALONE = re.compile(r"(?<![A-Za-z0-9])[A-Z](?=[A-Z0-9]{5,6}(?![A-Za-z0-9]))(?=[A-Z]?[0-9])")
_YEAR_DIGIT = "[0-9零〇一二三四五六七八九]"
_DAY_DIGIT = "[0-9一二三四五六七八九十两初廿卅]"
_CALENDAR = "(?:农历|阴历|阳历|公历|新历|旧历|古历)"
_MONTH = f"{_CALENDAR}?的?闰?(?:{_DAY_DIGIT}{{1,2}}|[正冬腊])月"
_YEAR = (
    f"(?:(?:民国|昭和|大正|明治|光绪|宣统)[0-9零〇一二三四五六七八九十元]{{1,4}}年|{_YEAR_DIGIT}{{2,4}}年|"
    "[甲乙丙丁戊己庚辛壬癸][子丑寅卯辰巳午未申酉戌亥]年?)"
)
_FILLER = r"(?:[，,、。\s]|嗯|呃|啊|额|那个|这个|就是|应该是|好像是?|的){0,5}"
_BIRTH_DATE = re.compile(
    rf"{_YEAR}(?:的)?(?:{_FILLER}{_MONTH}(?:份)?(?:{_FILLER}{_DAY_DIGIT}{{1,3}}[日号]?)?)?|"
    rf"{_MONTH}(?:份)?{_FILLER}{_DAY_DIGIT}{{1,3}}[日号]?"
    r"|(?:19|20)[0-9]{2}\s?[-/.]\s?[0-9]{1,2}\s?[-/.]\s?[0-9]{1,2}"
)
_OTHER_DATE = re.compile(
    "(?:到|至|截止|有效期|(?:下[次回针]|接种|预约|复[查诊]|体检|办理|安装|上门|开通|发货|送达|到期|生效|购买)"
    "(?:的?(?:时间|日期))?(?:就?是|在|为)?)$"
)
"""What precedes a date that is not a date of birth."""
_BIRTH_CUE = re.compile(
    "[日号年月]生的?|[0-9一二三四五六七八九十]生[的人]|属[鼠牛虎兔龙蛇马羊猴鸡狗猪]的"
)


def find(turns: Sequence[Turn]) -> list[Entity]:
    """Addresses, e-mail addresses, plates and dates of birth in a call, in order."""
    entities: list[Entity] = []
    asked = False
    topic: Topic = None
    since = 0
    for index, turn in enumerate(turns):
        text = turn.text
        named = topics(text)
        entities += [Entity(index, a, b, EntityType.EMAIL) for a, b in _emails(text)]
        if not (turn.role is Role.AGENT and (_COMPANY_OWNED.search(text) or is_public(text))):
            entities += [
                Entity(index, a, b, EntityType.ADDRESS) for a, b in _addresses(text, asked=asked)
            ]
        plates = any(one.topic is EntityType.PLATE for one in named) or topic is EntityType.PLATE
        entities += [
            Entity(index, a, b, EntityType.PLATE) for a, b in _plates(text, announced=plates)
        ]
        if any(one.topic is EntityType.BIRTH for one in named) or _BIRTH_CUE.search(text):
            topic, since = EntityType.BIRTH, 0
        if topic is EntityType.BIRTH and since <= 2:
            entities += [Entity(index, a, b, EntityType.BIRTH) for a, b in _births(text)]
        asked = bool(_ASKS_WHERE.search(text)) or (asked and len(text) < 8)
        since += 1
        lasting = [one.topic for one in named if one.lasts]
        if lasting and lasting[-1] is not EntityType.BIRTH:
            topic = lasting[-1]
    return sorted({*entities, *_repeated_mentions(turns, entities)})


def _addresses(text: str, *, asked: bool) -> Iterator[tuple[int, int]]:
    is_residential = asked or re.search("住|家|地址|小区|送到|寄到|房子|房屋", text)
    for match in _CORE.finditer(text):
        is_bare = (
            not is_residential and re.fullmatch(_HOUSE, match[0]) and not _HAS_DOOR.search(match[0])
        )
        if is_bare and not _is_where_from(text[max(0, match.start() - 5) : match.end()]):
            continue
        if not is_residential and _STOREY.fullmatch(match[0]):
            continue
        clause = max(text.rfind(character, 0, match.end() - 1) for character in "。！？!?；")
        comma = max(text.rfind(character, 0, match.start()) for character in "，,")
        begin = max(clause + 1, comma + 1, match.start() - _ADDRESS_CHARACTERS_MAX)
        begin += _address_start(text[begin : match.end()])
        districts = _DISTRICTS.search(text, max(clause + 1, begin - 40), begin)
        if districts:
            begin = districts.start() + _address_start(text[districts.start() : begin])
        door = _DOOR.match(text, match.end())
        yield begin, door.end() if door else match.end()
    for dashed in _DASHED.finditer(text):
        first = max(0, dashed.start() - 20)
        if named := _BEFORE_DASHED.search(text[first : dashed.start()]):
            yield first + named.start(named.lastindex or 0), dashed.end()
    for lives in _LIVES.finditer(text):
        yield lives.span(1)
    estate = _ESTATE_ONLY.match(text) if asked else None
    if estate:
        yield estate.span(1)


def _is_where_from(text: str) -> bool:
    """Whether building and door are given as where the speaker lives: 我是五栋一二零三的."""
    return bool(_COMES_FROM.search(text))


def _emails(text: str) -> Iterator[tuple[int, int]]:
    """Addresses around each @ (or what is said for it), and those whose @ was not transcribed."""
    for at in _AT.finditer(text):
        domain = _DOMAIN.match(text, at.end())
        if domain is None:
            continue
        before = text[max(0, at.start() - 60) : at.start()]
        local = _LOCAL.search(before) or _LOCAL_WORDS.search(before)
        begin = max(0, at.start() - 60) + local.start() if local else at.start()
        rest = _DOMAIN_REST.match(text, domain.end())
        yield begin, rest.end() if rest else domain.end()
    for match in _MAIL_WITHOUT_AT.finditer(text):
        if "www" not in match[1].lower():
            yield match.span(1)


def _address_start(clause: str) -> int:
    """Where in a clause that ends with an address the address begins."""
    firm = re.search(rf"(?:路|街|大道|小区|花园|苑|{_NUMBER}(?:号楼|栋|幢|座|单元))", clause)
    limit = firm.start() if firm else len(clause)
    last = limit + bool(firm and digit_of(firm[0][0]))  # a building needs no name before it
    return max(
        (m.end() for m in _ADDRESS_LEAD.finditer(clause, 0, limit) if m.end() < last), default=0
    )


def _plates(text: str, *, announced: bool) -> Iterator[tuple[int, int]]:
    for match in _PLATE.finditer(text):
        if match[1] not in _PROVINCES and not announced:
            continue
        end, count = _plate_end(text, match.end())
        if count == 4 and text[end : end + 1] in tuple(_PLATE_LAST):
            end, count = end + 1, 5
        if count >= 5 and not _in_code(text, end, known_province=match[1] in _PROVINCES):
            yield match.start(), end
    if announced:
        for match in _PLATE_ALONE.finditer(text):
            yield match.start(), _plate_end(text, match.end())[0]


def _in_code(text: str, end: int, *, known_province: bool) -> bool:
    """Whether letters and digits continue after a plate's end, as in order numbers.

    A telephone number or a word may follow a plate of a ``known`` province.
    """
    rest = _CODE_REST.match(text, end)
    return rest is not None and not (
        known_province and (type_by_format(rest[0]) or rest[0].isalpha())
    )


def _plate_end(text: str, end: int) -> tuple[int, int]:
    """Where the letters and digits of a plate end, and their number."""
    count, is_marked = 0, False
    while end < len(text) and count < 6:
        pause = _PLATE_PAUSE.match(text, end)
        at = pause.end() if pause else end
        if repeated := (count < 4 and _REPEATED_DIGIT.match(text, at)):
            end, count = repeated.end(), count + int(digit_of(repeated[1]) or 2)
            continue
        if at >= len(text) or not (
            re.match("[A-Za-z]", text[at])
            or digit_of(text[at])
            or (digit_by_sound(text[at]) and count < 5)
        ):
            break
        has_mark = bool(re.search("[，,。]", text[end:at]))
        if count == 5 and has_mark and (not is_marked or text[at + 1 : at + 2].isalnum()):
            break  # what follows a whole plate: 皖A-2K917，ETC
        is_marked = has_mark
        end, count = at + 1, count + 1
    return end, count


def _births(text: str) -> Iterator[tuple[int, int]]:
    for match in _BIRTH_DATE.finditer(text):
        if not _OTHER_DATE.search(text[: match.start()]):
            yield match.span()
    for run in runs(text, minimum_digits=6):
        if len(run.digits) in (6, 8) and run.digits.startswith(("19", "20")):
            yield run.start, run.end


def _repeated_mentions(turns: Sequence[Turn], entities: Sequence[Entity]) -> Iterator[Entity]:
    """The same words said again."""
    texts = {(turns[i.turn].text[i.start : i.end], i.entity_type) for i in entities}
    covered = {(i.turn, at) for i in entities for at in range(i.start, i.end)}
    for said, entity_type in texts:
        if len(said) < 4:
            continue
        for index, turn in enumerate(turns):
            at = turn.text.find(said)
            while at >= 0:
                if (index, at) not in covered:
                    yield Entity(index, at, at + len(said), entity_type)
                at = turn.text.find(said, at + 1)
