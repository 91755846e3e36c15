# Targets with a comment behind ## are listed by `make help`.

GO      ?= go
BIN     := bin/bgmd
TAGS    ?= $(shell scripts/backend.sh 2>/dev/null)
LINT    := golangci-lint
PYTHON  ?= /usr/bin/python3

.DEFAULT_GOAL := help
.PHONY: help quickstart build test race cover lint bench bench-peers data clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

quickstart: ## install OpenBLAS if possible, build, and train on the embedded set
	@scripts/backend.sh --install >/dev/null
	@$(MAKE) --no-print-directory build
	$(BIN) run --config configs/quickstart.yaml --out runs/$$(date +%Y-%m-%d-%H%M%S)

build: ## build bin/bgmd, with OpenBLAS where it is installed
	$(GO) build -buildvcs=auto -tags '$(TAGS)' -o $(BIN) ./cmd/bgmd

test: ## run all tests: no network, no data set
	$(GO) test ./...

race: ## run all tests under the race detector
	$(GO) test -race ./...

cover: ## run all tests and print the coverage of pkg/
	$(GO) test -coverpkg=./pkg/... -coverprofile=coverage.out ./...
	@$(GO) tool cover -func=coverage.out | tail -1

lint: ## check style, shell scripts and the walls between packages
	$(LINT) run
	shellcheck scripts/*.sh .ci/run

bench: build ## time a step's gradients and every rule on this machine
	$(BIN) bench step --clients 32 --batch 64
	$(BIN) bench step --clients 32 --batch 16
	$(BIN) bench agg

bench-peers: build ## the same, and aggregation, beside PyTorch and NumPy (Debian: python3-torch, python3-numpy)
	$(PYTHON) scripts/bench_peers.py step --clients 32 --batch 64 --bgmd $(BIN)
	$(PYTHON) scripts/bench_peers.py step --clients 32 --batch 16 --bgmd $(BIN)
	$(PYTHON) scripts/bench_peers.py agg --bgmd $(BIN)

data: ## download Fashion-MNIST into data/
	scripts/download_datasets.sh fashion-mnist

clean: ## remove what was built; records in runs/ stay
	rm -rf bin coverage.out
