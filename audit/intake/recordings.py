"""Plans what to audit: manifests and listings become recordings and rejects.

Every row of a manifest, or every recording that is listed, becomes exactly one
:class:`audit.types.Recording` or one :class:`Reject`.
"""

from __future__ import annotations

import os
import posixpath
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from audit.errors import RejectedRecording, RejectReason
from audit.intake import growing, legs, manifests, presets, sources, time_formats
from audit.intake.manifest_options import ManifestOptions
from audit.intake.presets import export
from audit.intake.presets.export import Joined
from audit.intake.roots import FileState, Root, check_size, listing, local_file, outside
from audit.intake.sheets import Row
from audit.privacy import customers
from audit.privacy.customers import CustomerHash
from audit.raw_forms import RawForm
from audit.transcription import media
from audit.types import Recording

SUFFIXES = frozenset(
    {".wav", ".wave", ".w64", ".aif", ".aiff", ".au", ".snd", ".caf", ".flac", ".mp3", ".ac3"}
    | {".ogg", ".oga", ".opus", ".m4a", ".aac", ".wma", ".asf", ".amr", ".awb", ".gsm"}
    | {".mp4", ".m4v", ".mov", ".3gp", ".webm", ".mkv", ".mka", ".avi", ".mpg", ".mpeg", ".ts"}
    | {".flv"}
    | media.RAW_FORMS.keys()
    | media.AMBIGUOUS_SUFFIXES
)
"""Endings of files that a listing takes for recordings."""

_DRIVE = re.compile(r"[A-Za-z]:[\\/]|\\\\")
"""The beginning of an absolute path on Windows."""
_DEFAULTS = ManifestOptions()
_NOT_LOOKED_FOR = FileState(size=1, written=None)
_RENAME = "rename it, a whole folder with `convmv -f gbk -t utf-8 --notest -r FOLDER`"


@dataclass(frozen=True, slots=True)
class Reject:
    """A planned recording that cannot be audited, and why."""

    source_file: str
    reason: RejectReason
    detail: str
    audit_date: date
    call_id: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """A batch: ``len(recordings) + len(rejects)`` recordings are planned."""

    recordings: tuple[Recording, ...]
    rejects: tuple[Reject, ...]
    ignored: int
    """Files in the folder that are not recordings by their name."""
    waiting: tuple[Recording, ...] = ()
    """Recordings that are still being written to."""
    unlisted: int = 0
    """Recordings in the folder that no row of the manifest names."""
    unrecorded: int = 0
    """Calls of another system's export that have no recording in the folder."""


def plan(
    root: Root | None,
    *,
    manifest: str | None,
    timezone: str,
    rulebooks: Iterable[str],
    max_bytes: int,
    today: date,
    settle_s: float = 0.0,
    quiet_s: float = 0.0,
    raw_forms: Mapping[str, RawForm] = media.RAW_FORMS,
    options: ManifestOptions = _DEFAULTS,
    customer: CustomerHash = customers.unknown,
) -> Plan:
    """Plan a batch from a manifest, or from file names where there is none.

    Args:
        root: where the recordings are; None to plan a manifest without looking for its files.
        manifest: path or URL of a CSV, Excel or Parquet file; None to list the folder.
        timezone: whose clock decides a call's night; and of times that name none.
        rulebooks: ids of the rulebooks that calls may use.
        max_bytes: larger files are rejected.
        today: the date of rejects that have no date of their own.
        settle_s: seconds; recordings written to more recently are left for the next run.
        quiet_s: seconds; those written to more recently are looked at again after as long, and left
            for the next run if they have changed.
        raw_forms: how files without a header are read, by the ending of their name.
        options: how the manifest, or the names of files, are read.
        customer: what stands for a customer's number from here on.

    Raises:
        UsageError: the manifest cannot be read or lacks a required column.
    """
    zone = manifests.time_zone(timezone)
    listed = {} if root is None else listing(root)
    files = _named(listed, raw_forms)
    source = sources.opened(
        root, *files, manifest=manifest, options=presets.applied(options), customer=customer
    )
    terms = _Terms(
        read_row=source.read_row,
        found=_Found(root, listed),
        rulebooks=frozenset(rulebooks),
        max_bytes=max_bytes,
        raw_forms=raw_forms,
        zone=zone,
        midnight=time_formats.in_zone(datetime.combine(today, time()), zone),
    )
    recordings: dict[str, Recording] = {}
    rejects: list[Reject] = []
    waiting: list[Recording] = []
    fresh: list[Recording] = []
    written_before = datetime.now(UTC) - timedelta(seconds=settle_s)  # UTC is never put back
    named = set()
    for group in legs.by_call(source.rows):
        for _, cells, _ in group:
            if root is not None and _is_full(cells.get("file", "")):
                cells["file"] = root.relative(cells["file"])
            named.add(posixpath.normpath(cells.get("file", "")))
        number, row, _ = group[0]
        try:
            recording, written = _planned_call(group, terms)
            if settle_s and written > written_before:
                waiting.append(recording)
                continue
            _check_new(recording, recordings)
        except RejectedRecording as rejected:
            rejects.append(_reject(rejected, row, f"{manifest} row {number}", zone, today))
        else:
            recordings[recording.call_id] = recording
            if root is not None and growing.is_fresh(written, quiet_s=quiet_s):
                fresh.append(recording)
    if root is not None:
        for call_id in growing.still_written(root, fresh, quiet_s=quiet_s):
            waiting.append(recordings.pop(call_id))
    others = (name for name in listed if name not in named and not _is_hidden(name))
    unlisted = sum(map(is_recording, others))
    return Plan(
        tuple(recordings.values()),
        tuple(rejects),
        source.ignored,
        tuple(waiting),
        unlisted - source.left_out,
        source.unrecorded,
    )


