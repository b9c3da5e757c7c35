"""Rulebooks: what a norm asks for, as validated data.

A rulebook is a YAML file. ``extends`` names another one whose entries are taken over where the
file has none of its own; mappings are merged key by key, lists are replaced.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, Self, get_args

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails

from audit.errors import UsageError
from audit.language.encoding import text_of
from audit.language.surnames import SURNAMES, TITLES
from audit.rulebooks.conditions import Condition, Phrase, all_wordings, needs_hit
from audit.rulebooks.yaml_lines import composed, line_of
from audit.types import Severity

_SHIPPED = files("audit") / "rulebooks"

ForbiddenKind = Literal[
    "abuse",
    "scolding",
    "mockery",
    "shirking",
    "refusal",
    "blaming",
    "ordering",
    "rushing",
    "provoking",
]
"""Kinds of forbidden wording that the classifier tells apart."""

_WHOLE = frozenset({"applies", "requires", "forbids", "unless", "examples"})
"""Keys whose values make sense only as a whole, so that they are never merged."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, serialize_by_alias=True)


class Scoring(_Strict):
    """How a score becomes a grade: each grade's least score."""

    grades: dict[str, float]
    auto_fail_grade: str = "F"

    @field_validator("grades")
    @classmethod
    def _down_to_nothing(cls, grades: dict[str, float]) -> dict[str, float]:
        if min(grades.values(), default=1) > 0:
            raise ValueError("one grade must begin at 0, or some scores have none")
        return grades


class StageCues(_Strict):
    """Phrases that speak for a stage; ``answer`` is how a customer answers a greeting."""

    greeting: tuple[Phrase, ...]
    answer: tuple[Phrase, ...]
    handling: tuple[Phrase, ...]
    closing: tuple[Phrase, ...]


class Check(_Strict):
    """One thing that a rule asks for: which clause does, and what a failure costs."""

    clause: str
    points: float = Field(gt=0)
    severity: Severity = Severity.MINOR


class GreetingCheck(Check):
    """One element of the greeting.

    ``slack``: half syllables that may be misheard beyond the usual, for names. ``missing``: what
    the check says where the element is not heard; with ``nothing`` the norm does not ask for it,
    and it is noted where it is said. ``unsure``: words with which a missing element
    ``cannot_tell`` instead (a name that no list has). ``first_turns``: of so many of the agent's
    first turns each may say it, whatever its stage. ``when``: asked for only where the agent says
    one of these words in the call. ``by_name``: the agent's name from the manifest will do too.
    """

    slack: int = Field(0, ge=0, le=2)
    phrases: tuple[Phrase, ...] = Field(min_length=1)
    missing: Literal["fail", "cannot_tell", "nothing"] = "fail"
    unsure: tuple[Phrase, ...] = ()
    first_turns: int = Field(0, ge=0)
    when: tuple[Phrase, ...] = ()
    by_name: bool = False


class GreetingOrder(Check):
    """Of two elements in one turn, ``first`` comes before ``then``.

    ``unless``: with these words in the turn it is not judged (an announcement played before it).
    """

    first: str
    then: str
    unless: tuple[Phrase, ...] = ()


class GreetingRule(_Strict):
    """The greeting and its elements, by ``check_id``.

    ``outbound``: the elements of calls that the agent makes, if they are not those of ``checks``.
    """

    weight: float = Field(gt=0)
    clauses: tuple[str, ...] = Field(min_length=1)
    checks: dict[str, GreetingCheck]
    outbound: dict[str, GreetingCheck] = {}
    order: GreetingOrder | None = None

    @model_validator(mode="after")
    def _known_order(self) -> Self:
        for name in (self.order.first, self.order.then) if self.order else ():
            if name not in self.checks:
                raise ValueError(f"order names {name!r}, which is no check of the greeting")
        return self


class InterruptionThresholds(_Strict):
    """What counts as cutting in; see ``docs/interruptions.md``."""

    min_overlap_s: float = Field(gt=0)
    min_floor_s: float = Field(gt=0)
    max_pause_s: float = Field(ge=0)
    min_advance_s: float = Field(0, ge=0)
    min_characters: int = Field(0, ge=0)
    yield_s: float = Field(gt=0)
    long_overlap_s: float = Field(gt=0)
    grave_overlap_s: float = Field(gt=0)
    contest_s: float = Field(ge=0)
    listening_s: float = Field(2.5, ge=0)
    ready_edge_s: float = Field(0.5, ge=0)


