"""Sends drawn calls through the product's own stages and compares what it finds with the truth."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import astuple, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

from audit import rulebooks
from audit.rules.floor import UNCERTAIN, VIOLATIONS, Overlap
from audit.rules.overlaps import overlaps
from audit.transcription import turns, windows
from audit.transcription.activity import detect_speech
from audit.transcription.decoding import Audio, decode
from audit.transcription.windows import Utterance
from audit.types import Role, Span, Word
from data_samples.generate.encode import SUFFIXES, shift_s, write_coded, write_mu_law
from data_samples.generate.mixer import LINE_RATE, FloatArray
from models.text import endings
from models.voice.vad import HOP, speech_probabilities
from tests.benchmarks.turns.draw import AGENT, DrawnCall, Event, Piece

Regions = list[list[Span]]

_ROLES: Final = (Role.AGENT, Role.CUSTOMER)
_SLACK_S: Final = 0.2
"""Beside somebody's speech a region is late or early, not false."""
_SEEN_S: Final = 0.05
_SILERO_FRAME: Final = 512
_APART_S: Final = 0.35


@dataclass(slots=True)
class Counts:
    """Events of a kind: how many were drawn, accused, and left undecided."""

    drawn: int = 0
    accused: int = 0
    doubted: int = 0


@dataclass(slots=True)
class Tally:
    """What was measured on calls of one kind; edge errors in seconds, late is positive."""

    calls: int = 0
    seconds: float = 0.0
    starts: list[float] = field(default_factory=list)
    ends: list[float] = field(default_factory=list)
    spoken_s: float = 0.0
    missed_s: float = 0.0
    missed_clips: int = 0
    false_s: float = 0.0
    together_s: float = 0.0
    together_found_s: float = 0.0
    right: int = 0
    wrong: int = 0
    lost: int = 0
    events: dict[Event, Counts] = field(default_factory=dict)

    @property
    def precision(self) -> float:
        """Share of the accusations that are true."""
        return self.right / (self.right + self.wrong) if self.right + self.wrong else 1.0

    @property
    def recall(self) -> float:
        """Share of the interruptions that are found."""
        return self.right / (self.right + self.lost) if self.right + self.lost else 1.0

    def edge_s(self, percentile: float) -> float:
        """A percentile of the absolute error of all edges."""
        return float(np.percentile(np.abs([*self.starts, *self.ends]), percentile))

    def summary(self) -> dict[str, Any]:
        """The figures of one row of the table."""
        return {
            "calls": self.calls,
            "minutes": round(self.seconds / 60, 1),
            "edge_median_ms": round(1000 * self.edge_s(50)),
            "edge_p90_ms": round(1000 * self.edge_s(90)),
            "missed_share": round(self.missed_s / max(self.spoken_s, 1e-9), 4),
            "missed_clips": self.missed_clips,
            "false_s_per_minute": round(60 * self.false_s / max(self.seconds, 1e-9), 3),
            "overlap_found": round(self.together_found_s / max(self.together_s, 1e-9), 3),
            "interruptions": self.right + self.lost,
            "precision": round(self.precision, 4),
            "recall": round(self.recall, 4),
            "events": {event: astuple(counts) for event, counts in sorted(self.events.items())},
        }


def audio_of(call: DrawnCall) -> Audio:
    """A drawn call as the product hears it: through its codec and decoder, aligned to the truth."""
    if call.codec is None:
        return Audio(_pcm(resample_poly(call.audio, 2, 1, axis=0)).T.copy())
    with tempfile.TemporaryDirectory() as folder:
        decoded = _coded(call.audio, call.codec, Path(folder))
    late = round(shift_s(call.audio[:, 0], _narrow(decoded[0]), rate=LINE_RATE) * 2 * LINE_RATE)
    return Audio(np.roll(decoded, -late, axis=1))


def regions_of(audio: Audio) -> Regions:
    """Speech regions by the product's detector."""
    return detect_speech(audio, detector=speech_probabilities)


