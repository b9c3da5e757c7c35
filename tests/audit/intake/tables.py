"""Manifests in the forms in which other systems and spreadsheets write them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl

from audit.intake.manifest_options import ManifestOptions
from audit.intake.recordings import Plan, plan
from audit.intake.roots import open_root

CALL = Path(__file__).parents[3] / "data_samples" / "calls" / "S21_2001_20261118T174500.wav"


def planned(folder: Path, manifest: bytes | str | None, **options: Any) -> Plan:
    """A plan from a manifest, given as what stands in it, read by options; of names without one."""
    path = folder.with_name("manifest")
    if manifest is not None:
        path.write_bytes(manifest.encode() if isinstance(manifest, str) else manifest)
    return plan(
        open_root(str(folder)),
        manifest=None if manifest is None else str(path),
        timezone="Asia/Shanghai",
        rulebooks=("hotline",),
        max_bytes=1 << 20,
        today=date(2026, 11, 20),
        options=ManifestOptions(**options),
    )


def workbook(*rows: Sequence[object], **sheets: Sequence[Sequence[object]]) -> bytes:
    """An Excel workbook of a sheet of rows, and of others by name."""
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for name, content in sheets.items():
        sheet = book.create_sheet(name)
        for row in content:
            sheet.append(row)
    return saved(book)


def saved(book: openpyxl.Workbook) -> bytes:
    """The bytes of a workbook."""
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()
