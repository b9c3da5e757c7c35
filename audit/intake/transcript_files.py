"""Reads files of ready transcripts: calls in JSON Lines, or in other JSON, with their position.

Only the JSON syntax is validated here.
"""

from __future__ import annotations

import codecs
import io
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from audit.errors import UsageError
from audit.intake.foreign.vendors import calls_of
from audit.intake.manifests import is_header
from audit.language.encoding import text_of

HEAD_BYTES = 4096
"""Bytes that :func:`check_kind` examines."""

_NOT_TEXT = "has bytes that are not UTF-8, UTF-16 or GB 18030; export it again as UTF-8"
_GAP = re.compile(r"[\s,]*")
_BETWEEN_CALLS = re.compile(r"[\s,\[\]]*")
_CUT_TOKEN = re.compile(r"[-+.eE\d]*|tr?u?|fa?l?s?|nu?l?|Na?|In?f?i?n?i?t?|\\?u?[0-9a-fA-F]{0,3}")
"""What a line may end with that is cut within a number, a word of JSON or an escape."""
_OTHER_FILE_SIGNATURES = (
    b"RIFF",
    b"RF64",
    b"OggS",
    b"fLaC",
    b"ID3",
    b"PAR1",
    b"%PDF",
)
_PACKED_SIGNATURES = (
    b"PK\x03\x04",
    b"\x1f\x8b",
    b"BZh",
    b"\xfd7zXZ",
    b"7z\xbc\xaf",
    b"\x28\xb5\x2f\xfd",
)
_CONTROLS = bytes({*range(32)} - set(b"\t\n\v\f\r\x1a\x1b"))
_CONTROLS_MAX_SHARE = 0.05
"""Share of control characters in a file's head from which it is not text."""


@dataclass(frozen=True, slots=True)
class GivenCall:
    """A call as a file has it: its position, its JSON, and what is wrong with that."""

    place: str
    text: str
    value: object = None
    problem: str | None = None


