"""The classifier of forbidden wording, on sentences whose phrase families it never saw."""

import random
import subprocess
import sys
import time

import numpy as np
import pytest
from rapidfuzz import fuzz, process

from audit.rulebook import load
from audit.text import sounds
from models import forbidden
from models.train_forbidden import held_out, operating_point, spoilt, training_sentences

MEANING = load("hotline").rules.forbidden_language.meaning
TEST = held_out()
GUILTY = np.array([row["kind"] != forbidden.INNOCENT for row in TEST])


@pytest.fixture(scope="module")
def prediction() -> forbidden.Prediction:
    return forbidden.predict([row["text"] for row in TEST])


def test_the_test_set_is_large_half_innocent_and_unseen() -> None:
    seen = training_sentences()
    assert len(TEST) >= 600
    assert GUILTY.mean() == pytest.approx(0.5, abs=0.02)
    assert not {row["family"] for row in TEST} & {sentence.family for sentence in seen}
    texts = sorted({sounds(sentence.text).code for sentence in seen})
    near = process.cdist(
        [sounds(row["text"]).code for row in TEST], texts, scorer=fuzz.ratio, score_cutoff=90
    )
    assert not [row["text"] for row, ratios in zip(TEST, near, strict=True) if ratios.any()]


def test_accusations_on_unseen_families_are_right(prediction: forbidden.Prediction) -> None:
    assert MEANING is not None
    accused = prediction.forbidden >= MEANING.accuse_from
    assert GUILTY[accused].mean() >= 0.97
    assert accused[GUILTY].mean() >= 0.4


def test_most_unseen_faults_are_doubted_at_least(prediction: forbidden.Prediction) -> None:
    assert MEANING is not None
    assert (prediction.forbidden >= MEANING.doubt_from)[GUILTY].mean() >= 0.6


def test_the_kind_is_told_far_above_chance(prediction: forbidden.Prediction) -> None:
    told = prediction.kinds.argmax(axis=1)[GUILTY]
    kinds = [row["kind"] for row in TEST if row["kind"] != forbidden.INNOCENT]
    assert np.mean([forbidden.KINDS[i] == kind for i, kind in zip(told, kinds, strict=True)]) > 0.45


def test_probabilities_of_the_kinds_sum_to_the_whole(prediction: forbidden.Prediction) -> None:
    assert np.allclose(prediction.kinds.sum(axis=1), prediction.forbidden)
    assert ((prediction.forbidden >= 0) & (prediction.forbidden <= 1)).all()


@pytest.mark.parametrize("texts", [[], ["", "，。"], ["嗯", "hello 123"]])
def test_nothing_said_is_no_fault(texts: list[str]) -> None:
    prediction = forbidden.predict(texts)
    assert prediction.forbidden.shape == (len(texts),)
    assert prediction.kinds.shape == (len(texts), len(forbidden.KINDS))
    assert (prediction.forbidden < 0.8).all()


def test_a_misheard_insult_is_still_one() -> None:
    said, heard = forbidden.predict(["你这人怎么这么笨啊", "你这仁怎么这么奔啊"]).forbidden
    assert said > 0.9
    assert heard > 0.5


def test_prediction_needs_no_scikit_learn_and_no_pickle() -> None:
    code = (
        "import sys; from models import forbidden; forbidden.predict(['您好']);"
        "assert 'sklearn' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    with np.load(forbidden.ARTIFACT, allow_pickle=False) as stored:
        assert set(stored) == {"vocabulary", "weights", "intercepts", "calibration"}
    assert forbidden.ARTIFACT.stat().st_size < 5_000_000


def test_training_sentences_are_the_same_each_time() -> None:
    first, second = training_sentences(), training_sentences()
    assert first == second
    assert spoilt(first[::50]) == spoilt(second[::50])
    assert len(first) > 5000


def test_the_operating_point_keeps_its_precision() -> None:
    labels = np.array([True, True, True, False, True, False])
    probabilities = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4])
    assert operating_point(probabilities, labels, 0.97) == 0.7
    assert operating_point(probabilities, labels, 0.8) == 0.5
    assert operating_point(probabilities, ~labels, 0.97) == 1.0


def test_thousands_of_sentences_are_judged_in_a_second() -> None:
    texts = [row["text"] for row in TEST] * 4
    random.Random(0).shuffle(texts)
    forbidden.predict(texts[:10])
    began = time.process_time()
    forbidden.predict(texts)
    assert len(texts) / (time.process_time() - began) > 2500
