"""Each preset reads its sample by the command that the docs page gives, and refuses others."""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Mapping
from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest

from audit.config import Config
from audit.errors import RejectReason, UsageError
from audit.intake import presets
from audit.intake.manifest_options import ManifestOptions
from audit.intake.presets import export
from audit.intake.recordings import Plan, plan
from audit.intake.roots import open_root
from audit.types import Recording
from tests.test_docs import ROOT, shown

SAMPLES = Path(__file__).parent
CALL = ROOT / "data_samples" / "calls" / "S21_2001_20261118T174500.wav"
PAGES = ("docs/recorders.md", "docs/zh/recorders.md")


def commands(page: str) -> dict[str, list[str]]:
    """The commands of a page by their preset, each as its words."""
    lines = [shlex.split(line) for line in shown(ROOT / page)]
    return {words[words.index("--preset") + 1]: words for words in lines if "--preset" in words}


COMMANDS = commands(PAGES[0])


def laid_out(name: str, folder: Path) -> Path:
    """A copy of a sample, with a recording wherever it names one."""
    shutil.copytree(SAMPLES / name, folder, dirs_exist_ok=True)
    for line in (folder / "recordings.txt").read_text("utf-8").splitlines():
        (folder / line).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(CALL, folder / line)
    return folder


def planned(folder: Path, words: list[str], options: Mapping[str, object] | None = None) -> Plan:
    """What a command of the page plans, in a folder with what it names."""
    given = dict(pairwise(words))
    manifest = given.get("--manifest")
    return plan(
        open_root(str(folder / words[2])),
        manifest=None if manifest is None else str(folder / manifest),
        timezone="Asia/Shanghai",
        rulebooks=("hotline",),
        max_bytes=1 << 20,
        today=date(2026, 11, 20),
        options=ManifestOptions.model_validate({"preset": given["--preset"], **(options or {})}),
    )


def of_sample(name: str, tmp_path: Path, options: Mapping[str, object] | None = None) -> Plan:
    return planned(laid_out(name, tmp_path / name), COMMANDS[name], options)


def told(recording: Recording) -> tuple[str, str, str | None, str, str | None, str | None]:
    """Call, agent and name, start, direction and the agent's channel."""
    return (
        recording.call_id,
        recording.agent_id,
        recording.agent_name,
        recording.started_at.isoformat(),
        recording.direction and str(recording.direction),
        recording.agent_channel,
    )


UUID = "0d5c2b1e-7f11-4a53-9a60-3f0b7c8f1a0"
CONTACT = "5a1f0c1e-0000-4000-8000-00000000000"
NINE, TEN = "2026-11-16T09:02:00+08:00", "2026-11-16T10:15:00+08:00"
EXPECTED = {
    "asterisk": [
        ("1794795300.420", "2002", None, TEN, "out", None),
        ("1794790920.412", "2001", None, NINE, "in", None),
    ],
    "freepbx": [
        ("1794795300.420", "2002", "陈杰", TEN, "out", None),
        ("1794790920.412", "2001", "王敏", NINE, "in", None),
    ],
    "freeswitch": [(f"{UUID}1", "2001@default", None, NINE, "in", None)],
    "fusionpbx": [
        (f"{UUID}1", "2001", "王敏", NINE, "in", "1"),
        (f"{UUID}2", "2002", "陈杰", TEN, "out", "1"),
    ],
    "genesys-cloud": [
        (
            "9b770000-0000-4000-8000-000000000001",
            "c0ffee00-0000-4000-8000-000000002001",
            None,
            "2026-11-16T09:02:00.120000+08:00",
            "in",
            None,
        )
    ],
    "amazon-connect": [
        (f"{CONTACT}1", "wang.min", None, "2026-11-16T09:02:05+08:00", "in", "1"),
        (f"{CONTACT}2", "chen.jie", None, "2026-11-16T10:00:30+08:00", None, "1"),
    ],
    "alibaba-ccc": [("job-7000000000000001", "wangmin@demo", "王敏", NINE, "in", None)],
    "folder-per-day": [
        ("A-0001", "2001", None, "2026-11-16T00:00:00+08:00", None, None),
        ("A-0002", "2002", None, "2026-11-17T00:00:00+08:00", None, None),
    ],
    "agent-extension-time": [("2001_8001_20261116090200", "2001", None, NINE, None, None)],
}


@pytest.mark.parametrize("name", EXPECTED)
def test_each_sample_is_read(name: str, tmp_path: Path) -> None:
    result = of_sample(name, tmp_path)
    assert [told(recording) for recording in result.recordings] == EXPECTED[name]


def test_a_folder_for_each_agent_has_the_time_of_the_file(tmp_path: Path) -> None:
    result = of_sample("folder-per-agent", tmp_path)
    assert [(r.call_id, r.agent_id) for r in result.recordings] == [
        ("A-0001", "2001"),
        ("A-0002", "2002"),
    ]
    written = (tmp_path / "folder-per-agent" / "calls" / "2001" / "A-0001.wav").stat().st_mtime
    assert int(result.recordings[0].started_at.timestamp()) == int(written)


