"""Calls of the tables with their text in full, from the private store."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import pyarrow.compute as pc

from audit import privacy
from audit.errors import UsageError
from audit.types import Call, Transcript
from reports.store import rows
from reports.store.columns import Row
from reports.store.store import Store


def stored_call(
    store: Store, row: Row, turns: Sequence[Row], *, code: str, read: list[str]
) -> Call | None:
    """A stored call with its text in full; None where that is kept nowhere.

    Args:
        store: of the audit.
        row: its row in the table ``calls``.
        turns: its rows in the table ``turns``.
        code: hash of the code that runs, see ``code_sha256``.
        read: receives its id if its text comes from the private store.

    Raises:
        UsageError: the private store is encrypted, and the key is missing or another one.
    """
    stored = rows.call(row, turns)
    call = in_full(store, row, stored, same_code=row["code_sha256"] == code)
    if call is not None and call is not stored:
        read.append(row["call_id"])
    return call


def in_full(store: Store, row: Row, call: Call, *, same_code: bool) -> Call | None:
    """A call with its text in full.

    Args:
        store: of the audit.
        row: its row in the table ``calls``.
        call: as ``reports.store.rows`` reads it back from the tables.
        same_code: this code wrote it, and would find the same customers' data in it.

    Returns:
        The call itself where nothing in it is hidden, nor will be; None where placeholders
        replace what is kept nowhere any more.

    Raises:
        UsageError: the private store is encrypted, and the key is missing or another one.
    """
    masked = any(turn.masked for turn in call.turns)
    if same_code and not masked:
        return call
    transcript = _transcript(store, row)
    if transcript is not None:
        return privacy.with_full_text(call, transcript)
    return None if masked else call


def unmask(
    store: Store, tables: Mapping[str, list[dict[str, Any]]], labelled: Collection[str]
) -> int:
    """Put the full text into rows of ``turns`` that have placeholders, for ``evaluate``.

    What is read is noted.

    Args:
        store: of the audit.
        tables: rows of ``calls`` and ``turns``; the latter are changed.
        labelled: ids of the calls that are asked for.

    Returns:
        How many of these calls keep their placeholders, for their full text is not kept.
    """
    masked = {row["call_id"] for row in tables["turns"] if row["masked"]} & set(labelled)
    texts: dict[str, dict[int, str]] = {}
    for row in tables["calls"]:
        transcript = _transcript(store, row) if row["call_id"] in masked else None
        if transcript is not None:
            texts[row["call_id"]] = {turn.index: turn.text for turn in transcript.turns}
    store.private.note_access("evaluate", texts)
    for turn in tables["turns"]:
        turn["text"] = texts.get(turn["call_id"], {}).get(turn["turn_index"], turn["text"])
    return len(masked) - len(texts)


def lines(store: Store, call_id: str) -> Iterator[str]:
    """A call's turns as text: seconds, who speaks, words in full. That they were read is noted.

    Raises:
        UsageError: there is no such call, or the key of the private store is missing.
    """
    store.private.check_key()
    calls = store.calls.arrow()
    found = calls.filter(pc.equal(calls["call_id"], call_id)).to_pylist()
    if not found:
        raise UsageError(f"{store.root} holds no call {call_id!r}; its ids are in the table calls")
    row = found[0]
    night = (row["audit_date"], row["audit_date"])
    turns = store.turns.rows(nights=night, agents=[row["agent"]])
    stored = rows.call(row, [turn for turn in turns if turn["call_id"] == call_id])
    call = in_full(store, row, stored, same_code=True)
    if call is None:
        yield "full transcript not kept; placeholders replace personal data"
    elif call is not stored:
        store.private.note_access("transcript", [call_id])
    for turn in (call or stored).turns:
        at = "" if turn.start_s is None else f"{turn.start_s:.1f}"
        yield f"{at}\t{turn.role}\t{turn.text}"


def _transcript(store: Store, row: Row) -> Transcript | None:
    name = row["transcript_id"]
    return store.transcripts.load(name) if name else None
