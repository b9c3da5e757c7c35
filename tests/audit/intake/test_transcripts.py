"""The door for ready transcripts: what is a call, what is rejected and why, and what is judged."""

from __future__ import annotations

import json
import os
import tracemalloc
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner, Result

from audit.errors import RejectReason, UsageError
from audit.intake import transcripts
from audit.intake.recordings import Reject
from audit.types import Call, Channels, Direction, Role, Span
from flows.cli.main import main
from reports.wording import sentence

ZONE = "Asia/Shanghai"
GREETING = "您好，远山软件服务热线，工号二零零一，很高兴为您服务，请问有什么可以帮助您？"

TURNS: list[dict[str, object]] = [
    {"role": "agent", "text": GREETING, "start_s": 0.5, "end_s": 7.0},
    {"role": "customer", "text": "你好，打印机坏了，麻烦你看一下。", "start_s": 7.5, "end_s": 12.0},
    {"role": "agent", "text": "好的，我帮您登记。", "start_s": 12.5, "end_s": 15.0},
]
UNTIMED = [{"role": turn["role"], "text": turn["text"]} for turn in TURNS]


def line(**changes: object) -> dict[str, object]:
    """A good line with some fields changed; None takes a field out."""
    whole = {
        "call_id": "T1",
        "agent_id": "2001",
        "started_at": "2026-11-16T09:00:00+08:00",
        "turns": TURNS,
        **changes,
    }
    return {key: value for key, value in whole.items() if value is not None}


def lay(path: Path, lines: list[Mapping[str, object] | bytes]) -> Path:
    """Write lines, those that are bytes as they are."""
    told = [
        x if isinstance(x, bytes) else json.dumps(x, ensure_ascii=False).encode() for x in lines
    ]
    path.write_bytes(b"\n".join(told) + b"\n")
    return path


def read(path: Path) -> list[Call | Reject]:
    return list(transcripts.read(path, timezone=ZONE, rulebooks=frozenset({"hotline"})))


def only(tmp_path: Path, content: Mapping[str, object] | bytes) -> Call | Reject:
    (result,) = read(lay(tmp_path / "calls.jsonl", [content]))
    return result


def call(tmp_path: Path, **changes: object) -> Call:
    result = only(tmp_path, line(**changes))
    assert isinstance(result, Call), result
    return result


def test_a_good_line_is_a_call(tmp_path: Path) -> None:
    got = call(tmp_path, agent_name="林静", direction="out", rulebook="hotline", extra="kept out")
    assert got.recording.call_id == "T1"
    assert got.recording.direction is Direction.OUT
    assert got.recording.audit_date == date(2026, 11, 16)
    assert got.transcript.channels is Channels.TEXT
    assert got.transcript.duration_s == 15.0
    assert [turn.role for turn in got.turns] == [Role.AGENT, Role.CUSTOMER, Role.AGENT]
    assert got.turns[1].speech == (Span(7.5, 12.0),)


def test_traditional_characters_are_simplified(tmp_path: Path) -> None:
    got = call(tmp_path, turns=[{"role": "agent", "text": "您好，請問有什麼可以幫助您？"}])
    assert got.turns[0].text == "您好，请问有什么可以帮助您？"


def test_numbers_serve_as_ids_and_the_configured_zone_as_zone(tmp_path: Path) -> None:
    got = call(tmp_path, call_id=17, agent_id=2001, started_at="2026-11-16T23:30:00")
    assert (got.recording.call_id, got.recording.agent_id) == ("17", "2001")
    assert got.recording.started_at == datetime(2026, 11, 16, 15, 30, tzinfo=UTC)
    assert got.recording.audit_date == date(2026, 11, 16)


def test_a_call_without_a_time_belongs_to_the_day_of_the_file(tmp_path: Path) -> None:
    path = lay(tmp_path / "calls.jsonl", [line(started_at=None)])
    os.utime(path, (1_750_000_000, 1_750_000_000))
    (got,) = read(path)
    assert isinstance(got, Call)
    assert got.recording.audit_date == date(2025, 6, 15)


