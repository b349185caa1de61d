/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/observer/observer.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "agents/observer/body.h"
#include "agents/observer/costs.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/proc.h"
#include "crypt/digest.h"
#include "intent/compile.h"
#include "trace/machine.h"

#define KEEP_OUTPUT (1u << 20)
#define TAIL_BYTES  4096
#define POLL_MS	    50

static const char *const scope_names[] = {
	[TRACE_ALL] = "all",
	[TRACE_COMMAND] = "command",
	[TRACE_PID] = "pid",
	[TRACE_CGROUP] = "cgroup",
};

void observation_release(struct observation *r)
{
	json_free(r->body);
	free(r->missing);
	*r = (struct observation){0};
}

const char *observer_goal(const struct observer_opts *o)
{
	const struct metric *m;

	if (o->goal)
		return o->goal;
	if (!o->workload)
		return "latency";
	m = &o->workload->metrics[0];
	if (!m->regex && !m->json)
		return "makespan";
	return m->higher_is_better ? "throughput" : "latency";
}

static double own_cpu_us(void)
{
	struct rusage ru;

	getrusage(RUSAGE_SELF, &ru);
	return 1e6 * (double)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) +
	       (double)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec);
}

static void add_note(struct json *body, const char *text)
{
	struct json *notes = json_copy(json_get(body, "notes"));

	json_add(notes, json_string(text));
	json_set(body, "notes", notes);
}

/* By BPF if that is allowed here; why not is left in *why. */
static int open_trace(const struct trace_opts *o, struct trace **t, char **why)
{
	int rc = trace_open_bpf(o, t);

	*why = NULL;
	if (!rc)
		rc = trace_start(*t);
	if (!rc || rc == -ENOENT)
		return rc;
	trace_free(*t);
	*t = NULL;
	/* Nothing but BPF sees every event. */
	if (o->record || o->bursts)
		return err_prefix(rc, o->record ? "no trace" : "no bursts");
	*why = mem_printf("no BPF: %s", err_text());
	rc = trace_open_proc(o, t);
	return rc ? rc : trace_start(*t);
}

static void say(const struct observer_opts *o, long done, long total,
		const char *words)
{
	if (o->progress)
		o->progress(o->progress_arg, done, total, words);
}

static void wait_for_end(const struct observer_opts *o)
{
	double end = clock_monotonic() + o->seconds, left;
	long all = lround(ceil(o->seconds)), last = -1, past;

	while ((left = end - clock_monotonic()) > 0 &&
	       !(o->cancel && *o->cancel)) {
		past = (long)(o->seconds - left);
		if (past > last)
			say(o, past, all, "observing");
		last = past;
		poll(NULL, 0,
		     left < POLL_MS / 1e3 ? (int)(left * 1e3) + 1 : POLL_MS);
	}
}

struct run {
	struct trace *trace;
	double own_us; /* CPU time of this process when it all began */
	struct proc_result res;
	struct buf out, err;
};

static void on_started(pid_t pid, void *arg)
{
	struct run *r = arg;

	trace_root(r->trace, pid);
	/* What forking took did not disturb the command. */
	r->own_us = own_cpu_us();
}

static int run_command(const struct observer_opts *o, struct run *r)
{
	struct proc_spec spec = PROC_SPEC_INIT;

	say(o, 0, 0, "observing the command");
	spec.argv = o->workload->command.v;
	spec.cwd = o->workload->cwd;
	spec.out = &r->out;
	spec.err = &r->err;
	spec.out_fd = spec.err_fd = o->out_fd;
	spec.timeout_s = o->timeout_s;
	if (o->seconds > 0 && !(o->timeout_s > 0 && o->timeout_s < o->seconds))
		spec.timeout_s = o->seconds;
	spec.set_ids = o->set_ids;
	spec.uid = o->uid;
	spec.gid = o->gid;
	spec.cancel = o->cancel;
	spec.started = on_started;
	spec.started_arg = r;
	return proc_run(&spec, &r->res);
}

/* What it printed last: standard output, or standard error without any. */
static void add_tail(struct json *body, const struct run *r)
{
	const struct buf *b = r->out.len ? &r->out : &r->err;
	size_t skip = b->len > TAIL_BYTES ? b->len - TAIL_BYTES : 0;

	/* Not in the middle of a character. */
	while (skip && skip < b->len && (b->data[skip] & 0xc0) == 0x80)
		skip++;
	json_set_string(body, "output_tail", b->len ? b->data + skip : "");
}

static void add_metrics(const struct observer_opts *o, const struct run *r,
			struct observation *ob)
{
	struct json *list = json_set(ob->body, "metrics", json_array()), *v;

	for (size_t i = 0; i < o->workload->metric_count; i++) {
		const struct metric *m = &o->workload->metrics[i];
		double x;

		v = json_add(list, json_object());
		json_set_string(v, "name", m->name);
		json_set_string(v, "unit", m->unit);
		json_set_string(v, "better",
				m->higher_is_better ? "higher" : "lower");
		if (!metric_read(m, r->out.data, r->err.data, r->res.wall_s,
				 &x)) {
			json_set_number(v, "value", x);
			continue;
		}
		add_note(ob->body, err_text());
		if (!ob->missing)
			ob->missing = mem_strdup(err_text());
	}
}

