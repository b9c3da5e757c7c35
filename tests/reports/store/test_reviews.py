"""Reviews and appeals: said in a page, exported, imported, and what they do to the score."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audit.errors import UsageError
from audit.rulebooks import load
from audit.types import Verdict
from flows.cli import formatters
from flows.commands import import_reviews as reviewing
from reports.analysis import sampling
from reports.pages.html import render
from reports.store import Store
from reports.store.layout import Layout

COLUMNS = {
    *("review_id", "call_id", "finding_id", "kind", "decision", "reviewer", "reviewed_at", "note"),
    *("rule_id", "check_id", "clause_id", "start_s", "end_s", "original_verdict"),
    *("original_points", "original_score", "overridden_score", "sampled_by", "sampling_weight"),
    *("imported_at", "run_id", "schema_version"),
}


def reviews(out: Path) -> pd.DataFrame:
    return pd.read_parquet(out / "parquet" / "reviews")


def word(**changes: Any) -> dict[str, Any]:
    """One review of C1's greeting, which the machine failed."""
    return {
        "kind": "review",
        "decision": "overrule",
        "call_id": "C1",
        "finding_id": "C1-0",
        "reviewer": "林静",
        "reviewed_at": "2026-11-14T09:00:00Z",
        "note": "说了您好",
        "rule_id": "greeting",
        "check_id": "greeting.hello",
        "clause_id": "003-1.1.4",
        "start_s": 7.0,
        "end_s": 9.0,
        "original_verdict": "fail",
        "original_points": 13.0,
        "original_score": 80.0,
        "sampled_by": "manual",
        "sampling_weight": None,
    } | changes


def file_of(folder: Path, *items: dict[str, Any], **changes: Any) -> Path:
    path = folder / "reviews.json"
    whole = {
        "format": "callaudit-reviews",
        "version": 1,
        "exported_at": "2026-11-14T10:00:00Z",
        "reviews": list(items),
    } | changes
    path.write_text(json.dumps(whole), "utf-8")
    return path


def test_a_person_reviews_exports_and_imports(night: Path, browser: Any) -> None:
    browser.open(Layout(night).call_page("C1"))
    browser.click(".finding.fail [data-decision=overrule]")
    assert "姓名" in browser.run("return document.querySelector('[data-status]').textContent")
    assert browser.run("return document.getElementById('override').hidden")

    browser.type("[name=reviewer]", "林静")
    browser.click(".finding.fail [data-decision=overrule]")
    browser.type(".finding.fail .verdict-row [name=note]", "说了您好\t")
    preview = browser.until("document.querySelector('#override:not([hidden]) b').textContent")
    browser.open(Layout(night).call_page("C1"))  # kept in the browser
    pressed = ".finding.fail [data-decision=overrule][aria-pressed=true]"
    assert browser.run(f"return document.querySelectorAll('{pressed}').length") == 1
    browser.click("[data-export]")
    done = reviewing.import_reviews(browser.exported(), night)
    assert (done.new, done.overridden) == (1, 1)

    (row,) = reviews(night).to_dict("records")
    assert set(row) >= COLUMNS
    assert (row["finding_id"], row["decision"], row["note"]) == ("C1-0", "overrule", "说了您好")
    assert (row["original_verdict"], row["original_points"]) == ("fail", 13.0)
    assert (row["original_score"], row["sampled_by"]) == (80.0, row["sampled_by"])
    assert row["overridden_score"] == float(preview) == 100.0
    browser.open(Layout(night).call_page("C1"))
    assert (
        browser.run("return document.querySelector('.badge').textContent.replace(/\\s+/g, '')")
        == "得分80等级B→100复核后"
    )
    assert browser.run("return document.querySelector('[data-count]').textContent") == "0"
    assert "系统 80 分 → 复核后 100 分" in Layout(night).call_page("C1").read_text("utf-8")
    for path in (Layout(night).index_page, Layout(night).agent_page("A1")):
        assert "→ 100</ins>" in path.read_text("utf-8")
    assert browser.complaints() == []


