"""Models of a few weights in the forms that sherpa-onnx reads, which hear low and high noise.

Nothing is random in them: where low frequencies are loud they write 你, where high ones are 好, and
elsewhere nothing. So it can be checked what is heard, and when.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt

from audit.types import SAMPLE_RATE, Samples

BINS = 80
_LOW, _HIGH = slice(0, 20), slice(50, 80)
_LOUD = 8.0
"""What is added to the mean log energy of a band (about -1 loud, -16 silent); 0 is nothing."""
SYMBOLS = ("<blk>", "你", "好", "<unk>")


def sound(*pieces: tuple[str, float]) -> Samples:
    """Noise that these models hear.

    Args:
        pieces: ``low``, ``high`` or ``off``, and for how many seconds.
    """
    noise = np.random.default_rng(1)
    bands = {"low": (200, 900), "high": (3000, 6000)}
    parts = []
    for name, length_s in pieces:
        white = noise.normal(0, 0.5, round(length_s * SAMPLE_RATE))
        if name == "off":
            parts.append(np.zeros(len(white)))
        else:
            band = butter(6, bands[name], btype="band", fs=SAMPLE_RATE, output="sos")
            parts.append(sosfilt(band, white))
    return np.concatenate(parts).astype(np.float32)


def write(
    path: Path, graph: str, weights: Mapping[str, NDArray[Any]], metadata: Mapping[str, Any]
) -> None:
    """Write an ONNX file from ONNX's own notation of graphs."""
    parsed = onnx.parser.parse_graph(graph)
    parsed.initializer.extend(onnx.numpy_helper.from_array(w, name) for name, w in weights.items())
    opset = [onnx.helper.make_opsetid("", 17)]
    model = onnx.helper.make_model(parsed, opset_imports=opset, ir_version=8)
    onnx.helper.set_model_props(model, {key: str(value) for key, value in metadata.items()})
    onnx.save(model, str(path))


def tokens(folder: Path, symbols: Sequence[str]) -> None:
    lines = [f"{symbol} {number}\n" for number, symbol in enumerate(symbols)]
    (folder / "tokens.txt").write_text("".join(lines), encoding="utf-8")


def bands(size: int, *, low: int = 1, high: int = 2, row: int = 0, rows: int = BINS) -> Any:
    """A classifier of frames: weights ``[rows, size]`` and bias ``[size]``; 0 is nothing.

    Args:
        size: of the vocabulary.
        low: token of low noise.
        high: token of high noise.
        row: first row of the frame that counts.
        rows: features.
    """
    w, b = np.zeros((rows, size), np.float32), np.full(size, -50, np.float32)
    w[row:][_LOW, low] = 1 / 20
    w[row:][_HIGH, high] = 1 / 30
    b[[0, low, high]] = 0, _LOUD, _LOUD
    return w, b


_EVERY_FOURTH = """
    four = Constant <value = int64[1] {4}> ()
    zero = Constant <value = int64[1] {0}> ()
    end = Constant <value = int64[1] {100000}> ()
    one = Constant <value = int64[1] {1}> ()
    three = Constant <value = int64[1] {3}> ()
    some = Slice (x, zero, end, one, four)
    product = MatMul (some, w)
    more = Add (x_lens, three)
    lens = Div (more, four)
"""


def ctc(folder: Path, *, model_type: str = "zipformer2_ctc", name: str = "model.onnx") -> None:
    """A CTC model; blank, 你, 好."""
    w, b = bands(len(SYMBOLS))
    metadata = {"model_type": model_type, "vocab_size": len(SYMBOLS), "subsampling_factor": 4}
    if model_type == "fire-red-asr-2-ctc":
        # that kind hears samples as int16, whose log energy is higher by 2 ln 32768
        metadata |= {
            "cmvn_mean": ",".join(["20.8"] * BINS),
            "cmvn_inv_stddev": ",".join(["1"] * BINS),
        }
    elif model_type == "wenet_ctc":
        b[[1, 2]] -= 20.8
    write(
        folder / name,
        f"""ctc (float[N, T, {BINS}] x, int64[N] x_lens) => (float[N, S, V] y, int64[N] lens) {{
        {_EVERY_FOURTH} y = Add (product, b) }}""",
        {"w": w, "b": b},
        metadata,
    )
    tokens(folder, SYMBOLS)


