"""Customers' numbers: hashed before anything is written, countable, found again to be erased."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from audit.config import Config
from audit.errors import UsageError
from flows.cli.main import main
from flows.commands.audit_transcripts import audit_transcripts
from flows.commands.purge import purge
from reports.store import Store, private
from reports.store.customers import KEY
from tests.flows.commands.test_purge import everything
from tests.flows.nights import write_clip

NUMBER, OTHER = "13912345678", "13787654321"
OWN_KEY = "0123456789abcdef" * 4


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY, raising=False)


def line(call_id: str, **columns: object) -> dict[str, object]:
    """A ready transcript."""
    said = [("agent", "您好，请问有什么可以帮您"), ("customer", "我的宽带又断了")]
    turns = [{"role": role, "text": text} for role, text in said]
    return {"call_id": call_id, "agent_id": "2001", "turns": turns, **columns}


def audit_lines(folder: Path, *lines: dict[str, object], manifest: str | None = None) -> Path:
    """Audit ready transcripts; returns OUT."""
    folder.mkdir(exist_ok=True)
    file = folder / "calls.jsonl"
    file.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in lines), "utf-8")
    listed = None
    if manifest is not None:
        listed = str(folder / "manifest.csv")
        Path(listed).write_text(manifest, "utf-8")
    audit_transcripts(file, folder / "out", config=Config(), manifest=listed)
    return folder / "out"


def contents(out: Path) -> list[str]:
    """What is under OUT, but for the locks of those who looked."""
    told = filter(None, everything(out).split("\n"))
    return [one for one in told if not one.endswith((".lock", "runs"))]


def keys(out: Path) -> dict[str, str | None]:
    """The customer of each call, as the table has it."""
    rows = Store(out).calls.rows(columns=["call_id", "customer_key"])
    return {row["call_id"]: row["customer_key"] for row in rows}


def test_no_file_log_or_plan_of_a_run_has_the_number(callaudit: Any, tmp_path: Path) -> None:
    calls = tmp_path / "calls"
    calls.mkdir()
    for number in (1, 2):
        write_clip(calls / f"c{number}.wav", number=number)
    (calls / "c3.wav").write_bytes(b"no sound")
    (tmp_path / "manifest.csv").write_text(
        "file,agent_id,started_at,班组,agent_group,Queue,business_line,Customer Key\n"
        f"c1.wav,2001,2026-11-16T09:00:00,甲,一组,宽带,家庭,{NUMBER}\n"
        f"c2.wav,2001,2026-11-16T09:30:00,甲,一组,账单,家庭,+86 {NUMBER[:3]}-{NUMBER[3:]}\n"
        f"c3.wav,2002,2026-11-16T10:00:00,甲,二组,宽带,政企,{OTHER}\n"
        f"gone.wav,2002,2026-11-16T11:00:00,甲,二组,宽带,政企,{OTHER}\n"
        "c4.wav,2002,2026-11-16T11:00:00,甲,二组,宽带,政企,1.39123E+10\n",
        "utf-8",
    )
    home = tmp_path / "prefect"
    ran = callaudit(
        *("run", calls, "--manifest", tmp_path / "manifest.csv", "--out", tmp_path / "out"),
        "--verbose",
        env={"PREFECT_HOME": str(home), "PREFECT_LOGGING_LEVEL": "DEBUG"},
    )
    assert ran.returncode == 3, ran.stderr
    told = everything(tmp_path / "out") + ran.stdout + ran.stderr
    folders = (tmp_path / "out", home)
    written = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    assert any(home in path.parents for path in written)
    raw = b"".join(path.read_bytes() for path in written)
    for number in (NUMBER, OTHER):
        for part in (number, number[3:], f"{number[:3]}-{number[3:]}", "1.39123E"):
            assert part not in told
            assert part.encode() not in raw

    store = Store(tmp_path / "out")
    first, second = sorted(store.calls.rows(), key=lambda row: row["call_id"])
    assert first["customer_key"] == second["customer_key"] == store.customer_key().hashed(NUMBER)
    assert [first[name] for name in ("team", "queue", "business_line")] == ["一组", "宽带", "家庭"]
    assert first["meta_agent_group"] == "一组" and first["meta_queue"] == "宽带"
    assert "meta_customer_key" not in first
    rejects = {row["source_file"]: row["detail"] for row in store.rejects.rows()}
    assert "customer_key must be written in full" in rejects["c4.wav"]
    assert {"c3.wav", "gone.wav"} < rejects.keys()

    # its calls are found by the number, in any form, and so is one that was rejected
    assert purge(tmp_path / "out", customers=[f"0086{NUMBER}"]) == 2
    assert purge(tmp_path / "out", customers=[OTHER]) == 1
    assert first["customer_key"] not in everything(tmp_path / "out")


def test_ready_transcripts_name_customers_themselves_or_in_a_manifest(tmp_path: Path) -> None:
    out = audit_lines(
        tmp_path,
        line("T1", customer_key=NUMBER, team="一组", queue="宽带"),
        line("T2", customer_key=int(NUMBER), agent_group="一组"),
        line("T3"),
        line("T4", customer_key=float(NUMBER)),
        line("T5", customer_key="匿名"),
        line("T6", customer_key=[NUMBER]),
        line("T7", customer_key="1.39E+10"),
        manifest=f"file,call_id,agent_id,customer_key,team\nT3.wav,T3,2001,{NUMBER},二组\n",
    )
    told = keys(out)
    assert told["T5"] is None
    assert len({told[name] for name in ("T1", "T2", "T3", "T4")}) == 1
    assert told.keys() == {"T1", "T2", "T3", "T4", "T5"}
    teams = {row["call_id"]: row["team"] for row in Store(out).calls.rows()}
    assert [teams[name] for name in ("T1", "T2", "T3", "T4")] == ["一组", "一组", "二组", None]
    assert NUMBER not in everything(out)
    details = [row["detail"] for row in Store(out).rejects.rows()]
    assert len(details) == 2 and not any("1.39E" in detail for detail in details)


def test_the_hash_of_a_transcript_does_not_depend_on_the_number(tmp_path: Path) -> None:
    """Else whoever has the words could try all numbers."""
    found = set()
    for number in (NUMBER, OTHER):
        out = audit_lines(tmp_path / number, line("T1", customer_key=number))
        found.add(Store(out).calls.rows(columns=["audio_sha256"])[0]["audio_sha256"])
    assert len(found) == 1


def test_the_key_is_made_once_and_is_its_owners(tmp_path: Path) -> None:
    out = audit_lines(tmp_path, line("T1"))
    layout = Store(out).layout
    assert not layout.customer_key.exists()  # nobody is named
    first = keys(audit_lines(tmp_path, line("T1", customer_key=NUMBER)))["T1"]
    kept = layout.customer_key.read_text()
    assert layout.customer_key.stat().st_mode & 0o777 == 0o600
    assert layout.private.stat().st_mode & 0o777 == 0o700
    assert keys(audit_lines(tmp_path, line("T1", customer_key=NUMBER)))["T1"] == first
    assert layout.customer_key.read_text() == kept
    assert not private.may_leave(layout.customer_key.name)
    assert private.may_leave(layout.customer_proof.name)  # by which another machine notices


def test_another_key_is_noticed_before_anything_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY, OWN_KEY)
    out = audit_lines(tmp_path, line("T1", customer_key=NUMBER))
    first, layout = keys(out)["T1"], Store(out).layout
    assert not layout.customer_key.exists()
    assert OWN_KEY not in everything(out)
    before = contents(out)

    for value, told in (
        (OWN_KEY[::-1], "with another key"),
        (None, "missing here"),
        ("x", "short"),
    ):
        monkeypatch.delenv(KEY) if value is None else monkeypatch.setenv(KEY, value)
        with pytest.raises(UsageError, match=told):
            audit_lines(tmp_path, line("T1", customer_key=NUMBER))
        with pytest.raises(UsageError, match=told):
            purge(out, customers=[NUMBER])
    assert contents(out) == before

    monkeypatch.setenv(KEY, OWN_KEY[::-1])
    layout.customer_proof.unlink()  # as the message says
    audit_lines(tmp_path, line("T1", customer_key=NUMBER))
    assert keys(out)["T1"] not in {first, None}


def test_a_customers_calls_are_erased_by_the_number(tmp_path: Path) -> None:
    out = audit_lines(
        tmp_path,
        line("T1", customer_key=NUMBER),
        line("T2", customer_key=OTHER),
        line("T3", customer_key=f"+86{NUMBER}"),
    )
    run = CliRunner().invoke
    before = contents(out)
    wrong = run(main, ["purge", str(out), "--customer", "13600000000"])
    assert wrong.exit_code == 2 and "no call of customer 1 of 1" in wrong.stderr
    assert "13600000000" not in wrong.stderr
    nobody = run(main, ["purge", str(out), "--customer", "-"], input="\n")
    assert nobody.exit_code == 2 and "--customer NUMBER" in nobody.stderr
    assert contents(out) == before

    done = run(main, ["purge", str(out), "--customer", "-"], input=f"{NUMBER}\n")
    assert (done.exit_code, done.stdout.strip()) == (0, "2 calls erased"), done.stderr
    assert keys(out).keys() == {"T2"}
    assert os.listdir(out / "html" / "calls") == ["T2.html"]
