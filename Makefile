# make train  from an empty machine to a trained and tested model
# make test   lint, the tests and the documentation; detectors after `make ops`
# make help   everything else
#
# Needed: make and Python >= 3.10. Everything else is installed into $(VENV).

PYTHON ?= python3
VENV ?= .venv
CONFIG ?= configs/qcs/qcs_ir-small_synthfer.py
WORK_DIR ?= work_dirs/$(basename $(notdir $(CONFIG)))
DATA ?= data/synthfer
# The recipe of the weights in the package; X_distilled.py trains the network of X.py
WEIGHTS_CONFIG ?= configs/mix/ir-small_fer2013_distilled.py
# Further arguments of tools/train.py for `make weights`, for example --amp on a GPU
WEIGHTS_ARGS ?=
# More arguments for tools/train.py, for example TRAIN_ARGS=--resume
TRAIN_ARGS ?=
# Arguments of pytest, for example TEST_ARGS='-m "not slow"'
TEST_ARGS ?=
# Tests of `make coverage`; one process runs them
COVERED ?= tests/test_functional tests/test_models tests/test_engine tests/test_datasets \
  tests/test_det
# Processes among which the files of tests are shared out; 0 for none, as --pdb needs
TEST_JOBS ?= $(shell n=$$(nproc 2>/dev/null || echo 2); echo $$((n < 4 ? n : 4)))

# one thread a process: more of them than cores wait for each other most of the time
PYTEST_ENV := OMP_NUM_THREADS=1
PYTEST_ARGS = -n $(TEST_JOBS) --dist loadfile $(TEST_ARGS)
STAMP := $(VENV)/.mmqcs-installed
PIP_LOG := $(VENV)/pip.log
RUN := $(VENV)/bin/python
NEW_ENOUGH := -c 'import sys; sys.exit(sys.version_info < (3, 10))'

# A dead network should be found out in seconds; the user's settings win.
PIP_RETRIES ?= 2
PIP_DEFAULT_TIMEOUT ?= 15
PIP_DISABLE_PIP_VERSION_CHECK ?= 1
export PIP_RETRIES PIP_DEFAULT_TIMEOUT PIP_DISABLE_PIP_VERSION_CHECK

.DEFAULT_GOAL := help
.PHONY: help setup ops data train weights test test-original coverage lint format docs address linkcheck clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-14s %s\n", $$1, $$2}' Makefile

setup: $(STAMP) ## Create .venv and install the package (done once)

