"""The stage classifier: unseen calls, hostile files, and retraining."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from opencc import OpenCC

from audit import rulebooks
from audit.errors import UsageError
from audit.language.phrases import find_any
from audit.stages import assign
from audit.types import Role, Turn
from flows.cli.main import main
from models.text import stages
from models.training import stages as train_stages
from models.training.dialogues import compose, labelled, spoken
from tests.calls import MODELS

CUES = rulebooks.load("hotline").stages
VALIDATION, TEST = labelled.read(spoken.VALIDATION), labelled.read(spoken.TEST)
TURNS, GREETINGS, CLOSINGS = 0.90, 0.95, 0.96
"""What models/text/stages.md says, less a little."""


@pytest.mark.parametrize("calls", [VALIDATION, TEST], ids=["validation", "test"])
def test_calls_of_fields_that_training_never_saw(calls: list[tuple[Turn, ...]]) -> None:
    figures = train_stages.evaluate(stages.load(), calls)
    assert figures.calls >= 200
    assert figures.turns and figures.turns >= TURNS
    assert figures.greetings and figures.greetings >= GREETINGS
    assert figures.closings and figures.closings >= CLOSINGS
    assert figures.certain_correct and figures.certain_correct >= 0.95


def test_unknown_roles_and_absent_times_cost_little() -> None:
    bare = [
        tuple(replace(t, role=Role.UNKNOWN, start_s=None, end_s=None, speech=()) for t in call)
        for call in TEST
    ]
    figures = train_stages.evaluate(stages.load(), bare)
    assert figures.turns and figures.turns >= TURNS - 0.05


def test_traditional_characters_have_the_same_stages() -> None:
    to_traditional = OpenCC("s2t").convert
    model = stages.load()
    for call in TEST[:60]:
        other = [replace(turn, text=to_traditional(turn.text)) for turn in call]
        one, two = model.stages(call), model.stages(other)
        assert (one.path == two.path).mean() >= 0.9


def test_training_shares_no_longer_sentence_with_calls_that_it_must_not_see() -> None:
    seen = {turn.text.strip("，。？") for call in compose.calls(1500) for turn in call.turns}
    own = {turn.text.strip("，。？") for call in (*VALIDATION, *TEST) for turn in call}
    formulas = {"请问还有其他可以帮您的吗", "请问您还有别的问题吗"}  # as the norms have it
    shared = {text for text in own & seen if len(text) >= 10}
    assert shared <= formulas
    assert not seen & {turn.text for call in TEST for turn in call if len(turn.text) >= 12}


def test_composed_calls_are_many_in_order_and_the_same_each_time() -> None:
    calls = compose.calls(300)
    assert calls == compose.calls(300)
    assert len({call.domain for call in calls}) >= 12
    for call in calls:
        predictions = compose.stages(call.turns)
        assert predictions and predictions == sorted(predictions)
    kinds = [frozenset(compose.stages(call.turns)) for call in calls]
    assert sum(0 not in kind for kind in kinds) > 20
    assert sum(2 not in kind for kind in kinds) > 20


def test_it_is_fast() -> None:
    assert train_stages.turns_a_second(stages.load(), VALIDATION) > 1500  # 5,000 on an idle core


def test_the_file_is_small() -> None:
    assert stages.ARTIFACT.stat().st_size < 5_000_000


def _saved(**arrays: object) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)  # type: ignore[arg-type]
    return file.getvalue()


def _shipped() -> dict[str, object]:
    with np.load(stages.ARTIFACT, allow_pickle=False) as stored:
        return dict(stored)


def _zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("format.npy", "no array")
    return file.getvalue()


HOSTILE: dict[str, Callable[[], bytes]] = {
    "empty": lambda: b"",
    "text": lambda: b"stages: greeting",
    "a pickle": lambda: pickle.dumps({"format": 1}),
    "pickled objects": lambda: _saved(**_shipped() | {"weights": np.array([{}], dtype=object)}),
    "no arrays": _zipped,
    "an array missing": lambda: _saved(**{k: v for k, v in _shipped().items() if k != "end"}),
    "another version": lambda: _saved(**_shipped() | {"format": np.array(99)}),
    "wrong shape": lambda: _saved(**_shipped() | {"weights": np.zeros((2, 3))}),
    "text for numbers": lambda: _saved(**_shipped() | {"intercepts": np.array(["a", "b", "c"])}),
    "no numbers": lambda: _saved(**_shipped() | {"intercepts": np.full(3, np.nan)}),
    "a chain of no numbers": lambda: _saved(**_shipped() | {"start": np.full(3, np.nan)}),
    "a chain that goes back": lambda: _saved(**_shipped() | {"step": np.zeros((3, 3))}),
    "cut off": lambda: stages.ARTIFACT.read_bytes()[:5000],
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_that_is_no_model_is_one_sentence(name: str, tmp_path: Path) -> None:
    file = tmp_path / "stages.npz"
    file.write_bytes(HOSTILE[name]())
    with pytest.raises(UsageError, match="is not a stage model"):
        stages.load(file)


def test_no_file() -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        stages.load(Path("/nowhere/stages.npz"))


@pytest.mark.parametrize("text", ["", "。。。", "😀" * 50, "a" * 100_000, "\x00", "١٢٣", "한국어"])
def test_any_text_has_a_stage(text: str) -> None:
    turns = assign(
        [Turn(0, Role.UNKNOWN, text), Turn(1, Role.AGENT, text)], cues=CUES, model=MODELS.stages
    )
    assert all(turn.stage and 0 <= (turn.stage_confidence or 0) <= 1 for turn in turns)


def _calls(place: Path, count: int) -> Path:
    file = place / "own.jsonl"
    lines = []
    for number in range(count):
        said = [
            ("A", "山水甲天下，接线处", "G"),
            ("C", f"第{number}号柜子的锁坏了", "H"),
            ("A", "这就派锁匠过去", "H"),
            ("A", "山高水长，有缘再叙", "C"),
        ]
        turns = [{"role": r, "text": t, "segment": s} for r, t, s in said]
        lines.append(json.dumps({"call_id": str(number), "turns": turns}, ensure_ascii=False))
    file.write_text("\n".join(lines), "utf-8")
    return file


def test_a_user_s_calls_are_learned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train_stages, "CALLS", 60)
    out = tmp_path / "models" / "own.npz"
    data = _calls(tmp_path, 12)
    result = CliRunner().invoke(main, ["train", "stages", "--data", str(data), "--out", str(out)])
    assert result.exit_code == 0, result.output
    assert "before, your calls: 12 calls" in result.output
    assert "after, your calls (unseen): 12 calls" in result.output
    call = labelled.read(data)[0]
    assert stages.load(out).stages(call).path.tolist() == [0, 1, 1, 2]
    assert stages.load(out).sha256 != stages.load().sha256


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{}", "turns"),
        ("[]", "not a valid labelled call"),
        ("no json", "not a valid labelled call"),
        ('{"turns": []}', "no turns"),
        ('{"turns": [{"role": "X", "text": "a", "segment": "G"}]}', "X"),
        ('{"turns": [{"role": "A", "text": "a", "segment": "Z"}]}', "Z"),
        ('{"turns": [{"role": "A", "text": 3, "segment": "G"}]}', "not a string"),
        ('{"turns": [{"role": "A", "text": "a", "segment": "G", "start": 5, "end": 1}]}', "lasts"),
    ],
)
def test_calls_that_are_not_labelled(line: str, problem: str, tmp_path: Path) -> None:
    file = tmp_path / "own.jsonl"
    file.write_text(line, "utf-8")
    result = CliRunner().invoke(main, ["train", "stages", "--data", str(file)])
    assert result.exit_code == 2
    assert problem in result.output and "own.jsonl, line 1" in result.output


def test_too_few_calls_and_places_that_are_not_to_be_written(tmp_path: Path) -> None:
    run = CliRunner().invoke
    few = ["train", "stages", "--data", str(_calls(tmp_path, 2)), "--out", str(tmp_path / "x.npz")]
    assert "label at least 4" in run(main, few).output
    data = str(_calls(tmp_path, 12))
    for out in (stages.ARTIFACT, tmp_path):
        result = run(main, ["train", "stages", "--data", data, "--out", str(out)])
        assert result.exit_code == 2
    missing = run(main, ["train", "stages", "--data", str(tmp_path / "none")])
    assert missing.exit_code == 2 and "do not exist" in missing.output


def test_a_closing_that_is_reopened_is_handling(tmp_path: Path) -> None:
    file = tmp_path / "own.jsonl"
    said = ["G", "H", "C", "H", "C"]
    turns = [{"role": "A", "text": "嗯", "segment": segment} for segment in said]
    file.write_text(json.dumps({"turns": turns}), "utf-8")
    assert compose.stages(labelled.read(file)[0]) == [0, 1, 1, 1, 2]


def test_cues_of_a_rulebook_speak_for_a_stage() -> None:
    model = stages.load()
    turns = [
        Turn(0, Role.AGENT, "您好"),
        Turn(1, Role.CUSTOMER, "我的柜子坏了"),
        Turn(2, Role.AGENT, "山高水长"),
    ]
    nothing: frozenset[str] = frozenset()
    plain = model.stages(turns, cues=[nothing] * 3)
    cued = model.stages(turns, cues=[nothing, nothing, frozenset({"closing"})])
    assert find_any(CUES.closing, turns[2].text) is None
    assert cued.probabilities[2, 2] > plain.probabilities[2, 2]
