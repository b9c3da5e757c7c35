"""The process that judges what was heard and publishes it.

``flows.workers.publisher`` starts it with the path of a job. It ends when its standard input
closes, that
is, when its parent ends in whatever way; what it has to say of a failure is a line of JSON.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
import traceback
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from pathlib import Path

from audit import rulebooks
from audit.errors import CallauditError, OutputFailed, RejectReason, UsageError
from audit.intake import manifests, roots
from audit.intake.recordings import Reject
from audit.types import AuditedCall, Call, Recording
from flows import jobs, wiring
from flows.jobs import Job, Summary
from reports import publish
from reports.crashes import Crashes, Step
from reports.store import parquet, penalties, private_store, retention, transcript_cache
from reports.store.schema import CALLS

_log = logging.getLogger(__name__)


def main() -> None:
    """Publish the job whose path is the first argument."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    logging.basicConfig(level=logging.INFO)  # to where the parent lets it: nowhere, by default
    job = jobs.load_job(Path(sys.argv[1]))
    try:
        publish_all(job)
    except CallauditError as error:
        _fail(str(error), usage=isinstance(error, UsageError))
    except OSError as error:
        _fail(str(OutputFailed.at(job.out, error)))
    except Exception as error:  # no message: it may quote
        where = "".join(traceback.format_tb(error.__traceback__))
        _log.info("publishing: %s\n%s", type(error).__name__, where)
        _fail(
            f"publishing failed with {type(error).__name__}; run again with --verbose to see where"
        )


def _fail(sentence: str, *, usage: bool = False) -> None:
    print(json.dumps({"sentence": sentence, "usage": usage}), flush=True)
    sys.exit(1)


def _end_with_parent() -> None:
    while os.read(0, 1):  # unbuffered: a lock held here would not let the process end
        pass
    os._exit(1)


def publish_all(job: Job) -> None:
    """Judge every call heard, write tables and pages, and the run's counts last."""
    private = job.config.privacy
    root = roots.open_root(job.root)
    places: dict[publish.Place, list[tuple[Recording, str]]] = defaultdict(list)
    rejects, audio_s, resumed = list(job.rejects), 0.0, 0
    for recording, outcome in jobs.outcomes(job):
        if outcome.checkpoint is None:
            assert outcome.reason is not None
            rejects.append(
                Reject(
                    recording.source_file,
                    outcome.reason,
                    outcome.detail,
                    recording.audit_date,
                    recording.call_id,
                )
            )
            continue
        audio_s += outcome.audio_s
        resumed += outcome.resumed
        place = (recording.audit_date, recording.agent_id)
        places[place].append((recording, outcome.checkpoint))
    kept = {recording.call_id: place for place, listed in places.items() for recording, _ in listed}
    rejects = _without_kept_audits(job, rejects)
    named = kept.keys() | {reject.call_id for reject in rejects if reject.call_id}
    left = publish.withdraw(job.out, named, keep=kept, run_id=job.run_id)
    heard = {recording.call_id: recording for listed in places.values() for recording, _ in listed}
    parquet.provide(job.out, CALLS, (name for one in heard.values() for name in one.meta))
    crashes = Crashes()
    for place, listed in sorted(places.items()):
        calls = []
        for recording, name in listed:
            with crashes.apart(recording.call_id, Step.JUDGING):
                audited = _judged(job, recording, name)
                uri = root.uri(recording.source_file)
                kept_as = None if private.mode == "drop" else name
                calls.append(publish.Located(audited, uri, private.mode, kept_as))
        ids = {recording.call_id for recording, _ in listed}
        publish.publish_calls(
            job.out, place, calls, run_id=job.run_id, crashes=crashes, replaced=ids
        )
    index = publish.finish(
        job.out,
        heard,
        rejects,
        left=left,
        planned={r.source_file for r in job.recordings} | {r.source_file for r in job.rejects},
        crashes=crashes,
        run_id=job.run_id,
    )
    rejects += [crashes.reject(heard[call_id]) for call_id in crashes.told]
    _forget_words(job, {name for listed in places.values() for _, name in listed})
    summary = Summary(
        run_id=job.run_id,
        planned=len(job.recordings) + len(job.rejects),
        audited=len(job.recordings) + len(job.rejects) - len(rejects),
        rejected=len(rejects),
        resumed=resumed,
        ignored=job.ignored,
        audio_s=round(audio_s, 1),
        reasons=dict(Counter(str(reject.reason) for reject in rejects)),
        index=str(index),
        night=job.night,
        waiting=job.waiting,
        unlisted=job.unlisted,
    )
    jobs.save_summary(job.folder, summary)


def _forget_words(job: Job, heard: set[str]) -> None:
    """Take full transcripts out of the private store that are not to be kept, or no longer."""
    private = job.config.privacy
    if private.mode == "drop":
        retention.forget_recordings(job.out, {name[: private_store.PREFIX] for name in heard})
    if private.keep_days is not None:
        today = datetime.now(manifests.time_zone(job.config.batch.timezone)).date()
        retention.forget_words(job.out, before=today - timedelta(days=private.keep_days))


def _without_kept_audits(job: Job, rejects: list[Reject]) -> list[Reject]:
    """Rejects less those whose recording has gone after it was audited: the audit stays."""
    if all(reject.reason is not RejectReason.MISSING_FILE for reject in rejects):
        return rejects
    rows = parquet.read(job.out, CALLS.name, columns=["call_id", "source_file"]).to_pylist()
    stored = {(row["call_id"], row["source_file"]) for row in rows}
    return [
        reject
        for reject in rejects
        if reject.reason is not RejectReason.MISSING_FILE
        or (reject.call_id, reject.source_file) not in stored
    ]


def _judged(job: Job, recording: Recording, checkpoint: str) -> AuditedCall:
    transcript = transcript_cache.load(job.out, checkpoint)
    if transcript is None:
        raise LookupError(f"checkpoint {checkpoint} of {recording.call_id} has gone")
    book = rulebooks.load(recording.rulebook_id or job.config.batch.rulebook)
    penalties.keep(job.out, book)
    return wiring.judge(Call(recording, transcript), book, stage_model=job.config.stages.model)


if __name__ == "__main__":
    main()
