"""A speech recognition service: any server with OpenAI's ``/audio/transcriptions``, by URL.

Nothing is sent anywhere but to the configured address. A service that is away or full is waited
for. What still fails is told apart by a probe, a second of noise: if even that fails, the service
is broken and the batch stops; otherwise the recording is to blame, and only it is rejected.
"""

from __future__ import annotations

import io
import ipaddress
import os
import random
import threading
import time
import wave
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import TypeVar
from urllib.parse import urlsplit

import httpx
import numpy as np

from audit.config import AsrConfig, Config
from audit.errors import RejectedRecording, RejectReason, ServiceUnavailable, UsageError
from audit.ports import Abilities, WindowResult
from audit.transcription.options import ServiceOptions
from audit.types import SAMPLE_RATE, Origin, Samples, WordTimes
from models.asr import service_answer
from models.asr.service_answer import Answer, UnreadableAnswer

ENGINE = "openai-compatible"

_ANSWER_MAX_BYTES = 4 << 20
_CONNECT_S = 10.0
_PAUSE_MIN_S, _PAUSE_MAX_S = 0.5, 10.0
_PROBES = 2
_LOST_MAX = 3
"""Recordings in a row without a single answer, after which the service is to blame."""

T = TypeVar("T")


class Form(Enum):
    """Forms of an answer that can be asked for, the richest first."""

    WORDS = "verbose_json with words"
    VERBOSE = "verbose_json"
    PLAIN = "json"

    @property
    def fields(self) -> dict[str, str]:
        """Fields of the request."""
        fields = {"response_format": self.value.split()[0], "temperature": "0"}
        return fields | ({"timestamp_granularities[]": "word"} if self is Form.WORDS else {})


class _Trouble(Exception):
    """A request without a usable answer; the message continues "the service"."""


class _Away(_Trouble):
    """Nobody is there, or the service is full: worth waiting for."""

    def __init__(self, cause: str, after_s: float = 0.0) -> None:
        super().__init__(cause)
        self.after_s = after_s


class _Failed(_Trouble):
    """The service failed at this request: worth another try."""


class _Refused(_Trouble):
    """The service refuses this request, whenever it is sent."""


class _Stopped(Exception):
    """Another window of the same recording has failed."""


