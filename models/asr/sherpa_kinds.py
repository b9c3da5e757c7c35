"""The kinds of model that sherpa-onnx runs here, and what each of them can tell.

What each kind returns beside the text was read in its sources (github.com/
k2-fsa/sherpa-onnx, ``sherpa-onnx/csrc``) and tried with version 2.0.1:

================================  ===================================  ==================
kind (how it is told)             times of tokens                      probabilities
================================  ===================================  ==================
transducer (joiner; decoder with  frame of 40 ms in which the joiner   ``ys_log_probs`` of
``context_size``) and NeMo        wrote the token                      each token
SenseVoice, CTC of zipformer,     frame of the token's first peak      none
WeNet, NeMo, TeleSpeech, FireRed
Paraformer                        peaks of its CIF, if the model has   none
                                  them (4 outputs); otherwise none
Whisper (``sot_sequence``)        cross attention, if the decoder has  none
                                  it (4 outputs); otherwise none
FireRedASR (encoder, decoder)     none                                 none
Fun-ASR-Nano (``llm`` and         spread evenly over the utterance:    none
``encoder_adaptor``)              not measured
================================  ===================================  ==================

(``offline-recognizer-*-impl.h``: ``Convert`` of each kind; ``offline-paraformer-greedy-search-
decoder.cc``; ``offline-recognizer-funasr-nano-impl.cc``.)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """A kind of model that sherpa-onnx runs.

    Attributes:
        name: for people.
        constructor: method of ``sherpa_onnx.OfflineRecognizer`` that loads it.
        needs: metadata without which sherpa-onnx ends the process, by part.
        symbols: one of them must be in ``tokens.txt``.
        batches: whether several windows can go through the network together. (Of Paraformer
            sherpa-onnx would read tokens beyond the end of the shorter windows.)
        timed_outputs: outputs of the last part from which times of tokens are measured; 0 where
            they always are, None where they never are.
        probabilities: whether it gives each token's.
        punctuation: whether it writes punctuation; ``itn`` if numerals are normalised.
    """

    name: str
    constructor: str
    needs: Mapping[str, tuple[str, ...]]
    symbols: tuple[str, ...] = ()
    batches: bool = True
    timed_outputs: int | None = 0
    probabilities: bool = False
    punctuation: Literal["never", "itn", "always"] = "never"


_BLANKS = ("<blk>", "<eps>", "<blank>")
_LFR = ("vocab_size", "lfr_window_size", "lfr_window_shift")
_NEMO = ("vocab_size", "subsampling_factor")

TRANSDUCER = Kind(
    "transducer",
    "from_transducer",
    {"encoder": (), "decoder": ("vocab_size", "context_size"), "joiner": ()},
    probabilities=True,
)
NEMO_TRANSDUCER = Kind(
    "NeMo transducer",
    "from_transducer",
    {"encoder": (*_NEMO, "pred_rnn_layers", "pred_hidden"), "decoder": (), "joiner": ()},
    symbols=_BLANKS[:1],
    probabilities=True,
)
WHISPER = Kind(
    "Whisper",
    "from_whisper",
    {
        "encoder": (
            *("n_mels", "n_text_layer", "n_text_ctx", "n_text_state", "n_vocab", "sot", "eot"),
            *("blank_id", "translate", "transcribe", "is_multilingual", "no_timestamps"),
            *("no_speech", "sot_sequence", "all_language_tokens", "all_language_codes"),
        ),
        "decoder": (),
    },
    batches=False,
    timed_outputs=4,
)
FIRE_RED = Kind(
    "FireRedASR",
    "from_fire_red_asr",
    {
        "encoder": (
            *("num_decoder_layers", "num_head", "head_dim", "sos", "eos", "max_len"),
            *("cmvn_mean", "cmvn_inv_stddev"),
        ),
        "decoder": (),
    },
    batches=False,
    timed_outputs=None,
)
FUN_ASR = Kind(
    "Fun-ASR-Nano",
    "from_funasr_nano",
    {
        "encoder_adaptor": ("lfr_window_size", "lfr_window_shift", "llm_dim"),
        "llm": ("vocab_size",),
        "embedding": (),
    },
    batches=False,
    timed_outputs=None,
    punctuation="always",
)
SENSE_VOICE = Kind(
    "SenseVoice",
    "from_sense_voice",
    {
        "model": (
            *(*_LFR, "normalize_samples", "with_itn", "without_itn", "neg_mean", "inv_stddev"),
            *("lang_auto", "lang_zh", "lang_en", "lang_ja", "lang_ko", "lang_yue"),
        )
    },
    punctuation="itn",
)
FUN_ASR_CTC = Kind(
    "Fun-ASR-Nano CTC",
    "from_sense_voice",
    {"model": (*_LFR, "normalize_samples")},
    batches=False,
)
PARAFORMER = Kind(
    "Paraformer",
    "from_paraformer",
    {"model": (*_LFR, "neg_mean", "inv_stddev")},
    symbols=("</s>",),
    batches=False,
    timed_outputs=4,
)
ZIPFORMER_CTC = Kind("zipformer CTC", "from_zipformer_ctc", {"model": ()}, symbols=_BLANKS)
WENET_CTC = Kind("WeNet CTC", "from_wenet_ctc", {"model": _NEMO}, symbols=_BLANKS, batches=False)
NEMO_CTC = Kind("NeMo CTC", "from_nemo_ctc", {"model": _NEMO}, symbols=_BLANKS)
TELE_SPEECH = Kind(
    "TeleSpeech CTC", "from_telespeech_ctc", {"model": ()}, symbols=_BLANKS, batches=False
)
FIRE_RED_CTC = Kind(
    "FireRedASR CTC",
    "from_fire_red_asr_ctc",
    {"model": ("cmvn_mean", "cmvn_inv_stddev")},
    symbols=_BLANKS,
)
