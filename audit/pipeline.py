"""The judging half of the product: a transcript in, findings and a score out.

The other half is :func:`audit.transcription.transcribe`. Only that one is slow and needs audio, so
calls can be judged again from their stored transcripts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from audit import rules, scoring, stages
from audit.ports import JudgingModels, Punctuator
from audit.rulebooks import Rulebook
from audit.rules import disposition, reliance
from audit.rules.base import Context
from audit.types import AuditedCall, Call, Turn


def judge(
    call: Call,
    rulebook: Rulebook,
    *,
    models: JudgingModels,
    staged_by: tuple[str | None, str | None] | None = None,
) -> AuditedCall:
    """Give turns their stages and, for readers, their punctuation; evaluate every rule; score.

    Args:
        call: with its transcript.
        rulebook: whose rules and cues count.
        models: classify stages and the meaning of words, set punctuation.
        staged_by: hashes of the model and the cues by which this same code gave the turns the
            stages that they have; these are kept if model and cues are still the same.
    """
    classified_by = stages.model_and_cues_sha256(rulebook.stages, models.stages)
    if staged_by != classified_by:
        staged = stages.assign(call.turns, cues=rulebook.stages, model=models.stages)
        call = replace(call, transcript=replace(call.transcript, turns=staged))
    came_out = disposition.classify(call, rulebook.dispositions)
    context = Context(rulebook.cues, models)
    findings = tuple(rules.evaluate(call, rulebook.rules, context, came_out=came_out))
    doubts = call.transcript.doubts
    doubts += tuple(doubt for doubt in reliance.doubts(call) if doubt not in doubts)
    turns = call.turns
    if staged_by is None or any(turn.marks is None for turn in turns):
        turns = _punctuated(turns, models.punctuation)
    call = replace(call, transcript=replace(call.transcript, turns=turns, doubts=doubts))
    return AuditedCall(
        call=call,
        findings=findings,
        scorecard=scoring.score(findings, rulebook),
        disposition=came_out,
        rulebook_id=rulebook.id,
        rulebook_sha256=rulebook.sha256,
        stages_sha256=classified_by[0],
        cues_sha256=classified_by[1],
    )


def _punctuated(turns: Sequence[Turn], punctuator: Punctuator) -> tuple[Turn, ...]:
    """The turns with the marks that they lack; what is unintelligible stays as it is."""
    texts = ["" if turn.unintelligible else turn.text for turn in turns]
    return tuple(
        replace(turn, marks=marks)
        for turn, marks in zip(turns, punctuator.marks(texts), strict=True)
    )
