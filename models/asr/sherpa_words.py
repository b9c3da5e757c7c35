"""From the tokens that sherpa-onnx returns to words with times.

A token of Chinese is a word; the pieces of a Latin word are joined, as are the bytes of a character
that comes in several tokens. Marks of SenseVoice's language, emotion and event are left out.
"""

from __future__ import annotations

import base64
import math
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from audit.types import Word

Writing = Literal["text", "cut", "hex", "bytes"]
"""How tokens are written: as text; as text with ``@@`` where a Latin word goes on (Paraformer); as
the hexadecimal bytes that :func:`as_hex` made of them; or with a letter for each byte (icefall's
byte-level BPE)."""

_LONGEST_S = 0.2
"""Seconds that a word lasts after its token, at most. A syllable of Mandarin takes 0.2 to 0.25 s,
and the token comes somewhere in it; a longer word would reach into the utterance after the pause
(:func:`audit.transcription.windows` puts a word where its end is)."""
_BLANK = "▁"
_MARK = re.compile(r"<(?!0x)[^<>]+>")
"""Symbols that nobody said: ``<unk>``, ``<|zh|>``, ``<|Speech|>``, ``</s>``."""
_BYTE = re.compile("<0x([0-9A-F]{2})>")
_LATIN = re.compile("[A-Za-z0-9'&.-]+")
_PLAIN_BYTES = range(32, 127)


@dataclass(frozen=True, slots=True)
class Token:
    """What sherpa-onnx returns for a token.

    Attributes:
        text: as written in ``tokens.txt``, with a space for its ``▁``.
        start_s: seconds from the start of the window; None where there are no times.
        duration_s: seconds; None where they are not told.
        log_probability: natural logarithm; None where it is not told.
    """

    text: str
    start_s: float | None = None
    duration_s: float | None = None
    log_probability: float | None = None


def writing(symbols: Mapping[int, str]) -> Writing:
    """How the symbols of ``tokens.txt`` are written.

    >>> writing({0: "<blk>", 1: "▁ƌŕş", 2: "ƍĻģ"}), writing({0: "<blk>", 1: "▁你", 2: "好"})
    ('bytes', 'text')
    """
    if any(symbol.endswith("@@") for symbol in symbols.values()):
        return "cut"
    letters = {letter for symbol in symbols.values() for letter in symbol.removeprefix(_BLANK)}
    least, most = ord("ƀ"), ord(_LETTERS[255])
    codes = [ord(letter) for letter in letters if letter != "⁇"]
    return "bytes" if codes and least <= max(codes) <= most else "text"


def _byte_letters() -> dict[int, str]:
    """The letter of each byte in byte-level BPE: printable ASCII stands for itself.

    The other bytes have, in order, the letters from U+0100 on that Unicode does not regard as
    variants of others (NFKC), so that normalisation leaves them alone.
    """
    code = 0x100
    letters = {}
    for byte in range(256):
        if byte in _PLAIN_BYTES:
            letters[byte] = chr(byte)
            continue
        while unicodedata.normalize("NFKC", chr(code)) != chr(code):
            code += 1
        letters[byte] = chr(code)
        code += 1
    return letters


_LETTERS = _byte_letters()
_BYTES = {letter: byte for byte, letter in _LETTERS.items()}


def as_hex(symbol: str) -> str:
    """A base64 symbol as the base64 of its bytes' hexadecimal digits.

    A character may be cut between tokens, and half a character is no text that sherpa-onnx can
    return to Python; its digits are.

    >>> as_hex("5aU="), base64.b64decode(as_hex("5aU="))
    ('ZTVhNQ==', b'e5a5')
    """
    try:
        return base64.b64encode(base64.b64decode(symbol).hex().encode()).decode()
    except ValueError:
        return symbol


