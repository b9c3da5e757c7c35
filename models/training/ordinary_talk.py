"""Fetches ordinary Chinese dialogue: ``python -m models.training.ordinary_talk DIR``.

The turns are innocent examples for the classifier of forbidden wording. They come from public
corpora under licences that allow training and passing on what was learned, each at one revision,
and are written to ``DIR/turns.jsonl``, never committed. ``ordinary_talk_left_out.txt`` names the
turns that readers found rude.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from audit.errors import UsageError
from models.text import tokens

GITHUB = "https://github.com"
LEFT_OUT = Path(__file__).parent / "ordinary_talk_left_out.txt"
"""Names of turns, one a line: the first 16 hexadecimal digits of the SHA-256 of their text.

They are rude, doubtful, or worded exactly like a forbidden sentence of the training data.
"""
TURNS_MAX = 30_000
"""Turns kept of each corpus, those of the agents first."""
_CHARACTERS_MIN = 2
_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_UNSEEN = re.compile("[\u200b-\u200f\u2028-\u202f\ufeff]")

Speaker = Literal["agent", "customer"]


@dataclass(frozen=True, slots=True)
class Said:
    """What one side of a dialogue says; the speaker is ``None`` where neither serves the other."""

    text: str
    speaker: Speaker | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """A turn of a corpus with the turns beside it, which are empty at the ends of a dialogue."""

    corpus: str
    dialogue: str
    speaker: Speaker | None
    text: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Corpus:
    """Files of a public repository at one revision, and how to read the dialogues in one."""

    name: str
    repository: str
    revision: str
    licence: str
    files: tuple[str, ...]
    dialogues: Callable[[bytes], Iterable[tuple[str, Sequence[Said]]]]


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the turns of all corpora and print how many there are."""
    parser = argparse.ArgumentParser(prog="python -m models.training.ordinary_talk")
    parser.add_argument("folder", metavar="DIR", type=Path, help="where turns.jsonl is written")
    parser.add_argument(
        "--mirror",
        metavar="FOLDER",
        type=Path,
        help="bare repositories, FOLDER/OWNER+NAME/repo, to read instead of GitHub",
    )
    options = parser.parse_args(arguments)
    try:
        turns = collected(CORPORA, mirror=options.mirror)
        target = options.folder / "turns.jsonl"
        options.folder.mkdir(parents=True, exist_ok=True)
        lines = [json.dumps(asdict(turn), ensure_ascii=False) + "\n" for turn in turns]
        target.write_text("".join(lines), "utf-8")
    except UsageError as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(f"{options.folder} cannot be written: {error.strerror}")
    kept = Counter(turn.corpus for turn in turns)
    served = Counter(turn.corpus for turn in turns if turn.speaker == "agent")
    for corpus in CORPORA:
        counted = f"{kept[corpus.name]} turns, {served[corpus.name]} of them of agents"
        print(f"{corpus.name} ({corpus.licence}, {corpus.revision[:12]}): {counted}")
    print(f"{target}: {len(turns)} turns")


def collected(
    corpora: Iterable[Corpus],
    *,
    mirror: Path | None = None,
    host: str = GITHUB,
    left_out: Path = LEFT_OUT,
) -> list[Turn]:
    """The turns of all corpora in order, no wording twice, without those found rude.

    Args:
        corpora: what to read.
        mirror: a folder of bare repositories, ``OWNER+NAME/repo``, to read instead of the host.
        host: the start of the repositories' addresses.
        left_out: the file of names of rude turns.

    Raises:
        UsageError: a repository, its revision or a file cannot be had; the message names it.
    """
    rude = frozenset(left_out.read_text("utf-8").split())
    met: set[str] = set()
    turns: list[Turn] = []
    for corpus in corpora:
        new = []
        for turn in _turns(corpus, _files(corpus, mirror=mirror, host=host)):
            wording = tokens.plain(turn.text)
            if wording in met or len(_CHINESE.findall(wording)) < _CHARACTERS_MIN:
                continue
            met.add(wording)
            if name_of(turn.text) not in rude:
                new.append(turn)
        turns += capped(new, most=TURNS_MAX)
    return turns


def capped(turns: Sequence[Turn], *, most: int) -> list[Turn]:
    """At most so many turns in their order: those of agents first, otherwise spread evenly."""
    names = [name_of(turn.text) for turn in turns]
    ranked = sorted(range(len(turns)), key=lambda i: (turns[i].speaker != "agent", names[i]))
    return [turns[i] for i in sorted(ranked[:most])]


def name_of(text: str) -> str:
    """The name of a turn in the list of those left out.

    >>> name_of("您好")
    '609bc0751d56eb46'
    """
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _turns(corpus: Corpus, contents: Iterable[bytes]) -> Iterator[Turn]:
    for content in contents:
        for dialogue, said in corpus.dialogues(content):
            texts = ["", *(" ".join(_UNSEEN.sub("", one.text).split()) for one in said), ""]
            for one, before, text, after in zip(said, texts, texts[1:], texts[2:], strict=False):
                yield Turn(corpus.name, dialogue, one.speaker, text, before, after)


