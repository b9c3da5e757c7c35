"""Greeting, handling, closing: the stage of every turn, and how sure it is.

A classifier reads the whole call; the rulebook's cue phrases are among its evidence.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from audit.language.phrases import find_each
from audit.ports import StageClassifier
from audit.rules.cues import StageCues
from audit.types import ROLE_CONFIDENCE_MIN, Stage, Turn

_ORDER = tuple(Stage)


def assign(turns: Sequence[Turn], *, cues: StageCues, model: StageClassifier) -> tuple[Turn, ...]:
    """Give every turn its stage.

    Args:
        turns: in the order in which they start.
        cues: phrases that speak for each stage.
        model: classifies the stages of a whole call.

    Returns:
        The same turns with ``stage``, ``stage_confidence`` and ``stage_or`` set; stages come
        in order, each may be absent.
    """
    classified = model.stages(turns, cues=cues_in(turns, cues))
    staged = []
    for turn, stage, likely in zip(turns, classified.path, classified.probabilities, strict=True):
        other = max((i for i in range(len(_ORDER)) if i != stage), key=likely.__getitem__)
        confidence = round(float(likely[stage]), 4)
        staged.append(
            replace(
                turn,
                stage=_ORDER[stage],
                stage_confidence=confidence,
                stage_or=None if confidence >= ROLE_CONFIDENCE_MIN else _ORDER[other],
            )
        )
    return tuple(staged)


def model_and_cues_sha256(cues: StageCues, model: StageClassifier) -> tuple[str, str]:
    """Hashes of the model and of the cues by which :func:`assign` classifies stages."""
    return model.sha256, _cues_sha256(cues)


@cache
def _cues_sha256(cues: StageCues) -> str:
    said = json.dumps(cues.model_dump(mode="json"), ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()


def cues_in(turns: Sequence[Turn], cues: StageCues) -> list[frozenset[str]]:
    """For each turn the names of the lists of cues that it holds one of."""
    lists = {
        "greeting": cues.greeting,
        "answer": cues.answer,
        "handling": cues.handling,
        "closing": cues.closing,
    }
    return [
        frozenset(
            name
            for name, found in zip(lists, find_each(lists.values(), turn.text), strict=True)
            if found
        )
        for turn in turns
    ]
