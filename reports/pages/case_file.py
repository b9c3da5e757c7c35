"""One call as one HTML file: sound, transcript, findings, norms; opens from a mail, offline."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path

from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from audit.errors import OutputFailed, UsageError
from reports.analysis import figures
from reports.pages import coaching, playback, views
from reports.pages.environment import environment, static_files
from reports.pages.html import faults, player, write
from reports.pages.playback import Sound
from reports.pages.views import CallPage
from reports.store.store import Store

WHOLE_S = 1800.0
"""Up to here the whole call is enclosed; of a longer one only what is around its failures."""
AROUND_S = 15.0


@dataclass(frozen=True, slots=True)
class Inline:
    """A script or style sheet inside the page, and its hash for the policy."""

    text: Markup
    sha256: str


def write_case(store: Store, call_id: str, *, to: Path | None = None) -> Path:
    """Write the case file of a call and return its path.

    Args:
        store: of the audit.
        call_id: the call.
        to: the file; ``OUT/cases/CALL_ID.html`` where absent.

    Raises:
        UsageError: there is no such call, or the file cannot be written.
    """
    calls = figures.call_rows(store)
    call = next((row for row in calls if row.call_id == call_id), None)
    if call is None:
        raise UsageError(f"{store.root} holds no call {call_id!r}; its ids are in the table calls")
    page = next(views.call_pages(store, [call]))
    target = to or store.layout.case_file(call_id)
    try:
        write(target, _rendered(store, page))
    except OutputFailed as error:
        raise UsageError(f"{target} cannot be written; name another file with --to") from error
    return target


def _rendered(store: Store, page: CallPage) -> str:
    sound, clips = _sound(store, page)
    files = static_files()
    names = ["english.js", "vendor/wavesurfer.min.js", "call.js", "reviews.js"]
    scripts = [_inline(files[name].decode("utf-8")) for name in names]
    if page.penalties is not None:
        scripts.insert(0, _inline(f"self.CALLAUDIT_FAULTS = {htmlsafe_json_dumps(faults(page))};"))
    named = dict.fromkeys(
        hit.finding.clause_id for hit in page.findings if hit.finding.verdict != "pass"
    )
    return (
        environment()
        .get_template("case.html")
        .render(
            page=page,
            sound=sound,
            clips=clips,
            root="",
            looks=_inline(files["report.css"].decode("utf-8")),
            settings=_inline(files["settings.js"].decode("utf-8")),
            scripts=scripts,
            norms=[(name, asked) for name in named if name and (asked := coaching.norm(name))],
            **player(store, page),
        )
    )


def _sound(store: Store, page: CallPage) -> tuple[Sound, dict[str, str]]:
    """The sound of the whole call, or clips by finding id."""
    if not page.facts["source_uri"]:
        return Sound("none"), {}
    if (page.duration_s or 0.0) <= WHOLE_S:
        whole = playback.embedded(store, page.facts, hidden=page.hidden)
        return (Sound("case_full", whole) if whole else Sound("case_none")), {}
    clips = {}
    for hit in page.findings:
        start = hit.finding.start_s
        if hit.finding.verdict == "fail" and start is not None:
            end = hit.finding.end_s or start
            clip = playback.embedded(
                store,
                page.facts,
                start_s=max(0.0, start - AROUND_S),
                end_s=end + AROUND_S,
                hidden=page.hidden,
            )
            if clip:
                clips[hit.id] = clip
    return Sound("case_clips" if clips else "case_none"), clips


def _inline(text: str) -> Inline:
    """Our own script or style sheet: nothing in it may end the element that contains it."""
    assert "</script" not in text.lower(), "a script may not hold the end of its element"
    digest = base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
    return Inline(Markup(text), digest)
