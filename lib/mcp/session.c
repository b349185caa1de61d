/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Revisions up to 2025-11-25: what initialize has settled holds until the end.
 */
#include <string.h>

#include "mcp/server_state.h"

static const char *const levels[] = {
	"debug", "info",     "notice", "warning",
	"error", "critical", "alert",  "emergency",
};

int log_level_of(const char *name)
{
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
		if (!strcmp(levels[i], name))
			return (int)i;
	return -1;
}

/* ---- initialize --------------------------------------------------------- */

/* What was asked for, or the newest that knows sessions. */
static enum revision negotiate(const char *asked)
{
	enum revision r = revision_of(asked);

	return r == REVISION_NONE || r > REVISION_2025_11_25
		       ? REVISION_2025_11_25
		       : r;
}

static void begin(struct mcp_peer *p, const struct json *params)
{
	const struct json *caps;

	p->hello = json_copy(params);
	p->revision = negotiate(json_text_at(params, "protocolVersion"));
	p->log_level = log_level_of("info");
	p->who.name = json_text_at(p->hello, "clientInfo.name");
	p->who.version = json_text_at(p->hello, "clientInfo.version");
	p->who.revision = revision_name(p->revision);
	caps = json_get(p->hello, "capabilities");
	p->who.elicits =
		p->revision >= REVISION_2025_06_18 && capability_elicits(caps);
}

static bool is_initialize(const struct request *r)
{
	return !strcmp(r->method, "initialize");
}

static void initialize(struct request *r)
{
	struct mcp_peer *p = r->o.peer;
	const struct mcp_server *s = p->server;
	struct json *v;

	if (p->revision) {
		origin_error(&r->o, RPC_INVALID_REQUEST, NULL,
			     "this session is initialized already");
		return;
	}
	if (!request_string(r, "protocolVersion"))
		return;
	if (json_type(json_get(r->params, "capabilities")) != JSON_OBJECT ||
	    json_type(json_path(r->params, "clientInfo.name")) != JSON_STRING ||
	    json_type(json_path(r->params, "clientInfo.version")) !=
		    JSON_STRING) {
		origin_error(&r->o, RPC_INVALID_PARAMS, NULL,
			     "params needs capabilities, an object, and "
			     "clientInfo with a name and a version");
		return;
	}
	begin(p, r->params);
	r->o.revision = p->revision;
	v = json_object();
	json_set_string(v, "protocolVersion", revision_name(p->revision));
	json_set(v, "capabilities",
		 server_capabilities(s, &p->who, p->revision));
	json_set(v, "serverInfo", server_info(s, p->revision));
	if (s->offer->instructions)
		json_set_string(v, "instructions", s->offer->instructions);
	origin_result(&r->o, v);
}

void session_notified(struct mcp_peer *p, const struct rpc_message *m)
{
	if (p->revision && !strcmp(m->method, "notifications/initialized"))
		p->ready = true;
}

/* ---- requests ----------------------------------------------------------- */

void session_set_level(struct request *r)
{
	const char *name = request_string(r, "level");
	int level;

	if (!name)
		return;
	level = log_level_of(name);
	if (level < 0) {
		origin_error(&r->o, RPC_INVALID_PARAMS, NULL,
			     "params.level is no level of syslog");
		return;
	}
	r->o.peer->log_level = level;
	origin_result(&r->o, json_object());
}

void session_ping(struct request *r)
{
	origin_result(&r->o, json_object());
}

/* Revisions from 2025-06-18 on have the header, and earlier clients may. */
static bool header_fits(struct request *r)
{
	const char *said = r->h ? r->h->revision : NULL;

	if (!said || is_initialize(r) ||
	    revision_of(said) == r->o.peer->revision)
		return true;
	origin_error(&r->o, RPC_INVALID_REQUEST, NULL,
		     "the header MCP-Protocol-Version is not the revision "
		     "that initialize has settled");
	return false;
}

void session_take(struct request *r)
{
	struct mcp_peer *p = r->o.peer;

	r->who = p->who;
	r->caps = json_get(p->hello, "capabilities");
	r->log_level = p->log_level;
	if (is_initialize(r)) {
		initialize(r);
	} else if (p->revision && !header_fits(r)) {
		return;
	} else if (p->revision || !strcmp(r->method, "ping")) {
		methods_take(r);
	} else {
		origin_error(&r->o, RPC_INVALID_PARAMS, NULL,
			     "no session: begin with initialize, or name a "
			     "revision in params._meta (" META_REVISION ")");
		p->server->status = 400;
	}
}
