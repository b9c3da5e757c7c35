"""Other vendors' transcripts: the same call in each form, through the public command."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner

from audit.privacy.masking import masked_turns
from audit.types import Call, Role, Span, WordTimes
from flows.cli.main import main
from reports.wording import sentence
from tests.audit.intake.foreign.samples import SAMPLES, lay, read, sample

OURS = sample("ours.json")
RUDE = "你爱等不等，我又不是修宽带的。"

ENGINES = {
    "F1001": "funasr",
    "whisperx": "whisperx",
    "W1001": "aws-transcribe",
    "aliyun": "aliyun",
    "M1001": "aliyun",
    "Q1001": "aliyun",
    "tencent": "tencent",
    "tencent_text": "tencent",
}
"""The vendor of each sample, by the id that its call gets."""
TWO_CHANNELS = {"W1001", "M1001", "O1001"}
"""Calls whose file shows that each speaker had a channel."""
CONFIDENCE = {"whisperx": 0.86, "W1001": 0.93, "O1001": 0.91}

MANIFEST = "file,agent_id,started_at,queue\n" + "".join(
    f"{name}.wav,3017,2026-11-16T09:{minute:02d}:00,宽带\n"
    for minute, name in enumerate((*ENGINES, "O1001"))
)


def call(place: Path, value: object, **columns: str) -> Call:
    """The call of a vendor's JSON, with a manifest of one row."""
    row = {"file": "x.wav", "agent_id": "3017", "started_at": "2026-11-16T09:00:00", **columns}
    manifest = place / "manifest.csv"
    manifest.write_text(f"{','.join(row)}\n{','.join(row.values())}\n", "utf-8")
    (got,) = read(lay(place / "x.json", value), manifest=str(manifest))
    assert isinstance(got, Call), got
    return got


