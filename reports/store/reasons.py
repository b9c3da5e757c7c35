"""Reasons in the tables: the Chinese sentence, and id and values to say it in another language."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from audit.reasons import Reason, from_data, to_data, verbatim
from reports import wording


def of_finding(reason: Reason) -> dict[str, str | None]:
    """The columns of a finding's reason."""
    return {
        "reason": wording.sentence(reason),
        "reason_id": reason.id,
        "reason_values": _values(reason),
    }


def of_doubts(doubts: Iterable[Reason]) -> dict[str, list[Any]]:
    """The columns of a call's doubts, each sentence once.

    A call of older tables, judged again, has a doubt both as it was written there and as the
    reason that it is: the reason is kept.
    """
    said: dict[str, Reason] = {}
    for doubt in doubts:
        text = wording.sentence(doubt)
        if text not in said or said[text].id == "verbatim":
            said[text] = doubt
    return {
        "doubts": list(said),
        "doubt_ids": [doubt.id for doubt in said.values()],
        "doubt_values": [_values(doubt) for doubt in said.values()],
    }


def finding_reason(row: Mapping[str, Any]) -> Reason:
    """Why a finding of the tables is what it is; verbatim where only the sentence is there."""
    return _read(row["reason"], row.get("reason_id"), row.get("reason_values"))


def doubts(call: Mapping[str, Any]) -> tuple[Reason, ...]:
    """What is uncertain about a call of the tables."""
    sentences = call["doubts"]
    ids, values = (call.get(name) or [None] * len(sentences) for name in _DOUBTS)
    return tuple(map(_read, sentences, ids, values))


_DOUBTS = ("doubt_ids", "doubt_values")


def _values(reason: Reason) -> str | None:
    data = to_data(reason.values)
    return json.dumps(data, ensure_ascii=False) if data else None


def _read(sentence: str, reason_id: str | None, values: str | None) -> Reason:
    if reason_id is None:
        return verbatim(sentence)
    try:
        reason = from_data(reason_id, json.loads(values) if values else {})
        wording.sentence(reason)
    except (KeyError, TypeError, ValueError):  # of a later version: it, its places or one inside
        return verbatim(sentence)
    return reason
