"""Forbidden wording by its phrases and its meaning: what accuses, acquits, cannot be told."""

from collections.abc import Callable

import pytest

from audit.rulebooks import Rulebook
from audit.rules import forbidden_language
from audit.types import Call, Channels, Finding, Verdict
from models.text.forbidden import INNOCENT
from models.training.sentences import held_out
from reports.wording import sentence
from tests.calls import found_by

PASS, FAIL, UNTOLD = Verdict.PASS, Verdict.FAIL, Verdict.CANNOT_TELL
MakeCall = Callable[..., Call]

HELLO = ("A", "您好，远山软件服务热线，请问有什么可以帮助您？", 0.0, 5.0)
ASKED = ("C", "你好，我的邮箱登录不了怎么办呢", 5.5, 9.0)
INSULT = "我看你就是个没文化的土包子"


def judged(make_call: MakeCall, book: Rulebook, said: str, **options: object) -> list[Finding]:
    call = make_call([HELLO, ASKED, ("A", said, 10.0, 13.0)], **options)
    return found_by(forbidden_language.RULE, call, book)


@pytest.fixture(scope="module")
def phrases_only(book: Rulebook) -> Rulebook:
    bare = book.rules.forbidden_language.model_copy(update={"meaning": None})
    rules = book.rules.model_copy(update={"forbidden_language": bare})
    return book.model_copy(update={"rules": rules})


def test_what_no_phrase_holds_is_found_by_its_meaning(
    make_call: MakeCall, book: Rulebook, phrases_only: Rulebook
) -> None:
    (bare,) = judged(make_call, phrases_only, INSULT)
    assert bare.verdict is PASS
    (finding,) = judged(make_call, book, INSULT)
    assert finding.verdict is FAIL
    assert (finding.start_s, finding.end_s, finding.evidence) == (10.0, 13.0, INSULT)
    assert finding.clause_id == "000-26"
    assert finding.points > 0
    assert sentence(finding.reason).startswith("语义上属于服务禁语")
    assert not finding.auto_fail


def test_a_phrase_goes_before_the_meaning(make_call: MakeCall, book: Rulebook) -> None:
    (finding,) = judged(make_call, book, "有意见你去告吧")
    assert finding.meant


def test_one_rude_sentence_among_polite_ones_is_found(make_call: MakeCall, book: Rulebook) -> None:
    said = f"好的，我看到了。{INSULT}。请您稍等一下。"
    (finding,) = judged(make_call, book, said)
    assert finding.verdict is FAIL


def test_repeating_the_customer_is_no_fault(make_call: MakeCall, book: Rulebook) -> None:
    quoted = ("C", f"你们师傅说{INSULT}，气死我了", 5.5, 9.0)
    call = make_call([HELLO, quoted, ("A", f"他说{INSULT}，是吗", 10.0, 13.0)])
    (finding,) = found_by(forbidden_language.RULE, call, book)
    assert finding.verdict is PASS
    phrase = ("C", "前台说这事不归我管你找别人去", 5.5, 9.0)
    call = make_call([HELLO, phrase, ("A", "前台说这事不归我管你找别人去，是吗", 10.0, 13.0)])
    (finding,) = found_by(forbidden_language.RULE, call, book)
    assert finding.verdict is PASS


def test_what_the_customer_says_afterwards_acquits_nobody(
    make_call: MakeCall, book: Rulebook
) -> None:
    call = make_call([HELLO, ("A", INSULT, 6.0, 8.0), ("C", INSULT, 9.0, 11.0)])
    (finding,) = found_by(forbidden_language.RULE, call, book)
    assert finding.verdict is FAIL


@pytest.mark.parametrize("said", [f"如果有人跟您讲{INSULT}", f"不是说{INSULT}"])
def test_conditions_and_negations_acquit(make_call: MakeCall, book: Rulebook, said: str) -> None:
    (finding,) = judged(make_call, book, said)
    assert finding.verdict is PASS


def test_words_hardly_heard_or_of_nobody_known_are_doubts(
    make_call: MakeCall, book: Rulebook
) -> None:
    (finding,) = judged(make_call, book, INSULT, asr_confidence=0.2)
    assert (finding.verdict, finding.points) == (UNTOLD, 0)
    call = make_call([("?", HELLO[1], 0, 5), ("?", INSULT, 6, 8)], channels=Channels.MONO)
    (finding,) = found_by(forbidden_language.RULE, call, book)
    assert (finding.verdict, finding.evidence) == (UNTOLD, INSULT)


