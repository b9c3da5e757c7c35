"""The language in which a QA lead writes rules: each operator, each place, each mistake."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import jieba
import pytest
import yaml
from click.testing import CliRunner
from pydantic import TypeAdapter

from audit.errors import UsageError
from audit.rulebooks import Rulebook, load
from audit.rules.written import entities
from audit.rules.written.arguments import Entity
from audit.rules.written.conditions import Condition
from audit.scoring import score
from audit.types import Call, Channels, Finding, Verdict
from flows.cli.main import main
from reports.wording import sentence
from tests.calls import dialogue, evaluator, found_by_all, found_by_written
from tests.timing import ratio

PASS, FAIL, UNTOLD = Verdict.PASS, Verdict.FAIL, Verdict.CANNOT_TELL
CONDITION: TypeAdapter[Any] = TypeAdapter(Condition)

ORDER_NUMBER = """
[0-4] 客服: 您好，远山软件服务热线，工号二零一七，我姓周。
[5-9] 客户: 我要投诉，上周五报的修，到现在没有人来。
[9.5-14] 客服: 非常抱歉，请您报一下订单编号。
[15-18] 客户: 订单编号是五五零三八二。
[30-34] 客服: 五五零三八二，对吗？
[34.5-35] 客户: 对。
[36-41] 客服: 非常抱歉，明天下午三点给您回复，再见。
"""
"""One call for most operators: a silence of 12 s, a number that is repeated, two apologies."""


def holds(condition: str, call: Call, book: Rulebook) -> bool | None:
    parsed = CONDITION.validate_python(yaml.safe_load(condition))
    return evaluator(call, book).result(parsed).holds


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        # phrases: any, all, none, n of them
        ("{said: [没有这句, 非常抱歉]}", True),
        ("{said: 没有这句话呀}", False),
        ("{said: 我要投诉}", False),
        ("{said: 我要投诉, role: customer}", True),
        ("{said: 我要投诉, role: any}", True),
        ("{said: {all: [非常抱歉, 再见]}}", True),
        ("{said: {all: [非常抱歉, 祝您愉快]}}", False),
        ("{said: {none: [祝您愉快, 欢迎再来]}}", True),
        ("{said: {none: [祝您愉快, 再见]}}", False),
        ("{said: {any: [再见, 非常抱歉, 祝您愉快], at_least: 2}}", True),
        ("{said: {any: [再见, 非常抱歉, 祝您愉快], at_least: 3}}", False),
        ("{said: {any: 飞常抱歉, literal: true}}", False),
        ("{said: 飞常抱歉}", True),
        # slots
        ("{said: '工号{工号}'}", True),
        ("{said: '我姓{姓名}'}", True),
        ("{said: '订单{工号}'}", False),
        ("{said: '{单位}'}", True),
        # a sentence like this one
        ("{similar: 明天下午给您一个回复}", True),
        ("{similar: 明天下午给您一个回复, role: customer}", False),
        ("{similar: {sentences: 明天下午给您一个回复, likeness: 1}}", False),
        # regular expressions with an exception
        ("{regex: '订单.{0,2}号'}", True),
        ("{regex: {pattern: '抱歉', but_not: '再见'}, turns: {from: -1}}", False),
        ("{regex: {pattern: '抱歉', but_not: '没关系'}, turns: {from: -1}}", True),
        # things named
        ("{entity: number, role: customer}", True),
        ("{entity: {any: number, min_digits: 7}, role: customer}", False),
        ("{entity: phone, role: any}", False),
        ("{entity: surname}", True),
        ("{entity: [date, time]}", True),
        ("{entity: address}", False),
        ("{entity: job_number}", True),
        # said again
        ("{echo: {of: {entity: number, role: customer}}}", True),
        ("{echo: {of: {said: 上周五, role: customer}}}", False),
        ("{echo: {of: {entity: number, role: customer}}, turns: {from: -1}}", False),
        # silence
        ("{silence: {longer_s: 10}}", True),
        ("{silence: {longer_s: 13}}", False),
        ("{silence: {longer_s: 10, shorter_s: 11}}", False),
        ("{silence: {longer_s: 10, after: customer, before: agent}}", True),
        ("{silence: {longer_s: 10, after: agent}}", False),
        ("{silence: {longer_s: 10, before: other}}", True),
        ("{silence: {longer_s: 10, before: same}}", False),
        ("{silence: {longer_s: 10}, seconds: {first: 10}}", False),
        # pace
        ("{rate: {over: 200, min_characters: 10}}", True),
        ("{rate: {over: 500, min_characters: 10}}", False),
        ("{rate: {over: 200, min_characters: 30}}", False),
        ("{rate: {of: call, over: 150, min_characters: 30}}", True),
        ("{rate: {of: call, under: 150, min_characters: 30}}", False),
        # how the call begins and ends, and how long it is
        ("{hang_up: {last: agent, without: [欢迎再来]}}", True),
        ("{hang_up: {last: agent, without: [再见]}}", False),
        ("{hang_up: {last: customer}}", False),
        ("{hang_up: {last: agent, within_s: 2}}", True),
        ("{pick_up: {by: agent}}", True),
        ("{pick_up: {by: customer}}", False),
        ("{pick_up: {later_s: 3}}", False),
        ("{duration: {over_s: 40, under_s: 60}}", True),
        ("{duration: {over_s: 60}}", False),
        # number of turns
        ("{turn_count: {over: 3}}", True),
        ("{turn_count: {over: 4}}", False),
        ("{turn_count: {under: 5}}", True),
        ("{turn_count: {under: 3}, role: any}", False),
        # what the manifest says
        ("{call: {column: direction, equals: out}}", True),
        ("{call: {column: direction, equals: in}}", False),
        ("{call: {column: skill, one_of: [vip, 投诉]}}", True),
        ("{call: {column: skill, matches: '^v'}}", True),
        ("{call: {column: answer_wait_s, over: 20}}", True),
        ("{call: {column: answer_wait_s, over: 20, under: 22}}", False),
        ("{call: {column: customer_vip, equals: 'true'}}", True),
        ("{call: {column: queue, equals: vip}}", None),
        ("{call: {column: skill, over: 3}}", None),
        # conditions of conditions
        ("{all: [{said: 非常抱歉}, {said: 我要投诉, role: customer}]}", True),
        ("{all: [{said: 非常抱歉}, {said: 我要投诉}]}", False),
        ("{any: [{said: 祝您愉快}, {said: 我要投诉}]}", False),
        ("{any: [{said: 祝您愉快}, {said: 再见}]}", True),
        ("{not: {said: 祝您愉快}}", True),
        ("{not: {said: 再见}}", False),
        ("{not: {call: {column: queue, equals: vip}}}", None),
        ("{all: [{said: 祝您愉快}, {call: {column: queue, equals: vip}}]}", False),
        ("{any: [{said: 再见}, {call: {column: queue, equals: vip}}]}", True),
        ("{count: {of: {said: 非常抱歉}, at_least: 2}}", True),
        ("{count: {of: {said: 非常抱歉}, at_least: 3}}", False),
        ("{count: {of: {said: 非常抱歉}, at_most: 1}}", False),
        ("{count: {of: {said: 非常抱歉}, at_most: 2}}", True),
        ("{order: [{said: 您好}, {said: 工号}, {said: 再见}]}", True),
        ("{order: [{said: 工号}, {said: 您好}]}", False),
        ("{order: [{said: 您好}, {said: 祝您愉快}]}", False),
    ],
)
def test_operators(book: Rulebook, condition: str, expected: bool | None) -> None:
    columns = {"direction": "out", "skill": "vip", "answer_wait_s": "23.5", "customer_vip": "true"}
    condition = condition.replace("{工号}", "(零|一|二|三|四|五|六|七|八|九|十)…")
    condition = condition.replace("{姓名}", "(王|周)").replace("{单位}", "服务热线")
    assert holds(condition, dialogue(ORDER_NUMBER, book, **columns), book) is expected


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("stage: closing", True),  # of a turn that promises first and then says goodbye
        ("stage: greeting", False),
        ("turns: {from: 2, to: 2}", True),
        ("turns: {to: 1}", False),
        ("turns: {from: -1}", True),
        ("turns: {from: -2, to: -2}", False),
        ("turns: {from: 9}", False),
        ("seconds: {first: 9.6}", True),
        ("seconds: {first: 9}", False),
        ("seconds: {last: 5}", True),
        ("seconds: {last: 0}", False),
        ("after: {of: {said: 我要投诉, role: customer}, turns: 1}", True),
        ("after: {of: {said: 我要投诉, role: customer}, seconds: 1}", True),
        ("after: {of: {said: 我要投诉, role: customer}, seconds: 0.2}", False),
        ("after: {of: {said: 编号, role: customer}, turns: 1}", False),
        ("after: {of: {said: 编号, role: customer}, turns: 2}", True),
        ("after: {of: {said: 再见}}", False),
        ("after: {of: {said: 非常抱歉}, nth: 1}", True),
        ("after: {of: {said: 非常抱歉}, nth: -1}", False),
        ("after: {of: {said: 非常抱歉}, nth: 3}", False),
        ("after: {of: {said: 没有这句话呀}}", False),
        ("before: {of: {said: 再见}}", True),
        ("before: {of: {said: 我要投诉, role: customer}}", False),
        ("around: {of: {said: 我要投诉, role: customer}}", True),
        ("around: {of: {entity: surname}}", True),
        ("around: {of: {said: 编号, role: customer}, seconds: 0.5}", False),
        ("within: {of: {said: 再见}}", True),
        ("within: {of: {said: 工号}}", False),
    ],
)
def test_places(book: Rulebook, place: str, expected: bool | None) -> None:
    condition = yaml.safe_dump({"said": "非常抱歉", **yaml.safe_load(place)}, allow_unicode=True)
    assert holds(condition, dialogue(ORDER_NUMBER, book), book) is expected


@pytest.mark.parametrize(
    ("kind", "said", "not_said"),
    [
        ("surname", "我免贵姓覃。", "您贵姓？"),
        ("surname", "好的，周女士。", "好的，女士。"),
        ("person_name", "我叫方小禾。", "我叫师傅过去。"),
        ("phone", "138 0013 8000。", "一共三百八十块。"),
        ("phone", "幺三八，零零幺三，八零零零。", "一二三。"),
        ("number", "编号是五五零三。", "等一下。"),
        ("id_number", "一一零一零一一九九零零一零一一二三四。", "一一零一零一。"),
        ("job_number", "我是二零一号客服。", "今天是二号。"),
        ("date", "下周三之前。", "下次之前。"),
        ("date", "2026-11-16之前。", "2026-11。"),
        ("date", "本周内给您修好。", "这周很忙。"),
        ("time", "二十四小时之内。", "三天前。"),
        ("amount", "￥59.9。", "￥。"),
        ("date", "十一月二十六号上午。", "二十六号楼。"),
        ("time", "下午三点半。", "再快一点。"),
        ("time", "14:30开始。", "有一点问题。"),
        ("address", "远山路十八号三单元。", "那条路不好走。"),
        ("amount", "一共二十五块钱。", "一块去吧。"),
    ],
)
def test_entities(kind: Entity, said: str, not_said: str) -> None:
    assert list(entities.find(kind, said)), said
    assert not list(entities.find(kind, not_said)), not_said


def test_repetition_in_context(book: Rulebook) -> None:
    asks = "客服: 请您重启一下路由器再试试看。\n"
    other = "客户: 还是不行呀，灯一直是红的。\n客服: 我再帮您看看线路上的情况。\n"
    alike = "客服: 那请您重启一下路由器再试试看吧。\n"
    twice = dialogue(asks + other + alike, book)
    assert holds("{repeated: {times: 2}}", twice, book) is True
    assert holds("{repeated: {times: 3}}", twice, book) is False
    assert holds("{repeated: {times: 2, turns: 2}}", twice, book) is False
    assert holds("{repeated: {times: 2, min_characters: 30}}", twice, book) is False
    assert holds("{repeated: {times: 2}, role: customer}", twice, book) is False


LOUD = """
[0-4 -30dB] 客服: 您好，请问有什么可以帮您？
[5-9 -20dB] 客户: 我家的宽带又断了，你们怎么修的？
[10-12 -29dB] 客服: 我帮您看一下线路。
[13-15 -19dB] 客户: 快一点。
[16-19 -17.5dB] 客服: 我不是正在给您看着呢吗！
"""
"""The agent raises the voice; the customer's line is louder all along."""


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("{over_db: -18}", True),
        ("{over_db: -15}", False),
        ("{above_usual_db: 10}", True),
        ("{above_usual_db: 12}", False),
        ("{rise_db: 11}", True),
        ("{rise_db: 12}", False),
        ("{rise_db: 11, over_db: -15}", False),
        ("{below_usual_db: 0.5}", True),
        ("{under_db: -35}", False),
    ],
)
def test_loudness(book: Rulebook, wanted: str, expected: bool) -> None:
    assert holds(f"{{loudness: {wanted}}}", dialogue(LOUD, book), book) is expected


