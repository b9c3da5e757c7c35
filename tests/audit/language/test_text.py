"""Text as sounds: what a recogniser may write instead and what it may not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.language.text import simplify, sounds, spoken_characters


@pytest.mark.parametrize(
    ("traditional", "simplified"),
    [
        ("聽不懂人話", "听不懂人话"),
        ("請您稍等，馬上為您處理", "请您稍等，马上为您处理"),
        ("A3 工號007", "A3 工号007"),
    ],
)
def test_simplify(traditional: str, simplified: str) -> None:
    assert simplify(traditional) == simplified
    assert simplify(simplified) == simplified


@pytest.mark.parametrize(
    ("text", "count"), [("您好，工号1011。", 8), ("", 0), ("OK, bye!", 0), ("喂？喂！", 2)]
)
def test_spoken_characters(text: str, count: int) -> None:
    assert spoken_characters(text) == count


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        ("有意见", "有一件"),
        ("工号", "公号"),
        ("您好", "林好"),  # n and l
        ("知道", "资道"),  # zh and z
        ("是", "四"),  # sh and s
        ("吃饭", "词饭"),  # ch and c
        ("帮忙", "班忙"),  # ang and an
        ("请问", "寝问"),  # ing and in
        ("工号101", "工号一零一"),
        ("聽懂", "听懂"),
    ],
)
def test_blurred_sounds_count_as_one(said: str, heard: str) -> None:
    assert sounds(said).code == sounds(heard).code


@pytest.mark.parametrize(
    ("one", "other"), [("有", "问"), ("八", "爬"), ("告", "高兴"), ("我", "五"), ("于", "五")]
)
def test_clear_sounds_stay_apart(one: str, other: str) -> None:
    assert sounds(one).code != sounds(other).code


@given(st.text(alphabet="您好工号一二三0189ABc，。 ?？嗯\n", max_size=40))
def test_positions_point_at_the_characters_that_sound(text: str) -> None:
    heard = sounds(text)
    spoken = [i for i, c in enumerate(text) if c.isalnum()]
    assert list(heard.positions) == spoken
    assert len(heard.code) == 2 * len(heard) == 2 * len(spoken)


def test_yu_wu_yi_are_spelt_by_their_sound() -> None:
    assert sounds("雨").code[1] == sounds("女").code[1]  # yu, nü: one final
    assert sounds("月").code[1] == sounds("缺").code[1]  # yue, que
    assert sounds("眼").code[1] == sounds("点").code[1]  # yan, dian
    assert sounds("我").code[1] == sounds("多").code[1]  # wo, duo
