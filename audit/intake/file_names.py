"""Names of recordings, read by a pattern such as ``{call_id}_{agent_id}_{time:%Y%m%dT%H%M%S}``."""

from __future__ import annotations

import posixpath
import re
import string
from dataclasses import dataclass
from functools import lru_cache

from audit.intake import time_formats

DEFAULT = "{call_id}_{agent_id}_{time:%Y%m%dT%H%M%S}"
"""How recordings are named where nothing else is configured."""

_DIGITS = {
    "Y": r"(?P<Y>\d{4})",
    **{directive: rf"(?P<{directive}>\d\d)" for directive in "mdHMS"},
    **{"y": r"\d\d", "I": r"\d\d", "j": r"\d{3}", "f": r"\d{1,6}"},
}
_WORDS = {"b": r"[A-Za-z]{3}", "B": r"[A-Za-z]{3,9}", "p": "[AaPp][Mm]"}
_DIRECTIVES = {**_DIGITS, **_WORDS, "z": r"(?:Z|[-+]\d\d:?\d\d)", "%": "%"}
_TEXT = "[^/]+"
_MAX_FIELDS = 12
_TIMES = frozenset({"time", "started_at"})


def stem(file: str) -> str:
    """A file's name without its folder and its ending.

    >>> stem("2026/11/16/a.b.wav")
    'a.b'
    """
    return posixpath.splitext(posixpath.basename(file))[0]


@dataclass(frozen=True, slots=True)
class NamePattern:
    """A compiled pattern; see :func:`compiled`."""

    text: str
    _expression: re.Pattern[str]
    _fields: tuple[str, ...]
    _time_format: str
    _is_plain_time: bool
    _folders: int

    @property
    def columns(self) -> frozenset[str]:
        """The manifest's columns that a name fills."""
        return frozenset("started_at" if name in _TIMES else name for name in self._fields) - {"_"}

    @property
    def spoken(self) -> str:
        """The pattern for a person."""
        return "CALLID_AGENTID_YYYYMMDDTHHMMSS" if self.text == DEFAULT else self.text

    def read(self, file: str) -> dict[str, str] | None:
        """What a file's name says by column; None if it is not named so.

        The time is given as ``started_at``, in ISO 8601, or as it stands in the name if there is no
        such time.

        Args:
            file: path below the recordings folder; as many of its folders are read as the pattern
                has, and the extension is not.
        """
        stem = posixpath.splitext(file)[0]
        found = self._expression.fullmatch("/".join(stem.split("/")[-1 - self._folders :]))
        if found is None:
            return None
        cells, stated = {}, []
        for place, name in enumerate(self._fields):
            if name in _TIMES:
                stated.append(found[f"f{place}"])
            elif name != "_":
                cells[name] = found[f"f{place}"]
        if self._is_plain_time:
            year, month, day, hour, minute, second = found.group(*"YmdHMS")
            cells["started_at"] = f"{year}-{month}-{day}T{hour}:{minute}:{second}"
        elif stated:
            cells["started_at"] = self._time(" ".join(stated))
        return cells

    def _time(self, stated: str) -> str:
        if not self._time_format:
            return stated
        try:
            return time_formats.normalized(stated, self._time_format)
        except ValueError:
            return stated


@lru_cache(maxsize=64)
def compiled(pattern: str) -> NamePattern:
    """Compile a pattern of file names.

    ``{NAME}`` is a column of the manifest, ``{_}`` something that is not kept, and
    ``{time:FORMAT}`` the start in the manner of ``strptime``, ``unix`` or ``unix_ms``; several
    of them are read as one time. Where more than one reading is possible, the first fields take as
    much as they can.

    >>> compiled("{agent_id}/{time:%Y%m%d}-{call_id}").read("x/007/20261116-a-b.wav")
    {'agent_id': '007', 'call_id': 'a-b', 'started_at': '2026-11-16T00:00:00'}

    Raises:
        ValueError: it is not such a pattern.
    """
    try:
        parts = list(string.Formatter().parse(pattern))
    except ValueError as error:
        raise ValueError(f"{pattern!r} has a brace without its partner") from error
    expression = ""
    fields: list[str] = []
    formats: list[str] = []
    for literal, field, form, _ in parts:
        expression += re.escape(literal)
        if field is None:
            continue
        name = field.strip()
        if not re.fullmatch(r"\w+", name):
            raise ValueError(f"{pattern!r} has a field {field!r}; write a column's name in it")
        if form and name not in _TIMES:
            raise ValueError(f"{pattern!r} has a form after {name}; only time may have one")
        if name in fields and name not in {"_", *_TIMES}:
            raise ValueError(f"{pattern!r} has {name} twice; write {{_}} for one of them")
        expression += f"(?P<f{len(fields)}>{_expression_of(form) if form else _TEXT})"
        fields.append(name)
        formats += [form] if form else []
    _check(pattern, fields, formats)
    folders = re.sub(r"\{[^}]*\}", lambda found: "/" * found[0].count("/"), pattern).count("/")
    form = " ".join(formats)
    is_plain = set(re.findall("%(.)", form)) == set("YmdHMS")
    return NamePattern(pattern, re.compile(expression), tuple(fields), form, is_plain, folders)


def _check(pattern: str, fields: list[str], formats: list[str]) -> None:
    if not fields or len(fields) > _MAX_FIELDS:
        raise ValueError(f"{pattern!r} must have 1 to {_MAX_FIELDS} fields such as {{agent_id}}")
    if formats:
        if len(formats) < sum(name in _TIMES for name in fields):
            raise ValueError(f"{pattern!r} has a time without a form beside one that has one")
        time_formats.check_format(" ".join(formats))


def _expression_of(form: str) -> str:
    """The regular expression of a time in a format of ``strptime``, or of a Unix time."""
    if form in time_formats.UNIX:
        return r"\d{9,16}(?:\.\d+)?"
    expression = ""
    for directive, literal in re.findall(r"%(.)|([^%]+|%$)", form):
        if directive and directive not in _DIRECTIVES:
            raise ValueError(f"%{directive} cannot be read in a file's name")
        expression += _DIRECTIVES[directive] if directive else re.escape(literal)
    return expression
