/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A loaded policy is attached and detached.  Without JSON: part of the program
 * that has privilege. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "base/err.h"
#include "base/mem.h"
#include "scx/counters.h"
#include "scx/ext_state.h"

#define STATE_WAIT_MS 5000

/* ---- attaching -------------------------------------------------------- */

/* sysfs adds what it likes after the name (a version, on some kernels). */
static bool ours(const struct ext_policy *p)
{
	char word[SYSFS_WORD];

	if (!sysfs_word("root/ops", word))
		return false;
	return !strncmp(word, p->name, strlen(p->name));
}

static bool wait_state(const char *wanted)
{
	for (int ms = 0; ms < STATE_WAIT_MS; ms += 10) {
		if (sysfs_state_is(wanted))
			return true;
		usleep(10000);
	}
	return false;
}

/* No look at what a task may hold that has just been given to the policy. */
static void open_files(struct ext_policy *p)
{
	p->state_fd = sysfs_open("state");
	p->seq_fd = sysfs_open("enable_seq");
}

static void close_files(struct ext_policy *p)
{
	int *const fds[] = {&p->state_fd, &p->seq_fd, &p->events_fd};

	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		if (*fds[i] >= 0)
			close(*fds[i]);
		*fds[i] = -1;
	}
}

/* The next one that was enabled is the one that was just attached. */
static bool is_next(struct ext_policy *p, const char *before)
{
	if (!sysfs_again(p->seq_fd, p->seq))
		return false;
	return strtoll(p->seq, NULL, 10) == strtoll(before, NULL, 10) + 1 ||
	       ours(p);
}

/* True: enabled and ours.  False: it did not come to that, or is over. */
static bool wait_enabled(struct ext_policy *p, const char *before)
{
	char word[SYSFS_WORD];

	for (int ms = 0; ms < STATE_WAIT_MS; ms += 10) {
		sysfs_again(p->state_fd, word);
		if (!strcmp(word, "enabled"))
			return is_next(p, before);
		/* The kernel has attached it by now: this is its end. */
		if (!strcmp(word, "disabled"))
			return false;
		usleep(10000);
	}
	return false;
}

void ext_ended(const struct ext_policy *p, struct policy_exit *end)
{
	size_t offset;
	struct bpf_map *map =
		ext_variable(p->obj, ".bss", "ended", sizeof(*end), &offset);
	uint32_t zero = 0;
	char *data;

	memset(end, 0, sizeof(*end));
	if (!map)
		return;
	data = mem_zalloc(1, bpf_map__value_size(map));
	if (bpf_map_lookup_elem(bpf_map__fd(map), &zero, data) == 0)
		memcpy(end, data + offset, sizeof(*end));
	free(data);
}

/*
 * The kernel took the policy and dropped it again before anybody could look: it
 * wrote down why, or the kernel has counted one more that was enabled.
 */
static bool was_dropped(const struct ext_policy *p, const char *seq_before)
{
	struct policy_exit end;
	char seq[SYSFS_WORD];

	ext_ended(p, &end);
	return end.kind ||
	       (sysfs_word("enable_seq", seq) && strcmp(seq, seq_before) != 0);
}

int ext_attach(struct ext_policy *p)
{
	struct bpf_program *exec;
	char before[SYSFS_WORD];

	exec = bpf_object__find_program_by_name(p->obj, "policy_exec");
	if (exec && bpf_program__autoload(exec)) {
		p->exec_link = bpf_program__attach(exec);
		if (!p->exec_link)
			return err_set(errno, "cannot attach to exec: %s",
				       strerror(errno));
	}
	close_files(p);
	open_files(p);
	sysfs_again(p->seq_fd, before);
	p->ops_link = bpf_map__attach_struct_ops(ext_ops_map(p->obj));
	if (!p->ops_link)
		return err_set(errno, "the kernel did not attach '%s': %s",
			       p->name,
			       errno == EBUSY ? "another policy is attached"
					      : strerror(errno));
	if (wait_enabled(p, before)) {
		p->events_fd = sysfs_open(SYSFS_EVENTS_FILE);
		return 0;
	}
	/* No sequence number is ours: it is not alive. */
	p->seq[0] = '\0';
	return was_dropped(p, before)
		       ? 0
		       : err_set(EIO,
				 "'%s' is not enabled after attaching: the "
				 "kernel's log says why",
				 p->name);
}

