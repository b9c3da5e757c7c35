"""What a manifest or names of files will be read as, before a night is spent on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from audit.config import Config
from audit.errors import UsageError
from audit.intake import file_names, manifests, presets, recordings
from audit.intake.manifest_options import ManifestOptions
from audit.intake.recordings import Plan, Reject
from audit.intake.roots import Root
from audit.intake.sheets import Table
from audit.types import Recording
from flows.rejects import RejectKind, kinds

_FIRST = 3
"""Recordings that are shown as they are read."""

_HASHED = "customer_key"
"""The column whose values are shown nowhere."""

_OF_NAMES = ("call_id", "agent_id", "agent_name", "started_at", "direction", "team", "queue")
"""What is shown of every recording where there is no manifest."""

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
class NameRead:
    """A recording that no manifest lists: what it is read as, or why it is rejected."""

    file: str
    read: Mapping[str, Any]
    rejected: str | None


@dataclass(frozen=True, slots=True)
class ManifestCheck:
    """What a manifest is read as; or, where there is none, the names of recordings.

    Attributes:
        form: what the file is, or how recordings are named.
        rows: how many it has, those without any text left out; or how many recordings there are.
        columns: those that are read, in their order.
        left_out: the names of the others.
        missing: columns without which it is not read: ends of sentences about it.
        assumed: what is done without columns that it need not have, by our name.
        recordings: how many would be audited; of recordings that are not looked for, all.
        rejects: why rows would be rejected, most frequent first.
        unlisted: recordings in the folder that no row names; 0 without a folder.
        first: the first recordings as they are read, without what is unknown.
        names: each recording of a folder without a manifest, by its name; None with a manifest.
        ignored: files in such a folder that are no recordings by their names.
        unrecorded: calls of another system's export that have no recording.
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
    names: tuple[NameRead, ...] | None = None
    ignored: int = 0
    unrecorded: int = 0

    @property
    def rejected(self) -> int:
        """How many rows would be rejected."""
        return sum(kind.count for kind in self.rejects)


def check(
    location: str | None, *, config: Config, rulebooks: Sequence[str], root: Root | None = None
) -> ManifestCheck:
    """Read a manifest, or the names of recordings, as a batch would; nothing is written.

    Args:
        location: path or URL of the manifest; None where the recordings have none.
        config: as for the batch.
        rulebooks: ids of the rulebooks that calls may use.
        root: where the recordings are; None not to look for them.

    Raises:
        UsageError: the manifest cannot be read; or there is neither that nor a root.
    """
    options = presets.applied(config.manifest)
    table, missing = _opened(location, options, config, root)
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
    if table is None:
        return _of_names(options, planned, missing)
    has = {*table.choice.places, *manifests.columns_of_names(options)}
    timed = root is not None or "started_at" in has
    return ManifestCheck(
        form=table.form,
        rows=len(table.rows),
        columns=_columns(table, planned.rejects),
        left_out=table.choice.left_out,
        missing=tuple(missing),
        assumed={} if missing else _assumed(has),
        recordings=len(planned.recordings),
        rejects=kinds(planned.rejects),
        unlisted=planned.unlisted,
        first=tuple(_shown(recording, timed) for recording in islice(planned.recordings, _FIRST)),
        names=_names(planned) if location is None else None,
        ignored=planned.ignored if location is None else 0,
        unrecorded=planned.unrecorded,
    )


def _opened(
    location: str | None, options: ManifestOptions, config: Config, root: Root | None
) -> tuple[Table | None, list[str]]:
    """The table that is read, None for names of files; and what it or they lack."""
    if presets.joins(options):
        if root is None:
            raise UsageError(
                f"preset {options.preset} joins an export to its recordings; say where they are "
                "with --recordings"
            )
        joined = recordings.joined(root, location, options, config.audio.raw_forms)
        return joined.table, []
    if location is not None:
        table = manifests.opened(location, options)
        return table, manifests.without(table, options)
    if root is None:
        raise UsageError("name a manifest, or the folder of the recordings with --recordings")
    pattern = options.file_name or file_names.DEFAULT
    if "agent_id" in file_names.compiled(pattern).columns:
        return None, []
    return None, [
        f"are named {pattern}, which has no {{agent_id}}; put it into manifest.file_name, or list "
        "the recordings in a manifest"
    ]


def _assumed(has: Collection[str]) -> dict[str, str]:
    return {name: told for name, told in _WITHOUT.items() if name not in has}


def _of_names(options: ManifestOptions, planned: Plan, missing: Sequence[str]) -> ManifestCheck:
    """What recordings are read as whose names are all that is known of them."""
    pattern = file_names.compiled(options.file_name or file_names.DEFAULT)
    shown = [_shown(recording, True) for recording in planned.recordings]
    columns = [
        ColumnRead(name, "the file's name", _example(name, shown), 0, 0)
        for name in sorted(pattern.columns)
    ]
    return ManifestCheck(
        form=f"names of files, {pattern.spoken}",
        rows=len(planned.recordings) + len(planned.rejects),
        columns=tuple(columns),
        left_out=(),
        missing=tuple(missing),
        assumed={} if missing else _assumed(pattern.columns),
        recordings=len(planned.recordings),
        rejects=kinds(planned.rejects),
        names=_names(planned),
        ignored=planned.ignored,
    )


def _example(name: str, shown: Sequence[Mapping[str, Any]]) -> str:
    if name == _HASHED:
        return "…"
    values = (one.get(name, one.get(f"meta_{name}")) for one in shown)
    return str(next(filter(None, values), ""))


def _names(planned: Plan) -> tuple[NameRead, ...]:
    read = [
        NameRead(name, {key: shown[key] for key in _OF_NAMES if key in shown}, None)
        for recording in planned.recordings
        for shown in [_shown(recording, True)]
        for name in recording.source_files
    ]
    rejected = [NameRead(one.source_file, {}, one.detail) for one in planned.rejects]
    return tuple(sorted([*read, *rejected], key=lambda one: one.file))


def _columns(table: Table, rejects: Sequence[Reject]) -> tuple[ColumnRead, ...]:
    rejected = Counter(reject.detail.partition(" is ")[0] for reject in rejects)
    columns = []
    for name, place in table.choice.places.items():
        values = [row.cells[name] for row in table.rows]
        example = "…" if name == _HASHED else next(filter(None, values), "")
        theirs = table.choice.names[place]
        columns.append(ColumnRead(name, theirs, example, values.count(""), rejected[name]))
    return tuple(columns)


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
        "team": recording.team,
        "queue": recording.queue,
        "business_line": recording.business_line,
    }
    own = {f"meta_{name}" for name in known}
    others = {name: value for name, value in recording.meta.items() if value and name not in own}
    return {name: value for name, value in {**known, **others}.items() if value is not None}
