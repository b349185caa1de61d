/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sessions, of the older era. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/random.h"
#include "mcp/http_parts.h"

#define SPARE_S 60.0 /* idle for so long, it makes room for another */

static bool is_busy(const struct http_session *s)
{
	for (const struct http_exchange *x = s->h->exchanges; x; x = x->next)
		if (x->session == s)
			return true;
	return false;
}

struct http_session *http_session_find(struct mcp_http *h, const char *id,
				       const struct http_principal *who)
{
	for (struct http_session *s = h->sessions; s; s = s->next)
		if (s->who == who && !strcmp(s->id, id)) {
			s->used = clock_monotonic();
			return s;
		}
	return NULL;
}

bool http_session_room(struct mcp_http *h)
{
	struct http_session *oldest = NULL;

	if (h->session_count < h->o.max_sessions)
		return true;
	for (struct http_session *s = h->sessions; s; s = s->next)
		if ((!oldest || s->used < oldest->used) && !is_busy(s))
			oldest = s;
	if (!oldest || clock_monotonic() - oldest->used < SPARE_S)
		return false;
	http_session_end(oldest);
	return true;
}

void http_session_new(struct http_exchange *x)
{
	struct mcp_http *h = x->h;
	struct http_session *s = mem_zalloc(1, sizeof(*s));

	random_hex(s->id, sizeof(s->id));
	s->h = h;
	s->who = x->who;
	s->peer = x->peer;
	s->used = clock_monotonic();
	s->next = h->sessions;
	s->link = &h->sessions;
	if (s->next)
		s->next->link = &s->next;
	h->sessions = s;
	h->session_count++;
	strcpy(x->told_session, s->id);
	x->session = s;
	x->peer = NULL;
}

void http_session_end(struct http_session *s)
{
	struct mcp_http *h = s->h;

	*s->link = s->next;
	if (s->next)
		s->next->link = s->link;
	h->session_count--;
	for (struct http_exchange *x = h->exchanges; x; x = x->next) {
		if (x->session != s)
			continue;
		x->session = NULL;
		if (!x->stream)
			continue;
		x->stream = NULL;
		x->done = true;
		if (!x->count && !x->streams)
			http_refuse(x, 404, RPC_INVALID_REQUEST,
				    "the session has ended");
		http_exchange_wake(x);
	}
	mcp_peer_free(s->peer);
	free(s);
}

void http_session_expire(struct mcp_http *h, double now)
{
	struct http_session *next;

	for (struct http_session *s = h->sessions; s; s = next) {
		next = s->next;
		if (is_busy(s))
			s->used = now;
		else if (now - s->used > h->o.session_s)
			http_session_end(s);
	}
}