def test_a_missed_fault_and_an_appeal(night: Path, browser: Any) -> None:
    Store(night).penalties.keep(load("hotline"))
    _judge_by_hotline(night)
    render(Store(night))
    browser.open(Layout(night).call_page("C0"))
    browser.type("[name=reviewer]", "周涛")
    browser.run("document.querySelector('.missed-form').open = true")
    browser.run(
        """const form = document.getElementById('missed');
        const wanted = [...form.elements.fault.options].find(o => o.text.includes('000-26.3'));
        form.elements.fault.value = wanted.value;
        form.elements.start.value = '0:07.5';
        form.requestSubmit();"""
    )
    preview = browser.until("document.querySelector('#override:not([hidden]) b').textContent")
    browser.run(
        "const kind = document.querySelector('[name=kind]'); kind.value = 'appeal';"
        "kind.dispatchEvent(new Event('change', {bubbles: true}))"
    )
    browser.click(".passed summary, .finding.cannot_tell .what")
    browser.run("document.querySelector('.finding.cannot_tell [data-decision=overrule]').click()")
    browser.click("[data-export]")
    done = reviewing.import_reviews(browser.exported(), night)
    assert done.new == 2
    rows = reviews(night).set_index("kind")
    missed = rows.loc["review"]
    assert (missed["decision"], missed["start_s"]) == ("missed", 7.5)
    assert pd.isna(missed["finding_id"]) and pd.isna(missed["original_verdict"])
    assert missed["overridden_score"] == float(preview) < 100
    assert rows.loc["appeal", "decision"] == "overrule"
    text = Layout(night).call_page("C0").read_text("utf-8")
    assert "人工补充（1）" in text and ">申诉</span></b>" in text


def _judge_by_hotline(out: Path) -> None:
    """Give the calls the hash of a rulebook whose penalties are known."""
    for file in (out / "parquet" / "calls").glob("**/*.parquet"):
        table = pq.read_table(file, partitioning=None)
        at = table.schema.get_field_index("rulebook_sha256")
        hashes = [load("hotline").sha256] * len(table)
        pq.write_table(table.set_column(at, table.schema.field(at), [hashes]), file)


def test_the_same_file_again_changes_nothing(night: Path) -> None:
    file = file_of(night, word())
    reviewing.import_reviews(file, night)
    before = {p: p.stat().st_mtime_ns for p in night.rglob("*") if p.is_file()}
    again = reviewing.import_reviews(file, night)
    assert (again.new, again.changed, again.known) == (0, 0, 1)
    assert {p: p.stat().st_mtime_ns for p in before} == before


def test_the_latest_word_of_a_person_counts(night: Path) -> None:
    reviewing.import_reviews(file_of(night, word()), night)
    later = word(decision="agree", reviewed_at="2026-11-15T09:00:00Z")
    assert reviewing.import_reviews(file_of(night, later), night).changed == 1
    assert reviewing.import_reviews(file_of(night, word()), night).known == 1
    (row,) = reviews(night).to_dict("records")
    assert row["decision"] == "agree" and pd.isna(row["overridden_score"])
    assert "→ 100</ins>" not in Layout(night).index_page.read_text("utf-8")


def test_a_call_that_moved_to_another_agent_has_its_reviews_once(night: Path) -> None:
    reviewing.import_reviews(file_of(night, word()), night)
    (old,) = (night / "parquet" / "reviews").glob("**/*.parquet")
    moved = old.parents[1] / "agent_id=A9" / old.name
    moved.parent.mkdir()
    table = pq.read_table(old, partitioning=None)
    at = table.schema.get_field_index("agent")
    pq.write_table(table.set_column(at, table.schema.field(at), [["A9"]]), moved)
    old.unlink()
    reviewing.import_reviews(file_of(night, word(note="anders")), night)
    assert list(reviews(night)["agent"]) == ["A1"]


