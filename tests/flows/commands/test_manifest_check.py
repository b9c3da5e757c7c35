"""What ``callaudit manifest check`` shows of a manifest."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from flows.cli.main import main

CALL = Path(__file__).parents[3] / "data_samples" / "calls" / "S21_2001_20261118T174500.wav"
TABLE = """\
导出时间;2026-11-17
录音;工号;时间;类型;备注
k1.wav;007;16/11/2026 09:02:03;呼入;
k2.wav;008;16/11/2026 09:03:03;内部;好
k3.wav;;16/11/2026 09:04:03;呼出;
k4.wav;009;2026年;呼出;
k5.wav;009;16/11/2026 09:05:03;呼出;
"""
OPTIONS = {
    "columns": {"file": "录音", "agent_id": "工号", "started_at": "时间", "direction": "类型"},
    "values": {"direction": {"呼入": "in", "呼出": "out"}},
    "time_format": "%d/%m/%Y %H:%M:%S",
}


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    (tmp_path / "c.yaml").write_text(yaml.safe_dump({"manifest": OPTIONS}, allow_unicode=True))
    path = tmp_path / "m.csv"
    path.write_bytes(TABLE.encode("gb18030"))
    return path


def checked(manifest: Path, *more: str | Path) -> Result:
    return CliRunner().invoke(main, ["manifest", "check", str(manifest), *map(str, more)])


def test_columns_recordings_and_rejects_are_shown(manifest: Path) -> None:
    before = sorted(manifest.parent.iterdir())
    done = checked(manifest, "--config", manifest.with_name("c.yaml"))
    assert done.exit_code == 3
    shown = done.stdout.splitlines()
    assert shown[0] == "CSV in GB 18030, delimiter semicolon, header in row 2; 5 rows"
    assert "agent_id <- 工号, such as '007'; 1 empty" in shown
    assert "direction <- 类型, such as '呼入'; 1 rejected" in shown
    assert "no agent_channel: it is inferred from the words" in shown
    assert "  started_at: 2026-11-16T09:02:03+08:00" in shown
    assert "2 of 5 rows would be audited" in shown
    assert any("rejected: 1 no_agent, such as k3.wav" in line for line in shown)
    assert any("'内部', which manifest.values does not have" in line for line in shown)
    assert sorted(manifest.parent.iterdir()) == before


def test_files_are_looked_for_where_the_recordings_are(manifest: Path, tmp_path: Path) -> None:
    (tmp_path / "calls").mkdir()
    for name in ("k1.wav", "other.wav"):
        shutil.copy(CALL, tmp_path / "calls" / name)
    config = manifest.with_name("c.yaml")
    done = checked(manifest, "--config", config, "--recordings", tmp_path / "calls", "--json")
    result = json.loads(done.stdout)
    assert (done.exit_code, result["recordings"], result["unlisted"]) == (3, 1, 1)
    reasons = sorted(kind["reason"] for kind in result["rejects"])
    assert reasons == ["bad_metadata", "bad_metadata", "missing_file", "no_agent"]
    assert sum(kind["count"] for kind in result["rejects"]) == 4 and result["rows"] == 5


def test_a_column_that_is_missing_is_wrong_usage_and_the_others_are_shown(manifest: Path) -> None:
    done = checked(manifest)
    assert done.exit_code == 2
    assert "工号 <- 工号, such as '007'; 1 empty" in done.stdout
    assert "has no column file and no column agent_id" in done.stderr
    assert done.stderr.count("\n") == 1
    done = checked(manifest.with_name("absent.csv"))
    assert (done.exit_code, done.stdout) == (2, "")


def named(folder: Path, *names: str) -> Path:
    """A folder of recordings."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(CALL, folder / name)
    return folder