def test_loudness_is_each_speakers_own(book: Rulebook) -> None:
    call = dialogue(LOUD, book)
    assert holds("{loudness: {above_usual_db: 3}, role: customer}", call, book) is False
    assert holds("{loudness: {rise_db: 5}, role: any, turns: {to: 3}}", call, book) is False


def test_loudness_cannot_be_told_without_audio(book: Rulebook) -> None:
    assert holds("{loudness: {over_db: -18}}", dialogue(ORDER_NUMBER, book), book) is None


CUT_IN = """
[0-8] 客户: 我家里的网从昨天晚上开始就一直断断续续的，重启了好几次也没有用。
[5-11] 客服: 这个您要先把路由器的电源拔掉等一会儿再插上。
"""


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("{by: agent}", True),
        ("{by: customer}", False),
        ("{advance_s: 2.5}", True),
        ("{advance_s: 3.5}", False),
        ("{min_characters: 10}", True),
        ("{min_characters: 40}", False),
        ("{delay_s: 4}", True),
        ("{delay_s: 6}", False),
    ],
)
def test_interruption(book: Rulebook, wanted: str, expected: bool) -> None:
    assert holds(f"{{interruption: {wanted}}}", dialogue(CUT_IN, book), book) is expected


def test_what_cannot_be_told(book: Rulebook) -> None:
    untimed = dialogue("客服: 您好。\n客户: 您好，我要投诉。\n未知: 再见。", book)
    for condition in (
        "{silence: {longer_s: 3}}",
        "{rate: {over: 300}}",
        "{duration: {over_s: 3}}",
        "{interruption: {by: agent}}",
        "{pick_up: {later_s: 3}}",
        "{hang_up: {within_s: 3}}",
        "{said: 您好, seconds: {first: 20}}",
        "{said: 再见}",  # by somebody
        "{said: {none: 再见}}",
        "{said: 您好, turns: {to: 1}}",  # whose first turn?
        "{hang_up: {last: agent}}",
        "{turn_count: {over: 1}}",
        "{said: 您好, after: {of: {said: 再见}}}",
    ):
        expected = False if "after" in condition else None
        assert holds(condition, untimed, book) is expected, condition
    assert holds("{said: 谢谢}", untimed, book) is False  # nobody says it
    assert holds("{said: 再见, role: any}", untimed, book) is True
    mono = dialogue(CUT_IN, book)
    mono = replace(mono, transcript=replace(mono.transcript, channels=Channels.MONO))
    assert holds("{interruption: {by: agent}}", mono, book) is None