# what a recording is told by its export


def test_what_an_export_tells_besides_is_kept(tmp_path: Path) -> None:
    def meta(name: str, call: int = 0) -> dict[str, str]:
        told = of_sample(name, tmp_path).recordings[call].meta
        return {key: value for key, value in told.items() if value}

    freepbx = meta("freepbx", 1)
    assert (freepbx["meta_billsec"], freepbx["meta_did"]) == ("209", "4000000000")
    amazon = meta("amazon-connect")
    assert (amazon["meta_team"], amazon["meta_hung_up_by"]) == ("Team A", "customer")
    assert "meta_hung_up_by" not in meta("amazon-connect", 1)  # its reason is not sourced
    assert meta("freeswitch")["meta_hung_up_by"] == "customer"
    assert meta("fusionpbx", 1)["meta_hung_up_by"] == "agent"
    assert of_sample("amazon-connect", tmp_path).recordings[0].answer_wait_s == 58
    assert of_sample("alibaba-ccc", tmp_path).recordings[0].answer_wait_s == 8


NUMBERS = ("13800001111", "13900002222", "4000000000@", "02100000000")


@pytest.mark.parametrize("name", COMMANDS)
def test_telephone_numbers_of_customers_are_not_kept(name: str, tmp_path: Path) -> None:
    kept = [value for r in of_sample(name, tmp_path).recordings for value in r.meta.values()]
    assert not [value for value in kept if any(number in value for number in NUMBERS)]


@pytest.mark.parametrize(
    ("name", "count"),
    [("freepbx", 1), ("asterisk", 1), ("genesys-cloud", 0), ("amazon-connect", 0)],
)
def test_calls_without_a_recording_are_counted(name: str, count: int, tmp_path: Path) -> None:
    result = of_sample(name, tmp_path)
    assert (result.unrecorded, result.ignored, result.unlisted) == (count, 0, 0)


def test_a_copy_counts_only_where_there_is_nothing_else(tmp_path: Path) -> None:
    folder = laid_out("amazon-connect", tmp_path)
    (original,) = folder.glob("connect/CallRecordings/**/*01_2026*.wav")
    original.unlink()
    result = planned(folder, COMMANDS["amazon-connect"])
    files = {recording.call_id: recording.source_file for recording in result.recordings}
    assert "redacted" in files[f"{CONTACT}1"]


def test_sides_of_a_call_of_tencent_are_told_with_their_starts(tmp_path: Path) -> None:
    folder = laid_out("tencent-tccc", tmp_path)
    names = ["month11/000-1-2-aa-000-1794790930.mp3", "month11/000-1-2-bb-000-1794790933.mp3"]
    joined = export.joined(
        presets.applied(ManifestOptions(preset="tencent-tccc")),
        root=open_root(str(folder / "recordings")),
        files=names,
        recordings=names,
        manifest=str(folder / "TelCdrs.json"),
    )
    cells = [row.cells for row in joined.rows]
    assert [(row["leg"], row["agent_id"], row["started_at"]) for row in cells] == [
        ("customer", "2001", "1794790930"),
        ("agent", "2001", "1794790933"),
    ]
    assert {row["call_id"] for row in cells} == {"e1000000-0000-4000-8000-000000000001"}
    assert (joined.rows[0].cells["file"], joined.unrecorded) == (names[0], 0)


def test_both_sides_of_a_call_of_tencent_are_one_recording(tmp_path: Path) -> None:
    result = of_sample("tencent-tccc", tmp_path)
    assert not result.rejects
    both = [one for one in result.recordings if len(one.source_files) == 2]
    assert [[leg.side for leg in one.legs] for one in both] == [["agent", "customer"]]


def test_names_of_freepbx_tell_enough_without_an_export(tmp_path: Path) -> None:
    folder = laid_out("freepbx", tmp_path)
    day = folder / "monitor/2026/11/16"
    shutil.copy(CALL, day / "external-2004-13700005555-20261116-110000-pbx-1-1794798000.440.wav")
    result = planned(folder, ["callaudit", "run", "monitor", "--preset", "freepbx"])
    assert [told(recording) for recording in result.recordings] == [
        ("1794798000.440", "2004", None, "2026-11-16T11:00:00+08:00", "in", None),
        ("1794795300.420", "2002", None, TEN, "out", None),
    ]
    (queue,) = result.rejects
    assert queue.reason is RejectReason.NO_AGENT and "manifest.columns" in queue.detail


def test_what_is_set_beside_a_preset_counts_more(tmp_path: Path) -> None:
    folder = laid_out("freeswitch", tmp_path)
    words = [*COMMANDS["freeswitch"][:3], "--manifest", "Master.csv", "--preset", "freeswitch"]
    assert [reject.reason for reject in planned(folder, words).rejects] == [RejectReason.NO_AGENT]
    options = {"columns": {"agent_id": "accountcode"}, "timezone": "UTC"}
    (recording,) = planned(folder, words, options).recordings
    assert told(recording) == (f"{UUID}1", "2001", None, "2026-11-16T17:02:00+08:00", None, None)


