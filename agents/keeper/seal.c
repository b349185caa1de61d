/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/keeper/seal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "crypt/digest.h"

#define SEALS  64 /* about, in a version */
#define RECENT 16 /* that are all kept */

/* Of the log's path: one is begun anew where another was. */
static char *name_of(const char *log)
{
	char sum[DIGEST_HEX_LEN];

	digest_hex(log, strlen(log), sum);
	return mem_printf("%.32s.json", sum);
}

static bool mark_of(const struct json *v, struct rt_audit_mark *out)
{
	const char *hash = json_text_at(v, "hash");
	const char *first = json_text_at(v, "first");
	double n = json_as_number(json_get(v, "n"), 0);

	if (strlen(hash) != DIGEST_HEX_LEN - 1 ||
	    strlen(first) != DIGEST_HEX_LEN - 1 || !(n >= 1 && n < 0x1p53))
		return false;
	out->seal.n = (size_t)n;
	strcpy(out->seal.hash, hash);
	strcpy(out->first, first);
	return true;
}

/* The array in the file's last version; NULL: there is none. */
static int read_last(struct files *f, const char *name, struct json **out)
{
	struct file_version v;
	struct buf text;
	int rc;

	*out = NULL;
	buf_init(&text, FILE_SIZE_MAX);
	rc = file_get(f, SEALS_OWNER, name, 0, &text, &v);
	if (!rc)
		*out = json_parse(text.data ? text.data : "", text.len);
	buf_release(&text);
	if (rc == -ENOENT)
		return 0;
	if (!rc && json_type(*out) != JSON_ARRAY)
		rc = err_set(EBADMSG, "the history's seals of the audit log "
				      "are damaged");
	return rc;
}

/* The newest first.  Of the older ones every second one goes when there are
 * many, and never the first of all: they reach back for ever. */
static struct json *joined(const struct json *seal, const struct json *old)
{
	struct json *all = json_array();
	size_t i = 0, n = json_len(old);

	json_add(all, json_copy(seal));
	json_each (it, old) {
		i++;
		if (n < SEALS || i <= RECENT || (n - i) % 2 == 0)
			json_add(all, json_copy(it));
	}
	return all;
}

int seal_put(struct files *f, const struct json *seal)
{
	struct json *old, *all;
	struct rt_audit_mark mark;
	struct file_version v;
	char *name, *text;
	int rc;

	if (!*json_text_at(seal, "log") || !mark_of(seal, &mark))
		return err_set(EINVAL, "this is no seal of an audit log");
	name = name_of(json_text_at(seal, "log"));
	rc = read_last(f, name, &old);
	if (!rc) {
		all = joined(seal, old);
		text = json_canonical(all);
		rc = file_put(f, SEALS_OWNER, name, text, strlen(text),
			      FILE_ANY, &v);
		free(text);
		json_free(all);
	}
	json_free(old);
	free(name);
	return rc;
}

int seals_of(struct history *h, const char *log, struct rt_audit_mark **out,
	     size_t *n)
{
	struct files *f = files_new(h);
	char *name = name_of(log);
	struct json *all;
	int rc = read_last(f, name, &all);

	*n = 0;
	*out = rc ? NULL : mem_zalloc(json_len(all) + 1, sizeof(**out));
	for (size_t i = 0; !rc && i < json_len(all); i++)
		if (!mark_of(json_at(all, i), &(*out)[(*n)++]))
			rc = err_set(EBADMSG,
				     "seal %zu of the audit log in "
				     "the history is none",
				     i);
	if (rc) {
		free(*out);
		*out = NULL;
		*n = 0;
	}
	json_free(all);
	files_free(f);
	free(name);
	return rc;
}
