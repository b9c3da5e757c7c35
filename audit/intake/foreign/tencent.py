"""Tencent Cloud's recognition of recording files (录音文件识别): what DescribeTaskStatus returns.

Source: ``TaskStatus``, ``SentenceDetail`` and ``SentenceWords`` of tencentcloud-sdk-python-asr
3.1.189 (``v20190614/models.py``) and https://cloud.tencent.com/document/api/1093/37822. ``Status``
is 0 waiting, 1 at work, 2 done, 3 failed. ``ResultDetail`` has ``FinalSentence``, ``StartMs``,
``EndMs``, ``SpeakerId`` and ``Words``, whose offsets are milliseconds within the sentence. Without
it (``ResTextFormat`` 0) ``Result`` is text with a line for each sentence,
``[0:0.930,0:2.640,0]  哎，你好。``: minutes and seconds from and to, and the speaker. ``SpeakerId``
is either a channel (0 left, 1 right) or a voice told apart on one channel; the file does not say
which. There are no probabilities.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from audit.intake.foreign.fields import (
    MILLISECONDS,
    SECONDS,
    Item,
    Piece,
    Unreadable,
    require_speakers,
    turn,
    word,
)

ENGINE = "tencent"

_LINE = re.compile(r"\[(\d+):(\d+(?:\.\d+)?),(\d+):(\d+(?:\.\d+)?)(?:,(\d+))?\]\s*(.*)")
_UNFINISHED = {"0": "is waiting", "1": "is still running"}
_FAILED = "3"
_STATUS_BY_NAME = {"waiting": "0", "doing": "1", "success": "2", "failed": _FAILED}


def matches(value: Mapping[str, object]) -> bool:
    """Whether it is a task's state, bare or as the service and its SDKs wrap it."""
    response = value.get("Response")
    if isinstance(response, Mapping) and ("Error" in response or "Data" in response):
        return True
    return bool({"StatusStr", "ResultDetail"} & _task(value).fields.keys())


def name_of(value: Mapping[str, object]) -> str | None:
    """None: it does not name its call, and ``TaskId`` comes again after a day."""
    return None


def _task(value: Mapping[str, object]) -> Item:
    item = Item(value)
    for name in ("Response", "Data"):
        item = item.item(name) if isinstance(item.fields.get(name), Mapping) else item
    return item


def read(value: Mapping[str, object]) -> Piece:
    """Our line of a finished task.

    Raises:
        Unreadable: the request or the task failed, it is at work, or it lacks sentences, speakers
            or times.
    """
    error = Item(value).item("Response").item("Error")
    if error.fields:
        said = ": ".join(filter(None, (error.label("Code"), error.label("Message"))))
        raise Unreadable(f"the service answered with an error ({said[:200]}); ask for it again")
    task = _task(value)
    status = task.label("Status") or _STATUS_BY_NAME.get(task.label("StatusStr") or "")
    if status in _UNFINISHED:
        raise Unreadable(f"the task {_UNFINISHED[status]}; audit its result when it is done")
    if status == _FAILED:
        why = (task.label("ErrorMsg") or "no reason given")[:200]
        raise Unreadable(f"the task failed ({why}); recognise the recording again")
    turns = [_turn(sentence) for sentence in task.items("ResultDetail")] or list(_lines(task))
    require_speakers(turns, "recognise it with SpeakerDiarization 1, or with ChannelNum 2")
    length = "AudioDuration"
    return {
        "duration_s": task.seconds(length, SECONDS) if task.has(length) else None,
        "turns": turns,
    }


def _turn(sentence: Item) -> Piece:
    start_s = sentence.seconds("StartMs", MILLISECONDS)
    return turn(
        sentence.text("FinalSentence"),
        (start_s, sentence.seconds("EndMs", MILLISECONDS)),
        sentence.label("SpeakerId"),
        words=[
            word(
                one.text("Word"),
                round(start_s + one.seconds("OffsetStartMs", MILLISECONDS), 3),
                round(start_s + one.seconds("OffsetEndMs", MILLISECONDS), 3),
            )
            for one in sentence.items("Words")
        ],
    )


def _lines(task: Item) -> Iterator[Piece]:
    """The turns of ``Result``, where there is no detail."""
    if not task.has("Result"):
        return
    for number, line in enumerate(task.text("Result").splitlines(), start=1):
        if not line.strip():
            continue
        found = _LINE.fullmatch(line.strip())
        if found is None:
            raise Unreadable(
                f"line {number} of {task.path('Result')} does not begin with its times, as in "
                "[0:0.930,0:2.640,0]; recognise it with ResTextFormat 1 or more"
            )
        from_min, from_s, to_min, to_s, speaker, text = found.groups()
        item = Item(
            {"start": 60 * int(from_min) + float(from_s), "end": 60 * int(to_min) + float(to_s)},
            f"line {number} of {task.path('Result')}",
        )
        yield turn(text, (item.seconds("start", SECONDS), item.seconds("end", SECONDS)), speaker)
