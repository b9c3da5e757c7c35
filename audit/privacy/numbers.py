"""Numbers that are PII: by their format, by the topic, and when they are repeated back."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from itertools import pairwise

from rapidfuzz import fuzz

from audit.language.text import spoken_characters
from audit.privacy.digits import Run, begins, joined, parts, runs
from audit.privacy.entities import Entity, EntityType
from audit.privacy.number_context import (
    begins_after_boundary,
    is_bounded,
    is_company_number,
    is_in_code,
    is_international,
    is_lottery_draw,
    is_quantity,
    is_tail,
)
from audit.privacy.number_formats import is_card, type_by_format
from audit.privacy.topics import Topic, TopicMention, topics
from audit.types import Role, Turn

_TOPIC_TURNS_MAX = 4
"""Turns for which a topic applies to numbers after it was last mentioned."""

_DIGITS_MAX = {
    EntityType.CODE: 8,
    EntityType.MOBILE: 13,
    EntityType.LANDLINE: 13,
    EntityType.ID_NUMBER: 20,
    EntityType.QQ: 11,
}
_DICTATED_TURNS_MAX = 8
_WITHOUT_LETTERS = (
    EntityType.MOBILE,
    EntityType.LANDLINE,
    EntityType.ID_NUMBER,
    EntityType.BANK_CARD,
    None,
)
"""Types whose numbers have no letters in front."""
_WITH_LETTERS = (EntityType.PASSPORT, EntityType.TRAVEL_PERMIT, EntityType.REGIONAL_ID)
_DIGITS_MIN = dict.fromkeys((*_WITH_LETTERS, EntityType.WECHAT, EntityType.QQ), 5)
_CHECK_LETTER = re.compile(r"[ ，,]?(?:[Xx×叉]|艾克斯|埃克斯)")
_LETTERS = re.compile(r"(?<![A-Za-z])(?:[A-Za-z][\s，,]?){1,3}$")
_CODE_AFTER = re.compile(r"[A-Za-z][A-Za-z0-9]")
_SHELF = re.compile("[0-9]{1,3}(?:-[0-9]{1,3})*-[0-9]{4}")
_PICK_UP = re.compile("取[件货]码[^，。]{0,4}$")
"""A parcel's pick-up code does not identify anybody."""
_TAIL_OF_CARD = re.compile("的?(?:那|这|哪)?[个张]?(?:银行|储蓄|信用)?卡(?!号码)")
_ASKS_ON = re.compile(
    r"[，,\s]?(?:然后|接着|后[面头边]|后[一二三四五六七八]位|剩下)的?(?:呢|喃|是|几|多少|什么)"
)
_GOES_ON = re.compile(r"(?:然后|接着|后[面头边]|剩下)的?(?:就?是|[，,\s]|嗯|呃)*$")
_AREA_CODE = re.compile("0(?:10|2[0-9]|[3-9][0-9]{2})")
_GROUPED = ([11], [3, 4, 4], [3, 8], [7, 4])
"""Sizes of the groups in which mobile numbers, but not serial numbers, are written."""
_PUBLIC = re.compile(r"[48]00[0-9]{7}|95[0-9]{3,6}|100[0-9]{2,3}|1[12][0-9]{1,4}|96[0-9]{3,4}")
"""Hotlines of banks, operators, authorities."""
_HOTLINE = re.compile("[48]00[0-9]{7}")


@dataclass(frozen=True, slots=True)
class _NumberMention:
    turn: int
    run: Run
    topic: Topic
    known: bool
    """Whether a topic was mentioned for the number."""
    labelled: bool
    """Whether the topic was mentioned before the number in the same turn."""
    alone: bool
    """Whether the turn has little besides the number."""

    @property
    def is_impersonal(self) -> bool:
        """Whether the topic says that the number does not belong to a person."""
        return self.known and self.topic is None


