"""What words say of a wait: that it begins, why, that it is thanked for, and whose it is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from audit.language.phrases import STRICT, Match, find_any, find_literal
from audit.language.text import spoken_characters
from audit.ports import WordingClassifier
from audit.rules.acts import CallActs, Performed
from audit.rules.base import understood, without
from audit.rules.cues import SilenceCues
from audit.types import Turn

_TOKEN_CHARACTERS = 3
"""Characters up to which a turn without any cue is a sound (嗯, 好的) that changes nothing."""

_CALL_CHARACTERS = 2
"""Characters besides 喂 and the like up to which a customer only calls: 喂，你还在吗."""

_WAITS_FOR_CUSTOMER = re.compile("我.{0,6}等(着)?(您|你)")
"""An agent who waits for the customer: 您慢点走，我在线上等您."""

_ASKS_HOW_LONG = re.compile(
    "还没.{0,4}[啊呀吗呢嘛好来到完]|[好到完来](了没|没有|了吗)|(还|得|要).{0,2}(多久|多长时间)|怎么这么(久|慢)|[咋怎]么?样了"
)
_ASK_CHARACTERS = 10
"""Characters up to which a customer only asks how long it takes: 还没查出来啊."""

_POLITE = re.compile(
    "好的|好吗|[可行]以?吗|一[下会]儿?|片刻|先生|女士|[好嗯啊哈呀吧呢哦那您你请先行的]"
)

_NO_QUESTIONS = re.compile("(好|可以|行)(吗|嘛|么)|好不好|什么(情况|原因|问题)|怎么回事")
"""What sounds like a question and wants no answer: 请您稍等一下好吗, 我看看是什么情况."""

_CUSTOMERS_TASK = re.compile("重启|[断通]电|[拔插]|[关开]机|您.{0,6}试|(?<!在)登[录陆]|点(一下|开)")
"""What the agent asks the customer to do: that takes time, and is no wait for the agent."""

_FAMILIAR = 0.7
"""Share of a turn's pairs of characters that others have: garbled words have fewer."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What words say of a wait, by the cues of a rulebook and by the acts that these name."""

    cues: SilenceCues
    acts: CallActs
    wording: WordingClassifier

    def is_clear(self, turn: Turn) -> bool:
        """Whether a turn was recognised, and is made of words that are met elsewhere."""
        return understood(turn) and self.wording.familiarity(turn.text) >= _FAMILIAR

    def announced(self, turn: Turn) -> Performed | None:
        """Where the agent tells the customer to wait, and not for something that comes later."""
        if _WAITS_FOR_CUSTOMER.search(turn.text):
            return None
        if match := announcement(turn.text, self.cues):
            return Performed(match.first, match.last, match.meant, quality=match.quality)
        if find_any(self.cues.later, turn.text) or _CUSTOMERS_TASK.search(turn.text):
            return None
        return self._first(self.cues.asks_wait, turn) or self._first(self.cues.gives_reason, turn)

    def asked(self, turn: Turn) -> bool:
        """Whether the agent asks for a wait, and does not only say what they are about."""
        if find_any(self.cues.announcements, turn.text):
            return True
        act = self._first(self.cues.asks_wait, turn)
        return act is not None and act.uncertainty is None

    def thanked(self, turns: Sequence[Turn]) -> Performed | None:
        """Where the agent thanks for a wait, or may; in what is certain, if there is any."""
        for turn in turns:
            # 感谢您对我 sounds much like 感谢您等我
            if match := find_any(self.cues.thanks, turn.text, slack=STRICT):
                return Performed(match.first, match.last, match.meant, quality=match.quality)
        acts = [(act, turn) for turn in turns for act in (self.cues.thanks_for_wait,)]
        acts += [(self.cues.apologises, turns[0])] if turns else []
        found = [one for act, turn in acts if (one := self._first(act, turn))]
        return min(found, key=lambda one: one.uncertainty is not None, default=None)

    def is_errand(self, turn: Turn) -> bool:
        """Whether it is the customer who asks for a wait, or may: 你等我一下，我去拿."""
        if find_any(self.cues.busy, turn.text) is not None:
            return True
        return self._first(self.cues.own_errand, turn) is not None

    def gives_reason(self, turn: Turn) -> Performed | None:
        """Where the agent says why the customer has to wait."""
        return self._first(self.cues.gives_reason, turn)

    def _first(self, act: str | None, turn: Turn) -> Performed | None:
        performed = self.acts.performed(act, turn) if act else ()
        return performed[0] if performed else None


def bare(text: str, cues: SilenceCues) -> str:
    """What words say besides 好的，请您稍等一下."""
    return _POLITE.sub("", without(cues.waits, text))


def is_call(turn: Turn, cues: SilenceCues) -> bool:
    """Whether a customer's words only call out into a silence, or ask how long it takes."""
    text = turn.text
    if spoken_characters(text) <= _ASK_CHARACTERS and _ASKS_HOW_LONG.search(text):
        return True
    while match := find_literal(cues.calls, text):
        text = text[: match.first] + text[match.last :]
    return text != turn.text and spoken_characters(text) <= _CALL_CHARACTERS


def announcement(text: str, cues: SilenceCues) -> Match | None:
    """Where the text tells the customer to wait, and not for something that comes later.

    Nor may it go on to ask something else.
    """
    match = find_any(cues.waits, text)
    # 请您稍候可以吗 sounds like 请您稍后可以…
    if match is None or find_any(cues.later, _NO_QUESTIONS.sub("", text[match.first :])):
        return None
    rest = _NO_QUESTIONS.sub("", without(cues.waits, text[match.last :]))
    return None if find_any((*cues.requests, *cues.yields), rest) else match


def is_token(turn: Turn, cues: SilenceCues) -> bool:
    """Whether a turn is a mere sound of listening, after which all is as before."""
    if turn.is_backchannel:
        return True
    every = (*cues.waits, *cues.thanks, *cues.requests, *cues.yields, *cues.busy)
    return (
        bool(turn.text)
        and spoken_characters(turn.text) <= _TOKEN_CHARACTERS
        and find_any(every, turn.text) is None
    )
