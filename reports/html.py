"""Draws the pages: ``render`` writes ``OUT/html`` from the tables under ``OUT/parquet``.

Figures come from ``reports.views``, words from ``templates/strings.*.json``, looks and behaviour
from ``static/``. Pages hold no clock of their own: the same tables give the same bytes.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from audit.types import SURE
from reports import views
from reports.paths import agent_page, call_page, index_page, safe_name
from reports.views import CallPage, CallRow, Hit

FEW_CALLS = 20
"""With fewer calls a mean says little, and the pages say so."""
UNSURE_BELOW = 0.6
"""Turns heard with less confidence are marked."""

_HERE = Path(__file__).parent
_CONTAINERS = "wav,w64,rf64,aiff,au,mp3,ogg,flac,mov,mp4,m4a,3gp,3g2,mj2,amr,amrnb,amrwb,matroska,"
_CONTAINERS += "webm,avi,asf,mpegts,mpeg,flv,aac,caf,gsm,ac3"
"""What FFmpeg may open; playlists, which name other files or addresses, are left out."""
_WAV = ("pcm_u8", "pcm_s16le", "pcm_s24le", "pcm_f32le", "pcm_mulaw", "pcm_alaw")
_PLAYABLE = {
    ".wav": _WAV,
    ".wave": _WAV,
    ".mp3": ("mp3", "mp3float"),
    ".ogg": ("opus", "libopus", "vorbis", "flac"),
    ".oga": ("opus", "libopus", "vorbis", "flac"),
    ".opus": ("opus", "libopus"),
    ".flac": ("flac",),
    ".m4a": ("aac",),
    ".mp4": ("aac",),
    ".aac": ("aac",),
    ".webm": ("opus", "libopus", "vorbis"),
}
"""Codecs that browsers play, by the file's suffix (from which they tell its kind)."""
_OPUS_HZ = 16_000
_OPUS_BITS_PER_CHANNEL = 24_000


@dataclass(frozen=True, slots=True)
class Sound:
    """How a call page reaches its recording; ``state`` names a sentence in the strings.

    ``href`` is None where there is nothing to play.
    """

    state: str
    href: str | None = None
    place: str = ""


def render(
    out: Path, *, touched: tuple[set[str], set[str]] | None = None, language: str = "zh"
) -> Path:
    """Write the pages and return the night's entrance, ``OUT/html/index.html``.

    Args:
        out: the folder that holds ``parquet``.
        touched: ids of the calls and of the agents whose pages are written; the index always
            is, and so is every night from the earliest touched call on. None writes all and
            removes pages of calls and agents that are in the tables no more.
        language: which ``strings.*.json`` speaks.
    """
    _copy_static(out)
    environment = _environment(language)
    calls = views.call_rows(out)
    rejects = views.reject_rows(out)
    _write_calls(out, environment, calls, touched)
    _write_agents(out, environment, calls, touched)
    index = _write_nights(out, environment, calls, rejects, touched)
    if touched is None:
        _prune(out, calls)
    return index


def render_comparison(path: Path, difference: object, *, root: str, language: str = "zh") -> None:
    """Write the page of a rescore (``flows.rescoring.Difference``).

    Args:
        path: the page.
        difference: what changes.
        root: from the page's folder to ``OUT/html/``, for its links, ending in a slash.
        language: which ``strings.*.json`` speaks.
    """
    template = _environment(language).get_template("rescore.html")
    _write(path, template.render(page=difference, root=root, listed=views.LISTED_CALLS))


def _write_calls(
    out: Path,
    environment: Environment,
    calls: Iterable[CallRow],
    touched: tuple[set[str], set[str]] | None,
) -> None:
    template = environment.get_template("call.html")
    ordered = sorted(calls, key=lambda call: (call.audit_date, call.agent))
    for _, group in itertools.groupby(ordered, key=lambda call: (call.audit_date, call.agent)):
        own = list(group)
        only = None if touched is None else touched[0]
        if only is not None and only.isdisjoint(call.call_id for call in own):
            continue
        for page in views.call_pages(out, own, only=only):
            path = call_page(out, page.row.call_id)
            sound = locate_sound(out, page)
            body = template.render(page=page, sound=sound, root="../", data=_player_data(page))
            _write(path, body)


