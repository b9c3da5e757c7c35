"""The five norms that ship: what each asks of a greeting, and whom each leaves in peace."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest
import yaml

from audit import stages
from audit.errors import UsageError
from audit.rulebooks import load, shipped
from audit.rulebooks.examples import as_call, count, problems
from audit.rules import greeting
from audit.rules.written import judged
from audit.types import Call, Direction, Finding, Verdict
from reports.wording import sentence
from tests.calls import MODELS, evaluator, found_by, found_by_written

PASS, FAIL, UNTOLD = Verdict.PASS, Verdict.FAIL, Verdict.CANNOT_TELL
MakeCall = Callable[..., Call]
NORMS = ["after-sales", "customer-service", "field-service", "hotline", "network-ops"]


def greeted(
    make_call: MakeCall,
    rulebook: str,
    *said: tuple[str, str],
    direction: Direction | None = None,
    agent_name: str | None = None,
) -> dict[str, Finding]:
    book = load(rulebook)
    timed = [(who, text, 4.0 * i, 4.0 * i + 3) for i, (who, text) in enumerate(said)]
    call = make_call(timed)
    recording = replace(call.recording, direction=direction, agent_name=agent_name)
    turns = stages.assign(call.turns, cues=book.stages, model=MODELS.stages)
    call = Call(recording, replace(call.transcript, turns=turns))
    found = found_by(greeting.RULE, call, book)
    assert len({finding.check_id for finding in found}) == len(found)
    return {finding.check_id.removeprefix("greeting."): finding for finding in found}


def verdicts(found: dict[str, Finding]) -> dict[str, Verdict]:
    return {name: finding.verdict for name, finding in found.items()}


def failed(found: dict[str, Finding]) -> set[str]:
    return {name for name, finding in found.items() if finding.verdict is FAIL}


def test_the_five_norms_ship() -> None:
    assert shipped() == NORMS
    common = load("customer-service").rules
    for name in NORMS:
        rules = load(name).rules
        assert rules.forbidden_language.groups == common.forbidden_language.groups
        assert rules.forbidden_language.meaning == common.forbidden_language.meaning
        assert rules.no_interruption.thresholds == common.no_interruption.thresholds


@pytest.mark.parametrize("name", NORMS)
def test_the_three_main_rules_weigh_most(name: str) -> None:
    rules = load(name).rules
    main = {"greeting", "no_interruption", "forbidden_language"}
    weights = {rule_id: rule.weight for rule_id, rule in rules.settings()}
    assert min(weights[rule] for rule in main) > max(
        weight for rule, weight in weights.items() if rule not in main
    )


# calls that come in


@pytest.mark.parametrize(
    ("rulebook", "said", "missing"),
    [
        ("hotline", "您好", {"organisation", "agent_identity", "offer_help"}),
        ("network-ops", "您好", set()),
        ("customer-service", "您好", set()),
        ("after-sales", "您好", set()),
        ("field-service", "您好", {"organisation"}),
        ("field-service", "您好，中国联通", set()),
        ("field-service", "您好，我是您的客户经理方文", set()),  # takes over a connected call
        ("after-sales", "喂，哪位", {"hello"}),
        ("network-ops", "喂，哪位", {"hello"}),
    ],
)
def test_each_norm_asks_for_its_own_elements(
    make_call: MakeCall, rulebook: str, said: str, missing: set[str]
) -> None:
    found = greeted(make_call, rulebook, ("A", said), ("C", "我们机房的设备告警了，你们看一下"))
    assert failed(found) == missing


def test_what_the_norm_does_not_ask_for_is_noted_where_it_is_said(make_call: MakeCall) -> None:
    full = "您好，远山通讯公司，工号三零二，请问有什么可以帮助您？"
    found = greeted(make_call, "after-sales", ("A", full), ("C", "设备告警了"))
    assert verdicts(found) == dict.fromkeys(
        ("hello", "organisation", "agent_identity", "offer_help"), PASS
    )
    bare = greeted(make_call, "after-sales", ("A", "您好"), ("C", "设备告警了"))
    assert verdicts(bare) == {"hello": PASS}


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        ("您好，远山软件服务热线，请讲", None),
        ("远山软件服务热线，您好，请讲", FAIL),
        ("感谢您致电远山软件服务热线，您好，请讲", None),  # may be the announcement
        ("您好，请讲", None),
    ],
)
def test_the_hotline_greets_before_it_names_itself(
    make_call: MakeCall, said: str, verdict: Verdict | None
) -> None:
    found = greeted(make_call, "hotline", ("A", said), ("C", "我的邮箱登录不了"))
    assert verdicts(found).get("order") is verdict


def test_a_name_that_no_list_has_is_no_missing_name(make_call: MakeCall) -> None:
    said = ("A", "您好，远山软件服务热线，我是方文，请讲"), ("C", "我的邮箱登录不了")
    assert verdicts(greeted(make_call, "hotline", *said))["agent_identity"] is PASS
    rare = (said[0][0], said[0][1].replace("方文", "奥尔罕")), said[1]
    assert verdicts(greeted(make_call, "hotline", *rare))["agent_identity"] is not FAIL
    named = greeted(make_call, "hotline", *rare, agent_name="奥尔罕")["agent_identity"]
    assert (named.verdict, named.meant) == (PASS, "奥尔罕")


# calls that the agent makes

FITTER = "您好，请问是邵女士吗？我是远山电信公司的装维员方文"
VENDOR = "您好，请问是邵工程师吗？我是远山通讯公司的工程师方文"


def out(make_call: MakeCall, rulebook: str, *said: tuple[str, str]) -> dict[str, Finding]:
    return greeted(make_call, rulebook, *said, direction=Direction.OUT)


def test_an_appointment_by_the_script(make_call: MakeCall) -> None:
    found = out(
        make_call,
        "field-service",
        ("A", FITTER),
        ("C", "是我"),
        ("A", "您申请的宽带现在可以安装了，请问您什么时间方便，我可以上门为您服务？"),
        ("C", "明天上午吧"),
    )
    assert list(found) == [
        "hello",
        "confirm_person",
        "organisation",
        "agent_identity",
        "purpose",
        "convenient_time",
    ]
    assert set(verdicts(found).values()) == {PASS}


def test_a_vendor_who_rings_up_by_the_script(make_call: MakeCall) -> None:
    found = out(
        make_call,
        "after-sales",
        ("A", VENDOR),
        ("C", "我是，你说"),
        ("A", "想跟您确认一下上周报修的单板，现在运行正常吗？"),
        ("C", "正常"),
    )
    assert set(verdicts(found).values()) == {PASS}
    assert "offer_help" not in found
    assert "convenient_time" not in found


def test_a_caller_who_says_nothing_of_all_that(make_call: MakeCall) -> None:
    found = out(
        make_call,
        "field-service",
        ("A", "喂，你家宽带是坏了"),
        ("C", "你哪位"),
        ("A", "修宽带的，我一会儿就上门"),
        ("C", "啊？我不在"),
    )
    assert failed(found) == {
        "hello",
        "confirm_person",
        "organisation",
        "convenient_time",
    }
    assert found["agent_identity"].verdict is UNTOLD  # 修宽带的 may be who one is
    assert found["purpose"].verdict is not FAIL  # there are too many ways to say it
    assert all(found[name].points > 0 and found[name].clause_id for name in failed(found))


@pytest.mark.parametrize(
    "asked",
    ["您看明天下午在家吗", "您哪天有空", "咱们约个时间", "我三点过来可以吗", "几点过去合适呢"],
)
def test_many_ways_to_ask_for_a_time(make_call: MakeCall, asked: str) -> None:
    said = ("A", FITTER), ("C", "对"), ("A", f"您报修的光猫需要上门检查，{asked}"), ("C", "行")
    assert verdicts(out(make_call, "field-service", *said))["convenient_time"] is PASS


def test_only_an_appointment_needs_a_time(make_call: MakeCall) -> None:
    said = ("A", FITTER), ("C", "对"), ("A", "您昨天报修的光猫已经修好了，跟您说一声"), ("C", "好")
    assert "convenient_time" not in out(make_call, "field-service", *said)


@pytest.mark.parametrize(
    "said",
    ["您好，邵先生", "邵老师您好", "您好，请问您是机主本人吗", "你好，麻烦找一下邵经理"],
)
def test_many_ways_to_make_sure_of_the_person(make_call: MakeCall, said: str) -> None:
    turns = ("A", f"{said}，我是远山通讯公司的工程师方文"), ("C", "我是")
    assert verdicts(out(make_call, "after-sales", *turns))["confirm_person"] is PASS


def test_the_hotline_offers_no_help_where_it_rings_up(make_call: MakeCall) -> None:
    said = ("A", "您好，我是远山软件客服中心的客服代表方文，想跟您做个回访"), ("C", "好的你说")
    assert out(make_call, "hotline", *said)["offer_help"].verdict is UNTOLD
    assert failed(out(make_call, "hotline", *said)) == set()
    assert failed(greeted(make_call, "hotline", *said)) == {"offer_help"}


# what a user changes


def write(path: Path, **content: object) -> str:
    path.write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")
    return str(path)


def test_an_organisation_of_ones_own(make_call: MakeCall, tmp_path: Path) -> None:
    own = write(
        tmp_path / "own.yaml",
        extends="field-service",
        id="own",
        parameters={"organisations": ["青禾(水务|供水)"]},
    )
    for said, verdict in (("您好，青禾水务", PASS), ("您好，中国联通", FAIL)):
        found = greeted(make_call, own, ("A", said), ("C", "我家停水了"))
        assert (found["organisation"].verdict is PASS) is (verdict is PASS)


def test_rings_of_ones_own(tmp_path: Path) -> None:
    rules = {"answer_wait": {"max_rings": 3, "ring_s": 6}}
    book = load(write(tmp_path / "own.yaml", extends="hotline", id="own", rules=rules))
    assert book.rules.answer_wait
    assert book.rules.answer_wait.max_wait_s == 18


def test_an_order_of_elements_that_are_not_there(tmp_path: Path) -> None:
    rules = {"greeting": {"order": {"first": "greeting.helo"}}}
    with pytest.raises(UsageError, match=r"greeting\.helo"):
        load(write(tmp_path / "own.yaml", extends="hotline", id="own", rules=rules))


def test_every_parameter_is_filled_in() -> None:
    for name in NORMS:
        rule = load(name).rules.greeting
        checks = [*rule.checks.values(), *rule.outbound.values()]
        assert "{" not in "".join(phrase for check in checks for phrase in check.phrases)


# written rules: each check's examples agree, and polite calls are left in peace

POLITE = [
    [
        ("A", "您好，远山软件服务热线，工号三零二，请问有什么可以帮助您？"),
        ("C", "我的邮箱登录不了，报修了两天了"),
        ("A", "非常抱歉给您带来不便，请问您怎么称呼？"),
        ("C", "我姓邵"),
        ("A", "邵女士您好，请问您的工单编号是多少？"),
        ("C", "编号是二零七四一"),
        ("A", "二零七四一，我马上帮您查询"),
        ("A", "今天下午会有工程师联系您，请问还有其他需要吗？"),
        ("C", "没有了，再见"),
        ("A", "感谢您的来电，再见"),
    ],
    [
        ("A", "您好，请讲"),
        ("C", "我听不太清楚，你声音有点小"),
        ("A", "好的，您现在听得清吗？"),
        ("C", "现在好了，我总是收不到你们的短信"),
        ("A", "我帮您看一下，号码还是原来那个吗"),
        ("C", "换了，新号码是幺三五二二零零七四六八"),
        ("A", "尾号七四六八，已经改好了"),
        ("C", "好，谢谢啊"),
        ("A", "不客气"),
    ],
    [
        ("A", "喂，你好"),
        ("C", "请问是饭店吗"),
        ("A", "不好意思，您打错了，这里是维修热线"),
        ("C", "哦，不好意思"),
    ],
]


@pytest.mark.parametrize("name", NORMS)
def test_the_examples_beside_each_check_agree(name: str) -> None:
    book = load(name)
    assert count(book) > 50
    file = Path(str(files("audit") / "rulebooks" / f"{name}.yaml"))
    assert problems(book, file, models=MODELS, say=sentence) == ()
    for rule in book.rules.written.values():
        for check_id, check in rule.checks.items():
            assert check.examples.passes, check_id
            noted = check.requires is not None and check.requires == check.applies
            doubts = check.missing == "cannot_tell" or check.examples.cannot_tell
            assert noted or check.examples.fail or doubts, check_id


@pytest.mark.parametrize("name", NORMS)
@pytest.mark.parametrize("said", POLITE)
def test_polite_calls_are_accused_of_nothing_written(
    make_call: MakeCall, name: str, said: list[tuple[str, str]]
) -> None:
    call = make_call([(who, text, 4.0 * i, 4.0 * i + 3) for i, (who, text) in enumerate(said)])
    accused = [f.check_id for f in found_by_written(call, load(name)) if f.verdict is FAIL]
    assert accused == []


@pytest.mark.parametrize("name", NORMS)
def test_whom_a_written_check_accuses_is_told_where(name: str) -> None:
    book = load(name)
    for rule in book.rules.written.values():
        for check_id, check in rule.checks.items():
            for dialogue in check.examples.fail:
                call = as_call(dialogue, book, model=MODELS.stages)
                found = judged(check_id, check, evaluator(call, book))
                (accused,) = [f for f in found if f.verdict is FAIL]
                told = accused.evidence is not None or "hung_up_by" in str(dialogue)
                assert told, check_id
                assert sentence(accused.reason) == check.reason


def test_each_norm_closes_by_its_own_clause() -> None:
    clauses = {
        name: load(name).rules.written["closing"].checks["closing.goodbye"].clause for name in NORMS
    }
    assert clauses == {
        "after-sales": "004-5.2-end",
        "customer-service": "001-忌.6",
        "field-service": "002-接听电话.18",
        "hotline": "001-忌.6",
        "network-ops": "000-24.11",
    }
