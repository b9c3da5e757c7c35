"""Written dialogues as telephone calls: ``python -m data_samples.generate.dialogues FILE OUT``.

Reads dialogues in the notation of ``data_samples/dialogues/service``, or a table of exchanges
(``.tsv``), a dozen of which make a call, and writes two-channel recordings, a manifest and labels
to ``OUT``. Voices are those of :mod:`cast`; with
``--agent-only`` the customer is silent for a while instead, which takes half the time. Voices,
telephone line and codec follow from a call's name. Labels know no stages: everything is handling.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import random
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from data_samples.generate.cast import CAST
from data_samples.generate.encode import read_back, shift_s, write_coded, write_mu_law
from data_samples.generate.mixer import LINE_RATE, After, Clip, Scene, mix, speech_rms, to_line
from data_samples.generate.voices import (
    KOKORO_RATE,
    FloatArray,
    load_bank,
    open_session,
    speak,
    tighten,
    trim,
)
from models.text.forbidden import INNOCENT
from models.training.turns import Line, clause_of, dialogues, exchanges

CODECS: Final = ("ulaw", "ulaw", "amr", "opus", "mp3")
"""How the line of a call is coded; AMR is decoded again and kept as mu-law."""

_AGENTS: Final = tuple(name for name in CAST if not name.startswith("c"))
_CUSTOMERS: Final = tuple(name for name in CAST if name.startswith("c"))
_LONGEST: Final = 110
"""Characters that the network says in one go."""
_LEVEL: Final = 0.1
_SILENT_S: Final = 1.5
_EXCHANGES: Final = 12
"""Exchanges, drawn at random from a file, in one call."""
_SUFFIX: Final = {"opus": ".ogg", "mp3": ".mp3"}


def calls(file: Path) -> Iterator[tuple[str, list[Line]]]:
    """Name and turns of every dialogue of a file, or of calls made of its exchanges."""
    if file.suffix != ".tsv":
        yield from dialogues(file)
        return
    rows = list(exchanges(file))
    random.Random(file.stem).shuffle(rows)
    for number, start in enumerate(range(0, len(rows), _EXCHANGES), start=1):
        lines: list[Line] = []
        for kind, before, text, _ in rows[start : start + _EXCHANGES]:
            label = "" if kind == INNOCENT else f"{kind}!"
            lines += (Line("客", before or "嗯"), Line("坐", text, label))
        yield f"{file.stem}-{number:03d}", lines


def render(name: str, lines: Sequence[Line], target: Path, say: Callable[..., FloatArray]) -> str:
    """Write one call and its labels.

    Args:
        name: of the dialogue; becomes the call's id.
        lines: its turns.
        target: folder with ``calls`` and ``truth``.
        say: from a line and a source of chance to samples at the line's rate.

    Returns:
        The name of the recording.
    """
    seed = int(hashlib.sha256(name.encode()).hexdigest()[:8], 16)
    chance = random.Random(seed)
    codec = chance.choice(CODECS)
    speakers = {"坐": chance.choice(_AGENTS), "客": chance.choice(_CUSTOMERS)}
    tempo = chance.uniform(0.95, 1.2)
    clips = [
        Clip(
            _at_common_level(say(line, speakers[line.speaker], tempo)),
            0 if line.speaker == "坐" else 1,
            After(round(chance.uniform(0.35, 0.9), 3)),
        )
        for line in lines
    ]
    scene = Scene(
        gains_db=(0.0, chance.uniform(-4, 2)),
        snr_db=(chance.uniform(22, 36), chance.uniform(16, 30)),
        leak_db=chance.choice((None, -40.0, -32.0)),
        seed=seed,
    )
    made = mix(clips, scene=scene)
    file = f"{name}_{speakers['坐']}_20261101T090000{_SUFFIX.get(codec, '.wav')}"
    late_s = _write(target / "calls" / file, made.audio, codec)
    clauses = clause_of()
    turns: list[dict[str, Any]] = []
    for line, interval in zip(lines, made.intervals, strict=True):
        turn: dict[str, Any] = {
            "segment": "H",
            "role": "A" if line.speaker == "坐" else "C",
            "text": line.text,
            "start": round(interval.start_s + late_s, 3),
            "end": round(interval.end_s + late_s, 3),
        }
        if line.label.endswith("!"):
            turn["forbidden"] = clauses[line.label[:-1]]
        turns.append(turn)
    truth = {
        "call_id": name,
        "rb": "hotline",
        "codec": codec,
        "voice": speakers["坐"],
        "file": file,
    }
    (target / "truth" / f"{name}.json").write_text(
        json.dumps({**truth, "turns": turns}, ensure_ascii=False, indent=1) + "\n", "utf-8"
    )
    return file


def _write(path: Path, audio: FloatArray, codec: str) -> float:
    """Write a recording; returns by how many seconds its codec delays it."""
    if codec == "amr":
        with tempfile.TemporaryDirectory() as folder:
            decoded = []
            for channel in range(2):
                coded = Path(folder) / f"{channel}.amr"
                write_coded(coded, audio[:, channel : channel + 1], rate=LINE_RATE, codec="amr")
                decoded.append(read_back(coded, rate=LINE_RATE)[:, 0])
        size = min(map(len, decoded))
        heard = np.stack([channel[:size] for channel in decoded], axis=1)
        write_mu_law(path, np.ascontiguousarray(heard), rate=LINE_RATE)
    elif codec == "ulaw":
        write_mu_law(path, np.ascontiguousarray(audio), rate=LINE_RATE)
        return 0.0
    else:
        write_coded(path, audio, rate=LINE_RATE, codec=codec)
        heard = read_back(path, rate=LINE_RATE)
    return shift_s(audio.sum(axis=1), heard.sum(axis=1), rate=LINE_RATE)


def voices(*, agent_only: bool) -> Callable[[Line, str, float], FloatArray]:
    """How lines are said: by the voice network, or not at all where only the agent speaks."""
    bank = load_bank()
    session = open_session(bank)

    def say(line: Line, voice: str, tempo: float) -> FloatArray:
        if agent_only and line.speaker == "客":
            return np.zeros(round(_SILENT_S * LINE_RATE), dtype=np.float32)
        parts = [
            speak(text, voice=CAST[voice], bank=bank, session=session, tempo=tempo)
            for text in _parts(line.text)
        ]
        spoken = to_line(np.concatenate(parts), rate=KOKORO_RATE)
        return tighten(trim(spoken, rate=LINE_RATE), rate=LINE_RATE)

    return say


def _parts(text: str) -> list[str]:
    return [text[at : at + _LONGEST] for at in range(0, len(text), _LONGEST)]


def _at_common_level(samples: FloatArray) -> FloatArray:
    if not samples.any():
        return samples
    return samples * np.float32(_LEVEL / max(speech_rms(samples), 1e-6))


def main() -> None:
    """Render the dialogues of a file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--only", nargs="*", help="names of dialogues; all unless given")
    parser.add_argument("--agent-only", action="store_true", help="the customer is silent")
    chosen = parser.parse_args()
    for folder in ("calls", "truth"):
        (chosen.out / folder).mkdir(parents=True, exist_ok=True)
    say = voices(agent_only=chosen.agent_only)
    manifest = chosen.out / "manifest.csv"
    is_new = not manifest.exists()
    with manifest.open("a", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        if is_new:
            rows.writerow(("file", "agent_id", "call_id", "rulebook", "agent_channel"))
        for name, lines in calls(chosen.file):
            if not chosen.only or name in chosen.only:
                recording = render(name, lines, chosen.out, say)
                rows.writerow((recording, recording.split("_")[1], name, "hotline", 0))
                file.flush()


if __name__ == "__main__":
    main()
