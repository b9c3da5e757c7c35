"""Draws telephone calls: who meets whom and how, over which line; the same seed, the same call."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Final

import numpy as np

from audit.types import Span
from data_samples.generate.mixer import (
    LINE_RATE,
    After,
    Anchor,
    Before,
    Clip,
    FloatArray,
    Mix,
    Over,
    Scene,
    mix,
)
from data_samples.generate.sounds import busy, hold_music, ringback, touch_tones
from tests.benchmarks.turns.clips import Said, Speaker, sounding, speakers

AGENT: Final = 0
CUSTOMER: Final = 1

_EXCHANGES: Final = 4
_LISTENING: Final = 8
"""Turns of a customer in a call of listener's words."""
_SOFT_DB: Final = -9.0
"""Level of the softest listener's words against speech."""
_AGAIN_S: Final = 1.2
"""Seconds of a broken sentence that its speaker says again."""
_BOTH_S: Final = (0.23, 0.33)
"""Seconds for which both sound at the end of an unfinished sentence."""
_SUSTAINED_S: Final = 2.0
"""Least seconds of sustained overlap."""
_JOIN_S: Final = 1.6
_PLAIN_S: Final = 0.45
_KEYS: Final = "123456789*0#"
_SOUND_LEVEL: Final = 0.1
"""Amplitude of a tone at 0 dB against clips of RMS 0.1."""
_TAKES_FLOOR_S: Final = 2.6
"""Seconds of what is drawn to take the floor: longer than any words of a listener may be, whatever
the clip says."""


class Event(StrEnum):
    """What happens on the floor where a clip begins; the first four are interruptions.

    After ``TAKEN_UP`` nobody can tell: it may be doubted, not accused.
    """

    CUT_IN = "cut in"
    TALK_OVER = "talk over"
    SUSTAINED = "sustained overlap"
    UNFINISHED = "unfinished sentence"
    TAKEN_UP = "sentence taken up again"
    BACKCHANNEL = "backchannel"
    TERMINAL = "terminal overlap"
    TOGETHER = "simultaneous start"
    CUSTOMER_CUTS_IN = "customer cuts in"
    LONG_PAUSE = "long pause"


INTERRUPTIONS: Final = (Event.CUT_IN, Event.TALK_OVER, Event.SUSTAINED, Event.UNFINISHED)


class Stratum(StrEnum):
    """What a drawn line suffers from; the last one is a call of listener's words."""

    CLEAN = "clean"
    CROSS_TALK = "cross-talk"
    ECHO = "echo"
    NOISE = "noise"
    LEVELS = "levels"
    SOUNDS = "sounds"
    CODECS = "codecs"
    HARD = "leak -20 dB, SNR 15 dB"
    ALL = "all together"
    LISTENING = "backchannels"


@dataclass(frozen=True, slots=True)
class Part:
    """What one clip of a drawn call is: its words, and what happens where it begins."""

    clip: Clip
    text: str = ""
    event: Event | None = None


@dataclass(frozen=True, slots=True)
class Piece:
    """A part as it lies in the recording, in seconds on the recording's clock.

    Attributes:
        span: From its first to its last sound.
        sounding: Where it sounds: ``span`` without its pauses.
        cut_off: Its end is lost, so that its last sound is not known to a few frames.
    """

    channel: int
    span: Span
    sounding: tuple[Span, ...]
    text: str
    event: Event | None
    speech: bool
    cut_off: bool

    @property
    def interrupts(self) -> bool:
        """Whether it wrongly takes the floor."""
        return self.event in INTERRUPTIONS


@dataclass(frozen=True, slots=True)
class DrawnCall:
    """Audio of shape (samples, 2) at the line's rate, its truth, and the codec it goes through."""

    audio: FloatArray
    pieces: tuple[Piece, ...]
    codec: str | None = None

    @property
    def speech(self) -> list[Piece]:
        """The pieces that are somebody's speech."""
        return [piece for piece in self.pieces if piece.speech]


