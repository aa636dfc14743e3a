"""Whether there is a notebook to show in."""

import sys
from types import ModuleType

import pytest

from mien.notebook import in_notebook


def ipython(shell: object) -> ModuleType:
    module = ModuleType("IPython")
    module.get_ipython = lambda: shell  # type: ignore[attr-defined]
    return module


@pytest.mark.parametrize(
    ("module", "shown"),
    [(None, False), (ModuleType("IPython"), False), (ipython(None), False), (ipython(object()), True)],
    ids=["not loaded", "half loaded", "without a shell", "with a shell"],
)
def test_a_notebook_is_where_ipython_has_a_shell(monkeypatch: pytest.MonkeyPatch, module: ModuleType | None, shown: bool) -> None:
    monkeypatch.setitem(sys.modules, "IPython", module)
    assert in_notebook() is shown
