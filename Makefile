# Two commands need nothing but python3 and make: `make demo` and `make test`. Both install into .venv.
# `make help` lists all targets.

PYTHON ?= python3
VENV := .venv
, := ,
BIN := $(VENV)/bin
CHAT := examples/chat_service
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYTHONUNBUFFERED := 1
# Empty means unset: without compiled files each of the tests' child processes compiles the whole source.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: docs pages pictures compare help demo chat chat-figures test test-full lint types coverage thorough mutants bench bench-peers parts e2e pipeline dashboards semconv-diff viewers picture outage neighbours litellm frameworks versions soak wheel dist workflows clean

# What a target does, while it does it.
say = @printf '== %s\n' "$(1)"

help: ## List the targets.
	@printf 'First: make demo, then make test. They need python3 and nothing else.\n\n'
	@sed -n 's/^\([a-z0-9-]*\):[^#]*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r name text; do \
	  printf '  %-14s %s\n' "$$name" "$$text"; done

demo: $(VENV)/.demo ## Trace a small agent and show it; with OPENAI_API_KEY set it asks the real provider.
	$(call say,An agent asks a model$(,) runs two tools and asks again: its events as they happen$(,) then its trace and metrics)
	OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=SPAN_ONLY OTEL_BLRP_SCHEDULE_DELAY=50 $(BIN)/opentelemetry-instrument \
	  --traces_exporter toolspan --logs_exporter toolspan --metrics_exporter toolspan \
	  $(BIN)/python examples/agent.py

