"""The nightly flow: plan, hear in shards, judge and publish."""

from __future__ import annotations

import multiprocessing
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from prefect import flow, task
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.server.api.server import SubprocessASGIServer
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.task_runners import ProcessPoolTaskRunner, ThreadPoolTaskRunner

from audit import checkpoints, manifests, pipeline, recordings, rulebook, tariff
from audit.config import Config
from audit.errors import RejectReason
from audit.recordings import Reject
from audit.types import AuditedCall, Call, Recording
from flows import publish, runs, shards
from flows.runs import Job
from models import engines
from reports import parquet
from reports.schema import AGENTS, CALLS


@dataclass(frozen=True, slots=True)
class Summary:
    """What a run did: ``audited + rejected == planned``."""

    run_id: str
    planned: int
    audited: int
    rejected: int
    resumed: int
    ignored: int
    audio_s: float
    reasons: dict[str, int]
    index: str


@task(name="plan", cache_policy=NO_CACHE, persist_result=False)
def plan(
    location: str,
    out: str,
    manifest: str | None,
    config: dict[str, Any],
    resume: bool,
    run_id: str,
) -> tuple[str, int]:
    """Plan the batch and write it down; returns the plan's path and the files ignored."""
    settings = Config.model_validate(config)
    root = recordings.open_root(location)
    rulebook.load(settings.batch.rulebook)
    planned = recordings.plan(
        root,
        manifest=manifest,
        timezone=settings.batch.timezone,
        rulebooks={*rulebook.shipped(), settings.batch.rulebook},
        max_bytes=settings.limits.max_bytes,
        today=datetime.now(manifests.time_zone(settings.batch.timezone)).date(),
    )
    choice = engines.choose(settings.hearing.recogniser)
    pipeline.check(settings)
    if choice.weights.path is None:
        engines.load(settings.hearing.recogniser)  # fails now, before anything is written
    job = Job(
        run_id=run_id,
        out=Path(out).resolve(),
        root=location,
        config=settings,
        fingerprint=settings.hearing_fingerprint(
            engine=choice.engine, model_sha256=choice.weights.sha256
        ),
        resume=resume,
        recordings=planned.recordings,
        rejects=planned.rejects,
    )
    return str(runs.save_job(job)), planned.ignored


@task(name="audit-shard", task_run_name="shard-{number}", cache_policy=NO_CACHE, retries=1)
def audit_shard(job_file: str, number: int) -> dict[str, int]:
    """Hear one shard; what became of each recording is on disk when it returns."""
    outcomes = shards.run(Path(job_file), number)
    rejected = sum(outcome.reason is not None for outcome in outcomes)
    return {"recordings": len(outcomes), "rejected": rejected}


@task(name="publish", cache_policy=NO_CACHE, persist_result=False)
def publish_run(job_file: str, ignored: int) -> Summary:
    """Judge every call heard and write tables and pages."""
    job = runs.load_job(Path(job_file))
    root = recordings.open_root(job.root)
    places: dict[publish.Place, list[tuple[Recording, str]]] = defaultdict(list)
    rejects, audio_s, resumed = list(job.rejects), 0.0, 0
    for recording, outcome in runs.outcomes(job):
        if outcome.checkpoint is None:
            assert outcome.reason is not None
            rejects.append(
                Reject(
                    recording.source_file,
                    outcome.reason,
                    outcome.detail,
                    recording.audit_date,
                    recording.call_id,
                )
            )
            continue
        audio_s += outcome.audio_s
        resumed += outcome.resumed
        place = (recording.audit_date, recording.agent_id)
        places[place].append((recording, outcome.checkpoint))
    kept = {recording.call_id: place for place, listed in places.items() for recording, _ in listed}
    audited_files = {r.source_file for listed in places.values() for r, _ in listed}
    rejects = _without_kept_audits(job, rejects)
    named = {recording.call_id for recording in job.recordings}
    named |= {reject.call_id for reject in rejects if reject.call_id}
    publish.withdraw(job.out, named, keep=kept, run_id=job.run_id)
    for place, listed in sorted(places.items()):
        calls = [
            publish.Located(_judged(job, recording, name), root.uri(recording.source_file))
            for recording, name in listed
        ]
        publish.publish_calls(job.out, place, calls, run_id=job.run_id)
    publish.publish_rejects(
        job.out,
        recordings.told_apart(rejects, audited=audited_files),
        planned={r.source_file for r in job.recordings} | {r.source_file for r in job.rejects},
        run_id=job.run_id,
    )
    index = publish.publish_pages(job.out, calls=set(kept), agents={agent for _, agent in places})
    summary = Summary(
        run_id=job.run_id,
        planned=len(job.recordings) + len(job.rejects),
        audited=len(job.recordings) + len(job.rejects) - len(rejects),
        rejected=len(rejects),
        resumed=resumed,
        ignored=ignored,
        audio_s=round(audio_s, 1),
        reasons=dict(Counter(str(reject.reason) for reject in rejects)),
        index=str(index),
    )
    runs.save_summary(job.folder, asdict(summary))
    _artifacts(job, summary)
    return summary


