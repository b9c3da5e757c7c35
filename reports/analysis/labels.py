"""Reviews as labels to train models on: JSONL, a line each."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from reports.analysis.calibration import latest
from reports.store.columns import Row
from reports.store.store import Store


def export(store: Store, folder: Path) -> dict[str, int]:
    """Write ``wording.jsonl`` and ``stages.jsonl``; returns how many labels each has.

    ``wording.jsonl``: turns of agents that reviewers judged for forbidden wording: ``text``,
    ``forbidden``, ``kind`` (``innocent``, or null: a person has to name it), ``clause_id`` and
    ``family`` (the call, for splitting). ``stages.jsonl``: calls whose greeting and closing
    findings were reviewed and all agreed with, with the ``segment`` of each turn.
    """
    reviews = store.reviews.pandas()
    folder.mkdir(parents=True, exist_ok=True)
    written = {}
    for name, made in (("wording", _wording(store, reviews)), ("stages", _stages(store, reviews))):
        rows = list(made)
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (folder / f"{name}.jsonl").write_text(text, "utf-8")
        written[name] = len(rows)
    return written


def _turns(
    store: Store, calls: Iterable[str], nights: pd.Series
) -> dict[str, list[dict[str, Any]]]:
    """Turns of some calls, in order; only their nights are read."""
    wanted, found = set(calls), dict[str, list[dict[str, Any]]]()
    columns = ["call_id", "turn_index", "role", "text", "segment", "start_s", "end_s"]
    for night in sorted(set(nights)):
        rows: Any = store.turns.pandas(columns=columns, nights=(night, night))
        for row in rows[rows["call_id"].isin(wanted)].to_dict("records"):
            found.setdefault(row["call_id"], []).append(row)
    return {call: sorted(rows, key=lambda row: row["turn_index"]) for call, rows in found.items()}


def _wording(store: Store, reviews: pd.DataFrame) -> Iterator[Row]:
    own = reviews[(reviews["rule_id"] == "forbidden_language") & reviews["start_s"].notna()]
    added = own[(own["kind"] == "review") & (own["decision"] == "missed")]
    judged = latest(own)
    judged = judged[judged["original_verdict"].eq("fail") & judged["decision"].ne("unsure")]
    both = pd.concat([judged, added])
    turns = _turns(store, both["call_id"], both["audit_date"])
    for row in both.sort_values(["call_id", "start_s"]).to_dict("records"):
        said = [
            turn["text"]
            for turn in turns.get(row["call_id"], ())
            if turn["role"] == "agent" and turn["start_s"] <= row["start_s"] <= turn["end_s"]
        ]
        if said:
            forbidden = row["decision"] != "overrule"
            yield {
                "text": said[-1],
                "forbidden": forbidden,
                "kind": None if forbidden else "innocent",
                "clause_id": row["clause_id"],
                "family": row["call_id"],
            }


def _stages(store: Store, reviews: pd.DataFrame) -> Iterator[Row]:
    own = latest(reviews[reviews["rule_id"].isin(["greeting", "closing"])])
    right = own.groupby("call_id")["decision"].agg(lambda said: bool((said == "agree").all()))
    sure = set(right.index[right.astype(bool)])
    kept = own[own["call_id"].isin(sure)]
    names = ("role", "text", "segment", "start_s", "end_s")
    for call, turns in sorted(_turns(store, sure, kept["audit_date"]).items()):
        yield {"call_id": call, "turns": [{name: turn[name] for name in names} for turn in turns]}
