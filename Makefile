# Targets with a comment behind ## are listed by `make help`.

GO      ?= go
BIN     ?= bin/bgmd
LINT    := golangci-lint
PYTHON  ?= /usr/bin/python3

, := ,

# What `make reproduce-*` does. FULL=1 is the paper's size.
PROFILE ?= author-code
EPOCHS  ?= $(if $(FULL),50,10)
SEEDS   ?= $(if $(FULL),1$(,)2$(,)3$(,)4$(,)5,1)
JOBS    ?= 1
ONLY    ?= *
OUT     ?= results/reproduced

# How long each of `make torture`'s three campaigns takes.
FOR ?= 5m

.DEFAULT_GOAL := help
.PHONY: help quickstart build build-gpu test test-gpu race torture cover lint bench bench-peers data data-mnist data-cifar-10 clean \
	reproduce-table2 reproduce-table3 reproduce-figures evidence

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

quickstart: ## build, and train on the embedded set
	@$(MAKE) --no-print-directory build
	$(BIN) run --config configs/quickstart.yaml --out runs/$$(date +%Y-%m-%d-%H%M%S)

build: ## build bin/bgmd
	CGO_ENABLED=0 $(GO) build -buildvcs=auto -o $(BIN) ./cmd/bgmd

build-gpu: ## build bin/bgmd for NVIDIA GPUs, too: needs the driver alone
	CGO_ENABLED=0 $(GO) build -buildvcs=auto -tags gpu -ldflags='-s -w' -o $(BIN) ./cmd/bgmd

test: ## run all tests: no network, no data set
	$(GO) test ./...

test-gpu: ## run all tests of the GPU build, on an emulator of the driver (needs g++, or clang++-19, which is faster)
	$(GO) test -tags gpu ./...

race: ## run all but the largest tests under the race detector
	$(GO) test -race -short ./...

torture: build ## kill runs, damage records and poison gradients on purpose (FOR, a campaign; minutes)
	$(GO) run ./internal/torture --for $(FOR) --bgmd $(BIN)

cover: ## run all tests and print the coverage of pkg/
	$(GO) test -coverpkg=./pkg/... -coverprofile=coverage.out ./...
	@$(GO) tool cover -func=coverage.out | tail -1

lint: ## check style, shell scripts and the walls between packages
	$(LINT) run
	$(LINT) run --build-tags gpu
	shellcheck scripts/*.sh .ci/run

bench: build ## time a step's gradients and every rule on this machine
	$(BIN) bench step --clients 32 --batch 64
	$(BIN) bench step --clients 32 --batch 16
	$(BIN) bench agg

bench-peers: build ## the same, and aggregation, beside PyTorch and NumPy (Debian: python3-torch, python3-numpy, libopenblas0-pthread)
	$(PYTHON) scripts/bench_peers.py step --clients 32 --batch 64 --bgmd $(BIN)
	$(PYTHON) scripts/bench_peers.py step --clients 32 --batch 16 --bgmd $(BIN)
	$(PYTHON) scripts/bench_peers.py step --model mlp --clients 32 --batch 64 --bgmd $(BIN)
	$(PYTHON) scripts/bench_peers.py step --model resnet18 --clients 10 --batch 128 --rounds 3 --steps 3 --bgmd $(BIN)
	$(PYTHON) scripts/bench_peers.py agg --bgmd $(BIN)
	$(PYTHON) scripts/bench_peers.py gemm --bgmd $(BIN)

data: build ## download Fashion-MNIST into data/
	$(BIN) data get fashion-mnist

data-mnist: build ## download MNIST into data/
	$(BIN) data get mnist

data-cifar-10: build ## download CIFAR-10 into data/
	$(BIN) data get cifar-10

# $(call sweep,GRID,FOLDER,PATTERNS) trains what is not trained yet.
sweep = $(BIN) sweep --config $(1) --out $(OUT)/$(2) --only '$(3)' --estimate \
	--set profile=$(PROFILE) --set epochs=$(EPOCHS) --seeds $(SEEDS) --jobs $(JOBS)

reproduce-table2: data build ## train Table 2's Fashion-MNIST block and set it beside the paper's (EPOCHS, SEEDS, JOBS, PROFILE, ONLY, FULL=1)
	@status=0; $(call sweep,configs/table2/fashion-mnist.yaml,table2/fashion-mnist,$(ONLY)) || status=$$?; \
	$(BIN) table table2 --results $(OUT) --profile $(PROFILE) --format markdown --out $(OUT)/table2.md && \
	$(BIN) table table2 --results $(OUT) --profile $(PROFILE) && \
	echo && echo "$(OUT)/table2.md"; exit $$status

# Table 3's runs have 10 epochs, FULL=1 or not.
reproduce-table3: EPOCHS = 10
reproduce-table3: data-mnist build ## the same for Table 3, MNIST: LeNet, and the paper's MLP in profile paper
	@status=0; $(call sweep,configs/table3/mnist-lenet.yaml,table3/mnist-lenet,$(ONLY)) || status=$$?; \
	$(call sweep,configs/table3/mnist-mlp.yaml,table3/mnist-mlp,$(ONLY)) --set profile=paper || status=$$?; \
	$(BIN) table table3 --results $(OUT) --profile $(PROFILE) --format markdown --out $(OUT)/table3.md && \
	$(BIN) table table3 --results $(OUT) --profile paper --format markdown --out $(OUT)/table3-mlp.md && \
	$(BIN) table table3 --results $(OUT) --profile $(PROFILE) && $(BIN) table table3 --results $(OUT) --profile paper && \
	echo && echo "$(OUT)/table3.md"; exit $$status

reproduce-figures: data build ## train what the paper's figures need, and draw them
	$(call sweep,configs/table2/fashion-mnist.yaml,table2/fashion-mnist,clean-*$(,)bitflip*$(,)impulse*$(,)backdoor*)
	$(call sweep,configs/figures/fig1.yaml,figures/fig1,*)
	mkdir -p $(OUT)/figures
	for f in fig1a fig1b fig2 fig3 fig4 fig1c fig5; do \
		$(BIN) plot $$f --results $(OUT) --profile $(PROFILE) --out $(OUT)/figures/$$f.png || exit 1; done

evidence: build ## train what results/ lacks, for days; stop it and go on at any point
	scripts/evidence.sh

clean: ## remove what was built; records in runs/ stay
	rm -rf bin coverage.out