def _without_kept_audits(job: Job, rejects: list[Reject]) -> list[Reject]:
    """Rejects less those whose recording has gone after it was audited: the audit stays."""
    if all(reject.reason is not RejectReason.MISSING_FILE for reject in rejects):
        return rejects
    rows = parquet.read(job.out, CALLS.name, columns=["call_id", "source_file"]).to_pylist()
    stored = {(row["call_id"], row["source_file"]) for row in rows}
    return [
        reject
        for reject in rejects
        if reject.reason is not RejectReason.MISSING_FILE
        or (reject.call_id, reject.source_file) not in stored
    ]


def _judged(job: Job, recording: Recording, checkpoint: str) -> AuditedCall:
    transcript = checkpoints.load(job.out, checkpoint)
    if transcript is None:
        raise FileNotFoundError(f"checkpoint {checkpoint} of {recording.call_id} has gone")
    book = rulebook.load(recording.rulebook_id or job.config.batch.rulebook)
    tariff.keep(job.out, book)
    return pipeline.judge(Call(recording, transcript), book, stage_model=job.config.stages.model)


def _artifacts(job: Job, summary: Summary) -> None:
    """Show the run in Prefect: counts, and the agents it touched."""
    create_markdown_artifact(
        key="callaudit-summary",
        markdown=(
            f"| planned | audited | rejected | resumed | audio |\n|---|---|---|---|---|\n"
            f"| {summary.planned} | {summary.audited} | {summary.rejected} | {summary.resumed} "
            f"| {summary.audio_s / 3600:.2f} h |\n\nReport: `{summary.index}`"
        ),
        description=f"Run {summary.run_id}",
    )
    columns = ["agent", "audit_date", "calls", "mean_score", "auto_fails"]
    rows = parquet.read(job.out, AGENTS.name, columns=columns).to_pylist()
    touched = [row for row in rows if (row["audit_date"], row["agent"]) in job.places]
    create_table_artifact(key="callaudit-agents", table=touched, description="Agents of this run")


@flow(name="callaudit-nightly", log_prints=False)
def nightly(
    location: str,
    out: str,
    manifest: str | None = None,
    config: dict[str, Any] | None = None,
    resume: bool = True,
    run_id: str | None = None,
) -> Summary:
    """Audit every recording under a location as one night's batch.

    Args:
        location: a folder or any fsspec URL.
        out: folder that receives tables and pages.
        manifest: CSV or Parquet; without one, file names are read.
        config: as :class:`audit.config.Config`; defaults where absent.
        resume: use the transcripts of earlier runs.
        run_id: the run's name; made from the time where absent.
    """
    job_file, ignored = plan(
        location, out, manifest, config or {}, resume, run_id or runs.new_run_id()
    )
    job = runs.load_job(Path(job_file))
    pending = [audit_shard.submit(job_file, number) for number in range(job.shards)]
    died = False
    for future in pending:
        try:
            future.wait()  # a shard that failed left recordings without outcome: they are rejects
        except BrokenProcessPool:
            died = True
    if died:  # and took the pool with it
        for number in runs.unfinished(job):
            _hear_alone(Path(job_file), number)
    return publish_run(job_file, ignored)


def _hear_alone(job_file: Path, number: int) -> None:
    """Hear a shard in a process of its own, for it may be the one that killed the last."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=spawn) as alone:
        alone.submit(shards.run, job_file, number).exception()


@contextmanager
def _one_server() -> Iterator[None]:
    """A Prefect server for this process and its workers, which would each start their own.

    A worker that is killed would leave its server behind.
    """
    if PREFECT_API_URL.value():
        yield
        return
    with SubprocessASGIServer() as server, temporary_settings({PREFECT_API_URL: server.api_url}):
        yield


def run(
    location: str,
    out: str,
    *,
    manifest: str | None,
    config: Config,
    resume: bool,
    run_id: str,
) -> Summary:
    """Run the flow in this process, with as many worker processes as configured."""
    workers = config.batch.workers
    runner: Any = (
        ProcessPoolTaskRunner(max_workers=workers)
        if workers > 1
        else ThreadPoolTaskRunner(max_workers=1)
    )
    with _one_server():
        return nightly.with_options(task_runner=runner)(
            location, out, manifest, config.model_dump(mode="json"), resume, run_id
        )
