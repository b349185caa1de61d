/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Revision 2026-07-28: each request says all that there is to know. */
#include <string.h>

#include "mcp/server_state.h"

bool modern_is(const struct json *params, const struct mcp_headers *h)
{
	if (json_get(json_get(params, "_meta"), META_REVISION))
		return true;
	return h && h->revision &&
	       revision_of(h->revision) == REVISION_2026_07_28;
}

bool capability_elicits(const struct json *caps)
{
	const struct json *v = json_get(caps, "elicitation");

	return json_type(v) == JSON_OBJECT &&
	       (!json_len(v) || json_get(v, "form"));
}

bool capability_tasks(const struct json *caps)
{
	return json_type(json_get(json_get(caps, "extensions"),
				  EXTENSION_TASKS)) == JSON_OBJECT;
}

static void unsupported(struct request *r, const char *revision)
{
	struct json *data = json_object(), *list = json_array();

	json_add(list, json_string(revision_name(REVISION_2026_07_28)));
	json_set(data, "supported", list);
	json_set_string(data, "requested", revision);
	origin_error(&r->o, RPC_UNSUPPORTED_REVISION, data,
		     "this revision of the protocol is not supported here");
}

/* An envelope that is not whole: HTTP has a status for that. */
static bool lacks(struct request *r, const char *what)
{
	origin_error(&r->o, RPC_INVALID_PARAMS, NULL,
		     "params._meta of revision 2026-07-28: %s", what);
	r->o.peer->server->status = 400;
	return false;
}

static bool read_client(struct request *r)
{
	const struct json *client = json_get(r->meta, META_CLIENT);

	r->who.name = r->who.version = "";
	if (!client)
		return true;
	if (json_type(json_get(client, "name")) != JSON_STRING ||
	    json_type(json_get(client, "version")) != JSON_STRING)
		return lacks(r,
			     META_CLIENT " has to have a name and a version");
	r->who.name = json_text_at(client, "name");
	r->who.version = json_text_at(client, "version");
	return true;
}

static bool read_log_level(struct request *r)
{
	const struct json *level = json_get(r->meta, META_LOG_LEVEL);

	if (!level)
		return true;
	r->log_level = log_level_of(json_as_string(level, ""));
	if (r->log_level < 0)
		return lacks(r, META_LOG_LEVEL " is no level of syslog");
	return true;
}

static bool read_envelope(struct request *r)
{
	const struct json *revision = json_get(r->meta, META_REVISION);
	const char *name = json_as_string(revision, "");

	if (!r->meta)
		return lacks(r, "it was not sent");
	if (json_type(revision) != JSON_STRING)
		return lacks(r, META_REVISION " has to be a string");
	/* What the two say of each other comes before what they say. */
	if (headers_check(r))
		return false;
	if (revision_of(name) != REVISION_2026_07_28) {
		unsupported(r, name);
		return false;
	}
	r->caps = json_get(r->meta, META_CAPABILITIES);
	if (json_type(r->caps) != JSON_OBJECT)
		return lacks(r, META_CAPABILITIES " has to be an object");
	r->who.principal = r->o.peer->principal;
	r->who.revision = revision_name(REVISION_2026_07_28);
	r->who.elicits = capability_elicits(r->caps);
	r->who.tasks = capability_tasks(r->caps);
	return read_client(r) && read_log_level(r);
}

void modern_discover(struct request *r)
{
	const struct mcp_server *s = r->o.peer->server;
	struct json *v = json_object(), *list = json_array();

	json_add(list, json_string(revision_name(REVISION_2026_07_28)));
	json_set(v, "supportedVersions", list);
	json_set(v, "capabilities",
		 server_capabilities(s, &r->who, r->o.revision));
	if (s->offer->instructions)
		json_set_string(v, "instructions", s->offer->instructions);
	server_keep(s, NULL, v);
	origin_result(&r->o, v);
}

void modern_take(struct request *r)
{
	r->o.revision = REVISION_2026_07_28;
	if (read_envelope(r))
		methods_take(r);
}