def test_turns_are_put_in_the_order_in_which_they_start(tmp_path: Path) -> None:
    got = call(tmp_path, turns=TURNS[::-1])
    assert [turn.start_s for turn in got.turns] == [0.5, 7.5, 12.5]
    assert [turn.index for turn in got.turns] == [0, 1, 2]
    mixed = call(tmp_path, turns=[TURNS[2], UNTIMED[1]])
    assert [turn.role for turn in mixed.turns] == [Role.AGENT, Role.CUSTOMER]
    assert mixed.transcript.duration_s is None


@pytest.mark.parametrize(
    ("content", "reason", "told"),
    [
        (b"{not json", "bad_metadata", "not valid JSON"),
        (b"[" * 100_000, "bad_metadata", "not valid JSON"),
        ("通话".encode("gb18030"), "bad_metadata", "not valid JSON"),
        (b"[]", "bad_metadata", "no calls"),
        (b"null", "bad_metadata", "the line"),
        (line(call_id=None), "bad_metadata", "call_id"),
        (line(call_id=""), "bad_metadata", "call_id"),
        (line(call_id="a\nb"), "bad_metadata", "call_id"),
        (line(call_id="c" * 300), "bad_metadata", "call_id"),
        (line(agent_id=None), "no_agent", "agent_id"),
        (line(agent_id="  "), "no_agent", "agent_id"),
        ({**line(), "agent_id": None}, "no_agent", "agent_id"),
        (line(agent_id="工" * 40), "bad_metadata", "agent_id"),
        (line(turns=None), "bad_metadata", "turns"),
        (line(turns=[]), "bad_metadata", "turns"),
        (line(turns=[{"role": "agent"}]), "bad_metadata", "turns.0.text"),
        (line(turns=[{"role": "supervisor", "text": "喂"}]), "bad_metadata", "turns.0.role"),
        (line(turns=[{**TURNS[0], "end_s": 0.1}]), "bad_metadata", "end_s is before start_s"),
        (line(turns=[{**UNTIMED[0], "start_s": 1.0}]), "bad_metadata", "come together"),
        (line(turns=[{**UNTIMED[0], "end_s": 1.0}]), "bad_metadata", "come together"),
        (line(turns=[{**TURNS[0], "start_s": -1}]), "bad_metadata", "turns.0.start_s"),
        (line(turns=[{**TURNS[0], "end_s": float("inf")}]), "bad_metadata", "turns.0.end_s"),
        (line(turns=[{**TURNS[0], "start_s": float("nan")}]), "bad_metadata", "turns.0.start_s"),
        (json.dumps(line(agent_name="\ud800")).encode(), "bad_metadata", "agent_name"),
        (line(started_at="昨天"), "bad_metadata", "started_at"),
        (line(started_at="0001-01-01T00:00:00"), "bad_metadata", "started_at"),
        (line(started_at="9999-12-31T23:59:59"), "bad_metadata", "started_at"),
        (line(direction="sideways"), "bad_metadata", "direction"),
        (line(rulebook="nobody's"), "unknown_rulebook", "nobody's"),
        (line(rulebook="../../etc/passwd"), "unknown_rulebook", "passwd"),
    ],
)
def test_a_bad_line_is_rejected_with_its_reason(
    tmp_path: Path, content: Mapping[str, object] | bytes, reason: str, told: str
) -> None:
    got = only(tmp_path, content)
    assert isinstance(got, Reject)
    assert got.source_file == "calls.jsonl:1"
    assert got.reason is RejectReason(reason)
    assert told in got.detail


def test_the_second_of_two_calls_of_one_id_is_rejected(tmp_path: Path) -> None:
    got = read(lay(tmp_path / "calls.jsonl", [line(), b"", line(agent_id="2002")]))
    assert isinstance(got[0], Call)
    assert isinstance(got[1], Reject)
    assert got[1].reason is RejectReason.DUPLICATE_CALL_ID
    assert got[1].source_file == "calls.jsonl:3"


def test_a_file_that_cannot_be_read_is_wrong_usage(tmp_path: Path) -> None:
    for path in (tmp_path / "none.jsonl", tmp_path):
        with pytest.raises(UsageError):
            read(path)
    with pytest.raises(UsageError, match="Mars"):
        path = lay(tmp_path / "calls.jsonl", [line()])
        list(transcripts.read(path, timezone="Mars/Base", rulebooks=frozenset()))


# Times under other names

WORDS = [
    ("agent", "您好，青山设备服务台，请问有什么可以帮您？"),
    ("customer", "扫描仪卡纸了，能来看看吗"),
]


def timed(*times: dict[str, object]) -> list[dict[str, object]]:
    return [{"role": r, "text": t, **x} for (r, t), x in zip(WORDS, times, strict=True)]


@pytest.mark.parametrize(
    "times",
    [
        ({"start": 0.8, "end": 5.2}, {"start": 6, "end": 9.5}),
        ({"Start": "0.8", "End": "5.2"}, {"Start": "6", "End": "9.5"}),
        ({"start_ms": 800, "end_ms": 5200}, {"start_ms": "6000", "end_ms": "9500"}),
        ({"beginTimeMs": 800, "endTimeMs": 5200}, {"beginTimeMs": 6000, "endTimeMs": 9500}),
        ({"start_sec": 0.8, "end_sec": 5.2}, {"start_sec": 6.0, "end_sec": 9.5}),
        (
            {"startTime": "00:00:00.8", "endTime": "0:05.2"},
            {"startTime": "0:06", "endTime": "0:09.5"},
        ),
        ({"开始毫秒": 800, "结束毫秒": 5200}, {"开始毫秒": 6000, "结束毫秒": 9500}),
        ({"start": 0.8, "end": 5.2, "id": 0}, {"start_s": 6.0, "end_s": 9.5, "start": 77}),
    ],
)
def test_times_whose_unit_is_plain_are_read(
    tmp_path: Path, times: tuple[dict[str, object], dict[str, object]]
) -> None:
    got = call(tmp_path, turns=timed(*times))
    assert [turn.span for turn in got.turns] == [Span(0.8, 5.2), Span(6.0, 9.5)]
    assert got.transcript.doubts == ()


@pytest.mark.parametrize(
    "times",
    [
        {"begin_time": 800, "end_time": 5200},
        {"BeginTime": 0.8, "EndTime": 5.2},
        {"startTime": "0.8", "endTime": "5.2"},
        {"timestamp": [0.8, 5.2]},
        {"timestamp": [[800, 1100], [1100, 5200]]},
        {"bg": "800", "ed": "5200"},
        {"start": 0.8},
        {"start": 0.8, "duration": 4.4},
        {"start_time": "2026-11-16T09:00:01", "end_time": "2026-11-16T09:00:05"},
        {"开始时间": 800, "结束时间": 5200},
    ],
)
def test_times_that_cannot_be_read_are_told(tmp_path: Path, times: dict[str, object]) -> None:
    got = call(tmp_path, turns=timed(times, {}))
    assert got.turns[0].span is None
    (doubt,) = got.transcript.doubts
    assert all(name in sentence(doubt) for name in times)


@pytest.mark.parametrize(
    "extra", [{}, {"sentiment": 0.2, "gender": "f"}, {"is_end": True, "end": None, "start": ""}]
)
def test_other_keys_are_no_times(tmp_path: Path, extra: dict[str, object]) -> None:
    assert call(tmp_path, turns=timed(extra, {})).transcript.doubts == ()


@pytest.mark.parametrize(
    "times", [{"start": 800, "end": 90_000}, {"start_ms": 1e12, "end_ms": 2e12}]
)
def test_plain_times_that_are_wrong_are_rejects(tmp_path: Path, times: dict[str, object]) -> None:
    got = only(tmp_path, line(turns=timed(times, times)))
    assert isinstance(got, Reject) and "seconds" in got.detail and got.call_id == "T1"


# Files as people have them


