"""Customers' data: found as spoken, masked, covered by a tone, and kept apart."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from audit.privacy import Kind, find
from audit.privacy.evaluation import evaluate, read, without_marks
from audit.types import (
    AuditedCall,
    Call,
    Channels,
    Finding,
    Origin,
    Recording,
    Role,
    Scorecard,
    Transcript,
    Turn,
    Verdict,
)

LABELLED = Path(__file__).parents[2] / "data_samples" / "privacy"


def turns(*lines: str) -> tuple[Turn, ...]:
    """Turns from ``A …`` and ``C …``."""
    roles = {"A": Role.AGENT, "C": Role.CUSTOMER}
    return tuple(Turn(i, roles[line[0]], line[2:]) for i, line in enumerate(lines))


def found(*lines: str, agent_name: str | None = None) -> list[tuple[str, Kind]]:
    said = turns(*lines)
    items = find(said, agent_name=agent_name)
    return [(said[i.turn].text[i.start : i.end], i.kind) for i in items]


def audited(said: tuple[Turn, ...], *findings: Finding) -> AuditedCall:
    recording = Recording("a.wav", "a", "7", datetime(2026, 11, 16, tzinfo=UTC), agent_name="林静")
    transcript = Transcript(said, Channels.TEXT, Origin("0" * 64, None, None, None))
    return AuditedCall(
        Call(recording, transcript), findings, Scorecard(None, None, False, ()), "r", "0"
    )


def quoting(evidence: str) -> Finding:
    return Finding("closing", "c", Verdict.FAIL, f"客服说：{evidence}", evidence=evidence)


@pytest.mark.parametrize("half", ["tuning", "held_out"])
def test_labelled_dialogues(half: str) -> None:
    dialogues = read(LABELLED / f"{half}.jsonl")
    result = evaluate(dialogues)
    noisy = sum(dialogue.noise for dialogue in dialogues)
    assert noisy * 3 == len(dialogues)
    assert result.precision >= 0.95, result.mistakes
    assert result.recall >= 0.95, result.mistakes
    assert result.noisy_recall >= 0.9


def test_without_marks_most_is_found_still() -> None:
    result = evaluate([without_marks(one) for one in read(LABELLED / "held_out.jsonl")])
    assert result.precision >= 0.95, result.mistakes
    assert result.recall >= 0.9


def test_there_are_enough_labels() -> None:
    items = sum(
        len(dialogue.private)
        for half in ("tuning", "held_out")
        for dialogue in read(LABELLED / f"{half}.jsonl")
    )
    assert items >= 400


@pytest.mark.parametrize(
    "line",
    [
        "A 您好，远山热线，工号二零零三，我叫苏敏，很高兴为您服务",
        "C 打了三五十个电话，前后十五六天，一共三百二十五块",
        "A 您的订单一三八零零一三八零零零已经发货",
        "A 请您拨打幺零零八六，或者四零零六六八八一二三",
        "A 关于先生您反映的问题，我们很重视",
        "C 从二零二三年十二月到现在，用了二十三点五个G",
        "A 我们的营业厅在建设路八十八号，九点到六点",
        "C 我要投诉李经理和王师傅，那个姓刘的工程师也来过",
        "C 我是老用户了，一零年就用了，地址最后两位是五十六",
        "C 你不懂，就叫各种的人过来跟我说",
        "C 型号是KFR35GW，序列号六二二二零二一二三四五六七",
    ],
)
def test_what_is_nobodys(line: str) -> None:
    assert found(line) == []


def test_a_number_over_several_turns_that_nobody_asked_for() -> None:
    items = found(
        "C 一三八", "A 嗯", "C 一二三四", "A 好", "C 五六七八", "A 一三八一二三四五六七八"
    )
    assert [kind for _, kind in items] == [Kind.MOBILE] * 4


def test_an_identity_number_is_told_by_its_checksum_whatever_is_talked_of() -> None:
    assert found("C 订单，四四零三零四一九八四零二一一三一三X") == [
        ("四四零三零四一九八四零二一一三一三X", Kind.ID_NUMBER)
    ]
    assert found("C 订单，四四零三零四一九八四零二一一三一三五") == []


def test_the_agents_name_is_shown_and_the_customers_is_not() -> None:
    assert found("A 我叫林静，请问贵姓", "C 免贵姓欧阳", "A 欧阳女士您好", agent_name="林静") == [
        ("欧阳", Kind.NAME),
        ("欧阳", Kind.NAME),
    ]


def test_a_surname_is_found_though_its_announcement_was_misheard() -> None:
    assert found("A 请问您贵姓", "C 我心白在市场部") == [("白", Kind.NAME)]
    assert found("C 我心里不舒服") == []


@pytest.mark.parametrize(
    "text", ["", "一" * 5000, "零，" * 2000, "姓" * 300, "A1" * 400, "路" * 2000 + "1号", "@" * 500]
)
def test_hostile_text_takes_no_time(text: str) -> None:
    before = datetime.now(UTC)
    found(f"C {text}", f"A {text}")
    assert (datetime.now(UTC) - before).total_seconds() < 3