@pytest.mark.parametrize("name", presets.shipped())
def test_options_that_a_batch_has_written_down_still_leave_the_rest_to_the_preset(
    name: str,
) -> None:
    config = Config.model_validate({"manifest": {"preset": name, "keep": None}})
    written = json.loads(json.dumps(config.model_dump(mode="json")))
    assert written["manifest"] == {"preset": name, "keep": None}
    again = Config.model_validate(written).manifest
    assert presets.applied(again) == presets.applied(config.manifest)
    assert presets.applied(again).file_name == presets.load(name).manifest.file_name
    assert presets.applied(again).keep is None  # as it says


# what is not an export of the system

EXPORTS = {
    "asterisk": "Master.csv",
    "freepbx": "cdr.csv",
    "freeswitch": "Master.csv",
    "fusionpbx": "export.csv",
    "alibaba-ccc": "calls.json",
    "tencent-tccc": "TelCdrs.json",
    "amazon-connect": "connect/ctr/2026/11/16/records.json",
}


OTHERS = [
    (preset, given)
    for preset in presets.shipped()
    for given in EXPORTS
    if presets.load(preset).needs and preset != given
]


@pytest.mark.parametrize(("preset", "given"), OTHERS)
def test_an_export_of_another_system_names_its_preset(
    preset: str, given: str, tmp_path: Path
) -> None:
    folder = laid_out(given, tmp_path)
    words = [*COMMANDS[given][:3], "--manifest", EXPORTS[given], "--preset", preset]
    with pytest.raises(UsageError, match=f"it is an export for --preset {given}$"):
        planned(folder, words)


def test_an_export_that_lacks_a_column_says_which(tmp_path: Path) -> None:
    folder = laid_out("freepbx", tmp_path)
    path = folder / "cdr.csv"
    path.write_text(path.read_text("utf-8").replace(",recordingfile,", ",file_of_it,"), "utf-8")
    said = "cdr.csv is not an export that preset freepbx reads: it has no column recordingfile; "
    with pytest.raises(UsageError, match=said + "docs/recorders.md"):
        planned(folder, COMMANDS["freepbx"])
    laid_out("freepbx", tmp_path)
    with pytest.raises(UsageError, match=r"no column '工号', from which manifest\.columns"):
        planned(folder, COMMANDS["freepbx"], {"columns": {"agent_id": "工号"}})


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("run recordings --preset fusionpbx", "give that as the manifest$"),
        ("run recordings --preset freeswitch", r"or put \*.cdr.json beside the recordings"),
        ("run recordings --manifest no.csv --preset fusionpbx", "no.csv does not exist"),
        ("run recordings --manifest recordings --preset fusionpbx", r"is named \*.csv"),
        ("run recordings --manifest export.csv --preset freepbxx", "choose one of .*freepbx, "),
        ("run recordings --manifest cut.json --preset freeswitch", "line 2 is not complete"),
        ("run recordings --manifest list.json --preset freeswitch", "one for each call"),
        ("run recordings --manifest empty.json --preset freeswitch", "it has no column"),
    ],
)
def test_an_export_that_cannot_be_read_stops_the_run(words: str, said: str, tmp_path: Path) -> None:
    folder = laid_out("fusionpbx", tmp_path)
    (folder / "cut.json").write_text('{"a": 1}\n{"b": ')
    (folder / "list.json").write_text("[1, 2]")
    (folder / "empty.json").write_text("{}")
    with pytest.raises(UsageError, match=said):
        planned(folder, ["callaudit", *words.split()])


def test_a_recording_that_the_export_does_not_have_is_rejected_with_its_call(
    tmp_path: Path,
) -> None:
    folder = laid_out("fusionpbx", tmp_path)
    stray = f"{UUID}7"
    shutil.copy(CALL, folder / "recordings" / f"{stray}.wav")
    (reject,) = planned(folder, COMMANDS["fusionpbx"]).rejects
    assert reject.reason is RejectReason.NO_AGENT
    assert f"no call {stray} is in what fusionpbx exported" in reject.detail


def test_a_name_with_a_quotation_mark_that_is_not_escaped_is_found(tmp_path: Path) -> None:
    folder = laid_out("fusionpbx", tmp_path)
    path = folder / "export.csv"
    path.write_text(path.read_text("utf-8").replace("陈杰", '陈"杰'), "utf-8")
    with pytest.raises(UsageError, match="quotation mark in the row that begins in line 3"):
        planned(folder, COMMANDS["fusionpbx"])


# the docs page


def test_both_pages_have_a_command_for_each_preset() -> None:
    assert commands(PAGES[1]) == COMMANDS
    assert sorted(COMMANDS) == presets.shipped()


def test_each_preset_names_its_sources_on_the_page() -> None:
    for page in PAGES:
        text = (ROOT / page).read_text("utf-8")
        for name in presets.shipped():
            sources = presets.load(name).source
            assert sources and all(url in text or url == PAGES[0] for url in sources), name
