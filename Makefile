# The verbs of the project. Each makes what it needs, and only what has changed.
# What a maintainer runs now and then is a session of nox: .venv/bin/nox --list

PYTHON ?= $(shell for v in 3.11 3.12 3.13 3.14 3; do command -v python$$v && break; done)
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

# Each time, since another Python may be asked for than the one that made the environment.
ifneq ($(filter-out help clean,$(MAKECMDGOALS)),)
  ifeq ($(PYTHON),)
    $(error There is no Python here: install 3.11 or newer)
  endif
  ASKED := $(filter command environment,$(origin PYTHON))
  ifneq ($(shell $(PYTHON) tools/ready.py "$(VENV)" $(ASKED) 1>&2 && echo ready),ready)
    $(error This Python cannot do it, see above)
  endif
endif

.DEFAULT_GOAL := help
.PHONY: help book test pdf zip test-site check format run clean

help: ## Say what each verb does.
	@sed -n 's/^\([a-z-]*\):.*## /make \1	/p' $(MAKEFILE_LIST)

# The stamp lies inside the environment: a new environment has none, so everything is installed.
$(INSTALLED): requirements.txt pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

book: $(INSTALLED) ## Build the site, warnings as errors, and print where it is.
	@# Sphinx does not notice a changed stylesheet, extension or check: then all is built again.
	@test -z "$$(find assets _extensions hw1check -not -name '*.pyc' -type f -newer $(SITE) 2>/dev/null)" || rm -rf _build
	@# A second build would not repeat the warnings of a failed one: forget what it has read.
	@$(BIN)/jupyter-book build . -n -W --keep-going -q --builder html > _build.log 2>&1 \
	  || { cat _build.log; rm -rf _build _build.log; exit 1; }
	@rm -f _build.log
	@$(BIN)/python _extensions/addresses.py
	@$(BIN)/python -c "import pathlib; print('The book is at', pathlib.Path('$(SITE)').resolve().as_uri())"

# The site is built again, so that its front page links to the file.
pdf: book ## Print the whole book as one PDF (Chromium).
	@$(BIN)/python _extensions/print_book.py
	@$(MAKE) --no-print-directory book

zip: book ## Pack the site for reading offline.
	@$(BIN)/python _extensions/pack_site.py
	@$(MAKE) --no-print-directory book

test: $(INSTALLED) ## Run every notebook and every test.
	$(BIN)/python -m pytest -n auto -q

test-site: $(INSTALLED) ## Test every page of the site in a browser (Chromium).
	$(BIN)/python -m pytest tests -m site -q

check: $(INSTALLED) ## Lint modules and notebooks; their format, types and docstrings.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/numpydoc lint $(wildcard hw1lib/*.py hw1check/_*.py hw1grade/*.py)

format: $(INSTALLED) ## Put modules and notebooks into their format.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

run: $(INSTALLED) ## Execute all notebooks again, in place, without timing metadata.
	$(CONVERT) --execute $(STABLE) $(NOTEBOOKS)
	@# Printed text arrives in pieces that depend on the moment: join them.
	$(CONVERT) --coalesce-streams $(NOTEBOOKS)

clean: ## Remove everything that the verbs have made.
	rm -rf $(VENV) _build build dist .pytest_cache .ruff_cache .hypothesis *.egg-info chapters/generated
	find . -name __pycache__ -prune -exec rm -rf {} +
