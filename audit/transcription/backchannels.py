"""Backchannels: what a listener says while the other speaks, without taking the floor.

Acknowledgement, agreement, surprise, apology, giving way, laughter and sympathy, in any order
and number, as they were said and as speech recognition garbles them: 号的号的 for 好的好的, 嘴嘴嘴
for 对对对. A text is one when hardly anything else remains of it: 嗯嗯好的那您把身份证号报一下
begins with backchannel words and goes on to business.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import cache, lru_cache

from audit.language.phrases import expand
from audit.language.text import sounds

BACKCHANNEL_SHARE_MIN = 0.8
"""Share of a text's syllables that must be backchannel words."""

_UNIT = re.compile(r"[\u3400-\u9fff0-9]|(?i:ok(?![a-np-z]))|[A-Za-z']+")
"""A syllable, or a Latin word; of OKOK each OK."""

_OTHER_SYLLABLES_MAX = 2
"""Other syllables that speech recognition may have made of backchannel words."""

_SHORT_SYLLABLES = 3
"""Syllables up to which 好了 may have been 好的."""

_SOUNDS = "嗯恩唔哦噢喔啊呀哎唉诶欸呃额哈呵嘿嘻嗨咳哟呦哇嗷昂喏咦嚯啧嗬哼耶吼齁噗呜"

_PARTICLES = (*"的了吧吗嘛呢哪呐啦咯喽哩哒滴嘞咧勒噻嘎噶嘅呗么儿",)
"""What may follow any word, and says nothing for itself."""

_BACKCHANNELS = (
    *_SOUNDS,
    # agreement
    *"对是好行成中得系妥懂啱",
    "(对|是|好|行|成|得|系|中|妥|可以|要)(的|呀|啊|哦|吧|嘞|哒|滴|咧|噻|啦|嘅)",
    "可以",
    "(没|冇|莫得)(错|问题|毛病|得说|的说)",
    "(您|你|)(说|讲)(得|的)(都|很|太|也|)(对|是|好|没错|有道理|在理)(了|)",
    "(有|在|是这个)(道理|理)",
    "是这(个|)(意思|情况|么回事|样|样的)",
    "(当|自)然",
    "(的确|确实|就是|也是|正是|真是|可不|可不是|那可不|那是|必须的|应该的|同意|赞同|认同)",
    "(一|肯|必)定",
    "(倒|还)(真|)(是|的是)",
    "谁说不是(呢|)",
    "(心里|)有数",
    "(OK|okay|yes|yeah|yep|right|sure|great|I see|got it|uh huh|mm hmm|mhm|hmm|mm|oh|ah|wow)",
    # agreement in other dialects
    "(对头|得行|能行|巴适|安逸|真系|系咪|可中|蛮好|着啊)",
    "(对|好|是)着(呢|哩)",
    "(原来系|系|)(咁|噉)(样|啊|呀|)",
    # understanding and listening
    "(明白|了解|理解|清楚|知道|晓得|体谅|体会|明晒|收到|懂得)(了|啦|的|到|咯|)",
    "我知(啊|嘅|啦)",
    "(记|听)(下|住|着|见|到|清|明白|清楚|懂)(了|来了|呢|)",
    "(听|看)得(见|到|清|清楚|懂)",
    "(我|在|都|有|正|认真|仔细|用心)(在|)(听|记)(着|呢)",
    "(在|认真|仔细|用心|您说我|您讲我)(听|记)",
    "我(一直|)在(的|呢|这|这儿|)",
    "在(的|呢|呀)",
    # surprise
    "(是吗|是嘛|真的|不会吧|不是吧|居然|竟然|难怪|怪不得|原来|如此|好家伙|乖乖|哇塞)",
    "(怎么|咋)(会|)(这样|这么|如此|回事)(子|)",
    "怎么会",
    "这样(子|)",
    "(天|妈|我的天|我的妈|老天)(哪|呐|啊|呀|爷)",
    "我的(天|妈)",
    "(这么|那么|好|真|太|多)(严重|久|多|贵|巧|麻烦|糟糕|可惜|难受|辛苦|着急|过分|遗憾|夸张|离谱|吓人|危险|倒霉|厉害|糟心|闹心|气人|棒|难)",
    "(还|)(有|出)这(种|样的|)事",
    # apology and thanks
    "(不|唔|)好意思",
    "对(不|唔)(起|住)",
    "(抱歉|失礼|见谅|谅解|原谅|包涵|担待|海涵|惭愧|sorry|唔该|唔该晒)",
    "(打扰|打搅|耽误|麻烦|辛苦|委屈)(到|)(您|你)(了|)",
    "(辛苦|费心|受累|委屈|打扰)了",
    "(给|让|害|叫)(您|你)(们|)(添麻烦|添堵|添乱|带来不便|带来了不便|带来麻烦|久等|费心|受累|受委屈|操心|跑一趟|不愉快)(了|)",
    "(我|我们)(的|)(错|不对|疏忽|失误|不好|责任|问题)",
    "怪我(们|)",
    "(谢|多谢|感谢|谢谢|thank|thanks)(您|你|you|)",
    "(您|你|)的(理解|配合|支持|提醒|反馈|体谅)",
    "(不客气|不用谢|不谢|不要紧|唔紧要|不碍事|不打紧|不妨事|no problem)",
    "(没|冇)(关系|事|事儿|什么|啥)",
    # giving way
    "(您|你|请|请您|请你)(先|继续|接着|慢慢|慢慢儿|尽管|只管|往下|随便|放心|)(说|讲|来)(吧|完|下去|一下|先|)",
    "(继续|接着|慢慢|慢慢儿|尽管|只管|往下)(说|讲|来)(吧|完|下去|)",
    "(您|你|请|请您|您请|您先)(继续|请)",
    "(继续|说吧|讲吧|洗耳恭听|go ahead)",
    "(您|你|请|)(继续|接着|慢慢)往下(说|讲)",
    "(先|)(听|让|等)(您|你)(先|)(说|讲)(完|)",
    "(您|你)(先|)(说|讲)完我再(说|讲)",
    "(您|你)(说|讲)(您|你)的",
    "不(打断|打岔|插话|插嘴|抢话)(您|你|)(说|讲|)(了|)",
    "我不(说|讲)(了|话)",
    "我(闭嘴|先听|只听)",
    # sympathy
    "(您|你)(的|)(心情|感受|意思|难处|想法|处境|苦衷|情况|着急|焦急|不容易)",
    "(放心|别急|不急|不着急|着急|不容易|慢慢来|感同身受|心疼|气人|闹心|糟心)",
    "(换|换作|换成|换了|搁)(我|谁|哪个)(都|也)(会|得|要|)(急|着急|生气|火大|烦|一样|这样)",
    "谁(遇到|遇上|碰到|碰上|摊上|)(都|也)(会|得|要|)(急|着急|生气|火大|烦|一样|这样)",
    "不(好|愉快)的(体验|感受)",
    "(别|不要|不用|先别)(着急|担心|生气|难过|紧张|激动|上火|害怕)",
    "消消(气|火)",
    "(替|为)(您|你)(着急|高兴|难过)",
)
"""Backchannel words; those of one syllable count as written, longer ones by their sound."""

