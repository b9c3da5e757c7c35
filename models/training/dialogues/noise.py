"""ASR noise for dialogues: misrecognized, without punctuation, split, merged, roles swapped."""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path

from audit.types import Role, Span, Stage, Turn

Said = tuple[Stage, Role, str]

_OTHER = {Role.AGENT: Role.CUSTOMER, Role.CUSTOMER: Role.AGENT, Role.UNKNOWN: Role.UNKNOWN}
_BACKCHANNELS = ("嗯", "哦", "好", "对", "嗯嗯", "啊", "是", "好的")
_HAN = re.compile(r"[\u4e00-\u9fff]")
_CHARACTERS_A_SECOND = 4.6


def with_asr_noise(said: Sequence[Said], chance: random.Random) -> tuple[Turn, ...]:
    """A call as ASR may transcribe it; it has at least one turn."""
    turns = list(said)
    if chance.random() < 0.25:
        turns = _listened(turns, chance)
    if chance.random() < 0.4:
        turns = _split(turns, chance)
    if chance.random() < 0.4:
        turns = _merged(turns, chance, across=chance.random() < 0.25)
    if chance.random() < 0.05 and len(turns) > 6:
        turns = turns[chance.randrange(1, len(turns) // 2) :]
    if chance.random() < 0.06 and len(turns) > 6:
        turns = turns[: chance.randrange(len(turns) // 2, len(turns))]
    roles = [role for _, role, _ in turns]
    kind = chance.random()
    if kind < 0.2:
        roles = [Role.UNKNOWN] * len(turns)
    elif kind < 0.3:
        roles = [_OTHER[role] if chance.random() < 0.08 else role for role in roles]
    elif kind < 0.34:
        roles = [Role.UNKNOWN if chance.random() < 0.3 else role for role in roles]
    wrong = chance.choice((0.0, 0.0, 0.02, 0.06))
    bare = chance.random() < 0.35
    timed = chance.random() < 0.55
    made, now_s = [], chance.uniform(0.2, 3.0)
    for number, ((stage, _, text), role) in enumerate(zip(turns, roles, strict=True)):
        text = _misrecognized(text, wrong, chance)
        text = (
            re.sub("[，。？！、]", "", text)
            if bare
            else text + chance.choice(("", "。", "，", "？"))
        )
        if chance.random() < 0.004:
            text = ""
        start_s = round(max(0.0, now_s), 3)
        end_s = round(start_s + 0.3 + len(text) / _CHARACTERS_A_SECOND, 3)
        now_s = end_s + max(-0.4, chance.gauss(0.6, 0.4))
        if stage is Stage.HANDLING and chance.random() < 0.05:
            now_s += chance.uniform(3, 40)
        if not timed:
            made.append(Turn(number, role, text, stage=stage))
            continue
        speech = (Span(start_s, end_s),)
        made.append(
            Turn(number, role, text, start_s=start_s, end_s=end_s, speech=speech, stage=stage)
        )
    return tuple(made)


def _listened(turns: Sequence[Said], chance: random.Random) -> list[Said]:
    made: list[Said] = []
    for stage, role, text in turns:
        made.append((stage, role, text))
        if len(text) > 8 and chance.random() < 0.2:
            made.append((stage, _OTHER[role], chance.choice(_BACKCHANNELS)))
    return made


def _split(turns: Sequence[Said], chance: random.Random) -> list[Said]:
    made: list[Said] = []
    for stage, role, text in turns:
        marks = [i for i, character in enumerate(text) if character == "，"]
        if marks and chance.random() < 0.3:
            at = chance.choice(marks)
            made += [(stage, role, text[:at]), (stage, role, text[at + 1 :])]
        else:
            made.append((stage, role, text))
    return made


def _merged(turns: Sequence[Said], chance: random.Random, *, across: bool) -> list[Said]:
    """Merge neighbouring turns: often those of one speaker, those of two only if ``across``.

    The merged turn has the stage of most of its words.
    """
    made: list[Said] = []
    for stage, role, text in turns:
        own = bool(made) and made[-1][1] is role
        if made and chance.random() < (0.5 if own else 0.06 if across else 0.0):
            before = made[-1]
            longer = before[0] if len(before[2]) >= len(text) else stage
            made[-1] = (longer, before[1], f"{before[2]}，{text}")
        else:
            made.append((stage, role, text))
    return made


def _misrecognized(text: str, share: float, chance: random.Random) -> str:
    if not share:
        return text
    made = ""
    for character in text:
        draw = chance.random()
        if draw < share and _HAN.match(character):
            made += chance.choice(_homophones().get(_sound(character), (character,)))
        elif draw > share / 4 + share:
            made += character
        else:
            made += ""
    return made


@cache
def _homophones() -> dict[str, tuple[str, ...]]:
    """Characters of the stock by their sound."""
    stock = (Path(__file__).parent / "stock.txt").read_text("utf-8")
    sounding = defaultdict(list)
    for character in sorted(set(_HAN.findall(stock))):
        sounding[_sound(character)].append(character)
    return {sound: tuple(characters) for sound, characters in sounding.items()}


@lru_cache(maxsize=65_536)
def _sound(character: str) -> str:
    from pypinyin import Style, lazy_pinyin

    return str(lazy_pinyin(character, style=Style.NORMAL)[0])
