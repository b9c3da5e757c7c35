"""Written dialogues as telephone calls: labels lie where the sound is."""

import json
from pathlib import Path

import numpy as np
import pytest

from audit.intake.labelled import read_for_evaluation
from data_samples.generate.dialogues import CODECS, calls, render
from data_samples.generate.encode import read_back
from data_samples.generate.mixer import LINE_RATE
from models.training.turns import Line, dialogues

TEXT = """# t-001 | 宽带
客：我家网断了
坐：您好，我帮您看一下
客：快点啊

坐[rushing!]：催什么催
坐[mockery?]：您可真会挑时候
"""


def tone(line: Line, voice: str, tempo: float) -> np.ndarray:
    seconds = len(line.text) / 5 / tempo
    times = np.arange(round(seconds * LINE_RATE)) / LINE_RATE
    return (0.1 * np.sin(2 * np.pi * 700 * times)).astype(np.float32)


@pytest.mark.parametrize("name", ["t-001", "t-002", "t-003", "t-004", "t-007"])
def test_turns_lie_where_their_labels_say(name: str, tmp_path: Path) -> None:
    (tmp_path / "d.txt").write_text(TEXT.replace("t-001", name), "utf-8")
    ((found, lines),) = dialogues(tmp_path / "d.txt")
    for folder in ("calls", "truth"):
        (tmp_path / folder).mkdir()
    file = render(found, lines, tmp_path, tone)
    audio = read_back(tmp_path / "calls" / file, rate=LINE_RATE)
    truth = json.loads((tmp_path / "truth" / f"{name}.json").read_text("utf-8"))
    assert truth["codec"] in CODECS
    assert audio.shape[1] == 2
    for turn in truth["turns"]:
        channel = 0 if turn["role"] == "A" else 1
        inside = audio[round((turn["start"] + 0.1) * LINE_RATE) :, channel]
        inside = inside[: round((turn["end"] - turn["start"] - 0.2) * LINE_RATE)]
        beside = audio[round((turn["end"] + 0.1) * LINE_RATE) :, channel][: LINE_RATE // 10]
        assert np.sqrt(np.mean(inside**2)) > 4 * np.sqrt(np.mean(beside**2))
    clauses = [turn.get("forbidden") for turn in truth["turns"]]
    assert clauses == [None, None, None, "002-服务禁忌", None]
    (call,) = read_for_evaluation(tmp_path / "truth")
    assert call.call_id == name


def test_what_is_neither_a_turn_nor_a_title_is_named(tmp_path: Path) -> None:
    (tmp_path / "d.txt").write_text("# t-001\n客: 半角冒号\n", "utf-8")
    with pytest.raises(ValueError, match="line 2"):
        list(dialogues(tmp_path / "d.txt"))


def test_exchanges_make_calls_of_a_dozen(tmp_path: Path) -> None:
    rows = [
        f"rushing\t\t催什么催{n}\t" if n % 2 else f"innocent\t喂{n}\t您好{n}\t好" for n in range(20)
    ]
    (tmp_path / "w1.tsv").write_text("\n".join(rows) + "\n", "utf-8")
    made = dict(calls(tmp_path / "w1.tsv"))
    assert {name: len(lines) for name, lines in made.items()} == {"w1-001": 24, "w1-002": 16}
    said = [line for lines in made.values() for line in lines if line.speaker == "坐"]
    assert {line.text: line.label for line in said} == {
        row.split("\t")[2]: "rushing!" if row.startswith("rushing") else "" for row in rows
    }
