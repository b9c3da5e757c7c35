"""The workbook and the CSV files say what the tables say, and harm nobody who opens them."""

from __future__ import annotations

import csv
import itertools
import tracemalloc
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote, urlsplit

import openpyxl
import pytest

from audit.errors import CallauditError, UsageError
from data_samples.generate import months
from reports import export as exporting
from reports.export import cells, excel, sheets
from reports.export.content import Content
from reports.pages.html import render
from reports.store import Store
from reports.wording import by_key

NIGHT = "2026-11-13"
ZH = by_key("zh")
TABS = ["概览", "各规则", "客服", "检查结果", "通话", "未能质检"]


def write(out: Path, to: Path | None, **given: Any) -> exporting.Exported:
    store = Store.open(out)
    nights = exporting.chosen_nights(store, given.pop("night", None), given.pop("last", None))
    return exporting.export(store, nights=nights, xlsx=to, **{"language": "zh"} | given)


def read(path: Path, tab: str) -> list[dict[str, Any]]:
    """Rows of a tab by their headings."""
    rows = openpyxl.load_workbook(path)[tab].iter_rows(values_only=True)
    headings = next(rows)
    return [dict(zip(headings, row, strict=True)) for row in rows]


def all_cells(path: Path) -> list[Any]:
    book = openpyxl.load_workbook(path)
    return [cell for tab in book for row in tab.iter_rows() for cell in row]


# content


def test_findings_are_those_of_the_table(month: Path, tmp_path: Path) -> None:
    (night,) = itertools.islice(Store(month).findings.nights(), 1)
    done = write(month, tmp_path / "n.xlsx", night=night, last=night)
    stored = Store(month).findings.rows(nights=(night, night))
    shown = read(tmp_path / "n.xlsx", "检查结果")
    assert done.rows["findings"] == len(shown) == len(stored) > 50
    by_id = {row["结果编号"]: row for row in shown}
    for row in stored:
        said = by_id[row["finding_id"]]
        assert said["日期"] == datetime.fromisoformat(night)
        assert said["通话编号"] == row["call_id"]
        assert said["工号"] == row["agent"]
        assert said["规则"] == ZH.get(f"rule.{row['rule_id']}", row["rule_id"])
        assert said["结论"] == ZH[f"verdict.{row['verdict']}"]
        assert said["条款"] == row["clause_id"]
        assert said["原话"] == row["evidence"]
        assert said["原因"] == row["reason"]
        assert (said["开始（秒）"], said["结束（秒）"]) == (row["start_s"], row["end_s"])
        assert (said["扣分"], said["置信度"]) == (row["points"], row["confidence"])
        assert said["一票否决"] == ("是" if row["auto_fail"] else "否")


def test_calls_and_agents_are_those_of_the_tables(month: Path, tmp_path: Path) -> None:
    nights = Store(month).calls.nights()[-3:]
    write(month, tmp_path / "m.xlsx", night=nights[0])
    calls = {row["通话编号"]: row for row in read(tmp_path / "m.xlsx", "通话")}
    stored = Store(month).calls.rows(nights=(nights[0], None))
    assert len(stored) == len(calls) == 75
    for row in stored:
        said = calls[row["call_id"]]
        assert abs(said["开始时间"] - row["started_local"]) <= timedelta(milliseconds=1)
        assert (said["得分"], said["等级"]) == (row["score"], row["grade"])
        assert said["队列"] == row["meta_queue"]  # as nights before 1.9 have it
        assert said["trained_on"] == row["meta_trained_on"]
        assert said["开头语"] == ZH[f"verdict.{row['greeting_verdict']}"]
    agents = Store(month).agents.rows(nights=(nights[0], None))
    kept = [(row["audit_date"], row["agent"], row["mean_score"]) for row in agents]
    listed = read(tmp_path / "m.xlsx", "客服")
    shown = [(str(row["日期"].date()), row["工号"], row["平均分"]) for row in listed]
    assert sorted(shown) == sorted(kept)


