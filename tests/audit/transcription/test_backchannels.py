"""What is a listener's words, and what only begins with them."""

from __future__ import annotations

import pytest

from audit.transcription.backchannels import hushes, is_backchannel


@pytest.mark.parametrize(
    "text",
    [
        "嗯呐嗯呐，是这个理",
        "啊，真的呀，哎哟我的天",
        "噢噢，实在对不住，您接着讲",
        "嘿嘿嘿，可不是嘛",
        "系啊系啊，冇问题",
        "对头对头，晓得咯",
        "我都记着呢，您慢慢讲",
        "体谅体谅您的难处",
        "OK OK，没毛病",
        "谁摊上都得急，给您添堵了",
    ],
)
def test_listeners_words_in_any_order(text: str) -> None:
    assert is_backchannel(text)


@pytest.mark.parametrize("text", ["号的号的", "最最最，是滴", "嘻嘻，命白了", "布好意思"])
def test_listeners_words_as_a_recogniser_writes_them(text: str) -> None:
    assert is_backchannel(text)


@pytest.mark.parametrize(
    "text",
    [
        "嗯好，卡号念一遍",
        "是是是，但流程不允许",
        "明白，您换个窗口办",
        "抱歉，打断一下",
        "好好好，你先挂",
        "停停停停停",
        "您说清楚点",
        "不行",
        "什么时候买的",
        "",
    ],
)
def test_what_goes_on_to_business_is_no_listeners(text: str) -> None:
    assert not is_backchannel(text)


@pytest.mark.parametrize(
    ("text", "told"),
    [("行了行了", True), ("好了，我晓得了", True), ("好了", False), ("好的好的", False)],
)
def test_enough_has_been_heard(text: str, told: bool) -> None:
    assert hushes(text) is told
