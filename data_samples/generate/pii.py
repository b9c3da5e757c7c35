"""Generates labelled dialogues from frames: ``python -m data_samples.generate.pii``.

A frame's slots are filled with invented values as they are spoken, and their positions recorded. A
third of the dialogues has ASR noise: homophones in digits, names and key words, hesitations, digits
as numerals, and lost or doubled digits in what the agent repeats.
"""

from __future__ import annotations

import json
import random
import re
from pathlib import Path

from audit.language.surnames import SURNAMES

_HERE = Path(__file__).parents[1] / "privacy"
VARIANTS = 3
"""Dialogues generated from each frame; the last one has ASR noise."""

_SLOT = re.compile(r"\{(!?)([a-z]+)(2?)(?:\[(-?\d*):(-?\d*)\])?\}")
_ENTITY_TYPES = {
    "mobile": "mobile",
    "land": "landline",
    "id": "id_number",
    "card": "bank_card",
    "code": "code",
    "plate": "plate",
    "mail": "email",
    "addr": "address",
    "estate": "address",
    "house": "address",
    "sur": "name",
    "name": "name",
    "spell": "name",
    "dob": "birth",
}
_HAN_DIGITS = "零一二三四五六七八九"
_GIVEN_NAME_CHARACTERS = list(
    "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超霞平刚桂英建国志华玉兰小红海燕雪梅文博子涵雨欣浩宇"
)
_SPELLED_SURNAMES = {
    "张": "弓长张",
    "李": "木子李",
    "陈": "耳东陈",
    "吴": "口天吴",
    "许": "言午许",
    "黄": "草头黄",
    "章": "立早章",
    "胡": "古月胡",
}
_ROADS = ("解放", "建设", "和平", "中山", "长江", "学府", "桃园", "文昌", "新华", "北环")
_ESTATES = (
    "阳光花园",
    "金色家园",
    "龙湖小区",
    "万科公寓",
    "翠竹苑",
    "锦绣华庭",
    "东湖新村",
    "滨江壹号",
)
_CITIES = ("南京市", "成都", "深圳市", "武汉", "西安市", "杭州市", "青岛", "广州市")
_AREAS = ("鼓楼区", "高新区", "福田区", "武侯区", "江岸区", "滨江区", "崂山区", "天河区")
_PLATES = "京沪粤苏浙川鄂鲁湘豫冀闽"
_MISRECOGNIZED = {  # ASR errors for a digit or a name's character
    "一": "衣医",
    "幺": "要腰",
    "二": "而儿",
    "三": "山",
    "四": "是事",
    "五": "我无",
    "六": "留",
    "七": "期",
    "八": "吧把",
    "九": "就久",
    "零": "林灵",
    "张": "章",
    "章": "张",
    "陆": "路",
    "王": "汪",
    "余": "鱼",
    "程": "成",
    "徐": "许",
    "周": "州",
    "杨": "羊",
    "石": "时",
    "方": "芳",
    "丽": "莉",
    "伟": "为",
    "静": "净",
    "明": "名",
}
_MISRECOGNIZED_WORDS = {
    "身份证": "身分证",
    "手机号": "手机好",
    "工号": "公号",
    "机主": "基主",
    "验证码": "验证马",
    "车牌": "车排",
    "邮箱": "油箱",
    "卡号": "卡好",
    "生日": "升日",
    "座机": "坐机",
    "电话": "店话",
}


def _check_digit(seventeen: str) -> str:
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return "10X98765432"[sum(int(d) * w for d, w in zip(seventeen, weights, strict=True)) % 11]


def _luhn(body: str) -> str:
    total = 0
    for place, character in enumerate(reversed(body)):
        value = int(character) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return body + str(-total % 10)


