"""A real server with OpenAI's API on this machine, sound, slow, lying, full, and dead in turn."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from audit.config import AsrConfig, Config, load
from audit.errors import RejectedRecording, ServiceUnavailable, UsageError
from audit.language.text import simplify
from audit.ports import WindowResult
from audit.transcription.activity import detect_speech
from audit.transcription.decoding import decode
from audit.transcription.windows import join_utterances, pack, recognize
from audit.types import Samples, WordTimes
from models.asr import ctranslate2, engines, service, weights
from models.asr.service import Form
from models.voice.vad import speech_probabilities
from reports.analysis.error_rates import distance, plain
from tests.models.asr.serving import Keeper, Serving, serving
from tests.models.asr.whisper_server import KEY

CALL = Path(__file__).parents[3] / "data_samples" / "calls" / "S12_2006_20261117T140540.wav"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("service")) as server:
        yield server


@pytest.fixture
def server(running: Serving) -> Serving:
    """The server, without orders and with nothing noted."""
    if running.process is None or running.process.poll() is not None:
        running.start()
    running.order()
    running.forget()
    return running


def config(server: Serving, **options: Any) -> AsrConfig:
    quick = {"url": server.url, "timeout_s": 20, "tries": 2, "patience_s": 8, "parallel": 2}
    return AsrConfig.model_validate(
        {"engine": "openai-compatible", "model": "whisper-x", "service": quick | options}
    )


@cache
def utterances() -> list[Samples]:
    """Three utterances of a sample call, alone in their windows; the third is the longest."""
    audio = decode(CALL)
    found = join_utterances(detect_speech(audio, detector=speech_probabilities))
    alone = [next(iter(pack(audio, [one]))).samples for one in found]
    return sorted((w for w in alone if 1.5 < len(w) / 16_000 < 6), key=len)[-3:]


def text(heard: WindowResult) -> str:
    return plain(simplify("".join(word.text for word in heard.words)))


# what it gives


def test_it_hears_what_the_same_weights_hear_here(server: Serving) -> None:
    asr = engines.load(config(server))
    assert asr.abilities.word_times is WordTimes.NONE
    assert asr.origin.engine == "openai-compatible"
    assert asr.origin.model == f"whisper-x at 127.0.0.1:{server.port}"
    server.forget()
    heard = asr.transcribe(utterances())
    here = ctranslate2.load(weights.find("base"), device="cpu", beam_size=1)
    expected = [text(one) for one in here.transcribe(utterances())]
    errors = sum(distance(text(a), b) for a, b in zip(heard, expected, strict=True))
    assert errors / sum(map(len, expected)) <= 0.1
    assert all(len(one.words) == 1 and 0.2 < one.words[0].probability <= 1 for one in heard)
    sent = server.requests()
    assert [one["form"] for one in sent] == [[1, 2, 16_000]] * 3
    assert {one["model"] for one in sent} == {"whisper-x"}
    assert {one["language"] for one in sent} == {"zh"}
    assert {one["path"] for one in sent} == {"/v1/audio/transcriptions"}
    assert asr.transcribe([]) == []


def test_trusted_times_put_words_where_they_were_said(server: Serving) -> None:
    """Several utterances go in a window, and the words come back to each."""
    audio = decode(CALL)
    found = join_utterances(detect_speech(audio, detector=speech_probabilities))
    asr = service.load(config(server, trust_word_times=True))
    assert asr.abilities.word_times is WordTimes.MEASURED
    server.forget()
    heard = recognize(audio, found, asr=asr)
    assert 0 < len(server.requests()) < len(found)
    here = ctranslate2.load(weights.find("base"), device="cpu", beam_size=1)
    expected = recognize(audio, found, asr=here)
    told, wanted = (
        "".join(plain("".join(w.text for w in ws)) for _, ws in each) for each in (heard, expected)
    )
    assert distance(told, wanted) / len(wanted) <= 0.15
    for utterance, words in heard:
        assert all(
            utterance.span.start_s <= w.start_s <= w.end_s <= utterance.span.end_s for w in words
        )


@pytest.mark.parametrize(
    ("mode", "form"), [("no words", Form.VERBOSE), ("plain", Form.PLAIN), ("", Form.WORDS)]
)
def test_the_richest_form_that_it_understands_is_found_once(
    server: Serving, mode: str, form: Form
) -> None:
    server.order(mode=mode)
    asr = service.load(config(server))
    assert asr.form is form
    server.forget()
    (heard,) = asr.transcribe(utterances()[:1])
    assert len(text(heard)) >= 4
    assert len(server.requests()) == 1
    probability = heard.words[0].probability
    assert (probability is None) == (form is Form.PLAIN)
    if form is Form.PLAIN:
        with pytest.raises(UsageError, match="trust_word_times"):
            service.load(config(server, trust_word_times=True))


@pytest.mark.parametrize(
    ("mode", "certain"),
    [("segments", True), ("sensevoice", True), ("odd probability", False), ("other words", False)],
)
def test_forms_of_other_servers(server: Serving, mode: str, certain: bool) -> None:
    asr = service.load(config(server))
    (expected,) = asr.transcribe(utterances()[:1])
    server.order(mode=mode)
    (heard,) = asr.transcribe(utterances()[:1])
    assert text(heard).removesuffix("而且") == text(expected)
    assert "|" not in heard.words[0].text
    assert (heard.words[0].probability is not None) == certain


# what is a lie


@pytest.mark.parametrize("mode", ["backwards", "outside", "negative", "nan", "other words"])
def test_times_that_cannot_be_right(server: Serving, mode: str) -> None:
    """They do not matter where they are not trusted; where they are, the call is rejected."""
    trusting = service.load(config(server, trust_word_times=True))
    untrusting = service.load(config(server))
    (expected,) = untrusting.transcribe(utterances()[-1:])
    server.order(mode=mode)
    (heard,) = untrusting.transcribe(utterances()[-1:])
    assert text(heard).removesuffix("而且") == text(expected)
    with pytest.raises(RejectedRecording) as told:
        trusting.transcribe(utterances()[-1:])
    assert told.value.reason == "service_failed"
    server.order(mode=mode, times=1)  # what is asked again is right
    assert len(trusting.transcribe(utterances()[-1:])[0].words) > 3


@pytest.mark.parametrize("mode", ["html", "truncated", "gbk", "no text", "nested", "endless"])
def test_an_answer_that_is_none(server: Serving, mode: str) -> None:
    asr = service.load(config(server))
    server.order(mode=mode, longer_than_s=1.2)
    with pytest.raises(RejectedRecording, match="gave an answer that"):
        asr.transcribe(utterances()[:1])
    server.order(mode=mode)  # to whatever it is asked
    with pytest.raises(ServiceUnavailable, match="gave an answer that"):
        asr.transcribe(utterances()[:1])
    with pytest.raises(ServiceUnavailable):
        service.probe(config(server))


# what fails


@pytest.mark.parametrize(
    "mode", ["500", "413", "hang", "drip", pytest.param("die", marks=pytest.mark.faults)]
)
def test_a_window_that_it_always_fails_at_costs_one_recording(server: Serving, mode: str) -> None:
    service.load(config(server)).transcribe(utterances())  # which it then knows by heart
    asr = service.load(config(server, timeout_s=3 if mode in ("hang", "drip") else 20, parallel=1))
    limit_s = (len(utterances()[-2]) + len(utterances()[-1])) / 2 / 16_000
    server.order(mode=mode, longer_than_s=limit_s)
    keeper = Keeper(server) if mode == "die" else None
    try:
        for _ in range(
            1 if mode in ("hang", "drip") else 3
        ):  # never the service's: others get through
            with pytest.raises(RejectedRecording) as told:
                asr.transcribe(utterances())
            assert told.value.reason == "service_failed"
        assert all(text(one) for one in asr.transcribe(utterances()[:2]))
    finally:
        if keeper is not None:
            keeper.stop()


def test_recordings_of_which_nothing_gets_through_are_its_own_fault(server: Serving) -> None:
    asr = service.load(config(server))
    server.order(mode="500", longer_than_s=1.2)  # a probe is shorter
    for _ in range(2):
        with pytest.raises(RejectedRecording, match="HTTP 500"):
            asr.transcribe(utterances())
    with pytest.raises(ServiceUnavailable, match="HTTP 500"):
        asr.transcribe(utterances())


@pytest.mark.parametrize("status", ["500", "503", "429"])
def test_a_failure_that_passes_costs_nothing(server: Serving, status: str) -> None:
    asr = service.load(config(server, parallel=1))
    (expected,) = asr.transcribe(utterances()[:1])
    server.order(mode=status, times=1, after="1")
    began = time.monotonic()
    (heard,) = asr.transcribe(utterances()[:1])
    assert text(heard) == text(expected)
    assert status == "500" or time.monotonic() - began >= 1.0  # as it was told


@pytest.mark.parametrize("after", ["", "3600", "Wed, 21 Oct 2026 07:28:00 GMT"])
def test_a_service_that_stays_full_stops_the_batch(server: Serving, after: str) -> None:
    asr = service.load(config(server, patience_s=1.5))
    server.order(mode="429", after=after)
    began = time.monotonic()
    with pytest.raises(ServiceUnavailable, match=r"full.*429.*run again"):
        asr.transcribe(utterances())
    assert time.monotonic() - began < 5


def test_a_restart_is_waited_for_and_its_absence_is_not_for_long(server: Serving) -> None:
    asr = service.load(config(server))
    expected = [text(one) for one in asr.transcribe(utterances())]
    server.kill()
    threading.Timer(1.0, server.start).start()
    assert [text(one) for one in asr.transcribe(utterances())] == expected
    server.kill()
    began = time.monotonic()
    with pytest.raises(ServiceUnavailable, match="cannot be reached"):
        asr.transcribe(utterances())
    assert 3 < time.monotonic() - began < 15
    began = time.monotonic()
    with pytest.raises(ServiceUnavailable, match="cannot be reached"):
        service.probe(config(server))
    assert time.monotonic() - began < 2


# what it is told, and what not


def test_the_key_is_sent_and_never_shown(server: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    server.order(mode="key")
    with pytest.raises(UsageError, match=r"401.*key_env"):
        service.load(config(server))
    named = config(server, key_env="ASR_KEY")
    for unusable in ("", "sk-\n秘密", "two\nlines"):
        monkeypatch.setenv("ASR_KEY", unusable)
        with pytest.raises(UsageError, match="ASR_KEY") as told:
            service.load(named)
        assert not unusable or unusable not in str(told.value)
    monkeypatch.setenv("ASR_KEY", "sk-wrong")
    with pytest.raises(UsageError, match="401") as told:
        service.load(named)
    assert "sk-wrong" not in f"{told.value!r} {told.value.__context__!r}"
    monkeypatch.setenv("ASR_KEY", KEY)
    asr = service.load(named)
    assert text(asr.transcribe(utterances()[:1])[0])
    assert KEY not in f"{named!r} {asr!r} {asr.origin!r}"


def test_nothing_follows_a_redirect(server: Serving, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        other.settimeout(0.3)
        host = f"http://127.0.0.2:{other.getsockname()[1]}/v1/audio/transcriptions"
        server.order(mode="redirect", to=host)
        with pytest.raises(UsageError, match="redirects are not followed"):
            service.load(config(server))
        with pytest.raises(TimeoutError):
            other.accept()


def test_this_machine_is_reached_past_proxies(
    server: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")
    for variable in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(variable, "")
    assert service.load(config(server)).form is Form.WORDS


@pytest.mark.parametrize(
    "url",
    [
        "http://me:hunter2@asr.example/v1",
        "http://asr.example/v1?key=hunter2",
        "http://asr.example/v1#hunter2",
        "ftp://hunter2/v1",
        "hunter2",
        "http://[hunter2/v1",
        "http://hunter2:99999/v1",
        "http:///v1/hunter2",
        "http://hunter 2/v1",
    ],
)
def test_an_address_that_is_none_is_refused_and_not_quoted(tmp_path: Path, url: str) -> None:
    file = tmp_path / "c.yaml"
    file.write_text(f"transcription: {{asr: {{service: {{url: '{url}'}}}}}}")
    with pytest.raises(UsageError, match=r"transcription\.asr\.service\.url") as told:
        load(file)
    assert "hunter" not in str(told.value)


def test_settings_under_which_nothing_is_sent(server: Serving) -> None:
    asr = config(server)
    drop = {"transcription": {"asr": asr}, "privacy": {"mode": "drop"}}
    with pytest.raises(UsageError, match="allow_audio_upload"):
        service.check(Config.model_validate(drop))
    with pytest.raises(UsageError, match=r"batch\.timeout_s"):
        service.check(
            Config.model_validate({"transcription": {"asr": asr}, "batch": {"timeout_s": 9}})
        )
    with pytest.raises(UsageError, match=r"service\.url"):
        engines.load(AsrConfig(engine="openai-compatible"))
    assert server.requests() == []
    drop["privacy"]["allow_audio_upload"] = True
    service.check(Config.model_validate(drop))
    (probed,) = server.requests()
    assert probed["duration_s"] == 1.0


def test_where_it_runs_is_part_of_a_transcripts_key() -> None:
    def fingerprint(engine: str, **options: Any) -> str:
        given = Config.model_validate({"transcription": {"asr": {"service": options}}})
        return given.transcription_fingerprint(engine=engine, model_sha256=None)

    one = fingerprint("openai-compatible", url="http://a/v1")
    assert one == fingerprint("openai-compatible", url="http://a/v1/", tries=5, parallel=9)
    assert one != fingerprint("openai-compatible", url="http://b/v1")
    assert one != fingerprint("openai-compatible", url="http://a/v1", trust_word_times=True)
    assert fingerprint("faster-whisper") == fingerprint("faster-whisper", url="http://a/v1")
