"""The classifier of dialogue acts, on wordings of its own tests, and what it learns from."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from audit.ports import ACTS, AnsweringTurn
from audit.types import Role
from models.text import acts
from models.training import acts as training

CERTAIN, DOUBTFUL = 0.8, 0.4


def judged(*texts: str, before: str = "") -> NDArray[np.float64]:
    return acts.probabilities([AnsweringTurn(text, before) for text in texts])


def likely(act: str, text: str, before: str = "") -> float:
    return float(judged(text, before=before)[0, ACTS.index(act)])


CLEAR = [
    ("delay", "师傅说好上礼拜四来，到今天影子都没见着"),
    ("delay", "我报修都一个星期了，连个电话都没有"),
    ("repeated_fault", "上周才修好，今天又不亮了"),
    ("price", "开通这个业务一年得花多少"),
    ("wrong_number", "你拨错号了，这里没有姓邵的"),
    ("absent", "老张不在，他出国了"),
    ("busy_now", "我在会上，等会儿给你打回去"),
    ("own_errand", "你先别挂，我去翻一下合同"),
    ("goodbye", "好，那就这样，拜拜啊"),
    ("hello", "早上好"),
    ("apology", "给您带来这么多麻烦，实在抱歉"),
    ("asks_name", "您怎么称呼"),
    ("asks_time", "您哪天有空"),
    ("asks_wait", "麻烦您等我一分钟"),
    ("after_wait", "让您久等了，感谢您耐心等候"),
    ("further_help", "您还有别的问题需要咨询吗"),
    ("farewell", "感谢您的来电，祝您生活愉快"),
    ("reads_back", "跟您核对一下，您的电话是幺三五二二零零七四六八，对吗"),
    ("comforts", "换成是我也会着急，我特别理解您"),
    ("promises", "我拿人格担保，绝对给您修好"),
    ("attacks_competitor", "隔壁那家公司的宽带差劲透顶，谁装谁后悔"),
]


@pytest.mark.parametrize(("act", "text"), CLEAR)
def test_clear_wordings_are_certain(act: str, text: str) -> None:
    assert likely(act, text) >= CERTAIN


@pytest.mark.parametrize(
    ("act", "text"),
    [
        ("delay", "您几点过来都行，我一整天在家"),
        ("price", "网线插在第二个口"),
        ("repeated_fault", "我想换一个套餐"),
        ("apology", "网线插在第二个口"),
        ("promises", "我先记录下来，有消息再通知您"),
        ("attacks_competitor", "您可以先比较一下再做决定"),
        ("flat_no", "这个业务需要本人带身份证到营业厅办理"),
        ("insider_talk", "工程师明天上午会上门检测设备"),
        ("asks_favour", "麻烦您报一下合同编号"),
        ("private_talk", "您的单子已经派给师傅了"),
    ],
)
def test_what_does_something_else_is_not_even_doubtful(act: str, text: str) -> None:
    assert likely(act, text) < DOUBTFUL


def test_what_was_said_before_counts() -> None:
    assert likely("nothing_more", "没有了", "请问还有别的需要吗") > likely("nothing_more", "没有了")


def test_only_the_end_of_what_was_said_before_counts() -> None:
    asked = "请问还有其他可以帮到您的吗"
    long = judged("没有了", before=f"您的单子已经派给师傅了，{asked}")
    assert long == pytest.approx(judged("没有了", before=asked))


def test_probabilities_have_a_row_for_each_turn_and_a_column_for_each_act() -> None:
    texts = [text for _, text in CLEAR]
    found = judged(*texts)
    assert found.shape == (len(texts), len(ACTS))
    assert ((found >= 0) & (found <= 1)).all()
    assert len(set(ACTS)) == len(ACTS)


def test_turns_are_judged_one_by_one() -> None:
    texts = [text for _, text in CLEAR]
    together = judged(*texts, "", "，。")
    alone = np.vstack([judged(text) for text in [*texts, "", "，。"]])
    assert together == pytest.approx(alone, abs=1e-5)


def test_no_turns_have_no_rows() -> None:
    assert acts.probabilities([]).shape == (0, len(ACTS))


@pytest.mark.parametrize("text", ["", "，。", "……", "\u3000", "𠮷𠮷", "🙂"])
def test_a_turn_without_words_does_nothing_for_certain(text: str) -> None:
    found = judged(text)
    assert np.isfinite(found).all()
    assert (found < CERTAIN).all()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("您好，我的宽带断了。", "您好我的宽带断了"),
        ("好，那就这样，拜拜啊！", "好那就这样拜拜啊"),
        ("这个……多少钱？", "这个多少钱"),
    ],
)
def test_punctuation_is_ignored(one: str, other: str) -> None:
    assert judged(one) == pytest.approx(judged(other))
    assert judged("没有了", before=one) == pytest.approx(judged("没有了", before=other))


def test_prediction_needs_no_scikit_learn_and_no_pickle() -> None:
    code = (
        "import sys; from audit.ports import AnsweringTurn; from models.text import acts;"
        "acts.probabilities([AnsweringTurn('您好')]); assert 'sklearn' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    with np.load(acts.ARTIFACT, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored}
    assert all(array.dtype.kind in "fu" for array in arrays.values())
    assert acts.ARTIFACT.stat().st_size < 6_000_000
    assert len(acts.sha256()) == 64


def test_what_was_learned_fits_the_acts() -> None:
    with np.load(acts.ARTIFACT, allow_pickle=False) as stored:
        names = stored["vocabulary"].tobytes().decode().split("\n")
        assert stored["weights"].shape == (len(names), len(ACTS))
        assert len(set(names)) == len(names)
        for name in ("weights", "scales", "offsets"):
            assert np.isfinite(stored[name]).all()
        # the likelier, the higher; no act is without an example
        assert (stored["scales"] > 0).all()


# what it learns from

TURNS = list(training.read())


def test_there_are_turns_of_every_act_by_several_writers() -> None:
    assert len(TURNS) > 8000
    writers: dict[str, set[str]] = {act: set() for act in ACTS}
    for turn in TURNS:
        for act in turn.acts:
            writers[act].add(turn.group)
    assert min(map(len, writers.values())) >= 2
    assert sum(not turn.acts for turn in TURNS) > 1000  # which do nothing of all that
    assert all(turn.acts <= turn.known for turn in TURNS)


def test_an_act_is_of_one_side_only() -> None:
    sides = {(act, turn.role) for turn in TURNS for act in turn.acts}
    assert len(sides) == len(ACTS)
    assert {role for _, role in sides} == {Role.AGENT, Role.CUSTOMER}


def test_every_turn_has_words() -> None:
    assert all(turn.turn.text.strip() for turn in TURNS)


def test_no_turn_is_there_twice() -> None:
    times = Counter((turn.role, turn.turn.before, turn.turn.text) for turn in TURNS)
    assert [turn for turn, count in times.items() if count > 1] == []


def test_wordings_of_these_tests_are_not_learned() -> None:
    learned = {turn.turn.text for turn in TURNS}
    long = {text for _, text in CLEAR if len(text) > 8}
    assert not long & learned


def test_ordinary_turns_perform_no_rare_act() -> None:
    found = list(training.ordinary())
    assert len(found) > 1000
    for turn in found:
        assert turn.role is Role.AGENT
        assert turn.acts == frozenset()
        assert turn.known
        assert turn.known <= set(ACTS)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("apologie\tagent\t\t抱歉", "own.tsv, line 2: there is no act 'apologie'"),
        ("apology,sings\tagent\t\t抱歉", "own.tsv, line 2: there is no act 'sings'"),
        ("apology\tboss\t\t抱歉", "boss"),
        ("apology\tagent\t抱歉", "values to unpack"),
    ],
)
def test_a_mistake_in_a_line_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, said: str
) -> None:
    good = "thanks,farewell\tagent\t好\t谢谢，再见\n"
    (tmp_path / "own.tsv").write_text(f"{good}{line}\n", "utf-8")
    monkeypatch.setattr(training, "FOLDER", tmp_path)
    turns = training.read()
    first = next(turns)
    assert (set(first.acts), first.group) == ({"thanks", "farewell"}, "own")
    assert first.turn == AnsweringTurn("谢谢，再见", "好")
    with pytest.raises(ValueError, match=said):
        next(turns)


def test_who_does_nothing_is_written_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own.tsv").write_text("none\tcustomer\t请讲\t我想换一个套餐\n", "utf-8")
    monkeypatch.setattr(training, "FOLDER", tmp_path)
    (turn,) = training.read()
    assert (turn.acts, turn.role) == (frozenset(), Role.CUSTOMER)
