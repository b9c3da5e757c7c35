"""Names after an unmistakable cue or in an answer, in transcripts without punctuation.

The cue marks where a name begins; the next field of a form, or a word such as 的, where it ends.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from audit.language.surnames import DOUBLE_SURNAMES, EVERYDAY_SURNAMES, RARE_SURNAMES, SURNAMES
from audit.privacy.name_words import (
    FOREIGN,
    FUNCTION,
    HAN,
    NOT_A_BARE_NAME,
    NOT_A_NAME,
    TITLES,
    UNMISTAKABLE,
)

_FORM_FIELD = (
    "户名|姓名|收件人|收货人|寄件人|取件人|联系人|入住人|预订人|预定人|乘车人|乘机人|乘客|旅客|法人(?:代表)?|"
    "投保人|被保险?人|受益人|开户人|持卡人|收款人|付款人|汇款人|机主|户主|车主|业主|申请人|借款人|担保人|监护人|"
    "参保人|就诊人|患者|病人|下单人|经办人|委托人|承租人|登记人"
)
_KIN = (
    "(?:老[公婆汉妈]|爱人|媳妇|丈夫|妻子|爸爸|妈妈|父亲|母亲|外[公婆]|爷爷|奶奶|姥姥|姥爷|公公|婆婆|岳父|岳母|"
    "娃[儿娃]?|儿子|女儿|女婿|孩子|小孩|孙[子女]|哥哥|姐姐|弟弟|妹妹|表[哥姐弟妹]|堂[哥姐弟妹]|[叔姨姑舅婶]{2}|侄[儿子女]|"
    "[先太爸妈哥姐弟妹叔姨姑舅婶](?<=[我他她].)(?:(?<=先)生|(?<=太)太)?)"
)
_OWNER_CUE = re.compile(rf"({_FORM_FIELD})|{_KIN}")
"""Fields and relatives that a name may follow, with or without a verb.

