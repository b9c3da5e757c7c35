"""Where the rows of a plan come from: a manifest, a listing, or another system's export."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from zoneinfo import ZoneInfo

from audit.errors import UsageError
from audit.intake import file_names, manifests, presets, translation
from audit.intake.manifest_options import ManifestOptions
from audit.intake.presets import export, reading
from audit.intake.roots import Root
from audit.intake.sheets import Row
from audit.privacy.customers import CustomerHash
from audit.types import Recording


@dataclass(frozen=True, slots=True)
class Source:
    """The rows that are planned, and how each is read."""

    rows: list[Row]
    read_row: Callable[[Mapping[str, str], ZoneInfo], Recording]
    ignored: int = 0
    """Files that are neither recordings nor read."""
    unrecorded: int = 0
    """Calls of an export that have no recording."""
    left_out: int = 0
    """Recordings that need not be planned: not of calls, or copies."""


def check(manifest: str | None, options: ManifestOptions) -> None:
    """Read a manifest or an export once, before a batch is begun.

    Raises:
        UsageError: it cannot be read, lacks a column, or there is no such preset.
    """
    options = presets.applied(options)
    if manifest is not None and options.preset is not None and presets.joins(options):
        reading.of_manifest(presets.load(options.preset), options, manifest)
    elif manifest is not None:
        manifests.read(manifest, options)


def opened(
    root: Root | None,
    files: Sequence[str],
    recordings: Sequence[str],
    *,
    manifest: str | None,
    options: ManifestOptions,
    customer: CustomerHash,
) -> Source:
    """The rows of a batch.

    Args:
        root: where the recordings are; None not to look for them.
        files: the files there, relative to it.
        recordings: those of them that are recordings.
        manifest: path or URL of a manifest or an export; None to list the recordings.
        options: how it is read, those of the preset applied.
        customer: what stands for a customer's number from here on.

    Raises:
        UsageError: it cannot be read or lacks a column.
    """
    ignored = len(files) - len(recordings)
    if presets.joins(options):
        if root is None:
            raise UsageError(
                f"preset {options.preset} joins an export to its recordings; say where they are"
            )
        joined = export.joined(
            options, root=root, files=files, recordings=recordings, manifest=manifest
        )
        return Source(
            manifests.without_numbers(translation.translated(joined.rows, options), customer),
            joined.read_row,
            ignored - joined.files_read,
            joined.unrecorded,
            joined.left_out,
        )
    if manifest is not None:
        rows = manifests.read(manifest, options, customer=customer)
        return Source(rows, manifests.from_row)
    by_name = options.model_copy(update={"file_name": options.file_name or file_names.DEFAULT})
    pattern = file_names.compiled(by_name.file_name or "")
    rows = [Row(number, {"file": name}) for number, name in enumerate(recordings, start=1)]
    return Source(
        manifests.without_numbers(translation.translated(rows, by_name), customer),
        partial(manifests.from_name, pattern=pattern),
        ignored,
    )
