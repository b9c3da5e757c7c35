"""Reasons in the tables and in stored transcripts, of this version and of earlier ones."""

from __future__ import annotations

import json
from pathlib import Path

from audit.reasons import because, verbatim
from audit.types import Channels, Origin, Transcript
from reports.store import Store, reasons

LONG = because("hold.too_long", waited_s=75.25, limit_s=60.0)
BUT = because("but", finding=LONG, doubt=because("words.unreadable"))


def test_findings_have_the_sentence_the_id_and_the_values() -> None:
    row = reasons.of_finding(BUT)
    assert row["reason"] == "客户等待 75.2 秒，超过 60 秒，但这里有话没有识别出来，或者不是普通话"
    assert row["reason_id"] == "but"
    assert reasons.finding_reason(row) == BUT
    assert reasons.of_finding(because("hold.announced"))["reason_values"] is None


def test_a_sentence_without_an_id_or_with_one_of_a_later_version_is_read_as_it_is() -> None:
    assert reasons.finding_reason({"reason": "没有说到"}) == verbatim("没有说到")
    later = {"reason": "没有说到", "reason_id": "of.later", "reason_values": None}
    assert reasons.finding_reason(later) == verbatim("没有说到")
    inside = {
        "finding": {"id": "of.later", "values": {}},
        "doubt": {"id": "no_times", "values": {}},
    }
    for reason_id, values in (("but", inside), ("hold.too_long", {"of_later": 1})):
        row = {"reason": "没有说到", "reason_id": reason_id, "reason_values": json.dumps(values)}
        assert reasons.finding_reason(row) == verbatim("没有说到")


def test_doubts_of_earlier_tables_come_once_when_judged_again() -> None:
    known = because("words.unread", count=3)
    row = reasons.of_doubts([known])
    assert reasons.doubts(row) == (known,)
    earlier = reasons.doubts({"doubts": row["doubts"], "doubt_ids": None})
    assert earlier == (verbatim(row["doubts"][0]),)
    assert reasons.of_doubts([*earlier, known]) == row
    assert reasons.doubts({"doubts": []}) == ()


def test_transcripts_keep_reasons_and_those_of_before_are_still_read(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.private.prepare()
    origin = Origin(None, None, None, None)
    transcript = Transcript((), Channels.TEXT, origin, doubts=(LONG, BUT))
    store.transcripts.save("a-now", transcript)
    assert store.transcripts.load("a-now") == transcript
    kept = json.loads(store.private.read("a-now") or b"")
    store.private.write("a-then", json.dumps(kept | {"doubts": ["录音有损坏"]}).encode())
    earlier = store.transcripts.load("a-then")
    assert earlier is not None and earlier.doubts == (verbatim("录音有损坏"),)
