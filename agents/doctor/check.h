/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The doctor's own: its list of checks and who fills it. */
#ifndef SCHEDKIT_AGENTS_DOCTOR_CHECK_H
#define SCHEDKIT_AGENTS_DOCTOR_CHECK_H

#include <stdbool.h>

#include "agents/host/site.h"
#include "base/buf.h"
#include "doc/json.h"

#define DOCTOR_OK      "ok"
#define DOCTOR_MISSING "missing" /* the main job is not possible */
#define DOCTOR_WARN    "warn"	 /* it is, with less */

/* Adds a row; way_out "" for none. */
void doctor_add(struct json *checks, const char *name, const char *status,
		const char *way_out, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

/*
 * The standard output of a program (argv ends with NULL), at most 4 KiB; NULL
 * when it is not there, fails or takes too long.  The caller frees it.
 */
char *doctor_ask(const char *const *argv);

/* s up to its first newline, in place. */
char *doctor_first_line(char *s);

/* The machine itself: CPUs, memory, pressure, whether BPF loads. */
void doctor_machine(struct json *checks, const struct site *s);

/* Its kernel; true: a policy can be attached to it. */
bool doctor_kernel(struct json *checks, const struct site *s);

/* How that was configured. */
void doctor_options(struct json *checks, const struct site *s);

/* Another scheduler on it, and programs that bring one. */
void doctor_others(struct json *checks, const struct site *s);

/* What cgroups ask for that a policy would ignore. */
void doctor_cgroups(struct json *checks, const struct site *s);

/* Capabilities that count. */
void doctor_privileges(struct json *checks, const struct site *s);

/* Guests; true: one can be started. */
bool doctor_guest(struct json *checks);

/* Files and programs; true: the policy object is there. */
bool doctor_programs(struct json *checks);

/* Whether there is a compiler for BPF. */
bool doctor_has_clang(void);

/* Sandboxes, and the model that SCHED_LLM names; takes keys out of the
 * environment. */
void doctor_model(struct json *checks);

/* The agent runtime: its settings, and a daemon if there is one. */
void doctor_runtime(struct json *checks);

#endif