def test_words_that_were_not_understood_hide_what_was_not_found(book: Rulebook) -> None:
    call = dialogue("客服: 您好，请问有什么可以帮您？\n客户: 我要投诉。\n客服: 在见。", book)
    turns = (*call.turns[:2], replace(call.turns[2], asr_confidence=0.2))
    unclear = replace(call, transcript=replace(call.transcript, turns=turns))
    assert holds("{said: 感谢来电}", call, book) is False
    assert holds("{said: 感谢来电}", unclear, book) is None
    assert holds("{said: 感谢来电, turns: {to: 1}}", unclear, book) is False
    assert holds("{said: 再见}", unclear, book) is None
    assert holds("{said: 再见}", call, book) is True


def test_a_doubtful_voice_is_not_held_against_the_agent(book: Rulebook) -> None:
    call = dialogue("客服: 您好。\n客服: 这个我不管。", book)
    turns = (call.turns[0], replace(call.turns[1], role_confidence=0.6))
    doubtful = replace(call, transcript=replace(call.transcript, turns=turns))
    assert holds("{said: 这个我不管}", call, book) is True
    assert holds("{said: 这个我不管}", doubtful, book) is None
    silent = dialogue("客户: 喂，有人吗？", book)
    assert holds("{said: 您好}", silent, book) is None  # no agent is heard at all


