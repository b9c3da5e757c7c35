"""The files of ready transcripts: those named, those in a folder, those that match a pattern."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from audit.errors import UsageError

_ENDINGS = (".json", ".jsonl")
_PACKED = (".zip", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".7z", ".rar")


@dataclass(frozen=True, slots=True)
class TranscriptFile:
    """A file that may hold transcripts.

    Attributes:
        path: where it is.
        name: what tables call it: its path below the folder that all files are in.
        alone: whether the user named this file and no other.
    """

    path: Path
    name: str
    alone: bool

    @property
    def is_packed(self) -> bool:
        """Whether its name is that of a compressed file."""
        return self.path.name.lower().endswith(_PACKED)


def found(paths: Sequence[Path]) -> list[TranscriptFile]:
    """The files that paths mean, in order, each once.

    Of a folder these are all ``.json`` and ``.jsonl`` files below it, and compressed files, which
    are to be rejected. Hidden files are left out.

    Raises:
        UsageError: a path does not exist or may not be read, or a folder or a pattern has no files.
    """
    if len(paths) == 1 and not paths[0].is_dir() and not _is_pattern(paths[0]):
        return [TranscriptFile(paths[0], paths[0].name, alone=True)]
    chosen = list(dict.fromkeys(file for path in paths for file in _below(path)))
    base = os.path.commonpath([file.absolute().parent for file in chosen])
    return [
        TranscriptFile(file, file.absolute().relative_to(base).as_posix(), alone=False)
        for file in chosen
    ]


def _below(path: Path) -> Iterator[Path]:
    if path.is_dir():
        files = [
            file
            for file in sorted(path.rglob("*"))
            if file.name.lower().endswith((*_ENDINGS, *_PACKED))
            and file.is_file()
            and not any(part.startswith(".") for part in file.relative_to(path).parts)
        ]
        if not files:
            raise UsageError(
                f"transcripts folder {path} has no .json or .jsonl files; check the path"
            )
        yield from files
    elif _is_pattern(path):
        files = sorted(Path(name) for name in glob.glob(str(path), recursive=True))
        if not files:
            raise UsageError(f"no transcripts match {path}; check the pattern")
        for file in files:
            yield from _below(file)
    elif path.exists():
        yield path
    else:
        raise UsageError(f"transcripts {path} do not exist; check the path")


def _is_pattern(path: Path) -> bool:
    return glob.has_magic(str(path)) and not path.exists()
