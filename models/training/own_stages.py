"""Learns the stages again with a user's labelled calls: what ``callaudit train stages`` does."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from audit.errors import UsageError
from audit.ports import StagePath
from audit.types import Turn
from models.text import stages
from models.training import stages as train_stages
from models.training.dialogues import labelled, spoken
from models.training.dialogues.compose import Composed
from models.training.stages import Figures

_CALLS_MIN = 4
"""Calls that two halves can be made of."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Figures of one model on one set of calls; ``what`` says which."""

    what: str
    figures: Figures


def retrain(data: Path, *, out: Path) -> Iterator[Measured]:
    """Write a model trained with labelled calls too; yield figures before and after.

    Half of the calls are learned and the other half judged, and the other way round, so that
    every call is judged by a model that did not see it. The model that is written learned all.

    Args:
        data: a JSONL file, or a folder of JSON files.
        out: the model file; it is there when the iterator ends.

    Raises:
        UsageError: the calls cannot be read, are too few, or ``out`` cannot be written or is the
            model of the package.
    """
    _writable(out)
    calls = labelled.read(data)
    if len(calls) < _CALLS_MIN:
        raise UsageError(f"{data} holds {len(calls)} labelled calls; label {_CALLS_MIN} at least")
    before = stages.load()
    yield Measured("before, your calls", train_stages.evaluate(before, calls))
    if spoken.TEST.is_file():
        yield Measured("before, test calls", _on_test(before))
    pairs = [pair for half in _halves(calls) for pair in _cross_validated(*half)]
    yield Measured("after, your calls (unseen)", train_stages.compared(pairs))
    out.parent.mkdir(parents=True, exist_ok=True)
    _fit(calls, out, drawings=train_stages.DRAWINGS)
    if spoken.TEST.is_file():
        yield Measured("after, test calls", _on_test(stages.read(out)))


def _writable(out: Path) -> None:
    if out.resolve().is_relative_to(stages.ARTIFACT.parent.resolve()):
        raise UsageError(f"--out {out} would replace the model of the package; choose another")
    if out.is_dir():
        raise UsageError(f"--out {out} is a folder; name a file such as {out / 'stages.npz'}")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with out.open("ab"):
            pass
        if not out.stat().st_size:
            out.unlink()
    except OSError as error:
        raise UsageError(f"--out {out} cannot be written: {error.strerror}") from error


def _on_test(model: stages.StageModel) -> Figures:
    return train_stages.evaluate(model, labelled.read(spoken.TEST))


def _halves(
    calls: Sequence[tuple[Turn, ...]],
) -> Iterator[tuple[list[tuple[Turn, ...]], list[tuple[Turn, ...]]]]:
    """What is learned and what is judged, twice."""
    order = list(calls)
    random.Random(0).shuffle(order)
    one, other = order[::2], order[1::2]
    yield one, other
    yield other, one


def _cross_validated(
    seen: Sequence[tuple[Turn, ...]], unseen: Sequence[tuple[Turn, ...]]
) -> list[tuple[list[int], StagePath]]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "stages.npz"
        _fit(seen, file, drawings=1)
        model = stages.read(file)
    return train_stages.told(model, unseen)


def _fit(calls: Sequence[tuple[Turn, ...]], out: Path, *, drawings: int) -> None:
    own = [Composed(labelled.OWN, turns) for turns in calls]
    train_stages.fit(train_stages.drawings(own, count=drawings), out=out)