class NoInterruptionRule(_Strict):
    """The agent lets the customer finish.

    ``presets`` are other definitions of an interruption, each as what it changes of
    ``thresholds``; ``preset`` names the one that applies. ``points`` are those of a ``major``
    event; ``minor`` ones cost half, ``critical`` ones half as much again. ``unless``: what an
    agent may say under the customer's voice, if it is little more than that.
    """

    weight: float = Field(gt=0)
    clauses: tuple[str, ...] = Field(min_length=1)
    points: float = Field(gt=0)
    thresholds: InterruptionThresholds
    presets: dict[str, dict[str, float]] = {}
    preset: str | None = None
    unless: tuple[Phrase, ...] = ()

    @model_validator(mode="after")
    def _known_preset(self) -> Self:
        if self.preset is not None and self.preset not in self.presets:
            known = ", ".join(self.presets) or "none"
            raise ValueError(f"there is no preset {self.preset!r}; known: {known}")
        for name in self.presets:
            self._changed(name)  # those that are not chosen have to be valid too
        return self

    def applied(self) -> InterruptionThresholds:
        """The thresholds, with what the chosen preset changes."""
        return self.thresholds if self.preset is None else self._changed(self.preset)

    def _changed(self, preset: str) -> InterruptionThresholds:
        changed = {**self.thresholds.model_dump(), **self.presets[preset]}
        return InterruptionThresholds.model_validate(changed)


class ForbiddenGroup(_Strict):
    """Wordings that break one clause.

    ``literal``: only the characters themselves count, for words that are short and have
    innocent neighbours in sound (验证码的 sounds like an oath). ``by_meaning``: what is said has
    to be like forbidden wording as a whole too (傻瓜相机 is not), see :class:`ForbiddenMeaning`.
    """

    clause: str
    severity: Severity
    points: float = Field(gt=0)
    phrases: tuple[Phrase, ...] = Field(min_length=1)
    unless: tuple[Phrase, ...] = ()
    auto_fail: bool = False
    literal: bool = False
    by_meaning: bool = False


class ForbiddenMeaning(_Strict):
    """How likely wording is forbidden, by the classifier of :mod:`models.text.forbidden`.

    A sentence in which no phrase was found fails from the probability ``accuse_from`` on, or
    from ``suspect_from`` on where the customer objects to the manner afterwards
    (``complaints``); from ``doubt_from`` on it cannot be told. One with a phrase of a group
    ``by_meaning`` fails from ``phrase_accuse_from`` on and cannot be told from
    ``phrase_doubt_from`` on. ``unless``: words of a sentence that goes about helping, which is
    no fault. ``kinds``: which clause each kind breaks; none fails the whole call.
    """

    suspect_from: float = Field(gt=0, le=1)
    doubt_from: float = Field(gt=0, le=1)
    accuse_from: float = Field(gt=0, le=1)
    phrase_accuse_from: float = Field(gt=0, le=1)
    phrase_doubt_from: float = Field(gt=0, le=1)
    complaints: tuple[Phrase, ...] = ()
    unless: tuple[Phrase, ...] = ()
    kinds: dict[ForbiddenKind, Check] = Field(min_length=len(get_args(ForbiddenKind)))

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.suspect_from <= self.doubt_from <= self.accuse_from:
            raise ValueError("suspect_from, doubt_from and accuse_from must not fall in this order")
        if self.phrase_doubt_from > self.phrase_accuse_from:
            raise ValueError("phrase_doubt_from must not be above phrase_accuse_from")
        return self


class ForbiddenLanguageRule(_Strict):
    """What the agent must not say; with ``meaning``, in words of one's own too."""

    weight: float = Field(gt=0)
    groups: tuple[ForbiddenGroup, ...]
    not_after: tuple[Phrase, ...] = ()
    meaning: ForbiddenMeaning | None = None


