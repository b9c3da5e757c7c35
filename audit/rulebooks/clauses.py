"""Which clause of the norms is judged by which check: the table ``docs/norms.md``.

``python -m audit.rulebooks.clauses > docs/norms.md`` writes it anew.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Literal

import yaml
from pydantic import Field

from audit.rulebooks.loading import load, shipped
from audit.rulebooks.rulebook import Rulebook
from audit.rules.fields import Strict
from audit.types import Verdict

_HEAD = """\
# The norms, clause by clause

Written by `python -m audit.rulebooks.clauses` from the rulebooks and
`audit/rulebooks/clauses.yaml`; a test
compares the two. `auditable` is what the norm's wording allows: `partly`, where some of it leaves
no trace in a recording; `metadata`, where a column of the manifest tells. Without that column
(`answer_wait_s`, `hung_up_by`) there is no finding, or `cannot_tell`. `example` is a call of
`data_samples` in which the clause is kept or broken.

| clause | asks | rule | auditable | checks | verdicts | example |
| --- | --- | --- | --- | --- | --- | --- |
"""


class Clause(Strict):
    """What a norm asks for, in few words.

    ``judged_as``: the clause whose check finds the same wording; ``not_tellable``: why no check
    can judge it; ``example``: id of a sample call that shows it; ``text``: what the norm says, in
    its own language; ``say``: the right wording.
    """

    rule: str
    auditable: Literal["yes", "partly", "metadata"]
    gloss: str
    text: str
    say: str | None = None
    judged_as: str | None = None
    not_tellable: str | None = None
    example: str | None = Field(None, pattern=r"^S\d\d$")


@cache
def clauses() -> dict[str, Clause]:
    """Every clause of the five norms by its id."""
    source = (files("audit") / "rulebooks" / "clauses.yaml").read_text("utf-8")
    raw: Mapping[str, object] = yaml.safe_load(source)["clauses"]
    return {name: Clause.model_validate(clause) for name, clause in raw.items()}


def judged(books: Iterable[Rulebook]) -> dict[str, dict[str, frozenset[Verdict]]]:
    """For each clause that one of the rulebooks judges: its checks, and what each may say."""
    found: dict[str, dict[str, frozenset[Verdict]]] = {}
    for book in books:
        for spec in book.specs():
            checks = found.setdefault(spec.clause, {})
            checks[spec.check_id] = checks.get(spec.check_id, frozenset()) | spec.verdicts
    return found


def table() -> str:
    """The page ``docs/norms.md``."""
    checks = judged(map(load, shipped()))
    rows = [_row(name, clause, checks) for name, clause in clauses().items()]
    return _HEAD + "".join(rows)


def _row(name: str, clause: Clause, checks: Mapping[str, dict[str, frozenset[Verdict]]]) -> str:
    own = checks.get(name, {})
    if own:
        named = ", ".join(f"`{check_id}`" for check_id in sorted(own))
    elif clause.judged_as:
        own = checks.get(clause.judged_as, {})
        named = f"with {clause.judged_as}: " + ", ".join(
            f"`{check_id}`" for check_id in sorted(own)
        )
    else:
        named = f"not tellable: {clause.not_tellable}"
    possible = frozenset[Verdict]().union(*own.values())
    told = ", ".join(f"`{verdict}`" for verdict in Verdict if verdict in possible)
    cells = (
        name,
        clause.gloss,
        clause.rule,
        clause.auditable,
        named,
        told or "-",
        clause.example or "-",
    )
    return f"| {' | '.join(cells)} |\n"


if __name__ == "__main__":
    sys.stdout.write(table())
