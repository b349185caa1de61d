/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * URIs of resources.  There is one way to write each, without anything
 * encoded, and nothing in them is a path: what is not one of these is refused.
 */
#include <errno.h>
#include <string.h>

#include "agents/steward/order.h"
#include "agents/steward/world.h"
#include "base/err.h"
#include "base/mem.h"

#define CHARACTERS "abcdefghijklmnopqrstuvwxyz0123456789-./"

static int refuse(const char *why)
{
	return err_set(ENOENT, "there is no such resource: %s", why);
}

static int read_id(const char *text, struct world_uri *out)
{
	size_t len = strlen(text);

	if (!steward_is_id(text, 4))
		return refuse("an id is 64 hexadecimal digits, or the first of "
			      "them, 4 at least");
	memcpy(out->id, text, len + 1);
	out->what = WORLD_IS_DOCUMENT;
	return 0;
}

static int read_document(const char *text, struct world_uri *out)
{
	size_t len = strcspn(text, "/");

	if (len < sizeof(out->kind)) {
		memcpy(out->kind, text, len);
		out->kind[len] = '\0';
	}
	if (!history_keeps(out->kind))
		return refuse("the history has profiles, plans, policies, "
			      "verdicts, deployments, lessons and notes "
			      "(history/policy/ID)");
	return read_id(text[len] ? text + len + 1 : "", out);
}

static int read_page(const char *text, struct world_uri *out)
{
	size_t len = strlen(text);

	if (!len || len >= sizeof(out->page) || strchr(text, '/') ||
	    *text == '.')
		return refuse("pages are called like man/sched-verify.1");
	memcpy(out->page, text, len + 1);
	out->what = WORLD_IS_PAGE;
	return 0;
}

static int read_lesson(const char *text, struct world_uri *out)
{
	strcpy(out->kind, "lesson");
	return read_id(text, out);
}

int world_uri_read(const char *uri, struct world_uri *out)
{
	static const struct {
		const char *uri;
		enum world_what what;
	} plain[] = {{WORLD_STATUS, WORLD_IS_STATUS},
		     {WORLD_MACHINE, WORLD_IS_MACHINE},
		     {WORLD_LOG, WORLD_IS_LOG}};
	static const struct {
		const char *start;
		int (*read)(const char *text, struct world_uri *out);
	} open[] = {{WORLD_SCHEME "history/", read_document},
		    {WORLD_SCHEME "lesson/", read_lesson},
		    {WORLD_SCHEME "man/", read_page}};
	size_t scheme = strlen(WORLD_SCHEME), len = strlen(uri);

	*out = (struct world_uri){0};
	if (strncmp(uri, WORLD_SCHEME, scheme) || len > WORLD_URI_MAX)
		return refuse("those of this server begin with " WORLD_SCHEME
			      " and are short");
	if (uri[scheme + strspn(uri + scheme, CHARACTERS)])
		return refuse("it has a character that none of this server "
			      "has; nothing is percent-encoded in them");
	if (strstr(uri + scheme, "..") || strstr(uri + scheme, "//"))
		return refuse("no name in it is empty or '..'");
	for (size_t i = 0; i < ARRAY_LEN(plain); i++) {
		out->what = plain[i].what;
		if (!strcmp(uri, plain[i].uri))
			return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(open); i++)
		if (!strncmp(uri, open[i].start, strlen(open[i].start)))
			return open[i].read(uri + strlen(open[i].start), out);
	return refuse(
		"there are status, machine, history/log, "
		"history/KIND/ID, lesson/ID and man/PAGE below " WORLD_SCHEME);
}