After a relative and a verb, a description may follow instead: 我老婆是孕妇."""
_IS_VERB = re.compile(
    r"(?:的?(?:姓名|名字))?(?:登记|预留|留|填|写|开户)?的?(?:就?是|叫做?|为|(?<=[填写])(?:的?是)?|[：:])"
    rf"(?:[我他她](?:屋头|家里?)?的?{_KIN})?(?:嗯|呃|啊|那个|\s){{0,2}}"
)
"""Verbs between such a cue and the name."""
_CALLED = re.compile(
    rf"(?:^叫|叫(?<=[我他她的是字]叫)做?|叫(?<=姓{HAN}叫)|叫(?<=姓{HAN}{{2}}叫)|[全真本]名(?:就?是|叫)?)"
    r"(?:嗯|呃|啊|那个|\s){0,2}"
)
_ANSWERS = re.compile(r"(?:嗯|呃|啊|哦|是|就是|叫|我叫|我|找|写的?是?|名字是?|[，,、\s]){0,4}")
_FIELD = (
    "账?卡号|银行卡|账[号户]|手机|电话|店话|号码|座机|微信|[Qq][Qq]|邮箱|身[份分]|证件|证号|护照|金额|地址|生日|出生|"
    "车牌|住院号|床号|就诊|病历|订单|单号|房子|房号|门牌|投保|登记|年龄|今年|性别"
)
_DATA = re.compile(rf"{_FIELD}|[0-9]|[零一二三四五六七八九幺洞拐两]{{3}}")
_ETHNICITY = (
    "(?:[汉藏彝苗回满壮羌侗瑶白傣黎畲水]|蒙古|朝鲜|土家|布依|哈萨克|维吾尔)族|(?:韩国|日本|越南|泰国|缅甸|朝鲜|美国|英国|"
    "俄罗斯|西藏|新疆|青海|内蒙古?|凉山|甘孜|阿坝|云南|贵州|四川|广西|香港|澳门|台湾)[人那来的]"
)
_ORIGIN = re.compile(rf"{_ETHNICITY}|没[得有]姓|两个字")
_HAN_RUN = re.compile(f"{HAN}{{2,}}")
_NAME_END = re.compile(
    rf"{_DATA.pattern}|{_ORIGIN.pattern}|{TITLES}|的|吗|吧|啊|呢|哈|嘛|对[吗不吧的]|是吗|是不是|本人|收(?:$|[，。])|"
    "没得|没有|打|就是|[男女](?:的|性|$)|是?[我他她]|住|[这那]个"
)
_NOT_NAME_START = re.compile(
    rf"(?:和|与|及|或|跟|把|被|修|办|退|补|取|拿|装|问|送|还|又|再|从|会|去|来|要|想|给|帮|让|请|说|写|改|换|变|查|填|错|自己|本人|"
    rf"信息|资料|名字|姓名|谁|哪|咋|啷|怎|在|不|公司|物业|{_FIELD}|{_FORM_FIELD}|{_KIN})"
)
"""Names do not begin with these."""
_NOT_PERSONAL = re.compile("[车卖人员递店门饭票床钟号位户号牌]$|外卖|快递|公司|银行|师傅|客服")
_LATIN_NAME = (
    r"[A-Z][A-Za-z]*(?:['’][A-Z]?[a-z]+)?(?:[ .\-][A-Z][A-Za-z]*(?:['’][A-Z]?[a-z]+)?){1,4}"
)
_LATIN = re.compile(rf"[：:，,\s]?({_LATIN_NAME})(?![A-Za-z0-9])")
_LATIN_ANSWER = re.compile(rf"(?:嗯|呃|我|是|叫|，|,|\s)*({_LATIN_NAME})(?![A-Za-z0-9])")
_REPEATED_NAME = re.compile(rf"(?<!{HAN})({HAN}{{2,4}})[，,\s]?(\1)(?!{HAN})")
_STAFF = re.compile(
    "(?:师傅|师父|客服|经理|主管|同事|业务员|快递员|配送员|骑手|小哥|工程师|专员|店[长员]|站长|坐席|"
    "维修[工员]|安装[工员]|装维|柜员|调解员|物业|管家|司机)(?:他|她|就?是|说)?$"
)
_YI_CHARACTERS = "俄且支惹呷嫫牛伍作各"
"""Common in Yi names; too common elsewhere to count unless a field of the form follows."""
_AMBIGUOUS_FUNCTION_WORD = re.compile("可(?![以能是])")
"""A function word that is also used in names."""
_ALL_SURNAMES = SURNAMES + RARE_SURNAMES + EVERYDAY_SURNAMES
_TITLED = re.compile(rf"({DOUBLE_SURNAMES}|[{_ALL_SURNAMES}])(?={TITLES})")


def is_of_staff(text: str, at: int) -> bool:
    """Whether the text before a character refers to staff: 装维师傅姓刘."""
    return bool(_STAFF.search(text, max(0, at - 6), at))


def find(text: str, *, asked: bool) -> Iterator[tuple[int, int]]:
    """Names that follow a cue, and answers to a question for a name where one was ``asked``."""
    cues = [(cue.end(), True) for cue in _CALLED.finditer(text)]
    for hint in _OWNER_CUE.finditer(text):
        verb = _IS_VERB.match(text, hint.end())
        is_kin = verb is not None and hint[1] is None and "叫" not in verb[0]
        cues.append((verb.end(), not is_kin) if verb else (hint.end(), False))
    for at, is_certain in cues:
        yield from _span(text, at, is_certain=is_certain)
        if titled := _TITLED.match(text, at):
            yield titled.span(1)
        if latin := _LATIN.match(text, at):
            yield latin.span(1)
    if asked:
        lead = _ANSWERS.match(text)
        yield from _span(text, lead.end() if lead else 0, is_certain=True)
        if latin := _LATIN_ANSWER.match(text):
            yield latin.span(1)
        for twice in _REPEATED_NAME.finditer(text):
            if _surname(twice[1]) and not _is_not_a_name(twice[1]):
                yield twice.span(1)
                yield twice.span(2)


def _span(text: str, at: int, *, is_certain: bool) -> Iterator[tuple[int, int]]:
    end = _end(text, at, is_certain=is_certain)
    if end:
        yield at, end


def _end(text: str, at: int, *, is_certain: bool) -> int | None:
    """Where the name that begins at a character ends; None if it is not a name."""
    run = _HAN_RUN.match(text, at)
    if run is None or _NOT_NAME_START.match(text, at):
        return None
    explained = at + len(_surname(text[at : at + 4])) + 2
    if (
        is_certain
        and text[at] in UNMISTAKABLE
        and f"个{text[at]}" in text[explained : explained + 8]
    ):
        return min(explained, run.end())
    for end in range(at + 2, min(run.end(), at + 6) + 1):
        field = bool(_DATA.match(text, end) or _ORIGIN.match(text, end))
        is_repeated = end - at > 2 and text[end : end + 1] == text[at]  # 芈子墨芈月那个芈
        if end == run.end() or field or is_repeated or _NAME_END.match(text, end):
            name = text[at:end]
            surnamed = is_certain and field and len(name) == 3 and name[0] in SURNAMES
            if NOT_A_NAME.search(name) or (not surnamed and _is_not_a_name(name)):
                continue
            return end if _is_plausible_name(name, is_certain=is_certain, field=field) else None
    return None


def _surname(name: str) -> str:
    """The surname that a name begins with, if any."""
    double = re.match(DOUBLE_SURNAMES, name)
    if double:
        return double[0]
    return name[0] if name[0] in _ALL_SURNAMES else ""


def _is_not_a_name(name: str) -> bool:
    return bool(
        NOT_A_NAME.search(name) or NOT_A_BARE_NAME.search(name) or _NOT_PERSONAL.search(name)
    )


def _is_plausible_name(name: str, *, is_certain: bool, field: bool) -> bool:
    """Whether characters between a cue and a boundary are a name.

    Args:
        name: two to six characters.
        is_certain: the cue is followed by a name and little else.
        field: the next word of a form, or a number, follows.
    """
    surname, given = _surname(name), name[len(_surname(name)) :]
    if len(surname) > 1:
        return len(given) in (1, 2, 3) and (is_certain or field or not FUNCTION.search(given))
    unusual = sum(
        character not in FOREIGN and not (field and character in _YI_CHARACTERS)
        for character in name
    )
    if len(name) >= 3 and unusual <= (len(name) >= 4 and field) and (is_certain or len(name) > 3):
        return not FUNCTION.search(name) or field
    if not unusual and is_certain and field and not FUNCTION.search(name):
        return True
    if not surname:
        return is_certain and field and len(name) == 3 and not FUNCTION.search(name)
    if len(name) == 4:
        return is_certain and name[1] in SURNAMES and not FUNCTION.search(name)
    if len(name) > 4:
        return False
    if FUNCTION.search(_AMBIGUOUS_FUNCTION_WORD.sub("", given) if is_certain else given):
        return is_certain and field and len(name) == 3 and name[0] in SURNAMES
    if name[0] in EVERYDAY_SURNAMES:
        return (is_certain or field) and len(name) == 3
    return is_certain or (field and len(name) == 3)