def check_kind(path: Path, head: bytes) -> None:
    """Reject files that are not transcripts, by their first bytes.

    Raises:
        UsageError: it is empty, not text, or a table.
    """
    wide = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or head[:2].count(0) == 1
    if not head.strip():
        raise UsageError(f"transcripts {path} are empty; they need one call on each line, as JSON")
    controls = 0 if wide else len(head) - len(head.translate(None, _CONTROLS))
    if head.startswith(_PACKED_SIGNATURES):
        raise UsageError(f"{path} is compressed; unpack it, and name the JSON in it")
    if head.startswith(_OTHER_FILE_SIGNATURES) or controls > _CONTROLS_MAX_SHARE * len(head):
        raise UsageError(
            f"{path} is not text, and transcripts are JSON Lines; audit recordings with "
            "callaudit run FOLDER"
        )
    try:
        lines = text_of(head[: len(head) // 2 * 2]) if wide else text_of(head.split(b"\n")[0])
    except UnicodeDecodeError:  # which the line's reject says
        return
    if is_header(lines.strip().split("\n")[0]):
        raise UsageError(
            f"{path} is a table, and transcripts are JSON Lines; if it lists recordings, audit "
            f"them with callaudit run FOLDER --manifest {path}"
        )


def given_calls(file: BinaryIO) -> Iterator[GivenCall]:
    """The calls of a file, parsed; those that a vendor has in one object, one after another."""
    for given in _given(file):
        several = calls_of(given.value)
        if several is None:
            yield given
            continue
        for number, value in enumerate(several, start=1):
            text = json.dumps(value, ensure_ascii=False)
            yield GivenCall(f"{given.place}.{number}", text, value)


def _given(file: BinaryIO) -> Iterator[GivenCall]:
    lines = _lines(file)
    first, second = next(lines, None), next(lines, None)
    if first is not None and _is_document(first, second):
        file.seek(0)
        yield from _from_document(file.read())
        return
    yield from chain(filter(None, (first, second)), lines)


def _lines(file: BinaryIO) -> Iterator[GivenCall]:
    """Lines that are not blank, each parsed by itself."""
    head = file.read(2)
    file.seek(0)
    if head not in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE} and head.count(0) != 1:
        yield from _parsed(file)
        return
    encoding = {b"\xff": "utf-16", b"\xfe": "utf-16", b"\0": "utf-16-be"}.get(head[:1], "utf-16-le")
    wide = io.TextIOWrapper(file, encoding, errors="replace")
    try:
        yield from _parsed(wide)
    finally:
        wide.detach()  # or it closes the file


def _parsed(raws: Iterable[bytes | str]) -> Iterator[GivenCall]:
    for number, raw in enumerate(raws, start=1):
        try:
            text = (raw if isinstance(raw, str) else text_of(raw)).strip()
        except UnicodeDecodeError:
            problem = f"the line {_NOT_TEXT}"
            yield GivenCall(str(number), "", problem=problem)
            continue
        if not text:
            continue
        try:
            yield GivenCall(str(number), text, json.loads(text.rstrip(",")))
        except (ValueError, RecursionError) as error:
            if several := _calls_on_one_line(text):
                for place, (part, value) in enumerate(several, start=1):
                    yield GivenCall(f"{number}.{place}", part, value)
                continue
            yield GivenCall(str(number), text, problem=_problem_of(text.rstrip(","), error))


def _calls_on_one_line(text: str) -> list[tuple[str, object]]:
    """The calls of a line that holds several, and nothing else; each with its text."""
    decoder = json.JSONDecoder()
    found: list[tuple[str, object]] = []
    at = 0
    while (at := _GAP.match(text, at).end()) < len(text):  # type: ignore[union-attr]
        try:
            value, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            return []
        if not isinstance(value, dict):
            return []
        found.append((text[at:end], value))
        at = end
    return found


def _problem_of(text: str, error: Exception) -> str:
    if _is_cut(text, error):
        return (
            "the line ends in the middle of a call, as if the file was truncated; export the file "
            "again"
        )
    return f"the line is not valid JSON ({_cause(error)}); export it again"


def _cause(error: Exception) -> str:
    """Why JSON cannot be read, in one clause for the user."""
    if isinstance(error, RecursionError):
        return "its brackets are nested too deeply"
    if isinstance(error, json.JSONDecodeError):
        return str(error)
    return "it has a number with thousands of digits"


def _is_cut(text: str, error: Exception) -> bool:
    """Whether text is JSON as far as it goes."""
    if not isinstance(error, json.JSONDecodeError):
        return False
    unterminated = error.msg.startswith("Unterminated string")
    return unterminated or _CUT_TOKEN.fullmatch(text, error.pos) is not None


def _is_document(first: GivenCall, second: GivenCall | None) -> bool:
    """Whether a file's JSON goes over several lines, or holds several calls in its first."""
    if first.problem is None:
        return isinstance(first.value, list) or _calls_of(first.value) is not None
    if not first.text.startswith(("{", "[")):
        return False
    try:
        json.loads(first.text)
    except (ValueError, RecursionError) as error:
        if not _is_cut(first.text, error):
            return False
    whole = second is not None and isinstance(second.value, dict)
    return first.text.startswith("[") or first.text.endswith(("[", "{")) or not whole


def _calls_of(value: object) -> list[object] | None:
    """The calls of an object that lists them."""
    if isinstance(value, dict) and "turns" not in value and isinstance(value.get("calls"), list):
        return list(value["calls"])
    return None


def _from_document(blob: bytes) -> Iterator[GivenCall]:
    """The calls of JSON that is not JSON Lines, one after another as far as it can be read."""
    number, at = 0, 0
    try:
        text = text_of(blob)
    except UnicodeDecodeError:
        problem = f"the file {_NOT_TEXT}"
        yield GivenCall("1", "", problem=problem)
        return
    decoder = json.JSONDecoder()
    while (found := _BETWEEN_CALLS.match(text, at)) and (at := found.end()) < len(text):
        try:
            value, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            line = text.count("\n", 0, at) + 1
            cut = _is_cut(text.rstrip(), error)
            why = "the file ends within it; export it again" if cut else _cause(error)
            problem = (
                f"the call that begins in line {line}, and the rest, is not valid JSON ({why})"
            )
            yield GivenCall(str(number + 1), "", problem=problem)
            return
        for call in [value] if (calls := _calls_of(value)) is None else calls:
            number += 1
            yield GivenCall(str(number), json.dumps(call, ensure_ascii=False), call)
    if number == 0:
        yield GivenCall("1", "", problem="the file has no calls; a call is {...} with turns")