def find(turns: Sequence[Turn]) -> list[Entity]:
    """Phone, identity and card numbers and codes in a call, in order."""
    mentions = _without_company_numbers(turns, _number_mentions(turns))
    entity_types = {
        at: entity_type
        for at, mention in enumerate(mentions)
        if (entity_type := _entity_type(turns, mention))
    }
    quantities = {
        at
        for at, mention in enumerate(mentions)
        if is_quantity(turns[mention.turn].text, mention.run)
    }
    entity_types |= _dictated_in_parts(turns, mentions, entity_types, quantities)
    entity_types |= _carried_on(turns, mentions, entity_types)
    for _ in range(2):  # what was repeated may be repeated again
        entity_types |= _repeated_mentions(mentions, entity_types, quantities)
    return [
        Entity(
            mentions[at].turn,
            _entity_start(turns, mentions[at], entity_type),
            mentions[at].run.end,
            entity_type,
        )
        for at, entity_type in sorted(entity_types.items())
    ]


def _without_company_numbers(
    turns: Sequence[Turn], mentions: Sequence[_NumberMention]
) -> list[_NumberMention]:
    """The mentions without landlines that an agent gives as the company's, repetitions included.

    Mobile, card and identity numbers are PII whoever gives them.
    """
    company_numbers = {
        mention.run.digits
        for mention in mentions
        if turns[mention.turn].role is Role.AGENT
        and type_by_format(mention.run.digits) in (None, EntityType.LANDLINE)
        and len(mention.run.digits) >= 7
        and is_company_number(turns[mention.turn], mention.run)
    }
    return [mention for mention in mentions if mention.run.digits not in company_numbers]


def _entity_start(turns: Sequence[Turn], mention: _NumberMention, entity_type: EntityType) -> int:
    """Where an entity begins, including the letters of a document number, or a plus."""
    before = turns[mention.turn].text[: mention.run.start]
    letters = _LETTERS.search(before) if entity_type in _WITH_LETTERS else None
    return letters.start() if letters else mention.run.start - before.endswith("+")


def _number_mentions(turns: Sequence[Turn]) -> list[_NumberMention]:
    found: list[_NumberMention] = []
    topic: Topic = None
    known, since = False, 0
    for index, turn in enumerate(turns):
        topic_mentions = topics(turn.text)
        found_here = list(_numbers(turn.text))
        alone = _is_alone(turn.text, found_here)
        since += 1
        if since > _TOPIC_TURNS_MAX:
            known = False
        for run in found_here:
            label = next(
                (mention for mention in reversed(topic_mentions) if mention.end <= run.start + 1),
                None,
            )
            if label is None and is_tail(turn.text, run):  # 尾号八八幺九的手机
                label = next(
                    (mention for mention in topic_mentions if run.end < mention.end <= run.end + 8),
                    None,
                )
                if label is None and _TAIL_OF_CARD.match(turn.text, run.end):
                    label = TopicMention(run.end, EntityType.BANK_CARD, lasts=False)
            if label is None:
                label = _label_after(turn.text, run, topic_mentions)
            if label and label.lasts:
                topic, known = label.topic, True
            if known:
                since = 0
            now = label.topic if label else topic
            said_so = known or label is not None
            found.append(
                _NumberMention(
                    index, run, now if said_so else None, said_so, label is not None, alone
                )
            )
        lasting = [mention.topic for mention in topic_mentions if mention.lasts]
        if lasting:
            topic, known, since = lasting[-1], True, 0
    return found


def _is_alone(text: str, found: Sequence[Run]) -> bool:
    """Whether a text has little besides its numbers; those of a known format do not count."""
    plain = [run for run in found if not type_by_format(run.digits)] or found
    rest = "".join([text[a:b] for a, b in pairwise([0, *_edges(found, plain), len(text)])][::2])
    digits = sum(len(run.digits) for run in plain)
    return digits > 0 and digits >= 0.5 * spoken_characters(rest)


def _edges(found: Sequence[Run], plain: Sequence[Run]) -> Iterator[int]:
    for run in found:
        if run not in plain:
            yield from (run.start, run.end)