def regions_by_silero(audio: Audio) -> Regions:
    """The same with Silero VAD (faster-whisper ships it), to compare detectors."""
    from faster_whisper.vad import get_vad_model

    def detector(samples: NDArray[np.int16]) -> NDArray[np.float32]:
        padded = np.pad(samples, (0, -len(samples) % _SILERO_FRAME)).astype(np.float32) / 32768
        frames = get_vad_model()(padded).ravel()
        middles = np.arange(len(samples) // HOP) * HOP // _SILERO_FRAME
        return np.asarray(frames[middles], dtype=np.float32)

    return detect_speech(audio, detector=detector)


def interruptions_of(regions: Regions, pieces: Sequence[Piece]) -> list[Overlap]:
    """What the product takes for interruptions, given regions and the words of the truth."""
    return [met for met in overlaps_of(regions, pieces) if met.kind in VIOLATIONS]


def overlaps_of(regions: Regions, pieces: Sequence[Piece]) -> list[Overlap]:
    """Where the product finds speech that overlaps, given regions and the words of the truth."""
    heard = [(spoken, _words(spoken, pieces)) for spoken in windows.join_utterances(regions)]
    built = turns.build(heard, regions, roles=_ROLES)
    agent, customer = ([turn for turn in built if turn.role is role] for role in _ROLES)
    thresholds = rulebooks.load("hotline").rules.no_interruption.applied()
    return overlaps(agent, customer, thresholds, endings=endings)


def true_regions(call: DrawnCall) -> Regions:
    """The regions that a detector without fault would find."""
    return [
        sorted(span for piece in call.speech if piece.channel == channel for span in piece.sounding)
        for channel in range(2)
    ]


def measure(
    calls: Iterable[DrawnCall], *, listen: Callable[[Audio], Regions] = regions_of
) -> Tally:
    """Add up over calls how far the regions and interruptions found are from the truth."""
    tally = Tally()
    for call in calls:
        compare(call, listen(audio_of(call)), tally=tally)
    return tally


def compare(call: DrawnCall, regions: Regions, *, tally: Tally) -> None:
    """Add the comparison of one call with its truth to a tally."""
    tally.calls += 1
    tally.seconds += len(call.audio) / LINE_RATE
    for channel, found in enumerate(regions):
        mine = sorted((p for p in call.speech if p.channel == channel), key=lambda p: p.span)
        _compare_edges(mine, found, tally)
        for span in found:
            wide = (Span(p.span.start_s - _SLACK_S, p.span.end_s + _SLACK_S) for p in mine)
            tally.false_s += max(0.0, span.duration_s - sum(span.overlap_s(p) for p in wide))
    _compare_overlaps(call, regions, tally)
    wanted = [piece for piece in call.pieces if piece.interrupts]
    met = overlaps_of(regions, call.pieces)
    found_at = [m.turn.span for m in met if m.turn.span and m.kind in VIOLATIONS]
    doubted_at = [m.turn.span for m in met if m.turn.span and m.kind in UNCERTAIN]
    hits = [piece for piece in wanted if any(piece.span.overlap_s(at) for at in found_at)]
    tally.right += len(hits)
    tally.lost += len(wanted) - len(hits)
    wrong_at = [at for at in found_at if not any(p.span.overlap_s(at) for p in wanted)]
    tally.wrong += len(wrong_at)
    for piece in call.pieces:
        if piece.event is not None and piece.channel == AGENT:
            counts = tally.events.setdefault(piece.event, Counts())
            charges = found_at if piece.interrupts else wrong_at
            accused = any(piece.span.overlap_s(at) for at in charges)
            counts.drawn += 1
            counts.accused += accused
            counts.doubted += not accused and any(piece.span.overlap_s(at) for at in doubted_at)


def _compare_edges(mine: Sequence[Piece], found: Sequence[Span], tally: Tally) -> None:
    for number, piece in enumerate(mine):
        spoken_s = sum(span.duration_s for span in piece.sounding)
        covered_s = sum(a.overlap_s(b) for a in piece.sounding for b in found)
        tally.spoken_s += spoken_s
        tally.missed_s += spoken_s - covered_s
        hits = [span for span in found if span.overlap_s(piece.span) > _SEEN_S]
        if not hits:
            tally.missed_clips += 1
            continue
        if not number or piece.span.start_s - mine[number - 1].span.end_s > _APART_S:
            tally.starts.append(hits[0].start_s - piece.span.start_s)
        last = number + 1 == len(mine)
        if last or mine[number + 1].span.start_s - piece.span.end_s > _APART_S:
            tally.ends.append(hits[-1].end_s - piece.span.end_s)


def _compare_overlaps(call: DrawnCall, regions: Regions, tally: Tally) -> None:
    for one, other in itertools.product(*_by_channel(call)):
        for a, b in itertools.product(one.sounding, other.sounding):
            both = Span(max(a.start_s, b.start_s), min(a.end_s, b.end_s))
            if both.end_s > both.start_s:
                tally.together_s += both.duration_s
                tally.together_found_s += sum(
                    Span(max(r.start_s, both.start_s), min(r.end_s, both.end_s)).overlap_s(s)
                    for r in regions[0]
                    if r.overlap_s(both) > 0
                    for s in regions[1]
                )


def _by_channel(call: DrawnCall) -> tuple[list[Piece], list[Piece]]:
    agent = [piece for piece in call.speech if piece.channel == AGENT]
    return agent, [piece for piece in call.speech if piece.channel != AGENT]


def _words(spoken: Utterance, pieces: Sequence[Piece]) -> tuple[Word, ...]:
    """The characters of the truth that fall into an utterance, evenly spread over their clips.

    A region where nobody speaks gets words too, and no listener's words: the worst case. Of some
    listener's words Whisper hears nothing.
    """
    words = []
    silent = False
    for piece in pieces:
        if piece.channel == spoken.channel and piece.event is Event.BACKCHANNEL:
            silent |= not piece.text and spoken.span.overlap_s(piece.span) > 0
        if piece.channel != spoken.channel or not piece.text:
            continue
        step_s = piece.span.duration_s / len(piece.text)
        for number, character in enumerate(piece.text):
            start_s = piece.span.start_s + number * step_s
            if spoken.span.start_s <= start_s + step_s / 2 <= spoken.span.end_s:
                words.append(Word(character, start_s, start_s + step_s, 0.9))
    if not words and not silent:
        words = [Word("无人说话", spoken.span.start_s, spoken.span.end_s, 0.5)]
    return tuple(sorted(words, key=lambda word: word.start_s))


def _coded(audio: FloatArray, codec: str, folder: Path) -> Any:
    """Samples of shape ``[channels, samples]`` at 16 kHz after coding and the product's decoder."""
    import soundfile

    path = folder / f"coded{SUFFIXES.get(codec, '.wav')}"
    if codec == "gsm":  # a WAV holds one channel of it: each leg is coded for itself
        legs = []
        for leg in audio.T:
            soundfile.write(path, leg, LINE_RATE, subtype="GSM610")
            legs.append(decode(path).samples[0])
        return np.stack(legs)
    if codec == "mu-law":
        write_mu_law(path, audio, rate=LINE_RATE)
    else:
        write_coded(path, audio, rate=LINE_RATE, codec=codec)
    return decode(path).samples


def _pcm(audio: FloatArray) -> Any:
    return (audio * 32767).clip(-32768, 32767).astype(np.int16)


def _narrow(samples: Any) -> FloatArray:
    return np.asarray(resample_poly(samples.astype(np.float32), 1, 2), dtype=np.float32)