def with_meaning(book: Rulebook, **changes: object) -> Rulebook:
    rule = book.rules.forbidden_language
    assert rule.meaning is not None
    changed = rule.model_copy(update={"meaning": rule.meaning.model_copy(update=changes)})
    rules = book.rules.model_copy(update={"forbidden_language": changed})
    return book.model_copy(update={"rules": rules})


def test_a_suspicion_alone_cannot_be_told(make_call: MakeCall, book: Rulebook) -> None:
    (finding,) = judged(make_call, with_meaning(book, accuse_from=1.0), INSULT)
    assert (finding.verdict, finding.points, finding.evidence) == (UNTOLD, 0, INSULT)
    (finding,) = judged(make_call, with_meaning(book, accuse_from=1.0, doubt_from=1.0), INSULT)
    assert finding.verdict is PASS


def test_a_doubt_is_not_told_beside_what_is_sure(make_call: MakeCall, book: Rulebook) -> None:
    call = make_call([HELLO, ASKED, ("A", INSULT, 10, 12), ("A", "你问我我去问谁", 13, 15)])
    (finding,) = found_by(forbidden_language.RULE, call, with_meaning(book, accuse_from=1.0))
    assert (finding.verdict, finding.start_s) == (FAIL, 13)
    both = found_by(forbidden_language.RULE, call, book)
    assert [finding.start_s for finding in both] == [10, 13]


def test_a_customer_who_objects_backs_a_suspicion(make_call: MakeCall, book: Rulebook) -> None:
    careful = with_meaning(book, accuse_from=1.0, doubt_from=1.0)
    objects = ("C", "你这是什么态度啊", 13, 15)
    call = make_call([HELLO, ASKED, ("A", INSULT, 10, 12), objects])
    (finding,) = found_by(forbidden_language.RULE, call, careful)
    assert finding.verdict is FAIL
    call = make_call([HELLO, objects, ("A", INSULT, 16, 18)])  # before it was said
    (finding,) = found_by(forbidden_language.RULE, call, careful)
    assert finding.verdict is PASS


def test_a_phrase_in_what_is_innocent_as_a_whole_is_none(
    make_call: MakeCall, book: Rulebook, phrases_only: Rulebook
) -> None:
    said = "这个指南叫白痴也能学会，您可以下载看看"
    (bare,) = judged(make_call, phrases_only, said)
    assert bare.verdict is FAIL
    (finding,) = judged(make_call, book, said)
    assert finding.verdict is PASS
    (finding,) = judged(
        make_call, with_meaning(book, phrase_doubt_from=0.001, phrase_accuse_from=0.99), said
    )
    assert (finding.verdict, finding.points) == (UNTOLD, 0)
    assert finding.meant


def test_phrases_of_ones_own_are_not_weighed(make_call: MakeCall, book: Rulebook) -> None:
    rule = book.rules.forbidden_language
    own = rule.groups[0].model_copy(
        update={"phrases": ("保本保息",), "by_meaning": False, "unless": ()}
    )
    changed = rule.model_copy(update={"groups": (*rule.groups, own)})
    rules = book.rules.model_copy(update={"forbidden_language": changed})
    (finding,) = judged(
        make_call, book.model_copy(update={"rules": rules}), "请您放心，这个产品是保本保息的"
    )
    assert finding.verdict is FAIL


def test_the_customers_words_are_never_judged(make_call: MakeCall, book: Rulebook) -> None:
    call = make_call([HELLO, ("C", INSULT, 6, 8), ("A", "请您稍等", 9, 10)])
    (finding,) = found_by(forbidden_language.RULE, call, book)
    assert finding.verdict is PASS


