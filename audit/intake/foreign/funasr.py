"""FunASR's results: what ``AutoModel.generate`` returns with a model of speakers.

Source: ``sentence_info`` is put together in ``funasr/auto/auto_model.py``,
``funasr/utils/timestamp_tools.py`` and ``funasr/models/campplus/utils.py`` of funasr 1.4.16,
https://github.com/modelscope/FunASR. Sentences are ``text`` (tags of SenseVoice among it),
``start`` and ``end`` in milliseconds, ``spk`` (a number) and ``timestamp``, a list of
``[from, to]`` in milliseconds for each Chinese character or Latin word without punctuation. There
are no probabilities. A sentence ``start``s where the one before ends, so the pause between them
seems to be speech; the times of its characters have no such pause.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from audit.intake.foreign.fields import (
    MILLISECONDS,
    Item,
    Piece,
    Unreadable,
    require_speakers,
    turn,
    word,
)

ENGINE = "funasr"

_TAG = re.compile(r"<\|[^|]*\|>")
_TOKEN = re.compile(r"[\u3400-\u9fff]|[^\W\u3400-\u9fff_]+(?:'[a-z]+)?")
_MADE_UP_KEY = "rand_key_"
"""How FunASR names what it was not given as a file."""


def matches(value: Mapping[str, object]) -> bool:
    """Whether it is a result of FunASR."""
    return "sentence_info" in value or {"key", "text", "timestamp"} <= value.keys()


def name_of(value: Mapping[str, object]) -> str | None:
    """The name of the recording, where FunASR was given a file."""
    key = Item(value).label("key")
    return None if key is None or key.startswith(_MADE_UP_KEY) else key


def read(value: Mapping[str, object]) -> Piece:
    """Our line of a result.

    Raises:
        Unreadable: it lacks sentences, speakers or times.
    """
    result = Item(value)
    if not result.has("sentence_info"):
        raise Unreadable(
            "it has no sentence_info; run FunASR with vad_model, punc_model and spk_model"
        )
    turns = [_turn(sentence) for sentence in result.items("sentence_info")]
    require_speakers(turns, "run FunASR with spk_model")
    return {"channels_apart": False, "turns": turns}


def _turn(sentence: Item) -> Piece:
    tokens = sentence.fields.get("text")
    if isinstance(tokens, list) and all(isinstance(token, str) for token in tokens):
        text = "".join(tokens)
    else:
        text = sentence.text("text" if sentence.has("text") else "sentence")
    text = _TAG.sub("", text)
    times = (sentence.seconds("start", MILLISECONDS), sentence.seconds("end", MILLISECONDS))
    words = _words(text, sentence)
    if words and times[0] <= words[0][1] and words[-1][2] <= times[1]:
        times = (words[0][1], words[-1][2])
    return turn(text, times, sentence.label("spk"), words=[word(*one) for one in words])


def _words(text: str, sentence: Item) -> list[tuple[str, float, float]]:
    """Words with their times; none unless there is a time for each."""
    stamps = sentence.fields.get("timestamp")
    words = _TOKEN.findall(text)
    if not isinstance(stamps, Sequence) or len(words) != len(stamps):
        return []
    found = []
    for at, (written, stamp) in enumerate(zip(words, stamps, strict=True)):
        if not isinstance(stamp, Sequence) or isinstance(stamp, str) or len(stamp) != 2:
            return []
        item = Item({"from": stamp[0], "to": stamp[1]}, sentence.path(f"timestamp[{at}]"))
        found.append(
            (written, item.seconds("from", MILLISECONDS), item.seconds("to", MILLISECONDS))
        )
    return found