def test_an_appeal_changes_no_score(night: Path) -> None:
    done = reviewing.import_reviews(file_of(night, word(kind="appeal")), night)
    assert done.overridden == 0
    text = Layout(night).call_page("C1").read_text("utf-8")
    assert ">申诉</span></b> <bdi>林静</bdi>" in text and "说了您好" in text
    asked = Layout(night).queue_page("2026-11-13")
    assert "待答复的申诉（1）" in asked.read_text("utf-8")
    answer = word(decision="agree", reviewer="高峰", reviewed_at="2026-11-15T09:00:00Z")
    reviewing.import_reviews(file_of(night, answer), night)
    assert "待答复的申诉（0）" in asked.read_text("utf-8") and "高峰" in asked.read_text("utf-8")


def test_a_pass_that_is_overruled_costs_what_the_rulebook_says(night: Path) -> None:
    Store(night).penalties.keep(load("hotline"))
    _judge_by_hotline(night)
    passed = word(call_id="C0", finding_id="C0-0", original_verdict="pass", original_points=0.0)
    reviewing.import_reviews(file_of(night, passed), night)
    (row,) = reviews(night).to_dict("records")
    assert row["original_verdict"] == "pass"
    # of the 25 of the greeting, the only rule with a finding that can be told, a hello costs 8
    assert row["overridden_score"] == 68.0


def test_a_finding_that_is_judged_again_keeps_its_reviews(
    night: Path, desk: SimpleNamespace
) -> None:
    reviewing.import_reviews(file_of(night, word()), night)
    findings = next((night / "parquet" / "findings").glob("audit_date=2026-11-13/agent_id=A1/*"))
    text = Layout(night).call_page("C1").read_text("utf-8")
    assert "原结果已不在" not in text and "复核后 100 分" in text
    _rename(findings, {"C1-0": "other"})
    render(Store(night))
    assert "复核后 100 分" in Layout(night).call_page("C1").read_text("utf-8")
    _rename(findings, {"other": None})
    render(Store(night))
    text = Layout(night).call_page("C1").read_text("utf-8")
    assert "原结果已不在（1）" in text and "说了您好" in text and "复核后 100 分" not in text
    assert len(reviews(night)) == 1
    again = reviewing.import_reviews(file_of(night, word(reviewer="周涛")), night)
    assert (again.new, again.vanished) == (1, 2)


