/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A look at what was compiled, in a process that can read that and nothing
 * else: whether it is an object at all; and of hooks, what they make of the
 * template: its code with them beside its code with hooks that leave
 * everything as it is.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agents/builder/state.h"
#include "base/err.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/sandbox.h"
#include "bpfvm/object.h"
#include "llm/secret.h"
#include "sim/sim.h"

#define MEMORY_MIB 2048
#define CPU_S	   10
#define SAYS_MAX   4096
#define TEXT_MAX   400
#define NAME_LETTERS \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_."
/* Of memory that the kernel takes for it, and holds while it runs. */
#define MAX_MAPS_MIB 256
#define MAX_DUMP     (1u << 20)
#define MAX_BATCH    512

/* ---- in the child ----------------------------------------------------- */

/* "rule text": the parent's finding. */
static void say(int fd, const char *rule, const char *text)
{
	char *s = mem_printf("%s %.*s\n", rule, TEXT_MAX, text);

	if (io_write(fd, s, strlen(s)))
		_exit(1);
	free(s);
}

/* What is wrong with a file, whose name says nothing to anybody. */
static void say_object(int fd)
{
	const char *text = strstr(err_text(), "': ");

	say(fd, "object", text ? text + strlen("': ") : err_text());
}

static bool same_code(const struct object *a, const struct object *b)
{
	if (a->insn_count != b->insn_count || a->func_count != b->func_count)
		return false;
	for (size_t i = 0; i < a->insn_count; i++) {
		const struct object_insn *x = &a->insns[i], *y = &b->insns[i];

		if (memcmp(&x->i, &y->i, sizeof(x->i)) != 0 ||
		    x->what != y->what || x->arg != y->arg ||
		    x->value != y->value)
			return false;
	}
	return true;
}

static bool same_call(const struct object *a, const struct object_insn *x,
		      const struct object *b, const struct object_insn *y)
{
	if (x->what != y->what)
		return false;
	if (x->what == INSN_CALL_HELPER)
		return x->arg == y->arg;
	return !strcmp(a->externs[x->arg].name, b->externs[y->arg].name);
}

static bool calls_it(const struct object *b, const struct object *a,
		     const struct object_insn *x)
{
	for (size_t i = 0; i < b->insn_count; i++)
		if (same_call(a, x, b, &b->insns[i]))
			return true;
	return false;
}

/* The lint has seen to it already; this is what it comes to. */
static void check_calls(int fd, const struct object *a,
			const struct object *plain)
{
	for (size_t i = 0; i < a->insn_count; i++) {
		const struct object_insn *x = &a->insns[i];

		if ((x->what != INSN_CALL_HELPER &&
		     x->what != INSN_CALL_KFUNC) ||
		    calls_it(plain, a, x))
			continue;
		say(fd, "call",
		    "the hooks call the kernel, which only the template does");
		return;
	}
}

/* As the kernel has it. */
static bool is_gpl(const char *license)
{
	static const char *const names[] = {
		"GPL",		"GPL v2",	"GPL and additional rights",
		"Dual BSD/GPL", "Dual MIT/GPL", "Dual MPL/GPL"};

	for (size_t i = 0; license && i < ARRAY_LEN(names); i++)
		if (!strcmp(names[i], license))
			return true;
	return false;
}

/* What is not one scheduler that the kernel takes. */
static const char *beyond_policy(const struct object *o)
{
	const char *name = o->ops.name;
	size_t ops = 0;

	for (size_t i = 0; i < o->map_count; i++)
		ops += o->maps[i].is_struct_ops;
	if (ops > 1)
		return "a policy is one struct sched_ext_ops; there are more "
		       "variables in .struct_ops";
	if (o->has_ops && (!*name || name[strspn(name, NAME_LETTERS)]))
		return "sched_ext_ops.name: letters, digits, _ and . are all "
		       "that the kernel takes";
	if (!is_gpl(o->license))
		return "the kernel lends its functions to the GPL only: char "
		       "_license[] SEC(\"license\") = \"GPL\";";
	return NULL;
}

