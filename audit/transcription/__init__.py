"""From audio to turns. All code here decides what a transcript looks like.

:func:`decode_recording` gives the channels of a recording, :func:`transcribe` its transcript.
"""

from audit.transcription.channels import decode_recording
from audit.transcription.options import TranscriptionOptions
from audit.transcription.transcribe import transcribe

__all__ = ["TranscriptionOptions", "decode_recording", "transcribe"]
