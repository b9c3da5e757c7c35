"""The command line: quick, plain, and exact about who made the mistake."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from flows.cli.main import main
from tests.timing import ratio

Script = Callable[..., subprocess.CompletedProcess[str]]

COMMANDS = (
    ("run",),
    ("audit-transcripts",),
    ("rescore",),
    ("compact",),
    ("calibrate",),
    ("report",),
    ("evaluate",),
    ("export",),
    ("rulebook",),
    ("rulebook", "list"),
    ("rulebook", "show"),
    ("rulebook", "check"),
    ("schedule",),
    ("doctor",),
)
RUN_OPTIONS = (
    "--out",
    "--manifest",
    "--config",
    "--rulebook",
    "--engine",
    "--model",
    "--workers",
    "--resume",
    "--no-resume",
    "--verbose",
)
HEAVY = [
    "numpy",
    "pandas",
    "pyarrow",
    "prefect",
    "torch",
    "whisper",
    "ctranslate2",
    "faster_whisper",
    "scipy",
    "sklearn",
    "av",
    "jieba",
    "fsspec",
    "pydantic",
    "rich",
]


def one_sentence(done: subprocess.CompletedProcess[str]) -> str:
    """What was said on stderr, which must be a sentence and no traceback."""
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    assert "Traceback" not in done.stderr
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("callaudit: ")
    return lines[0]


# quick


def test_help_is_quick(callaudit: Script) -> None:
    assert callaudit("--help").returncode == 0
    took = ratio(
        lambda: callaudit("--help"),
        lambda: subprocess.run([sys.executable, "-c", "import click"], check=True),
        clock=time.perf_counter,
    )
    assert took < 4


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["--version"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys\nfrom flows.cli.main import main\n"
        f"try: main({arguments!r})\nexcept SystemExit: pass\n"
        f"print('LOADED', *sorted(set({HEAVY!r}) & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "LOADED"


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_of_the_contract_is_there(command: tuple[str, ...]) -> None:
    result = CliRunner().invoke(main, [*command, "--help"])
    assert result.exit_code == 0
    assert "Usage:" in result.output


def test_run_has_the_options_that_others_rely_on() -> None:
    shown = CliRunner().invoke(main, ["run", "--help"]).output
    assert [option for option in RUN_OPTIONS if option not in shown] == []
    for engine in ("auto", "faster-whisper", "openai-whisper"):
        assert engine in shown


# rulebooks


def test_rulebook_list_and_show(callaudit: Script) -> None:
    listed = callaudit("rulebook", "list")
    assert listed.returncode == 0
    assert "hotline\t" in listed.stdout
    shown = callaudit("rulebook", "show", "hotline")
    assert shown.returncode == 0
    for expected in ("greeting.hello", "no_interruption", "003-1.1.4", "weight"):
        assert expected in shown.stdout


def test_rulebook_check(callaudit: Script, tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text("extends: hotline\nid: own\nrules: {no_interruption: {points: 5}}\n")
    done = callaudit("rulebook", "check", own)
    assert (done.returncode, done.stderr) == (0, "")
    assert "own" in done.stdout


def test_what_is_shown_can_be_checked(callaudit: Script, tmp_path: Path) -> None:
    copy = tmp_path / "copy.yaml"
    copy.write_text(callaudit("rulebook", "show", "hotline").stdout, "utf-8")
    assert callaudit("rulebook", "check", copy).returncode == 0


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("extends: hotline\nrules: {greeting: {wieght: 1}}\n", "rules.greeting.wieght"),
        ("extends: hotline\ncolour: red\n", "colour"),
        ("extends: nowhere\n", "nowhere"),
        ("rules: [\n", "own.yaml"),
    ],
)
def test_rulebook_check_names_the_place(
    callaudit: Script, tmp_path: Path, text: str, place: str
) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(text)
    done = callaudit("rulebook", "check", own)
    assert done.returncode == 2
    assert place in one_sentence(done)


# doctor


def test_doctor(callaudit: Script) -> None:
    done = callaudit("doctor")
    assert done.returncode == 0, done.stdout
    for expected in ("faster-whisper", "openai-whisper", "weights", "sha256", "package models"):
        assert expected in done.stdout
    (prints,) = (line for line in done.stdout.splitlines() if "speaker embeddings" in line)
    assert "pretrained.pt" in prints
    assert "MISSING" not in done.stdout
    assert "Traceback" not in done.stderr


def test_doctor_without_weights(callaudit: Script) -> None:
    done = callaudit("doctor", "--model", "small")
    assert done.returncode == 1
    assert "MISSING weights" in done.stdout
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("weights", "said"), [(None, "not installed"), (b"x", "is not the file")])
def test_doctor_without_speaker_embeddings(
    callaudit: Script, tmp_path: Path, weights: bytes | None, said: str
) -> None:
    package = tmp_path / "resemblyzer"
    package.mkdir()
    (package / "__init__.py").touch()
    if weights is not None:
        (package / "pretrained.pt").write_bytes(weights)
    done = callaudit("doctor", env={"PYTHONPATH": str(tmp_path)})
    assert done.returncode == 1
    (prints,) = (line for line in done.stdout.splitlines() if "speaker embeddings" in line)
    assert prints.startswith("MISSING")
    assert said in prints
    assert "pip install --no-deps resemblyzer==0.1.4" in prints


def test_speaker_embeddings_are_checked_before_a_night_begins(
    callaudit: Script, tmp_path: Path
) -> None:
    package = tmp_path / "resemblyzer"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "pretrained.pt").write_bytes(b"x")
    out = tmp_path / "out"
    done = callaudit("run", "data_samples/calls", "--out", out, env={"PYTHONPATH": str(tmp_path)})
    assert done.returncode == 2
    assert "is not the file of resemblyzer 0.1.4" in one_sentence(done)
    assert not (out / "calls").exists()


def test_pyannote_is_looked_for_before_a_night_begins(callaudit: Script, tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("transcription: {diarization: {pyannote: /nowhere}}", encoding="utf-8")
    done = callaudit("run", "data_samples/calls", "--out", tmp_path / "out", "--config", config)
    assert done.returncode == 2
    assert "pyannote" in one_sentence(done)


# wrong usage


@pytest.mark.parametrize(
    "arguments",
    [
        ["frobnicate"],
        ["run"],
        ["run", "data_samples/calls"],
        ["run", "data_samples/calls", "--out", "OUT", "--engine", "vosk"],
        ["run", "data_samples/calls", "--out", "OUT", "--workers", "0"],
        ["run", "data_samples/calls", "--out", "OUT", "--colour", "red"],
        ["rescore", "OUT"],
        ["evaluate", "OUT"],
    ],
    ids=" ".join,
)
def test_wrong_usage(arguments: list[str], tmp_path: Path) -> None:
    out = tmp_path / "out"
    filled = [str(out) if argument == "OUT" else argument for argument in arguments]
    result = CliRunner().invoke(main, filled)
    assert result.exit_code == 2
    assert result.stderr.strip()
    assert "Traceback" not in result.stderr
    assert not out.exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "nowhere/at/all", "--out", "OUT"],
        ["run", "data_samples/calls", "--out", "OUT", "--config", "nowhere.yaml"],
        ["run", "nosuchfs://x", "--out", "OUT"],
        ["rescore", "OUT", "--rulebook", "hotline"],
        ["compact", "OUT"],
        ["calibrate", "OUT"],
        ["report", "OUT"],
        ["evaluate", "OUT", "nowhere"],
        ["audit-transcripts", "nowhere.jsonl", "--out", "OUT"],
        ["rulebook", "show", "nowhere"],
        ["rulebook", "check", "nowhere.yaml"],
        ["doctor", "--config", "nowhere.yaml"],
        ["doctor", "--model", "/nowhere/model"],
    ],
    ids=" ".join,
)
def test_what_is_not_there(callaudit: Script, arguments: list[str], tmp_path: Path) -> None:
    out = tmp_path / "out"
    filled = [str(out) if argument == "OUT" else argument for argument in arguments]
    done = callaudit(*filled)
    if arguments[:2] == ["doctor", "--model"]:
        assert done.returncode == 1
        assert "not a Whisper checkpoint" in done.stdout
        return
    assert done.returncode == 2, done.stderr
    assert len(one_sentence(done).split()) > 4
    assert not out.exists()


def test_verbose_shows_where(callaudit: Script) -> None:
    done = callaudit("rulebook", "show", "nowhere")
    assert "Traceback" not in done.stderr
    for arguments in (("--verbose", "rulebook", "show"), ("rulebook", "show", "--verbose")):
        shown = callaudit(*arguments, "nowhere")
        assert "Traceback" in shown.stderr
        assert shown.returncode != 0


def test_verbose_after_an_option_that_is_wrong_shows_where() -> None:
    arguments = ["audit-transcripts", "calls.jsonl", "--out", "s3://bucket/out"]
    assert CliRunner().invoke(main, arguments).exit_code == 2
    result = CliRunner().invoke(main, [*arguments, "--verbose"])
    assert result.exit_code == 2
    assert "Traceback" in result.stderr and "audit.errors.UsageError: " in result.stderr


def test_a_schedule_needs_a_server(callaudit: Script, tmp_path: Path) -> None:
    env = {"PREFECT_HOME": str(tmp_path / "prefect"), "PREFECT_API_URL": ""}
    done = callaudit("schedule", "data_samples/calls", "--out", tmp_path / "out", env=env)
    assert done.returncode == 2
    assert "prefect server start" in one_sentence(done)
    assert not (tmp_path / "out").exists()
