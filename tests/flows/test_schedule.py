"""The schedule on a real Prefect server: what is deployed, what a run does, who is notified."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from prefect.server.schemas.schedules import CronSchedule

from audit.errors import CallauditError
from flows import jobs
from flows.schedule import due
from reports.store import Store
from tests.conftest import NO_WAY_OUT
from tests.flows.nights import ROOT, SCRIPT, Night, write_clip

TODAY = datetime.now(ZoneInfo("Asia/Shanghai")).date()


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def done(out: Path, night: date, *, waiting: int = 0) -> None:
    run_id = f"run-of-{night}"
    summary = jobs.RunSummary(run_id, 1, 1, 0, 0, 0, 60.0, {}, "index.html", night, waiting)
    jobs.save_summary(Store(out), summary)


@pytest.mark.parametrize(
    ("finished", "expected"),
    [
        ([], [1]),
        ([2], [1]),
        ([5, 2], [4, 3, 1]),
        ([5, 4, 3, 2, 1], [1]),
        ([60], [7, 6, 5, 4, 3, 2, 1]),
    ],
)
def test_nights_that_are_due(tmp_path: Path, finished: list[int], expected: list[int]) -> None:
    for days in finished:
        done(tmp_path, ago(days))
    nights = due(Store(tmp_path), today=TODAY, catch_up_nights=7)
    assert nights == [ago(days) for days in expected]


def test_a_night_with_recordings_left_for_later_is_due_again(tmp_path: Path) -> None:
    done(tmp_path, ago(3))
    done(tmp_path, ago(2), waiting=1)
    assert due(Store(tmp_path), today=TODAY, catch_up_nights=7) == [ago(2), ago(1)]


@pytest.mark.parametrize(
    ("zone", "cron", "first"),
    [
        ("Europe/Berlin", "30 2 * * *", "2026-03-27"),  # a half past two is left out
        ("Europe/Berlin", "30 2 * * *", "2026-10-23"),  # and comes twice
        ("America/New_York", "0 1 * * *", "2026-10-30"),
        ("Africa/Cairo", "0 0 * * *", "2026-04-22"),  # a midnight is left out
    ],
)
def test_no_night_is_lost_where_the_clock_is_changed(
    tmp_path: Path, zone: str, cron: str, first: str
) -> None:
    clock = ZoneInfo(zone)
    noon = datetime.fromisoformat(first).replace(hour=12, tzinfo=clock)
    schedule = CronSchedule(cron=cron, timezone=zone)
    audited = []
    for moment in asyncio.run(schedule.get_dates(8, start=noon)):
        local = moment.astimezone(clock)
        for night in due(Store(tmp_path), today=local.date(), catch_up_nights=7):
            assert (night + timedelta(days=1)).isoformat() <= local.isoformat()  # it has ended
            done(tmp_path, night)
            audited.append(night)
    nights = (local.date() - noon.date()).days
    assert sorted(set(audited)) == [noon.date() + timedelta(days=n) for n in range(nights)]


def test_a_lock_keeps_other_batches_away(tmp_path: Path) -> None:
    second = jobs.alone(Store(tmp_path))
    with jobs.alone(Store(tmp_path)), pytest.raises(CallauditError, match="another batch"):
        second.__enter__()
    with jobs.alone(Store(tmp_path)):
        pass


@pytest.fixture
def webhook() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """An address on this machine and what has been posted to it."""
    posted: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            posted.append(json.loads(body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/hook", posted
    server.shutdown()


def ask(api: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """A question to Prefect's API."""
    request = urllib.request.Request(
        f"{api}/{path}",
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def until(condition: Callable[[], Any], *, seconds: float = 150) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.5)
    return found


def deployment(api: str) -> Any:
    found = ask(
        api, "deployments/filter", {"deployments": {"name": {"any_": ["callaudit-nightly"]}}}
    )
    return found[0] if found else None


def ended(api: str, run: dict[str, Any]) -> Any:
    state = ask(api, f"flow_runs/{run['id']}")["state"]
    return state if state["type"] in {"COMPLETED", "FAILED", "CRASHED"} else None


