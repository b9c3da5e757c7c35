"""Rulebooks of one's own: built on others, checked, and told apart by their content."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from audit.errors import UsageError
from audit.rulebooks import Rulebook, load, shipped


def write(path: Path, **content: object) -> Path:
    path.write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")
    return path


def own(tmp_path: Path, name: str = "own", **content: object) -> Rulebook:
    return load(str(write(tmp_path / f"{name}.yaml", **{"extends": "hotline", **content})))


def test_what_ships_is_valid_and_names_clauses() -> None:
    assert "hotline" in shipped()
    assert "common" not in shipped()  # a base, no rulebook of its own
    for name in shipped():
        book = load(name)
        assert book.id == name
        assert len(book.sha256) == 64
        assert book.clauses() == list(dict.fromkeys(book.clauses()))
        assert set(book.rules.greeting.checks) >= {
            "greeting.hello",
            "greeting.organisation",
            "greeting.agent_identity",
            "greeting.offer_help",
        }


def test_extends_merges_mappings_and_replaces_lists(tmp_path: Path) -> None:
    base = load("hotline")
    book = own(
        tmp_path,
        id="own",
        rules={
            "no_interruption": {"points": 7},
            "greeting": {"checks": {"greeting.hello": {"phrases": ["晚上好"]}}},
        },
    )
    assert book.id == "own"
    assert book.title == base.title
    assert book.rules.no_interruption.points == 7
    assert book.rules.no_interruption.thresholds == base.rules.no_interruption.thresholds
    assert book.rules.greeting.checks["greeting.hello"].phrases == ("晚上好",)
    hello = base.rules.greeting.checks["greeting.hello"]
    assert book.rules.greeting.checks["greeting.hello"].points == hello.points
    assert book.rules.forbidden_language == base.rules.forbidden_language


def test_a_chain_of_rulebooks(tmp_path: Path) -> None:
    middle = write(tmp_path / "middle.yaml", extends="hotline", title="中间")
    for parent in (str(middle), "middle.yaml"):  # which lies beside it
        book = own(tmp_path, f"last-{len(parent)}", extends=parent, id="last")
        assert (book.id, book.title) == ("last", "中间")


def test_parameters_stand_for_their_wordings(tmp_path: Path) -> None:
    book = own(tmp_path, parameters={"organisations": ["远山软件", "远山(科技|集团)"]})
    assert book.rules.greeting.checks["greeting.organisation"].phrases == (
        "(远山软件|远山科技|远山集团)",
    )
    identity = book.rules.greeting.checks["greeting.agent_identity"].phrases
    assert any("工号(零|一|二" in phrase for phrase in identity)
    assert not any("{" in phrase for phrase in identity)


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ({"rules": {"greeting": {"wieght": 3}}}, "rules.greeting.wieght"),
        ({"colour": "red"}, "colour"),
        ({"rules": {"no_interruption": {"points": -1}}}, "rules.no_interruption.points"),
        ({"rules": {"no_interruption": {"severity": "dire"}}}, "rules.no_interruption.severity"),
        ({"rules": {"forbidden_language": {"groups": [{"clause": "x"}]}}}, "groups.0.severity"),
        ({"id": "Not An Id"}, "id"),
        ({"extends": 5}, "extends"),
        ({"parameters": ["organisations"]}, "parameters"),
        ({"parameters": {"organisations": 5}}, "parameters"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(
    tmp_path: Path, content: dict[str, object], place: str
) -> None:
    with pytest.raises(UsageError, match=place.replace(".", r"\.")):
        own(tmp_path, **content)


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "just words", "a: [1, 2", "a: \x00"])
def test_what_is_no_rulebook_at_all(tmp_path: Path, text: str) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text(text)
    with pytest.raises(UsageError, match=r"broken\.yaml"):
        load(str(path))


@pytest.mark.parametrize("name", ["nowhere", "../nowhere.yaml"])
def test_there_is_none_of_that_name(name: str) -> None:
    with pytest.raises(UsageError, match="nowhere"):
        load(name)


def test_a_circle_is_told(tmp_path: Path) -> None:
    first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
    write(first, extends=str(second))
    write(second, extends="first.yaml")
    with pytest.raises(UsageError, match="extends itself"):
        load(str(first))


def test_the_sha_follows_the_content_and_nothing_else(tmp_path: Path) -> None:
    plain = own(tmp_path, "plain", id="own", title="同一个")
    same = tmp_path / "same.yaml"
    same.write_text("# a remark\ntitle: '同一个'\nid: own\n\nextends: hotline\n", "utf-8")
    assert load(str(same)).sha256 == plain.sha256
    assert own(tmp_path, "titled", id="own", title="另一个").sha256 != plain.sha256
    changed = {"no_interruption": {"points": 11}}
    assert own(tmp_path, "changed", id="own", title="同一个", rules=changed).sha256 != plain.sha256
    assert plain.sha256 != load("hotline").sha256