static const char *too_much(const struct object *o)
{
	double bytes = 0;

	for (size_t i = 0; i < o->map_count; i++)
		bytes += ((double)o->maps[i].key_size + o->maps[i].value_size) *
			 o->maps[i].max_entries;
	if (bytes > (double)MAX_MAPS_MIB * (1 << 20))
		return "the maps would take more than 256 MiB of the kernel's "
		       "memory";
	if (o->ops.exit_dump_len > MAX_DUMP)
		return "exit_dump_len: more than 1 MiB";
	if (o->ops.dispatch_max_batch > MAX_BATCH)
		return "dispatch_max_batch: more than 512";
	return NULL;
}

static void check(int fd, const struct draft *d, const char *path,
		  const char *plain)
{
	const char *wrong;
	struct sim_policy *a = NULL, *b = NULL;
	int rc = sim_policy_open(path, NULL, 0, &a);

	/* What is only unknown here is the prove stage's to tell. */
	if (rc && rc != -ENOTSUP)
		say_object(fd);
	if (rc)
		return;
	wrong = beyond_policy(sim_policy_object(a));
	if (!wrong)
		wrong = too_much(sim_policy_object(a));
	if (wrong)
		say(fd, "object", wrong);
	if (!plain)
		return;
	if (sim_policy_open(plain, NULL, 0, &b)) {
		say_object(fd);
		return;
	}
	check_calls(fd, sim_policy_object(a), sim_policy_object(b));
	/* There is no telling what leaves preemption as it is. */
	if (!(d->hooks & 1u << CODE_PREEMPT) &&
	    same_code(sim_policy_object(a), sim_policy_object(b)))
		say(fd, "no-effect",
		    "the hooks change nothing: the compiler makes the "
		    "template's own code of them");
}

static void __attribute__((noreturn))
child(const struct draft *d, const char *path, const char *plain, int fd)
{
	char *types = path_lib("simkernel.bpf.o");
	const char *read[] = {types, path, plain, NULL};
	const struct sandbox s = {
		.read = read, .memory_mib = MEMORY_MIB, .cpu_s = CPU_S};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (io_keep_only(fd) < 0)
		_exit(1);
	fd = 3;
	secret_leave_env();
	if (sandbox_enter(&s))
		_exit(1);
	check(fd, d, path, plain);
	_exit(0);
}

/* ---- in the parent ---------------------------------------------------- */

static void take_findings(struct draft *d, struct buf *says)
{
	char *save = NULL, *text;

	if (!says->len)
		return;
	for (char *line = strtok_r(says->data, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		text = strchr(line, ' ');
		if (!text)
			continue;
		*text++ = '\0';
		draft_find(d, line, 0, "%s", text);
	}
}

static int look(struct draft *d, const char *path, const char *plain)
{
	struct buf says;
	int p[2], status;
	pid_t pid;

	if (pipe2(p, O_CLOEXEC) < 0)
		return err_set(errno, "cannot make a pipe: %s",
			       strerror(errno));
	pid = fork();
	if (pid == 0)
		child(d, path, plain, p[1]);
	close(p[1]);
	if (pid < 0) {
		close(p[0]);
		return err_set(errno, "cannot fork: %s", strerror(errno));
	}
	buf_init(&says, SAYS_MAX);
	buf_read_fd(&says, p[0]);
	close(p[0]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	take_findings(d, &says);
	buf_release(&says);
	if (status && !d->findings)
		draft_find(d, "object", 0,
			   "whatever looks at the object is ended by it");
	return d->findings ? err_set(EINVAL, "the object is not accepted") : 0;
}

int effect_check(struct draft *d, const char *object, const char *plain)
{
	char *path = draft_path(d, object);
	char *plain_path = plain ? draft_path(d, plain) : NULL;
	int rc = draft_check(d, object);

	if (!rc && plain)
		rc = draft_check(d, plain);
	if (!rc)
		rc = look(d, path, plain_path);
	free(path);
	free(plain_path);
	return rc;
}
