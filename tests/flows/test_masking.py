"""Customers' data through the commands: masked where people read, in full for the owner only."""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from cryptography.fernet import Fernet

from audit import config
from audit.transcription import decoding
from audit.types import SAMPLE_RATE
from flows.cli.main import main
from flows.commands import purge
from flows.commands import rescore as rescoring
from models.asr import engines
from reports.pages import case_file
from reports.store import Store, private, retention
from reports.store.layout import Layout
from tests.flows.commands.test_purge import everything

SAID = (
    ("agent", "您好，远山软件服务热线，工号二零零一，请问有什么可以帮您"),
    ("customer", "我要改一下预留的电话"),
    ("agent", "好的，请问您贵姓"),
    ("customer", "我姓顾，新的号码是幺三九零五七二八八六四"),
    ("agent", "顾女士，跟您核对一下，幺三九零五七二八八六四，对吗"),
    ("customer", "对的"),
    ("agent", "已经改好了，感谢您的来电，再见"),
)
PLANTED = ("顾", "幺三九零五七二", "八八六四")
MASKED = "我姓【姓名】，新的号码是【手机号】"


def run(*arguments: str | Path, code: int = 0) -> str:
    """A command of ours; gives what it says."""
    done = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert done.exit_code == code, done.output
    return done.output


def noted(out: Path) -> list[tuple[str, list[str]]]:
    """Which commands read which calls in full."""
    path = out / "private" / "access.jsonl"
    lines = path.read_text("utf-8").splitlines() if path.is_file() else []
    return [(line["command"], line["calls"]) for line in map(json.loads, lines)]


def kept(out: Path) -> str:
    """What the private store holds."""
    files = sorted((out / "private" / "transcripts").rglob("*.gz"))
    return "\n".join(gzip.decompress(path.read_bytes()).decode() for path in files)


def outside(out: Path) -> str:
    """All text under OUT but that of the private store."""
    private = out / "private"
    apart = out.parent / "apart"
    if not private.is_dir():
        return everything(out)
    private.rename(apart)
    try:
        return everything(out)
    finally:
        apart.rename(private)


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    """Two calls: one with customers' data, one without."""
    lines = []
    for name, said in ("C1", SAID), ("C2", (*SAID[:2], *SAID[5:])):
        turns: list[dict[str, Any]] = [
            {"role": role, "text": text, "start_s": 4.0 * i + 0.5, "end_s": 4.0 * i + 4.0}
            for i, (role, text) in enumerate(said)
        ]
        call = {"call_id": name, "agent_id": "2001", "turns": turns}
        lines.append({**call, "started_at": "2026-11-16T10:00:00+08:00"})
    file = tmp_path / "calls.jsonl"
    file.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), "utf-8")
    return file


@pytest.fixture
def out(calls: Path, tmp_path: Path) -> Path:
    run("audit-transcripts", calls, "--out", tmp_path / "out")
    return tmp_path / "out"


def verdicts(out: Path) -> list[tuple[str, str]]:
    found = pd.read_parquet(out / "parquet" / "findings").sort_values(["call_id", "check_id"])
    return list(zip(found["call_id"] + " " + found["check_id"], found["verdict"], strict=True))


def test_by_default_marks_stand_everywhere_but_in_the_private_store(out: Path) -> None:
    case_file.write_case(Store(out), "C1")
    output = outside(out)
    assert MASKED in output and "二零零一" in output
    assert [planted for planted in PLANTED if planted in output] == []
    assert all(planted in kept(out) for planted in PLANTED)
    rows = pd.read_parquet(out / "parquet" / "calls").set_index("call_id")
    assert list(rows["private"]) == ["mask", "mask"]
    assert rows["transcript_id"].notna().all()
    turns = pd.read_parquet(out / "parquet" / "turns").query("call_id == 'C1'")
    masked = turns.set_index("turn_index")["masked"][3]
    assert [item["kind"] for item in masked] == ["name", "mobile"]
    assert 12.5 <= masked[0]["start_s"] < masked[0]["end_s"] <= masked[1]["start_s"]
    assert masked[1]["end_s"] <= 16.0


@pytest.mark.parametrize("private", ["keep", "drop"])
def test_kept_or_dropped(calls: Path, tmp_path: Path, out: Path, private: str) -> None:
    other = tmp_path / "other"
    run("audit-transcripts", calls, "--out", other, "--private", private)
    output = outside(other)
    assert (PLANTED[1] in output) == (private == "keep")
    assert (MASKED in output) == (private == "drop")
    assert kept(other) == ""
    assert verdicts(other) == verdicts(out)  # rules judge what was said, whatever is shown


def test_what_is_judged_again_is_the_full_text_and_that_is_noted(out: Path) -> None:
    before = verdicts(out)
    assert ("C1 key_info_confirmed", "pass") in [
        (name.partition(".")[0], verdict) for name, verdict in before
    ]
    assert noted(out) == []
    assert "0 of 2 calls change" in run("rescore", out, "--rulebook", "hotline", "--write")
    assert verdicts(out) == before
    assert MASKED in outside(out)
    assert noted(out) == [("rescore", ["C1"])]


