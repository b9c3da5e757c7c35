from __future__ import annotations

import io
import json
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from audit.errors import UsageError
from models.training import ordinary_talk
from models.training.ordinary_talk import CORPORA, LEFT_OUT, Corpus, Turn, collected, name_of


def _zipped(value: object) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as written:
        written.writestr("dialogues.json", json.dumps(value))
    return archive.getvalue()


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


CONTENTS = {
    "crosswoz": _zipped(
        {
            "7": {
                "messages": [
                    {"role": "usr", "content": "附近有酒店吗？"},
                    {"role": "sys", "content": "不好意思，  附近没有酒店。"},
                    {"role": "usr", "content": "好的"},
                ]
            }
        }
    ),
    "multiwoz_zh": _zipped({"M1": {"log": [{"text": "我要订票。"}, {"text": "您要去哪儿？"}]}}),
    "kdconv": _json([{"name": "五月天", "messages": [{"message": "听过五月天吗？"}]}]),
    "vcsum": _json({"id": "13_0", "context": [["大家好。", "我们开始吧。"], ["谢谢主持人。"]]}),
    "lccc": "睡 不 着 了\u200b ！\tv i v o 手 机 真 好\n附 近 有 酒 店 吗\n".encode(),
    "xpersona": _json([{"dialogue": [["你喜欢狗吗？", "嗯"], ["我也喜欢。", "真的吗？"]]}]),
}
"""A file of each corpus, in its form."""


def _git(repository: Path, *arguments: str) -> str:
    command = ["git", "-C", str(repository), "-c", "user.name=a", "-c", "user.email=a@b.c"]
    done = subprocess.run([*command, *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def published(tmp_path: Path) -> Callable[[Corpus], Corpus]:
    """Publishes a corpus with tiny files below ``tmp_path/host`` and ``tmp_path/mirror``."""

    def publish(corpus: Corpus) -> Corpus:
        work = tmp_path / "work" / corpus.name
        file = work / corpus.files[0]
        file.parent.mkdir(parents=True)
        file.write_bytes(CONTENTS[corpus.name])
        _git(work, "init", "--quiet")
        _git(work, "add", ".")
        _git(work, "commit", "--quiet", "-m", "data")
        host = tmp_path / "host" / corpus.repository
        _git(tmp_path, "clone", "--quiet", "--bare", str(work), str(host))
        _git(host, "config", "uploadpack.allowFilter", "true")
        _git(host, "config", "uploadpack.allowAnySHA1InWant", "true")
        bare = tmp_path / "mirror" / corpus.repository.replace("/", "+") / "repo"
        _git(tmp_path, "clone", "--quiet", "--bare", str(work), str(bare))
        revision = _git(work, "rev-parse", "HEAD")
        return Corpus(
            corpus.name,
            corpus.repository,
            revision,
            corpus.licence,
            corpus.files[:1],
            corpus.dialogues,
        )

    return publish


def test_turns_of_all_corpora(tmp_path: Path, published: Callable[[Corpus], Corpus]) -> None:
    corpora = [published(corpus) for corpus in CORPORA]
    turns = collected(corpora, mirror=tmp_path / "mirror")
    first, answer, *_ = turns
    assert first == Turn(
        "crosswoz", "7", "customer", "附近有酒店吗？", "", "不好意思， 附近没有酒店。"
    )
    assert (answer.speaker, answer.after) == ("agent", "好的")
    assert {turn.corpus for turn in turns} == {corpus.name for corpus in CORPORA}
    assert [turn.text for turn in turns if turn.corpus == "lccc"] == ["睡不着了！", "vivo手机真好"]
    meeting = [turn for turn in turns if turn.corpus == "vcsum"]
    assert [turn.before for turn in meeting] == ["", "大家好。", "我们开始吧。"]
    assert [t.speaker for t in turns if t.corpus == "multiwoz_zh"] == ["customer", "agent"]
    assert "嗯" not in {turn.text for turn in turns}, "a single character says nothing"


def test_the_same_from_a_host_and_a_mirror(
    tmp_path: Path, published: Callable[[Corpus], Corpus]
) -> None:
    corpora = [published(corpus) for corpus in CORPORA[:2]]
    fetched = collected(corpora, host=(tmp_path / "host").as_uri())
    assert fetched == collected(corpora, mirror=tmp_path / "mirror")


def test_rude_turns_are_left_out(tmp_path: Path, published: Callable[[Corpus], Corpus]) -> None:
    corpus = published(CORPORA[0])
    left_out = tmp_path / "left_out.txt"
    left_out.write_text(name_of("好的") + "\n")
    turns = collected([corpus], mirror=tmp_path / "mirror", left_out=left_out)
    assert [turn.text for turn in turns] == ["附近有酒店吗？", "不好意思， 附近没有酒店。"]


def test_turns_of_agents_are_kept_first() -> None:
    turns = [
        Turn("c", "1", "agent" if i in (3, 5) else "customer", f"话{i}", "", "") for i in range(8)
    ]
    kept = ordinary_talk.capped(turns, most=3)
    assert [turn.text for turn in kept if turn.speaker == "agent"] == ["话3", "话5"]
    assert kept == [turn for turn in turns if turn in kept]


def test_what_cannot_be_had_is_named(tmp_path: Path, published: Callable[[Corpus], Corpus]) -> None:
    corpus = published(CORPORA[0])
    nowhere = Corpus("c", "a/b", "0" * 40, "MIT", ("file",), corpus.dialogues)
    with pytest.raises(UsageError, match="does not hold revision 0000"):
        collected([nowhere], mirror=tmp_path / "mirror")
    with pytest.raises(UsageError, match="could not be fetched; connect to the network, or give"):
        collected([nowhere], host=(tmp_path / "host").as_uri())
    lacking = Corpus("c", corpus.repository, corpus.revision, "MIT", ("file",), corpus.dialogues)
    with pytest.raises(UsageError, match=r"file of thu-coai/CrossWOZ at .* could not be read"):
        collected([lacking], mirror=tmp_path / "mirror")
    with pytest.raises(SystemExit, match="does not hold revision"):
        ordinary_talk.main([str(tmp_path / "out"), "--mirror", str(tmp_path)])
    assert not (tmp_path / "out").exists()


def test_the_command_writes_a_line_for_each_turn(
    tmp_path: Path,
    published: Callable[[Corpus], Corpus],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(ordinary_talk, "CORPORA", [published(corpus) for corpus in CORPORA])
    ordinary_talk.main([str(tmp_path / "out"), "--mirror", str(tmp_path / "mirror")])
    lines = (tmp_path / "out" / "turns.jsonl").read_text("utf-8").splitlines()
    assert set(json.loads(lines[0])) == {
        "corpus",
        "dialogue",
        "speaker",
        "text",
        "before",
        "after",
    }
    assert f"{len(lines)} turns" in capsys.readouterr().out


def test_names_of_rude_turns_are_in_order() -> None:
    names = LEFT_OUT.read_text("utf-8").split()
    assert names == sorted(set(names))
    assert all(len(name) == len(name_of("")) for name in names)
