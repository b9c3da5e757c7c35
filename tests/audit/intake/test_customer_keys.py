"""Customers' numbers are hashed as manifests and names are read, each of them once."""

from __future__ import annotations

import random
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

from audit.intake import manifests
from audit.intake.manifest_options import ManifestOptions
from audit.intake.recordings import Plan, plan
from audit.intake.roots import open_root
from audit.privacy import customers
from tests.timing import ratio

NUMBER, OTHER = "13912345678", "13787654321"
KEY = b"k" * 32


def planned(root: Path | None, manifest: Path | None, customer: Any, **options: Any) -> Plan:
    return plan(
        None if root is None else open_root(str(root)),
        manifest=None if manifest is None else str(manifest),
        timezone="Asia/Shanghai",
        rulebooks=("hotline",),
        max_bytes=1 << 20,
        today=date(2026, 11, 20),
        options=ManifestOptions(**options),
        customer=customer,
    )


def hashed(given: str) -> str | None:
    return customers.hashed(given, KEY)


def test_each_number_is_hashed_once_and_every_one_that_was_cut_is_told(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    numbers = [NUMBER, "1.39E+10", OTHER, NUMBER, "", "1.39E+10", "匿名", NUMBER]
    lines = [f"{at}.wav,2001,2026-11-16T09:00:00,{number}" for at, number in enumerate(numbers)]
    path.write_text("\n".join(["file,agent_id,started_at,customer_key", *lines]), "utf-8")
    asked: Counter[str] = Counter()

    def counted(given: str) -> str | None:
        asked[given] += 1
        return hashed(given)

    result = planned(None, path, counted)
    assert asked == {NUMBER: 1, OTHER: 1, "匿名": 1}
    assert {one.source_file: one.customer_key for one in result.recordings} == {
        **dict.fromkeys(("0.wav", "3.wav", "7.wav"), hashed(NUMBER)),
        "2.wav": hashed(OTHER),
        **dict.fromkeys(("4.wav", "6.wav"), None),
    }
    told = {one.source_file: one.detail for one in result.rejects}
    assert told.keys() == {"1.wav", "5.wav"}
    assert all("customer_key must be written in full" in detail for detail in told.values())
    assert "1.39E" not in repr(result)


def test_numbers_in_names_of_files_are_hashed_too(tmp_path: Path) -> None:
    name = f"q-600-{NUMBER}-2001-1794790920.wav"
    (tmp_path / name).write_bytes(b"RIFF")
    pattern = "{_}-{queue}-{customer_key}-{agent_id}-{time:unix}"
    (recording,) = planned(tmp_path, None, hashed, file_name=pattern).recordings
    assert (recording.agent_id, recording.customer_key) == ("2001", hashed(NUMBER))
    assert NUMBER not in repr(recording).replace(name, "").replace(name[:-4], "")


def test_hashing_takes_no_longer_than_reading_the_manifest(tmp_path: Path) -> None:
    """It took twice as long when rows were copied and each number was normalised in full."""
    drawn = random.Random(1)
    numbers = [f"13{drawn.randrange(10**9):09}" for _ in range(8000)]
    lines = [
        f"{at}.wav,{at // 80},2026-11-16T09:00:00,in,{drawn.choice(numbers)}" for at in range(10000)
    ]
    path = tmp_path / "m.csv"
    path.write_text("\n".join(["file,agent_id,started_at,direction,customer_key", *lines]), "utf-8")
    took = ratio(
        lambda: manifests.without_numbers(manifests.opened(str(path)).rows, hashed),
        lambda: manifests.opened(str(path)),
    )
    assert took < 2.5  # 3.2 at that time
