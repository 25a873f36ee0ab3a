# Thin commands over the tools that do the work. `make book` and `make test` are all that a fresh machine needs.
SHELL := bash
PROFILE ?= quick
TRAIN ?= yes
KEPT ?= $(or $(MICROEXP_KEPT),yes)
PYTHON ?= python3
# Jobs side by side ask for no more than the machine has; one that asks for more than that is run alone.
MEMORY_MB = $(shell $(PYTHON) -c 'import os; print(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") >> 20)')
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export PYTHONPATH := $(CURDIR)
export MICROEXP_KEPT := $(KEPT)
READY := .venv/.ready

.PHONY: book render test lab lint lock clean

# through `lib`, so that a build goes on after one that was killed
SNAKEMAKE = python -m lib snakemake --cores all --quiet host reason rules --config profile=$(PROFILE) train=$(TRAIN) \
    --resources gpu=1 mem_mb=$(MEMORY_MB) --rerun-incomplete

book: $(READY)  ## build the book at PROFILE (quick, full, tiny); TRAIN=no trains nothing, KEPT=no uses no kept run
	@# without training, which chapters can be executed is known once the stores are
	if [ "$(TRAIN)" = no ]; then $(SNAKEMAKE) -- stores; fi
	$(SNAKEMAKE)
	@echo "The book: $(CURDIR)/_build/$(PROFILE)/html/index.html"

render: $(READY)  ## build the full profile's book from the chapters kept in book/, training nothing
	@python -m lib book --kept

test: $(READY)  ## all tests
	python -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder -q

lab: $(READY)  ## JupyterLab on the notebooks
	jupyter lab --notebook-dir=notebooks

lint: $(READY)  ## code style, notebooks without outputs, sound workflows, no face of a real person in what is kept
	ruff check . && ruff format --check . && nbstripout --keep-id --verify notebooks/*.ipynb
	zizmor --quiet --offline .github/workflows
	if command -v actionlint >/dev/null; then actionlint; fi  # not in the lock: PyPI's fetches a program while it is built
	python -m lib faces

lock:  ## make requirements.txt from requirements.in
	uv pip compile --universal --generate-hashes --no-strip-extras --python-version 3.11 requirements.in -o requirements.txt

clean:  ## remove what is made here: environment, book, data, runs
	rm -rf .venv _build logs .snakemake .snakemake.lock .pytest_cache .ruff_cache data/raw data/processed data/runs data/results data/weights

$(READY): requirements.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 11) <= v <= (3, 13) else "Python 3.11 to 3.13 is needed, found %d.%d: call make with PYTHON=python3.12, say" % v)'
	test -x .venv/bin/python || $(PYTHON) -m venv .venv
	if command -v uv >/dev/null; then uv pip install --python .venv/bin/python --require-hashes -r requirements.txt; \
	else .venv/bin/python -m pip install --disable-pip-version-check --require-hashes -r requirements.txt; fi
	touch $(READY)
