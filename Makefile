# SPDX-License-Identifier: GPL-2.0
# The front door; the work is done by scripts/. The kernel's build system does
# not read this file but Kbuild.

# Only for `modules': a kernel build tree to build for, with the host's tools.
KDIR ?=
# For `modules', `test', `test-debug' and `clippy': the series of the kernel, of
# those that scripts/series prints, instead of the first of these.
SERIES ?=
# For `test' and `test-debug': which selftests (patterns), for example
# TESTS='flush_01 errseq_*'; and which of them under kmemleak.
export TESTS LEAK_TESTS
# For `test-debug': 1 for the kernel that catches data races.
KCSAN ?=
# For `install': a directory that stands for /, where modules and modprobe's files
# are, and 0 to install the module with its debug sections.
DESTDIR ?=
MODULES_DIR ?= /lib/modules
MODPROBE_DIR ?= /etc/modprobe.d
INSTALL_MOD_STRIP ?= 1
# For `crashtest': at how many points.
export CRASH_POINTS SEED
# For `bench': 1 for the cases with targets only; and more options of its.
QUICK ?=
BENCHFLAGS ?=

series = $(if $(SERIES),--series '$(SERIES)')

.DEFAULT_GOAL := modules
.PHONY: modules install uninstall demo test test-debug crashtest bench vm clippy fmt fmtcheck \
	check doc rust-analyzer clean help

modules:
	@scripts/modules $(if $(KDIR),--kdir '$(KDIR)',$(series))

INSTALL = scripts/install --destdir '$(DESTDIR)' --modules-dir '$(MODULES_DIR)' \
	--modprobe-dir '$(MODPROBE_DIR)'
install:
	@$(INSTALL) $(if $(filter-out 0,$(INSTALL_MOD_STRIP)),--strip)

uninstall:
	@$(INSTALL) --uninstall

demo:
	@scripts/demo

test:
	@scripts/test $(series)

test-debug:
	@scripts/test --kernel $(if $(filter-out 0,$(KCSAN)),kcsan,debug) $(series)

crashtest:
	@scripts/crashtest

bench:
	@scripts/bench $(if $(filter-out 0,$(QUICK)),--quick) $(BENCHFLAGS)

vm:
	@scripts/vm

clippy:
	@scripts/clippy $(series)

fmt:
	@scripts/format

fmtcheck:
	@scripts/format --check

check:
	@scripts/check

doc:
	@scripts/doc

rust-analyzer:
	@scripts/modules --rust-analyzer

clean:
	rm -rf build rust/logic/target rust-project.json

help:
	@echo 'modules        build build/rloop.ko for the stock kernel [KDIR=<kernel tree>] [SERIES=X.Y]'
	@echo 'install        build/rloop.ko in the place of the C driver, as root [DESTDIR=…] [INSTALL_MOD_STRIP=0]'
	@echo 'uninstall      the C driver again'
	@echo 'demo           from nothing to a mounted, verified loop device in a VM'
	@echo "test           all tests on the stock kernel [TESTS='flush_01 errseq_*'] [SERIES=X.Y]"
	@echo 'test-debug     the same selftests on a debug kernel [KCSAN=1] [LEAK_TESTS=…] [SERIES=X.Y]'
	@echo 'crashtest      cut the power 5000 times [CRASH_POINTS=N] [SEED=N]'
	@echo 'bench          measure against the C driver and the raw file [QUICK=1] [BENCHFLAGS=…]'
	@echo 'vm             a shell in a VM with rloop loaded'
	@echo 'clippy         lint the Rust code; warnings are failures'
	@echo 'fmt, fmtcheck  format the Rust code, or check that it is formatted'
	@echo 'check          shellcheck, dependency direction, unsafe fence'
	@echo 'doc            build/doc: documentation of the sources'
	@echo 'rust-analyzer  rust-project.json for editors'
	@echo 'clean          remove build/ (the cache with build root and kernels stays)'
