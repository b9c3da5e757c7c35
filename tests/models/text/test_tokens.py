"""Words are cut as jieba cuts them."""

from __future__ import annotations

import jieba
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.text import tokens

JIEBA = jieba.Tokenizer()
SAID = (
    "您好，请问有什么可以帮您",
    "我的WiFi连不上，IP是192.168.1.1",
    "5G套餐 a b c 怎么办理",
    "這個寬帶什麼時候能裝好",
    "㐀㐁龘靐",
    "",
)


@pytest.mark.parametrize("text", SAID)
def test_words_are_those_of_jieba(text: str) -> None:
    plain = tokens.plain(text)
    assert tokens.common().cut(plain) == JIEBA.lcut(plain, HMM=False)


@given(
    st.text(alphabet="您好请问宽带有什么可以帮不上网络装好办理套餐结婚的和尚未5ga1", max_size=30)
)
def test_any_text_is_cut_as_jieba_cuts_it(plain: str) -> None:
    assert tokens.common().cut(plain) == JIEBA.lcut(plain, HMM=False)


def test_telephone_service_has_words_of_its_own() -> None:
    own = "光猫"
    assert own not in tokens.common().cut("重启光猫试试")
    assert own in tokens.telephone().cut("重启光猫试试")


def test_frequencies_are_weighed_against_the_sum_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    JIEBA.initialize()
    assert tokens._jieba().total == JIEBA.total
    monkeypatch.setattr(tokens, "_TOTALS", {})  # as with another version of the dictionary
    assert tokens._jieba().total == JIEBA.total
