/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/triage/triage.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/triage/parts.h"
#include "base/err.h"
#include "base/mem.h"

#define OURS "schedkit"

/* ---- what there is to read --------------------------------------------- */

/* What an exit is told by: an ext_report() or the body of a deployment. */
static bool tells_exit(const struct json *v)
{
	return json_as_number(json_get(v, "exit_kind"), 0) != 0 ||
	       *json_text_at(v, "exit_dump");
}

/* As a dump, whatever of it there is. */
static void put_exit(struct buf *out, const struct json *v)
{
	const char *dump = json_text_at(v, "exit_dump");
	const char *name = json_text_at(v, "ops");

	name = *name ? name : json_text_at(v, "name");
	buf_reset(out);
	if (*dump)
		buf_puts(out, dump);
	else
		buf_printf(out, "?[0] triggered exit kind %d:\n  %s (%s)\n",
			   (int)json_as_number(json_get(v, "exit_kind"), 0),
			   json_text_at(v, "exit_reason"),
			   json_text_at(v, "exit_message"));
	if (*name && !strpbrk(name, "\n\""))
		buf_printf(out,
			   "\nsched_ext: BPF scheduler \"%s\" disabled (%s)\n",
			   name, json_text_at(v, "exit_reason"));
}

/* The last exit in lines of JSON; policy is the id that goes with it. */
static void take_documents(const char *text, size_t len, struct buf *out,
			   char policy[static DOC_ID_LEN])
{
	while (len > 0) {
		const char *end = memchr(text, '\n', len);
		size_t n = end ? (size_t)(end - text) : len;
		struct json *v = json_parse(text, n);
		const struct json *body = json_get(v, "body");

		/* A document, a line of a report, or the object itself. */
		body = body ? body : json_get(v, "policy");
		body = json_type(body) == JSON_OBJECT ? body : v;
		if (tells_exit(body)) {
			put_exit(out, body);
			snprintf(policy, DOC_ID_LEN, "%s",
				 json_text_at(body, "policy"));
		}
		json_free(v);
		n += end != NULL;
		text += n;
		len -= n;
	}
}

/* ---- the history ------------------------------------------------------- */

struct past {
	struct history *h;
	struct catalog *c;
	struct doc *policy;
};

/* No history is no error. */
static int open_past(struct past *p, const char *dir)
{
	int rc = history_open(dir, false, &p->h);

	if (rc)
		return rc == -ENOENT ? 0 : rc;
	p->c = catalog_new(p->h);
	return catalog_refresh(p->c);
}

static void close_past(struct past *p)
{
	doc_free(p->policy);
	catalog_free(p->c);
	history_close(p->h);
}

/* 1: the policy whose id begins so; 0: there is none, or several. */
static int find_policy(struct past *p, const char *prefix)
{
	struct history_key keys[8];
	const struct history_key *found = NULL;
	int n;

	if (!p->h || strlen(prefix) < 4)
		return 0;
	n = history_find(p->h, prefix, keys, ARRAY_LEN(keys));
	for (int i = 0; i < n && i < (int)ARRAY_LEN(keys); i++) {
		if (strcmp(keys[i].kind, "policy"))
			continue;
		if (found)
			return 0;
		found = &keys[i];
	}
	return found &&
	       history_read(p->h, "policy", found->id, &p->policy) == 0;
}

/* "schedkit_0123456789ab" of the kernel is the policy 0123456789ab…; what the
 * kernel adds to the name is left out. */
static void id_in_name(const char *name, char out[static DOC_ID_LEN])
{
	static const char mark[] = OURS "_";
	size_t n;

	if (strncmp(name, mark, strlen(mark)))
		return;
	name += strlen(mark);
	n = strspn(name, "0123456789abcdef");
	if (n >= 8 && n < DOC_ID_LEN)
		snprintf(out, DOC_ID_LEN, "%.*s", (int)n, name);
}

static bool has_template(const struct doc *policy)
{
	const char *form = policy ? json_text_at(policy->body, "form") : "";

	return !strcmp(form, "params") || !strcmp(form, "hooks");
}

/* The policy, and, where the text is the kernel's log only, the dump that went
 * to whoever held it. */
static int ask_past(struct triage *t, struct past *p, const char *wanted,
		    char id[static DOC_ID_LEN])
{
	struct json *body;
	struct buf again;

	if (!*id)
		id_in_name(t->dump.policy, id);
	if (*wanted)
		snprintf(id, DOC_ID_LEN, "%s", wanted);
	if (!find_policy(p, id))
		return *wanted ? err_set(ENOENT,
					 "the history has no policy '%s', or "
					 "several",
					 wanted)
			       : 0;
	if (t->dump.has_kind ||
	    !triage_recall(p->h, p->c, p->policy->id, &body))
		return 0;
	buf_init(&again, DUMP_MAX_BYTES);
	put_exit(&again, body);
	json_free(body);
	dump_release(&t->dump);
	dump_read(&t->dump, again.data ? again.data : "", again.len);
	buf_release(&again);
	return 0;
}

/* ---- telling ----------------------------------------------------------- */

