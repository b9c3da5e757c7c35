"""Forty ways in which manifests are broken: each is one clear sentence, and no row is lost."""

from __future__ import annotations

import gzip
import io
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest

from audit.config import load
from audit.errors import UsageError
from tests.audit.intake.tables import CALL, planned, workbook

Options = dict[str, Any]
HEADER, GOOD = "file,agent_id,started_at\n", "k2.wav,7,2026-11-16 09:02:03\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("recordings")
    for name in ("k1.wav", "k2.wav"):
        shutil.copy(CALL, root / name)
    return root


def zipped(name: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, HEADER)
    return file.getvalue()


OLD = b"\xd0\xcf\x11\xe0" + bytes(500)
ROWS = [["file", "agent_id"], ["k1.wav", "7"]]

REFUSED: list[tuple[str, bytes | str, Options, str]] = [
    ("no bytes", b"", {}, "empty"),
    ("no cells", ",,\n,,\n", {}, "empty"),
    ("a workbook without cells", workbook(), {}, "empty"),
    ("an old workbook", OLD, {}, "Excel 97 to 2003"),
    ("a password", OLD + "EncryptedPackage".encode("utf-16-le"), {}, "protected by a password"),
    ("an archive", zipped("manifest.csv"), {}, "an archive and not an Excel workbook"),
    ("half a workbook", workbook(*ROWS)[:2000], {}, "damaged"),
    ("compressed", gzip.compress(HEADER.encode()), {}, "compressed; unpack it"),
    ("a web page", "<html><table><tr><td>file</td></tr></table>", {}, "a web page"),
    ("JSON", '[{"file": "k1.wav"}]', {}, "JSON"),
    ("a recording", CALL.read_bytes()[:2000], {}, "a recording"),
    ("a PDF", b"%PDF-1.7 \xff\xfe\n", {}, "a PDF"),
    ("half a Parquet file", b"PAR1" + bytes(100), {}, "cannot be read"),
    ("bytes of no encoding", b"file,agent_id\n\xff\xff\xff,1\n", {}, "line 2 cannot be read"),
    ("another encoding", "file,agent_id\n周.wav,1\n", {"encoding": "ascii"}, "not in the encoding"),
    ("sheets of two teams", workbook(*ROWS, 晚班=ROWS), {}, "Sheet and 晚班 of the manifest all"),
    ("no header", GOOD + GOOD.replace("k2", "k1"), {}, "no column file and no column agent_id"),
    ("no agent", "file,agent\nk1.wav,7\n", {}, "no column agent_id; its header"),
    ("no file", "agent_id,call_id\n7,c1\n", {}, "no column file"),
    ("a column twice", "file,agent_id,file\nk1.wav,7,x\n", {}, "more than one column 'file'"),
    ("a mapped column twice", "file,工号,工号\nk1.wav,7,8\n", {"columns": {"agent_id": "工号"}},
     "more than one column '工号'"),
    ("a mapped column is not there", HEADER + GOOD, {"columns": {"agent_name": "姓名"}},
     "no column '姓名', from which manifest.columns reads agent_name; it names file"),
    ("one of theirs for two of ours", HEADER + GOOD, {"columns": {"call_id": ("x", "file"),
     "file": "file"}}, "reads both call_id and file from 'file'"),
    ("a quotation that does not end", HEADER + '"k1.wav,7,\n' + GOOD, {}, "quotation mark"),
]  # fmt: skip

WRONG_OPTIONS: list[tuple[str, Options, str]] = [
    ("a setting of no name", {"colums": {}}, "there is no such setting"),
    ("one column for two", {"columns": {"agent_id": "工号", "call_id": "工号"}}, "each"),
    ("a column of no name", {"columns": {"agent_id": ""}}, "names no column"),
    ("no format of a time", {"time_format": "%Q"}, "is not the format of a time"),
    ("a format without a date", {"time_format": "%H:%M"}, "with year, month and day"),
    ("no zone", {"timezone": "Asia/Beijing"}, "no time zone"),
    ("no encoding", {"encoding": "gbk2312"}, "no encoding"),
    ("no delimiter", {"delimiter": "::"}, "not one character"),
    ("a truth value for a word", {"values": {"customer_vip": {True: "yes"}}}, "quotation marks"),
    ("no such meaning", {"values": {"direction": {"呼入": "inn"}}}, "it must be in, out"),
    ("a brace too few", {"file_name": "{call_id"}, "brace without its partner"),
    ("a time that no name has", {"file_name": "{agent_id}-{time:%A}"}, "cannot be read in a file"),
    ("a name without fields", {"file_name": "call"}, "must have 1 to"),
    ("a header with a name twice", {"header": ["file", "file"]}, "each column once"),
]

