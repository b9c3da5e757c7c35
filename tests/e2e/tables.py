"""The tables of an audit as tests compare them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

KEYS = {
    "calls": ["call_id"],
    "turns": ["call_id", "turn_index"],
    "findings": ["finding_id"],
    "agents": ["agent_id", "audit_date"],
    "rejects": ["source_file"],
}


def table(out: Path, name: str) -> pd.DataFrame:
    return pd.read_parquet(out / "parquet" / name)


def files(out: Path) -> dict[str, int]:
    """Every Parquet file and when it was written."""
    return {
        str(path.relative_to(out)): path.stat().st_mtime_ns
        for path in sorted(out.glob("parquet/**/*.parquet"))
    }


def rows(out: Path) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table, in an order of its own."""
    return {
        name: json.loads(
            table(out, name).sort_values(key).to_json(orient="records", default_handler=str)
        )
        for name, key in KEYS.items()
    }
