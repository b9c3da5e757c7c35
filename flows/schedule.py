"""Serving the nightly flow on a cron schedule."""

from __future__ import annotations

from pathlib import Path

from audit import recordings
from audit.config import Config
from audit.errors import UsageError


def serve(location: str, out: Path, *, manifest: str | None, config: Config) -> None:
    """Serve the flow until stopped; needs a Prefect server (``PREFECT_API_URL``).

    Every run audits what lies under the location at that time; what earlier runs have heard is
    not heard again.

    Raises:
        UsageError: the recordings cannot be reached, or there is no server.
    """
    from prefect.schedules import Cron
    from prefect.settings import PREFECT_API_URL

    recordings.open_root(location)
    if not PREFECT_API_URL.value():
        raise UsageError(
            "a schedule needs a Prefect server: start one with `prefect server start` and set "
            "PREFECT_API_URL=http://127.0.0.1:4200/api"
        )
    from flows.nightly import nightly

    nightly.serve(
        name="callaudit-nightly",
        schedule=Cron(config.schedule.cron, timezone=config.batch.timezone),
        parameters={
            "location": location,
            "out": str(out.resolve()),
            "manifest": manifest,
            "config": config.model_dump(mode="json"),
        },
        limit=1,
    )
