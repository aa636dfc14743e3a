"""Write docs/cli.md from the command line's own help, and check the links between the project's pages.

python tools/make_docs.py            # write
python tools/make_docs.py --check    # only say whether it is as it should be
"""

import inspect
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "cli.md"
HEAD = """# Command line

For those who use mien in a terminal: every command with all its arguments and options. The commands that are wanted most are in the
[README](../README.md#on-the-command-line). Written by `make docs` from the commands' own help texts.
"""


def cli() -> Any:
    """mien's command with all its verbs."""
    import typer.main

    from mien.cli.main import VERBS, app, load

    command: Any = typer.main.get_command(app)
    command.commands = {name: load(name) for name in VERBS}
    return command


def reference(command: Any, name: str = "mien") -> list[str]:
    """Markdown of a command and, after it, of its verbs."""
    shown = [p for p in command.params if not getattr(p, "hidden", False) and "--help" not in p.opts]
    arguments = [p for p in shown if not p.opts[0].startswith("-")]
    options = [p for p in shown if p.opts[0].startswith("-")]
    verbs = {key: verb for key, verb in getattr(command, "commands", {}).items() if not verb.hidden}
    usage = [name, *(["[OPTIONS]"] if options else []), *map(_placeholder, arguments), *(["COMMAND"] if verbs else [])]
    parts = ["", f"## `{name}`", "", _text(command.help), "", "```", " ".join(usage), "```"]
    panels = {"": arguments} | {panel: [p for p in options if _panel(p) == panel] for panel in dict.fromkeys(map(_panel, options))}
    for panel, params in panels.items():
        if params:
            parts += ["", *([f"{panel}:", ""] if panel else []), "| | |", "|---|---|", *map(_row, params)]
    for key, verb in verbs.items():
        parts += reference(verb, f"{name} {key}")
    return parts


def _panel(param: Any) -> str:
    return getattr(param, "rich_help_panel", None) or "Options"


def _placeholder(param: Any) -> str:
    word = (param.metavar or param.name).upper() + ("..." if param.nargs == -1 else "")
    return word if param.required else f"[{word}]"


def _row(param: Any) -> str:
    """A line of a table: how it is written, what it does. Only what every release of typer has is asked for."""
    flag = getattr(param, "is_flag", False)
    if param.opts[0].startswith("-"):
        names = ", ".join(f"`{opt}`" for opt in (*param.opts, *param.secondary_opts))
        spelling = names if flag else f"{names} {(param.metavar or param.name).upper()}"
    else:
        spelling = f"`{_placeholder(param)}`"
    text = _text(param.help).replace("\n", " ")
    if isinstance(param.default, (str, int, float, Path)) and not flag and not param.required:
        text += f" Default: `{param.default}`."
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in (spelling, text)) + " |"


def _text(text: str | None) -> str:
    return inspect.cleandoc(text or "").replace("\f", "").strip()


def broken_links(root: Path = ROOT) -> list[str]:
    """`page: target` for each relative link in the project's Markdown that leads nowhere."""
    pages = [*root.glob("*.md"), *root.glob("docs/**/*.md"), *root.glob("examples/*.md"), *root.glob("benchmarks/*.md")]
    broken = []
    for page in sorted(pages):
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)):
            if "://" not in target and not target.startswith("mailto:") and not (page.parent / target).exists():
                broken.append(f"{page.relative_to(root)}: {target}")
    return broken


def main(*, check: bool) -> int:
    wanted = HEAD + "\n".join(reference(cli())) + "\n"
    problems = [f"broken link: {link}" for link in broken_links()]
    if not check:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(wanted, "utf-8")
    elif not PAGE.exists() or PAGE.read_text("utf-8") != wanted:
        problems.append("docs/cli.md is not what the commands say; run: make docs")
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(check="--check" in sys.argv[1:]))
