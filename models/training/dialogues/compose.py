"""Composes labelled calls from the wordings of ``stock.txt``, reproducibly.

A call is a greeting, exchanges about a domain's business and a closing, each of which may be
absent; others are silent, wrong numbers, broken off or reopened.
:mod:`models.training.dialogues.noise` then adds ASR noise.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from audit.types import Role, Stage, Turn
from models.training.dialogues import noise

_STOCK = Path(__file__).parent / "stock.txt"
_CHOICE = re.compile(r"\(([^()]*)\)")
_SLOT = re.compile(r"\{(\w+)\}")
_ROLES = {"A": Role.AGENT, "C": Role.CUSTOMER}
G, H, C = Stage.GREETING, Stage.HANDLING, Stage.CLOSING

_FILLERS = ("那个，", "就是，", "嗯，", "是这样的，", "我跟你讲，", "然后呢，", "哎，", "这个，")
_PREFIXES = ("你好，", "喂你好，", "您好，", "哎你好，", "喂，")

_OPENED = 0.9
"""Share of calls with an opening, of those that are not silent calls or wrong numbers."""
_BEGUN_ANYWHERE = 0.7
"""Share of the others whose recording begins in the middle, at any turn of the handling."""

Said = tuple[Stage, Role, str]


@dataclass(frozen=True, slots=True)
class Composed:
    """A labelled call and the domain that it is about."""

    domain: str
    turns: tuple[Turn, ...]


@dataclass(frozen=True, slots=True)
class _Stock:
    pools: dict[str, list[str]]
    domains: dict[str, tuple[list[str], list[str]]]


def calls(count: int, *, seed: int = 0) -> list[Composed]:
    """Labelled calls, domains in turn; ``stage`` of each turn is the label."""
    stock = _stock()
    names = sorted(stock.domains)
    made: list[Composed] = []
    while len(made) < count:
        domain = names[len(made) % len(names)]
        chance = random.Random(f"{seed} {len(made)}")
        turns = noise.with_asr_noise(_Call(stock, domain, chance).said(), chance)
        made.append(Composed(domain, turns))
    return made


class _Call:
    """Builds one call, in which names are consistent."""

    def __init__(self, stock: _Stock, domain: str, chance: random.Random) -> None:
        self._stock, self._chance = stock, chance
        organisations, self._exchanges = stock.domains[domain]
        self._fixed: dict[str, str] = {}
        for slot in ("surname", "digits", "name"):
            self._fixed[slot] = chance.choice(stock.pools[slot])
        coined = chance.random() < 0.5
        self._fixed["org"] = self._filled("{coined}") if coined else chance.choice(organisations)

    def said(self) -> list[Said]:
        draw = self._chance.random()
        if draw < 0.04:
            return self._marked("silent")
        if draw < 0.07:
            return self._marked("wrong")
        out = self._chance.random() < 0.28
        opened = self._chance.random() < _OPENED
        greeting = self._turns(G, "greeting_out" if out else "greeting_in") if opened else []
        if opened and out and self._chance.random() < 0.1:
            return greeting + self._turns(C, "breakoff")
        handling = self._business(greeting, out=out)
        if self._chance.random() < 0.15:
            handling = self._reopened(handling)
        if self._chance.random() > 0.88:
            return greeting + handling
        if not greeting and self._chance.random() < _BEGUN_ANYWHERE:
            handling = handling[self._chance.randrange(len(handling)) :]
        closing = self._chance.choice(self._stock.pools["closing"])
        if "{else}" in closing.split(" > ")[0] and self._chance.random() < 0.6:
            handling += self._turns(H, "before_else")
        return greeting + handling + self._exchange(C, closing)

    def _business(self, greeting: list[Said], *, out: bool) -> list[Said]:
        turns: list[Said] = []
        first = [e for e in self._exchanges if e.startswith("A" if out else "C")]
        if not greeting and self._chance.random() < 0.6:
            turns += self._turns(H, self._chance.choice(("midway", "handling")))
        turns += self._exchange(H, self._chance.choice(first or self._exchanges))
        if greeting and turns and turns[0][1] is Role.CUSTOMER and self._chance.random() < 0.3:
            stage, role, text = turns[0]
            turns[0] = (stage, role, self._chance.choice(_PREFIXES) + text)
        if turns[0][1] is Role.CUSTOMER and self._chance.random() < 0.4:
            stage, role, text = turns[0]
            more = self._exchange(H, self._chance.choice(first or self._exchanges))[0][2]
            turns[0] = (stage, role, f"{text}，{more}")
        for _ in range(min(18, int(self._chance.expovariate(0.22)))):
            own = self._chance.random() < 0.5
            pool = self._exchanges if own else self._stock.pools["handling"]
            turns += self._exchange(H, self._chance.choice(pool))
        return turns

    def _reopened(self, handling: list[Said]) -> list[Said]:
        """A closing that a further question turns into handling."""
        false = [(H, role, text) for _, role, text in self._turns(C, "closing")[:3]]
        asked = self._chance.choice(
            (
                "哦对了，",
                "对了，",
                "等一下，",
                "等等，",
                "哎，还有，",
                "还有一个问题，",
                "对了还有个事，",
            )
        )
        more = self._exchange(H, self._chance.choice(self._exchanges))
        at = next((i for i, turn in enumerate(more) if turn[1] is Role.CUSTOMER), None)
        if at is None:
            more = [(H, Role.CUSTOMER, asked), *more]
        else:
            more = [(H, Role.CUSTOMER, asked + more[at][2]), *more[at + 1 :]]
        return handling + false + more

    def _marked(self, section: str) -> list[Said]:
        """A pattern in which ``+`` opens the handling and ``*`` the closing."""
        stage, turns = G, []
        for part in self._chance.choice(self._stock.pools[section]).split(" > "):
            stage = {"+": H, "*": C}.get(part[1], stage)
            turns.append((stage, _ROLES[part[0]], self._filled(part.split(" ", 1)[1])))
        return turns

    def _turns(self, stage: Stage, section: str) -> list[Said]:
        return self._exchange(stage, self._chance.choice(self._stock.pools[section]))

    def _exchange(self, stage: Stage, pattern: str) -> list[Said]:
        turns = []
        for part in pattern.split(" > "):
            text = self._filled(part[2:])
            if stage is H and self._chance.random() < 0.1:
                text = self._chance.choice(_FILLERS) + text
            turns.append((stage, _ROLES[part[0]], text))
        return turns

    def _filled(self, pattern: str) -> str:
        while match := _SLOT.search(pattern):
            slot = match[1]
            fixed = self._fixed.get(slot)
            wording = fixed or self._filled(self._chance.choice(self._stock.pools[slot]))
            pattern = pattern[: match.start()] + wording + pattern[match.end() :]
        return chosen(pattern, self._chance)


def chosen(pattern: str, chance: random.Random) -> str:
    """A wording of a pattern: one alternative of each ``(a|b)``."""
    while match := _CHOICE.search(pattern):
        wording = chance.choice(match[1].split("|"))
        pattern = pattern[: match.start()] + wording + pattern[match.end() :]
    return re.sub("，{2,}", "，", pattern).strip("，")


@cache
def _stock() -> _Stock:
    pools: dict[str, list[str]] = {}
    domains: dict[str, tuple[list[str], list[str]]] = {}
    lines: list[str] = []
    for line in _STOCK.read_text("utf-8").splitlines():
        if line.startswith("## domain "):
            lines = []
            domains[line.removeprefix("## domain ")] = ([], lines)
        elif line.startswith("## "):
            lines = pools.setdefault(line.removeprefix("## "), [])
        elif line.startswith("org: "):
            domains[next(reversed(domains))][0].extend(line.removeprefix("org: ").split(" / "))
        elif line and not line.startswith("#"):
            lines.append(line)
    return _Stock(pools, domains)


def stages(turns: Sequence[Turn]) -> list[int]:
    """The labelled stages as positions in the order of stages."""
    order = list(Stage)
    return [order.index(turn.stage) for turn in turns if turn.stage is not None]