_BETWEEN = (
    *"我咱俺您你那这就也都可真太很还挺先再哪能请多又更",
    "(亲|我们|咱们|您们|你们|那个|这个|这边|这里|先生|女士|小姐|大哥|大姐|阿姨|叔叔)",
    "(完全|非常|特别|十分|真的|实在|万分|能够|已经|一直|正在|多多|刚才|刚刚)",
)
"""What may come between them; before other words it belongs to those: 你先 in 你先挂."""

_OTHER = (
    "不(行|对|是|可以|好|成|得|中|知道|明白|清楚|了解|理解|能|会|懂|要|用)",
    "没(有|办法|法|听)",
    "(说|讲|听|问|搞|弄|看)(清楚|明白|清)(点|一点|些|没|没有|再)",
    "(您|你)(说|讲)(清楚|明白|重点|快)",
    "(知道|明白|懂|清楚|了解|理解|听见|听到|听懂|听清|听明白)(了|)(吗|不|没|没有|什么|怎么|一下)",
    "(好|行|对|可以|是)不(好|行|对|可以|是)",
)
"""What only looks like backchannel words."""

_STOPS = (
    "(别|不要|不用|不必|甭|莫|少|别再|不用再|不要再|先别|唔好|唔使)(说|讲|吵|嚷|喊|插嘴|废话|啰嗦|打岔|打断)",
    "(停停|停一下|先停|打住|闭嘴|住口|住嘴|别别|够了|慢着|且慢|长话短说)",
    "(让|等)我(先|来|把|)(说|讲|话|解释|插|问|打断)",
    "(听|容)我",
    "我(先|来|再)(说|讲|问|打断|插)",
    "我(说|讲|插|问)(两句|一句|一下|句|个)",
    "(打断|插嘴|插话|插一句|插句话)(一下|您|你|)",
    "等(等|一下|一等|一会|会儿|下)",
    "挂(了|吧|机|断|电话)",
)
"""What tells the other to stop, and keeps a text from being a backchannel whatever else it has."""

_HUSHES = (
    "(好|行|得|成|可以)了",
    "(知道|晓得|明白|了解)了(我|)(知道|晓得|明白|了解)了",
    "(别|不要|不用|先别)(急|着急|激动|生气|紧张)",
    "(不是|不对|不行|没有)(不是|不对|不行|没有)",
    "不不",
    "快快",
    "(冷静|消消气)",
)
"""What a listener says to whom enough has been said.

Several sayings of one word under one breath tell the speaker to go no further (Stivers 2004,
*Human Communication Research* 30:260), and 了 says that the point has been reached. It is decided
by what the speaker does: one who goes on was not stopped.
"""