@pytest.mark.parametrize("between", ["", " ", ", "])
def test_calls_on_one_line(tmp_path: Path, between: str) -> None:
    calls = [json.dumps(x) for x in (line(), line(call_id="T2"), line(call_id="T3", turns=[]))]
    first, second, third = read(lay(tmp_path / "calls.jsonl", [between.join(calls).encode()]))
    assert isinstance(first, Call) and isinstance(second, Call) and isinstance(third, Reject)
    assert (first.recording.call_id, second.recording.call_id) == ("T1", "T2")
    assert (second.recording.source_file, third.source_file) == (
        "calls.jsonl:1.2",
        "calls.jsonl:1.3",
    )


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ({"data": [line(), line(call_id="T2")]}, "'data'"),
        ({"T1": line(), "T2": line()}, "'T1', 'T2'"),
        ({"result": line()}, "'result'"),
    ],
)
def test_calls_under_another_key(tmp_path: Path, value: dict[str, object], named: str) -> None:
    for indent in (None, 1):
        (tmp_path / "calls.json").write_text(json.dumps(value, indent=indent), encoding="utf-8")
        (got,) = read(tmp_path / "calls.json")
        assert isinstance(got, Reject)
        assert named in got.detail and '{"calls": [...]}' in got.detail


@pytest.mark.parametrize(
    ("blob", "told"),
    [
        (b"", "empty"),
        (b"\n \r\n", "empty"),
        (b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0", "callaudit run FOLDER"),
        (b"\xff\xfb\x90\x64" + bytes(200), "callaudit run FOLDER"),
        (b"file,agent_id,started_at\na.wav,7,2026-11-16\n", "--manifest"),
        ("\ufeffFile;Agent ID;座席\na.wav;7;林\n".encode(), "--manifest"),
        ("agent_id\tfile\t备注\n".encode("utf-16"), "--manifest"),
        ("call_id,agent_id,备注\n".encode("gb18030") + "通话".encode("gb18030") * 3000, "a table"),
    ],
)
def test_a_file_that_is_something_else_is_wrong_usage(
    tmp_path: Path, blob: bytes, told: str
) -> None:
    path = tmp_path / "calls.jsonl"
    path.write_bytes(blob)
    with pytest.raises(UsageError, match=told):
        read(path)
    shown = CliRunner().invoke(
        main, ["audit-transcripts", str(path), "--out", str(tmp_path / "out")]
    )
    assert shown.exit_code == 2


def test_python_s_own_words_are_not_for_users(tmp_path: Path) -> None:
    deep = json.dumps(line()).replace('"T1"', "[" * 5000)
    long = json.dumps(line()).replace('"T1"', "1" * 5000)
    first, *others = read(lay(tmp_path / "calls.jsonl", [line(), deep.encode(), long.encode()]))
    assert isinstance(first, Call)
    for reject, told in zip(others, ("too deep", "digits"), strict=True):
        assert isinstance(reject, Reject) and told in reject.detail
        assert "recursion" not in reject.detail and "sys." not in reject.detail


def test_a_reject_names_its_call_where_that_is_readable(tmp_path: Path) -> None:
    lines = [
        line(turns=[]), line(call_id=17, agent_id=None), line(call_id=9.0, rulebook="none"),
        line(call_id="a\nb"), line(call_id=True), line(call_id=None), b"{",
        line(call_id="T2"), line(call_id="T2"),
    ]  # fmt: skip
    got = read(lay(tmp_path / "calls.jsonl", lines))
    named = [one.call_id for one in got if isinstance(one, Reject)]
    assert named == ["T1", "17", "9", None, None, None, None, "T2"]


@pytest.mark.parametrize(
    "text",
    [
        json.dumps([line(), line(call_id="T2")], ensure_ascii=False),
        json.dumps([line(), line(call_id="T2")], indent=1),
        json.dumps({"calls": [line(), line(call_id="T2")]}, indent=4, ensure_ascii=False),
        json.dumps({"calls": [line(), line(call_id="T2")]}),
        json.dumps(line(), indent=2) + "\n\n" + json.dumps(line(call_id="T2"), indent=2),
        f"[\n{json.dumps(line())},\n{json.dumps(line(call_id='T2'))}\n]\n",
        f"[{json.dumps(line())},\n{json.dumps(line(call_id='T2'))}]",
        f"{json.dumps(line())},\r\n\r\n{json.dumps(line(call_id='T2'), ensure_ascii=False)},\r\n",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "gb18030"])
def test_json_in_any_shape_and_encoding(tmp_path: Path, text: str, encoding: str) -> None:
    path = tmp_path / "calls.json"
    path.write_bytes(text.encode(encoding))
    got = read(path)
    assert [item.recording.call_id for item in got if isinstance(item, Call)] == ["T1", "T2"]
    assert len(got) == 2
    assert all(item.turns[0].text == GREETING for item in got if isinstance(item, Call))


def test_the_same_words_are_the_same_call_in_any_encoding(tmp_path: Path) -> None:
    text = json.dumps(line(), ensure_ascii=False)
    origins = set()
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "gb18030"):
        (tmp_path / "calls.jsonl").write_bytes(f"{text}\n".encode(encoding))
        (got,) = read(tmp_path / "calls.jsonl")
        assert isinstance(got, Call)
        origins.add(got.transcript.origin)
    assert len(origins) == 1


