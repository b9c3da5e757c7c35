"""Mistakes that the shipped norms must not make again: whom they accuse, and whom they miss."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from audit.rulebooks import Rulebook, load
from audit.rules.written import entities
from audit.types import Finding, Verdict
from tests.calls import dialogue, found_by_all

PASS, FAIL, UNTOLD = Verdict.PASS, Verdict.FAIL, Verdict.CANNOT_TELL
NORMS = ["after-sales", "customer-service", "field-service", "hotline", "network-ops"]
OUTBOUND = ["after-sales", "field-service"]


Heard = tuple[float, float, str]
"""From when to when a line is said."""


def findings(rulebook: str, *lines: str, **columns: str) -> list[Finding]:
    book = load(rulebook)
    return found_by_all(dialogue(lines, book, **columns), book)


def of(check_id: str, rulebook: str, *lines: str, **columns: str) -> list[Verdict]:
    """What one check says of a call."""
    found = findings(rulebook, *lines, **columns)
    return [finding.verdict for finding in found if finding.check_id == check_id]


def accused(rulebook: str, *lines: str, **columns: str) -> list[tuple[str, str | None]]:
    """Checks that a call fails, and their clauses."""
    found = findings(rulebook, *lines, **columns)
    return [(one.check_id, one.clause_id) for one in found if one.verdict is FAIL]


def timed(*said: Heard) -> list[str]:
    return [f"[{first}-{last}] {line}" for first, last, line in said]


# who the agent is

OPENINGS = [
    "您好，远山电信的章磊，请问您是邵女士吗？",
    "您好，我是远山公司客服部的吕芳，请问是邵女士吗？",
    "您好，远山通讯小韩，请问是邵工吗？",
    "您好，电信装维夏侯伟，请问是邵女士吗？",
    "您好，联通营业厅的欧阳敏，您是邵先生吗？",
]


@pytest.mark.parametrize("rulebook", OUTBOUND)
@pytest.mark.parametrize("said", OPENINGS)
def test_a_name_after_the_organisation_is_who_one_is(rulebook: str, said: str) -> None:
    call = f"客服: {said}", "客户: 是我，你说。", "客服: 您报的故障修好了吗？", "客户: 好了。"
    for check_id in ("greeting.agent_identity", "greeting.organisation", "greeting.confirm_person"):
        assert of(check_id, rulebook, *call, direction="out") == [PASS], check_id


@pytest.mark.parametrize("said", OPENINGS)
def test_the_hotline_takes_a_name_for_who_one_is(said: str) -> None:
    call = f"客服: {said}", "客户: 我的邮箱登录不了。"
    assert of("greeting.agent_identity", "hotline", *call) == [PASS]


@pytest.mark.parametrize(
    "said",
    ["您好，远山电信的，请问您是邵女士吗？", "您好，远山通讯，邵女士在吗？"],
)
def test_who_gives_no_name_and_no_job_is_accused(said: str) -> None:
    call = f"客服: {said}", "客户: 是我，你说。", "客服: 您报的故障修好了吗？", "客户: 好了。"
    found = of("greeting.agent_identity", "after-sales", *call, direction="out")
    assert PASS not in found


@pytest.mark.parametrize("direction", ["in", "out"])
@pytest.mark.parametrize(
    "said",
    [
        "您好，我就是客户经理。",
        "您好，我就是客户经理李强，您说。",
        "您好，我是修宽带的师傅李强，您说。",
    ],
)
def test_a_job_names_no_organisation(said: str, direction: str) -> None:
    call = f"客服: {said}", "客户: 我们家宽带断了，你们看一下。", "客服: 好的，我看一下。"
    found = of("greeting.organisation", "field-service", *call, direction=direction)
    assert PASS not in found


@pytest.mark.parametrize(
    "said", ["您好，我是晴川宽带的客户经理李强，您说。", "您好，南浦电视，客户经理李强，您说。"]
)
def test_an_organisation_that_is_not_on_the_list(said: str) -> None:
    call = f"客服: {said}", "客户: 我们家宽带断了，你们看一下。", "客服: 好的，我看一下。"
    assert of("greeting.organisation", "field-service", *call) == [PASS]


# the greeting


@pytest.mark.parametrize(
    "hello",
    [
        "新年好",
        "春节快乐",
        "中秋快乐",
        "节日快乐",
        "端午安康",
        "大家过年好",
        "早安",
        "哈喽",
        "Hello",
    ],
)
def test_a_seasonal_greeting_is_a_hello(hello: str) -> None:
    call = f"客服: {hello}，中国联通。", "客户: 我们专线断了，你们看一下。"
    for rulebook in NORMS:
        assert of("greeting.hello", rulebook, *call) == [PASS]


@pytest.mark.parametrize("said", ["喂，哪位？", "什么事，讲。", "嗯，说。"])
def test_who_does_not_greet_is_accused(said: str) -> None:
    call = f"客服: {said}", "客户: 我们专线断了，你们看一下。"
    for rulebook in NORMS:
        assert of("greeting.hello", rulebook, *call) == [FAIL]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("您好，远山软件服务热线，请讲。", []),
        ("远山软件服务热线，您好，请讲。", [FAIL]),
        ("欢迎致电远山软件服务热线，您好，请讲。", []),
    ],
)
def test_the_order_of_a_greeting_is_judged_where_a_call_comes_in(
    said: str, expected: list[Verdict]
) -> None:
    call = f"客服: {said}", "客户: 我的邮箱登录不了。"
    assert of("greeting.order", "hotline", *call) == expected
    assert of("greeting.order", "hotline", *call, direction="out") == []
    assert of("greeting.order", "field-service", *call) == []


# calls that reach nobody

NOT_REACHED = [
    "打错了吧，我不姓邵。",
    "没有这个人，你打错号码了。",
    "你搞错了，我这儿是面馆。",
    "他不在，出去买菜了。",
    "邵经理出差了，下周回来。",
    "她今天休息，手机落家里了。",
    "我在开车呢，等会儿再说。",
    "现在开会，不方便，晚点打来。",
    "我这会儿忙着呢，回头再说吧。",
]


@pytest.mark.parametrize("rulebook", OUTBOUND)
@pytest.mark.parametrize("answer", NOT_REACHED)
def test_who_rings_up_and_reaches_nobody_is_not_accused(rulebook: str, answer: str) -> None:
    call = (
        "客服: 您好，请问是邵女士吗？",
        f"客户: {answer}",
        "客服: 好的，不好意思打扰您了，再见。",
    )
    assert accused(rulebook, *call, direction="out") == []


@pytest.mark.parametrize("rulebook", OUTBOUND)
@pytest.mark.parametrize("bye", ["好的，打扰了，再见。", "打扰了，祝您生活愉快，再见。"])
def test_words_of_regret_are_enough_for_whom_one_did_not_want(rulebook: str, bye: str) -> None:
    call = "客服: 您好，请问是邵女士吗？", f"客户: {NOT_REACHED[0]}", f"客服: {bye}"
    assert accused(rulebook, *call, direction="out") == []


@pytest.mark.parametrize("rulebook", OUTBOUND)
@pytest.mark.parametrize("answer", ["是我，你说。", "对，我是，什么事？", "嗯，我就是。"])
def test_who_reaches_the_person_says_who_they_are(rulebook: str, answer: str) -> None:
    call = "客服: 您好，请问是邵女士吗？", f"客户: {answer}", "客服: 灯亮了没有？", "客户: 亮了。"
    for check_id in ("greeting.organisation", "greeting.agent_identity"):
        assert of(check_id, rulebook, *call, direction="out") == [FAIL]


# waits

OPENED = (
    (0, 5, "客服: 您好，远山软件服务热线，请问有什么可以帮助您？"),
    (5.5, 9, "客户: 你好，我的邮箱登录不了怎么办呢。"),
)
PLEASE = "我到系统里面查一下，请您稍等。"


def waited(
    before: str, back: str, *, answer: str = "", seconds: float = 30.0
) -> dict[str, Verdict]:
    """What the checks of a wait say of one."""
    said: list[Heard] = [*OPENED, (10, 14, f"客服: {before}")]
    if answer:
        said.append((14.2, 17, f"客户: {answer}"))
    begins = 17 + seconds
    said.append((begins, begins + 3, f"客服: {back}"))
    found = findings("customer-service", *timed(*said))
    return {one.check_id: one.verdict for one in found if one.check_id.startswith("hold.")}


@pytest.mark.parametrize(
    "back",
    [
        "感谢您对我们工作的支持，您的邮箱到期了。",
        "谢谢您的支持与配合，密码已经重置了。",
        "谢谢您的配合，密码改好了。",
        "感谢您对本公司的信任和支持，邮箱到期了。",
    ],
)
def test_thanks_for_support_are_no_thanks_for_waiting(back: str) -> None:
    assert waited(PLEASE, back)["hold.thanked"] is not PASS


@pytest.mark.parametrize(
    "back", ["谢谢您的耐心等待，已经好了。", "让您等了这么久，好了。", "不好意思，久等了。"]
)
def test_thanks_for_waiting_are_enough(back: str) -> None:
    assert waited(PLEASE, back)["hold.thanked"] is PASS


@pytest.mark.parametrize("back", ["您的邮箱到期了。", "查到了，要续费。"])
def test_no_thanks_for_a_wait_are_a_fault(back: str) -> None:
    assert waited(PLEASE, back)["hold.thanked"] is FAIL


@pytest.mark.parametrize(
    "errand",
    [
        "你等我一下，我去拿身份证。",
        "你先别挂，我去看看路由器。",
        "我翻翻合同，稍微等一下。",
        "稍等啊，我把电脑重启一下。",
    ],
)
def test_the_customers_own_errand_is_no_wait(errand: str) -> None:
    assert waited("好的，请问您的合同编号是多少？", "找到了吗？", answer=errand) == {}


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ("请您把光猫的电源拔了再插上。", "好，我去拔一下。"),
        ("那您重启一下电脑试试。", "嗯，在重启了。"),
        ("您先重启试试，要等一两分钟。", "好的，我弄一下。"),
        ("麻烦您重启一下路由器，大概需要一分钟。", "好的。"),
        ("您把光猫关了，等一分钟再打开。", "好。"),
    ],
)
def test_the_customers_own_reboot_is_no_wait(asked: str, answer: str) -> None:
    assert FAIL not in waited(asked, "现在灯亮了吗？", answer=answer).values()


@pytest.mark.parametrize("before", ["好的，您的问题我知道了。", "您说的邮箱是公司的邮箱。"])
def test_a_long_wait_that_was_not_announced_is_a_fault(before: str) -> None:
    thanks = "让您久等了，已经办好了。"
    assert waited(before, thanks)["hold.announced"] is FAIL
    assert waited(before, thanks, seconds=5)["hold.announced"] is UNTOLD
    assert waited(PLEASE, thanks)["hold.announced"] is PASS
    errand = "你等我一下，我去拿身份证。"
    assert "hold.announced" not in waited(before, thanks, answer=errand)


@pytest.mark.parametrize("garbled", ["秦明萧邓，副走的工程式。", "岭南垄断腔佯乌龟鸾凤炭翡。"])
def test_an_announcement_that_was_not_understood_may_have_been_one(garbled: str) -> None:
    assert waited(garbled, "让您久等了，已经办好了。")["hold.announced"] is UNTOLD


@pytest.mark.parametrize(
    "on",
    [
        "请再稍等。",
        "还得麻烦您再等一下。",
        "还没查完，请再稍等一下。",
        "网管那边还在导数据，请您再稍等一下。",
    ],
)
@pytest.mark.parametrize("call", ["", "喂，还在吗？"])
def test_a_second_request_goes_on_with_the_three_minutes(on: str, call: str) -> None:
    said: list[Heard] = [*OPENED, (10, 14, f"客服: {PLEASE}")]
    said += [(105, 107, f"客户: {call}")] if call else []
    again, thanks = (110, 113, f"客服: {on}"), "客服: 让您久等了，查到了。"
    long = timed(*said, again, (215, 218, thanks))
    assert of("hold.length", "hotline", *long) == [FAIL]
    short = timed(*said, again, (160, 163, thanks))
    assert of("hold.length", "hotline", *short) == [PASS]
    answered = timed(*said, (110, 113, "客服: 查到了，您的邮箱到期了。"), (215, 218, thanks))
    assert FAIL not in of("hold.length", "hotline", *answered)


# apologies


@pytest.mark.parametrize(
    "sorry",
    [
        "实在过意不去。",
        "让您受委屈了。",
        "真是对不住您啊。",
        "给您赔个不是。",
        "这事是我们不对，请您多担待。",
        "深表歉意。",
    ],
)
@pytest.mark.parametrize(
    ("check_id", "complaint"),
    [
        ("courtesy.delay", "我等了三天了还没人来。"),
        ("courtesy.manner", "你们师傅态度太差了。"),
        ("courtesy.repeated_fault", "你们的网三天两头断。"),
    ],
)
def test_unusual_apologies_count(sorry: str, check_id: str, complaint: str) -> None:
    call = f"客户: {complaint}", f"客服: {sorry}", "客户: 嗯。"
    assert of(check_id, "network-ops", *call) == [PASS]


@pytest.mark.parametrize(
    ("check_id", "complaint", "answer"),
    [
        ("courtesy.delay", "我报修都一个星期了，连个电话都没有。", "这两天单子多。"),
        ("courtesy.manner", "你们那个小伙子说话太冲了。", "他就那样。"),
        ("courtesy.repeated_fault", "上个月才修过两次，这又断了。", "是吗，那我看看。"),
    ],
)
def test_a_complaint_without_an_apology_is_a_fault(
    check_id: str, complaint: str, answer: str
) -> None:
    call = f"客户: {complaint}", f"客服: {answer}", "客户: 嗯。"
    assert of(check_id, "network-ops", *call) == [FAIL]


# the end

DEAF = (
    "客服: 您好。",
    "客户: 喂，我想查。",
    "客服: 对不起，请您大声一点，好吗？",
    "客户: 嗯。",
)


@pytest.mark.parametrize("rulebook", NORMS)
@pytest.mark.parametrize(
    "last",
    [
        "对不起，您的电话没有声音，请您换一部电话再次打来，好吗？再见！",
        "不好意思，还是听不清，请您换个座机再打过来好吗？再见！",
        "听不清您说话，我给您打过去吧。",
    ],
)
def test_hanging_up_on_a_bad_line_is_no_fault(rulebook: str, last: str) -> None:
    found = findings(rulebook, *DEAF, f"客服: {last}", hung_up_by="agent")
    assert [one.check_id for one in found if one.rule_id == "closing" and one.verdict is FAIL] == []


def test_hanging_up_on_a_silent_line_is_no_fault() -> None:
    call = (
        "客服: 您好。",
        "客服: 您好，请问有什么可以帮您？",
        "客服: 对不起，您的电话没有声音，请您换一部电话再次打来，好吗？再见！",
    )
    for rulebook in NORMS:
        found = findings(rulebook, *call, hung_up_by="agent")
        assert not [one for one in found if one.rule_id == "closing" and one.verdict is FAIL]


@pytest.mark.parametrize("said", ["你先挂吧。", "你挂吧，我还要记一下。"])
def test_whom_the_customer_asks_to_hang_up_may(said: str) -> None:
    call = "客服: 您好。", "客户: 查流量。", "客服: 查好了。", f"客户: {said}", "客服: 好的，再见。"
    assert FAIL not in of("closing.customer_hangs_up", "hotline", *call, hung_up_by="agent")


@pytest.mark.parametrize("rulebook", NORMS)
def test_hanging_up_in_the_middle_is_a_fault(rulebook: str) -> None:
    call = (
        "客服: 您好。",
        "客户: 查流量。",
        "客服: 查好了。",
        "客户: 那话费呢？",
        "客服: 这要问物业。",
    )
    assert of("closing.hang_up", rulebook, *call, hung_up_by="agent") == [FAIL]
    assert FAIL not in of("closing.hang_up", rulebook, *call, hung_up_by="customer")


# refusals

OWN = {
    "network-ops": "000-26.3",
    "after-sales": "004-5.2",
    "field-service": "002-接听电话.8",
}
"""The clause against a bare no, by rulebook."""


def forbidden(rulebook: str, asked: str, answer: str) -> list[tuple[Verdict, str | None]]:
    call = "客服: 您好。", f"客户: {asked}", f"客服: {answer}", "客户: 哦，好吧。"
    found = findings(rulebook, *call)
    return [(one.verdict, one.clause_id) for one in found if one.rule_id == "forbidden_language"]


@pytest.mark.parametrize(("rulebook", "clause"), OWN.items())
@pytest.mark.parametrize(
    "bare", ["不行。", "不清楚。", "这个不知道。", "那我们不晓得。", "嗯，办不了。", "没办法啊。"]
)
def test_a_bare_refusal_breaks_the_norms_own_clause(rulebook: str, clause: str, bare: str) -> None:
    assert forbidden(rulebook, "能帮我开发票吗？", bare) == [(FAIL, clause)]


@pytest.mark.parametrize("rulebook", OWN)
@pytest.mark.parametrize(
    "explained",
    [
        "不行，系统里这张单子已经关闭了。",
        "不清楚，我帮您问一下技术。",
        "这个不知道，您稍等我查一查。",
        "办不了，这项业务要本人带身份证到营业厅办理。",
        "暂时不行，要等到下个月一号才能变更。",
    ],
)
def test_the_same_words_with_a_reason_are_no_fault(rulebook: str, explained: str) -> None:
    assert forbidden(rulebook, "能帮我开发票吗？", explained) == [(PASS, None)]


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ("会不会多扣我的钱？", "不会。"),
        ("要我带身份证吗？", "不用。"),
        ("你们那儿有没有停电？", "没有。"),
        ("收不收手续费？", "不收。"),
        ("尾号七四六八这个号码对吗？", "不对。"),
    ],
)
def test_a_short_answer_to_a_question_is_no_refusal(asked: str, answer: str) -> None:
    for rulebook in OWN:
        assert FAIL not in {verdict for verdict, _ in forbidden(rulebook, asked, answer)}


@pytest.mark.parametrize(
    ("said", "repeated"),
    [
        ("换了插座，还是不行。", "还是不行？"),
        ("重启了，不行。", "不行是吧。"),
        ("那灯亮不亮我不清楚。", "不清楚。"),
        ("前台说他们办不了。", "办不了。"),
    ],
)
def test_who_repeats_the_customer_refuses_nothing(said: str, repeated: str) -> None:
    for rulebook in OWN:
        assert FAIL not in {verdict for verdict, _ in forbidden(rulebook, said, repeated)}


# what is confirmed

ACCOUNT = "六二一七零零四四零一八八三五五"
PHONE = "幺三五二二零零七四六八"
ADDRESS = "梧桐路八十八号二单元三零一室"
TIME = "后天上午十点"
GIVEN = {
    "number": ("请问您的账号是多少？", f"{ACCOUNT}。"),
    "address": ("请问您的地址在哪里？", f"{ADDRESS}。"),
    "time": ("请问您什么时候方便？", f"{TIME}吧。"),
}


def confirmed(
    kind: str, *after: str, rulebook: str = "hotline", given: tuple[str, str] | None = None
) -> list[Verdict]:
    asked, answer = given or GIVEN[kind]
    call = f"客服: {asked}", f"客户: {answer}", *after, "客服: 好的，再见。"
    return of(f"key_info_confirmed.{kind}", rulebook, *call)


@pytest.mark.parametrize("rulebook", ["hotline", "customer-service"])
@pytest.mark.parametrize("kind", GIVEN)
@pytest.mark.parametrize(
    "noted", ["好的，记下了。", "登记了，谢谢您。", "嗯，已经记好了。", "收到，我给您登记上了。"]
)
def test_what_is_only_noted_is_not_confirmed(rulebook: str, kind: str, noted: str) -> None:
    assert confirmed(kind, f"客服: {noted}", rulebook=rulebook) == [FAIL]


@pytest.mark.parametrize(
    ("kind", "again"),
    [
        ("number", [f"客服: {ACCOUNT}，对吗？"]),  # whole
        ("number", ["客服: 62170044018 8355，没错吧？"]),
        ("number", ["客服: 六二一七零零四，后面是四零一八八三五五，对吧？"]),  # in parts
        ("number", ["客服: 六二一七零零四。", "客户: 嗯。", "客服: 四零一八八三五五。"]),
        ("number", ["客服: 尾号八三五五，对吗？"]),  # by its tail
        ("address", [f"客服: {ADDRESS}，对吗？"]),
        ("address", ["客服: 梧桐路八十八号，是吗？"]),
        ("address", ["客服: 八十八号二单元，对吧？"]),
        ("time", [f"客服: {TIME}，对吗？"]),
        ("time", ["客服: 那就后天上午。"]),
        ("time", ["客服: 上午十点师傅过去。"]),
    ],
)
def test_what_is_said_again_is_confirmed(kind: str, again: Sequence[str]) -> None:
    assert confirmed(kind, *again) == [PASS]


@pytest.mark.parametrize("again", ["好的，二单元三零一室。", "三零一室，好的。"])
def test_the_end_of_an_address_is_no_fault(again: str) -> None:
    assert FAIL not in confirmed("address", f"客服: {again}")


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("number", (f"您的账号是{ACCOUNT}，对吗？", f"对，{ACCOUNT}。")),
        ("number", ("您的账号尾号八三五五，对吗？", f"对，{ACCOUNT}。")),
        ("number", (f"您留的电话是{PHONE}，对吗？", f"对，{PHONE}。")),
        ("address", (f"您的地址是{ADDRESS}吗？", f"对，{ADDRESS}。")),
        ("time", (f"您看{TIME}方便吗？", f"{TIME}可以。")),
    ],
)
def test_what_the_agent_reads_out_first_is_confirmed(kind: str, given: tuple[str, str]) -> None:
    assert confirmed(kind, "客服: 好的。", given=given) == [PASS]


@pytest.mark.parametrize("wrong", ["好的，幺三九八八。", "尾号九九一一。"])
def test_other_digits_confirm_no_number(wrong: str) -> None:
    given = "请问您的手机号码是多少？", f"{PHONE}。"
    assert PASS not in confirmed("number", f"客服: {wrong}", given=given)


def held(tmp_path: Path, requires: str, *lines: str) -> list[Verdict]:
    """What a check that requires an echo says; the customer's number is what is echoed."""
    check = {
        "clause": "x",
        "points": 1,
        "reason": "没有复述",
        "requires": yaml.safe_load(requires),
    }
    rules = {"written": {"mine": {"title": "自己的", "weight": 1, "checks": {"mine.echo": check}}}}
    content: dict[str, Any] = {"extends": "hotline", "id": "own", "rules": rules}
    path = tmp_path / f"own-{len(list(tmp_path.iterdir()))}.yaml"
    path.write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")
    return of("mine.echo", str(path), *lines)


