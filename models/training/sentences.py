"""Written sentences: phrase families to train on, held-out ones, and the norms' own wordings."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

from rapidfuzz import fuzz, process

from audit.language.phrases import expand
from audit.language.text import sounds
from audit.ports import SpokenTurn
from models.text.forbidden import INNOCENT
from models.training.turns import LabelledTurn, clause_of, forbidden_rule

SENTENCES = Path("data_samples/sentences")
SIMILARITY_MIN = 80
"""Similarity of sounds, in per cent, from which two sentences resemble each other."""
_ORDINARY = "ordinary"
"""Families of everyday sentences; the other innocent families are near violations."""
_FORBIDDEN_PER_FAMILY = 4
_INNOCENT_PER_FAMILY = 8
_PER_PHRASE = 8


def training_sentences() -> list[LabelledTurn]:
    """Sentences of all families without any that resembles a held-out one."""
    sentences: list[LabelledTurn] = []
    for kind, family, wordings in _families():
        count = _INNOCENT_PER_FAMILY if kind == INNOCENT else _FORBIDDEN_PER_FAMILY
        for text in _chosen(wordings, count, family):
            sentences.append(LabelledTurn(SpokenTurn(text), kind, family))
    return dissimilar(sentences, [*held_out("validation"), *held_out("test")])


def held_out(name: str) -> list[dict[str, str]]:
    """The sentences of ``validation`` or ``test``: ``text``, ``kind``, ``family``."""
    lines = (SENTENCES / f"{name}.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


def dissimilar(
    sentences: Sequence[LabelledTurn], held: Sequence[dict[str, str]]
) -> list[LabelledTurn]:
    """The sentences of families without any sentence that resembles a held-out one."""
    codes = sorted({sounds(sentence.turn.text).code for sentence in sentences})
    similarity = process.cdist(
        [sounds(row["text"]).code for row in held],
        codes,
        scorer=fuzz.ratio,
        score_cutoff=SIMILARITY_MIN,
    )
    resembling = {code for code, ratios in zip(codes, similarity.T, strict=True) if ratios.any()}
    left_out = {s.group for s in sentences if sounds(s.turn.text).code in resembling}
    return [sentence for sentence in sentences if sentence.group not in left_out]


def norm_wordings() -> list[LabelledTurn]:
    """What the rulebooks' phrases of forbidden wording say, by the kind whose clause they break."""
    wordings: list[LabelledTurn] = []
    kind_of = {clause: kind for kind, clause in reversed(clause_of().items())}
    for number, group in enumerate(forbidden_rule().groups):
        kind = kind_of.get(group.clause)
        if kind is None:
            continue
        for phrase in group.phrases:
            group_name = f"norm-{number:02}"
            for text in _chosen([phrase.replace("…", "")], _PER_PHRASE, phrase):
                wordings.append(LabelledTurn(SpokenTurn(text), kind, group_name))
    return wordings


def _chosen(wordings: Sequence[str], count: int, seed: str) -> list[str]:
    """At most ``count`` texts of alternatives, the same ones each time."""
    share = -(-count // len(wordings))
    chance = random.Random(seed)
    found: list[str] = []
    for wording in wordings:
        texts = list(dict.fromkeys(expand(wording)))
        found += texts if len(texts) <= share else chance.sample(texts, share)
    return found


def _families() -> Iterator[tuple[str, str, list[str]]]:
    """Kind, name and wordings of every family: a line of ``train/KIND.txt``."""
    for file in sorted((SENTENCES / "train").glob("*.txt")):
        kind = INNOCENT if file.stem == _ORDINARY else file.stem
        for number, line in enumerate(file.read_text("utf-8").splitlines(), start=1):
            if line and not line.startswith("#"):
                yield kind, f"{file.stem}-{number:04}", line.split(" / ")
