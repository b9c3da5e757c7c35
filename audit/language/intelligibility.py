"""Whether a text can be what a person said in Mandarin.

Whisper was told to read Mandarin. Of what is none (another language, a dialect, music, noise) it
makes repeats without end, or Chinese that nobody said, and is as sure of it as of anything. The
probability of its words does not show that; repeats, their rate and foreign writing do.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from audit.types import Turn

_MARKED = re.compile("【[^】]*】")
"""Marks of masked data."""
_ADDRESS = re.compile(r"[A-Za-z0-9._+-]+(?:@|\.(?=[A-Za-z]))[A-Za-z0-9.-]+")
"""Addresses of mail and of the web."""
_SILENT = re.compile(r"[\W_]+")
_RUN = re.compile(r"(.{1,24}?)\1{2,}")

_SAID_OVER = re.compile(
    "(?:[嗯恩哦噢喔啊唉诶欸呃额哎呵哈嘿呀哟喂对是好行中谢]|可以|没有|不是|不用|不要|[您你]好|在吗"
    "|听得?[到见]吗|能听[到见]吗|[0-9零〇一二三四五六七八九十幺夭两]|ok)+"
)
"""What people say many times over: 嗯嗯嗯, 好的好的, 喂喂喂, 零零零零."""
_SAID_OVER_REST = re.compile("[的吧了呢吗]")

_MOST_OVER = 40
"""Characters of such words in a row that are still somebody's; a bank card has 19 digits."""
_MOST_DIGITS = 20
"""How often one digit in a row is still part of a number."""
_DIGIT = re.compile("[0-9零〇一二三四五六七八九十幺夭两]")
_MOST = ((1, 10), (2, 8), (5, 6), (24, 4))
"""How often other words in a row are no longer somebody's: of so many characters, so many times.
A customer says a sentence three times, and hardly ever four."""
_SUSPECT = 3

_LONG = 40
_LEAST_VARIETY = 0.3
"""Share of different triples of characters, of ``_LONG`` and more, below which a text goes round
in circles; a sentence said twice has 0.5. (This is what a compression ratio measures, without what
UTF-8 and the length of a text have to do with it.)"""

_FASTEST = 14.0
"""Syllables a second that no voice reaches; hasty Mandarin has 8."""
_LEAST_SYLLABLES = 15
_LEAST_S = 0.5
_EDGES_S = 0.3
"""Seconds by which a turn may be longer than its times say."""

_HAN = re.compile(r"[\u3400-\u9fff]")
_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f\u1e00-\u1eff'’]{2,}")
_OTHER = re.compile(r"[^\W\d_A-Za-z\u00c0-\u024f\u1e00-\u1eff\u3400-\u9fff]")
"""Letters of other scripts: kana, Hangul, Cyrillic, Thai, Arabic, Tibetan."""
_LETTERS = 3
"""Latin letters for a syllable."""
_OTHER_LETTERS = 2
"""Letters of such a script for a word."""

_DIALECT = re.compile(
    # Cantonese
    "[嘅冇佢喺啲嚟嗰哋嘢咗㗎乜畀揾噉啱瞓冧攞搵嘥]|[我你]系(?!统|列|数)|系[咪唔]|唔[该系使好知得到想要会记同识使]"
    "|[有做]咩|咩(事|嘢|野|人)|而家|点解|边[个度]|[睇等试]下喇|睇[下住到]|等阵|搞掂|[得好]喇|多谢晒|唔晒|咁[样多就]|几时得"
    # Wu
    "|侬|覅|搿|阿拉(?!伯|善|丁|尔|木|斯|巴)|勿(要|好|晓得|来三)|啥体|今朝|辰光|迭个|伊拉(?!克)"
    # Min and Hakka
    "|𠊎|涯系|麼个|毋(知|通|是|免)|袂(使|当|晓|记)|汝(好|是|要|有)|咱兜|甲意|按怎|代志|佮"
    # Southwestern, Central Plains and Northwestern Mandarin where it is written as it sounds
    "|啥子|咋个|莫得|爪子嘛|弄啥|中不中|嘹咋咧|么麻达|嘎哈"
)
"""Signs and words that Mandarin does not have, in simplified characters."""


