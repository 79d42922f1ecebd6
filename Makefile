# The verbs of the project. Each makes what it needs, and only what has changed.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed
NOTEBOOKS := $(shell find chapters -name '*.ipynb' -not -path '*/.*')
SITE := _build/html/index.html
CONVERT := $(BIN)/jupyter nbconvert --to notebook --inplace
# What an execution must not leave in a notebook: times, the Python version.
STABLE := --ExecutePreprocessor.record_timing=False \
  --ClearMetadataPreprocessor.enabled=True --ClearMetadataPreprocessor.clear_cell_metadata=False \
  --ClearMetadataPreprocessor.preserve_nb_metadata_mask=kernelspec \
  --ClearMetadataPreprocessor.preserve_nb_metadata_mask=myst

.DEFAULT_GOAL := help
.PHONY: help mutants notebook-mutants versions book serve test bench pdf zip test-site site-report equations check format run lock clean

help: ## Say what each verb does.
	@sed -n 's/^\([a-z-]*\):.*## /make \1	/p' $(MAKEFILE_LIST)

# The stamp lies inside the environment: a new environment has none, so everything is installed.
$(INSTALLED): requirements.txt pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

book: $(INSTALLED) ## Build the site, warnings as errors, and print where it is.
	@# Sphinx does not notice a changed stylesheet, extension or check: then all is built again.
	@test -z "$$(find assets _extensions hw1lib/check -not -name '*.pyc' -type f -newer $(SITE) 2>/dev/null)" || rm -rf _build
	@# A second build would not repeat the warnings of a failed one: forget what it has read.
	@$(BIN)/jupyter-book build . -n -W --keep-going -q --builder html > _build.log 2>&1 \
	  || { cat _build.log; rm -rf _build _build.log; exit 1; }
	@rm -f _build.log
	@$(BIN)/python _extensions/addresses.py
	@echo "The book is at file://$(CURDIR)/$(SITE)"

# The site is built again, so that its front page links to the file.
pdf: book ## Print the whole book as one PDF (Chromium).
	@$(BIN)/python _extensions/print_book.py
	@$(MAKE) --no-print-directory book

zip: book ## Pack the site for reading offline.
	@$(BIN)/python _extensions/pack_site.py
	@$(MAKE) --no-print-directory book

serve: book ## Show the site on localhost:8000.
	$(BIN)/python -m http.server --bind 127.0.0.1 --directory _build/html 8000

test: $(INSTALLED) ## Run every notebook and every test.
	$(BIN)/python -m pytest -n auto --dist loadscope -q

test-site: $(INSTALLED) ## Test every page of the site in a browser (Chromium).
	$(BIN)/python -m pytest tests -m site -q

# PAGES="index chapters/errata" lets Lighthouse look at these only.
site-report: book ## Measure the site against its targets (Chromium, and Node for Lighthouse).
	$(BIN)/python tests/site_report.py $(PAGES)

equations: $(INSTALLED) ## Run the checks of the equations and record what they measure.
	$(BIN)/python -m pytest tests/equations -q --write-equations

bench: $(INSTALLED) ## Compare hw1lib's speed with its peers' (ARGS=--quick: a minute).
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[bench]'
	$(BIN)/python -m benchmarks $(ARGS)

mutants: $(INSTALLED) ## Break hw1lib in thousands of places: a unit test must notice each.
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[mutants]'
	$(BIN)/python tests/mutants.py $(ARGS)

notebook-mutants: $(INSTALLED) ## Break each function that a chapter uses: a notebook must notice.
	$(BIN)/python tests/break_notebooks.py

# ARGS="-p 3.12 -- -n 1" takes one Python only, and hands what follows the dashes to pytest.
versions: ## Run the suite with the lowest and the newest versions, on each Python here.
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[versions]'
	@rm -f _build/versions.md
	@$(BIN)/nox $(ARGS); failed=$$?; cat _build/versions.md; exit $$failed

check: $(INSTALLED) ## Lint modules and notebooks, their format, and the docstrings.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/numpydoc lint $(wildcard hw1lib/*.py hw1lib/check/_*.py hw1lib/grade/*.py)

format: $(INSTALLED) ## Put modules and notebooks into their format.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

run: $(INSTALLED) ## Execute all notebooks again, in place, without timing metadata.
	$(CONVERT) --execute $(STABLE) $(NOTEBOOKS)
	@# Printed text arrives in pieces that depend on the moment: join them.
	$(CONVERT) --coalesce-streams $(NOTEBOOKS)

lock: $(INSTALLED) ## Pin what is installed now in requirements.txt.
	$(BIN)/python -m pip install --quiet --upgrade --upgrade-strategy eager -e '.[dev]' torch==2.13.0
	{ echo '-e .'; $(BIN)/python -m pip freeze --exclude homework-1-checked; } | sed 's/+cpu$$//' > requirements.new
	mv requirements.new requirements.txt

clean: ## Remove everything that the verbs have made.
	rm -rf $(VENV) _build .pytest_cache .ruff_cache .hypothesis *.egg-info chapters/generated
	find . -name __pycache__ -prune -exec rm -rf {} +
