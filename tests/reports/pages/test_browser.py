"""The pages as people meet them, opened from disk in a real Chromium."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from audit.errors import UsageError
from reports.pages import case_file
from reports.pages.html import render
from reports.store import Store
from reports.store.layout import Layout

AUDIO = "document.getElementById('audio')"


def pages(out: Path) -> list[Path]:
    return sorted((out / "html").rglob("*.html"))


def test_plays_from_a_finding_a_turn_a_key_the_waveform_and_the_url(
    night: Path, browser: Any
) -> None:
    browser.open(Layout(night).call_page("C1"), hash="#t=4.5")
    browser.until(f"{AUDIO}.readyState >= 1 && Math.abs({AUDIO}.currentTime - 4.5) < 0.01")
    assert browser.until("document.querySelector('.turn.now').id") == "t1"

    browser.click(".finding.fail .time")
    browser.until(f"!{AUDIO}.paused && {AUDIO}.currentTime > 6.6")
    browser.click("#play")
    browser.until(f"{AUDIO}.paused")

    browser.click("#t0 .text")
    browser.until(f"{AUDIO}.currentTime >= 1 && {AUDIO}.currentTime < 3")
    browser.run(f"{AUDIO}.pause()")

    browser.type("body", "j")
    browser.until(f"{AUDIO}.currentTime > 6.6")
    browser.type("body", " ")
    browser.until(f"{AUDIO}.paused")
    at = browser.run(f"return {AUDIO}.currentTime")
    browser.type("body", "\ue012")  # the left arrow
    browser.until(f"Math.abs({AUDIO}.currentTime - {at - 5}) < 0.05")

    browser.until("callaudit.wave.getDuration() > 9")
    assert browser.run("return callaudit.wave.getDecodedData().numberOfChannels") == 2
    browser.run(
        """const box = document.getElementById('wave').getBoundingClientRect();
        const inner = callaudit.wave.getWrapper();
        inner.dispatchEvent(new MouseEvent('click', {bubbles: true, composed: true,
            clientX: box.left + 0.55 * box.width, clientY: box.top + 20}));"""
    )
    browser.until(f"{AUDIO}.currentTime >= 5.4 && {AUDIO}.currentTime < 7")
    assert browser.complaints() == []


def test_skips_silence_and_plays_faster(night: Path, browser: Any, desk: SimpleNamespace) -> None:
    sound = desk.tone(night / "long.wav", seconds=20)
    desk.lay_out(night, [desk.Sample("C1", source_uri=str(sound), duration_s=20.0)])
    render(Store(night))
    browser.open(Layout(night).call_page("C1"), hash="#t=9.5")
    assert browser.run("return callaudit.data.silences") == [[9, 20]]
    browser.click("#skip")
    browser.run(
        "const s = document.getElementById('speed'); s.value = '2';"
        "s.dispatchEvent(new Event('change'))"
    )
    browser.click("#play")
    browser.until(f"{AUDIO}.currentTime > 19")
    assert browser.run(f"return {AUDIO}.playbackRate") == 2


def test_a_call_without_recording_still_shows_its_waveform(night: Path, browser: Any) -> None:
    browser.open(Layout(night).call_page("C2"), hash="#f=f-C2-0")
    browser.until("callaudit.wave && callaudit.wave.getDuration() > 9")
    assert browser.run("return document.getElementById('at').textContent") == "00:06.7"
    assert browser.run("return document.querySelector('.turn.now') !== null") is False
    assert browser.complaints() == []


def test_runs_nothing_from_outside(night: Path, browser: Any, desk: SimpleNamespace) -> None:
    case = case_file.write_case(Store(night), desk.CLIMBING)
    assert case.parent == night / "cases"
    found = [
        Layout(night).call_page(desk.CLIMBING),
        Layout(night).agent_page(desk.HOSTILE),
        Layout(night).index_page,
    ]
    found += [
        Layout(night).queue_page("2026-11-13"),
        case,
        Layout(night).call_page("C3"),
    ]
    for language in ("zh", "en"):
        for path in found:
            browser.open(path)
            browser.run("localStorage.setItem('callaudit.language', arguments[0])", language)
            browser.open(path)
            assert browser.driver.title != "owned"
            assert browser.run("return document.images.length") == 0
            assert browser.complaints() == [], path
    browser.run("localStorage.setItem('callaudit.review:x', '<img src=x onerror=alert(1)>')")
    browser.open(Layout(night).call_page(desk.CLIMBING))
    assert browser.run("return document.images.length") == 0
    assert browser.complaints() == []


def test_keeps_filters_and_order_in_the_url(night: Path, browser: Any) -> None:
    shown = "[...document.querySelectorAll('#calls tbody tr th a')]"
    names = f"{shown}.map(a => a.textContent)"
    browser.open(Layout(night).index_page)
    browser.until(f"{names}.length === 4")
    browser.type("[name='calls.q']", "c2")
    assert browser.until(f"{names}.length === 1 && {names}") == ["C2"]
    url = browser.driver.current_url
    assert "calls.q=c2" in url
    browser.open(Layout(night).index_page, hash=url[url.index("#") :])
    assert browser.until(f"{names}.length === 1 && {names}") == ["C2"]

    browser.open(Layout(night).index_page, hash="#calls.verdict=x")
    assert browser.until(f"{names}.length === 1 && {names}") == ["C2"]

    browser.open(Layout(night).index_page)
    score = "document.querySelectorAll('#calls thead button')[4]"
    browser.run(f"{score}.click()")
    assert browser.until(f"{names}.length === 4 && {names}")[-1] == "C3"
    browser.run(f"{score}.click()")
    assert browser.until(f"{names}[0] === 'C2' && {names}")[-1] == "C3"

    browser.open(Layout(night).index_page, hash="#date=2026-11-12")
    browser.until("location.pathname.endsWith('/nights/2026-11-12.html')")
    assert browser.complaints() == []


@pytest.mark.parametrize("width", [390, 1400])
def test_no_page_scrolls_sideways(night: Path, browser: Any, width: int) -> None:
    metrics = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    try:
        for path in [*pages(night), case_file.write_case(Store(night), "C1")]:
            browser.open(path)
            assert browser.run("return document.documentElement.scrollWidth") <= width, path
    finally:
        browser.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_serious_issue(night: Path, browser: Any, theme: str) -> None:
    script = (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")
    found = [
        Layout(night).index_page,
        Layout(night).call_page("C1"),
        Layout(night).agent_page("A1"),
    ]
    if theme == "light":
        found += [
            Layout(night).queue_page("2026-11-13"),
            case_file.write_case(Store(night), "C1"),
        ]
    for path in found:
        browser.run("localStorage.setItem('callaudit.theme', arguments[0])", theme)
        browser.open(path)
        browser.run("document.querySelectorAll('details').forEach(d => { d.open = true; })")
        result = browser.driver.execute_async_script(
            script + ";const done = arguments[arguments.length - 1]; axe.run(document, "
            "{resultTypes: ['violations']}).then(done);"
        )
        grave = [
            (issue["id"], [node["html"][:160] for node in issue["nodes"][:3]])
            for issue in result["violations"]
            if issue["impact"] in {"serious", "critical"}
        ]
        assert grave == [], path


def test_the_theme_is_chosen_and_kept(night: Path, browser: Any) -> None:
    ground = "return getComputedStyle(document.body).backgroundColor"
    browser.open(Layout(night).index_page)
    seen = set()
    for _ in range(3):
        browser.click("[data-setting=theme]")
        seen.add(
            (browser.run("return document.documentElement.dataset.theme"), browser.run(ground))
        )
    assert {theme for theme, _ in seen} == {"auto", "light", "dark"}
    assert len({colour for _, colour in seen}) == 2
    browser.click("[data-setting=theme]")
    browser.open(Layout(night).agent_page("A1"))
    assert browser.run("return document.documentElement.dataset.theme") == "light"


def test_a_case_file_of_a_long_call_holds_what_is_around_its_failures(
    night: Path, browser: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(case_file, "WHOLE_S", 5.0)
    monkeypatch.setattr(case_file, "AROUND_S", 0.5)
    browser.open(case_file.write_case(Store(night), "C1"))
    clip = "document.querySelector('.finding.fail audio')"
    browser.run(f"{clip}.play()")
    browser.until(f"{clip}.readyState >= 1 && {clip}.duration > 0")
    length_s = browser.run(f"return {clip}.duration")  # from 6.5 to 9.5
    assert length_s == pytest.approx(3.0, abs=0.2)
    assert browser.run("return document.querySelectorAll('audio').length") == 1
    assert browser.complaints() == []


def test_a_case_file_of_a_call_that_is_not_there(night: Path) -> None:
    with pytest.raises(UsageError, match="holds no call 'X9'"):
        case_file.write_case(Store(night), "X9")
    (night / "file").touch()
    with pytest.raises(UsageError, match="cannot be written"):
        case_file.write_case(Store(night), "C1", to=night / "file" / "case.html")


def test_a_case_file_opens_alone_and_plays(night: Path, browser: Any, tmp_path: Path) -> None:
    target = case_file.write_case(Store(night), "C1", to=tmp_path / "mail" / "case.html")
    text = target.read_text("utf-8")
    assert "首先问候" in text and "您好，软件事业部。" in text
    assert "file:" not in text.split("</head>")[0].replace("file: ", "")
    browser.open(target)
    browser.until(f"{AUDIO}.readyState >= 1 && Math.abs({AUDIO}.duration - 10) < 0.2")
    browser.click(".finding.fail .time")
    browser.until(f"!{AUDIO}.paused && {AUDIO}.currentTime > 6.6")
    browser.run(f"{AUDIO}.pause()")
    assert browser.run("return performance.getEntriesByType('resource').length") == 0
    assert browser.complaints() == []
