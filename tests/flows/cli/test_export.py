"""``callaudit export``: what it prints, and one sentence for each mistake."""

from __future__ import annotations

import json
from pathlib import Path

import openpyxl
import pytest
from click.testing import CliRunner

from audit.config import Config
from data_samples.generate import months
from flows.cli.main import main
from flows.commands.audit_transcripts import audit_transcripts


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("out")
    months.write(folder, months.Plan(calls=6, agents=2, nights=3))
    return folder


def test_it_says_what_it_wrote(out: Path, tmp_path: Path) -> None:
    file, folder = tmp_path / "n.xlsx", tmp_path / "csv"
    given = ["export", str(out), "--from", "2026-10-02", "--xlsx", str(file), "--csv", str(folder)]
    done = CliRunner().invoke(main, given)
    assert done.exit_code == 0, done.output
    first, second = done.output.splitlines()
    assert first.startswith(f"{file}: ")
    assert first.endswith(" findings, 4 calls, 0 rejects of 2026-10-02 to 2026-10-03")
    assert second.startswith(f"{folder}: ")
    names = {path.stem for path in folder.iterdir()}
    assert names == {"summary", "rules", "agents", "findings", "calls", "rejects"}
    assert (folder / "calls.csv").read_bytes().startswith(b"\xef\xbb\xbf")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([], "say what to write: --xlsx FILE, --csv FOLDER, or both"),
        (["--xlsx", "n.xls"], "n.xls must end in .xlsx"),
        (["--xlsx", "n.xlsx", "--night", "2026-10-01", "--to", "2026-10-02"], "--night is one"),
        (["--xlsx", "n.xlsx", "--night", "2026-11-01"], "holds no calls of 2026-11-01; name"),
    ],
)
def test_mistakes(out: Path, given: list[str], said: str) -> None:
    done = CliRunner().invoke(main, ["export", str(out), *given])
    assert done.exit_code == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("callaudit: ")
    assert said in line


def test_a_folder_without_an_audit(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["export", str(tmp_path), "--xlsx", str(tmp_path / "n.xlsx")])
    assert (done.exit_code, "holds no audit" in done.stderr) == (2, True)


def test_what_a_call_belongs_to_is_shown_once(tmp_path: Path) -> None:
    """Under one heading, although the tables keep the manifest's own columns beside ours."""
    turns = [{"role": "agent", "text": "您好，请问有什么可以帮您"}]
    told = [
        {"team": "一组", "agent_group": "夜班", "queue": "宽带", "Business_Line": "家庭"},
        {"agent_group": "二组", "csat": "5"},
    ]
    lines = [
        {"call_id": f"T{at}", "agent_id": "2001", "turns": turns, **one}
        for at, one in enumerate(told)
    ]
    file = tmp_path / "calls.jsonl"
    file.write_text("\n".join(json.dumps(line, ensure_ascii=False) for line in lines), "utf-8")
    audit_transcripts(file, tmp_path / "out", config=Config())
    book = tmp_path / "n.xlsx"
    done = CliRunner().invoke(main, ["export", str(tmp_path / "out"), "--xlsx", str(book)])
    assert done.exit_code == 0, done.output
    headings, *rows = openpyxl.load_workbook(book)["通话"].iter_rows(values_only=True)
    own = ("班组", "队列", "业务线")
    assert [name for name in headings if name in own] == list(own)
    assert not {"team", "queue", "business_line", "Business_Line"} & {*headings}
    at = [headings.index(name) for name in ("通话编号", *own, "agent_group", "csat")]
    assert sorted([row[place] for place in at] for row in rows) == [
        ["T0", "一组", "宽带", "家庭", "夜班", None],
        ["T1", "二组", None, None, "二组", "5"],
    ]
