"""Thresholds of forbidden wording from a team's own calls, without reviews.

Most agents are polite. Of the calls of an ordinary month, only a small share should be accused by
meaning, and only some be put before a person; the thresholds follow from how many.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import yaml
from scipy.stats import beta

from audit import rulebooks
from audit.errors import UsageError
from audit.rulebooks import Rulebook
from audit.rules import forbidden_language, reliance
from audit.rules.forbidden_language import ForbiddenLanguageRule, ForbiddenMeaning, Likeliest
from flows import wiring
from flows.lineage import code_sha256
from reports.store import Store, full_text
from reports.store.columns import Row

_DIGITS = 4


@dataclass(frozen=True, slots=True)
class OwnThreshold:
    """A threshold, and what it does.

    ``wanted``: share of calls that was asked for; ``calls``: how many of those at hand it reaches;
    ``share``: what share of further calls of the same kind it reaches, as a 95 % interval;
    ``before``: the threshold until now.
    """

    value: float
    before: float
    wanted: float
    calls: int
    share: tuple[float, float]


@dataclass(frozen=True, slots=True)
class OwnThresholds:
    """What ``callaudit calibrate --unlabelled`` suggests.

    ``doubt.calls`` and ``doubt.share`` count calls that are put before a person, not those that
    are accused.
    """

    rulebook_id: str
    calls: int
    left: int
    suspect_from: float
    accuse: OwnThreshold
    doubt: OwnThreshold


def suggest(out: Path, *, rulebook_id: str | None, accused: float, doubted: float) -> OwnThresholds:
    """Thresholds by which stated shares of the calls under OUT are accused and doubted by meaning.

    A little fewer calls fail: what is withheld for another reason, such as dialect, counts here.

    Args:
        out: folder of an audit.
        rulebook_id: whose phrases and objections count; None for the one of all these calls.
        accused: share of the calls that should be accused, 0 to 1.
        doubted: share that should be put before a person besides.

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
            f"{out} holds {len(found)} calls with their words; to set a threshold that "
            f"{accused:.2%} of the calls reach, at least {least} are needed"
        )
    return thresholds(
        found, book, rule.meaning, left=len(judged) - len(found), accused=accused, doubted=doubted
    )


def thresholds(
    found: Sequence[Likeliest],
    book: Rulebook,
    meaning: ForbiddenMeaning,
    *,
    left: int,
    accused: float,
    doubted: float,
) -> OwnThresholds:
    """The thresholds that so many calls reach, see :func:`suggest`."""
    accuse = _threshold([one.accused for one in found], accused, meaning.accuse_from)
    uncertain = [one.doubted if one.accused < accuse.value else 0.0 for one in found]
    doubt = _threshold(uncertain, doubted, meaning.doubt_from, most=accuse.value)
    return OwnThresholds(
        book.id, len(found), left, min(meaning.suspect_from, doubt.value), accuse, doubt
    )


def write(suggested: OwnThresholds, file: Path, *, base: str | None) -> Rulebook:
    """Write a rulebook that only has the thresholds, and extends the one they were set for.

    Args:
        suggested: what to write.
        file: where to; its name becomes the rulebook's id.
        base: id or path of the rulebook that it extends; None for the calls' own.

    Raises:
        UsageError: there is such a file already, or it cannot be written.
    """
    extends = base or suggested.rulebook_id
    if Path(extends).is_file():
        extends = str(Path(extends).resolve())
    values = {
        "suspect_from": suggested.suspect_from,
        "doubt_from": suggested.doubt.value,
        "accuse_from": suggested.accuse.value,
    }
    raw = {
        "id": file.stem,
        "extends": extends,
        "rules": {"forbidden_language": {"meaning": values}},
    }
    head = (
        f"# Written by `callaudit calibrate --unlabelled` on {date.today()}, from "
        f"{suggested.calls} calls:\n# {suggested.accuse.wanted:.2%} are to be accused by meaning, "
        f"{suggested.doubt.wanted:.2%} to be put before a person.\n"
    )
    try:
        with file.open("x", encoding="utf-8") as opened:
            opened.write(head + yaml.safe_dump(raw, allow_unicode=True, sort_keys=False))
    except FileExistsError as error:
        raise UsageError(f"{file} is there already; choose another name or remove it") from error
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}; check the path") from error
    return rulebooks.load(str(file))


def _threshold(
    reached: Sequence[float], wanted: float, before: float, *, most: float = 1.0
) -> OwnThreshold:
    """The lowest value, rounded up, that no more than the wanted share reaches.

    The share of further calls above the (k + 1)th highest of n values is distributed as
    Beta(k + 1, n - k), whatever the distribution of the values (David and Nagaraja 2003, Order
    Statistics, section 2.5).
    """
    ordered = sorted(reached, reverse=True)
    highest_left = ordered[min(math.floor(wanted * len(ordered)), len(ordered) - 1)]
    value = min(most, (math.floor(highest_left * 10**_DIGITS) + 1) / 10**_DIGITS)
    calls = sum(one >= value for one in reached)
    low, high = beta.ppf((0.025, 0.975), calls + 1, len(ordered) - calls)
    return OwnThreshold(value, before, wanted, calls, (float(low), float(high)))


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
    """Each stored call's likeliest wording; None where its words are kept nowhere."""
    wording = wiring.judging_models().wording
    code = code_sha256()
    for night in store.calls.nights():
        turns: dict[str, list[Row]] = defaultdict(list)
        for turn in store.turns.rows(nights=(night, night)):
            turns[turn["call_id"]].append(turn)
        read: list[str] = []
        for row in store.calls.rows(nights=(night, night)):
            call = full_text.stored_call(store, row, turns[row["call_id"]], code=code, read=read)
            if call is None:
                yield None
            elif call.transcript.turns:
                yield forbidden_language.likeliest(reliance.readable(call), rule, wording)
        store.private.note_access("calibrate", read)
