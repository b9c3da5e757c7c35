"""What a manifest says of calls whose transcripts lack it: the agent, the start and more."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from zoneinfo import ZoneInfo

from audit.errors import RejectedRecording, RejectReason
from audit.intake import file_names, manifests
from audit.intake.manifest_options import ManifestOptions
from audit.intake.recordings import Reject
from audit.privacy.customers import CustomerHash
from audit.types import Recording

_DEFAULTS = ManifestOptions()
_AGENT_SPEAKER = "meta_agent_speaker"


@dataclass(frozen=True, slots=True)
class Listed:
    """A row: the recording it means, and what only transcripts ask for.

    Attributes:
        recording: as for ``run``, with ``agent_speaker`` taken out of its columns.
        agent_speaker: how a vendor's transcript names the agent; None if it is not stated.
        has_call_id: whether the row names the call, and not only its file.
        has_start: whether it tells when the call began.
    """

    recording: Recording
    agent_speaker: str | None
    has_call_id: bool
    has_start: bool


class TranscriptManifest:
    """The rows of a manifest, found by call or by file; each is for one call."""

    def __init__(
        self,
        location: str,
        zone: ZoneInfo,
        options: ManifestOptions = _DEFAULTS,
        *,
        customer: CustomerHash,
    ) -> None:
        """Read the rows; ``customer`` stands for customers' numbers.

        Raises:
            UsageError: the manifest cannot be read or lacks a required column.
        """
        self._location, self._zone = location, zone
        self._rows = manifests.read(location, options, customer=customer)
        self._by_name: dict[str, list[int]] = {}
        self._used: set[int] = set()
        for at, (_, cells, _) in enumerate(self._rows):
            file = posixpath.normpath(cells.get("file", "").replace("\\", "/"))
            stem = file_names.stem(file)
            for name in {f"call {cells.get('call_id') or stem}", f"file {file}", f"stem {stem}"}:
                self._by_name.setdefault(name, []).append(at)

    def of(self, call_id: str | None, file: str | None) -> Listed | None:
        """The row of a call; None if there is none.

        Args:
            call_id: of the call, where its transcript names it.
            file: of the transcript, where it has this call alone.

        Raises:
            RejectedRecording: several rows are of this call or one of them is of another one as
                well, or the row is wrong.
        """
        names = [f"call {call_id}", f"stem {call_id}"] if call_id else []
        if file is not None:
            stem = file_names.stem(file)
            names += [f"file {file}", f"stem {stem}", f"call {stem}"]
        found = next((self._by_name[name] for name in names if name in self._by_name), None)
        if found is None:
            return None
        at = found[0]
        number, cells, problem = self._rows[at]
        if len(found) > 1:
            raise RejectedRecording(
                RejectReason.BAD_METADATA,
                f"rows {', '.join(str(self._rows[other].number) for other in found[:4])} of the "
                "manifest are of this call; leave one of them",
            )
        if at in self._used:
            raise RejectedRecording(
                RejectReason.BAD_METADATA,
                f"row {number} of the manifest is of another call already; give each call a row "
                "with its call_id",
            )
        self._used.add(at)
        if problem is not None:
            raise RejectedRecording(RejectReason.BAD_METADATA, problem)
        recording = manifests.from_row(cells, self._zone)
        speaker = recording.meta.get(_AGENT_SPEAKER)
        meta = {name: value for name, value in recording.meta.items() if name != _AGENT_SPEAKER}
        return Listed(
            replace(recording, meta=meta),
            speaker or None,
            bool(cells.get("call_id")),
            bool(manifests.started(cells)),
        )

    def pass_over(self, file: str) -> None:
        """Take the rows of a file that cannot be read for used: its own reject says why."""
        stem = file_names.stem(file)
        for name in (f"file {file}", f"stem {stem}", f"call {stem}"):
            self._used.update(self._by_name.get(name, ()))

    def unused(self, today: date) -> Iterator[Reject]:
        """A reject for each row without a transcript.

        Args:
            today: the date of rows that tell none.
        """
        for at, (number, cells, _) in enumerate(self._rows):
            if at not in self._used:
                yield Reject(
                    cells.get("file") or f"{self._location} row {number}",
                    RejectReason.MISSING_FILE,
                    "no transcript is of this row of the manifest; name its file or its call as "
                    "the transcript does",
                    manifests.date_of(cells, self._zone) or today,
                    manifests.call_id_of(cells) or None,
                )
