"""Classifies the stage of each turn of a call: greeting, handling, closing.

A linear model scores each turn by its words and their sounds, its speaker, its position, the pauses
around it and its neighbours; a chain in which stages only move forward, and each may be absent, is
then decoded over the whole call. Written by :mod:`models.training.stages` and read as plain arrays,
without scikit-learn.
"""

from __future__ import annotations

import hashlib
import io
import math
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audit.errors import UsageError
from audit.ports import StagePath
from audit.types import Role, Stage, Turn
from models.text import tokens

ARTIFACT = Path(__file__).parent / "stages.npz"
"""The shipped model."""

FORMAT = 1
"""Version of the artifact's arrays."""

STAGES = tuple(Stage)

Array = NDArray[np.float64]
Features = tuple[str, ...]

_EDGE_CHARACTERS = 24
"""Characters at the beginning and at the end of a turn that are used."""
POSITION_VALUE = 0.5
"""Value of a positional feature; the word features of a turn have a norm of 1."""
_FILE_BYTES_MAX = 64 << 20


@dataclass(frozen=True, slots=True)
class Chain:
    """How stages follow one another, as log weights.

    Attributes:
        scale: what a turn's scores are multiplied by, shape ``()``.
        start: of a call that begins in a stage, shape ``(3,)``.
        step: from a stage (row) to the next turn's, shape ``(3, 3)``; -inf backwards.
        end: of a call that ends in a stage, shape ``(3,)``.
    """

    scale: float
    start: Array
    step: Array
    end: Array


@dataclass(frozen=True)
class StageModel:
    """A model with its arrays loaded.

    Attributes:
        names: feature names, newline-separated.
        weights: of each feature for each stage, shape ``(len(names), 3)``.
        intercepts: shape ``(3,)``.
        chain: how stages follow one another.
        sha256: hash of the artifact.
    """

    names: str
    weights: Array
    intercepts: Array
    chain: Chain
    sha256: str

    @cached_property
    def vocabulary(self) -> dict[str, int]:
        """Rows of :attr:`weights` by feature."""
        return {name: row for row, name in enumerate(self.names.split("\n"))}

    @cached_property
    def _weights_of_words(self) -> tuple[dict[str, int], Array]:
        """Each speaker's words, and their weights by :data:`_VIEWS`, shape ``(n, views, 3)``."""
        tags = {tag: view for view, (tag, _) in enumerate(_VIEWS)}
        entries: dict[str, int] = {}
        entries_at: list[tuple[int, int, int]] = []
        for name, row in self.vocabulary.items():
            tagged, bar, word = name.partition("|")
            view = tags.get(tagged[:-1])
            if bar and view is not None:
                entry = entries.setdefault(f"{tagged[-1:]}|{word}", len(entries))
                entries_at.append((entry, view, row))
        table = np.zeros((len(entries), len(_VIEWS), len(STAGES)))
        if entries_at:
            entry_of, view_of, row_of = np.array(entries_at).T
            table[entry_of, view_of] = self.weights[row_of]
        return entries, table

    @cached_property
    def _said(self) -> Callable[[str, Role], Array]:
        """:meth:`_word_scores`, cached: most turns of a batch occur many times."""
        return lru_cache(maxsize=65_536)(self._word_scores)

    def _word_scores(self, text: str, role: Role) -> Array:
        """Scores of a turn's words in each of :data:`_VIEWS`, shape ``(len(_VIEWS), 3)``."""
        grams, spoken = said(text)
        entry_of, table = self._weights_of_words
        who = f"{role[0]}|"
        known = [at for word in spoken if (at := entry_of.get(who + word)) is not None]
        views: Array = table.take(known, axis=0).sum(axis=0)
        views[0] += self.weights.take(self._known(grams), axis=0).sum(axis=0)
        views[0] *= _feature_value(*grams, *spoken)
        views[1:] *= _feature_value(*spoken)
        return views

    def _known(self, features: Features) -> list[int]:
        rows = map(self.vocabulary.get, features)
        return [row for row in rows if row is not None]

    def _position_scores(self, turns: Sequence[Turn], cues: Sequence[frozenset[str]]) -> Array:
        """Scores of each turn's positional features, shape ``(n, 3)``."""
        rows: list[int] = []
        ends = [0]
        for place in position_features(turns, cues):
            rows += self._known(place)
            ends.append(len(rows))
        summed = np.zeros((len(rows) + 1, len(STAGES)))
        self.weights.take(rows, axis=0).cumsum(axis=0, out=summed[1:])
        placed: Array = POSITION_VALUE * (summed[ends[1:]] - summed[ends[:-1]])
        return placed

    def scores(self, turns: Sequence[Turn], cues: Sequence[frozenset[str]]) -> Array:
        """The score of each stage for each turn, shape ``(n, 3)``."""
        views = np.array([self._said(turn.text, turn.role) for turn in turns])
        found: Array = self.intercepts + self._position_scores(turns, cues)
        for view, (_, at) in enumerate(_VIEWS):
            before, after = max(0, -at), max(0, at)
            found[before : len(turns) - after] += views[after : len(turns) - before, view]
        return found

    def stages(self, turns: Sequence[Turn], *, cues: Sequence[frozenset[str]] = ()) -> StagePath:
        """The stages of a whole call.

        Args:
            turns: in the order in which they start; times and roles may be unknown.
            cues: for each turn the names of the lists of cue phrases that it holds one of.
        """
        if not turns:
            return StagePath(np.zeros(0, dtype=np.int64), np.zeros((0, len(STAGES))))
        return decode(self.scores(turns, cues or [frozenset()] * len(turns)), chain=self.chain)