def test_without_the_full_text_a_call_stays_as_it_is(out: Path) -> None:
    before = verdicts(out)
    assert "2 full transcripts erased" in run("purge", out, "--private-before", "2026-11-17")
    assert kept(out) == ""
    output = run("rescore", out, "--rulebook", "field-service", "--write")
    assert "1 calls stay as they are: their full transcripts are not kept" in output
    calls = pd.read_parquet(out / "parquet" / "calls").set_index("call_id")
    assert calls["rulebook_id"].to_dict() == {"C1": "hotline", "C2": "field-service"}
    assert [pair for pair in verdicts(out) if pair[0].startswith("C1")] == [
        pair for pair in before if pair[0].startswith("C1")
    ]
    assert noted(out) == []


def test_what_was_audited_again_or_is_dropped_leaves_no_earlier_text(
    calls: Path, out: Path
) -> None:
    corrected = calls.read_text("utf-8").replace("八八六四", "一一二二")
    calls.write_text(corrected, "utf-8")
    run("audit-transcripts", calls, "--out", out)
    assert "八八六四" not in kept(out) and "一一二二" in kept(out)
    run("audit-transcripts", calls, "--out", out, "--private", "drop")
    assert kept(out) == ""


def test_only_what_is_old_or_abandoned_is_forgotten(out: Path) -> None:
    Store(out).private.write("a" * 16 + "-heard-and-not-published-yet", b"{}")
    Store(out).private.write("b" * 16 + "-abandoned", b"{}")
    (abandoned,) = (out / "private").rglob("b*-abandoned.*")
    os.utime(abandoned, (0, 0))
    assert purge.purge_words(out, before=date(2026, 11, 1)) == 1
    assert len(list(Store(out).private.names())) == 3
    assert purge.purge_words(out, before=date(2026, 11, 17)) == 2
    assert [name[0] for name in Store(out).private.names()] == ["a"]


LISTENING = Path("data_samples/dialogues/listening.jsonl")


def test_no_reason_quotes_what_is_hidden(tmp_path: Path) -> None:
    """Reasons of repeated questions quote the answer that was given."""
    out = tmp_path / "out"
    run("audit-transcripts", LISTENING, "--out", out)
    full = {
        turn["text"]: turn["turn_index"]
        for line in LISTENING.read_text("utf-8").splitlines()
        for turn in [{**t, "turn_index": n} for n, t in enumerate(json.loads(line)["turns"])]
    }
    shown = set(pd.read_parquet(out / "parquet" / "turns")["text"])
    hidden = [
        text
        for text in full
        if text not in shown and re.search("[0-9一二三四五六七八九零幺]{4}", text)
    ]
    assert len(hidden) > 5
    findings = pd.read_parquet(out / "parquet" / "findings")
    output = "\n".join([*findings["reason"], *findings["evidence"].dropna()])
    assert "客户此前已回答“" in output and "【手机号】" in output
    assert [text for text in hidden if text in output] == []


