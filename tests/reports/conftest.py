"""A drawn month of tables for tests of readers; copy it before changing it."""

from __future__ import annotations

from pathlib import Path

import pytest

from data_samples import months
from reports import compaction

PLAN = months.Plan(calls=900, agents=8, nights=36)


@pytest.fixture(scope="session")
def month(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """900 calls of 8 agents in 36 nights of two months, with reviews."""
    out = tmp_path_factory.mktemp("month")
    months.write(out, PLAN)
    return out


@pytest.fixture(scope="session")
def merged_month(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, all but the newest 7 nights merged."""
    out = tmp_path_factory.mktemp("merged")
    months.write(out, PLAN)
    list(compaction.compact(out))
    return out
