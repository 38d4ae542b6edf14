# SPDX-License-Identifier: Apache-2.0

# For "make install"; see scripts/install.
PREFIX ?= /usr/local
DESTDIR ?=
export PREFIX DESTDIR

.PHONY: build test test-vm demo bench lint package install uninstall deb test-deb clean

build:
	scripts/install-tools build
	swift build -c release --explicit-target-dependency-import-check error

test:
	scripts/install-tools
	scripts/lint
	scripts/check-targets
	scripts/check-cutoffs
	scripts/check-version
	scripts/make-board-vectors --check
	scripts/check-unit
	scripts/check-journal
	scripts/test-scripts
	swift test -c release --disable-xctest
	scripts/check-manuals
	scripts/test-varlink
	scripts/test-metrics
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

package:
	scripts/install-tools build package
	scripts/build-package

# Builds nothing, so that it can be run as root: "make package" comes before.
install:
	scripts/install

uninstall:
	scripts/install --remove

deb:
	scripts/install-tools build package
	scripts/make-deb

test-deb: build deb
	scripts/install-tools machine
	scripts/test-deb
	scripts/test-vm --package dist/metrngd_*.deb

clean:
	rm -rf dist .tools .build .build-package .build-tsan .build-asan .venv
