"""What is said where the extra `web` is not installed."""

import importlib
import sys

import pytest

from mien.errors import ExtraMissing


@pytest.mark.parametrize("missing", ["anyio", "fastapi", "fastapi_offline", "python_multipart"])
@pytest.mark.parametrize("module", ["mien.web.app", "mien.web.settings"])
def test_importing_names_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch, missing: str, module: str) -> None:
    for name in [name for name in sys.modules if name.split(".")[:2] == ["mien", "web"]]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ExtraMissing, match=r'the web app needs FastAPI and more: pip install "\.\[web\]"'):
        importlib.import_module(module)
