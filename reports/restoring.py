"""Calls of the tables with their text in full, from the private store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from audit import checkpoints, privacy, private_store
from audit.errors import UsageError
from audit.types import Call, Transcript
from reports import parquet, records

Row = Mapping[str, Any]


def in_full(out: Path, row: Row, call: Call) -> Call | None:
    """A call with the text that was heard.

    Args:
        out: the folder of the audit.
        row: its row in the table ``calls``.
        call: as ``reports.records`` reads it back from the tables.

    Returns:
        None where marks stand for customers' data that is kept nowhere any more.

    Raises:
        UsageError: the private store is encrypted, and the key is missing or another one.
    """
    if not any(turn.masked for turn in call.turns):
        return call
    transcript = _transcript(out, row)
    return None if transcript is None else privacy.in_full(call, transcript)


def turns_in_full(out: Path, calls: Sequence[Row], turns: Sequence[Row]) -> list[Row]:
    """Rows of the table ``turns`` with the text that was heard, where it is kept.

    What is read is noted as the command ``evaluate``'s.
    """
    masked = {row["call_id"] for row in turns if row.get("masked")}
    texts: dict[tuple[str, int], str] = {}
    for row in calls:
        transcript = _transcript(out, row) if row["call_id"] in masked else None
        for turn in transcript.turns if transcript else ():
            texts[row["call_id"], turn.index] = turn.text
    private_store.note_access(out, "evaluate", {call_id for call_id, _ in texts})
    return [
        {**row, "text": texts.get((row["call_id"], row["turn_index"]), row["text"])}
        for row in turns
    ]


def lines(out: Path, call_id: str) -> Iterator[str]:
    """A call's turns as text: seconds, who speaks, words in full. That they were read is noted.

    Raises:
        UsageError: there is no such call, or the key of the private store is missing.
    """
    private_store.check_key(out)
    row = next((r for r in parquet.read(out, "calls").to_pylist() if r["call_id"] == call_id), None)
    if row is None:
        raise UsageError(f"{out} holds no call {call_id!r}; its ids are in the table calls")
    night = (row["audit_date"], row["audit_date"])
    turns = parquet.read(out, "turns", nights=night, agents=[row["agent"]]).to_pylist()
    stored = records.call_from_rows(row, [turn for turn in turns if turn["call_id"] == call_id])
    call = in_full(out, row, stored)
    if call is None:
        yield "full transcript not kept; marks stand for customers' data"
    elif call is not stored:
        private_store.note_access(out, "transcript", [call_id])
    for turn in (call or stored).turns:
        at = "" if turn.start_s is None else f"{turn.start_s:.1f}"
        yield f"{at}\t{turn.role}\t{turn.text}"


def _transcript(out: Path, row: Row) -> Transcript | None:
    name = row.get("transcript_id")
    return checkpoints.load(out, name) if name else None