NUMBER = "{entity: {any: number, min_digits: 7}, role: customer}"
STREET = "{entity: address, role: customer}"


@pytest.mark.parametrize(
    ("wanted", "before", "after", "expected"),
    [
        (f"of: {NUMBER}", "您说。", "幺三五二。", FAIL),  # the last four digits are asked for
        (f"of: {NUMBER}", "您说。", "七四六八。", PASS),
        (f"of: {NUMBER}, any_digits: 4", "您说。", "幺三五二。", PASS),
        (f"of: {NUMBER}, any_digits: 4", "您说。", "二零零。", FAIL),
        (f"of: {NUMBER}, any_digits: 4", "您说。", "二零零，嗯，七。", PASS),
        (f"of: {NUMBER}, any_digits: 4", "您说。", "零零二二。", FAIL),
        (f"of: {NUMBER}, any_digits: 4", "幺三五二，是吗？", "好的。", FAIL),
        (f"of: {NUMBER}, any_digits: 4, earlier: true", "幺三五二，是吗？", "好的。", PASS),
        (f"of: {NUMBER}, any_digits: 20", "您说。", f"{PHONE}。", PASS),  # no more than it has
        (f"of: {NUMBER}, any_digits: 20", "您说。", "七四六八。", FAIL),
        (f"of: {STREET}", "您说。", "梧桐路。", FAIL),
        (f"of: {STREET}, syllables: 3", "您说。", "梧桐路。", PASS),
        (f"of: {STREET}, syllables: 3", "您说。", "无同路。", PASS),  # by its sound
        (f"of: {STREET}, syllables: 3", "您说。", "梧桐街。", FAIL),
        (f"of: {STREET}, syllables: 3", "梧桐路吗？", "好的。", FAIL),
        (f"of: {STREET}, syllables: 3, earlier: true", "梧桐路吗？", "好的。", PASS),
        (f"of: {STREET}, syllables: 30", "您说。", f"{ADDRESS}。", PASS),
    ],
)
def test_how_much_of_what_was_said_is_said_again(
    tmp_path: Path, wanted: str, before: str, after: str, expected: Verdict
) -> None:
    lines = f"客服: {before}", f"客户: {PHONE}，{ADDRESS}。", f"客服: {after}"
    assert held(tmp_path, f"{{echo: {{{wanted}}}}}", *lines) == [expected]