# checks


def own(tmp_path: Path, checks: str, name: str = "own") -> Path:
    path = tmp_path / f"{name}.yaml"
    text = "\n".join("        " + line for line in checks.strip().splitlines())
    path.write_text(
        "id: own\nextends: hotline\nrules:\n  written:\n    mine:\n      title: 自定\n"
        f"      weight: 10\n      checks:\n{text}\n",
        "utf-8",
    )
    return path


def findings(tmp_path: Path, checks: str, lines: str, **columns: str) -> list[Finding]:
    mine = load(str(own(tmp_path, checks)))
    found = found_by_written(dialogue(lines, mine, **columns), mine)
    return [finding for finding in found if finding.rule_id == "mine"]


COMPLAINT = """
mine.apology:
  clause: 000-25.1
  severity: major
  points: 4
  applies: {said: (投诉|太差), role: customer}
  requires: {said: (抱歉|对不起), after: {of: {said: (投诉|太差), role: customer}, turns: 2}}
  unless: {said: 打错了, role: customer}
  reason: 客户投诉后没有道歉
"""


@pytest.mark.parametrize(
    ("lines", "verdict"),
    [
        ("客户: 你们服务太差。\n客服: 非常抱歉。", PASS),
        ("客服: 抱歉让您久等。\n客户: 你们服务太差。\n客服: 请讲。", FAIL),
        ("客户: 你们服务太差。\n客服: 请讲。\n客服: 嗯嗯您说。\n客服: 抱歉。", FAIL),
        ("客户: 你们服务太差。\n客服: 请讲。\n客户: 哦我打错了。", None),
        ("客户: 我问一下电费。\n客服: 好的。", None),
        ("客服: 您好。\n未知: 你们服务太差。\n客服: 请讲。", UNTOLD),
        ("客户: 你们服务太差。\n客服: 请讲。\n未知: 抱歉。", UNTOLD),
    ],
)
def test_a_check_that_requires(tmp_path: Path, lines: str, verdict: Verdict | None) -> None:
    found = findings(tmp_path, COMPLAINT, lines)
    assert [finding.verdict for finding in found] == ([verdict] if verdict else [])
    if verdict is FAIL:
        (finding,) = found
        assert (finding.rule_id, finding.check_id) == ("mine", "mine.apology")
        assert (finding.clause_id, finding.severity, finding.points) == ("000-25.1", "major", 4)
        assert sentence(finding.reason) == "客户投诉后没有道歉"
        assert finding.evidence == "你们服务太差。"


