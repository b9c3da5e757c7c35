"""One call that something fails for is that call's reject; the night goes on without it.

What fails is made to, by an error in one of the steps for one call: ``poison``.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from audit import pipeline, privacy
from audit.config import Config
from audit.errors import OutputFailed, RejectReason
from audit.types import Channels, Origin, Recording, Role, Transcript, Turn
from flows import jobs
from flows.cli.main import main
from flows.workers import publisher_process
from reports.pages import html, views
from reports.store import Store, parquet, transcript_cache
from reports.store.layout import Layout

SECRET = "13900001111"
POISONED = "B2"
AT = datetime.fromisoformat("2026-11-16T09:00:00+08:00")
STEPS: dict[str, tuple[object, str, Callable[..., bool]]] = {
    "judging": (pipeline, "judge", lambda call, *_: _is(call.recording)),
    "masking": (privacy, "mask", lambda audited: _is(audited.call.recording)),
    "tables": (
        parquet,
        "to_table",
        lambda table, rows: (
            table.name == "calls" and any(row["call_id"] == POISONED for row in rows)
        ),
    ),
    "page": (html, "player", lambda out, page: page.row.call_id == POISONED),
}


def _is(recording: Recording) -> bool:
    return recording.call_id == POISONED


def poison(
    monkeypatch: pytest.MonkeyPatch,
    owner: object,
    name: str,
    strikes: Callable[..., bool],
    error: type[Exception] = RecursionError,
) -> None:
    """Let a function fail where it gets the poisoned call, as a fault in it would."""
    real = getattr(owner, name)

    def poisoned(*args: Any, **options: Any) -> Any:
        if strikes(*args):
            raise error(f"at the customer's number {SECRET}")
        return real(*args, **options)

    monkeypatch.setattr(owner, name, poisoned)


def lines(*calls: str, agent: str = "2001", day: int = 16) -> list[str]:
    turns = [
        {"role": "agent", "text": "您好，远山软件服务热线，请问有什么可以帮您？"},
        {"role": "customer", "text": f"我的手机号是{SECRET}，打印机坏了。"},
    ]
    whole = {"agent_id": agent, "started_at": f"2026-11-{day}T09:00:00+08:00", "turns": turns}
    return [json.dumps({"call_id": call, **whole}, ensure_ascii=False) for call in calls]


def audit(base: Path, *given: str) -> Result:
    (base / "calls.jsonl").write_text("\n".join(given), "utf-8")
    command = ["audit-transcripts", str(base / "calls.jsonl"), "--out", str(base / "out")]
    return CliRunner().invoke(main, command)


def ids(out: Path, table: str) -> list[str]:
    return sorted(set(Store(out)[table].arrow()["call_id"].to_pylist()))


def rejected(out: Path) -> dict[str, tuple[str, str]]:
    rows = Store(out)["rejects"].rows()
    return {row["call_id"]: (row["reason"], row["detail"]) for row in rows}


def everything(out: Path) -> str:
    found = [path for path in out.rglob("*") if path.suffix in {".html", ".json", ".js"}]
    return "".join(path.read_text("utf-8") for path in found)


def check(out: Path, step: str, *, error: str = "RecursionError") -> None:
    """The poisoned call is a reject that says where, and nothing else shows it."""
    assert set(rejected(out)) == {POISONED}
    reason, detail = rejected(out)[POISONED]
    assert reason == "crashed"
    assert step in detail and POISONED in detail and error in detail
    for table in ("calls", "turns", "findings"):
        assert ids(out, table) == ["B1", "B3", "C1"], table
    assert sum(Store(out)["agents"].arrow()["calls"].to_pylist()) == 3
    assert not Layout(out).call_page(POISONED).exists()
    assert not Layout(out).case_file(POISONED).exists()
    for call_id in ("B1", "B3", "C1"):
        page = Layout(out).call_page(call_id).read_text("utf-8")
        assert f"{POISONED}.html" not in page  # no link that leads to nowhere
    assert f"calls/{POISONED}.html" not in Layout(out).agent_page("2001").read_text("utf-8")
    index = (out / "html" / "index.html").read_text("utf-8")
    assert f"failed with {error}" in index and POISONED in index
    assert SECRET not in everything(out)


@pytest.mark.parametrize("step", STEPS)
def test_ready_transcripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    out, given = tmp_path / "out", [*lines("B1", POISONED, "B3"), *lines("C1", agent="2002")]
    assert audit(tmp_path, *given).exit_code == 0  # it was fine before
    Layout(out).case_file(POISONED).parent.mkdir()
    Layout(out).case_file(POISONED).write_text("of before")
    with monkeypatch.context() as patched:
        poison(patched, *STEPS[step])
        done = audit(tmp_path, *given)
        assert done.exit_code == 3, done.output
        assert "3 audited, 1 rejected" in done.stdout
        assert "rejected: 1 crashed, such as" in done.stdout
        check(out, step)
        kept = (out / "private").rglob("*-ready.json.gz")
        assert transcript_cache.of_ready(POISONED) not in {p.name.partition(".")[0] for p in kept}
    assert audit(tmp_path, *given).exit_code == 0  # and is again, once that is mended
    assert rejected(out) == {}
    assert ids(out, "calls") == ["B1", POISONED, "B3", "C1"]
    assert Layout(out).call_page(POISONED).is_file()


def recordings(out: Path, *calls: str, agent: str = "2001") -> list[tuple[Recording, str]]:
    """What was transcribed of recordings, as a night leaves it."""
    transcribed = []
    for call in calls:
        turns = (
            Turn(0, Role.AGENT, "您好，远山软件服务热线，请问有什么可以帮您？"),
            Turn(1, Role.CUSTOMER, f"我的手机号是{SECRET}，打印机坏了。"),
        )
        origin = Origin(call.encode().hex().ljust(64, "0"), "faster-whisper", "base", "b" * 64)
        name = f"{transcript_cache.of_recording(origin.audio_sha256 or '')}-1"
        Store(out).transcripts.save(name, Transcript(turns, Channels.STEREO, origin))
        transcribed.append((Recording(f"{call}.wav", call, agent, AT), name))
    return transcribed


def publish(out: Path, transcribed: list[tuple[Recording, str]], run_id: str) -> jobs.RunSummary:
    """Publish a night as the process does that is started for it."""
    job = jobs.Job(
        run_id=run_id,
        out=out,
        root=str(out.parent),
        config=Config(),
        fingerprint="",
        resume=True,
        recordings=tuple(recording for recording, _ in transcribed),
        rejects=(),
    )
    jobs.save_job(job)
    noted = [
        jobs.outcome_line(jobs.RecordingOutcome(r.call_id, transcript_key=name))
        for r, name in transcribed
    ]
    jobs.outcome_file(job, 0).write_bytes(b"".join(noted))
    publisher_process.publish_all(job)
    return jobs.load_summary(job.store, job.run_id)


@pytest.mark.parametrize("step", STEPS)
def test_a_night(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    out = tmp_path / "out"
    transcribed = [*recordings(out, "B1", POISONED, "B3"), *recordings(out, "C1", agent="2002")]
    with monkeypatch.context() as patched:
        poison(patched, *STEPS[step], MemoryError)
        summary = publish(out, transcribed, "r1")
        check(out, step, error="MemoryError")
    assert (summary.planned, summary.audited, summary.rejected) == (4, 3, 1)
    assert summary.reasons == {"crashed": 1}
    mended = publish(out, transcribed, "r2")  # what was transcribed is still there
    assert (mended.audited, mended.rejected) == (4, 0)
    assert ids(out, "calls") == ["B1", POISONED, "B3", "C1"]


def test_a_transcript_that_has_gone(tmp_path: Path) -> None:
    out = tmp_path / "out"
    transcribed = [*recordings(out, "B1", POISONED, "B3"), *recordings(out, "C1", agent="2002")]
    (path,) = out.glob(f"private/transcripts/*/{transcribed[1][1]}.json.gz")
    path.write_bytes(b"rubbish")
    assert publish(out, transcribed, "r1").reasons == {"crashed": 1}
    check(out, "judging", error="LookupError")


def test_an_audit_whose_recording_has_gone_stays(tmp_path: Path) -> None:
    out = tmp_path / "out"
    transcribed = recordings(out, "B1", "B3")
    publish(out, transcribed, "r1")
    job = jobs.Job(
        "r2", out, str(tmp_path), Config(), "", True, tuple(r for r, _ in transcribed), ()
    )
    jobs.save_job(job)
    gone = jobs.RecordingOutcome("B1", reason=RejectReason.MISSING_FILE, detail="it has gone")
    noted = [gone, jobs.RecordingOutcome("B3", transcript_key=transcribed[1][1])]
    jobs.outcome_file(job, 0).write_bytes(b"".join(map(jobs.outcome_line, noted)))
    publisher_process.publish_all(job)
    assert ids(out, "calls") == ["B1", "B3"]
    assert rejected(out) == {}


@pytest.mark.parametrize("name", ["agent_page", "night_pages"])
def test_a_page_of_many_calls_is_drawn_without_the_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def strikes(out: Path, calls: list[Any], *_: Any) -> bool:
        return POISONED in {call.call_id for call in calls}

    given = [*lines("B1", POISONED, "B3"), *lines("C1", agent="2002")]
    poison(monkeypatch, views, name, strikes)
    assert audit(tmp_path, *given).exit_code == 3
    check(tmp_path / "out", "page")


def test_two_calls_that_fail_only_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def strikes(out: Path, calls: list[Any], *_: Any) -> bool:
        return {"B1", POISONED} <= {call.call_id for call in calls}

    given = [*lines("B1", POISONED, "B3"), *lines("C1", agent="2002")]
    poison(monkeypatch, views, "agent_page", strikes)
    assert audit(tmp_path, *given).exit_code == 3
    check(tmp_path / "out", "page")


def test_pages_drawn_again_say_which_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    assert audit(tmp_path, *lines("B1", POISONED)).exit_code == 0
    poison(monkeypatch, *STEPS["page"])
    done = CliRunner().invoke(main, ["report", str(out)])
    assert done.exit_code == 3
    assert POISONED in done.stderr and "RecursionError" in done.stderr
    assert SECRET not in done.stderr
    assert Layout(out).call_page("B1").is_file() and not Layout(out).call_page(POISONED).exists()
    assert ids(out, "calls") == ["B1", POISONED]  # its audit is not the page's


def test_judging_again_leaves_the_one_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    assert audit(tmp_path, *lines("B1", POISONED)).exit_code == 0
    poison(monkeypatch, *STEPS["judging"])
    command = ["rescore", str(out), "--rulebook", "network-ops", "--write"]
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 3, done.output
    assert POISONED in done.stderr and SECRET not in done.stderr
    rows = Store(out)["calls"].rows()
    assert {row["call_id"]: row["rulebook_id"] for row in rows} == {
        "B1": "network-ops",
        POISONED: "hotline",
    }


def test_a_disk_that_is_full_is_no_calls_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("reports.store.atomic.os.replace", full)
    out = tmp_path / "out"
    with pytest.raises(OutputFailed, match="No space left"):
        publish(out, recordings(out, "B1"), "r1")
    monkeypatch.undo()


def test_verbose_shows_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    poison(monkeypatch, *STEPS["judging"])
    with caplog.at_level("INFO", "reports.crashes"):
        audit(tmp_path, *lines("B1", POISONED))
    assert "in poisoned" in caplog.text and "judge" in caplog.text
    assert SECRET not in caplog.text