class SilenceCues(_Strict):
    """Words that say whose a silence is.

    The agent asks for a wait (``announcements``) or says what they are about (``working``: 我帮您查
    一下), thanks for it (``thanks``) or apologises
    (``apologies``), asks the customer to do something (``requests``) or leaves the word to the
    customer (``yields``); the customer asks for time (``busy``) or calls out (``calls``).
    ``later``: with these words an announcement is of something else (稍后会有短信).
    """

    announcements: tuple[Phrase, ...] = ()
    working: tuple[Phrase, ...] = ()
    later: tuple[Phrase, ...] = ()
    thanks: tuple[Phrase, ...] = ()
    apologies: tuple[Phrase, ...] = ()
    requests: tuple[Phrase, ...] = ()
    yields: tuple[Phrase, ...] = ()
    busy: tuple[Phrase, ...] = ()
    calls: tuple[Phrase, ...] = ()

    @property
    def waits(self) -> tuple[Phrase, ...]:
        """After which of the agent's words the customer knows that there will be silence."""
        return (*self.announcements, *self.working)


class DispositionCues(_Strict):
    """Words that tell a call in which nobody was talked to.

    What networks and voicemail say (``announcements``; ``fragments`` are parts of it that people
    hardly say alone, ``courtesies`` what they say as often), what switchboards and queues play
    (``menus``), and what recognisers write for music (``not_speech``). ``remarks``: what agents say
    to themselves when nobody answers. An agent who rings up and says fewer than
    ``min_characters`` has not been answered where nobody else is heard, or only fragments are.
    """

    announcements: tuple[Phrase, ...] = ()
    fragments: tuple[Phrase, ...] = ()
    courtesies: tuple[Phrase, ...] = ()
    menus: tuple[Phrase, ...] = ()
    not_speech: tuple[Phrase, ...] = ()
    remarks: tuple[Phrase, ...] = ()
    min_characters: int = Field(30, ge=0)


class AskedItem(_Strict):
    """Something an agent asks for, and how to tell that the customer has answered.

    An answer has so many digits in a row (``min_digits``), or so many characters
    (``min_characters``), or one of the phrases ``answers``.
    """

    title: str
    title_en: str | None = Field(None, exclude=True)
    questions: tuple[Phrase, ...] = Field(min_length=1)
    answers: tuple[Phrase, ...] = ()
    min_digits: int | None = Field(None, ge=1)
    min_characters: int | None = Field(None, ge=1)


class ActiveListeningRule(_Strict):
    """The agent answers a customer who talks long, and does not ask for the same thing twice.

    ``unless``: words between the answer and the second question that give it a reason.
    """

    weight: float = Field(gt=0)
    checks: dict[Literal["active_listening.response", "active_listening.repeat"], Check] = Field(
        min_length=2
    )
    min_floor_s: float = Field(gt=0)
    max_pause_s: float = Field(ge=0)
    items: dict[str, AskedItem] = {}
    unless: tuple[Phrase, ...] = ()


class DeadAirRule(_Strict):
    """The agent leaves no silence of ``min_silence_s`` unexplained.

    ``max_reply_characters``: up to here a customer's answer to a request only takes it up.
    """

    weight: float = Field(gt=0)
    checks: dict[Literal["dead_air"], Check] = Field(min_length=1)
    min_silence_s: float = Field(gt=0)
    max_reply_characters: int = Field(ge=0)


class HoldRule(_Strict):
    """A wait is announced, has a reason, is short, and is thanked for.

    ``min_silence_s`` of silence make a wait, ``min_thanked_s`` one that wants a reason and
    thanks. More than ``max_bare_characters`` besides 好的，请您稍等一下 may be a reason.
    ``unless``: words after a wait that may be thanks, or another voice's greeting.
    """

    weight: float = Field(gt=0)
    checks: dict[Literal["hold.announced", "hold.reason", "hold.length", "hold.thanked"], Check] = (
        Field(min_length=4)
    )
    min_silence_s: float = Field(gt=0)
    min_thanked_s: float = Field(gt=0)
    max_length_s: float = Field(gt=0)
    max_bare_characters: int = Field(ge=0)
    reasons: tuple[Phrase, ...] = Field(min_length=1)
    unless: tuple[Phrase, ...] = ()