@dataclass(frozen=True, slots=True)
class _Terms:
    """The conditions for planning a row; see :func:`plan`."""

    read_row: Callable[[Mapping[str, str], ZoneInfo], Recording]
    found: _Found
    rulebooks: frozenset[str]
    max_bytes: int
    raw_forms: Mapping[str, RawForm]
    zone: ZoneInfo
    midnight: datetime
    """The time of files that do not have one."""


def _named(listed: Iterable[str], raw_forms: Mapping[str, RawForm]) -> tuple[list[str], list[str]]:
    """The files of a listing that are not hidden, and those of them that are recordings."""
    shown = [name for name in listed if not _is_hidden(name)]
    return shown, sorted(n for n in shown if is_recording(n) or _ending(n) in raw_forms)


def joined(
    root: Root, manifest: str | None, options: ManifestOptions, raw_forms: Mapping[str, RawForm]
) -> Joined:
    """The recordings of a folder joined to what another system exported; see :func:`plan`.

    Raises:
        UsageError: the export cannot be read.
    """
    shown, names = _named(listing(root), raw_forms)
    return export.joined(options, root=root, files=shown, recordings=names, manifest=manifest)


def _planned_call(group: Sequence[Row], terms: _Terms) -> tuple[Recording, datetime]:
    """The recording of a call's rows, and when the last of its files was written."""
    if len(group) == 1 and not legs.is_side(group[0]):
        return _planned(group[0].cells, group[0].problem, terms)
    cells = legs.filled(group)
    planned = [_planned(row, one.problem, terms) for row, one in zip(cells, group, strict=True)]
    recording = legs.joined([recording for recording, _ in planned], group)
    return recording, max(written for _, written in planned)


def _planned(row: dict[str, str], problem: str | None, terms: _Terms) -> tuple[Recording, datetime]:
    """The recording of a row, and when its file was last written.

    Raises:
        RejectedRecording: it cannot be audited.
    """
    if problem is not None:
        raise RejectedRecording(RejectReason.BAD_METADATA, problem)
    _check_name(row)
    recording = terms.read_row(row, terms.zone)
    raw_form = terms.raw_forms.get(_ending(recording.source_file))
    if raw_form is not None:
        recording = replace(recording, raw_form=raw_form)
    file = _check(recording, terms)
    written = file.modified(terms.zone) or terms.midnight
    if not manifests.started(row):
        recording = replace(recording, started_at=written)
    return recording, written


def _check_new(recording: Recording, planned: Mapping[str, Recording]) -> None:
    """Reject a call that is planned already."""
    if recording.call_id in planned:
        raise RejectedRecording(
            RejectReason.DUPLICATE_CALL_ID,
            f"call_id {recording.call_id!r} is also that of "
            f"{planned[recording.call_id].source_file}; give each call its own, or say in a column "
            "leg which side (agent, customer) or part (1, 2) of the call each file is",
        )


