# The application on AWS: what SAM builds, deploys and deletes. Included by the Makefile.
SAM_VENV := .venv-sam
CHECKOV_VENV := .venv-checkov
SAM := SAM_CLI_TELEMETRY=0 $(SAM_VENV)/bin/sam
STACK ?= quantum-pipeline
FUNCTION ?= Prepare

.PHONY: build check-sizes validate scan deploy delete invoke build-SharedLayer build-PlottingLayer build-StrategyLayer

$(SAM_VENV)/.ready: requirements/sam.txt | setup
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(SAM_VENV)
	@$(UV) sync --quiet --require-hashes --python $(SAM_VENV)/bin/python requirements/sam.txt
	@touch $@

validate: $(SAM_VENV)/.ready  ## lint template.yaml
	@$(SAM) validate --lint

$(CHECKOV_VENV)/.ready: requirements/checkov.txt | setup
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(CHECKOV_VENV)
	@$(UV) sync --quiet --require-hashes --python $(CHECKOV_VENV)/bin/python requirements/checkov.txt
	@touch $@

scan: $(CHECKOV_VENV)/.ready  ## hold template.yaml to the checks of checkov, but for those with a reason beside them
	@$(CHECKOV_VENV)/bin/checkov --file template.yaml --framework cloudformation --skip-download --quiet --compact

build: $(SAM_VENV)/.ready  ## build the layers, and print how large each function is with them
	@$(SAM) build
	@$(BIN)/python scripts/check_sizes.py

check-sizes: build

deploy: build  ## put the stack into your AWS account; asks what it needs to know
	@$(SAM) deploy --guided --stack-name $(STACK)

delete: setup  ## cancel the stack's jobs, empty its buckets and remove it: make delete STACK=NAME
	@$(BIN)/python scripts/delete_stack.py $(STACK)

invoke: setup  ## one stage on its example event, here, without Docker: make invoke FUNCTION=Prepare [PACK=1]
	@$(BIN)/python scripts/invoke.py $(FUNCTION) $(if $(PACK),--pack)

# What `sam build` asks for. Versions and hashes are the lock's; wheels are those of Lambda, whatever machine this is.
LAYER = $(ARTIFACTS_DIR)/python
INTO_LAYER = $(UV) install --quiet --target "$(LAYER)" --require-hashes --constraint requirements/dev.txt \
  --python-version 3.12 --python-platform x86_64-manylinux_2_28 --only-binary :all:

build-SharedLayer: setup
	@$(INTO_LAYER) --group layer
	@cp -R src/quantum_pipeline hybrid_job "$(LAYER)"
	@cd "$(LAYER)/quantum_pipeline" && rm -rf $$("$(CURDIR)/$(BIN)/python" -c 'from quantum_pipeline.architecture import ON_THIS_MACHINE; print(*ON_THIS_MACHINE)')
	@$(TRIM_LAYER)

build-PlottingLayer: OWN = plotting-layer
build-StrategyLayer: OWN = strategy-layer
build-PlottingLayer build-StrategyLayer: setup  # without what the shared layer has
	@$(INTO_LAYER) --group $(OWN) --excludes <($(UV) compile --quiet --no-header --no-annotate \
	  --constraint requirements/dev.txt --python-version 3.12 --group layer)
	@$(TRIM_LAYER)

TRIM_LAYER = find "$(LAYER)" -type d '(' -name __pycache__ -o -name tests ')' -prune -exec rm -rf {} +
