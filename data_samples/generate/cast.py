"""Who speaks in the sample calls: a voice for each agent and each customer."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from data_samples.generate.voices import Voice

_ALPHA: Final = "jf_alpha"
_FOX: Final = "jf_gongitsune"
_MOUSE: Final = "jf_nezumi"
_MITTEN: Final = "jf_tebukuro"
_MAN: Final = "jm_kumo"

# Chosen among 19 blends at two tempos by what Whisper base makes of three sentences each: all of
# these stay under 10 % character errors; unblended alpha (33–42 %) is left out.
CAST: Final[Mapping[str, Voice]] = MappingProxyType(
    {
        # agents
        "lin": Voice(_FOX, _MITTEN, share=0.5, speed=1.0),
        "zhou": Voice(_MAN, _MAN, share=0.0, speed=1.0),
        "su": Voice(_FOX, _MOUSE, share=0.5, speed=1.0, semitones=1.0),
        "zheng": Voice(_MITTEN, _MAN, share=0.7, speed=1.0, semitones=-1.0),
        "he": Voice(_ALPHA, _FOX, share=0.6, speed=0.95, semitones=0.5),
        "gao": Voice(_FOX, _MAN, share=0.75, speed=1.0, semitones=-2.0),
        # customers
        "c1": Voice(_MOUSE, _MITTEN, share=0.5, speed=1.0),
        "c2": Voice(_MAN, _MAN, share=0.0, speed=1.0, semitones=-2.0),
        "c3": Voice(_ALPHA, _MAN, share=0.5, speed=0.95, semitones=1.0),
        "c4": Voice(_MAN, _MOUSE, share=0.25, speed=1.0, semitones=1.0),
        "c5": Voice(_FOX, _MITTEN, share=0.3, speed=0.95, semitones=-2.0),
        "c6": Voice(_FOX, _FOX, share=0.0, speed=1.0, semitones=1.5),
        "c7": Voice(_MITTEN, _MAN, share=0.5, speed=1.0),
        "c8": Voice(_MOUSE, _FOX, share=0.5, speed=1.0, semitones=-1.5),
    }
)