@dataclass(frozen=True, slots=True)
class _Cast:
    chance: np.random.Generator
    speakers: tuple[Speaker, Speaker]
    tokens: tuple[tuple[Said, ...], tuple[Said, ...]]

    def between(self, low: float, high: float) -> float:
        return round(float(self.chance.uniform(low, max(low, high))), 2)

    def says(self, channel: int, low_s: float = 0.8, high_s: float = 5.5) -> Said:
        fitting = [
            said for said in self.speakers[channel].utterances if low_s <= said.duration_s <= high_s
        ] or [max(self.speakers[channel].utterances, key=lambda said: said.duration_s)]
        return fitting[int(self.chance.integers(len(fitting)))]

    def token(self, channel: int) -> Said:
        """A listener's word, as loud as speech or softer."""
        token = self.tokens[channel][int(self.chance.integers(len(self.tokens[channel])))]
        gain = np.float32(10 ** (self.between(_SOFT_DB, 0) / 20))
        return Said(token.samples * gain, token.text)

    def gap(self, low: float = 0.1, high: float = 3.0) -> After:
        """Gaps are short more often than long."""
        return After(round(low + (high - low) * float(self.chance.beta(1, 3)), 2))


def draw(stratum: Stratum, *, seed: int, speech: Path | None = None) -> DrawnCall:
    """Draw one call of 20 to 40 s, with the voices of the sample calls or of a folder of calls.

    An announcement played by a machine is speech by nature: where one is drawn it opens the call
    on the agent's channel, is expected as a region there and is nobody's interruption.
    """
    chance = np.random.default_rng([list(Stratum).index(stratum), seed])
    voices = speakers(speech)
    while not _is_plain(call := _drawn(stratum, chance, voices, seed=seed)):
        pass
    return call


def _is_plain(call: DrawnCall) -> bool:
    """Whether nobody can dispute what is an interruption.

    Each must begin while the customer sounds, not in a breath, and both must sound together
    well beyond the shortest overlap that accuses; sustained overlap begins in a breath and lasts,
    and at the end of an unfinished sentence both sound shortly. A listener's word comes well before
    the same speaker's next turn, for the product joins them to one.
    """
    theirs = [span for p in call.speech if p.channel == CUSTOMER for span in p.sounding]
    mine = sorted(p.span for p in call.speech if p.channel == AGENT)
    if any(a.duration_s < 1 and b.start_s - a.end_s < _JOIN_S for a, b in itertools.pairwise(mine)):
        return False
    for piece in call.speech:
        if not piece.interrupts:
            continue
        together_s = sum(a.overlap_s(b) for a in piece.sounding for b in theirs)
        if piece.event is Event.SUSTAINED:
            if together_s < _SUSTAINED_S:
                return False
            continue
        if piece.event is Event.UNFINISHED:
            if not _BOTH_S[0] - 0.01 <= together_s <= _BOTH_S[1] + 0.01:
                return False
            continue
        onset = Span(piece.span.start_s - _PLAIN_S / 4, piece.span.start_s + _PLAIN_S / 4)
        if together_s < _PLAIN_S or not any(
            s.overlap_s(onset) > _PLAIN_S / 2 - 0.01 for s in theirs
        ):
            return False
    return True


def _drawn(
    stratum: Stratum, chance: np.random.Generator, voices: Mapping[str, Speaker], *, seed: int
) -> DrawnCall:
    names = list(voices)
    first, second = (names[i] for i in chance.choice(len(names), 2, replace=False))
    every = tuple(said for voice in voices.values() for said in voice.tokens)
    every = every or tuple(said for voice in speakers().values() for said in voice.tokens)
    own = tuple(voices[name].tokens or every for name in (first, second))
    cast = _Cast(chance, (voices[first], voices[second]), (own[0], own[1]))
    parts = _opening(cast)
    if stratum is Stratum.LISTENING:
        for _ in range(_LISTENING):
            parts += _listened_to(cast)
    else:
        innocent = chance.permutation(len(_INNOCENT))[: _EXCHANGES - 1]
        guilty = _GUILTY[int(chance.integers(len(_GUILTY)))]
        exchanges = [*(_INNOCENT[i] for i in innocent), guilty]
        for i in chance.permutation(_EXCHANGES):
            parts += exchanges[i](cast)
            if stratum in (Stratum.SOUNDS, Stratum.ALL):
                parts.append(_sound(cast))
    if stratum is Stratum.SOUNDS:
        others = [voice for name, voice in voices.items() if name not in (first, second)]
        parts = [_announcement(cast, others), *parts]
    mixed = mix([part.clip for part in parts], scene=_scene(stratum, cast, seed=seed))
    codec = None
    if stratum in (Stratum.CODECS, Stratum.ALL):
        codec = ("mu-law", "gsm", "opus", "mp3")[int(chance.integers(4))]
    return DrawnCall(mixed.audio, _pieces(parts, mixed), codec)


