# Each target alone does all its set-up in .venv (tools/setup.sh). PYTHON=... names another Python, TORCH=no leaves PyTorch out.
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help install dev demo test lowest check bench docs clean
PY := .venv/bin/python

help:
	@echo 'make demo      analyse the pictures in examples/'
	@echo 'make test      run all tests'
	@echo 'make lowest    the same with the lowest versions of packages that are allowed (.venv-lowest)'
	@echo 'make check     lint, formatting, types'
	@echo 'make bench     measure speed and memory'
	@echo 'make docs      write docs/cli.md anew and check links'
	@echo 'make install   set up .venv with mien (make dev: with the tools for tests too)'
	@echo 'make clean     remove what the others made'

install:
	@tools/setup.sh core

dev:
	@tools/setup.sh dev

demo: install
	@$(PY) tools/demo.py

test: dev
	@$(PY) -m pytest

lowest:
	@tools/lowest.sh

check: dev
	@$(PY) -m ruff check --quiet
	@$(PY) -m ruff format --check --quiet || { echo 'ruff format would change files: .venv/bin/ruff format --diff'; exit 1; }
	@$(PY) -m mypy

bench: install
	@$(PY) benchmarks/run.py
	@$(PY) benchmarks/video.py
	@$(PY) benchmarks/crops.py

docs: install
	@$(PY) tools/make_docs.py

clean:
	rm -rf .venv .venv-lowest demo-out dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +
