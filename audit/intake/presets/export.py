"""Joins what a system exports to its recordings: one row for each recording, by our columns.

An export describes calls, and few of them name their recordings by a path. So the recordings are
what is planned, and the row of each is found by what its name has in common with the export.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from audit.errors import RejectedRecording, RejectReason, UsageError
from audit.intake import columns, manifests, presets
from audit.intake.columns import Choice
from audit.intake.manifest_options import ManifestOptions
from audit.intake.presets import Preset, reading
from audit.intake.presets.names import Cells
from audit.intake.presets.systems import SYSTEMS, System
from audit.intake.roots import Root
from audit.intake.sheets import Row, Table
from audit.types import Recording


@dataclass(frozen=True, slots=True)
class Joined:
    """The rows of a night's recordings."""

    preset: Preset
    rows: list[Row]
    """By our columns, each with ``file``."""
    without_row: frozenset[str]
    """Recordings whose call the export does not have."""
    left_out: int
    """Recordings that are not of calls, or are copies."""
    unrecorded: int
    """Calls of the export that have no recording."""
    files_read: int
    """Files among the recordings that were read as the export."""
    choice: Choice
    """Where the columns of the rows come from."""

    @property
    def table(self) -> Table:
        """The rows as a table of the system."""
        return Table(self.rows, self.choice, f"export of {self.preset.title}")

    def read_row(self, row: Mapping[str, str], zone: ZoneInfo) -> Recording:
        """A recording by its row, as :func:`audit.intake.manifests.from_row`.

        Raises:
            RejectedRecording: ``no_agent`` or ``bad_metadata``, and what to do.
        """
        if row.get("agent_id"):
            return manifests.from_row(row, zone)
        name = row["file"]
        if name in self.without_row:
            said = (
                f"no call {row.get('call_id', '')} is in what {self.preset.name} exported, but "
                f"{name} is named so; export its day as well"
            )
        else:
            said = (
                f"preset {self.preset.name} finds no agent, or more than one, for {name}; say with "
                "manifest.columns which column is agent_id, or list the recording in a manifest"
            )
        raise RejectedRecording(RejectReason.NO_AGENT, said)


def joined(
    options: ManifestOptions,
    *,
    root: Root,
    files: Sequence[str],
    recordings: Sequence[str],
    manifest: str | None,
) -> Joined:
    """Read what a system exported and join the recordings to the rows of their calls.

    Args:
        options: with those of their preset; see :func:`audit.intake.presets.applied`.
        root: the folder of the recordings.
        files: all files in it, relative to it.
        recordings: those that are recordings.
        manifest: path or URL of the export, or of a folder of it; None where it is among the
            recordings, or where their names tell enough.

    Raises:
        UsageError: the export cannot be read, is not one of this system, or lacks a column.
    """
    preset = presets.load(options.preset or "")
    if manifest is None:
        beside = reading.matching(preset, files) if preset.exports else []
        exported = reading.of_root(preset, options, root, beside)
    else:
        beside = []
        exported = reading.of_manifest(preset, options, manifest)
    system = SYSTEMS.get(preset.name, System())
    by_key: dict[str, list[Cells]] = defaultdict(list)
    for row in exported:
        by_key[system.row_key(_joined_by(row, preset, options))].append(row)
    keys = {name: system.key(name) for name in recordings}
    copies = {name for name in recordings if preset.copies and re.search(preset.copies, name)}
    originals = {keys[name] for name in recordings if name not in copies}
    rows: list[Cells] = []
    for name, key in keys.items():
        cells = system.call(by_key.get(key, []), name)
        if cells is not None and (name not in copies or key not in originals):
            rows.append({"call_id": key, **cells, **preset.always, "file": name})
    without = {row["file"] for row in rows if exported and keys[row["file"]] not in by_key}
    ours, choice = _ours(rows, options, checked=bool(exported))
    return Joined(
        preset,
        ours,
        frozenset(without),
        left_out=len(recordings) - len(rows),
        unrecorded=sum(
            system.call(by_key[key], "") is not None for key in by_key.keys() - {*keys.values()}
        ),
        files_read=len(beside),
        choice=choice,
    )


def _joined_by(row: Mapping[str, str], preset: Preset, options: ManifestOptions) -> str:
    given = preset.joined_by or options.columns.get("call_id", "call_id")
    names = (given,) if isinstance(given, str) else given
    return next((row[name] for name in names if row.get(name)), "")


def _ours(
    rows: Sequence[Cells], options: ManifestOptions, *, checked: bool
) -> tuple[list[Row], Choice]:
    """The rows by our columns: from the system's, and where those are empty as worked out."""
    header = list(dict.fromkeys(name for row in rows for name in row))
    known = manifests.known_columns()
    choice = columns.choose(header, options, known)
    if checked and choice.missing and rows:
        ours, theirs = next(iter(choice.missing.items()))
        raise UsageError(
            f"the export has no column {theirs!r}, from which manifest.columns reads {ours}; it "
            f"names {', '.join(header[:12])}"
        )
    read = []
    for number, row in enumerate(rows, start=1):
        cells = choice.of([row.get(name, "") for name in header])
        worked_out = {name: row[name] for name in known if row.get(name) and not cells.get(name)}
        read.append(Row(number, {**cells, **worked_out}))
    return read, choice
