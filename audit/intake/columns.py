"""Which columns of a table are read, and under which of our names."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from audit.errors import UsageError
from audit.intake.manifest_options import OTHERS_MAX, ManifestOptions

_ALSO_READ = frozenset(
    {"hung_up_by", "agent_group", "agent_speaker"}
    | {"part", "part_no", "part_number", "分段", "段号", "第几段"}
)
"""Columns that are kept under their own name and looked at, so that wide tables keep them too."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The columns of a table that are read.

    Attributes:
        places: where each of them is, by our name, in their order.
        names: what the table calls its columns, those without a name ``unnamed_N``.
        left_out: the columns that are not read.
        missing: columns that the options name and the table does not have: ours, and theirs.
    """

    places: Mapping[str, int]
    names: list[str]
    left_out: tuple[str, ...]
    missing: Mapping[str, str]

    def of(self, cells: Sequence[str]) -> dict[str, str]:
        """The cells of a row by our names."""
        if len(self.places) == len(self.names):
            return dict(zip(self.places, cells, strict=False))
        return {name: cells[place] for name, place in self.places.items()}


def normalized(name: str) -> str:
    """A column's name without letter case, spaces, underscores and marks."""
    return re.sub(r"[\s\"_\ufeff-]", "", name).lower()


def expected(options: ManifestOptions, known: Collection[str]) -> frozenset[str]:
    """Names by which a header is recognised, normalised."""
    theirs = (
        name
        for given in options.columns.values()
        for name in ((given,) if isinstance(given, str) else given)
    )
    return frozenset(map(normalized, (*known, *theirs, *(options.keep or ()))))


def choose(header: Sequence[str], options: ManifestOptions, known: Collection[str]) -> Choice:
    """Find the columns that the options name, those with our names, and others to keep.

    Args:
        header: the table's names of its columns.
        options: what they mean.
        known: our columns, found in any letter case, with spaces or without underscores.

    Raises:
        UsageError: a column could be read as two things, or two columns as one.
    """
    names = [
        " ".join(name.strip("\ufeff \t\r\n").split()) or f"unnamed_{place}"
        for place, name in enumerate(header, start=1)
    ]
    chosen, missing = _mapped(names, options, known)
    ours = {place: name for name, place in chosen.items()}
    for name in sorted(set(known) - chosen.keys()):
        found = [place for place in _places(names, name) if place not in ours]
        if len(found) > 1:
            raise _twice(names[found[0]])
        ours.update(dict.fromkeys(found, name))
    others = [place for place in range(len(names)) if place not in ours]
    for place in _kept(names, others, options):
        ours[place] = f"original_{names[place]}" if names[place] in chosen else names[place]
    counts = Counter(name.lower() for name in ours.values())  # DuckDB: Queue is queue
    for name in ours.values():
        if counts[name.lower()] > 1:
            raise _twice(name)
    return Choice(
        {ours[place]: place for place in sorted(ours)},
        names,
        tuple(name for place, name in enumerate(names) if place not in ours),
        missing,
    )


def _mapped(
    names: Sequence[str], options: ManifestOptions, known: Collection[str]
) -> tuple[dict[str, int], dict[str, str]]:
    """Places of the columns in ``manifest.columns``, and those that are missing."""
    chosen: dict[str, int] = {}
    missing = {}
    meant = {normalized(name): name for name in known}
    for given, theirs in options.columns.items():
        wanted = (theirs,) if isinstance(theirs, str) else theirs
        found = next((places for name in wanted if (places := _places(names, name))), [])
        if not found and isinstance(theirs, str):
            missing[given] = theirs
        if len(found) > 1:
            raise _twice(names[found[0]])
        for place in found:
            for other, taken in chosen.items():
                if taken == place:
                    raise UsageError(
                        f"manifest.columns reads both {other} and {given} from "
                        f"{names[place]!r}; name one column for each"
                    )
            chosen[meant.get(normalized(given), given)] = place
    return chosen, missing


def _places(names: Sequence[str], name: str) -> list[int]:
    """Where a column is: those of that very name, else of one that differs in case or spaces."""
    exact = [place for place, theirs in enumerate(names) if theirs == name]
    like = normalized(name)
    return exact or [place for place, theirs in enumerate(names) if normalized(theirs) == like]


def _kept(names: Sequence[str], others: Sequence[int], options: ManifestOptions) -> list[int]:
    if options.keep is None and len(others) <= OTHERS_MAX:
        return list(others)
    wanted = {normalized(name) for name in (*(options.keep or ()), *_ALSO_READ)}
    return [place for place in others if normalized(names[place]) in wanted]


def _twice(name: str) -> UsageError:
    return UsageError(
        f"the manifest has more than one column {name!r}, in this or another letter case; rename "
        "all but one of them"
    )
