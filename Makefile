# The commands of the project; continuous integration only calls them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SETUP := $(VENV)/.ready
DATA ?= $(EDGEEEG_DATA)
C_FILES := $(wildcard firmware_bridge/firmware/*.[ch] export/edgeeeg_export/runtime/*.[ch] benchmarks/edgeeeg_bench/plugin/*.[ch] benchmarks/edgeeeg_bench/soak/*.[ch] benchmarks/edgeeeg_bench/hosts/*.c)

.PHONY: demo test check golden bench bench-cells bench-front-end bench-hosts bench-kernels bench-quantization figures soak zoo train clean system

demo: $(SETUP)
	$(BIN)/edgeeeg demo --out runs/demo

test: $(SETUP)
	$(BIN)/python -m pytest

check: $(SETUP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/clang-format --dry-run -Werror $(C_FILES)

golden: $(SETUP)
	$(BIN)/python -m edgeeeg_bridge.protocol_header firmware_bridge/firmware/protocol.h
	$(BIN)/python tests/bridge/test_golden_frames.py
	$(BIN)/python tests/update_golden.py
	$(BIN)/python -m edgeeeg_export.operator_table docs/operators.md

bench: $(SETUP)
	$(BIN)/python benchmarks/step_latency.py

bench-cells: $(SETUP)
	$(BIN)/python benchmarks/cell_training.py

bench-front-end: $(SETUP)
	$(BIN)/python benchmarks/front_end.py

bench-hosts: $(SETUP)
	$(BIN)/python benchmarks/hosts.py

bench-quantization: $(SETUP)
	EDGEEEG_DATA="$(DATA)" $(BIN)/python benchmarks/quantization.py

bench-kernels: $(SETUP)
	$(BIN)/python benchmarks/kernels.py $(if $(FIT),--fit)

figures: $(SETUP)
	$(BIN)/python benchmarks/cell_traces.py

soak: $(SETUP)
	$(BIN)/python benchmarks/soak.py
	$(BIN)/python benchmarks/cell_soak.py
	$(BIN)/python benchmarks/board_soak.py

zoo: $(SETUP)
	$(BIN)/python benchmarks/model_zoo.py

train: $(SETUP)
	$(BIN)/edgeeeg train --data bonn --root "$(DATA)/bonn" --out runs/weights
	@echo "To ship them: cp runs/weights/*.safetensors edgeeeg/models/weights/"

$(SETUP): pyproject.toml constraints.txt scripts/system_packages.sh
	sh scripts/system_packages.sh "$(PYTHON)"
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt torch
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	touch $@

clean:
	rm -rf $(VENV) runs build dist
