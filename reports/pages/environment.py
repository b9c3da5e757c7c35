"""The templates' environment: words, filters, links, and the files that pages share."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shlex
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from functools import cache
from pathlib import Path

import jinja2
from jinja2 import Environment, FileSystemBytecodeCache, FileSystemLoader, StrictUndefined

from audit.rules.registry import CORE
from audit.types import ROLE_CONFIDENCE_MIN
from reports.analysis.figures import CallFinding
from reports.pages import coaching
from reports.pages.phrases import Phrase, of_reason, phrases
from reports.store.layout import safe_name
from reports.wording import by_key

FEW_CALLS = 20
"""With fewer calls a mean says little, and the pages say so."""
UNSURE_BELOW = 0.6
"""Turns transcribed with less confidence are marked."""

_HERE = Path(__file__).parent


@cache
def environment() -> Environment:
    """Templates with autoescape, and everything they may call."""
    templates = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    shared = b"".join(data for _, data in sorted(static_files().items()))
    templates.globals |= {
        "t": phrases(),
        "language": by_key("zh")["language"],
        "first": CORE,
        "few_calls": FEW_CALLS,
        "unsure_below": UNSURE_BELOW,
        "unsure_voice_below": ROLE_CONFIDENCE_MIN,
        "version": hashlib.sha256(shared).hexdigest()[:8],
        "wave_style": wave_style(),
        "call_href": call_href,
        "agent_href": lambda root, agent: f"{root}agents/{safe_name(agent)}.html",
        "hit_href": _hit_href,
        "anchor": anchor,
        "anchor_of": anchor_of,
        "percent": _percent,
        "clause_of": coaching.norm,
        "clause_text": _clause_text,
        "shell": shlex.quote,
    }
    templates.tests["phrase"] = lambda value: isinstance(value, Phrase)
    templates.filters |= {
        "clock": _clock,
        "tenths": lambda seconds: _clock(seconds, tenths=True),
        "share": lambda rate: "—" if rate is None else f"{100 * rate:.1f}%",
        "score": lambda value: "—" if value is None else f"{value:.1f}".removesuffix(".0"),
        "decimal": _decimal,
        "moment": lambda moment: datetime.isoformat(moment.replace(tzinfo=None), " ", "minutes"),
        "because": of_reason,
        "put": Phrase.put,
        "marks": Phrase.marks,
        "on": Phrase.on,
        "text": str,
    }
    return templates


def compile_all(cache: Path) -> None:
    """Load all templates now rather than each when it is first rendered.

    Args:
        cache: folder for what they compile to, which is used if it is this user's alone.
    """
    templates = environment()
    with suppress(OSError):
        cache.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = cache.stat()
        if status.st_uid == os.geteuid() and not status.st_mode & 0o022:
            templates.bytecode_cache = FileSystemBytecodeCache(str(cache), f"{_code()}-%s")
        _load_all(templates)
    templates.bytecode_cache = None  # pages do not depend on it
    _load_all(templates)


def _load_all(templates: Environment) -> None:
    for name in templates.list_templates(extensions=["html"]):
        templates.get_template(name)


def _code() -> str:
    """Hash of what templates compile to beside their own text: filters of constants are applied."""
    code = b"".join(path.read_bytes() for path in sorted(_HERE.glob("*.py")))
    return hashlib.sha256(jinja2.__version__.encode() + code).hexdigest()[:16]


@cache
def static_files() -> Mapping[str, bytes]:
    """The files that pages share, by their names under ``static/``."""
    root = _HERE / "static"
    found = {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.suffix != ".in"
    }
    found["english.js"] = _english().encode("utf-8")
    return found


def _english() -> str:
    """The script that shows pages in English, with every English string by its key."""
    script = (_HERE / "static" / "english.js.in").read_text("utf-8")
    words = json.dumps(by_key("en"), ensure_ascii=False)
    return script.replace("/*WORDS*/{}", words)


WAVE_HEIGHT = 44
"""Pixels of one lane of the waveform."""


@cache
def wave_style() -> str:
    """Hash of the style sheet that wavesurfer.js puts into its own shadow tree, for the policy."""
    script = static_files()["vendor/wavesurfer.min.js"].decode("utf-8")
    found = re.search(r"<style\$\{.*?\}>(.*?)</style>", script, flags=re.DOTALL)
    assert found is not None, "wavesurfer.js holds no style sheet any more: look at its renderer"
    style = re.sub(r"\$\{this\.getHeight\([^}]*\)\}", str(WAVE_HEIGHT), found[1])
    style = style.replace("\\n", "\n")
    return base64.b64encode(hashlib.sha256(style.encode()).digest()).decode("ascii")


def call_href(root: str, call_id: str) -> str:
    """A link to a call's page."""
    return f"{root}calls/{safe_name(call_id)}.html"


def anchor(hit: CallFinding) -> str:
    """A finding's place in its call's page."""
    return anchor_of(hit.id)


def anchor_of(finding_id: str) -> str:
    """The same by the finding's id."""
    return f"f-{safe_name(finding_id)}"


def _hit_href(root: str, hit: CallFinding) -> str:
    """To the second in the call where the times are known, else to the finding."""
    return f"{call_href(root, hit.call.call_id)}#{place_of(hit.id, hit.finding.start_s)}"


def place_of(finding_id: str, start_s: float | None) -> str:
    """What follows ``#`` in a link to a finding: the second, where it is known, and its place."""
    own = anchor_of(finding_id)
    return own if start_s is None else f"t={start_s:.1f}&f={own}"


def _clause_text(clause_id: str | None) -> str:
    asked = coaching.norm(clause_id)
    return asked.text if asked else ""


def _decimal(value: float | None, places: int = 1) -> str:
    return "—" if value is None else f"{value:.{places}f}"


def _percent(part: float, whole: float | None) -> str:
    """A length or place on a chart, for SVG attributes."""
    return f"{100 * part / whole:.3f}%" if whole else "0%"


def _clock(seconds: float | None, *, tenths: bool = False) -> str:
    """Minutes and seconds, with hours where there are any: ``1:02:03``, ``02:03.4``."""
    if seconds is None:
        return "—"
    units = round(seconds * 10) if tenths else int(seconds) * 10
    whole, tenth = divmod(units, 10)
    hours, rest = divmod(whole, 3600)
    text = f"{hours}:{rest // 60:02d}:" if hours else f"{rest // 60:02d}:"
    return f"{text}{rest % 60:02d}" + (f".{tenth}" if tenths else "")
