"""The nightly flow: plan, transcribe in shards, judge and publish."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from prefect import flow, task
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.task_runners import ThreadPoolTaskRunner

from audit import rulebooks
from audit.config import Config
from audit.errors import CallauditError, UsageError
from audit.intake import growing, manifests, recordings, roots
from audit.intake.recordings import Plan
from flows import bucket, hotwords, jobs, lineage, wiring
from flows.jobs import Job, RunSummary
from flows.workers import publisher, server, shards
from reports.store import Store


@task(name="plan", cache_policy=NO_CACHE, persist_result=False)
def plan(
    location: str,
    out: str,
    manifest: str | None,
    config: dict[str, Any],
    resume: bool,
    run_id: str,
    night: date | None,
) -> str:
    """Plan the batch and write it down; returns the plan's path."""
    settings = Config.model_validate(config)
    root, store = roots.open_root(location), Store(Path(out).resolve())
    customers = store.customer_key()
    publisher.check(settings.batch.rulebook)
    planned = recordings.plan(
        root,
        manifest=manifest,
        timezone=settings.batch.timezone,
        rulebooks={*rulebooks.shipped(), settings.batch.rulebook},
        max_bytes=settings.limits.max_bytes,
        today=night or datetime.now(manifests.time_zone(settings.batch.timezone)).date(),
        settle_s=settings.schedule.settle_s if night else 0.0,
        quiet_s=growing.QUIET_S,
        raw_forms=settings.audio.raw_forms,
        options=settings.manifest,
        customer=customers.hashed,
    )
    if night is not None:
        planned = _of_night(planned, night)
    settings = hotwords.with_names(settings)
    choice = wiring.check(settings)
    store.private.prepare()
    if choice.weights.path is None:
        wiring.asr_engine(settings.transcription)  # fails now, before anything is written
    if any(recording.customer_key for recording in planned.recordings):
        customers.keep()
    job = Job(
        run_id=run_id,
        out=store.root,
        root=location,
        config=settings,
        fingerprint=lineage.transcription_fingerprint(
            settings, engine=choice.engine, model_sha256=choice.weights.sha256
        ),
        resume=resume,
        recordings=planned.recordings,
        rejects=planned.rejects,
        night=night,
        waiting=len(planned.waiting),
        ignored=planned.ignored,
        unlisted=planned.unlisted,
        unrecorded=planned.unrecorded,
    )
    return str(jobs.save_job(job))


def _of_night(planned: Plan, night: date) -> Plan:
    return replace(
        planned,
        recordings=tuple(r for r in planned.recordings if r.audit_date == night),
        rejects=tuple(r for r in planned.rejects if r.audit_date == night),
        waiting=tuple(r for r in planned.waiting if r.audit_date == night),
    )


@task(name="audit-shard", task_run_name="shard-{number}", cache_policy=NO_CACHE, retries=1)
def audit_shard(job_file: str, number: int) -> dict[str, int]:
    """Transcribe one shard; what became of each recording is on disk when it returns."""
    outcomes = shards.run(Path(job_file), number)
    rejected = sum(outcome.reason is not None for outcome in outcomes)
    return {"recordings": len(outcomes), "rejected": rejected}


@task(name="publish", cache_policy=NO_CACHE, persist_result=False)
def publish_run(job_file: str) -> RunSummary:
    """Judge every transcribed call and write tables and pages, in a separate process."""
    agents = publisher.run(Path(job_file))
    job = jobs.load_job(Path(job_file))
    summary = replace(jobs.load_summary(job.store, job.run_id), agents=tuple(agents))
    _artifacts(summary)
    return summary


def _artifacts(summary: RunSummary) -> None:
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
    touched = [{column: row[column] for column in columns} for row in summary.agents]
    create_table_artifact(key="callaudit-agents", table=touched, description="Agents of this run")


_ONE: Any = ThreadPoolTaskRunner(max_workers=1)
"""However it is started, a night uses no more of a machine than configured."""


@flow(name="callaudit-nightly", log_prints=False, task_runner=_ONE)
def nightly(
    location: str,
    out: str,
    manifest: str | None = None,
    config: dict[str, Any] | None = None,
    resume: bool = True,
    run_id: str | None = None,
    night: str | None = None,
) -> RunSummary:
    """Audit every recording under a location as one night's batch.

    Args:
        location: a folder or any fsspec URL.
        out: folder, or fsspec URL, that receives tables and pages.
        manifest: CSV, Excel or Parquet; without one, file names are read.
        config: as :class:`audit.config.Config`; defaults where absent.
        resume: use the transcripts of earlier runs.
        run_id: the run's name; made from the time where absent.
        night: audit the calls of this ISO date only; all of them where absent.
    """
    with jobs.alone(Store(bucket.folder(out))), bucket.working(out) as local:
        run_id = run_id or jobs.new_run_id()
        only = date.fromisoformat(night) if night else None
        job_file = plan(location, str(local), manifest, config or {}, resume, run_id, only)
        job = jobs.load_job(Path(job_file))
        publisher.let_go(len(job.recordings))
        pending = [audit_shard.submit(job_file, number) for number in range(job.shards)]
        ends = [future.result(raise_on_failure=False) for future in pending]
        for end in ends:  # what stops one shard stops all: tables stay as they are
            if isinstance(end, CallauditError):
                raise end
        for number in jobs.unfinished(job):  # a machine that transcribed it was lost
            shards.run(Path(job_file), number)
        return publish_run(job_file)


def task_runner(config: Config) -> Any:
    """Threads that each have a transcribing process, or a Dask cluster."""
    if config.batch.dask_scheduler is None:
        return ThreadPoolTaskRunner(max_workers=config.batch.processes)
    try:
        from prefect_dask.task_runners import DaskTaskRunner
    except ImportError as error:
        raise UsageError("batch.dask_scheduler needs `pip install 'callaudit[dask]'`") from error
    return DaskTaskRunner(address=config.batch.dask_scheduler)


def run(
    location: str,
    out: str,
    *,
    manifest: str | None,
    config: Config,
    resume: bool,
    run_id: str,
    night: date | None = None,
    prefect: server.Server | None = None,
) -> RunSummary:
    """Run the flow in this process, with as many transcribing processes as configured."""
    only = night.isoformat() if night else None
    with server.one_server(prefect):
        return nightly.with_options(task_runner=task_runner(config))(
            location, out, manifest, config.model_dump(mode="json"), resume, run_id, only
        )
