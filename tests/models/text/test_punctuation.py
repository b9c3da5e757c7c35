"""The punctuation that a transcript lacks: where it is set, and what is left alone."""

import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit import pipeline, rulebooks
from audit.types import Marks, Role, Turn
from models.text import punctuation
from models.training import punctuation as training
from tests.benchmarks.punctuation import figures, written
from tests.calls import MODELS, dialogue

ARTIFACTS = (punctuation.PLACES, punctuation.STOPS, punctuation.QUESTIONS)
BLIND = tuple(sorted(Path("data_samples/blind").glob("clauses_hotline*.txt")))
"""By writers whose turns are not learned from."""


def shown(*texts: str) -> list[str]:
    return [
        Turn(0, Role.AGENT, text, marks=marks).punctuated
        for text, marks in zip(texts, punctuation.marks(texts), strict=True)
    ]


@pytest.mark.parametrize(
    "text",
    [
        "您好，请问有什么可以帮您？",
        "好的，请您稍等。",
        "不客气，再见。",
        "请问您贵姓？",
        "你说啥？",
        "没有了，谢谢。",
        "嗯。",
        "对。",
    ],
)
def test_clear_turns_get_their_marks_back(text: str) -> None:
    assert shown(re.sub("[，。？]", "", text)) == [text]


def test_marks_of_unknown_writers_are_found_where_they_belong() -> None:
    """Floors below what the model card says, on turns that it has not learned from."""
    turns = [turn for file in BLIND for turn in written(file)]
    assert len(turns) > 3000
    found = figures(turns)
    assert found["mark_f1"] > 0.72
    assert found["last_kind"] > 0.85
    assert figures(turns, before=True)["mark_f1"] == 0.0


def test_what_a_transcript_has_stays_but_for_commas_where_a_sentence_ends() -> None:
    said = "您的电话对吗，我帮您登记一下。好的，您看还有别的需要吗"
    (text,) = shown(said)
    assert re.sub("[，。？]", "", text) == re.sub("[，。？]", "", said)
    assert "登记一下。好的" in text and text.endswith("？")


def test_a_transcript_with_full_stops_gets_them_at_ends_only() -> None:
    said = [
        "我想问一下这个月的账单你们怎么算的。",
        "您好我是客服请您报一下号码好吗？",
        "好的谢谢你",
    ]
    assert shown(*said) == [*said[:2], "好的谢谢你。"]
    assert shown(*said, "您好我查到了请您别着急")[1] != said[1]


@pytest.mark.parametrize("text", ["", "，", "OK thank you", "12345", "（）"])
def test_what_is_not_chinese_stays(text: str) -> None:
    assert shown(text) == [text]


@given(st.text(st.sampled_from("好的吗您请问，。？ ,.A1a“”（…\u0130\U0001f600體")))
def test_nothing_but_marks_is_added(text: str) -> None:
    (marks,) = punctuation.marks([text])
    assert list(marks) == sorted(marks)
    assert all(mark in ("，", "。", "？") and 0 < at <= len(text) for at, mark in marks)
    without = re.compile("[，,。？]")
    assert without.sub("", shown(text)[0]) == without.sub("", text)


def test_verdicts_are_the_same_with_marks_and_without() -> None:
    class Nothing:
        def marks(self, texts: Sequence[str]) -> list[Marks]:
            return [() for _ in texts]

    book = rulebooks.load("hotline")
    call = dialogue(
        "客服: 您好远山客服请问您找谁\n客户: 我要退款怎么弄\n客服: 你问我我去问谁", book
    )
    with_marks = pipeline.judge(call, book, models=MODELS)
    without = pipeline.judge(call, book, models=replace(MODELS, punctuation=Nothing()))
    assert all(turn.marks for turn in with_marks.call.turns)
    assert with_marks.findings == without.findings != ()
    assert with_marks.scorecard == without.scorecard


def test_prediction_needs_no_scikit_learn_and_no_pickle() -> None:
    code = (
        "import sys; from models.text import punctuation;"
        "punctuation.marks(['您好请问']); assert 'sklearn' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    for artifact in ARTIFACTS:
        with np.load(artifact, allow_pickle=False) as stored:
            assert all(stored[name].dtype.kind in "fu" for name in stored)
    assert sum(artifact.stat().st_size for artifact in ARTIFACTS) < 4_000_000


def test_training_makes_the_same_examples_and_the_same_bytes_each_time(tmp_path: Path) -> None:
    """On the turns of some writers: all of them take minutes."""
    known = [turn for turn in training.turns() if turn.group in ("wa", "wb", "wc", "c3", "z9")]
    assert len(known) > 1500
    assert training.with_errors(known) == training.with_errors(known)
    for folder in ("one", "other"):
        (tmp_path / folder).mkdir()
        training.learn(known, [tmp_path / folder / artifact.name for artifact in ARTIFACTS])
    for artifact in ARTIFACTS:
        one, other = (tmp_path / folder / artifact.name for folder in ("one", "other"))
        assert one.read_bytes() == other.read_bytes()


def test_nothing_is_learned_from_blind_sets() -> None:
    learned = {"".join(turn.clauses) for turn in training.turns()}
    turns = [turn for file in BLIND for turn in written(file)]
    long = {turn.bare for turn in turns if turn.length >= 16}
    assert len(long) > 500
    assert not long & learned