@contextmanager
def served(night: Night, config: Path, *, api: str, webhook: str) -> Iterator[None]:
    """``callaudit schedule`` at work on a night's folder; its log is ``log`` beside it."""
    base = night.base
    process = subprocess.Popen(
        [
            *(str(SCRIPT), "schedule", str(night.recordings), "--out", str(night.out)),
            *("--config", str(config), "--cron", "30 2 * * *"),
        ],
        env={
            **os.environ,
            **NO_WAY_OUT,
            "PREFECT_API_URL": api,
            "PREFECT_HOME": str(base / "prefect"),
            "CALLAUDIT_WEBHOOK": webhook,
            "PYTHONPATH": str(ROOT),
        },
        cwd=base,
        stdout=subprocess.DEVNULL,
        stderr=(base / "log").open("w"),
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


@pytest.mark.faults
def test_served_nights(
    tmp_path: Path, prefect_server: str, webhook: tuple[str, list[dict[str, Any]]]
) -> None:
    address, posted = webhook
    night = Night(tmp_path, [])
    for number, days in enumerate((2, 1, 0)):
        stamp = f"{ago(days):%Y%m%d}T100000"
        path = night.recordings / f"D{days}_2001_{stamp}.wav"
        write_clip(path, number=number)
        os.utime(path, (time.time() - 3600,) * 2)
    write_clip(night.recordings / f"fresh_2001_{ago(1):%Y%m%d}T110000.wav", number=9)
    done(night.out, ago(3))
    config = tmp_path / "callaudit.yaml"
    config.write_text("transcription: {asr: {beam_size: 1}}\n")
    with served(night, config, api=prefect_server, webhook=address):
        made = until(lambda: deployment(prefect_server))
        (schedule,) = made["schedules"]
        assert schedule["schedule"]["cron"] == "30 2 * * *"
        assert schedule["schedule"]["timezone"] == "Asia/Shanghai"
        assert made["global_concurrency_limit"]["limit"] == 1

        run = ask(prefect_server, f"deployments/{made['id']}/create_flow_run", {})
        state = until(lambda: ended(prefect_server, run))
        assert state["type"] == "COMPLETED", (state, (tmp_path / "log").read_text())
        # yesterday and the night before, which was missed; neither today nor what is written to
        assert set(night.table("calls")["call_id"]) == {"D2", "D1"}
        summaries = [json.loads(p.read_text()) for p in night.out.glob("runs/2*/summary.json")]
        assert {(s["night"], s["waiting"]) for s in summaries} == {
            (str(ago(2)), 0),
            (str(ago(1)), 1),
        }
        keys = {artifact["key"] for artifact in ask(prefect_server, "artifacts/filter", {})}
        assert {"callaudit-summary", "callaudit-agents"} <= keys
        logged = ask(
            prefect_server, "logs/filter", {"logs": {"flow_run_id": {"any_": [run["id"]]}}}
        )
        assert logged
        assert not posted

        night.recordings.rename(tmp_path / "elsewhere")
        run = ask(prefect_server, f"deployments/{made['id']}/create_flow_run", {})
        assert until(lambda: ended(prefect_server, run))["type"] == "FAILED"
        (alarm,) = until(lambda: posted, seconds=20)
        assert alarm["state"] == "Failed"
        assert alarm["flow_run_id"] == run["id"]
        assert "cannot be reached" in alarm["text"] or "does not exist" in alarm["text"]


def test_prefect_yaml_deploys(tmp_path: Path, prefect_server: str) -> None:
    (tmp_path / "prefect.yaml").write_text((ROOT / "prefect.yaml").read_text())
    environment = {
        **os.environ,
        "PREFECT_API_URL": prefect_server,
        "PREFECT_HOME": str(tmp_path / "home"),
        "CALLAUDIT_HOME": str(tmp_path),
        "CALLAUDIT_RECORDINGS": "/data/calls",
        "CALLAUDIT_OUT": "/data/audit",
        "PYTHONPATH": str(ROOT),
    }
    prefect = str(SCRIPT.with_name("prefect"))
    for command in (
        ("work-pool", "create", "callaudit", "--type", "process", "--overwrite"),
        ("deploy", "--all"),
    ):
        ran = subprocess.run(
            [prefect, "--no-prompt", *command],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
    made = deployment(prefect_server)
    assert made["entrypoint"] == "flows.schedule:scheduled"
    assert made["work_pool_name"] == "callaudit"
    assert made["parameters"]["location"] == "/data/calls"
    assert made["schedules"][0]["schedule"]["timezone"] == "Asia/Shanghai"
    assert made["concurrency_options"]["collision_strategy"] == "ENQUEUE"
