"""The classifier of forbidden wording, on sentences whose phrase families it never saw."""

import random
import subprocess
import sys

import jieba
import numpy as np
import pytest
from numpy.typing import NDArray
from rapidfuzz import fuzz, process

from audit.language.text import sounds
from audit.ports import SpokenTurn
from audit.rulebooks import load
from models.text import forbidden
from models.training.noise import Noise
from models.training.sentences import SIMILARITY_MIN, held_out, training_sentences
from models.training.turns import exchange_turns, service_turns
from tests.timing import ratio

MEANING = load("hotline").rules.forbidden_language.meaning
TEST = held_out("test")
GUILTY = np.array([row["kind"] != forbidden.INNOCENT for row in TEST])


def judged(*texts: str) -> NDArray[np.float64]:
    return forbidden.probabilities([SpokenTurn(text) for text in texts])


@pytest.fixture(scope="module")
def scores() -> NDArray[np.float64]:
    return judged(*[row["text"] for row in TEST])


@pytest.mark.parametrize("name", ["validation", "test"])
def test_held_out_sentences_are_many_half_innocent_and_unseen(name: str) -> None:
    held = held_out(name)
    labels_validation = np.array([row["kind"] != forbidden.INNOCENT for row in held])
    assert len(held) >= 600
    assert labels_validation.mean() == pytest.approx(0.5, abs=0.02)
    younger = {"threat", "impatience"}
    assert {row["kind"] for row in held} == {*forbidden.KINDS, forbidden.INNOCENT} - younger


def test_training_leaves_out_families_that_resemble_what_is_held_out() -> None:
    held = [*held_out("validation"), *TEST]
    codes = sorted({sounds(sentence.turn.text).code for sentence in training_sentences()})
    similarity = process.cdist(
        [sounds(row["text"]).code for row in held],
        codes,
        scorer=fuzz.ratio,
        score_cutoff=SIMILARITY_MIN,
    )
    assert not similarity.any()
    assert len(codes) > 5000


def test_meaning_alone_accuses_nearly_nobody_wrongly(scores: NDArray[np.float64]) -> None:
    assert MEANING is not None
    accused = scores >= MEANING.accuse_from
    assert GUILTY[accused].mean() >= 0.98
    assert accused[GUILTY].mean() >= 0.2
    doubted = scores >= MEANING.doubt_from
    assert GUILTY[doubted].mean() >= 0.95
    assert doubted[GUILTY].mean() >= 0.45


def test_an_answer_that_objects_makes_a_fault_likelier() -> None:
    said = "你这个我跟你讲了你也不懂"
    alone, objected, thanked = forbidden.probabilities(
        [
            SpokenTurn(said),
            SpokenTurn(said, "你怎么说话呢，你什么态度"),
            SpokenTurn(said, "好的好的，谢谢你啊"),
        ]
    )
    assert objected > alone
    assert objected > thanked


def test_what_repeats_the_customer_or_quotes_somebody_is_less_likely_a_fault() -> None:
    said = "爱找谁找谁去"
    own, repeated = forbidden.probabilities([SpokenTurn(said), SpokenTurn(said, "", 1.0)])
    assert repeated < own
    plain, quoted = judged("让你爱找谁找谁去是吗", "他说让你爱找谁找谁去是吗")
    assert quoted < plain


def test_what_was_garbled_is_not_familiar() -> None:
    clear = "您好，请问您的宽带账号是多少，我帮您查一下"
    assert forbidden.familiarity(clear) > 0.9
    assert forbidden.familiarity("岭南垄断腔佯乌龟鸾凤炭翡") < 0.5
    assert forbidden.familiarity("") == 1.0


def test_labels_of_dialogues_and_exchanges_are_read() -> None:
    turns = [*service_turns(), *exchange_turns()]
    assert {turn.kind for turn in turns} == {*forbidden.KINDS, forbidden.INNOCENT}
    assert sum(turn.is_forbidden for turn in turns) > 2500
    noise = Noise.learned()
    garbled = noise.heard(turns[:200])
    assert garbled == noise.heard(turns[:200])
    assert garbled != turns[:200]
    assert [turn.kind for turn in garbled] == [turn.kind for turn in turns[:200]]


def test_the_kind_is_told_far_above_chance() -> None:
    labels_validation = [row for row in TEST if row["kind"] != forbidden.INNOCENT]
    assert np.mean([forbidden.kind(row["text"]) == row["kind"] for row in labels_validation]) > 0.6


def test_probabilities_are_probabilities(scores: NDArray[np.float64]) -> None:
    assert ((scores >= 0) & (scores <= 1)).all()
    assert forbidden.kind("") in forbidden.KINDS


@pytest.mark.parametrize("texts", [[], ["", "，。"], ["嗯", "hello 123"]])
def test_nothing_said_is_no_fault(texts: list[str]) -> None:
    scores = judged(*texts)
    assert scores.shape == (len(texts),)
    assert (scores < 0.6).all()


def test_a_misheard_insult_is_still_one() -> None:
    said, heard = judged("你这人怎么这么笨啊", "你这仁怎么这么奔啊")
    assert said > 0.9
    assert heard > 0.5


def test_prediction_needs_no_scikit_learn_and_no_pickle() -> None:
    code = (
        "import sys; from models.text import forbidden; forbidden.kind('您好');"
        "assert 'sklearn' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    with np.load(forbidden.ARTIFACT, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored}
    assert all(array.dtype.kind in "fu" for array in arrays.values())
    assert forbidden.ARTIFACT.stat().st_size < 10_000_000


def test_judging_costs_little_more_than_cutting_words() -> None:
    texts = [row["text"] for row in TEST]
    random.Random(0).shuffle(texts)
    judged(*texts[:10])
    assert ratio(lambda: judged(*texts), lambda: [jieba.lcut(text) for text in texts]) < 4
