/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scx/configuration.h"

#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/buf.h"
#include "base/mem.h"

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

struct json *configuration_parameters(const char *cmdline)
{
	static const char blanks[] = " \t\n";
	struct json *out = json_array();

	for (const char *s = cmdline; *(s += strspn(s, blanks));) {
		size_t len = strcspn(s, blanks);
		char *word;

		/* What follows is for init. */
		if (len == 2 && !strncmp(s, "--", 2))
			break;
		if (counts(s, len)) {
			word = mem_strndup(s, len);
			json_add(out, json_string(word));
			free(word);
		}
		s += len;
	}
	return out;
}

struct json *configuration_facts(void)
{
	struct json *f = json_object();
	char notes[DIGEST_HEX_LEN];
	struct utsname u;
	struct buf b;

	uname(&u);
	json_set_string(f, "release", u.release);
	json_set_string(f, "version", u.version);
	json_set_string(f, "machine", u.machine);
	if (!digest_file_hex("/sys/kernel/notes", notes))
		json_set_string(f, "notes_sha256", notes);
	buf_init(&b, CMDLINE_MAX);
	buf_read_file(&b, "/proc/cmdline");
	json_set(f, "parameters",
		 configuration_parameters(b.data ? b.data : ""));
	buf_release(&b);
	return f;
}

void configuration_digest(char out[static DIGEST_HEX_LEN])
{
	struct json *f = configuration_facts();
	char *text = json_canonical(f);

	digest_hex(text, strlen(text), out);
	free(text);
	json_free(f);
}
