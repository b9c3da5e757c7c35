"""Nights that a transcription service transcribes, which dies, hangs, and fails at one call."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from audit import config
from flows import doctor
from flows.cli.main import main
from tests.flows.nights import Night, inject, write_clip
from tests.flows.test_faults import wait_for_outcomes
from tests.models.asr.serving import Keeper, Serving, serving


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Serving]:
    base = tmp_path / "service"
    base.mkdir()
    with serving(base) as running:
        yield running


def night(
    base: Path, server: Serving, calls: int, *, patience_s: float, **service: object
) -> Night:
    given = {"url": server.url, "timeout_s": 4, "tries": 2, "patience_s": patience_s, **service}
    return Night(
        base / "night",
        [f"C{number}" for number in range(calls)],
        asr=json.dumps({"engine": "openai-compatible", "model": "base", "service": given}),
        settings="batch: {timeout_s: 60, shard_size: 2, workers: 1}\n",
    )


def test_a_service_that_dies_loses_nothing_and_doubles_nothing(
    tmp_path: Path, server: Serving, prefect_server: str
) -> None:
    broken = night(tmp_path, server, 8, patience_s=2)
    broken.environment["PREFECT_API_URL"] = prefect_server
    server.order(slow_s=0.7)
    process = broken.start()
    wait_for_outcomes(broken, process, 2)
    server.kill()  # for good
    inject()
    _, output = process.communicate(timeout=120)
    assert process.returncode == 1, output
    assert len(output.strip().splitlines()) == 1, output
    assert "cannot be reached" in output and "run again" in output
    broken.check(complete=False)
    assert not len(broken.table("calls")) and not broken.reasons()  # nothing was published
    assert not list(broken.out.glob("attempts/*/*.json"))  # it is not the recordings' fault
    kept = len(list(broken.out.glob("private/transcripts/*/*.json.gz")))
    assert 2 <= kept < 6

    server.start()
    broken.asr = broken.asr.replace('"patience_s": 2', '"patience_s": 40')
    noted = sum(p.read_bytes().count(b"\n") for p in broken.out.glob("runs/*/shard-*"))
    process = broken.start()
    wait_for_outcomes(broken, process, noted + kept + 1)
    server.kill()
    inject()
    time.sleep(2)
    assert process.poll() is None
    server.start()
    _, output = process.communicate(timeout=120)
    assert process.returncode == 0, output
    broken.check()
    summary = json.loads(max(broken.out.glob("runs/*/summary.json")).read_text())
    assert (summary["audited"], summary["resumed"]) == (8, kept)
    (model,) = set(broken.table("calls")["model"])
    assert model == f"base at 127.0.0.1:{server.port}"
    assert set(broken.table("calls")["engine"]) == {"openai-compatible"}


def test_nothing_is_sent_where_transcripts_are_dropped(tmp_path: Path, server: Serving) -> None:
    private = night(tmp_path, server, 1, patience_s=2)
    server.forget()
    code, output = private.run("--private", "drop")
    assert code == 2
    assert "privacy.allow_audio_upload" in output and len(output.strip().splitlines()) == 1
    assert server.requests() == [] and not private.out.exists()


def test_a_plan_sends_no_sample_where_transcripts_are_dropped(
    tmp_path: Path, server: Serving
) -> None:
    private = night(tmp_path, server, 1, patience_s=2)
    (sample,) = private.recordings.iterdir()
    path = tmp_path / "drop.yaml"
    path.write_text(
        f"transcription: {{asr: {private.asr}}}\nprivacy: {{mode: drop}}\n{private.settings}",
        "utf-8",
    )
    server.forget()
    words = ["doctor", "--plan", "10", "5", "--sample", str(sample), "--config", str(path)]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 2
    assert "privacy.allow_audio_upload" in result.output
    assert server.requests() == []


def test_doctor_says_whether_it_answers(tmp_path: Path, server: Serving) -> None:
    def check(url: str) -> doctor.DoctorCheck:
        asr = {"engine": "openai-compatible", "service": {"url": url}}
        settings = config.Config.model_validate({"transcription": {"asr": asr}})
        return {check.name: check for check in doctor.examine(settings)}["service"]

    found = check(server.url)
    assert found.ok and "verbose_json with words" in found.detail
    server.kill()
    found = check(server.url)
    assert not found.ok and "cannot be reached" in found.detail
    server.order()


@pytest.mark.faults
@pytest.mark.parametrize("mode", ["500", "hang", "die"])
def test_a_call_that_it_fails_at_is_rejected_alone_and_tried_again(
    tmp_path: Path, server: Serving, prefect_server: str, mode: str
) -> None:
    odd = night(tmp_path, server, 5, patience_s=20)
    odd.environment["PREFECT_API_URL"] = prefect_server
    write_clip(min(odd.recordings.iterdir()), number=0, length=80_000)
    inject()
    server.order(mode=mode, longer_than_s=3.6)
    keeper = Keeper(server)
    try:
        code, output = odd.run()
    finally:
        keeper.stop()
    assert code == 3, output
    assert odd.reasons() == {"C0": "service_failed"}
    odd.check()
    server.order()
    code, output = odd.run()
    assert code == 0, output
    odd.check()
