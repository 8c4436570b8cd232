# The commands of this project. Each makes its own .venv and installs what it needs.

PYTHON ?= python3
BIN := .venv/bin

# The linter comes through npm, which nothing else here needs: where it cannot be had, a line says so.
BIOME := npx --yes --fetch-retries=0 --fetch-timeout=20000 @biomejs/biome@2.6.8
LINT_JAVASCRIPT = if $(BIOME) --version > /dev/null 2>&1; then $(BIOME) lint --error-on-warnings; \
	else echo "SKIPPED the linter of the JavaScript: npx cannot fetch it here."; fi

.PHONY: app test check audit soak site space

app: .venv/requirements.txt
	$(BIN)/python app.py

test: .venv/tests-requirements.txt
	$(BIN)/pytest

check: .venv/tests-requirements.txt
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/pyright
	@$(LINT_JAVASCRIPT)

# Known holes in what is installed, which asks the package index about each, and every licence.
audit: .venv/tests-requirements.txt
	$(BIN)/python -m pip install --quiet pip-audit pip-licenses
	$(BIN)/pip-licenses
	$(BIN)/pip-audit --local --progress-spinner off

# Thirty clients at once; make soak SECONDS=180 is the short form.
SECONDS ?= 600
soak: .venv/tests-requirements.txt
	SOAK_SECONDS=$(SECONDS) $(BIN)/pytest -m soak -s tests/soak

# The page without a server, for the examples: outputs/site/index.html
site: .venv/requirements.txt
	$(BIN)/python -m explorer site outputs/site

# make space SPACE=name/space [OPTIONS=--dry-run]
space: .venv/requirements.txt
	$(BIN)/python -m explorer space $(SPACE) $(OPTIONS)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv

# A copy of each list records what is installed, so that a changed list is installed again.
.venv/requirements.txt: requirements.txt | $(BIN)/python
	$(BIN)/python -m pip install --requirement requirements.txt
	cp requirements.txt $@

.venv/tests-requirements.txt: tests/requirements.txt .venv/requirements.txt
	$(BIN)/python -m pip install --requirement requirements.txt --requirement tests/requirements.txt
	cp tests/requirements.txt $@
