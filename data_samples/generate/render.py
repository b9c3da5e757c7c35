"""Renders the sample calls: audio, truth and manifest, from the scripts beside this file.

Run as ``python data_samples/generate/render.py`` with the extra ``samples`` installed. Same
scripts, same
packages, same kind of processor: same files.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

if not __package__:
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from data_samples.generate.encode import (
    SUFFIXES,
    read_back,
    shift_s,
    write_broken,
    write_coded,
    write_mu_law,
)
from data_samples.generate.mixer import (
    LINE_RATE,
    After,
    Anchor,
    Before,
    Clip,
    FloatArray,
    Interval,
    Mix,
    Over,
    Scene,
    fade_out,
    mix,
    speech_rms,
    to_line,
)
from data_samples.generate.script import Call, Line, Sound, read_scripts
from data_samples.generate.sounds import hold_music, ringback, touch_tones
from data_samples.generate.utterances import say
from data_samples.generate.voices import (
    KOKORO_RATE,
    VoiceBank,
    load_bank,
    open_session,
    tighten,
    trim,
)

HERE: Final = Path(__file__).resolve().parents[1]
RULEBOOK: Final = "hotline"
ZONE: Final = "+08:00"
MANIFEST_COLUMNS: Final = (
    "file",
    "agent_id",
    "call_id",
    "agent_name",
    "started_at",
    "direction",
    "rulebook",
    "agent_channel",
    "queue",
    "customer_satisfaction",
)

_AGENT_SNR_DB: Final = 24.0
_LOST_S: Final = 0.06
_PAUSE_S: Final = (0.35, 0.75)
_AFTER_SOUND_S: Final = 0.6
_MUSIC_LEVEL: Final = 0.35
_TONE_LEVEL: Final = 0.12
_CHANNELS: Final = {"A": 0, "C": 1}


def render_all(
    target: Path, *, scripts: Path, cache: Path, only: frozenset[str] = frozenset()
) -> tuple[Path, ...]:
    """Render every call of the scripts.

    Args:
        target: Folder that gets ``calls/``, ``truth/`` and ``manifest.csv``.
        scripts: Folder of scripts.
        cache: Folder of utterances already said.
        only: Call ids to render; all where empty. The manifest is always whole.

    Returns:
        The audio files written.

    Raises:
        data_samples.generate.script.ScriptError: A script cannot be read.
    """
    calls = read_scripts(scripts)
    bank = load_bank()
    session = open_session(bank)
    for folder in ("calls", "truth"):
        (target / folder).mkdir(parents=True, exist_ok=True)
    written = [
        render_call(call, target=target, bank=bank, session=session, cache=cache)
        for call in calls
        if not only or call.call_id in only
    ]
    write_manifest(calls, path=target / "manifest.csv")
    return tuple(written)


def render_call(call: Call, *, target: Path, bank: VoiceBank, session: Any, cache: Path) -> Path:
    """Render one call to ``calls/`` and its truth to ``truth/``; a broken one has no truth."""
    path = target / "calls" / file_name(call)
    if call.form == "broken":
        write_broken(path, seed=_seed(call))
        return path
    made = compose(call, bank=bank, session=session, cache=cache)
    audio = made.audio
    if call.form in ("mono", "amr"):
        audio = audio.sum(axis=1, keepdims=True) * np.float32(0.8)
    elif call.form == "swap":
        audio = audio[:, ::-1]
    late_s = 0.0
    if call.form in SUFFIXES:
        write_coded(path, audio, rate=LINE_RATE, codec=call.form)
        decoded = read_back(path, rate=LINE_RATE)
        late_s = shift_s(audio.sum(axis=1), decoded.sum(axis=1), rate=LINE_RATE)
    else:
        write_mu_law(path, np.ascontiguousarray(audio), rate=LINE_RATE)
        decoded = read_back(path, rate=LINE_RATE)
    truth = truth_of(call, made=made, late_s=late_s, duration_s=len(decoded) / LINE_RATE)
    (target / "truth" / f"{call.call_id}.json").write_text(
        json.dumps(truth, ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
    )
    return path


def compose(call: Call, *, bank: VoiceBank, session: Any, cache: Path) -> Mix:
    """Say the lines of a call and mix them; the intervals follow ``call.items`` less pauses."""
    chance = random.Random(_seed(call))
    lead_s = round(chance.uniform(0.8, 1.2), 3)
    clips: list[Clip] = []
    pause_s, tail_s = 0.0, 1.0
    for item in call.items:
        if isinstance(item, Sound):
            if item.kind == "pause":
                tail_s = item.gap_s
            else:
                clips.append(_sound_clip(item))
                pause_s = _AFTER_SOUND_S
            continue
        spoken = to_line(
            say(item, call=call, bank=bank, session=session, cache=cache), rate=KOKORO_RATE
        )
        anchor = _anchor(item, pause_s=pause_s)
        speech = tighten(trim(spoken, rate=LINE_RATE), rate=LINE_RATE)
        clips.append(Clip(_at_common_level(speech), _CHANNELS[item.role], anchor))
        pause_s = round(chance.uniform(*_PAUSE_S), 3)
    scene = Scene(
        lead_s=lead_s,
        tail_s=tail_s,
        gains_db=(call.agent_db, call.customer_db),
        # The customer's line is the worse one: the agent sits indoors and wears a headset.
        snr_db=(max(call.noise_db + 4, _AGENT_SNR_DB), call.noise_db),
        leak_db=call.leak_db,
        leak_s=call.leak_ms / 1000,
        seed=_seed(call),
    )
    return mix(clips, scene=scene)


def truth_of(call: Call, *, made: Mix, late_s: float, duration_s: float) -> dict[str, Any]:
    """Return the truth about one rendered call, in the form of the development corpus.

    Args:
        call: The call as written.
        made: The call as mixed.
        late_s: Delay its codec adds.
        duration_s: Length of the decoded file.
    """
    sounding = [item for item in call.items if not _is_pause(item)]
    turns = [
        _turn(item, interval=interval, late_s=late_s)
        for item, interval in zip(sounding, made.intervals, strict=True)
        if isinstance(item, Line)
    ]
    return {
        "call_id": call.call_id,
        "agent": call.agent,
        "name": call.name,
        "voice": call.voice,
        "cust": call.customer,
        "rb": RULEBOOK,
        "date": call.date,
        "dir": call.direction,
        "noise": f"{call.noise_db:g}",
        "duration_s": round(duration_s, 3),
        "turns": sorted(turns, key=lambda turn: float(turn["start"])),
        "file": file_name(call),
    }


def write_manifest(calls: Sequence[Call], *, path: Path) -> None:
    """Write the manifest that ``callaudit run --manifest`` reads, broken recordings included."""
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(MANIFEST_COLUMNS)
        for call in calls:
            rows.writerow(
                (
                    file_name(call),
                    call.agent,
                    call.call_id,
                    call.name,
                    call.date + ZONE,
                    call.direction,
                    RULEBOOK,
                    call.agent_channel,
                    call.queue,
                    call.satisfaction,
                )
            )


def file_name(call: Call) -> str:
    """Name of a call's recording."""
    return call.stem + SUFFIXES.get(call.form, ".wav")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description="render the sample calls")
    parser.add_argument("only", nargs="*", help="call ids to render (default: all)")
    parser.add_argument("--scripts", type=Path, default=HERE / "scripts")
    parser.add_argument("--target", type=Path, default=HERE)
    parser.add_argument(
        "--cache",
        type=Path,
        default=Path(tempfile.gettempdir()) / "callaudit-samples",
        help="folder that keeps utterances already said",
    )
    options = parser.parse_args(arguments)
    written = render_all(
        options.target,
        scripts=options.scripts,
        cache=options.cache,
        only=frozenset(options.only),
    )
    size = sum(path.stat().st_size for path in written)
    print(f"{len(written)} recordings, {size / 1e6:.1f} MB, in {options.target / 'calls'}")
    return 0