PROMISE = """
mine.promise:
  clause: 004-1.2-承诺
  points: 3
  auto_fail: true
  forbids: {said: (保证|肯定)…(修好|解决)}
  unless: {entity: [date, time], within: hit}
  reason: 随意承诺
"""


def test_a_check_that_forbids(tmp_path: Path) -> None:
    lines = """
[0-3] 客服: 我保证给您修好。
[4-7] 客户: 你保证能修好吗？
[8-11] 客服: 明天下午三点之前肯定给您解决。
[12-15] 客服: 放心，肯定能解决，保证修好。
"""
    found = findings(tmp_path, PROMISE, lines)
    assert [finding.verdict for finding in found] == [FAIL, FAIL]
    assert [finding.start_s for finding in found] == [0, 12]  # one for a turn
    assert [finding.meant for finding in found] == ["保证…修好", "肯定…修好"]
    assert all(finding.auto_fail for finding in found)
    assert [f.verdict for f in findings(tmp_path, PROMISE, "客服: 明天给您答复。")] == [PASS]
    twice = "客服: 肯定能解决。\n客户: 真的吗？\n客服: 肯定能解决。"
    assert [f.verdict for f in findings(tmp_path, PROMISE, twice)] == [FAIL, FAIL]
    assert [f.verdict for f in findings(tmp_path, PROMISE, "客服: 嗯。\n未知: 肯定能解决。")] == [
        UNTOLD
    ]