def load(path: Path | None = None) -> StageModel:
    """Read a model, once: the shipped one, or one that ``callaudit train stages`` wrote.

    Raises:
        UsageError: it does not exist, or is not a model of this version.
    """
    return _cached(ARTIFACT if path is None else path)


@cache
def _cached(path: Path) -> StageModel:
    return read(path)


def read(path: Path) -> StageModel:
    """Read a model from its file, without the cache of :func:`load`.

    Raises:
        UsageError: it does not exist, or is not a model of this version.
    """
    try:
        if path.stat().st_size > _FILE_BYTES_MAX:
            raise ValueError("it is too large")
        raw = path.read_bytes()
        with np.load(io.BytesIO(raw), allow_pickle=False) as stored:
            if int(stored["format"]) != FORMAT:
                raise ValueError(f"its format is {int(stored['format'])}, not {FORMAT}")
            arrays = {name: stored[name] for name in ("weights", "intercepts", "start", "step")}
            chain = Chain(float(stored["scale"]), arrays["start"], arrays["step"], stored["end"])
            names = stored["vocabulary"].tobytes().decode()
    except OSError as error:
        raise UsageError(f"stage model {path} cannot be read: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise UsageError(
            f"{path} is not a stage model of this version ({error}); train one with "
            "`callaudit train stages --data FILE --out MODEL.npz`"
        ) from error
    count = names.count("\n") + 1
    shapes = {"weights": (count, 3), "intercepts": (3,), "start": (3,), "step": (3, 3)}
    arrays["end"], shapes["end"] = chain.end, (3,)
    if any(arrays[name].shape != shape for name, shape in shapes.items()):
        raise UsageError(
            f"{path} is not a stage model, because the shapes of its arrays do not match; "
            "train it again"
        )
    if not _is_sound(arrays, chain):
        raise UsageError(
            f"{path} is not a stage model, because it has invalid weights; train it again"
        )
    weights = arrays["weights"].astype(np.float64)
    digest = hashlib.sha256(raw).hexdigest()
    return StageModel(names, weights, arrays["intercepts"], chain, digest)


def _is_sound(arrays: Mapping[str, Array], chain: Chain) -> bool:
    """Whether all weights are finite numbers, and stages only move forward."""
    onward = np.triu(np.ones((3, 3), dtype=bool))
    step = arrays["step"]
    if any(array.dtype.kind != "f" for array in arrays.values()) or not np.isfinite(chain.scale):
        return False
    finite = all(
        np.isfinite(arrays[name]).all() for name in ("weights", "intercepts", "start", "end")
    )
    return bool(finite and np.isfinite(step[onward]).all() and np.isneginf(step[~onward]).all())


def decode(scores: Array, *, chain: Chain) -> StagePath:
    """The stages of a call in order, and the probability of each stage over all paths.

    Args:
        scores: shape ``(n, 3)``, ``n`` at least 1.
        chain: how stages follow one another.
    """
    emitted = chain.scale * scores
    emitted[0] += chain.start
    emitted[-1] += chain.end
    onward = _path_log_weights(emitted, chain.step)
    back = _path_log_weights(emitted[::-1, ::-1], chain.step[::-1, ::-1].T)[::-1, ::-1]
    both = onward + back - emitted
    likely = np.exp(both - both.max(axis=1, keepdims=True))
    likely /= likely.sum(axis=1, keepdims=True)
    return StagePath(_path(likely), likely)


def _path_log_weights(emitted: Array, step: Array) -> Array:
    """The log weight of all paths up to each turn's stages, its own scores included.

    A stage is entered once: its weight is that of all entries, each with its stay up to the turn.
    """
    reached = np.empty_like(emitted)
    stays = emitted.cumsum(axis=0) + np.arange(len(emitted))[:, None] * step.diagonal()
    entered = np.full(emitted.shape, -np.inf)
    entered[0] = 0.0
    for stage in range(len(STAGES)):
        entries = entered[:, stage] + emitted[:, stage] - stays[:, stage]
        reached[:, stage] = stays[:, stage] + np.logaddexp.accumulate(entries)
        for later in range(stage + 1, len(STAGES)):
            entry = reached[:-1, stage] + step[stage, later]
            entered[1:, later] = np.logaddexp(entered[1:, later], entry)
    return reached


