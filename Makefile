# A thin front for meson. What is missing is installed first (tools/setup.sh), told in one line each.

PREFIX ?= /usr/local
DESTDIR ?=
JOBS ?= $(shell nproc)
RELEASE := build/release

.PHONY: build run test test-long bench install deb asan tsan format lint clean

build:
	@tools/setup.sh build
	@tools/configure.sh $(RELEASE) --prefix=$(PREFIX)
	@ninja -C $(RELEASE) -j $(JOBS) --quiet src/app/pombo bench/load
	@ln -sf release/src/app/pombo build/pombo
	@echo "build/pombo is ready"

run: build
	@exec tools/run.sh

test:
	@tools/setup.sh test
	@exec tools/test.sh

test-long:
	@tools/setup.sh test
	@exec tools/test-long.sh

bench: build
	@tools/setup.sh bench
	@ninja -C $(RELEASE) -j $(JOBS) --quiet bench-programs
	@exec bench/run.sh

install: build
	@DESTDIR=$(DESTDIR) meson install -C $(RELEASE) --no-rebuild

deb: build
	@exec tools/deb.sh

asan:
	@tools/setup.sh test
	@tools/configure.sh build/asan -Db_sanitize=address,undefined -Db_lundef=false -Dfaults=true -Dtests=enabled
	@ninja -C build/asan -j $(JOBS) --quiet

tsan:
	@tools/setup.sh test
	@tools/configure.sh build/tsan -Db_sanitize=thread -Db_lundef=false -Dfaults=true -Dtests=enabled
	@ninja -C build/tsan -j $(JOBS) --quiet

format:
	@tools/format.sh

lint:
	@tools/setup.sh test
	@tools/lint.sh

clean:
	@rm -rf build
