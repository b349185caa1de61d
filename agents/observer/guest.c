/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agents/observer/observer.h"
#include "base/err.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/strs.h"
#include "doc/doc.h"

/* Beyond the command's own limit: booting is not part of it. */
#define GRACE_S 30

/* Of the guest's own; the one that is wanted is brought out of it.  Bursts are
 * added to what is there: where nothing of the host's can be. */
#define GUEST_TRACE  "/tmp/schedkit-trace"
#define GUEST_BURSTS "/run/schedkit-bursts"

static void add_metric(struct strs *argv, const struct metric *m)
{
	strs_add(argv, "--metric");
	if (!m->regex && !m->json)
		strs_add(argv, "wall");
	else
		strs_printf(argv, "%s,%s%s%s=%s:%s", m->name,
			    m->higher_is_better ? "higher" : "lower",
			    *m->unit ? "," : "", m->unit,
			    m->regex ? "re" : "json",
			    m->regex ? m->regex : m->json);
}

static unsigned brought_mib(uint64_t max)
{
	return (unsigned)((max < RUN_BRING_MAX ? max : RUN_BRING_MAX) >> 20);
}

/* The same observation, as a command line for the guest. */
static void make_argv(const struct observer_opts *o, struct strs *argv)
{
	char *self = path_bin("sched-observe");

	strs_add(argv, self);
	free(self);
	strs_add(argv, "--json");
	strs_add(argv, "--target");
	strs_add(argv, "host");
	strs_add(argv, "--goal");
	strs_add(argv, observer_goal(o));
	strs_add(argv, "--as");
	strs_printf(argv, "%u:%u", (unsigned)o->uid, (unsigned)o->gid);
	if (o->seconds > 0)
		strs_printf(argv, "--seconds=%g", o->seconds);
	if (o->timeout_s > 0)
		strs_printf(argv, "--timeout=%g", o->timeout_s);
	if (o->trace.record) {
		strs_add(argv, "--trace=" GUEST_TRACE);
		strs_printf(argv, "--trace-max=%u",
			    brought_mib(o->trace.record_max));
	}
	if (o->trace.bursts) {
		strs_add(argv, "--bursts=" GUEST_BURSTS);
		strs_printf(argv, "--bursts-every=%u", o->trace.bursts_every);
		strs_printf(argv, "--bursts-max=%u",
			    brought_mib(o->trace.bursts_max));
		strs_printf(argv, "--intents=%s", o->intents);
	}
	strs_add(argv, "--name");
	strs_add(argv, o->workload->name);
	for (size_t i = 0; i < o->workload->metric_count; i++)
		add_metric(argv, &o->workload->metrics[i]);
	strs_add(argv, "--");
	for (size_t i = 0; i < o->workload->command.len; i++)
		strs_add(argv, o->workload->command.v[i]);
}

/* The profile among the lines of the guest's standard output. */
static struct json *find_profile(const char *out)
{
	struct json *body = NULL;

	while (out && *out && !body) {
		size_t len = strcspn(out, "\n");
		struct doc *d = NULL;

		if (*out == '{' && !doc_parse(out, len, &d) &&
		    !strcmp(d->kind, "profile"))
			body = json_copy(d->body);
		doc_free(d);
		out += len + (out[len] == '\n');
	}
	return body;
}

/* The last line of what the guest said went wrong. */
static int guest_failed(const struct run_result *r)
{
	const char *last = r->err ? r->err : "";
	size_t len = r->err ? r->err_len : 0;

	if (r->message)
		return err_set(EIO, "in the guest: %s", r->message);
	while (len && last[len - 1] == '\n')
		len--;
	for (size_t i = len; i > 0; i--) {
		if (last[i - 1] != '\n')
			continue;
		last += i;
		len -= i;
		break;
	}
	return err_set(ENOENT, "in the guest: %.*s", (int)len, last);
}

static bool ended_by_timeout(const struct json *body,
			     const struct observer_opts *o)
{
	double wall_s = json_as_number(json_get(body, "wall_us"), 0) / 1e6;

	return o->timeout_s > 0 && wall_s >= o->timeout_s;
}

static char *missing_metric(const struct observer_opts *o,
			    const struct json *body)
{
	size_t i = 0;

	json_each (m, json_get(body, "metrics")) {
		const struct metric *want = &o->workload->metrics[i++];

		if (json_get(m, "value") || i > o->workload->metric_count)
			continue;
		return mem_printf("metric '%s': nothing in the output has it "
				  "('%s')",
				  want->name,
				  want->regex  ? want->regex
				  : want->json ? want->json
					       : "wall");
	}
	return NULL;
}

