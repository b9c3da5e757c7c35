"""The packaged Whisper *base* as a model of sherpa-onnx: encoder, decoder, metadata, tokens.

The form is what ``offline-whisper-model.cc`` of sherpa-onnx reads: an encoder that gives keys and
values of the cross attention, and a decoder that is given them with the keys and values of what was
said before, and that may give the weights of the heads that align words.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

import onnx
import torch
import whisper
from torch import Tensor, nn
from whisper import _ALIGNMENT_HEADS
from whisper.tokenizer import get_tokenizer

from models.asr import weights

_OPSET = 17


def export(folder: Path) -> None:
    """Write ``base-encoder.onnx``, ``base-decoder.onnx`` and ``tokens.txt`` into a folder."""
    found = weights.find("base")
    assert found.path is not None
    dimensions, state = weights.whisper_state_dict(found.path)
    model = whisper.model.Whisper(whisper.model.ModelDimensions(**dimensions))
    tensors = {name: torch.from_numpy(value.copy()) for name, value in state.items()}
    model.load_state_dict(tensors, strict=False)
    model.set_alignment_heads(_ALIGNMENT_HEADS["base"])
    heads = [(int(a), int(b)) for a, b in model.alignment_heads.indices().T]
    model.eval()
    with torch.no_grad(), whisper.model.disable_sdpa():
        _export(model, heads, folder)
    _with_metadata(folder / "base-encoder.onnx", _metadata(model, heads))
    assets = files("whisper") / "assets" / "multilingual.tiktoken"
    (folder / "tokens.txt").write_bytes(assets.read_bytes())


def _export(model: Any, heads: list[tuple[int, int]], folder: Path) -> None:
    dims = model.dims
    mel = torch.randn(1, dims.n_mels, 1000)
    encoder = _Encoder(model)
    cross_k, cross_v = encoder(mel)
    lengths = {"mel": {2: "T"}, "cross_k": {2: "T"}, "cross_v": {2: "T"}}
    torch.onnx.export(
        encoder,
        (mel,),
        str(folder / "base-encoder.onnx"),
        input_names=["mel"],
        output_names=["cross_k", "cross_v"],
        dynamic_axes=lengths,
        opset_version=_OPSET,
        dynamo=False,
    )
    cache = torch.zeros(dims.n_text_layer, 1, dims.n_text_ctx, dims.n_text_state)
    names = ["tokens", "self_k", "self_v", "cross_k", "cross_v", "offset"]
    given = (torch.tensor([[50258, 50260]]), cache, cache, cross_k, cross_v, torch.tensor([3]))
    torch.onnx.export(
        _Decoder(model, heads),
        given,
        str(folder / "base-decoder.onnx"),
        input_names=names,
        output_names=["logits", "out_self_k", "out_self_v", "attention"],
        dynamic_axes={
            "tokens": {1: "n"},
            "cross_k": {2: "T"},
            "cross_v": {2: "T"},
            "logits": {1: "n"},
            "attention": {2: "n", 3: "T"},
        },
        opset_version=_OPSET,
        dynamo=False,
    )


class _Encoder(nn.Module):
    def __init__(self, model: Any) -> None:
        super().__init__()
        self.encoder, self.blocks = model.encoder, model.decoder.blocks

    def forward(self, mel: Tensor) -> tuple[Tensor, Tensor]:
        x = nn.functional.gelu(self.encoder.conv1(mel))
        x = nn.functional.gelu(self.encoder.conv2(x)).transpose(1, 2)
        x = x + self.encoder.positional_embedding[: x.shape[1]]
        for block in self.encoder.blocks:
            x = block(x)
        x = self.encoder.ln_post(x)
        keys = [block.cross_attn.key(x) for block in self.blocks]
        values = [block.cross_attn.value(x) for block in self.blocks]
        return torch.stack(keys), torch.stack(values)


class _Decoder(nn.Module):
    def __init__(self, model: Any, heads: list[tuple[int, int]]) -> None:
        super().__init__()
        self.decoder, self.heads = model.decoder, heads

    def forward(
        self, tokens: Tensor, k: Tensor, v: Tensor, cross_k: Tensor, cross_v: Tensor, offset: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        start, end = offset[0], offset[0] + tokens.shape[1]
        x = self.decoder.token_embedding(tokens) + self.decoder.positional_embedding[start:end]
        mask = self.decoder.mask[start:end, :end]
        keys, values, aligned = [], [], []
        for number, block in enumerate(self.decoder.blocks):
            normed = block.attn_ln(x)
            key = torch.cat([k[number][:, :start], block.attn.key(normed)], dim=1)
            value = torch.cat([v[number][:, :start], block.attn.value(normed)], dim=1)
            x = x + _attend(block.attn, normed, key, value, mask)[0]
            keys.append(torch.cat([key, k[number][:, end:]], dim=1))
            values.append(torch.cat([value, v[number][:, end:]], dim=1))
            heard, share = _attend(
                block.cross_attn, block.cross_attn_ln(x), cross_k[number], cross_v[number], None
            )
            x = x + heard
            aligned += [share[:, head] for layer, head in self.heads if layer == number]
            x = x + block.mlp(block.mlp_ln(x))
        said = self.decoder.ln(x).transpose(1, 2)
        logits = torch.matmul(self.decoder.token_embedding.weight, said).transpose(1, 2)
        return logits, torch.stack(keys), torch.stack(values), torch.stack(aligned, dim=1)


def _attend(
    attention: Any, x: Tensor, key: Tensor, value: Tensor, mask: Tensor | None
) -> tuple[Tensor, Tensor]:
    """What attention gives, and the share of each frame in it, ``[1, heads, n, frames]``."""
    n = attention.n_head
    q, k, v = (t.unflatten(2, (n, -1)).transpose(1, 2) for t in (attention.query(x), key, value))
    scores = q @ k.transpose(2, 3) / (q.shape[-1] ** 0.5)
    share = torch.softmax(scores if mask is None else scores + mask, dim=-1)
    return attention.out((share @ v).transpose(1, 2).flatten(2)), share


def _metadata(model: Any, heads: list[tuple[int, int]]) -> dict[str, Any]:
    tokenizer = get_tokenizer(True, num_languages=model.num_languages)
    dims = model.dims
    return {
        "model_type": "whisper-base",
        "n_mels": dims.n_mels,
        "n_audio_ctx": dims.n_audio_ctx,
        "n_vocab": dims.n_vocab,
        "n_text_ctx": dims.n_text_ctx,
        "n_text_state": dims.n_text_state,
        "n_text_layer": dims.n_text_layer,
        "n_alignment_heads": len(heads),
        "sot_sequence": ",".join(map(str, tokenizer.sot_sequence)),
        "all_language_tokens": ",".join(map(str, tokenizer.all_language_tokens)),
        "all_language_codes": ",".join(tokenizer.all_language_codes),
        "sot": tokenizer.sot,
        "eot": tokenizer.eot,
        "blank_id": tokenizer.encode(" ")[0],
        "is_multilingual": 1,
        "no_speech": tokenizer.no_speech,
        "transcribe": tokenizer.transcribe,
        "translate": tokenizer.translate,
        "no_timestamps": tokenizer.no_timestamps,
    }


def _with_metadata(path: Path, metadata: dict[str, Any]) -> None:
    model = onnx.load(str(path))
    onnx.helper.set_model_props(model, {key: str(value) for key, value in metadata.items()})
    onnx.save(model, str(path))
