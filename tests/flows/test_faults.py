"""Faults injected into nights: whatever breaks, no call is lost and none is there twice.

Every night is run by the console script with real Whisper on clips of 2.6 s; ``tests/faults``
says what a recording's name does to the process that opens it.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.flows.nights import FAULTS, ROOT, Night, inject

pytestmark = pytest.mark.faults

POISON = {
    "segfault1": "crashed",
    "hang1": "timeout",
    "deaf1": "timeout",
    "memory1": "crashed",
    "killed1": "crashed",
}
DIALOGUES = ROOT / "data_samples" / "dialogues" / "listening.jsonl"


def hearers(pid: int) -> list[psutil.Process]:
    """The processes that hear recordings for a batch."""
    found = []
    with contextlib.suppress(psutil.NoSuchProcess):
        for process in psutil.Process(pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                if "flows.workers.transcriber_process" in process.cmdline():
                    found.append(process)
    return found


def wait_for_outcomes(night: Night, process: subprocess.Popen[str], count: int = 1) -> None:
    """Until some recordings are done and more are to come."""
    deadline = time.monotonic() + 200
    while sum(p.read_bytes().count(b"\n") for p in night.out.glob("runs/*/shard-*")) < count:
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture(scope="module")
def poisoned(tmp_path_factory: pytest.TempPathFactory, prefect_server: str) -> Night:
    """A night with two sound recordings and five that kill or hang whoever decodes them."""
    base = tmp_path_factory.mktemp("poisoned")
    calls = ["fine1", *list(POISON)[:3], "fine2", *list(POISON)[3:]]
    return Night(base, calls, {"PREFECT_API_URL": prefect_server})


def test_recordings_that_kill_are_set_aside_and_the_night_goes_on(poisoned: Night) -> None:
    inject(2 * len(POISON))
    code, output = poisoned.run("--workers", "2")
    assert code == 3, output
    assert poisoned.reasons() == POISON
    poisoned.check()
    details = poisoned.table("rejects").set_index("call_id")["detail"]
    assert details.str.contains("set aside after 2 tries").all()
    assert "SIGSEGV" in details["segfault1"]
    assert "SIGKILL" in details["killed1"]
    assert "MemoryError" in details["memory1"]


def test_what_is_set_aside_is_not_tried_again_unless_asked(poisoned: Night) -> None:
    before = {path: path.read_bytes() for path in poisoned.out.glob("attempts/*/*.json")}
    assert len(before) == len(POISON)
    code, _ = poisoned.run()
    assert code == 3
    assert poisoned.reasons() == POISON
    assert before == {path: path.read_bytes() for path in before}  # no try was begun
    summary = max(poisoned.out.glob("runs/*/summary.json"))
    assert json.loads(summary.read_text())["resumed"] == 2
    # what made the decoder fail is mended
    code, output = poisoned.run("--no-resume", PYTHONPATH=str(ROOT))
    assert code == 0, output
    poisoned.check()
    assert not list(poisoned.out.glob("attempts/*/*.json"))


def test_a_share_that_hangs_or_is_lost_ends_the_night_soon(
    tmp_path: Path, prefect_server: str
) -> None:
    calls = ["fine1", "stale1", *(f"silent{n}" for n in range(1, 8))]
    night = Night(tmp_path, calls, {"PREFECT_API_URL": prefect_server})
    inject(8)
    (night.base / "callaudit.yaml").touch()
    code, _ = night.run("--workers", "3")
    assert code == 3
    reasons = night.reasons()
    assert reasons.pop("stale1") == "missing_file"
    assert set(reasons.values()) == {"timeout"}
    night.check()
    assert not list(night.out.glob("attempts/*/*.json"))  # it is not the recordings' fault
    code, _ = night.run(PYTHONPATH=str(ROOT))
    assert code == 0
    night.check()


def test_a_killed_hearer_costs_nothing_and_a_killed_batch_nothing_twice(
    tmp_path: Path, prefect_server: str
) -> None:
    night = Night(tmp_path, [f"C{n}" for n in range(7)], {"PREFECT_API_URL": prefect_server})
    process = night.start()
    wait_for_outcomes(night, process)
    (hearer,) = hearers(process.pid)
    hearer.kill()
    inject()
    wait_for_outcomes(night, process, 3)
    left = hearers(process.pid)
    process.kill()  # as by the system: no clean-up of any kind
    process.communicate()
    inject()
    night.check(complete=False)
    psutil.wait_procs(left, timeout=10)
    assert not any(p.is_running() and p.status() != "zombie" for p in left)  # no orphans
    done = len(list(night.out.glob("private/transcripts/*/*.json.gz")))
    assert 3 <= done < 7

    code, output = night.run()
    assert code == 0, output
    night.check()
    summary = max(night.out.glob("runs/*/summary.json"))
    assert json.loads(summary.read_text())["resumed"] == done


def test_the_night_survives_prefects_server(tmp_path: Path) -> None:
    night = Night(tmp_path, [f"C{n}" for n in range(7)])
    environment = {"PREFECT_API_URL": "", "PREFECT_HOME": str(tmp_path / "prefect")}
    process = night.start(**environment)
    wait_for_outcomes(night, process)
    below = psutil.Process(process.pid).children(recursive=True)
    servers = [p for p in below if any("server_process" in part for part in p.cmdline())]
    assert servers
    for server in servers:
        os.kill(server.pid, signal.SIGKILL)
    inject()
    _, output = process.communicate(timeout=240)
    assert "Traceback" not in output
    assert process.returncode == 0, output
    night.check()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 300 kB."""
    place = tmp_path / "disk"
    place.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(place)],
        capture_output=True,
        check=False,
    )
    if made.returncode:
        pytest.skip("mounting a small file system needs root")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk(tmp_path: Path, small_disk: Path, prefect_server: str) -> None:
    night = Night(tmp_path / "night", ["C1", "C2", "C3"], {"PREFECT_API_URL": prefect_server})
    night.out = small_disk / "out"
    filler = small_disk / "filler"
    for free_kb in (4, 60):  # full while hearing, full while publishing
        filler.unlink(missing_ok=True)
        status = os.statvfs(small_disk)
        filler.write_bytes(bytes(max(0, status.f_bavail * status.f_frsize - free_kb * 1024)))
        inject()
        code, output = night.run()
        assert code == 1, output
        assert "No space left" in output
        assert "run the batch again" in output
        assert len(output.strip().splitlines()) == 1, output
        night.check(complete=False)
    filler.unlink()
    subprocess.run(["mount", "-o", "remount,size=20m", str(small_disk)], check=True)
    code, output = night.run()
    assert code == 0, output
    night.check()


