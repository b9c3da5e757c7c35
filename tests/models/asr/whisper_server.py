"""A server with OpenAI's /v1/audio/transcriptions around faster-whisper, which misbehaves on order.

``python whisper_server.py PORT ORDERS LOG``: before each request it reads the JSON file ORDERS,
which may hold ``{"mode": ..., "slow_s": ..., "longer_than_s": ..., "times": ...}``: requests with
longer audio are treated as the mode says, so many of them. Each request is noted in LOG as one line
of JSON.
"""

from __future__ import annotations

import email
import io
import json
import os
import sys
import threading
import time
import wave
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np

KEY = "sk-correct"
BODIES: dict[str, tuple[str, bytes]] = {
    "html": ("text/html", "<html><h1>网关错误</h1></html>".encode()),
    "truncated": ("application/json", b'{"text": "\xe6\x82\xa8\xe5\xa5'),
    "gbk": ("application/json; charset=gbk", '{"text": "您好"}'.encode("gbk")),
    "no text": ("application/json", b'{"transcript": "x"}'),
    "nested": ("application/json", b"[" * 100_000),
    "endless": ("application/json", json.dumps({"text": "好" * 100_000}).encode()),
}
"""Answers that are none."""
STATUS = {"401": 401, "403": 403, "404": 404, "413": 413, "429": 429, "500": 500, "503": 503}


class Server(ThreadingHTTPServer):
    def __init__(self, port: int, orders: Path, log: Path) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        from faster_whisper import WhisperModel

        from models.asr import weights

        path = weights.find("base").path
        self.model = WhisperModel(str(path), device="cpu", compute_type="int8", cpu_threads=1)
        self.orders, self.log, self.lock, self.obeyed = orders, log, threading.Lock(), 0
        self.last: dict[str, Any] = {}
        self.known: dict[bytes, tuple[str, list[dict[str, Any]]]] = {}

    def order(self, duration_s: float) -> dict[str, Any]:
        """What is to be done with a request; nothing unusual if empty."""
        order: dict[str, Any] = json.loads(self.orders.read_text())
        with self.lock:
            if order != self.last:
                self.last, self.obeyed = order, 0
            if duration_s <= order.get("longer_than_s", -1.0):
                return {}
            if "times" in order and self.obeyed >= order["times"]:
                return {}
            self.obeyed += bool(order)
        return order

    def transcribe(self, samples: np.ndarray) -> tuple[str, list[dict[str, Any]]]:
        if np.abs(samples).max() < 0.01:  # as servers that detect voices first
            return "", []
        with self.lock:
            if samples.tobytes() in self.known:
                return self.known[samples.tobytes()]
            segments, _ = self.model.transcribe(
                samples, language="zh", beam_size=1, word_timestamps=True, temperature=0.0
            )
            words = [word for segment in segments for word in segment.words or []]
        text = "".join(word.word for word in words).strip()
        listed = [
            {"word": w.word, "start": w.start, "end": w.end, "probability": w.probability}
            for w in words
        ]
        self.known[samples.tobytes()] = text, listed
        return text, listed


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_POST(self) -> None:
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        body = self.rfile.read(int(self.headers["Content-Length"]))
        parts = {
            part.get_param("name", header="content-disposition"): part.get_payload(decode=True)
            for part in email.message_from_bytes(head + body).get_payload()
        }
        with wave.open(io.BytesIO(parts.pop("file"))) as file:
            form = (file.getnchannels(), file.getsampwidth(), file.getframerate())
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        duration_s = len(samples) / 16_000
        order = self.server.order(duration_s)
        noted = {k: v.decode() for k, v in parts.items()} | {
            "form": form,
            "duration_s": duration_s,
            "path": self.path,
            "key": self.headers.get("Authorization"),
            "order": order.get("mode"),
        }
        with self.server.lock, self.server.log.open("a") as log:
            log.write(json.dumps(noted) + "\n")
        self.answer(samples.astype(np.float32) / 32768, parts, order)

    def answer(self, samples: Any, parts: dict[str, bytes], order: dict[str, Any]) -> None:
        mode = order.get("mode", "")
        time.sleep(order.get("slow_s", 0.0))
        if mode == "die":
            os._exit(9)
        if mode == "hang":
            time.sleep(60)
            return None
        if mode == "drip":
            self.send_response(200)
            self.end_headers()
            with suppress(ConnectionError):
                for _ in range(600):
                    self.wfile.write(b" ")
                    time.sleep(0.1)
            return None
        if mode == "key" and self.headers.get("Authorization") != f"Bearer {KEY}":
            return self.reply(401, {"error": f"no key {self.headers.get('Authorization')}"})
        if mode == "redirect":
            return self.reply(307, {}, Location=order["to"])
        if mode in STATUS:
            headers = {"Retry-After": order["after"]} if "after" in order else {}
            return self.reply(STATUS[mode], {"error": mode}, **headers)
        if mode in BODIES:
            return self.reply(200, BODIES[mode][1], kind=BODIES[mode][0])
        verbose = parts["response_format"] == b"verbose_json"
        if (mode == "no words" and "timestamp_granularities[]" in parts) or (
            mode == "plain" and verbose
        ):
            return self.reply(422, {"error": "response_format"})
        text, words = self.server.transcribe(samples)
        spoiled = spoil(mode, words, len(samples) / 16_000)
        if mode == "segments":
            return self.reply(200, {"text": text, "segments": [{"words": words}]})
        if mode == "other words":
            text = f"{text}而且"
        if mode == "sensevoice":
            text = f"<|zh|><|NEUTRAL|><|Speech|>{text}\n"
        return self.reply(200, {"text": text, "words": spoiled} if verbose else {"text": text})

    def reply(self, status: int, body: Any, *, kind: str = "application/json", **headers: str):
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        for name, value in {"Content-Type": kind, "Content-Length": len(content), **named}.items():
            self.send_header(name, str(value))
        self.end_headers()
        with suppress(ConnectionError):
            self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing on the terminal."""


def spoil(mode: str, words: list[dict[str, Any]], duration_s: float) -> list[dict[str, Any]]:
    """Words with times that are lies."""
    if mode == "backwards":
        times = [(w["start"], w["end"]) for w in reversed(words)]
        return [{**w, "start": a, "end": b} for w, (a, b) in zip(words, times, strict=True)]
    change = {
        "outside": lambda w: {**w, "end": w["end"] + duration_s + 1},
        "negative": lambda w: {**w, "start": w["start"] - 9},
        "nan": lambda w: {**w, "start": float("nan")},
        "odd probability": lambda w: {**w, "probability": 7},
    }.get(mode, lambda w: w)
    return [change(word) for word in words]


def main() -> None:
    port, orders, log = sys.argv[1:]
    server = Server(int(port), Path(orders), Path(log))
    Path(log).with_suffix(".ready").touch()
    server.serve_forever()


if __name__ == "__main__":
    main()
