# One verb a line. `make chat` and `make test` need Python 3.11 or newer, git and make.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: chat test index eval gate model lint fix readme clean

chat: .venv/installed           ## serve the chat; the first time, build the index
	$(BIN)/diamond-assistant chat

test: .venv/installed           ## run every test
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile

index: .venv/installed          ## bring the index up to date with corpus/
	$(BIN)/diamond-assistant index build

eval: .venv/installed           ## measure the assistant on the golden questions
	$(BIN)/diamond-assistant eval run

gate: .venv/installed           ## hold a change to the accepted figures
	$(BIN)/diamond-assistant eval gate

PUBLIC ?= ../shared/benchmarks
model: .venv/installed          ## train the models of assistant/models/ anew, some three hours
	$(BIN)/python -m assistant.models.adapt
	$(BIN)/python -m assistant.models.train --public $(PUBLIC)

lint: .venv/installed           ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

fix: .venv/installed            ## mend style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

readme: .venv/installed         ## write the README's generated blocks anew
	$(BIN)/python tests/helpers/readme_blocks.py

clean:                          ## delete what was installed and built
	rm -rf .venv indexes/*/

# torch first and pinned: left to itself, pip may take a release with gigabytes
# of GPU libraries. constraints.txt pins everything else.
.venv/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "error: $(PYTHON) is older than 3.11: make PYTHON=python3.11"; exit 2; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt torch==2.13.0
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,train]'
	@touch $@