# politeness


def test_a_call_without_a_polite_word_is_a_fault() -> None:
    for said in (
        ["喂。", "说。", "等着。", "好了。", "修好了。", "嗯。"],
        ["你好。", "什么故障？", "灯亮没亮？", "拔了重插。", "行了。"],
        ["你好。", "哪坏了？", "知道了。", "明天去。", "再见。"],
    ):
        call = [line for text in said for line in (f"客服: {text}", "客户: 嗯。")]
        assert of("courtesy.polite_words", "customer-service", *call) == [FAIL]
        polite = [*call, "客服: 谢谢啊。"]
        assert of("courtesy.polite_words", "customer-service", *polite) == [PASS]


# what was said already


@pytest.mark.parametrize(
    ("asked", "protest"),
    [
        ("请问您的合同编号是多少？", "我刚才不是给你报过了吗，五五零三。"),
        ("请您报一下合同编号好吗？", "刚才不是讲过了嘛，五五零三。"),
        ("请问您的合同编号是多少？", "怎么又问，前面都跟你讲了，五五零三。"),
    ],
)
def test_a_question_that_the_customer_protests_against_is_a_fault(asked: str, protest: str) -> None:
    call = (
        "客服: 您好，请讲。",
        "客户: 我姓郭，合同编号是五五零三。",
        f"客服: {asked}",
        f"客户: {protest}",
        "客服: 好的。",
    )
    found = findings("network-ops", *call)
    (one,) = (one for one in found if one.check_id == "active_listening.repeat")
    assert (one.verdict, one.clause_id, one.evidence) == (FAIL, "000-28.1-repeat", asked)


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ("没听清，您再说一遍编号好吗？", "刚才不是说了吗，五五零三。"),
        ("已经登记了。", "刚才不是说了吗，五五零三。"),
        ("请问您住在哪里？", "我住在梧桐路八十八号。"),
        ("请问您的邮箱是多少？", "我没有邮箱。"),
    ],
)
def test_a_question_with_a_reason_is_no_fault(asked: str, answer: str) -> None:
    call = (
        "客服: 您好，请讲。",
        "客户: 我姓郭，合同编号是五五零三。",
        f"客服: {asked}",
        f"客户: {answer}",
        "客服: 好的。",
    )
    assert FAIL not in of("active_listening.repeat", "network-ops", *call)


