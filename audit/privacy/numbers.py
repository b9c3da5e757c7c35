"""Numbers that are customers' data: by their form, by what was asked for, and repeated back."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from itertools import pairwise

from rapidfuzz import fuzz

from audit.language.text import spoken_characters
from audit.privacy.digits import Run, begins, is_card, joined, parts, runs, shape
from audit.privacy.entities import Item, Kind
from audit.privacy.topics import TAIL, Named, Topic, is_public, topics
from audit.types import Role, Turn

_LASTS = 4
"""Turns for which a question stays open."""

_LONGEST = {Kind.CODE: 8, Kind.MOBILE: 13, Kind.LANDLINE: 13, Kind.ID_NUMBER: 20, Kind.QQ: 11}
_MOST_TURNS = 8
_PLAIN = (Kind.MOBILE, Kind.LANDLINE, Kind.ID_NUMBER, Kind.BANK_CARD, None)
"""What has no letters in front."""
_LETTERED = (Kind.PASSPORT, Kind.TRAVEL_PERMIT, Kind.REGIONAL_ID)
_SHORTEST = dict.fromkeys((*_LETTERED, Kind.WECHAT, Kind.QQ), 5)
_UNIT = re.compile(
    r"[十百千万亿元块毛角钱年月点时秒天个次台件度兆升瓦匹寸岁层楼栋幢折%％][^这]|[十百千万亿元块毛]$|"
    r"分钟|小时|公斤|公里|单元|室|[号日][上下之前早晚的半]|号客服|号为您|M|G|兆|MB|[年月日天岁]$|"
    r"分?期|毫[米升克安]|厘米|公分|平米?|平方|[米斤克瓦伏安度]|mm|cm|kg|ml|kW|kw|℃|积分|人民币|美元|港币"
)
_MONEY = re.compile(r"\s?(?:元|块|圆|人民币|美元|港币|多?万)")
_QUANTITY = re.compile(
    r"(?:[十百千万亿第转差欠]|(?:[扣还付花交充退收欠罚赔差剩省减涨降买卖贷存取要转汇打借投亏赚中]|消费|支出|收入)了(?:我|有|大概|大约)?|"
    r"每[期月年天次回笔]|[共总]计?|[余金面限]额|费用?|价格?|款|利息|账单|租金?|[押定订]金|工资|血[压糖脂]|体温|心率|上次|这次|上期|本期|当前|现在|"
    r"表[数底显]|[读示度]数|优惠|便宜|首付|月供|[￥¥$])(?:是|为|有|[：:，,\s])?$"
)
"""What stands before an amount or a reading."""
_DECIMAL = re.compile(
    r"[0-9]{1,8}\.[0-9]{1,2}|[0-9]{1,3}\.[0-9]{1,4}|[0-9]{1,3}/[0-9]{1,3}(?:/[0-9]{1,3})?"
)
_LEADS = re.compile(r"(?:^|[\s，。、：？！,.:?!是为号码记啊成位后到的个，嗯呢报见改卡四机话打])$")
_TRAILS = re.compile(r"[\s，。、？！,.?!这那的对吧吗是可啊呢了吗就没您请]|$")
_X = re.compile(r"[ ，,]?(?:[Xx×叉]|艾克斯|埃克斯)")
_LETTERS = re.compile(r"(?<![A-Za-z])(?:[A-Za-z][\s，,]?){1,3}$")
_CODE_BEFORE = re.compile(r"(?<![A-Za-z])(?!(?:tel|phone|mobile|qq|wx|vx|v|no)$)[A-Za-z]+-?$", re.I)
_CODE_AFTER = re.compile(r"[A-Za-z][A-Za-z0-9]")
_SPELT_CODE = re.compile(r"(?<![A-Za-z])[A-Za-z](?:[\s-]?[A-Za-z]){1,5}[\s-]?$")
"""Letters of a longer code, spelt out."""
_SHELF = re.compile("[0-9]{1,3}(?:-[0-9]{1,3})*-[0-9]{4}")
_PICK_UP = re.compile("取[件货]码[^，。]{0,4}$")
"""What parcels are fetched with says nothing of whom."""
_TAIL_OF_CARD = re.compile("的?(?:那|这|哪)?[个张]?(?:银行|储蓄|信用)?卡(?!号码)")
_ISSUE = re.compile("[期届]")
"""第2026132期 of a lottery or a paper."""
_ASKS_ON = re.compile(
    r"[，,\s]?(?:然后|接着|后[面头边]|后[一二三四五六七八]位|剩下)的?(?:呢|喃|是|几|多少|什么)"
)
_GOES_ON = re.compile(r"(?:然后|接着|后[面头边]|剩下)的?(?:就?是|[，,\s]|嗯|呃)*$")
_AREA_CODE = re.compile("0(?:10|2[0-9]|[3-9][0-9]{2})")
_GROUPED = ([11], [3, 4, 4], [3, 8], [7, 4])
"""How mobile numbers are written; numbers of machines are not."""
_PUBLIC = re.compile(r"[48]00[0-9]{7}|95[0-9]{3,6}|100[0-9]{2,3}|1[12][0-9]{1,4}|96[0-9]{3,4}")
"""Hotlines of banks, operators, authorities."""
_HOTLINE = re.compile("[48]00[0-9]{7}")
_YOURS = re.compile("[您你](?:的|家|办公|单位|留|预留|登记)[^，。]{0,8}$")
_COMPANYS = re.compile("(?:你们|贵公司|贵司|你公司)[^，。]{0,6}$")


@dataclass(frozen=True, slots=True)
class _Said:
    turn: int
    run: Run
    topic: Topic
    known: bool
    """Whether anything said what the number is."""
    labelled: bool
    """Whether it was said before it in the same turn."""
    alone: bool
    """Whether the turn is hardly more than the number."""

    @property
    def nobodys(self) -> bool:
        """Whether it was said that the number is no person's."""
        return self.known and self.topic is None