def test_the_summary_counts_what_the_sheets_list(night: Path, tmp_path: Path) -> None:
    write(night, tmp_path / "n.xlsx", night=NIGHT, last=NIGHT)
    (row,) = read(tmp_path / "n.xlsx", "概览")
    calls = read(tmp_path / "n.xlsx", "通话")
    rejects = read(tmp_path / "n.xlsx", "未能质检")
    assert (row["录音"], row["已质检"], row["未能质检"]) == (6, len(calls), len(rejects))
    assert [reject["原因"] for reject in rejects] == ["太短", "太短"]
    scores = [call["得分"] for call in calls if call["得分"] is not None]
    assert row["平均分"] == pytest.approx(sum(scores) / len(scores), abs=0.01)
    rules = {rule["规则"]: rule for rule in read(tmp_path / "n.xlsx", "各规则")}
    verdicts = Counter(call["开头语"] for call in calls)
    assert (rules["开头语"]["不合格（通）"], rules["开头语"]["无法判断（通）"]) == (
        verdicts["不合格"],
        verdicts["无法判断"],
    )


def test_reviews_are_told(month: Path, tmp_path: Path) -> None:
    last = Store(month).calls.nights()[5]
    write(month, tmp_path / "m.xlsx", last=last)
    latest: dict[str, Any] = {}
    given = Store(month).reviews.rows(nights=(None, last))
    for row in sorted(given, key=lambda r: r["reviewed_at"]):
        if row["kind"] == "review" and row["finding_id"]:
            latest[row["finding_id"]] = row["decision"]
    told = {r["结果编号"]: r["复核"] for r in read(tmp_path / "m.xlsx", "检查结果") if r["复核"]}
    assert told == {name: ZH[f"decision.{decision}"] for name, decision in latest.items()}
    assert told
    assert any(row["复核后得分"] is not None for row in read(tmp_path / "m.xlsx", "通话"))


def test_merged_nights_give_the_same(month: Path, merged_month: Path, tmp_path: Path) -> None:
    for out, to in ((month, "a"), (merged_month, "b")):
        write(out, None, csv=tmp_path / to, night="2026-10-28", last="2026-11-01")
    for file in sorted((tmp_path / "a").iterdir()):
        lines = [sorted((tmp_path / to / file.name).read_text("utf-8").split("\n")) for to in "ab"]
        assert lines[0] == lines[1], file.name


def test_english(night: Path, tmp_path: Path) -> None:
    write(night, tmp_path / "n.xlsx", language="en")
    book = openpyxl.load_workbook(tmp_path / "n.xlsx")
    tabs = ["Summary", "Rules", "Agents", "Findings", "Calls", "Rejects"]
    assert book.sheetnames == tabs
    shown = read(tmp_path / "n.xlsx", "Findings")
    verdicts = ("pass", "fail", "cannot_tell")
    assert {row["Verdict"] for row in shown} == {by_key("en")[f"verdict.{v}"] for v in verdicts}
    unsure = {row["Reason"] for row in shown if row["Check"] == "Interrupted the customer"}
    assert len(unsure) == 1
    assert unsure.pop().startswith("The customer was not interrupted (not counted as")


# looks


def test_tabs_have_chinese_headings_filters_and_frozen_panes(night: Path, tmp_path: Path) -> None:
    write(night, tmp_path / "n.xlsx")
    book = openpyxl.load_workbook(tmp_path / "n.xlsx")
    assert book.sheetnames == TABS
    for tab in book:
        headings = [cell.value for cell in tab[1]]
        known = [h for h in headings if h != "VIP"]
        assert all(any("一" <= mark <= "鿿" for mark in heading) for heading in known)
        assert tab.auto_filter.ref == f"A1:{tab.cell(tab.max_row, len(headings)).coordinate}"
        assert tab.freeze_panes in ("B2", "C2")
        assert all(tab.column_dimensions[cell.column_letter].customWidth for cell in tab[1][:1])
    findings = book["检查结果"]
    rules = [rule for found in findings.conditional_formatting for rule in found.rules]
    assert {rule.formula[0] for rule in rules} == {'"不合格"', '"无法判断"', '"是"'}
    formats = {findings.cell(1, c.column).value: c.number_format for c in findings[2]}
    assert formats["日期"] == "yyyy-mm-dd"
    assert formats["扣分"] == "0.0"
    assert formats["置信度"] == "0.0%"