def _write_agents(
    out: Path,
    environment: Environment,
    calls: Iterable[CallRow],
    touched: tuple[set[str], set[str]] | None,
) -> None:
    template = environment.get_template("agent.html")
    listed = list(calls)
    team = views.summary("", listed)
    by_agent: dict[str, list[CallRow]] = {}
    for call in listed:
        by_agent.setdefault(call.agent, []).append(call)
    for agent, own in sorted(by_agent.items()):
        if touched is None or agent in touched[1]:
            page = views.agent_page(out, own, team=team)
            _write(agent_page(out, agent), template.render(page=page, root="../"))


def _write_nights(
    out: Path,
    environment: Environment,
    calls: list[CallRow],
    rejects: list[views.Row],
    touched: tuple[set[str], set[str]] | None,
) -> Path:
    """Every night has a page of its own; the latest is the index too."""
    index = index_page(out)
    folder = index.parent / "nights"
    nights = sorted({c.audit_date for c in calls} | {r["audit_date"] for r in rejects})
    if not nights:
        _write(index, environment.get_template("empty.html").render(root=""))
        return index
    wanted = set(nights)
    if touched is not None:
        since = min((c.audit_date for c in calls if c.call_id in touched[0]), default=nights[-1])
        wanted = {n for n in nights if n >= since or not (folder / f"{n}.html").is_file()}
    template = environment.get_template("night.html")
    for page in views.night_pages(out, calls, rejects, wanted=wanted | {nights[-1]}):
        _write(folder / f"{page.night}.html", template.render(page=page, root="../"))
        if page.night == nights[-1]:
            _write(index, template.render(page=page, root=""))
    _write(folder / "list.js", f"self.CALLAUDIT_NIGHTS = {json.dumps(nights[::-1])};\n")
    return index


def _prune(out: Path, calls: Iterable[CallRow]) -> None:
    """Remove pages of calls and agents that the tables no longer have."""
    kept = {path for c in calls for path in (call_page(out, c.call_id), agent_page(out, c.agent))}
    for folder in ("calls", "agents"):
        for path in (out / "html" / folder).glob("*.html"):
            if path not in kept:
                path.unlink()


def _player_data(page: CallPage) -> dict[str, Any]:
    """What the player needs to know: the turns' times by index, and the findings' times."""
    timed = [(t.turn.index, t.turn.span) for t in page.turns if t.turn.span is not None]
    marked = sorted(
        (hit.finding.start_s, _anchor(hit))
        for hit in page.findings
        if hit.finding.start_s is not None and hit.finding.verdict != "pass"
    )
    return {
        "duration": page.duration_s or 0,
        "turns": [[index, span.start_s, span.end_s] for index, span in timed],
        "findings": [list(mark) for mark in marked],
    }


def locate_sound(out: Path, page: CallPage) -> Sound:
    """Link the recording where a browser can play it, else its transcoded copy."""
    import av

    uri = page.facts["source_uri"]
    if not uri:
        return Sound("none")
    parts = urlsplit(uri)
    if len(parts.scheme) > 1 and parts.scheme != "file":
        return Sound("remote", place=uri)
    source = Path(unquote(parts.path) if parts.scheme == "file" else uri)
    folder = call_page(out, page.row.call_id).parent
    copy = out / "html" / "audio" / f"{safe_name(page.row.call_id)}.ogg"
    if not source.is_file():
        return Sound("missing", place=uri)
    if _browser_plays(source):
        return Sound("linked", _relative(source, folder), uri)
    if not copy.is_file() or copy.stat().st_mtime < source.stat().st_mtime:
        try:
            _transcode(source, copy)
        except (av.FFmpegError, OSError, ValueError):
            return Sound("unplayable", place=uri)
    return Sound("copied", _relative(copy, folder), uri)


def _relative(target: Path, folder: Path) -> str:
    """A link from a page's folder: browsers take ``..`` off by the letter, so links stay as is."""
    path = os.path.relpath(os.path.abspath(target), os.path.abspath(folder))
    return "./" + quote(os.fsencode(path))


def _browser_plays(source: Path) -> bool:
    import av

    codecs = _PLAYABLE.get(source.suffix.lower())
    if codecs is None:
        return False
    try:
        options = {"format_whitelist": _CONTAINERS}
        with source.open("rb") as file, av.open(file, mode="r", options=options) as container:
            sound = container.streams.audio
            return len(container.streams) == 1 and bool(sound) and sound[0].codec.name in codecs
    except (av.FFmpegError, OSError, ValueError):
        return False