class SilentCallRule(_Strict):
    """What the agent does where no customer is heard: ``greets``, waits, ``announces``, waits.

    ``offers`` are greetings too, and ``prompts`` other words to a silent line; more than
    ``max_other_turns`` turns of anything else are one side of a conversation. Without an offer or
    an announcement, more than ``max_other_characters`` of anything else in a turn are a message
    left. ``join_s``: pauses below it are within a step.
    """

    weight: float = Field(gt=0)
    checks: dict[
        Literal["silent_call.greets_again", "silent_call.announces", "silent_call.waits"], Check
    ] = Field(min_length=3)
    wait_s: float = Field(gt=0)
    tolerance_s: float = Field(ge=0)
    join_s: float = Field(ge=0)
    max_other_turns: int = Field(ge=0)
    max_other_characters: int = Field(ge=0)
    greets: tuple[Phrase, ...] = Field(min_length=1)
    offers: tuple[Phrase, ...] = ()
    announces: tuple[Phrase, ...] = Field(min_length=1)
    prompts: tuple[Phrase, ...] = ()


class SpeechRateRule(_Strict):
    """The agent does not talk too fast; told from ``min_characters`` on."""

    weight: float = Field(gt=0)
    checks: dict[Literal["speech_rate"], Check] = Field(min_length=1)
    max_characters_per_min: float = Field(gt=0)
    min_characters: int = Field(ge=1)


class ServiceLevel(_Strict):
    """Share of a day's calls that are to be answered in time, 0 to 1."""

    share: float = Field(gt=0, le=1)
    vip_share: float = Field(gt=0, le=1)


class AnswerWaitRule(_Strict):
    """The call is answered within ``max_rings`` rings of ``ring_s`` seconds each.

    ``apologies``: where the norm lets the agent make up for a late answer, the words for it.
    ``service_level``: where the norm asks for a share of the day's calls, no single one fails.
    """

    weight: float = Field(gt=0)
    checks: dict[Literal["answer_wait"], Check] = Field(min_length=1)
    max_rings: int = Field(ge=1)
    ring_s: float = Field(gt=0)
    apologies: tuple[Phrase, ...] = ()
    service_level: ServiceLevel | None = None

    @property
    def max_wait_s(self) -> float:
        """Seconds of ringing after which an answer is late."""
        return self.max_rings * self.ring_s


Dialogue = tuple[str | dict[str, str | int | float | bool], ...]
"""Lines of an example, and mappings of the call's columns."""


class Examples(_Strict):
    """Short dialogues, and what a check says of them; ``nothing``: it has no occasion there.

    A dialogue is a list of lines ``[0.0-4.2] 客服: …``, ``客户: …`` or ``未知: …``, the seconds
    optional; a mapping among them gives the call's columns (``direction: out``).
    """

    fail: tuple[Dialogue, ...] = ()
    passes: tuple[Dialogue, ...] = Field((), alias="pass")
    cannot_tell: tuple[Dialogue, ...] = ()
    nothing: tuple[Dialogue, ...] = ()

    def by_verdict(self) -> dict[str, tuple[Dialogue, ...]]:
        """The dialogues by what a check says of them."""
        return {name.replace("passes", "pass"): dialogues for name, dialogues in self}


class WrittenCheck(Check):
    """What a call must have (``requires``) or must not have (``forbids``); see ``docs/rules.md``.

    ``applies``: where the check has occasion; ``unless``: what acquits. ``reason_en`` is the reason
    in English, for pages; it judges nothing, so it is not part of the rulebook's hash.
    """

    reason: str
    reason_en: str | None = Field(None, exclude=True)
    auto_fail: bool = False
    applies: Condition | None = None
    requires: Condition | None = None
    forbids: Condition | None = None
    unless: Condition | None = None
    examples: Examples = Examples()

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.requires is None) == (self.forbids is None):
            raise ValueError("give exactly one of requires and forbids")
        unless = self.unless if self.requires else None
        for condition in (self.applies, self.requires, self.forbids, unless):
            if condition is not None and needs_hit(condition):
                raise ValueError("only unless, beside forbids, knows a hit: write of: CONDITION")
        return self


class WrittenRule(_Strict):
    """A rule whose checks are conditions."""

    title: str
    weight: float = Field(gt=0)
    checks: dict[str, WrittenCheck] = Field(min_length=1)


