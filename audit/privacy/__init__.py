"""Personal data (PII) in transcripts of speech: detected, and replaced by placeholders."""

from audit.privacy.detect import find
from audit.privacy.entities import PrivacyMode
from audit.privacy.mask import mask, redacted_spans, redacted_spans_of, with_full_text

__all__ = ["PrivacyMode", "find", "mask", "redacted_spans", "redacted_spans_of", "with_full_text"]