def find(turns: Sequence[Turn]) -> list[Item]:
    """Phone, identity and card numbers and codes in a call, in order."""
    said = _without_companys(turns, _said(turns))
    items = {at: kind for at, one in enumerate(said) if (kind := _kind(turns, one))}
    counting = {at for at, one in enumerate(said) if _counts(turns[one.turn].text, one.run)}
    items |= _dictated(turns, said, items, counting)
    items |= _carried_on(turns, said, items)
    for _ in range(2):  # what was repeated may be repeated again
        items |= _repeated(said, items, counting)
    return [
        Item(said[at].turn, _begin(turns, said[at], kind), said[at].run.end, kind)
        for at, kind in sorted(items.items())
    ]


def _without_companys(turns: Sequence[Turn], said: Sequence[_Said]) -> list[_Said]:
    """What was said less landlines that an agent gives as the company's, repeated ones too.

    Mobile, card and identity numbers are a person's whoever gives them.
    """
    companys = {
        one.run.digits
        for one in said
        if turns[one.turn].role is Role.AGENT
        and shape(one.run.digits) in (None, Kind.LANDLINE)
        and len(one.run.digits) >= 7
        and _is_companys(turns[one.turn], one.run)
    }
    return [one for one in said if one.run.digits not in companys]


def _begin(turns: Sequence[Turn], said: _Said, kind: Kind) -> int:
    """Where a number begins, with the letter of a document or a plus."""
    before = turns[said.turn].text[: said.run.start]
    letters = _LETTERS.search(before) if kind in _LETTERED else None
    return letters.start() if letters else said.run.start - before.endswith("+")


def _said(turns: Sequence[Turn]) -> list[_Said]:
    found: list[_Said] = []
    topic: Topic = None
    known, since = False, 0
    for index, turn in enumerate(turns):
        named = topics(turn.text)
        found_here = list(_numbers(turn.text))
        alone = _is_alone(turn.text, found_here)
        since += 1
        if since > _LASTS:
            known = False
        for run in found_here:
            label = next((one for one in reversed(named) if one.end <= run.start + 1), None)
            if label is None and _is_tail(turn.text, run):  # 尾号八八幺九的手机
                label = next((one for one in named if run.end < one.end <= run.end + 8), None)
                if label is None and _TAIL_OF_CARD.match(turn.text, run.end):
                    label = Named(run.end, Kind.BANK_CARD, lasts=False)
            if label is None:
                label = _said_after(turn.text, run, named)
            if label and label.lasts:
                topic, known = label.topic, True
            if known:
                since = 0
            now = label.topic if label else topic
            said_so = known or label is not None
            found.append(
                _Said(index, run, now if said_so else None, said_so, label is not None, alone)
            )
        lasting = [one.topic for one in named if one.lasts]
        if lasting:
            topic, known, since = lasting[-1], True, 0
    return found


def _is_alone(text: str, found: Sequence[Run]) -> bool:
    """Whether a text is hardly more than its numbers, those aside that show what they are."""
    plain = [run for run in found if not shape(run.digits)] or found
    rest = "".join([text[a:b] for a, b in pairwise([0, *_edges(found, plain), len(text)])][::2])
    digits = sum(len(run.digits) for run in plain)
    return digits > 0 and digits >= 0.5 * spoken_characters(rest)