def test_a_file_that_was_not_written_to_its_end(tmp_path: Path) -> None:
    whole = json.dumps(line(call_id="T2"), ensure_ascii=False).encode()
    for cut in range(40, len(whole), 7):
        got = read(lay(tmp_path / "calls.jsonl", [line(), whole[:cut]]))
        assert isinstance(got[0], Call) and isinstance(got[1], Reject)
        assert got[1].source_file == "calls.jsonl:2"
        assert "in the middle" in got[1].detail or "bytes" in got[1].detail
        first, *rest = read(
            lay(tmp_path / "calls.jsonl", [whole[:cut], line(), line(call_id="T3")])
        )
        assert isinstance(first, Reject) and all(isinstance(item, Call) for item in rest)
        assert len(rest) == 2
    calls = json.dumps([line(), line(call_id="T2"), line(call_id="T3")], indent=1)
    (tmp_path / "calls.json").write_text(calls[: -len(calls) // 6])
    *heard, last = read(tmp_path / "calls.json")
    assert [isinstance(item, Call) for item in heard] == [True, True]
    assert isinstance(last, Reject) and "export it again" in last.detail


def test_damaged_text_is_not_read_as_another_encoding(tmp_path: Path) -> None:
    broken = json.dumps(line(), ensure_ascii=False).encode().replace("服".encode(), b"\xe6\x9c")
    got = only(tmp_path, broken)
    assert isinstance(got, Reject)
    assert "export it again" in got.detail


def test_lines_are_read_one_at_a_time(tmp_path: Path) -> None:
    path = lay(tmp_path / "calls.jsonl", [line(call_id=f"T{number}") for number in range(1000)])
    calls = transcripts.read(path, timezone=ZONE, rulebooks=frozenset())
    next(calls)
    tracemalloc.start()
    assert sum(isinstance(item, Call) for item in calls) == 999
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < path.stat().st_size / 2


@pytest.mark.parametrize(
    ("said", "role"),
    [
        *((word, Role.AGENT) for word in ("Agent", "AGENT_2", "agent1", "客服", "坐席", "座席3")),
        *((word, Role.CUSTOMER) for word in ("Customer", "customer 1", "客户", "用户", "顧客")),
        *((word, Role.UNKNOWN) for word in ("unknown", "未知")),
    ],
)
def test_words_for_roles(tmp_path: Path, said: str, role: Role) -> None:
    assert call(tmp_path, turns=[{"role": said, "text": "喂"}]).turns[0].role is role


@pytest.mark.parametrize("said", ["A", "B", "spk0", "1", "", "caller", None, 3])
def test_words_that_may_be_either_are_not_guessed(tmp_path: Path, said: object) -> None:
    got = only(tmp_path, line(turns=[{"role": said, "text": "喂"}]))
    assert isinstance(got, Reject)
    assert "unknown where it is not known" in got.detail


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ({"start_s": -0.03}, (0.0, 7.0)),
        ({"start_s": -0.05, "end_s": -0.01}, (0.0, 0.0)),
        ({"end_s": 0.44}, (0.5, 0.5)),
    ],
)
def test_times_a_few_hundredths_off_are_put_right_and_doubted(
    tmp_path: Path, times: dict[str, float], expected: tuple[float, float]
) -> None:
    got = call(tmp_path, turns=[{**TURNS[0], **times}, *TURNS[1:]])
    assert (got.turns[0].start_s, got.turns[0].end_s) == expected
    assert any("1 句话" in sentence(doubt) for doubt in got.transcript.doubts)
    assert call(tmp_path).transcript.doubts == ()


