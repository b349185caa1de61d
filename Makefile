# SPDX-License-Identifier: GPL-2.0-or-later
# schedkit: one non-recursive makefile.
#
#   make               the programs, under build/
#   make deps          install what is missing (Debian 12 and 13)
#   make demo          the main job, end to end, in a guest
#   make check         lint, unit, san, mcp, guest; of cli what san skips
#     check-lint         form, include rules, libraries, manual, options
#     check-unit         C tests of the rooms
#     check-cli          tests of the programs
#     check-san          both again with ASan and UBSan
#     check-mcp          the MCP server with the protocol's official clients
#     check-guest        tests that boot a guest
#     check-guests       those that take long: the loop, bisect, the tutorial, ...
#     check-kernels      every guest kernel on every machine: KERNELS=,
#                        TOPOLOGIES=; then "make kernels-table"
#     check-deploy       the services; who holds a policy dies, TRIALS=100 times
#     check-faults       whatever breaks meanwhile: CUTS=10, EVERY=1
#     check-errors       every system call fails once: ERRORS=16, EVERY=1
#     check-breaker      how soon a guard is rid of one, TRIALS=100
#     check-package      the package: built, installed, upgraded, purged
#     check-foreign      Debian 12 and 13 made fresh: hours; CASES="no-kvm locale"
#     check-canary       does the canary catch what is worse? KINDS=: 20 minutes
#     check-executor     candidates on the nodes of Slurm, and over ssh
#   make bench         figures against named peers, within an hour
#     bench-suite        the workload suite: rules, random search, the loop
#     bench-learned-suite  a learned policy beside the best set by hand
#     bench-loop-null    does the loop believe in noise?
#     bench-loop-twice   does it need less the second time?
#     bench-all          all of them, half a day
#   make fuzz          FUZZ_SECONDS=120 for each fuzzer
#   make coverage      lines, branches of lib and agents that tests run; SUITES=
#   make mutation      do tests notice another operator?  MUTANTS=200
#   make crash         CRASHES=10000 times kill -9 over the journal
#   make crash-loop    CRASHES=50 times kill -9 of a part of the loop
#   make soak          a day in SOAK_SECONDS=3600: does anything grow? SEED=
#   make html          the manual for a browser, in build/manual/html
#   make pdf           and for paper, in build/manual/pdf
#   make install       DESTDIR= PREFIX=
#   make deb           the Debian package, in build/deb
#
# V=1 shows the commands; SAN=1 builds with ASan and UBSan under build/san.

SAN     ?=
BUILD   ?= build$(if $(SAN),/san)
PREFIX  ?= /usr/local
BINDIR  ?= $(PREFIX)/bin
LIBDIR  ?= $(PREFIX)/lib/schedkit
LIBEXECDIR ?= $(PREFIX)/libexec/schedkit
MANDIR  ?= $(PREFIX)/share/man
COMPDIR ?= $(PREFIX)/share/bash-completion/completions
ZSHDIR  ?= $(PREFIX)/share/zsh/site-functions
DOCDIR  ?= $(PREFIX)/share/doc/schedkit
UNITDIR ?= $(PREFIX)/lib/systemd/user
SYSUNITDIR ?= $(PREFIX)/lib/systemd/system
TMPFILESDIR ?= $(PREFIX)/lib/tmpfiles.d
SYSUSERSDIR ?= $(PREFIX)/lib/sysusers.d

CC        ?= cc
BPF_CLANG ?= $(firstword $(foreach v,16 17 18 19 20 21,\
	$(shell command -v clang-$(v) 2>/dev/null)) clang)
PKG_CONFIG ?= pkg-config
FUZZ_SECONDS ?= 120
CRASHES ?= 10000
# What check-kernels fetches and boots: series, by default all there are, and
# machines of tests/kernels/topologies.txt.
KERNELS ?=
TOPOLOGIES ?=

ifeq ($(V),1)
Q :=
say := @:
else
Q := @
say = @printf '  %-8s %s\n'
endif

.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:
.DEFAULT_GOAL := all

# ---- flags ------------------------------------------------------------

PKGS := libbpf libelf libcjson libgit2 libsodium libcurl libseccomp readline \
	libmicrohttpd zlib