def _label_after(
    text: str, run: Run, topic_mentions: Sequence[TopicMention]
) -> TopicMention | None:
    """A label after its number that makes the number impersonal: 6225…，是订单."""
    for mention in topic_mentions:
        if run.end < mention.end <= run.end + 10 and mention.topic is None:
            between = text[run.end : mention.end]
            of_another = re.match(
                r"(?:号码?)?[是为：:，,\s]{0,3}[A-Za-z]{0,4}[0-9零一二三四五六七八九幺]",
                text[mention.end :],
            )
            if not of_another and not begins(between):
                return mention
    return None


def _numbers(text: str) -> Iterator[Run]:
    for run in runs(text):
        for part in parts(text, _with_x(text, run)):
            if len(part.digits) >= 3:
                yield part


def _with_x(text: str, run: Run) -> Run:
    letter = _CHECK_LETTER.match(text, run.end)
    size = len(run.digits)
    if letter is None or not (size >= 17 or 3 <= size <= 7):
        return run
    last = run.groups[-1]
    return joined([*run.groups[:-1], Run(last.start, letter.end(), last.digits + "X")])


def _entity_type(turns: Sequence[Turn], mention: _NumberMention) -> EntityType | None:
    text, run = turns[mention.turn].text, mention.run
    digits, count = run.digits, len(run.digits)
    if shaped := _type_by_shape(turns[mention.turn], mention):
        return shaped
    if mention.is_impersonal or mention.topic in (EntityType.BIRTH, EntityType.PLATE):
        return None
    entity_type = mention.topic
    if entity_type is EntityType.CODE and 3 <= count <= _DIGITS_MAX[EntityType.CODE]:
        if _SHELF.fullmatch(text, run.start, run.end) or (
            mention.labelled and _PICK_UP.search(text[: run.start])
        ):
            return None
        fits = not is_quantity(text, run) if mention.alone else is_bounded(text, run)
        return EntityType.CODE if fits else None
    if is_company_number(turns[mention.turn], run) or (
        entity_type in _WITHOUT_LETTERS and is_in_code(text, run)
    ):
        return None
    if entity_type in (EntityType.MOBILE, EntityType.LANDLINE) and (
        _PUBLIC.fullmatch(digits) or _AREA_CODE.fullmatch(digits) or is_lottery_draw(run)
    ):
        return None
    if entity_type is None:
        return _type_by_length(digits) if mention.alone else None
    if entity_type is EntityType.CODE:
        return None
    if count > _DIGITS_MAX.get(entity_type, 24):
        return _type_by_length(digits) or entity_type
    tail = is_tail(text, run)
    if count < _DIGITS_MIN.get(entity_type, 0) and not tail:
        return None
    if count >= 7 or tail or (mention.alone and begins_after_boundary(text, run)):
        return entity_type if not is_quantity(text, run) else None
    return entity_type if is_bounded(text, run) else None


def _type_by_shape(turn: Turn, mention: _NumberMention) -> EntityType | None:
    """The type of a number by its format or check digit, whatever the topic.

    A label in the same turn overrides a format that other numbers share: landlines, which
    companies have too, and UnionPay's prefix without Luhn's check.
    """
    text, run = turn.text, mention.run
    entity_type = type_by_format(run.digits)
    labelled_other = mention.labelled and mention.topic is None
    if entity_type is None or entity_type is EntityType.ID_NUMBER:
        return entity_type or (EntityType.MOBILE if is_international(text, run) else None)
    if entity_type is EntityType.BANK_CARD:
        return None if labelled_other and not is_card(run.digits) else entity_type
    if mention.topic not in (EntityType.MOBILE, EntityType.LANDLINE) and (
        is_in_code(text, run) or _CODE_AFTER.match(text, run.end)
    ):
        return None
    if labelled_other and [len(group.digits) for group in run.groups] not in _GROUPED:
        return None
    if entity_type is EntityType.LANDLINE and (labelled_other or is_company_number(turn, run)):
        return None
    return entity_type


