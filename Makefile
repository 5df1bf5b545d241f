# Two commands do all the set-up: `make demo` and `make test` install what is
# missing (Debian, Ubuntu, Homebrew) and then run.

GO ?= go

# Homebrew keeps libjpeg-turbo where no compiler looks for it.
BREW_JPEG := $(shell command -v brew >/dev/null 2>&1 && brew --prefix jpeg-turbo 2>/dev/null)
ifneq ($(BREW_JPEG),)
export CPPFLAGS := $(CPPFLAGS) -I$(BREW_JPEG)/include
export CGO_CFLAGS := $(CGO_CFLAGS) -I$(BREW_JPEG)/include
export CGO_LDFLAGS := $(CGO_LDFLAGS) -L$(BREW_JPEG)/lib
endif

# Packages that must work without a C compiler.
PURE := ./codestream/... ./jp2/... ./internal/codeblock/... ./internal/tier1/... ./internal/ht/... \
	./internal/synthesis/... ./internal/raster/... ./internal/corpus/... ./internal/testimg/...

# Packages with C of our own or of others, which the sanitizers look at.
INC := ./internal/openjpeg/... ./internal/tier1/... ./internal/ht/... ./internal/synthesis/...

# A fuzz target runs for this long, or so many times ("200x").
FUZZTIME ?= 10s

.PHONY: help
help: ## say what there is to make
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

.PHONY: demo
demo: ## cut a JPEG tile out of the sample image and say what it cost
	@mkdir -p out
	@.ci/install have || .ci/install build || true
	@if .ci/install have; then $(GO) build -o bin/crop ./examples/crop; else \
		echo "Building in Go alone, which decodes several times slower: see above for what to install."; \
		CGO_ENABLED=0 $(GO) build -o bin/crop ./examples/crop; fi
	@examples/demo.sh bin/crop examples/testdata/sample.jp2 out/demo.jpg

# The viewer comes from npm, in the version that the lock file names, and is
# embedded. Where there is no npm, the server runs without it.
VIEWER := examples/serve/viewer/openseadragon
$(VIEWER)/openseadragon.min.js: examples/serve/package-lock.json
	@command -v npm >/dev/null || { echo "npm is missing: the page will have no viewer"; exit 0; }; \
	set -ex; (cd examples/serve && npm ci --no-audit --no-fund); mkdir -p $(VIEWER); \
	cd examples/serve/node_modules/openseadragon; \
	cp -R LICENSE.txt build/openseadragon/openseadragon.min.js build/openseadragon/images ../../viewer/openseadragon/; \
	touch ../../viewer/openseadragon/openseadragon.min.js

.PHONY: viewer
viewer: $(VIEWER)/openseadragon.min.js

.PHONY: demo-serve
demo-serve: deps $(VIEWER)/openseadragon.min.js ## serve the sample image and a viewer at http://localhost:8080/
	@$(GO) build -o bin/serve ./examples/serve
	@bin/serve -addr localhost:8080 -dir examples/testdata

.PHONY: test
test: testdeps ## run every test
	$(GO) test ./...

.PHONY: check
check: vet tidy staticcheck benchmarks pure ports race asan ## all that CI does after the tests

.PHONY: vet
vet:
	@files=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$files" || { echo "gofmt -w" $$files; exit 1; }
	$(GO) vet ./...
	@d=$$($(GO) fix -diff ./... 2>/dev/null); test -z "$$d" || { echo "$$d"; echo "go fix ./..."; exit 1; }

.PHONY: tidy
tidy:
	@.ci/tidy

# The benchmarks are a module of their own.
.PHONY: benchmarks
benchmarks: testdeps
	cd bench && $(GO) vet ./... && $(GO) build ./... && $(GO) test -short ./...

.PHONY: staticcheck
staticcheck:
	$(GO) tool staticcheck ./...
	tool=$$($(GO) tool -n staticcheck) && cd bench && $$tool ./...

# The race detector slows everything tenfold: long tests shorten themselves, and
# packages that start no goroutine are left out.
SEQUENTIAL := stria$$ /internal/raster /internal/icc /internal/corpus /internal/testimg

.PHONY: race
race: testdeps
	$(GO) test -race -short -cpu=1,4 $$($(GO) list ./... | grep -v $(SEQUENTIAL:%=-e '%'))

# What C does to memory that is not its own, where the address sanitizer works.
.PHONY: asan
asan: testdeps
	@if [ "$$($(GO) env GOOS)" = linux ]; then \
		set -x; $(GO) test -asan -short $(INC); \
	fi

.PHONY: pure
pure:
	CGO_ENABLED=0 $(GO) build ./...
	CGO_ENABLED=0 $(GO) test -short $(PURE) ./tile/... ./encode/...

# int is 32 bits on one of these, and alignment and contraction of floating
# point differ on the other. Where 386 programs run, its tests do.
.PHONY: ports
ports:
	CGO_ENABLED=0 GOARCH=arm64 $(GO) vet $(PURE)
	@if CGO_ENABLED=0 GOARCH=386 $(GO) test -count=1 -run '^$$' . >/dev/null 2>&1; then \
		set -x; CGO_ENABLED=0 GOARCH=386 $(GO) test -short $(PURE); \
	else \
		set -x; CGO_ENABLED=0 GOARCH=386 $(GO) vet $(PURE); \
	fi

.PHONY: fuzz
fuzz: testdeps ## run every fuzz target for FUZZTIME (10s, or 200x)
	@.ci/fuzz $(FUZZTIME)

.PHONY: bench
bench: testdeps ## run the benchmarks, and say how to get the figures
	$(GO) test -run '^$$' -bench . -benchmem ./...
	@echo "beside OpenJPEG, on images of 35 and 201 megapixels: cd bench && $(GO) run ./figures"
	@echo "the server under load:                              cd bench && $(GO) run ./serve"

.PHONY: sample
sample: testdeps ## draw and compress examples/testdata/sample.jp2 again
	$(GO) run ./internal/testimg/sample examples/testdata/sample.jp2

.PHONY: deps
deps: ## install the C libraries
	@.ci/install build

.PHONY: testdeps
testdeps: ## install what tests compare with, too
	@.ci/install test

.PHONY: clean
clean: ## remove what the other targets left
	rm -rf bin out