READ_BACK = """
mine.number:
  clause: 003-1.1.4-confirm
  points: 3
  applies: &number {entity: {any: number, min_digits: 5}, role: customer}
  forbids: *number
  unless: {echo: hit}
  reason: 没有复述客户提供的号码
"""


@pytest.mark.parametrize(
    ("last", "verdict"),
    [
        ("客服: 好的，138 0013 8000，是吗？", PASS),
        ("客服: 尾号八千对吗，八零零零。", PASS),
        ("客服: 幺三八，零零。\n客户: 对。\n客服: 一三八零零零，好的。", PASS),
        ("客服: 好的，记下了。", FAIL),
        ("客服: 好的，一三九。", FAIL),
    ],
)
def test_what_the_customer_gives_is_read_back(tmp_path: Path, last: str, verdict: Verdict) -> None:
    lines = f"客服: 请留一个电话。\n客户: 一三八零零一三八零零零。\n{last}"
    assert [finding.verdict for finding in findings(tmp_path, READ_BACK, lines)] == [verdict]


def test_a_silence_is_shown_with_its_seconds(tmp_path: Path) -> None:
    checks = """
mine.quiet:
  clause: 001-忌.4
  points: 3
  forbids: {silence: {longer_s: 10, after: customer}}
  reason: 客户说完后长时间沉默
"""
    (found,) = findings(tmp_path, checks, ORDER_NUMBER)
    assert (found.verdict, found.start_s, found.end_s) == (FAIL, 18, 30)
    (untimed,) = findings(tmp_path, checks, "客户: 您好。\n客服: 您好。")
    assert untimed.verdict is UNTOLD


def test_written_rules_enter_the_score(tmp_path: Path) -> None:
    mine = load(str(own(tmp_path, COMPLAINT)))
    call = dialogue("客服: 您好。\n客户: 你们服务太差。\n客服: 请讲。", mine)
    card = score(found_by_all(call, mine), mine)
    (earned,) = (rule for rule in card.rules if rule.rule_id == "mine")
    assert (earned.verdict, earned.weight, earned.earned) == (FAIL, 10, 6)
    assert "000-25.1" in mine.clauses()
    quiet = dialogue("客服: 您好。\n客户: 我问一下电费。", mine)
    assert "mine" not in {rule.rule_id for rule in score(found_by_all(quiet, mine), mine).rules}


def test_an_heir_replaces_conditions_as_a_whole(tmp_path: Path) -> None:
    own(tmp_path, COMPLAINT, "parent")
    heir = tmp_path / "heir.yaml"
    changed = {"mine.apology": {"requires": {"regex": "抱歉"}, "points": 2}}
    heir.write_text(
        yaml.safe_dump(
            {"extends": "parent.yaml", "rules": {"written": {"mine": {"checks": changed}}}}
        )
    )
    check = load(str(heir)).rules.written["mine"].checks["mine.apology"]
    assert check.requires is not None
    assert check.requires.model_dump(exclude_defaults=True) == {"regex": {"pattern": "抱歉"}}
    assert (check.points, check.clause) == (2, "000-25.1")


