"""What surrounds a number: a unit, an amount, a longer code, the company's own number."""

from __future__ import annotations

import re

from audit.privacy.digits import Run
from audit.privacy.topics import TAIL_CUES, is_public
from audit.types import Role, Turn

_UNIT_AFTER = re.compile(
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
"""What precedes an amount or a meter reading."""
_DECIMAL = re.compile(
    r"[0-9]{1,8}\.[0-9]{1,2}|[0-9]{1,3}\.[0-9]{1,4}|[0-9]{1,3}/[0-9]{1,3}(?:/[0-9]{1,3})?"
)
_BOUNDARY_BEFORE = re.compile(
    r"(?:^|[\s，。、：？！,.:?!是为号码记啊成位后到的个，嗯呢报见改卡四机话打])$"
)
_BOUNDARY_AFTER = re.compile(r"[\s，。、？！,.?!这那的对吧吗是可啊呢了吗就没您请]|$")
_CODE_BEFORE = re.compile(r"(?<![A-Za-z])(?!(?:tel|phone|mobile|qq|wx|vx|v|no)$)[A-Za-z]+-?$", re.I)
_SPELT_CODE = re.compile(r"(?<![A-Za-z])[A-Za-z](?:[\s-]?[A-Za-z]){1,5}[\s-]?$")
"""Letters of a longer code, spelled out."""
_ISSUE = re.compile("[期届]")
"""An issue of a lottery or a newspaper: 第2026132期."""
_CUSTOMER_OWNED = re.compile("[您你](?:的|家|办公|单位|留|预留|登记)[^，。]{0,8}$")
_COMPANY_OWNED = re.compile("(?:你们|贵公司|贵司|你公司)[^，。]{0,6}$")


def is_tail(text: str, run: Run) -> bool:
    """Whether the number is announced as the end of one: 尾号."""
    return any(word in text[max(0, run.start - 8) : run.start] for word in TAIL_CUES)


def is_lottery_draw(run: Run) -> bool:
    """Whether the groups are a lottery's: of two digits, each larger than the one before."""
    groups = [group.digits for group in run.groups]
    return (
        len(groups) >= 5
        and all(len(n) == 2 and n <= "36" for n in groups)
        and (groups == sorted(set(groups)))
    )


def is_in_code(text: str, run: Run) -> bool:
    """Whether a number is part of a longer code, such as SF13800138000."""
    before = text[max(0, run.start - 12) : run.start]
    return bool(_CODE_BEFORE.search(before) or _SPELT_CODE.search(before))


def is_international(text: str, run: Run) -> bool:
    """Whether the number is written as those of other countries: +1 415 555 2671."""
    return text[: run.start].endswith("+") and 8 <= len(run.digits) <= 15


def is_company_number(turn: Turn, run: Run) -> bool:
    """Whether a number is given as the company's own."""
    before = turn.text[: run.start]
    if turn.role is Role.AGENT:
        return is_public(turn.text) and not _CUSTOMER_OWNED.search(before)
    return bool(_COMPANY_OWNED.search(before))


def is_quantity(text: str, run: Run) -> bool:
    """Whether the number is an amount, a measure or a count."""
    if text[: run.start].endswith("第") and _ISSUE.match(text, run.end):
        return True
    if _MONEY.match(text, run.end) or _DECIMAL.fullmatch(text, run.start, run.end):
        return True
    if len(run.digits) >= 7:
        return False
    before = text[max(0, run.start - 8) : run.start]
    return bool(_UNIT_AFTER.match(text, run.end) or _QUANTITY.search(before))


def is_bounded(text: str, run: Run) -> bool:
    """Whether the number is separate from the words around it."""
    bounded = begins_after_boundary(text, run) and _BOUNDARY_AFTER.match(text, run.end)
    return bool(bounded and not is_quantity(text, run))


def begins_after_boundary(text: str, run: Run) -> bool:
    """Whether the number is separate from the word before it."""
    return _BOUNDARY_BEFORE.search(text[max(0, run.start - 1) : run.start]) is not None
