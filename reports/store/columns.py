"""What the tables are made of: columns with types, units and meanings, and the schema's version."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

Row = Mapping[str, Any]
"""A row of a table as it is read: the values of its columns."""

SCHEMA_VERSION = "1.9"
"""Major.minor: the major changes when a column is renamed, dropped or changes its meaning."""

CHANGES = (
    ("1.0", "calls, turns, findings, agents, rejects"),
    ("1.1", "turns.speaker, turns.role_confidence; calls.role_confidence, calls.role_source"),
    ("1.2", "turns.level_db"),
    (
        "1.3",
        "calls.code_sha256, stages_sha256, greeting_s, handling_s, closing_s; "
        "turns.segment_confidence; agents.mean_greeting_s, mean_handling_s, mean_closing_s; "
        "the table reviews",
    ),
    ("1.4", "calls.cues_sha256; turns.segment_or"),
    ("1.5", "calls.private, calls.transcript_id; turns.masked"),
    (
        "1.6",
        "calls.raw_form, disposition, dead_channel, begins_in_speech, roles_confirmed; "
        "turns.unintelligible; agents.not_connected",
    ),
    ("1.7", "calls.doubt_ids, doubt_values; findings.reason_id, reason_values"),
    ("1.8", "calls.word_times; turns.marks"),
    ("1.9", "calls.team, queue, business_line, customer_key, source_files"),
)
"""What each version added, oldest first. Readers accept every version of the same major: what a
file does not have yet is empty."""


@dataclass(frozen=True, slots=True)
class TableColumn:
    """One column: ``unit`` and ``values`` are empty where they do not apply."""

    name: str
    type: pa.DataType
    meaning: str
    nullable: bool = False
    unit: str = ""
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """One table: its key is unique over the whole dataset."""

    name: str
    key: tuple[str, ...]
    partitions: tuple[str, ...]
    columns: tuple[TableColumn, ...]
    meaning: str

    def arrow_schema(self, *, extra: tuple[str, ...] = ()) -> pa.Schema:
        """The schema of the table's files; ``extra`` are ``meta_*`` columns of text."""
        fields = [pa.field(c.name, c.type, nullable=c.nullable) for c in self.columns]
        fields += [pa.field(name, pa.string()) for name in extra]
        return pa.schema(fields, metadata={"callaudit.schema_version": SCHEMA_VERSION})


def text(
    name: str, meaning: str, *, nullable: bool = False, values: Iterable[object] = ()
) -> TableColumn:
    """A column of text; ``values`` are the only ones allowed, where there are any."""
    allowed = tuple(str(value) for value in values)
    return TableColumn(name, pa.string(), meaning, nullable=nullable, values=allowed)


def flag(name: str, meaning: str, *, nullable: bool = False) -> TableColumn:
    """A column of truth values."""
    return TableColumn(name, pa.bool_(), meaning, nullable=nullable)


def real(name: str, meaning: str, *, unit: str = "", nullable: bool = False) -> TableColumn:
    """A column of numbers."""
    return TableColumn(name, pa.float64(), meaning, nullable=nullable, unit=unit)
