"""Utterances become turns: who holds the floor, and who only listens."""

from __future__ import annotations

import pytest

from audit.transcription.turns import build
from audit.transcription.windows import Utterance, UtteranceWords
from audit.types import Role, Span, Turn, Word

ROLES = (Role.AGENT, Role.CUSTOMER)


def said(
    channel: int, start_s: float, end_s: float, text: str, probability: float = 0.9
) -> UtteranceWords:
    """An utterance, its characters evenly spread."""
    step = (end_s - start_s) / max(1, len(text))
    words = tuple(
        Word(sign, start_s + i * step, start_s + (i + 1) * step, probability)
        for i, sign in enumerate(text)
    )
    return Utterance(channel, Span(start_s, end_s)), words


def turns(*spoken: UtteranceWords) -> tuple[Turn, ...]:
    ordered = sorted(spoken, key=lambda item: item[0].span)
    speech = [[u.span for u, _ in ordered if u.channel == channel] for channel in (0, 1)]
    return build(ordered, speech, roles=ROLES)


def test_speakers_alternate() -> None:
    a, b, c = turns(said(0, 0, 2, "您好请讲"), said(1, 3, 5, "我想查账单"), said(0, 6, 7, "请稍等"))
    assert [t.role for t in (a, b, c)] == [Role.AGENT, Role.CUSTOMER, Role.AGENT]
    assert [t.index for t in (a, b, c)] == [0, 1, 2]
    assert b.span == Span(3, 5)
    assert b.text.startswith("我想查账单")


def test_a_breath_does_not_end_a_turn() -> None:
    (turn,) = turns(said(1, 0, 2, "我想查一下"), said(1, 2.4, 4, "上个月的账单"))
    assert turn.span == Span(0, 4)
    assert turn.speech == (Span(0, 2), Span(2.4, 4))
    assert turn.text.replace("，", "").startswith("我想查一下上个月的账单")


def test_a_long_pause_ends_a_turn() -> None:
    assert len(turns(said(1, 0, 2, "我想查一下"), said(1, 6, 8, "上个月的账单"))) == 2


def test_the_other_taking_over_ends_a_turn() -> None:
    spoken = turns(
        said(1, 0, 2, "我想查一下"), said(0, 2.1, 3.3, "请问您贵姓"), said(1, 3.4, 4, "我姓王")
    )
    assert [turn.role for turn in spoken] == [Role.CUSTOMER, Role.AGENT, Role.CUSTOMER]


@pytest.mark.parametrize(("end_s", "count"), [(2.6, 3), (2.2, 2), (3.8, 2)])
def test_the_other_may_take_over_just_before_the_end(end_s: float, count: int) -> None:
    spoken = turns(
        said(0, 0, 2, "重新设置就可以"), said(1, 1.4, end_s, "我登进去了"), said(0, 3.3, 4, "好的")
    )
    assert len(spoken) == count


def test_who_speaks_under_the_others_voice_has_one_turn() -> None:
    """A pause of one who cuts in is not ended by the other, who has gone on all the while."""
    spoken = turns(
        said(1, 0, 6, "我也不知道是什么时候开始的"),
        said(0, 2, 3, "你自己先去看"),
        said(0, 4, 5.5, "说明书上面都有的"),
    )
    assert [turn.role for turn in spoken] == [Role.CUSTOMER, Role.AGENT]


def test_new_topic_opens_a_turn() -> None:
    spoken = turns(said(0, 0, 2, "已经办好了"), said(0, 2.3, 4, "请问您还有其他需要吗"))
    assert len(spoken) == 2
    assert "还有其他" in spoken[1].text


@pytest.mark.parametrize("token", ["嗯", "嗯嗯", "是的", "好的", "对", "明白"])
def test_a_listeners_token_under_the_others_words(token: str) -> None:
    long = said(1, 0, 8, "我们仓库上个星期换了新的扫码枪一共八把前几天用着都挺好的")
    spoken = turns(long, said(0, 3, 3.6, token))
    assert [turn.is_backchannel for turn in spoken] == [False, True]


@pytest.mark.parametrize(("seconds", "token"), [(2.4, True), (2.7, False)])
def test_listeners_words_may_last(seconds: float, token: bool) -> None:
    long = said(1, 0, 8, "我们仓库上个星期换了新的扫码枪一共八把前几天用着都挺好的")
    spoken = turns(long, said(0, 3, 3 + seconds, "哎呀真抱歉您接着说"))
    assert [turn.is_backchannel for turn in spoken] == [False, token]