class _Kind(Enum):
    """What a syllable belongs to; of wordings of one length the later kind counts."""

    PARTICLE = auto()
    BETWEEN = auto()
    BACKCHANNEL = auto()
    OTHER = auto()
    STOP = auto()


_WORDINGS = (
    (_Kind.PARTICLE, _PARTICLES),
    (_Kind.BETWEEN, _BETWEEN),
    (_Kind.BACKCHANNEL, _BACKCHANNELS),
    (_Kind.OTHER, _OTHER),
    (_Kind.STOP, _STOPS),
)


@dataclass(frozen=True, slots=True)
class _Syllables:
    """A text's syllables and Latin words, as written and by sound."""

    written: tuple[str, ...]
    sounds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Lexicon:
    """Wordings: those of one syllable as written, longer ones by their sound."""

    written: frozenset[str]
    sounds: frozenset[tuple[str, ...]]
    longest: int

    def length_at(self, said: _Syllables, first: int) -> int:
        """Syllables of the longest wording that begins at one of a text's; 0 if none does."""
        for length in range(min(self.longest, len(said.sounds) - first), 1, -1):
            if said.sounds[first : first + length] in self.sounds:
                return length
        return int(said.written[first] in self.written)

    def is_in(self, said: _Syllables) -> bool:
        """Whether a text has any of the wordings."""
        return any(self.length_at(said, first) for first in range(len(said.sounds)))


@lru_cache(maxsize=4096)
def is_backchannel(text: str, *, share: float = BACKCHANNEL_SHARE_MIN) -> bool:
    """Whether a text is backchannel words and hardly anything else.

    >>> is_backchannel("哦哦，不好意思，您说您说")
    True
    >>> is_backchannel("嗯嗯，好的，那您把身份证号报一下")
    False

    Args:
        text: simplified, as transcribed.
        share: of its syllables that must be backchannel words.
    """
    kinds = _kinds(_syllables(text))
    if _Kind.STOP in kinds:
        return False
    most_other = min(_OTHER_SYLLABLES_MAX, (1 - share) * len(kinds) + 1e-9)
    listening = kinds.count(_Kind.BACKCHANNEL)
    return kinds.count(_Kind.OTHER) <= most_other and listening * 2 >= len(kinds) > 0


def tells_to_stop(text: str) -> bool:
    """Whether a text tells the other to stop: 停停停, 等一下, 听我说."""
    return _lexicon(_STOPS).is_in(_syllables(text))


@lru_cache(maxsize=4096)
def hushes(text: str) -> bool:
    """Whether backchannel words say that enough has been said: 好了好了, 行了，知道了."""
    said = _syllables(text)
    return len(said.written) > _SHORT_SYLLABLES and _lexicon(_HUSHES).is_in(said)


def _kinds(said: _Syllables) -> list[_Kind]:
    """What each syllable belongs to; of wordings that begin at one the longest counts."""
    kinds: list[_Kind] = []
    while (first := len(kinds)) < len(said.written):
        found = [(_lexicon(phrases).length_at(said, first), kind) for kind, phrases in _WORDINGS]
        if not _lexicon(_STOPS).length_at(said, first):
            found.append((_repeated(said.sounds[first:]), _Kind.BACKCHANNEL))
        length, kind = max(found, key=lambda one: (one[0], one[1].value))
        kinds += [kind] * length or [_Kind.OTHER]
    for last in reversed(range(len(kinds) - 1)):
        if kinds[last] is _Kind.BETWEEN and kinds[last + 1] is _Kind.OTHER:
            kinds[last] = _Kind.OTHER
    return kinds


def _repeated(codes: Sequence[str]) -> int:
    """Syllables of the run with which a text begins: one said three times, or two said twice.

    It is a backchannel whatever it spells, except 停停停: nobody says 嘴嘴嘴, speech recognition
    writes it for 对对对.
    """
    longest = 0
    for unit, least in (1, 3), (2, 4):
        length = unit
        while length < len(codes) and codes[length] == codes[length - unit]:
            length += 1
        length -= length % unit
        longest = max(longest, length if length >= least else 0)
    return longest


@lru_cache(maxsize=4096)
def _syllables(text: str) -> _Syllables:
    units = tuple([unit.lower() for unit in _UNIT.findall(text)])
    return _Syllables(units, tuple([sounds(unit).code for unit in units]))


@cache
def _lexicon(phrases: tuple[str, ...]) -> _Lexicon:
    wordings = [_syllables(wording) for phrase in phrases for wording in expand(phrase)]
    return _Lexicon(
        frozenset(said.written[0] for said in wordings if len(said.written) == 1),
        frozenset(said.sounds for said in wordings if len(said.written) > 1),
        max(len(said.written) for said in wordings),
    )
