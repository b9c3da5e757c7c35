"""The first minute: what starts side by side, what is not imported, and what stays behind."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import time
from pathlib import Path

import psutil
import pytest

from tests.flows.nights import ROOT, Night, inject

SPY = """
import os, sys, time
note = open(os.path.join(os.environ["SPY"], str(os.getpid())), "w", buffering=1)
print(time.time(), *sys.orig_argv, file=note)
sys.addaudithook(lambda event, args: print(args[0], file=note) if event == "import" else None)
"""
"""Notes each process of a run, and what it tries to import."""
PARENT, SERVER, TRANSCRIBER, PUBLISHER = (
    "callaudit run",
    "flows.workers.server_process",
    "flows.workers.transcriber_process",
    "flows.workers.publisher_process",
)


def night_of(folder: Path, *, calls: int = 1) -> Night:
    """A night with a Prefect server of its own."""
    home = {"PREFECT_API_URL": "", "PREFECT_HOME": str(folder / "prefect")}
    return Night(folder / "night", [f"C{n}" for n in range(calls)], home)


def spied(night: Night, folder: Path) -> dict[str, tuple[float, set[str]]]:
    """Run a night; when each process began, and the modules that it looked for."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(SPY)
    paths = os.pathsep.join([str(folder), str(ROOT)])
    code, output = night.run(PYTHONPATH=paths, SPY=str(folder))
    assert code == 0, output
    found: dict[str, tuple[float, set[str]]] = {}
    for note in folder.glob("[0-9]*"):
        command, *modules = note.read_text().splitlines()
        for kind in (PARENT, SERVER, TRANSCRIBER, PUBLISHER):
            if kind in command:
                assert kind not in found, f"{kind} was started twice"
                found[kind] = float(command.split()[0]), set(modules)
    return found


def test_processes_import_what_they_need(tmp_path: Path) -> None:
    night = night_of(tmp_path)
    first = spied(night, tmp_path / "first")
    assert first.keys() == {PARENT, SERVER, TRANSCRIBER, PUBLISHER}
    (heard,) = night.out.glob("runs/*/shard-*")
    for kind in (SERVER, PUBLISHER, TRANSCRIBER):
        assert first[kind][0] < heard.stat().st_mtime
    again = spied(night, tmp_path / "again")
    assert again.keys() == {PARENT, SERVER, PUBLISHER}
    for found in (first, again):
        parent = found[PARENT][1]
        assert "prefect.flows" in parent
        assert not {"prefect.server", "torch", "whisper", "pandas", "scipy.fft"} & parent
        assert not {"audit.rules.registry", "pypinyin", "jieba", "pyarrow"} & parent
        assert not {"torch", "ctranslate2", "scipy.stats"} & found[PUBLISHER][1]
        assert "prefect.server.api.server" in found[SERVER][1]
        assert "distributed" not in found[SERVER][1]
    assert "ctranslate2" in first[TRANSCRIBER][1]
    assert "alembic" in first[SERVER][1] and "alembic" not in again[SERVER][1]
    assert states(tmp_path / "prefect" / "prefect.db") == {
        "flow_run": ["COMPLETED"] * 2,
        "task_run": ["COMPLETED"] * 6,
    }
    assert not {"audit.rules.registry", "jieba"} & first[TRANSCRIBER][1]


def states(database: Path) -> dict[str, list[str]]:
    """How the flows and tasks have ended that Prefect knows of."""
    with contextlib.closing(sqlite3.connect(database)) as connection:
        return {
            kind: [state for (state,) in connection.execute(f"SELECT state_type FROM {kind}")]
            for kind in ("flow_run", "task_run")
        }


def command_of(process: psutil.Process) -> str:
    """A process's command; nothing for one that has ended."""
    with contextlib.suppress(psutil.NoSuchProcess):  # a zombie is one too
        return " ".join(process.cmdline())
    return ""


@pytest.mark.faults
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("when", ["early", "transcribing"])
def test_nothing_stays_behind(tmp_path: Path, how: signal.Signals, when: str) -> None:
    night = night_of(tmp_path, calls=4)
    process = night.start()
    inject()
    wanted = {SERVER} if when == "early" else {SERVER, PUBLISHER, TRANSCRIBER}
    deadline = time.monotonic() + 200
    while True:
        below = psutil.Process(process.pid).children(recursive=True)
        commands = [command_of(child) for child in below]
        kinds = {kind for kind in wanted if any(kind in command for command in commands)}
        heard = when == "early" or any(night.out.glob("private/transcripts/*/*"))
        if kinds == wanted and heard:
            break
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(how)
    process.communicate(timeout=60)
    _, alive = psutil.wait_procs(below, timeout=20)
    assert not alive
    night.check(complete=False)
