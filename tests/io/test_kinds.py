import os
from pathlib import Path

import pytest

from mien.io.kinds import first_bytes, is_video_file, is_video_name


def test_the_name_tells_unless_the_bytes_are_a_pictures(tmp_path: Path) -> None:
    film, photo, odd = (str(tmp_path / name) for name in ("film.MP4", "photo.mov", "odd.avi"))
    Path(film).write_bytes(b"\0\0\0\x18ftypisom")
    Path(photo).write_bytes(b"\xff\xd8\xff\xe0" + bytes(600))
    Path(odd).write_bytes(b"?")
    assert [is_video_name(name) for name in (film, photo, odd, "a.jpg", "mp4")] == [True, True, True, False, False]
    assert [is_video_file(name) for name in (film, photo, odd)] == [True, False, True]
    assert is_video_file(str(tmp_path / "gone.mp4"))
    assert not is_video_file(str(tmp_path / "gone.jpg"))
    assert len(first_bytes(photo)) == 512


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    assert is_video_file(str(tmp_path / "pipe.mp4"))