def test_a_call_that_is_published_anew_leaves_nothing_of_before(
    calls: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    run("audit-transcripts", calls, "--out", out, "--private", "keep")
    run("case-file", out, "C1")
    moved = calls.read_text("utf-8").replace('"2001"', '"7"').replace("-11-16T", "-11-17T")
    calls.write_text(moved, "utf-8")
    run("audit-transcripts", calls, "--out", out)
    assert [planted for planted in PLANTED if planted in outside(out)] == []


def test_full_transcripts_of_later_nights_stay(out: Path) -> None:
    assert "0 full transcripts erased" in run("purge", out, "--private-before", "2026-11-16")
    assert PLANTED[1] in kept(out)
    assert retention.forget_words(Store(out), before=date(2026, 11, 17)) == 2


def test_whoever_reads_a_transcript_is_noted(out: Path) -> None:
    assert "16.0" not in run("transcript", out, "C2").splitlines()[0]
    assert noted(out) == []  # nothing of it is hidden
    assert f"12.5\tcustomer\t{SAID[3][1]}" in run("transcript", out, "C1").splitlines()
    assert noted(out) == [("transcript", ["C1"])]
    assert "holds no call 'C9'" in run("transcript", out, "C9", code=2)
    run("purge", out, "--private-before", "2030-01-01")
    output = run("transcript", out, "C1").splitlines()
    assert "not kept" in output[0] and f"12.5\tcustomer\t{MASKED}" in output


def test_character_errors_are_those_of_the_full_text(out: Path, tmp_path: Path) -> None:
    turns = [
        {"role": "A" if role == "agent" else "C", "segment": "H", "text": text}
        | {"start": 4.0 * i + 0.5, "end": 4.0 * i + 4.0}
        for i, (role, text) in enumerate(SAID)
    ]
    truth = tmp_path / "truth"
    truth.mkdir()
    (truth / "C1.json").write_text(json.dumps({"call_id": "C1", "turns": turns}), "utf-8")
    assert json.loads(run("evaluate", out, truth, "--json"))["cer"] == 0.0
    assert noted(out) == [("evaluate", ["C1"])]


def test_erasing_a_call_reaches_the_private_store(out: Path) -> None:
    run("transcript", out, "C1")
    run("purge", out, "--call-id", "C1")
    output = everything(out)
    assert "C1" not in re.sub(r"[A-Za-z0-9+/=]{200,}", "", output)
    assert [planted for planted in PLANTED if planted in output] == []
    assert noted(out) == [("transcript", ["erased"])]


def test_with_a_key_and_without_it(
    calls: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    monkeypatch.setenv(private.KEY, Fernet.generate_key().decode())
    run("audit-transcripts", calls, "--out", out)
    files = list((out / "private" / "transcripts").rglob("*.fernet"))
    assert len(files) == 2 and all(path.read_bytes().startswith(b"gAAAA") for path in files)
    assert SAID[3][1] in run("transcript", out, "C1")
    monkeypatch.delenv(private.KEY)
    for command in (
        ("transcript", out, "C1"),
        ("rescore", out, "--rulebook", "hotline"),
        ("audit-transcripts", calls, "--out", out),
    ):
        assert "is encrypted; set CALLAUDIT_PRIVATE_KEY" in run(*command, code=2)
    run("report", out)  # which reads nothing that is hidden
    run("purge", out, "--call-id", "C1")  # a customer's request needs no key
    assert len(list((out / "private" / "transcripts").rglob("*.fernet"))) == 1


# recordings


def digits(text: str) -> str:
    """The text with Chinese digits as numerals, and nothing between two of them."""
    numerals = text.translate(str.maketrans("零〇一二三四五六七八九幺两", "0012345678912"))
    return re.sub(r"(?<=\d)[ ，,、。-]+(?=\d)", "", numerals)


NUMBERS = ("14005728864", "730582")
WORDS = ("姓顾", "顾女士", "云河路", "三栋四零二")


def test_no_planted_item_is_in_any_file_of_the_samples_audit(audited: Any, tmp_path: Path) -> None:
    """S22 is full of customers' data, which is invented."""
    truth = Path("data_samples/truth/S22.json").read_text("utf-8")
    assert all(number in digits(truth) for number in NUMBERS)
    assert all(word in truth for word in WORDS)
    full = "".join(
        turn["text"]
        for name in Store(audited.out).private.names()
        for turn in json.loads(Store(audited.out).private.read(name) or b"")["turns"]
    )
    heard = [number for number in NUMBERS if number in digits(full)]
    assert heard, "the recogniser has to hear some of it, or this proves nothing"
    turns = pd.read_parquet(audited.out / "parquet" / "turns").query("call_id == 'S22'")
    marks = "".join(turns["text"])
    for mark in ("【手机号】", "【地址】", "【姓名】"):
        assert mark in marks, marks
    for path in audited.out.rglob("*"):
        if path.is_file() and "private" not in path.relative_to(audited.out).parts:
            output = everything_in(path)
            assert not [word for word in WORDS if word in output], path
            assert not [number for number in NUMBERS if number in digits(output)], path


def everything_in(path: Path) -> str:
    if path.suffix == ".parquet":
        rows = pq.read_table(path, partitioning=None).to_pylist()
        return json.dumps(rows, ensure_ascii=False, default=str)
    return path.read_bytes().decode("utf-8", "replace")


@pytest.fixture(scope="module")
def heard_by_whisper() -> Callable[[Path], str]:
    engine = engines.load(config.Config().transcription.asr)

    def listen(path: Path) -> str:
        sound = decoding.decode(path)
        step = 20 * SAMPLE_RATE
        windows = [
            sound.channel(channel)[start : start + 25 * SAMPLE_RATE]
            for channel in range(len(sound.samples))
            for start in range(0, sound.samples.shape[1], step)
        ]
        return "".join(w.text for found in engine.transcribe(windows) for w in found.words)

    return listen


def test_the_recogniser_gives_no_number_back_from_a_copy(
    audited: Any, heard_by_whisper: Callable[[Path], str]
) -> None:
    row = pd.read_parquet(audited.out / "parquet" / "calls").set_index("call_id").loc["S22"]
    source = Path("data_samples/calls") / row["source_file"]
    plain, hidden = (
        digits(heard_by_whisper(path)) for path in (source, Layout(audited.out).audio_copy("S22"))
    )
    parts = ("1400572", "0572", "8864", "730582", "5826")
    assert any(part in plain for part in parts)
    assert not [part for part in parts if part in hidden], hidden
    assert "云河" not in hidden
    assert "工号" in hidden or "2003" in hidden or "热线" in hidden  # the rest can be heard


def test_recordings_are_judged_again_on_the_full_text(audited: Any, tmp_path: Path) -> None:
    out = Path(shutil.copytree(audited.out, tmp_path / "out"))
    before = noted(out)
    difference = rescoring.rescore(out, rulebook_id="hotline", write=False)
    assert (difference.left, difference.flips) == (0, [])
    added = noted(out)[len(before) :]
    assert {command for command, _ in added} == {"rescore"}
    assert "S22" in [call for _, calls in added for call in calls]