# harmless


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "＝"])
def test_no_text_becomes_a_formula(start: str, desk: SimpleNamespace, tmp_path: Path) -> None:
    words = f"{start}cmd|' /C calc'!A0"
    desk.lay_out(tmp_path, [desk.Sample(f"{start}C1", agent=f"{start}A1", words=words)], [words])
    write(tmp_path, tmp_path / "n.xlsx", csv=tmp_path / "csv")
    written = all_cells(tmp_path / "n.xlsx")
    assert {cell.data_type for cell in written} <= {"s", "n", "d"}
    start = start.replace("\r", "\n")
    dangerous = [cell for cell in written if str(cell.value).startswith(start)]
    assert len(dangerous) >= 8
    assert all(cell.quotePrefix for cell in dangerous)
    for file in (tmp_path / "csv").iterdir():
        with file.open(encoding="utf-8-sig", newline="") as lines:
            said = [cell for row in csv.reader(lines) for cell in row]
        assert not [cell for cell in said if cell.startswith(start)], file
        if file.stem in ("findings", "calls", "rejects"):
            assert [cell for cell in said if cell.startswith(f"'{start}")]


def test_what_excel_cannot_hold_is_left_out_or_cut(desk: SimpleNamespace, tmp_path: Path) -> None:
    words = "前\x00\x0b\x1f\ufffe后" + "😀" * 20_000
    desk.lay_out(tmp_path, [desk.Sample("C1", words=words)])
    write(tmp_path, tmp_path / "n.xlsx")
    shown = read(tmp_path / "n.xlsx", "检查结果")[0]["原话"]
    assert shown.startswith("前后😀😀")
    assert shown.endswith("😀…（已截断，原文共 20002 字）")
    assert cells.LONGEST - 1 <= len(shown.encode("utf-16-le")) // 2 <= cells.LONGEST


def test_dates_before_excels_calendar_and_no_numbers() -> None:
    early = {"started_local": datetime(1899, 12, 31, 23, 59), "score": float("nan")}
    said = dict(zip(sheets.calls(()).columns, sheets.calls(()).values(early, "zh"), strict=True))
    by_name = {column.name: value for column, value in said.items()}
    assert by_name["started_local"] == "1899-12-31 23:59:00"
    assert by_name["score"] is None


# links


@pytest.mark.parametrize("place", ["OUT", "beside", "deeper", "elsewhere"])
def test_links_lead_to_pages(place: str, desk: SimpleNamespace, tmp_path: Path) -> None:
    out = tmp_path / "质检 50%#1" / "OUT"
    folders = {"OUT": out, "beside": out.parent, "deeper": out.parent / "发 出" / "十一月"}
    samples = [desk.Sample("C1"), desk.Sample(desk.CLIMBING, agent=desk.HOSTILE)]
    desk.lay_out(out, samples, ["short.wav"])
    render(Store(out))
    file = folders.get(place, tmp_path / "elsewhere") / "日报.xlsx"
    write(out, file)
    links = [cell.hyperlink for cell in all_cells(file) if cell.hyperlink]
    book = openpyxl.load_workbook(file)
    assert all(any(cell.hyperlink for row in tab for cell in row) for tab in book)
    for link in links:
        assert link.target.startswith("file:///") == (place == "elsewhere")
        path = unquote(urlsplit(link.target).path)
        assert (file.parent / path).resolve().is_file(), link.target
    (jump,) = {
        cell.hyperlink.location
        for row in book["检查结果"].iter_rows(min_row=2)
        for cell in row
        if cell.value == "C1" and row[7].value == "不合格"
    }
    page = (out / "html" / "calls" / "C1.html").read_text("utf-8")
    assert jump == "t=7.0&f=f-C1-0"
    assert 'id="f-C1-0"' in page


