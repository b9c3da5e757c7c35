"""Two sides in two files against both in one: ``python -m tests.benchmarks.legs [CALL ...]``.

Splits the two channels of sample calls into mono files that begin -3 to 5 s apart, end apart and
drift by 0.1 to 0.5 %, audits them as one call, and compares the findings with those of the
original. ``--clean`` takes what either side hears of the other out first. As the words
of a small model change with the least change of the sound, the original is also audited without
its first 40 ms: what comes out differently there too is set in brackets, and not counted. Some
noise before and after each call keeps its words whole.
"""

from __future__ import annotations

import sys
import tempfile
import wave
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import scipy
from numpy.typing import NDArray

from audit import rulebooks
from audit.config import Config
from audit.intake import recordings, roots
from audit.ports import TranscriptionModels
from audit.transcription import decode_recording, decoding, transcribe
from audit.transcription.levels import HOP, frame_levels
from audit.types import SAMPLE_RATE, AuditedCall, Call, Recording
from flows import wiring

SAMPLES = Path(__file__).parents[2] / "data_samples"
CALLS = {path.name[:3]: path for path in sorted((SAMPLES / "calls").iterdir())}
_NOT_SPLIT = {"S12", "S15", "S21"}
"""Mono, and a damaged file."""

Pair = tuple[NDArray[np.int16], NDArray[np.int16]]


def split(samples: NDArray[np.int16], *, shift_s: float, drift: float, cut_s: float = 2.0) -> Pair:
    """The two channels of a recording as two recorders would have it.

    Args:
        samples: int16, shape ``[2, samples]``.
        shift_s: how much later the second one starts (the first, if negative).
        drift: of the second one's clock: its seconds are longer by so much.
        cut_s: how much earlier it ends.
    """
    late = round(abs(shift_s) * SAMPLE_RATE)
    first, second = samples
    if shift_s >= 0:
        second = second[late:]
    else:
        first = first[late:]
    second = second[: len(second) - round(cut_s * SAMPLE_RATE)].astype(np.float32)
    places = np.arange(int(len(second) / (1 + drift))) * (1 + drift)
    paced = scipy.ndimage.map_coordinates(second, [places], order=3)
    return first, paced.round().clip(-32768, 32767).astype(np.int16)


def without_crosstalk(samples: NDArray[np.int16]) -> NDArray[np.int16]:
    """Both channels with steady noise for all that is not their own voice."""
    noise = np.random.default_rng(7)
    clean = np.empty_like(samples)
    for channel, out in zip(samples, clean, strict=True):
        level = frame_levels(channel)
        own = level > np.percentile(level[level > -90], 95) - 25
        own = np.repeat(scipy.ndimage.binary_dilation(own, iterations=10), HOP)
        own = np.pad(own, (0, len(channel) - len(own)))
        out[:] = np.where(own, channel, 0) + noise.normal(0, 30, len(channel)).astype(np.int16)
    return clean