# a transfer


@pytest.mark.parametrize(
    "before",
    [
        "我给您转接过去，请您稍等。",
        "好的，这就给您转过去，请稍候。",
        "我给您转接到客户经理那里，请您稍等。",
        "我帮您转给技术工程师，请稍等。",
    ],
)
@pytest.mark.parametrize(
    ("back", "expected"),
    [
        ("喂，请讲。", FAIL),
        ("您好，什么事？", FAIL),
        ("您好，宽带怎么了？", FAIL),
        ("您好，我是您的客户经理欧阳敏。", PASS),
        ("您好，我姓吕，请讲。", PASS),
    ],
)
def test_who_takes_over_a_call_says_who_they_are(before: str, back: str, expected: Verdict) -> None:
    call = timed(
        (0, 3, f"客服: {before}"),
        (9, 12, f"客服: {back}"),
        (13, 15, "客户: 你好，我家宽带断了。"),
        (16, 18, "客服: 好的。"),
    )
    assert of("courtesy.takeover", "field-service", *call) == [expected]


# prices


@pytest.mark.parametrize(
    "asked", ["这条专线一个月多少钱？", "增加带宽怎么收费的？", "续一年能打几折？"]
)
@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("一千二一个月。", FAIL),
        ("八百块钱一年。", FAIL),
        ("给您打九折。", FAIL),
        ("我请客户经理跟您联系。", PASS),
        ("价格方面我记下来转给商务，他们会回复您。", PASS),
    ],
)
def test_a_price_question_is_passed_on(asked: str, answer: str, expected: Verdict) -> None:
    call = "客服: 您好。", f"客户: {asked}", f"客服: {answer}", "客户: 好。"
    assert of("courtesy.price", "network-ops", *call) == [expected]


