"""Text and JSON for the terminal, made from the values that commands return.

Every function yields lines or returns one; none prints.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audit.rates import wilson

if TYPE_CHECKING:
    from flows.commands.calibrate import Calibration
    from flows.commands.import_reviews import Imported
    from flows.commands.own_thresholds import OwnThreshold, OwnThresholds
    from flows.doctor import DoctorCheck
    from flows.sizing import Estimate, Timed
    from models.training.own_stages import Measured
    from reports.analysis.calibration import Agreement, RuleQuality, Threshold
    from reports.analysis.comparison import CallResult, Difference
    from reports.analysis.drift import Alarm
    from reports.analysis.error_rates import Counts
    from reports.analysis.evaluation import Evaluation
    from reports.store.compaction import Compacted

ABSENT = "–"
_EXAMPLES = 3
"""Findings quoted for each rule and direction of change."""


def number(value: float | None, *, digits: int) -> str:
    """A figure with fixed digits, or a dash where there is none."""
    return ABSENT if value is None else f"{value:.{digits}f}"


def share(value: float | None, interval: tuple[float, float] | None) -> str:
    """A share with its interval, or a dash where there is none.

    >>> share(0.9, (0.6, 0.98))
    '0.900 [0.60–0.98]'
    """
    if value is None or interval is None:
        return ABSENT
    return f"{value:.3f} [{interval[0]:.2f}–{interval[1]:.2f}]"


def evaluation(result: Evaluation, *, details: bool = False) -> Iterator[str]:
    """Figures against labelled calls as a table; ``details`` lists every error first."""
    if details:
        yield from result.details
    yield (
        f"{'rule':<26}{'precision':>20}{'recall':>20}{'F1':>8}{'TP':>5}{'FP':>5}{'FN':>5}{'?':>4}"
    )
    indented = {f"  {clause}": counts for clause, counts in result.clauses.items()}
    for rule, counts in (result.rules | indented).items():
        found = counts.true_positives
        precision = _of_trials(found, found + counts.false_positives)
        recall = _of_trials(found, found + counts.false_negatives)
        yield (
            f"{rule:<26}{precision:>20}{recall:>20}{number(counts.f1, digits=3):>8}"
            f"{found:>5}{counts.false_positives:>5}{counts.false_negatives:>5}{counts.withheld:>4}"
        )
    yield (
        f"calls {result.calls}, not audited {len(result.not_audited)}, "
        f"stage accuracy {number(result.segment_accuracy, digits=3)}, "
        f"role accuracy {number(result.role_accuracy, digits=3)}, "
        f"CER {number(result.cer, digits=3)}"
    )
    for kind, part in result.apart.items():
        yield f"\n{kind} only:"
        yield from evaluation(part)


def _of_trials(successes: int, trials: int) -> str:
    return share(successes / trials, wilson(successes, trials)) if trials else ABSENT


def evaluation_json(result: Evaluation) -> str:
    """The same figures as JSON, with precision, recall and F1."""
    return json.dumps(_evaluation_data(result), ensure_ascii=False, indent=1)


def _evaluation_data(result: Evaluation) -> dict[str, Any]:
    return {
        "calls": result.calls,
        "not_audited": result.not_audited,
        "rules": {rule: _counts_data(counts) for rule, counts in result.rules.items()},
        "segment_accuracy": result.segment_accuracy,
        "role_accuracy": result.role_accuracy,
        "cer": result.cer,
        "details": result.details,
        "clauses": {clause: _counts_data(counts) for clause, counts in result.clauses.items()},
        "apart": {kind: _evaluation_data(part) for kind, part in result.apart.items()},
    }


def _counts_data(counts: Counts) -> dict[str, Any]:
    rates = {"precision": counts.precision, "recall": counts.recall, "f1": counts.f1}
    return asdict(counts) | rates


def calibration(result: Calibration) -> Iterator[str]:
    """What the reviews say of the rules, then drift."""
    yield from rule_quality(result.rules)
    yield from map(agreement, result.agreement)
    yield from map(threshold, result.thresholds)
    yield from map(alarm, result.alarms)
    if not result.alarms:
        yield "no drift"


def calibration_json(result: Calibration) -> str:
    """The same as JSON."""
    return json.dumps(asdict(result), ensure_ascii=False, indent=1)


def own_thresholds(suggested: OwnThresholds) -> Iterator[str]:
    """Thresholds from calls without reviews, and how sure they are."""
    left = f" ({suggested.left} left out: no conversation, or words not kept)"
    yield (
        f"{suggested.calls} conversations{left if suggested.left else ''}, "
        f"rulebook {suggested.rulebook_id}"
    )
    yield own_threshold("accuse_from", suggested.accuse, what="fail")
    yield own_threshold("doubt_from", suggested.doubt, what="cannot_tell")


def own_threshold(name: str, one: OwnThreshold, *, what: str) -> str:
    """One threshold, what it does to these calls, and what to expect of others."""
    low, high = one.share
    return (
        f"{name} {one.value} (was {one.before}): {one.calls} calls {what} by meaning, "
        f"at most {one.wanted:.2%} wanted; of further calls {low:.2%} to {high:.2%} (95 %)"
    )


def own_thresholds_json(suggested: OwnThresholds) -> str:
    """The same as JSON."""
    return json.dumps(asdict(suggested), ensure_ascii=False, indent=1)


def rule_quality(rules: Iterable[RuleQuality]) -> Iterator[str]:
    """Precision and recall of each reviewed rule as a table."""
    yield (
        f"{'rule':<22}{'reviewed':>9}{'precision':>20}{'of all, weighted':>20}"
        f"{'passes wrong':>14}{'recall (estimate)':>20}"
    )
    for rule in rules:
        wrong = f"{rule.passes_wrong}/{rule.passes_reviewed}"
        yield (
            f"{rule.rule_id:<22}{rule.reviewed:>9}"
            f"{share(rule.precision, rule.precision_interval):>20}"
            f"{share(rule.weighted_precision, rule.weighted_interval):>20}"
            f"{wrong:>14}{share(rule.recall, rule.recall_interval):>20}"
        )


def agreement(pair: Agreement) -> str:
    """How far reviewers agree."""
    name = "Cohen's" if len(pair.reviewers) == 2 else "Fleiss'"
    kappa = "not defined" if pair.kappa is None else f"{pair.kappa:.2f}"
    return (
        f"{', '.join(pair.reviewers)}: {name} kappa {kappa}, "
        f"the same on {pair.same:.0%} of {pair.findings} findings"
    )


def threshold(suggested: Threshold) -> str:
    """The confidence from which a rule's failures should count, or why there is none."""
    if suggested.confidence is not None:
        return (
            f"{suggested.rule_id}: accuse from confidence {suggested.confidence:.2f} "
            f"(precision {suggested.precision:.3f}, keeps {suggested.kept:.0%} "
            f"of {suggested.reviewed})"
        )
    if suggested.too_few:
        return (
            f"{suggested.rule_id}: {suggested.reviewed} reviews are too few to suggest a threshold"
        )
    return f"{suggested.rule_id}: no threshold reaches the target; the rule needs improvement"


