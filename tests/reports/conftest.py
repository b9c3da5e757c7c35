"""Tables as a night leaves them, written with the project's own writer, and a real Chromium."""

from __future__ import annotations

import wave
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from audit import rulebooks
from audit.reasons import AGENT, because, verbatim
from audit.transcription import waveform
from data_samples.generate import months
from reports.pages.html import render
from reports.store import Store, compaction, reasons, schema
from reports.store.columns import SCHEMA_VERSION
from reports.store.layout import Layout
from reports.store.parquet import to_table

HOSTILE = "\"><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
CLIMBING = "../../x"
UNSURE = because(
    "but",
    finding=because(
        "interruption.none_but",
        others=(
            because("interruption.count", what=because("overlap.terminal"), count=2),
            because("interruption.count", what=because("overlap.pause"), count=1),
        ),
    ),
    doubt=because("answer_wait.by_share", share=0.845),
)
LINEAGE = {"schema_version": SCHEMA_VERSION, "run_id": "r1"}


@dataclass(frozen=True)
class Sample:
    """One call of the test's tables."""

    call_id: str
    agent: str = "A1"
    night: str = "2026-11-13"
    score: float | None = 80.0
    auto_fail: bool = False
    words: str = "你好，联通客服"
    source_uri: str | None = None
    timed: bool = True
    greeting: str = "fail"
    channels: str = "stereo"
    duration_s: float = 10.0
    masked: tuple[tuple[str, float, float], ...] = ()
    team: str | None = None
    queue: str | None = None
    business_line: str | None = None


def lay_out(out: Path, samples: list[Sample], rejects: list[str] | None = None) -> None:
    """Write the tables with the project's own writer."""
    places = sorted({(sample.night, sample.agent) for sample in samples})
    for night, agent in places:
        own = [s for s in samples if (s.night, s.agent) == (night, agent)]
        day = date.fromisoformat(night)
        rows: dict[str, list[dict[str, Any]]] = {
            "calls": [_call(s) for s in own],
            "turns": [turn for s in own for turn in _turns(s)],
            "findings": [finding for s in own for finding in _findings(s)],
            "agents": [_agent(agent, own)],
        }
        for name, listed in rows.items():
            table = schema.TABLES[name]
            Store(out).write(Layout(out).partition(table, day, agent), to_table(table, listed))
    if rejects:
        listed = [
            {"source_file": name, "reason": "too_short", "detail": "0.4 s", **LINEAGE}
            for name in rejects
        ]
        path = Layout(out).partition(schema.REJECTS, date.fromisoformat(places[-1][0]), None)
        Store(out).write(path, to_table(schema.REJECTS, listed))


def _call(s: Sample) -> dict[str, Any]:
    at = datetime.fromisoformat(f"{s.night}T09:30:00")
    weights = {"greeting": 25.0, "no_interruption": 35.0, "forbidden_language": 40.0}
    verdicts = {
        "greeting": s.greeting,
        "no_interruption": "cannot_tell",
        "forbidden_language": "fail" if s.auto_fail else "pass",
    }
    earned = {"greeting": 12.0, "no_interruption": 0.0, "forbidden_language": 40.0}
    return {
        "call_id": s.call_id,
        "agent": s.agent,
        "agent_name": s.words[:200],
        "source_file": f"{s.call_id}.wav",
        "source_uri": s.source_uri,
        "started_at": at.replace(tzinfo=UTC),
        "started_local": at,
        "direction": "in",
        "duration_s": s.duration_s if s.timed else None,
        "channels": s.channels if s.timed else "text",
        "agent_channel": 0,
        "audio_sha256": "a" * 64 if s.timed else None,
        "rulebook_id": "hotline",
        "score": s.score,
        "grade": None if s.score is None else "F" if s.auto_fail else "B",
        "auto_fail": s.auto_fail,
        "rule_scores": [
            {"rule_id": r, "verdict": verdicts[r], "weight": w, "earned": earned[r]}
            for r, w in weights.items()
        ],
        **{f"{rule}_verdict": verdict for rule, verdict in verdicts.items()},
        **reasons.of_doubts([verbatim(s.words), because("recording.side_silent", who=AGENT)]),
        "rulebook_sha256": "0" * 64,
        "audit_version": "0",
        "team": s.team,
        "queue": s.queue,
        "business_line": s.business_line,
        "meta_queue": s.words,
        **LINEAGE,
    }


def _turns(s: Sample) -> list[dict[str, Any]]:
    plan = [("agent", 1.0, 3.0, "greeting"), ("customer", 2.5, 6.0, "handling")]
    plan += [("agent", 7.0, 9.0, "closing")]
    return [
        {
            "call_id": s.call_id,
            "agent": s.agent,
            "turn_index": i,
            "role": role,
            "start_s": start if s.timed else None,
            "end_s": end if s.timed else None,
            "text": s.words,
            "segment": stage,
            "asr_confidence": 0.4 if i else 0.9,
            "is_backchannel": False,
            "speech": [{"start_s": start, "end_s": end}] if s.timed else [],
            "masked": [
                {"kind": kind, "start_s": first, "end_s": last} for kind, first, last in s.masked
            ],
            **LINEAGE,
        }
        for i, (role, start, end, stage) in enumerate(plan)
    ]