VALUES = {"values": {"direction": {"呼入": "in", "呼出": "out"}}}
REJECTED: list[tuple[str, str, Options, str, str]] = [
    ("no agent", HEADER + "k1.wav,,\n", {}, "no_agent", "names no agent_id"),
    ("no file", HEADER + ",7,\n", {}, "bad_metadata", "file is ''"),
    ("a file that is not there", HEADER + "k9.wav,7,\n", {}, "missing_file", "copy it there"),
    ("a file elsewhere", HEADER + "../k1.wav,7,\n", {}, "outside_root", "put the recording inside"),
    ("a shortened id", HEADER + "k1.wav,1.3800138E+10,\n", {}, "bad_metadata", "shortened"),
    ("a shortened call", "file,agent_id,call_id\nk1.wav,7,2.02611E+13\n", {}, "bad_metadata",
     "shortened"),
    ("an ambiguous time", HEADER + "k1.wav,7,3/4/2026\n", {}, "bad_metadata", "year first"),
    ("a time in another format", HEADER + "k1.wav,7,16/11/2026\n", {"time_format": "%d.%m.%Y"},
     "bad_metadata", "in the form %d.%m.%Y"),
    ("no Unix time", HEADER + "k1.wav,7,yesterday\n", {"time_format": "unix"}, "bad_metadata",
     "in the form unix"),
    ("milliseconds for seconds", HEADER + "k1.wav,7,1794790923000\n", {"time_format": "unix"},
     "bad_metadata", "started_at is"),
    ("a value that is not in the map", "file,agent_id,direction\nk1.wav,7,内部\n", VALUES,
     "bad_metadata", "direction is '内部', which manifest.values does not have; it has 呼入, 呼出"),
    ("a value that nobody knows", "file,agent_id,direction\nk1.wav,7,内部\n", {}, "bad_metadata",
     "in, out or nothing"),
    ("a rulebook of no name", "file,agent_id,rulebook\nk1.wav,7,vip\n", {}, "unknown_rulebook",
     "choose one of"),
    ("more cells than columns", HEADER + "k1.wav,7,2026-11-16,a,b\n", {}, "bad_metadata",
     "5 cells, but the header names 3"),
    ("a row that ends early", HEADER + "k1.wav,7\n", {}, "bad_metadata", "before started_at"),
    ("the header again", HEADER + GOOD + HEADER, {}, "bad_metadata", "repeats the header"),
    ("a call twice", "file,agent_id,call_id\nk1.wav,7,c\nk2.wav,7,c\n", {}, "duplicate_call_id",
     "give each call its own"),
    ("an id that no folder can have", HEADER + f"k1.wav,{'9' * 300},\n", {}, "bad_metadata",
     "at most 200 bytes"),
]  # fmt: skip


def is_a_sentence(text: str) -> bool:
    return "\n" not in text and "Traceback" not in text and 20 < len(text) < 400


@pytest.mark.parametrize(
    ("content", "options", "told"),
    [case[1:] for case in REFUSED],
    ids=[case[0] for case in REFUSED],
)
def test_a_manifest_that_is_refused(
    folder: Path, content: bytes | str, options: Options, told: str
) -> None:
    with pytest.raises(UsageError) as refused:
        planned(folder, content, **options)
    assert told in str(refused.value) and is_a_sentence(str(refused.value))


@pytest.mark.parametrize(
    ("options", "told"),
    [case[1:] for case in WRONG_OPTIONS],
    ids=[case[0] for case in WRONG_OPTIONS],
)
def test_a_configuration_that_is_refused(options: Options, told: str) -> None:
    with pytest.raises(UsageError) as refused:
        load(None, overrides={f"manifest.{name}": value for name, value in options.items()})
    assert told in str(refused.value) and "manifest" in str(refused.value)
    assert is_a_sentence(str(refused.value))


@pytest.mark.parametrize(
    ("content", "options", "reason", "told"),
    [case[1:] for case in REJECTED],
    ids=[case[0] for case in REJECTED],
)
def test_a_row_that_is_rejected(
    folder: Path, content: str, options: Options, reason: str, told: str
) -> None:
    rows = [line for line in content.splitlines()[1:] if line.strip(",")]
    result = planned(folder, content, **options)
    (reject,) = result.rejects
    assert (str(reject.reason), told in reject.detail) == (reason, True), reject.detail
    assert is_a_sentence(reject.detail)
    assert len(result.recordings) + len(result.rejects) == len(rows)
