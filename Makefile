# Everything runs in a virtual environment of its own; stamp files say what is installed in it.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# What pip is told to get PyTorch; where there is no GPU: make test TORCH="torch==2.13.0 --index-url https://download.pytorch.org/whl/cpu".
TORCH ?= torch==2.13.0
UV := $(BIN)/uv

.PHONY: help demo demo-evaluate demo-train demo-study test test-all wheel lowest docs check bench clean

help:  ## Show the targets.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.pip: | $(VENV)/bin/python
	$(PIP) 'pip>=25.1'
	@touch $@

$(VENV)/.core: pyproject.toml | $(VENV)/.pip
	$(PIP) --editable .
	@touch $@

$(VENV)/.train: pyproject.toml | $(VENV)/.pip
	$(PIP) $(TORCH)
	$(PIP) --editable '.[train]'
	@touch $@ $(VENV)/.core

$(VENV)/.dev: pyproject.toml | $(VENV)/.pip
	$(PIP) $(TORCH)
	$(PIP) --editable '.[all]' --group test --group check --group docs
	@touch $@ $(VENV)/.core $(VENV)/.train $(VENV)/.docs

$(VENV)/.docs: pyproject.toml | $(VENV)/.pip
	$(PIP) --editable . --group docs
	@touch $@ $(VENV)/.core

$(VENV)/.package: pyproject.toml | $(VENV)/.pip
	$(PIP) --group package
	@touch $@

demo: $(VENV)/.core  ## Set up, build the bundled examples into edit sequences, and watch them grow.
	@mkdir -p out
	$(BIN)/lintseq build examples/pairs.jsonl --output out/edits.jsonl --samples 5 --overwrite
	$(BIN)/lintseq verify out/edits.jsonl
	$(BIN)/lintseq sample examples/growing.py --seed 2
	$(BIN)/lintseq view out/edits.jsonl --html out/edits.html

demo-evaluate: $(VENV)/.core  ## Set up, run bundled completions against bundled problems, and write a report.
	@mkdir -p out
	$(BIN)/lintseq evaluate examples/completions.jsonl --benchmark examples/problems.jsonl --k 1,2,3,5 --output out/results.jsonl --overwrite
	$(BIN)/lintseq report examples=out/results.jsonl --output out/report --overwrite

demo-train: $(VENV)/.train  ## Set up PyTorch, train a model in four minutes, evaluate it, and watch it solve a problem that is new to it.
	@mkdir -p out/demo
	$(BIN)/lintseq build examples/nano/corpus.jsonl.gz --output out/demo/corpus.jsonl --preset recommended --overwrite
	$(BIN)/lintseq build examples/nano/pairs.jsonl --output out/demo/edits.jsonl --preset recommended --overwrite
	$(BIN)/lintseq tokenizer train out/demo/corpus.jsonl --read edits --vocab 1024 --output out/demo/tokenizer --overwrite
	$(BIN)/lintseq pretrain demo --output out/demo/base --threads 1 --overwrite
	$(BIN)/lintseq finetune demo --output out/demo/model --threads 1 --overwrite
	$(BIN)/lintseq complete --model out/demo/model --benchmark examples/nano/problems.jsonl --temperature 0 --max-tokens 400 --threads 1 --output out/demo/completions.jsonl --overwrite
	$(BIN)/lintseq evaluate out/demo/completions.jsonl --benchmark examples/nano/problems.jsonl --k 1 --output out/demo/results.jsonl --overwrite
	@echo "One of these problems. The model was not trained on it: no program in its data combines these ideas."
	-$(BIN)/lintseq solve "Write a function below_product(grid, limit): take the numbers in the rows of grid less than limit and multiply them all." --model out/demo/model --temperature 0 --threads 1 --check "assert below_product([[2, 9], [3]], 5) == 6"

demo-study: $(VENV)/.train  ## Set up PyTorch, and compare programs and edits in a toy study with a report.
	$(BIN)/lintseq study toy --output out/toy --jobs 2

test: $(VENV)/.dev  ## Set up and run the tests, without those marked slow.
	$(BIN)/python -m pytest -n auto --dist loadgroup -m "not slow"

test-all: $(VENV)/.dev  ## Set up and run all tests.
	$(BIN)/python -m pytest -n auto --dist loadgroup

wheel: $(VENV)/.package  ## Build the wheel and the sdist, and run what the pages show from the wheel in an empty environment.
	rm -rf dist out/wheel
	$(BIN)/python -m build --quiet --outdir dist .
	$(BIN)/twine check --strict dist/*
	$(UV) venv --quiet --python $(BIN)/python out/wheel
	$(UV) pip install --quiet --python out/wheel dist/*.whl
	cd out/wheel && bin/python ../../tests/pages.py ../../README.md --until "Train and compare models"
	$(UV) tool run --quiet --python $(BIN)/python --from dist/*.whl lintseq --version
	@echo "With the extras that are installed in $(VENV):"
	cd out/wheel && PYTHONPATH=$(abspath $(wildcard $(VENV)/lib/python3*/site-packages)) bin/python ../../tests/pages.py

lowest: wheel  ## Install the lowest versions of the core's dependencies, and run the core's tests from the sdist.
	rm -rf out/lowest && mkdir -p out/lowest/sdist
	tar xzf dist/*.tar.gz -C out/lowest/sdist --strip-components 1
	$(UV) venv --quiet --seed --python $(BIN)/python out/lowest/venv
	$(UV) pip install --quiet --python out/lowest/venv --resolution lowest-direct ./out/lowest/sdist
	$(UV) pip install --quiet --python out/lowest/venv --group out/lowest/sdist/pyproject.toml:test
	cd out/lowest/sdist && ../venv/bin/python -m pytest -n auto --dist loadgroup -m "not slow"

docs: $(VENV)/.docs  ## Set up and build the site of the documentation, out/site; broken links and undocumented names are errors.
	$(BIN)/python tests/reference.py
	$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going --nitpicky --conf-dir docs . out/site

check: $(VENV)/.dev  ## Lint, check the format and the types.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.dev  ## Run the benchmarks (four hours; each is a command of its own, see benchmarks/README.md).
	for name in clean tight cliffs natural exact speed side_by_side certify hostile kills scale pools cost codecs pipeline packing resume sandbox corpus verdicts references answers harnesses; do $(BIN)/python benchmarks/$$name.py || exit 1; done

clean:  ## Remove what the other targets made.
	rm -rf out dist $(VENV) .venv-*
