"""Amazon Transcribe Call Analytics: the output of a job after a call; Contact Lens as well.

Source: https://docs.aws.amazon.com/transcribe/latest/dg/tca-output-batch.html (``Transcript`` with
``ParticipantRole``, ``Content``, ``BeginOffsetMillis``, ``EndOffsetMillis``; ``JobStatus``;
``ConversationCharacteristics.TotalConversationDurationMillis``). ``Items`` with ``Type``,
``Content``, ``Confidence`` (number or text) and times, and ``JobName``: AWS's own reader,
https://github.com/aws-samples/amazon-transcribe-output-word-document. Contact Lens has
``ParticipantId`` instead and ``Participants`` with their roles: "Example Contact Lens
conversational analytics output files for a call" in the administrator guide of Amazon Connect.
Call Analytics takes only recordings with a channel for each of two participants.
"""

from __future__ import annotations

from collections.abc import Mapping

from audit.intake.foreign.fields import MILLISECONDS, Item, Piece, Unreadable, turn, word

ENGINE = "aws-transcribe"

_ROLES = {"AGENT": "agent", "CUSTOMER": "customer"}
_DONE = "COMPLETED"


def matches(value: Mapping[str, object]) -> bool:
    """Whether it is Amazon's, even if it is no analysed call."""
    turns = value.get("Transcript")
    if isinstance(turns, list):
        signs = {"JobStatus", "Participants", "ConversationCharacteristics", "LanguageCode"}
        first = turns[0] if turns and isinstance(turns[0], Mapping) else {}
        return bool(signs & value.keys() or {"ParticipantRole", "ParticipantId"} & first.keys())
    return "CallAnalyticsJob" in value or "JobStatus" in value or _is_plain(value)


def name_of(value: Mapping[str, object]) -> str | None:
    """The job's name, or the contact or session."""
    whole = Item(value)
    contact = whole.item("CustomerMetadata").label("ContactId")
    return whole.label("JobName") or contact or whole.label("SessionId")


def _is_plain(value: Mapping[str, object]) -> bool:
    results = value.get("results")
    return isinstance(results, Mapping) and "transcripts" in results


def read(value: Mapping[str, object]) -> Piece:
    """Our line of an analysed call.

    Raises:
        Unreadable: the job has failed or is at work, it is not of Call Analytics, or it lacks
            turns, roles or times.
    """
    if _is_plain(value):
        raise Unreadable(
            "it is of Amazon Transcribe, not of its Call Analytics, and does not say who the agent "
            "is; run a Call Analytics job for the recording"
        )
    result = Item(value)
    job = result.item("CallAnalyticsJob")
    status = result.label("JobStatus") or job.label("CallAnalyticsJobStatus")
    if status and status != _DONE:
        why = result.label("FailureReason") or job.label("FailureReason")
        raise Unreadable(
            f"the job's status is {status}{f' ({why[:200]})' if why else ''}; audit it when it is "
            f"{_DONE}"
        )
    if not isinstance(value.get("Transcript"), list):
        raise Unreadable("it names where the transcript is; download that file and audit it")
    roles = {
        who: one.label("ParticipantRole")
        for one in result.items("Participants")
        if (who := one.label("ParticipantId"))
    }
    turns = [_turn(one, roles) for one in result.items("Transcript")]
    if not turns:
        raise Unreadable("its Transcript is empty; audit only calls in which somebody speaks")
    total = result.item("ConversationCharacteristics")
    name = "TotalConversationDurationMillis"
    return {
        "channels_apart": True,
        "duration_s": total.seconds(name, MILLISECONDS) if total.has(name) else None,
        "turns": turns,
    }


def _turn(said: Item, roles: Mapping[str, str | None]) -> Piece:
    participant = said.label("ParticipantId")
    who = said.label("ParticipantRole") or roles.get(participant or "") or participant
    if who is None:
        raise Unreadable(
            f"{said.path('ParticipantRole')} is missing; export the call with its participants"
        )
    return turn(
        said.text("Content"),
        _times(said),
        who,
        role=_ROLES.get(who.upper(), "unknown"),
        words=[
            word(one.text("Content"), *_times(one), _confidence(one))
            for one in said.items("Items")
            if one.label("Type") == "pronunciation"
        ],
    )


def _times(item: Item) -> tuple[float, float]:
    begin, end = "BeginOffsetMillis", "EndOffsetMillis"
    return item.seconds(begin, MILLISECONDS), item.seconds(end, MILLISECONDS)


def _confidence(item: Item) -> float | None:
    """Of a word, or of the redaction in its place."""
    if item.has("Confidence"):
        return item.probability("Confidence")
    redactions = item.items("Redaction")
    return redactions[0].probability("Confidence") if redactions else None
