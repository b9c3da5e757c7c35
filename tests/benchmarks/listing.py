"""A bucket of tens of thousands of recordings: requests, seconds and memory to plan from its names.

``python -m tests.benchmarks.listing 20000`` starts an S3 server on this machine with so many
objects, in folders of a thousand. In processes of their own, in turns, boto3 and s3fs only list
them, and callaudit lists and plans them. It prints the requests of each, the least seconds of three
rounds by the clock and of the processor, their ratio to s3fs, and by how much memory grew. Most of
the clock's seconds are the server's, which looks through all its objects for every thousand.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import date

BUCKET = "calls"
ROUNDS = 3
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "an-id",
    "AWS_SECRET_ACCESS_KEY": "a-secret-key",
    "AWS_DEFAULT_REGION": "us-east-1",
    "NO_PROXY": "127.0.0.1",
}


def serve(count: int) -> None:
    """Serve so many objects until standard input ends; every line of it prints the requests."""
    import boto3
    from moto.s3.models import s3_backends
    from moto.server import ThreadedMotoServer
    from werkzeug.serving import WSGIRequestHandler

    seen: Counter[str] = Counter()

    def log(self: WSGIRequestHandler, *_: object) -> None:
        seen[self.command] += 1

    WSGIRequestHandler.log_request = log  # type: ignore[method-assign]
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    boto3.client("s3", endpoint_url=f"http://{host}:{port}").create_bucket(Bucket=BUCKET)
    backend = s3_backends["123456789012"]["aws"]  # without a request for each object
    for number in range(count):
        name = f"in/{number // 1000}/C{number}_{number // 80}_20261116T090000.wav"
        backend.put_object(BUCKET, name, b"RIFF")
    seen.clear()
    print(f"http://{host}:{port}", flush=True)
    for _ in sys.stdin:
        print(json.dumps(seen), flush=True)
        seen.clear()
    server.stop()


def _boto() -> int:
    import boto3

    pages = boto3.client("s3").get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
    return len([item for page in pages for item in page["Contents"]])


def _s3fs() -> int:
    import s3fs

    return len(s3fs.S3FileSystem().find(f"{BUCKET}/in", detail=True))


def _callaudit() -> int:
    from audit.intake import recordings, roots

    planned = recordings.plan(
        roots.open_root(f"s3://{BUCKET}/in"),
        manifest=None,
        timezone="Asia/Shanghai",
        rulebooks=("hotline",),
        max_bytes=1 << 30,
        today=date(2026, 11, 17),
    )
    return len(planned.recordings)


WAYS: dict[str, Callable[[], int]] = {"boto3": _boto, "s3fs": _s3fs, "callaudit": _callaudit}


def measure(way: str) -> None:
    """Do one of them and print what it took."""
    import boto3
    import s3fs

    from audit.intake import recordings

    assert all((boto3, s3fs, recordings))  # imported, so that only the work is counted
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began, busy = time.perf_counter(), time.process_time()
    found = WAYS[way]()
    told = {
        "found": found,
        "seconds": time.perf_counter() - began,
        "cpu": time.process_time() - busy,
        "mb": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024,
    }
    print(json.dumps(told))


def compare(count: int) -> None:
    """Start the server, let each list it in turn, and print the least."""
    here = [sys.executable, "-m", "tests.benchmarks.listing"]
    environment = {**os.environ, **ENVIRONMENT}
    server = subprocess.Popen(
        [*here, "--serve", str(count)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        text=True,
    )
    assert server.stdin is not None and server.stdout is not None
    environment["AWS_ENDPOINT_URL"] = server.stdout.readline().strip()
    took: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    requests = {}
    for _ in range(ROUNDS):
        for way, listed in took.items():
            done = subprocess.run(
                [*here, "--measure", way],
                env=environment,
                check=True,
                capture_output=True,
                text=True,
            )
            listed.append(json.loads(done.stdout))
            print(file=server.stdin, flush=True)
            requests[way] = json.loads(server.stdout.readline())
    server.stdin.close()
    server.wait(30)
    base = {key: min(one[key] for one in took["s3fs"]) for key in ("seconds", "cpu")}
    for way, listed in took.items():
        least = {key: min(one[key] for one in listed) for key in listed[0]}
        print(
            f"{way:<10}{least['found']:>7.0f} found, {requests[way]}, "
            f"{least['seconds']:.2f} s ({least['seconds'] / base['seconds']:.2f}), "
            f"CPU {least['cpu']:.2f} s ({least['cpu'] / base['cpu']:.2f}), "
            f"{least['mb']:.0f} MB more"
        )


def main() -> None:
    """Compare; the other two are what it starts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int, nargs="?", default=20_000)
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--measure", choices=[*WAYS], help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        serve(given.serve)
    elif given.measure:
        measure(given.measure)
    else:
        compare(given.count)


if __name__ == "__main__":
    main()
