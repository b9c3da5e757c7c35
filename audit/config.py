"""Configuration: defaults, a YAML file, and what it may say."""

from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_core import ErrorDetails

from audit.errors import UsageError
from audit.intake import manifests
from audit.language.encoding import text_of
from audit.privacy.entities import Private
from audit.transcription import media
from audit.transcription.activity import SpeechOptions
from audit.transcription.diarization import DiarisationOptions
from audit.transcription.turns import TurnOptions
from audit.transcription.windows import PackingOptions
from audit.types import RawForm

Engine = Literal["auto", "faster-whisper", "openai-whisper"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RecogniserConfig(_Strict):
    """Which Whisper, and how it decodes."""

    engine: Engine = "auto"
    model: str = "base"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    beam_size: int = Field(5, ge=1, le=20)
    batch_size: int = Field(2, ge=1, le=128)
    threads: int = Field(0, ge=0)


class HearingConfig(_Strict):
    """From audio to turns. Whatever changes here makes transcripts anew."""

    recogniser: RecogniserConfig = RecogniserConfig()
    speech: SpeechOptions = SpeechOptions()
    packing: PackingOptions = PackingOptions()
    turns: TurnOptions = TurnOptions()
    diarisation: DiarisationOptions = DiarisationOptions()
    agent_channel: Literal[0, 1] | None = None
    """The agent's channel in all recordings; None where that is not known: 0 is then a guess."""
    role_confidence: float = Field(0.9, ge=0.5, le=1)
    """Least probability at which agent and customer count as told apart."""


class StagesConfig(_Strict):
    """How turns get their stages. Transcripts stay what they are."""

    model: Path | None = None
    """An artifact of ``callaudit train stages``; None for the model that ships."""


class AudioConfig(_Strict):
    """How recordings are read that do not tell it themselves."""

    headerless: dict[str, RawForm] = {}
    """Form of files without a header, by the ending of their name, beside ``media.RAW_FORMS``."""

    @field_validator("headerless")
    @classmethod
    def _endings(cls, given: dict[str, RawForm]) -> dict[str, RawForm]:
        endings = {"." + ending.strip().removeprefix(".").lower(): ending for ending in given}
        for ending, written in endings.items():
            if not re.fullmatch(r"\.[a-z0-9_-]+", ending):
                raise ValueError(f"{written!r} is no ending of a file's name, such as .sln")
        return {ending: given[written] for ending, written in endings.items()}

    @property
    def raw_forms(self) -> dict[str, RawForm]:
        """The form of files without a header, by ending, defaults included."""
        return {**media.RAW_FORMS, **self.headerless}


class LimitsConfig(_Strict):
    """What is too short, too long or too large to be audited."""

    min_duration_s: float = Field(1.0, ge=0)
    max_duration_s: float = Field(6 * 3600, gt=0)
    max_bytes: int = Field(2 << 30, gt=0)


class BatchConfig(_Strict):
    """How a night is cut up."""

    shard_size: int = Field(25, ge=1, le=1000)
    workers: int | None = Field(None, ge=1)
    """Processes on this machine that hear recordings; None for what its cores and memory carry."""
    dask_scheduler: str | None = None
    """Address of a Dask cluster that hears instead, such as ``tcp://10.0.0.5:8786``."""
    timezone: str = "Asia/Shanghai"
    """Whose clock tells a call's night and when a schedule runs; and of times without an offset."""
    rulebook: str = "hotline"
    """Rulebook of calls whose manifest row names none."""
    timeout_s: float = Field(300, gt=0)
    """Hard limit for fetching and decoding one recording, and again for hearing it."""
    timeout_per_s: float = Field(5, ge=0)
    """What is added to the limit for hearing, for each second of the recording."""
    tries: int = Field(3, ge=1, le=20)
    """How often a recording is tried that hangs or kills the process that hears it."""
    memory_mb: int | None = Field(None, ge=500)
    """Most memory that the process that hears recordings may take; None for no limit."""
    bundle_audio: bool = False
    """Copy every recording beside the pages, as Opus."""

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


class PrivateConfig(_Strict):
    """What becomes of customers' data: numbers, names, addresses that are said in calls."""

    mode: Private = "mask"
    """Kept in tables and pages; masked there and kept in the private store; masked and dropped."""
    keep_days: int | None = Field(None, ge=0)
    """Nights after which a run takes full transcripts out of the private store; None for never."""


class ScheduleConfig(_Strict):
    """When ``callaudit schedule`` runs the night."""

    cron: str = "0 1 * * *"
    catch_up_nights: int = Field(7, ge=1, le=366)
    """How many nights back missed ones are made up for."""
    settle_s: float = Field(120, ge=0)
    """Recordings written to within so many seconds are left for the next night's run."""


class Config(_Strict):
    """Everything that can be set."""

    hearing: HearingConfig = HearingConfig()
    stages: StagesConfig = StagesConfig()
    audio: AudioConfig = AudioConfig()
    limits: LimitsConfig = LimitsConfig()
    batch: BatchConfig = BatchConfig()
    schedule: ScheduleConfig = ScheduleConfig()
    private: PrivateConfig = PrivateConfig()

    def hearing_fingerprint(self, *, engine: str, model_sha256: str | None) -> str:
        """Hash of all that decides what a transcript looks like, the audio itself left out."""
        hearing = self.hearing.model_dump(mode="json")
        del hearing["recogniser"]["engine"], hearing["recogniser"]["threads"]
        del hearing["recogniser"]["device"], hearing["recogniser"]["batch_size"]
        named = {
            "engine": engine,
            "model": model_sha256 or hearing["recogniser"]["model"],
            "hearing": hearing,
            "limits": self.limits.model_dump(mode="json"),
        }
        text = json.dumps(named, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def load(path: Path | None, *, overrides: dict[str, Any] | None = None) -> Config:
    """Read a configuration file and lay command-line options over it.

    Args:
        path: YAML; None for the defaults.
        overrides: dotted names to values, such as ``hearing.recogniser.model``; None values
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
        return "there is no such setting"
    said = error["msg"].removeprefix("Value error, ").replace("Input should be", "it must be")
    given = error["input"]
    return f"{said}, not {given!r}" if isinstance(given, str | int | float) else said
