"""Whether a change of the code leaves every table as it was.

``python -m tests.benchmarks.same_tables draw 1000 FILE.jsonl`` draws transcripts from the project's
own dialogues: turns of several are mixed, some lose their times, and every rulebook judges its
share. Audit them, and recordings, with the code before and after. Then
``python -m tests.benchmarks.same_tables compare BEFORE AFTER`` names the rows in which two output
folders differ. Hashes and ids of code, run and schema, where recordings were, and columns that only
one side has are left aside.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

DIALOGUES = Path("data_samples/dialogues")
SENTENCES = Path("data_samples/sentences/test.jsonl")
RULEBOOKS = (None, "network-ops", "customer-service", "field-service", "hotline", "after-sales")

KEYS = {
    "calls": ["call_id"],
    "turns": ["call_id", "turn_index"],
    "findings": ["finding_id"],
    "agents": ["agent_id", "audit_date"],
    "rejects": ["source_file"],
}
LEFT_ASIDE = {
    "run_id",
    "schema_version",
    "code_sha256",
    "audit_version",
    "rulebook_sha256",
    "stages_sha256",
    "cues_sha256",
    "tariff_sha256",
    "audited_at",
    "transcript_id",
    "source_uri",
}


def draw(count: int, target: Path, *, seed: int = 20261128) -> None:
    """Write so many transcripts, one a line."""
    chance = random.Random(seed)
    calls = [
        json.loads(line)
        for name in ("listening", "stages_validation", "stages_test")
        for line in (DIALOGUES / f"{name}.jsonl").read_text("utf-8").splitlines()
    ]
    sentences = [json.loads(line)["text"] for line in SENTENCES.read_text("utf-8").splitlines()]
    with target.open("w", encoding="utf-8") as out:
        for number in range(count):
            turns = list(_turns(chance, calls, sentences))
            call: dict[str, Any] = {
                "call_id": f"drawn-{number:04d}",
                "agent_id": str(chance.randint(2001, 2020)),
                "started_at": f"2026-11-{chance.randint(1, 28):02d}T09:00:00",
                "direction": chance.choice(["in", "in", "out"]),
                "turns": turns,
            }
            if rulebook := chance.choice(RULEBOOKS):
                call["rulebook"] = rulebook
            if chance.random() < 0.3:
                call["answer_wait_s"] = round(chance.uniform(2, 40), 1)
            out.write(json.dumps(call, ensure_ascii=False) + "\n")


def _turns(
    chance: random.Random, calls: list[dict[str, Any]], sentences: list[str]
) -> Iterator[dict[str, Any]]:
    """The turns of one call, or of two one after the other, some without times or out of place.

    Some of the agent's are ``sentences``, rude ones among them.
    """
    chosen, end = chance.sample(calls, chance.choice([1, 1, 2])), 0.0
    timed = chance.random() < 0.9 and all("start_s" in turn for c in chosen for turn in c["turns"])
    for call in chosen:
        begin = end
        for turn in call["turns"]:
            said = {"role": turn["role"], "text": turn["text"]}
            if chance.random() < 0.05:
                other = chance.choice(chance.choice(calls)["turns"])
                said = {"role": other["role"], "text": other["text"]}
            elif said["role"] == "agent" and chance.random() < 0.05:
                said["text"] = chance.choice(sentences)
            if timed:
                shift = begin - (1.5 if chance.random() < 0.05 else 0)
                said["start_s"] = round(max(0, turn["start_s"] + shift), 2)
                said["end_s"] = round(max(said["start_s"], turn["end_s"] + shift), 2)
                end = max(end, said["end_s"])
            yield said


def compare(before: Path, after: Path) -> int:
    """Print each table's rows and how many differ; returns the number that do."""
    differing = 0
    for table, key in KEYS.items():
        if not any((folder / "parquet" / table).is_dir() for folder in (before, after)):
            continue
        old, new = (_rows(folder, table, key) for folder in (before, after))
        columns = [name for name in old.columns if name in new.columns and name not in LEFT_ASIDE]
        lost, gained = old.index.difference(new.index), new.index.difference(old.index)
        common = old.index.intersection(new.index)
        changed = {
            name: [at for at in common if _text(old.at[at, name]) != _text(new.at[at, name])]
            for name in columns
        }
        rows = {at for places in changed.values() for at in places}
        differing += len(lost) + len(gained) + len(rows)
        dropped = sorted(set(old.columns) - set(new.columns))
        added = sorted(set(new.columns) - set(old.columns))
        print(
            f"{table}: {len(old)} rows before, {len(new)} after, {len(lost)} lost, "
            f"{len(gained)} gained, {len(rows)} changed"
            f"{f'; columns dropped: {dropped}' if dropped else ''}"
            f"{f'; added: {added}' if added else ''}"
        )
        for at in [*lost[:5], *gained[:5]]:
            print("  only on one side:", at)
        for name, places in changed.items():
            for at in places[:3]:
                print(f"  {name} of {at}: {old.at[at, name]!r} became {new.at[at, name]!r}")
    return differing


def _rows(folder: Path, table: str, key: list[str]) -> pd.DataFrame:
    frame = pd.read_parquet(folder / "parquet" / table)
    for name in key:
        frame[name] = frame[name].astype(str)
    return frame.set_index(key if len(key) > 1 else key[0]).sort_index()


def _text(value: object) -> str:
    return repr(value.tolist()) if hasattr(value, "tolist") else repr(value)


def main() -> None:
    """Draw, or compare; ends with 1 where rows differ."""
    match sys.argv[1:]:
        case ["draw", count, target]:
            draw(int(count), Path(target))
        case ["compare", before, after]:
            sys.exit(1 if compare(Path(before), Path(after)) else 0)
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
