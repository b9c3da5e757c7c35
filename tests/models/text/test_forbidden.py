"""The classifier of forbidden wording, on sentences whose phrase families it never saw."""

import random
import subprocess
import sys
import time

import numpy as np
import pytest
from numpy.typing import NDArray
from rapidfuzz import fuzz, process

from audit.language.text import sounds
from audit.rulebooks import load
from models.text import forbidden
from models.training.forbidden import (
    PRECISION_MIN,
    SIMILARITY_MIN,
    augmented_with_asr_noise,
    dissimilar,
    held_out,
    operating_point,
    training_sentences,
)

MEANING = load("hotline").rules.forbidden_language.meaning
TEST = held_out("test")
GUILTY = np.array([row["kind"] != forbidden.INNOCENT for row in TEST])


@pytest.fixture(scope="module")
def scores() -> NDArray[np.float64]:
    return forbidden.probabilities([row["text"] for row in TEST])


@pytest.mark.parametrize("name", ["validation", "test"])
def test_held_out_sentences_are_many_half_innocent_and_unseen(name: str) -> None:
    held = held_out(name)
    labels_validation = np.array([row["kind"] != forbidden.INNOCENT for row in held])
    assert len(held) >= 600
    assert labels_validation.mean() == pytest.approx(0.5, abs=0.02)
    assert {row["kind"] for row in held} == {*forbidden.KINDS, forbidden.INNOCENT}


def test_training_leaves_out_families_that_resemble_what_is_held_out() -> None:
    held = [*held_out("validation"), *TEST]
    seen = dissimilar(training_sentences(), held)
    codes = sorted({sounds(sentence.text).code for sentence in seen})
    similarity = process.cdist(
        [sounds(row["text"]).code for row in held],
        codes,
        scorer=fuzz.ratio,
        score_cutoff=SIMILARITY_MIN,
    )
    assert not similarity.any()
    assert 0.95 < len(seen) / len(training_sentences()) < 1


def test_nine_in_ten_of_unseen_families_are_found_at_the_stated_precision(
    scores: NDArray[np.float64],
) -> None:
    assert MEANING is not None
    suspected = scores >= MEANING.suspect_from
    assert GUILTY[suspected].mean() >= PRECISION_MIN
    assert suspected[GUILTY].mean() >= 0.9


def test_meaning_alone_accuses_nearly_nobody_wrongly(scores: NDArray[np.float64]) -> None:
    assert MEANING is not None
    accused = scores >= MEANING.accuse_from
    assert GUILTY[accused].mean() >= 0.99
    assert accused[GUILTY].mean() >= 0.25


def test_the_kind_is_told_far_above_chance() -> None:
    labels_validation = [row for row in TEST if row["kind"] != forbidden.INNOCENT]
    assert np.mean([forbidden.kind(row["text"]) == row["kind"] for row in labels_validation]) > 0.6


def test_probabilities_are_probabilities(scores: NDArray[np.float64]) -> None:
    assert ((scores >= 0) & (scores <= 1)).all()
    assert forbidden.kind("") in forbidden.KINDS


@pytest.mark.parametrize("texts", [[], ["", "，。"], ["嗯", "hello 123"]])
def test_nothing_said_is_no_fault(texts: list[str]) -> None:
    scores = forbidden.probabilities(texts)
    assert scores.shape == (len(texts),)
    assert (scores < 0.6).all()


def test_a_misheard_insult_is_still_one() -> None:
    said, heard = forbidden.probabilities(["你这人怎么这么笨啊", "你这仁怎么这么奔啊"])
    assert said > 0.9
    assert heard > 0.5


def test_prediction_needs_no_scikit_learn_and_no_pickle() -> None:
    code = (
        "import sys; from models.text import forbidden; forbidden.probabilities(['您好']);"
        "assert 'sklearn' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    with np.load(forbidden.ARTIFACT, allow_pickle=False) as stored:
        assert set(stored) == {"vocabulary", "whether", "which", "intercepts", "calibration"}
    assert forbidden.ARTIFACT.stat().st_size < 5_000_000


def test_training_sentences_are_the_same_each_time() -> None:
    first, second = training_sentences(), training_sentences()
    assert first == second
    assert augmented_with_asr_noise(first[::50]) == augmented_with_asr_noise(second[::50])
    assert len(first) > 5000


def test_the_operating_point_is_surely_precise() -> None:
    labels = np.array([True] * 400 + [False] * 100)
    probabilities = np.linspace(0.99, 0.01, 500)
    assert operating_point(probabilities, labels, 0.97) == pytest.approx(
        probabilities[402], abs=0.01
    )
    assert operating_point(probabilities[:20], labels[:20], 0.97) == 1.0  # too few to be sure
    assert operating_point(probabilities, ~labels, 0.97) == 1.0


def test_thousands_of_sentences_are_judged_in_a_second() -> None:
    texts = [row["text"] for row in TEST] * 4
    random.Random(0).shuffle(texts)
    forbidden.probabilities(texts[:10])
    began = time.process_time()
    forbidden.probabilities(texts)
    assert len(texts) / (time.process_time() - began) > 2500
