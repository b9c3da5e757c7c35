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


def test_a_manifest_without_fault(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    wide = ",".join(f"c{n}" for n in range(300))
    path.write_text(f"file,agent_id,{wide}\nk1.wav,7,{'x,' * 299}x\n")
    done = checked(path)
    assert (done.exit_code, done.stderr) == (0, "")
    assert "not read: 300 columns, c0, c1" in done.stdout and "manifest.keep" in done.stdout
    assert "started_at: " not in done.stdout.replace("no started_at: ", "")