def _rename(file: Path, names: dict[str, str | None]) -> None:
    table = pq.read_table(file, partitioning=None)
    rows = [
        row | {"finding_id": names.get(row["finding_id"], row["finding_id"])}
        for row in table.to_pylist()
    ]
    kept = [row for row in rows if row["finding_id"] is not None]
    pq.write_table(pa.Table.from_pylist(kept, schema=table.schema), file)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"format": "other"}, "is not a file of reviews"),
        ({"version": 7}, "has version '7'"),
        ({"reviews": [word(decision="innocent")]}, r"reviews\.0\.decision"),
        ({"reviews": [word(finding_id=None)]}, "has no finding_id"),
        ({"reviews": [word(reviewed_at="yesterday")]}, "reviewed_at"),
        ({"reviews": [word(reviewed_at="2026-11-14T09:00:00")]}, "reviewed_at"),
        ({"reviews": [word(note="x" * 3000)]}, "note"),
        ({"reviews": [word(reviewer="a\nb")]}, "reviewer"),
        ({"reviews": [word(start_s=-1)]}, "start_s"),
        ({"reviews": [word(sampled_by="pass")]}, "sampling_weight"),
        ({"reviews": [word(score=3)]}, "score"),
        ({"reviews": [word(call_id="X9")]}, "none of which is in"),
        ({"reviews": [word(reviewed_at="2099-01-01T00:00:00Z")]}, "in the future"),
        ({"reviews": "many"}, "reviews"),
    ],
)
def test_files_that_are_refused(night: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said) as refused:
        reviewing.import_reviews(file_of(night, **changes), night)
    assert "\n" not in str(refused.value)
    assert not (night / "parquet" / "reviews").exists()


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "gb18030"])
def test_a_file_that_an_editor_saved_again(night: Path, encoding: str) -> None:
    path = file_of(night, word())
    text = json.dumps(json.loads(path.read_bytes()), ensure_ascii=False, indent=1)
    path.write_bytes(text.encode(encoding))
    assert reviewing.import_reviews(path, night).new


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[[[", b"[" * 100_000, b"null", b"[]"])
def test_files_that_are_no_reviews(night: Path, content: bytes) -> None:
    path = night / "reviews.json"
    path.write_bytes(content)
    with pytest.raises(UsageError, match="again from the report"):
        reviewing.import_reviews(path, night)
    with pytest.raises(UsageError, match="does not exist"):
        reviewing.import_reviews(night / "gone.json", night)


def test_hostile_notes_and_foreign_calls(night: Path, browser: Any, desk: SimpleNamespace) -> None:
    bad = word(call_id=desk.CLIMBING, finding_id=f"{desk.CLIMBING}-0", note=desk.HOSTILE)
    file = file_of(night, bad | {"reviewer": desk.HOSTILE[:80]}, word(call_id="X9"))
    done = reviewing.import_reviews(file, night)
    assert (done.new, done.foreign) == (1, 1) and "left out" in formatters.imported(done)
    browser.open(Layout(night).call_page(desk.CLIMBING))
    assert browser.driver.title != "owned"
    assert browser.run("return document.images.length") == 0
    assert browser.complaints() == []


def test_the_command(night: Path, callaudit: Any) -> None:
    done = callaudit("review", "import", file_of(night, word()), "--out", night)
    assert done.returncode == 0, done.stderr
    assert "1 reviews imported" in done.stdout
    refused = callaudit("review", "import", file_of(night, version=0), "--out", night)
    assert refused.returncode == 2 and refused.stderr.count("\n") == 1


def test_the_queue_draws_failures_and_passes_with_known_weights() -> None:
    findings = [(f"f{i}", "greeting", Verdict.FAIL) for i in range(100)]
    findings += [(f"p{i}", "greeting", Verdict.PASS) for i in range(300)]
    findings += [(f"c{i}", "hold", Verdict.CANNOT_TELL) for i in range(9)]
    findings += [("only", "hold", Verdict.PASS)]
    sampled = sampling.of_night("2026-11-13", findings)
    assert sampled == sampling.of_night("2026-11-13", reversed(findings))
    assert sampled.keys() != sampling.of_night("2026-11-14", findings).keys()
    assert sorted(sampled.values()) == [
        *[("finding", 25.0)] * 4,
        ("pass", 1.0),
        *[("pass", 150.0)] * 2,
    ]
    seen = [name for day in range(1000) for name in sampling.of_night(f"d{day}", findings)]
    share = seen.count("f7") / 1000
    assert abs(share - 4 / 100) < 4 * (0.04 * 0.96 / 1000) ** 0.5


def test_a_review_from_the_queue_says_so(night: Path, browser: Any) -> None:
    browser.open(Layout(night).index_page)
    browser.click(".tools a.button")
    browser.until("document.body.classList.contains('queue')")
    browser.click("#queue tbody a")
    browser.until("document.querySelector('#queue-place:not([hidden])')")
    browser.type("[name=reviewer]", "林静")
    browser.run("document.querySelector('.finding.queued [data-decision=agree]').click()")
    browser.click("[data-export]")
    (said,) = json.loads(browser.exported().read_text("utf-8"))["reviews"]
    assert said["sampled_by"] in {"finding", "pass"} and said["sampling_weight"] >= 1
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT.*Z", said["reviewed_at"])
    now = datetime.now(UTC) + timedelta(days=1)
    assert reviewing.import_reviews(browser.exported(), night, now=now).new == 1
    row = reviews(night).iloc[0]
    assert row["sampling_weight"] == said["sampling_weight"]