def test_without_pages_there_are_no_links(desk: SimpleNamespace, tmp_path: Path) -> None:
    desk.lay_out(tmp_path, [desk.Sample("C1")])
    write(tmp_path, tmp_path / "n.xlsx")
    assert not [cell for cell in all_cells(tmp_path / "n.xlsx") if cell.hyperlink]


# size


def test_more_rows_and_links_than_a_sheet_has(
    night: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(night, tmp_path / "whole.xlsx")
    whole = read(tmp_path / "whole.xlsx", "检查结果")
    monkeypatch.setattr(excel, "MOST_ROWS", 5)
    monkeypatch.setattr(excel, "MOST_LINKS", 2)
    done = write(night, tmp_path / "n.xlsx")
    book = openpyxl.load_workbook(tmp_path / "n.xlsx")
    parts = [name for name in book.sheetnames if name.startswith("检查结果")]
    assert parts == ["检查结果", "检查结果 2", "检查结果 3"]
    assert [row for part in parts for row in read(tmp_path / "n.xlsx", part)] == whole
    for part in parts:
        assert book[part].auto_filter.ref
        assert sum(1 for row in book[part] for cell in row if cell.hyperlink) <= 2
    linked = sum(1 for cell in all_cells(tmp_path / "whole.xlsx") if cell.hyperlink)
    still = sum(1 for cell in all_cells(tmp_path / "n.xlsx") if cell.hyperlink)
    assert done.unlinked == linked - still > 0


def test_memory_does_not_grow_with_rows(tmp_path: Path) -> None:
    peaks, rows = [], []
    for calls in (100, 800):
        out = tmp_path / str(calls)
        tables = ("calls", "findings", "agents")
        months.write(out, months.Plan(calls=calls, agents=calls // 50, nights=1, tables=tables))
        tracemalloc.start()
        rows.append(write(out, out / "n.xlsx").rows["findings"])
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert rows[1] > 3_500
    assert peaks[1] - peaks[0] < 2e6, peaks  # a workbook in memory takes 8e6 more


# whole or not at all


def test_a_damaged_table_leaves_the_old_files(night: Path, tmp_path: Path) -> None:
    to = tmp_path / "to"
    write(night, to / "n.xlsx", csv=to / "csv")
    before = {path: path.read_bytes() for path in sorted(to.rglob("*.*"))}
    broken = sorted(Store(night).layout.partitions("findings"))[-1]
    broken.write_bytes(b"no table")
    with pytest.raises(CallauditError, match="not a valid Parquet file"):
        write(night, to / "n.xlsx", csv=to / "csv")
    assert {path: path.read_bytes() for path in sorted(to.rglob("*.*"))} == before


def test_where_it_cannot_be_written(night: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CallauditError, match=r"was not written \(.*file.*\); see that"):
        write(night, tmp_path / "file" / "n.xlsx")


def test_nights_that_are_not_there(night: Path, tmp_path: Path) -> None:
    store = Store(night)
    assert exporting.chosen_nights(store, None, "2026-11-12") == ["2026-11-12"]
    with pytest.raises(UsageError, match="no calls of 2025-01-01; name nights between 2026-11-12"):
        exporting.chosen_nights(store, "2025-01-01", "2025-01-01")
    with pytest.raises(UsageError, match="no calls of 2026-12-01 to 2026-11-13"):
        exporting.chosen_nights(store, "2026-12-01", None)
    (tmp_path / "new" / "parquet").mkdir(parents=True)
    with pytest.raises(UsageError, match="holds no calls yet"):
        exporting.chosen_nights(Store.open(tmp_path / "new"), None, None)


def test_each_column_has_a_heading(night: Path) -> None:
    used = set()
    for sheet in Content(Store(night), "zh").sheets:
        used |= {f"export.column.{c.name}" for c in sheet.columns}
        assert len({c.heading("zh") for c in sheet.columns}) == len(sheet.columns)
    assert used == {key for key in ZH if key.startswith("export.column.")}