PKG_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(PKGS) 2>/dev/null)
PKG_LIBS   := $(shell $(PKG_CONFIG) --libs $(PKGS) 2>/dev/null)

comma  := ,
CFLAGS ?= -O2 -g
WARN := -Wall -Wextra -Wshadow -Wvla -Wundef -Wwrite-strings \
	-Wmissing-prototypes -Wstrict-prototypes -Wformat=2 \
	-Wno-format-nonliteral
HARDEN := -fstack-protector-strong -fstack-clash-protection -fPIE \
	$(if $(SAN),,-D_FORTIFY_SOURCE=2)
SANFLAGS ?= $(if $(SAN),-fsanitize=address$(comma)undefined \
	-fno-sanitize-recover=undefined -fno-omit-frame-pointer)
ALL_CFLAGS = -std=gnu11 -D_GNU_SOURCE -MMD -MP -Ilib -I. $(PKG_CFLAGS) \
	$(WARN) $(HARDEN) $(SANFLAGS) $(CFLAGS)
ALL_LDFLAGS = -pie -Wl,-z,relro,-z,now -Wl,--as-needed $(SANFLAGS) $(LDFLAGS)
LDLIBS = $(PKG_LIBS) -lm

ARCH := $(patsubst aarch64,arm64,$(patsubst x86_64,x86,$(shell uname -m)))
BPF_CFLAGS := -std=gnu11 -g -O2 -target bpf -mcpu=v3 -MMD -MP \
	-D__TARGET_ARCH_$(ARCH) -Wall -Wextra -Wno-unused-parameter \
	-Wno-missing-declarations -I. -Ibpf $(PKG_CFLAGS)

# ---- what there is ----------------------------------------------------

LIB_SRC    := $(wildcard lib/*/*.c agents/*/*.c) $(COVERAGE_SRC)
LIB_OBJ    := $(LIB_SRC:%.c=$(BUILD)/obj/%.o)
ARCHIVE    := $(BUILD)/obj/schedkit.a
BIN        := $(patsubst cmd/%.c,$(BUILD)/bin/%,$(wildcard cmd/sched*.c))
# Programs of several files: bin/sched-sim has cmd/sim-*.c, too.
PARTED     := agents demand deploy history intent loop mcp report rollout sim \
	synth verify
parts_of    = $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard cmd/$(1)-*.c))
LIBEXEC_C  := $(patsubst cmd/%.c,$(BUILD)/libexec/schedkit/%,\
	$(wildcard cmd/agent-*.c cmd/ask-*.c cmd/guest-*.c \
	cmd/hold-*.c cmd/load-*.c cmd/measure-*.c cmd/run-*.c cmd/set-*.c \
	cmd/repl.c))
LIBEXEC_SH := $(patsubst lib/target/%.sh,$(BUILD)/libexec/schedkit/%,\
	$(wildcard lib/target/*.sh))
LIBEXEC_SO := $(patsubst lib/target/preload/%.c,$(BUILD)/libexec/schedkit/%.so,\
	$(wildcard lib/target/preload/*.c))
BPF_OBJ    := $(patsubst bpf/%.c,$(BUILD)/lib/schedkit/%.o,\
	$(wildcard bpf/*.bpf.c))
# What the programs read; beside the objects.
DATA       := $(BUILD)/lib/schedkit/prices.json
# What a policy's code is compiled with on the user's machine: ours, and those
# of libbpf's that ours include.
BPF_LIB    := $(or $(shell $(PKG_CONFIG) --variable=includedir libbpf \
	2>/dev/null),/usr/include)/bpf
BPF_OURS   := hooks.h policy.bpf.c policy_task.bpf.h policy_hooks.bpf.h \
	policy_abi.h policy_preempt.bpf.h policy_intent.bpf.h intent.bpf.h \
	intent_abi.h policy_learned.bpf.h scx.bpf.h \
	kernel.bpf.h identity.bpf.h identity_abi.h beat.bpf.h
BPF_THEIRS := bpf_helpers.h bpf_helper_defs.h bpf_core_read.h bpf_tracing.h
BPF_TEXT   := $(addprefix $(BUILD)/lib/schedkit/bpf/,$(BPF_OURS))
BPF_TEXT_THEIRS := $(addprefix $(BUILD)/lib/schedkit/bpf/bpf/,$(BPF_THEIRS))
WORKLOADS  := $(patsubst tests/workloads/%.c,$(BUILD)/workloads/%,\
	$(wildcard tests/workloads/*.c))
EXTERNAL   := $(patsubst tests/external/%.c,$(BUILD)/external/%,\
	$(wildcard tests/external/scx_*.c))
# A program of several files, over the library.
MCP_FIXTURE := $(BUILD)/external/mcp-fixture
MCP_FIXTURE_OBJ := $(patsubst %.c,$(BUILD)/obj/%.o,\
	$(wildcard tests/external/mcp-*.c))
POLICIES   := $(patsubst tests/policies/%.c,$(BUILD)/policies/%.o,\
	$(wildcard tests/policies/*/*.bpf.c))
