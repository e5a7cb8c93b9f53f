# 坐席 Zuoxi. `make run` opens the window on the sample company, `make test` runs all checks.
# Both set up what they need, say what they do, and cost a second when all is there already.

SHELL := /bin/bash
.ONESHELL:
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory

# Setuptools warns of every editable installation.
export PYTHONWARNINGS ?= ignore

VENV := .venv
BIN := $(VENV)/bin
# GPU=cuda or GPU=vulkan or GPU=metal compiles llama.cpp for a graphics card.
GPU ?=
LLAMA_FLAGS := -DLLAVA_BUILD=OFF -DLLAMA_BUILD_COMMON=OFF $(if $(GPU),-DGGML_$(shell echo $(GPU) | tr a-z A-Z)=on)
LLAMA_VERSION := $(shell sed -n 's/.*llama-cpp-python==\([0-9.]*\).*/\1/p' pyproject.toml)
TORCH_VERSION := $(shell sed -n 's/.*"torch==\([0-9.]*\)".*/\1/p' pyproject.toml)

.PHONY: help run test fuzz faults bench lint screens starter system clean

help:
	@echo "make run      open the window on the sample company (sets everything up first)"
	echo "make test     lint, types, import laws and all tests"
	echo "make fuzz     the property tests on values drawn anew, more of them"
	echo "make faults   the whole fault run: every kill, a full disk, half an hour of soak"
	echo "make bench    measure speed and memory, half an hour: docs/bench.md"
	echo "make lint     ruff, mypy and the import laws alone"
	echo "make screens  pictures of every page and state in build/screens"
	echo "make starter  train the starter models anew (CORPUS=folder of public text)"

run: $(VENV)/.run
	@exec $(BIN)/zuoxi demo

test: $(VENV)/.dev lint
	@export QT_QPA_PLATFORM=offscreen
	echo "== engine, in an environment without Qt"
	$(BIN)/python -m pytest tests/engine tests/test_laws.py -p no:pytest-qt --without-qt
	echo "== window and end to end"
	$(BIN)/python -m pytest tests/desktop tests/e2e tests/bench tests/faults

fuzz: $(VENV)/.dev
	@QT_QPA_PLATFORM=offscreen $(BIN)/python -m pytest tests/engine tests/desktop --hypothesis-profile anew \
	  -m hypothesis

faults: $(VENV)/.dev
	@export QT_QPA_PLATFORM=offscreen
	$(BIN)/python -m pytest tests/faults --rounds 1

lint: $(VENV)/.dev
	@echo "== ruff, mypy, import laws"
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.dev
	@$(BIN)/zuoxi bench --full --language en --write docs/bench.md --data build/bench

screens: $(VENV)/.dev
	@QT_QPA_PLATFORM=offscreen $(BIN)/python -m pytest tests/desktop tests/e2e -k "screens or gallery" -q
	echo "pictures are in build/screens"

starter: $(VENV)/.dev
	@$(BIN)/python -m engine.learning.starter all --corpus "$(CORPUS)" --out assets/models

$(VENV)/.run: $(VENV)/.base
	@echo "== the window's parts"
	$(BIN)/pip install --quiet --disable-pip-version-check -e ".[desk]"
	env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m compileall -q engine desktop || true
	touch $@

$(VENV)/.dev: $(VENV)/.run
	@echo "== the tools for tests and training"
	$(BIN)/pip install --quiet --disable-pip-version-check -e ".[desk,train,dev]"
	touch $@

# torch comes first and alone, in the very version that has a CPU build without CUDA packages.
$(VENV)/.base: pyproject.toml Makefile
	@$(MAKE) system
	echo "== the virtual environment $(VENV)"
	python=$$(for name in python3.13 python3.12 python3.11 python3; do
	  command -v $$name >/dev/null && $$name -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null \
	    && echo $$name && break; done) || { echo "zuoxi needs Python 3.11 to 3.13: apt install python3"; exit 1; }
	test -x $(BIN)/python || $$python -m venv $(VENV)
	pip="$(BIN)/pip install --disable-pip-version-check"
	$$pip --quiet --upgrade pip
	echo "== torch $(TORCH_VERSION) (the largest download)"
	$$pip --quiet "torch==$(TORCH_VERSION)"
	if ! $(BIN)/python -c 'from importlib.metadata import version; assert version("llama-cpp-python") == "$(LLAMA_VERSION)"' 2>/dev/null \
	   || test "$(GPU)" != "$$(cat $(VENV)/.gpu 2>/dev/null || true)"; then
	  echo "== llama.cpp is compiled for this machine: 5 to 12 minutes, once"
	  CMAKE_ARGS="$(LLAMA_FLAGS)" $$pip --quiet $(if $(GPU),--force-reinstall --no-deps --no-cache-dir) "llama-cpp-python==$(LLAMA_VERSION)" & job=$$!
	  began=$$SECONDS
	  while kill -0 $$job 2>/dev/null; do
	    sleep 2; spent=$$((SECONDS - began))
	    if (( spent > 0 && spent % 30 < 2 )); then echo "   … $$spent s"; fi
	  done
	  wait $$job
	  echo "$(GPU)" > $(VENV)/.gpu
	fi
	echo "== the engine's libraries"
	$$pip --quiet -e .
	touch $@

SYSTEM := build-essential python3-dev python3-venv fonts-noto-cjk libegl1 libgl1 libglib2.0-0 libdbus-1-3 libfontconfig1 \
  libxkbcommon0 libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1 libxcb-render-util0 \
  libxcb-shape0 libxcb-xinerama0

# On Debian and its kin, missing packages are installed where that is allowed, and named where not.
system:
	@command -v dpkg-query >/dev/null || exit 0
	missing=$$(for name in $(SYSTEM); do
	  dpkg-query -W -f='$${Status}' $$name 2>/dev/null | grep -q 'ok installed' || echo $$name; done)
	test -n "$$missing" || exit 0
	if test "$$(id -u)" = 0; then sudo=; elif sudo -n true 2>/dev/null; then sudo=sudo; else
	  echo "Missing system packages. Please run: sudo apt-get install" $$missing
	  exit 0
	fi
	echo "== system packages:" $$missing
	export DEBIAN_FRONTEND=noninteractive
	$$sudo apt-get update -qq && $$sudo apt-get install -y -qq --no-install-recommends $$missing >/dev/null \
	  || echo "Could not install them. Please run: sudo apt-get install" $$missing

clean:
	@rm -rf build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
