"""The one place where the domain is given its models.

What only judging needs is imported when something is judged: other processes do not.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from audit import rulebooks
from audit.config import Config, TranscriptionConfig
from audit.ports import AsrEngine, JudgingModels, TranscriptionModels
from audit.types import AuditedCall, Call
from flows import hotwords
from flows.lineage import code_sha256
from models.asr import engines
from models.text import roles, stages
from models.voice import embeddings, pyannote, vad

if TYPE_CHECKING:
    from audit.intake.foreign.speakers import RoleTerms
    from audit.rulebooks import Rulebook


def check(config: Config) -> engines.Choice:
    """Make sure, before a night begins, that all models can be used as configured.

    Returns:
        The speech recognition engine that will run, and its weights.

    Raises:
        UsageError: what is installed or configured for them cannot be used.
        ServiceUnavailable: the service that is to transcribe does not answer.
    """
    choice = engines.check(hotwords.with_names(config).transcription.asr)
    if choice.engine == "openai-compatible":
        from models.asr import service

        service.check(config)
    embeddings.check()
    if config.transcription.diarization.pyannote is not None:
        pyannote.check(config.transcription.diarization.pyannote)
    if config.stages.model is not None:
        stages.load(config.stages.model)
    return choice


def asr_engine(config: TranscriptionConfig) -> AsrEngine:
    """The configured speech recognition engine, loaded once per process.

    Raises:
        UsageError: the engine or its weights cannot be loaded.
    """
    return engines.load(config.asr)


def transcription_models(config: TranscriptionConfig) -> TranscriptionModels:
    """All that transcribing needs, loaded once per process.

    Raises:
        UsageError: a model cannot be loaded.
    """
    pipeline_file = config.diarization.pyannote
    return TranscriptionModels(
        asr=asr_engine(config),
        vad=vad.speech_probabilities,
        roles=roles,
        embedder=None if embeddings.weights() is None else embeddings.EMBEDDER,
        diarizer=None if pipeline_file is None else pyannote.load(pipeline_file),
    )


def role_terms(config: TranscriptionConfig) -> RoleTerms:
    """By what agent and customer are told apart in transcripts that do not say."""
    from audit.intake.foreign.speakers import RoleTerms

    return RoleTerms(roles, config)


def judging_models(stage_model: Path | None = None) -> JudgingModels:
    """All that judging needs.

    Args:
        stage_model: an artifact of ``callaudit train stages``; None for the one that ships.

    Raises:
        UsageError: there is no such model of stages.
    """
    from models.text import acts, endings, forbidden, punctuation

    return JudgingModels(
        stages=stages.load(stage_model),
        wording=forbidden,
        acts=acts,
        endings=endings,
        punctuation=punctuation,
    )


def judge(
    call: Call,
    rulebook: Rulebook,
    *,
    stage_model: Path | None = None,
    staged_by: tuple[str | None, str | None] | None = None,
) -> AuditedCall:
    """Judge a call with the models that are installed, see :func:`audit.pipeline.judge`.

    Args:
        call: as transcribed.
        rulebook: whose rules and cues count.
        stage_model: an artifact of ``callaudit train stages``; None for the one that ships.
        staged_by: hashes of the model and the cues by which this same code gave the turns the
            stages that they have.

    Raises:
        UsageError: there is no such model of stages.
    """
    from audit import pipeline

    models = judging_models(stage_model)
    audited = pipeline.judge(call, rulebook, models=models, staged_by=staged_by)
    return replace(audited, code_sha256=code_sha256())


def rehearse(rulebook_id: str) -> None:
    """Judge two lines by a rulebook, so that all that judging loads is loaded.

    Args:
        rulebook_id: of a shipped rulebook, or the path of one.

    Raises:
        UsageError: the rulebook cannot be used.
    """
    from audit.rulebooks import examples

    rulebook = rulebooks.load(rulebook_id)
    lines = ("客服: 您好，请问有什么可以帮您", "客户: 没事了，再见")
    call = examples.as_call(lines, rulebook, model=judging_models().stages)
    judge(call, rulebook)
