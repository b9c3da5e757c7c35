"""The calls as written: reads ``scripts/*.txt`` (which describe their notation)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_ELEMENTS: Final = re.compile(r"(?P<mark>[+>~])(?P<value>\d+(?:\.\d+)?)(?P<cut>!?)")
_ROLES: Final = {"A": 0, "C": 1}
_SOUNDS: Final = {"P": "pause", "M": "melody", "R": "ringback", "D": "dtmf"}
_FORMS: Final = ("wav", "mono", "opus", "mp3", "amr", "swap", "broken")


class ScriptError(ValueError):
    """A script line that cannot be read; the message names the file and the line."""


@dataclass(frozen=True, slots=True)
class Timing:
    """When a line starts.

    Attributes:
        mark: ``+`` seconds after everything before has ended, ``>`` seconds before the previous
            line ends, ``~`` share of the previous line; empty for a natural pause.
        value: Seconds, or the share.
        cuts: Whether the other speaker breaks off.
    """

    mark: str = ""
    value: float = 0.0
    cuts: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One utterance; the fields are those of the truth files."""

    segment: str
    role: str
    text: str
    timing: Timing
    greeting: tuple[str, ...] | None = None
    closing: tuple[str, ...] | None = None
    forbidden: str | None = None
    other: str | None = None
    interrupts: bool = False
    tempo: float = 1.0

    @property
    def backchannel(self) -> bool:
        """Whether it is spoken over the other's turn without wanting the floor."""
        return self.timing.mark == "~" and not self.interrupts


@dataclass(frozen=True, slots=True)
class Sound:
    """Anything other than an utterance: a pause, hold music, ringback, touch tones."""

    kind: str
    gap_s: float
    value: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """One recorded call as written."""

    call_id: str
    agent: str
    name: str
    voice: str
    customer: str
    date: str
    direction: str
    noise_db: float
    form: str
    agent_channel: str
    leak_db: float
    leak_ms: float
    agent_db: float
    customer_db: float
    queue: str
    satisfaction: str
    items: tuple[Line | Sound, ...]

    @property
    def stem(self) -> str:
        """File name without its ending: ``CALLID_AGENTID_YYYYMMDDTHHMMSS``."""
        return f"{self.call_id}_{self.agent}_{re.sub('[-:]', '', self.date)}"

    def lines(self) -> tuple[Line, ...]:
        """Return the utterances alone."""
        return tuple(item for item in self.items if isinstance(item, Line))


def read_scripts(folder: Path) -> tuple[Call, ...]:
    """Read every script of a folder.

    Args:
        folder: Folder with ``*.txt`` scripts.

    Returns:
        The calls in the order of file names and lines.

    Raises:
        ScriptError: A line cannot be read.
    """
    calls: list[Call] = []
    for path in sorted(folder.glob("*.txt")):
        calls.extend(parse_script(path.read_text(encoding="utf-8"), source=path.name))
    return tuple(calls)


def parse_script(text: str, *, source: str = "script") -> tuple[Call, ...]:
    """Read one script; see :func:`read_scripts`."""
    calls: list[Call] = []
    head: dict[str, str] | None = None
    items: list[Line | Sound] = []
    for number, raw in enumerate(text.splitlines(), 1):
        row = raw.strip()
        if not row or row.startswith("#"):
            continue
        try:
            if row.startswith("@"):
                if head is not None:
                    calls.append(_call(head, items=tuple(items)))
                head, items = _header(row), []
            else:
                items.append(_sound(row) if row[0] in _SOUNDS else _line(row))
        except (KeyError, ValueError) as error:
            raise ScriptError(f"{source}:{number}: {error}: {row}") from error
    if head is not None:
        calls.append(_call(head, items=tuple(items)))
    return tuple(calls)


def _header(row: str) -> dict[str, str]:
    call_id, *pairs = row[1:].split()
    return {"call_id": call_id, **dict(pair.split("=", 1) for pair in pairs)}


def _call(head: dict[str, str], *, items: tuple[Line | Sound, ...]) -> Call:
    form = head.get("form", "wav")
    if form not in _FORMS:
        raise ScriptError(f"{head['call_id']}: unknown form {form}")
    return Call(
        call_id=head["call_id"],
        agent=head["agent"],
        name=head["name"],
        voice=head["voice"],
        customer=head["cust"],
        date=head["date"],
        direction=head["dir"],
        noise_db=float(head["noise"]),
        form=form,
        agent_channel=head.get("channel", ""),
        leak_db=float(head.get("leak", -38)),
        leak_ms=float(head.get("leak_ms", 12)),
        agent_db=float(head.get("agent_db", 0)),
        customer_db=float(head.get("cust_db", 0)),
        queue=head.get("queue", ""),
        satisfaction=head.get("csat", ""),
        items=items,
    )


def _timing(text: str) -> Timing:
    if not text:
        return Timing()
    found = _ELEMENTS.fullmatch(text)
    if found is None:
        raise ValueError(f"unknown timing {text}")
    return Timing(found["mark"], float(found["value"]), cuts=bool(found["cut"]))


def _sound(row: str) -> Sound:
    first, *rest = row.split()
    return Sound(_SOUNDS[first[0]], _timing(first[1:]).value, " ".join(rest))


def _line(row: str) -> Line:
    segment, speaker, text, *keys = row.split()
    if segment not in "GHC" or speaker[0] not in _ROLES:
        raise ValueError("unknown segment or role")
    values = dict(key.split("=", 1) for key in keys if "=" in key)
    flags = {key for key in keys if "=" not in key}
    if flags - {"i"} or set(values) - {"g", "c", "f", "x", "t"}:
        raise ValueError("unknown key")
    return Line(
        segment=segment,
        role=speaker[0],
        text=text,
        timing=_timing(speaker[1:]),
        greeting=_words(values.get("g")),
        closing=_words(values.get("c")),
        forbidden=values.get("f"),
        other=values.get("x"),
        interrupts="i" in flags,
        tempo=float(values.get("t", 1)),
    )


def _words(value: str | None) -> tuple[str, ...] | None:
    if value is None:
        return None
    return tuple(word for word in value.split(",") if word)
