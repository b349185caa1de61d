/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/deployer/deployments.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"

#define MACHINE_ID "/etc/machine-id"
#define SALT	   "schedkit deployment\n"

static const char *text(const struct doc *d, const char *path)
{
	return json_text_at(d->body, path);
}

bool deployments_host(char out[static DIGEST_HEX_LEN])
{
	struct buf b;
	bool known;
	size_t head;

	buf_init(&b, 256);
	buf_puts(&b, SALT);
	head = b.len;
	known = !buf_read_file(&b, MACHINE_ID) && b.len >= head + 32;
	if (known)
		digest_hex(b.data, b.len, out);
	else
		out[0] = '\0';
	buf_release(&b);
	return known;
}

/* ---- putting documents together --------------------------------------- */

static bool is_of_host(const struct doc *d, const char *host)
{
	const char *of = text(d, "host");

	return !host || !*of || !strcmp(of, host);
}

bool deployments_is_end(const struct json *body)
{
	static const char *const states[] = {"detached", "ejected", "stopped",
					     "tripped"};

	for (size_t i = 0; i < ARRAY_LEN(states); i++)
		if (!strcmp(json_text_at(body, "state"), states[i]))
			return true;
	return false;
}

static bool is_same(const struct doc *a, const struct doc *b)
{
	return *text(a, "since") &&
	       !strcmp(text(a, "since"), text(b, "since")) &&
	       !strcmp(text(a, "policy"), text(b, "policy")) &&
	       !strcmp(text(a, "host"), text(b, "host"));
}

/* The one that this document goes on with, or ends; NULL: its beginning is not
 * there. */
static struct deployment *open_one(struct deployments *d, const struct doc *doc)
{
	for (size_t i = d->n; i-- > 0;)
		if (d->v[i].begin && !d->v[i].end &&
		    is_same(d->v[i].begin, doc))
			return &d->v[i];
	return NULL;
}

void deployments_read(const struct doc *const *docs, size_t n, const char *host,
		      struct deployments *out)
{
	struct deployment *of;

	*out = (struct deployments){.v = mem_zalloc(n + 1, sizeof(*out->v))};
	for (size_t i = 0; i < n; i++) {
		if (strcmp(docs[i]->kind, "deployment") ||
		    !is_of_host(docs[i], host))
			continue;
		of = open_one(out, docs[i]);
		if (!of)
			of = &out->v[out->n++];
		if (!strcmp(text(docs[i], "state"), "attached"))
			of->begin = docs[i];
		else
			of->end = docs[i];
	}
}

void deployments_release(struct deployments *d)
{
	free(d->v);
	*d = (struct deployments){0};
}

const struct doc *deployment_doc(const struct deployment *d)
{
	return d->end ? d->end : d->begin;
}

bool deployment_was_attached(const struct deployment *d)
{
	return !strcmp(text(deployment_doc(d), "target"), "host") &&
	       (d->begin || deployments_is_end(d->end->body));
}

/* ---- what they tell --------------------------------------------------- */

static time_t time_of(const struct doc *d)
{
	return clock_parse(json_as_string(json_get(d->env, "time"), ""));
}

size_t deployments_falls(const struct deployments *d, const char *policy,
			 time_t since)
{
	size_t n = 0;

	for (size_t i = 0; i < d->n; i++) {
		const struct doc *e = d->v[i].end;

		if (!e || !deployment_was_attached(&d->v[i]) ||
		    strcmp(text(e, "policy"), policy) || time_of(e) < since)
			continue;
		n += !strcmp(text(e, "state"), "ejected") ||
		     !strcmp(text(e, "state"), "tripped");
	}
	return n;
}

struct pile {
	const struct deployments *d;
	size_t *at;
	size_t n;
};

static const char *policy_at(const struct pile *p, size_t i)
{
	return text(deployment_doc(&p->d->v[p->at[i]]), "policy");
}

/* Back to where it stood, over what was put there since. */
static bool go_back(struct pile *p, const char *policy)
{
	for (size_t i = p->n; i-- > 0;)
		if (!strcmp(policy_at(p, i), policy)) {
			p->n = i + 1;
			return true;
		}
	return false;
}

static void put(struct pile *p, size_t i)
{
	const struct doc *d = deployment_doc(&p->d->v[i]);
	const char *policy = text(d, "policy");

	if (*text(d, "back_from") && go_back(p, policy))
		p->n--;
	else if (p->n && !strcmp(policy_at(p, p->n - 1), policy))
		p->n--;
	p->at[p->n++] = i;
}

static struct pile pile_of(const struct deployments *d)
{
	struct pile p = {.d = d, .at = mem_zalloc(d->n + 1, sizeof(*p.at))};

	for (size_t i = 0; i < d->n; i++)
		if (deployment_was_attached(&d->v[i]))
			put(&p, i);
	return p;
}

static bool is_in(const struct pile *p, const size_t *list, size_t n,
		  const char *policy)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(text(deployment_doc(&p->d->v[list[i]]), "policy"),
			    policy))
			return true;
	return false;
}

size_t *deployments_before(const struct deployments *d, const char *present,
			   size_t *n)
{
	struct pile p = pile_of(d);
	size_t *out = mem_zalloc(p.n + 1, sizeof(*out));

	if (!present)
		present = p.n ? policy_at(&p, p.n - 1) : "";
	*n = 0;
	for (size_t i = p.n; i-- > 0;)
		if (strcmp(policy_at(&p, i), present) &&
		    !is_in(&p, out, *n, policy_at(&p, i)))
			out[(*n)++] = p.at[i];
	free(p.at);
	return out;
}

const struct deployment *deployments_last(const struct deployments *d)
{
	for (size_t i = d->n; i-- > 0;)
		if (deployment_was_attached(&d->v[i]))
			return &d->v[i];
	return NULL;
}

char *deployment_is_over(const struct deployment *d)
{
	const struct json *scope = json_get(deployment_doc(d)->body, "scope");
	double pid = json_as_number(json_get(scope, "pid"), 0);

	if (*json_text_at(scope, "command"))
		return mem_strdup("its knobs were for one command, which has "
				  "ended");
	if (pid > 0)
		return mem_printf("its knobs were for process %.0f alone", pid);
	return NULL;
}
