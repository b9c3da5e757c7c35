"""Backchannels for the test bench: ``python -m data_samples.generate.backchannels FOLDER``.

Every voice of the cast says each of some listener's words, a third of them faster. ``tokens.ogg``
has them one after the other, ``tokens.csv`` where each lies and what real Whisper heard of it while
somebody else spoke on the other channel.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from audit.config import TranscriptionConfig
from audit.transcription import windows
from audit.transcription.activity import detect_speech
from audit.transcription.decoding import Audio, decode
from audit.types import Span
from data_samples.generate.cast import CAST
from data_samples.generate.encode import write_coded
from data_samples.generate.mixer import LINE_RATE, FloatArray, speech_rms, to_line
from data_samples.generate.voices import KOKORO_RATE, load_bank, open_session, speak, trim
from flows import wiring

WORDS: Final = (
    *("嗯。", "嗯嗯。", "嗯嗯嗯。", "嗯嗯嗯嗯。", "哦。", "哦哦。", "哦哦哦。", "啊。"),
    *(
        "对。",
        "对对。",
        "对对对。",
        "对对对对。",
        "好。",
        "好好好。",
        "好的好的。",
        "是。",
        "是是是。",
    ),
    *(
        "是的是的。",
        "行行行。",
        "嗯，好的。",
        "嗯，对。",
        "对，是的。",
        "哦，这样啊。",
        "明白明白。",
    ),
    *("了解了解。", "嗯嗯，好。", "哎呀。", "没错没错。"),
)
"""What listeners say."""

_TEMPOS: Final = (1.0, 1.3, 1.0)
_APART_S: Final = 0.5
_LEVEL: Final = 0.1
_CALLS: Final = Path(__file__).parents[1] / "calls"
_SPOKEN: Final = ("S01", "S04", "S07", "S10")
"""Sample calls whose customers speak meanwhile."""


@dataclass(slots=True)
class Token:
    """A listener's word: who says it, where it lies, and what was heard of it."""

    voice: str
    said: str
    start_s: float
    end_s: float
    heard: str = ""


def rendered() -> Iterator[tuple[str, str, FloatArray]]:
    """Voice, words and samples at the line's rate, at a common level."""
    bank = load_bank()
    session = open_session(bank, threads=2)
    tempos = itertools.cycle(_TEMPOS)
    for voice in CAST:
        for words in WORDS:
            tempo = next(tempos)
            spoken = speak(words, voice=CAST[voice], bank=bank, session=session, tempo=tempo)
            narrow = trim(to_line(spoken, rate=KOKORO_RATE), rate=LINE_RATE)
            level = np.float32(_LEVEL / max(speech_rms(narrow), 1e-6))
            yield voice, words, narrow * level


def write(folder: Path) -> list[Token]:
    """Write the audio; returns where every token lies."""
    gap = np.zeros(round(_APART_S * LINE_RATE), dtype=np.float32)
    parts, tokens, at = [gap], [], len(gap)
    for voice, words, samples in rendered():
        start_s, end_s = at / LINE_RATE, (at + len(samples)) / LINE_RATE
        tokens.append(Token(voice, words.strip("。"), round(start_s, 3), round(end_s, 3)))
        parts += [samples, gap]
        at += len(samples) + len(gap)
    audio = np.concatenate(parts)[:, None]
    write_coded(folder / "tokens.ogg", audio, rate=LINE_RATE, codec="opus")
    return tokens


def hear(folder: Path, tokens: Sequence[Token]) -> None:
    """Set what Whisper *base* hears of each token while a customer speaks on the other channel."""
    ours = decode(folder / "tokens.ogg").samples[0]
    others = [decode(next(_CALLS.glob(f"{name}_*"))).samples[1] for name in _SPOKEN]
    random.Random(0).shuffle(others)
    theirs = np.resize(np.concatenate(others), len(ours))
    audio = Audio(np.stack([ours, theirs]))
    config = TranscriptionConfig()
    models = wiring.transcription_models(config)
    speech = detect_speech(audio, detector=models.vad, options=config.vad)
    found = windows.recognize(
        audio,
        windows.join_utterances([speech[0], []], options=config.packing),
        asr=models.asr,
        options=config.packing,
    )
    for token in tokens:
        span = Span(token.start_s, token.end_s)
        heard = [words for utterance, words in found if utterance.span.overlap_s(span) > 0]
        token.heard = "".join(word.text for words in heard for word in words).strip()


def main() -> None:
    """Write both files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    tokens = write(folder)
    hear(folder, tokens)
    with (folder / "tokens.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(("voice", "said", "start_s", "end_s", "heard"))
        rows.writerows((t.voice, t.said, t.start_s, t.end_s, t.heard) for t in tokens)
    print(f"{folder}: {len(tokens)} tokens of {len(CAST)} voices")


if __name__ == "__main__":
    main()