@lru_cache(maxsize=4096)
def is_loop(text: str, speech_s: float | None = None) -> bool:
    """Whether a text is repeats without end, or more than a voice says in the time.

    Args:
        text: of an utterance or a turn.
        speech_s: seconds of speech in which it is said, where known.

    >>> is_loop("好的好的好的，谢谢谢谢"), is_loop("鱿" * 66)
    (False, True)
    """
    plain = _plain(text)
    if any(_is_endless(run[1], len(run[0])) for run in _RUN.finditer(plain)):
        return True
    if speech_s is not None and is_too_fast(text, speech_s):
        return True
    triples = [plain[at : at + 3] for at in range(len(plain) - 2)]
    circles = len(plain) >= _LONG and len(set(triples)) < _LEAST_VARIETY * len(triples)
    return circles and len(_SAID_OVER.sub("", plain)) > len(plain) / 2


def is_suspect(text: str, speech_s: float | None = None) -> bool:
    """Whether a text is a loop, or repeats enough to be recognised once more."""
    return is_loop(text, speech_s) or any(
        len(run[1]) >= _SUSPECT and not _may_be_said_over(run[1])
        for run in _RUN.finditer(_plain(text))
    )


def is_too_fast(text: str, speech_s: float) -> bool:
    """Whether a text is more than a voice says in so many seconds; not where there are hardly any.

    Such times are no measurement.
    """
    said = syllables(text)
    measured = speech_s >= _LEAST_S
    return measured and said >= _LEAST_SYLLABLES and said > _FASTEST * (speech_s + _EDGES_S)


@lru_cache(maxsize=4096)
def is_mandarin(text: str) -> bool:
    """Whether a text is written as Mandarin is; one or two foreign words in it change nothing.

    >>> is_mandarin("请打开 Microsoft Word 软件"), is_mandarin("Thank you for calling.")
    (True, False)
    """
    text = _ADDRESS.sub("", _MARKED.sub("", text))
    if _DIALECT.search(text):
        return False
    foreign = len(_LATIN.findall(text)) + len(_OTHER.findall(text)) / _OTHER_LETTERS
    return foreign < 2 or foreign <= len(_HAN.findall(text))


def is_latin(text: str) -> bool:
    """Whether there are Latin words in a text, which may be another language's."""
    return _LATIN.search(text) is not None


def is_readable(turn: Turn) -> bool:
    """Whether what a turn's words do not say was not said in it."""
    return not turn.unintelligible and is_mandarin(turn.text)


def unread_share(turns: Sequence[Turn]) -> float:
    """Share of turns, weighted by their length, that are not readable; 0 for none."""
    weights = [(_weight(turn), is_readable(turn)) for turn in turns if not turn.is_backchannel]
    total = sum(weight for weight, _ in weights)
    return sum(weight for weight, readable in weights if not readable) / total if total else 0.0


def _weight(turn: Turn) -> float:
    """Seconds of a turn's speech, or about as many by its text."""
    if turn.span is not None:
        return sum(span.duration_s for span in turn.speech) or turn.span.duration_s
    return min(20.0, syllables(turn.text) / 4)


def syllables(text: str) -> float:
    """About how many syllables a text has in any script."""
    letters = sum(map(len, _LATIN.findall(text)))
    others = len(_HAN.findall(text)) + len(_OTHER.findall(text)) + sum(map(str.isdecimal, text))
    return others + letters / _LETTERS


def _plain(text: str) -> str:
    return _SILENT.sub("", _MARKED.sub("", text)).lower()


def _may_be_said_over(unit: str) -> bool:
    rest = _SAID_OVER.sub("", unit)
    return not _SAID_OVER_REST.sub("", rest)


def _is_endless(unit: str, length: int) -> bool:
    if _may_be_said_over(unit):
        return length > (_MOST_DIGITS if _DIGIT.fullmatch(unit) else _MOST_OVER)
    most = next(times for characters, times in _MOST if len(unit) <= characters)
    return length >= most * len(unit)