def _reject(
    rejected: RejectedRecording, row: Mapping[str, str], nameless: str, zone: ZoneInfo, today: date
) -> Reject:
    return Reject(
        source_file=_showable(row.get("file", "")) or nameless,
        reason=rejected.reason,
        detail=_showable(rejected.detail),
        audit_date=manifests.date_of(row, zone) or today,
        call_id=_showable(manifests.call_id_of(row)) or None,
    )


def with_distinct_names(rejects: Iterable[Reject], *, audited: Iterable[str]) -> list[Reject]:
    """Rejects with distinct ``source_file``.

    A file that is listed twice, or that is audited under another row, is named ``FILE (#2)``;
    :func:`file_of` gives the file's own name back.
    """
    taken = set(audited)
    distinct = []
    for reject in rejects:
        name, count = reject.source_file, 2
        while name in taken:
            name = f"{reject.source_file} (#{count})"
            count += 1
        taken.add(name)
        distinct.append(replace(reject, source_file=name))
    return distinct


def file_of(source_file: str) -> str:
    """The file that a reject's ``source_file`` names.

    >>> file_of("a.wav (#2)")
    'a.wav'
    """
    return re.sub(r" \(#\d+\)$", "", source_file)


@dataclass(frozen=True)
class _Found:
    """The files below the root."""

    root: Root | None
    files: Mapping[str, FileState]

    @cached_property
    def _by_stem(self) -> dict[str, str]:
        return {_stem(name): name for name in sorted(self.files, reverse=True)}

    def instead_of(self, name: str) -> str:
        """What to do about a missing file; names a similar one, if there is one."""
        if posixpath.normpath(name) in self.files:
            return f"{name} is a link to something that does not exist; fix the link"
        like = self._by_stem.get(_stem(name))
        if like is None:
            return (
                f"{name} is not in the recordings folder; copy it there, or remove its row from "
                "the manifest"
            )
        if like != _showable(like):
            return f"{name} exists under a name that is not in UTF-8; {_RENAME}"
        return (
            f"{name} is not in the recordings folder, but {like} is; if that is the recording, "
            "write that path in the manifest, with the same folder, letter case and extension"
        )


def _stem(name: str) -> str:
    """A file's name for comparison: without folder, letter case, extension and encoding."""
    base = posixpath.basename(name.replace("\\", "/"))
    if base != _showable(base):
        base = os.fsencode(base).decode("gb18030", "replace")
    return unicodedata.normalize("NFKC", posixpath.splitext(base)[0]).casefold()


def _is_full(name: str) -> bool:
    return "://" in name or posixpath.isabs(name)


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") for part in name.split("/"))


def _showable(text: str) -> str:
    """Text that can be encoded: bytes of file names that are not UTF-8 are escaped."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def is_recording(name: str) -> bool:
    """Whether a file is one, by the ending of its name."""
    return _ending(name) in SUFFIXES


def _ending(name: str) -> str:
    return posixpath.splitext(name)[1].lower()


def _check_name(row: Mapping[str, str]) -> None:
    """Reject a file whose name is not in UTF-8, because tables cannot store it."""
    name = row.get("file", "")
    if name != _showable(name):
        raise RejectedRecording(
            RejectReason.BAD_METADATA, f"the name of {_showable(name)} is not in UTF-8; {_RENAME}"
        )


def _check(recording: Recording, terms: _Terms) -> FileState:
    """Reject what is outside the root, missing, too large or has an unknown rulebook."""
    for column, value in (("call_id", recording.call_id), ("agent_id", recording.agent_id)):
        if not manifests.is_id(value):
            raise manifests.bad_value(column, value[:40], manifests.ID_WANTED)
    name = recording.source_file
    parts = name.replace("\\", "/").split("/")
    found, root = terms.found, terms.found.root
    if (root is not None and _is_full(name)) or _DRIVE.match(name) or ".." in parts or "\0" in name:
        raise outside(name)
    if root is None:
        file: FileState | None = _NOT_LOOKED_FOR
    elif root.local:
        file = local_file(root, name)
    else:
        file = found.files.get(posixpath.normpath(name))
    if file is None:
        raise RejectedRecording(RejectReason.MISSING_FILE, found.instead_of(name))
    if file.size is not None:
        check_size(name, file.size, terms.max_bytes)
    if recording.rulebook_id is not None and recording.rulebook_id not in terms.rulebooks:
        raise RejectedRecording(
            RejectReason.UNKNOWN_RULEBOOK,
            f"there is no rulebook {recording.rulebook_id!r}; choose one of "
            f"{', '.join(sorted(terms.rulebooks))}",
        )
    return file
