/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Versioned files. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "agents/keeper/content.h"
#include "agents/keeper/parts.h"
#include "base/err.h"

#define VERSIONS_MAX 1e9
#define LOG_MAX	     100
#define LIST_MAX     1000

static void put_version(struct json *to, const struct file_version *v)
{
	json_set_number(to, "version", (double)v->version);
	json_set_number(to, "time", (double)v->time);
	json_set_number(to, "bytes", (double)v->size);
	json_set_string(to, "blob", v->blob);
	if (v->of)
		json_set_number(to, "of", (double)v->of);
}

/* What a verb of one's own file answers. */
static int answer(struct job *j, int rc, const char *name,
		  const struct file_version *v)
{
	if (rc)
		return rc;
	json_set_string(j->result, "name", name);
	put_version(j->result, v);
	return 0;
}

static int put(struct keeper *k, struct job *j)
{
	struct file_version v;
	struct buf content;
	const char *name;
	long after;
	int rc = field_text(j->payload, "name", &name);

	j->writes = true;
	if (!rc)
		rc = field_whole(j->payload, "after", 0, VERSIONS_MAX, FILE_ANY,
				 &after);
	if (rc)
		return rc;
	/* One byte more, so that who refuses it can say its size. */
	buf_init(&content, FILE_SIZE_MAX + 1);
	rc = content_get(j->payload, &content);
	if (rc == -EFBIG)
		rc = err_set(EFBIG, "a file has at most %u bytes: split it",
			     FILE_SIZE_MAX);
	if (!rc)
		rc = file_put(k->files, j->agent, name,
			      content.len ? content.data : "", content.len,
			      after, &v);
	buf_release(&content);
	return answer(j, rc, name, &v);
}

static int rollback(struct keeper *k, struct job *j)
{
	struct file_version v;
	const char *name;
	long version;
	int rc = field_text(j->payload, "name", &name);

	j->writes = true;
	if (!rc)
		rc = field_whole(j->payload, "version", 1, VERSIONS_MAX, 0,
				 &version);
	if (!rc && !version)
		rc = err_set(EINVAL, "the payload lacks the number 'version'");
	if (!rc)
		rc = file_rollback(k->files, j->agent, name, version, &v);
	return answer(j, rc, name, &v);
}

/* Whose file it is, and that it may be read; that another's does not exist is
 * not told. */
static int readable(struct keeper *k, const struct job *j, const char **owner,
		    const char **name)
{
	int rc = field_text(j->payload, "name", name);

	*owner = json_as_string(json_get(j->payload, "owner"), j->agent);
	if (!rc)
		rc = share_allows(k->files, *owner, SHARE_FILE, *name,
				  j->agent);
	if (rc == 0 && strcmp(*owner, j->agent))
		return err_set(EACCES, "'%s' shares no file '%s' with '%s'",
			       *owner, *name, j->agent);
	return rc < 0 ? rc : 0;
}

static int get(struct keeper *k, struct job *j)
{
	const char *owner, *name;
	struct file_version v;
	struct buf content;
	long version;
	int rc = readable(k, j, &owner, &name);

	if (!rc)
		rc = field_whole(j->payload, "version", 0, VERSIONS_MAX, 0,
				 &version);
	if (rc)
		return rc;
	buf_init(&content, FILE_SIZE_MAX);
	rc = file_get(k->files, owner, name, version, &content, &v);
	if (!rc) {
		json_set_string(j->result, "owner", owner);
		content_set(j->result, content.data, content.len);
	}
	buf_release(&content);
	return answer(j, rc, name, &v);
}

struct listing {
	struct keeper *k;
	const char *reader, *owner;
	struct json *out;
	const struct json *shares; /* the reader's own, by name */
	long left;
};

static int list_version(void *arg, const struct file_version *v)
{
	struct listing *l = arg;

	put_version(json_add(l->out, json_object()), v);
	return --l->left ? 0 : 1;
}

static int log_of(struct keeper *k, struct job *j)
{
	struct listing l = {.k = k};
	const char *owner, *name;
	int rc = readable(k, j, &owner, &name);

	if (!rc)
		rc = field_whole(j->payload, "max", 1, VERSIONS_MAX, LOG_MAX,
				 &l.left);
	if (rc)
		return rc;
	l.out = json_set(j->result, "versions", json_array());
	rc = file_log(k->files, owner, name, list_version, &l);
	return rc < 0 ? rc : 0;
}

static int list_file(void *arg, const char *name, const struct file_version *v)
{
	struct listing *l = arg;
	struct json *one;
	int rc = share_allows(l->k->files, l->owner, SHARE_FILE, name,
			      l->reader);

	if (rc <= 0)
		return rc;
	one = json_add(l->out, json_object());
	json_set_string(one, "owner", l->owner);
	json_set_string(one, "name", name);
	put_version(one, v);
	if (!strcmp(l->owner, l->reader) && json_get(l->shares, name))
		json_set(one, "shares", json_copy(json_get(l->shares, name)));
	return --l->left ? 0 : 1;
}

static int list_owner(void *arg, const char *owner)
{
	struct listing *l = arg;

	l->owner = owner;
	return file_list(l->k->files, owner, list_file, l);
}

/* {NAME:[{"with","until"}]} of one's own; the caller's. */
static int own_shares(struct keeper *k, const struct job *j, struct json **out)
{
	int rc;

	*out = json_object();
	rc = share_each(k->files, j->agent, SHARE_FILE, keeper_gather, *out);
	if (rc)
		json_free(*out);
	return rc;
}

static int list(struct keeper *k, struct job *j)
{
	const char *owner = json_as_string(json_get(j->payload, "owner"), NULL);
	struct listing l = {.k = k, .reader = j->agent};
	struct json *shares;
	int rc = field_whole(j->payload, "max", 1, VERSIONS_MAX, LIST_MAX,
			     &l.left);

	if (!rc)
		rc = own_shares(k, j, &shares);

	if (rc)
		return rc;
	l.shares = shares;
	l.out = json_set(j->result, "files", json_array());
	rc = owner ? list_owner(&l, owner)
		   : files_owners(k->files, list_owner, &l);
	json_free(shares);
	return rc < 0 ? rc : 0;
}

static int share(struct keeper *k, struct job *j, bool on)
{
	const char *name, *with = NULL;
	time_t until = 0;
	int rc = field_text(j->payload, "name", &name);

	j->writes = true;
	if (!rc && (on || json_get(j->payload, "with")))
		rc = field_share(j->payload, &with, &until);
	if (rc)
		return rc;
	json_set_string(j->result, "name", name);
	if (!on)
		return share_drop(k->files, j->agent, SHARE_FILE, name, with);
	json_set_string(j->result, "with", with);
	if (until)
		json_set_number(j->result, "until", (double)until);
	return share_set(k->files, j->agent, SHARE_FILE, name, with, until);
}

int keeper_storage(struct keeper *k, struct job *j)
{
	const char *verb = json_text_at(j->payload, "verb");

	if (!strcmp(verb, "put"))
		return put(k, j);
	if (!strcmp(verb, "get"))
		return get(k, j);
	if (!strcmp(verb, "list"))
		return list(k, j);
	if (!strcmp(verb, "log"))
		return log_of(k, j);
	if (!strcmp(verb, "rollback"))
		return rollback(k, j);
	if (!strcmp(verb, "share"))
		return share(k, j, true);
	if (!strcmp(verb, "unshare"))
		return share(k, j, false);
	return err_set(EINVAL,
		       "storage has the verbs put, get, list, log, rollback, "
		       "share and unshare");
}