@pytest.mark.parametrize("said", ["专线断了。", "我上个月的钱已经交过了。"])
def test_who_asks_no_price_is_passed_on_to_nobody(said: str) -> None:
    call = "客服: 您好。", f"客户: {said}", "客服: 我们正在排查。", "客户: 好。"
    assert of("courtesy.price", "network-ops", *call) == []


# promises, competitors, insiders, favours


def promised(said: str) -> list[Verdict]:
    call = "客服: 您好。", "客户: 能弄好吗？", f"客服: {said}", "客户: 好。"
    return of("courtesy.promises", "after-sales", *call)


@pytest.mark.parametrize(
    "said",
    [
        "你放心，百分之百给你搞定。",
        "包在我身上，肯定没问题。",
        "一定给您修得跟新的一样，放一万个心。",
        "绝对不会再坏，我保证。",
        "我保证绝对不会断。",
        "我跟您打包票，肯定不会再出问题。",
    ],
)
def test_a_casual_promise_is_a_fault(said: str) -> None:
    assert promised(said) == [FAIL]


@pytest.mark.parametrize(
    "said",
    [
        "我不能保证今天修好。",
        "两个小时之内一定给您恢复。",
        "我尽快给您反馈。",
        "我们争取明天修好。",
    ],
)
def test_who_promises_with_a_bound_or_not_at_all_is_not_accused(said: str) -> None:
    assert FAIL not in promised(said)


