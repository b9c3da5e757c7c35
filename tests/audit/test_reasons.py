"""Reasons as data: to JSON and back, and with their texts changed."""

from __future__ import annotations

import json

from audit.reasons import AGENT, because, from_data, to_data, verbatim

NESTED = because(
    "but",
    finding=because("listening.asked_again", item=verbatim("手机号码"), answer="139"),
    doubt=because("interruption.none_but", others=(because("x", count=2, overlap_s=1.0), AGENT)),
)


def test_a_reason_comes_back_from_json_as_it_was() -> None:
    data = json.loads(json.dumps(to_data(NESTED.values), ensure_ascii=False))
    assert from_data(NESTED.id, data) == NESTED
    assert hash(from_data(NESTED.id, data)) == hash(NESTED)


def test_texts_are_changed_wherever_they_are_and_numbers_are_not() -> None:
    marked = NESTED.map_text(lambda text: f"<{text}>")
    assert marked == because(
        "but",
        finding=because("listening.asked_again", item=verbatim("<手机号码>"), answer="<139>"),
        doubt=NESTED.values[1][1],
    )
