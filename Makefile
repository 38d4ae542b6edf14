# SPDX-License-Identifier: Apache-2.0

.PHONY: build test test-vm demo bench lint clean

build:
	scripts/install-tools build
	swift build -c release --explicit-target-dependency-import-check error

test:
	scripts/install-tools
	scripts/lint
	scripts/check-targets
	scripts/check-cutoffs
	scripts/make-board-vectors --check
	scripts/check-unit
	scripts/test-scripts
	swift test -c release --disable-xctest
	scripts/test-varlink
	scripts/test-quality
	scripts/test-vm
	scripts/test-sanitizers

test-vm: build
	scripts/test-vm

demo: build
	scripts/demo

bench: build
	scripts/bench

lint:
	scripts/install-tools quality
	scripts/lint

clean:
	rm -rf .build .build-tsan .build-asan .venv
