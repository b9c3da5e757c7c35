"""Configuration refuses what it does not know and says where."""

from __future__ import annotations

from pathlib import Path

import pytest

from audit.config import Config, load
from audit.errors import UsageError
from audit.raw_forms import RawForm
from audit.transcription.options import TurnOptions


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "callaudit.yaml"
    path.write_text(text, "utf-8")
    return path


def test_defaults_without_a_file_and_with_an_empty_one(tmp_path: Path) -> None:
    assert load(None) == Config() == load(written(tmp_path, "# nothing\n"))


def test_a_file_and_the_command_line_over_it(tmp_path: Path) -> None:
    path = written(tmp_path, "batch: {workers: 3, timezone: Europe/Berlin}\n")
    config = load(path, overrides={"batch.workers": 2, "transcription.asr.model": None})
    assert config.batch.workers == 2
    assert config.batch.timezone == "Europe/Berlin"
    assert config.transcription.asr.model == "base"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("batch: {wokers: 3}", r"batch\.wokers"),
        ("transcription: {asr: {engine: vosk}}", r"transcription\.asr\.engine"),
        ("transcription: {vad: {over_noise_db: loud}}", r"transcription\.vad\.over_noise_db"),
        ("transcription: {vad: {nonsense: 1}}", r"transcription\.vad\.nonsense"),
        ("limits: {max_bytes: 0}", r"limits\.max_bytes"),
        ("batch: {workers: 0}", r"batch\.workers"),
        ("- a\n- b\n", "mapping"),
        ("batch: [", "cannot be read"),
        ("batch: 3", "batch"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(tmp_path: Path, text: str, place: str) -> None:
    with pytest.raises(UsageError, match=place):
        load(written(tmp_path, text))


OVERRIDES = {"batch.workers": 2, "transcription.asr.engine": "auto"}


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("batch: 3", "batch"),
        ("transcription: []", "transcription"),
        ("transcription: x", "transcription"),
    ],
)
def test_a_section_that_is_none_is_named_options_or_not(
    tmp_path: Path, text: str, place: str
) -> None:
    with pytest.raises(UsageError, match=place):
        load(written(tmp_path, text), overrides=OVERRIDES)


def test_a_section_left_empty_takes_options(tmp_path: Path) -> None:
    text = "batch:\ntranscription:\n  asr:\n"
    config = load(written(tmp_path, text), overrides=OVERRIDES)
    assert config.batch.workers == 2


def test_names_of_earlier_versions_are_accepted(tmp_path: Path) -> None:
    earlier = (
        "hearing:\n  recogniser: {model: small}\n  speech: {over_noise_db: 4}\n"
        "  diarisation: {third_s: 9}\n"
        "  turns: {token_characters: 2, listening_s: 3, listening_share: 0.7}\n"
        "private: {mode: drop}\n"
    )
    config = load(written(tmp_path, earlier), overrides={"transcription.asr.beam_size": 1})
    transcription = config.transcription
    assert (transcription.asr.model, transcription.asr.beam_size) == ("small", 1)
    assert transcription.vad.over_noise_db == 4
    assert transcription.diarization.third_s == 9
    assert transcription.turns == TurnOptions(
        backchannel_syllables=2, backchannel_words_s=3, backchannel_words_share=0.7
    )
    assert config.privacy.mode == "drop"


@pytest.mark.parametrize(
    ("text", "place", "current"),
    [
        ("hearing: {}\ntranscription: {}", "hearing", "transcription"),
        ("private: {mode: keep}\nprivacy: {mode: mask}", "private", "privacy"),
        ("transcription: {asr: {}, recogniser: {}}", "transcription.recogniser", "asr"),
        (
            "hearing: {turns: {listening_s: 1, backchannel_words_s: 2}}",
            "transcription.turns.listening_s",
            "backchannel_words_s",
        ),
    ],
)
def test_the_earlier_name_beside_the_current_one_is_refused(
    tmp_path: Path, text: str, place: str, current: str
) -> None:
    with pytest.raises(UsageError, match=rf"{place}: .*earlier name of {current}.*keep one"):
        load(written(tmp_path, text))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        load(tmp_path / "nowhere.yaml")


def _fingerprint(text: str, tmp_path: Path, *, engine: str = "e", sha: str | None = "s") -> str:
    return load(written(tmp_path, text)).transcription_fingerprint(engine=engine, model_sha256=sha)


@pytest.mark.parametrize(
    "text",
    [
        "transcription: {asr: {beam_size: 1}}",
        "transcription: {vad: {over_leak_db: 9}}",
        "transcription: {packing: {gap_s: 0.3}}",
        "transcription: {turns: {join_s: 0.9}}",
        "transcription: {agent_channel: 1}",
        "limits: {min_duration_s: 2}",
    ],
)
def test_what_changes_transcripts_changes_the_fingerprint(tmp_path: Path, text: str) -> None:
    assert _fingerprint(text, tmp_path) != _fingerprint("", tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "batch: {workers: 2, shard_size: 3, rulebook: other}",
        "transcription: {asr: {threads: 4}}",
        "schedule: {cron: 0 2 * * *}",
    ],
)
def test_what_changes_no_transcript_leaves_the_fingerprint(tmp_path: Path, text: str) -> None:
    assert _fingerprint(text, tmp_path) == _fingerprint("", tmp_path)


def test_engine_and_weights_are_in_the_fingerprint(tmp_path: Path) -> None:
    prints = {
        _fingerprint("", tmp_path),
        _fingerprint("", tmp_path, engine="other"),
        _fingerprint("", tmp_path, sha="other"),
        _fingerprint("", tmp_path, sha=None),
    }
    assert len(prints) == 4


def test_forms_of_files_without_a_header(tmp_path: Path) -> None:
    text = (
        "audio:\n  headerless:\n    VOX: {encoding: vox, rate: 6000}\n"
        "    .sln: {encoding: alaw, rate: 8000}\n"
    )
    forms = load(written(tmp_path, text)).audio.raw_forms
    assert forms[".vox"] == RawForm("vox", 6000)
    assert forms[".sln"] == RawForm("alaw", 8000)
    assert forms[".ulaw"] == RawForm("mulaw", 8000)
    assert _fingerprint(text, tmp_path) == _fingerprint("", tmp_path)  # other files stay heard


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ("{encoding: ulaw, rate: 8000}", "'mulaw'"),
        ("{encoding: mulaw}", "rate"),
        ("{encoding: mulaw, rate: 8}", "samples a second"),
        ("{encoding: g722, rate: 8000}", "rate: 16000"),
        ("{encoding: vox, rate: 8000, channels: 2}", "channels is 1"),
        ("{encoding: s16le, rate: 8000, bits: 16}", "bits"),
        ("mulaw", "headerless"),
    ],
)
def test_a_form_that_no_recorder_writes_is_refused(tmp_path: Path, form: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        load(written(tmp_path, f"audio: {{headerless: {{.raw: {form}}}}}"))
    with pytest.raises(UsageError, match="not a file name's ending"):
        load(written(tmp_path, "audio: {headerless: {a/b: {encoding: alaw, rate: 8000}}}"))