@dataclass(slots=True)
class Service:
    """A service that has answered; create it with :func:`load`."""

    options: ServiceOptions
    model: str
    client: httpx.Client
    form: Form
    lost: int = 0
    """Recordings that failed since the last window that did not."""

    @property
    def host(self) -> str:
        """Host and port."""
        return urlsplit(self.options.url or "").netloc

    @property
    def origin(self) -> Origin:
        """The model, by the name that the service knows, and where it runs."""
        return Origin(None, ENGINE, f"{self.model} at {self.host}", None)

    @property
    def abilities(self) -> Abilities:
        """Word times only where they are trusted; probabilities where words may come."""
        times = WordTimes.MEASURED if self.options.trust_word_times else WordTimes.NONE
        return Abilities(times, word_probabilities=self.form is Form.WORDS, language=False)

    def transcribe(
        self, windows: Sequence[Samples], *, repetition_penalty: float = 1.0
    ) -> list[WindowResult]:
        """Transcribe windows, several at a time; see :class:`audit.ports.AsrEngine`.

        Raises:
            RejectedRecording: the service works, but not for one of these windows.
            ServiceUnavailable: the service does not work.
            UsageError: it refuses the key, or does not know the model.
        """
        stop = threading.Event()
        threads = ThreadPoolExecutor(self.options.parallel)
        try:
            return list(threads.map(partial(self._window, stop=stop), windows))
        except _Trouble as found:
            trouble = found
        finally:
            stop.set()
            threads.shutdown(wait=False, cancel_futures=True)
        raise self._blame(trouble) from trouble

    def _window(self, samples: Samples, *, stop: threading.Event) -> WindowResult:
        duration_s = len(samples) / SAMPLE_RATE
        wav = _wav(samples)

        def ask() -> WindowResult:
            answer = self._ask(wav, self.form)
            try:
                trusted = self.options.trust_word_times
                return WindowResult((answer.timed if trusted else answer.untimed)(duration_s))
            except UnreadableAnswer as error:
                raise _Failed(f"gave an answer that {error}") from error

        result = self._patiently(ask, stop=stop)
        self.lost = 0
        return result

    def _blame(self, trouble: _Trouble) -> Exception:
        """Whose fault a window is that failed for good."""
        if isinstance(trouble, _Away):
            return self._unavailable(trouble)
        try:
            self._patiently(partial(self._ask, _PROBE, self.form), tries=_PROBES)
        except _Trouble as also:
            return self._unavailable(also)
        self.lost += 1
        if self.lost >= _LOST_MAX:
            return self._unavailable(trouble)
        return RejectedRecording(
            RejectReason.SERVICE_FAILED,
            f"the transcription service at {self.host} {trouble}, and works otherwise; see its "
            "log, the next run tries again",
        )

    def _unavailable(self, trouble: _Trouble) -> ServiceUnavailable:
        return ServiceUnavailable(
            f"the transcription service at {self.host} {trouble}; see that it works and run "
            "again: recordings that were transcribed are not transcribed again"
        )

    def _patiently(
        self,
        call: Callable[[], T],
        *,
        tries: int | None = None,
        stop: threading.Event | None = None,
    ) -> T:
        """Call until it succeeds; wait in between, longer each time.

        Raises:
            _Trouble: the last one, after ``tries`` failures or ``patience_s`` of waiting.
            _Stopped: ``stop`` was set.
        """
        stop = stop or threading.Event()
        tries = tries or self.options.tries
        failures, waited_s, pause_s = 0, 0.0, _PAUSE_MIN_S
        while True:
            began = time.monotonic()
            after_s = 0.0
            try:
                return call()
            except _Away as away:
                trouble: _Trouble = away
                after_s = away.after_s
                waited_s += time.monotonic() - began
            except _Failed as failed:
                trouble = failed
                failures += 1
            rest_s = max(after_s, pause_s * random.uniform(0.7, 1.0))
            if failures >= tries or waited_s + rest_s > self.options.patience_s:
                raise trouble
            if stop.wait(rest_s):
                raise _Stopped
            waited_s += rest_s
            pause_s = min(2 * pause_s, _PAUSE_MAX_S)

    def _ask(self, wav: bytes, form: Form) -> Answer:
        """Send one request.

        Raises:
            _Trouble: there is no usable answer.
            UsageError: there will be none, as the service is configured.
        """
        fields = {"model": self.model, **form.fields}
        if self.options.language is not None:
            fields["language"] = self.options.language
        deadline = time.monotonic() + self.options.timeout_s
        late = f"gave no answer within {self.options.timeout_s:g} s"
        body = b""
        try:
            with self.client.stream(
                "POST",
                f"{self.options.url}/audio/transcriptions",
                files={"file": ("audio.wav", wav, "audio/wav")},
                data=fields,
            ) as response:
                self._check(response)
                for part in response.iter_bytes():
                    body += part
                    if len(body) > _ANSWER_MAX_BYTES:
                        raise _Failed("gave an answer that does not end")
                    if time.monotonic() > deadline:
                        raise _Failed(late)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
            raise _Away(f"cannot be reached ({error or 'no connection'})") from error
        except httpx.TimeoutException as error:
            raise _Failed(late) from error
        except httpx.HTTPError as error:
            raise _Failed(f"broke the connection ({type(error).__name__})") from error
        try:
            return service_answer.read(body)
        except UnreadableAnswer as error:
            raise _Failed(f"gave an answer that {error}") from error

    def _check(self, response: httpx.Response) -> None:
        """Sort what is no success; bodies of errors are not quoted, they may hold the key."""
        status = response.status_code
        said = f"answered HTTP {status}"
        if 200 <= status < 300:
            return
        if status in (429, 502, 503):
            after_s = 0.0
            with suppress(ValueError):
                after_s = max(0.0, float(response.headers.get("retry-after", "")))
            raise _Away(f"is full or not ready (HTTP {status})", after_s)
        if status == 408 or status >= 500:
            raise _Failed(said)
        advice = {
            401: "name the variable that holds its key in transcription.asr.service.key_env",
            403: "let the key that transcription.asr.service.key_env names use it",
            404: f"check transcription.asr.service.url, and that it knows model {self.model!r}",
            405: "check transcription.asr.service.url",
        }.get(status)
        if 300 <= status < 400:
            advice = "redirects are not followed, give its own address"
        if advice is not None:
            raise UsageError(f"the transcription service at {self.host} {said}; {advice}")
        raise _Refused(said)


