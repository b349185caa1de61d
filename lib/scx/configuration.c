/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Without JSON: part of the program that has privilege. */
#include "scx/configuration.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/buf.h"
#include "base/mem.h"
#include "doc/quote.h"

#define CMDLINE_MAX 65536

/* Documentation/admin-guide/kernel-parameters.txt: what decides who runs
 * where, when and for how long, and what a switch costs. */
static const char *const counted[] = {
	"preempt",
	"isolcpus",
	"nohz",
	"nohz_full",
	"rcu_nocbs",
	"nosmt",
	"mitigations",
	"maxcpus",
	"nr_cpus",
	"threadirqs",
	"skew_tick",
	"highres",
	"nosmp",
	"noautogroup",
	"kthread_cpus",
	"irqaffinity",
	"clocksource",
	"tsc",
	"idle",
	"intel_pstate",
	"amd_pstate",
	"cpufreq.default_governor",
	"cpuidle.off",
	"intel_idle.max_cstate",
	"processor.max_cstate",
	"psi",
	"numa",
	"cgroup_disable",
	"relax_domain_level",
	"sched_thermal_decay_shift",
};

static bool counts(const char *word, size_t len)
{
	size_t name = 0;

	while (name < len && word[name] != '=')
		name++;
	for (size_t i = 0; i < ARRAY_LEN(counted); i++)
		if (strlen(counted[i]) == name &&
		    !memcmp(counted[i], word, name))
			return true;
	return false;
}

void configuration_words(const char *cmdline, struct strs *out)
{
	static const char blanks[] = " \t\n";

	for (const char *s = cmdline; *(s += strspn(s, blanks));) {
		size_t len = strcspn(s, blanks);

		/* What follows is for init. */
		if (len == 2 && !strncmp(s, "--", 2))
			break;
		if (counts(s, len))
			strs_printf(out, "%.*s", (int)len, s);
		s += len;
	}
}

void configuration_read(struct configuration *c)
{
	struct utsname u;
	struct buf b;

	*c = (struct configuration){0};
	uname(&u);
	snprintf(c->release, sizeof(c->release), "%s", u.release);
	snprintf(c->version, sizeof(c->version), "%s", u.version);
	snprintf(c->machine, sizeof(c->machine), "%s", u.machine);
	if (digest_file_hex("/sys/kernel/notes", c->notes))
		c->notes[0] = '\0';
	buf_init(&b, CMDLINE_MAX);
	buf_read_file(&b, "/proc/cmdline");
	configuration_words(b.data ? b.data : "", &c->parameters);
	buf_release(&b);
}

void configuration_release(struct configuration *c)
{
	strs_release(&c->parameters);
}

static void add(struct buf *b, const char *name, const char *value)
{
	buf_puts(b, b->len ? "," : "{");
	quote_add(b, name);
	buf_puts(b, ":");
	if (value)
		quote_add(b, value);
}

/* The RFC 8785 form of configuration_facts(). */
static void write_text(const struct configuration *c, struct buf *b)
{
	add(b, "machine", c->machine);
	if (*c->notes)
		add(b, "notes_sha256", c->notes);
	add(b, "parameters", NULL);
	buf_puts(b, "[");
	for (size_t i = 0; i < c->parameters.len; i++) {
		if (i)
			buf_puts(b, ",");
		quote_add(b, c->parameters.v[i]);
	}
	buf_puts(b, "]");
	add(b, "release", c->release);
	add(b, "version", c->version);
	buf_puts(b, "}");
}

void configuration_digest(char out[static DIGEST_HEX_LEN])
{
	struct configuration c;
	struct buf b;

	buf_init(&b, 2 * CMDLINE_MAX);
	configuration_read(&c);
	write_text(&c, &b);
	digest_hex(b.data, b.len, out);
	buf_release(&b);
	configuration_release(&c);
}