@pytest.mark.parametrize("rulebook", ["after-sales", "hotline"])
@pytest.mark.parametrize(
    ("said", "is_attack"),
    [
        ("他们家的网烂得很，千万别用。", True),
        ("那家的设备全是垃圾货，三天两头坏。", True),
        ("移动的信号差得要命，用他们的您就等着哭吧。", True),
        ("他们家也有他们的长处，您可以比较一下。", False),
        ("您反映的移动信号差，我记下了。", False),
        ("您可以对比之后再决定。", False),
    ],
)
def test_attacks_on_a_competitor_are_a_fault(rulebook: str, said: str, is_attack: bool) -> None:
    found = forbidden(rulebook, "我看移动那边便宜些。", said)
    assert ((FAIL, "004-1.2-竞争") in found) is is_attack
    assert is_attack or FAIL not in {verdict for verdict, _ in found}


@pytest.mark.parametrize(
    "said",
    [
        "跟您说句实话，我们这批板子设计上就有缺陷。",
        "我们内部乱得很，领导天天吵架。",
        "不瞒您说，这个型号返修率特别高，厂里都知道。",
    ],
)
def test_insider_talk_is_a_fault_of_the_vendors(said: str) -> None:
    ((verdict, clause),) = forbidden("after-sales", "这板子怎么老坏？", said)
    assert (verdict is not PASS, clause) == (True, "004-1.3-缺陷")
    for rulebook in NORMS[1:]:
        assert FAIL not in {verdict for verdict, _ in forbidden(rulebook, "怎么老坏？", said)}


@pytest.mark.parametrize(
    "said",
    ["这个版本有一个已知问题，补丁已经发布，我给您升级。", "工程师明天会上门检测设备。"],
)
def test_what_a_customer_may_know_is_no_insider_talk(said: str) -> None:
    assert forbidden("after-sales", "这板子怎么老坏？", said) == [(PASS, None)]


@pytest.mark.parametrize(
    ("said", "clause"),
    [
        ("加我个微信，帮我儿子介绍个工作呗。", "002-拒绝"),
        ("你们单位还招人吗，帮我弟弟问问呗。", "002-拒绝"),
        ("您家孩子多大了，上几年级啊？我家那个也上小学。", "002-电话.9"),
    ],
)
def test_favours_and_chat_are_a_fault_of_the_fitters(said: str, clause: str) -> None:
    ((verdict, found),) = forbidden("field-service", "修好了吧？", said)
    assert (verdict is not PASS, found) == (True, clause)
    for rulebook in ("after-sales", "customer-service", "hotline", "network-ops"):
        assert clause not in {clause for _, clause in forbidden(rulebook, "修好了吧？", said)}


# each norm by its own clauses

CLAUSES = {
    "after-sales": "004-",
    "customer-service": "001-",
    "field-service": "002-",
    "hotline": "003-",
    "network-ops": "000-",
}
"""What the clauses of each norm begin with."""


@pytest.mark.parametrize("rulebook", NORMS)
@pytest.mark.parametrize("rule", ["courtesy", "key_info_confirmed"])
def test_no_norm_is_judged_by_the_courtesy_of_another(rulebook: str, rule: str) -> None:
    foreign = {
        check_id: check.clause
        for check_id, check in load(rulebook).rules.written[rule].enabled()
        if FAIL in check.verdicts and not check.clause.startswith(CLAUSES[rulebook])
    }
    assert foreign == {}


