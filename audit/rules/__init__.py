"""The rules: one file each, which holds settings, checks and judgement; see ``registry``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit import lazy

__all__ = ["CORE", "RULES", "Context", "Rule", "Rules", "evaluate"]

if TYPE_CHECKING:
    from audit.rules.base import Context, Rule
    from audit.rules.evaluation import evaluate
    from audit.rules.registry import CORE, RULES, Rules
else:
    __getattr__ = lazy.offered(
        __name__,
        {
            "CORE": "registry",
            "RULES": "registry",
            "Rules": "registry",
            "Context": "base",
            "Rule": "base",
            "evaluate": "evaluation",
        },
    )
