"""What a manifest will be read as, before a night is spent on it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from audit.config import Config
from audit.errors import UsageError
from audit.intake import manifests, presets, recordings
from audit.intake.recordings import Plan, Reject
from audit.intake.roots import Root
from audit.intake.sheets import Table
from audit.types import Recording

_FIRST = 3
"""Recordings that are shown as they are read."""

_HASHED = "customer_key"
"""The column whose values are shown nowhere."""

_WITHOUT = {
    "call_id": "the name of the file is the call's id",
    "started_at": "the time when the file was last written is taken",
    "direction": "calls count as inbound",
    "agent_channel": "it is inferred from the words",
}
"""What is done where a column is missing."""


@dataclass(frozen=True, slots=True)
class ColumnRead:
    """A column: our name and the manifest's, a value of it, and how many rows have none.

    ``rejected`` counts rows that are rejected because of their value in it.
    """

    name: str
    theirs: str
    example: str
    empty: int
    rejected: int


@dataclass(frozen=True, slots=True)
class RejectKind:
    """Rows that are rejected for the same thing, and what is said of the first of them."""

    reason: str
    count: int
    source_file: str
    example: str


@dataclass(frozen=True, slots=True)
class ManifestCheck:
    """What a manifest is read as.

    Attributes:
        form: what the file is.
        rows: how many it has, those without any text left out.
        columns: those that are read, in their order.
        left_out: the names of the others.
        missing: columns without which it is not read: ends of sentences about it.
        assumed: what is done without columns that it need not have, by our name.
        recordings: how many would be audited; of recordings that are not looked for, all.
        rejects: why rows would be rejected, most frequent first.
        unlisted: recordings in the folder that no row names; 0 without a folder.
        first: the first recordings as they are read, without what is unknown.
    """

    form: str
    rows: int
    columns: tuple[ColumnRead, ...]
    left_out: tuple[str, ...]
    missing: tuple[str, ...]
    assumed: Mapping[str, str]
    recordings: int = 0
    rejects: tuple[RejectKind, ...] = ()
    unlisted: int = 0
    first: tuple[Mapping[str, Any], ...] = ()

    @property
    def rejected(self) -> int:
        """How many rows would be rejected."""
        return sum(kind.count for kind in self.rejects)


def check(
    location: str, *, config: Config, rulebooks: Sequence[str], root: Root | None = None
) -> ManifestCheck:
    """Read a manifest as a batch would; nothing is written.

    Args:
        location: path or URL of the manifest.
        config: as for the batch.
        rulebooks: ids of the rulebooks that calls may use.
        root: where the recordings are; None not to look for them.

    Raises:
        UsageError: the manifest cannot be read.
    """
    options = presets.applied(config.manifest)
    if presets.joins(options):
        if root is None:
            raise UsageError(
                f"preset {options.preset} joins an export to its recordings; say where they are "
                "with --recordings"
            )
        joined = recordings.joined(root, location, options, config.audio.raw_forms)
        table, missing = joined.table, list[str]()
    else:
        table = manifests.opened(location, options)
        missing = manifests.without(table, options)
    planned = Plan((), (), 0)
    if not missing:
        planned = recordings.plan(
            root,
            manifest=location,
            timezone=config.batch.timezone,
            rulebooks=rulebooks,
            max_bytes=config.limits.max_bytes,
            today=datetime.now(manifests.time_zone(config.batch.timezone)).date(),
            raw_forms=config.audio.raw_forms,
            options=options,
        )
    has = {*table.choice.places, *manifests.columns_of_names(options)}
    assumed = {} if missing else {k: told for k, told in _WITHOUT.items() if k not in has}
    timed = root is not None or "started_at" not in assumed
    return ManifestCheck(
        form=table.form,
        rows=len(table.rows),
        columns=_columns(table, planned.rejects),
        left_out=table.choice.left_out,
        missing=tuple(missing),
        assumed=assumed,
        recordings=len(planned.recordings),
        rejects=_kinds(planned.rejects),
        unlisted=planned.unlisted,
        first=tuple(_shown(recording, timed) for recording in islice(planned.recordings, _FIRST)),
    )


def _columns(table: Table, rejects: Sequence[Reject]) -> tuple[ColumnRead, ...]:
    rejected = Counter(reject.detail.partition(" is ")[0] for reject in rejects)
    columns = []
    for name, place in table.choice.places.items():
        values = [row.cells[name] for row in table.rows]
        example = "…" if name == _HASHED else next(filter(None, values), "")
        theirs = table.choice.names[place]
        columns.append(ColumnRead(name, theirs, example, values.count(""), rejected[name]))
    return tuple(columns)


def _kinds(rejects: Sequence[Reject]) -> tuple[RejectKind, ...]:
    """Rejects whose sentences are the same but for files, values and numbers."""
    kinds: dict[tuple[str, str], list[Reject]] = {}
    for reject in rejects:
        plain = re.sub(r"'[^']*'|\d+", "", reject.detail.replace(reject.source_file, ""))
        kinds.setdefault((reject.reason, plain), []).append(reject)
    return tuple(
        RejectKind(str(reason), len(alike), alike[0].source_file, alike[0].detail)
        for (reason, _), alike in sorted(kinds.items(), key=lambda kind: -len(kind[1]))
    )


def _shown(recording: Recording, timed: bool) -> dict[str, Any]:
    known = {
        "file": recording.source_file,
        "call_id": recording.call_id,
        "agent_id": recording.agent_id,
        "agent_name": recording.agent_name,
        "started_at": recording.started_at.isoformat() if timed else None,
        "night": recording.audit_date.isoformat() if timed else None,
        "direction": recording.direction and str(recording.direction),
        "rulebook": recording.rulebook_id,
        "agent_channel": recording.agent_channel,
        "answer_wait_s": recording.answer_wait_s,
        "customer_vip": recording.customer_vip,
    }
    return {name: value for name, value in {**known, **recording.meta}.items() if value is not None}