def _files(corpus: Corpus, *, mirror: Path | None, host: str) -> Iterator[bytes]:
    """The contents of a corpus's files at its revision."""
    with tempfile.TemporaryDirectory() as scratch:
        if mirror is None:
            repository = Path(scratch)
            _fetch(corpus, host=host, into=repository)
        else:
            repository = mirror / corpus.repository.replace("/", "+") / "repo"
        try:
            _git(repository, "cat-file", "-e", f"{corpus.revision}^{{commit}}")
        except subprocess.CalledProcessError as error:
            raise UsageError(
                f"{repository} does not hold revision {corpus.revision} of {corpus.repository}"
            ) from error
        for file in corpus.files:
            try:
                yield _git(repository, "cat-file", "blob", f"{corpus.revision}:{file}")
            except subprocess.CalledProcessError as error:
                raise UsageError(
                    f"{file} of {corpus.repository} at {corpus.revision} could not be read"
                ) from error


def _fetch(corpus: Corpus, *, host: str, into: Path) -> None:
    """Fetch the revision alone; its files follow one by one when they are read."""
    address = f"{host}/{corpus.repository}"
    try:
        _git(into, "init", "--quiet", "--bare")
        _git(into, "remote", "add", "origin", address)
        _git(into, "fetch", "--quiet", "--depth=1", "--filter=blob:none", "origin", corpus.revision)
    except subprocess.CalledProcessError as error:
        raise UsageError(
            f"revision {corpus.revision} of {address} could not be fetched; "
            "connect to the network, or give --mirror a folder of bare repositories"
        ) from error


def _git(repository: Path, *arguments: str) -> bytes:
    command = ["git", f"--git-dir={repository}", *arguments]
    silent = {**os.environ, "GIT_TERMINAL_PROMPT": "0"}
    try:
        return subprocess.run(command, check=True, capture_output=True, env=silent).stdout
    except FileNotFoundError as error:
        raise UsageError("git is not installed; install it to fetch the corpora") from error


def _crosswoz(content: bytes) -> Iterator[tuple[str, list[Said]]]:
    speakers: dict[str, Speaker] = {"sys": "agent", "usr": "customer"}
    for name, dialogue in json.loads(_unzipped(content)).items():
        yield name, [Said(m["content"], speakers[m["role"]]) for m in dialogue["messages"]]


def _multiwoz(content: bytes) -> Iterator[tuple[str, list[Said]]]:
    speakers: tuple[Speaker, Speaker] = ("customer", "agent")
    for name, dialogue in json.loads(_unzipped(content)).items():
        said = [turn["text"] for turn in dialogue["log"]]
        yield name, [Said(text, speakers[i % 2]) for i, text in enumerate(said)]


def _kdconv(content: bytes) -> Iterator[tuple[str, list[Said]]]:
    for number, dialogue in enumerate(json.loads(content)):
        subject = f"{dialogue['name']}-{number}"
        yield subject, [Said(message["message"]) for message in dialogue["messages"]]


def _vcsum(content: bytes) -> Iterator[tuple[str, list[Said]]]:
    """Sentences, not turns, because a turn in a meeting lasts for minutes."""
    for line in content.decode().splitlines():
        part = json.loads(line)
        yield part["id"], [Said(sentence) for turn in part["context"] for sentence in turn]


def _lccc(content: bytes) -> Iterator[tuple[str, list[Said]]]:
    """Lines of turns between tabs, with a space after every character."""
    for number, line in enumerate(content.decode().splitlines()):
        yield str(number), [Said("".join(said.split())) for said in line.split("\t")]


def _xpersona(content: bytes) -> Iterator[tuple[str, list[Said]]]:
    for number, dialogue in enumerate(json.loads(content)):
        yield str(number), [Said(text) for pair in dialogue["dialogue"] for text in pair]


def _unzipped(content: bytes) -> bytes:
    """The only file of an archive."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        (name,) = archive.namelist()
        return archive.read(name)


CORPORA = (
    Corpus(
        "crosswoz",
        "thu-coai/CrossWOZ",
        "df82c9fdff91b9b130f2d6b89110d3870ba6260e",
        "Apache-2.0",
        ("data/crosswoz/val.json.zip", "data/crosswoz/test.json.zip"),
        _crosswoz,
    ),
    Corpus(
        "multiwoz_zh",
        "thu-coai/ConvLab-2",
        "b014b81fcb1ff74f54681917eee39c14c87af3e5",
        "Apache-2.0",
        ("data/multiwoz_zh/human_val.json.zip",),
        _multiwoz,
    ),
    Corpus(
        "kdconv",
        "thu-coai/KdConv",
        "653db76432de09a004ba708a68f8bbd5500e6bec",
        "Apache-2.0",
        tuple(
            f"data/{of}/{part}.json"
            for of in ("film", "music", "travel")
            for part in ("dev", "test")
        ),
        _kdconv,
    ),
    Corpus(
        "vcsum",
        "hahahawu/VCSum",
        "8e51d72e4e6f3af4074fd5b260b6f6d2e75e86c7",
        "MIT",
        ("vcsum_data/short_dev.txt", "vcsum_data/short_test.txt"),
        _vcsum,
    ),
    Corpus(
        "lccc",
        "thu-coai/CDial-GPT",
        "81064865221d3503251d633f3d0b651004c938a6",
        "MIT",
        ("data/toy_train.txt", "data/toy_valid.txt"),
        _lccc,
    ),
    Corpus(
        "xpersona",
        "HLTCHKUST/Xpersona",
        "1da049a1bbf3b01548f98cc23ba75ef871416e50",
        "MIT",
        tuple(
            f"dataset/Zh_persona_split_{part}_human_annotated.json" for part in ("valid", "test")
        ),
        _xpersona,
    ),
)
"""The corpora; their larger files are left alone, because copies of the repositories lack them."""


if __name__ == "__main__":
    main()