def _edges(found: Sequence[Run], plain: Sequence[Run]) -> Iterator[int]:
    for run in found:
        if run not in plain:
            yield from (run.start, run.end)


def _said_after(text: str, run: Run, named: Sequence[Named]) -> Named | None:
    """A label of what is nobody's that follows its number: 6225…，是订单."""
    for one in named:
        if run.end < one.end <= run.end + 10 and one.topic is None:
            between = text[run.end : one.end]
            of_another = re.match(
                r"(?:号码?)?[是为：:，,\s]{0,3}[A-Za-z]{0,4}[0-9零一二三四五六七八九幺]",
                text[one.end :],
            )
            if not of_another and not begins(between):
                return one
    return None


def _numbers(text: str) -> Iterator[Run]:
    for run in runs(text):
        for part in parts(text, _with_x(text, run)):
            if len(part.digits) >= 3:
                yield part


def _with_x(text: str, run: Run) -> Run:
    letter = _X.match(text, run.end)
    size = len(run.digits)
    if letter is None or not (size >= 17 or 3 <= size <= 7):
        return run
    last = run.groups[-1]
    return joined([*run.groups[:-1], Run(last.start, letter.end(), last.digits + "X")])


def _is_tail(text: str, run: Run) -> bool:
    return any(word in text[max(0, run.start - 8) : run.start] for word in TAIL)


def _kind(turns: Sequence[Turn], said: _Said) -> Kind | None:
    text, run = turns[said.turn].text, said.run
    digits, count = run.digits, len(run.digits)
    if shaped := _by_shape(turns[said.turn], said):
        return shaped
    if said.nobodys or said.topic in (Kind.BIRTH, Kind.PLATE):
        return None
    kind = said.topic
    if kind is Kind.CODE and 3 <= count <= _LONGEST[Kind.CODE]:
        if _SHELF.fullmatch(text, run.start, run.end) or (
            said.labelled and _PICK_UP.search(text[: run.start])
        ):
            return None
        fits = not _counts(text, run) if said.alone else _bounded(text, run)
        return Kind.CODE if fits else None
    if _is_companys(turns[said.turn], run) or (kind in _PLAIN and _in_code(text, run)):
        return None
    if kind in (Kind.MOBILE, Kind.LANDLINE) and (
        _PUBLIC.fullmatch(digits) or _AREA_CODE.fullmatch(digits) or _is_draw(run)
    ):
        return None
    if kind is None:
        return _by_length(digits) if said.alone else None
    if kind is Kind.CODE:
        return None
    if count > _LONGEST.get(kind, 24):
        return _by_length(digits) or kind
    tail = _is_tail(text, run)
    if count < _SHORTEST.get(kind, 0) and not tail:
        return None
    led = _LEADS.search(text[max(0, run.start - 1) : run.start])
    if count >= 7 or tail or (said.alone and led):
        return kind if not _counts(text, run) else None
    return kind if _bounded(text, run) else None


def _by_shape(turn: Turn, said: _Said) -> Kind | None:
    """What the number is by its form or check digit, whatever is talked of.

    A label in the same turn counts against a form that much else has: landlines, which companies
    have too, and UnionPay's prefix without Luhn's check.
    """
    text, run = turn.text, said.run
    kind = shape(run.digits)
    labelled_other = said.labelled and said.topic is None
    if kind is None or kind is Kind.ID_NUMBER:
        return kind or (Kind.MOBILE if _is_foreign(text, run) else None)
    if kind is Kind.BANK_CARD:
        return None if labelled_other and not is_card(run.digits) else kind
    if said.topic not in (Kind.MOBILE, Kind.LANDLINE) and (
        _in_code(text, run) or _CODE_AFTER.match(text, run.end)
    ):
        return None
    if labelled_other and [len(group.digits) for group in run.groups] not in _GROUPED:
        return None
    if kind is Kind.LANDLINE and (labelled_other or _is_companys(turn, run)):
        return None
    return kind


def _is_draw(run: Run) -> bool:
    """Whether the groups are a lottery's: of two digits, each more than the one before."""
    drawn = [group.digits for group in run.groups]
    return (
        len(drawn) >= 5
        and all(len(n) == 2 and n <= "36" for n in drawn)
        and (drawn == sorted(set(drawn)))
    )


def _in_code(text: str, run: Run) -> bool:
    """Whether a number is part of a longer code, such as SF13800138000."""
    before = text[max(0, run.start - 12) : run.start]
    return bool(_CODE_BEFORE.search(before) or _SPELT_CODE.search(before))


def _is_foreign(text: str, run: Run) -> bool:
    """Whether the number is written as those of other countries: +1 415 555 2671."""
    return text[: run.start].endswith("+") and 8 <= len(run.digits) <= 15