@pytest.mark.parametrize(
    ("start", "end"), [("0.5", "7"), ("00:00:00.500", "00:00:07,000"), ("0:00.5", "0:07")]
)
def test_times_as_text(tmp_path: Path, start: str, end: str) -> None:
    got = call(tmp_path, turns=[{**TURNS[0], "start_s": start, "end_s": end}])
    assert got.turns[0].span == Span(0.5, 7.0)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"turns": [{**TURNS[0], "start_s": -0.3}]}, "seconds from the beginning"),
        ({"turns": [{**TURNS[0], "end_s": 0.2}]}, "end_s is before start_s"),
        ({"turns": [{**TURNS[0], "start_s": True}]}, "number of seconds"),
        (
            {
                "turns": [
                    {**t, "start_s": t["start_s"] * 1000, "end_s": t["end_s"] * 1000} for t in TURNS
                ]
            },  # type: ignore[operator]
            "divide them by 1000",
        ),
        ({"duration_s": 15_500}, "divide them by 1000"),
        ({"turns": None}, "missing"),
        ({"turns": [None]}, "a turn"),
        ({"started_at": "3/7/2026 8:04"}, "year first"),
        ({"direction": "sideways"}, "in, out or nothing"),
        ({"customer_vip": "maybe"}, "true or false"),
        ({"agent_id": float("nan")}, "name the agent"),
    ],
)
def test_what_a_line_has_to_say_instead(
    tmp_path: Path, changes: dict[str, object], told: str
) -> None:
    got = only(tmp_path, line(**changes))
    assert isinstance(got, Reject)
    assert told in got.detail


def test_a_long_call_of_few_words_is_in_seconds(tmp_path: Path) -> None:
    slow = [
        {"role": "agent", "text": "请您稍等，正在查询。", "start_s": 1200.0, "end_s": 1260.0},
        {"role": "customer", "text": "好", "start_s": 1300.0, "end_s": 1330.0},
    ]
    assert call(tmp_path, turns=[*TURNS, *slow], duration_s=3600).transcript.duration_s == 3600


def test_a_length_that_is_shorter_than_what_was_said_is_doubted(tmp_path: Path) -> None:
    got = call(tmp_path, duration_s=12.0)
    assert got.transcript.duration_s == 15.0
    assert any("时长" in sentence(doubt) for doubt in got.transcript.doubts)


def test_fields_in_the_manifests_many_forms(tmp_path: Path) -> None:
    got = call(
        tmp_path,
        agent_id=2001.0,
        started_at="2026/11/16 9:05",
        direction="呼出",
        customer_vip="是",
        answer_wait_s="0:00:12",
    ).recording
    assert (got.agent_id, got.direction, got.customer_vip) == ("2001", Direction.OUT, True)
    assert got.answer_wait_s == 12.0
    assert got.started_at == datetime(2026, 11, 16, 1, 5, tzinfo=UTC)
    empty = call(tmp_path, direction="", rulebook="", agent_name="", customer_vip="").recording
    assert (empty.direction, empty.rulebook_id, empty.agent_name) == (None, None, None)


def test_a_turn_without_length_accuses_nobody(tmp_path: Path) -> None:
    """Of the pace, or of cutting in: its times are known to be wrong."""
    story = {"role": "customer", "text": "打印机从早上开始就坏了", "start_s": 7.5, "end_s": 12.0}
    answer = {
        "role": "agent",
        "text": "好的，我马上帮您登记一下这个问题。",
        "start_s": 12.06,
        "end_s": 12.0,
    }
    path = lay(tmp_path / "calls.jsonl", [line(turns=[TURNS[0], story, answer])])
    assert audit(path, tmp_path / "out").exit_code == 0
    findings = table(tmp_path / "out", "findings").set_index("rule_id")["verdict"]
    assert findings["speech_rate"] == "cannot_tell"
    assert findings["no_interruption"] == "pass"


