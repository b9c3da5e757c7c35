"""The pace, and what the rules on listening have in common."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

import reports
from audit.rulebooks import Rulebook, load
from audit.rules import speech_rate
from audit.types import Call, Channels, Finding, Verdict
from reports.wording import sentence
from tests.calls import found_by, found_by_all

PASS, FAIL, UNTOLD = Verdict.PASS, Verdict.FAIL, Verdict.CANNOT_TELL
MakeCall = Callable[..., Call]
Told = Callable[[list[Finding]], dict[str, Verdict]]

HELLO = ("A", "您好，远山软件服务热线，请问有什么可以帮助您？", 0.0, 5.0)
STORY = "我们仓库上个星期换了新的扫码枪，前几天用得好好的，从昨天下午开始系统里就没有数据了"


@pytest.mark.parametrize(("seconds", "verdict"), [(15.0, PASS), (14.9, FAIL), (30.0, PASS)])
def test_the_pace_of_the_agent(
    make_call: MakeCall, book: Rulebook, seconds: float, verdict: Verdict
) -> None:
    call = make_call([("A", "您" * 100, 0, seconds), ("C", "快" * 400, 40, 42)])  # 15 s: 400/min
    (finding,) = found_by(speech_rate.RULE, call, book)
    assert (finding.verdict, finding.clause_id) == (verdict, "001-宜.2")
    assert f"{6000 / seconds:.0f} 字" in sentence(finding.reason)


def test_pauses_do_not_slow_the_pace(make_call: MakeCall, book: Rulebook, told: Told) -> None:
    call = make_call([("A", "您" * 100, 0, 30)], pauses={0: [(0, 5), (25, 30)]})
    assert told(found_by(speech_rate.RULE, call, book)) == {"speech_rate": FAIL}


def test_a_few_words_have_no_pace(make_call: MakeCall, book: Rulebook) -> None:
    assert found_by(speech_rate.RULE, make_call([("A", "您" * 49, 0, 2)]), book) == []
    assert found_by(speech_rate.RULE, make_call([("A", "您" * 50, 0, 2)]), book)
    assert found_by(speech_rate.RULE, make_call([("C", "我" * 90, 0, 2)]), book) == []


def test_a_pace_that_cannot_be_told(make_call: MakeCall, book: Rulebook, told: Told) -> None:
    text = make_call([("A", "您" * 100)], channels=Channels.TEXT)
    assert told(found_by(speech_rate.RULE, text, book)) == {"speech_rate": UNTOLD}
    unknown = make_call([("?", "您" * 100, 0, 10)], channels=Channels.MONO)
    assert told(found_by(speech_rate.RULE, unknown, book)) == {"speech_rate": UNTOLD}
    known = make_call([("A", "您" * 100, 0, 10)], channels=Channels.MONO)
    assert told(found_by(speech_rate.RULE, known, book)) == {"speech_rate": FAIL}


def test_ready_transcripts_whose_times_cannot_be_one_voice(
    make_call: MakeCall, book: Rulebook, told: Told
) -> None:
    said = [HELLO, ("A", STORY, 5, 5), ("C", STORY, 6, 20)]
    assert told(found_by(speech_rate.RULE, make_call(said), book)) == {"speech_rate": UNTOLD}


def test_a_rulebook_without_these_rules_says_nothing(
    make_call: MakeCall, book: Rulebook, tmp_path: Path
) -> None:
    names = ("active_listening", "dead_air", "hold", "silent_call", "speech_rate")
    own = tmp_path / "own.yaml"
    without = dict.fromkeys(names)
    own.write_text(yaml.safe_dump({"id": "own", "extends": "hotline", "rules": without}))
    chat = ("A", "您" * 50, 22, 32)
    wait = [("A", "请您稍等", 40, 42), ("A", "让您久等了", 60, 63)]
    long = [HELLO, ("C", STORY, 6, 21), chat]
    calls = [make_call(said) for said in ([], [HELLO], long, [*long, *wait])]
    for call in calls:
        assert not {f.rule_id for f in found_by_all(call, load(str(own)))} & set(names)
    assert set(names) <= {finding.rule_id for call in calls for finding in found_by_all(call, book)}


def test_every_check_has_its_clause_and_its_label(book: Rulebook) -> None:
    checks = {spec.check_id: spec.clause for spec in book.specs()}
    assert set(checks.values()) <= set(book.clauses())
    for strings in (Path(reports.__file__).parent / "pages" / "templates").glob("strings.*.json"):
        words = json.loads(strings.read_text("utf-8"))
        assert set(checks) <= set(words["check"]), strings.name
        assert {check_id.partition(".")[0] for check_id in checks} <= set(words["rule"])