def _transcode(source: Path, target: Path) -> None:
    """Make an Ogg/Opus copy, frame by frame; damaged packets are left out as in the audit.

    Raises:
        av.FFmpegError, OSError, ValueError: the file cannot be decoded or the copy not written.
    """
    import av

    target.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=".", suffix=".tmp")
    os.close(handle)
    try:
        container: Any
        with (
            source.open("rb") as file,
            av.open(file, options={"format_whitelist": _CONTAINERS}) as container,
            av.open(temporary, "w", format="ogg") as written,
        ):
            if not container.streams.audio:
                raise ValueError(f"{source.name} has no audio stream")
            stream = container.streams.audio[0]
            layout = "mono" if stream.channels == 1 else "stereo"
            opus: Any = written.add_stream("libopus", rate=_OPUS_HZ, layout=layout)
            opus.bit_rate = _OPUS_BITS_PER_CHANNEL * (1 if layout == "mono" else 2)
            resampler = av.AudioResampler(format="s16", layout=layout, rate=_OPUS_HZ)
            position = 0
            for frame in _frames(container, stream):
                for part in resampler.resample(frame):
                    part.pts = position
                    position += part.samples
                    written.mux(opus.encode(part))
            written.mux(opus.encode(None))
        os.chmod(temporary, 0o640)
        os.replace(temporary, target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _frames(container: Any, stream: Any) -> Iterator[Any]:
    import av

    for packet in container.demux(stream):
        try:
            frames = packet.decode()
        except av.InvalidDataError:
            continue
        for frame in frames:
            frame.pts = None
            yield frame
    yield None


def _write(path: Path, text: str) -> None:
    """Write a file, all or nothing; an unchanged one is left alone."""
    data = text.encode("utf-8", "replace")
    if path.is_file() and path.read_bytes() == data:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(temporary, 0o640)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _copy_static(out: Path) -> None:
    for source in sorted((_HERE / "static").iterdir()):
        if source.is_file():
            _write(out / "html" / "static" / source.name, source.read_text("utf-8"))


@cache
def _environment(language: str) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    strings = json.loads((_HERE / "templates" / f"strings.{language}.json").read_text("utf-8"))
    static = [path.read_bytes() for path in sorted((_HERE / "static").iterdir()) if path.is_file()]
    environment.globals |= {
        "t": strings,
        "language": strings["language"],
        "rules": views.RULES,
        "few_calls": FEW_CALLS,
        "unsure_below": UNSURE_BELOW,
        "unsure_voice_below": SURE,
        "worst_listed": views.WORST,
        "listed_calls": views.LISTED_CALLS,
        "listed_hits": views.LISTED_HITS,
        "version": hashlib.sha256(b"".join(static)).hexdigest()[:8],
        "call_href": lambda root, call_id: f"{root}calls/{safe_name(call_id)}.html",
        "agent_href": lambda root, agent: f"{root}agents/{safe_name(agent)}.html",
        "hit_href": _hit_href,
        "anchor": _anchor,
        "percent": _percent,
    }
    environment.filters |= {
        "clock": _clock,
        "tenths": lambda seconds: _clock(seconds, tenths=True),
        "share": lambda rate: "—" if rate is None else f"{100 * rate:.1f}%",
        "score": lambda value: "—" if value is None else f"{value:.1f}".removesuffix(".0"),
        "decimal": _decimal,
        "moment": lambda moment: datetime.isoformat(moment, " ", "minutes"),
        "put": _put,
    }
    return environment


def _put(text: str, **values: object) -> str:
    """Fill a string's places; the result is escaped like any other text."""
    return text.format(**values)


def _decimal(value: float | None, places: int = 1) -> str:
    return "—" if value is None else f"{value:.{places}f}"


def _anchor(hit: Hit) -> str:
    return f"f-{safe_name(hit.id)}"


def _hit_href(root: str, hit: Hit) -> str:
    """To the second in the call where the times are known, else to the finding."""
    page = f"{root}calls/{safe_name(hit.call.call_id)}.html"
    start = hit.finding.start_s
    return f"{page}#{_anchor(hit)}" if start is None else f"{page}#t={start:.1f}&f={_anchor(hit)}"


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