def audited(place: Path, value: object, **columns: str) -> pd.Series[Any]:
    """The verdicts of a vendor's JSON, by rule, through the command."""
    call(place, value, **columns)
    got = CliRunner().invoke(
        main,
        [
            *("audit-transcripts", str(place / "x.json"), "--out", str(place / "out")),
            *("--manifest", str(place / "manifest.csv")),
        ],
    )
    assert got.exit_code == 0, got.output
    return pd.read_parquet(place / "out" / "parquet" / "calls").iloc[0]


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All samples, audited as one folder with one manifest."""
    place = tmp_path_factory.mktemp("foreign")
    for path in SAMPLES.glob("*.json"):
        shutil.copy(path, place)
    (place / "manifest.csv").write_text(MANIFEST, "utf-8")
    got = CliRunner().invoke(
        main,
        [
            *("audit-transcripts", str(place), "--out", str(place / "out")),
            *("--manifest", str(place / "manifest.csv")),
        ],
    )
    assert got.exit_code == 0, got.output
    assert "9 audited, 0 rejected" in got.output
    return place / "out"


def test_the_tables_carry_who_transcribed_and_how_surely(out: Path) -> None:
    calls = pd.read_parquet(out / "parquet" / "calls").set_index("call_id")
    assert calls.index.size == 9
    assert calls.engine.drop("O1001").to_dict() == ENGINES
    assert pd.isna(calls.engine["O1001"])
    assert set(calls.channels) == {"text"}
    assert set(calls.meta_queue) == {"宽带"}
    assert calls.transcript_confidence.dropna().to_dict() == pytest.approx(CONFIDENCE)
    assert calls.started_local["whisperx"].minute == 1
    assert (calls.role_source == "content").sum() == 6  # what names no roles
    assert set(calls.roles_confirmed.dropna()) == {True}


def test_turns_are_where_the_vendor_has_them(out: Path) -> None:
    turns = pd.read_parquet(out / "parquet" / "turns")
    spoken = [(one["role"], one["start_s"], one["end_s"]) for one in OURS["turns"]]
    for call_id, own in turns.sort_values("turn_index").groupby("call_id"):
        assert list(zip(own.role, own.start_s, own.end_s, strict=True)) == spoken, call_id
        confidence = CONFIDENCE.get(str(call_id))
        assert own.asr_confidence.isna().all() == (confidence is None)
        if confidence is not None:
            assert own.asr_confidence.tolist() == pytest.approx([confidence] * len(own))
        channels = {None if channel != channel else channel for channel in own.channel}
        shared = call_id not in TWO_CHANNELS
        assert channels == ({0} if shared else {0, 1} if call_id == "M1001" else {None})


def test_the_same_call_has_the_same_verdicts_whoever_transcribed_it(out: Path) -> None:
    findings = pd.read_parquet(out / "parquet" / "findings")
    rude = findings[findings.rule_id == "forbidden_language"].set_index("call_id")
    assert set(rude.index) == {*ENGINES, "O1001"} and rude.index.is_unique
    assert set(zip(rude.verdict, rude.start_s, rude.end_s, rude.evidence, strict=True)) == {
        ("fail", 27.0, 29.8, RUDE)
    }
    others = findings[~findings.rule_id.isin({"no_interruption"})]
    by_call = {
        call_id: sorted(zip(own.check_id, own.verdict, strict=True))
        for call_id, own in others.groupby("call_id")
    }
    assert all(by_call[call_id] == by_call["O1001"] for call_id in by_call)


def test_interruptions_are_judged_only_where_each_speaker_had_a_channel(out: Path) -> None:
    calls = pd.read_parquet(out / "parquet" / "calls").set_index("call_id")
    passed = set(calls.index[calls.no_interruption_verdict == "pass"])
    assert passed == TWO_CHANNELS
    assert set(calls.no_interruption_verdict.drop(list(passed))) == {"cannot_tell"}
    shared = calls.drop(list(TWO_CHANNELS))
    assert shared.interruptions.isna().all() and shared.overlap_s.isna().all()


# Overlapping speech


def overlapping(value: Any, *, since_ms: int) -> Any:
    """A sample in which the agent speaks while the customer has been speaking for a while."""
    if "Response" in value:
        turns = value["Response"]["Data"]["ResultDetail"]
        turns[4] = {**turns[4], "StartMs": since_ms, "Words": []}
    else:
        turns = value["Transcript"]
        turns[4] = {**turns[4], "BeginOffsetMillis": since_ms, "Items": []}
    return value


def test_overlap_with_a_channel_each_is_an_interruption(tmp_path: Path) -> None:
    value = overlapping(sample("aws_transcribe.json"), since_ms=16000)
    assert audited(tmp_path, value).no_interruption_verdict == "fail"


@pytest.mark.parametrize(
    ("columns", "verdict"),
    [
        ({}, "cannot_tell"),
        ({"agent_speaker": "0"}, "cannot_tell"),
        ({"agent_channel": "mono"}, "cannot_tell"),
        ({"agent_channel": "0"}, "fail"),
    ],
)
def test_overlap_is_never_held_against_voices_told_apart(
    tmp_path: Path, columns: dict[str, str], verdict: str
) -> None:
    value = overlapping(sample("tencent.json"), since_ms=16000)
    got = audited(tmp_path, value, **columns)
    assert got.no_interruption_verdict == verdict
    assert got.role_source == (
        "manifest" if columns.get("agent_channel") != "mono" and columns else "content"
    )
    again = CliRunner().invoke(
        main, ["rescore", str(tmp_path / "out"), "--rulebook", "after-sales", "--write"]
    )
    assert again.exit_code == 0, again.output
    calls = pd.read_parquet(tmp_path / "out" / "parquet" / "calls")
    assert calls.rulebook_id[0] == "after-sales"
    assert calls.no_interruption_verdict[0] == verdict


# Who is the agent


def spoken(*said: tuple[str | None, str], **more: object) -> dict[str, object]:
    """A whisperX result; a sentence lasts three seconds."""
    segments = [
        {
            "start": 4.0 * at,
            "end": 4.0 * at + 3,
            "text": text,
            "words": [],
            **({} if speaker is None else {"speaker": speaker}),
        }
        for at, (speaker, text) in enumerate(said)
    ]
    return {"segments": segments, "language": "zh", **more}


VAGUE = (("SPEAKER_00", "嗯，那个什么，"), ("SPEAKER_01", "你爱等不等，"), ("SPEAKER_00", "嗯嗯。"))
TALK = [
    ("SPEAKER_01" if one["role"] == "agent" else "SPEAKER_00", one["text"]) for one in OURS["turns"]
]


def test_nobody_is_accused_where_the_words_do_not_show_the_agent(tmp_path: Path) -> None:
    got = audited(tmp_path, spoken(*VAGUE))
    assert not got.roles_confirmed
    assert got.forbidden_language_verdict == got.greeting_verdict == "cannot_tell"
    turns = pd.read_parquet(tmp_path / "out" / "parquet" / "turns")
    assert set(turns.role) == {"unknown"}


def test_channels_whose_agent_is_not_certain_accuse_nobody(tmp_path: Path) -> None:
    value = {
        "transcripts": [
            {"channel_id": 1, "sentences": [{"begin_time": 0, "end_time": 2000, "text": "嗯嗯"}]},
            {
                "channel_id": 0,
                "sentences": [{"begin_time": 3000, "end_time": 5000, "text": "你爱等不等"}],
            },
        ]
    }
    got = audited(tmp_path, value)
    assert not got.roles_confirmed and got.role_source == "default"
    turns = pd.read_parquet(tmp_path / "out" / "parquet" / "turns")
    assert set(turns.role[turns.text == "你爱等不等"]) == {"agent"}
    assert got.forbidden_language_verdict == "cannot_tell"


def test_the_manifest_names_the_agent_s_voice(tmp_path: Path) -> None:
    got = call(tmp_path, spoken(*VAGUE), agent_speaker="SPEAKER_01")
    assert [turn.role for turn in got.turns] == [Role.CUSTOMER, Role.AGENT, Role.CUSTOMER]
    assert got.transcript.role_source == "manifest" and got.transcript.roles_confirmed
    assert "meta_agent_speaker" not in got.recording.meta


def test_the_words_speak_against_a_wrong_manifest(tmp_path: Path) -> None:
    got = call(tmp_path, spoken(*TALK), agent_speaker="SPEAKER_00")
    assert got.turns[0].role is Role.AGENT
    assert got.transcript.role_source == "content"
    assert any("按内容处理" in sentence(doubt) for doubt in got.transcript.doubts)


def test_voices_are_not_channels(tmp_path: Path) -> None:
    """FunASR numbers voices in any order, whatever channel the manifest names."""
    got = call(tmp_path, sample("funasr.json")[0], call_id="F1001", agent_channel="1")
    assert got.turns[0].role is Role.AGENT and got.transcript.role_source == "content"
    assert got.transcript.on_one_line


def test_a_third_voice_has_a_role_only_if_it_is_certain(tmp_path: Path) -> None:
    third = ("SPEAKER_02", "嗯，你爱等不等。")
    got = call(tmp_path, spoken(*TALK, third))
    roles = {turn.speaker: turn.role for turn in got.turns}
    assert roles == {0: Role.CUSTOMER, 1: Role.AGENT, 2: Role.UNKNOWN}
    stated = call(tmp_path, spoken(*TALK, third), agent_speaker="SPEAKER_01")
    assert {t.speaker: t.role for t in stated.turns} == roles
    agent_too = (
        "SPEAKER_02",
        "您好，工号三零一八，很高兴为您服务，请问有什么可以帮您？感谢您的来电。",
    )
    got = call(tmp_path, spoken(*TALK, agent_too))
    assert got.turns[-1].role is Role.AGENT


def test_a_sentence_without_a_speaker_is_nobody_s(tmp_path: Path) -> None:
    got = audited(tmp_path, spoken(*TALK, (None, "你爱等不等。")))
    turns = pd.read_parquet(tmp_path / "out" / "parquet" / "turns").sort_values("turn_index")
    assert turns.role.iloc[-1] == "unknown"
    findings = pd.read_parquet(tmp_path / "out" / "parquet" / "findings")
    failed = findings[(findings.rule_id == "forbidden_language") & (findings.verdict == "fail")]
    assert set(failed.start_s) == {24.0} and got.forbidden_language_verdict == "fail"


def test_words_that_others_say_make_a_sentence_uncertain(tmp_path: Path) -> None:
    value = spoken(*TALK)
    rude = value["segments"][6]  # type: ignore[index]
    signs = [sign for sign in RUDE if sign.isalnum()]
    rude["words"] = [
        {"word": sign, "start": 24.0, "end": 27.0, "score": 0.9, "speaker": f"SPEAKER_0{at % 2}"}
        for at, sign in enumerate(signs)
    ]
    assert audited(tmp_path, value).forbidden_language_verdict == "cannot_tell"


# Words and their times


def test_words_have_the_times_that_the_vendor_measured(tmp_path: Path) -> None:
    number = "一三九零零零零一二三四"
    text = f"我的手机号是{number}，谢谢。"
    signs = [sign for sign in text if sign.isalnum()]
    stamps = [[1000 + 200 * at, 1200 + 200 * at] for at in range(len(signs))]
    value = {
        "key": "rand_key_2yW4Acq9GFz6Y",
        "sentence_info": [
            {"text": text, "start": 0, "end": stamps[-1][1], "timestamp": stamps, "spk": 1}
        ],
    }
    got = call(tmp_path, value)
    assert got.recording.call_id == "x"
    assert got.transcript.word_times is WordTimes.MEASURED
    (turn,) = got.turns
    assert turn.text == text and turn.span == Span(1.0, 4.8)
    (masked,) = masked_turns(got.turns, agent_name=None)[0].masked
    assert (masked.start_s, masked.end_s) == (2.2, 4.4)


def test_words_that_do_not_line_up_are_one(tmp_path: Path) -> None:
    """With numerals instead of characters nobody knows which times are theirs."""
    sentence_info = [
        {
            "text": "工号3017，您好。",
            "start": 500,
            "end": 3000,
            "timestamp": [[500, 700]] * 9,
            "spk": 0,
        }
    ]
    got = call(tmp_path, {"key": "x", "sentence_info": sentence_info})
    assert got.transcript.word_times is WordTimes.NONE
    (turn,) = got.turns
    assert [(word.start_s, word.end_s) for word in turn.words] == [(0.5, 3.0)]
    value = overlapping(sample("tencent.json"), since_ms=18900)
    detail = value["Response"]["Data"]["ResultDetail"]
    detail[0]["Words"][0]["Word"] = "你们"
    assert call(tmp_path, value).transcript.word_times is WordTimes.ESTIMATED


@pytest.mark.parametrize(
    ("name", "times"),
    [
        ("whisperx.json", WordTimes.MEASURED),
        ("aws_transcribe.json", WordTimes.MEASURED),
        ("aliyun.json", WordTimes.MEASURED),
        ("aliyun_model_studio.json", WordTimes.MEASURED),
        ("tencent.json", WordTimes.MEASURED),
        ("tencent_text.json", WordTimes.NONE),
    ],
)
def test_how_words_are_timed_is_told(tmp_path: Path, name: str, times: WordTimes) -> None:
    got = call(tmp_path, sample(name), call_id=sample(name).get("JobName", "x"))
    assert got.transcript.word_times is times
    if times is WordTimes.MEASURED:
        first = got.turns[0].words[0]
        assert first.start_s == 0.6 and first.end_s < 1.0


def test_words_that_were_not_aligned_lie_between_the_others(tmp_path: Path) -> None:
    value = spoken(("SPEAKER_00", "工号3017您好"))
    value["segments"][0]["words"] = [  # type: ignore[index]
        {"word": "工", "start": 0.1, "end": 0.3, "score": 0.8},
        {"word": "号", "start": 0.3, "end": 0.5, "score": 0.8},
        {"word": "3017"},
        {"word": "您", "start": 2.0, "end": 2.3, "score": 0.6},
        {"word": "好", "start": 2.3, "end": 2.6, "score": 0.6},
    ]
    (turn,) = call(tmp_path, value).turns
    assert [word.text for word in turn.words] == ["工", "号", "3017", "您", "好"]
    assert (turn.words[2].start_s, turn.words[2].end_s) == (0.5, 2.0)
    assert turn.words[2].probability is None and turn.asr_confidence == pytest.approx(0.7)


def test_tags_of_sensevoice_are_not_words(tmp_path: Path) -> None:
    said = "<|zh|><|NEUTRAL|><|Speech|><|withitn|>您好，请讲。"
    sentence_info = [{"text": said, "sentence": said, "start": 0, "end": 2000, "spk": 0}]
    (turn,) = call(tmp_path, {"key": "x", "sentence_info": sentence_info}).turns
    assert turn.text == "您好，请讲。"


def test_contact_lens_names_participants_by_their_id(tmp_path: Path) -> None:
    said = [
        {
            "ParticipantId": who,
            "Content": text,
            "BeginOffsetMillis": at,
            "EndOffsetMillis": at + 900,
        }
        for at, (who, text) in enumerate([("p1", "您好"), ("p2", "你好")])
    ]
    roles = {"p1": "AGENT", "p2": "CUSTOMER"}
    value = {
        "CustomerMetadata": {"ContactId": "x"},
        "Participants": [
            {"ParticipantId": who, "ParticipantRole": role} for who, role in roles.items()
        ],
        "Transcript": said,
    }
    assert [t.role for t in call(tmp_path, value).turns] == [Role.AGENT, Role.CUSTOMER]


# Our own lines


def test_our_own_turns_may_have_a_confidence(tmp_path: Path) -> None:
    turns: list[Mapping[str, object]] = [
        {**OURS["turns"][0], "confidence": 0.8},
        {**OURS["turns"][1], "confidence": 95},
        {**OURS["turns"][2], "confidence": None},
    ]
    (got,) = read(lay(tmp_path / "x.json", {**OURS, "turns": turns}))
    assert isinstance(got, Call)
    assert [turn.asr_confidence for turn in got.turns] == [0.8, None, None]
    assert got.transcript.confidence == 0.8
    assert "有 1 句话的置信度" in sentence(got.transcript.doubts[0])