chat: $(VENV)/.chat ## A chat page at http://127.0.0.1:8000 with its traces in this terminal; no key, unless you set one.
	$(call say,A chat page at http://127.0.0.1:8000; its traces are printed here; Ctrl-C ends it)
	cd examples && ../$(BIN)/python -m chat_service

chat-figures: $(VENV)/.chat ## What each technique of the chat service saves, in five minutes: the tables of its README.
	$(call say,Measuring the techniques of the chat service: five minutes)
	cd examples && ../$(BIN)/python -m chat_service.measure

# One worker more than cores: some tests wait for a deadline or for a child process.
WORKERS := $(shell $(PYTHON) -c 'import os; print((os.cpu_count() or 1) + 1)')
TESTS := -m pytest -q -n $(WORKERS) -m 'not slow'

test: $(VENV)/.test ## Run the tests, on all cores, with a sample of each matrix; COVERAGE=1 measures them, too.
	$(call say,Running the tests on $(WORKERS) processes: one to four minutes)
ifdef COVERAGE
	$(BIN)/coverage erase
	$(BIN)/coverage run $(TESTS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --include 'src/toolspan/wire/*' --fail-under 100
	$(BIN)/coverage report --omit 'src/toolspan/wire/*' --fail-under 95
else
	$(BIN)/python $(TESTS)
endif

test-full: $(VENV)/.test ## The same with every combination of each matrix: twice the time.
	$(call say,Running the tests with every combination of their parameters)
	$(BIN)/python $(TESTS) --full

lint: $(VENV)/.test ## Style and types.
	$(call say,Checking style and types)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

types: $(VENV)/.test ## The examples and the public API under mypy and pyright, as a user's code.
	$(call say,Checking the examples with mypy and pyright$(,) which is fetched on first use)
	$(BIN)/mypy examples tests/typing_api.py
	$(BIN)/python -m pip install --quiet -c constraints.txt --group types
	$(BIN)/pyright --pythonpath $(BIN)/python

coverage: ## The tests with their branch coverage: it fails below all of the pure ring, or 95 % of the rest.
	$(MAKE) test COVERAGE=1

.PHONY: own-coverage
own-coverage: $(VENV)/.test ## How much of each file of wire/ its own tests cover.
	$(call say,Running the tests of each file of wire/ alone)
	$(BIN)/python -m tools.own_coverage wire --fail-under 90

thorough: $(VENV)/.test ## The property tests at full size: 400 000 chunks, 100 000 splittings.
	$(call say,Running the property tests at full size)
	TOOLSPAN_TEST_SCALE=full $(BIN)/python -m pytest -q -n auto --full tests/wire tests/sdk/test_fuzz.py tests/sdk/test_hostile_answers.py tests/accounting/test_memory_limits.py

mutants: $(VENV)/.test ## Change the source in 40 small ways and see which the tests notice: half an hour.
	$(call say,Changing the source in 40 small ways: half an hour$(,) one line for each change)
	$(BIN)/python -m pip install --quiet -c constraints.txt --group mutants
	$(BIN)/python -m tools.mutants

bench: $(VENV)/.test ## What it costs, in place: bare against instrumented. WORDS="text stage" selects scenarios.
	$(call say,Measuring the cost of tracing$(,) bare against instrumented)
	$(BIN)/python -m benchmarks $(WORDS)

PEERS := .cache/bench-peers
bench-peers: $(PEERS)/.done ## The same beside the official instrumentation: writes the tables of docs/benchmarks.md.
	$(call say,Measuring beside the official instrumentation)
	$(PEERS)/bin/python -m benchmarks --write

$(PEERS)/.done: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet --upgrade pip
	$(PEERS)/bin/python -m pip install --quiet -c constraints.txt --editable '.[openai,cost]' --group peers
	touch $@

parts: $(VENV)/.test ## What `make e2e` builds and fetches on first use.
	$(BIN)/python -m tests.e2e.everything

e2e: $(VENV)/.test ## Agents against real servers; the files users get, run as processes. Builds and fetches on first use.
	$(call say,Running agents against real servers: fetches and builds on first use$(,) up to half an hour then)
	$(BIN)/python -m tests.e2e
	$(BIN)/python -m tests.gateway
	$(BIN)/python -m tests.stack

pipeline: $(VENV)/.test ## examples/pipeline in real parts: LiteLLM's proxy, a control plane, a client, every policy.
	$(call say,Running examples/pipeline in real parts: some ten minutes on first use$(,) which installs LiteLLM)
	$(BIN)/python -m tests.gateway

semconv-diff: $(VENV)/.test ## What differs between the conventions' versions 1.41 and 0.1, and how certain each name is.
	$(BIN)/python -m tools.semconv_diff 1.41 0.1

dashboards: $(VENV)/.test ## Write dashboards/ from tools/dashboards/.
	$(call say,Writing dashboards/)
	$(BIN)/python -m tools.dashboards

picture: $(VENV)/.test ## The pictures of the READMEs: a trace and the chat page, in a browser.
	$(call say,Taking the pictures of the pages$(,) in a browser)
	$(BIN)/python -m tests.stack viewer chat
	cp .cache/e2e/last-run/viewer/trace.png docs/trace.png
	cp .cache/e2e/last-run/chat/page.png $(CHAT)/page.png

outage: $(VENV)/.test ## An application under load while its Collector is away: the table of docs/deploy.md.
	$(call say,Running an application under load while its Collector is away)
	$(BIN)/python -m tests.stack outage

DOCS := .cache/docs
docs: $(DOCS)/.done ## Build the documentation's site into build/site, strictly.
	$(call say,Building the site)
	$(DOCS)/bin/python -m tools.settings_page
	NO_MKDOCS_2_WARNING=1 $(DOCS)/bin/python -m mkdocs build --strict --quiet

pages: $(DOCS)/.done ## Run every block of the README and the pages, those of Flask, Django and Celery included.
	$(call say,Running the blocks of the pages)
	$(DOCS)/bin/python -m pytest -q --full tests/pages

$(DOCS)/.done: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(DOCS)
	$(DOCS)/bin/python -m pip install --quiet --upgrade pip
	$(DOCS)/bin/python -m pip install --quiet -c constraints.txt --editable '.[openai,terminal,cost,otlp]' \
	  --group suite --group docs
	touch $@

pictures: $(VENV)/.test ## The pictures of the terminal in docs/pictures/, from real runs.
	$(call say,Running five programs and drawing what the terminal shows)
	$(BIN)/python -m tools.pictures

compare: .cache/neighbours/.test ## Six instrumentations, each alone: the table of the README.
	$(call say,Playing the same answers to six instrumentations)
	.cache/neighbours/bin/python -m tests.neighbours.compare

ORDERS := first last
neighbours: .cache/neighbours/.test $(if $(ALL),.cache/neighbours-apart/.test) ## Other instrumentations at the same time, in environments of their own; ALL=1 adds large ones: docs/neighbours.md.
	$(call say,Running the tests beside other instrumentations)
	.cache/neighbours/bin/python -m pytest -q tests/neighbours
	.cache/neighbours/bin/python -m tests.neighbours $(ORDERS) $(if $(ALL),all)

.cache/neighbours/.test: pyproject.toml constraints.txt
	$(PYTHON) -m venv .cache/neighbours
	.cache/neighbours/bin/python -m pip install --quiet --upgrade pip
	.cache/neighbours/bin/python -m pip install --quiet -c constraints.txt --editable '.[openai]' \
	  --group test --group neighbours
	.cache/neighbours/bin/python -m pip install --quiet openai-agents==0.24.0 # needs an older websockets
	touch $@

.cache/neighbours-apart/.test: pyproject.toml tests/neighbours/apart.txt
	$(PYTHON) -m venv .cache/neighbours-apart
	.cache/neighbours-apart/bin/python -m pip install --quiet --upgrade pip
	.cache/neighbours-apart/bin/python -m pip install --quiet -r tests/neighbours/apart.txt --editable '.[openai]'
	touch $@

litellm: .cache/litellm/.test ## LiteLLM itself, in an environment of its own: its routes, streams, retries, router.
	.cache/litellm/bin/python -m pytest -q tests/litellm

# Without constraints.txt: this version of LiteLLM needs a newer openai.
.cache/litellm/.test: pyproject.toml
	$(PYTHON) -m venv .cache/litellm
	.cache/litellm/bin/python -m pip install --quiet --upgrade pip
	.cache/litellm/bin/python -m pip install --quiet --editable . litellm==1.110.2 tenacity \
	  opentelemetry-sdk pytest hypothesis
	touch $@

frameworks: $(VENV)/.test ## Ten frameworks in their own environments: the table of docs/frameworks.md.
	$(call say,Running ten frameworks$(,) each in an environment of its own: long on first use)
	$(BIN)/python -m tests.frameworks

viewers: $(VENV)/.test .cache/viewers/phoenix/.done .cache/viewers/mlflow/.done ## What Phoenix and MLflow show of every scenario, and one run in the real viewers: docs/viewers.md.
	$(BIN)/python -m tests.viewers
	$(call say,One run of an agent in Phoenix$(,) MLflow and Jaeger$(,) with pictures: builds Jaeger on first use)
	$(BIN)/python -m tests.viewers pictures

.cache/viewers/%/.done: tests/viewers/%.txt
	$(PYTHON) -m venv .cache/viewers/$*
	.cache/viewers/$*/bin/python -m pip install --quiet -r $<
	touch $@

versions: $(VENV)/.test ## The tests with older and newer SDKs, OpenTelemetry and Python: the table of docs/versions.md.
	$(call say,Running the tests with older and newer versions: long on first use)
	$(BIN)/python -m tests.versions

CALLS := 100000
SOAK := 15
soak: $(VENV)/.test ## Nothing is kept of 100 000 calls, nothing is lost of 200 concurrent streams; SOAK=600: for ten minutes.
	$(call say,Making $(CALLS) calls$(,) then 200 streams at once for $(SOAK) s)
	$(BIN)/python -m tests.soak $(CALLS)
	$(BIN)/python -m tests.soak.streams $(SOAK)

wheel: $(VENV)/.test ## The built wheel, in an environment of its own, without the sources.
	$(call say,Building the wheel and importing it without the sources)
	rm -rf build/wheel && $(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir build/wheel .
	$(PYTHON) -m venv --clear build/wheel/venv
	build/wheel/venv/bin/python -m pip install --quiet -c constraints.txt build/wheel/*.whl
	cd build/wheel && venv/bin/python -c 'import sys, toolspan; assert "openai" not in sys.modules; print(toolspan.__all__)'

dist: $(BIN)/python ## Build sdist and wheel into dist/, check both, and run the demo from the wheel alone.
	$(call say,Building and checking what is published)
	rm -rf dist && $(BIN)/python -m pip install --quiet -c constraints.txt --group release
	$(BIN)/python -m build --outdir dist .
	$(BIN)/twine check --strict dist/*
	$(BIN)/check-wheel-contents dist/*.whl
	$(PYTHON) tools/check_wheel.py $(PYTHON)

ACTIONLINT := github.com/rhysd/actionlint/cmd/actionlint@v1.7.12
workflows: ## Check .github/workflows; needs Go.
	$(call say,Checking the workflows)
	go run $(ACTIONLINT)

$(BIN)/python:
	@echo "Making the environment $(VENV), once ..."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

$(VENV)/.demo: pyproject.toml | $(BIN)/python
	@echo "Installing toolspan into $(VENV), once ..."
	$(BIN)/python -m pip install --quiet -c constraints.txt --editable '.[openai,terminal,cost]'
	touch $@

$(VENV)/.chat: pyproject.toml constraints.txt $(CHAT)/requirements.txt | $(BIN)/python
	@echo "Installing the chat service into $(VENV), once ..."
	$(BIN)/python -m pip install --quiet -c constraints.txt --editable '.[openai,terminal,cost,otlp]' -r $(CHAT)/requirements.txt
	touch $@

$(VENV)/.test: pyproject.toml constraints.txt $(CHAT)/requirements.txt | $(BIN)/python
	@echo "Installing what the tests need into $(VENV), once: a minute or two ..."
	$(BIN)/python -m pip install --quiet -c constraints.txt --editable '.[openai,terminal,cost,otlp]' --group test \
	  -r $(CHAT)/requirements.txt
	touch $@

clean: ## Remove what was installed and built, but not the fetched parts in .cache.
	$(call say,Removing what was installed and built)
	rm -rf $(VENV) build dist .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache
