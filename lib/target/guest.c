/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "target/accel.h"
#include "target/cell.h"
#include "target/console.h"
#include "target/env.h"
#include "target/impl.h"
#include "target/qemu.h"
#include "target/runner.h"

#define DEFAULT_KERNEL "6.18"
#define DEFAULT_BOOT_S 120
#define KVM_TRIAL_S    15
#define BOOT_TRIES     2
#define RUN_GRACE_S    40 /* load, attach, detach, under emulation */
#define SEND_LIMIT_S   20
#define LAST_WORDS_MS  500
#define TICK_MS	       100
#define LOG_KEEP       4096

struct guest {
	struct target_opts opts;
	struct parts parts;
	struct machine machine;
	struct cell cell;
	struct console console, log;
	struct buf in;
	enum accel_answer accel;
	char *accel_why;
	struct json *facts;
	double boot_s;
	double ahead; /* since when it boots by itself; 0: it does not */
};

static void say(const struct guest *g, const char *words)
{
	if (g->opts.progress)
		g->opts.progress(g->opts.progress_arg, 0, 0, words);
}

static bool cancelled(const struct guest *g)
{
	return g->opts.cancel && *g->opts.cancel;
}

static int read_side(struct console *c, int *fd)
{
	if (*fd < 0 || console_read(c, *fd))
		return 1;
	close(*fd);
	*fd = -1;
	return 0;
}

/* After the end: the pipes hold what the dying said. */
static void hear_last_words(struct guest *g)
{
	double until = clock_monotonic() + LAST_WORDS_MS / 1e3;

	while ((g->cell.console >= 0 || g->cell.log >= 0) &&
	       clock_monotonic() < until) {
		struct pollfd p[2] = {{g->cell.console, POLLIN, 0},
				      {g->cell.log, POLLIN, 0}};

		poll(p, 2, TICK_MS);
		read_side(&g->console, &g->cell.console);
		read_side(&g->log, &g->cell.log);
	}
}

/* -EINTR cancelled, -ETIMEDOUT, -ECONNRESET the guest is gone. */
static int await(struct guest *g, double until, struct wire_msg *m)
{
	for (;;) {
		struct pollfd p[4] = {{g->cell.port, POLLIN, 0},
				      {g->cell.console, POLLIN, 0},
				      {g->cell.log, POLLIN, 0},
				      {g->cell.pidfd, POLLIN, 0}};
		int rc = wire_next(&g->in, m);

		if (rc)
			return rc < 0 ? rc : 0;
		if (cancelled(g))
			return err_set(EINTR, "stopped on request");
		if (clock_monotonic() > until)
			return -ETIMEDOUT;
		poll(p, 4, TICK_MS);
		read_side(&g->console, &g->cell.console);
		read_side(&g->log, &g->cell.log);
		rc = wire_read(g->cell.port, &g->in);
		if (rc == 0 || (rc < 0 && rc != -EAGAIN) ||
		    (rc == -EAGAIN && p[3].revents)) {
			hear_last_words(g);
			return rc == -EFBIG ? rc : -ECONNRESET;
		}
	}
}

/* Words for a person about an -errno of await(). */
static char *explain(struct guest *g, int rc, double limit_s)
{
	char *said = console_words(&g->console);
	char *log = console_words(&g->log);
	const char *words = *said ? said : log;
	char *text;

	if (rc == -ETIMEDOUT)
		text = mem_printf("the guest hung: no answer within %.0f s%s%s",
				  limit_s, *words ? "; it said: " : "", words);
	else if (rc == -ECONNRESET)
		text = mem_printf("the guest died%s%s", *words ? ": " : "",
				  words);
	else
		text = mem_strdup(err_text());
	free(said);
	free(log);
	return text;
}

static void down(struct guest *g)
{
	cell_kill(&g->cell);
	buf_reset(&g->in);
}