class Rules(_Strict):
    """The rules of a rulebook, by ``rule_id``; None for those it does not have.

    ``written`` are those made of conditions.
    """

    greeting: GreetingRule
    no_interruption: NoInterruptionRule
    forbidden_language: ForbiddenLanguageRule
    active_listening: ActiveListeningRule | None = None
    dead_air: DeadAirRule | None = None
    hold: HoldRule | None = None
    silent_call: SilentCallRule | None = None
    speech_rate: SpeechRateRule | None = None
    answer_wait: AnswerWaitRule | None = None
    written: dict[str, WrittenRule] = {}

    @model_validator(mode="after")
    def _own_names(self) -> Self:
        for rule_id, rule in self.written.items():
            if rule_id in type(self).model_fields:
                raise ValueError(f"written rule {rule_id!r} has the name of a built-in one")
            for check_id in rule.checks:
                if check_id.partition(".")[0] != rule_id:
                    raise ValueError(f"check {check_id!r} must be called {rule_id}.SOMETHING")
        return self

    def __iter__(self) -> Iterator[tuple[str, Any]]:  # type: ignore[override]
        """Every rule by its id, the written ones after the others; None for those it lacks."""
        for name, rule in self.__dict__.items():
            yield from rule.items() if name == "written" else ((name, rule),)


class Rulebook(_Strict):
    """One norm, ready to judge calls."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    title: str
    scoring: Scoring
    stages: StageCues
    silences: SilenceCues = SilenceCues()
    dispositions: DispositionCues = DispositionCues()
    rules: Rules
    parameters: dict[str, tuple[str, ...]] = {}
    sha256: str = ""

    def clauses(self) -> list[str]:
        """Every clause that some check of this rulebook judges, in order, once."""
        rules = self.rules
        listening = (
            rules.active_listening,
            rules.dead_air,
            rules.hold,
            rules.silent_call,
            rules.speech_rate,
            rules.answer_wait,
        )
        greeting, forbidden = rules.greeting, rules.forbidden_language
        meant = forbidden.meaning.kinds if forbidden.meaning else {}
        named = [
            *greeting.clauses,
            *(check.clause for check in greeting.checks.values()),
            *(check.clause for check in greeting.outbound.values()),
            *([greeting.order.clause] if greeting.order else []),
            *rules.no_interruption.clauses,
            *(group.clause for group in forbidden.groups),
            *(check.clause for check in meant.values()),
            *(check.clause for rule in listening if rule for check in rule.checks.values()),
            *(check.clause for r in rules.written.values() for check in r.checks.values()),
        ]
        return list(dict.fromkeys(named))


def shipped() -> list[str]:
    """Ids of the rulebooks that come with callaudit and can judge a call."""
    names = sorted(p.name[:-5] for p in _SHIPPED.iterdir() if p.name.endswith(".yaml"))
    return [name for name in names if "greeting" in _read_shipped(name).get("rules", {})]


class InvalidRulebook(UsageError):
    """A rulebook that cannot be used; ``problems`` are its mistakes, a sentence each."""

    def __init__(self, id_or_path: str, problems: tuple[str, ...]) -> None:
        super().__init__(f"rulebook {id_or_path} is not valid: {'; '.join(problems)}")
        self.id_or_path = id_or_path
        self.problems = problems

    def __reduce__(self) -> tuple[type[InvalidRulebook], tuple[str, tuple[str, ...]]]:
        return type(self), (self.id_or_path, self.problems)


def load(id_or_path: str) -> Rulebook:
    """Load a rulebook by the id of a shipped one or by the path of a file.

    Raises:
        UsageError: there is none, or it is not valid; the message names the place.
    """
    return _load(id_or_path)


@cache
def _load(id_or_path: str) -> Rulebook:
    raw = _merged(_read(id_or_path), seen=(id_or_path,))
    given = raw.get("parameters") or {}
    if not isinstance(given, dict) or not all(isinstance(v, list) for v in given.values()):
        raise UsageError(f"rulebook {id_or_path}: parameters must map names to lists of wordings")
    parameters = {str(name): tuple(map(str, wordings)) for name, wordings in given.items()}
    try:
        # slots are filled in last: a parameter may name one
        known = parameters | _slots(parameters) | parameters
        rulebook = Rulebook.model_validate(_filled(raw, known))
    except ValidationError as error:
        raise InvalidRulebook(id_or_path, _problems(error, id_or_path)) from error
    except ValueError as error:  # a parameter that stands for too much
        raise InvalidRulebook(id_or_path, (str(error),)) from error
    except RecursionError as error:
        raise InvalidRulebook(id_or_path, ("it is nested too deeply",)) from error
    canonical = json.dumps(rulebook.model_dump(mode="json"), ensure_ascii=False, sort_keys=True)
    return rulebook.model_copy(update={"sha256": hashlib.sha256(canonical.encode()).hexdigest()})


def _slots(parameters: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Parameters that every rulebook has."""
    digits = tuple("零一二三四五六七八九十")
    slots = {
        "digit": digits,
        "工号": tuple(f"{digit}…" for digit in digits),
        "姓名": tuple(SURNAMES),
        "称呼": TITLES,
    }
    organisations = parameters.get("organisations")
    return {**slots, "单位": organisations} if organisations else slots


