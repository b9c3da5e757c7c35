"""The pages as people meet them: written from real tables, opened in a real browser."""

from __future__ import annotations

import json
import re
import shutil
import stat
import wave
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from reports import schema, views
from reports.html import render
from reports.parquet import partition_file, to_table, write
from reports.paths import agent_page, call_page, index_page, safe_name

CHROMIUM = shutil.which("chromium")
HOSTILE = "\"><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
CLIMBING = "../../x"
LINEAGE = {"schema_version": schema.SCHEMA_VERSION, "run_id": "r1"}


@dataclass(frozen=True)
class Sample:
    """One call of the test's tables."""

    call_id: str
    agent: str = "A1"
    night: str = "2026-11-13"
    score: float | None = 80.0
    auto_fail: bool = False
    words: str = "你好，联通客服"
    source_uri: str | None = None
    timed: bool = True
    greeting: str = "fail"


def lay_out(out: Path, samples: list[Sample], rejects: list[str] | None = None) -> None:
    """Write the tables with the project's own writer."""
    places = sorted({(sample.night, sample.agent) for sample in samples})
    for night, agent in places:
        own = [s for s in samples if (s.night, s.agent) == (night, agent)]
        day = date.fromisoformat(night)
        rows: dict[str, list[dict[str, Any]]] = {
            "calls": [_call(s) for s in own],
            "turns": [turn for s in own for turn in _turns(s)],
            "findings": [finding for s in own for finding in _findings(s)],
            "agents": [_agent(agent, own)],
        }
        for name, listed in rows.items():
            table = schema.TABLES[name]
            write(partition_file(out, table, day, agent), to_table(table, listed))
    if rejects:
        listed = [
            {"source_file": name, "reason": "too_short", "detail": "0.4 s", **LINEAGE}
            for name in rejects
        ]
        path = partition_file(out, schema.REJECTS, date.fromisoformat(places[-1][0]), None)
        write(path, to_table(schema.REJECTS, listed))


def _call(s: Sample) -> dict[str, Any]:
    at = datetime.fromisoformat(f"{s.night}T09:30:00")
    weights = {"greeting": 25.0, "no_interruption": 35.0, "forbidden_language": 40.0}
    verdicts = {
        "greeting": s.greeting,
        "no_interruption": "cannot_tell",
        "forbidden_language": "fail" if s.auto_fail else "pass",
    }
    earned = {"greeting": 12.0, "no_interruption": 0.0, "forbidden_language": 40.0}
    return {
        "call_id": s.call_id,
        "agent": s.agent,
        "agent_name": s.words[:200],
        "source_file": f"{s.call_id}.wav",
        "source_uri": s.source_uri,
        "started_at": at.replace(tzinfo=UTC),
        "started_local": at,
        "direction": "in",
        "duration_s": 10.0 if s.timed else None,
        "channels": "stereo" if s.timed else "text",
        "rulebook_id": "hotline",
        "score": s.score,
        "grade": None if s.score is None else "F" if s.auto_fail else "B",
        "auto_fail": s.auto_fail,
        "rule_scores": [
            {"rule_id": r, "verdict": verdicts[r], "weight": w, "earned": earned[r]}
            for r, w in weights.items()
        ],
        **{f"{rule}_verdict": verdict for rule, verdict in verdicts.items()},
        "doubts": [s.words],
        "rulebook_sha256": "0" * 64,
        "audit_version": "0",
        "meta_queue": s.words,
        **LINEAGE,
    }


def _turns(s: Sample) -> list[dict[str, Any]]:
    plan = [("agent", 1.0, 3.0, "greeting"), ("customer", 2.5, 6.0, "handling")]
    plan += [("agent", 7.0, 9.0, "closing")]
    return [
        {
            "call_id": s.call_id,
            "agent": s.agent,
            "turn_index": i,
            "role": role,
            "start_s": start if s.timed else None,
            "end_s": end if s.timed else None,
            "text": s.words,
            "segment": stage,
            "asr_confidence": 0.4 if i else 0.9,
            "is_backchannel": False,
            "speech": [{"start_s": start, "end_s": end}] if s.timed else [],
            **LINEAGE,
        }
        for i, (role, start, end, stage) in enumerate(plan)
    ]


