/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agents/observer.h"
#include "base/err.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/strs.h"
#include "doc/doc.h"

/* Beyond the command's own limit: booting is not part of it. */
#define GRACE_S 30

/* Of the guest's own; the file is brought out of it. */
#define GUEST_TRACE "/tmp/schedkit-trace"

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
		uint64_t max = o->trace.record_max < RUN_BRING_MAX
				       ? o->trace.record_max
				       : RUN_BRING_MAX;

		strs_add(argv, "--trace=" GUEST_TRACE);
		strs_printf(argv, "--trace-max=%u", (unsigned)(max >> 20));
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
