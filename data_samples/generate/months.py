"""Generates a month of tables with known effects, for tests, benchmarks and the notebook.

``python -m data_samples.generate.months OUT --calls 100000 --agents 1000 --nights 30`` writes
``OUT/parquet`` as a run does, without audio, ASR or rules. Everything is sampled from a seed.
Effects: forbidden wording is more frequent in the evening, after a hold and in long calls; half of
the agents are trained in the middle of the month and use less of it afterwards; one finding in ten
is wrong, more often where the confidence is low.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from reports.analysis import figures
from reports.store import parquet
from reports.store.columns import SCHEMA_VERSION, Table
from reports.store.layout import Layout
from reports.store.schema import (
    AGENTS,
    CALLS,
    FINDINGS,
    REVIEWS,
    TABLES,
    TURNS,
)

_RULES = ("greeting", "no_interruption", "forbidden_language", "hold", "dead_air", "courtesy")
_WEIGHTS = (25.0, 35.0, 40.0, 10.0, 10.0, 5.0)
_TURNS = (
    ("agent", "您好，远山软件服务热线，请问有什么可以帮您"),
    ("customer", "我们办公室的打印机从今天早上开始连不上网络了"),
    ("agent", "好的，我帮您看一下，请问打印机的型号是多少"),
    ("customer", "就是前台那一台，上个月刚换的"),
    ("agent", "请您稍等，我查一下记录"),
    ("customer", "嗯好的"),
    ("agent", "这边看到您的网络配置有一项没有更新，您现在重启一下"),
    ("customer", "行，我试一试，能连上了"),
)
_FORBIDDEN_WORDING = "你问我我去问谁"
_REVIEWERS = ("赵敏", "钱伟", "孙立")

Columns = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is generated; the same plan gives the same rows."""

    calls: int = 100_000
    agents: int = 1_000
    nights: int = 30
    first: date = date(2026, 10, 1)
    seed: int = 7
    tables: tuple[str, ...] = ("calls", "turns", "findings", "agents", "reviews")


def write(out: Path, plan: Plan) -> int:
    """Write the month under OUT, a file for each table, night and agent; return their number."""
    files = 0
    for night, tables in nights(plan):
        for name, rows in tables.items():
            for agent, part in _by_agent(rows):
                path = Layout(out).partition(TABLES[name], night, agent)
                path.parent.mkdir(parents=True, exist_ok=True)
                parquet.write_file(part, path, durable=False)
                files += 1
    return files


def nights(plan: Plan) -> Iterator[tuple[date, dict[str, pa.Table]]]:
    """The tables of each night, sorted by ``agent``."""
    rng = np.random.default_rng(plan.seed)
    skill = rng.normal(size=plan.agents)
    for number in range(plan.nights):
        night = plan.first + timedelta(days=number)
        share = plan.calls // plan.nights + (number < plan.calls % plan.nights)
        calls = _calls(rng, plan, night, number, share, skill)
        findings = _findings(rng, calls)
        tables = {CALLS.name: _table(CALLS, calls, ("meta_queue", "meta_trained_on"))}
        if TURNS.name in plan.tables:
            tables[TURNS.name] = _table(TURNS, _turns(rng, calls))
        tables[FINDINGS.name] = _table(FINDINGS, findings)
        if AGENTS.name in plan.tables:
            tables[AGENTS.name] = _agents(tables[CALLS.name])
        if REVIEWS.name in plan.tables:
            tables[REVIEWS.name] = _reviews(rng, night, findings)
        yield night, {name: tables[name] for name in plan.tables}


@dataclass(frozen=True, slots=True)
class _Sampled:
    """What decides the outcome of a night's calls; arrays with an element for each call."""

    agent: NDArray[np.int64]
    second: NDArray[np.float64]
    """Seconds since midnight."""
    duration_s: NDArray[np.float64]
    has_hold: NDArray[np.bool_]
    has_roles: NDArray[np.bool_]
    """False for mono calls whose speakers are unknown: nothing can be decided in them."""
    fails: dict[str, NDArray[np.bool_]]
    """By rule."""

    def where_known(self, values: NDArray[Any]) -> list[Any]:
        """Values of calls whose speakers are known, None for the others."""
        return [v if k else None for v, k in zip(values.tolist(), self.has_roles, strict=True)]