def _is_companys(turn: Turn, run: Run) -> bool:
    """Whether a number is given as the company's."""
    before = turn.text[: run.start]
    if turn.role is Role.AGENT:
        return is_public(turn.text) and not _YOURS.search(before)
    return bool(_COMPANYS.search(before))


def _by_length(digits: str) -> Kind | None:
    """What a misheard number without announcement must be."""
    if re.match("1[3-9]", digits) and 10 <= len(digits) <= 12:
        return Kind.MOBILE
    if re.match("[1-9][0-9]{5}(?:19|20)", digits) and 17 <= len(digits) <= 19:
        return Kind.ID_NUMBER
    if re.fullmatch("[1-6][0-9]{5}[2-9][0-9](?:0[1-9]|1[0-2])[0-3][0-9]{4}", digits):
        return Kind.ID_NUMBER  # of 15 digits, as they were before 1999
    return Kind.BANK_CARD if re.match("62|4|5", digits) and 15 <= len(digits) <= 20 else None


def _counts(text: str, run: Run) -> bool:
    """Whether the number counts something."""
    if text[: run.start].endswith("第") and _ISSUE.match(text, run.end):
        return True
    if _MONEY.match(text, run.end) or _DECIMAL.fullmatch(text, run.start, run.end):
        return True
    if len(run.digits) >= 7:
        return False
    before = text[max(0, run.start - 8) : run.start]
    return bool(_UNIT.match(text, run.end) or _QUANTITY.search(before))


def _bounded(text: str, run: Run) -> bool:
    """Whether the number stands for itself in its sentence."""
    led = _LEADS.search(text[max(0, run.start - 1) : run.start])
    return bool(led and _TRAILS.match(text, run.end) and not _counts(text, run))


def _dictated(
    turns: Sequence[Turn], said: Sequence[_Said], items: dict[int, Kind], counting: Set[int]
) -> dict[int, Kind]:
    """Groups that one speaker says over several turns and that add up to a number."""
    found: dict[int, Kind] = {}
    for role in (Role.AGENT, Role.CUSTOMER, Role.UNKNOWN):
        group: list[int] = []
        for at, one in enumerate(said):
            if turns[one.turn].role is not role:
                continue
            if at in counting or _HOTLINE.fullmatch(one.run.digits):
                group = []
                continue
            near = group and one.turn - said[group[-1]].turn <= 3
            group = ([*group, at] if near else [at])[-_MOST_TURNS:] if one.alone else []
            for first in range(len(group) - 1):
                members = group[first:]
                kind = _by_parts(said, members, whole=first == 0)
                if kind and not set(members) & set(items):
                    found |= dict.fromkeys(members, kind)
                    break
    return found


def _carried_on(
    turns: Sequence[Turn], said: Sequence[_Said], items: dict[int, Kind]
) -> dict[int, Kind]:
    """Two halves of a number in turns that follow, the second asked for or announced as such."""
    found: dict[int, Kind] = {}
    for at, (one, other) in enumerate(pairwise(said)):
        if other.turn - one.turn != 1 or at in items or at + 1 in items:
            continue
        before = turns[other.turn].text[: other.run.start]
        if _ASKS_ON.match(turns[one.turn].text, one.run.end) or _GOES_ON.search(before):
            kind = shape(one.run.digits + other.run.digits)
            found |= dict.fromkeys((at, at + 1), kind) if kind else {}
    return found


def _by_parts(said: Sequence[_Said], members: Sequence[int], *, whole: bool) -> Kind | None:
    digits = "".join(said[at].run.digits for at in members)
    if kind := shape(digits):
        return kind
    nobodys = any(said[at].nobodys for at in members)
    return _by_length(digits) if whole and not nobodys else None


def _repeated(said: Sequence[_Said], items: dict[int, Kind], counting: Set[int]) -> dict[int, Kind]:
    """Other mentions of numbers found: the same digits, parts of them, or nearly the same.

    What counts something is none: 2026年 stands in many a number.
    """
    known = {said[at].run.digits: kind for at, kind in items.items()}
    nobodys = {one.run.digits for one in said if one.labelled and one.nobodys}
    found: dict[int, Kind] = {}
    for at, one in enumerate(said):
        if at in items or at in counting or one.run.digits in nobodys - set(known):
            continue
        for digits, kind in known.items():
            if _same(one.run.digits, digits):
                found[at] = kind
                break
    return found


def _same(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    if len(short) < 4:
        return False
    if short in long:
        return True
    return len(short) >= 6 and fuzz.ratio(one, other) >= 84
