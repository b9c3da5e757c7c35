"""A night on a Dask cluster of several processes, one of which is killed."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from tests.flows.nights import Night, inject

pytestmark = pytest.mark.faults

distributed = pytest.importorskip("distributed")


def test_a_cluster_loses_a_worker(tmp_path: Path, prefect_server: str) -> None:
    night = Night(tmp_path, [f"C{n}" for n in range(6)], {"PREFECT_API_URL": prefect_server})
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, local_directory=str(tmp_path)
    ) as cluster:
        night.settings = (
            f"batch: {{dask_scheduler: '{cluster.scheduler_address}', shard_size: 2}}\n"
        )
        process = night.start()
        deadline = time.monotonic() + 200
        while not any(p.stat().st_size for p in night.out.glob("runs/*/shard-*.jsonl")):
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
        os.kill(next(iter(cluster.workers.values())).pid, signal.SIGKILL)
        inject()
        _, told = process.communicate(timeout=240)
    assert process.returncode == 0, told
    night.check()
