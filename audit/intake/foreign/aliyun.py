"""Alibaba Cloud's recognition of recording files (录音文件识别), its own and Model Studio's (百炼).

Source of the former: https://help.aliyun.com/zh/isi/developer-reference/api-reference-2 (the answer
of GetTaskResult, and the call-back of version 4.0): ``StatusCode`` and ``StatusText``,
``Result.Sentences`` with ``ChannelId``, ``BeginTime``, ``EndTime`` and ``Text``, ``Result.Words``
with ``ChannelId``, ``Word`` and times, all in milliseconds; ``BizDuration`` is the recording's
length. With speakers told apart on one channel (``auto_split``) ``ChannelId`` numbers these, and
the file does not say which it is.

Source of the latter: https://help.aliyun.com/en/isi/user-guide/api-details and
https://help.aliyun.com/document_detail/2880903.html (the file behind ``transcription_url``, of
Fun-ASR and Paraformer): ``transcripts``, one for each channel, with ``sentences`` of
``begin_time``, ``end_time``, ``text``, ``speaker_id`` (voices told apart) and ``words`` with
``text`` and ``punctuation``, all times in milliseconds.

Neither has probabilities.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

from audit.intake.foreign.fields import (
    MILLISECONDS,
    Item,
    Piece,
    Unreadable,
    require_speakers,
    turn,
    word,
)

ENGINE = "aliyun"

_UNFINISHED = frozenset({"RUNNING", "QUEUEING", "PENDING"})
_DONE = frozenset({"SUCCESS", "SUCCEEDED"})
_NOTHING_SAID = frozenset({"SUCCESS_WITH_NO_VALID_FRAGMENT", "ASR_RESPONSE_HAVE_NO_WORDS"})
_ADVICE = "recognise it with auto_split, or as a recording with two channels"


def matches(value: Mapping[str, object]) -> bool:
    """Whether it is a result or the state of a task of either service."""
    result, output = value.get("Result"), value.get("output")
    return (
        (isinstance(result, Mapping) and "Sentences" in result)
        or isinstance(value.get("Sentences"), list)
        or {"TaskId", "StatusText"} <= value.keys()
        or isinstance(value.get("transcripts"), list)
        or (isinstance(output, Mapping) and "task_status" in output)
    )


def name_of(value: Mapping[str, object]) -> str | None:
    """The name of the recording, where the file tells it (Model Studio's)."""
    url = Item(value).label("file_url")
    name = posixpath.basename(unquote(urlsplit(url).path)) if url else ""
    return posixpath.splitext(name)[0] or None


def read(value: Mapping[str, object]) -> Piece:
    """Our line of a finished task.

    Raises:
        Unreadable: the task failed or is at work, or it lacks sentences, speakers or times.
    """
    whole = Item(value)
    status = whole.label("StatusText") or whole.item("output").label("task_status")
    _require_done(status, whole)
    if isinstance(value.get("transcripts"), list):
        return _of_model_studio(whole)
    if whole.has("output"):
        raise Unreadable("it names where the transcript is (transcription_url); download that file")
    result = whole.item("Result") if whole.has("Result") else whole
    words = result.items("Words")
    turns = [_turn(sentence, words) for sentence in result.items("Sentences")]
    require_speakers(turns, _ADVICE)
    return {
        "duration_s": whole.seconds("BizDuration", MILLISECONDS)
        if whole.has("BizDuration")
        else None,
        "turns": turns,
    }


def _require_done(status: str | None, whole: Item) -> None:
    if status in _UNFINISHED:
        raise Unreadable(f"the task is not done ({status}); audit its result when it is")
    if status in _NOTHING_SAID:
        raise Unreadable(f"no speech was found ({status}); leave the recording out")
    if status is not None and status not in _DONE:
        code = whole.label("StatusCode") or whole.item("output").label("code")
        raise Unreadable(
            f"the task failed ({', '.join(filter(None, (status, code)))[:200]}); recognise the "
            "recording again"
        )


def _turn(sentence: Item, words: list[Item]) -> Piece:
    times = (
        sentence.seconds("BeginTime", MILLISECONDS),
        sentence.seconds("EndTime", MILLISECONDS),
    )
    channel = sentence.label("ChannelId")
    own = []
    for one in words:
        if one.label("ChannelId") == channel:
            start_s = one.seconds("BeginTime", MILLISECONDS)
            end_s = one.seconds("EndTime", MILLISECONDS)
            if times[0] <= (start_s + end_s) / 2 <= times[1]:
                own.append(word(one.text("Word"), start_s, end_s))
    return turn(sentence.text("Text"), times, channel, words=own)


def _of_model_studio(whole: Item) -> Piece:
    tracks = whole.items("transcripts")
    apart = len(tracks) > 1
    turns = [
        _studio_turn(sentence, track.label("channel_id") if apart else sentence.label("speaker_id"))
        for track in tracks
        for sentence in track.items("sentences")
    ]
    require_speakers(turns, "recognise it with speakers told apart, or both of its channels")
    length, properties = "original_duration_in_milliseconds", whole.item("properties")
    return {
        "channels_apart": apart,
        "duration_s": properties.seconds(length, MILLISECONDS) if properties.has(length) else None,
        "turns": turns,
    }


def _studio_turn(sentence: Item, speaker: str | None) -> Piece:
    begin, end = "begin_time", "end_time"
    return turn(
        sentence.text("text"),
        (sentence.seconds(begin, MILLISECONDS), sentence.seconds(end, MILLISECONDS)),
        speaker,
        words=[
            word(
                one.text("text"),
                one.seconds(begin, MILLISECONDS),
                one.seconds(end, MILLISECONDS),
            )
            for one in sentence.items("words")
        ],
    )
