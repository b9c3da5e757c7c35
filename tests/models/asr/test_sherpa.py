"""sherpa-onnx: what a folder holds is known before it is loaded, and heard as it should be."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from audit import config
from audit.config import AsrConfig, Config
from audit.errors import UsageError, WeightsNotFound
from audit.types import WordTimes
from flows import doctor, hotwords, lineage, sizing
from models.asr import engines, onnx_files, sherpa, sherpa_folder, sherpa_kinds, sherpa_words
from models.asr.sherpa_words import Token
from tests.models.asr import sherpa_tiny as tiny

CALL = tiny.sound(("off", 0.5), ("low", 0.4), ("off", 0.6), ("high", 0.4), ("off", 0.5))
OTHER = tiny.sound(("high", 0.5), ("off", 1), ("low", 1))
EDGES_S = [0.5, 1.5]
"""When low and high noise begin in ``CALL``."""

Build = Callable[[Path], None]
KINDS: dict[str, tuple[Build, str, WordTimes, bool]] = {
    "zipformer CTC": (tiny.ctc, "你好", WordTimes.MEASURED, False),
    "WeNet CTC": (partial(tiny.ctc, model_type="wenet_ctc"), "你好", WordTimes.MEASURED, False),
    "FireRedASR CTC": (
        partial(tiny.ctc, model_type="fire-red-asr-2-ctc"),
        "你好",
        WordTimes.MEASURED,
        False,
    ),
    "SenseVoice": (tiny.sense_voice, "你一", WordTimes.MEASURED, False),
    "transducer": (tiny.transducer, "连通", WordTimes.MEASURED, True),
    "Paraformer": (partial(tiny.paraformer, peaks=True), "你好wifi", WordTimes.MEASURED, False),
    "FireRedASR": (tiny.fire_red, "你好", WordTimes.NONE, False),
}


def loaded(folder: Path, **options: Any) -> Any:
    return sherpa.load(sherpa.find(str(folder)), threads=1, **options)


def text(result: Any) -> str:
    return "".join(word.text for word in result.words)


# what each kind returns


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_is_read_and_heard(tmp_path: Path, kind: str) -> None:
    build, said, times, probabilities = KINDS[kind]
    build(tmp_path)
    found = sherpa.find(str(tmp_path))
    assert sherpa.describe(found).startswith(f"{kind} (")
    engine = loaded(tmp_path)
    abilities = engine.abilities
    assert (abilities.word_times, abilities.word_probabilities) == (times, probabilities)
    assert not abilities.punctuation and not abilities.language
    (heard,) = engine.transcribe([CALL])
    assert text(heard) == said
    told = [word.probability for word in heard.words]
    assert all(p is not None and 0 < p <= 1 for p in told) if probabilities else not any(told)
    origin = engine.origin
    assert (origin.engine, origin.model) == ("sherpa-onnx", str(tmp_path))
    assert origin.model_sha256 == found.sha256


@pytest.mark.parametrize("kind", [k for k in KINDS if k not in ("Paraformer", "FireRedASR")])
def test_words_are_where_they_were_said(tmp_path: Path, kind: str) -> None:
    KINDS[kind][0](tmp_path)
    (heard,) = loaded(tmp_path).transcribe([CALL])
    for word, edge_s in zip(heard.words, EDGES_S, strict=True):
        assert word.start_s == pytest.approx(edge_s, abs=0.08)
        assert 0 < word.end_s - word.start_s <= 0.2 + 1e-6


def test_paraformer_tells_times_only_with_its_peaks(tmp_path: Path) -> None:
    tiny.paraformer(tmp_path, peaks=True)
    (heard,) = loaded(tmp_path).transcribe([CALL])
    starts = [(word.text, round(word.start_s, 2)) for word in heard.words]
    assert starts == [("你", 0.2), ("好", 0.6), ("wifi", 1.0)]
    tiny.paraformer(tmp_path, peaks=True, at=(10, 30, 80))
    (heard,) = loaded(tmp_path).transcribe([CALL])
    assert (text(heard), heard.timed) == ("你好wifi", False)
    tiny.paraformer(tmp_path, peaks=False)
    engine = loaded(tmp_path)
    assert engine.abilities.word_times is WordTimes.NONE
    assert text(engine.transcribe([CALL])[0]) == "你好wifi"


def test_sense_voice_writes_digits_where_it_is_asked_to(tmp_path: Path) -> None:
    tiny.sense_voice(tmp_path)
    assert text(loaded(tmp_path, itn=True).transcribe([CALL])[0]) == "你1"
    assert loaded(tmp_path, itn=True).abilities.punctuation


@pytest.mark.parametrize("kind", KINDS)
def test_a_window_is_heard_alike_in_every_batch(tmp_path: Path, kind: str) -> None:
    KINDS[kind][0](tmp_path)
    engine = loaded(tmp_path, batch_size=3)
    windows = [CALL, OTHER, CALL[: len(CALL) // 2], np.zeros(10, np.float32), OTHER[:4000]]
    together = engine.transcribe(windows)
    assert [[r] for r in together] == [engine.transcribe([window]) for window in windows]
    assert engine.transcribe([]) == []


def test_int8_models_are_preferred_and_decode_windows_one_by_one(tmp_path: Path) -> None:
    tiny.transducer(tmp_path)
    assert loaded(tmp_path, batch_size=4).batch_size == 4
    tiny.transducer(tmp_path, suffix=".int8")
    names = {path.name for path in loaded(tmp_path).folder.files}
    assert names == {"encoder.int8.onnx", "decoder.onnx", "joiner.int8.onnx", "tokens.txt"}
    assert loaded(tmp_path, batch_size=4).batch_size == 1


# hotwords


def test_hotwords_change_what_a_transducer_hears(tmp_path: Path) -> None:
    tiny.transducer(tmp_path)
    assert text(loaded(tmp_path, hotwords=["联通"]).transcribe([CALL])[0]) == "联通"
    assert text(loaded(tmp_path, hotwords=["联通"], beam_size=1).transcribe([CALL])[0]) == "联通"
    assert text(loaded(tmp_path, hotwords=["中国联通"]).transcribe([CALL])[0]) == "连通"
    said = sherpa.describe(sherpa.find(str(tmp_path)), hotwords=["联通", "中国联通"])
    assert "1 of 2 hotwords, without 中国联通" in said


def test_names_in_the_rulebook_are_hotwords_of_transducers_alone(tmp_path: Path) -> None:
    tiny.transducer(tmp_path)
    asr = AsrConfig(engine="sherpa-onnx", model=str(tmp_path), hotwords=("沃家庭",))
    given = config.load(None, overrides={"transcription.asr": asr.model_dump()})
    named = hotwords.with_names(given).transcription.asr.hotwords
    assert named[0] == "沃家庭"
    assert {"中国联通", "软件事业部", "中兴通讯"} <= set(named)
    assert not [word for word in named if set(word) & set("您你我…{(")]

    def key(settings: Config) -> str:
        return lineage.transcription_fingerprint(settings, engine="sherpa-onnx", model_sha256="x")

    assert key(hotwords.with_names(given)) != key(given)
    assert hotwords.with_names(Config()) == Config()
    shutil.rmtree(tmp_path)
    tmp_path.mkdir()
    tiny.ctc(tmp_path)
    assert hotwords.with_names(given) == given


# from tokens to words


def words(*tokens: Token, writing: sherpa_words.Writing = "text") -> list[tuple[str, float]]:
    found = sherpa_words.words(tokens, writing=writing, duration_s=9)
    return [(word.text, word.start_s) for word in found]


def test_pieces_bytes_and_marks() -> None:
    assert words(Token(" HE", 0.0), Token("LLO", 0.2), Token(" WORLD", 0.5), Token("你", 1.0)) == [
        ("HELLO", 0.0),
        (" WORLD", 0.5),
        ("你", 1.0),
    ]
    assert words(Token("<|zh|>", 0.0), Token("嗯", 0.4), Token("，", 0.5), Token("<unk>", 0.6)) == [
        ("嗯，", 0.4)
    ]
    nod = "嗯".encode()
    halves = (Token(nod[:2].hex(), 0.1, 0.1), Token(nod[2:].hex(), 0.2, 0.1), Token("20", 0.3, 0.1))
    assert words(*halves, writing="hex") == [("嗯 ", 0.1)]
    fallback = [Token(f"<0x{byte:02X}>", 0.1 * number) for number, byte in enumerate(nod)]
    assert words(*fallback) == [("嗯", 0.0)]
    letters = {byte: letter for letter, byte in sherpa_words._BYTES.items()}
    written = "".join(letters[byte] for byte in "你好".encode())
    assert words(Token("▁" + written[:4], 0.0), Token(written[4:], 0.3), writing="bytes") == [
        ("你好", 0.0)
    ]
    assert words(Token("wi@@", 0.0), Token("fi", 0.1), Token("ok", 0.4), writing="cut") == [
        ("wifi", 0.0),
        (" ok", 0.4),
    ]


def test_words_end_with_the_next_and_are_as_likely_as_their_tokens() -> None:
    found = sherpa_words.words(
        [Token(" O", 0.0, None, np.log(0.5)), Token("K", 0.1, None, np.log(0.125)), Token("好", 3)],
        writing="text",
        duration_s=3.1,
    )
    spans = [(w.text, w.start_s, round(w.end_s, 3), w.probability) for w in found]
    assert spans == [("OK", 0.0, 0.3, pytest.approx(0.25)), ("好", 3, 3.1, None)]


# what is wrong is told in one sentence, before anything is loaded


def _cut(folder: Path) -> None:
    file = folder / "encoder.onnx"
    file.write_bytes(file.read_bytes()[:-40])


def _as_streaming(folder: Path) -> None:
    model = onnx.load(str(folder / "encoder.onnx"))
    onnx.helper.set_model_props(model, {"model_type": "zipformer2", "decode_chunk_len": "32"})
    onnx.save(model, str(folder / "encoder.onnx"))


def _of_unknown_type(folder: Path) -> None:
    for file in folder.glob("*.onnx"):
        file.unlink()
    tiny.ctc(folder, model_type="vits")


def _english(folder: Path) -> None:
    _with_whispers_encoder(folder, is_multilingual="0")


def _with_whispers_encoder(folder: Path, **metadata: str) -> None:
    model = onnx.load(str(folder / "encoder.onnx"))
    onnx.helper.set_model_props(model, {"model_type": "whisper-base", **metadata})
    onnx.save(model, str(folder / "encoder.onnx"))


BROKEN: dict[str, tuple[Build, str]] = {
    "no tokens": (lambda f: (f / "tokens.txt").unlink(), "holds no tokens.txt"),
    "no joiner": (lambda f: (f / "joiner.onnx").unlink(), "holds no joiner"),
    "no encoder": (lambda f: (f / "encoder.onnx").unlink(), "but no encoder"),
    "cut off": (_cut, r"encoder\.onnx cannot be read: it was cut off"),
    "empty": (lambda f: (f / "joiner.onnx").write_bytes(b""), "joiner.*empty"),
    "a pointer": (
        lambda f: (f / "joiner.onnx").write_text("version https://git-lfs.github.com/spec/v1\n"),
        "joiner.*cannot be read",
    ),
    "two of each": (
        lambda f: tiny.transducer(f, suffix="-epoch-20"),
        "2 files for its decoder, decoder-epoch-20.onnx and decoder.onnx",
    ),
    "two kinds": (_with_whispers_encoder, "encoder of a Whisper model and the decoder of a trans"),
    "two models": (partial(tiny.ctc, name="model.onnx"), "files of two models"),
    "English": (_english, "hears English only"),
    "for streams": (_as_streaming, "model for streams"),
    "unknown": (_of_unknown_type, "says model_type 'vits'"),
    "another's tokens": (lambda f: tiny.tokens(f, "你好"), "2 symbols and the model 6"),
    "no table": (lambda f: (f / "tokens.txt").write_text("你 1 2\n"), "line 1"),
    "no files": (lambda f: [file.unlink() for file in f.glob("*.onnx")] and None, "no .onnx file"),
    "no folder": (lambda f: shutil.rmtree(f), "needs a folder"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_folder_that_is_broken(tmp_path: Path, what: str) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    tiny.transducer(folder)
    damage, sentence = BROKEN[what]
    damage(folder)
    with pytest.raises(WeightsNotFound, match=sentence) as caught:
        engines.choose(AsrConfig(engine="sherpa-onnx", model=str(folder)))
    said = str(caught.value)
    assert str(folder) in said and "\n" not in said and len(said) < 400


def fun_asr(folder: Path) -> None:
    """The files of Fun-ASR-Nano, which is too large to be run here."""
    graph = "part (float[N] x) => (float[N] y) { y = Identity (x) }"
    lfr = {"lfr_window_size": 7, "lfr_window_shift": 6, "llm_dim": 4}
    tiny.write(folder / "encoder_adaptor.int8.onnx", graph, {}, lfr)
    tiny.write(folder / "llm.int8.onnx", graph, {}, {"vocab_size": 9})
    tiny.write(folder / "embedding.int8.onnx", graph, {}, {})
    (folder / "Qwen3-0.6B").mkdir()
    for name in ("merges.txt", "tokenizer.json", "vocab.json"):
        (folder / "Qwen3-0.6B" / name).write_text("{}")


def test_fun_asr_is_read_with_its_tokenizer(tmp_path: Path) -> None:
    fun_asr(tmp_path)
    found = sherpa_folder.read(tmp_path)
    assert found.kind is sherpa_kinds.FUN_ASR
    assert found.abilities(itn=False).word_times is WordTimes.ESTIMATED
    assert found.abilities(itn=False).punctuation
    assert {"vocab.json", "llm.int8.onnx"} <= {path.name for path in found.files}
    with pytest.raises(WeightsNotFound, match="cannot run the model"):
        sherpa.check(sherpa.find(str(tmp_path)))
    (tmp_path / "llm.int8.onnx").unlink()
    with pytest.raises(WeightsNotFound, match="holds no llm of its Fun-ASR-Nano model"):
        sherpa.find(str(tmp_path))
    shutil.rmtree(tmp_path)
    tmp_path.mkdir()
    fun_asr(tmp_path)
    (tmp_path / "Qwen3-0.6B" / "vocab.json").unlink()
    with pytest.raises(WeightsNotFound, match="holds no tokenizer"):
        sherpa.find(str(tmp_path))


def test_metadata_that_is_missing(tmp_path: Path) -> None:
    tiny.sense_voice(tmp_path)
    path = tmp_path / "model.onnx"
    model = onnx.load(str(path))
    del model.metadata_props[3:6]
    onnx.save(model, str(path))
    with pytest.raises(WeightsNotFound, match=r"does not say lfr_window_shift, normalize_samples"):
        sherpa.find(str(tmp_path))


def test_a_model_that_ends_the_process_is_told_and_ends_another(tmp_path: Path) -> None:
    """Mean values that are no numbers: sherpa-onnx calls _Exit."""
    tiny.sense_voice(tmp_path)
    model = onnx.load(str(tmp_path / "model.onnx"))
    onnx.helper.set_model_props(
        model, {p.key: p.value for p in model.metadata_props} | {"neg_mean": "many"}
    )
    onnx.save(model, str(tmp_path / "model.onnx"))
    with pytest.raises(WeightsNotFound, match=r"cannot run the model.*'many' for 'neg_mean'"):
        engines.check(AsrConfig(engine="sherpa-onnx", model=str(tmp_path)))


def test_a_model_that_cannot_be_loaded(tmp_path: Path) -> None:
    """An operator that there is not: only ONNX Runtime can know."""
    tiny.transducer(tmp_path)
    found = sherpa.find(str(tmp_path))
    sherpa.check(found)
    joiner = onnx.load(str(tmp_path / "joiner.onnx"))
    joiner.graph.node[0].op_type = "NoSuchOperator"
    onnx.save(joiner, str(tmp_path / "joiner.onnx"))
    asr = AsrConfig(engine="sherpa-onnx", model=str(tmp_path))
    assert engines.choose(asr).engine == "sherpa-onnx"
    with pytest.raises(WeightsNotFound, match="NoSuchOperator") as caught:
        engines.check(asr)
    assert "\n" not in str(caught.value)


def test_the_hash_is_of_all_that_is_read(tmp_path: Path) -> None:
    tiny.transducer(tmp_path)
    before = sherpa.find(str(tmp_path)).sha256
    (tmp_path / "README.md").write_text("not read")
    assert sherpa.find(str(tmp_path)).sha256 == before
    model = onnx.load(str(tmp_path / "joiner.onnx"))
    model.doc_string = "another"
    onnx.save(model, str(tmp_path / "joiner.onnx"))
    assert sherpa.find(str(tmp_path)).sha256 != before


def test_weights_in_another_file_are_part_of_the_model(tmp_path: Path) -> None:
    tiny.ctc(tmp_path)
    path, beside = tmp_path / "model.onnx", tmp_path / "model.weights"
    onnx.save(
        onnx.load(str(path)),
        str(path),
        save_as_external_data=True,
        location=beside.name,
        size_threshold=0,
    )
    assert onnx_files.read(path).external == (beside,)
    assert text(loaded(tmp_path).transcribe([CALL])[0]) == "你好"
    before = sherpa.find(str(tmp_path)).sha256
    beside.write_bytes(beside.read_bytes()[::-1])
    assert sherpa.find(str(tmp_path)).sha256 != before
    beside.unlink()
    with pytest.raises(WeightsNotFound, match=r"model\.weights, which is not beside it"):
        sherpa.find(str(tmp_path))


# in the command line


def test_the_default_model_is_none_of_its_own() -> None:
    with pytest.raises(UsageError, match="give it with --model FOLDER"):
        engines.choose(AsrConfig(engine="sherpa-onnx"))


def test_doctor_names_what_a_folder_holds(tmp_path: Path) -> None:
    tiny.transducer(tmp_path)
    asr = {"engine": "sherpa-onnx", "model": str(tmp_path)}
    found = {
        c.name: c for c in doctor.examine(config.load(None, overrides={"transcription.asr": asr}))
    }
    assert found["engine"].detail.startswith("sherpa-onnx") and found["weights"].ok
    assert found["model"].detail.startswith("transducer (decoder.onnx, encoder.onnx, joiner.onnx")
    assert "hotwords" in found["model"].detail


def test_the_plan_of_a_night_times_any_engine(tmp_path: Path, callaudit: Any) -> None:
    tiny.fire_red(tmp_path)
    asr = AsrConfig(engine="sherpa-onnx", model=str(tmp_path))
    with pytest.raises(UsageError, match="chooses among Whisper's models"):
        sizing.best_within(asr, 1.0)
    given = ("doctor", "--engine", "sherpa-onnx", "--model", tmp_path, "--plan", "100", "3")
    for heard in ((), ("--sample", "data_samples/calls/S06_2006_20261116T153312.wav")):
        done = callaudit(*given, *heard)
        assert done.returncode == 0, done.stderr
        assert f"sherpa-onnx {tmp_path}" in done.stdout
        assert done.stdout.splitlines()[-1].endswith(Path(heard[1]).name if heard else "--sample")