def alarm(moved: Alarm) -> str:
    """One figure that drifted."""
    return f"drift: {moved.figure} from {moved.before:.3f} to {moved.after:.3f} ({moved.strength})"


def difference(changed: Difference) -> Iterator[str]:
    """What a rescore changes: calls, findings with examples, agents, then the counts."""
    for call in changed.flips:
        yield f"{call.call_id}\t{call.agent}\t{_result(call.before)} → {_result(call.after)}"
    yield from _findings_changed(changed)
    for (rule, was, now), count in sorted(changed.verdict_flips.items()):
        yield f"{rule}: {count} calls from {was} to {now}"
    for (was, now), count in sorted(changed.grade_flips.items()):
        yield f"grade {was} to {now}: {count} calls"
    for agent in changed.agents:
        was, now = agent.grade
        if was != now:
            before, after = (number(mean, digits=1) for mean in agent.mean)
            yield (
                f"agent {agent.agent}: mean {before} {was} → {after} {now} ({agent.calls} calls)"
            )
    if changed.left:
        yield f"{changed.left} calls stay as they are: their full transcripts are not kept"
    touched = len({call.agent for call in changed.flips})
    kept = "written" if changed.written else "nothing written (use --write to keep it)"
    yield f"{len(changed.flips)} of {changed.calls} calls change, {touched} agents; {kept}"


