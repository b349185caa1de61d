/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/steward/approve.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "doc/json_file.h"

#define WAITING_MAX 32
#define FILE_MAX    (1u << 16)

/* No two of these look alike; 32 of them. */
static const char letters[] = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

static char *folder(void)
{
	return path_state("mcp/approvals");
}

static bool is_code(const char *s)
{
	if (strlen(s) != STEWARD_CODE_LEN - 1 || s[4] != '-')
		return false;
	for (size_t i = 0; i < STEWARD_CODE_LEN - 1; i++)
		if (i != 4 && !strchr(letters, s[i]))
			return false;
	return true;
}

static void make_code(char code[static STEWARD_CODE_LEN])
{
	unsigned char bytes[STEWARD_CODE_LEN - 1];

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		abort();
	for (size_t i = 0; i < sizeof(bytes); i++)
		code[i] = letters[bytes[i] % (sizeof(letters) - 1)];
	code[4] = '-';
	code[STEWARD_CODE_LEN - 1] = '\0';
}

static char *file_of(const char *code)
{
	char *dir = folder(), *path = mem_printf("%s/%s", dir, code);

	free(dir);
	return path;
}

static bool is_over(const struct json *v, double now)
{
	double from = json_as_number(json_get(v, "created"), 0);
	double agreed = json_as_number(json_get(v, "agreed"), 0);

	if (agreed > from)
		from = agreed;
	return now - from > STEWARD_APPROVAL_S || from > now + 1;
}

static struct json *load(const char *code)
{
	char *path = file_of(code);
	struct json *v = json_load(path, FILE_MAX);

	free(path);
	return v;
}

static int save(const char *code, const struct json *v)
{
	char *path = file_of(code);
	int rc = json_save(path, v);

	free(path);
	return rc;
}

int steward_approval_decline(const char *code)
{
	char *path;
	int rc = 0;

	if (!is_code(code))
		return err_set(ENOENT, "'%s' is no such code", code);
	path = file_of(code);
	if (unlink(path) < 0)
		rc = err_set(errno, "nothing waits under '%s'", code);
	free(path);
	return rc;
}

/*
 * The one that waits for this, agreed to or not: true.  Those that are over
 * are removed on the way; *waiting counts the others.
 */
static bool find(const char *digest, double now, bool agreed,
		 char code[static STEWARD_CODE_LEN], size_t *waiting)
{
	char *dir = folder();
	DIR *d = opendir(dir);
	struct dirent *e;
	bool found = false;

	free(dir);
	*waiting = 0;
	while (d && (e = readdir(d))) {
		struct json *v = is_code(e->d_name) ? load(e->d_name) : NULL;

		if (!v)
			continue;
		if (is_over(v, now)) {
			steward_approval_decline(e->d_name);
		} else {
			++*waiting;
			if (!strcmp(json_text_at(v, "digest"), digest) &&
			    (json_get(v, "agreed") != NULL) == agreed) {
				memcpy(code, e->d_name, STEWARD_CODE_LEN);
				found = true;
			}
		}
		json_free(v);
	}
	if (d)
		closedir(d);
	return found;
}

int steward_approval_ask(const struct steward_order *o, const struct json *args,
			 double now, char code[static STEWARD_CODE_LEN])
{
	char digest[DIGEST_HEX_LEN], *dir = folder();
	int rc = path_make_dirs(dir);
	struct json *v;
	size_t waiting;

	free(dir);
	if (rc)
		return rc;
	steward_order_digest(o, args, digest);
	if (find(digest, now, false, code, &waiting))
		return 0;
	if (waiting >= WAITING_MAX)
		return err_set(EAGAIN, "too many things wait for a person: "
				       "have some answered first");
	v = json_object();
	json_set_string(v, "tool", o->tool->name);
	json_set(v, "arguments", steward_order_arguments(o, args));
	json_set_string(v, "client", o->who->name);
	json_set_number(v, "created", now);
	json_set_string(v, "digest", digest);
	make_code(code);
	rc = save(code, v);
	json_free(v);
	return rc;
}

int steward_approval_take(const struct steward_order *o,
			  const struct json *args, double now)
{
	char digest[DIGEST_HEX_LEN], code[STEWARD_CODE_LEN];
	size_t waiting;

	steward_order_digest(o, args, digest);
	if (!find(digest, now, true, code, &waiting))
		return err_set(ENOENT, "nobody has agreed to this");
	/* Who removes it has it: two calls at once do not both. */
	return steward_approval_decline(code);
}

int steward_approval_read(const char *code, double now, struct json **out)
{
	*out = is_code(code) ? load(code) : NULL;
	if (!*out)
		return err_set(ENOENT, "nothing waits under '%s'", code);
	if (!is_over(*out, now))
		return 0;
	json_free(*out);
	*out = NULL;
	steward_approval_decline(code);
	return err_set(ETIME, "'%s' has expired: have the client ask again",
		       code);
}

int steward_approval_agree(const char *code, double now)
{
	struct json *v;
	int rc = steward_approval_read(code, now, &v);

	if (rc)
		return rc;
	json_set_number(v, "agreed", now);
	rc = save(code, v);
	json_free(v);
	return rc;
}