def _findings(s: Sample) -> list[dict[str, Any]]:
    common = {"call_id": s.call_id, "agent": s.agent, "role": "agent", "segment": "greeting"}
    times = {"start_s": 7.0, "end_s": 9.0} if s.timed else {}
    found: list[dict[str, Any]] = [
        {
            "rule_id": "greeting",
            "check_id": "greeting.hello",
            "clause_id": "003-1.1.4",
            "verdict": s.greeting,
            "severity": "minor",
            "points": 13.0 if s.greeting == "fail" else 0.0,
            "reason": s.words,
            "evidence": s.words,
            "meant": s.words,
            "auto_fail": False,
            **times,
        },
        {
            "rule_id": "no_interruption",
            "check_id": "no_interruption",
            "verdict": "cannot_tell",
            "points": 0.0,
            **reasons.of_finding(UNSURE),
            "auto_fail": False,
        },
    ]
    if s.auto_fail:
        found.append(
            {
                "rule_id": "forbidden_language",
                "check_id": "forbidden_language",
                "clause_id": "000-26",
                "verdict": "fail",
                "severity": "critical",
                "points": 40.0,
                **reasons.of_finding(because("wording.used")),
                "evidence": s.words,
                "auto_fail": True,
                "start_s": 2.0 if s.timed else None,
                "end_s": 3.0 if s.timed else None,
            }
        )
    return [
        {"finding_id": f"{s.call_id}-{i}", "confidence": 0.8, **common, **f, **LINEAGE}
        for i, f in enumerate(found)
    ]


def _agent(agent: str, own: list[Sample]) -> dict[str, Any]:
    scores = [s.score for s in own if s.score is not None]
    return {
        "agent": agent,
        "agent_name": own[-1].words[:200],
        "calls": len(own),
        "mean_score": sum(scores) / len(scores) if scores else None,
        "auto_fails": sum(s.auto_fail for s in own),
        **LINEAGE,
    }


def tone(path: Path, *, seconds: float = 10.0, channels: int = 2) -> Path:
    """A recording that any browser plays."""
    wavelength = np.arange(int(8000 * seconds)) * 2 * np.pi * 220 / 8000
    samples = (np.sin(wavelength) * 6000).astype("<i2").repeat(channels)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(samples.tobytes())
    return path


def draw_peaks(out: Path, *, channels: int = 2, seconds: float = 10.0) -> None:
    """The waveform that a run would have kept for the test's recordings."""
    noise = np.random.default_rng(1).integers(-9000, 9000, (channels, int(16000 * seconds)))
    Store(out).waveforms.save("a" * 64, waveform.compute(noise.astype(np.int16)))


@pytest.fixture(scope="session")
def desk() -> SimpleNamespace:
    """What tests lay a night out with."""
    return SimpleNamespace(
        Sample=Sample,
        lay_out=lay_out,
        tone=tone,
        draw_peaks=draw_peaks,
        HOSTILE=HOSTILE,
        CLIMBING=CLIMBING,
        turns=_turns,
    )


@pytest.fixture
def night(tmp_path: Path) -> Path:
    """Two nights, a hostile call with a climbing id, a text-only call, a gone recording."""
    sound = tone(tmp_path / "a call #1 100%.wav")
    lay_out(
        tmp_path,
        [
            Sample("C1", source_uri=str(sound), team="一组", queue="宽带", business_line="家庭"),
            Sample(
                "C2",
                auto_fail=True,
                score=0.0,
                source_uri=str(tmp_path / "gone.wav"),
                team="二组",
                queue=HOSTILE,
            ),
            Sample("C3", agent="A2", timed=False, score=None, greeting="cannot_tell"),
            Sample(CLIMBING, agent=HOSTILE, words=HOSTILE, source_uri=str(sound)),
            Sample("C0", night="2026-11-12", score=100.0, greeting="pass"),
        ],
        rejects=[HOSTILE, "short.wav"],
    )
    draw_peaks(tmp_path)
    render(Store(tmp_path))
    return tmp_path


@pytest.fixture
def browser(chromium: Any, night: Path) -> Any:
    """The browser with nothing kept from other tests."""
    chromium.open(night / "html" / "index.html")
    chromium.run("localStorage.clear()")
    for old in chromium.downloads.iterdir():
        old.unlink()
    chromium.complaints()
    return chromium


def _draw_month(out: Path) -> Path:
    """Drawn calls, whose rulebook asks for a service level."""
    months.write(out, PLAN)
    (judged,) = Store(out).calls.arrow(columns=["rulebook_sha256"])[0].unique().to_pylist()
    asking = rulebooks.load("customer-service")
    Store(out).penalties.keep(asking.model_copy(update={"id": "hotline", "sha256": judged}))
    return out


PLAN = months.Plan(calls=900, agents=8, nights=36)


@pytest.fixture(scope="session")
def month(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """900 drawn calls of 8 agents in 36 nights of two months, with reviews; leave it as it is."""
    return _draw_month(tmp_path_factory.mktemp("month"))


@pytest.fixture(scope="session")
def merged_month(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, all but the newest 7 nights merged."""
    out = _draw_month(tmp_path_factory.mktemp("merged"))
    list(compaction.compact(Store(out)))
    return out
