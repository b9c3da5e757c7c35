"""Nobody is accused by words that were not read, or by a role that was taken for granted."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from audit.intake import transcripts
from audit.rulebooks import Rulebook
from audit.rules import reliance
from audit.types import AuditedCall, Call, Channels, Finding, Verdict, WordTimes
from flows import wiring
from reports.wording import sentence

PASS, FAIL, UNTOLD = Verdict.PASS, Verdict.FAIL, Verdict.CANNOT_TELL
MakeCall = Callable[..., Call]

RUDE = [
    ("A", "喂，说吧", 0.0, 1.5),
    ("C", "你好，我想问一下我的空调什么时候能来修，已经等了两天了", 2.0, 9.0),
    ("A", "你烦不烦，没看见我正忙着吗", 7.0, 10.0),
    ("C", "你这是什么态度", 10.5, 12.0),
]
LOOP = "，".join(["我去看你了"] * 9)


def judged(call: Call, book: Rulebook) -> AuditedCall:
    return wiring.judge(call, book)


def of(audited: AuditedCall, rule_id: str) -> list[Finding]:
    return [finding for finding in audited.findings if finding.rule_id == rule_id]


def failed(audited: AuditedCall) -> set[str]:
    return {finding.check_id for finding in audited.findings if finding.verdict is FAIL}


def as_heard(call: Call, **changes: object) -> Call:
    return replace(call, transcript=replace(call.transcript, **changes))


def unread(call: Call, *numbers: int) -> Call:
    """The call with some turns marked as the hearing marks them."""
    turns = tuple(
        replace(turn, unintelligible=turn.index in numbers, text=LOOP, asr_confidence=0.0)
        if turn.index in numbers
        else turn
        for turn in call.turns
    )
    return as_heard(call, turns=turns)


# engines without word probabilities


def unscored(call: Call) -> Call:
    """As an engine that gives no word probabilities transcribes it."""
    turns = tuple(replace(turn, asr_confidence=None) for turn in call.turns)
    facts = {"channels": Channels.STEREO, "role_source": "manifest", "word_times": WordTimes.NONE}
    return as_heard(call, turns=turns, **facts)


def test_without_probabilities_familiar_words_are_held_against_the_agent(
    make_call: MakeCall, book: Rulebook
) -> None:
    assert "forbidden_language" in failed(judged(unscored(make_call(RUDE)), book))


def test_without_probabilities_an_unreadable_agent_is_not_accused_of_silence(
    make_call: MakeCall, book: Rulebook
) -> None:
    """Where nothing the agent says is Chinese, the greeting may have been anything."""
    garbled = [("A", "桡挚郸锰畦滢咚", 0.0, 1.5), *RUDE[1:2], ("A", "锂钡怛捃飧隍豕", 7.0, 10.0)]
    greeted = of(judged(unscored(make_call(garbled)), book), "greeting")
    assert greeted and all(finding.verdict is UNTOLD for finding in greeted)


def test_without_probabilities_nothing_is_missed_among_words_that_may_be_garbled(
    make_call: MakeCall, book: Rulebook
) -> None:
    """你好远上关键 may have been 你好远山软件; 喂，说吧 is nothing but that."""
    garbled = make_call([("A", "你好远上关键", 0.0, 1.5), *RUDE[1:]])
    assert "greeting.organisation" not in failed(judged(unscored(garbled), book))
    assert "greeting.organisation" in failed(judged(unscored(make_call(RUDE)), book))


def test_probabilities_are_kept_where_there_are_some(make_call: MakeCall) -> None:
    call = unscored(make_call(RUDE))
    told = as_heard(call, turns=(replace(call.turns[0], asr_confidence=0.7), *call.turns[1:]))
    assert reliance.scored(told, wiring.judging_models().wording) == told
    text = as_heard(call, channels=Channels.TEXT)
    assert reliance.scored(text, wiring.judging_models().wording) == text


# roles


@pytest.mark.parametrize("source", ["default", "content"])
def test_roles_that_nothing_confirms_accuse_nobody(
    make_call: MakeCall, book: Rulebook, source: str
) -> None:
    call = as_heard(
        make_call(RUDE), role_source=source, role_confidence=0.82, roles_confirmed=False
    )
    audited = judged(call, book)
    assert not failed(audited)
    assert audited.scorecard.score is None
    assert not any(finding.points or finding.auto_fail for finding in audited.findings)
    (cut_in,) = of(audited, "no_interruption")
    assert cut_in.verdict is UNTOLD
    assert "声道" in sentence(cut_in.reason)
    assert RUDE[2][1] in {finding.evidence for finding in of(audited, "forbidden_language")}


def test_roles_that_are_confirmed_do(make_call: MakeCall, book: Rulebook) -> None:
    call = make_call(RUDE)
    for told in (
        {"role_source": "default", "role_confidence": 0.97, "roles_confirmed": True},
        {"role_source": "manifest", "role_confidence": 0.7, "roles_confirmed": False},
        {"role_source": "default", "role_confidence": 0.97},  # of an earlier version
    ):
        assert {"greeting.organisation", "no_interruption", "forbidden_language"} <= failed(
            judged(as_heard(call, **told), book)
        )


def test_what_the_manifest_says_needs_no_roles(make_call: MakeCall, book: Rulebook) -> None:
    call = as_heard(make_call(RUDE), role_source="default", role_confidence=0.5)
    call = replace(
        call, recording=replace(call.recording, answer_wait_s=4, meta={"meta_hung_up_by": "agent"})
    )
    audited = judged(call, book)
    assert [finding.verdict for finding in of(audited, "answer_wait")] == [PASS]
    assert failed(audited) == set()


# words


def test_a_greeting_that_was_not_read_is_not_missing(make_call: MakeCall, book: Rulebook) -> None:
    call = make_call([("A", "喂", 0, 4), *RUDE[1:], ("A", "我给您登记了，师傅下午联系您", 13, 40)])
    assert "greeting.organisation" in failed(judged(call, book))
    audited = judged(unread(call, 0), book)
    assert {finding.verdict for finding in of(audited, "greeting")} <= {UNTOLD, PASS}
    assert "forbidden_language" in failed(audited)  # what was clearly said is found all the same
    assert any("没有识别出来" in sentence(doubt) for doubt in audited.call.transcript.doubts)


def test_words_that_were_not_read_accuse_nobody(make_call: MakeCall, book: Rulebook) -> None:
    call = make_call(RUDE)
    turns = tuple(replace(turn, unintelligible=turn.index == 2) for turn in call.turns)
    audited = judged(as_heard(call, turns=turns), book)
    assert not {"no_interruption", "speech_rate"} & failed(audited)
    rude = [finding for finding in of(audited, "forbidden_language") if finding.verdict is FAIL]
    assert {finding.evidence for finding in rude} == {RUDE[0][1]}
    assert audited.call.turns[2].text == RUDE[2][1]  # and are shown


def test_going_on_after_words_that_were_not_read_is_no_cut_in(
    make_call: MakeCall, book: Rulebook
) -> None:
    said = [
        ("A", "您好，远山软件服务热线，工号二零零一，请问有什么可以帮您", 0, 6),
        ("A", "喂", 6.2, 7),
        ("C", "你好，我想问一下我的空调什么时候能来修，已经等了两天了", 7.1, 14),
        ("A", "请您报一下订单号，我帮您查询一下", 8.1, 11),
    ]
    call = make_call(said)
    assert "no_interruption" in failed(judged(call, book))
    assert "no_interruption" not in failed(judged(unread(call, 1), book))


def dialogue(tmp_path: Path, turns: Sequence[tuple[str, str, float, float]]) -> Call:
    line = json.dumps(
        {
            "call_id": "F1",
            "agent_id": "2001",
            "turns": [
                {"role": role, "text": text, "start_s": start, "end_s": end}
                for role, text, start, end in turns
            ],
        }
    )
    place = tmp_path / "calls.jsonl"
    place.write_text(line + "\n", "utf-8")
    (call,) = transcripts.read(place, timezone="Asia/Shanghai", rulebooks=frozenset())
    assert isinstance(call, Call)
    return call


FOREIGN = {
    "english": [
        ("agent", "Hello, Blue River Water, Tom speaking, what can I do for you?", 0, 5),
        ("customer", "There is no water in our street since this morning.", 4, 9),
        ("agent", "I see, could you tell me the name of the street?", 8, 12),
        ("customer", "Harbour Road, and nobody told us anything about it.", 12.5, 17),
        ("agent", "Right, they are repairing it, it will be back at six.", 16, 20),
    ],
    "cantonese": [
        ("agent", "早晨，蓝河水务，我系阿明，有咩帮到你", 0, 5),
        ("customer", "我哋条街今朝开始就冇水喇", 4, 9),
        ("agent", "你等阵，我睇下先，系边条街呀", 8, 12),
        ("customer", "海傍道，都冇人话畀我哋知", 12.5, 17),
        ("agent", "噉样，佢哋整紧，六点就有返喇", 16, 20),
    ],
    "shanghainese": [
        ("agent", "侬好，蓝河水务，阿拉是六号，侬啥事体", 0, 5),
        ("customer", "阿拉搿条马路今朝早浪就呒没水", 4, 9),
        ("agent", "侬覅急，侬讲是啥个马路", 8, 12),
        ("customer", "海港路，也呒没人告诉阿拉", 12.5, 17),
        ("agent", "晓得了，伊拉勒海修，侬等到六点钟", 16, 20),
    ],
    "changsha": [
        ("agent", "喂，蓝河水务，有么子事咯？", 0, 5),
        ("customer", "我屋里的水停咖哒", 4, 9),
        ("agent", "莫急咯，你讲下子是何解停的", 8, 12),
        ("customer", "我哪里晓得，反正冇得水", 12.5, 17),
        ("agent", "在修哒，六点钟就有咖哒", 16, 20),
    ],
    "hakka": [
        ("agent", "你好，蓝河水务，有脉个事？", 0, 5),
        ("customer", "𠊎屋下冇水哩", 4, 9),
        ("agent", "莫急，𠊎摎你看一下", 8, 12),
        ("customer", "承蒙你", 12.5, 17),
        ("agent", "毋使，六点就会来水", 16, 20),
    ],
}


@pytest.mark.parametrize("language", FOREIGN)
def test_other_languages_accuse_nobody(tmp_path: Path, book: Rulebook, language: str) -> None:
    audited = judged(dialogue(tmp_path, FOREIGN[language]), book)
    assert not failed(audited)
    assert audited.scorecard.verdict("forbidden_language") is UNTOLD
    assert "客服讲的可能不是普通话，无法从文字判断" in map(sentence, audited.call.transcript.doubts)
    again = judged(audited.call, book)
    assert again.call.transcript.doubts == audited.call.transcript.doubts


def test_a_foreign_customer_does_not_acquit_the_agent(tmp_path: Path, book: Rulebook) -> None:
    turns = list(FOREIGN["cantonese"])
    turns[0] = ("agent", "喂，什么事", 0, 3)
    turns[2] = ("agent", "你说的什么鬼话，听不懂，找个会说话的来", 10, 12)
    turns[4] = ("agent", "不知道，你自己看着办", 17.5, 20)
    audited = judged(dialogue(tmp_path, turns), book)
    assert {"greeting.hello", "forbidden_language"} <= failed(audited)


def test_one_word_of_a_dialect_acquits_nobody(tmp_path: Path, book: Rulebook) -> None:
    turns = [
        ("agent", "哪位，什么事？", 0, 2),
        ("customer", "我家没有水了", 2.5, 5),
        ("agent", "您看一下阀门有没有打开，再看一下水表走不走", 5.5, 10),
        ("customer", "打开就有了", 10.5, 12),
        ("agent", "那就好，以后有问题再打电话过来登记，唔该", 12.5, 17),
    ]
    assert "greeting.hello" in failed(judged(dialogue(tmp_path, turns), book))


def test_an_offer_in_a_dialect_is_not_missing(tmp_path: Path, book: Rulebook) -> None:
    turns = [
        ("agent", "您好，蓝河水务客户服务热线，我是三零一二号，请问您碰到么子麻烦咯", 0, 7),
        ("customer", "我家没有水了", 7.5, 9),
        ("agent", "您看一下阀门有没有打开，再看一下水表走不走", 9.5, 14),
    ]
    assert "greeting.offer_help" not in failed(judged(dialogue(tmp_path, turns), book))
    turns[0] = ("agent", turns[0][1].replace("请问您碰到么子麻烦咯", "讲"), 0, 7)
    assert "greeting.offer_help" in failed(judged(dialogue(tmp_path, turns), book))


def test_meaning_is_not_told_beside_a_dialect(tmp_path: Path, book: Rulebook) -> None:
    said = "你这种水平也来用电脑啊"
    mandarin = [
        ("agent", "您好，蓝河水务，工号三零一二，请问有什么可以帮您？", 0, 6),
        ("customer", "我家水管漏水了，不知道怎么弄", 6.5, 10),
        ("agent", said, 10.5, 14),
    ]
    (told,) = of(judged(dialogue(tmp_path, mandarin), book), "forbidden_language")
    dialect = [mandarin[0], ("customer", "我屋头水管漏水咯，咋个整嘛", 6.5, 10), mandarin[2]]
    (doubtful,) = of(judged(dialogue(tmp_path, dialect), book), "forbidden_language")
    assert told.meant is None
    assert (told.verdict, doubtful.verdict) == (FAIL, UNTOLD)
    assert "方言" in sentence(doubtful.reason)


def test_loops_in_ready_transcripts_are_marked(tmp_path: Path, book: Rulebook) -> None:
    call = dialogue(
        tmp_path,
        [
            ("agent", "您好，蓝河水务，工号三零一二，请问有什么可以帮您？", 0, 6),
            ("customer", "喂喂喂，听得到吗，听得到吗，听得到吗", 6.5, 10),
            ("agent", "蟹" * 50, 10.5, 13),
            ("agent", "听得到，您请讲，我给您登记一下，师傅会联系您", 13.5, 19),
        ],
    )
    assert [turn.unintelligible for turn in call.turns] == [False, False, True, False]
    audited = judged(call, book)
    assert not failed(audited) & {"speech_rate", "no_interruption", "greeting.hello"}
    assert audited.scorecard.verdict("greeting") is PASS


def test_times_that_are_no_measurement_make_no_loops(tmp_path: Path) -> None:
    said = "您的套餐包含二十个吉的流量，超出以后按照标准资费收取"
    turns = [("agent", said, float(second), second + 0.6) for second in range(4)]
    assert not any(turn.unintelligible for turn in dialogue(tmp_path, turns).turns)
