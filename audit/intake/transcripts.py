"""Ready transcripts: JSONL with one call per line, or other JSON, audited without audio."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import chain
from pathlib import Path

from audit.errors import RejectReason, UsageError
from audit.intake import transcript_files, transcript_sources
from audit.intake.foreign.speakers import RoleTerms
from audit.intake.manifest_options import ManifestOptions
from audit.intake.manifests import time_zone
from audit.intake.recordings import Reject
from audit.intake.transcript_calls import Place, Terms, encodable, read_call
from audit.intake.transcript_files import HEAD_BYTES, check_kind
from audit.intake.transcript_manifest import TranscriptManifest
from audit.intake.transcript_sources import TranscriptFile
from audit.types import Call

_DEFAULTS = ManifestOptions()


def read(path: Path, *, timezone: str, rulebooks: frozenset[str]) -> Iterator[Call | Reject]:
    """Read one file of transcripts, see :func:`read_all`."""
    return read_all([path], timezone=timezone, rulebooks=rulebooks)


def read_all(
    paths: Sequence[Path],
    *,
    timezone: str,
    rulebooks: frozenset[str],
    manifest: str | None = None,
    roles: RoleTerms | None = None,
    options: ManifestOptions = _DEFAULTS,
) -> Iterator[Call | Reject]:
    """Read files of transcripts, JSON Lines a line at a time.

    JSON that is not JSON Lines is read as a whole: a call, a list of calls, or ``{"calls": […]}``.
    Several calls on a line are read one after another. A call is ours, or one of the vendors' in
    :mod:`audit.intake.foreign.vendors`.

    Args:
        paths: files in UTF-8, UTF-16 or GB 18030, folders of them, or patterns.
        timezone: whose clock decides a call's night; and of ``started_at`` values that name none;
            a call without any has the date of the file.
        rulebooks: ids that calls may name.
        manifest: path or URL of a CSV, Excel or Parquet file with what the transcripts lack.
        roles: by what agent and customer are told apart in a vendor's transcript that does not say;
            None to leave them unknown.
        options: how the manifest is read.

    Yields:
        A call for each that is one, else a reject named ``FILE:LINE`` (``FILE:NUMBER`` of
        the call in JSON that is not JSON Lines, ``FILE:LINE.NUMBER`` of several on a line); and a
        reject for each row of the manifest without a call.

    Raises:
        UsageError: a path does not exist, the only file cannot be read, is empty, not text or a
            table, the manifest cannot be read, or there is no such time zone.
    """
    zone = time_zone(timezone)
    listing = None if manifest is None else TranscriptManifest(manifest, zone, options)
    terms = Terms(zone, rulebooks, listing, roles)
    seen: set[str] = set()
    for file in transcript_sources.found(paths):
        for result in _read_file(file, terms):
            if isinstance(result, Call):
                call_id = result.recording.call_id
                if call_id in seen:
                    result = _second(result)
                seen.add(call_id)
            yield result
    if listing is not None:
        yield from listing.unused(datetime.now(zone).date())


def _second(call: Call) -> Reject:
    """The reject of a call whose id another one has."""
    recording = call.recording
    return Reject(
        recording.source_file,
        RejectReason.DUPLICATE_CALL_ID,
        f"call_id {recording.call_id!r} occurs twice in the transcripts and only the first call is "
        "audited; give each call its own",
        recording.audit_date,
        recording.call_id,
    )


def _read_file(file: TranscriptFile, terms: Terms) -> Iterator[Call | Reject]:
    """The calls of a file; one that cannot be read is a reject if it is one of several.

    Raises:
        UsageError: the only file cannot be read.
    """
    name = encodable(file.name)
    try:
        written = datetime.fromtimestamp(file.path.stat().st_mtime, terms.zone)
        if file.is_packed and not file.alone:
            raise UsageError(f"{file.path} is compressed; unpack it")
        with file.path.open("rb") as opened:
            check_kind(file.path, opened.read(HEAD_BYTES))
            opened.seek(0)
            calls = transcript_files.given_calls(opened)
            first, second = next(calls, None), next(calls, None)
            for given in chain(filter(None, (first, second)), calls):
                source = f"{name}:{given.place}"
                yield read_call(given, Place(file.name, source, written, second is None), terms)
    except (UsageError, OSError) as error:
        failure = error if isinstance(error, UsageError) else _unreadable(file.path, error)
        if file.alone:
            raise failure from error
        yield _file_reject(file, failure, terms)


def _file_reject(file: TranscriptFile, failure: UsageError, terms: Terms) -> Reject:
    """The reject of a file of which nothing can be read."""
    detail, today = encodable(str(failure)), datetime.now(terms.zone).date()
    if terms.manifest is not None:
        terms.manifest.pass_over(file.name)
    empty = file.path.is_file() and file.path.stat().st_size == 0
    reason = RejectReason.EMPTY if empty else RejectReason.BAD_METADATA
    return Reject(encodable(file.name), reason, detail, today)


def _unreadable(path: Path, error: OSError) -> UsageError:
    if isinstance(error, FileNotFoundError):
        return UsageError(f"transcripts {path} do not exist; check the path")
    return UsageError(f"transcripts {path} cannot be read: {error.strerror}")