/* The trace becomes the caller's own file. */
static int take_trace(const struct observer_opts *o,
		      const struct run_result *res, struct json *body)
{
	const char *path = o->trace.record;
	const struct json *v = json_get(body, "trace");
	int fd, rc;

	if (!res->file || !v)
		return err_set(EIO, "the guest left no trace");
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	rc = fd < 0 ? -errno : io_write(fd, res->file, res->file_len);
	if (fd >= 0 && close(fd) && !rc)
		rc = -errno;
	if (rc)
		return err_set(-rc, "cannot write the trace '%s': %s", path,
			       strerror(-rc));
	return observer_add_trace(body, path,
				  json_as_number(json_get(v, "events"), 0),
				  json_as_number(json_get(v, "drops"), 0));
}

/* What one recording left goes to the end of the caller's own file. */
static int add_blocks(struct bursts *from, const struct trace_opts *o,
		      struct bursts_written *sum)
{
	struct bursts_opts bo = {.max_bytes = o->bursts_max,
				 .every = o->bursts_every};
	struct bursts_writer *to = NULL;
	struct bursts_block b = {0};
	int more = bursts_next(from, &b), rc;

	bo.epoch_ns = b.epoch_ns;
	rc = more < 0 ? more : bursts_append(o->bursts, &bo, &to);
	while (!rc && more > 0) {
		for (uint32_t i = 0; i < b.count; i++)
			bursts_put(to, &b.records[i]);
		bursts_lost(to, b.lost);
		more = bursts_next(from, &b);
		rc = more < 0 ? more : 0;
	}
	if (!rc)
		rc = bursts_finish(to, sum);
	bursts_writer_free(to);
	return rc;
}

/* The bytes as a file that can be read. */
static int open_brought(const struct run_result *res, struct bursts **out)
{
	int fd = memfd_create("bursts", MFD_CLOEXEC);
	char path[32];
	int rc = fd < 0 ? -errno : io_write(fd, res->file, res->file_len);

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	rc = rc ? err_set(-rc, "cannot keep the guest's bursts: %s",
			  strerror(-rc))
		: bursts_open(path, out);
	if (fd >= 0)
		close(fd);
	return rc;
}

static int take_bursts(const struct observer_opts *o,
		       const struct run_result *res, struct json *body)
{
	const struct json *v = json_get(body, "bursts");
	struct bursts_written sum = {0};
	struct bursts *from = NULL;
	int rc;

	if (!res->file || !v)
		return err_set(EIO, "the guest left no bursts");
	rc = open_brought(res, &from);
	if (!rc)
		rc = add_blocks(from, &o->trace, &sum);
	bursts_close(from);
	if (rc)
		return err_prefix(rc, "no bursts");
	sum.left_out += (uint64_t)json_as_number(json_get(v, "left_out"), 0);
	return observer_add_bursts(body, o->trace.bursts, &sum,
				   json_as_number(json_get(v, "drops"), 0));
}

static int take(const struct observer_opts *o, const struct run_result *res,
		struct observation *r)
{
	io_write(o->out_fd, res->err, res->err_len);
	if (res->outcome == RUN_CANCELLED)
		return err_set(EINTR, "the guest was stopped");
	r->body = find_profile(res->out);
	if (!r->body)
		return guest_failed(res);
	json_set_string(r->body, "target", "vm");
	json_set(r->body, "workload", workload_json(o->workload));
	r->missing = missing_metric(o, r->body);
	r->timed_out = ended_by_timeout(r->body, o);
	if (o->trace.bursts)
		return take_bursts(o, res, r->body);
	return o->trace.record ? take_trace(o, res, r->body) : 0;
}

int observer_run_guest(const struct observer_opts *o,
		       const struct target_opts *to, struct observation *r)
{
	struct strs argv = {0};
	struct run_spec spec = {.cwd = o->workload->cwd, .as_root = true};
	struct run_result res = {0};
	struct target *t = NULL;
	int rc;

	*r = (struct observation){0};
	rc = target_open(to, &t);
	if (rc)
		return rc;
	if (o->trace.record)
		spec.bring = GUEST_TRACE;
	if (o->trace.bursts)
		spec.bring = GUEST_BURSTS;
	make_argv(o, &argv);
	spec.argv = argv.v;
	if (o->timeout_s > 0)
		spec.timeout_s = o->timeout_s + GRACE_S;
	rc = target_run(t, &spec, &res);
	if (!rc)
		rc = take(o, &res, r);
	run_result_release(&res);
	strs_release(&argv);
	target_close(t);
	return rc;
}