def _findings(s: Sample) -> list[dict[str, Any]]:
    common = {"call_id": s.call_id, "agent": s.agent, "role": "agent", "segment": "greeting"}
    times = {"start_s": 7.0, "end_s": 9.0} if s.timed else {}
    found: list[dict[str, Any]] = [
        {
            "rule_id": "greeting",
            "check_id": "greeting.hello",
            "clause_id": "003-1.1.4",
            "verdict": s.greeting,
            "severity": "minor",
            "points": 13.0 if s.greeting == "fail" else 0.0,
            "reason": s.words,
            "evidence": s.words,
            "meant": s.words,
            "auto_fail": False,
            **times,
        },
        {
            "rule_id": "no_interruption",
            "check_id": "no_interruption",
            "verdict": "cannot_tell",
            "points": 0.0,
            "reason": "单声道，分不清谁在说话",
            "auto_fail": False,
        },
    ]
    if s.auto_fail:
        found.append(
            {
                "rule_id": "forbidden_language",
                "check_id": "forbidden_language",
                "clause_id": "000-26",
                "verdict": "fail",
                "severity": "critical",
                "points": 40.0,
                "reason": "使用了服务禁语",
                "evidence": s.words,
                "auto_fail": True,
                "start_s": 2.0 if s.timed else None,
                "end_s": 3.0 if s.timed else None,
            }
        )
    return [
        {"finding_id": f"{s.call_id}-{i}", "confidence": 0.8, **common, **f, **LINEAGE}
        for i, f in enumerate(found)
    ]


def _agent(agent: str, own: list[Sample]) -> dict[str, Any]:
    scores = [s.score for s in own if s.score is not None]
    return {
        "agent": agent,
        "agent_name": own[-1].words[:200],
        "calls": len(own),
        "mean_score": sum(scores) / len(scores) if scores else None,
        "auto_fails": sum(s.auto_fail for s in own),
        **LINEAGE,
    }


def tone(path: Path, *, seconds: float = 10.0, channels: int = 2) -> Path:
    """A recording that any browser plays."""
    wavelength = np.arange(int(8000 * seconds)) * 2 * np.pi * 220 / 8000
    samples = (np.sin(wavelength) * 6000).astype("<i2").repeat(channels)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(samples.tobytes())
    return path


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


@pytest.fixture
def night(tmp_path: Path) -> Path:
    """Two nights, a hostile call with a climbing id, a text-only call, a gone recording."""
    sound = tone(tmp_path / "a call #1 100%.wav")
    lay_out(
        tmp_path,
        [
            Sample("C1", source_uri=str(sound)),
            Sample("C2", auto_fail=True, score=0.0, source_uri=str(tmp_path / "gone.wav")),
            Sample("C3", agent="A2", timed=False, score=None, greeting="cannot_tell"),
            Sample(CLIMBING, agent=HOSTILE, words=HOSTILE, source_uri=str(sound)),
            Sample("C0", night="2026-11-12", score=100.0, greeting="pass"),
        ],
        rejects=[HOSTILE, "short.wav"],
    )
    render(tmp_path)
    return tmp_path


def test_every_call_agent_and_night_has_a_page(night: Path) -> None:
    assert set(pages(night)) == {
        "index.html",
        "nights/2026-11-12.html",
        "nights/2026-11-13.html",
        *(f"calls/{safe_name(c)}.html" for c in ("C0", "C1", "C2", "C3", CLIMBING)),
        *(f"agents/{safe_name(a)}.html" for a in ("A1", "A2", HOSTILE)),
    }
    modes = {stat.S_IMODE(p.stat().st_mode) for p in (night / "html").rglob("*") if p.is_file()}
    assert modes == {0o640}
    assert not list((night / "html").rglob("*.tmp"))
    assert "2026-11-13" in index_page(night).read_text("utf-8")


def test_hostile_words_stay_words(night: Path) -> None:
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


def test_links_lead_to_files_that_exist(night: Path) -> None:
    root = night / "html"
    for name, text in pages(night).items():
        for _, attributes in Markup(text).tags:
            target = attributes.get("href") or ""
            if target.endswith(".html") or ".html#" in target:
                page = (root / name).parent / target.partition("#")[0]
                assert page.resolve().is_file(), f"{name}: {target}"


def test_the_same_tables_give_the_same_bytes(night: Path, tmp_path: Path) -> None:
    before = {p: p.stat().st_mtime_ns for p in (night / "html").rglob("*") if p.is_file()}
    render(night)
    assert {p: p.stat().st_mtime_ns for p in before} == before


def test_only_what_was_touched_is_written_again(night: Path) -> None:
    first, second = call_page(night, "C1"), call_page(night, "C2")
    for path in (first, second, agent_page(night, "A1"), agent_page(night, "A2")):
        path.write_text("stale", "utf-8")
    render(night, touched=({"C1"}, {"A1"}))
    assert first.read_text("utf-8") != "stale" and second.read_text("utf-8") == "stale"
    assert agent_page(night, "A1").read_text("utf-8") != "stale"
    assert agent_page(night, "A2").read_text("utf-8") == "stale"


