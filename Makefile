# The commands of this project. Each makes its own .venv and installs what it needs.

PYTHON ?= python3
BIN := .venv/bin

# The linter comes through npm, which nothing else here needs: where it cannot be had, a line says so.
BIOME := npx --yes --fetch-retries=0 --fetch-timeout=20000 @biomejs/biome@2.6.8
LINT_JAVASCRIPT = if $(BIOME) --version > /dev/null 2>&1; then $(BIOME) lint --error-on-warnings; \
	else echo "SKIPPED the linter of the JavaScript: npx cannot fetch it here."; fi

# Two processes, each on one thread: the tests' networks are too small to share a pass among cores.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/pytest --numprocesses=2 --dist=loadgroup

# What is compiled is kept: a start of Python, of which the tests have many, takes half the time.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help app test test-all check audit soak site space

# The text after two number signs is the help.
help:  ## what each of these commands does
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-10s%s\n", $$1, $$2}' Makefile

app: .venv/requirements.txt  ## open the page at http://127.0.0.1:7860
	$(BIN)/python app.py

test: .venv/tests-requirements.txt  ## before each commit, minutes: what a change is likely to break
	$(PYTEST) -m "not slow and not photos and not soak"

test-all: .venv/tests-requirements.txt  ## before each release and in CI: every test, also browsers and processes
	$(PYTEST)

check: .venv/tests-requirements.txt  ## format, lint, types, imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/pyright
	@$(LINT_JAVASCRIPT)

# It asks the package index about each package.
audit: .venv/tests-requirements.txt  ## known holes in what is installed, and every licence
	$(BIN)/python -m pip install --quiet pip-audit pip-licenses
	$(BIN)/pip-licenses
	$(BIN)/pip-audit --strict --local --progress-spinner off

SECONDS ?= 600
SOAK ?= tests/soak
soak: .venv/tests-requirements.txt  ## thirty visitors at once, and all in 3 GB; SECONDS=180 is the short form
	SOAK_SECONDS=$(SECONDS) $(BIN)/pytest -m soak -s $(SOAK)

site: .venv/site-requirements.txt  ## the page without a server, which also computes own photos: outputs/site/index.html
	$(BIN)/python -m explorer site outputs/site

# KIND=static uploads the page without a server, written anew.
space: .venv/requirements.txt $(if $(filter static,$(KIND)),site)  ## upload the page: SPACE=name/space [KIND=static] [OPTIONS=--dry-run]
	$(BIN)/python -m explorer space $(SPACE) $(if $(filter static,$(KIND)),--static outputs/site) $(OPTIONS)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv

# A copy of each list records what is installed, so that a changed list is installed again.
.venv/requirements.txt: requirements.txt | $(BIN)/python
	$(BIN)/python -m pip install --requirement requirements.txt
	cp requirements.txt $@

.venv/site-requirements.txt: explorer/browser/requirements.txt .venv/requirements.txt
	$(BIN)/python -m pip install --requirement requirements.txt --requirement explorer/browser/requirements.txt
	cp explorer/browser/requirements.txt $@

.venv/tests-requirements.txt: tests/requirements.txt .venv/requirements.txt
	$(BIN)/python -m pip install --requirement requirements.txt --requirement tests/requirements.txt
	cp tests/requirements.txt $@
