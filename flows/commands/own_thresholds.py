"""Thresholds of forbidden wording from a team's own calls, without reviews.

Most agents are polite. Of the calls of an ordinary month, only a small share should be accused by
meaning, and only some be put before a person; the thresholds follow from how many.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import yaml
from scipy.stats import binomtest

from audit import rulebooks
from audit.errors import UsageError
from audit.rulebooks.rulebook import ID_PATTERN
from audit.rules import forbidden_language, reliance
from audit.rules.forbidden_language import Likeliest
from audit.rules.forbidden_settings import ForbiddenLanguageRule
from audit.rules.meanings import ForbiddenMeaning
from audit.types import Disposition
from flows import wiring
from flows.lineage import code_sha256
from reports.store import Store, full_text, rows

_DIGITS = 4


@dataclass(frozen=True, slots=True)
class OwnThreshold:
    """A threshold, and what it does.

    ``wanted``: share of calls that was asked for; ``calls``: how many of those at hand it reaches;
    ``share``: what share of further calls of the same kind it reaches, as a 95 % interval
    (Clopper and Pearson 1934, Biometrika 26:404-413); ``before``: the threshold until now.
    """

    value: float
    before: float
    wanted: float
    calls: int
    share: tuple[float, float]


@dataclass(frozen=True, slots=True)
class OwnThresholds:
    """What ``callaudit calibrate --unlabelled`` suggests.

    ``calls`` are those that were judged, ``left`` those without a conversation or without their
    full words; ``doubt`` counts calls that become ``cannot_tell``.
    """

    rulebook_id: str
    calls: int
    left: int
    accuse: OwnThreshold
    doubt: OwnThreshold


def suggest(out: Path, *, rulebook_id: str | None, accused: float, doubted: float) -> OwnThresholds:
    """Thresholds by which stated shares of the calls under OUT are accused and doubted by meaning.

    A little fewer calls fail: what is withheld for another reason, such as dialect, counts here.

    Args:
        out: folder of an audit.
        rulebook_id: whose phrases and objections count; None for the one of all these calls.
        accused: share of the calls that should be accused at most, 0 to 1.
        doubted: share that should be put before a person besides, at most.

    Raises:
        UsageError: there are too few calls, or the rulebook does not judge meaning.
    """
    store = Store.open(out)
    book = rulebooks.load(rulebook_id or _rulebook_of(store))
    rule = book.rules.get(forbidden_language.RULE)
    if rule is None or rule.meaning is None:
        raise UsageError(
            f"rulebook {book.id} does not judge wording by its meaning; name one that does with "
            "--rulebook"
        )
    store.private.check_key()
    judged = list(_judged(store, rule))
    found = [one for one in judged if one is not None]
    least = math.ceil(1 / accused)
    if len(found) < least:
        raise UsageError(
            f"a threshold that {accused:.2%} of the calls reach needs at least {least} "
            f"conversations; {out} holds {len(found)} with their full words"
        )
    accuse, doubt = thresholds(found, rule.meaning, accused=accused, doubted=doubted)
    return OwnThresholds(book.id, len(found), len(judged) - len(found), accuse, doubt)


def thresholds(
    found: Sequence[Likeliest], meaning: ForbiddenMeaning, *, accused: float, doubted: float
) -> tuple[OwnThreshold, OwnThreshold]:
    """``accuse_from`` and ``doubt_from`` that no more than so many calls reach.

    None is below ``suspect_from``: what is hardly suspicious is not worth anybody's time. Nor is
    ``accuse_from`` below ``doubt_from``; where more turns would be doubted than wanted, fewer are
    accused.
    """
    reached = [one.accused for one in found]
    accuse_from = _threshold(reached, accused, least=meaning.suspect_from)
    while True:
        uncertain = [one.doubted if one.accused < accuse_from else 0.0 for one in found]
        doubt_from = _threshold(uncertain, doubted, least=meaning.suspect_from)
        if doubt_from <= accuse_from:
            break
        accuse_from = doubt_from
    return (
        _described(accuse_from, reached, accused, meaning.accuse_from),
        _described(doubt_from, uncertain, doubted, meaning.doubt_from),
    )


def check_name(file: Path) -> None:
    """Make sure, before anything is judged, that a rulebook can be written to a file.

    Raises:
        UsageError: its name is no rulebook's, there is such a file, or its folder is not writable.
    """
    if file.suffix != ".yaml" or not re.fullmatch(ID_PATTERN, file.stem):
        raise UsageError(
            f"a rulebook cannot be called {file.name!r}; use small letters, digits and hyphens, as "
            "in ours.yaml"
        )
    if file.stem in rulebooks.shipped():
        raise UsageError(f"{file.stem} is the name of a built-in rulebook; choose another")
    try:
        if file.exists():
            raise UsageError(f"{file} is there already; choose another name or remove it")
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}; check the path") from error
    if not os.access(file.parent, os.W_OK) or not file.parent.is_dir():
        raise UsageError(f"{file} cannot be written; check that its folder is there and writable")


def write(suggested: OwnThresholds, file: Path, *, base: str | None) -> None:
    """Write a rulebook that only has the thresholds, and extends the one they were set for.

    Args:
        suggested: what to write.
        file: where to, see :func:`check_name`; its name becomes the rulebook's id.
        base: id or path of the rulebook that it extends; None for the calls' own.

    Raises:
        UsageError: it cannot be written.
    """
    extends = base or suggested.rulebook_id
    if extends not in rulebooks.shipped():
        extends = os.path.relpath(extends, file.parent)
    values = {"doubt_from": suggested.doubt.value, "accuse_from": suggested.accuse.value}
    raw = {
        "id": file.stem,
        "extends": extends,
        "rules": {"forbidden_language": {"meaning": values}},
    }
    head = (
        f"# Written by `callaudit calibrate --unlabelled` on {date.today()}, from "
        f"{suggested.calls} calls:\n# at most {suggested.accuse.wanted:.2%} fail by meaning, "
        f"at most a further {suggested.doubt.wanted:.2%} are cannot_tell.\n"
    )
    try:
        with file.open("x", encoding="utf-8") as opened:
            opened.write(head + yaml.safe_dump(raw, allow_unicode=True, sort_keys=False))
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}; check the path") from error


def _threshold(reached: Sequence[float], wanted: float, *, least: float) -> float:
    """The lowest value, rounded up, that no more than the wanted share reaches."""
    ordered = sorted(reached, reverse=True)
    highest_left = ordered[min(math.floor(wanted * len(ordered)), len(ordered) - 1)]
    above = math.floor(highest_left * 10.0**_DIGITS + 1) / 10.0**_DIGITS
    return min(1.0, max(least, above))


def _described(
    value: float, reached: Sequence[float], wanted: float, before: float
) -> OwnThreshold:
    calls = sum(one >= value for one in reached)
    share = binomtest(calls, len(reached)).proportion_ci(method="exact")
    return OwnThreshold(value, before, wanted, calls, (float(share.low), float(share.high)))


def _rulebook_of(store: Store) -> str:
    used = sorted(set(store.calls.pandas(columns=["rulebook_id"])["rulebook_id"].dropna()))
    if not used:
        raise UsageError(f"{store.root} holds no calls; audit some first with `callaudit run`")
    if len(used) > 1:
        raise UsageError(
            f"the calls were judged by {len(used)} rulebooks ({', '.join(used)}); choose one with "
            "--rulebook"
        )
    if used[0] not in rulebooks.shipped():
        raise UsageError(
            f"the calls were judged by a rulebook of your own, {used[0]}; give the path of its "
            "file with --rulebook"
        )
    return str(used[0])


def _judged(store: Store, rule: ForbiddenLanguageRule) -> Iterator[Likeliest | None]:
    """Each stored call's likeliest wording; None for those that are left out."""
    wording = wiring.judging_models().wording
    code = code_sha256()
    for night in store.calls.nights():
        turns = rows.by_call(store.turns.rows(nights=(night, night)))
        read: list[str] = []
        for row in store.calls.rows(nights=(night, night)):
            if row["disposition"] != Disposition.CONVERSATION:
                yield None
                continue
            call = full_text.stored_call(store, row, turns[row["call_id"]], code=code, read=read)
            yield (
                None
                if call is None
                else forbidden_language.likeliest(reliance.readable(call), rule, wording)
            )
        store.private.note_access("calibrate", read)
