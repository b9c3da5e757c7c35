"""Acts: what turns do, by words and by meaning, and what rules make of doubtful ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import TypeAdapter, ValidationError

from audit.errors import UsageError
from audit.ports import ACTS, AnsweringTurn
from audit.rulebooks import Rulebook, load
from audit.rules import active_listening, forbidden_language, greeting
from audit.rules.acts import Act, CallActs, Performed, parts_of
from audit.rules.written.conditions import Condition
from audit.types import Call, Finding, Role, Verdict
from models.training.acts import read
from reports.wording import sentence
from tests.calls import MODELS, dialogue, evaluator, found_by, found_by_written

PASS, FAIL, UNTOLD = Verdict.PASS, Verdict.FAIL, Verdict.CANNOT_TELL
MakeCall = Callable[..., Call]
CONDITION: TypeAdapter[Any] = TypeAdapter(Condition)

SORRY = "给您添了这么多麻烦，实在抱歉"
SERVED = "设备的指示灯是绿色的"


def act(**settings: Any) -> Act:
    return Act.model_validate(
        {"title": "一件事", "title_en": "a deed", "role": "agent", **settings}
    )


def performed(call: Call, wanted: Act, index: int = 0, **places: int) -> tuple[Performed, ...]:
    acts = CallActs(call, {"deed": wanted}, MODELS.acts)
    return acts.performed("deed", call.turns[index], **places)


def likely(meaning: str, text: str, before: str = "") -> float:
    at = next(position for position, name in enumerate(ACTS) if name == meaning)
    heard = [AnsweringTurn(part, before) for part in parts_of(text)]
    return float(MODELS.acts.probabilities(heard)[:, at].max())


def own(tmp_path: Path, **content: Any) -> Rulebook:
    # rulebooks are kept by their path
    path = tmp_path / f"own-{len(list(tmp_path.iterdir()))}.yaml"
    text = yaml.safe_dump({"extends": "hotline", "id": "own", **content}, allow_unicode=True)
    path.write_text(text, "utf-8")
    return load(str(path))


def checked(tmp_path: Path, acts: dict[str, Any] | None = None, **check: Any) -> Rulebook:
    """The hotline's rulebook with a written check of one's own."""
    whole = {"clause": "x", "points": 1, "reason": "没有做到", **check}
    mine = {"title": "自己的", "weight": 10, "checks": {"mine.check": whole}}
    return own(tmp_path, rules={"written": {"mine": mine}}, acts=acts or {})


def mine(book: Rulebook, lines: str) -> list[Finding]:
    found = found_by_written(dialogue(lines, book), book)
    return [finding for finding in found if finding.check_id == "mine.check"]


def verdicts(book: Rulebook, lines: str) -> list[Verdict]:
    return [finding.verdict for finding in mine(book, lines)]


# an act in a turn


@pytest.mark.parametrize(
    ("text", "meant", "place"),
    [
        ("好的，明天会有师傅上门", "师傅上门", (7, 11)),
        ("好的，明天会有师父上门", "师傅上门", (7, 11)),  # misheard
        ("上门的师傅", None, None),
        ("", None, None),
    ],
)
def test_an_act_by_a_phrase(
    make_call: MakeCall, text: str, meant: str | None, place: tuple[int, int] | None
) -> None:
    found = performed(make_call([("A", text)]), act(phrases=["师傅(上门|来)"]))
    assert [(one.meant, one.uncertainty) for one in found] == ([(meant, None)] if meant else [])
    assert [(one.first, one.last) for one in found] == ([place] if place else [])


def test_an_act_by_a_regular_expression(make_call: MakeCall) -> None:
    wanted = act(regex="第[二三]次坏")
    (one,) = performed(make_call([("A", "这已经是第三次坏了")]), wanted)
    assert (one.first, one.last, one.meant, one.uncertainty) == (4, 8, None, None)
    assert performed(make_call([("A", "这已经是第三次怀")]), wanted) == ()  # by its characters


def test_phrases_are_tried_before_the_expression(make_call: MakeCall) -> None:
    (one,) = performed(make_call([("A", "坏了，再见")]), act(phrases=["再见"], regex="坏"))
    assert one.meant == "再见"


def test_an_act_by_its_meaning_is_certain_doubtful_or_none(make_call: MakeCall) -> None:
    call = make_call([("A", SORRY)])
    found = likely("apology", SORRY)
    assert 0.9 < found < 1
    (certain,) = performed(call, act(meaning="apology"))
    assert (certain.first, certain.last, certain.uncertainty) == (0, len(SORRY), None)
    assert certain.quality == pytest.approx(found)
    (doubtful,) = performed(call, act(meaning="apology", certain_from=1, doubt_from=found - 0.01))
    assert doubtful.uncertainty is not None
    assert "一件事" in sentence(doubtful.uncertainty)
    assert doubtful.quality == pytest.approx(found)
    assert performed(call, act(meaning="apology", certain_from=1, doubt_from=1)) == ()
    assert performed(make_call([("A", SERVED)]), act(meaning="apology")) == ()


def test_an_act_that_is_due_at_its_bound_is_certain(make_call: MakeCall) -> None:
    found = likely("apology", SORRY)
    (one,) = performed(make_call([("A", SORRY)]), act(meaning="apology", certain_from=found))
    assert one.uncertainty is None


def test_words_count_only_where_the_meaning_agrees(make_call: MakeCall) -> None:
    asked, scolded = "我家的网怎么回事，老是断", "你这个人怎么回事，说话这么难听"
    low, high = likely("cause", scolded), likely("cause", asked)
    assert low < high
    bound = {"meaning": "cause", "phrases": ["怎么回事"], "certain_from": 1, "doubt_from": 1}
    wanted = act(role="customer", agree_from=(low + high) / 2, **bound)
    (one,) = performed(make_call([("C", asked)]), wanted)
    assert (one.meant, one.uncertainty) == ("怎么回事", None)
    assert performed(make_call([("C", scolded)]), wanted) == ()
    whatever = act(role="customer", **bound)
    assert len(performed(make_call([("C", scolded)]), whatever)) == 1


def test_words_that_the_meaning_does_not_agree_with_may_still_be_in_doubt(
    make_call: MakeCall,
) -> None:
    found = likely("apology", SORRY)
    wanted = act(
        meaning="apology",
        phrases=["抱歉"],
        agree_from=1,
        certain_from=1,
        doubt_from=found / 2,
    )
    (one,) = performed(make_call([("A", SORRY)]), wanted)
    assert (one.meant, one.first) == (None, 0)
    assert one.uncertainty is not None


@pytest.mark.parametrize(
    "settings",
    [{"phrases": ["抱歉"]}, {"regex": "抱歉"}, {"meaning": "apology"}],
)
def test_what_excuses_excuses_however_it_was_found(
    make_call: MakeCall, settings: dict[str, Any]
) -> None:
    call = make_call([("A", SORRY)])
    assert len(performed(call, act(**settings))) == 1
    assert performed(call, act(**settings, unless="添.{0,4}麻烦")) == ()


def test_part_of_a_turn(make_call: MakeCall) -> None:
    text = "您好，网断了，" + SORRY + "。"
    call, wanted = make_call([("A", text)]), act(phrases=["抱歉"], unless="网断")
    assert performed(call, wanted) == ()
    (one,) = performed(call, wanted, first=7)
    assert text[one.first : one.last] == "抱歉"
    assert performed(call, wanted, first=0, last=7) == ()
    meant = act(meaning="apology")
    (whole,) = performed(call, meant, first=7)
    assert (whole.first, whole.last) == (7, len(text))
    assert performed(call, meant, first=0, last=6) == ()


def test_an_act_is_looked_for_once(make_call: MakeCall) -> None:
    call = make_call([("A", SORRY)])
    acts = CallActs(call, {"deed": act(meaning="apology")}, MODELS.acts)
    assert acts.performed("deed", call.turns[0]) is acts.performed("deed", call.turns[0])
    assert (acts.role("deed"), sentence(acts.title("deed"))) == (Role.AGENT, "一件事")


# whose act it is


def test_each_side_has_its_own_acts(make_call: MakeCall) -> None:
    bye = "好，那就这样，再见"
    call = make_call([("A", bye), ("C", bye)])
    agent, customer = act(meaning="farewell"), act(role="customer", meaning="goodbye")
    assert [len(performed(call, agent, at)) for at in (0, 1)] == [1, 0]
    assert [len(performed(call, customer, at)) for at in (0, 1)] == [0, 1]


def test_what_was_said_before_belongs_to_an_answer(make_call: MakeCall) -> None:
    said = [("A", "请问还有别的需要吗"), ("C", "没有了")]
    found = likely("nothing_more", "没有了", "请问还有别的需要吗")
    wanted = act(role="customer", meaning="nothing_more", certain_from=0.01, doubt_from=0.01)
    (one,) = performed(make_call(said), wanted, 1)
    assert one.quality == pytest.approx(found)
    assert found != pytest.approx(likely("nothing_more", "没有了"))


def test_who_is_unknown_may_perform_acts_of_both(make_call: MakeCall) -> None:
    call = make_call([("?", "好，那就这样，再见")])
    for wanted in (act(meaning="farewell"), act(role="customer", meaning="goodbye")):
        assert len(performed(call, wanted)) == 1


def test_who_only_listens_means_nothing(make_call: MakeCall) -> None:
    said = [("C", "网断了", 0, 3), ("A", "嗯", 1, 1.4)]
    wanted = act(meaning="cannot_hear", certain_from=0.01, doubt_from=0.01)
    assert performed(make_call(said, backchannels=[1]), wanted, 1) == ()


@pytest.mark.parametrize("text", ["", "，。", "……"])
def test_a_turn_without_words_does_nothing(make_call: MakeCall, text: str) -> None:
    for role, who in (("agent", "A"), ("customer", "C")):
        for meaning in {"agent": ("apology", "flat_no"), "customer": ("goodbye", "delay")}[role]:
            wanted = act(role=role, meaning=meaning)
            assert performed(make_call([(who, text)]), wanted) == ()


# parts


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", [""]),
        ("您好", ["您好"]),
        ("您好。", ["您好。"]),
        ("网已经修好了。请问还有别的事吗？", ["网已经修好了。", "请问还有别的事吗？"]),
        ("网已经修好了。好的。再见。", ["网已经修好了。好的。再见。"]),  # short ones
        ("好的。网已经修好了。", ["好的。", "网已经修好了。"]),
        ("网已经修好了，请您再试一下", ["网已经修好了，请您再试一下"]),  # no end
        (
            "网已经修好了!您再试一下吧;谢谢您的配合",
            ["网已经修好了!", "您再试一下吧;", "谢谢您的配合"],
        ),
        ("，", ["，"]),
    ],
)
def test_the_parts_of_a_turn(text: str, parts: list[str]) -> None:
    assert parts_of(text) == parts


def test_what_has_no_end_is_cut_at_its_commas() -> None:
    clause = "我们的师傅明天上午会过去，"  # 12 syllables
    assert parts_of(clause * 4) == [clause * 4]
    assert parts_of(clause * 9) == [clause * 4, clause * 4, clause]
    endless = "我们的师傅明天上午会过去" * 9
    assert parts_of(endless) == [endless]


def test_parts_leave_nothing_out() -> None:
    for turn in list(read())[::20]:
        assert "".join(parts_of(turn.turn.text)) == turn.turn.text


def test_an_act_in_one_part_of_a_long_turn_is_found(make_call: MakeCall) -> None:
    long = "您的单子昨天下午已经派给师傅了，设备也已经到货了。" * 4
    call = make_call([("A", f"{long}{SORRY}。{long}")])
    (one,) = performed(call, act(meaning="apology"))
    assert one.uncertainty is None
    assert performed(make_call([("A", long)]), act(meaning="apology")) == ()


# conditions

TALK = f"""
[0-4] 客服: 您好，请讲。
[5-9] 客户: 你们师傅说好上礼拜四来，到今天影子都没见着。
[10-14] 客服: {SORRY}。
[15-18] 客户: 好，那就这样，再见。
"""


def doubtful(*names: str) -> dict[str, dict[str, object]]:
    """Acts that are in doubt wherever they are at all likely."""
    none: dict[str, object] = {"phrases": [], "regex": None, "certain_from": 1, "agree_from": 1}
    return {name: {**none, "doubt_from": 0.1} for name in names}


@pytest.mark.parametrize(
    ("condition", "expected", "in_doubt"),
    [
        ("{act: apology}", True, None),
        ("{act: [own_mistake, apology]}", True, None),
        ("{act: promises}", False, False),
        ("{act: delay}", True, None),  # the customer's, without a role
        ("{act: goodbye}", True, None),
        ("{act: farewell}", False, False),
        ("{act: apology, turns: {from: 1, to: 1}}", False, False),
        ("{act: apology, turns: {from: -1}}", True, None),
        ("{act: apology, after: {of: {act: delay}}}", True, None),
        ("{act: apology, before: {of: {act: delay}}}", False, False),
        ("{act: apology, around: {of: {act: delay}, turns: 1}}", True, None),
        ("{not: {act: apology}}", False, None),
        ("{not: {act: promises}}", True, True),
        ("{count: {of: {act: apology}, at_least: 2}}", False, False),
        ("{order: [{act: delay}, {act: apology}, {act: goodbye}]}", True, None),
        ("{perhaps: {act: apology}}", None, None),
        ("{perhaps: {act: promises}}", False, False),
        ("{not: {perhaps: {act: apology}}}", None, None),
        ("{not: {perhaps: {act: promises}}}", True, True),
        ("{any: [{act: promises}, {perhaps: {act: apology}}]}", None, None),
        ("{any: [{said: 您好}, {perhaps: {act: apology}}]}", True, True),
        ("{all: [{said: 您好}, {perhaps: {act: apology}}]}", None, None),
        ("{all: [{said: 没有这句话呀}, {perhaps: {act: apology}}]}", False, False),
        ("{perhaps: {turn_count: {over: 1}}}", None, None),
        ("{perhaps: {turn_count: {over: 2}}}", False, False),
    ],
)
def test_acts_in_conditions(
    tmp_path: Path, condition: str, expected: bool | None, in_doubt: bool | None
) -> None:
    parsed = CONDITION.validate_python(yaml.safe_load(condition))
    sure, unsure = load("hotline"), own(tmp_path, acts=doubtful("apology", "delay", "goodbye"))
    assert evaluator(dialogue(TALK, sure), sure).result(parsed).holds is expected
    assert evaluator(dialogue(TALK, unsure), unsure).result(parsed).holds is in_doubt


def test_where_it_is_unknown_who_speaks_nobody_is_said_to_do_it(book: Rulebook) -> None:
    parsed = CONDITION.validate_python({"act": "apology"})
    call = dialogue(f"客服: 您好。\n未知: {SORRY}。", book)
    assert evaluator(call, book).result(parsed).holds is None


def test_an_act_is_shown_where_it_is_done(tmp_path: Path) -> None:
    rulebook = checked(tmp_path, applies={"act": "delay"}, requires={"act": "apology"})
    (met,) = mine(rulebook, TALK)
    assert (met.verdict, met.start_s, met.end_s) == (PASS, 10, 14)
    (failed,) = mine(rulebook, TALK.replace(SORRY, SERVED))
    assert (failed.verdict, failed.start_s, failed.end_s) == (FAIL, 5, 9)
    assert (
        mine(rulebook, TALK.replace("你们师傅说好上礼拜四来，到今天影子都没见着", "我想换一个套餐"))
        == []
    )


# what depends on a doubtful act


@pytest.mark.parametrize(
    ("unsure", "check", "expected"),
    [
        (["apology"], {"requires": {"act": "apology"}}, [UNTOLD]),
        (["apology"], {"forbids": {"act": "apology"}}, [UNTOLD]),
        (["delay"], {"applies": {"act": "delay"}, "requires": {"said": "您好"}}, []),
        (["delay"], {"applies": {"act": "delay"}, "requires": {"said": "没有这句"}}, [UNTOLD]),
        (["delay"], {"applies": {"act": "delay"}, "requires": {"act": "apology"}}, []),
        (
            ["apology", "delay"],
            {"applies": {"act": "delay"}, "requires": {"act": "apology"}},
            [UNTOLD],
        ),
        (["delay"], {"requires": {"said": "没有这句"}, "unless": {"act": "delay"}}, [UNTOLD]),
        (["apology"], {"forbids": {"said": "您好"}, "unless": {"act": "apology"}}, [UNTOLD]),
        (["apology"], {"forbids": {"act": "apology"}, "unless": {"said": "您好"}}, []),
        ([], {"requires": {"perhaps": {"act": "apology"}}}, [UNTOLD]),
        ([], {"requires": {"perhaps": {"act": "promises"}}}, [FAIL]),
        (
            [],
            {"applies": {"perhaps": {"act": "delay"}}, "requires": {"said": "没有这句"}},
            [UNTOLD],
        ),
        ([], {"applies": {"perhaps": {"act": "price"}}, "requires": {"said": "没有这句"}}, []),
    ],
)
def test_what_depends_on_a_doubtful_act_is_undecided(
    tmp_path: Path, unsure: list[str], check: dict[str, Any], expected: list[Verdict]
) -> None:
    found = verdicts(checked(tmp_path, doubtful(*unsure), **check), TALK)
    # what nothing forbids any more passes
    assert [verdict for verdict in found if verdict is not PASS] == expected


def test_a_doubt_names_the_act(tmp_path: Path) -> None:
    rulebook = checked(tmp_path, doubtful("apology"), requires={"act": "apology"})
    (one,) = mine(rulebook, TALK)
    assert rulebook.acts["apology"].title in sentence(one.reason)
    assert one.points == 0


def test_a_greeting_that_may_be_one(tmp_path: Path, make_call: MakeCall) -> None:
    phrases: dict[str, Any] = {"greeting": {"checks": {"greeting.hello": {"phrases": []}}}}
    unsure = own(tmp_path, rules=phrases, acts=doubtful("hello"))
    call = make_call([("A", "您好，请讲", 0, 2), ("C", "网断了，你们看一下", 3, 6)])
    found = {one.check_id: one.verdict for one in found_by(greeting.RULE, call, unsure)}
    assert found["greeting.hello"] is UNTOLD
    found = {one.check_id: one.verdict for one in found_by(greeting.RULE, call, load("hotline"))}
    assert found["greeting.hello"] is PASS


def test_wording_that_may_be_a_forbidden_act(tmp_path: Path, make_call: MakeCall) -> None:
    unsure = own(tmp_path, acts=doubtful("attacks_competitor"))
    call = make_call(
        [
            ("C", "我看隔壁那家便宜些", 0, 3),
            ("A", "隔壁那家的宽带差劲透顶，谁装谁后悔", 4, 8),
            ("C", "哦，这样啊", 9, 10),
        ]
    )
    (sure,) = found_by(forbidden_language.RULE, call, load("hotline"))
    (doubt,) = found_by(forbidden_language.RULE, call, unsure)
    assert (sure.verdict, doubt.verdict) == (FAIL, UNTOLD)
    assert sure.clause_id == doubt.clause_id == "004-1.2-竞争"
    assert (sure.start_s, sure.evidence) == (4, call.turns[1].text)


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        ("合同编号我刚才不是报过了吗，五五零三", FAIL),
        ("五五零三", FAIL),  # whoever has to say it again need not protest
        ("我刚才不是报过了吗", UNTOLD),
    ],
)
def test_a_question_for_what_was_said(make_call: MakeCall, answer: str, verdict: Verdict) -> None:
    said = [
        ("C", "我的合同编号是五五零三", 0, 4),
        ("A", "请问您的合同编号是多少", 5, 7),
        ("C", answer, 8, 10),
    ]
    found = found_by(active_listening.RULE, make_call(said), load("hotline"))
    repeats = [one for one in found if one.check_id == "active_listening.repeat"]
    assert [(one.verdict, one.start_s) for one in repeats] == [(verdict, 5)]


# mistakes in a rulebook

CHECK = {"clause": "x", "points": 1, "reason": "没有做到"}


def written(**check: Any) -> dict[str, Any]:
    mine = {"title": "自己的", "weight": 1, "checks": {"mine.check": {**CHECK, **check}}}
    return {"rules": {"written": {"mine": mine}}}


def forbidding(name: str) -> dict[str, Any]:
    acts = {name: {"clause": "x", "points": 1}}
    return {"rules": {"forbidden_language": {"forbidden_acts": acts}}}


@pytest.mark.parametrize(
    ("content", "place", "name"),
    [
        (written(requires={"act": "apologie"}), "rule mine", "apologie"),
        (written(requires={"act": ["apology", "apologie"]}), "rule mine", "apologie"),
        (written(requires={"perhaps": {"act": "apologie"}}), "rule mine", "apologie"),
        (written(requires={"any": [{"not": {"act": "apologie"}}]}), "rule mine", "apologie"),
        (written(forbids={"said": "再见"}, unless={"act": "delai"}), "rule mine", "delai"),
        (written(applies={"act": "delai"}, requires={"said": "再见"}), "rule mine", "delai"),
        (
            written(requires={"said": "再见", "after": {"of": {"act": "delai"}}}),
            "rule mine",
            "delai",
        ),
        (written(requires={"act": "apologie"}, enabled=False), "rule mine", "apologie"),
        (
            {"rules": {"greeting": {"checks": {"greeting.hello": {"act": "helo"}}}}},
            "rule greeting",
            "helo",
        ),
        ({"rules": {"greeting": {"not_reached": ["wrong"]}}}, "rule greeting", "wrong"),
        (
            forbidding("no"),
            "rule forbidden_language",
            "no",
        ),
        ({"rules": {"active_listening": {"protest": "told"}}}, "rule active_listening", "told"),
        ({"silences": {"asks_wait": "waits"}}, "silences", "waits"),
    ],
)
def test_an_act_that_there_is_not_is_named(
    tmp_path: Path, content: dict[str, Any], place: str, name: str
) -> None:
    with pytest.raises(UsageError) as refused:
        own(tmp_path, **content)
    assert f"{place} names the act {name!r}; there is none in acts" in str(refused.value)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"role": "agent"}, "give at least one of phrases, regex and meaning"),
        ({"role": "agent", "meaning": "singing"}, "acts.deed.meaning"),
        ({"role": "boss", "phrases": ["再见"]}, "acts.deed.role"),
        ({"role": "agent", "regex": "["}, "not a valid regular expression"),
        ({"role": "agent", "phrases": ["再见"], "unless": "["}, "not a valid regular expression"),
        ({"role": "agent", "phrases": ["(再见"]}, "bracket without its partner"),
        ({"role": "agent", "meaning": "hello", "certain_from": 1.1}, "acts.deed.certain_from"),
        ({"role": "agent", "meaning": "hello", "doubt_from": 0}, "acts.deed.doubt_from"),
        ({"role": "agent", "phrase": ["再见"]}, "acts.deed.phrase: there is no such key"),
    ],
)
def test_mistakes_in_an_act_are_named(tmp_path: Path, settings: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as refused:
        own(tmp_path, acts={"deed": {"title": "一件事", **settings}})
    assert said in str(refused.value)


def test_an_act_of_ones_own(tmp_path: Path) -> None:
    deed = {"title": "提到保修", "role": "agent", "phrases": ["(保修|质保)期"]}
    rulebook = checked(tmp_path, {"warranty": deed}, requires={"act": "warranty"})
    assert verdicts(rulebook, "客服: 您的机器还在质保期里。\n客户: 好。") == [PASS]
    assert verdicts(rulebook, "客服: 您的机器要付费修。\n客户: 那质保期呢？") == [FAIL]


def test_an_element_of_the_greeting_says_what_it_looks_for() -> None:
    with pytest.raises(ValidationError, match="give phrases, or an act"):
        greeting.GreetingCheck.model_validate({"clause": "x", "points": 1})


# enabled, missing


def test_a_check_that_is_not_enabled_judges_nothing(tmp_path: Path) -> None:
    off = checked(tmp_path, requires={"said": "没有这句"}, clause="其他", enabled=False)
    assert mine(off, TALK) == []
    assert "其他" not in off.clauses()
    assert "mine.check" not in {spec.check_id for spec in off.specs()}
    on = checked(tmp_path, requires={"said": "没有这句"}, clause="其他")
    assert verdicts(on, TALK) == [FAIL]
    assert "其他" in on.clauses()
    assert "mine.check" in {spec.check_id for spec in on.specs()}


def test_an_heir_enables_what_its_parent_does_not(tmp_path: Path) -> None:
    lines = f"客户: 我等了三天了还没人来。\n客服: {SERVED}。"

    def told(rulebook: Rulebook) -> list[Verdict]:
        found = found_by_written(dialogue(lines, rulebook), rulebook)
        return [one.verdict for one in found if one.check_id == "courtesy.delay"]

    assert told(load("hotline")) == []
    enabled = {"courtesy": {"checks": {"courtesy.delay": {"enabled": True}}}}
    assert told(own(tmp_path, rules={"written": enabled})) == [FAIL]


def test_what_is_missing_may_have_been_said_otherwise(tmp_path: Path) -> None:
    rulebook = checked(tmp_path, requires={"said": "没有这句"}, missing="cannot_tell")
    (one,) = mine(rulebook, TALK)
    assert (one.verdict, one.points) == (UNTOLD, 0)
    assert "没有做到" in sentence(one.reason)
    said = checked(tmp_path, requires={"said": "您好"}, missing="cannot_tell")
    assert verdicts(said, TALK) == [PASS]
    (spec,) = (spec for spec in rulebook.specs() if spec.check_id == "mine.check")
    assert FAIL not in spec.verdicts
    with pytest.raises(UsageError, match=r"mine\.check\.missing"):
        own(tmp_path, **written(requires={"said": "您好"}, missing="nothing"))


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"phrases": ["好"], "agree_from": 0.5}, "agree_from needs a meaning"),
        ({"regex": ""}, "must not match an empty text"),
        ({"regex": "好?"}, "must not match an empty text"),
    ],
)
def test_an_act_that_never_or_always_happens_is_refused(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        Act.model_validate({"title": "某事", "role": "agent", **wrong})


def test_the_agents_opening_cannot_be_the_customers_act(tmp_path: Path) -> None:
    rules = {"greeting": {"checks": {"greeting.organisation": {"act": "delay"}}}}
    with pytest.raises(UsageError, match="delay is an act of the customer"):
        own(tmp_path, rules=rules)


def test_what_is_forbidden_cannot_be_missing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="missing belongs to requires"):
        checked(tmp_path, forbids={"act": "apology"}, missing="cannot_tell")


def test_an_element_of_the_greeting_can_be_switched_off(tmp_path: Path) -> None:
    off = {"greeting.offer_help": {"enabled": False}}
    book = own(tmp_path, rules={"greeting": {"checks": off}})
    call = dialogue(["客服: 您好。", "客户: 我查个单。", "客服: 好。"], book)
    asked = [one.check_id for one in found_by(greeting.RULE, call, book)]
    assert "greeting.hello" in asked
    assert "greeting.offer_help" not in asked


def test_a_kind_of_wording_cannot_be_switched_off(tmp_path: Path) -> None:
    kinds = {"kinds": {"mockery": {"enabled": False}}}
    with pytest.raises(UsageError, match="none of them can be switched off"):
        own(tmp_path, rules={"forbidden_language": {"meaning": kinds}})


# forbidden acts


READS_IT_OUT = {"title": "让客户看资料", "role": "agent", "phrases": ["资料上(都|)(有|写着)"]}


def wording(tmp_path: Path, line: str, **act: Any) -> list[tuple[Verdict, str | None]]:
    """What forbidden wording finds where turning to the papers is forbidden."""
    acts = {"reads_it_out": {"clause": "000-26.5", "points": 9, **act}}
    rules = {"forbidden_language": {"forbidden_acts": acts, "groups": GROUPS}}
    book = own(tmp_path, acts={"reads_it_out": READS_IT_OUT}, rules=rules)
    call = dialogue(f"客户: 这个怎么设置啊\n客服: {line}\n客户: 好吧", book)
    return [(one.verdict, one.clause_id) for one in found_by(forbidden_language.RULE, call, book)]


GROUPS = [{"clause": "x", "severity": "minor", "points": 1, "phrases": ["一句没人会说的话"]}]


@pytest.mark.parametrize(
    ("line", "by_meaning", "found"),
    [
        ("资料上都写着，您不会自己翻翻吗", True, (FAIL, "000-26.5")),
        ("资料上有，我给您念一遍，您看可以吗", True, (PASS, None)),
        ("资料上有，我给您念一遍，您看可以吗", False, (FAIL, "000-26.5")),
        ("不是说您，我说我自己，资料上都写着，不会自己翻翻吗", False, (UNTOLD, "000-26.5")),
        ("不用自己翻，资料上都写着，我念给您听", True, (PASS, None)),
    ],
)
def test_a_forbidden_act_beside_the_meaning_of_its_turn(
    tmp_path: Path, line: str, by_meaning: bool, found: tuple[Verdict, str | None]
) -> None:
    assert wording(tmp_path, line, by_meaning=by_meaning) == [found]


def test_what_is_forbidden_by_its_meaning_breaks_the_clause_of_its_act(tmp_path: Path) -> None:
    rude = "你是不是傻，资料上都写着，自己不会看啊，废物"
    assert wording(tmp_path, rude, by_meaning=True) == [(FAIL, "000-26.5")]
    assert wording(tmp_path, rude, enabled=False) == [(FAIL, "000-26")]
