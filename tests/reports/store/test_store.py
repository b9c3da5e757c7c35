"""The output folder as one object."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import reports
from audit.errors import NoAudit
from reports.store import Store
from reports.store.schema import TABLES


def test_it_is_opened_where_there_are_tables(tmp_path: Path) -> None:
    with pytest.raises(NoAudit, match="holds no audit"):
        Store.open(tmp_path)
    with pytest.raises(NoAudit, match="does not exist"):
        Store.open(tmp_path / "nowhere")
    with pytest.raises(NoAudit, match="is a URL"):
        Store.open("s3://bucket/audit")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "parquet").mkdir()
    assert Store.open(str(tmp_path)) == Store(tmp_path) == reports.open(tmp_path)


def test_a_new_store_is_empty_and_asking_it_writes_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert all(store[name].rows() == [] and store[name].nights() == [] for name in TABLES)
    assert store.attempts.load("ab").tries == 0
    assert store.waveforms.load("ab" * 32) is None
    assert store.penalties.load(sha256="0", rulebook_id="hotline") is None
    assert store.transcripts.load("ab") is None
    assert list(store.private.names()) == []
    assert list(tmp_path.iterdir()) == []


def test_a_transaction_that_is_not_committed_leaves_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with store.transaction() as batch:
        assert list(store.layout.staged()) == [batch.folder]
    assert list(store.layout.staged()) == []


def test_the_process_that_transcribes_carries_no_arrow() -> None:
    """Its memory may be limited, and Arrow's allocator reserves more than a gigabyte."""
    script = (
        "import sys; import flows.workers.transcriber_process; from reports.store import Store;"
        "from pathlib import Path; s = Store(Path('x'));"
        "s.private, s.transcripts, s.attempts, s.waveforms;"
        "print({'pyarrow', 'pandas', 'torch', 'prefect'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.stdout, done.returncode) == ("set()\n", 0), done.stderr
