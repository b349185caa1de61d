/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The slots of llama.cpp's server: what was read and said stays in one, is
 * saved to a file of the server's and comes back into any. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "llm/http.h"
#include "llm/url.h"

/* llama.cpp's server says how many slots it has; no other has any. */
void http_props_done(struct exchange *x)
{
	const struct transfer *t = x->t;
	struct json *v = t->status == 200 && !t->error && t->body.len
				 ? json_parse(t->body.data, t->body.len)
				 : NULL;
	long n = token_count(json_get(v, "total_slots"), 0);

	json_free(v);
	if (n)
		x->p->slots = n < HTTP_SLOTS ? n : HTTP_SLOTS;
	else if (t->error != -EINTR)
		x->p->base.resume = LLM_RESUME_CONTINUE;
	http_drop(x);
	x->state = HTTP_BEGIN;
}

void http_take_slot(struct exchange *x)
{
	for (long i = 0; i < x->p->slots && !x->slot; i++)
		if (!x->p->taken[i]) {
			x->p->taken[i] = true;
			x->slot = i + 1;
		}
}

void http_begin_slot(struct exchange *x, enum http_state state,
		     const char *file)
{
	struct json *body = json_object();
	char *path = mem_printf("/slots/%ld", x->slot - 1);
	char *url = url_join(x->p->root, path), *whole;

	json_set_string(body, "filename", file);
	x->text = json_ordered(body);
	json_free(body);
	whole = mem_printf("%s%caction=%s", url, strchr(url, '?') ? '&' : '?',
			   state == HTTP_SAVE ? "save" : "restore");
	x->state = state;
	if (http_send(x, whole, HTTP_ASIDE_S))
		x->t = NULL;
	free(whole);
	free(url);
	free(path);
}

static bool slot_done(const struct exchange *x)
{
	return x->t && x->t->status == 200 && !x->t->error;
}

void http_restore_done(struct exchange *x)
{
	/* Without it the turn goes on all the same, its beginning read anew. */
	http_drop(x);
	x->restored = true;
	x->state = HTTP_BEGIN;
}

/* It refuses, or lets everyone who is suspended wait. */
static bool cannot_save(const struct exchange *x)
{
	const struct transfer *t = x->t;

	return t && t->error != -EINTR && (t->status || t->error == -ETIMEDOUT);
}

void http_save_done(struct exchange *x)
{
	if (!slot_done(x)) {
		if (cannot_save(x))
			x->p->base.resume = LLM_RESUME_CONTINUE;
		free(x->keep->slot);
		x->keep->slot = NULL;
	}
	http_over(x, err_set(ERESTART, "suspended"));
}
