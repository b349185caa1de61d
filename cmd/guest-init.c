/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PID 1 of a guest: takes requests from the host through a virtio port and
 * answers each.  A worker does the work, in a root of its own: PID 1 must not
 * die, and no run finds what an earlier one left behind.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <fcntl.h>

#include "base/err.h"
#include "base/mem.h"
#include "scx/ext.h"
#include "scx/sysfs.h"
#include "target/inside.h"
#include "target/klog.h"
#include "target/runner.h"

#define PORT "schedkit"

static void __attribute__((noreturn)) power_off(void)
{
	sync();
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

static void set_clock(double t)
{
	struct timespec ts = {.tv_sec = (time_t)t};

	ts.tv_nsec = (long)((t - (double)ts.tv_sec) * 1e9);
	if (t > 0)
		clock_settime(CLOCK_REALTIME, &ts);
}

/* PID 1 and the workers must outlive whatever eats the memory. */
static void never_oom(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, "-1000", 5) < 0)
		fprintf(stderr, "guest-init: oom_score_adj: %s\n",
			strerror(errno));
	close(fd);
}

static int configure(int port, struct buf *in)
{
	struct wire_msg m = {0};
	int rc = wire_receive(port, in, &m);

	if (rc <= 0)
		return rc ? rc : err_set(EPIPE, "no word from the host");
	set_clock(json_as_number(json_get(m.head, "time_s"), 0));
	never_oom();
	rc = inside_load_overlay(m.data);
	wire_msg_release(&m);
	return rc ? rc : ext_check();
}

static int greet(int port, int rc)
{
	struct json *hello = json_object();

	json_set_number(hello, "rc", rc);
	if (rc)
		json_set_string(hello, "error", err_text());
	json_set(hello, "facts", inside_facts());
	return wire_send(port, hello, NULL, 0, 0);
}

static void judge_memory(long kills_before, struct run_result *r)
{
	char *words;

	if (inside_oom_kills() <= kills_before)
		return;
	words = inside_oom_words();
	r->outcome = RUN_LOST;
	free(r->message);
	r->message = mem_printf("the guest ran out of memory%s%s; give it "
				"more",
				*words ? ": " : "", words);
	free(words);
}

/* How the policy has left the kernel behind. */
static void look_after(int klog, struct run_result *r)
{
	char state[SYSFS_WORD];

	if (!r->report)
		return;
	sysfs_word("state", state);
	json_set_string(r->report, "state_after", state);
	klog_read(klog, json_set(r->report, "kernel_log", json_array()));
}

static void __attribute__((noreturn))
worker(const struct wire_msg *m, int reply)
{
	struct run_result r = {0};
	struct run_job j;
	long kills = inside_oom_kills();
	int klog = klog_open(), rc = run_job_read(m, &j);

	if (!rc)
		rc = inside_new_root(j.cwd);
	if (!rc) {
		j.may_be_killed = true;
		rc = run_job(&j, &r);
		judge_memory(kills, &r);
		look_after(klog, &r);
	}
	_exit(run_result_send(reply, rc, &r) < 0);
}

/* Also reaps what has lost its parent. */
static int wait_for(pid_t worker_pid)
{
	int status;
	pid_t pid;

	do
		pid = waitpid(-1, &status, 0);
	while (pid != worker_pid && (pid > 0 || errno == EINTR));
	return status;
}

/* What a run left behind would disturb the next one. */
static void clean_up(void)
{
	kill(-1, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		;
}

static int answer(int port, int reply, int status)
{
	struct run_result none = {0};
	off_t len = lseek(reply, 0, SEEK_END);
	char *data;
	int rc;

	if (status || len <= 0) {
		err_set(EIO, "the guest's worker died (status %#x)",
			(unsigned int)status);
		return run_result_send(port, -EIO, &none);
	}
	data = mmap(NULL, (size_t)len, PROT_READ, MAP_PRIVATE, reply, 0);
	if (data == MAP_FAILED)
		return err_set(errno, "cannot map the reply");
	rc = wire_pass(port, data, (size_t)len);
	munmap(data, (size_t)len);
	return rc;
}

static int serve_one(int port, const struct wire_msg *m)
{
	int reply = memfd_create("reply", MFD_CLOEXEC), status = 0, rc;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0)
		worker(m, reply);
	if (pid > 0)
		status = wait_for(pid);
	else
		status = -1;
	clean_up();
	rc = answer(port, reply, status);
	close(reply);
	return rc;
}

static int serve(void)
{
	struct wire_msg m = {0};
	struct buf in;
	int port, rc;

	rc = inside_boot();
	if (rc)
		return rc;
	port = inside_open_port(PORT);
	if (port < 0)
		return port;
	buf_init(&in, WIRE_MAX);
	rc = configure(port, &in);
	if (greet(port, rc) < 0 || rc)
		return rc;
	while (wire_receive(port, &in, &m) == 1) {
		rc = serve_one(port, &m);
		wire_msg_release(&m);
		if (rc)
			return rc;
	}
	return 0;
}

int main(void)
{
	if (getpid() != 1) {
		fputs("guest-init: this is the first program of a guest; see "
		      "sched-guest(1)\n",
		      stderr);
		return 2;
	}
	if (serve() < 0)
		fprintf(stderr, "guest-init: %s\n", err_text());
	power_off();
}