static int start_cell(struct guest *g, const char *accel)
{
	char *init = path_libexec("guest-init");
	struct strs qemu = {0}, qenv = {0}, fs = {0}, fenv = {0};
	struct cell_spec spec;
	int rc;

	qemu_argv(&g->parts, &g->machine, accel, init, &qemu);
	qemu_env(&g->parts, &qenv);
	virtiofsd_argv(&g->parts, &fs);
	virtiofsd_env(&g->parts, &fenv);
	spec = (struct cell_spec){
		.qemu = qemu.v,
		.qemu_env = qenv.v,
		.virtiofsd = fs.v,
		.virtiofsd_env = fenv.v,
	};
	g->console.len = g->log.len = 0;
	g->console.text[0] = g->log.text[0] = '\0';
	rc = cell_start(&spec, &g->cell);
	strs_release(&qemu);
	strs_release(&qenv);
	strs_release(&fs);
	strs_release(&fenv);
	free(init);
	return rc;
}

static int send_config(struct guest *g)
{
	struct json *head = json_object();
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	json_set_number(head, "time_s",
			(double)now.tv_sec + (double)now.tv_nsec / 1e9);
	return wire_send(g->cell.port, head, g->parts.overlay,
			 strlen(g->parts.overlay), SEND_LIMIT_S);
}

static void keep_facts(struct guest *g, const struct json *hello)
{
	struct json *f = json_copy(json_get(hello, "facts"));

	json_set_string(f, "target", "vm");
	json_set_string(f, "accelerator",
			g->accel == ACCEL_KVM ? "kvm" : "tcg");
	if (*g->accel_why)
		json_set_string(f, "accelerator_why", g->accel_why);
	json_set_string(f, "qemu", g->parts.qemu_version);
	json_set_number(f, "memory_mib", (double)g->machine.memory_mib);
	if (*g->machine.topology)
		json_set_string(f, "topology", g->machine.topology);
	json_set_number(f, "boot_s", g->boot_s);
	json_free(g->facts);
	g->facts = f;
}

/* What the guest says of itself once it is up. */
static int greet(struct guest *g, const struct json *hello)
{
	int rc = (int)json_as_number(json_get(hello, "rc"), -EBADMSG);

	if (rc)
		return err_set(
			-rc, "guest kernel %s: %s",
			json_as_string(json_path(hello, "facts.kernel"), "?"),
			json_as_string(json_get(hello, "error"), "?"));
	keep_facts(g, hello);
	return 0;
}

/* What it says once it is up, or what became of it. */
static int hear(struct guest *g, double start, double limit_s)
{
	struct wire_msg m = {0};
	char *words;
	int rc = await(g, start + limit_s, &m);

	g->boot_s = clock_monotonic() - start;
	if (!rc) {
		rc = greet(g, m.head);
	} else {
		words = explain(g, rc, limit_s);
		err_set(-rc, "%s", words);
		free(words);
	}
	wire_msg_release(&m);
	return rc;
}

/* A guest that died at once has closed the pipe: it is heard out. */
static int start_boot(struct guest *g, const char *accel)
{
	int rc = start_cell(g, accel);

	if (!rc)
		rc = send_config(g);
	return rc == -EPIPE ? 0 : rc;
}

/* -ECONNRESET and -ETIMEDOUT: worth another try. */
static int boot_once(struct guest *g, const char *accel, double limit_s)
{
	double start = clock_monotonic();
	int rc = start_boot(g, accel);

	if (!rc)
		rc = hear(g, start, limit_s);
	if (rc)
		down(g);
	return rc;
}

static bool try_kvm(struct guest *g)
{
	int rc;

	say(g, "trying whether KVM works");
	rc = boot_once(g, "kvm", KVM_TRIAL_S);
	if (rc == -EINTR)
		return false;
	free(g->accel_why);
	g->accel = rc ? ACCEL_TCG : ACCEL_KVM;
	g->accel_why = mem_strdup(rc ? err_text() : "");
	accel_remember(&g->parts, g->accel, g->accel_why);
	return !rc;
}

static double boot_limit(const struct guest *g)
{
	return g->opts.boot_timeout_s > 0 ? g->opts.boot_timeout_s
					  : DEFAULT_BOOT_S;
}

static const char *accel_name(const struct guest *g)
{
	return g->accel == ACCEL_KVM ? "kvm" : "tcg";
}

static int boot(struct guest *g)
{
	double limit = boot_limit(g);
	int rc = -ECONNRESET;

	if (g->accel == ACCEL_UNKNOWN && try_kvm(g))
		return 0;
	for (int i = 0; i < BOOT_TRIES && !cancelled(g); i++) {
		say(g, i ? "booting a guest again" : "booting a guest");
		rc = boot_once(g, accel_name(g), limit);
		if (rc != -ECONNRESET && rc != -ETIMEDOUT)
			return rc;
	}
	if (cancelled(g))
		return err_set(EINTR, "stopped on request");
	return err_prefix(rc, "cannot boot a guest");
}