bool ext_alive(const struct ext_policy *p)
{
	char word[SYSFS_WORD];

	if (!p->ops_link || !p->seq[0])
		return false;
	/* Enabled, and none was since. */
	return sysfs_again(p->state_fd, word) && !strcmp(word, "enabled") &&
	       sysfs_again(p->seq_fd, word) && !strcmp(word, p->seq);
}

void ext_events(struct ext_policy *p, struct sysfs_events *out)
{
	sysfs_events_again(p->events_fd, &p->events);
	*out = p->events;
}

void ext_beat(struct ext_policy *p)
{
	int fd = bpf_object__find_map_fd_by_name(p->obj, "beats");
	uint32_t zero = 0;

	p->beats++;
	if (fd >= 0)
		bpf_map_update_elem(fd, &zero, &p->beats, BPF_ANY);
}

static int pin_link(struct bpf_link *link, const char *folder, const char *name)
{
	char *path = mem_printf("%s/%s", folder, name);
	int rc = link ? bpf_link__pin(link, path) : 0;

	if (rc)
		err_set(-rc,
			"cannot pin the policy as '%s': %s; only root may, "
			"and /sys/fs/bpf has to be mounted",
			path, strerror(-rc));
	free(path);
	return rc;
}

int ext_pin(struct ext_policy *p, const char *folder)
{
	int rc = ext_alive(p)
			 ? 0
			 : err_set(EIO, "the kernel has dropped '%s'", p->name);

	if (!rc)
		rc = pin_link(p->exec_link, folder, "exec");
	if (rc)
		return rc;
	rc = pin_link(p->ops_link, folder, "policy");
	if (rc && p->exec_link)
		bpf_link__unpin(p->exec_link);
	return rc;
}

int ext_detach(struct ext_policy *p)
{
	if (!p->ops_link)
		return 0;
	sysfs_events_again(p->events_fd, &p->events);
	bpf_link__destroy(p->ops_link);
	p->ops_link = NULL;
	bpf_link__destroy(p->exec_link);
	p->exec_link = NULL;
	close_files(p);
	if (!wait_state("disabled"))
		return err_set(ETIMEDOUT,
			       "the kernel still has a policy %d s after "
			       "detaching '%s'",
			       STATE_WAIT_MS / 1000, p->name);
	return 0;
}

/* ---- reading back ----------------------------------------------------- */

const char *ext_name(const struct ext_policy *p)
{
	return p->name;
}

bool ext_count(const struct ext_policy *p, enum policy_counter what,
	       uint64_t *sum)
{
	return counters_sum(bpf_object__find_map_fd_by_name(p->obj, "counters"),
			    what, sum);
}

/* Open as long as the kernel is to count. */
static int stats = -1;

int ext_count_time(void)
{
	stats = bpf_enable_stats(BPF_STATS_RUN_TIME);
	return stats < 0 ? err_set(errno,
				   "cannot have the kernel count the CPU time "
				   "of BPF programs: %s",
				   strerror(errno))
			 : 0;
}

double ext_time_ns(const struct ext_policy *p)
{
	struct bpf_prog_info info;
	struct bpf_program *prog;
	double sum = 0;

	if (stats < 0)
		return -1;
	bpf_object__for_each_program(prog, p->obj)
	{
		__u32 len = sizeof(info);

		memset(&info, 0, sizeof(info));
		if (!bpf_prog_get_info_by_fd(bpf_program__fd(prog), &info,
					     &len))
			sum += (double)info.run_time_ns;
	}
	return sum;
}

void ext_free(struct ext_policy *p)
{
	if (!p)
		return;
	ext_detach(p);
	close_files(p);
	bpf_link__destroy(p->exec_link);
	bpf_object__close(p->obj);
	ext_forget_intents(p);
	buf_release(&p->bytes);
	free(p);
}