def _path(probabilities: Array) -> NDArray[np.int64]:
    """The ordered stages with the highest expected number of correct turns.

    (The most likely single path would leave out a closing whose beginning is unclear.)
    """
    before = np.vstack([np.zeros(len(STAGES)), probabilities.cumsum(axis=0)])
    greeting, handling, closing = before.T
    gained = greeting - handling  # expected correct turns, by length of the greeting
    best = np.maximum.accumulate(gained)
    last = int(np.argmax(best + handling - closing))
    first = int(np.argmax(gained[: last + 1]))
    path = np.full(len(probabilities), 1, dtype=np.int64)
    path[:first], path[last:] = 0, 2
    return path


def position_features(turns: Sequence[Turn], cues: Sequence[frozenset[str]]) -> Iterator[Features]:
    """For each turn the features other than words: position, speaker, pauses, cues."""
    count = len(turns)
    starts, ends = [turn.start_s for turn in turns], [turn.end_s for turn in turns]
    last_s = max((end for end in ends if end is not None), default=None)
    spoke: set[Role] = set()
    for number, turn in enumerate(turns):
        role, left = turn.role, count - 1 - number
        begins = "again" if role in spoke else "first"
        spoke.add(role)
        named = [
            f"@{role}",
            f"@from {_step(number)}",
            f"@from {_step(number)} {role}",
            f"@left {_step(left)}",
            f"@left {_step(left)} {role}",
            f"@{begins} {role} {min(number, 3)}",
            f"@share {10 * number // count}",
            f"@calls {_step(count)}",
            f"@long {_step(len(turn.text) // 4)} {role}",
            f"@from {min(number, 4)} {role} {_step(len(turn.text) // 3)}",
            f"@left {min(left, 4)} {role} {_step(len(turn.text) // 3)}",
            *(f"@cue {cue}" for cue in sorted(cues[number])),
            *(f"@cue {cue} {role}" for cue in sorted(cues[number])),
        ]
        if number < len(_OPENINGS):
            named.append(f"@{_opening(turn.text)} {_OPENINGS[number]} {role}")
        if number < 2 and left:
            then = turns[number + 1]
            lengths = f"{_step(len(turn.text) // 4)} {_step(len(then.text) // 6)}"
            named.append(f"@opens {number} {role} {then.role} {lengths}")
        start_s, end_s = starts[number], ends[number]
        if start_s is not None and end_s is not None and last_s is not None:
            named += [
                f"@since {_step(int(start_s / 3))}",
                f"@until {_step(int((last_s - end_s) / 2))}",
            ]
            before_s = ends[number - 1] if number else None
            if before_s is not None:
                named.append(f"@pause {_step(int(max(0.0, start_s - before_s) / 2))}")
        yield tuple(named)


_OPENINGS = ("first", "second", "third")
_GREETING = re.compile(
    "[您你]好|^喂|[早晚]上好|[上下中]午好|欢迎|感谢.{0,4}[来致]电|工号|号(客服|坐席|为您)|请[讲说]|为您服务"
    "|(可以|能)帮"
)
_ORGANISATION_NAME = re.compile(
    "^.{0,12}(公司|集团|中心|热线|客服|总机|前台|银行|航空|物业|酒店|平台|机构|商城|超市|服务台"
    "|[部处科室局院所站店厅馆校社行网台厂场园])$"
)


def _opening(text: str) -> str:
    """Whether one of the first turns is a greeting, an organisation's name alone, or neither."""
    said = tokens.plain(text)
    return (
        "hello"
        if _GREETING.search(said)
        else "name"
        if _ORGANISATION_NAME.match(said)
        else "neither"
    )


def _step(number: int) -> int:
    """A count in increasingly coarse steps: 0 to 5, then 6, 9, 13, 20, 40."""
    return number if number <= 5 else max(step for step in (6, 9, 13, 20, 40) if step <= number)


_VIEWS = (("", 0), ("p", -1), ("n", 1), ("m", 2))
"""The turns whose words a turn uses: a prefix of the features, and their offset in turns."""


def blocks(turns: Sequence[Turn], number: int) -> Iterator[tuple[Features, float]]:
    """A turn's blocks of words, its own and its neighbours', with the value of each feature."""
    for tag, at in _VIEWS:
        if 0 <= number + at < len(turns):
            turn = turns[number + at]
            grams, spoken = said(turn.text)
            features = tuple(f"{tag}{turn.role[0]}|{word}" for word in spoken)
            features = features if tag else (*grams, *features)
            yield features, _feature_value(*features)


def _feature_value(*features: str) -> float:
    """The value of each feature of a block, so that the block has a norm of 1."""
    return 1 / math.sqrt(max(1, len(features)))


@lru_cache(maxsize=65_536)
def said(text: str) -> tuple[Features, Features]:
    """The n-grams of a turn's two ends (characters, blurred syllables, words), and its words.

    >>> said("請稍等")[1] == said("请稍等。")[1] == ("请稍等",)
    True
    """
    plain = tokens.plain(text)
    if len(plain) > 2 * _EDGE_CHARACTERS:
        plain = plain[:_EDGE_CHARACTERS] + plain[-_EDGE_CHARACTERS:]
    cut = tokens.telephone().cut(plain)
    return tuple(dict.fromkeys(tokens.grams(plain, cut))), tuple(dict.fromkeys(cut))