def _opening(cast: _Cast) -> list[Part]:
    return [_part(cast.says(AGENT, 1.5), AGENT, cast.gap())]


def _announcement(cast: _Cast, others: Sequence[Speaker]) -> Part:
    voice = others[int(cast.chance.integers(len(others)))]
    announcer = _Cast(cast.chance, (voice, voice), ((), ()))
    return _part(announcer.says(AGENT, 2.0), AGENT, cast.gap())


def _in_turn(cast: _Cast) -> list[Part]:
    return [
        _part(cast.says(CUSTOMER), CUSTOMER, cast.gap()),
        _part(cast.says(AGENT), AGENT, cast.gap()),
    ]


def _cut_in(cast: _Cast) -> list[Part]:
    """The agent takes the floor and the customer breaks off."""
    floor = cast.says(CUSTOMER, 2.6)
    lost_s = cast.between(0.2, min(1.5, floor.duration_s - 2.0))
    overlap_s = cast.between(0.5, min(3.0, floor.duration_s - lost_s - 1.0))
    return [
        _part(floor, CUSTOMER, cast.gap(1.2, 3.0)),
        _part(
            cast.says(AGENT, max(overlap_s + 0.4, _TAKES_FLOOR_S)),
            AGENT,
            Before(overlap_s, lost_s=lost_s),
            Event.CUT_IN,
        ),
    ]


def _talk_over(cast: _Cast) -> list[Part]:
    """The agent speaks into the customer's turn, and the customer goes on to the end."""
    floor = cast.says(CUSTOMER, 2.6)
    overlap_s = cast.between(0.6, min(3.0, floor.duration_s - 1.0))
    return [
        _part(floor, CUSTOMER, cast.gap(1.2, 3.0)),
        _part(cast.says(AGENT, _TAKES_FLOOR_S), AGENT, Before(overlap_s), Event.TALK_OVER),
    ]


def _sustained(cast: _Cast) -> list[Part]:
    """The agent begins about when the customer goes on after a breath, and both talk on and on."""
    pause_s, early_s = cast.between(0.2, 0.5), cast.between(-0.2, 0.4)
    before, goes_on = cast.says(CUSTOMER, 1.5), cast.says(CUSTOMER, 2.6)
    agent = cast.says(AGENT, _TAKES_FLOOR_S)
    first = _part(before, CUSTOMER, cast.gap(1.2, 3.0))
    if early_s > 0:
        return [
            first,
            _part(agent, AGENT, After(max(0.05, pause_s - early_s)), Event.SUSTAINED),
            _part(goes_on, CUSTOMER, Before(agent.duration_s - min(early_s, pause_s - 0.05))),
        ]
    onset = Before(goes_on.duration_s + early_s)
    return [
        first,
        _part(goes_on, CUSTOMER, After(pause_s)),
        _part(agent, AGENT, onset, Event.SUSTAINED),
    ]


def _unfinished(cast: _Cast) -> list[Part]:
    """The customer is cut off within a sentence, stops at once, and says it again."""
    floor = cast.says(CUSTOMER, 2.6)
    lost_s = cast.between(0.8, floor.duration_s - 1.5)
    return [
        _part(floor, CUSTOMER, cast.gap(1.2, 3.0)),
        _part(
            cast.says(AGENT, 1.5),
            AGENT,
            Before(cast.between(*_BOTH_S), lost_s=lost_s),
            Event.UNFINISHED,
        ),
        _part(floor.since(floor.duration_s - lost_s - _AGAIN_S), CUSTOMER, cast.gap()),
    ]


