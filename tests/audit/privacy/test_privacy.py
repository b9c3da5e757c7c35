"""Personal data: detected as spoken, masked, and stored separately."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime
from pathlib import Path

import pytest

from audit.errors import UsageError
from audit.privacy import find, mask, redacted_spans
from audit.privacy.benchmark import evaluate, read, without_punctuation
from audit.privacy.entities import EntityType
from audit.privacy.folding import folded
from audit.reasons import verbatim
from audit.types import (
    AuditedCall,
    Call,
    Channels,
    Finding,
    Masked,
    Origin,
    Recording,
    Role,
    Scorecard,
    Span,
    Transcript,
    Turn,
    Verdict,
    Word,
)
from reports.store import Store, private
from reports.store.layout import Layout
from reports.store.private import PrivateStore
from reports.wording import sentence
from tests import calls

LABELLED = Path(__file__).parents[3] / "data_samples" / "privacy"


def turns(*lines: str) -> tuple[Turn, ...]:
    """Turns from ``A …`` and ``C …``."""
    return tuple(calls.turns((line[0], line[2:]) for line in lines))


def found(*lines: str, agent_name: str | None = None) -> list[tuple[str, EntityType]]:
    said = turns(*lines)
    entities = find(said, agent_name=agent_name)
    return [(said[e.turn].text[e.start : e.end], e.entity_type) for e in entities]


def audited(said: tuple[Turn, ...], *findings: Finding) -> AuditedCall:
    recording = Recording("a.wav", "a", "7", datetime(2026, 11, 16, tzinfo=UTC), agent_name="林静")
    transcript = Transcript(said, Channels.TEXT, Origin("0" * 64, None, None, None))
    return AuditedCall(
        Call(recording, transcript), findings, Scorecard(None, None, False, ()), "r", "0"
    )


def quoting(evidence: str) -> Finding:
    return Finding("closing", "c", Verdict.FAIL, verbatim(f"已回答“{evidence}”"), evidence=evidence)


@pytest.mark.parametrize("half", ["tuning", "held_out"])
def test_labelled_dialogues(half: str) -> None:
    dialogues = read(LABELLED / f"{half}.jsonl")
    result = evaluate(dialogues)
    noisy = sum(dialogue.noise for dialogue in dialogues)
    assert noisy * 3 == len(dialogues)
    assert result.precision >= 0.95, result.mistakes
    assert result.recall >= 0.95, result.mistakes
    assert result.noisy_recall >= 0.9


def test_detection_without_punctuation() -> None:
    result = evaluate([without_punctuation(one) for one in read(LABELLED / "held_out.jsonl")])
    assert result.precision >= 0.95, result.mistakes
    assert result.recall >= 0.9


def test_there_are_enough_labels() -> None:
    entities = sum(
        len(dialogue.labels)
        for half in ("tuning", "held_out")
        for dialogue in read(LABELLED / f"{half}.jsonl")
    )
    assert entities >= 400


@pytest.mark.parametrize(
    "line",
    [
        "A 您好，远山热线，工号二零零三，我叫苏敏，很高兴为您服务",
        "C 打了三五十个电话，前后十五六天，一共三百二十五块",
        "A 您的订单二零二六一一一六零零一二已经发货",
        "C 我的订单，四五三九一四八八零三四三六四六八，运单SF13900572886401",
        "C 网关192.168.10.101，MAC是00:1A:2B:3C:4D:5E，报错691，分机8023",
        "C 一共13,905,728,864元，五八的套餐，测速三百二十兆",
        "A 请您拨打网点的电话零二七六二八八九九零一",
        "C 我叫车了，叫平台处理，丛书和麦克风的区别在哪",
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
def test_numbers_that_are_not_personal(line: str) -> None:
    assert found(line) == []


def test_a_number_over_several_turns_without_a_question() -> None:
    items = found(
        "C 一三八", "A 嗯", "C 一二三四", "A 好", "C 五六七八", "A 一三八一二三四五六七八"
    )
    assert [kind for _, kind in items] == [EntityType.MOBILE] * 4


def test_an_id_number_is_recognized_by_its_checksum_whatever_the_topic() -> None:
    assert found("C 订单，四四零三零四一九八四零二一一三一三X") == [
        ("四四零三零四一九八四零二一一三一三X", EntityType.ID_NUMBER)
    ]
    misrecognized = "四四零三零四一九八四零二一一三一三五"  # one wrong digit
    assert found(f"C 订单，{misrecognized}") == [(misrecognized, EntityType.ID_NUMBER)]


GREETING = "A 您好，远山热线，工号二零零三，请问有什么可以帮您"


@pytest.mark.parametrize("before", [GREETING, "A 请报一下订单号", "A 您的车牌", "A 您的生日"])
@pytest.mark.parametrize(
    "number",
    [
        "13905728864",
        "１３９０５７２８８６４",
        "139 0572 8864",
        "139-0572-8864",
        "139.0572.8864",
        "一三九零5728864",
        "幺三勾洞五拐两八八六四",
        "一三九，嗯，零五七二，那个，八八六四",
        "幺三九，幺三九，零五七二，零五七二，八八六四",
        "幺三九零五七二双八六四",
        "一三九 零五 七十二 八十八 六十四",
        "6222021203004455669",
        "６２２２ ０２１２ ０３００ ４４５５ ６６９",
        "440304198402113130",
        "４４０３０４１９８４０２１１３１３Ｘ",
        "0755-8321 4466",
    ],
)
def test_numbers_of_a_known_format_are_found_whatever_the_topic(before: str, number: str) -> None:
    ((said, _),) = found(before, f"C 你帮我查查{number}，怎么回事")
    assert said == number


def test_a_number_ends_before_a_count() -> None:
    for after in ("，五十块", "五十块", "三点打", "，200元", "5次"):
        assert found(GREETING, f"C 打幺三九零五七二八八六四{after}") == [
            ("幺三九零五七二八八六四", EntityType.MOBILE)
        ]
    both = "440304198402113130一三九零五七二八八六四"
    assert [kind for _, kind in found(f"C 就是{both}")] == [EntityType.ID_NUMBER, EntityType.MOBILE]


@pytest.mark.parametrize(
    ("line", "said", "kind"),
    [
        ("C 护照是Ｅ八八七七六六五五", "E八八七七六六五五", EntityType.PASSPORT),
        ("C 回乡证H88776655", "H88776655", EntityType.TRAVEL_PERMIT),
        ("C 是Z683365(5)，麻烦", "Z683365(5)", EntityType.REGIONAL_ID),
        ("C 台湾身份证F131104093", "F131104093", EntityType.REGIONAL_ID),
        ("C 加我微信，lin下划线八八", "lin下划线八八", EntityType.WECHAT),
        ("C 我QQ号八八六六四四二", "八八六六四四二", EntityType.QQ),
        ("C 邮箱ｌｉｎ．８８＠ｙｕｎｆａｎ．ｃｎ", "lin.88@yunfan.cn", EntityType.EMAIL),
        ("C 是lin八八艾特幺二六点康姆，别错了", "lin八八艾特幺二六点康姆", EntityType.EMAIL),
        ("C 车牌浙Ｂ·Ｄ６６８８１", "浙B·D66881", EntityType.PLATE),
        ("C 生于一九八四年，生日是２月１１日", "2月11日", EntityType.BIRTH),
        ("C 我叫仉小舟想改地址", "仉小舟", EntityType.NAME),
        ("C 姓名是区兰山", "区兰山", EntityType.NAME),
        ("C 我找热依木江•吐尔逊先生", "热依木江·吐尔逊", EntityType.NAME),
        ("C 我叫Anna Berg。", "Anna Berg", EntityType.NAME),
    ],
)
def test_entity_types_and_formats(line: str, said: str, kind: EntityType) -> None:
    detected = [(folded(text), type_) for text, type_ in found(line)]
    assert (said, kind) in detected


@pytest.mark.parametrize(
    "line",
    [
        "C 我在文昌路１２号西湖大厦９楼９０３室",
        "C 送到滨江区，文昌路十二号，西湖大厦，九楼，九零三",
        "C 住文昌街五号附三号二单元四零二",
    ],
)
def test_an_address_is_found_down_to_the_room(line: str) -> None:
    ((said, kind),) = found(line)
    assert kind is EntityType.ADDRESS and line.endswith(said)


@pytest.mark.parametrize(
    "lines",
    [
        ["C 卡6222021203004455669，花了1200，分12期，每期108.50"],
        ["C 手机号13905728864，余额358，2025年买的", "A 好的，2025年的"],
        ["A 您的电话", "C 13905728864", "A 病案号30028，血压135，水表读数04821"],
        ["A 报一下卡号", "C 6222021203004455669", "A 登记号 HT2026-0031，赔案号PA20260931"],
    ],
)
def test_amounts_readings_and_record_numbers_stay_beside_a_persons_number(
    lines: list[str],
) -> None:
    ((said, _),) = found(*lines)
    assert said in ("6222021203004455669", "13905728864")


def test_serial_numbers_are_not_mobiles_unless_grouped_like_them() -> None:
    assert found("C 1 3 9 0 5 7 2 8 8 6 4，机身上的设备号") == []
    assert found("C 6222 0212 0300 4455 66，这是运单") == []
    assert found("C 139 0572 8864，订单上留的") != []


def test_the_tail_that_was_asked_for_or_announced_is_redacted() -> None:
    assert found("A 请问卡尾号", "C 0931") == [("0931", EntityType.BANK_CARD)]
    assert found("C 电话后四位8864") == [("8864", EntityType.MOBILE)]


@pytest.mark.parametrize("number", ["一三九，空，零五，七二，八八六四", "139O572 88O64"])
def test_a_spoken_pause_or_a_letter_for_zero(number: str) -> None:
    assert found(f"C 是{number}") == [(number, EntityType.MOBILE)]


@pytest.mark.parametrize(
    ("lines", "name"),
    [
        (["A 怎么称呼您", "C 叫我小虞就行"], "小虞"),
        (["C 老庞介绍我来的"], "老庞"),
        (["C 俞姐让我打的"], "俞"),
        (["A 请问是匡师傅吗"], "匡"),
        (["A 好的业主哥舒女士"], "哥舒"),
        (["C 患者郗文博，明天上午"], "郗文博"),
        (["C 我栾松涛，电话改了"], "栾松涛"),
        (["C 我是五年级二班段明轩的爸爸"], "段明轩"),
        (["C 给我妈挂号，次仁卓嘎，出生证有"], "次仁卓嘎"),
        (["C 我是Peter Brown，你好"], "Peter Brown"),
        (["C 能小满，能耐的能，你记下"], "能小满"),
    ],
)
def test_names_that_no_verb_announces(lines: list[str], name: str) -> None:
    assert (name, EntityType.NAME) in found(*lines)


@pytest.mark.parametrize(
    "line",
    [
        "C 患者高烧三十九度，业主反映，电梯坏了",
        "C 温馨提示，95588发来的，安装完，电话没人接",
        "A 麻烦报一下姓名和地址",
        "C 小程序打不开，小区停水，老师让我打的，姐姐在外地",
        "C 小高，你们那个套餐怎么取消",
    ],
)
def test_words_that_begin_like_names(line: str) -> None:
    assert found(line) == []


@pytest.mark.parametrize(
    ("line", "said", "kind"),
    [
        ("C 生日民国六十三年，呃，九月初二", "民国六十三年，呃，九月初二", EntityType.BIRTH),
        ("C 出生是甲子年正月十五", "甲子年正月十五", EntityType.BIRTH),
        ("C 她2017年农历八月廿三生的", "2017年农历八月廿三", EntityType.BIRTH),
        ("C 八二年的，五月，那个，十七号出生", "八二年的，五月，那个，十七号", EntityType.BIRTH),
        ("C 车牌浙B，大写的D，六六八八一", "浙B，大写的D，六六八八一", EntityType.PLATE),
        ("C 苏E-9F312，OBU不亮", "苏E-9F312", EntityType.PLATE),
        ("C 住绿地香颂8-2-1103", "绿地香颂8-2-1103", EntityType.ADDRESS),
        ("C 我是五栋一二零三的", "五栋一二零三", EntityType.ADDRESS),
        ("C 我微信是小名加门牌，xiaoyu八零三", "xiaoyu八零三", EntityType.WECHAT),
        ("C 我用wind＿77这个号加的", "wind_77", EntityType.WECHAT),
    ],
)
def test_dates_plates_doors_and_ids_in_full(line: str, said: str, kind: EntityType) -> None:
    assert [(folded(text), type_) for text, type_ in found(line)] == [(said, kind)]


def test_parts_of_a_building_are_not_an_address() -> None:
    assert found("C 5号楼二单元的门坏了，型号8-2-1103") == []


def test_the_companys_landline_stays_one_when_it_is_repeated() -> None:
    assert found("A 请您拨打网点的电话零二七六二八八九九零一", "C 零二七六二八八九九零一，好") == []
    assert found("A 师傅会拨打您的座机零二七六二八八九九零一") != []


def test_detection_handles_every_character() -> None:
    dice = random.Random(18)
    signs = (
        "·•・‧.阿依古丽王仝叫姓我是微信护照京A1九十个路号室艾特点年\u200b\u202e\u0301\ud800😀②㈠٣ "
    )
    for _ in range(1500):
        texts = ["".join(dice.choices(signs, k=dice.choice((3, 15, 60)))) for _ in range(3)]
        said = turns("A 您贵姓", *(f"C {text}" for text in texts))
        for item in find(said, agent_name=texts[0]):
            assert 0 <= item.start < item.end <= len(said[item.turn].text)


def test_innocent_numbers_beside_the_forms() -> None:
    result = evaluate(read(LABELLED / "forms.jsonl"))
    assert result.precision >= 0.98, result.mistakes
    assert result.recall >= 0.98, result.mistakes


def test_the_agents_name_is_shown_and_the_customers_is_not() -> None:
    assert found("A 我叫林静，请问贵姓", "C 免贵姓欧阳", "A 欧阳女士您好", agent_name="林静") == [
        ("欧阳", EntityType.NAME),
        ("欧阳", EntityType.NAME),
    ]


def test_a_surname_is_found_though_its_announcement_was_misrecognized() -> None:
    assert found("A 请问您贵姓", "C 我心白在市场部") == [("白", EntityType.NAME)]
    assert found("C 我心里不舒服") == []


@pytest.mark.parametrize(
    "text",
    [
        *("", "一" * 5000, "零，" * 2000, "姓" * 300, "A1" * 400, "路" * 2000 + "1号", "@" * 500),
        *("文昌路9号大厦" * 300, "1嗯" * 900, "一杠" * 900, "王，" * 900),
    ],
)
def test_hostile_text_takes_no_time(text: str) -> None:
    before = datetime.now(UTC)
    found(f"C {text}", f"A {text}")
    assert (datetime.now(UTC) - before).total_seconds() < 3


# masking


def test_placeholders_in_turns_and_in_evidence() -> None:
    said = turns(
        "A 请问您贵姓？", "C 我姓顾，电话是幺三九，零五七二，八八六四。", "A 好的，顾女士。"
    )
    masked = mask(audited(said, quoting(said[1].text), quoting(said[1].text + said[2].text)))
    texts = [turn.text for turn in masked.call.turns]
    assert texts == ["请问您贵姓？", "我姓【姓名】，电话是【手机号】。", "好的，【姓名】女士。"]
    assert [finding.evidence for finding in masked.findings] == [texts[1], texts[1] + texts[2]]
    assert [sentence(finding.reason) for finding in masked.findings] == [
        f"已回答“{texts[1]}”",
        f"已回答“{texts[1]}{texts[2]}”",
    ]
    assert [[m.kind for m in turn.masked] for turn in masked.call.turns] == [
        [],
        ["name", "mobile"],
        ["name"],
    ]


def test_calls_without_pii_or_with_placeholders_are_unchanged() -> None:
    plain = audited(turns("A 您好，工号二零零三。", "C 三百六十元一个月。"), quoting("您好"))
    assert mask(plain) is plain
    masked = mask(audited(turns("C 我姓顾。")))
    assert mask(masked) is masked


def test_a_turn_of_one_character_is_not_replaced_inside_other_words() -> None:
    said = turns("A 请问您贵姓？", "C 王。", "A 国王的新衣。")
    masked = mask(audited(said, quoting("国王的新衣。")))
    assert masked.findings[0].evidence == "国王的新衣。"


WORDS = (("我姓", 1.0, 1.4), ("顾", 1.4, 1.7), ("电话", 2.0, 2.4), ("139", 3.0, 3.8))
WORDS = (*WORDS, ("0572", 4.0, 5.0), ("8864", 5.2, 6.1), ("谢谢", 7.0, 7.5))


def test_times_are_those_of_the_words() -> None:
    """Marks are of the text only, and words hold no two characters that the text has not."""
    words = tuple(Word(text, start, end, 0.9) for text, start, end in WORDS)
    turn = Turn(
        0, Role.CUSTOMER, "我姓顾，电话139，0572，8864，谢谢", start_s=1.0, end_s=7.5, words=words
    )
    (masked,) = mask(audited((turn,))).call.turns
    assert masked.text == "我姓【姓名】，电话【手机号】，谢谢"
    assert masked.masked == (Masked("name", 1.4, 1.7), Masked("mobile", 3.0, 6.1))
    assert redacted_spans(masked.masked) == (Span(1.1, 2.0), Span(2.7, 6.4))


def test_times_are_estimated_without_words_and_missing_without_times() -> None:
    timed = Turn(0, Role.CUSTOMER, "电话13905728864谢谢", start_s=10.0, end_s=25.0)
    (masked,) = mask(audited((timed,))).call.turns
    assert masked.masked == (Masked("mobile", 12.0, 23.0),)
    (masked,) = mask(audited(turns("C 我姓顾。"))).call.turns
    assert masked.masked == (Masked("name"),)
    assert redacted_spans(masked.masked) == ()


def test_a_customer_may_have_the_agents_name() -> None:
    lines = ("C 你好，我叫林静", "A 您好，我是林静，很高兴为您服务")
    assert found(*lines, agent_name="林静")[0] == ("林静", EntityType.NAME)
    assert found(lines[1], agent_name="林静") == []


# the private store

KEY = "8Z5vNQkS0Yq3mXf2bW1pLr7tHc4dJg6uEa9oKi0sVnA="
OTHER = "Aw7r0cXyJm2kVt5sQ8nZb1hLd4gPf6uEa9oKi3sTnqM="


def transcript(*lines: str) -> Transcript:
    return Transcript(turns(*lines), Channels.TEXT, Origin(None, None, None, None))


def modes(out: Path) -> set[int]:
    return {path.stat().st_mode & 0o777 for path in Layout(out).private.rglob("*.*")}


def test_full_transcripts_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    Store(tmp_path).private.prepare()
    Store(tmp_path).transcripts.save("abc", transcript("C 我姓顾。"))
    Store(tmp_path).private.note_access("transcript", ["S01"])
    assert Layout(tmp_path).private.stat().st_mode & 0o777 == 0o700
    assert modes(tmp_path) == {0o600}
    assert Store(tmp_path).transcripts.load("abc") == transcript("C 我姓顾。")
    assert list(Store(tmp_path).private.names()) == ["abc"]


def assert_encrypted(out: Path) -> None:
    files = [p for p in (Layout(out).private / "transcripts").rglob("*") if p.is_file()]
    assert files and all(path.read_bytes().startswith(b"gAAAA") for path in files)
    assert all(private.may_leave(path.name) for path in files)


def test_what_came_in_without_the_key_is_encrypted_at_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Store(tmp_path).transcripts.save("abc", transcript("C 我姓顾。"))
    (plain,) = Layout(tmp_path).private.rglob("*.gz")
    data = plain.read_bytes()
    assert not private.may_leave(plain.name)
    monkeypatch.setenv(private.KEY, KEY)
    Store(tmp_path).private.prepare()
    plain.write_bytes(data)  # as another machine may leave it
    Store(tmp_path).private.prepare()
    assert_encrypted(tmp_path)
    assert Store(tmp_path).transcripts.load("abc") == transcript("C 我姓顾。")


def test_with_a_key_nothing_can_be_read_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Store(tmp_path).private.prepare()
    Store(tmp_path).transcripts.save("before", transcript("C 我姓顾。"))
    monkeypatch.setenv(private.KEY, KEY)
    Store(tmp_path).private.prepare()
    Store(tmp_path).transcripts.save("after", transcript("C 我姓孟。"))
    assert_encrypted(tmp_path)
    assert Store(tmp_path).transcripts.load("before") == transcript("C 我姓顾。")
    assert Store(tmp_path).transcripts.load("after") == transcript("C 我姓孟。")

    monkeypatch.delenv(private.KEY)
    for work in (PrivateStore.prepare, PrivateStore.check_key):
        with pytest.raises(UsageError, match="is encrypted; set CALLAUDIT_PRIVATE_KEY"):
            work(Store(tmp_path).private)
    with pytest.raises(UsageError, match="is encrypted"):
        Store(tmp_path).transcripts.load("after")
    monkeypatch.setenv(private.KEY, OTHER)
    with pytest.raises(UsageError, match="with another key"):
        Store(tmp_path).transcripts.load("after")
    with pytest.raises(UsageError, match="with another key"):
        Store(tmp_path).transcripts.save("later", transcript("C 我姓顾。"))
    monkeypatch.setenv(private.KEY, f"{OTHER},{KEY}")  # the key changes
    assert Store(tmp_path).transcripts.load("after") == transcript("C 我姓孟。")
    Store(tmp_path).private.prepare()
    monkeypatch.setenv(private.KEY, OTHER)  # and the old one is not needed any more
    assert Store(tmp_path).transcripts.load("before") == transcript("C 我姓顾。")
    monkeypatch.setenv(private.KEY, KEY)
    with pytest.raises(UsageError, match="with another key"):
        Store(tmp_path).private.prepare()
    monkeypatch.setenv(private.KEY, "")  # a secret that was not delivered
    with pytest.raises(UsageError, match="is not a valid key"):
        Store(tmp_path).private.write("x", b"")
    monkeypatch.setenv(private.KEY, "secret")
    with pytest.raises(UsageError, match="is not a valid key; make one with"):
        Store(tmp_path).private.prepare()


def test_a_damaged_transcript_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key in (None, KEY):
        if key is not None:
            monkeypatch.setenv(private.KEY, key)
        Store(tmp_path).private.prepare()
        Store(tmp_path).transcripts.save("abc", transcript("C 我姓顾。"))
        (path,) = (Layout(tmp_path).private / "transcripts").rglob("abc.*")
        path.write_bytes(path.read_bytes()[:40])
        assert Store(tmp_path).transcripts.load("abc") is None


def test_access_is_logged_and_erased_calls_are_not_named(tmp_path: Path) -> None:
    Store(tmp_path).private.note_access("rescore", ["S02", "S01"])
    Store(tmp_path).private.note_access("transcript", ["S01"])
    Store(tmp_path).private.note_access("evaluate", [])
    with (tmp_path / "private" / "access.jsonl").open("a") as torn:
        torn.write('{"at": "2026')
    Store(tmp_path).private.forget_access(["S01"])
    noted = [
        json.loads(line)
        for line in (tmp_path / "private" / "access.jsonl").read_text("utf-8").splitlines()
    ]
    assert [(line["command"], line["calls"]) for line in noted] == [
        ("rescore", ["erased", "S02"]),
        ("transcript", ["erased"]),
    ]
    assert all(line["who"] and datetime.fromisoformat(line["at"]).tzinfo for line in noted)


@pytest.mark.parametrize(
    ("lines", "name"),
    [
        (("C 户名是尔古阿木卡号忘了",), "尔古阿木"),
        (("C 我叫欧阳婉清电话一直没变",), "欧阳婉清"),
        (("C 姓麦叫麦穗宁卡号等一下",), "麦穗宁"),
        (("C 我女儿景若溪生日是六月",), "景若溪"),
        (("C 联系人写我妈妈池秀英电话一样",), "池秀英"),
        (("C 我屋头娃儿阿牛木呷彝族",), "阿牛木呷"),
        (("C 预订人叫邢可欣",), "邢可欣"),
        (("A 请问是桂苑的业主查大姐不",), "查"),
        (("A 业主登记的是上官雨桐女士吗",), "上官雨桐"),
        (("A 收件人是哪位", "C 找舒云帆手机在关机"), "舒云帆"),
        (("A 请核对付款人", "C 曲木伍呷账号是对的"), "曲木伍呷"),
        (("C 收件人Sean O'Connor",), "Sean O'Connor"),
        (("A 姓名核对一下", "C Tran Van Duc陈文德陈文德"), "Tran Van Duc"),
        (("A 姓名核对一下", "C Tran Van Duc陈文德陈文德"), "陈文德"),
    ],
)
def test_names_in_turns_without_punctuation(lines: tuple[str, ...], name: str) -> None:
    assert (name, EntityType.NAME) in found(*lines)


@pytest.mark.parametrize(
    "line",
    [
        "莫得了",
        "没得",
        "装维师傅姓刘约的下午",
        "联系人电话改一下",
        "户名和卡号对吗",
        "户主是我老公的",
        "收件人不在家",
        "我叫外卖送来的电话打不通",
        "我妈妈高血压电话问一下",
        "业主都不在的",
        "法人经营范围",
        "他叫我打电话",
        "我老婆是经常出差",
        "我弟弟是高考生",
    ],
)
def test_cues_that_no_name_follows(line: str) -> None:
    assert found(f"C {line}") == []
    assert found("A 请问收件人姓名", f"C {line}") == []


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (("C 是一百五十九 二二零四 三三一八",), "一百五十九 二二零四 三三一八"),
        (("A 前面是幺七七零零后头呢", "C 后面是三二幺八九四"), "幺七七零零"),
        (("A 前面是幺七七零零后头呢", "C 后面是三二幺八九四"), "三二幺八九四"),
        (
            ("C 不是六二幺七零零是六二二八四八零四零二五六四八九零",),
            "六二二八四八零四零二五六四八九零",
        ),
        (("C 退到尾号三三零八那张银行卡",), "三三零八"),
        (("A 您的地址", "C 武侯区科华北路一段八号附二号"), "武侯区科华北路一段八号附二号"),
        (("A 几幢", "C 3幢2单元7号"), "3幢2单元7号"),
        (("C 客服微信加不上我微信wxid_q2w3e4r5t6",), "wxid_q2w3e4r5t6"),
        (("A 来往内地的证件", "C 证号H１２３４５６７８"), "H１２３４５６７８"),
    ],
)
def test_numbers_and_places_in_turns_without_punctuation(lines: tuple[str, ...], said: str) -> None:
    assert said in [text for text, _ in found(*lines)]


@pytest.mark.parametrize(
    ("lines", "innocent"),
    [
        (("A 车牌是多少", "C 运单号YB20261130998877"), "YB20261130998877"),
        (("C 手机13988776655", "A 受理号1398877请记", "C 1398877好"), "1398877"),
        (("A 您手机", "C 中了奖号码是02 09 11 15 28 33"), "02 09 11 15 28 33"),
        (("A 生日多少", "C 1990年3月4号", "A 下次复查3月15号"), "3月15号"),
        (("A 我们不收密码", "C 我今天转了25600"), "25600"),
        (("A 客服400-666-1234", "C 好", "A 净值2.1457"), "400-666-1234"),
        (("A 客服400-666-1234", "C 好", "A 净值2.1457"), "2.1457"),
        (("C 大概7楼我是6栋2单元903的住户",), "7楼"),
    ],
)
def test_a_topic_takes_in_no_codes_draws_and_amounts(lines: tuple[str, ...], innocent: str) -> None:
    said = turns(*lines)
    at, start = [(t.index, t.text.find(innocent)) for t in said if innocent in t.text][-1]
    hidden = [i for i in find(said) if i.turn == at and i.start < start + len(innocent)]
    assert not any(item.end > start for item in hidden)


@pytest.mark.parametrize(
    "address",
    ["li.fang_07@mail.stone-bridge.com", "it@branch-2.north-wind.example.cn", "a@b-c.com.cn"],
)
def test_hyphens_in_any_label_of_an_address_are_redacted(address: str) -> None:
    assert found(f"C 你发到{address}吧") == [(address, EntityType.EMAIL)]


def test_marks_move_with_the_text_and_none_stands_inside_a_placeholder() -> None:
    text = "我姓顾我的号码是13905728864您记下了吗好的"
    at = {
        text.index(word): mark for word, mark in (("我的", "，"), ("05728864", "，"), ("您", "。"))
    }
    at |= {text.index("好的"): "？", len(text): "。"}
    turn = Turn(0, Role.CUSTOMER, text, marks=tuple(at.items()))
    (masked,) = mask(audited((turn,))).call.turns
    assert masked.text == "我姓【姓名】我的号码是【手机号】您记下了吗好的"
    assert masked.punctuated == "我姓【姓名】，我的号码是【手机号】。您记下了吗？好的。"
