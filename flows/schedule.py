"""Every night by itself: which nights are due, the flow that audits them, and serving it."""

from __future__ import annotations

import os
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from prefect import flow

from audit.config import Config
from audit.errors import CallauditError, UsageError
from audit.intake import manifests, remotes, roots
from flows import alarm, bucket, jobs, nightly, proxies
from flows.jobs import RunSummary
from reports.store import Store

DEPLOYMENT = "callaudit-nightly"


class NightsFailed(CallauditError):
    """Some nights of a scheduled run failed; they are due again at the next one."""


def due(store: Store, *, today: date, catch_up_nights: int) -> list[date]:
    """Yesterday, and nights before it that earlier runs missed, oldest first.

    Nights before the first scheduled one are ignored.
    """
    done = jobs.nights_done(store)
    yesterday = today - timedelta(days=1)
    if not done:
        return [yesterday]
    first = max(min(done), today - timedelta(days=catch_up_nights))
    nights = [first + timedelta(days=n) for n in range((today - first).days)]
    return [night for night in nights if night not in done] or [yesterday]


@flow(
    name="callaudit-scheduled",
    log_prints=False,
    on_failure=[alarm.tell],
    on_crashed=[alarm.tell],
)
def scheduled(
    location: str,
    out: str,
    manifest: str | None = None,
    config: dict[str, Any] | None = None,
    nights: list[str] | None = None,
) -> list[RunSummary]:
    """Audit yesterday's calls and those of nights that were missed.

    Args:
        location: a folder or any fsspec URL; ``%Y-%m-%d`` and the like become the night's date.
        out: folder that receives tables and pages.
        manifest: CSV, Excel or Parquet, dates as in ``location``; without one, file names are read.
        config: as :class:`audit.config.Config`; defaults where absent.
        nights: these instead, as ISO dates.

    Raises:
        NightsFailed: after the other nights have been audited.
    """
    os.umask(0o027)
    settings = Config.model_validate(config or {})
    today = datetime.now(manifests.time_zone(settings.batch.timezone)).date()
    chosen = [date.fromisoformat(night) for night in nights or []]
    if nights is None:
        catch_up = settings.schedule.catch_up_nights
        with bucket.working(out) as local:
            chosen = due(Store(local), today=today, catch_up_nights=catch_up)
    summaries, failed = [], []
    one_night = nightly.nightly.with_options(task_runner=nightly.task_runner(settings))
    for night in chosen:
        try:
            summary = one_night(
                _dated(location, night),
                out,
                None if manifest is None else _dated(manifest, night),
                settings.model_dump(mode="json"),
                night=night.isoformat(),
            )
        except CallauditError as error:
            failed.append(f"{night}: {error}")
        else:
            summaries.append(summary)
    if failed:
        raise NightsFailed("; ".join(failed))
    return summaries


def _dated(place: str, night: date) -> str:
    return night.strftime(place) if "%" in place else place


def serve(location: str, out: str, *, manifest: str | None, config: Config) -> None:
    """Serve the flow until stopped; needs a Prefect server (``PREFECT_API_URL``).

    Raises:
        UsageError: the recordings cannot be reached, or there is no server.
    """
    from prefect.schedules import Cron
    from prefect.settings import PREFECT_API_URL
    from prefect.types.entrypoint import EntrypointType

    for url in (location, out, manifest or ""):
        remotes.refuse_credentials(url)
    if "%" not in location:
        roots.open_root(location)
    proxies.spare_this_machine()
    if not PREFECT_API_URL.value():
        raise UsageError(
            "a schedule needs a Prefect server: start one with `prefect server start` and set "
            "PREFECT_API_URL=http://127.0.0.1:4200/api"
        )
    scheduled.serve(
        name=DEPLOYMENT,
        schedule=Cron(config.schedule.cron, timezone=config.batch.timezone),
        parameters={
            "location": location,
            "out": out if bucket.is_url(out) else str(Path(out).resolve()),
            "manifest": manifest,
            "config": config.model_dump(mode="json"),
        },
        limit=1,
        global_limit=1,
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
