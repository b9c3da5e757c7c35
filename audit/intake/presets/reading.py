"""Reads what a system exported: a table, JSON, or a folder of either; rows by its own columns."""

from __future__ import annotations

import fnmatch
import posixpath
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from audit.errors import UsageError
from audit.intake import json_tables, presets, remotes, sheets
from audit.intake.manifest_options import ManifestOptions
from audit.intake.presets import Preset
from audit.intake.presets.names import Cells
from audit.intake.presets.systems import SYSTEMS, System
from audit.intake.roots import Root
from audit.language.encoding import text_of

_AT_ONCE = 500
"""Files that are read together, so that a bucket is asked for them at the same time."""


def of_manifest(preset: Preset, options: ManifestOptions, manifest: str) -> list[Cells]:
    """The rows of a file, or of the files of a folder that are named as the preset's exports.

    Raises:
        UsageError: it cannot be read, or is not what the system exports.
    """
    try:
        filesystem, path = remotes.connect(manifest)
        if not filesystem.exists(path):
            raise UsageError(f"manifest {manifest} does not exist; check the path")
        folder = filesystem.isdir(path)
        found = matching(preset, filesystem.find(path)) if folder else [path]
    except UsageError:
        raise
    except Exception as error:  # each file system raises its own
        why = error if remotes.is_local(manifest) else remotes.cause(error, manifest)
        raise UsageError(f"manifest {manifest} cannot be read: {why}") from error
    if not found:
        raise UsageError(
            f"no file in {manifest} is named {_pattern(preset)}, which preset {preset.name} reads; "
            "name the file or the folder of what the system exported"
        )
    return _rows(preset, options, _blobs(filesystem, found, manifest), manifest)


def of_root(
    preset: Preset, options: ManifestOptions, root: Root, found: Sequence[str]
) -> list[Cells]:
    """The rows of files among the recordings, which are named as the preset's exports.

    Raises:
        UsageError: as :func:`of_manifest`; or there is none, and names do not tell enough.
    """
    if not found and preset.needs and not preset.names_tell:
        beside = f", or put {preset.exports} beside the recordings" if preset.exports else ""
        raise UsageError(
            f"preset {preset.name} reads the agents from what the system exports; give that as "
            f"the manifest{beside}"
        )
    if not found:
        return []
    blobs = _blobs(root.filesystem, [root.join(name) for name in found], root.location)
    return _rows(preset, options, blobs, "the recordings' folder")


def matching(preset: Preset, files: Iterable[str]) -> list[str]:
    """The files that are named as the preset's exports, in order."""
    pattern = _pattern(preset)
    return sorted(name for name in files if fnmatch.fnmatch(posixpath.basename(name), pattern))


def _pattern(preset: Preset) -> str:
    return preset.exports or "*.csv"


def _blobs(filesystem: Any, paths: list[str], location: str) -> Iterator[bytes]:
    for start in range(0, len(paths), _AT_ONCE):
        some = paths[start : start + _AT_ONCE]
        try:
            read = filesystem.cat(some)
        except Exception as error:
            why = error if remotes.is_local(location) else remotes.cause(error, location)
            raise UsageError(f"{some[0]} or one beside it cannot be read: {why}") from error
        yield from (read.values() if isinstance(read, dict) else [read])


def _rows(
    preset: Preset, options: ManifestOptions, blobs: Iterable[bytes], where: str
) -> list[Cells]:
    """The rows that have what the preset needs; a folder of JSON has others too."""
    fit: list[Cells] = []
    problem, first = "it is empty", b""
    for blob in blobs:
        try:
            for cells in parsed(preset, options, blob):
                found = preset.problem(cells)
                if found is None:
                    fit.append(cells)
                elif not first:
                    problem, first = found, blob
        except UsageError as error:
            raise UsageError(f"{where} cannot be read: {error}{_advice(blob)}") from error
    if fit:
        return fit
    advice = _advice(first) or "; docs/recorders.md says which export is meant"
    raise UsageError(f"{where} is not an export that preset {preset.name} reads: {problem}{advice}")


def _advice(blob: bytes) -> str:
    """Which presets read a file, as the end of a sentence; nothing where none does."""
    others = [name for name in presets.shipped() if _fits(presets.load(name), blob)]
    return f"; it is an export for --preset {' or '.join(others)}" if others else ""


def _fits(preset: Preset, blob: bytes) -> bool:
    """Whether a file is an export of a system."""
    if not preset.needs:
        return False
    try:
        rows = parsed(preset, preset.manifest, blob)
        return any(preset.problem(cells) is None for cells in rows)
    except UsageError:
        return False


def parsed(preset: Preset, options: ManifestOptions, blob: bytes) -> Iterator[Cells]:
    """The rows of one file, by the system's columns.

    Raises:
        UsageError: it cannot be read.
    """
    text = blob.lstrip(b"\xef\xbb\xbf \r\n\t")
    if text.startswith((b"{", b"[")):
        system = SYSTEMS.get(preset.name, System())
        for cells in json_tables.rows(text_of(text), lists=preset.lists):
            yield from system.rows(cells)
        return
    raw = options.model_copy(update={"columns": {}, "values": {}, "keep": None})
    table = sheets.read(blob, known=_theirs(preset, options), required=(), options=raw)
    yield from (row.cells for row in table.rows)


def _theirs(preset: Preset, options: ManifestOptions) -> Collection[str]:
    """The system's columns that are looked for, by which the header is found."""
    given = [[name] if isinstance(name, str) else name for name in options.columns.values()]
    return {*preset.needs, *(options.keep or ()), *(name for names in given for name in names)}