def _problems(error: ValidationError, id_or_path: str) -> tuple[str, ...]:
    root = _composed(id_or_path)
    problems = []
    for problem in error.errors():
        place = [part for part in problem["loc"] if not str(part).startswith("<")]
        named = ".".join(map(str, place)) or "the rulebook"
        problems.append(at_line(root, place, f"{named}: {_said(problem)}"))
    return tuple(problems)


def _said(problem: ErrorDetails) -> str:
    """What is wrong, without the words that are pydantic's own."""
    if problem["type"] == "extra_forbidden":
        return "there is no such key"
    if problem["type"] == "missing":
        return "it is missing"
    return problem["msg"].removeprefix("Value error, ")


def at_line(root: yaml.Node | None, place: Sequence[str | int], sentence: str) -> str:
    """A sentence with the line of the file that it is about, if the file has it."""
    line = line_of(root, place)
    return f"line {line}: {sentence}" if line else sentence


def _composed(id_or_path: str) -> yaml.Node | None:
    path = Path(id_or_path)
    return composed(path) if path.is_file() else None


def _read_shipped(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((_SHIPPED / f"{name}.yaml").read_text("utf-8"))
    return loaded


def _read(id_or_path: str) -> dict[str, Any]:
    plain = re.fullmatch(r"[a-z0-9][a-z0-9-]*", id_or_path)
    if plain and (_SHIPPED / f"{id_or_path}.yaml").is_file():
        return _read_shipped(id_or_path)
    if not Path(id_or_path).is_file():
        if "/" in id_or_path or id_or_path.endswith((".yaml", ".yml")):
            raise UsageError(f"there is no rulebook file {id_or_path}; check the path")
        raise UsageError(
            f"there is no rulebook {id_or_path!r}; choose one of {', '.join(shipped())} "
            "or give the path of a YAML file"
        )
    try:
        loaded = yaml.safe_load(text_of(Path(id_or_path).read_bytes()))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"rulebook {id_or_path} cannot be read: {error}") from error
    if not isinstance(loaded, dict):
        raise UsageError(f"rulebook {id_or_path} is empty or no mapping; see `rulebook show`")
    return loaded


def _merged(raw: dict[str, Any], *, seen: tuple[str, ...]) -> dict[str, Any]:
    parent = raw.pop("extends", None) if "extends" in raw else None
    if parent is None:
        return raw
    if not isinstance(parent, str):
        raise UsageError(f"rulebook {seen[-1]}: extends must be the id or the path of a rulebook")
    beside = Path(seen[-1]).parent / parent
    if not (_SHIPPED / f"{parent}.yaml").is_file() and beside.is_file():
        parent = str(beside.resolve())
    if parent in seen:
        raise UsageError(f"rulebook {seen[0]} extends itself by way of {parent}")
    return _overlaid(_merged(_read(parent), seen=(*seen, parent)), raw)


def _overlaid(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for key, value in over.items():
        below = result.get(key)
        whole = key in _WHOLE or not isinstance(below, Mapping)
        if not whole and isinstance(value, Mapping):
            result[key] = _overlaid(result[key], value)
        else:
            result[key] = value
    return result


def _filled(node: Any, parameters: Mapping[str, tuple[str, ...]]) -> Any:
    """Put the wordings of a parameter in the place of its ``{name}``."""
    if isinstance(node, dict):
        return {key: _filled(value, parameters) for key, value in node.items()}
    if isinstance(node, list):
        return [_filled(value, parameters) for value in node]
    if isinstance(node, str):
        for name, wordings in parameters.items():
            if f"{{{name}}}" in node:
                choices = "|".join(plain for wording in wordings for plain in all_wordings(wording))
                node = node.replace(f"{{{name}}}", f"({choices})")
    return node
