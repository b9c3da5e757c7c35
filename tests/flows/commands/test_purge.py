"""Erasure, proven by looking for the erased call in every byte under OUT."""

from __future__ import annotations

import gzip
import json
import re
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from audit.errors import UsageError
from flows import jobs
from flows.commands import purge as purging


def everything(out: Path) -> str:
    """All text under OUT, packed or not, and all names of files."""
    told = []
    for path in sorted(out.rglob("*")):
        told.append(path.relative_to(out).as_posix())
        if not path.is_file() or path.suffix in {".ogg", ".npy"}:  # sound, whose bytes say anything
            continue
        data = path.read_bytes()
        if path.suffix == ".gz":
            data = gzip.decompress(data)
        if path.suffix == ".parquet":
            rows = pq.read_table(path, partitioning=None).to_pylist()
            data = json.dumps(rows, ensure_ascii=False, default=str).encode()
        told.append(data.decode("utf-8", "replace"))
    return "\n".join(told)


@pytest.fixture
def copy(audited: Any, tmp_path: Path) -> Path:
    out = tmp_path / "out"
    shutil.copytree(audited.out, out)
    return out


def traces(out: Path, call_id: str) -> list[str]:
    """What gives a call away: its id, its file, its hash, and its longest sentences."""
    calls = pd.read_parquet(out / "parquet" / "calls").set_index("call_id")
    turns = pd.read_parquet(out / "parquet" / "turns")
    others = "".join(turns[turns["call_id"] != call_id]["text"])
    own = [text for text in turns[turns["call_id"] == call_id]["text"] if text not in others]
    assert len(own) > 2
    row = calls.loc[call_id]
    return [call_id, row["source_file"], row["audio_sha256"], *sorted(own, key=len)[-3:]]


def test_one_call_on_a_customers_request(copy: Path) -> None:
    erased = traces(copy, "S16")
    before = everything(copy)
    assert all(trace in before for trace in erased)
    calls = pd.read_parquet(copy / "parquet" / "calls")
    agents = pd.read_parquet(copy / "parquet" / "agents").set_index(["agent", "audit_date"])
    place = tuple(calls.set_index("call_id").loc["S16", ["agent", "audit_date"]])

    assert purging.purge(copy, call_ids=["S16"]) == 1
    after = everything(copy)
    assert [trace for trace in erased if trace in after] == []
    left = pd.read_parquet(copy / "parquet" / "calls")
    assert set(left["call_id"]) == set(calls["call_id"]) - {"S16"}
    summed = pd.read_parquet(copy / "parquet" / "agents").set_index(["agent", "audit_date"])
    told = int(summed["calls"].get(place, 0))
    assert told == int(agents["calls"][place]) - 1
    assert all(trace in after for trace in traces(copy, "S06"))


def test_a_rejected_recording(copy: Path) -> None:
    told = re.compile(r"(?<![A-Za-z0-9+/])S21(?![A-Za-z0-9+/])")  # waveforms in pages are base64
    assert told.search(everything(copy))
    assert purging.purge(copy, call_ids=["S21"]) == 1
    assert not told.search(everything(copy))


def test_nights_before_a_date(copy: Path) -> None:
    calls = pd.read_parquet(copy / "parquet" / "calls")
    old = calls[calls["audit_date"].astype(str) < "2026-11-18"]
    new = calls[calls["audit_date"].astype(str) >= "2026-11-18"]
    assert len(old) and len(new)
    erased = [trace for call_id in old["call_id"] for trace in traces(copy, call_id)]
    assert purging.purge(copy, before=date(2026, 11, 18)) == len(old)
    after = everything(copy)
    assert [trace for trace in erased if trace in after] == []
    assert "2026-11-16" not in after
    assert set(pd.read_parquet(copy / "parquet" / "calls")["call_id"]) == set(new["call_id"])
    assert (copy / "html" / "index.html").is_file()


def test_everything(copy: Path) -> None:
    purging.purge(copy, before=date(2030, 1, 1))
    after = everything(copy)
    assert "S16" not in after
    assert (copy / "html" / "index.html").is_file()


def test_what_is_not_there(copy: Path, tmp_path: Path) -> None:
    before = everything(copy)
    with pytest.raises(UsageError, match="no call nobody"):
        purging.purge(copy, call_ids=["S16", "nobody"])
    with pytest.raises(UsageError, match="nowhere does not exist"):
        purging.purge(tmp_path / "nowhere", call_ids=["S16"])
    assert everything(copy) == before


def test_a_plan_that_nobody_can_read_goes(copy: Path) -> None:
    damaged = copy / "runs" / "20200101T000000Z-abcdef" / "job.json"
    damaged.parent.mkdir()
    damaged.write_text('{"recordings": [{"call_id": "S16", "source_file": "S16', "utf-8")
    assert purging.purge(copy, call_ids=["S16"]) == 1
    assert not damaged.exists()
    for path in (copy / "runs").glob("*/job.json"):  # the others are still plans
        job = jobs.load_job(path)
        assert job.recordings and "S16" not in {r.call_id for r in job.recordings}