@pytest.mark.parametrize(
    ("owner", "check_id", "call"),
    [
        ("network-ops", "courtesy.delay", ["客户: 我等了三天了还没人来。", "客服: 这两天单子多。"]),
        ("network-ops", "courtesy.price", ["客户: 扩容要多少钱？", "客服: 一千元一个月。"]),
        ("network-ops", "courtesy.manner", ["客户: 你们师傅态度太差了。", "客服: 他就那样。"]),
        ("after-sales", "courtesy.say_again", ["客户: 单号是三五七。", "客服: 再说一遍。"]),
        ("after-sales", "courtesy.promises", ["客户: 能好吗？", "客服: 包在我身上，肯定没问题。"]),
        ("hotline", "courtesy.full_name", ["客户: 我叫孙志远。", "客服: 孙志远，单子派了。"]),
        (
            "customer-service",
            "courtesy.polite_words",
            [
                line
                for text in ("喂。", "说。", "等着。", "修好了。")
                for line in (f"客服: {text}", "客户: 嗯。")
            ],
        ),
    ],
)
def test_a_courtesy_accuses_only_where_its_norm_asks_for_it(
    owner: str, check_id: str, call: list[str]
) -> None:
    for rulebook in NORMS:
        assert of(check_id, rulebook, *call) == ([FAIL] if rulebook == owner else []), rulebook


# an ordinary call

ORDINARY = [
    "客服: 您好，远山软件服务热线，工号三零二，请问有什么可以帮助您？",
    "客户: 我家宽带断了。",
    "客服: 嗯，您请说。",
    "客户: 从昨天晚上开始的，灯也不亮。",
    "客服: 好的，我帮您登记，明天上午会有师傅跟您联系。",
    "客户: 好的，谢谢。",
    "客服: 请问还有其他可以帮您的吗？",
    "客户: 没有了。",
    "客服: 感谢您的来电，有问题请随时拨打热线，再见。",
]


@pytest.mark.parametrize("rulebook", NORMS)
def test_an_ordinary_call_is_accused_of_nothing(rulebook: str) -> None:
    assert accused(rulebook, *ORDINARY) == []


@pytest.mark.parametrize("rulebook", NORMS)
def test_an_ordinary_call_gives_no_occasion_for_a_wrong_number(rulebook: str) -> None:
    assert of("courtesy.wrong_number", rulebook, *ORDINARY) == []


# names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("我叫仝晓东。", ["仝晓东"]),
        ("我是诸葛明，你说。", ["诸葛明"]),
        ("我叫欧阳敏。", ["欧阳敏"]),
        ("登记的是皇甫静", ["皇甫静"]),
        ("我姓仝，仝晓东。", ["仝晓东"]),
        ("我姓欧阳，欧阳敏。", ["欧阳敏"]),
        ("我叫令狐小山。", ["令狐小山"]),
        ("我是东方红小区的。", []),
        ("我是上门的师傅。", []),
        ("我叫了车，", []),
    ],
)
def test_rare_and_double_surnames_are_names(text: str, names: list[str]) -> None:
    found = [text[first:last] for first, last in entities.find("person_name", text)]
    assert found == names


@pytest.mark.parametrize(
    ("own", "address", "expected"),
    [
        ("我姓仝。", "仝先生您好。", PASS),
        ("我姓欧阳。", "欧阳女士您好。", PASS),
        ("我姓尉迟。", "尉迟工，已经派单了。", PASS),
        ("我姓欧阳。", "好的，知道了。", FAIL),
        ("我姓冼。", "好的，已经派单了。", FAIL),
    ],
)
def test_a_rare_surname_wants_an_honorific_too(own: str, address: str, expected: Verdict) -> None:
    call = (
        "客服: 您好。",
        f"客户: {own}",
        f"客服: {address}",
        "客户: 好。",
        "客服: 派好了，请留意。",
    )
    assert of("courtesy.honorific", "hotline", *call) == [expected]


@pytest.mark.parametrize("name", ["仝晓东", "欧阳敏", "令狐小山"])
def test_a_rare_name_alone_is_no_address(name: str) -> None:
    call = "客服: 您好。", f"客户: 我叫{name}。", f"客服: {name}，单子已经派给师傅了。"
    assert of("courtesy.full_name", "hotline", *call) == [FAIL]


def test_the_slot_of_surnames_has_rare_and_double_ones(tmp_path: Path) -> None:
    requires = "{regex: '({姓})工(?!程)'}"
    for surname in ("王", "仝", "冼", "欧阳", "尉迟", "诸葛"):
        assert held(tmp_path, requires, f"客服: {surname}工您好。") == [PASS]
    for other in ("您", "开", "师傅"):
        assert held(tmp_path, requires, f"客服: {other}工您好。") == [FAIL]


def test_each_norm_has_acts() -> None:
    books: list[Rulebook] = [load(name) for name in NORMS]
    assert all(book.acts == books[0].acts for book in books)
    assert len(books[0].acts) > 30


# what the blind sets of dialogues showed

HELLO = "客服: 您好，远山软件服务热线，请问有什么可以帮助您？"


@pytest.mark.parametrize(
    "swears",
    ["这破玩意儿，真他妈慢。", "妈的，这系统又卡住了。", "那帮孙子干的什么狗屁活儿。"],
)
def test_a_swear_word_counts_whoever_is_meant(swears: str) -> None:
    said = [HELLO, "客户: 我查个单。", f"客服: {swears}", "客户: 啊？", "客服: 查到了，再见。"]
    assert of("forbidden_language", "hotline", *said) == [FAIL]