def _turn(line: Line, *, interval: Interval, late_s: float) -> dict[str, Any]:
    turn: dict[str, Any] = {"segment": line.segment, "role": line.role, "text": line.text}
    if line.greeting is not None:
        turn["greeting"] = list(line.greeting)
    if line.closing is not None:
        turn["closing"] = list(line.closing)
    if line.backchannel:
        turn["backchannel"] = True
    if line.interrupts:
        turn["interrupts"] = True
    if line.forbidden is not None:
        turn["forbidden"] = line.forbidden
    if line.other is not None:
        turn["other"] = line.other
    turn["start"] = round(interval.start_s + late_s, 3)
    turn["end"] = round(interval.end_s + late_s, 3)
    if interval.cut_off:
        turn["cut_off"] = True
    return turn


def _anchor(line: Line, *, pause_s: float) -> Anchor:
    timing = line.timing
    if timing.mark == "~":
        return Over(timing.value)
    if timing.mark == ">":
        return Before(timing.value, lost_s=_LOST_S if timing.cuts else 0.0)
    return After(timing.value if timing.mark == "+" else pause_s)


def _sound_clip(sound: Sound) -> Clip:
    if sound.kind == "melody":
        music = to_line(hold_music(float(sound.value), rate=3 * LINE_RATE), rate=3 * LINE_RATE)
        return Clip(music * np.float32(_MUSIC_LEVEL), 0, After(sound.gap_s), speech=False)
    if sound.kind == "ringback":
        rings = ringback(int(sound.value), rate=LINE_RATE) * np.float32(_TONE_LEVEL)
        return Clip(rings, 0, After(sound.gap_s), speech=False)
    keys = touch_tones(sound.value, rate=LINE_RATE) * np.float32(_TONE_LEVEL)
    return Clip(keys, 1, After(sound.gap_s), speech=False)


def _at_common_level(samples: FloatArray) -> FloatArray:
    """Bring an utterance to the common level, measured in the telephone band."""
    rms = speech_rms(samples)
    return fade_out(samples * np.float32(0.1 / rms if rms else 1.0), rate=LINE_RATE, seconds=0.004)


def _is_pause(item: Line | Sound) -> bool:
    return isinstance(item, Sound) and item.kind == "pause"


def _seed(call: Call) -> int:
    """Return a seed that a call keeps when others are added or dropped."""
    return int.from_bytes(call.call_id.encode(), "big") % 2**31


if __name__ == "__main__":
    raise SystemExit(main())