def test_the_rule_accuses_rightly_on_wording_it_never_saw(
    make_call: MakeCall, book: Rulebook
) -> None:
    accused, found = [], []
    for row in held_out("test"):
        asked = ("C", row.get("before", ASKED[1]), 5.5, 9.0)
        call = make_call([HELLO, asked, ("A", row["text"], 10.0, 13.0)])
        verdicts = {finding.verdict for finding in found_by(forbidden_language.RULE, call, book)}
        if FAIL in verdicts:
            accused.append(row["kind"] != INNOCENT)
        if verdicts & {FAIL, UNTOLD}:
            found.append(row["kind"] != INNOCENT)
    assert sum(accused) / len(accused) >= 0.97
    assert sum(accused) / 351 >= 0.3
    assert sum(found) / len(found) >= 0.97
    assert sum(found) / 351 >= 0.7


# by its phrases

FULL_HELLO = "您好，远山软件服务热线，工号二零零一，很高兴为您服务，请问有什么可以帮助您？"
OPENING = ("A", FULL_HELLO, 0.0, 6.0)
TROUBLE = "我们办公室的打印机从今天早上开始连不上网络了，重启了两次都没有用"


@pytest.mark.parametrize(
    ("said", "clause"),
    [
        ("有一件你去告吧", "000-26.8"),
        ("你问我，我去问谁啊？", "000-26.1"),
        ("刚才不是跟你说过了吗，怎么还问？", "000-26.2"),
        ("这个事情不归我管", "000-26.3"),
        ("我们下班了，你明天再打吧", "000-26.6"),
        ("你自己的问题，我们能有什么办法", "000-26.7"),
        ("喂，说吧。", "003-1.2.1-b"),
        ("再不说话我就挂了啊！", "003-1.2.1-c"),
        ("你聽不懂人話嗎", "000-26"),
        ("你跟我发脾气也没用", "002-服务禁忌"),
    ],
)
def test_forbidden_wording_is_found_with_its_clause(
    make_call: MakeCall, book: Rulebook, said: str, clause: str
) -> None:
    call = make_call([OPENING, ("C", TROUBLE, 7, 12), ("A", said, 13, 15)])
    (finding,) = found_by(forbidden_language.RULE, call, book)
    assert (finding.verdict, finding.clause_id) == (FAIL, clause)
    assert (finding.start_s, finding.end_s, finding.evidence) == (13, 15, said)
    assert finding.points > 0
    assert finding.meant


@pytest.mark.parametrize(
    "said",
    [
        "如果您有意见可以告诉我，我马上帮您反映",
        "请问还有什么可以帮您的吗？",
        "抱歉让您久等了，我马上为您处理",
        "对不起，这个我也不清楚，我帮您查询一下",
        "不知道您现在方便吗？",
        "万一别人对您说不归我管，您就打这个电话",
        "您自己看一下屏幕右上角，有没有一个红色的灯？",
        "我们明天再给您打电话",
        "这个问题必须由工程师上门处理，我来帮您预约",
    ],
)
def test_polite_wording_is_left_in_peace(make_call: MakeCall, book: Rulebook, said: str) -> None:
    call = make_call([OPENING, ("C", TROUBLE, 7, 12), ("A", said, 13, 15)])
    (finding,) = found_by(forbidden_language.RULE, call, book)
    assert finding.verdict is PASS, (finding.meant, finding.clause_id)


@pytest.mark.parametrize("said", ["你问我我去问谁", "有意见你去告吧", "你们有病吧", "不归我管"])
def test_the_customers_words_never_accuse_the_agent(
    make_call: MakeCall, book: Rulebook, said: str
) -> None:
    call = make_call([OPENING, ("C", said, 7, 9), ("A", "请您稍等", 10, 11)])
    (finding,) = found_by(forbidden_language.RULE, call, book)
    assert finding.verdict is PASS


def test_each_event_has_its_own_finding(make_call: MakeCall, book: Rulebook) -> None:
    rude = [("A", "不归我管", 10, 11), ("C", "那归谁", 12, 13), ("A", "你问我我去问谁", 14, 15)]
    findings = found_by(
        forbidden_language.RULE, make_call([OPENING, ("C", TROUBLE, 7, 9), *rude]), book
    )
    assert [finding.start_s for finding in findings] == [10, 14]


