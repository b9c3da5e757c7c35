"""Is the beginning of a call in its recording: a recorder may start late, a call lie in parts.

What is missing from a recording that starts late may have been said all the same, so nobody is
accused of it.
"""

from __future__ import annotations

import posixpath
import re

from audit.reasons import Reason, because
from audit.types import Call, Channels, Role, Stage, Turn

_STARTS_S = 0.1
"""Seconds before which the first turn of a ready transcript counts as begun at 0.00."""

_OPENING = 2
"""Turns that are looked at where a name alone may be that of a part or of the second call."""

PART_COLUMNS = frozenset({"leg", "part", "part_no", "part_number", "分段", "段号", "第几段"})
"""Columns of a manifest that number the parts of a call from 1."""

_MOST_PARTS = 20
"""Above this a number counts calls, not the parts of one."""

_PART = re.compile(
    r"(?:(?<![a-z])(?:part|pt|seg|segment)|(?<![a-z0-9])p)"
    r"[-_ .]?(?=\d{1,3}(?!\d))0*(?P<latin>\d{1,2})(?!\d)"
    r"|第(?P<ordinal>[0-9]{1,2}|[一二三四五六七八九十])(?:部分|段|节)"
    r"|(?:分段|片段|部分)[-_ .]?(?=\d{1,3}(?!\d))0*(?P<han>\d{1,2})(?!\d)",
    re.IGNORECASE,
)
"""How a name says that it is one part of a recording: ``x_part2``, ``x-p02``, ``x第二段``."""

_NO_NAME = re.compile(r"(?:part|pt|seg|segment|p|分段|片段|部分)?", re.IGNORECASE)
"""What names no call before a number: ``p2`` and ``PART-00017`` count the calls themselves."""

_DATE = re.compile(
    r"(?:19|20)\d\d[-_. 年]?(?:0?[1-9]|1[0-2])(?:[-_. 月]?(?:[0-2]?\d|3[01])日?|月)?"
)
"""What names a day before a number, and it may be a part of it or its third call."""

_SERIAL = re.compile(r"(?:[-_. ]0?(?P<bare>[1-9])|[(（](?P<bracketed>[1-9])[)）])$")
"""How a name may say so: ``x-2``, ``x.1``, ``x (2)``; it may as well be another call's."""

_NUMERALS = dict(zip("一二三四五六七八九十", range(1, 11), strict=True))

_CONTINUES = re.compile(
    "[，,。.、；;…—]"
    "|的|了(?!解)|吗|呢(?!称)|吧|嘛|着(?!急)|们|过(?!来|去)"
    "|号[，。,]|(服|)务(热线|中心|部|台)|线[，。,]|(户|客|)服(中心|热线)"
    "|(为|帮)[您你]服务|[您你]服务|(什么|)(可以|可|能)?(帮|为)(助|到)?[您你](的|)(吗|？|\\?)"
    "|什么(可以|能)(帮|为)"
)
"""How a text begins that is the rest of a sentence: marks, particles, ends of a greeting."""

_FILLERS = "(?:(?:[嗯恩呃额啊哦噢喔唔哎唉诶欸]|那个|这个)+[，,。、…！!；; ]*)*"
_END = "(?:[，。,！!；;、… ]|$)"

_CONFIRMS = re.compile(
    f"{_FILLERS}(?:"
    f"(?:对+(?:的|啊|呀)?|是+|是我的?|不是?|不对|没有|没|还没有?|不用了?|知道了?|明白了?){_END}"
    "|对+(?:就是|没错|是的|我是|[的啊呀](?!事))|是的|是啊|没错)"
)
"""How one answers a question, which nobody does first."""

_AGREES = re.compile(f"{_FILLERS}(?:那(?:就)?)?(?:好+的?|好[吧啊嘞]|行+[吧啊]?|可以的?){_END}")
"""How one agrees to what was said; or begins a call: ``好的，你好，我想问一下``."""

_HELLO = re.compile("[你您]好|喂|哈[喽啰罗]|早上好|[上下]午好|晚上好")

_REPLIES = re.compile("(所以|然后|但是|可是|不过|而且|因为|要不然|那就)")
"""Words that go on from what was said before."""


def missing(call: Call) -> Reason | None:
    """Why the beginning of a call is not in its recording, or None.

    Somebody speaks at the first instant (as :func:`audit.transcription.activity.begins_in_speech`
    measures it; a ready transcript must also begin with the rest of a sentence, for many count from
    their first word); a column or the name says that it is a later part; or the first words of
    the customer answer a question that is not there.
    """
    if call.transcript.begins_in_speech:
        return because("beginning.in_speech")
    part = _part(call)
    if part > 1:
        return because("beginning.later_part", part=part)
    if not call.turns:
        return None
    first = call.turns[0]
    if first.role is Role.CUSTOMER and _answers(first.text):
        return because("beginning.answer_first")
    if call.transcript.channels is Channels.TEXT and _starts_within(first):
        return because("beginning.half_sentence")
    if (_is_serial(call) or _part(call, dated=True) > 1) and _goes_on(call):
        return because("beginning.file_name")
    return None


def _starts_within(turn: Turn) -> bool:
    at_once = turn.start_s is not None and turn.start_s < _STARTS_S
    signs = (_CONTINUES, _CONFIRMS, _AGREES, _REPLIES)
    return at_once and any(sign.match(turn.text) for sign in signs)


def _answers(text: str) -> bool:
    agrees = _AGREES.match(text) is not None and _HELLO.search(text) is None
    return agrees or _CONFIRMS.match(text) is not None


def _part(call: Call, *, dated: bool = False) -> int:
    """The number of the part that columns or the name give; 1 where they say nothing.

    The name must be one without that number; a date counts only where ``dated``.
    """
    numbers = [
        int(found[0])
        for column, value in call.recording.meta.items()
        if column.removeprefix("meta_").lower() in PART_COLUMNS
        and (found := re.search(r"\d{1,4}", value))
    ]
    for name in _names(call):
        for found in _PART.finditer(name):
            base = name[: found.start()].strip("-_. ()（）")
            if _NO_NAME.fullmatch(base) or (_DATE.fullmatch(base) and not dated):
                continue
            said = found["latin"] or found["ordinal"] or found["han"]
            number = _NUMERALS.get(said) or int(said)
            numbers += [number] if number <= _MOST_PARTS else []
    return max(numbers, default=1)


def _is_serial(call: Call) -> bool:
    """Whether the name ends in the number of a later part: from 2, or from 1 after a point."""
    for name in _names(call):
        found = _SERIAL.search(name)
        if found is None or _NO_NAME.fullmatch(name[: found.start()].strip("-_. ")):
            continue
        if name[found.start()] == "." or (found["bare"] or found["bracketed"]) != "1":
            return True
    return False


def _goes_on(call: Call) -> bool:
    """Whether the first turns belong to the handling of a matter, or none of them says hello."""
    first = call.turns[:_OPENING]
    handling = all(turn.stage is Stage.HANDLING for turn in first)
    return handling or not any(_HELLO.search(turn.text) for turn in first)


def _names(call: Call) -> tuple[str, ...]:
    """The call's id and, where it has a file of its own, the file's name without its ending."""
    recording = call.recording
    if call.transcript.channels is Channels.TEXT:
        return (recording.call_id,)
    stem = posixpath.splitext(posixpath.basename(recording.source_file))[0]
    return (recording.call_id, stem)
