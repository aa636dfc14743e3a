"""The programs of docs/serve.md run."""

import re
import socket
import threading
from pathlib import Path

import uvicorn

from tests.web.conftest import Serve

PROGRAMS = re.findall(r"```python\n(.*?)```", (Path(__file__).parents[2] / "docs" / "serve.md").read_text("utf-8"), re.DOTALL)


def test_a_camera_from_python(serve: Serve, two, capsys):
    (program,) = (one for one in PROGRAMS if "websockets" in one)
    app = serve().app
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            exec(program.replace(":8000", f":{listening.getsockname()[1]}"), {"frames": [two, two]})
        finally:
            server.should_exit = True
            thread.join()
    assert [line.split()[:2] for line in capsys.readouterr().out.splitlines()] == [["0", "happy"], ["1", "sad"]] * 2


def test_the_app_inside_another_program():
    (program,) = (one for one in PROGRAMS if "create_app" in one)
    found: dict[str, object] = {}
    exec(program, found)
    assert callable(found["app"])