# The command


def audit(path: Path, out: Path, *more: str) -> Result:
    return CliRunner().invoke(main, ["audit-transcripts", str(path), "--out", str(out), *more])


def table(out: Path, name: str) -> Any:
    return pd.read_parquet(out / "parquet" / name)


def test_good_calls_are_audited_and_the_rest_listed(tmp_path: Path) -> None:
    cut_in = [
        TURNS[0],
        {**TURNS[1], "end_s": 16.0},
        {"role": "agent", "text": "这个不归我们管。", "start_s": 12.0, "end_s": 15.0},
    ]
    hostile = "<script>alert(1)</script>"
    lines = [
        line(),
        line(call_id="T2", turns=UNTIMED),
        line(call_id="T3", turns=cut_in),
        line(call_id="../../T4", agent_id=hostile, agent_name=hostile),
        line(call_id="T5", turns=[TURNS[0], UNTIMED[1]]),
        b"{",
        line(),
    ]
    path, out = lay(tmp_path / "calls.jsonl", lines), tmp_path / "out"
    result = audit(path, out)
    assert result.exit_code == 3, result.stderr
    assert "5 audited, 2 rejected" in result.stdout
    calls = table(out, "calls").set_index("call_id")
    assert set(calls["channels"]) == {"text"}
    assert calls.loc["T1", "no_interruption_verdict"] == "pass"
    assert calls.loc["T2", "no_interruption_verdict"] == "cannot_tell"
    assert calls.loc["T3", "no_interruption_verdict"] == "fail"
    assert calls.loc["T5", "no_interruption_verdict"] == "cannot_tell"
    assert pd.isna(calls.loc["T2", "interruptions"])
    assert pd.isna(calls.loc["T2", "silence_s"])
    assert calls.loc["T2", "greeting_verdict"] == "pass"
    rejects = table(out, "rejects").set_index("source_file")["reason"].to_dict()
    assert rejects == {"calls.jsonl:6": "bad_metadata", "calls.jsonl:7": "duplicate_call_id"}
    pages = list(out.glob("html/**/*.html"))
    assert len(pages) >= 1 + 2 + 5
    assert not any("<script>alert" in page.read_text("utf-8") for page in pages)
    assert {path.name for path in tmp_path.iterdir()} == {"calls.jsonl", "out"}


def test_the_same_file_gives_the_same_rows_and_a_mended_line_leaves_the_rejects(
    tmp_path: Path,
) -> None:
    path, out = lay(tmp_path / "calls.jsonl", [line(started_at=None), b"{"]), tmp_path / "out"
    assert audit(path, out).exit_code == 3
    names = ("calls", "turns", "findings")
    before = {name: table(out, name).drop(columns="run_id").astype(str) for name in names}
    assert audit(path, out).exit_code == 3
    for name in names:
        again = table(out, name).drop(columns="run_id").astype(str)
        pd.testing.assert_frame_equal(again, before[name])
    written = path.stat().st_mtime
    lay(path, [line(started_at=None), line(call_id="T2")])
    os.utime(path, (written, written))
    assert audit(path, out).exit_code == 0
    assert sorted(table(out, "calls")["call_id"]) == ["T1", "T2"]
    assert table(out, "rejects").empty


def test_wrong_usage_writes_nothing(tmp_path: Path) -> None:
    path, out = lay(tmp_path / "calls.jsonl", [line()]), tmp_path / "out"
    config = tmp_path / "config.yaml"
    config.write_text("batch: {timezone: Mars/Base}")
    for result in (
        audit(tmp_path / "none.jsonl", out),
        audit(path, out, "--rulebook", "nobody's"),
        audit(path, out, "--config", str(config)),
    ):
        assert result.exit_code == 2, result.stderr
        assert result.stderr.startswith("callaudit: ")
        assert result.stderr.count("\n") == 1
        assert not out.exists()


