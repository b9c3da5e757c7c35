"""Alibaba Cloud's analysis of conversations (智能对话分析): what GetResult returns.

Source: ``GetResultResponseBody`` of alibabacloud-qualitycheck20190115 10.1.0, and
https://help.aliyun.com/document_detail/456547.html (GetResultToReview) for the units and values.
``Data.ResultInfo`` lists calls: ``AsrResult`` with ``Role`` (客服 or 客户), ``Words`` (the text),
``Begin`` and ``End`` in milliseconds; ``Agent`` with ``Id`` and ``Name``; ``Recording`` with
``CallId``. GetResultToReview has the same sentences as ``Data.Dialogues``. There are no times of
words and no probabilities, and the file does not say whether the roles had a channel each.
"""

from __future__ import annotations

from collections.abc import Mapping

from audit.intake.foreign.fields import MILLISECONDS, Item, Piece, Unreadable, turn

ENGINE = "aliyun"

_ROLES = {"客服": "agent", "客户": "customer"}


def matches(value: Mapping[str, object]) -> bool:
    """Whether it is a call of the analysis, or an answer with an error."""
    data = value.get("Data")
    listed = isinstance(data, Mapping) and bool({"ResultInfo", "Dialogues"} & data.keys())
    return listed or "AsrResult" in value or {"Code", "Success", "RequestId"} <= value.keys()


def name_of(value: Mapping[str, object]) -> str | None:
    """The recording's call."""
    return _call(Item(value)).item("Recording").label("CallId")


def _call(whole: Item) -> Item:
    return whole.item("Data") if whole.has("Data") else whole


def calls(value: Mapping[str, object]) -> list[object]:
    """The calls of an answer, one after another."""
    data = value.get("Data")
    listed = data.get("ResultInfo") if isinstance(data, Mapping) else None
    if not isinstance(listed, list) or not listed:
        return [value]
    return [{"AsrResult": None, **one} if isinstance(one, Mapping) else one for one in listed]


def read(value: Mapping[str, object]) -> Piece:
    """Our line of a call.

    Raises:
        Unreadable: the service answered with an error, or it lacks sentences or times.
    """
    whole = Item(value)
    if value.get("Success") is False:
        said = ": ".join(filter(None, (whole.label("Code"), whole.label("Message"))))
        raise Unreadable(f"the service answered with an error ({said[:200]}); ask for it again")
    call = _call(whole)
    sentences = _listed(call, "AsrResult", "AsrResult") or _listed(call, "Dialogues", "Dialogue")
    if not sentences:
        why = call.label("ErrorMessage")
        raise Unreadable(
            f"it has no sentences{f' ({why[:200]})' if why else ''}; audit it when the analysis is "
            "done"
        )
    agent = call.item("Agent")
    return {
        "agent_id": agent.label("Id"),
        "agent_name": agent.label("Name"),
        "channels_apart": False,
        "turns": [_turn(sentence) for sentence in sentences],
    }


def _listed(call: Item, name: str, inner: str) -> list[Item]:
    """A list, or the same in an object, as the SDKs of this API have lists."""
    return call.items(name) or call.item(name).items(inner)


def _turn(sentence: Item) -> Piece:
    who = sentence.label("Role", "Identity")
    if who is None:
        raise Unreadable(f"{sentence.path('Role')} is missing; export the call with its roles")
    return turn(
        sentence.text("Words"),
        (sentence.seconds("Begin", MILLISECONDS), sentence.seconds("End", MILLISECONDS)),
        who,
        role=_ROLES.get(who, "unknown"),
    )
