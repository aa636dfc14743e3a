"""The documentation is what the code says, and its links lead somewhere."""

import importlib.util
from pathlib import Path

ROOT = Path(__file__).parents[1]


def make_docs():
    spec = importlib.util.spec_from_file_location("make_docs", ROOT / "tools" / "make_docs.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_command_line_reference_is_up_to_date(capsys):
    assert make_docs().main(check=True) == 0, capsys.readouterr().err


def test_every_verb_and_option_is_in_the_reference():
    text = (ROOT / "docs" / "cli.md").read_text("utf-8")

    def check(command, name):
        assert f"## `{name}`" in text
        for param in command.params:
            assert (
                param.name == "help"
                or param.hidden
                or any(f"`{word}" in text for word in (*param.opts, *(f"{b}{(param.metavar or param.name).upper()}" for b in ("", "["))))
            )
        for key, verb in getattr(command, "commands", {}).items():
            check(verb, f"{name} {key}")

    check(make_docs().cli(), "mien")


def test_a_broken_link_is_found(tmp_path):
    (tmp_path / "there.md").write_text("nothing", "utf-8")
    (tmp_path / "README.md").write_text(
        "[good](there.md#part) [web](https://example.org) [bad](gone.md)\n```\n[not a link](x)\n```\n", "utf-8"
    )
    assert make_docs().broken_links(tmp_path) == ["README.md: gone.md"]


def test_the_figures_in_the_docs_are_those_of_the_card(capsys):
    spec = importlib.util.spec_from_file_location("fill_model_card", ROOT / "tools" / "fill_model_card.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.main(check=True) == 0, capsys.readouterr().err
