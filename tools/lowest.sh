#!/usr/bin/env bash
# Runs the tests with the lowest versions of the packages that pyproject.toml allows, in .venv-lowest; what it says is for pytest.
# PYTHON=... names the Python to use. Without PyTorch: the trainer's versions are fixed anyway.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=.venv-lowest
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore PIP_NO_INPUT=1
rm -rf "$venv"
"${PYTHON:-python3.11}" -m venv "$venv"
"$venv/bin/python" -m pip install -qq uv
uv() { "$venv/bin/uv" pip install --quiet --python "$venv/bin/python" "$@"; }
uv --resolution lowest-direct -e '.[heic,video,openvino,sessions,postgres,web,data]'
"$venv/bin/uv" pip freeze --quiet --python "$venv/bin/python" --exclude-editable >"$venv/lowest.txt"
uv --group dev --constraint "$venv/lowest.txt" # what is there stays
# Old packages warn of what new Pythons and each other deprecate: warnings are no errors here. docs/cli.md is as today's Typer writes it.
exec "$venv/bin/python" -m pytest -o filterwarnings= --deselect tests/test_docs.py::test_the_command_line_reference_is_up_to_date "$@"
