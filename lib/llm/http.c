/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "llm/http.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "llm/url.h"

static void http_free(struct provider *base)
{
	struct http_provider *p = (struct http_provider *)base;

	if (p->key)
		explicit_bzero(p->key, strlen(p->key));
	free(p->key);
	free(p->url);
	free(p->models_url);
	free(p->root);
	free(p->host);
	free(base->name);
	free(base->model);
	free(p);
}

static const struct provider_ops http_ops = {
	.free = http_free,
	.start = http_start,
	.step = http_step,
	.halt = http_halt,
	.tokens = http_tokens,
	.end = http_end,
};

/* A line break would begin another header. */
static int check_key(const char *key)
{
	for (; key && *key; key++)
		if ((unsigned char)*key <= 0x20 || *key == 0x7f)
			return err_set(EINVAL, "the key holds a space or a "
					       "control character");
	return 0;
}

static bool ends_in_v1(const char *url)
{
	size_t n = strcspn(url, "?#");

	while (n && url[n - 1] == '/')
		n--;
	return n >= 3 && !strncmp(url + n - 3, "/v1", 3);
}

/* The address without what the dialect puts behind it. */
static char *root_of(const char *url)
{
	size_t n = strcspn(url, "?#"), end = n;

	while (end && url[end - 1] == '/')
		end--;
	if (ends_in_v1(url))
		end -= strlen("/v1");
	return mem_printf("%.*s%s", (int)end, url, url + n);
}

/*
 * What runs on this machine is a server of open models, and goes on with a turn
 * that stands last; who else does not say so may begin another one, which only
 * a turn that repeats its end can show.
 */
static enum llm_resume usual_resume(const struct http_provider *p,
				    const struct http_where *w)
{
	if (!p->known.stream)
		return LLM_RESUME_NONE;
	return w->anthropic || url_is_here(w->url) ? LLM_RESUME_CONTINUE
						   : LLM_RESUME_TURN;
}

static void set_up(struct http_provider *p, const struct http_where *w,
		   const struct llm_opts *o)
{
	size_t skip =
		p->d->version_in_path && ends_in_v1(w->url) ? strlen("/v1") : 0;

	p->url = url_join(w->url, p->d->path + skip);
	p->models_url = url_join(w->url, p->d->models + skip);
	p->root = root_of(w->url);
	p->key = w->key && *w->key ? mem_strdup(w->key) : NULL;
	p->limits = o->limits;
	limits_fill(&p->limits);
	p->cancel = o->cancel;
	p->known.stream = o->stream;
	/* Its newer models know no other name; its older ones both. */
	p->known.completion_tokens =
		!w->anthropic && !strcmp(p->host, "api.openai.com");
	p->base.resume = w->resume >= 0 ? (enum llm_resume)w->resume
					: usual_resume(p, w);
	p->slots = w->slots < HTTP_SLOTS ? w->slots : HTTP_SLOTS;
	if (o->model)
		p->base.model = mem_strdup(o->model);
	http_set_name(p);
}

int http_provider_new(const struct http_where *w, const struct llm_opts *o,
		      struct transfer_loop *loop, struct provider **out)
{
	struct http_provider *p = mem_zalloc(1, sizeof(*p));
	int rc;

	*out = NULL;
	p->base.ops = &http_ops;
	p->d = w->anthropic ? &dialect_anthropic : &dialect_openai;
	p->loop = loop;
	rc = check_key(w->key);
	if (!rc)
		rc = url_check(w->url, &p->host);
	if (rc) {
		http_free(&p->base);
		return rc;
	}
	set_up(p, w, o);
	*out = &p->base;
	return 0;
}