class Values:
    """The invented values of one dialogue, each sampled once."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._values: dict[str, str] = {}

    def __getitem__(self, name: str) -> str:
        if name not in self._values:
            self._values[name] = getattr(self, "_" + name.rstrip("2"))()
        return self._values[name]

    def _digits(self, count: int) -> str:
        return "".join(self._dice.choice("0123456789") for _ in range(count))

    def _mobile(self) -> str:
        return "1" + self._dice.choice(("30", "38", "59", "77", "86", "99", "51")) + self._digits(8)

    def _land(self) -> str:
        area = self._dice.choice(("0755", "0571", "0532", "0731"))
        return area + self._dice.choice("2368") + self._digits(7)

    def _id(self) -> str:
        area = self._dice.choice(("110105", "320102", "440304", "510107", "330106"))
        born = f"{self._dice.randint(1950, 2004)}{self._dice.randint(1, 12):02}"
        body = f"{area}{born}{self._dice.randint(1, 28):02}{self._digits(3)}"
        return body + _check_digit(body)

    def _card(self) -> str:
        return _luhn(self._dice.choice(("622202", "621700", "622848")) + self._digits(12))

    def _code(self) -> str:
        return self._digits(6)

    def _plate(self) -> str:
        letters = "ABCDEFGH"
        tail = self._dice.choice(letters) + self._digits(4)
        return self._dice.choice(_PLATES) + self._dice.choice(letters) + tail

    def _mail(self) -> str:
        user = self._dice.choice(("zhangwei", "lily", "wang_li", "hello", "chen")) + self._digits(2)
        return user + "@" + self._dice.choice(("163.com", "qq.com", "126.com", "yunfan.com.cn"))

    def _sur(self) -> str:
        return self["name"][0] if "name" in self._values else self._dice.choice(SURNAMES[:90])

    def _name(self) -> str:
        surname = self["sur"] if "sur" in self._values else self._dice.choice(SURNAMES[:90])
        return surname + "".join(
            self._dice.sample(_GIVEN_NAME_CHARACTERS, self._dice.choice((1, 2, 2)))
        )

    def _spell(self) -> str:
        self._values["name"] = self._values.get("name", "张丽")
        return _SPELLED_SURNAMES.get(self["name"][0], self["name"][0] + "姓的" + self["name"][0])

    def _dob(self) -> str:
        year = str(self._dice.randint(1950, 2004))
        if self._dice.random() < 0.3:
            year = year[2:]
        return (
            f"{year}年{self._dice.randint(1, 12)}月{self._dice.randint(1, 28)}"
            + self._dice.choice("日号")
        )

    def _house(self) -> str:
        d = self._dice
        building = f"{d.randint(1, 28)}{d.choice(('号楼', '栋', '幢'))}{d.randint(1, 6)}单元"
        return f"{building}{d.randint(1, 32)}0{d.randint(1, 6)}{d.choice(('', '室'))}"

    def _estate(self) -> str:
        return self._dice.choice(_ESTATES)

    def _addr(self) -> str:
        d = self._dice
        road = f"{d.choice(_ROADS)}{d.choice(('路', '街', '大道'))}{d.randint(2, 380)}号"
        where = d.choice((d.choice(_CITIES) + d.choice(_AREAS), d.choice(_AREAS), ""))
        return where + d.choice(
            (road, road + self["estate"] + self["house"], self["estate"] + self["house"])
        )

    def _order(self) -> str:
        return self._dice.choice(("", "20261116", "SF")) + self._digits(
            self._dice.choice((8, 10, 12))
        )

    def _job(self) -> str:
        return self._digits(4)

    def _serial(self) -> str:
        return self._digits(self._dice.choice((8, 11, 13)))


def _numeral(number: int) -> str:
    if number < 10:
        return _HAN_DIGITS[number]
    if number < 100:
        tens = "" if number < 20 else _HAN_DIGITS[number // 10]
        return tens + "十" + (_HAN_DIGITS[number % 10] if number % 10 else "")
    rest = number % 100
    if not rest:
        return _HAN_DIGITS[number // 100] + "百"
    between = "零" if rest < 10 else ("一" if rest < 20 else "")
    return _HAN_DIGITS[number // 100] + "百" + between + _numeral(rest)


def spoken(entity_type: str, value: str, dice: random.Random, *, noisy: bool) -> str:
    """A value as it is spoken and transcribed."""
    if entity_type == "email":
        form = dice.random()
        if form < 0.4:
            return value
        value = value.replace("@", dice.choice(("艾特", "at", "艾特"))).replace(".", "点")
        return re.sub(r"\d", lambda m: _HAN_DIGITS[int(m[0])], value) if form < 0.7 else value
    if entity_type in ("address", "birth"):
        if dice.random() < 0.4:
            return value
        value = re.sub(
            r"\d{4}(?=年)|\d{2}(?=年)", lambda m: "".join(_HAN_DIGITS[int(d)] for d in m[0]), value
        )
        value = re.sub(
            r"\d+",
            lambda m: (
                "".join(_HAN_DIGITS[int(d)] for d in m[0])
                if len(m[0]) >= 3 and (m.end() == len(value) or value[m.end()] == "室")
                else _numeral(int(m[0]))
            ),
            value,
        )
        return value
    if entity_type == "name":
        return value
    style = dice.random()
    if style < (0.5 if noisy else 0.35):
        said = value
        if len(value) == 11 and dice.random() < 0.4:
            said = dice.choice((" ", "-", "")).join((value[:3], value[3:7], value[7:]))
        return said
    one = "一" if style < 0.55 else "幺"
    digits = [one if d == "1" else _HAN_DIGITS[int(d)] if d.isdecimal() else d for d in value]
    if "0" in value and dice.random() < 0.1:
        digits = ["洞" if d == "零" else d for d in digits]
    if len(digits) < 6:
        return "".join(digits)
    size = dice.choice((3, 4))
    glue = dice.choice(("", "，", "", " "))
    groups = ["".join(digits[i : i + size]) for i in range(0, len(digits), size)]
    return glue.join(groups)


def with_asr_errors(text: str, entity_type: str, dice: random.Random, *, by_agent: bool) -> str:
    """A spoken value with simulated ASR errors."""
    if entity_type in ("email", "address", "birth"):
        return text
    if entity_type == "name":
        at = dice.randrange(len(text))
        return text[:at] + dice.choice(_MISRECOGNIZED.get(text[at], text[at])) + text[at + 1 :]
    if len(text) < 5:
        return text
    for _ in range(dice.choice((1, 1, 2))):
        at = dice.randrange(1, len(text) - 1)
        before, character, after = text[:at], text[at], text[at + 1 :]
        what = dice.random()
        if what < 0.4 and character in _MISRECOGNIZED:
            character = dice.choice(_MISRECOGNIZED[character])
        elif what < 0.65:
            character = dice.choice(("，嗯，", "，那个", "，呃", "。")) + character
        elif what < 0.8 and by_agent and len(text) > 9:
            character = dice.choice(("", character + character))
        text = before + character + after
    return text


def dialogue(name: str, frame: str, dice: random.Random, *, noisy: bool) -> dict[str, object]:
    """One dialogue of a frame, with the positions of PII in it."""
    values, turns, entities = Values(dice), [], []
    agent_name = "周涛" if "周涛" in frame else "高峰" if "高峰" in frame else "林静"
    for index, line in enumerate(frame.splitlines()):
        role, _, script = line.partition(" ")
        text, position = "", 0
        for match in _SLOT.finditer(script):
            text += _script_text(script[position : match.start()], dice, noisy=noisy)
            position = match.end()
            value = values[match[2] + match[3]]
            if match[4] is not None:
                value = value[int(match[4] or 0) : int(match[5]) if match[5] else None]
            entity_type = _ENTITY_TYPES.get(match[2], match[2])
            said = spoken(entity_type, value, dice, noisy=noisy)
            if noisy and dice.random() < 0.6:
                said = with_asr_errors(said, entity_type, dice, by_agent=role == "A")
            if not match[1]:
                span = {"turn": index, "start": len(text), "end": len(text) + len(said)}
                entities.append({**span, "kind": entity_type})
            text += said
        text += _script_text(script[position:], dice, noisy=noisy)
        turns.append({"role": "agent" if role == "A" else "customer", "text": text})
    return {
        "call_id": name,
        "agent_id": "2001",
        "agent_name": agent_name,
        "noise": noisy,
        "turns": turns,
        "private": entities,
    }


def _script_text(text: str, dice: random.Random, *, noisy: bool) -> str:
    for word, misrecognized in _MISRECOGNIZED_WORDS.items() if noisy else ():
        if word in text and dice.random() < 0.35:
            text = text.replace(word, misrecognized, 1)
    return text


def main() -> None:
    """Write both sets again."""
    for half, seed in (("tuning", 9), ("held_out", 90)):
        frames = (_HERE / f"{half}.txt").read_text("utf-8").strip().split("\n\n")
        lines = []
        for number, frame in enumerate(frames, start=1):
            for variant in range(VARIANTS):
                dice = random.Random(f"{seed}/{number}/{variant}")
                made = dialogue(
                    f"{half[0]}{number:02}{'abc'[variant]}",
                    frame,
                    dice,
                    noisy=variant == VARIANTS - 1,
                )
                lines.append(json.dumps(made, ensure_ascii=False) + "\n")
        (_HERE / f"{half}.jsonl").write_text("".join(lines), "utf-8")


if __name__ == "__main__":
    main()