def test_a_target_that_may_only_be_read(
    tmp_path: Path, small_disk: Path, prefect_server: str
) -> None:
    night = Night(tmp_path / "night", ["C1"], {"PREFECT_API_URL": prefect_server})
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    night.out = small_disk / "out"
    inject()
    code, output = night.run()
    assert code == 1
    assert "Read-only file system" in output
    assert len(output.strip().splitlines()) == 1, output


def test_two_batches_at_once(tmp_path: Path, prefect_server: str) -> None:
    night = Night(tmp_path, ["C1", "hang1"], {"PREFECT_API_URL": prefect_server})
    first = night.start()
    wait_for_outcomes(night, first)
    inject()
    code, output = night.run()
    assert code == 2
    assert "another batch" in output
    first.communicate(timeout=120)
    night.check()


POISONED_STEPS = {
    "judging": "audit.pipeline:judge",
    "masking": "audit.privacy:mask",
    "tables": "reports.store.rows:shown_rows",
    "page": "reports.pages.playback:locate",
}


def test_a_call_that_makes_its_publication_fail(tmp_path: Path, prefect_server: str) -> None:
    night = Night(tmp_path, ["C1", "poison", "C2"], {"PREFECT_API_URL": prefect_server})
    for step, place in POISONED_STEPS.items():
        inject()
        code, output = night.run(CALLAUDIT_POISON=f"{place}:poison")
        assert code == 3, output
        assert night.reasons() == {"poison": "crashed"}
        (detail,) = night.table("rejects")["detail"]
        assert f"{step} of call 'poison' failed with RecursionError" in detail
        assert "13900001111" not in detail + output
        night.check()
    code, output = night.run()
    assert code == 0, output
    night.check()
    resumed = [json.loads(p.read_text())["resumed"] for p in night.out.glob("runs/*/summary.json")]
    assert sorted(resumed) == [0, 3, 3, 3, 3]  # nothing was heard twice


def test_the_process_that_publishes_is_killed(tmp_path: Path, prefect_server: str) -> None:
    """Its twelfth file is a page; nobody else of the night writes so many for one call."""
    night = Night(tmp_path, ["C1"], {"PREFECT_API_URL": prefect_server})
    inject()
    code, output = night.run(CALLAUDIT_KILL_AT="12")
    assert code == 1
    assert "the process that publishes died (SIGKILL, out of memory or killed)" in output
    night.check(complete=False)
    code, output = night.run()
    assert code == 0, output
    night.check()
    summary = max(night.out.glob("runs/*/summary.json"))
    assert json.loads(summary.read_text())["resumed"] == 1


def test_killed_in_the_middle_of_publishing(tmp_path: Path) -> None:
    lines = DIALOGUES.read_text("utf-8").splitlines()[:6]
    night = Night(tmp_path, [])
    night.calls = [json.loads(line)["call_id"] for line in lines]
    file = tmp_path / "calls.jsonl"
    file.write_text("\n".join(lines), "utf-8")
    moved = tmp_path / "moved.jsonl"
    moved.write_text("\n".join(lines).replace('"agent_id": "2001"', '"agent_id": "7"'), "utf-8")

    def publish(transcripts: Path, kill_at: int | None) -> int:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(FAULTS), str(ROOT)])}
        if kill_at is not None:
            environment["CALLAUDIT_KILL_AT"] = str(kill_at)
        script = str(Path(sys.executable).with_name("callaudit"))
        command = [script, "audit-transcripts", str(transcripts), "--out", str(night.out)]
        return subprocess.run(command, env=environment, capture_output=True, check=False).returncode

    for kill_at in (1, 2, 4):
        inject()
        assert publish(file, kill_at) == -signal.SIGKILL
        night.check(complete=False)
    assert publish(file, None) == 0
    night.check()
    for kill_at in (2, 3, 6):  # on the way from one agent to another
        inject()
        assert publish(moved, kill_at) == -signal.SIGKILL
        night.check(complete=False)
    assert publish(moved, None) == 0
    night.check()
    assert set(night.table("calls")["agent"]) == {"7"}