UNIT       := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,\
	$(wildcard tests/unit/test_*.c))
CRASH      := $(patsubst tests/crash/%.c,$(BUILD)/crash/%,\
	$(wildcard tests/crash/*.c))
CANARY     := $(patsubst tests/canary/%.c,$(BUILD)/canary/%,\
	$(wildcard tests/canary/*.c))
MODELS     := $(patsubst tests/models/%.c,$(BUILD)/models/%,\
	$(wildcard tests/models/*.c))
# What takes hours has a target of its own.
BENCH_LONG := suite learned-suite loop-null loop-twice
BENCH      := $(patsubst tests/bench/%.c,$(BUILD)/bench/%,\
	$(wildcard tests/bench/*.c))
FUZZERS    := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzzers/%,\
	$(wildcard tests/fuzz/fuzz_*.c))
PROMPTS    := $(addprefix $(BUILD)/lib/schedkit/,$(wildcard \
	prompts/*.md prompts/reference/*.md prompts/schemas/*.json))
PAGES      := $(wildcard man/*.[157])
# The manual for a browser and for paper, where there is mandoc.
MANDOC     := $(shell command -v mandoc 2>/dev/null)
HTMLDIR    := $(BUILD)/manual/html
HTML       := $(addprefix $(HTMLDIR)/,index.html manual.css \
	$(patsubst man/%,%.html,$(PAGES)))
PDFDIR     := $(BUILD)/manual/pdf
# Of a user's service manager, and of the system's.
UNITS      := $(wildcard systemd/sched-*)
SYSUNITS   := $(wildcard systemd/system/*.service)
DROPIN     := schedkit-.service.d
DROPINS    := $(wildcard systemd/system/$(DROPIN)/*.conf)
TMPFILES   := $(wildcard systemd/tmpfiles.d/*.conf)
SYSUSERS   := $(wildcard systemd/sysusers.d/*.conf)
# The same places below build/ as below a PREFIX.
MAN        := $(foreach p,$(PAGES),\
	$(BUILD)/share/man/man$(subst .,,$(suffix $(p)))/$(notdir $(p)))

# What sanitizers do not change is made once, for the plain build; with SAN=1 it
# is linked from there.
PLAIN      := $(if $(SAN),build,$(BUILD))
SHARED     := $(BPF_OBJ) $(POLICIES) $(WORKLOADS) $(EXTERNAL)

.PHONY: all tests
all: $(BIN) $(LIBEXEC_C) $(LIBEXEC_SH) $(LIBEXEC_SO) $(BPF_OBJ) $(BPF_TEXT) \
	$(BPF_TEXT_THEIRS) $(DATA) $(PROMPTS) $(WORKLOADS) $(MAN)
tests: all $(UNIT) $(POLICIES) $(EXTERNAL) $(MCP_FIXTURE) $(CRASH) $(MODELS) \
	$(BUILD)/suite/made

# ---- rules ------------------------------------------------------------

$(BUILD)/obj/%.o: %.c
	$(say) CC $<
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -c $< -o $@

$(ARCHIVE): $(LIB_OBJ)
	$(say) AR $@
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/bin/%: $(BUILD)/obj/cmd/%.o $(BUILD)/obj/cmd/cli.o $(ARCHIVE)
	$(say) LINK $@
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_LDFLAGS) $(filter %.o,$^) $(ARCHIVE) $(LDLIBS) -o $@

$(foreach p,$(PARTED),$(eval $(BUILD)/bin/sched-$(p): $(call parts_of,$(p))))
$(BUILD)/bin/sched: $(call parts_of,help)

$(LIBEXEC_C): $(BUILD)/libexec/schedkit/%: $(BUILD)/obj/cmd/%.o $(ARCHIVE)
	$(say) LINK $@
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_LDFLAGS) $(filter %.o,$^) $(ARCHIVE) $(LDLIBS) -o $@

$(addprefix $(BUILD)/libexec/schedkit/,agent-store ask-model repl): \
	$(BUILD)/obj/cmd/cli.o
$(BUILD)/libexec/schedkit/repl: $(call parts_of,repl)
# Not for all, because not all read JSON.
$(addprefix $(BUILD)/,bin/sched-demand bin/sched-deploy bin/sched-doctor \
	bin/sched-intent bin/sched-rollout bin/sched-train \
	libexec/schedkit/repl): $(BUILD)/obj/cmd/note.o
# Those that pass on what they read.
$(addprefix $(BUILD)/bin/,sched-history sched-synth sched-train): \
	$(BUILD)/obj/cmd/input.o
# Those whose workload is a command of their own line.
$(addprefix $(BUILD)/bin/,sched-loop sched-observe): \
	$(BUILD)/obj/cmd/workload.o
# Those that read what a model wrote.
$(addprefix $(BUILD)/bin/,sched-intent sched-synth): \
	$(BUILD)/obj/cmd/model-box.o

$(BUILD)/libexec/schedkit/%: lib/target/%.sh
	@mkdir -p $(@D)
	$(Q)install -m 755 $< $@

$(BUILD)/libexec/schedkit/%.so: lib/target/preload/%.c
	$(say) CC $@
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE -O2 -g -Wall -Wextra -fPIC -shared \
		-Wl,-z,relro,-z,now $< -o $@

$(PLAIN)/lib/schedkit/%.o: bpf/%.c
	$(say) BPF $@
	@mkdir -p $(@D)
	$(Q)$(BPF_CLANG) $(BPF_CFLAGS) -c $< -o $@

$(DATA): $(BUILD)/lib/schedkit/%: lib/llm/%
	@mkdir -p $(@D)
	$(Q)install -m 644 $< $@

$(BPF_TEXT): $(BUILD)/lib/schedkit/bpf/%: bpf/%
	@mkdir -p $(@D)
	$(Q)install -m 644 $< $@

$(BPF_TEXT_THEIRS): $(BUILD)/lib/schedkit/bpf/bpf/%: $(BPF_LIB)/%
	@mkdir -p $(@D)
	$(Q)install -m 644 $< $@

$(PLAIN)/policies/%.o: tests/policies/%.c
	$(say) BPF $@
	@mkdir -p $(@D)
	$(Q)$(BPF_CLANG) $(BPF_CFLAGS) -c $< -o $@

$(PLAIN)/workloads/%: tests/workloads/%.c
	$(say) CC $@
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE -O2 -g -Wall -Wextra -MMD -MP \
		$< -o $@ -pthread -lm

# What the suite's batches work on.
$(PLAIN)/suite/made: tests/workloads/suite/prepare $(PLAIN)/workloads/material \
		$(wildcard tests/workloads/suite/*.sh)
	$(say) DATA $@
	$(Q)$< $(PLAIN)

ifneq ($(PLAIN),$(BUILD))
$(SHARED): $(BUILD)/%: $(PLAIN)/%
	@mkdir -p $(@D)
	$(Q)ln -f $< $@ 2>/dev/null || cp -p $< $@

$(BUILD)/suite/made: $(PLAIN)/suite/made
	@mkdir -p $(BUILD)
	$(Q)rm -rf $(@D) && ln -s $(abspath $(<D)) $(@D)
endif

$(PLAIN)/external/%: tests/external/%.c
	$(say) CC $@
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE -O2 -g -Wall -Wextra -MMD -MP \
		$< -o $@ -lbpf

$(MCP_FIXTURE): $(MCP_FIXTURE_OBJ) $(ARCHIVE)
	$(say) LINK $@
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ $(LDLIBS) -o $@

$(BUILD)/tests/%: $(BUILD)/obj/tests/unit/%.o $(ARCHIVE)
	$(say) LINK $@
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ $(LDLIBS) -lcmocka -o $@

$(CRASH) $(CANARY) $(MODELS) $(BENCH): $(BUILD)/%: $(BUILD)/obj/tests/%.o \
		$(ARCHIVE)
	$(say) LINK $@
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ $(LDLIBS) -o $@

$(BUILD)/fuzzers/%: $(BUILD)/obj/tests/fuzz/%.o $(ARCHIVE)
	$(say) LINK $@
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_LDFLAGS) -fsanitize=fuzzer $^ $(LDLIBS) -o $@

$(BUILD)/lib/schedkit/prompts/%: prompts/%
	@mkdir -p $(@D)
	$(Q)install -m 644 $< $@

define man_rule
$(BUILD)/share/man/man$(1)/%: man/%
	@mkdir -p $$(@D)
	$$(Q)install -m 644 $$< $$@
endef
$(foreach s,1 5 7,$(eval $(call man_rule,$(s))))

# All pages at once: each has links to others.
.PHONY: html pdf
html: $(HTMLDIR)/index.html
pdf: $(PDFDIR)/schedkit.7.pdf

$(HTMLDIR)/index.html $(PDFDIR)/schedkit.7.pdf: $(PAGES) man/render man/manual.css
	$(say) MANUAL $(@D)
	$(Q)man/render $(notdir $(@D)) $(@D)

-include $(shell find $(BUILD) $(PLAIN) -name '*.d' 2>/dev/null | sort -u)

# ---- what is needed ---------------------------------------------------

.PHONY: deps
deps: $(BUILD)/libexec/schedkit/fetch-guest
	$(Q).ci/deps
	$(Q)$<
	$(Q)tests/mcp/fetch || echo 'deps: tests of the suite mcp will be skipped'

# deps may install what pkg-config was asked for above: whatever builds after
# it does so in a make of its own, on all CPUs unless told otherwise.
AGAIN = +$(Q)$(MAKE) --no-print-directory \
	$(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(shell nproc))

# ---- tests ------------------------------------------------------------

RUN := $(Q)tests/run

.PHONY: check check-all check-lint check-unit check-cli check-san \
	check-mcp check-guest check-guests check-kernels check-deploy check-faults \
	check-errors check-breaker check-package check-canary check-executor \
	check-foreign kernels-table
check: deps
	$(AGAIN) check-all

check-all: tests
	$(AGAIN) SAN=1 tests
	$(RUN) lint unit unit:build/san cli:build/san rest mcp guest

check-lint: tests
	$(RUN) lint

check-unit: tests
	$(RUN) unit

check-cli: tests
	$(RUN) cli

check-san:
	$(AGAIN) SAN=1 tests
	$(RUN) unit:build/san cli:build/san

check-mcp: tests
	$(Q)tests/mcp/fetch || :
	$(RUN) mcp

check-guest: tests
	$(RUN) guest

# What was as it should be is not run again; build/kernels has it.
check-kernels: tests
	$(Q)fetch=$(BUILD)/libexec/schedkit/fetch-guest; k="$(KERNELS)"; \
	[ -n "$$k" ] || k=$$($$fetch --list) || exit; \
	for s in $$k; do $$fetch $$s || exit; done; rc=0; \
	KERNELS=$$(echo $$k) TOPOLOGIES="$(TOPOLOGIES)" TEST_SECONDS=86400 \
		tests/run kernels || rc=$$?; tests/kernels/table; exit $$rc

# What check-kernels found out, into the manual.
kernels-table:
	$(Q)tests/kernels/table --into man/schedkit-kernels.7

check-guests: tests
	$(Q)$(BUILD)/libexec/schedkit/fetch-guest
	$(Q)TEST_SECONDS=3600 tests/run guests

check-deploy: tests
	$(Q)$(BUILD)/libexec/schedkit/fetch-guest
	$(Q)TEST_SECONDS=7200 tests/run deploy

# A program is killed between CUTS pairs of system calls; EVERY=1: all of them.
check-faults: tests
	$(Q)$(BUILD)/libexec/schedkit/fetch-guest
	$(Q)TEST_SECONDS=$(if $(EVERY),86400,7200) tests/run faults

# ERRORS of the system calls of each command are refused; EVERY=1: all of them.
check-errors: tests
	$(Q)TEST_SECONDS=$(if $(EVERY),86400,7200) tests/run \
		errors$(if $(SAN),:$(BUILD))

check-breaker: tests
	$(Q)$(BUILD)/libexec/schedkit/fetch-guest
	$(Q)TEST_SECONDS=7200 tests/run breaker

# It compiles all of it once more: an hour will do on a busy machine.
check-package: tests
	$(Q).ci/deps package
	$(Q)TEST_SECONDS=3600 tests/run package

# A Slurm and an sshd of its own, which end with it.
check-executor: tests
	$(Q).ci/deps executor
	$(Q)TEST_SECONDS=3600 tests/run executor

# Needs no build here; FOREIGN_CHECK=1: all tests on each of the systems.
check-foreign:
	$(Q).ci/deps foreign
	$(Q)TEST_SECONDS=86400 CASES="$(CASES)" tests/run foreign

# KINDS: which of tests/canary/kinds.txt, as a pattern of the shell's.
check-canary: tests $(CANARY)
	$(Q)$(BUILD)/libexec/schedkit/fetch-guest
	$(Q)TEST_SECONDS=3600 tests/run canary
	$(Q)BUILD=$(abspath $(BUILD)) tests/canary/run $(KINDS)

# libFuzzer is clang's; its objects go to a folder of their own.
.PHONY: fuzz fuzz-run
fuzz:
	$(AGAIN) fuzz-run BUILD=build/fuzz CC=$(BPF_CLANG) SANFLAGS="\
		-fsanitize=fuzzer-no-link$(comma)address$(comma)undefined \
		-fno-sanitize-recover=undefined -fno-omit-frame-pointer"

fuzz-run: $(FUZZERS)
	$(Q)FUZZ_SECONDS=$(FUZZ_SECONDS) tests/fuzz/run $^

# The counters are in files that are mapped: what is killed counts, too.  Those
# of guests come to the host by what only this build has.
COUNTERS = -fprofile-instr-generate=$(abspath build/cov)/profile/%m%c.profraw
COUNTED_WRAPS := mount_setattr inside_facts inside_new_root wire_pass
.PHONY: coverage
coverage:
	$(Q).ci/deps coverage
	$(AGAIN) BUILD=build/cov CC=$(BPF_CLANG) tests HARDEN=-fPIE \
		COVERAGE_SRC="$(wildcard tests/coverage/*.c)" \
		LDFLAGS="$(COUNTED_WRAPS:%=-Wl$(comma)--wrap=%)" \
		SANFLAGS="$(COUNTERS) -fcoverage-mapping \
		-mllvm -runtime-counter-relocation=true"
	$(Q)build/cov/libexec/schedkit/fetch-guest
	$(Q)LLVM=$(patsubst clang%,%,$(notdir $(BPF_CLANG))) \
		tests/coverage/run build/cov $(SUITES)

.PHONY: mutation
mutation: deps
	$(Q)BUILD=$(BUILD) tests/mutation/run

.PHONY: crash
crash: $(CRASH)
	$(Q)for c in $^; do $$c $(CRASHES) || exit; done

.PHONY: crash-loop
crash-loop: CRASHES = 50
crash-loop: all
	$(Q)BUILD=$(abspath $(BUILD)) tests/crash/loop $(CRASHES)

.PHONY: soak
soak: all
	$(Q)$(BUILD)/libexec/schedkit/fetch-guest
	$(Q)BUILD=$(abspath $(BUILD)) tests/soak/run

.PHONY: demo bench bench-all bench-tools bench-suite bench-learned-suite \
	bench-loop-null bench-loop-twice
demo: deps
	$(AGAIN) all
	$(Q)tests/demo/run

BENCH_SH := $(filter-out $(BENCH_LONG:%=tests/bench/%.sh),\
	$(wildcard tests/bench/*.sh))

bench: deps
	$(Q).ci/deps bench
	$(AGAIN) all bench-tools
	$(Q)for b in $(BENCH_SH); do $$b || exit; done
	$(Q)echo 'What takes hours: make $(BENCH_LONG:%=bench-%)'

# One after the other: they measure.
bench-all: bench
	$(AGAIN) $(BUILD)/suite/made
	$(Q)for b in $(BENCH_LONG); do tests/bench/$$b.sh || exit; done

bench-tools: $(BENCH) $(BUILD)/policies/vm/forecast.bpf.o

# The workload suite alone, or a part: SUITE="git join" BENCH_ROUNDS=2.
bench-suite bench-learned-suite bench-loop-null bench-loop-twice: bench-%: all $(BUILD)/suite/made
	$(Q)SUITE="$(SUITE)" tests/bench/$*.sh

# ---- install ----------------------------------------------------------

# installed FILES,MODE,FOLDER
define install_each
	install -d $(DESTDIR)$(3)
	$(if $(strip $(1)),install -m $(2) $(1) $(DESTDIR)$(3))

endef

.PHONY: install uninstall
install: all $(if $(MANDOC),html)
	$(call install_each,$(BIN),755,$(BINDIR))
	$(call install_each,$(LIBEXEC_C) $(LIBEXEC_SH) $(LIBEXEC_SO),755,$(LIBEXECDIR))
	$(call install_each,$(BPF_OBJ) $(DATA),644,$(LIBDIR))
	$(foreach d,prompts prompts/reference prompts/schemas,\
		$(call install_each,$(wildcard $(d)/*.*),644,$(LIBDIR)/$(d)))
	$(call install_each,$(BPF_TEXT),644,$(LIBDIR)/bpf)
	$(call install_each,$(BPF_TEXT_THEIRS),644,$(LIBDIR)/bpf/bpf)
	$(foreach s,1 5 7,$(call install_each,\
		$(filter %.$(s),$(PAGES)),644,$(MANDIR)/man$(s)))
	$(call install_each,$(UNITS),644,$(UNITDIR))
	$(call install_each,$(SYSUNITS),644,$(SYSUNITDIR))
	$(call install_each,$(DROPINS),644,$(SYSUNITDIR)/$(DROPIN))
	sed -i 's,@BINDIR@,$(BINDIR),g' \
		$(addprefix $(DESTDIR)$(UNITDIR)/,$(notdir $(UNITS))) \
		$(addprefix $(DESTDIR)$(SYSUNITDIR)/,$(notdir $(SYSUNITS))) \
		$(addprefix $(DESTDIR)$(SYSUNITDIR)/$(DROPIN)/,\
			$(notdir $(DROPINS)))
	$(call install_each,$(TMPFILES),644,$(TMPFILESDIR))
	$(call install_each,$(SYSUSERS),644,$(SYSUSERSDIR))
	$(call install_each,$(wildcard README.md) LICENSE,644,$(DOCDIR))
	$(if $(MANDOC),$(call install_each,$(HTML),644,$(DOCDIR)/html))
	$(call install_each,man/completion/sched.bash,644,$(COMPDIR))
	cd $(DESTDIR)$(COMPDIR) && mv sched.bash sched && \
		for t in $(filter-out sched,$(notdir $(BIN))); do \
		ln -sf sched $$t; done
	$(call install_each,man/completion/_schedkit,644,$(ZSHDIR))

uninstall:
	rm -f $(addprefix $(DESTDIR)$(BINDIR)/,$(notdir $(BIN)))
	rm -f $(addprefix $(DESTDIR)$(COMPDIR)/,$(notdir $(BIN)))
	rm -f $(DESTDIR)$(ZSHDIR)/_schedkit
	rm -f $(foreach p,$(PAGES),\
		$(DESTDIR)$(MANDIR)/man$(subst .,,$(suffix $(p)))/$(notdir $(p)))
	rm -f $(addprefix $(DESTDIR)$(UNITDIR)/,$(notdir $(UNITS)))
	rm -f $(addprefix $(DESTDIR)$(SYSUNITDIR)/,$(notdir $(SYSUNITS)))
	rm -rf $(DESTDIR)$(SYSUNITDIR)/$(DROPIN)
	rm -f $(addprefix $(DESTDIR)$(TMPFILESDIR)/,$(notdir $(TMPFILES)))
	rm -f $(addprefix $(DESTDIR)$(SYSUSERSDIR)/,$(notdir $(SYSUSERS)))
	rm -rf $(DESTDIR)$(LIBEXECDIR) $(DESTDIR)$(LIBDIR) $(DESTDIR)$(DOCDIR)

.PHONY: deb
deb:
	$(Q)CC="$(CC)" .ci/deb $(BUILD)/deb

.PHONY: clean
clean:
	rm -rf build