def _findings_changed(changed: Difference) -> Iterator[str]:
    for rule, verdict in sorted(changed.gained | changed.lost):
        more, less = changed.gained[rule, verdict], changed.lost[rule, verdict]
        yield f"{rule} {verdict}: {more} findings gained, {less} lost"
        if verdict != "fail":
            continue
        for which, sign in (("gained", "+"), ("lost", "-")):
            for row in changed.examples.get((which, rule), [])[:_EXAMPLES]:
                at = "" if row["start_s"] is None else f" {row['start_s']:.1f} s"
                clause = row["clause_id"] or row["check_id"]
                yield f"  {sign} {row['call_id']}{at} {clause}: {row['evidence'] or ABSENT}"
    for rule, count in sorted(changed.reweighted.items()):
        yield f"{rule}: {count} findings stay, with other clauses or points"


def _result(result: CallResult) -> str:
    verdicts = ", ".join(f"{rule} {verdict}" for rule, verdict in result.rules)
    return f"{result.score} {result.grade} ({verdicts})"


def imported(done: Imported) -> str:
    """What became of a file of reviews, in one sentence."""
    said = f"{done.new} reviews imported, {done.changed} changed, {done.known} already there"
    if done.foreign:
        said += f"; {done.foreign} refer to calls that are not in this audit and were left out"
    if done.vanished:
        said += (
            f"; {done.vanished} refer to findings that no longer exist (the calls were scored "
            "again) and were kept for the record"
        )
    return f"{said}; {done.overridden} calls have an overridden score"


def stage_figures(measured: Measured) -> str:
    """How right the stages of a model are on a set of labelled calls."""
    figures = measured.figures
    named = (
        ("turns right", figures.turns),
        ("greeting presence right", figures.greetings),
        ("closing start within two turns", figures.closings),
        ("no closing where there is none", figures.no_closings),
        ("turns in doubt", figures.uncertain),
        ("right where sure", figures.certain_correct),
    )
    listed = ", ".join(f"{name} {number(value, digits=3)}" for name, value in named)
    return f"{measured.what}: {figures.calls} calls: {listed}"


def merged_month(done: Compacted) -> str:
    """A month of a table that was merged."""
    size = f"{done.bytes / 1e6:.1f} MB"
    return f"{done.table} {done.month}: {done.nights} nights, {done.rows} rows, {size}"


def exported(path: Path, rows: Mapping[str, int], nights: Sequence[str]) -> str:
    """What was written for whom works in Excel."""
    what = ("findings", "calls", "rejects")
    counts = ", ".join(f"{rows.get(name, 0)} {name}" for name in what)
    when = nights[0] if len(nights) == 1 else f"{nights[0]} to {nights[-1]}"
    return f"{path}: {counts} of {when}"


def check(found: DoctorCheck) -> str:
    """One thing that ``doctor`` examined."""
    return f"{'ok     ' if found.ok else 'MISSING'} {found.name}: {found.detail}"


def plan(estimates: Iterable[Estimate], *, calls: float, minutes: float) -> Iterator[str]:
    """How long a night takes, by model.

    Args:
        estimates: of each model on this machine.
        calls: per night.
        minutes: average length of a call.
    """
    yield f"{'model':<16}{'hours':>8}{'s per s':>9}{'weights':>10}{'AISHELL-1 CER':>15}  here"
    for estimate in estimates:
        size = estimate.size
        hours = f"{calls * minutes / 60 * estimate.rtf:.1f}"
        weights = f"{size.parameters_m} MB"
        found = "yes" if estimate.found else "no"
        cer = number(size.aishell_cer, digits=3)
        yield f"{size.name:<16}{hours:>8}{estimate.rtf:>9.3f}{weights:>10}{cer:>15}  {found}"


def timed_plan(timed: Timed, *, calls: float, minutes: float) -> Iterator[str]:
    """How long a night takes with the one model that was timed.

    Args:
        timed: that model.
        calls: per night.
        minutes: average length of a call.
    """
    yield f"{timed.engine} {timed.model}"
    hours = calls * minutes / 60 * timed.rtf
    yield f"{hours:.1f} hours, {timed.rtf:.3f} s per s of call, timed on {timed.heard}"
