"""How a manifest that was not made for callaudit is read.

The descriptions are the tables of ``docs/configuration.md``, see :mod:`flows.options`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SerializerFunctionWrapHandler, field_validator, model_serializer

from audit.intake import cells, file_names, time_formats
from audit.transcription.options import Options

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
"""What may separate the cells of a CSV file, and its name in sentences."""

OTHERS_MAX = 200
"""Columns that nobody named are kept up to this number; of wider tables none of them is."""

_READERS: Mapping[str, Callable[[str], object]] = {
    "direction": cells.direction,
    "agent_channel": cells.channel,
    "customer_vip": cells.truth,
}


class ManifestOptions(Options):
    """How manifests and file names of your recorder are read.

    ``callaudit manifest check`` shows what they make of a file.
    """

    preset: str | None = Field(
        None,
        description="Name of a system whose exports are known (also `--preset`); see "
        "[recorders.md](recorders.md). What is set beside it counts more.",
    )
    columns: dict[str, str | tuple[str, ...]] = Field(
        {},
        description="Our name of a column: the manifest's, such as `{agent_id: 坐席工号}`. A "
        "single name must be there; of a list, the first that is there is taken, and it may "
        "have none. Names that are not ours become `meta_NAME`.",
    )
    values: dict[str, dict[str, str]] = Field(
        {},
        description="Our name of a column: what the manifest writes in it, and what that means, "
        "such as `{direction: {客户来电: in}}`. A row with another value is rejected; empty cells "
        'stay empty, and `""` means empty.',
    )
    time_format: str | None = Field(
        None,
        description="Format of `started_at`, such as `%d/%m/%Y %H:%M:%S`, or `unix` or `unix_ms` "
        "(seconds or milliseconds since 1970); `null` for the forms that "
        "[inputs.md](inputs.md#recordings-and-their-manifest) lists.",
    )
    timezone: str | None = Field(
        None,
        description="Time zone of times without an offset, in the manifest and in file names; "
        "`null` for `batch.timezone`.",
    )
    encoding: str | None = Field(
        None,
        description="Encoding of a CSV file, such as `big5`; `null` to find UTF-8, UTF-16 and "
        "GB 18030.",
    )
    delimiter: str | None = Field(
        None,
        description="What separates the cells of a CSV file: one character, or `comma`, "
        "`semicolon`, `tab`, `bar`; `null` to find which of these.",
    )
    keep: tuple[str, ...] | None = Field(
        None,
        description="The manifest's names of other columns that become `meta_NAME`, as far as they "
        f"are there. `null` for all of them; of a table with more than {OTHERS_MAX} others, none.",
    )
    file_name: str | None = Field(
        None,
        description="How recordings are named, without extension: "
        "`{agent_id}/{call_id}-{time:%Y%m%d%H%M%S}` has the agent's folder, the call and the time; "
        "`{_}` is not kept. With a manifest it fills cells that are empty. `null` for "
        "`{call_id}_{agent_id}_{time:%Y%m%dT%H%M%S}`.",
    )
    header: tuple[str, ...] | None = Field(
        None, description="Names of the columns of a CSV file whose first line does not name them."
    )

    @model_serializer(mode="wrap")
    def _as_said(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Only what was said: a preset fills the rest, also after a batch has written this down."""
        return {k: v for k, v in serialize(self).items() if k in self.model_fields_set}

    @field_validator("values", mode="before")
    @classmethod
    def _words(cls, given: Any) -> Any:
        """YAML reads ``1`` as a number and ``yes`` as a truth value."""
        if not isinstance(given, dict):
            return given
        read: dict[Any, Any] = {}
        for column, meanings in given.items():
            if not isinstance(meanings, dict):
                raise ValueError(f"{column} must map the manifest's words to ours")
            if any(isinstance(word, bool) or word is None for word in meanings):
                raise ValueError(
                    f"{column} has a word that YAML reads as true, false or null; put it in "
                    "quotation marks"
                )
            read[column] = {str(word).strip(): _word(ours) for word, ours in meanings.items()}
        return read

    @field_validator("values")
    @classmethod
    def _meanings(cls, given: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
        for column, meanings in given.items():
            for word, ours in meanings.items():
                try:
                    if ours and column in _READERS:
                        _READERS[column](ours)
                except ValueError as error:
                    raise ValueError(
                        f"{column} means {ours!r} where it is {word!r}; it must be {error}"
                    ) from error
        return given

    @field_validator("columns")
    @classmethod
    def _each_once(
        cls, given: dict[str, str | tuple[str, ...]]
    ) -> dict[str, str | tuple[str, ...]]:
        counts = Counter(theirs for theirs in given.values() if isinstance(theirs, str))
        for name, count in counts.items():
            if count > 1:
                ours = " and ".join(key for key, theirs in given.items() if theirs == name)
                raise ValueError(f"{name!r} is given for {ours}; name one column for each")
        for key, theirs in given.items():
            if not key.strip() or not theirs or not all(theirs):
                raise ValueError(f"{key!r} names no column of the manifest")
        return given

    @field_validator("time_format")
    @classmethod
    def _readable_time(cls, form: str | None) -> str | None:
        if form is not None:
            time_formats.check_format(form)
        return form

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str | None) -> str | None:
        try:
            return name if name is None else ZoneInfo(name).key
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(
                f"there is no time zone {name!r}; use a name like Asia/Shanghai"
            ) from error

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, name: str | None) -> str | None:
        try:
            " ".encode(name or "utf-8")
        except LookupError as error:
            raise ValueError(
                f"there is no encoding {name!r}; use a name like gb18030 or big5"
            ) from error
        return name

    @field_validator("delimiter")
    @classmethod
    def _one_character(cls, given: str | None) -> str | None:
        named = {name: mark for mark, name in DELIMITERS.items()}
        mark = named.get(given, given) if given is not None else None
        if mark is not None and (len(mark) != 1 or mark in '\r\n"'):
            raise ValueError(f"{given!r} is not one character, or comma, semicolon, tab or bar")
        return mark

    @field_validator("file_name")
    @classmethod
    def _readable_name(cls, pattern: str | None) -> str | None:
        if pattern is not None:
            file_names.compiled(pattern)
        return pattern

    @field_validator("header")
    @classmethod
    def _distinct(cls, names: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if names is not None and (not names or len({*names}) < len(names)):
            raise ValueError("it must name each column once")
        return names


def _word(ours: Any) -> Any:
    """A meaning as text: ``true`` and numbers as manifests write them."""
    if isinstance(ours, bool):
        return str(ours).lower()
    return str(ours) if isinstance(ours, int | float) else ours
