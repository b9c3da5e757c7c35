"""Names in a rulebook that the speech recognition engine is to expect."""

from __future__ import annotations

from audit import rulebooks
from audit.config import Config
from models.asr import engines

_PARAMETERS = ("organisations", "products")
_LENGTHS = range(3, 11)
"""Characters of a name that is worth expecting; 公司 and 热线 are everybody's."""
_NOT_IN_NAMES = set("…{您你我")


def with_names(config: Config) -> Config:
    """The configuration of a run, with the names of its rulebook among the words to expect.

    Only for models that can be told them: they would change the key of the others' transcripts for
    nothing.

    Raises:
        UsageError: the rulebook, or what is configured as engine, cannot be used.
    """
    asr = config.transcription.asr
    if not engines.takes_hotwords(asr):
        return config
    from audit.rules.fields import all_wordings

    parameters = rulebooks.load(config.batch.rulebook).parameters
    phrases = [phrase for name in _PARAMETERS for phrase in parameters.get(name, ())]
    names = [
        wording
        for phrase in phrases
        for wording in all_wordings(phrase)
        if len(wording) in _LENGTHS and not set(wording) & _NOT_IN_NAMES
    ]
    hotwords = tuple(dict.fromkeys((*asr.hotwords, *names)))
    asr = asr.model_copy(update={"hotwords": hotwords})
    transcription = config.transcription.model_copy(update={"asr": asr})
    return config.model_copy(update={"transcription": transcription})
