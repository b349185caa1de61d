/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "scx/configuration.h"
#include "scx/ext.h"
#include "target/impl.h"
#include "target/runner.h"

#define TICK_MS 100

struct host {
	const volatile sig_atomic_t *cancel;
	struct json *facts;
};

static volatile sig_atomic_t child_stop;

static void on_term(int sig)
{
	(void)sig;
	child_stop = 1;
}

/* SIGTERM, also by our parent's death, ends the command and detaches. */
static void __attribute__((noreturn))
child(const struct run_job *j, int fd, pid_t parent)
{
	struct sigaction sa = {.sa_handler = on_term};
	struct run_job own = *j;
	struct run_result r;
	int rc;

	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(0);
	own.cancel = &child_stop;
	rc = run_job(&own, &r);
	run_result_send(fd, rc, &r);
	_exit(0);
}

/* Passes a cancellation on and waits for the reply all the same. */
static int await_child(const struct host *h, pid_t pid, int fd,
		       struct wire_msg *m)
{
	bool told = false;
	struct buf in;
	int rc;

	buf_init(&in, WIRE_MAX);
	for (;;) {
		rc = wire_next(&in, m);
		if (rc)
			break;
		if (h->cancel && *h->cancel && !told) {
			kill(pid, SIGTERM);
			told = true;
		}
		/* Nothing yet, or a signal, which may be why to stop. */
		if (poll(&(struct pollfd){fd, POLLIN, 0}, 1, TICK_MS) <= 0)
			continue;
		rc = wire_read(fd, &in);
		if (rc <= 0)
			break;
	}
	buf_release(&in);
	return rc;
}

static int answered(pid_t pid, const struct wire_msg *m, struct run_result *r)
{
	waitpid(pid, NULL, 0);
	return run_result_read(m, r);
}

static int lost(pid_t pid, struct run_result *r)
{
	int status = 0;

	waitpid(pid, &status, 0);
	r->outcome = RUN_LOST;
	r->message = mem_printf("the runner ended without an answer (%s %d)",
				WIFSIGNALED(status) ? "signal" : "status",
				WIFSIGNALED(status) ? WTERMSIG(status)
						    : WEXITSTATUS(status));
	return 0;
}

static int host_run(void *self, const struct run_spec *s, struct run_result *r)
{
	struct host *h = self;
	struct wire_msg m = {0};
	pid_t pid, me = getpid();
	struct run_job j;
	int p[2], rc;

	if (pipe2(p, O_CLOEXEC) < 0)
		return err_set(errno, "cannot make a pipe: %s",
			       strerror(errno));
	run_job_fill(&j, s, environ);
	pid = fork();
	if (pid == 0) {
		close(p[0]);
		child(&j, p[1], me);
	}
	close(p[1]);
	if (pid < 0)
		rc = err_set(errno, "cannot fork: %s", strerror(errno));
	else if (await_child(h, pid, p[0], &m) == 1)
		rc = answered(pid, &m, r);
	else
		rc = lost(pid, r);
	close(p[0]);
	wire_msg_release(&m);
	run_job_release(&j);
	return rc;
}

char *host_kernel(void)
{
	struct utsname u;

	uname(&u);
	return mem_strdup(u.release);
}

int host_open(const struct target_opts *o, void **self)
{
	char configuration[DIGEST_HEX_LEN], *release;
	struct host *h;
	struct json *state;
	int rc = ext_check();

	if (rc && !(o->plain && rc != -EBUSY))
		return rc;
	release = host_kernel();
	state = ext_kernel_state();
	h = mem_zalloc(1, sizeof(*h));
	h->cancel = o->cancel;
	h->facts = json_object();
	json_set_string(h->facts, "target", "host");
	json_set_string(h->facts, "kernel", release);
	free(release);
	configuration_digest(configuration);
	json_set_string(h->facts, "configuration", configuration);
	json_set_string(h->facts, "accelerator", "none");
	json_set_number(h->facts, "cpus",
			(double)sysconf(_SC_NPROCESSORS_ONLN));
	json_set_string(h->facts, "sched_ext",
			json_as_string(json_get(state, "state"), "absent"));
	json_free(state);
	*self = h;
	return 0;
}

static const struct json *host_facts(const void *self)
{
	return ((const struct host *)self)->facts;
}

static void host_close(void *self)
{
	struct host *h = self;

	json_free(h->facts);
	free(h);
}

const struct target_impl host_impl = {
	.run = host_run,
	.facts = host_facts,
	.close = host_close,
};
