/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keys: made, listed, revoked. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agents/verifier/signer.h"
#include "base/err.h"
#include "base/mem.h"
#include "cmd/verify.h"
#include "term/text.h"
#include "trust/store.h"

#define DAY_S 86400.0

int keys_new(const struct opt_tool *tool, const char *name, double days)
{
	time_t end = days > 0 ? clock_wall() + (time_t)(days * DAY_S) : 0;
	char *folder = trust_own_folder();
	struct key_info k;
	int rc = key_make(folder, name ? name : SIGNER_FIRST, end, &k);

	free(folder);
	if (rc == -EINVAL)
		cli_usage(tool, "%s", err_text());
	if (rc == -EEXIST) {
		cli_note(tool,
			 "%s: give the new one another name ('--new-key "
			 "NAME'); the newest signs",
			 err_text());
		return CLI_CANNOT;
	}
	if (rc)
		return cli_fail(tool, rc);
	printf("key      %s\nprivate  %s\npublic   %.*s.pub\nexpires  %s\n",
	       k.id, k.path, (int)strlen(k.path) - 4, k.path, k.expires);
	free(k.path);
	return CLI_YES;
}

/* What can be said of a key in a word. */
static const char *state_of(const struct trust *t, const struct key_info *k)
{
	char *private =
		mem_printf("%.*s.key", (int)strlen(k->path) - 4, k->path);
	bool own = !access(private, F_OK);

	free(private);
	if (trust_revoked(t, "key", k->id))
		return "revoked";
	if (key_expired(k, clock_wall()))
		return "expired";
	return own ? "own" : "trusted";
}

int keys_list(const struct opt_tool *tool)
{
	struct trust *t;
	struct table *table;
	int rc = trust_open(&t);

	if (rc)
		return cli_fail(tool, rc);
	table = table_new();
	table_column(table, "key", TABLE_LEFT);
	table_column(table, "state", TABLE_LEFT);
	table_column(table, "made", TABLE_LEFT);
	table_column(table, "expires", TABLE_LEFT);
	table_column(table, "file", TABLE_LEFT);
	for (size_t i = 0; i < trust_count(t); i++) {
		const struct key_info *k = trust_at(t, i);

		table_cell(table, "%.16s", k->id);
		table_cell(table, "%s", state_of(t, k));
		table_cell(table, "%s", k->made);
		table_cell(table, "%s", k->expires);
		table_cell(table, "%s", k->path);
	}
	if (trust_count(t))
		cli_table(table, 0);
	else
		table_free(table);
	rc = trust_count(t) ? CLI_YES : CLI_NO;
	if (rc == CLI_NO)
		cli_note(tool, "no key is trusted here: 'sched-verify "
			       "--new-key' makes one");
	trust_free(t);
	return rc;
}

/* The whole id of a trusted key from its beginning; NULL: not one. */
static const char *whole_id(const struct trust *t, const char *id)
{
	const char *found = NULL;

	for (size_t i = 0; *id && i < trust_count(t); i++) {
		const char *whole = trust_at(t, i)->id;

		if (strncmp(whole, id, strlen(id)))
			continue;
		if (found && strcmp(found, whole))
			return NULL;
		found = whole;
	}
	return found;
}

int keys_revoke(const struct opt_tool *tool, const char *text)
{
	const char *colon = strchr(text, ':'), *id, *whole = NULL;
	char *folder = trust_own_folder(), *what;
	struct trust *t = NULL;
	int rc;

	if (!colon)
		cli_usage(tool, "option --revoke: '%s' is not WHAT:ID", text);
	what = mem_strndup(text, (size_t)(colon - text));
	id = colon + 1;
	/* Others' files may be damaged: that must not keep one from it. */
	if (!strcmp(what, "key") && !trust_open(&t))
		whole = whole_id(t, id);
	rc = trust_revoke(folder, what, whole ? whole : id);
	if (!rc)
		printf("revoked  %s %s\nin       %s/revoked\n", what,
		       whole ? whole : id, folder);
	trust_free(t);
	free(what);
	free(folder);
	return rc ? cli_fail(tool, rc) : CLI_YES;
}