def test_slots_are_parameters(tmp_path: Path) -> None:
    checks = """
mine.name:
  clause: x
  points: 1
  requires: {said: ["我姓{姓名}", "我是{姓名}(经理|{称呼})", "工号{工号}", "欢迎致电{单位}"]}
  reason: 没有报姓名
"""
    for said, verdict in (
        ("您好，我姓覃。", PASS),
        ("您好，我是周师傅。", PASS),
        ("您好，工号二零三。", PASS),
        ("欢迎致电软件事业部。", PASS),
        ("您好，请讲。", FAIL),
    ):
        (found,) = findings(tmp_path, checks, f"客服: {said}")
        assert found.verdict is verdict, said


# mistakes and examples


GOOD = """mine.bye:
  clause: x
  points: 1
  requires: {said: 再见}
  reason: 没有道别
"""


@pytest.mark.parametrize(
    ("change", "line", "said"),
    [
        (("said: 再见", "sad: 再见"), 12, "a condition has exactly one of said, act, similar"),
        (("said: 再见", "said: 再见, regex: 再见"), 12, "a condition has exactly one of"),
        (("said: 再见", "said: 再见, rolle: agent"), 12, "rolle: there is no such key"),
        (("said: 再见", "said: 再见, role: boss"), 12, "role"),
        (("said: 再见", "said: (再见"), 12, "bracket without its partner"),
        (("said: 再见", 'said: "{再见词}"'), 12, "there is no parameter '再见词'"),
        (("said: 再见", 'said: "再见{"'), 12, "brace without its partner"),
        (("said: 再见", f'said: "{"(再|又|还)" * 9}"'), 12, "stands for 19683 wordings"),
        (
            ("said: 再见", "said: 再见, turns: {from: -1, to: -3}"),
            12,
            "no turn from -1 to -3",
        ),
        (("said: 再见", 'said: "再见|拜拜"'), 12, "put alternatives into brackets"),
        (("said: 再见", 'said: "(您|你)好|(再|拜)见"'), 12, "put alternatives into brackets"),
        (("said: 再见", 'said: "！"'), 12, "has no syllable to look for"),
        (("said: 再见", "regex: '['"), 12, "not a valid regular expression"),
        (("said: 再见", "said: 再见, turns: {from: 0}"), 12, "count from 1"),
        (("said: 再见", "said: {any: 再见, all: 您好}"), 12, "exactly one of any, all, none"),
        (("said: 再见", "said: 再见, after: hit"), 9, "only unless"),
        (("said: 再见", "said: 再见, after: {of: {sad: 您好}}"), 12, "a condition has exactly"),
        (("said: 再见", "silence: {after: agent}"), 12, "at least one of longer_s, shorter_s"),
        (("requires:", "forbid:"), 12, "there is no such key"),
        (("points: 1", "points: -1"), 11, "greater than 0"),
        (("  reason: 没有道别\n", ""), 9, "reason: it is missing"),
        (("reason: 没有道别", "reason: 没有道别\n  forbids: {said: 您好}"), 9, "exactly one of"),
        (("mine.bye", "other.bye"), 3, "must be called mine.SOMETHING"),
        (("points: 1", "points: 1\n  points: 2"), 12, "points is given twice"),
        (("points: 1", "points: [1"), None, "own.yaml"),
    ],
)
def test_mistakes_are_named_by_line(
    tmp_path: Path, change: tuple[str, str], line: int | None, said: str
) -> None:
    path = own(tmp_path, GOOD.replace(*change))
    done = CliRunner().invoke(main, ["rulebook", "check", str(path)])
    assert done.exit_code == 2
    assert "Traceback" not in done.output
    (sentence,) = done.output.splitlines()
    assert said in sentence
    assert line is None or f"own.yaml: line {line}: " in sentence


