/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/keeper/keeper.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agents/keeper/parts.h"
#include "agents/keeper/seal.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"

/* How often the store may be moved by others (git push) meanwhile. */
#define TRIES	  50
#define EXPIRES_S 1e10

struct keeper *keeper_new(struct history *h)
{
	struct keeper *k = mem_zalloc(1, sizeof(*k));

	k->h = h;
	k->files = files_new(h);
	k->recall = recall_new(h);
	return k;
}

void keeper_free(struct keeper *k)
{
	if (!k)
		return;
	files_free(k->files);
	recall_free(k->recall);
	json_free(k->shares);
	free(k);
}

/* ---- fields ------------------------------------------------------------ */

int field_text(const struct json *p, const char *key, const char **out)
{
	*out = json_as_string(json_get(p, key), NULL);
	return *out && **out ? 0
			     : err_set(EINVAL,
				       "the payload lacks the text '%s'", key);
}

int field_whole(const struct json *p, const char *key, double min, double max,
		long dflt, long *out)
{
	const struct json *v = json_get(p, key);
	double x = json_as_number(v, NAN);

	*out = dflt;
	if (!v)
		return 0;
	if (!(x >= min && x <= max) || x != floor(x))
		return err_set(EINVAL,
			       "'%s' has to be a whole number from %.0f to "
			       "%.0f",
			       key, min, max);
	*out = (long)x;
	return 0;
}

int field_share(const struct json *p, const char **with, time_t *until)
{
	const struct json *v = json_get(p, "expires_s");
	double s = json_as_number(v, -1);
	int rc = field_text(p, "with", with);

	*until = 0;
	if (rc || !v)
		return rc;
	if (!(s >= 1 && s <= EXPIRES_S))
		return err_set(EINVAL,
			       "'expires_s' has to be 1 to %.0f seconds",
			       EXPIRES_S);
	*until = clock_wall() + (time_t)s;
	return 0;
}

int keeper_gather(void *arg, const char *name, const char *with, time_t until)
{
	struct json *of = arg, *list = json_array(), *one;

	json_each (old, json_get(of, name))
		json_add(list, json_copy(old));
	one = json_add(list, json_object());
	json_set_string(one, "with", with);
	if (until)
		json_set_number(one, "until", (double)until);
	json_set(of, name, list);
	return 0;
}

/* ---- jobs -------------------------------------------------------------- */

static void job_reset(struct job *j)
{
	json_free(j->result);
	doc_free(j->note);
	free(j->text);
	*j = (struct job){
		.agent = j->agent, .payload = j->payload, .seal = j->seal};
}

static void job_failed(struct job *j, int rc)
{
	j->rc = rc;
	free(j->text);
	j->text = mem_strdup(err_text());
}

static int run(struct keeper *k, struct job *j)
{
	const char *kind = json_text_at(j->payload, "kind");
	int rc;

	if (j->seal) {
		j->writes = true;
		return seal_put(k->files, j->seal);
	}
	if (!j->agent)
		return err_set(EINVAL, "the request lacks the text 'agent'");
	rc = file_agent_check(j->agent);
	if (rc)
		return rc;
	if (!strcmp(j->agent, SEALS_OWNER))
		return err_set(EACCES, "'%s' is the runtime's own name",
			       j->agent);
	if (!strcmp(kind, "memory"))
		return keeper_memory(k, j);
	if (!strcmp(kind, "storage"))
		return keeper_storage(k, j);
	return err_set(EINVAL,
		       "the payload's 'kind' has to be 'memory' or 'storage'");
}

static void run_job(struct keeper *k, struct job *j)
{
	int rc;

	job_reset(j);
	j->result = json_object();
	err_clear();
	rc = run(k, j);
	if (rc)
		job_failed(j, rc);
}

void keeper_flush(struct keeper *k)
{
	const struct doc **docs = mem_zalloc(k->n, sizeof(*docs));
	size_t n = 0;
	int rc = 0;

	for (size_t i = k->done; i < k->n; i++)
		if (k->jobs[i].note)
			docs[n++] = k->jobs[i].note;
	if (n)
		rc = history_add(k->h, docs, n);
	for (size_t i = k->done; rc < 0 && i < k->n; i++)
		if (k->jobs[i].note)
			job_failed(&k->jobs[i], rc);
	free(docs);
	k->done = k->n;
}

/* Those that write failed together; what the others read may have been of
 * that. */
static void all_failed(struct keeper *k, size_t n, int rc)
{
	char *why = mem_strdup(err_text());

	for (size_t i = 0; i < n; i++) {
		struct job *j = &k->jobs[i];

		if (!j->writes) {
			if (!j->note)
				run_job(k, j);
		} else if (!j->rc) {
			err_set(-rc, "%s", why);
			job_failed(j, rc);
		}
	}
	free(why);
}

static int run_all(struct keeper *k, size_t n)
{
	k->done = 0;
	for (size_t i = 0; i < n; i++) {
		k->n = i; /* a job sees what those before it wrote */
		run_job(k, &k->jobs[i]);
	}
	k->n = n;
	return files_commit(k->files);
}

static struct json *answer_of(struct job *j, const struct json *request)
{
	const struct json *id = json_get(request, "id");
	struct json *v = json_object(), *e;

	if (id)
		json_set(v, "id", json_copy(id));
	if (!j->rc) {
		json_set(v, "result", j->result);
		j->result = NULL;
		return v;
	}
	e = json_set(v, "error", json_object());
	json_set_string(e, "errno", err_name(-j->rc));
	json_set_string(e, "text", j->text);
	return v;
}

void keeper_answer(struct keeper *k, const struct json *const *requests,
		   size_t n, struct json **answers)
{
	int rc = -ESTALE;

	k->jobs = mem_zalloc(n, sizeof(*k->jobs));
	for (size_t i = 0; i < n; i++) {
		k->jobs[i].agent =
			json_as_string(json_get(requests[i], "agent"), NULL);
		k->jobs[i].payload = json_get(requests[i], "payload");
		k->jobs[i].seal = json_get(requests[i], "seal");
	}
	for (int i = 0; rc == -ESTALE && i < TRIES; i++)
		rc = run_all(k, n);
	if (rc)
		all_failed(k, n, rc == -ESTALE ? -EAGAIN : rc);
	keeper_flush(k);
	for (size_t i = 0; i < n; i++) {
		answers[i] = answer_of(&k->jobs[i], requests[i]);
		job_reset(&k->jobs[i]);
	}
	free(k->jobs);
	k->jobs = NULL;
	k->n = 0;
}
