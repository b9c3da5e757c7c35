"""The graph of the speaker encoder."""

from __future__ import annotations

import onnx

from models.training import encoder
from models.voice import embeddings


def test_the_packaged_graph_is_the_one_that_is_written() -> None:
    packaged = onnx.load(embeddings.ENCODER, load_external_data=False)
    assert packaged == encoder.graph()


def test_the_graph_has_no_weights() -> None:
    assert embeddings.ENCODER.stat().st_size < 2000
