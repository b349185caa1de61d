/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What each of our programs and processes may do.  A row is a promise: the
 * table of schedkit-security(7) has the same, and `sched doctor --self` holds
 * the processes against it.
 */
#include <linux/capability.h>
#include <stddef.h>
#include <string.h>

#include "agents/doctor/self.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/privilege.h"

const char *const self_words[SELF_BITS] = {
	"reads", "writes", "modes", "network",	"sockets", "programs",
	"gains", "calls",  "seen",  "inherits", "keys",
};

static const char *const no_args[] = {NULL};
static const char *const version[] = {"--version", NULL};
static const char *const print[] = {"--print", NULL};
static const char *const stall[] = {"--stall", "/dev/null", NULL};
static const char *const again[] = {"-", NULL};
static const char *const wish[] = {"propose", "--backend=command:cat",
				   "the compiler first", NULL};
static const char *const wish_http[] = {"propose", "--backend=openai",
					"the compiler first", NULL};
static const char *const synth[] = {"--json", "-n1", "--turns=1",
				    "--backend=command:cat", NULL};
static const char *const object[] = {"--json", "--stages=lint,build,prove",
				     "--object=@policy.bpf.o", NULL};
static const char *const code[] = {"--json", "--stages=lint,build", NULL};
static const char *const agentd[] = {"--socket=socket", "--journal=none",
				     "--audit=none", NULL};
static const char *const host[] = {"--target=host", NULL};

/* One that is told from its caller by nothing: the kernel holds it to what the
 * caller is held to.  reads: what models wrote. */
#define PLAIN(row, where, words, reads)                                       \
	{                                                                     \
		.name = row, .program = row, .args = words, .libexec = where, \
		.input = SELF_NOTHING, .at = TRACEE_ENDS, .text = reads,      \
		.caps = SELF_CALLERS, .may = SELF_ALL,                        \
	}