def _taken_up(cast: _Cast) -> list[Part]:
    """The customer stops within a sentence, the agent goes on, and the customer says it again."""
    whole = cast.says(CUSTOMER, 2.6)
    kept = whole.until(cast.between(1.4, whole.duration_s - 0.8))
    again = whole.since(kept.duration_s - _AGAIN_S)
    return [
        _part(kept, CUSTOMER, cast.gap(1.2, 3.0)),
        _part(cast.says(AGENT, 1.2), AGENT, After(cast.between(0.05, 0.3)), Event.TAKEN_UP),
        _part(again, CUSTOMER, cast.gap()),
    ]


def _customer_cuts_in(cast: _Cast) -> list[Part]:
    floor = cast.says(AGENT, 2.6)
    lost_s = cast.between(0.0, min(1.5, floor.duration_s - 2.0))
    overlap_s = cast.between(0.5, min(3.0, floor.duration_s - lost_s - 1.0))
    return [
        _part(floor, AGENT, cast.gap()),
        _part(
            cast.says(CUSTOMER, overlap_s + 0.4),
            CUSTOMER,
            Before(overlap_s, lost_s=lost_s),
            Event.CUSTOMER_CUTS_IN,
        ),
    ]


def _token_under(holder: int) -> Callable[[_Cast], list[Part]]:
    def exchange(cast: _Cast) -> list[Part]:
        floor, token = cast.says(holder, 2.6), cast.token(1 - holder)
        latest = (floor.duration_s - token.duration_s - 0.4) / floor.duration_s
        return [
            _part(floor, holder, cast.gap()),
            _part(token, 1 - holder, Over(cast.between(0.15, min(0.8, latest))), Event.BACKCHANNEL),
        ]

    return exchange


def _listened_to(cast: _Cast) -> list[Part]:
    """The customer talks, and the agent listens aloud, twice where there is time."""
    floor = cast.says(CUSTOMER, 2.6)
    parts = [_part(floor, CUSTOMER, cast.gap(0.6, 1.5))]
    earliest = 0.1
    for latest in (0.35, 0.8):
        token = cast.token(AGENT)
        room = (floor.duration_s - token.duration_s - 0.3) / floor.duration_s
        if room > earliest:
            at = cast.between(earliest, min(latest, room))
            parts.append(_part(token, AGENT, Over(at), Event.BACKCHANNEL))
            earliest = at + (token.duration_s + _JOIN_S) / floor.duration_s
    return parts


def _terminal(cast: _Cast) -> list[Part]:
    return [
        _part(cast.says(CUSTOMER, 1.5), CUSTOMER, cast.gap()),
        _part(cast.says(AGENT), AGENT, Before(cast.between(0.05, 0.2)), Event.TERMINAL),
    ]


def _together(cast: _Cast) -> list[Part]:
    """Both begin after a silence that ends whatever was said before."""
    first, second = cast.chance.permutation(2)
    opening = cast.says(int(first), 1.5)
    late_s = cast.between(0.0, 0.2)
    return [
        _part(opening, int(first), cast.gap(1.7, 3.0)),
        _part(
            cast.says(int(second), 1.2),
            int(second),
            Before(opening.duration_s - late_s),
            Event.TOGETHER,
        ),
    ]


def _long_pause(cast: _Cast) -> list[Part]:
    """The customer thinks, the agent takes it for the end, and the customer goes on."""
    answer = cast.says(AGENT, 1.2)
    return [
        _part(cast.says(CUSTOMER, 1.5), CUSTOMER, cast.gap()),
        _part(answer, AGENT, After(cast.between(0.8, 2.5)), Event.LONG_PAUSE),
        _part(cast.says(CUSTOMER, 1.5), CUSTOMER, Before(cast.between(0.3, 1.0))),
    ]


