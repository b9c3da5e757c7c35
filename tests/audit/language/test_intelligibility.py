"""What no voice says is told from what people say over and over, and Mandarin from other speech."""

from __future__ import annotations

import pytest

from audit.language.intelligibility import is_loop, is_mandarin, is_suspect, unread_share
from audit.types import Role, Turn


@pytest.mark.parametrize(
    "text",
    [
        "蟹" * 40,
        "，".join(["他就在那里"] * 7),
        "请您到柜台办理" * 5,
        "您好，这里是" + "是他的女儿的" * 12,
        "Chinese Lake " * 9,
        "0" * 90,
        "嗯" * 80,
        "7-" * 24,
        "1，" + "6，6-" * 15,
        "噗，" * 11,
        # no run, and yet in circles
        "我去那边看他，他去这边看我，" * 3 + "他去这边看我，我去那边看他，" * 3,
    ],
)
def test_repeats_without_end_are_no_text(text: str) -> None:
    assert is_loop(text)
    assert is_suspect(text)


@pytest.mark.parametrize(
    "text",
    [
        "嗯嗯嗯嗯嗯",
        "对对对对，是是是",
        "好的好的好的好的好的，谢谢谢谢",
        "喂喂喂，喂，你好，喂，你好，听得到吗，听得到吗，听得到吗",
        "零零零零零零零零",
        "零，零，零，零，零，零",
        "8-6-6-6-6-6-6-1",
        "嗯，嗯，嗯，嗯，嗯嗯嗯嗯嗯嗯嗯",
        "尾号是8888888，前面是6222020000000000000",
        "哈哈哈哈哈哈哈哈哈",
        "我都说了三遍了，我要退货，我要退货，我要退货！",
        "我的宽带昨天就断了，我的宽带昨天就断了，你听清楚没有？",
        "不用不用不用，没有没有没有没有",
        "",
    ],
)
def test_what_people_repeat_is_text(text: str) -> None:
    assert not is_loop(text)


def test_only_what_might_be_a_loop_is_heard_again() -> None:
    assert is_suspect("我还想要走，我还想要走，我还想要走")
    assert not is_loop("我还想要走，我还想要走，我还想要走")
    assert not is_suspect("好的好的好的好的")
    assert not is_suspect("我要退货，我要退货")


def test_more_than_a_voice_says_is_no_text() -> None:
    text = "您的套餐包含二十个吉的流量和三百分钟通话，超出以后按照标准资费收取，请留意短信"
    assert is_loop(text, 1.5)
    assert not is_loop(text, 7.0)
    assert not is_loop(text, 4.0)  # far too fast for a customer, and a voice all the same
    assert not is_loop(text, 0.0)  # no measurement
    assert not is_loop("好的，再见", 0.5)


@pytest.mark.parametrize(
    "text",
    [
        "Thank you for calling, how may I help you?",
        "Xin chào, tôi có thể giúp gì cho bạn?",
        "おはようございます、サポートセンターです",
        "안녕하세요 무엇을 도와드릴까요",
        "Доброе утро, служба поддержки",
        "我系三零零八号，请问有咩帮到你",
        "唔好意思，我哋而家查紧",
        "侬好，请问侬有啥事体",
        "请问有啥子可以帮到你",
    ],
)
def test_other_speech(text: str) -> None:
    assert not is_mandarin(text)


@pytest.mark.parametrize(
    "text",
    [
        "请您打开 Microsoft Word 软件，点一下 File",
        "OK",
        "您的邮箱是zhang.wei@mail.example.com吗",
        "关系数据库的系统和体系，我们联系一下",
        "请勿挂机，阿拉伯语的咨询请转六号键",
        "【手机号】，【姓名】",
        "wifi连不上，app也打不开",
        "",
    ],
)
def test_mandarin(text: str) -> None:
    assert is_mandarin(text)


def test_share_of_speech_that_was_not_read() -> None:
    turns = [
        Turn(0, Role.AGENT, "您好，请讲", start_s=0, end_s=3),
        Turn(1, Role.AGENT, "蟹蟹蟹", start_s=4, end_s=5, unintelligible=True),
        Turn(2, Role.AGENT, "蟹", start_s=5, end_s=9, unintelligible=True, is_backchannel=True),
    ]
    assert unread_share(turns) == pytest.approx(0.25)
    assert unread_share([]) == 0.0
