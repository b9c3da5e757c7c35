"""Recordings that are still being written are left for the next run."""

from __future__ import annotations

import os
import shutil
import time
from datetime import date
from pathlib import Path

import pytest

from audit.errors import RejectedRecording, RejectReason
from audit.intake import growing
from audit.intake.recordings import Plan, plan
from audit.intake.roots import open_root
from tests.recorder import recorder

CALL = Path(__file__).parents[3] / "data_samples" / "calls" / "S20_2006_20261118T170836.wav"
LIVE, DONE = "live_2001_20261116T090000.wav", "done_2001_20261116T091000.wav"
QUIET_S = 1.0


def planned(folder: Path, *, quiet_s: float = QUIET_S) -> Plan:
    return plan(
        open_root(str(folder)),
        manifest=None,
        timezone="Asia/Shanghai",
        rulebooks=("hotline",),
        max_bytes=1 << 30,
        today=date(2026, 11, 20),
        quiet_s=quiet_s,
    )


def ids(found: Plan) -> tuple[list[str], list[str]]:
    return [one.call_id for one in found.recordings], [one.call_id for one in found.waiting]


def test_what_grows_is_left_until_it_is_whole(tmp_path: Path) -> None:
    shutil.copy(CALL, tmp_path / DONE)
    with recorder(tmp_path / LIVE, CALL.read_bytes(), begun=8_000, every_s=0.2):
        assert ids(planned(tmp_path)) == (["done"], ["live"])
    assert ids(planned(tmp_path)) == (["done", "live"], [])


def test_what_was_written_before_is_not_waited_for(tmp_path: Path) -> None:
    shutil.copy(CALL, tmp_path / DONE)
    os.utime(tmp_path / DONE, (time.time() - 60,) * 2)
    assert ids(planned(tmp_path, quiet_s=3.0)) == (["done"], [])
    started_s = time.perf_counter()
    planned(tmp_path, quiet_s=3.0)
    assert time.perf_counter() - started_s < 3.0  # it would have slept as long


def test_a_side_that_grows_keeps_its_call_back(tmp_path: Path) -> None:
    shutil.copy(CALL, tmp_path / "a.wav")
    manifest = tmp_path / "manifest.csv"
    manifest.write_text("file,call_id,leg,agent_id\na.wav,1,agent,7\nc.wav,1,customer,7\n")
    with recorder(tmp_path / "c.wav", CALL.read_bytes(), begun=8_000, every_s=0.2):
        found = plan(
            open_root(str(tmp_path)),
            manifest=str(manifest),
            timezone="Asia/Shanghai",
            rulebooks=("hotline",),
            max_bytes=1 << 30,
            today=date(2026, 11, 20),
            quiet_s=QUIET_S,
        )
    assert ids(found) == ([], ["1"])


def test_what_is_written_to_while_it_is_read_is_refused(tmp_path: Path) -> None:
    shutil.copy(CALL, tmp_path / DONE)
    (recording,) = planned(tmp_path).recordings
    root = open_root(str(tmp_path))
    before = growing.states(root, recording)
    growing.refuse_changed(root, before)
    with (tmp_path / DONE).open("ab") as file:
        file.write(b"\0" * 100)
    with pytest.raises(RejectedRecording, match="written to while it was read") as caught:
        growing.refuse_changed(root, before)
    assert caught.value.reason is RejectReason.UNDECODABLE
