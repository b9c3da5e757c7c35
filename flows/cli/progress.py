"""Running a batch from the terminal: Prefect's embedded server, a progress bar, a summary."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audit.config import Config
from flows import proxies
from flows.workers import processes, server
from models.asr.weights import cache_dir

if TYPE_CHECKING:
    from flows.jobs import RunSummary
    from models.asr import engines
    from reports.store import Store


def private_prefect() -> None:
    """Settings for Prefect that keep a run on this machine, unless the user has set them.

    Must run before Prefect is imported.
    """
    proxies.spare_this_machine()
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    os.environ.setdefault("DO_NOT_TRACK", "1")
    home = cache_dir() / "prefect"
    home.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("PREFECT_HOME", str(home))
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "ERROR")
    os.environ.setdefault("PREFECT_SERVER_LOGGING_LEVEL", "ERROR")


def run(
    location: str,
    out: str,
    *,
    manifest: str | None,
    config: Config,
    resume: bool,
    night: date | None = None,
) -> RunSummary:
    """Run a batch and show its progress on the terminal.

    Raises:
        UsageError: the batch cannot start; nothing has been written.
    """
    private_prefect()
    with contextlib.ExitStack() as ahead:
        prefect = ahead.enter_context(server.started())  # first of all: nothing takes longer
        with processes.importing():
            from rich.console import Console

            from flows import bucket, hotwords, jobs
            from flows.workers import publisher, transcriber
            from reports.store import Store
        ahead.enter_context(publisher.ahead(config))
        store = Store(bucket.folder(out).resolve())
        console = Console(stderr=True)
        choice = _check(location, manifest, config)
        if config.batch.dask_scheduler is None and not (resume and _has_transcripts(store)):
            expecting = hotwords.with_names(config)
            load = choice.weights.path is not None
            ahead.enter_context(transcriber.ahead(expecting, load=load))
        run_id = jobs.new_run_id()
        with processes.importing():
            from flows import nightly
        publisher.check(config.batch.rulebook)
        # Prefect sets up its loggers when it is imported
        with _progress(store.layout.job_file(run_id), console), _quiet_prefect():
            summary = nightly.run(
                location,
                out,
                manifest=manifest,
                config=config,
                resume=resume,
                run_id=run_id,
                night=night,
                prefect=prefect,
            )
        _show(summary, console, listed=manifest is not None)
    return summary


def _has_transcripts(store: Store) -> bool:
    """Whether anything was transcribed there before."""
    return next(store.layout.all_full_transcripts(), None) is not None


def _check(location: str, manifest: str | None, config: Config) -> engines.Choice:
    """Check location, models and manifest before Prefect starts."""
    from audit.intake import roots, sources
    from flows import wiring

    roots.open_root(location)
    choice = wiring.check(config)
    sources.check(manifest, config.manifest)
    return choice


@contextlib.contextmanager
def _quiet_prefect() -> Iterator[None]:
    """Flow failures reach the user as one sentence, not as Prefect's log of a traceback."""
    loggers = [logging.getLogger(name) for name in ("prefect", "prefect.flow_runs")]
    for outside in ("EventsWorker", "APILogWorker"):  # they warn at exit about the server that ends
        logging.getLogger(outside).setLevel(logging.ERROR)
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


@contextlib.contextmanager
def _progress(job_file: Path, console: Any) -> Iterator[None]:
    """Show how many recordings are done, by watching the files of the run."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    from flows import jobs

    stop = threading.Event()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )

    def watch(progress: Progress) -> None:
        shown = progress.add_task("starting", total=None)
        job = None
        while not stop.wait(0.5):
            if job is None and job_file.is_file():
                job = jobs.load_job(job_file)
                progress.update(shown, description="recordings", total=len(job.recordings))
            if job is not None:
                progress.update(shown, completed=jobs.finished(job))
        if job is not None:
            progress.update(shown, completed=jobs.finished(job))

    with Progress(*columns, console=console, transient=not console.is_terminal) as progress:
        watcher = threading.Thread(target=watch, args=(progress,), daemon=True)
        watcher.start()
        try:
            yield
        finally:
            stop.set()
            watcher.join(timeout=5)


def _show(summary: RunSummary, console: Any, *, listed: bool) -> None:
    from rich.table import Table

    table = Table(title=f"{summary.audited} of {summary.planned} recordings audited")
    for heading in ("agent", "night", "calls", "mean score", "auto-fails", "cut-ins / min"):
        table.add_column(heading, justify="left" if heading in {"agent", "night"} else "right")
    rows = summary.agents
    for row in sorted(rows, key=lambda r: (r["audit_date"], r["agent"]))[:40]:
        table.add_row(
            f"{row['agent']} {row['agent_name'] or ''}".strip(),
            row["audit_date"],
            str(row["calls"]),
            _number(row["mean_score"]),
            str(row["auto_fails"]),
            _number(row["interruption_rate"]),
        )
    if rows:
        console.print(table)
    if not summary.planned:
        console.print(f"nothing to audit: {_nothing(summary, listed=listed)}")
    for reason, count in sorted(summary.reasons.items()):
        console.print(f"rejected: {count} {reason}")
    if summary.waiting:
        console.print(f"left for later: {_recordings(summary.waiting)} still being written")
    if summary.unlisted:
        console.print(f"not audited: {_recordings(summary.unlisted)} that no manifest row names")
    if summary.unrecorded:
        console.print(f"not audited: {_calls(summary.unrecorded)} without a recording here")
    if summary.ignored:
        files = "1 file that is not a recording" if summary.ignored == 1 else None
        files = files or f"{summary.ignored} files that are not recordings"
        console.print(f"ignored: {files} by name")
    print(f"report: {summary.index}")


def _nothing(summary: RunSummary, *, listed: bool) -> str:
    """Why nothing was planned: the manifest has no rows, or the folder no recordings."""
    if summary.night is not None:
        return f"there is no recording of {summary.night}"
    return "the manifest names no recording" if listed else "there is no recording"


def _recordings(count: int) -> str:
    return f"{count} recording" if count == 1 else f"{count} recordings"


def _calls(count: int) -> str:
    return "1 call of the export" if count == 1 else f"{count} calls of the export"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"
