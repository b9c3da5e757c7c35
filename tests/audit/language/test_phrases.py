"""Phrases are found as they sound, where they stand, and nowhere else."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.language.phrases import MAX_GAP, PhraseIndex, expand, find, find_any, find_each
from audit.rulebooks import load

_RULES = load("hotline").rules
WORDINGS = sorted(
    {
        wording
        for group in _RULES.forbidden_language.groups
        for phrase in group.phrases
        for wording in expand(phrase)
        if "…" not in wording
    }
)
# characters that form no words with what stands beside them, which might be read otherwise
AROUND = st.text(alphabet="喝跑桌猫纸鱼雪饭笔茶灯窗树花冰糖", max_size=12)


@pytest.mark.parametrize(
    ("phrase", "text"),
    [
        ("有意见你去告吧", "有一件你去告吧"),
        ("工号", "公号二零零一"),
        ("拿过来", "拉过来"),
        ("不知道", "不资道"),
        ("帮您查", "班您查"),
        ("听不懂人话", "你是不是聽不懂人話"),
        ("你(去|)找…去吧", "你去找别的部门去吧"),
        ("你(去|)找…去吧", "你找他去吧"),
        ("下班了…明天再说", "我都下班了，有事情明天再说吧"),
        ("工号二零零一", "工号2001"),
        ("VIP客户", "您是vip客户"),
        ("WiFi密码", "WIFI，密码多少"),
    ],
)
def test_found(phrase: str, text: str) -> None:
    assert find(phrase, text) is not None


@pytest.mark.parametrize(
    ("phrase", "text"),
    [
        ("还问什么", "请问还有什么可以帮您"),
        ("你好", "理好了"),  # two syllables are too few for blurred sounds
        ("闭嘴", "必须"),
        ("滚蛋", "滚动条"),
        ("你必须要", "您的必要信息"),
        ("有意见你去告吧", "有意见可以告诉我"),
        ("下班了…明天再说", "下班了我还要回去接孩子做饭洗衣服，明天再说吧"),  # beyond the gap
        ("你好", "好你"),  # order matters
        ("您好", ""),
        ("您好", "hello"),
        ("VIP客户", "您是我的客户"),
        ("下载APP", "请您下载歌曲"),
        ("-", "没有声音的名字"),
    ],
)
def test_not_found(phrase: str, text: str) -> None:
    assert find(phrase, text) is None


def test_the_gap_has_a_longest_length() -> None:
    assert find("我找…去", "我找" + "他" * MAX_GAP + "去")
    assert find("我找…去", "我找" + "他" * (MAX_GAP + 1) + "去") is None


def test_slack_forgives_a_name_the_recogniser_does_not_know() -> None:
    assert find("中国联通", "这里是中国言通客服") is None
    match = find("中国联通", "这里是中国言通客服", slack=1)
    assert match is not None
    assert match.quality < 1.0
    assert find("中国联通", "这里是中国铁路客服", slack=1) is None
    assert find("我叫", "不说话我就挂了", slack=1) is None, "two syllables get none"


def test_a_long_phrase_forgives_a_syllable_half_heard_a_short_one_does_not() -> None:
    match = find("你问我我去问谁", "你问我我去问事")
    assert match is not None
    assert 0.8 < match.quality < 1.0
    assert find("闭嘴", "闭水") is None


def test_positions_point_at_the_right_characters() -> None:
    text = "嗯，那个…… 有一件，你去告吧！好吗"
    match = find("有意见你去告吧", text)
    assert match is not None
    assert text[match.first : match.last] == "有一件，你去告吧"
    assert match.meant == "有意见你去告吧"
    assert match.quality == 1.0


def test_the_better_match_wins_and_the_longer_of_two_as_good() -> None:
    match = find_any(("你好", "你好我是客服", "再见"), "喂你好我是客服")
    assert match is not None
    assert match.meant == "你好我是客服"


@pytest.mark.parametrize(
    ("phrase", "wordings"),
    [
        ("闭嘴", {"闭嘴"}),
        ("你(去|)找", {"你去找", "你找"}),
        ("(a|b)(c|d|)", {"ac", "ad", "a", "bc", "bd", "b"}),
        ("你(去|来", {"你去", "你来"}),
        ("别(急|发(火|脾气)|)了", {"别急了", "别发火了", "别发脾气了", "别了"}),
    ],
)
def test_expand(phrase: str, wordings: set[str]) -> None:
    assert set(expand(phrase)) == wordings


@given(st.lists(st.lists(st.sampled_from("你我他去找"), max_size=4), max_size=4))
def test_expand_gives_every_combination(choices: list[list[str]]) -> None:
    phrase = "请".join("(" + "|".join(options) + ")" for options in choices)
    wordings = expand(phrase)
    assert len(wordings) == math.prod(max(1, len(options)) for options in choices)
    assert not any(re.search(r"[()|]", wording) for wording in wordings)


@given(st.sampled_from(WORDINGS), AROUND, AROUND)
def test_a_wording_finds_itself_in_any_text(wording: str, before: str, after: str) -> None:
    text = f"{before}，{wording}。{after}"
    match = find(wording, text)
    assert match is not None
    assert match.quality == 1.0
    assert match.first <= len(before) + 1 < match.last or text.count(wording) > 1


@given(st.sampled_from(WORDINGS), AROUND, AROUND)
def test_a_wording_finds_itself_without_punctuation(wording: str, before: str, after: str) -> None:
    assert find(wording, before + wording + after) is not None


@given(
    st.lists(st.sampled_from(WORDINGS), min_size=2, max_size=12, unique=True),
    st.integers(0, 11),
    st.integers(0, 11),
    AROUND,
    AROUND,
)
def test_the_index_finds_what_a_search_of_every_phrase_finds(
    wordings: list[str], said: int, at: int, before: str, after: str
) -> None:
    """One syllable of one of the wordings is heard wrong."""
    wording = wordings[said % len(wordings)]
    at %= len(wording)
    text = before + wording[:at] + "猫" + wording[at + 1 :] + after
    found = [match for one in wordings if (match := find(one, text))]
    best = max((match.quality for match in found), default=None)
    indexed = find_any(tuple(wordings), text)
    assert (indexed and indexed.quality) == best
    (each, nothing) = find_each([tuple(wordings), ("呜噜噜",)], text)
    assert each == indexed
    assert nothing is None


@given(
    st.lists(st.lists(st.sampled_from(WORDINGS), max_size=4).map(tuple), max_size=6),
    st.lists(st.sampled_from(WORDINGS), max_size=3),
)
def test_an_index_finds_for_each_list_what_a_search_of_it_alone_finds(
    lists: list[tuple[str, ...]], spoken: list[str]
) -> None:
    index, text = PhraseIndex(lists), "，".join(spoken)
    assert list(index.find_each(text)) == [find_any(phrases, text) for phrases in lists]
    assert list(index.find_each("")) == [None] * len(lists)