def test_a_clause_that_no_built_in_norm_has_is_pointed_out(tmp_path: Path) -> None:
    known = own(tmp_path, GOOD.replace("clause: x", "clause: 001-忌.6"), "known")
    unknown, built_in = (
        CliRunner().invoke(main, ["rulebook", "check", str(path)]).output
        for path in (own(tmp_path, GOOD), known)
    )
    assert unknown.endswith("not among the clauses of the built-in norms: x\n")
    assert "not among" not in built_in


def test_every_mistake_is_named(tmp_path: Path) -> None:
    path = own(tmp_path, GOOD.replace("points: 1", "points: 0").replace("said: 再见", "sad: 再见"))
    done = CliRunner().invoke(main, ["rulebook", "check", str(path)])
    assert [line.split(": ")[2] for line in done.output.splitlines()] == ["line 11", "line 12"]
    with pytest.raises(UsageError, match=r"line 11.*; line 12"):
        load(str(path))


def test_a_mistake_of_a_parent_has_no_line_in_the_heir(tmp_path: Path) -> None:
    own(tmp_path, GOOD.replace("points: 1", "points: 0"), "parent")
    heir = tmp_path / "heir.yaml"
    heir.write_text("extends: parent.yaml\nrules:\n  no_interruption: {points: 5}\n")
    with pytest.raises(UsageError, match=r"valid: rules\.written\.mine"):
        load(str(heir))


def test_a_written_rule_has_a_name_of_its_own(tmp_path: Path) -> None:
    path = own(tmp_path, GOOD)
    path.write_text(path.read_text("utf-8").replace("mine", "greeting"), "utf-8")
    with pytest.raises(UsageError, match="has the name of a built-in one"):
        load(str(path))


def test_examples_are_tried(tmp_path: Path) -> None:
    examples = """  examples:
    pass:
      - [客服: 再见。]
      - ["[0-2] 客服: 再见。", {direction: out}]
    fail:
      - [客服: 没事了。]
      - [客服: 再见。]
    cannot_tell:
      - [客服: 您好。, 未知: 再见。]
    nothing:
      - [老板: 再见。]
"""
    path = own(tmp_path, GOOD + examples)
    done = CliRunner().invoke(main, ["rulebook", "check", str(path)])
    assert done.exit_code == 2
    first, second = done.output.splitlines()
    assert "line 20: " in first
    assert "mine.bye, example 2 of fail: the check says pass" in first
    assert "line 24: " in second
    assert "no line begins with 客服" in second
    right = examples.split("      - [客服: 再见。]\n    cannot_tell")[0]
    path = own(tmp_path, GOOD + right, "right")
    done = CliRunner().invoke(main, ["rulebook", "check", str(path)])
    assert done.exit_code == 0, done.output


DOCS = (Path(__file__).parents[3] / "docs" / "rules" / "writing.md").read_text("utf-8")


@pytest.mark.parametrize("text", re.findall(r"```yaml\n(.*?)```", DOCS, re.DOTALL))
def test_the_documented_rules_are_valid_and_their_examples_agree(tmp_path: Path, text: str) -> None:
    path = tmp_path / "documented.yaml"
    path.write_text(text, "utf-8")
    done = CliRunner().invoke(main, ["rulebook", "check", str(path)])
    assert done.exit_code == 0, done.output


def test_every_row_of_the_table_is_a_condition() -> None:
    table = DOCS[DOCS.index("| there | here |") :]
    rows = re.findall(r"^\| .* \| `(.*)` \|$", table, re.MULTILINE)
    assert len(rows) >= 25
    for row in rows:
        CONDITION.validate_python(yaml.safe_load(row))


def test_written_rules_cost_little_more_than_cutting_words(book: Rulebook) -> None:
    lines = [line.split("] ")[1] for line in ORDER_NUMBER.strip().splitlines()]
    calls = [dialogue((f"{line}第{number}次" for line in lines * 6), book) for number in range(7)]
    found_by_written(calls[0], book)

    def judge() -> None:
        for call in calls:
            found_by_written(call, book)

    def cut() -> None:
        for call in calls:
            for turn in call.turns:
                jieba.lcut(turn.text)

    assert ratio(judge, cut) < 4