@pytest.mark.parametrize(
    ("start_s", "end_s", "text"),
    [
        (3.0, 5.0, "你到首页去改就行了"),  # takes the floor
        (8.5, 9.0, "好的"),  # an answer: nobody else speaks
        (7.6, 9.0, "好的我知道了"),  # outlasts the other
    ],
)
def test_no_listeners_token(start_s: float, end_s: float, text: str) -> None:
    long = said(1, 0, 8, "我们仓库上个星期换了新的扫码枪一共八把前几天用着都挺好的")
    spoken = turns(long, said(0, start_s, end_s, text))
    assert not any(turn.is_backchannel for turn in spoken)


def test_plain_listening_that_ends_shortly_after_the_other_takes_no_floor() -> None:
    customer = said(1, 0, 5, "首页我也看过了没有看到")
    assert [turn.is_backchannel for turn in turns(customer, said(0, 4.6, 5.3, "好的"))] == [
        False,
        True,
    ]
    for own in (said(0, 4.6, 5.3, "没有吗"), said(0, 4.6, 5.9, "好的")):
        assert not any(turn.is_backchannel for turn in turns(customer, own))


def test_a_short_beginning_under_the_others_voice_belongs_to_what_follows() -> None:
    customer = said(1, 0, 6, "我想问一下上个月的账单为什么比平时多")
    _, agent = turns(customer, said(0, 4.0, 4.5, "这个地"), said(0, 5.1, 7, "址和别的电脑冲突"))
    assert agent.span == Span(4.0, 7)
    later = turns(customer, said(0, 4.0, 4.5, "是的"), said(0, 5.1, 7, "我帮您查一下"))
    assert [turn.is_backchannel for turn in later] == [False, True, False]


def test_confidence_is_the_words_own() -> None:
    (turn,) = turns(said(0, 0, 2, "您好", probability=0.5))
    assert turn.asr_confidence == 0.5
    (silent,) = turns(said(0, 0, 2, ""))
    assert silent.asr_confidence is None
    assert silent.text.strip("，") == ""


def test_punctuation_is_chinese() -> None:
    (turn,) = turns(said(0, 0, 2, "您好 请问,哪位?"))
    assert not set(turn.text) & set(" ,?")


def test_no_utterances() -> None:
    assert build([], [[], []], roles=ROLES) == ()


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ([" Thank", " you", " for", " calling,", " goodbye."], "Thank you for calling, goodbye."),
        (["请打开", " Microsoft", " Word", " 软件"], "请打开 Microsoft Word 软件"),
        (["装的是", " Windows", " 10", " 系统"], "装的是 Windows 10 系统"),
        (["您好", " 请问", " 您贵姓?"], "您好，请问，您贵姓？"),
        (["发到", "li.ming@", "example.com", ",好吗?"], "发到li.ming@example.com，好吗？"),
        (["OK,", "好的."], "OK，好的。"),
        (["一共", "1.5", "元"], "一共1.5元"),
    ],
)
def test_latin_words_keep_their_spaces(words: list[str], text: str) -> None:
    spoken = tuple(Word(word, i, i + 1.0, 0.9) for i, word in enumerate(words))
    (turn,) = turns((Utterance(0, Span(0, len(words))), spoken))
    assert turn.text == text


def test_utterances_in_latin_letters_are_joined_with_a_space() -> None:
    (turn,) = turns(said(0, 0, 2, "Hello."), said(0, 2.3, 4, "Speaking."))
    assert turn.text == "Hello. Speaking."


def test_what_was_not_recognised_is_a_turn_of_its_own() -> None:
    garbled, words = said(0, 2.3, 4, "蟹蟹蟹蟹")
    spoken = turns(
        said(0, 0, 2, "您好请讲"),
        (Utterance(0, garbled.span, unintelligible=True), words),
        said(0, 4.2, 6, "请问您贵姓"),
    )
    assert [turn.unintelligible for turn in spoken] == [False, True, False]
    assert [turn.asr_confidence for turn in spoken] == [0.9, 0.0, 0.9]
    assert spoken[0].text == "您好请讲"