SENSE_VOICE = ("<blk>", "你", "好", "<|zh|>", "<|NEUTRAL|>", "<|Speech|>", "<|woitn|>", "1", "一")
"""Where it is given the id of ``with_itn``, 1 is more likely than 一 for high noise."""


def sense_voice(folder: Path) -> None:
    """SenseVoice: four tags, then CTC over frames of 60 ms."""
    size = len(SENSE_VOICE)
    w, b = bands(size, low=1, high=8, row=3 * BINS, rows=7 * BINS)
    w[:, 7], b[7] = w[:, 8], b[8] - 7  # 1 as 一, and +1 for each of text_norm
    norm = np.zeros((1, 1, size), np.float32)
    norm[..., 7] = 1
    tags = np.full((1, 4, size), -50, np.float32)
    for place, tag in enumerate(range(3, 7)):
        tags[0, place, tag] = 50
    languages = dict.fromkeys(("auto", "zh", "en", "ja", "ko", "yue"), 0)
    write(
        folder / "model.onnx",
        f"""sense (float[N, T, {7 * BINS}] x, int32[N] x_length, int32[N] language,
            int32[N] text_norm) => (float[N, S, V] y) {{
            product = MatMul (x, w)
            frames = Add (product, b)
            as_float = Cast <to = 1> (text_norm)
            shape = Constant <value = int64[3] {{-1, 1, 1}}> ()
            wanted = Reshape (as_float, shape)
            shift = Mul (wanted, norm)
            normed = Add (frames, shift)
            zeros = Mul (wanted, nothing)
            all_tags = Add (tags, zeros)
            y = Concat <axis = 1> (all_tags, normed)
        }}""",
        {"w": w, "b": b, "norm": norm, "tags": tags, "nothing": np.zeros(1, np.float32)},
        {
            "model_type": "sense_voice_ctc",
            "vocab_size": size,
            "lfr_window_size": 7,
            "lfr_window_shift": 6,
            "normalize_samples": 1,
            "with_itn": 8,
            "without_itn": 1,
            **{f"lang_{name}": number for name, number in languages.items()},
            "neg_mean": ",".join(["0"] * 7 * BINS),
            "inv_stddev": ",".join(["1"] * 7 * BINS),
        },
    )
    tokens(folder, SENSE_VOICE)


PARAFORMER = ("<blank>", "<s>", "</s>", "你", "好", "wi@@", "fi")


def paraformer(folder: Path, *, peaks: bool, at: Sequence[int] = (10, 30, 50, 60, 80)) -> None:
    """Paraformer: it writes 你好 wifi whatever it hears.

    Args:
        folder: that receives it.
        peaks: whether it tells when.
        at: the frames of 20 ms at which its tokens are, and the end.
    """
    said = [3, 4, 5, 6, 2]
    logits = np.zeros((1, len(said), len(PARAFORMER)), np.float32)
    logits[0, range(len(said)), said] = 9
    fire = np.zeros((1, 100), np.float32)
    fire[0, list(at)] = 1
    more = ", float[N, P] alphas, float[N, P] cif" if peaks else ""
    shown = "alphas = Add (none, fires) cif = Add (none, fires)" if peaks else ""
    write(
        folder / "model.onnx",
        f"""para (float[N, T, {7 * BINS}] speech, int32[N] lengths)
            => (float[N, L, V] logits, int32[N] token_num{more}) {{
            token_num = Identity (lengths)
            as_float = Cast <to = 1> (lengths)
            zeros = Mul (as_float, nothing)
            long = Constant <value = int64[3] {{-1, 1, 1}}> ()
            none3 = Reshape (zeros, long)
            logits = Add (said, none3)
            flat = Constant <value = int64[2] {{-1, 1}}> ()
            none = Reshape (zeros, flat)
            {shown}
        }}""",
        {"said": logits, "fires": fire, "nothing": np.zeros(1, np.float32)},
        {
            "model_type": "paraformer",
            "vocab_size": len(PARAFORMER),
            "lfr_window_size": 7,
            "lfr_window_shift": 6,
            "neg_mean": ",".join(["0"] * 7 * BINS),
            "inv_stddev": ",".join(["1"] * 7 * BINS),
        },
    )
    tokens(folder, PARAFORMER)