def test_a_call_that_left_the_tables_loses_its_page(night: Path) -> None:
    day = date(2026, 11, 13)
    for table in ("calls", "turns", "findings", "agents"):
        partition_file(night, schema.TABLES[table], day, "A2").unlink()
    render(night)
    assert not call_page(night, "C3").exists() and not agent_page(night, "A2").exists()


def test_sound_is_linked_said_to_be_gone_or_absent(night: Path) -> None:
    linked = call_page(night, "C1").read_text("utf-8")
    assert 'src="./../../a%20call%20%231%20100%25.wav"' in linked
    gone = call_page(night, "C2").read_text("utf-8")
    assert "录音文件已不在原处" in gone and "<audio" not in gone and "使用了服务禁语" in gone
    assert "没有录音" in call_page(night, "C3").read_text("utf-8")


def test_sound_that_browsers_cannot_play_is_copied_once(tmp_path: Path) -> None:
    plain = tone(tmp_path / "plain.wav")
    odd = tmp_path / "odd.wav"
    with av.open(str(plain)) as source, av.open(str(odd), "w", format="wav") as target:
        stream: Any = target.add_stream("adpcm_ima_wav", rate=8000, layout="stereo")
        for frame in source.decode(audio=0):
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
    lay_out(tmp_path, [Sample("C1", source_uri=str(odd))])
    render(tmp_path)
    copy = tmp_path / "html" / "audio" / "C1.ogg"
    with av.open(str(copy)) as sound:
        assert sound.streams.audio[0].codec.name in {"opus", "libopus"}
        assert sound.streams.audio[0].channels == 2
        assert sound.duration is not None and abs(sound.duration / 1e6 - 10) < 0.2
    assert 'src="./../audio/C1.ogg"' in call_page(tmp_path, "C1").read_text("utf-8")
    made = copy.stat().st_mtime_ns
    render(tmp_path)
    assert copy.stat().st_mtime_ns == made


def test_a_remote_recording_is_named_and_nothing_is_fetched(tmp_path: Path) -> None:
    lay_out(tmp_path, [Sample("C1", source_uri="s3://bucket/a.wav")])
    render(tmp_path)
    text = call_page(tmp_path, "C1").read_text("utf-8")
    assert "s3://bucket/a.wav" in text and "<audio" not in text


def test_arithmetic_shows_each_rule_and_the_auto_fail(night: Path) -> None:
    plain = call_page(night, "C1").read_text("utf-8")
    assert "100 × 52 ÷ 65 = 80" in plain and "不计入" in plain
    assert "按算式本为 80 分；因一票否决，得分为 0" in call_page(night, "C2").read_text("utf-8")


def test_nothing_audited_yet_still_gives_a_page(tmp_path: Path) -> None:
    assert "还没有质检结果" in render(tmp_path).read_text("utf-8")


def test_figures_leave_out_what_cannot_be_told(night: Path) -> None:
    calls = views.call_rows(night)
    figures = views.summary("", [call for call in calls if call.audit_date == "2026-11-13"])
    assert (figures.calls, figures.scored, figures.auto_fails) == (4, 3, 1)
    greeting, interruption, _ = figures.shares
    assert (greeting.fails, greeting.told, greeting.untold) == (3, 3, 1)
    assert interruption.rate is None and interruption.interval is None


def test_wilson_and_student_intervals_match_the_books() -> None:
    low, high = views.Share(1, 10, 0).interval or (0, 0)
    assert (round(low, 4), round(high, 4)) == (0.0179, 0.4042)
    assert views.Share(0, 5, 0).interval == pytest.approx((0.0, 0.4345), abs=1e-4)


def test_the_index_of_a_busy_night_stays_small(tmp_path: Path) -> None:
    names = [f"20261113-{i:06d}" for i in range(2000)]
    samples = [
        Sample(name, agent=f"{1000 + i % 50}", auto_fail=i % 40 == 0, words="王小明")
        for i, name in enumerate(names)
    ]
    lay_out(tmp_path, samples)
    index = render(tmp_path, touched=(set(), set()))
    assert index.stat().st_size < 1_500_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("chromium is not installed")
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for switch in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--window-size=1300,900",
        "--autoplay-policy=no-user-gesture-required",
    ):
        options.add_argument(switch)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(
        options=options, service=Service(shutil.which("chromedriver") or "chromedriver")
    )
    yield driver
    driver.quit()


def wait_until(driver: Any, script: str) -> Any:
    from selenium.webdriver.support.ui import WebDriverWait

    return WebDriverWait(driver, 15, 0.05).until(lambda d: d.execute_script(f"return {script}"))


AUDIO = "document.getElementById('audio')"


def complaints(driver: Any) -> list[str]:
    """Errors and refusals of the Content-Security-Policy since the last question."""
    return [json.dumps(entry) for entry in driver.get_log("browser")]