static void put_task(const struct triage *t, struct json *stall)
{
	struct json *v = json_object();
	const struct dump_task *task = t->task;

	if (!task && !t->dump.pid) {
		json_free(v);
		return;
	}
	json_set(stall, "task", v);
	json_set_string(v, "comm", task ? task->comm : t->dump.comm);
	json_set_number(v, "pid", task ? task->pid : t->dump.pid);
	if (t->dump.waited_s >= 0)
		json_set_number(v, "waited_s", t->dump.waited_s);
	else if (task && (dump_is_stall(&t->dump) || !t->dump.kind))
		json_set_number(v, "waited_s", (double)task->wait_ms / 1000);
	if (!task)
		return;
	json_set_bool(v, "kernel_thread", task->kthread);
	if (task->weight)
		json_set_number(v, "weight", task->weight);
}

static void put_place(const struct triage *t, struct json *stall)
{
	struct json *queue, *cpus;
	char *text, id[32];

	if (!t->task)
		return;
	queue = json_set(stall, "queue", json_object());
	if (t->task->queued) {
		snprintf(id, sizeof(id), "0x%" PRIx64, t->task->dsq);
		json_set_string(queue, "id", id);
	}
	text = triage_queue_text(t, t->task);
	json_set_string(queue, "name", text);
	free(text);
	cpus = json_set(stall, "affinity", json_object());
	text = triage_cpus_text(t->task);
	json_set_string(cpus, "text", text);
	free(text);
	json_set_number(cpus, "cpus", dump_allowed(t->task));
	json_set_number(cpus, "at", t->dump.cpu[t->task->cpu].cpu);
	json_set_bool(cpus, "migration_disabled", t->task->no_mig > 0);
}

static void put_exit_words(const struct triage *t, struct json *stall)
{
	const struct dump *d = &t->dump;
	struct json *v = json_set(stall, "exit", json_object());

	if (d->has_kind)
		json_set_number(v, "kind", d->kind);
	json_set_string(v, "reason", d->reason);
	json_set_string(v, "message", d->message);
	if (d->policy[0])
		json_set_string(v, "scheduler", d->policy);
	json_set_bool(v, "truncated", d->truncated);
}

/* The diagnosis in one sentence. */
static char *sentence(const struct triage *t, const struct json *stall)
{
	const char *cause = json_text_at(stall, "causes.0.text");
	const struct json *task = json_get(stall, "task");
	const char *queue = json_text_at(stall, "queue.name");

	if (!task)
		return mem_strdup(cause);
	if (!json_get(task, "waited_s"))
		return mem_printf("%s[%d]: %s", json_text_at(task, "comm"),
				  (int)json_as_number(json_get(task, "pid"), 0),
				  cause);
	return mem_printf(
		"%s[%d] waited %.1f s%s%s: %s", json_text_at(task, "comm"),
		(int)json_as_number(json_get(task, "pid"), 0),
		json_as_number(json_get(task, "waited_s"), 0),
		*queue ? ", in " : "", queue,
		t->cause == CAUSE_UNKNOWN ? "why is not to be seen" : cause);
}

static struct json *tell(struct triage *t, struct past *p, const char *id)
{
	struct json *body = json_object();
	struct json *stall = json_object(), *change = NULL;
	char *text;

	put_exit_words(t, stall);
	put_task(t, stall);
	put_place(t, stall);
	json_set(stall, "causes", t->causes);
	t->causes = NULL;
	text = sentence(t, stall);
	json_set_string(body, "text", text);
	free(text);
	if (p->policy)
		json_set_string(stall, "policy", p->policy->id);
	else if (*id)
		json_set_string(stall, "policy", id);
	if (p->policy && t->cause != CAUSE_ASKED)
		change = triage_change(p->h, p->c, p->policy, t->cause);
	json_set(stall, "change", change);
	json_set(body, "stall", stall);
	return body;
}

/* ---- all --------------------------------------------------------------- */

static void diagnose(struct triage *t, const struct past *p)
{
	const struct dump *d = &t->dump;
	bool asked = d->has_kind && d->kind == DUMP_NONE;

	t->ours = has_template(p->policy) ||
		  (!p->policy && !strncmp(d->policy, OURS, strlen(OURS)));
	t->task = d->pid ? dump_find(d, d->pid) : NULL;
	/* Nobody is named by one that was asked for, nor where the watchdog was
	 * itself kept waiting. */
	if (asked || (!d->pid && dump_is_stall(d)))
		t->task = dump_longest(d);
	if (dump_is_stall(d) || asked)
		triage_causes(t);
	else
		triage_error_causes(t);
}

int triage(const char *text, size_t len, const char *policy,
	   const char *history, struct json **body)
{
	struct triage t = {.cause = CAUSE_COUNT};
	char id[DOC_ID_LEN] = "";
	struct past p = {NULL};
	struct buf documents;
	int rc;

	*body = NULL;
	buf_init(&documents, DUMP_MAX_BYTES);
	if (len && text[0] == '{') {
		take_documents(text, len, &documents, id);
		text = documents.data ? documents.data : "";
		len = documents.len;
	}
	dump_read(&t.dump, text, len);
	buf_release(&documents);
	rc = t.dump.found ? open_past(&p, history) : 0;
	if (!rc && t.dump.found)
		rc = ask_past(&t, &p, policy ? policy : "", id);
	if (!rc && t.dump.found) {
		t.causes = json_array();
		diagnose(&t, &p);
		*body = tell(&t, &p, id);
		rc = 1;
	}
	close_past(&p);
	dump_release(&t.dump);
	return rc;
}