def test_a_listeners_token_is_no_interruption(tmp_path: Path) -> None:
    story = {"role": "customer", "text": "打印机从早上开始就坏了", "start_s": 5.5, "end_s": 13.0}
    token = {"role": "agent", "text": "嗯", "start_s": 8.0, "end_s": 8.5}
    call = only(tmp_path, line(turns=[TURNS[0] | {"end_s": 5.0}, story, token]))
    assert isinstance(call, Call)
    assert [turn.is_backchannel for turn in call.turns] == [False, False, True]


def test_a_time_stamp_is_no_time_within_a_call(tmp_path: Path) -> None:
    late = TURNS[0] | {"start_s": 1.7e9, "end_s": 1.7e9 + 5}
    rejected = only(tmp_path, line(turns=[late]))
    assert isinstance(rejected, Reject)
    assert rejected.reason is RejectReason.BAD_METADATA


def test_a_call_carries_its_measures_and_columns_of_ones_own(tmp_path: Path) -> None:
    call = only(
        tmp_path,
        line(answer_wait_s=12.5, customer_vip=True, hung_up_by="agent", again=True, notes=["a"]),
    )
    assert isinstance(call, Call)
    assert (call.recording.answer_wait_s, call.recording.customer_vip) == (12.5, True)
    assert call.recording.meta == {"meta_hung_up_by": "agent", "meta_again": "true"}


def test_columns_of_ones_own_reach_the_rules(tmp_path: Path) -> None:
    """``hung_up_by`` is the rulebook's own word for the column, ``meta_hung_up_by`` the table's."""
    file = lay(tmp_path / "calls.jsonl", [line(hung_up_by="agent", duration_s=15.0)])
    assert audit(file, tmp_path / "out").exit_code == 0
    findings = table(tmp_path / "out", "findings")
    told = findings[findings["check_id"] == "closing.customer_hangs_up"]
    assert "cannot_tell" not in set(told["verdict"])


def test_half_a_character_does_not_stop_the_others(tmp_path: Path) -> None:
    turn = {"role": "agent", "text": "您好\ud83d，请讲"}
    broken = json.dumps(line(turns=[turn], note="a\ud83d")).encode()
    file = lay(tmp_path / "calls.jsonl", [broken, line(call_id="T2")])
    assert audit(file, tmp_path / "out").exit_code == 0
    assert set(table(tmp_path / "out", "calls")["call_id"]) == {"T1", "T2"}


@pytest.mark.parametrize("name", ["Li Wei", "-", "N/A", "😀", "(林|静)" * 20])
def test_any_name_of_an_agent_is_judged(tmp_path: Path, name: str) -> None:
    file = lay(tmp_path / "calls.jsonl", [line(agent_name=name)])
    assert audit(file, tmp_path / "out").exit_code == 0


@pytest.mark.parametrize("text", ["", "。。", " … "])
def test_words_that_were_not_recognised_accuse_nobody(tmp_path: Path, text: str) -> None:
    file = lay(tmp_path / "calls.jsonl", [line(turns=[{"role": "agent", "text": text}])])
    assert audit(file, tmp_path / "out").exit_code == 0
    findings = table(tmp_path / "out", "findings")
    assert "fail" not in set(findings["verdict"])


def test_a_loop_is_marked_in_tables_page_and_case_file(tmp_path: Path) -> None:
    turns = [*TURNS, {"role": "agent", "text": "蟹" * 60, "start_s": 16.0, "end_s": 18.0}]
    out = tmp_path / "out"
    assert audit(lay(tmp_path / "calls.jsonl", [line(turns=turns)]), out).exit_code == 0
    told = table(out, "turns").sort_values("turn_index")
    assert list(told["unintelligible"]) == [False, False, False, True]
    assert CliRunner().invoke(main, ["case-file", str(out), "T1"]).exit_code == 0
    for page in (out / "html" / "calls" / "T1.html", out / "cases" / "T1.html"):
        html = page.read_text("utf-8")
        assert html.count('class="turn agent unintelligible"') == 1
        assert ">未识别<" in html
    assert "speech_rate" not in set(table(out, "findings").query("verdict == 'fail'")["rule_id"])
