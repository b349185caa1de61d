# SPDX-License-Identifier: GPL-2.0-or-later
# schedkit: one non-recursive makefile.
#
#   make               the programs, under build/
#   make deps          install what is missing (Debian 12 and 13)
#   make demo          the main job, end to end, in a guest
#   make check         lint, unit, command-line and guest tests
#   make bench         figures against named peers
#   make install       DESTDIR= PREFIX=
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
DOCDIR  ?= $(PREFIX)/share/doc/schedkit

CC        ?= cc
BPF_CLANG ?= $(firstword $(foreach v,16 17 18 19 20 21,\
	$(shell command -v clang-$(v) 2>/dev/null)) clang)
PKG_CONFIG ?= pkg-config

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

PKGS := libbpf libcjson libgit2 libsodium
PKG_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(PKGS) 2>/dev/null)
PKG_LIBS   := $(shell $(PKG_CONFIG) --libs $(PKGS) 2>/dev/null)

CFLAGS ?= -O2 -g
WARN := -Wall -Wextra -Wshadow -Wvla -Wundef -Wwrite-strings \
	-Wmissing-prototypes -Wstrict-prototypes -Wformat=2 \
	-Wno-format-nonliteral
HARDEN := -fstack-protector-strong -fstack-clash-protection -fPIE \
	$(if $(SAN),,-D_FORTIFY_SOURCE=2)
SANFLAGS := $(if $(SAN),-fsanitize=address$(comma)undefined \
	-fno-sanitize-recover=undefined -fno-omit-frame-pointer)
comma := ,
ALL_CFLAGS = -std=gnu11 -D_GNU_SOURCE -MMD -MP -Ilib -I. $(PKG_CFLAGS) \
	$(WARN) $(HARDEN) $(SANFLAGS) $(CFLAGS)
ALL_LDFLAGS = -pie -Wl,-z,relro,-z,now -Wl,--as-needed $(SANFLAGS) $(LDFLAGS)
LDLIBS = $(PKG_LIBS) -lm

ARCH := $(patsubst aarch64,arm64,$(patsubst x86_64,x86,$(shell uname -m)))
BPF_CFLAGS := -std=gnu11 -g -O2 -target bpf -mcpu=v3 -MMD -MP \
	-D__TARGET_ARCH_$(ARCH) -Wall -Wextra -Wno-unused-parameter \
	-Wno-missing-declarations -I. -Ibpf $(PKG_CFLAGS)

# ---- what there is ----------------------------------------------------

LIB_SRC    := $(wildcard lib/*/*.c agents/*.c)
LIB_OBJ    := $(LIB_SRC:%.c=$(BUILD)/obj/%.o)
ARCHIVE    := $(BUILD)/obj/schedkit.a
BIN        := $(patsubst cmd/%.c,$(BUILD)/bin/%,$(wildcard cmd/sched*.c))
LIBEXEC_C  := $(patsubst cmd/%.c,$(BUILD)/libexec/schedkit/%,\
	$(wildcard cmd/guest-*.c))
LIBEXEC_SH := $(patsubst lib/target/%.sh,$(BUILD)/libexec/schedkit/%,\
	$(wildcard lib/target/*.sh))
BPF_OBJ    := $(patsubst bpf/%.c,$(BUILD)/lib/schedkit/%.o,\
	$(wildcard bpf/*.bpf.c))
WORKLOADS  := $(patsubst tests/workloads/%.c,$(BUILD)/workloads/%,\
	$(wildcard tests/workloads/*.c))
UNIT       := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,\
	$(wildcard tests/unit/test_*.c))

.PHONY: all
all: $(BIN) $(LIBEXEC_C) $(LIBEXEC_SH) $(BPF_OBJ) $(WORKLOADS)

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
	$(Q)$(CC) $(ALL_LDFLAGS) $^ $(LDLIBS) -o $@

$(LIBEXEC_C): $(BUILD)/libexec/schedkit/%: $(BUILD)/obj/cmd/%.o $(ARCHIVE)
	$(say) LINK $@
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ $(LDLIBS) -o $@

$(BUILD)/libexec/schedkit/%: lib/target/%.sh
	@mkdir -p $(@D)
	$(Q)install -m 755 $< $@

$(BUILD)/lib/schedkit/%.o: bpf/%.c
	$(say) BPF $@
	@mkdir -p $(@D)
	$(Q)$(BPF_CLANG) $(BPF_CFLAGS) -c $< -o $@

$(BUILD)/workloads/%: tests/workloads/%.c
	$(say) CC $@
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE -O2 -g -Wall -Wextra -MMD -MP \
		$< -o $@ -pthread -lm

$(BUILD)/tests/%: $(BUILD)/obj/tests/unit/%.o $(ARCHIVE)
	$(say) LINK $@
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ $(LDLIBS) -lcmocka -o $@

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

.PHONY: clean
clean:
	rm -rf build