def _sampled(
    rng: np.random.Generator, plan: Plan, number: int, n: int, skill: NDArray[Any]
) -> _Sampled:
    agent = np.sort(rng.integers(0, plan.agents, n))
    second = np.clip(rng.normal(13.5, 3.5, n), 8, 21.9) * 3600
    duration = np.round(rng.gamma(3.0, 60.0, n) + 20, 3)
    has_hold = rng.random(n) < 0.2
    trained = (agent % 2 == 0) & (number >= plan.nights // 2)
    odds = -4.2 - 0.5 * skill[agent] + 0.9 * (second > 18 * 3600) + 0.7 * has_hold
    odds += 0.004 * (duration - 200) - 1.0 * trained
    has_roles = rng.random(n) > 0.06
    fails = {
        "greeting": rng.random(n) < 0.12,
        "no_interruption": rng.random(n) < 0.05,
        "forbidden_language": rng.random(n) < 1 / (1 + np.exp(-odds)),
        "hold": has_hold & (rng.random(n) < 0.25),
        "dead_air": rng.random(n) < 0.04,
        "courtesy": rng.random(n) < 0.08,
    }
    return _Sampled(agent, second, duration, has_hold, has_roles, fails)


def _scores(rng: np.random.Generator, calls: _Sampled) -> Columns:
    """The columns of verdicts, scores and grades."""
    n, known = len(calls.agent), calls.has_roles
    points = list(zip(_RULES, _WEIGHTS, strict=True))
    earned = {r: np.where(calls.fails[r], 0.0, w) for r, w in points}
    verdicts = {
        r: np.where(known, np.where(calls.fails[r], "fail", "pass"), "cannot_tell") for r in _RULES
    }
    applies = {r: calls.has_hold if r == "hold" else np.ones(n, bool) for r in _RULES}
    total_weight = sum(w * applies[r] for r, w in points)
    score = np.round(100 * sum(earned[r] * applies[r] for r in _RULES) / total_weight, 1)
    auto_fail = known & calls.fails["forbidden_language"] & (rng.random(n) < 0.1)
    score = np.where(auto_fail, 0.0, score)
    grade = np.select([score >= 90, score >= 75, score >= 60], ["A", "B", "C"], "D")
    return {
        "score": calls.where_known(score),
        "grade": calls.where_known(grade),
        "auto_fail": auto_fail,
        "rule_scores": [
            [
                {
                    "rule_id": rule,
                    "verdict": verdicts[rule][i],
                    "weight": weight,
                    "earned": earned[rule][i] * known[i],
                }
                for rule, weight in points
                if applies[rule][i]
            ]
            for i in range(n)
        ],
        **{f"{rule}_verdict": verdicts[rule] for rule in _RULES[:3]},
    }


def _calls(
    rng: np.random.Generator, plan: Plan, night: date, number: int, n: int, skill: NDArray[Any]
) -> Columns:
    calls = _sampled(rng, plan, number, n, skill)
    scores = _scores(rng, calls)
    duration, known = calls.duration_s, calls.has_roles
    agent_s = np.round(duration * rng.uniform(0.3, 0.5, n), 3)
    customer_s = np.round(duration * rng.uniform(0.2, 0.4, n), 3)
    moment = np.datetime64(night, "us") + (calls.second * 1e6).astype("timedelta64[us]")
    ids = [f"M{night:%m%d}-{i:06d}" for i in range(n)]
    middle = plan.first + timedelta(days=plan.nights // 2)
    caller = np.random.default_rng((plan.seed, number)).integers(0, max(1, plan.calls // 2), n)
    return {
        "call_id": ids,
        "agent": [f"{2000 + i}" for i in calls.agent],
        "agent_name": [f"坐席{i}" for i in calls.agent],
        "source_file": [f"{i}.wav" for i in ids],
        "started_at": moment - np.timedelta64(8, "h"),
        "started_local": moment,
        "direction": np.where(rng.random(n) < 0.9, "in", "out"),
        "answer_wait_s": np.round(rng.gamma(2.0, 4.0, n), 1),
        "team": [f"{i % 4 + 1}组" for i in calls.agent],
        "customer_key": [f"{i:032x}" for i in caller],
        "duration_s": duration,
        "channels": np.where(known, "stereo", "mono"),
        "agent_channel": calls.where_known(np.zeros(n, int)),
        "rulebook_id": ["hotline"] * n,
        **scores,
        "agent_talk_s": calls.where_known(agent_s),
        "customer_talk_s": calls.where_known(customer_s),
        "silence_s": np.round(duration - agent_s - customer_s, 3),
        "agent_chars_per_min": np.round(rng.normal(240, 30, n), 1),
        "interruptions": calls.where_known(calls.fails["no_interruption"].astype(int)),
        "transcript_confidence": np.round(np.clip(rng.normal(0.85, 0.05, n), 0.3, 0.99), 4),
        "doubts": [[]] * n,
        "audio_sha256": [rng.bytes(32).hex() for _ in range(n)],
        "engine": ["faster-whisper"] * n,
        "model": ["base"] * n,
        "model_sha256": ["b" * 64] * n,
        "rulebook_sha256": ["c" * 64] * n,
        "audit_version": ["0.1.0"] * n,
        "meta_queue": rng.choice(["宽带", "账单", "办公网"], n),
        "meta_trained_on": [middle.isoformat() if i % 2 == 0 else None for i in calls.agent],
    }


def _turns(rng: np.random.Generator, calls: Columns) -> Columns:
    counts = rng.integers(8, 33, len(calls["call_id"]))
    at = np.repeat(np.arange(len(counts)), counts)
    index = np.concatenate([np.arange(count) for count in counts])
    step = np.asarray(calls["duration_s"])[at] / counts[at]
    start = np.round(index * step, 3)
    end = np.round(start + 0.8 * step, 3)
    said = index % len(_TURNS)
    stage = np.where(
        index == 0, "greeting", np.where(index == counts[at] - 1, "closing", "handling")
    )
    return {
        **{name: np.asarray(calls[name])[at] for name in ("call_id", "agent")},
        "turn_index": index,
        "role": np.array([role for role, _ in _TURNS])[said],
        "channel": said % 2,
        "speaker": said % 2,
        "start_s": start,
        "end_s": end,
        "text": np.array([text for _, text in _TURNS])[said],
        "segment": stage,
        "asr_confidence": np.round(np.clip(rng.normal(0.85, 0.08, len(at)), 0.2, 0.99), 4),
        "level_db": np.round(rng.normal(-24, 3, len(at)), 1),
        "is_backchannel": said == 5,
        "speech": [
            [{"start_s": s, "end_s": e}] for s, e in zip(start.tolist(), end.tolist(), strict=True)
        ],
    }


def _findings(rng: np.random.Generator, calls: Columns) -> Columns:
    """A row for each rule that applies to a call."""
    at, rules, verdicts = [], [], []
    for i, scores in enumerate(calls["rule_scores"]):
        for rule in scores:
            at.append(i)
            rules.append(rule["rule_id"])
            verdicts.append(str(rule["verdict"]))
    n, place = len(at), np.array(at)
    failed = np.array(verdicts) == "fail"
    start = np.round(rng.random(n) * np.asarray(calls["duration_s"])[place] * 0.9, 3)
    worst = np.array(rules) == "forbidden_language"
    return {
        "finding_id": [rng.bytes(10).hex() for _ in range(n)],
        **{name: np.asarray(calls[name])[place] for name in ("call_id", "agent")},
        "rule_id": rules,
        "check_id": [f"{rule}.drawn" for rule in rules],
        "clause_id": [f"001-禁.{i % 9 + 1}" if w else None for i, w in enumerate(worst)],
        "verdict": verdicts,
        "severity": [
            ("major" if w else "minor") if f else None for f, w in zip(failed, worst, strict=True)
        ],
        "points": np.where(failed, 5.0, 0.0),
        "confidence": np.round(rng.uniform(0.5, 1.0, n), 3),
        "segment": ["handling" if f else None for f in failed],
        "role": ["agent" if f else None for f in failed],
        "start_s": [s if f else None for s, f in zip(start.tolist(), failed, strict=True)],
        "end_s": [s + 2 if f else None for s, f in zip(start.tolist(), failed, strict=True)],
        "evidence": [_FORBIDDEN_WORDING if f else None for f in failed & worst],
        "meant": [_FORBIDDEN_WORDING if f else None for f in failed & worst],
        "reason": ["drawn"] * n,
        "auto_fail": np.zeros(n, bool),
    }


def _reviews(rng: np.random.Generator, night: date, findings: Columns) -> pa.Table:
    """One failure in ten and one pass in two hundred are reviewed, a third of them twice."""
    verdict = np.array(findings["verdict"])
    sure = np.asarray(findings["confidence"])
    wrong = rng.random(len(verdict)) < 0.5 * (1.0 - sure) ** 1.2  # about one in ten
    chance = np.select([verdict == "fail", verdict == "pass"], [0.1, 0.005], 0.0)
    moment = datetime.combine(night, time(10), UTC) + timedelta(days=2)
    rows = []
    for i in np.flatnonzero(rng.random(len(verdict)) < chance):
        failed = verdict[i] == "fail"
        overruled = wrong[i] if failed else rng.random() < 0.01
        for who in range(2 if rng.random() < 1 / 3 else 1):
            slip = rng.random()
            agrees = overruled if slip < 0.01 else not overruled
            decision = "unsure" if slip > 0.97 else "agree" if agrees else "overrule"
            rows.append(
                {
                    **{k: findings[k][i] for k in ("finding_id", "call_id", "agent", "rule_id")},
                    **{k: findings[k][i] for k in ("check_id", "clause_id", "start_s", "end_s")},
                    "review_id": rng.bytes(10).hex(),
                    "kind": "review",
                    "decision": decision,
                    "reviewer": _REVIEWERS[(int(i) + who) % len(_REVIEWERS)],
                    "reviewed_at": moment,
                    "original_verdict": verdict[i],
                    "original_points": float(findings["points"][i]),
                    "sampled_by": "finding" if failed else "pass",
                    "sampling_weight": float(1 / chance[i]),
                    "imported_at": moment,
                }
            )
    columns: Columns = {name: [row.get(name) for row in rows] for name in (rows[0] if rows else ())}
    return _table(REVIEWS, columns)


def _table(table: Table, columns: Columns, extra: tuple[str, ...] = ()) -> pa.Table:
    n = len(columns.get("call_id", ()))
    columns = {**columns, "schema_version": [SCHEMA_VERSION] * n, "run_id": ["drawn"] * n}
    schema = table.arrow_schema(extra=extra)
    arrays = [
        pa.array(columns[f.name], type=f.type, from_pandas=True)
        if f.name in columns
        else pa.nulls(n, f.type)
        for f in schema
    ]
    built = pa.Table.from_arrays(arrays, schema=schema)
    parquet.check(table, built)
    return built


def _agents(calls: pa.Table) -> pa.Table:
    rows = [figures.agent_row(part.to_pylist(), run_id="drawn") for _, part in _by_agent(calls)]
    return parquet.to_table(AGENTS, rows)


def _by_agent(rows: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    """Slices of a table that is sorted by ``agent``."""
    runs = pc.run_end_encode(rows["agent"].combine_chunks())
    ends = runs.run_ends.to_pylist()
    for (start, end), agent in zip(
        itertools.pairwise([0, *ends]), runs.values.to_pylist(), strict=True
    ):
        yield agent, rows.slice(start, end - start)


def main() -> None:
    """Write a month and print the number of files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    for name in ("calls", "agents", "nights", "seed"):
        parser.add_argument(f"--{name}", type=int, default=getattr(Plan(), name))
    parser.add_argument("--tables", nargs="+", default=Plan().tables, choices=Plan().tables)
    given = vars(parser.parse_args())
    out = given.pop("out")
    given["tables"] = tuple(given["tables"])
    print(f"{write(out, Plan(**given))} files")


if __name__ == "__main__":
    main()
