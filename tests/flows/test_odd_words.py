"""Thousands of odd texts from a file to tables and pages: none of them makes anything fail."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

from audit import config
from flows.commands import audit_transcripts as stored
from flows.commands import rescore as rescoring
from reports.pages import html
from reports.store import Store
from reports.store.layout import Layout

CALLS, TURNS = 60, 36
SAID = (
    *(
        "我叫",
        "他叫",
        "机主是",
        "收件人：",
        "免贵姓",
        "我姓",
        "我是",
        "您贵姓",
        "怎么称呼您",
        "请问是",
    ),
    *(
        "先生",
        "女士",
        "本人",
        "的",
        "您好",
        "工号",
        "热线",
        "电话是",
        "身份证号",
        "地址在",
        "邮箱是",
    ),
    *(
        "阿依古丽",
        "买买提",
        "迪力木拉提",
        "欧阳",
        "陈思远",
        "大卫",
        "O'Brien",
        "José",
        "Nguyễn",
        "李",
    ),
    *("一三八零零一三八", "13800138000", "１３８", "④②", "Ⅻ", "½", "壹佰", "२०२६", "110101199003"),
    *("·", "•", "・", "‧", "･", "．", "-", "—", "’", "@", "#", "%", "\\", "/", "|", "~", "_"),
    *("，", "。", "？", "！", "…", "、", "；", "：", "“", "”", "（", "）", "《", "》", " ", "　"),
    *("😀", "👨‍👩‍👧‍👦", "🇨🇳", "☎️", "1️⃣", "🏽", "♿", "🐉"),
    *("\ud800", "\udfff", "\ud83d", "\ude00\ud83d"),
    *("\u202e", "\u2066", "\u2069", "\u200f", "\u061c", "\u202a"),
    *("\u200b", "\u200c", "\u200d", "\ufeff", "\u2060", "\u00ad", "\ufe0f", "\U000e0101"),
    *("\u0301", "\u0489", "a\u0308\u0323", "\u3099", "\u20e3", "e" + "\u0301" * 30),
    *("\0", "\x07", "\x1b[31m", "\x7f", "\x85", "\r", "\n", "\t", "\u2028", "\u2029", "\x0b"),
    *(
        "𠮷",
        "𡃁",
        "𪚥",
        "〇",
        "々",
        "㐂",
        "﨑",
        "豈",
        "⺼",
        "㈱",
        "ㄅ",
        "ㇰ",
        "한",
        "ไทย",
        "עברית",
        "العربية",
    ),
    *("\ufffe", "\uffff", "\U0010ffff", "\ue000", "\uf8ff", "\ufdd0"),
    *("<b>", "</script>", "<!--", "]]>", "{{ x }}", "{% raw %}", "${x}", "&amp;", '"', "'", "`"),
    *(
        "【手机号】",
        "【姓名】",
        "NULL",
        "NaN",
        "None",
        "wifi",
        "WiFi六",
        "iPhone十五",
        "ß",
        "İ",
        "ǆ",
        "ﬁ",
    ),
)


def texts(rng: random.Random) -> Iterator[str]:
    """Texts without end: most of them short, some of one sort only, some very long."""
    while True:
        sort = rng.random()
        if sort < 0.03:
            yield (rng.choice(SAID) * 2000)[:2000]
        elif sort < 0.06:
            yield "".join(rng.choices(SAID, k=600))[:2000]
        elif sort < 0.12:
            yield "".join(rng.choices("，。？！…、；：“”（）·•・‧-—.?!,", k=rng.randint(1, 40)))
        elif sort < 0.2:
            dot = rng.choice("·•・‧･．. -")
            given = rng.choices(
                ("阿依古丽", "买买提", "A", "大卫", "😀", "𠮷", "é", "\ud800", ""), k=3
            )
            yield f"{rng.choice(SAID[:10])}{dot.join(given)}{rng.choice('，。 的')}"
        elif sort < 0.3:
            code = rng.choice(((0, 0x2FF), (0x2000, 0x2FFF), (0x3000, 0x9FFF), (0, 0x10FFFF)))
            yield "".join(chr(rng.randint(*code)) for _ in range(rng.randint(1, 30)))
        else:
            yield "".join(rng.choices(SAID, k=rng.randint(1, 12)))


def night(rng: random.Random) -> Iterator[dict[str, Any]]:
    """Calls of odd texts: names, columns and the words of both; some with times."""
    given = texts(rng)
    for number in range(CALLS):
        turns: list[dict[str, Any]] = []
        for index in range(TURNS):
            turns.append(
                {"role": rng.choice(("agent", "customer", "unknown")), "text": next(given)}
            )
            if number % 2:
                start_s = index * 3 - rng.random()
                turns[-1] |= {"start_s": max(0.0, start_s), "end_s": index * 3 + 2.5 * rng.random()}
        yield {
            "call_id": f"W{number}",
            "agent_id": str(2001 + number % 4),
            "agent_name": next(given)[:300]
            .encode("utf-8", "ignore")
            .decode(),  # else it is refused
            "started_at": f"2026-11-{16 + number % 2}T09:00:00+08:00",
            "turns": turns,
            "queue": next(given)[:300],
            "skill_组": next(given)[:300],
        }


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("odd")
    lines = list(night(random.Random(18)))
    file = base / "odd.jsonl"
    file.write_text("\n".join(json.dumps(line) for line in lines), "ascii")
    done = stored.audit_transcripts(file, base / "out", config=config.load(None, overrides={}))
    details = Store(base / "out")["rejects"].arrow(columns=["detail"])["detail"].to_pylist()
    assert (done.audited, details) == (CALLS, [])
    return base / "out"


def test_every_call_is_in_the_tables_and_has_its_pages(odd: Path) -> None:
    calls = pd.read_parquet(odd / "parquet" / "calls")
    assert set(calls["call_id"]) == {f"W{number}" for number in range(CALLS)}
    assert len(pd.read_parquet(odd / "parquet" / "turns")) == CALLS * TURNS
    assert {"meta_queue", "meta_skill_组"} <= set(calls.columns)
    everything = f"SELECT * FROM read_parquet('{odd}/parquet/calls/**/*.parquet')"
    assert len(duckdb.sql(everything).fetchall()) == CALLS
    for call_id in calls["call_id"]:
        page = Layout(odd).call_page(call_id).read_text("utf-8")
        assert page.count("</script>") == page.count("<script")
    assert (odd / "html" / "index.html").is_file()


def test_they_are_drawn_and_judged_again(odd: Path) -> None:
    before = {path: path.read_bytes() for path in odd.glob("html/**/*.html")}
    assert not html.render_pages(Store(odd)).failed
    assert {path: path.read_bytes() for path in odd.glob("html/**/*.html")} == before
    difference = rescoring.rescore(odd, rulebook_id="hotline", write=False)
    assert (difference.calls, difference.failed) == (CALLS, {})
