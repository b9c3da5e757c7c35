"""Every path under the output folder, with ids made safe for file names and URLs.

No other module spells the name of one of its folders.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from reports.store.columns import Table

PARTITION_FILE = "part-0.parquet"
"""The one file of a partition."""
SENDING_ORDER = (
    *("private", "peaks", "attempts", "rulebooks", "runs", "parquet/turns"),
    *("parquet/findings", "parquet/calls", "parquet", "compact", "cases", "html"),
)
"""Folders in the order in which a copy is brought up to date: nothing shall point at what is not
there yet."""

KEY_PROOF = "key.proof"
"""In the private store: what only the right key decrypts."""

CUSTOMER_KEY = "customer.key"
"""In the private store: what customers are hashed with."""

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}")


def safe_name(identifier: str) -> str:
    """A file name for an id: the id itself where it is plain, else a readable part and a hash.

    >>> safe_name("S01"), safe_name("../S01")
    ('S01', 'x-S01-368eb9f9e2')
    """
    if _PLAIN.fullmatch(identifier) and not identifier.startswith("x-"):
        return identifier
    readable = re.sub(r"[^A-Za-z0-9]+", "-", identifier).strip("-")[:40]
    digest = hashlib.sha256(identifier.encode("utf-8", "surrogatepass")).hexdigest()[:10]
    return f"x-{readable or 'id'}-{digest}"


def partition_value(value: str) -> str:
    """An id as the value of a Hive partition directory (readers unescape it)."""
    return quote(value, safe="").replace(".", "%2E")


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything is under the output folder ``root``."""

    root: Path

    # tables

    @property
    def parquet(self) -> Path:
        """Folder of all tables."""
        return self.root / "parquet"

    @property
    def writers_lock(self) -> Path:
        """Held by whoever writes tables."""
        return self.parquet / ".lock"

    @property
    def columns_note(self) -> Path:
        """Notes which columns the files of each table have."""
        return self.parquet / "columns.json"

    def table(self, name: str) -> Path:
        """Folder of a table."""
        return self.parquet / name

    def nights(self, name: str) -> list[str]:
        """The nights (ISO dates) that a table has partitions of, oldest first."""
        found = self.table(name).glob("audit_date=*")
        return sorted(path.name.partition("=")[2] for path in found)

    def night(self, table: str, night: str) -> Path:
        """Folder of one night (an ISO date) of a table."""
        return self.table(table) / f"audit_date={night}"

    def partition(self, table: Table, audit_date: date, agent: str | None) -> Path:
        """The file that holds one partition; ``agent`` is None for tables without agents."""
        folder = self.night(table.name, audit_date.isoformat())
        if "agent_id" in table.partitions:
            folder /= f"agent_id={partition_value(agent or '')}"
        return folder / PARTITION_FILE

    def partitions(self, name: str) -> Iterator[Path]:
        """All partition files of a table."""
        return self.table(name).glob("audit_date=*/**/part-*.parquet")

    def table_and_night(self, partition: Path) -> tuple[str, str]:
        """Table and night (an ISO date) of a partition file."""
        table, night, *_ = partition.relative_to(self.parquet).parts
        return table, night.partition("=")[2]

    def staging(self, name: str) -> Path:
        """Folder of partitions that are exchanged together."""
        return self.parquet / f".staged-{name}"

    def staged(self) -> Iterator[Path]:
        """All such folders."""
        return self.parquet.glob(".staged-*")

    @property
    def months(self) -> Path:
        """Folder of merged months."""
        return self.root / "compact"

    @property
    def months_index(self) -> Path:
        """Notes which nights each merged file holds."""
        return self.months / "index.json"

    # transcripts in full

    @property
    def private(self) -> Path:
        """Folder of everything that only its owner may read."""
        return self.root / "private"

    @property
    def key_proof(self) -> Path:
        """What only the right key decrypts."""
        return self.private / KEY_PROOF

    @property
    def access_log(self) -> Path:
        """Notes who read which calls in full."""
        return self.private / "access.jsonl"

    @property
    def customer_key(self) -> Path:
        """What customers are hashed with, unless the environment has it."""
        return self.private / CUSTOMER_KEY

    @property
    def customer_proof(self) -> Path:
        """What only that key makes; says nothing of any customer."""
        return self.private / f"customer-{KEY_PROOF}"

    @property
    def all_transcripts(self) -> Path:
        """Folder of all full transcripts."""
        return self.private / "transcripts"

    def full_transcripts(self, name: str) -> Path:
        """Folder of the full transcript of that name."""
        return self.all_transcripts / name[:2]

    def all_full_transcripts(self) -> Iterator[Path]:
        """Every file of a full transcript, whatever its suffix."""
        return self.all_transcripts.glob("*/*")

    # what belongs to recordings and rulebooks

    def attempts(self, name: str) -> Path:
        """Notes how often a recording was tried, by the name of its transcript."""
        return self.root / "attempts" / name[:2] / f"{name}.json"

    def waveform(self, audio_sha256: str) -> Path:
        """Waveform of a recording."""
        return self.root / "peaks" / audio_sha256[:2] / f"{audio_sha256}.npy"

    def waveforms(self) -> Iterator[Path]:
        """All waveforms; the hash of the recording is each name's beginning, up to the dot."""
        return self.root.glob("peaks/*/*.*")

    def penalties(self, sha256: str) -> Path:
        """Penalties of the rulebook with that hash."""
        return self.root / "rulebooks" / f"{sha256}.json"

    # runs

    @property
    def runs(self) -> Path:
        """Folder of what runs note for themselves."""
        return self.root / "runs"

    @property
    def batch_lock(self) -> Path:
        """Held by the one batch at work."""
        return self.runs / ".lock"

    def run(self, run_id: str) -> Path:
        """Folder of one run."""
        return self.runs / run_id

    def job_file(self, run_id: str) -> Path:
        """Plan of one run."""
        return self.run(run_id) / "job.json"

    def run_ids(self) -> list[str]:
        """Ids of all runs, oldest first."""
        return sorted(path.name for path in self.runs.glob("*/"))

    def outcomes(self, run_id: str, number: int) -> Path:
        """What became of the recordings of one shard of a run."""
        return self.run(run_id) / f"shard-{number:05d}.jsonl"

    def all_outcomes(self, run_id: str) -> Iterator[Path]:
        """The same for all shards of a run."""
        return self.run(run_id).glob("shard-*.jsonl")

    def stopped(self, run_id: str) -> Path:
        """Why a run was given up, where it was."""
        return self.run(run_id) / "stopped.txt"

    def summary(self, run_id: str) -> Path:
        """Counts of one run."""
        return self.run(run_id) / "summary.json"

    # pages

    @property
    def html(self) -> Path:
        """Folder of all pages."""
        return self.root / "html"

    @property
    def index_page(self) -> Path:
        """Page of the latest night, the entrance."""
        return self.html / "index.html"

    @property
    def nights_list(self) -> Path:
        """Dates of all nights, for the pages."""
        return self.html / "nights" / "list.js"

    def night_page(self, night: str) -> Path:
        """Page of one night (an ISO date)."""
        return self.html / "nights" / f"{night}.html"

    def queue_page(self, night: str) -> Path:
        """Review queue of one night."""
        return self.html / "queue" / f"{night}.html"

    def agent_page(self, agent: str) -> Path:
        """Page of one agent."""
        return self.html / "agents" / f"{safe_name(agent)}.html"

    def call_page(self, call_id: str) -> Path:
        """Page of one call."""
        return self.html / "calls" / f"{safe_name(call_id)}.html"

    def audio_copy(self, call_id: str) -> Path:
        """Opus copy of a call's recording, where there is one."""
        return self.html / "audio" / f"{safe_name(call_id)}.ogg"

    def static_file(self, name: str) -> Path:
        """Style sheet, script or font of the pages."""
        return self.html / "static" / name

    def penalties_script(self, sha256: str) -> Path:
        """What violations cost under a rulebook, for the pages."""
        return self.html / "rulebooks" / f"{sha256[:16]}.js"

    def pages_of_calls_and_agents(self) -> Iterator[Path]:
        """All pages of calls and agents, and all copies of recordings."""
        for pattern in ("calls/*.html", "agents/*.html", "audio/*.ogg"):
            yield from self.html.glob(pattern)

    def pages_of_nights(self) -> Iterator[Path]:
        """All files of nights and of their queues; each name begins with the ISO date."""
        for folder in ("nights", "queue"):
            yield from (self.html / folder).glob("????-??-??.*")

    def case_file(self, call_id: str) -> Path:
        """Case file of a call, unless it is to be written elsewhere."""
        return self.root / "cases" / f"{safe_name(call_id)}.html"

    def index_of_copy(self, name: str) -> Path:
        """What a copy elsewhere held when it was last brought up to date."""
        return self.root / f".{name}"
