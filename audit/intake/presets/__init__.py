"""What recorders and contact centres export: for each system a preset of the manifest's options.

A preset is a file ``NAME.yaml`` here: a title, the sources of what it says, fields of
:class:`audit.intake.manifest_options.ManifestOptions`, and those of :class:`Preset`. What a source
does not say is left unset, never guessed. What columns alone cannot express is a small module,
named in :mod:`audit.intake.presets.systems`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import yaml
from pydantic import Field

from audit.errors import UsageError
from audit.intake.manifest_options import ManifestOptions
from audit.transcription.options import Options

_FOLDER = files("audit") / "intake" / "presets"


class Preset(Options):
    """What is known of the exports of one system."""

    name: str
    title: str
    source: tuple[str, ...]
    """Pages and files that say so."""
    manifest: ManifestOptions
    needs: dict[str, str] = Field({})
    """Columns (by the system's names) without which an export is not one of this system, and a
    regular expression for their cells, or nothing."""
    exports: str | None = None
    """Names of the JSON files that are read where no manifest is given, as a pattern of fnmatch."""
    lists: tuple[str, ...] = ()
    """Places in such a JSON where the list of the calls may be."""
    joined_by: str | None = None
    """Column that recordings are joined by; None for that of the call's id."""
    names_tell: bool = False
    """Whether names of recordings tell enough to be read without an export."""
    copies: str | None = None
    """A regular expression of recordings that are copies; they are taken where there is no other
    of the call."""
    always: dict[str, str] = Field({})
    """Cells that are the same for all calls."""

    def problem(self, cells: Mapping[str, str]) -> str | None:
        """Why a row is not one of this system's exports, as the end of a sentence; or None."""
        missing = [column for column in self.needs if column not in cells]
        if missing:
            return f"it has no column {' and no column '.join(missing)}"
        for column, pattern in self.needs.items():
            if pattern and not re.fullmatch(pattern, cells[column]):
                return f"its column {column} holds {cells[column][:40]!r}"
        return None


def shipped() -> list[str]:
    """The presets that there are."""
    found = (item.name for item in _FOLDER.iterdir() if item.name.endswith(".yaml"))
    return sorted(name.removesuffix(".yaml") for name in found)


@cache
def load(name: str) -> Preset:
    """A preset by its name.

    Raises:
        UsageError: there is none of that name.
    """
    if name not in shipped():
        raise UsageError(f"there is no preset {name!r}; choose one of {', '.join(shipped())}")
    said = yaml.safe_load((_FOLDER / f"{name}.yaml").read_text("utf-8"))
    options = {key: said.pop(key) for key in list(said) if key in ManifestOptions.model_fields}
    return Preset(name=name, manifest=ManifestOptions.model_validate(options), **said)


def applied(options: ManifestOptions) -> ManifestOptions:
    """The options with those of their preset, where they do not say otherwise.

    Raises:
        UsageError: there is no such preset.
    """
    if options.preset is None:
        return options
    base = load(options.preset).manifest
    given = options.model_dump(exclude_unset=True)
    both = base.model_dump(exclude_unset=True) | given
    for table in ("columns", "values"):
        both[table] = getattr(base, table) | getattr(options, table)
    return ManifestOptions.model_validate(both)


def joins(options: ManifestOptions) -> bool:
    """Whether recordings are joined to what a system exported, instead of being listed by it."""
    return options.preset is not None and bool(load(options.preset).needs)
