"""What a transcript cannot say of its recording, in words for the QA team."""

from __future__ import annotations

from collections.abc import Sequence

from audit.transcription.decoding import Audio
from audit.transcription.media import Lengths
from audit.transcription.roles import RoleDecision
from audit.types import Role, Span

_NO_EMBEDDINGS = (
    "未安装声纹模型，单声道录音无法区分双方（pip install --no-deps resemblyzer==0.1.4）"
)


def of_audio(audio: Audio) -> list[str]:
    """What is missing of the recording itself."""
    found = ["录音有损坏，部分声音无法解码"] if audio.damaged else []
    if audio.lengths is not None:
        found.append(_length(audio.lengths))
    return found


def of_channels(
    decision: RoleDecision,
    speech: Sequence[Sequence[Span]],
    *,
    agent_channel: str | None,
    confirmed: bool,
    dead_channel: int | None,
) -> list[str]:
    """What is uncertain about the two speakers of a stereo recording.

    Args:
        decision: who speaks on which channel.
        speech: for each channel its speech segments.
        agent_channel: the agent's, as the manifest says it.
        confirmed: whether the decision is as certain as configured.
        dead_channel: the one that carries nothing.
    """
    found = [] if confirmed else ["无法从内容确认哪个声道是客服，按默认声道处理"]
    found += _silent_channel(decision.roles, speech, dead_channel)
    if agent_channel is not None and decision.source == "content":
        found.append(f"清单写明客服在声道 {agent_channel}，但通话内容明确相反，按内容处理")
    return found


def of_mono(decision: RoleDecision, *, diarized: bool) -> list[str]:
    """What is uncertain about the speakers of a mono recording."""
    if not diarized:
        return [_NO_EMBEDDINGS]
    if Role.UNKNOWN in decision.roles:
        return ["单声道录音，无法确认哪一位说话人是客服"]
    return ["单声道录音，双方由声纹区分，无法判断双方是否同时讲话"]


def _silent_channel(
    roles: Sequence[Role], speech: Sequence[Sequence[Span]], dead_channel: int | None
) -> list[str]:
    """The doubt about a channel without any speech beside one that has some."""
    if sum(map(bool, speech)) != 1:
        return []
    silent = next(channel for channel, spans in enumerate(speech) if not spans)
    who = "客服" if roles[silent] is Role.AGENT else "客户"
    if silent == dead_channel:
        return [f"{who}声道没有声音，或只有音量不变的噪声、音乐等，可能没有录到{who}"]
    return [f"没有听到{who}讲话"]


def _length(lengths: Lengths) -> str:
    """The doubt about a recording whose header and file differ in length."""
    both = f"文件头写明时长 {lengths.header_s:.1f} 秒，文件中有 {lengths.file_s:.1f} 秒"
    if lengths.header_s > lengths.file_s:
        return f"{both}，录音不完整"
    if lengths.to_end:
        return f"{both}，已听到文件末尾，录音可能中断过"
    return f"{both}，多出的部分不像录音，没有听"