TRANSDUCER = ("<blk>", "联", "连", "通", "话", "<unk>")
"""Low noise is 连 a little more than 联, high noise 通."""


def transducer(folder: Path, *, suffix: str = "", symbols: Sequence[str] = TRANSDUCER) -> None:
    """A stateless transducer, which does not write the token that it has just written."""
    size = len(symbols)
    w, b = bands(size, low=2, high=3)
    w[:, 1], b[1] = w[:, 2], b[2] - 0.5
    write(
        folder / f"encoder{suffix}.onnx",
        f"""encoder (float[N, T, {BINS}] x, int64[N] x_lens)
            => (float[N, S, V] encoder_out, int64[N] lens) {{
            {_EVERY_FOURTH} encoder_out = Add (product, b) }}""",
        {"w": w, "b": b},
        {"model_type": "zipformer2"},
    )
    same = -100 * np.eye(size, dtype=np.float32)
    same[0] = 0
    alike = ((1, 2), (2, 1))
    for a, c in alike:
        same[a, c] = -100
    write(
        folder / f"decoder{suffix}.onnx",
        """decoder (int64[N, 2] y) => (float[N, V] decoder_out) {
            last = Constant <value = int64 {1}> ()
            token = Gather <axis = 1> (y, last)
            decoder_out = Gather <axis = 0> (same, token)
        }""",
        {"same": same},
        {"vocab_size": size, "context_size": 2},
    )
    write(
        folder / f"joiner{suffix}.onnx",
        """joiner (float[N, V] encoder_out, float[N, V] decoder_out) => (float[N, V] logit) {
            logit = Add (encoder_out, decoder_out)
        }""",
        {},
        {"joiner_dim": size},
    )
    tokens(folder, symbols)


FIRE_RED = ("<blank>", "<sos>", "<eos>", "你", "好")


def fire_red(folder: Path) -> None:
    """FireRedASR's encoder and decoder: it writes 你好."""
    write(
        folder / "encoder.onnx",
        f"""encoder (float[N, T, {BINS}] x, int64[N] x_lens)
            => (float[1, N, T, {BINS}] cross_k, float[1, N, T, {BINS}] cross_v) {{
            first = Constant <value = int64[1] {{0}}> ()
            cross_k = Unsqueeze (x, first)
            cross_v = Unsqueeze (x, first)
        }}""",
        {},
        {
            "num_decoder_layers": 1,
            "num_head": 1,
            "head_dim": 2,
            "sos": 1,
            "eos": 2,
            "max_len": 64,
            "cmvn_mean": ",".join(["0"] * BINS),
            "cmvn_inv_stddev": ",".join(["1"] * BINS),
        },
    )
    after = np.zeros((5, 5), np.float32)
    after[[1, 3, 4], [3, 4, 2]] = 9
    write(
        folder / "decoder.onnx",
        f"""decoder (int64[N, n] tokens, float[1, N, C, 1, 2] k, float[1, N, C, 1, 2] v,
            float[1, N, T, {BINS}] cross_k, float[1, N, T, {BINS}] cross_v, int64[1] offset)
            => (float[N, n, V] logits, float[1, N, C, 1, 2] out_k, float[1, N, C, 1, 2] out_v) {{
            logits = Gather <axis = 0> (after, tokens)
            out_k = Identity (k)
            out_v = Identity (v)
        }}""",
        {"after": after},
        {},
    )
    tokens(folder, FIRE_RED)