def test_browser_plays_from_a_finding_a_turn_a_key_and_the_url(night: Path, browser: Any) -> None:
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    browser.get(call_page(night, "C1").as_uri() + "#t=4.5")
    wait_until(browser, f"{AUDIO}.readyState >= 1 && Math.abs({AUDIO}.currentTime - 4.5) < 0.01")
    assert wait_until(browser, "document.querySelector('.turn.now').id") == "t1"

    browser.find_element(By.CSS_SELECTOR, ".finding.fail .time").click()
    wait_until(browser, f"!{AUDIO}.paused && {AUDIO}.currentTime > 6.6")
    browser.execute_script(f"{AUDIO}.pause()")

    browser.find_element(By.CSS_SELECTOR, "#t0 .text").click()
    wait_until(browser, f"{AUDIO}.currentTime >= 1 && {AUDIO}.currentTime < 3")
    browser.execute_script(f"{AUDIO}.pause()")

    body = browser.find_element(By.TAG_NAME, "body")
    body.send_keys("j")
    wait_until(browser, f"{AUDIO}.currentTime > 6.6")
    body.send_keys(" ")
    wait_until(browser, f"{AUDIO}.paused")
    at = browser.execute_script(f"return {AUDIO}.currentTime")
    body.send_keys(Keys.ARROW_LEFT)
    wait_until(browser, f"Math.abs({AUDIO}.currentTime - {at - 5}) < 0.05")

    browser.execute_script(
        """const strip = document.getElementById('timeline'), box = strip.getBoundingClientRect();
        strip.dispatchEvent(new MouseEvent('click', {bubbles: true, clientX: box.left +
        0.55 * box.width, clientY: box.top + 50}));"""
    )
    wait_until(browser, f"{AUDIO}.currentTime >= 5.49 && {AUDIO}.currentTime < 9")
    assert complaints(browser) == []


def test_browser_runs_nothing_from_outside(night: Path, browser: Any) -> None:
    found = [call_page(night, CLIMBING), agent_page(night, HOSTILE), index_page(night)]
    for path in found:
        browser.get(path.as_uri())
        wait_until(browser, "document.readyState === 'complete'")
        assert browser.title != "owned"
        assert browser.execute_script("return document.images.length") == 0
        assert complaints(browser) == [], path


def test_browser_keeps_filters_and_order_in_the_url(night: Path, browser: Any) -> None:
    from selenium.webdriver.common.by import By

    shown = "[...document.querySelectorAll('#calls tbody tr:not([hidden]) a')]"
    names = f"{shown}.filter(a => a.closest('th')).map(a => a.textContent)"
    browser.get(index_page(night).as_uri())
    wait_until(browser, f"{names}.length === 4")
    browser.find_element(By.NAME, "calls.q").send_keys("c2")
    assert wait_until(browser, f"{names}.length === 1 && {names}") == ["C2"]
    url = browser.current_url
    assert "calls.q=c2" in url
    browser.get("about:blank")
    browser.get(url)
    assert wait_until(browser, f"{names}.length === 1 && {names}") == ["C2"]

    browser.get("about:blank")
    browser.get(index_page(night).as_uri() + "#calls.verdict=x")
    assert wait_until(browser, f"{names}.length === 1 && {names}") == ["C2"]

    browser.get("about:blank")
    browser.get(index_page(night).as_uri())
    score = browser.find_elements(By.CSS_SELECTOR, "#calls thead button")[4]
    browser.execute_script("arguments[0].click()", score)
    assert wait_until(browser, f"{names}.length === 4 && {names}")[-1] == "C3"
    browser.execute_script("arguments[0].click()", score)
    assert wait_until(browser, f"{names}[0] === 'C2' && {names}")[-1] == "C3"

    browser.get("about:blank")
    browser.get(index_page(night).as_uri() + "#date=2026-11-12")
    wait_until(browser, "location.pathname.endsWith('/nights/2026-11-12.html')")
    assert complaints(browser) == []


@pytest.mark.parametrize("width", [390, 1400])
def test_no_page_scrolls_sideways(night: Path, browser: Any, width: int) -> None:
    metrics = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    try:
        for name in pages(night):
            browser.get((night / "html" / name).as_uri())
            wait_until(browser, "document.readyState === 'complete'")
            assert browser.execute_script("return document.documentElement.scrollWidth") <= width, (
                name
            )
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_a_changed_call_changes_its_page(night: Path) -> None:
    changed = replace(Sample("C3", agent="A2", timed=False), words="换了一句话")
    day = date(2026, 11, 13)
    table = schema.TURNS
    write(partition_file(night, table, day, "A2"), to_table(table, _turns(changed)))
    render(night, touched=({"C3"}, {"A2"}))
    assert "换了一句话" in call_page(night, "C3").read_text("utf-8")
