"""Numbers that are customers' data: by their form, by what was asked for, and repeated back."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz

from audit.privacy.digits import Run, is_card, is_identity, is_landline, is_mobile, runs
from audit.privacy.items import Item, Kind
from audit.privacy.topics import TAIL, Topic, is_public, topics
from audit.text import spoken_characters
from audit.types import Role, Turn

_LASTS = 4
"""Turns for which a question stays open."""

_LONGEST = {Kind.CODE: 8, Kind.MOBILE: 13, Kind.LANDLINE: 13, Kind.ID_NUMBER: 20}
_UNIT = re.compile(
    r"[十百千万亿元块毛角钱年月点时秒天个次台件度兆升瓦匹寸岁层楼栋幢折%％][^这]|[十百千万亿元块毛]$|"
    r"分钟|小时|公斤|公里|单元|室|[号日][上下之前早晚的半]|号客服|号为您|M|G|兆|MB|[年月日天岁]$"
)
_QUANTITY = re.compile(r"[十百千万亿第]$")
_LEADS = re.compile(r"(?:^|[\s，。、：？！,.:?!是为号码记啊成位后到的个，嗯呢报见改卡四机话打])$")
_TRAILS = re.compile(r"[\s，。、？！,.?!这那的对吧吗是可啊呢了吗就没您请]|$")
_X = re.compile(r"[ ，,]?[Xx叉]")


@dataclass(frozen=True, slots=True)
class _Said:
    turn: int
    run: Run
    topic: Topic
    known: bool
    """Whether anything said what the number is."""
    alone: bool
    """Whether the turn is hardly more than the number."""


def find(turns: Sequence[Turn]) -> list[Item]:
    """Phone, identity and card numbers and codes in a call, in order."""
    said = _said(turns)
    items = {at: kind for at, one in enumerate(said) if (kind := _kind(turns, one))}
    items |= _dictated(turns, said, items)
    for _ in range(2):  # what was repeated may be repeated again
        items |= _repeated(said, items)
    return [
        Item(said[at].turn, said[at].run.start, said[at].run.end, kind)
        for at, kind in sorted(items.items())
    ]


def _said(turns: Sequence[Turn]) -> list[_Said]:
    found: list[_Said] = []
    topic: Topic = None
    known, since = False, 0
    for index, turn in enumerate(turns):
        named = topics(turn.text)
        found_here = [_with_x(turn.text, run) for run in runs(turn.text)]
        digits = sum(len(run.digits) for run in found_here)
        alone = digits > 0 and digits >= 0.5 * spoken_characters(turn.text)
        since += 1
        if since > _LASTS:
            known = False
        for run in found_here:
            before = [kind for end, kind in named if end <= run.start + 1]
            if before:
                topic, known = before[-1], True
            if known:
                since = 0
            found.append(_Said(index, run, topic if known else None, known, alone))
        if named:
            topic, known, since = named[-1][1], True, 0
    return found


def _with_x(text: str, run: Run) -> Run:
    letter = _X.match(text, run.end)
    if letter is None or not (len(run.digits) == 17 or 3 <= len(run.digits) <= 7):
        return run
    return Run(run.start, letter.end(), run.digits + "X")


def _kind(turns: Sequence[Turn], said: _Said) -> Kind | None:
    text, run = turns[said.turn].text, said.run
    digits, count = run.digits, len(run.digits)
    nobody = said.known and said.topic is None
    if is_identity(digits):
        return Kind.ID_NUMBER
    if nobody or said.topic in (Kind.BIRTH, Kind.PLATE):
        return None
    if said.topic is Kind.CODE and 3 <= count <= _LONGEST[Kind.CODE]:
        return Kind.CODE if said.alone or _bounded(text, run) else None
    if turns[said.turn].role is Role.AGENT and is_public(text):
        return None
    if is_card(digits):
        return Kind.BANK_CARD
    if is_mobile(digits):
        return Kind.MOBILE
    if is_landline(digits) and said.topic in (None, Kind.MOBILE, Kind.LANDLINE):
        return Kind.LANDLINE
    if digits.startswith(("400", "800", "95", "100")) and said.topic is Kind.MOBILE:
        return None
    kind = said.topic
    if kind is None:
        return _by_length(digits) if said.alone else None
    if kind is Kind.CODE:
        return None
    if count > _LONGEST.get(kind, 24):
        return _by_length(digits) or kind
    tail = any(word in text[max(0, run.start - 8) : run.start] for word in TAIL)
    if count >= 7 or tail or said.alone:
        return kind if not _counts(text, run) else None
    return kind if _bounded(text, run) else None


def _by_length(digits: str) -> Kind | None:
    """What a misheard number without announcement must be."""
    if re.match("1[3-9]", digits) and 10 <= len(digits) <= 12:
        return Kind.MOBILE
    if re.match("[1-8][0-9]{5}(?:19|20)", digits) and 17 <= len(digits) <= 19:
        return Kind.ID_NUMBER
    return Kind.BANK_CARD if re.match("62|4|5", digits) and 15 <= len(digits) <= 20 else None


def _counts(text: str, run: Run) -> bool:
    """Whether the number counts something."""
    if len(run.digits) >= 7:
        return False
    return bool(_UNIT.match(text, run.end) or _QUANTITY.search(text[: run.start]))


def _bounded(text: str, run: Run) -> bool:
    """Whether the number stands for itself in its sentence."""
    led = _LEADS.search(text[max(0, run.start - 1) : run.start])
    return bool(led and _TRAILS.match(text, run.end) and not _counts(text, run))


def _dictated(
    turns: Sequence[Turn], said: Sequence[_Said], items: dict[int, Kind]
) -> dict[int, Kind]:
    """Groups that one speaker says over several turns and that add up to a number."""
    found: dict[int, Kind] = {}
    for role in (Role.AGENT, Role.CUSTOMER, Role.UNKNOWN):
        group: list[int] = []
        for at, one in enumerate(said):
            if turns[one.turn].role is not role:
                continue
            near = group and one.turn - said[group[-1]].turn <= 3
            if not one.alone or (one.known and one.topic is None):
                group = []
                continue
            group = [*group, at] if near else [at]
            joined = "".join(said[i].run.digits for i in group)
            kind = _by_length(joined) if len(group) > 1 else None
            if kind and not set(group) & set(items):
                found |= dict.fromkeys(group, kind)
    return found


def _repeated(said: Sequence[_Said], items: dict[int, Kind]) -> dict[int, Kind]:
    """Other mentions of numbers found: the same digits, parts of them, or nearly the same."""
    known = {said[at].run.digits: kind for at, kind in items.items()}
    found: dict[int, Kind] = {}
    for at, one in enumerate(said):
        if at in items:
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
