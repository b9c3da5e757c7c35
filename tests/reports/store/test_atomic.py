"""Files are there whole or not at all, and stay as they are where nothing changes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from audit.errors import OutputFailed
from reports.store.atomic import replacing, write_changed, write_whole


def test_a_file_that_says_the_same_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "page.html"
    write_changed(path, [b"one ", b"page"])
    assert path.read_bytes() == b"one page"
    assert path.stat().st_mode & 0o777 == 0o640
    before = path.stat()
    write_changed(path, [b"one", b" page"])
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    write_changed(path, [b"another"])
    assert path.read_bytes() == b"another"
    assert [p.name for p in path.parent.iterdir()] == ["page.html"]


def test_a_file_is_renewed_where_that_is_asked(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    write_whole(path, b"{}")
    before = path.stat().st_ino
    write_whole(path, b"{}")
    assert path.stat().st_ino != before


def test_what_breaks_off_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    write_changed(path, [b"old"])

    def pieces() -> Iterator[bytes]:
        yield b"new, but "
        raise OSError("no space left")

    with pytest.raises(OutputFailed):
        write_changed(path, pieces())
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["page.html"]


def test_a_file_that_others_write_takes_the_place_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "sound.ogg"
    with replacing(path, mode=0o600, durable=True) as temporary:
        temporary.write_bytes(b"sound")
        assert temporary.parent == path.parent and not path.exists()
    assert path.read_bytes() == b"sound"
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(ValueError, match="broken"), replacing(path) as temporary:
        temporary.write_bytes(b"so")
        raise ValueError("broken")
    assert path.read_bytes() == b"sound"
    assert [p.name for p in path.parent.iterdir()] == ["sound.ogg"]
