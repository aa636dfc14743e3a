#!/usr/bin/env bash
# Sets up .venv for this checkout: tools/setup.sh core|dev. Says nothing and does nothing when that was done before.
#   core: mien itself. dev: with the tools for tests and checks, and PyTorch for the trainer's tests where there is a wheel.
# PYTHON=... names the Python to use; TORCH=no leaves PyTorch out.
set -euo pipefail
cd "$(dirname "$0")/.."
what=${1:-core}
venv=.venv
say() { echo "mien: $*" >&2; }
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore PIP_NO_INPUT=1

read -r least most < <(sed -nE 's/^requires-python = ">=3\.([0-9]+),<3\.([0-9]+)"$/\1 \2/p' pyproject.toml)
most=$((most - 1))
fits="import sys, venv, ensurepip; sys.exit(not (3, $least) <= sys.version_info[:2] <= (3, $most))"
if [ -e "$venv" ] && ! { "$venv/bin/python" -c "$fits" && "$venv/bin/python" -m pip --version; } >/dev/null 2>&1; then
    say "$venv does not hold a working Python 3.$least to 3.$most; making it anew"
    rm -rf "$venv"
fi
if [ ! -e "$venv" ]; then
    python=""
    for name in ${PYTHON:-} $(seq -f python3.%g "$least" "$most") python3 python; do
        if "$name" -c "$fits" >/dev/null 2>&1; then python=$name && break; fi
    done
    if [ -z "$python" ]; then
        say "found no Python 3.$least to 3.$most with venv and ensurepip; install one (Debian, Ubuntu: python3 and python3-venv), or name it: make PYTHON=/path/to/python"
        exit 1
    fi
    say "setting up $venv with $("$python" --version), once"
    "$python" -m venv "$venv"
fi

# What was installed for which pyproject.toml and where: an editable install knows its folder.
mark="$(cksum <pyproject.toml) $PWD ${TORCH:-yes}"
done_before() { [ "$(cat "$venv/.done-$1" 2>/dev/null)" = "$mark" ]; }
pip() { "$venv/bin/python" -m pip install -qq "$@"; }

if ! done_before core; then
    say "installing mien"
    pip -e '.[heic,video,sessions]'
    echo "$mark" >"$venv/.done-core"
fi
if [ "$what" = dev ] && ! done_before dev; then
    say "installing the tools for tests and checks"
    pip --upgrade 'pip>=25.1' # --group
    pip --group dev
    if [ "${TORCH:-yes}" != no ]; then
        say "installing PyTorch for the trainer's tests"
        pip -e '.[train]' || say "there is no PyTorch for this Python and machine (see above); the trainer's tests will be skipped"
    fi
    echo "$mark" >"$venv/.done-dev"
fi
