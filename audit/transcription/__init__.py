"""From audio to turns. All code here decides what a transcript looks like.

:func:`decode_recording` gives the channels of a recording, :func:`transcribe` its transcript.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit import lazy

__all__ = ["TranscriptionOptions", "decode_recording", "transcribe"]

if TYPE_CHECKING:
    from audit.transcription.channels import decode_recording
    from audit.transcription.options import TranscriptionOptions
    from audit.transcription.transcribing import transcribe
else:
    __getattr__ = lazy.offered(
        __name__,
        {
            "TranscriptionOptions": "options",
            "decode_recording": "channels",
            "transcribe": "transcribing",
        },
    )