# The stamp is written last, so an interrupted installation starts again.
$(STAMP): setup.cfg setup.py $(wildcard requirements/*.txt)
	@if ! $(RUN) -m pip --version >/dev/null 2>&1; then \
	  command -v $(PYTHON) >/dev/null || { \
	    echo 'mmqcs: $(PYTHON) not found; install Python >= 3.10 or call make PYTHON=/path/to/python' >&2; exit 1; }; \
	  $(PYTHON) $(NEW_ENOUGH) || { \
	    echo "mmqcs: Python >= 3.10 is needed, but $(PYTHON) is $$($(PYTHON) --version 2>&1); call make PYTHON=/path/to/python" >&2; exit 1; }; \
	  echo 'mmqcs: creating $(VENV)'; \
	  $(PYTHON) -m venv $(VENV) || { \
	    echo 'mmqcs: $(PYTHON) cannot create $(VENV); on Debian and Ubuntu: apt install python3-venv' >&2; exit 1; }; \
	fi
	@$(RUN) $(NEW_ENOUGH) || { \
	  echo "mmqcs: Python >= 3.10 is needed, but $(VENV) has $$($(RUN) --version 2>&1); remove $(VENV) and call make again" >&2; exit 1; }
	@echo 'mmqcs: installing into $(VENV); with PyTorch for GPUs this loads several GB'
	@rm -f $(PIP_LOG)
	@$(RUN) -m pip install --use-pep517 --log $(PIP_LOG) -e '.[onedl,tests,docs]' -r requirements/lint.txt && \
	  $(RUN) -m pip install --log $(PIP_LOG) --no-deps -r requirements/mim.txt || { \
	  if grep -qE 'Failed to establish|ConnectionError|ProxyError|Timeout|name resolution|No matching distribution' $(PIP_LOG); \
	  then reason='the package index cannot be reached or lacks a package; check the network'; \
	  else reason='a package cannot be installed'; fi; \
	  echo "mmqcs: installation failed: $$reason (log: $(PIP_LOG))" >&2; exit 1; }
	@touch $@

# An mmcv with operators stays as it is: pip finds its requirement satisfied.
ops: $(STAMP) ## Install MMDetection and build the operators of MMCV it needs
	@$(RUN) -c 'import mmdet' 2>/dev/null || \
	  $(RUN) -m pip install --use-pep517 --quiet -e '.[onedl-det]' || { \
	  echo 'mmqcs: MMDetection cannot be installed (see above)' >&2; exit 1; }
	@tools/misc/build_ops.sh '$(abspath $(RUN))'

data: $(STAMP) ## Render the embedded data set SynthFER into data/synthfer
	$(RUN) tools/dataset_converters/synth_fer.py $(DATA) --train 2100 --test 700

train: data ## Train and test the small QCS model on SynthFER
	$(RUN) tools/train.py $(CONFIG) --work-dir $(WORK_DIR) $(TRAIN_ARGS)
	@checkpoint=$$(ls -t $(WORK_DIR)/best_*.pth 2>/dev/null | head -n 1); \
	checkpoint=$${checkpoint:-$$(cat $(WORK_DIR)/last_checkpoint)}; \
	set -ex; \
	$(RUN) tools/test.py $(CONFIG) "$$checkpoint" --work-dir $(WORK_DIR); \
	$(RUN) tools/visualization/plot_curves.py $(WORK_DIR); \
	set +x; \
	$(RUN) tools/analysis_tools/summarize.py $(WORK_DIR) --checkpoint "$$checkpoint"

weights: NAME = $(basename $(notdir $(WEIGHTS_CONFIG)))
weights: $(STAMP) ## Train the small network on FER2013 (data/fer2013) and publish its weights
	$(RUN) tools/train.py $(WEIGHTS_CONFIG) --work-dir work_dirs/$(NAME) $(WEIGHTS_ARGS)
	$(RUN) tools/model_converters/publish_model.py work_dirs/$(NAME)/best_*.pth \
	  work_dirs/weights/$(NAME:_distilled=).pth --half --grey --adjust-logits 0.2 \
	  --config $(WEIGHTS_CONFIG:_distilled.py=.py)

test: lint ## Lint, then the whole test suite, which builds the documentation
	$(PYTEST_ENV) $(RUN) -m pytest $(PYTEST_ARGS)

test-original: ## The test suite on the original OpenMMLab, in .venv-openmmlab
	LINE=openmmlab VENV=$(VENV)-openmmlab PYTHON=$(PYTHON) \
	  $(PYTEST_ENV) bash tools/misc/test_line.sh $(PYTEST_ARGS)

# pytest starts in a process of coverage, because the tests import mmqcs early
coverage: $(STAMP) ## Measure which lines of functional, models, engine and datasets are tested
	$(PYTEST_ENV) $(RUN) -m coverage run -m pytest -n 0 $(COVERED) $(TEST_ARGS)
	$(RUN) -m coverage report

# pre-commit looks at files that git knows, ruff at all
lint: $(STAMP) ## Check style, formatting, types, spelling and the files for GitHub, without network
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	PATH='$(abspath $(VENV))/bin':"$$PATH" $(VENV)/bin/pre-commit run --all-files

format: $(STAMP) ## Fix what the linter can fix, and format
	$(VENV)/bin/ruff check --fix
	$(VENV)/bin/ruff format

docs: $(STAMP) ## Build the documentation into docs/_build/html
	$(RUN) -m sphinx -q -W --keep-going docs docs/_build/html
	@echo 'mmqcs: open docs/_build/html/index.html'

# in all files of the repository, also in later releases and after a move
address: OLD = $(shell sed -n 's/^url = //p' setup.cfg)
address: ## Write ADDRESS, that of the repository, in place of the present one
	@case '$(ADDRESS)' in https://*[!/]) ;; *) \
	  echo 'mmqcs: call make address ADDRESS=https://github.com/NAME/REPOSITORY' >&2; exit 2;; esac
	sed -i 's#@$(notdir $(patsubst %/,%,$(dir $(OLD))))$$#@$(notdir $(patsubst %/,%,$(dir $(ADDRESS))))#' .github/CODEOWNERS
	git grep -lF -e '$(OLD)' | xargs sed -i 's#$(OLD)\([^[:alnum:]_-]\|$$\)#$(ADDRESS)\1#g'

linkcheck: $(STAMP) ## Ask for all links of the documentation to other sites
	$(RUN) -m sphinx -q -W --keep-going -b linkcheck docs docs/_build/linkcheck

clean: ## Remove build products and caches; environment, data and runs stay
	rm -rf build dist docs/_build .pytest_cache .ruff_cache .mypy_cache .coverage
	find mmqcs tests tools configs docs -name __pycache__ -type d -prune -exec rm -rf {} +