@pytest.mark.parametrize(
    "said", ["您带上他妈的身份证。", "好，我操作给您看。", "用您妈妈的手机号登录。"]
)
def test_what_only_looks_like_a_swear_word(said: str) -> None:
    said_by_all = [HELLO, "客户: 怎么办？", f"客服: {said}", "客户: 好的。"]
    assert FAIL not in of("forbidden_language", "hotline", *said_by_all)


def test_whose_mother_has_a_card_is_no_oath() -> None:
    call = [HELLO, "客户: 卡是她妈的。", "客服: 用他妈的身份证办的，对吗？", "客户: 对。"]
    assert FAIL not in of("forbidden_language", "hotline", *call)


@pytest.mark.parametrize(
    ("says", "verdict"),
    [
        ("对不起，您的声音太小，请您大声一点好吗？", PASS),
        ("不好意思，听不清您说话，您再说一遍好吗？", PASS),
        ("不好意思，听不清您说话。", UNTOLD),
        ("大声点，听不见。", FAIL),
    ],
)
def test_who_cannot_hear_asks_politely_for_something(says: str, verdict: Verdict) -> None:
    call = [HELLO, "客户: 那个报表。", f"客服: {says}"]
    assert of("courtesy.hard_to_hear", "hotline", *call) == [verdict]


def test_a_protest_outweighs_that_it_may_be_about_something_else() -> None:
    told = "客户: 我家是会议室那条专线卡，昨晚八点开始的。"
    asked = "客服: 卡的是哪条，办公的还是会议室的？"
    calm = timed((0, 3, HELLO), (4, 9, told), (10, 13, asked), (14, 16, "客户: 会议室的。"))
    assert of("active_listening.repeat", "network-ops", *calm) == []
    protest = (14, 18, "客户: 会议室的，我一开头就讲了呀。")
    angry = timed((0, 3, HELLO), (4, 9, told), (10, 13, asked), protest)
    assert of("active_listening.repeat", "network-ops", *angry) == [UNTOLD]


@pytest.mark.parametrize("asks", ["请您稍候可以吗？", "请您稍等，行吗？"])
def test_a_wait_may_be_asked_for_as_a_question(asks: str) -> None:
    found = waited(f"全年的要一个月一个月调出来，{asks}", "让您久等了。", answer="可以。")
    assert found["hold.announced"] is PASS


def test_words_that_may_tell_of_a_wait_leave_it_open() -> None:
    found = waited("我跑过去问一声，行不行？", "回来啦，让您久等了。", answer="行，你去吧。")
    assert found["hold.announced"] is not FAIL


@pytest.mark.parametrize("name", ["段有福", "何志强"])
def test_a_full_name_may_begin_with_an_everyday_word(name: str) -> None:
    call = [HELLO, f"客户: 我叫{name}，平板报不了工。", f"客服: {name}，你看下机台。"]
    assert of("courtesy.full_name", "hotline", *call) == [FAIL]


def test_who_declines_to_promise_promises_nothing() -> None:
    call = [
        "客服: 您好，这里是中兴通讯。",
        "客户: 你跟我说绝对不会再坏。",
        "客服: 绝对不会这四个字我说不出口，升级都有风险。",
        "客户: 好吧。",
    ]
    assert FAIL not in of("courtesy.promises", "after-sales", *call)


def test_who_takes_care_of_it_sends_nobody_away() -> None:
    call = [HELLO, "客户: 我找小赵。", "客服: 这事不是我办的，您也不用再找其他人，找我就行。"]
    assert FAIL not in of("forbidden_language", "customer-service", *call)


@pytest.mark.parametrize("asks", ["请问您几时方便？", "您啥时在家？", "您看几点合适？"])
def test_a_time_is_asked_for_in_any_dialect(asks: str) -> None:
    call = [
        f"客服: 您好，请问是苏老师吗？我是联通公司的装维员朱浩，明天上门修机顶盒，{asks}",
        "客户: 我是，九点后。",
        "客服: 好的，谢谢您，再见。",
    ]
    found = of("greeting.convenient_time", "field-service", *call, direction="out")
    assert FAIL not in found and found


def test_a_customer_who_wraps_up_is_told_goodbye() -> None:
    start = timed(
        (0, 3, "客服: 您好，中兴通讯。"), (4, 8, "客户: 修好了吗？"), (9, 12, "客服: 修好了。")
    )
    curt = timed((13, 16, "客户: 好，那先这样。"), (17, 18, "客服: 嗯，没事了。"))
    assert of("closing.goodbye", "after-sales", *start, *curt) == [FAIL]
    fair = timed((13, 16, "客户: 好，那先这样。"), (17, 18, "客服: 好的，再见。"))
    assert of("closing.goodbye", "after-sales", *start, *fair) == [PASS]


def test_a_late_answer_may_be_excused_in_other_words() -> None:
    late = (
        "客服: 实在过意不去，电话响半天才接。您好，软件事业部六号客服代表穆青，请问有什么可以帮您？"
    )
    assert FAIL not in of("answer_wait", "hotline", late, "客户: 没事。", answer_wait_s="31")


def test_a_wrong_number_is_not_asked_for_what_comes_after_it() -> None:
    wrong = ["客服: 您好，请问是刘女士吗？", "客户: 不是，你打错了。", "客服: 抱歉打扰您了，再见。"]
    assert accused("hotline", *wrong, direction="out") == []
    rung = [
        "客户: 喂，是老李烧烤吗？",
        "客服: 您好，您可能拨错号码了，我们这里是联通网络维护中心。",
        "客户: 打错了打错了，不好意思啊。",
        "客服: 没关系，再见。",
    ]
    assert of("closing.thanks", "field-service", *rung) in ([], [PASS])
    assert FAIL not in of("closing.further_help", "network-ops", *rung)