@pytest.mark.parametrize("said", [["calls"], ["--recordings", "calls"]])
def test_names_of_a_folder_without_a_manifest(
    said: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = ("2026-11-16/2001_A-1.wav", "2026-11-17/2002_A-2.wav", "2026-11-17/A-3.wav")
    named(tmp_path / "calls", *days, "2026-11-31/2002_A-4.wav", "notes.txt")
    monkeypatch.chdir(tmp_path)
    arguments = ["manifest", "check", *said, "--preset", "folder-per-day"]
    done = CliRunner().invoke(main, arguments)
    assert (done.exit_code, done.stderr) == (3, "")
    shown = done.stdout.splitlines()
    assert shown[0] == "names of files, {time:%Y-%m-%d}/{agent_id}_{call_id}; 4 recordings"
    assert "agent_id <- the file's name, such as '2001'" in shown
    assert "no direction: calls count as inbound" in shown
    start = "started_at 2026-11-16T00:00:00+08:00"
    assert f"  {days[0]}: call_id A-1, agent_id 2001, {start}" in shown
    assert any(line.startswith(f"  {days[2]}: rejected, {days[2]} is not named") for line in shown)
    assert any("2026-11-31 as the time, which does not exist" in line for line in shown)
    assert "2 of 4 recordings would be audited" in shown
    assert "not looked at: 1 file without the ending of a recording" in shown

    result = json.loads(CliRunner().invoke(main, [*arguments, "--json"]).stdout)
    assert [name["file"] for name in result["names"]] == sorted([*days, "2026-11-31/2002_A-4.wav"])
    assert [name["rejected"] is None for name in result["names"]] == [True, True, False, False]


def test_many_names_are_shown_in_part_and_json_has_all(tmp_path: Path) -> None:
    names = [f"C{at:02}_2001_20261116T0900{at:02}.wav" for at in range(30)]
    folder = named(tmp_path / "calls", *names)
    shown = checked(folder).stdout.splitlines()
    assert sum(line.startswith("  C") for line in shown) == 20
    assert "  … and 10 files more; --json lists all" in shown
    assert len(json.loads(checked(folder, "--json").stdout)["names"]) == 30


def test_a_pattern_without_an_agent_is_told_once(tmp_path: Path) -> None:
    folder = named(tmp_path / "calls", "a.wav", "b.wav")
    config = tmp_path / "c.yaml"
    config.write_text("manifest: {file_name: '{call_id}'}\n")
    done = checked(folder, "--config", config)
    assert (done.exit_code, "would be audited" in done.stdout) == (2, False)
    assert "are named {call_id}, which has no {agent_id}" in done.stderr
    assert done.stderr.count("\n") == 1


def test_recordings_that_are_joined_to_an_export_among_them(tmp_path: Path) -> None:
    sample = CALL.parents[2] / "tests/audit/intake/presets/amazon-connect"
    shutil.copytree(sample, tmp_path, dirs_exist_ok=True)
    named(tmp_path, *(tmp_path / "recordings.txt").read_text("utf-8").split())
    next(tmp_path.glob("connect/CallRecordings/**/*02_2026*.wav")).unlink()
    done = checked(tmp_path / "connect", "--preset", "amazon-connect")
    assert done.exit_code == 0, done.output
    assert "agent_id <- Agent.Username, such as 'wang.min'" in done.stdout
    assert "agent_id wang.min, started_at 2026-11-16T09:02:05+08:00, direction in" in done.stdout
    assert "not audited: 1 call of the export without a recording" in done.stdout


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([], "name a manifest, or the folder of the recordings with --recordings"),
        (["absent"], "manifest absent does not exist; check the path"),
        (["{}", "--preset", "fusionpbx"], "reads the agents from what the system exports; give"),
        (["{}", "--recordings", "{}"], "is a folder; name a file in it"),
    ],
)
def test_without_anything_to_read(given: list[str], told: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["manifest", "check", *(g.format(tmp_path) for g in given)])
    assert (done.exit_code, done.stdout, told in done.stderr) == (2, "", True), done.output
    assert done.stderr.count("\n") == 1


def test_a_manifest_without_fault(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    wide = ",".join(f"c{n}" for n in range(300))
    path.write_text(f"file,agent_id,{wide}\nk1.wav,7,{'x,' * 299}x\n")
    done = checked(path)
    assert (done.exit_code, done.stderr) == (0, "")
    assert "not read: 300 columns, c0, c1" in done.stdout and "manifest.keep" in done.stdout
    assert "started_at: " not in done.stdout.replace("no started_at: ", "")