def _type_by_length(digits: str) -> EntityType | None:
    """The type that prefix and length imply for a misrecognized number without a topic."""
    if re.match("1[3-9]", digits) and 10 <= len(digits) <= 12:
        return EntityType.MOBILE
    if re.match("[1-9][0-9]{5}(?:19|20)", digits) and 17 <= len(digits) <= 19:
        return EntityType.ID_NUMBER
    if re.fullmatch("[1-6][0-9]{5}[2-9][0-9](?:0[1-9]|1[0-2])[0-3][0-9]{4}", digits):
        return EntityType.ID_NUMBER  # of 15 digits, as they were before 1999
    return EntityType.BANK_CARD if re.match("62|4|5", digits) and 15 <= len(digits) <= 20 else None


def _dictated_in_parts(
    turns: Sequence[Turn],
    mentions: Sequence[_NumberMention],
    entity_types: dict[int, EntityType],
    quantities: Set[int],
) -> dict[int, EntityType]:
    """Groups that one speaker dictates over several turns and that form one number."""
    found: dict[int, EntityType] = {}
    for role in (Role.AGENT, Role.CUSTOMER, Role.UNKNOWN):
        group: list[int] = []
        for at, mention in enumerate(mentions):
            if turns[mention.turn].role is not role:
                continue
            if at in quantities or _HOTLINE.fullmatch(mention.run.digits):
                group = []
                continue
            near = group and mention.turn - mentions[group[-1]].turn <= 3
            group = ([*group, at] if near else [at])[-_DICTATED_TURNS_MAX:] if mention.alone else []
            for first in range(len(group) - 1):
                members = group[first:]
                entity_type = _type_of_parts(mentions, members, whole=first == 0)
                if entity_type and not set(members) & set(entity_types):
                    found |= dict.fromkeys(members, entity_type)
                    break
    return found


def _carried_on(
    turns: Sequence[Turn], mentions: Sequence[_NumberMention], entity_types: dict[int, EntityType]
) -> dict[int, EntityType]:
    """Two halves of a number in consecutive turns, the second asked for or announced as such."""
    found: dict[int, EntityType] = {}
    for at, (mention, next_mention) in enumerate(pairwise(mentions)):
        if next_mention.turn - mention.turn != 1 or at in entity_types or at + 1 in entity_types:
            continue
        before = turns[next_mention.turn].text[: next_mention.run.start]
        if _ASKS_ON.match(turns[mention.turn].text, mention.run.end) or _GOES_ON.search(before):
            entity_type = type_by_format(mention.run.digits + next_mention.run.digits)
            found |= dict.fromkeys((at, at + 1), entity_type) if entity_type else {}
    return found


def _type_of_parts(
    mentions: Sequence[_NumberMention], members: Sequence[int], *, whole: bool
) -> EntityType | None:
    digits = "".join(mentions[at].run.digits for at in members)
    if entity_type := type_by_format(digits):
        return entity_type
    impersonal = any(mentions[at].is_impersonal for at in members)
    return _type_by_length(digits) if whole and not impersonal else None


def _repeated_mentions(
    mentions: Sequence[_NumberMention], entity_types: dict[int, EntityType], quantities: Set[int]
) -> dict[int, EntityType]:
    """Other mentions of detected numbers: the same digits, parts of them, or nearly the same.

    Quantities are left out: many numbers contain 2026.
    """
    known = {mentions[at].run.digits: entity_type for at, entity_type in entity_types.items()}
    impersonal = {
        mention.run.digits for mention in mentions if mention.labelled and mention.is_impersonal
    }
    found: dict[int, EntityType] = {}
    for at, mention in enumerate(mentions):
        if at in entity_types or at in quantities or mention.run.digits in impersonal - set(known):
            continue
        for digits, entity_type in known.items():
            if _is_same_number(mention.run.digits, digits):
                found[at] = entity_type
                break
    return found


def _is_same_number(first: str, second: str) -> bool:
    short, long = sorted((first, second), key=len)
    if len(short) < 4:
        return False
    if short in long:
        return True
    return len(short) >= 6 and fuzz.ratio(first, second) >= 84
