# Every target is one command that works in a fresh clone.
SHELL := /bin/bash
GO    ?= go
LINT  := $(GO) tool -modfile=tools/lint/go.mod

.DEFAULT_GOAL := help
.PHONY: help run build test short check format lint generate schema vulnerabilities console console-check console-test kube-tools conformance pictures fuzz bench bench-steps clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

run: ## Run the gateway with its embedded defaults: no file, no account, a simulated provider
	@$(GO) build -o dist/tollgate ./cmd/tollgate
	@exec dist/tollgate serve

build: ## Build ./dist/tollgate
	CGO_ENABLED=0 $(GO) build -trimpath -o dist/tollgate ./cmd/tollgate

test: ## Run every test: units, the whole program, the official SDKs, a real Kubernetes API, the console in a browser
	$(GO) test -timeout 30m $$($(GO) list ./... | grep -vE '/test/(sdk|kube)$$')
	@# With -v, so that a language that this machine lacks is seen to be skipped, and why.
	$(GO) test -v -count=1 ./test/sdk
	cd tools/helm && $(GO) test ./...
	@# So are the tests on Kubernetes where its programs are not there and cannot be built.
	@[ "$$TOLLGATE_KUBE" = off ] || $(MAKE) --no-print-directory kube-tools || true
	$(GO) test -v -count=1 -timeout 30m ./test/kube
	@$(MAKE) --no-print-directory console-test

short: ## Run the tests of the packages alone, without the whole program
	$(GO) test -short ./internal/... ./bench/...

check: format lint generate vulnerabilities console-check ## What CI checks beside the tests: format, vet, lint, generated files, vulnerabilities

format: ## Part of check: gofmt must have nothing to change
	@out=$$(gofmt -l $$(git ls-files '*.go')); if [ -n "$$out" ]; then echo "gofmt would change:"; echo "$$out"; exit 1; fi

lint: ## Part of check: go vet and the pinned staticcheck; exceptions stand in the code with their reason
	$(GO) vet ./...
	$(LINT) staticcheck ./...
	@# The program without Kubernetes builds, and has nothing of it.
	$(GO) vet -tags nokube ./cmd/tollgate ./internal/app ./internal/cli
	@! $(GO) list -deps -tags nokube ./cmd/tollgate | grep -E '^(sigs\.)?k8s\.io/'

generate: ## Part of check: generated files must be up to date
	$(GO) run ./cmd/tollgate config schema > docs/config.schema.json.new
	@cmp -s docs/config.schema.json docs/config.schema.json.new || { rm docs/config.schema.json.new; \
		echo "docs/config.schema.json is out of date: run 'make schema'"; exit 1; }
	@rm docs/config.schema.json.new
	@# docs/openapi.json is compared by a test of internal/adminapi.

schema: ## Write docs/config.schema.json from the configuration's types
	$(GO) run ./cmd/tollgate config schema > docs/config.schema.json

vulnerabilities: ## Part of check: needs the vulnerability database; says so where it cannot be reached
	@if curl -fsS -m 5 -o /dev/null https://vuln.go.dev/index/db.json 2>/dev/null; then $(LINT) govulncheck ./...; \
	else echo "vulnerability check skipped: vuln.go.dev cannot be reached from here"; fi

console: ## Build the console into internal/console/dist, where the program embeds it
	bash web/run.sh build

console-check: ## Part of check: types, lint and units of the console, and that its committed build is of this source
	bash web/run.sh check

console-test: ## Part of test: the console in a real browser, on the real program
	bash web/run.sh test

kube-tools: ## Build etcd, kube-apiserver, kube-controller-manager and kubectl into a cache, once, in about ten minutes
	@bash tools/kube/build.sh

conformance: ## Run the Gateway API's conformance suite and write docs/conformance
	bash test/conformance/run.sh

pictures: ## Take the pictures of the console that README and docs/console.md show
	bash web/run.sh shots

FUZZTIME ?= 20s
fuzz: ## Fuzz every parser for FUZZTIME (20s) each
	@set -e; for p in $$(grep -rlE '^func Fuzz' --include='*_test.go' internal | xargs -n1 dirname | sort -u); do \
		for f in $$(grep -hoE '^func Fuzz[A-Za-z0-9_]+' $$p/*_test.go | cut -c6-); do \
			echo "$$p $$f"; $(GO) test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1x ./$$p; done; done

bench: ## Measure the whole program beside a direct call and nginx, and write docs/benchmarks.md
	bash bench/install.sh
	$(GO) run ./bench -write docs/benchmarks

bench-steps: ## Measure the steps of a request, with allocations
	$(GO) test -run '^$$' -bench . -benchmem ./internal/...

clean: ## Remove what was built
	rm -rf dist .cache bench/out
