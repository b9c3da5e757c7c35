"""Every reason that the code gives has a sentence, in both languages, with the same places."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from audit.reasons import AGENT, because, verbatim, written
from reports.wording import by_key, sentence

AUDIT = Path(__file__).parents[2] / "audit"
PLACE = re.compile(r"\{(\w+)")
HAN = re.compile("[\u4e00-\u9fff]")
TWO_TEXTS = {"reason.written"}
"""Whose places differ, for it holds the text of each language."""


def given() -> Iterator[tuple[str, frozenset[str], str]]:
    """Id, names of the values and place of every ``because(…)`` of the domain."""
    for path in sorted(AUDIT.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
                continue
            if node.func.id == "because" and not any(k.arg is None for k in node.keywords):
                (name,) = node.args
                assert isinstance(name, ast.Constant), f"{path}:{node.lineno}: write the id out"
                places = frozenset(str(keyword.arg) for keyword in node.keywords)
                yield str(name.value), places, f"{path}:{node.lineno}"


def test_each_reason_has_its_sentence_in_both_languages_with_its_places() -> None:
    used = set()
    for name, places, where in given():
        used.add(f"reason.{name}")
        texts = [by_key(language)[f"reason.{name}"] for language in ("zh", "en")]
        found = [frozenset(PLACE.findall(text)) for text in texts]
        if f"reason.{name}" not in TWO_TEXTS:
            assert found == [places, places], where
    assert used == {key for key in by_key("zh") if key.startswith("reason.")}


def test_both_languages_have_the_same_keys_and_places() -> None:
    zh, en = by_key("zh"), by_key("en")
    assert zh.keys() == en.keys()
    for key in zh.keys() - TWO_TEXTS:
        assert set(PLACE.findall(zh[key])) == set(PLACE.findall(en[key])), key
        assert not HAN.search(en[key].replace("您", "")), key  # what one check is about


def test_no_rule_writes_a_sentence() -> None:
    """Chinese in rules is what phrases and patterns match, and how examples name speakers."""
    sentences = {
        text
        for key, text in by_key("zh").items()
        if key.startswith("reason.") and not key.startswith("reason.side.")
    }
    for path in sorted((AUDIT / "rules").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant):
                assert node.value not in sentences, f"{path}:{node.lineno}"


def test_a_sentence_in_each_language() -> None:
    late = because("answer_wait.late", waited_s=25.5, limit_s=15.0)
    whole = because("answer_wait.with", wait=late, why=because("answer_wait.by_share", share=0.85))
    assert sentence(whole) == "25.5 秒接听，超过 15 秒，接通率按日统计，应不低于 85%"
    assert sentence(whole, language="en") == (
        "Answered after 25.5 s, more than 15 s; "
        "the service level is measured by day and should be at least 85%"
    )
    counted = tuple(
        because("interruption.count", what=because(what), count=n)
        for what, n in (("overlap.terminal", 2), ("overlap.pause", 1))
    )
    none = because("interruption.none_but", others=counted)
    assert sentence(none) == "没有打断客户（客户话尾重叠 2 次、客户停顿时应答 1 次，不算打断）"
    assert sentence(because("recording.side_silent", who=AGENT)) == "没有听到客服讲话"
    assert sentence(written("没有道别", None), language="en") == "没有道别"
    assert sentence(written("没有道别", "No goodbye"), language="en") == "No goodbye"
    assert sentence(verbatim("as it is"), language="en") == "as it is"
