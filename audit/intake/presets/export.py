"""Joins what a system exports to its recordings: one row for each recording, by our columns.

An export describes calls, and few of them name their recordings by a path. So the recordings are
what is planned, and the row of each is found by what its name has in common with the export.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from audit.intake import columns
from audit.intake.manifest_options import ManifestOptions
from audit.intake.presets import Preset
from audit.intake.presets.names import Cells
from audit.intake.presets.systems import SYSTEMS, System
from audit.intake.sheets import Row


@dataclass(frozen=True, slots=True)
class Joined:
    """The rows of a night's recordings."""

    rows: list[Row]
    """By our columns, each with ``file``."""
    without_row: frozenset[str]
    """Recordings whose call the export does not have."""
    left_out: int
    """Recordings that are not of calls, or are copies."""
    unrecorded: int
    """Calls of the export that have no recording."""


def join(
    preset: Preset,
    options: ManifestOptions,
    names: Sequence[str],
    exported: Sequence[Cells],
    *,
    known: Collection[str],
) -> Joined:
    """Join recordings to the rows of their calls.

    Args:
        preset: the system.
        options: the preset's, with what the user sets laid over it.
        names: the recordings, relative to their root.
        exported: rows by the system's columns.
        known: our columns.

    Raises:
        UsageError: a column that the options name is not there.
    """
    system = SYSTEMS.get(preset.name, System())
    by_key: dict[str, list[Cells]] = defaultdict(list)
    for row in exported:
        by_key[system.row_key(_call_id(row, options))].append(row)
    keys = {name: system.key(name) for name in names}
    copies = {name for name in names if preset.copies and re.search(preset.copies, name)}
    originals = {keys[name] for name in names if name not in copies}
    rows: list[Cells] = []
    without, left_out = set(), 0
    for name, key in keys.items():
        found = by_key.get(key, [])
        cells = system.call(found, name)
        if cells is None or (name in copies and key in originals):
            left_out += 1
            continue
        if exported and not found:
            without.add(name)
        rows.append({"call_id": key, **cells, **preset.always, "file": name})
    unrecorded = len(by_key.keys() - set(keys.values()))
    return Joined(_ours(rows, options, known), frozenset(without), left_out, unrecorded)


def _call_id(row: Mapping[str, str], options: ManifestOptions) -> str:
    given = options.columns.get("call_id", "call_id")
    names = (given,) if isinstance(given, str) else given
    return next((row[name] for name in names if row.get(name)), "")


def _ours(rows: Sequence[Cells], options: ManifestOptions, known: Collection[str]) -> list[Row]:
    """The rows by our columns: from the system's, and where those are empty as worked out."""
    header = list(dict.fromkeys(name for row in rows for name in row))
    choice = columns.choose(header, options, known)
    ours = []
    for number, row in enumerate(rows, start=1):
        cells = choice.of([row.get(name, "") for name in header])
        worked_out = {name: row[name] for name in known if name in row and not cells.get(name)}
        ours.append(Row(number, {**cells, **worked_out}))
    return ours
