"""The programs of docs/serve.md run, and what it lists is all there is."""

import re
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient

from mien.web.faults import CODES, KINDS
from mien.web.live import CAMERAS_FULL
from tests.web.conftest import Serve, listening

PAGE = (Path(__file__).parents[2] / "docs" / "serve.md").read_text("utf-8")
PROGRAMS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def test_a_camera_from_python(serve: Serve, two, capsys):
    (program,) = (one for one in PROGRAMS if "websockets" in one)
    with listening(serve().app, lifespan="off") as port:
        exec(program.replace(":8000", f":{port}"), {"frames": [two, two]})
    assert [line.split()[:2] for line in capsys.readouterr().out.splitlines()] == [["0", "happy"], ["1", "sad"]] * 2


def test_the_app_inside_another_program():
    (program,) = (one for one in PROGRAMS if "create_app" in one and "mount" not in one)
    found: dict[str, object] = {}
    exec(program, found)
    assert callable(found["app"])


def test_the_app_below_a_path_of_another():
    (program,) = (one for one in PROGRAMS if "mount" in one)
    found: dict[str, Any] = {}
    exec(program, found)
    with TestClient(found["app"], base_url="http://www.example.org") as client:
        assert client.get("/faces/api/about").status_code == 200
        folder = found["faces"].state.service.jobs.folder
        assert folder.is_dir()
    assert not folder.exists()


def test_all_codes_of_errors_are_told():
    told = set(re.findall(r"`(\w+)`", PAGE))
    assert {code for _, _, code in KINDS} | set(CODES.values()) | {CAMERAS_FULL} <= told