def test_words_of_unknown_speakers_are_doubts_not_accusations(
    make_call: MakeCall, book: Rulebook
) -> None:
    said = [("?", FULL_HELLO, 0, 6), ("?", "你问我我去问谁", 7, 9)]
    findings = found_by(forbidden_language.RULE, make_call(said, channels=Channels.MONO), book)
    assert {finding.verdict for finding in findings} == {UNTOLD}
    assert findings[0].start_s == 7
    assert not any(finding.points or finding.auto_fail for finding in findings)
    clean = found_by(forbidden_language.RULE, make_call(said[:1], channels=Channels.MONO), book)
    assert [finding.verdict for finding in clean] == [UNTOLD]


def test_words_hardly_heard_are_doubts(make_call: MakeCall, book: Rulebook) -> None:
    call = make_call([OPENING, ("A", "你问我我去问谁", 7, 9)], asr_confidence=0.02)
    findings = found_by(forbidden_language.RULE, call, book)
    assert {finding.verdict for finding in findings} == {UNTOLD}


def test_a_call_without_the_agents_words_cannot_be_told(
    make_call: MakeCall, book: Rulebook
) -> None:
    for said in ([], [("C", TROUBLE, 0, 5)], [("A", "", 0, 1)]):
        (finding,) = found_by(forbidden_language.RULE, make_call(said), book)
        assert finding.verdict is UNTOLD


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        ("你看我这脑子真是笨死了，昨天明明是我接的电话", PASS),
        ("你这脑子真是笨死了，教了三遍还不会", FAIL),
    ],
)
def test_who_scolds_himself_scolds_nobody(
    make_call: MakeCall, book: Rulebook, said: str, verdict: Verdict
) -> None:
    (finding,) = judged(make_call, book, said)
    assert finding.verdict is verdict


@pytest.mark.parametrize(
    ("said", "of_others"),
    [
        (
            "系统又转圈了，快点快点你倒是出来啊，不是说您啊，我说我这电脑呢",
            "不是说您啊，我说我这电脑呢",
        ),
        ("我们的同事跟您说了你去告吧随便告，是这样吗", "我们的同事跟您说了"),
        ("爱找谁找谁，这句我原样记下来了", "这句我原样记下来了"),
    ],
)
def test_what_is_said_of_or_for_others_fails_nobody(
    make_call: MakeCall, book: Rulebook, said: str, of_others: str
) -> None:
    found = judged(make_call, book, said)
    assert Verdict.FAIL not in {one.verdict for one in found}
    alone = judged(make_call, book, said.replace(of_others, ""))
    assert {one.verdict for one in alone} & {Verdict.FAIL, Verdict.CANNOT_TELL}


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        ("我操这系统又挂了", Verdict.FAIL),
        ("他娘的又卡住了", Verdict.FAIL),
        ("我操作一下，您稍等", Verdict.PASS),
        ("这个就不用您操心了，我操什么作都给您记着", Verdict.PASS),
    ],
)
def test_oaths_are_told_from_words_that_hold_them(
    make_call: MakeCall, book: Rulebook, said: str, verdict: Verdict
) -> None:
    assert {one.verdict for one in judged(make_call, book, said)} == {verdict}


def test_an_objection_is_about_the_worst_that_was_said(make_call: MakeCall, book: Rulebook) -> None:
    suspicious = ("A", "你先看看接口插紧没有", 10.0, 12.0)
    said = [HELLO, suspicious, ("C", "看过了", 13.0, 14.0)]
    rude = ("A", "你这个人真是笨，连线都不会插", 15.0, 18.0)
    objection = ("C", "你怎么骂人", 19.0, 20.0)
    found = found_by(forbidden_language.RULE, make_call([*said, rude, objection]), book)
    assert [(one.verdict, one.start_s) for one in found] == [(FAIL, 15.0)]


def test_an_answer_is_to_the_worst_of_what_was_said_in_a_row(
    make_call: MakeCall, book: Rulebook
) -> None:
    said = [
        HELLO,
        ("C", "都插紧了你告诉我怎么接", 6.0, 9.0),
        ("A", "你先看看接口差境没有", 10.0, 12.0),
    ]
    rude = ("A", "你这个人真是笨，连线都不会插", 15.0, 18.0)
    call = make_call([*said, rude, ("C", "你怎么骂人", 19.0, 20.0)])
    found = found_by(forbidden_language.RULE, call, book)
    assert [(one.verdict, one.start_s) for one in found] == [(FAIL, 15.0)]