static void add_command(const struct observer_opts *o, const struct run *r,
			struct observation *ob)
{
	struct json *body = ob->body;
	bool at_d;

	json_set(body, "workload", workload_json(o->workload));
	json_set_number(body, "exit_status", r->res.exit_status);
	json_set_number(body, "wall_us", round(1e6 * r->res.wall_s));
	json_set_number(body, "user_us", round(1e6 * r->res.user_s));
	json_set_number(body, "sys_us", round(1e6 * r->res.sys_s));
	add_tail(body, r);
	at_d = o->seconds > 0 &&
	       !(o->timeout_s > 0 && o->timeout_s < o->seconds);
	ob->timed_out = r->res.timed_out && !at_d;
	if (r->res.timed_out)
		add_note(body, "the command was ended at the time limit");
	if (r->res.cancelled)
		add_note(body, "the command was ended from outside");
	add_metrics(o, r, ob);
}

int observer_add_trace(struct json *body, const char *path, double events,
		       double drops)
{
	char hex[DIGEST_HEX_LEN], *whole = realpath(path, NULL);
	struct json *v;
	int rc = digest_file_hex(path, hex);

	if (!rc) {
		v = json_set(body, "trace", json_object());
		json_set_string(v, "path", whole ? whole : path);
		json_set_string(v, "sha256", hex);
		json_set_number(v, "events", events);
		json_set_number(v, "drops", drops);
	}
	free(whole);
	return rc;
}

int observer_add_bursts(struct json *body, const char *path,
			const struct bursts_written *sum, double drops)
{
	char hex[DIGEST_HEX_LEN], *whole = realpath(path, NULL);
	struct json *v;
	int rc = digest_file_hex(path, hex);

	if (!rc) {
		v = json_set(body, "bursts", json_object());
		json_set_string(v, "path", whole ? whole : path);
		json_set_string(v, "sha256", hex);
		json_set_number(v, "records", (double)sum->records);
		json_set_number(v, "drops", drops);
		json_set_number(v, "left_out", (double)sum->left_out);
		json_set_number(v, "bytes", (double)sum->bytes);
	}
	if (!rc && sum->left_out)
		add_note(body, "the file of bursts is full: those that came "
			       "later are left out");
	free(whole);
	return rc;
}

static void make_body(const struct observer_opts *o, const struct run *r,
		      const struct observed *seen,
		      const struct pressure *before, const char *why,
		      struct observation *ob)
{
	struct json *body = json_object();
	struct pressure after;

	pressure_read(&after);
	ob->body = body;
	json_set_string(body, "scope", scope_names[o->trace.scope]);
	json_set_string(body, "goal", observer_goal(o));
	json_set_string(body, "target", "host");
	observer_body(body, seen);
	json_set(
		body, "system",
		machine_json(before, &after, (double)seen->duration_ns / 1000));
	json_set(body, "overhead", observer_overhead(seen, r->own_us));
	if (why)
		add_note(body, why);
	if (o->workload)
		add_command(o, r, ob);
}

static void add_costs(const struct observer_opts *o, struct json *body)
{
	struct json *costs;

	say(o, 0, 0, "measuring what scheduling costs here");
	costs = observer_costs();
	if (costs)
		json_set(body, "costs", costs);
	else
		add_note(body, "what scheduling costs here could not be "
			       "measured; a simulation assumes it");
}

/* The rules as numbers, or NULL; the caller frees them. */
static struct intent_rules *read_rules(const struct observer_opts *o)
{
	struct intents i = {0};
	struct intent_rules *rules = NULL;

	if (!o->trace.bursts || !o->intents)
		return NULL;
	if (intents_read(&i, o->intents))
		err_clear();
	else
		intents_compile(&i, clock_wall(), true, &rules, NULL);
	intents_release(&i);
	return rules;
}

int observer_run(const struct observer_opts *o, struct observation *ob)
{
	struct run r = {0};
	struct trace_opts trace = o->trace;
	struct intent_rules *rules = read_rules(o);
	struct observed seen;
	struct pressure before;
	char *why;
	int rc;

	*ob = (struct observation){0};
	trace.intents = rules;
	rc = open_trace(&trace, &r.trace, &why);
	if (rc)
		goto out;
	buf_init(&r.out, KEEP_OUTPUT);
	buf_init(&r.err, KEEP_OUTPUT);
	pressure_read(&before);
	r.own_us = own_cpu_us();
	if (o->workload)
		rc = run_command(o, &r);
	else
		wait_for_end(o);
	r.own_us = own_cpu_us() - r.own_us;
	if (rc)
		goto out;
	rc = trace_stop(r.trace, &seen);
	if (rc)
		goto out;
	make_body(o, &r, &seen, &before, why, ob);
	if (o->trace.record)
		rc = observer_add_trace(ob->body, o->trace.record,
					(double)seen.record_events,
					(double)seen.record_drops);
	if (!rc && o->trace.bursts)
		rc = observer_add_bursts(ob->body, o->trace.bursts,
					 &seen.bursts,
					 (double)seen.burst_drops);
	observed_release(&seen);
out:
	trace_free(r.trace);
	/* The command has ended and nothing is traced any more. */
	if (ob->body && o->workload)
		add_costs(o, ob->body);
	buf_release(&r.out);
	buf_release(&r.err);
	free(rules);
	free(why);
	return rc;
}
