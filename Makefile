# SPDX-License-Identifier: Apache-2.0

# For "make install"; see scripts/package/install.
PREFIX ?= /usr/local
DESTDIR ?=
export PREFIX DESTDIR

# One target for each occasion:
#   make check    while writing: form, static checks and the quick tests, in one debug build
#   make test     before a push: everything that needs no virtual machine and no container
#   make verify   the rest: package, virtual machine, sanitizers, quality of bits, simulation, fuzzing
# Each installs what it needs and the machine lacks, and says so; "make setup" installs everything.
# "make check ROOM=Control" tests one room of Sources/ and what uses it.
.PHONY: setup build check check-static check-swift test test-swift test-others verify test-vm test-egd test-deb demo bench lint \
	package install uninstall deb test-python clean

setup:
	scripts/setup

build:
	scripts/setup build
	swift build -c release --explicit-target-dependency-import-check error

# Two things at once: each prints its output when it ends.
side-by-side = @$(MAKE) --jobs=2 --output-sync=target --keep-going --no-print-directory

check:
	scripts/setup build quality package
	$(side-by-side) check-static check-swift
	METRNG_BUILD=.build/debug scripts/check manuals
	METRNG_BUILD=.build/debug scripts/check tutorial

check-static:
	scripts/check --without manuals tutorial

check-swift:
	scripts/test-swift --quick $(if $(ROOM),--room $(ROOM))

test:
	scripts/setup build quality python package metrics
	swift build -c release --build-tests --disable-xctest --explicit-target-dependency-import-check error
	$(side-by-side) test-swift test-others

test-swift:
	scripts/test-swift --configuration release

# What is no Swift test. The programs are built.
test-others:
	scripts/check
	scripts/test-scripts
	scripts/test-libmetrng
	scripts/test-examples
	scripts/test-varlink
	scripts/test-metrics

verify: test-vm test-egd test-deb test-python
	scripts/setup python
	scripts/test-libmetrng --slow
	scripts/test-quality
	scripts/simulate --seeds 2000
	scripts/fuzz --seconds 30
	scripts/test-sanitizers

test-vm: build
	scripts/test-vm

test-egd: build
	scripts/test-egd

test-deb: build deb
	scripts/setup machine
	scripts/package/test
	scripts/test-vm --package dist/metrngd_*.deb

test-python: build
	scripts/setup python
	scripts/test-python

demo:
	scripts/setup build
	swift build -c release --product metrngd --explicit-target-dependency-import-check error
	swift build -c release --product mectl --explicit-target-dependency-import-check error
	swift build -c release --product mediffuse --explicit-target-dependency-import-check error
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

clean:
	rm -rf dist .tools .build .build-package .build-tsan .build-asan .venv .venv-python .venv-numpy1 \
		python/build python/libmetrng
