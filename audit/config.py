"""Configuration: defaults, and what a YAML file may set.

The descriptions are the tables of ``docs/configuration.md``, see :mod:`flows.options`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails

from audit.errors import UsageError
from audit.intake import manifests
from audit.intake.manifest_options import ManifestOptions
from audit.language.encoding import text_of
from audit.privacy.entities import PrivacyMode
from audit.raw_forms import RawForm
from audit.transcription import media
from audit.transcription.options import Options, ServiceOptions, TranscriptionOptions

Engine = Literal["auto", "faster-whisper", "openai-whisper", "sherpa-onnx", "openai-compatible"]

RENAMED = {
    "hearing": "transcription",
    "transcription.recogniser": "asr",
    "transcription.speech": "vad",
    "transcription.diarisation": "diarization",
    "transcription.turns.token_characters": "backchannel_syllables",
    "transcription.turns.listening_s": "backchannel_words_s",
    "transcription.turns.listening_share": "backchannel_words_share",
    "private": "privacy",
}
"""Names that earlier versions had, in the order in which they are replaced; both are accepted."""


class AsrConfig(Options):
    """Which speech recognition engine and model, and how it decodes."""

    engine: Engine = Field(
        "auto",
        description="`faster-whisper`, `openai-whisper`, or `auto` for the faster of those that "
        "are installed and can read the model; `sherpa-onnx` for SenseVoice, Paraformer, "
        "transducers and others; `openai-compatible` for a service, see "
        "`transcription.asr.service`. See [engines.md](engines.md).",
    )
    model: str = Field(
        "base",
        description="Name of a Whisper model, a folder in CTranslate2's format, or a `.pt` file; "
        "for `sherpa-onnx` the model's folder. Larger models make fewer errors and take longer "
        "([performance.md](performance.md)).",
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="`cpu`, `cuda`, or `auto` for the GPU where there is one."
    )
    beam_size: int = Field(
        5,
        ge=1,
        le=20,
        description="Hypotheses kept while decoding, 1 to 20. 1 is greedy and fastest, more make "
        "slightly fewer errors. Typical: 1 to 5.",
    )
    batch_size: int = Field(
        2,
        ge=1,
        le=128,
        description="Windows of 30 seconds decoded together, 1 to 128. Larger batches need more "
        "memory and pay off on a GPU. Typical: 2 on a CPU, 16 on a GPU.",
    )
    threads: int = Field(
        0,
        ge=0,
        description="Batches that faster-whisper decodes at a time, each on one core; CPU threads "
        "of the other engines. `0` for one per core.",
    )
    hotwords: tuple[str, ...] = Field(
        (),
        description="Words that transducers of `sherpa-onnx` are to expect, such as names of "
        "products. Those in the parameters `organisations` and `products` of the rulebook are "
        "added.",
    )
    itn: bool = Field(
        False,
        description="Let SenseVoice and Fun-ASR-Nano of `sherpa-onnx` write numerals as digits and "
        "set punctuation. Rules read numerals either way.",
    )
    service: ServiceOptions = ServiceOptions()


class TranscriptionConfig(TranscriptionOptions):
    """From audio to turns. Changes here invalidate cached transcripts."""

    asr: AsrConfig = AsrConfig()


class StagesConfig(Options):
    """Stage classification. Changing it does not invalidate cached transcripts."""

    model: Path | None = Field(
        None,
        description="A model that `callaudit train stages` wrote; `null` for the built-in one.",
    )


class AudioConfig(Options):
    """How recordings without a header are read."""

    headerless: dict[str, RawForm] = Field(
        {}, description="Form of files without a header, by the ending of their name; see below."
    )

    @field_validator("headerless")
    @classmethod
    def _endings(cls, given: dict[str, RawForm]) -> dict[str, RawForm]:
        endings = {"." + ending.strip().removeprefix(".").lower(): ending for ending in given}
        for ending, written in endings.items():
            if not re.fullmatch(r"\.[a-z0-9_-]+", ending):
                raise ValueError(f"{written!r} is not a file name's ending, such as .sln")
        return {ending: given[written] for ending, written in endings.items()}

    @property
    def raw_forms(self) -> dict[str, RawForm]:
        """The form of files without a header, by ending, defaults included."""
        return {**media.RAW_FORMS, **self.headerless}


class LimitsConfig(Options):
    """What is too short, too long or too large to be audited."""

    min_duration_s: float = Field(
        1.0,
        ge=0,
        description="Seconds; shorter recordings are rejected as `too_short`. Typical: 0.5 to 5.",
    )
    max_duration_s: float = Field(
        6 * 3600,
        gt=0,
        description="Seconds; longer recordings are rejected as `too_large`. An hour of stereo "
        "takes about 230 MB of memory. Typical: 7200 to 21600.",
    )
    max_bytes: int = Field(
        2 << 30,
        gt=0,
        description="Bytes; larger files are rejected as `too_large` before they are read.",
    )


class BatchConfig(Options):
    """How a night's recordings are divided and processed."""

    shard_size: int = Field(
        25,
        ge=1,
        le=1000,
        description="Recordings per Prefect task, 1 to 1000. Smaller shards balance better between "
        "workers, larger ones have less overhead. Typical: 10 to 100.",
    )
    workers: int | None = Field(
        None,
        ge=1,
        description="Processes on this machine that transcribe, each with its own model in "
        "memory; `null` for one per four cores and 2 GB, and one where there is a GPU.",
    )
    dask_scheduler: str | None = Field(
        None,
        description="Address of a Dask cluster that transcribes instead, such as "
        "`tcp://10.0.0.5:8786`.",
    )
    timezone: str = Field(
        "Asia/Shanghai",
        description="Time zone of nights, schedules and times without an offset.",
    )
    rulebook: str = Field(
        "hotline", description="Rulebook of calls whose manifest row does not name one."
    )
    timeout_s: float = Field(
        300,
        gt=0,
        description="Seconds; hard limit for reading and decoding a recording, and again for "
        "transcribing it. Recordings that take longer are tried again, then rejected. Typical: "
        "120 to 600.",
    )
    timeout_per_s: float = Field(
        5,
        ge=0,
        description="Seconds added to the limit for transcribing, for each second of the "
        "recording. Raise it for large models on slow machines. Typical: 2 to 10.",
    )
    tries: int = Field(
        3,
        ge=1,
        le=20,
        description="How often, 1 to 20, a recording that hangs or crashes is tried before it is "
        "rejected. Typical: 2 to 5.",
    )
    memory_mb: int | None = Field(
        None,
        ge=500,
        description="MB; maximum memory of a transcribing process. Above it only that process "
        "ends; `null` for no limit. Typical: 2000 to 8000.",
    )
    reject_duplicates: bool = Field(
        False,
        description="Reject recordings with the sound of another one as `duplicate_audio`: the "
        "same bytes, or begun within a minute of each other and alike, in whatever codec.",
    )
    bundle_audio: bool = Field(
        False,
        description="Copy every recording next to the pages, as Opus (also `--bundle-audio`).",
    )

    @property
    def processes(self) -> int:
        """``workers``; or one where there is a GPU, else one for every four cores and 2 GB."""
        if self.workers is not None:
            return self.workers
        if any(Path("/dev").glob("nvidia[0-9]*")):  # each would load its own model into it
            return 1
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        return max(1, min(len(os.sched_getaffinity(0)) // 4, memory // (2 << 30)))

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        manifests.time_zone(name)
        return name


class PrivacyConfig(Options):
    """How personal data in transcripts is handled: numbers, names, addresses."""

    mode: PrivacyMode = Field(
        "mask",
        description="`keep` it in tables and pages; `mask` it there and keep full transcripts in "
        "the private store; or mask it and `drop` them (also `--private`). See "
        "[privacy.md](privacy.md).",
    )
    keep_days: int | None = Field(
        None,
        ge=0,
        description="Days after which a run removes full transcripts from the private store; "
        "`null` for never. Typical: 30 to 180.",
    )
    allow_audio_upload: bool = Field(
        False,
        description="Whether recordings may be sent to a transcription service although `mode` is "
        "`drop`.",
    )


class ScheduleConfig(Options):
    """When ``callaudit schedule`` runs."""

    cron: str = Field("0 1 * * *", description="Cron expression, in `batch.timezone`.")
    catch_up_nights: int = Field(
        7,
        ge=1,
        le=366,
        description="Nights, 1 to 366, for which missed runs are caught up. Typical: 3 to 14.",
    )
    settle_s: float = Field(
        120,
        ge=0,
        description="Seconds; recordings written to more recently are left for the next run. Lower "
        "values may read files that are still being copied. Typical: 60 to 600.",
    )


class Config(Options):
    """Everything that can be set."""

    transcription: TranscriptionConfig = TranscriptionConfig()
    stages: StagesConfig = StagesConfig()
    audio: AudioConfig = AudioConfig()
    manifest: ManifestOptions = ManifestOptions()
    limits: LimitsConfig = LimitsConfig()
    batch: BatchConfig = BatchConfig()
    schedule: ScheduleConfig = ScheduleConfig()
    privacy: PrivacyConfig = PrivacyConfig()

    @model_validator(mode="before")
    @classmethod
    def _current_names(cls, given: Any) -> Any:
        return with_current_names(given)

    def transcription_fingerprint(self, *, engine: str, model_sha256: str | None) -> str:
        """Hash of everything except the audio that determines a transcript."""
        transcription = self.transcription.model_dump(mode="json")
        asr = transcription["asr"]
        del asr["engine"], asr["threads"], asr["device"], asr["batch_size"]
        service = asr.pop("service")
        named = {
            "engine": engine,
            "model": model_sha256 or asr["model"],
            "transcription": transcription,
            "limits": self.limits.model_dump(mode="json"),
        }
        if engine == "openai-compatible":
            named["service"] = [service[key] for key in ("url", "language", "trust_word_times")]
        text = json.dumps(named, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def with_current_names(given: Any) -> Any:
    """A configuration as read from a file, with :data:`RENAMED` sections and options renamed.

    >>> with_current_names({"hearing": {"recogniser": {"model": "small"}}})
    {'transcription': {'asr': {'model': 'small'}}}
    """
    for place, name in RENAMED.items():
        given = _renamed(given, place.split("."), name)
    return given


def _renamed(given: Any, place: list[str], name: str) -> Any:
    """``given`` with the key at ``place`` called ``name``, unless it has both."""
    first, *rest = place
    if not isinstance(given, dict) or first not in given:
        return given
    if rest:
        return {**given, first: _renamed(given[first], rest, name)}
    if name in given:
        return given
    return {name if key == first else key: value for key, value in given.items()}


def load(path: Path | None, *, overrides: dict[str, Any] | None = None) -> Config:
    """Read a configuration file and lay command-line options over it.

    Args:
        path: YAML; None for the defaults.
        overrides: dotted names to values, such as ``transcription.asr.model``; None values
            are passed over.

    Raises:
        UsageError: the file cannot be read or says something unknown.
    """
    raw: Any = {}
    if path is not None:
        try:
            raw = yaml.safe_load(text_of(path.read_bytes())) or {}
        except FileNotFoundError as error:
            raise UsageError(f"configuration {path} does not exist; check the path") from error
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise UsageError(f"configuration {path} cannot be read: {error}") from error
        if not isinstance(raw, dict):
            raise UsageError(
                f"configuration {path} must be a mapping of sections, such as "
                "`batch: {timezone: Asia/Shanghai}`; see docs/configuration.md"
            )
    raw = with_current_names(raw)
    for name, value in (overrides or {}).items():
        if value is None:
            continue
        node = raw
        *parents, last = name.split(".")
        for parent in parents:
            if node.get(parent) is None:
                node[parent] = {}
            node = node[parent]
            if not isinstance(node, dict):
                break  # which validation will name
        else:
            node[last] = value
    try:
        return Config.model_validate(raw)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(str(part) for part in e['loc'])}: {_said(e)}" for e in error.errors()
        )
        where = "the command line's options" if path is None else f"configuration {path}"
        raise UsageError(
            f"{where}: {problems}; docs/configuration.md lists the settings"
        ) from error


def _said(error: ErrorDetails) -> str:
    if error["type"] == "extra_forbidden":
        current = RENAMED.get(".".join(map(str, error["loc"])))
        if current is not None:  # with_current_names leaves it where both are given
            return f"this is the earlier name of {current}, which is given as well; keep one"
        return "there is no such setting"
    if error["type"] == "hidden":  # what was given may hold a password
        return error["msg"]
    said = error["msg"].removeprefix("Value error, ").replace("Input should be", "it must be")
    given = error["input"]
    return f"{said}, not {given!r}" if isinstance(given, str | int | float) else said