def load(config: AsrConfig) -> Service:
    """Connect to the configured service, waiting for it, and learn which answers it gives.

    Raises:
        UsageError: no service is configured, its key is missing, or it cannot do what is asked.
        ServiceUnavailable: it does not answer.
    """
    options = config.service
    if options.url is None:
        raise UsageError(
            f"engine {ENGINE} needs the address of a service; set transcription.asr.service.url "
            "in the configuration, such as http://127.0.0.1:8000/v1"
        )
    service = Service(options, config.model, _client(options), Form.PLAIN)
    try:
        service.form = _form(service)
    except _Trouble as trouble:
        raise service._unavailable(trouble) from trouble
    if options.trust_word_times and service.form is Form.PLAIN:
        raise UsageError(
            f"the transcription service at {service.host} gives no words with times; set "
            "transcription.asr.service.trust_word_times to false"
        )
    return service


def check(config: Config) -> None:
    """Make sure, before a batch begins, that a service may be used as configured and answers.

    Raises:
        UsageError: recordings may not be sent, or see :func:`load`.
        ServiceUnavailable: it does not answer at once.
    """
    check_settings(config)
    probe(config.transcription.asr)


def check_settings(config: Config) -> None:
    """Make sure that recordings may be sent, and that a request ends before its recording must.

    Raises:
        UsageError: not with these settings.
    """
    options = config.transcription.asr.service
    if config.privacy.mode == "drop" and not config.privacy.allow_audio_upload:
        raise UsageError(
            f"privacy.mode is drop, so no recording is sent to a service; set "
            f"privacy.allow_audio_upload to true, or use another engine than {ENGINE}"
        )
    needed_s = (options.tries + _PROBES) * options.timeout_s + options.patience_s
    if needed_s > config.batch.timeout_s:
        raise UsageError(
            f"batch.timeout_s is {config.batch.timeout_s:g}, but a request to the service may take "
            f"{needed_s:g} s, (tries + 2) × timeout_s + patience_s of transcription.asr.service; "
            "raise the one or lower the others"
        )


def probe(config: AsrConfig, *, timeout_s: float = 60.0) -> Service:
    """Connect as :func:`load` does, without waiting for a service that is not there."""
    options = config.service
    hasty = {"tries": 1, "patience_s": 0.0, "timeout_s": min(options.timeout_s, timeout_s)}
    return load(config.model_copy(update={"service": options.model_copy(update=hasty)}))


def is_local(url: str) -> bool:
    """Whether an address is this machine's own.

    >>> is_local("http://127.0.0.1:8000/v1"), is_local("http://[::1]/v1"), is_local("http://asr/v1")
    (True, True, False)
    """
    host = urlsplit(url).hostname or ""
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host.lower() == "localhost"


def _form(service: Service) -> Form:
    for form in Form:
        with suppress(_Refused):
            service._patiently(partial(service._ask, _PROBE, form))
            return form
    raise _Refused("refuses a second of noise in every form of answer")


def _client(options: ServiceOptions) -> httpx.Client:
    """A client that verifies certificates, follows no redirects, and knows the key."""
    url = options.url or ""
    timeout_s = options.timeout_s
    try:
        return httpx.Client(
            headers={"Accept-Encoding": "identity", **_authorization(options)},
            timeout=httpx.Timeout(timeout_s, connect=min(_CONNECT_S, timeout_s)),
            # a transport of one's own goes past the environment's proxies
            transport=httpx.HTTPTransport() if is_local(url) else None,
        )
    except (ImportError, ValueError, httpx.InvalidURL) as error:
        raise UsageError(
            "the environment names a proxy for the transcription service that cannot be used; "
            "`callaudit doctor` says which"
        ) from error


def _authorization(options: ServiceOptions) -> dict[str, str]:
    if options.key_env is None:
        return {}
    key = os.environ.get(options.key_env, "").strip()
    if not key or not key.isascii() or not key.isprintable():
        raise UsageError(
            f"the environment variable {options.key_env}, which transcription.asr.service.key_env "
            "names, holds no key; set it"
        )
    return {"Authorization": f"Bearer {key}"}


def _wav(samples: Samples) -> bytes:
    """A WAV file, 16 bits, of samples from -1 to 1."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(SAMPLE_RATE)
        out.writeframes((np.clip(samples, -1.0, 1.0) * 32767).astype("<i2").tobytes())
    return file.getvalue()


_PROBE = _wav(np.random.default_rng(0).normal(0.0, 0.001, SAMPLE_RATE).astype(np.float32))
