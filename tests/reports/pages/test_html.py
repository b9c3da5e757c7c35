"""The pages as they are written, from real tables."""

from __future__ import annotations

import re
import stat
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import pytest

from reports.analysis import figures
from reports.pages.html import render
from reports.store import Store, schema
from reports.store.layout import Layout, safe_name
from reports.store.parquet import to_table


def pages(out: Path) -> dict[str, str]:
    root = out / "html"
    return {str(p.relative_to(root)): p.read_text("utf-8") for p in sorted(root.rglob("*.html"))}


class Markup(HTMLParser):
    """Collects what could run or reach out."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def test_every_call_agent_and_night_has_a_page(night: Path, desk: SimpleNamespace) -> None:
    assert set(pages(night)) == {
        "index.html",
        "nights/2026-11-12.html",
        "nights/2026-11-13.html",
        *(f"queue/2026-11-{day}.html" for day in (12, 13)),
        *(f"calls/{safe_name(c)}.html" for c in ("C0", "C1", "C2", "C3", desk.CLIMBING)),
        *(f"agents/{safe_name(a)}.html" for a in ("A1", "A2", desk.HOSTILE)),
    }
    modes = {stat.S_IMODE(p.stat().st_mode) for p in (night / "html").rglob("*") if p.is_file()}
    assert modes == {0o640}
    assert not list((night / "html").rglob("*.tmp"))
    assert "2026-11-13" in Layout(night).index_page.read_text("utf-8")


def test_hostile_words_stay_words(night: Path, desk: SimpleNamespace) -> None:
    for name, text in pages(night).items():
        markup = Markup(text)
        assert "default-src 'none'" in text, name
        for tag, attributes in markup.tags:
            assert not any(key.startswith("on") or key == "style" for key in attributes), name
            assert tag not in {"iframe", "object", "embed", "base", "style"}, name
            if tag == "script":
                inline = "src" not in attributes
                assert not inline or attributes.get("type") == "application/json", name
            for key in ("src", "href"):
                target = attributes.get(key)
                if target is not None:
                    assert re.match(r"(\.{1,2}/|#|data:image/svg|[a-z]+/|index\.html)", target), (
                        f"{name}: {target}"
                    )
        images = [tag for tag, _ in markup.tags if tag == "img"]
        assert not images, name


def test_links_lead_to_files_that_exist(night: Path, desk: SimpleNamespace) -> None:
    root = night / "html"
    for name, text in pages(night).items():
        for _, attributes in Markup(text).tags:
            target = attributes.get("href") or ""
            if target.endswith(".html") or ".html#" in target:
                page = (root / name).parent / target.partition("#")[0]
                assert page.resolve().is_file(), f"{name}: {target}"


def test_the_same_tables_give_the_same_bytes(night: Path) -> None:
    before = {p: p.stat().st_mtime_ns for p in (night / "html").rglob("*") if p.is_file()}
    render(Store(night))
    assert {p: p.stat().st_mtime_ns for p in before} == before


def test_only_what_was_touched_is_written_again(night: Path, desk: SimpleNamespace) -> None:
    first, second = Layout(night).call_page("C1"), Layout(night).call_page("C2")
    for path in (
        first,
        second,
        Layout(night).agent_page("A1"),
        Layout(night).agent_page("A2"),
    ):
        path.write_text("stale", "utf-8")
    render(Store(night), touched=({"C1"}, {"A1"}))
    assert first.read_text("utf-8") != "stale" and second.read_text("utf-8") == "stale"
    assert Layout(night).agent_page("A1").read_text("utf-8") != "stale"
    assert Layout(night).agent_page("A2").read_text("utf-8") == "stale"


def test_a_call_that_left_the_tables_loses_its_page(night: Path, desk: SimpleNamespace) -> None:
    day = date(2026, 11, 13)
    for table in ("calls", "turns", "findings", "agents"):
        Layout(night).partition(schema.TABLES[table], day, "A2").unlink()
    render(Store(night))
    assert (
        not Layout(night).call_page("C3").exists() and not Layout(night).agent_page("A2").exists()
    )


def test_sound_is_linked_said_to_be_gone_or_absent(night: Path, desk: SimpleNamespace) -> None:
    linked = Layout(night).call_page("C1").read_text("utf-8")
    assert 'src="./../../a%20call%20%231%20100%25.wav"' in linked
    gone = Layout(night).call_page("C2").read_text("utf-8")
    assert "录音文件已不在原处" in gone and "<audio" not in gone and "使用了服务禁语" in gone
    assert "没有录音" in Layout(night).call_page("C3").read_text("utf-8")


def test_sound_that_browsers_cannot_play_is_copied_once(
    tmp_path: Path, desk: SimpleNamespace
) -> None:
    plain = desk.tone(tmp_path / "plain.wav")
    odd = tmp_path / "odd.wav"
    with av.open(str(plain)) as source, av.open(str(odd), "w", format="wav") as target:
        stream: Any = target.add_stream("adpcm_ima_wav", rate=8000, layout="stereo")
        for frame in source.decode(audio=0):
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
    desk.lay_out(tmp_path, [desk.Sample("C1", source_uri=str(odd))])
    render(Store(tmp_path))
    copy = tmp_path / "html" / "audio" / "C1.ogg"
    with av.open(str(copy)) as sound:
        assert sound.streams.audio[0].codec.name in {"opus", "libopus"}
        assert sound.streams.audio[0].channels == 2
        assert sound.duration is not None and abs(sound.duration / 1e6 - 10) < 0.2
    assert 'src="./../audio/C1.ogg"' in Layout(tmp_path).call_page("C1").read_text("utf-8")
    made = copy.stat().st_mtime_ns
    render(Store(tmp_path))
    assert copy.stat().st_mtime_ns == made


def test_a_remote_recording_is_named_and_nothing_is_fetched(
    tmp_path: Path, desk: SimpleNamespace
) -> None:
    desk.lay_out(tmp_path, [desk.Sample("C1", source_uri="s3://bucket/a.wav")])
    render(Store(tmp_path))
    text = Layout(tmp_path).call_page("C1").read_text("utf-8")
    assert "s3://bucket/a.wav" in text and "<audio" not in text


def test_arithmetic_shows_each_rule_and_the_auto_fail(night: Path, desk: SimpleNamespace) -> None:
    plain = Layout(night).call_page("C1").read_text("utf-8")
    assert "100 × 52 ÷ 65 = 80" in plain and "不计入" in plain
    assert "按算式本为 80 分；因一票否决，得分为 0" in Layout(night).call_page("C2").read_text(
        "utf-8"
    )


def test_a_turn_is_shown_with_its_marks(night: Path, desk: SimpleNamespace) -> None:
    sample = replace(desk.Sample("C3", agent="A2"), words="您好您贵姓")
    marks = [{"position": 2, "mark": "，"}, {"position": 5, "mark": "？"}]
    marked = [row | {"marks": marks} for row in desk.turns(sample)]
    partition = Layout(night).partition(schema.TURNS, date(2026, 11, 13), "A2")
    Store(night).write(partition, to_table(schema.TURNS, marked))
    render(Store(night), touched=({"C3"}, {"A2"}))
    page = Layout(night).call_page("C3").read_text("utf-8")
    assert page.count("您好，您贵姓？") == len(marked)
    assert "标点由程序补上" in page
    assert "标点由程序补上" not in Layout(night).call_page("C1").read_text("utf-8")


def test_nothing_audited_yet_still_gives_a_page(tmp_path: Path, desk: SimpleNamespace) -> None:
    assert "还没有质检结果" in render(Store(tmp_path)).read_text("utf-8")


def test_figures_leave_out_what_cannot_be_told(night: Path, desk: SimpleNamespace) -> None:
    calls = figures.call_rows(Store(night))
    told = figures.summary("", [call for call in calls if call.audit_date == "2026-11-13"])
    assert (told.calls, told.scored, told.auto_fails) == (4, 3, 1)
    greeting, interruption = told.share("greeting"), told.share("no_interruption")
    assert (greeting.fails, greeting.decided, greeting.undecided) == (3, 3, 1)
    assert interruption.rate is None and interruption.interval is None


def test_wilson_and_student_intervals_match_the_books() -> None:
    low, high = figures.Share(1, 10, 0).interval or (0, 0)
    assert (round(low, 4), round(high, 4)) == (0.0179, 0.4042)
    assert figures.Share(0, 5, 0).interval == pytest.approx((0.0, 0.4345), abs=1e-4)


def test_the_index_of_a_busy_night_stays_small(tmp_path: Path, desk: SimpleNamespace) -> None:
    names = [f"20261113-{i:06d}" for i in range(2000)]
    samples = [
        desk.Sample(name, agent=f"{1000 + i % 50}", auto_fail=i % 40 == 0, words="王小明")
        for i, name in enumerate(names)
    ]
    desk.lay_out(tmp_path, samples)
    index = render(Store(tmp_path), touched=(set(), set()))
    assert index.stat().st_size < 1_500_000


def test_a_changed_call_changes_its_page(night: Path, desk: SimpleNamespace) -> None:
    changed = replace(desk.Sample("C3", agent="A2", timed=False), words="换了一句话")
    day = date(2026, 11, 13)
    table = schema.TURNS
    Store(night).write(
        Layout(night).partition(table, day, "A2"), to_table(table, desk.turns(changed))
    )
    render(Store(night), touched=({"C3"}, {"A2"}))
    assert "换了一句话" in Layout(night).call_page("C3").read_text("utf-8")
