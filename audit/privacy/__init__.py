"""Personal data (PII) in transcripts of speech: detected, and replaced by placeholders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit import lazy

__all__ = ["PrivacyMode", "find", "mask", "redacted_spans", "redacted_spans_of", "with_full_text"]

if TYPE_CHECKING:
    from audit.privacy.detect import find
    from audit.privacy.entities import PrivacyMode
    from audit.privacy.masking import mask, redacted_spans, redacted_spans_of, with_full_text
else:
    _MASKING = ("mask", "redacted_spans", "redacted_spans_of", "with_full_text")
    __getattr__ = lazy.offered(
        __name__,
        {"find": "detect", "PrivacyMode": "entities", **dict.fromkeys(_MASKING, "masking")},
    )