_GUILTY: Final = (_cut_in, _talk_over, _sustained, _unfinished)
_INNOCENT: Final = (
    _in_turn,
    _customer_cuts_in,
    _token_under(CUSTOMER),
    _token_under(AGENT),
    _terminal,
    _together,
    _long_pause,
    _taken_up,
)


def _sound(cast: _Cast) -> Part:
    """A sound of the line that nobody speaks, 0 to 15 dB below speech."""
    kind = int(cast.chance.integers(4))
    if kind == 0:
        samples = hold_music(cast.between(2, 6), rate=LINE_RATE)
    elif kind == 1:
        samples = ringback(1, rate=LINE_RATE)
    elif kind == 2:
        keys = cast.chance.choice(list(_KEYS), int(cast.chance.integers(1, 7)))
        samples = touch_tones("".join(keys), rate=LINE_RATE)
    else:
        samples = busy(int(cast.chance.integers(2, 6)), rate=LINE_RATE)
    gain = _SOUND_LEVEL * 10 ** (cast.between(-15, 0) / 20)
    channel = int(cast.chance.integers(2))
    return Part(Clip(samples * np.float32(gain), channel, cast.gap(0.4, 2.0), speech=False))


def _scene(stratum: Stratum, cast: _Cast, *, seed: int) -> Scene:
    scene = Scene(leak_db=None, seed=seed, lead_s=cast.between(0.5, 1.5))
    snr_db = (cast.between(10, 35), cast.between(10, 35))
    leak_db, leak_s = cast.between(-40, -15), cast.between(0, 0.25)
    echo_db, echo_s = cast.between(-40, -15), cast.between(0.03, 0.25)
    gains_db = [(0.0, -1.0), (-1.0, 0.0)][int(cast.chance.integers(2))]
    gap_db = cast.between(0, 20)
    uneven = (gains_db[0] * gap_db, gains_db[1] * gap_db)
    match stratum:
        case Stratum.CROSS_TALK:
            return replace(scene, leak_db=leak_db, leak_s=leak_s)
        case Stratum.ECHO:
            return replace(scene, leak_db=-38.0, echo_db=echo_db, echo_s=echo_s)
        case Stratum.NOISE:
            return replace(scene, leak_db=-38.0, snr_db=snr_db)
        case Stratum.LEVELS:
            return replace(scene, leak_db=-35.0, gains_db=uneven, snr_db=(30.0, 30.0))
        case Stratum.CODECS | Stratum.SOUNDS:
            return replace(scene, leak_db=-35.0, snr_db=(30.0, 30.0))
        case Stratum.LISTENING if seed % 2:
            return replace(scene, leak_db=-20.0, leak_s=0.06, snr_db=(15.0, 15.0))
        case Stratum.HARD:
            return replace(scene, leak_db=-20.0, leak_s=0.06, snr_db=(15.0, 15.0))
        case Stratum.ALL:
            return replace(
                scene,
                leak_db=leak_db,
                leak_s=leak_s,
                echo_db=echo_db - 5,
                echo_s=echo_s,
                snr_db=snr_db,
                gains_db=uneven,
            )
        case _:
            return scene


def _part(said: Said, channel: int, anchor: Anchor, event: Event | None = None) -> Part:
    return Part(Clip(said.samples, channel, anchor), said.text, event)


def _pieces(parts: list[Part], mixed: Mix) -> tuple[Piece, ...]:
    pieces = []
    for part, interval in zip(parts, mixed.intervals, strict=True):
        length = round((interval.end_s - interval.start_s) * LINE_RATE)
        heard = tuple(
            Span(span.start_s + interval.start_s, span.end_s + interval.start_s)
            for span in sounding(part.clip.samples[:length])
        )
        pieces.append(
            Piece(
                interval.channel,
                Span(heard[0].start_s, heard[-1].end_s),
                heard,
                _until(part, length) if interval.cut_off else part.text,
                part.event,
                part.clip.speech,
                interval.cut_off,
            )
        )
    return tuple(pieces)


def _until(part: Part, length: int) -> str:
    """The words of a part of which only so many samples are heard."""
    return part.text[: round(len(part.text) * length / len(part.clip.samples))]
