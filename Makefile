# SPDX-License-Identifier: Apache-2.0

# For "make install"; see scripts/package/install.
PREFIX ?= /usr/local
DESTDIR ?=
export PREFIX DESTDIR

.PHONY: build test test-vm demo bench lint package install uninstall deb test-deb clean

build:
	scripts/setup build
	swift build -c release --explicit-target-dependency-import-check error

test:
	scripts/setup
	scripts/check lint
	scripts/check targets
	scripts/check cutoffs
	scripts/check version
	scripts/make-board-vectors --check
	scripts/check unit
	scripts/check journal
	scripts/test-scripts
	swift test -c release --disable-xctest
	scripts/check manuals
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
	scripts/setup quality
	scripts/check lint

package:
	scripts/setup build package
	scripts/package/build

# Builds nothing, so that it can be run as root: "make package" comes before.
install:
	scripts/package/install

uninstall:
	scripts/package/install --remove

deb:
	scripts/setup build package
	scripts/package/deb

test-deb: build deb
	scripts/setup machine
	scripts/package/test
	scripts/test-vm --package dist/metrngd_*.deb

clean:
	rm -rf dist .tools .build .build-package .build-tsan .build-asan .venv
