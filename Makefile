# What a person types. `make demo` and `make test` need Python 3.11 or newer and a network on the first run only.
PYTHON ?= python3
VENV ?= .venv
# Choose a build of torch, e.g. TORCH='torch==2.13.0' TORCH_ARGS='--index-url URL-of-a-CUDA-or-CPU-index' (README).
TORCH ?= torch>=2.6,<2.14
TORCH_ARGS ?=
# make demo ARGS='--once "a scary film from the 90s, I loved Alien"' answers once in the terminal.
ARGS ?=
DATA ?= data

BIN := $(VENV)/bin
DEMO := runs/demo
REPORT := runs/report
SOURCES := llmrec tests benchmarks finetune docs examples app.py

.PHONY: demo test lint types test-data fuzz browser screenshots bench bench-quality bench-quality-full bench-ranker bench-ranker-full bench-speed bench-conversation bench-explanations bench-load bench-loop example-shop example-films example-books example-games transcript clean help

help:
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

demo: $(DEMO)/manifest.json ## chat with the demo (ARGS='--once "..."' for one answer in the terminal)
ifeq ($(strip $(ARGS)),)
	$(BIN)/llmrec ui $(DEMO)
else
	$(BIN)/llmrec chat $(DEMO) $(ARGS)
endif

$(DEMO)/manifest.json: | $(VENV)/.installed
	$(BIN)/llmrec data fetch
	$(BIN)/llmrec build --dataset movielens-100k --adapter packaged --out $(DEMO)

$(VENV)/.torch:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "llmrec needs Python 3.11 or newer; name one with make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install '$(TORCH)' $(TORCH_ARGS)
	touch $@

$(VENV)/.installed: pyproject.toml | $(VENV)/.torch
	$(BIN)/python -m pip install -e .
	touch $@

$(VENV)/.installed-dev: pyproject.toml | $(VENV)/.torch
	$(BIN)/python -m pip install -e '.[dev]'
	touch $@ $(VENV)/.installed

test: $(VENV)/.installed-dev ## fetch the models, then lint, format check, strict types and all tests
	$(BIN)/llmrec data fetch
	$(MAKE) --no-print-directory lint types
	$(BIN)/python -m pytest

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/lint-imports

types: $(VENV)/.installed-dev
	$(BIN)/mypy

test-data: $(VENV)/.installed-dev ## tests on the real data sets in DATA=DIR
	LLMREC_TEST_DATA='$(abspath $(DATA))' $(BIN)/python -m pytest -m data

$(REPORT)/report.html: | $(VENV)/.installed
	$(BIN)/llmrec evaluate --dataset movielens-100k --part validation --seeds 1 \
	  --stages popularity,itemknn,ease,transitions,slit,hybrid --report $(REPORT)

browser: ## install Debian's Chromium, which browser tests and screenshots need
	$(if $(filter 0,$(shell id -u)),,sudo )apt-get install --yes chromium fonts-noto-core fonts-droid-fallback

screenshots: $(DEMO)/manifest.json $(REPORT)/report.html | $(VENV)/.installed-dev ## the pictures of README and docs
	$(BIN)/python docs/screenshots.py $(DEMO) $(REPORT)

bench: $(DEMO)/manifest.json ## speed and memory: what the README quotes
	$(BIN)/python -m benchmarks.demo $(DEMO)
	$(BIN)/python -m benchmarks.retrieval

bench-quality: $(VENV)/.installed ## recompute a part of the table in benchmarks/results from DATA=DIR and compare, in 20 minutes
	$(BIN)/llmrec data fetch
	$(BIN)/python -m benchmarks.quality verify --data '$(DATA)'

bench-quality-full: $(VENV)/.installed ## recompute the whole table from DATA=DIR, peers too (hours; goes on where it stopped)
	$(BIN)/llmrec data fetch
	-$(BIN)/python -m benchmarks.quality install
	$(BIN)/python -m benchmarks.quality run --data '$(DATA)'
	$(BIN)/python -m benchmarks.readme

bench-ranker: $(VENV)/.installed ## measure again, from DATA=DIR in 20 minutes, what the language model adds to its retriever
	$(BIN)/llmrec data fetch
	$(BIN)/python -m benchmarks.ranker verify --data '$(DATA)'

bench-ranker-full: $(VENV)/.installed ## train all adapters of that table from DATA=DIR and measure (hours; goes on where it stopped)
	$(BIN)/llmrec data fetch
	$(BIN)/python -m benchmarks.ranker run --data '$(DATA)'
	$(BIN)/python -m benchmarks.ranker cold --data '$(DATA)'
	$(BIN)/python -m benchmarks.readme

bench-speed: $(VENV)/.installed ## users a second beside what others do with the same model, from DATA=DIR (ARGS='--adapter DIR --json')
	$(BIN)/llmrec data fetch
	$(BIN)/python -m benchmarks.speed --data '$(DATA)' $(ARGS)
	$(BIN)/python -m benchmarks.lora_speed

bench-conversation: $(VENV)/.installed ## what is recommended next in conversations: the tables for the development rows of ReDial in DATA=DIR
	$(BIN)/llmrec data fetch
	$(BIN)/python -m benchmarks.conversation run --data '$(DATA)'

bench-explanations: $(VENV)/.installed ## whether what explanations cite matters, and whether they are true, from DATA=DIR
	$(BIN)/llmrec data fetch
	$(BIN)/python -m benchmarks.explanations --data '$(DATA)' $(ARGS)

bench-load: $(VENV)/.installed ## the service under load
	$(BIN)/python -m benchmarks.load $(ARGS)

bench-loop: $(VENV)/.installed ## what an update costs and loses, and how soon an interaction counts, from DATA=DIR
	$(BIN)/llmrec data fetch
	$(BIN)/python -m benchmarks.loop --data '$(DATA)' $(ARGS)

example-shop example-films example-books example-games: example-%: $(VENV)/.installed ## a scenario: built, then a short chat (ARGS='--light' without models)
	$(BIN)/llmrec data fetch
	$(BIN)/python examples/$*.py $(ARGS)

fuzz: $(VENV)/.installed-dev ## ten thousand made-up requests to the service; none may find a fault (CI sends fewer)
	LLMREC_FUZZ=10000 $(BIN)/python -m pytest tests/service/test_fuzz.py --timeout 7200

transcript: $(DEMO)/manifest.json | $(VENV)/.installed ## ten turns with the demo, written to docs/transcript.md and into the README
	$(BIN)/python docs/transcript.py $(DEMO)

clean: ## remove what was built and installed here
	rm -rf $(VENV) runs .mypy_cache .ruff_cache .pytest_cache
