"""Whether a text can be what a person said in Mandarin.

Whisper is made to transcribe Mandarin. Of anything else (another language, a dialect, music,
noise) it makes endless repeats, or Chinese that nobody said, with the same confidence. The
probability of its words does not show that; repeats, their rate and foreign writing do.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache

from rapidfuzz.distance import Levenshtein

from audit.language.text import sounds
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

_LEAST_ALIKE = 24
_LEAST_PHRASE = 4
"""Characters of a phrase; less is a word, and 不行 comes many times in: 这样不行，那样也不行."""
_MOST_ALIKE = ((5, 7), (24, 5))
"""How often words that are nearly the same are no longer somebody's: once more than the same."""
_UNCHANGED = 3
"""Characters of them for one that differs."""
_MOSTLY = 0.6
"""Share of a text that they are at least."""
_LEAST_SAME = 2
"""How many of them say what was said already. Who lists things changes each: 红灯亮吗，绿灯亮吗."""
_COUNTED = 3
"""Different numbers in a text from which it counts something: 一月三十块，二月三十二块."""
_NUMBER = re.compile("[0-9零〇一二三四五六七八九十百千万两]")

_FASTEST = 14.0
"""Syllables a second that no voice reaches; hasty Mandarin has 8."""
_LEAST_SYLLABLES = 15
_LEAST_S = 0.5
_EDGES_S = 0.3
"""Seconds by which a turn may be longer than its times say."""

_HAN = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff]")
_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f\u1e00-\u1eff'’]{2,}")
_OTHER = re.compile(r"[^\W\d_A-Za-z\u00c0-\u024f\u1e00-\u1eff\u3400-\u9fff\U00020000-\U0003ffff]")
"""Letters of other scripts: kana, Hangul, Cyrillic, Thai, Arabic, Tibetan."""
_LETTERS = 3
"""Latin letters for a syllable."""
_OTHER_LETTERS = 2
"""Letters of such a script for a word."""

_HALT = r"，。！？；：、,.!?;:…\s"
_FAR = (
    # Cantonese
    "[嘅冇佢喺啲嚟嗰哋嘢咗㗎畀揾噉啱瞓攞搵嘥喎㖞啩嗌唞]|[我你]系(?!统|列|数|主任|好|上|紧|着)|系[咪唔]"
    "|唔(?![唔嗯啊哦对])[\u3400-\u9fff]|[有做]咩|咩(?:事|嘢|野|人)|[有做搞]乜|乜(?:嘢|事|野|鬼)|(?<!然)而家(?!里|长|人|庭|用|电|具|乡|中)|依家|点解(?![决除绑锁压释散码析密说读封])"
    "|(?<![左右上下旁两一这那里外前后东西南北周])边[个度](?!框|缘|境|界)"
    "|[睇等试]下喇|睇|等阵|[得好]喇|咁[样多就]|[听寻琴]日(?!语|本|文)|[上下]昼|俾[我你佢]|倾偈"
    # Wu
    "|[侬覅搿倷哉]|阿拉(?!伯|善|丁|尔|木|斯|巴)|勿(?:要(?!挂|断)|好|晓得|来三|会|客气|急|懂)|[呒嘸][没啥不]|事体|啥体"
    "|今朝|辰光|迭个|伊拉(?!克)|阿[有要](?=[^姨])|(?<![\u3400-\u9fff])格末|[吾我]伲|伊(?:讲|勿)"
    # Min
    "|[汝佮囝𪜶]|(?<![联分衣])袂|咱兜|[阮恁]兜|甲意(?!见|思|向)|按怎(?!么)|(?<![\u3400-\u9fff])按呢|代志"
    "|啥物(?![件流品业料资])|佗位|歹势|今仔日|明仔载|无要紧|啥款(?!式)"
    # Hakka
    "|[𠊎摎尞]|涯系|(?<![什怎那这多要动静血山命气把])[么麼脉][个介](?!人|月|小|东|时|地)|脉人"
    "|(?<!姓)毋(?![庸须宁论滥忘])|承蒙(?=[你您]?(?:[，。！,.!]|$))"
    "|细义|恁仔细|天光日|[今昨]晡日|屋下|样般|奈位|[拔食坏用扔]忒|[坏死食]撇"
)
"""Signs of dialects that show in nearly every sentence, in simplified characters."""
_NEAR = (
    # Xiang and Gan
    "(?<![什怎那这多要])么(?:子(?!弹)|事(?!情)|样)|冒得|咯(?:样|里|只)(?!是|有|能|要|好)|(?<![如任])何解(?![决释除开答密锁读])|恰饭|莫(?:讲|客气|来烦)|作古正经|娭毑|妹陀"
    "|(?<![大网怪奇巨])咖(?!啡|喱|色|位)|(?<!喀)[什啥][哩里](?!面|头|边)|[我人]俚|晓不得"
    # South-western
    "|啥子|撒子|(?<![鸡鸭凤猫狗])爪子(?=[嘛哦])|[咋啷]个|咋子|没得事|莫(?:得|来头|慌|急|忙|怕|着急|担心)|巴适|噻"
    "|屋头|晚黑|[楞恁]个|不得行(?!驶|使|为|贿|走)|一哈(?!哈)|[等看听歇过]哈儿|哈哈儿|搞归一|哪样嘛|整哪样|板扎"
    # Central plains and the north-west
    "|恁(?![地般时个兜仔])|[弄咋]啥|中不中|(?<![打猜看射抽投])不中(?=[啦了，。])|咋弄|知不道|夜个"
    "|嘹咋咧|[么没]麻达|嫽得|哪达(?!到|成)|瓜怂"
    # North-eastern
    "|嘎[哈啥]|干哈(?=[呢呀啊，。？]|$)|贼拉|老鼻子"
)
"""The same of dialects that are written much as Mandarin is."""
_FAINT = (
    f"[咯嘛哈啰哒嘞哩伐额咧喽噶个撒嗦](?=[{_HALT}]|$)|搞掂|[莫啥靓咋俺蛮搁咱伊渠]|要得|晓得|难为你|下子"
    f"|得嘛|多谢|再会|哪个|自家|(?<![^{_HALT}])中(?=[{_HALT}啦]|$)"
)
"""What is heard in Mandarin as well: no sign alone, one more beside those."""
_AROUND = 6
"""Characters on either side of a sign, in its own clause, that are taken for the same speech."""
_MOST_DIALECT = 0.4
"""Share of such characters above which a text is no Mandarin; 搞掂 in a long sentence is less."""