def write_mono(path: Path, samples: NDArray[np.int16]) -> None:
    """Write 16 kHz samples as WAV."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(samples.tobytes())


def planned(folder: Path, manifest: str) -> tuple[Recording, ...]:
    """The recordings of a manifest, all of which can be planned."""
    listed = folder / "manifest.csv"
    listed.write_text(manifest, "utf-8")
    plan = recordings.plan(
        roots.open_root(str(folder)),
        manifest=str(listed),
        timezone="Asia/Shanghai",
        rulebooks=("hotline",),
        max_bytes=1 << 30,
        today=datetime.now(UTC).date(),
    )
    assert not plan.rejects, plan.rejects
    return plan.recordings


def audited(folder: Path, recording: Recording, models: TranscriptionModels) -> AuditedCall:
    """The call as it comes out."""
    config = Config()
    limits = config.limits
    sound = decode_recording(
        [folder / name for name in recording.source_files],
        recording,
        min_duration_s=limits.min_duration_s,
        max_duration_s=limits.max_duration_s,
    )
    transcript = transcribe(
        sound, recording, models=models, options=config.transcription, audio_sha256="0" * 64
    )
    return wiring.judge(Call(recording, transcript), rulebooks.load("hotline"))


def both_ways(
    name: str, models: TranscriptionModels, *, shift_s: float, drift: float, clean: bool = False
) -> tuple[AuditedCall, AuditedCall, AuditedCall]:
    """A sample call as it is, as it is without its first 40 ms, and from two files."""
    path = CALLS[name]
    rows = (SAMPLES / "manifest.csv").read_text("utf-8").splitlines()
    row = next(line.split(",") for line in rows if line.startswith(path.name))
    samples = decoding.decode(path).samples
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        if clean:
            samples = without_crosstalk(samples)
        noise = np.random.default_rng(3).normal(0, 20, (2, 6 * SAMPLE_RATE)).astype(np.int16)
        samples = np.concatenate([noise, samples, noise[:, : 3 * SAMPLE_RATE]], axis=1)
        agent, customer = samples
        swapped = row[7] == "1"
        one, other = split(samples[::-1] if swapped else samples, shift_s=shift_s, drift=drift)
        for file, sound in (("a.wav", one), ("c.wav", other)):
            write_mono(place / file, sound)
        shared = [row[1], row[2], row[3], row[4], row[5]]
        header = "agent_id,call_id,agent_name,started_at,direction"
        manifest = f"file_agent,file_customer,{header}\n{','.join(['a.wav', 'c.wav', *shared])}\n"
        (joined,) = planned(place, manifest)
        whole = replace(joined, legs=(), source_file="whole.wav", agent_channel="0")
        pair = np.stack([customer, agent] if swapped else [agent, customer], axis=1)
        came_out = []
        for first in (0, 640):
            with wave.open(str(place / "whole.wav"), "wb") as file:
                file.setnchannels(2)
                file.setsampwidth(2)
                file.setframerate(SAMPLE_RATE)
                file.writeframes(pair[first:].tobytes())
            came_out.append(audited(place, whole, models))
        return came_out[0], came_out[1], audited(place, joined, models)


def differences(one: AuditedCall, other: AuditedCall) -> list[tuple[str, str, str]]:
    """Checks that came out differently: check, verdicts of the one, verdicts of the other."""
    verdicts = [
        {
            check: ", ".join(sorted(str(f.verdict) for f in call.findings if f.check_id == check))
            for check in {f.check_id for f in call.findings}
        }
        for call in (one, other)
    ]
    checks = sorted(verdicts[0].keys() | verdicts[1].keys())
    pairs = [(check, verdicts[0].get(check, "-"), verdicts[1].get(check, "-")) for check in checks]
    return [(check, a, b) for check, a, b in pairs if a != b]


def main(arguments: Sequence[str]) -> None:
    """Print, for each call, how it was split and which checks came out differently."""
    clean = "--clean" in arguments
    names = [name for name in arguments if name in CALLS] or sorted(CALLS.keys() - _NOT_SPLIT)
    models = wiring.transcription_models(Config().transcription)
    chance = np.random.default_rng(2026)
    counts: Counter[str] = Counter()
    for name in names:
        shift_s = float(chance.uniform(-3, 5))
        drift = float(chance.choice([-1, 1]) * chance.uniform(0.001, 0.005))
        whole, later, joined = both_ways(name, models, shift_s=shift_s, drift=drift, clean=clean)
        doubts = [d.id for d in joined.call.transcript.doubts if d.id.startswith("legs.")]
        unsteady = {check for check, _, _ in differences(whole, later)}
        different = differences(whole, joined)
        counts["checks"] += len({f.check_id for f in whole.findings})
        steady = [(check, b) for check, _, b in different if check not in unsteady]
        counts["unsteady"] += len(unsteady)
        counts["cannot_tell"] += sum(b == "cannot_tell" for _, b in steady)
        counts["other"] += sum(b != "cannot_tell" for _, b in steady)
        told = "; ".join(
            f"({check}: {a} -> {b})" if check in unsteady else f"{check}: {a} -> {b}"
            for check, a, b in different
        )
        told = told or "the same"
        print(f"{name}  {shift_s:+.2f} s  {drift:+.3%}  {', '.join(doubts) or 'aligned'}  {told}")
        sys.stdout.flush()
    print(", ".join(f"{name}: {count}" for name, count in counts.items()))


if __name__ == "__main__":
    main(sys.argv[1:])