const struct self_row self_rows[] = {
	{.name = "load-policy",
	 .program = "load-policy",
	 .args = no_args,
	 .libexec = true,
	 .at = TRACEE_WAITS,
	 .caps = PRIVILEGE(CAP_BPF) | PRIVILEGE(CAP_PERFMON),
	 .may = SELF_READS | SELF_KEYS},
	{.name = "set-knobs",
	 .program = "set-knobs",
	 .args = no_args,
	 .libexec = true,
	 .at = TRACEE_WAITS,
	 .caps = PRIVILEGE(CAP_DAC_OVERRIDE) | PRIVILEGE(CAP_SYS_PTRACE) |
		 PRIVILEGE(CAP_SYS_NICE),
	 .may = SELF_ALL & ~(unsigned)(SELF_GAINS | SELF_SEEN)},
	{.name = "hold-external",
	 .program = "hold-external",
	 .args = no_args,
	 .libexec = true,
	 .at = TRACEE_WAITS,
	 .caps = SELF_CALLERS,
	 .may = SELF_ALL},
	{.name = "sched-deploy",
	 .program = "sched-deploy",
	 .args = host,
	 .at = TRACEE_WAITS,
	 .text = true,
	 .caps = PRIVILEGE(CAP_KILL) | PRIVILEGE(CAP_SYS_NICE),
	 .may = SELF_ALL},
	{.name = "ask-model",
	 .program = "sched-intent",
	 .args = wish_http,
	 .who = SELF_EXECUTED,
	 .called = "ask-model",
	 .at = TRACEE_WAITS,
	 .network = true,
	 .text = true,
	 .may = SELF_NETWORK},
	{.name = "a model's program",
	 .program = "sched-intent",
	 .args = wish,
	 .who = SELF_EXECUTED,
	 .called = "cat",
	 .at = TRACEE_EXECUTED,
	 .network = true,
	 .text = true,
	 .may = SELF_READS | SELF_WRITES | SELF_MODES | SELF_NETWORK |
		SELF_SOCKETS | SELF_PROGRAMS | SELF_CALLS | SELF_SEEN},
	{.name = "sched-synth, a model",
	 .program = "sched-synth",
	 .args = synth,
	 .input = SELF_PROFILE,
	 .at = TRACEE_ENDS,
	 .text = true,
	 .may = SELF_PROGRAMS | SELF_INHERITS},
	{.name = "sched-intent, a model",
	 .program = "sched-intent",
	 .args = wish,
	 .at = TRACEE_ENDS,
	 .text = true,
	 .may = SELF_INHERITS},
	{.name = "the compiler",
	 .program = "sched-verify",
	 .args = code,
	 .input = SELF_CODE,
	 .who = SELF_EXECUTED,
	 .called = "clang",
	 .at = TRACEE_EXECUTED,
	 .text = true,
	 .may = SELF_PROGRAMS | SELF_SEEN,
	 .compiles = true},
	{.name = "the look at an object",
	 .program = "sched-verify",
	 .args = code,
	 .input = SELF_CODE,
	 .who = SELF_FORKED,
	 .at = TRACEE_ENDS,
	 .text = true,
	 .compiles = true},
	{.name = "prove and sim",
	 .program = "sched-verify",
	 .args = object,
	 .input = SELF_NOTHING,
	 .who = SELF_FORKED,
	 .at = TRACEE_ENDS,
	 .text = true},
	{.name = "agent-store",
	 .program = "agent-store",
	 .args = no_args,
	 .libexec = true,
	 .at = TRACEE_WAITS,
	 .text = true,
	 .may = SELF_INHERITS},
	{.name = "sched-agentd",
	 .program = "sched-agentd",
	 .args = agentd,
	 .at = TRACEE_WAITS,
	 .may = SELF_PROGRAMS | SELF_INHERITS},
	{.name = "sched-mcp, the front",
	 .program = "sched-mcp",
	 .args = no_args,
	 .who = SELF_FORKED,
	 .at = TRACEE_WAITS,
	 .network = true,
	 .text = true,
	 .may = SELF_INHERITS},
	{.name = "sched-mcp, the hand",
	 .program = "sched-mcp",
	 .args = no_args,
	 .at = TRACEE_WAITS,
	 .caps = SELF_CALLERS,
	 .may = SELF_ALL},
	{.name = "sched-doctor --stall",
	 .program = "sched-doctor",
	 .args = stall,
	 .input = SELF_NOTHING,
	 .at = TRACEE_ENDS,
	 .text = true,
	 .may = SELF_ALL & ~(unsigned)SELF_GAINS},
	PLAIN("sched", false, version, false),
	PLAIN("sched-agents", false, version, true),
	PLAIN("sched-demand", false, version, false),
	PLAIN("sched-doctor", false, version, false),
	PLAIN("sched-guest", false, version, false),
	PLAIN("sched-history", false, version, true),
	PLAIN("sched-intent", false, version, false),
	PLAIN("sched-loop", false, version, true),
	PLAIN("sched-observe", false, version, false),
	PLAIN("sched-report", false, version, true),
	PLAIN("sched-rollout", false, version, true),
	PLAIN("sched-sim", false, version, true),
	PLAIN("sched-synth", false, version, false),
	PLAIN("sched-train", false, version, false),
	PLAIN("sched-verify", false, version, true),
	PLAIN("repl", true, version, true),
	PLAIN("measure-costs", true, again, false),
	PLAIN("fetch-guest", true, print, false),
	PLAIN("run-job", true, no_args, false),
	{.name = NULL},
};

/* ---- in words --------------------------------------------------------- */

char *self_privilege(uint64_t caps)
{
	static const struct {
		int cap;
		const char *name;
	} names[] = {
		{CAP_DAC_OVERRIDE, "DAC_OVERRIDE"}, {CAP_KILL, "KILL"},
		{CAP_SYS_PTRACE, "SYS_PTRACE"},	    {CAP_SYS_NICE, "SYS_NICE"},
		{CAP_PERFMON, "PERFMON"},	    {CAP_BPF, "BPF"},
	};
	struct buf b;

	if (caps == SELF_CALLERS)
		return mem_strdup("the caller's");
	if (!caps)
		return mem_strdup("none");
	buf_init(&b, 4096);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (caps & PRIVILEGE(names[i].cap))
			buf_printf(&b, "%s%s", b.len ? ", " : "",
				   names[i].name);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		caps &= ~PRIVILEGE(names[i].cap);
	if (caps)
		buf_printf(&b, "%s%#llx", b.len ? ", " : "",
			   (unsigned long long)caps);
	return buf_take(&b);
}

char *self_may(unsigned may)
{
	struct buf b;

	if (may == SELF_ALL)
		return mem_strdup("all");
	if (!may)
		return mem_strdup("nothing");
	buf_init(&b, 4096);
	for (size_t i = 0; i < SELF_BITS; i++)
		if (may & 1u << i)
			buf_printf(&b, "%s%s", b.len ? ", " : "",
				   self_words[i]);
	return buf_take(&b);
}