def words(tokens: Sequence[Token], *, writing: Writing, duration_s: float) -> tuple[Word, ...]:
    """Join tokens to words.

    Args:
        tokens: of a window, in their order.
        writing: of their text.
        duration_s: of the window.

    Returns:
        Words whose start is that of their first token. They end with the next token, but at most
        0.2 s after their last token's start, or where its duration ends. Without times each lasts
        from 0 to ``duration_s``.
    """
    found: list[Word] = []
    for text, group in _words(_characters(tokens, writing), writing):
        first, last = group[0], group[-1]
        if first.start_s is None or last.start_s is None:
            start_s, end_s = 0.0, duration_s
        else:
            start_s = min(first.start_s, duration_s)
            end_s = min(max(last.start_s + (last.duration_s or 0.0), start_s), duration_s)
        found.append(Word(text, start_s, end_s, _probability(group)))
    return tuple(found)


def _probability(tokens: Sequence[Token]) -> float | None:
    """Geometric mean of the tokens' probabilities."""
    told = [token.log_probability for token in tokens if token.log_probability is not None]
    return min(1.0, math.exp(sum(told) / len(told))) if told else None


def _characters(tokens: Sequence[Token], writing: Writing) -> Iterator[Token]:
    """Tokens of whole characters; those that share a character are one."""
    waiting = b""
    first: Token | None = None
    for token in tokens:
        bytes_ = waiting + _as_bytes(token.text, writing)
        first = token if first is None else _with(first, token)
        whole = _whole(bytes_)
        if whole is None:
            waiting = bytes_
            continue
        yield replace(first, text=whole)
        waiting, first = b"", None
    if first is not None:
        yield replace(first, text=waiting.decode("utf-8", "ignore"))


def _with(first: Token, token: Token) -> Token:
    """A token that goes on to the end of another."""
    if first.start_s is None or token.start_s is None or token.duration_s is None:
        return first
    return replace(first, duration_s=token.start_s + token.duration_s - first.start_s)


def _whole(data: bytes) -> str | None:
    """Bytes as text; None where they end within a character."""
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data":
            return None
        return data.decode("utf-8", "ignore")


def _as_bytes(text: str, writing: Writing) -> bytes:
    if writing == "hex":
        return bytes.fromhex(text)
    if writing == "bytes":
        plain = text.replace(_BLANK, " ").replace("⁇", "")
        return bytes(_BYTES[letter] for letter in plain if letter in _BYTES)
    if byte := _BYTE.fullmatch(text):
        return bytes.fromhex(byte[1])
    return _MARK.sub("", text).replace(_BLANK, " ").encode()


def _words(tokens: Iterator[Token], writing: Writing) -> Iterator[tuple[str, list[Token]]]:
    """Words with the tokens that they are made of; a token ends where the next one begins."""
    text, group = "", list[Token]()
    latin_before = goes_on = False
    for token, after in _with_next(tokens):
        piece = token.text.removesuffix("@@")
        plain = piece.strip()
        if not plain:
            if writing == "hex" and group:  # Whisper's sign between phrases
                text = text.rstrip() + " "
            continue
        latin = bool(_LATIN.fullmatch(plain))
        mark = all(unicodedata.category(letter).startswith("P") for letter in plain)
        begins = piece.startswith(" ") or (writing == "cut" and not goes_on)
        if group and (mark or (latin and latin_before and not begins)):
            text += plain
        else:
            if group:
                yield text, group
            text = f" {plain}" if latin and latin_before else plain
            group = []
        if not mark or not group:
            group.append(_until(token, after))
        latin_before, goes_on = latin, token.text.endswith("@@")
    if group:
        yield text, group


def _until(token: Token, after: Token | None) -> Token:
    """A token with the time that it lasts."""
    lasts_s = _LONGEST_S if token.duration_s is None else token.duration_s
    if after is not None and token.start_s is not None and after.start_s is not None:
        lasts_s = min(lasts_s, max(0.0, after.start_s - token.start_s))
    return replace(token, duration_s=lasts_s)


def _with_next(tokens: Iterator[Token]) -> Iterator[tuple[Token, Token | None]]:
    """Each token and the one after it."""
    before: Token | None = None
    for token in tokens:
        if before is not None:
            yield before, token
        before = token
    if before is not None:
        yield before, None
