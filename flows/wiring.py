"""The one place where the domain is given its models."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from audit import pipeline
from audit.rulebooks.rulebook import Rulebook
from audit.types import AuditedCall, Call
from flows.lineage import code_sha256


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
    audited = pipeline.judge(call, rulebook, stage_model=stage_model, staged_by=staged_by)
    return replace(audited, code_sha256=code_sha256())
