"""Retrains the stage classifier with a user's labelled calls (``callaudit train stages``)."""

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
"""Calls needed for two-fold cross-validation."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Figures of one model on one set of calls; ``what`` names both."""

    what: str
    figures: Figures


def retrain(data: Path, *, out: Path) -> Iterator[Measured]:
    """Write a model that is also trained on labelled calls; yield figures before and after.

    Figures are cross-validated in two folds, so that every call is classified by a model that was
    not trained on it. The model that is written is trained on all calls.

    Args:
        data: a JSONL file, or a folder of JSON files.
        out: the model file, complete when the iterator ends.

    Raises:
        UsageError: the calls cannot be read, are too few, or ``out`` cannot be written or is the
            model of the package.
    """
    _writable(out)
    calls = labelled.read(data)
    if len(calls) < _CALLS_MIN:
        raise UsageError(f"{data} holds {len(calls)} labelled calls; label at least {_CALLS_MIN}")
    before = stages.load()
    yield Measured("before, your calls", train_stages.evaluate(before, calls))
    if spoken.TEST.is_file():
        yield Measured("before, test calls", _on_test(before))
    pairs = [pair for half in _halves(calls) for pair in _cross_validated(*half)]
    yield Measured("after, your calls (unseen)", train_stages.compared(pairs))
    out.parent.mkdir(parents=True, exist_ok=True)
    _fit(calls, out, sample_count=train_stages.SAMPLES)
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
    """Calls for training and for measuring, in two folds."""
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
        _fit(seen, file, sample_count=1)
        model = stages.read(file)
    return train_stages.predictions(model, unseen)


def _fit(calls: Sequence[tuple[Turn, ...]], out: Path, *, sample_count: int) -> None:
    own = [Composed(labelled.OWN, turns) for turns in calls]
    train_stages.fit(train_stages.sample_calls(own, count=sample_count), out=out)