def _with_neighbours(signs: str) -> re.Pattern[str]:
    reach = f"[^{_HALT}]{{0,{_AROUND}}}"
    return re.compile(f"{reach}?(?:{signs}){reach}")


_SIGN = re.compile(f"{_FAR}|{_NEAR}")
_NEAR_SIGN = re.compile(_NEAR)
_DIALECT = _with_neighbours(f"{_FAR}|{_NEAR}|{_FAINT}")


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
    if len(_SAID_OVER.sub("", plain)) <= len(plain) / 2:
        return False
    return circles or _goes_on_alike(plain)


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
    if _is_dialect(text):
        return False
    foreign = len(_LATIN.findall(text)) + len(_OTHER.findall(text)) / _OTHER_LETTERS
    return foreign < 2 or foreign <= len(_HAN.findall(text))


def has_dialect(text: str) -> bool:
    """Whether a text has any word of a dialect, be it Mandarin as a whole.

    >>> has_dialect("您的单子登记好了，唔该"), is_mandarin("您的单子登记好了，唔该")
    (True, True)
    """
    return _SIGN.search(text) is not None


def _is_dialect(text: str) -> bool:
    """Whether signs of a dialect, or words beside them, are much of a text."""
    if not has_dialect(text):
        return False
    said = sum(len(_plain(part)) for part in _DIALECT.findall(text))
    return said > _MOST_DIALECT * len(_plain(text))


def near_dialect_share(turns: Sequence[Turn]) -> float:
    """Share of turns, weighted by their length, in dialects written much as Mandarin is.

    Whoever talks with such a speaker may speak the same, and no sign of it show; 0 for none.
    """
    return _share(
        turns, lambda turn: not is_mandarin(turn.text) and bool(_NEAR_SIGN.search(turn.text))
    )


def is_latin(text: str) -> bool:
    """Whether there are Latin words in a text, which may be another language's."""
    return _LATIN.search(text) is not None


def is_readable(turn: Turn) -> bool:
    """Whether what a turn's words do not say was not said in it."""
    return not turn.unintelligible and is_mandarin(turn.text)


def unread_share(turns: Sequence[Turn]) -> float:
    """Share of turns, weighted by their length, that are not readable; 0 for none."""
    return _share(turns, lambda turn: not is_readable(turn))


def _share(turns: Sequence[Turn], counts: Callable[[Turn], bool]) -> float:
    weights = [(_weight(turn), counts(turn)) for turn in turns if not turn.is_backchannel]
    total = sum(weight for weight, _ in weights)
    return sum(weight for weight, counted in weights if counted) / total if total else 0.0


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


def _goes_on_alike(plain: str) -> bool:
    """Whether most of a text is one phrase over and over, with a character more, less or other."""
    if len(plain) < _LEAST_ALIKE or len(set(_NUMBER.findall(plain))) >= _COUNTED:
        return False
    text = _by_sound(plain)
    fewest = _MOST_ALIKE[-1][1]
    anchors = Counter(
        text[at : at + size] for size in (1, 2, 3, 4) for at in range(len(text) - size + 1)
    )
    return any(
        _is_alike([anchor + rest for rest in text.split(anchor)[1:]], len(text))
        for anchor, times in anchors.items()
        if times >= fewest
    )


def _by_sound(plain: str) -> str:
    """One character for each syllable, the same for 他 and 她; the text itself if it is Latin."""
    code = sounds(plain).code
    if len(code) < len(plain):  # two for a syllable
        return plain
    syllable: dict[str, str] = {}
    return "".join(
        syllable.setdefault(code[at : at + 2], chr(len(syllable))) for at in range(0, len(code), 2)
    )


def _is_alike(parts: Sequence[str], length: int) -> bool:
    """Whether parts of a text of some length are nearly all the same."""
    ((usual, _),) = Counter(parts).most_common(1)
    if len(usual) < _LEAST_PHRASE:
        return False
    allowed = -(-len(usual) // _UNCHANGED)
    alike = [part for part in parts if Levenshtein.distance(part, usual) <= allowed]
    most = next((times for characters, times in _MOST_ALIKE if len(usual) <= characters), None)
    return (
        most is not None
        and len(alike) >= most
        and len(alike) - len(set(alike)) >= _LEAST_SAME
        and sum(map(len, alike)) > length * _MOSTLY
    )
