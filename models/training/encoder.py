"""Writes the graph of the speaker encoder: ``python -m models.training.encoder``.

The graph has no weights. :mod:`models.voice.embeddings` takes them from Resemblyzer's checkpoint
and gives them to ONNX Runtime under the names that are used here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from models.voice import embeddings

if TYPE_CHECKING:
    from onnx import ModelProto, TensorProto

_MEL_BANDS, _DIMENSIONS, _LAYERS, _GATES = 40, 256, 3, 4


def main() -> None:
    """Write the artifact."""
    embeddings.ENCODER.write_bytes(graph().SerializeToString(deterministic=True))
    print(f"{embeddings.ENCODER}: {embeddings.ENCODER.stat().st_size} bytes")


def graph() -> ModelProto:
    """From mel frames of windows, ``[windows, frames, 40]``, to embeddings, ``[windows, 256]``."""
    from onnx import TensorProto, helper

    nodes = [helper.make_node("Transpose", ["mel"], ["frames_0"], perm=[1, 0, 2])]
    weights = []
    for layer in range(_LAYERS):
        inputs = _DIMENSIONS if layer else _MEL_BANDS
        own = {
            f"lstm.weight_ih_l{layer}": (1, _GATES * _DIMENSIONS, inputs),
            f"lstm.weight_hh_l{layer}": (1, _GATES * _DIMENSIONS, _DIMENSIONS),
            f"lstm.bias_l{layer}": (1, 2 * _GATES * _DIMENSIONS),
        }
        weights += [_weight(name, shape) for name, shape in own.items()]
        if layer:
            before = [f"outputs_{layer - 1}", "direction"]
            nodes.append(helper.make_node("Squeeze", before, [f"frames_{layer}"]))
        out = [f"outputs_{layer}", f"last_{layer}"]
        nodes.append(
            helper.make_node("LSTM", [f"frames_{layer}", *own], out, hidden_size=_DIMENSIONS)
        )
    weights += [
        _weight("linear.weight", (_DIMENSIONS, _DIMENSIONS)),
        _weight("linear.bias", (_DIMENSIONS,)),
    ]
    nodes.append(helper.make_node("Squeeze", [f"last_{_LAYERS - 1}", "layer"], ["last"]))
    nodes += [
        helper.make_node("Gemm", ["last", "linear.weight", "linear.bias"], ["linear"], transB=1),
        helper.make_node("Relu", ["linear"], ["positive"]),
        helper.make_node("LpNormalization", ["positive"], ["embeddings"], axis=1, p=2),
    ]
    axes = [
        helper.make_tensor(name, TensorProto.INT64, [1], [axis])
        for name, axis in (("direction", 1), ("layer", 0))
    ]
    kind = TensorProto.FLOAT
    mel = helper.make_tensor_value_info("mel", kind, ["windows", "frames", _MEL_BANDS])
    found = helper.make_tensor_value_info("embeddings", kind, ["windows", _DIMENSIONS])
    made = helper.make_graph(nodes, "speaker encoder", [mel], [found], [*weights, *axes])
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def _weight(name: str, shape: Sequence[int]) -> TensorProto:
    """A weight that is not in the graph; the name of its file is required, and never read."""
    from onnx import TensorProto

    weight = TensorProto(
        name=name, dims=shape, data_type=TensorProto.FLOAT, data_location=TensorProto.EXTERNAL
    )
    weight.external_data.add(key="location", value="pretrained.pt")
    return weight


if __name__ == "__main__":
    main()