/* What fails here is tried again, with all patience, by whoever waits. */
static int boot_ahead(struct guest *g)
{
	g->ahead = clock_monotonic();
	say(g, "booting a guest meanwhile");
	if (start_boot(g, accel_name(g)))
		down(g);
	return 0;
}

static int guest_await(void *self)
{
	struct guest *g = self;
	double start = g->ahead;
	int rc = 0;

	if (start <= 0)
		return 0;
	g->ahead = 0;
	if (g->cell.pid)
		rc = hear(g, start, boot_limit(g));
	if (!g->cell.pid || rc == -ECONNRESET || rc == -ETIMEDOUT) {
		down(g);
		return boot(g);
	}
	if (rc)
		down(g);
	return rc;
}

static void guest_close(void *self)
{
	struct guest *g = self;

	down(g);
	buf_release(&g->in);
	parts_release(&g->parts);
	free(g->accel_why);
	json_free(g->facts);
	free(g);
}

static int find_parts(const struct target_opts *o, struct parts *p)
{
	return parts_find(o->kernel ? o->kernel : DEFAULT_KERNEL, p,
			  o->progress, o->progress_arg, o->cancel);
}

int guest_kernel(const struct target_opts *o, char **release)
{
	struct parts p;
	int rc = find_parts(o, &p);

	if (rc)
		return rc;
	*release = p.release;
	p.release = NULL;
	parts_release(&p);
	return 0;
}

int guest_open(const struct target_opts *o, void **self)
{
	struct guest *g = mem_zalloc(1, sizeof(*g));
	int rc;

	g->opts = *o;
	g->cell = CELL_NONE;
	buf_init(&g->in, WIRE_MAX);
	rc = machine_read(o->cpus, o->memory_mib, o->topology, &g->machine);
	if (!rc)
		rc = find_parts(o, &g->parts);
	if (!rc) {
		g->accel = accel_recall(&g->parts, &g->accel_why);
		rc = o->ahead && g->accel != ACCEL_UNKNOWN ? boot_ahead(g)
							   : boot(g);
	}
	if (rc) {
		guest_close(g);
		return rc;
	}
	*self = g;
	return 0;
}

static int lost(struct guest *g, struct run_result *r, int rc, double limit_s)
{
	r->outcome = rc == -EINTR ? RUN_CANCELLED : RUN_LOST;
	r->message = explain(g, rc, limit_s);
	down(g);
	return 0;
}

/* Else its CPUs wait for each other. */
static bool has_room(const struct guest *g)
{
	return g->machine.cpus <= sysconf(_SC_NPROCESSORS_ONLN);
}

static int guest_run(void *self, const struct run_spec *s, struct run_result *r)
{
	struct guest *g = self;
	char **env = env_clean();
	struct wire_msg m = {0};
	struct cpu_wait before;
	struct run_job j;
	double limit;
	int rc;

	run_job_fill(&j, s, env);
	env_free(env);
	j.uid = geteuid();
	j.gid = getegid();
	j.set_ids = j.uid != 0 && !s->as_root;
	limit = j.timeout_s + RUN_GRACE_S;
	rc = guest_await(g);
	if (!rc && !g->cell.pid)
		rc = boot(g);
	if (rc)
		goto out;
	before = cpu_wait_read(g->cell.pid);
	rc = run_job_send(g->cell.port, &j, SEND_LIMIT_S);
	if (!rc || rc == -EPIPE)
		rc = await(g, clock_monotonic() + limit, &m);
	if (rc) {
		rc = lost(g, r, rc, limit);
		goto out;
	}
	rc = run_result_read(&m, r);
	if (rc == -EBADMSG)
		rc = lost(g, r, rc, limit);
	else if (!rc && has_room(g))
		r->wait = cpu_wait_since(g->cell.pid, &before);
out:
	wire_msg_release(&m);
	run_job_release(&j);
	return rc;
}

static const struct json *guest_facts(const void *self)
{
	return ((const struct guest *)self)->facts;
}

const struct target_impl guest_impl = {
	.run = guest_run,
	.await = guest_await,
	.facts = guest_facts,
	.close = guest_close,
};
