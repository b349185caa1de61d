/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who may read what is another's.  Shares of a file or note are an array in
 * "shares/files/NAME" or "shares/notes/ID" of the owner's folder, so that the
 * log of the reference says who could read what, and when.
 */
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "history/file_parts.h"
#include "history/layout.h"

#define SHARES_MAX_BYTES (1u << 16)
#define MESSAGE_MAX	 4096

static const char *const parts[] = {
	[SHARE_FILE] = "shares/files",
	[SHARE_NOTE] = "shares/notes",
};

static const char *const kinds[] = {
	[SHARE_FILE] = "file",
	[SHARE_NOTE] = "note",
};

static bool runs(const struct json *share)
{
	double until = json_as_number(json_get(share, "until"), 0);

	return until <= 0 || (double)clock_wall() < until;
}

/* The array; empty when there is none. */
static int read_shares(struct files *f, const char *owner, enum share_of of,
		       const char *name, struct json **out)
{
	char path[FILE_PATH_LEN];
	struct buf text;
	int rc;

	*out = NULL;
	file_path(path, owner, parts[of], name);
	buf_init(&text, SHARES_MAX_BYTES);
	rc = f->root ? layout_read(f->h, f->root, path, &text) : -ENOENT;
	if (!rc) {
		*out = json_parse(text.data, text.len);
		if (!*out)
			rc = err_prefix(-EUCLEAN, "'%s' in the history", path);
	} else if (rc == -ENOENT) {
		*out = json_array();
		rc = 0;
	}
	buf_release(&text);
	return rc;
}

static int write_shares(struct files *f, const char *owner, enum share_of of,
			const char *name, const struct json *shares,
			const char *message)
{
	char paths[2][FILE_PATH_LEN];
	char *text = json_canonical(shares), *line = mem_printf("%s\n", text);
	struct file_change c[2] = {
		{paths[0], line, strlen(line), {{0}}},
		{paths[1], owner, strlen(owner), {{0}}},
	};
	int rc;

	file_path(paths[0], owner, parts[of], name);
	file_path(paths[1], owner, "agent", "");
	rc = files_record(f, c, ARRAY_LEN(c), message);
	free(line);
	free(text);
	return rc;
}

static int check(const char *owner, const char *name, const char *with)
{
	int rc = file_agent_check(owner);

	if (!rc)
		rc = file_name_check(name);
	if (!rc && with)
		rc = file_agent_check(with);
	return rc;
}

static char *message_of(const char *verb, const char *owner, enum share_of of,
			const char *name, const char *with)
{
	struct buf b;

	buf_init(&b, MESSAGE_MAX);
	buf_printf(&b,
		   "%s: %s %s of %s with %s\n\nKind: share\nAgent: %s\n"
		   "%c%s: %s\nWith: %s\n",
		   verb, kinds[of], name, owner, with, owner,
		   kinds[of][0] - 'a' + 'A', kinds[of] + 1, name, with);
	return buf_take(&b);
}

/* What still runs and is not for `with` (NULL: for nobody). */
static struct json *without(const struct json *shares, const char *with,
			    size_t *dropped)
{
	struct json *out = json_array();

	*dropped = 0;
	json_each (s, shares) {
		if (!runs(s))
			continue;
		if (!with || !strcmp(json_text_at(s, "with"), with))
			(*dropped)++;
		else
			json_add(out, json_copy(s));
	}
	return out;
}

static int set_begun(struct files *f, const char *owner, enum share_of of,
		     const char *name, const char *with, time_t until)
{
	struct json *shares, *next, *one = json_object();
	char *message;
	size_t dropped;
	int rc = read_shares(f, owner, of, name, &shares);

	if (rc) {
		json_free(one);
		return rc;
	}
	json_set_string(one, "with", with);
	json_set_number(one, "since", (double)clock_wall());
	if (until)
		json_set_number(one, "until", (double)until);
	next = without(shares, with, &dropped);
	json_add(next, one);
	if (json_len(next) > FILE_SHARES_MAX) {
		rc = err_set(E2BIG,
			     "'%s' is shared with %d patterns already: revoke "
			     "one, or use a wider one",
			     name, FILE_SHARES_MAX);
	} else {
		message = message_of("share", owner, of, name, with);
		rc = write_shares(f, owner, of, name, next, message);
		free(message);
	}
	json_free(next);
	json_free(shares);
	return rc;
}

int share_set(struct files *f, const char *owner, enum share_of of,
	      const char *name, const char *with, time_t until)
{
	struct file_version v;
	int rc = check(owner, name, with);

	if (!rc && until && until <= clock_wall())
		rc = err_set(EINVAL, "a share cannot end before it begins");
	if (!rc)
		rc = files_begin(f);
	if (!rc && of == SHARE_FILE)
		rc = file_get(f, owner, name, 0, NULL, &v);
	return rc ? rc : set_begun(f, owner, of, name, with, until);
}

int share_drop(struct files *f, const char *owner, enum share_of of,
	       const char *name, const char *with)
{
	struct json *shares, *next;
	size_t dropped;
	char *message;
	int rc = check(owner, name, with);

	if (!rc)
		rc = files_begin(f);
	if (!rc)
		rc = read_shares(f, owner, of, name, &shares);
	if (rc)
		return rc;
	next = without(shares, with, &dropped);
	if (!dropped) {
		rc = err_set(ENOENT, "'%s' of '%s' is not shared with '%s'",
			     name, owner, with ? with : "anybody");
	} else {
		message = message_of("unshare", owner, of, name,
				     with ? with : "everybody");
		rc = write_shares(f, owner, of, name, next, message);
		free(message);
	}
	json_free(next);
	json_free(shares);
	return rc;
}

int share_allows(struct files *f, const char *owner, enum share_of of,
		 const char *name, const char *reader)
{
	struct json *shares;
	int rc = check(owner, name, NULL), found = 0;

	if (!rc)
		rc = file_agent_check(reader);
	if (rc)
		return rc;
	if (!strcmp(owner, reader))
		return 1;
	rc = files_look(f);
	if (!rc)
		rc = read_shares(f, owner, of, name, &shares);
	if (rc)
		return rc;
	json_each (s, shares)
		if (runs(s) && !fnmatch(json_text_at(s, "with"), reader, 0))
			found = 1;
	json_free(shares);
	return found;
}

int share_each(struct files *f, const char *owner, enum share_of of,
	       int (*fn)(void *arg, const char *name, const char *with,
			 time_t until),
	       void *arg)
{
	char folder[FILE_PATH_LEN];
	struct strs names = {0};
	struct json *shares;
	int rc = file_agent_check(owner);

	if (!rc)
		rc = files_look(f);
	if (!rc) {
		file_path(folder, owner, parts[of], "");
		rc = files_names(f, folder, &names);
	}
	for (size_t i = 0; !rc && i < names.len; i++) {
		rc = read_shares(f, owner, of, names.v[i], &shares);
		json_each (s, shares)
			if (!rc && runs(s))
				rc = fn(arg, names.v[i],
					json_text_at(s, "with"),
					(time_t)json_as_number(
						json_get(s, "until"), 0));
		json_free(shares);
	}
	strs_release(&names);
	return rc;
}
