/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/steward/config.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/owned.h"
#include "base/path.h"
#include "doc/json.h"

#define CONFIG_MAX  (1u << 20)
#define CLIENTS_MAX 256
#define NAME_MAX_C  64
#define DAY_S	    86400.0

static const char *const classes[] = {"observe", "propose", "verify", "deploy",
				      NULL};
static const char *const approvals[] = {"elicit", "local", NULL};
static const char *const commands[] = {"never", "guest", "host", NULL};

const char *steward_class_name(enum steward_class c)
{
	return classes[c];
}

static void client_init(struct steward_client *c, const char *name,
			enum steward_class highest, enum steward_commands cmd)
{
	*c = (struct steward_client){
		.name = mem_strdup(name),
		.highest = highest,
		.approval = STEWARD_ELICIT,
		.commands = cmd,
	};
}

/* Who sits at this machine may have everything measured in guests; who comes
 * over the network and is not named may look. */
void steward_config_init(struct steward_config *c)
{
	*c = (struct steward_config){
		.jobs = 4,
		.jobs_each = 3,
		.kept = 200,
		.keep_s = 7 * DAY_S,
	};
	c->clients = mem_zalloc(CLIENTS_MAX, sizeof(*c->clients));
	client_init(&c->clients[0], "stdio", STEWARD_VERIFY, STEWARD_GUEST);
	c->n = 1;
	client_init(&c->other, "", STEWARD_OBSERVE, STEWARD_NEVER);
}

void steward_config_release(struct steward_config *c)
{
	for (size_t i = 0; i < c->n; i++)
		free((char *)c->clients[i].name);
	free(c->clients);
	free((char *)c->other.name);
	strs_release(&c->read);
	*c = (struct steward_config){0};
}

/* ---- reading ------------------------------------------------------------ */

struct reader {
	const char *path;
	char at[160]; /* "clients.NAME." */
};

static int bad(const struct reader *r, const char *key, const char *want)
{
	return err_set(EINVAL, "'%s': %s%s: %s", r->path, r->at, key, want);
}

static int check_keys(const struct reader *r, const struct json *v,
		      const char *const *known)
{
	json_each (it, v) {
		size_t i = 0;

		while (known[i] && strcmp(known[i], json_key(it)))
			i++;
		if (!known[i])
			return bad(r, json_key(it),
				   "no such setting; see schedkit-mcp(5)");
	}
	return 0;
}

static int read_word(const struct reader *r, const struct json *v,
		     const char *key, const char *const *words, int *out)
{
	const struct json *x = json_get(v, key);
	struct buf want;
	int rc;

	if (!x)
		return 0;
	buf_init(&want, 128);
	buf_puts(&want, "one of");
	for (int i = 0; words[i]; i++) {
		buf_printf(&want, " %s", words[i]);
		if (!strcmp(json_as_string(x, ""), words[i])) {
			buf_release(&want);
			*out = i;
			return 0;
		}
	}
	buf_puts(&want, " is needed");
	rc = bad(r, key, want.data);
	buf_release(&want);
	return rc;
}

static int read_number(const struct reader *r, const struct json *v,
		       const char *key, double min, double max, double *out)
{
	const struct json *x = json_get(v, key);
	double d = json_as_number(x, NAN);

	if (!x)
		return 0;
	/* Also what is no number. */
	if (!(d >= min && d <= max))
		return err_set(EINVAL,
			       "'%s': %s%s: a number from %g to %g is needed",
			       r->path, r->at, key, min, max);
	*out = d;
	return 0;
}

static bool is_digest(const char *s)
{
	return strlen(s) == DIGEST_HEX_LEN - 1 &&
	       strspn(s, "0123456789abcdef") == DIGEST_HEX_LEN - 1;
}

static bool name_ok(const char *s)
{
	size_t n = strlen(s);

	return n && n <= NAME_MAX_C && s[0] != '-' &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			 "0123456789._-") == n;
}

static int read_client(struct reader *r, const struct json *v,
		       struct steward_client *c)
{
	static const char *const known[] = {"class", "approval", "commands",
					    "token_sha256", NULL};
	const struct json *token = json_get(v, "token_sha256");
	int highest = (int)c->highest, approval = (int)c->approval;
	int cmd = (int)c->commands, rc;

	if (json_type(v) != JSON_OBJECT)
		return bad(r, "", "an object is needed");
	rc = check_keys(r, v, known);
	if (!rc)
		rc = read_word(r, v, "class", classes, &highest);
	if (!rc)
		rc = read_word(r, v, "approval", approvals, &approval);
	if (!rc)
		rc = read_word(r, v, "commands", commands, &cmd);
	if (!rc && token && !is_digest(json_as_string(token, "")))
		rc = bad(r, "token_sha256",
			 "64 hexadecimal digits are needed, as 'sched-mcp "
			 "token' makes them");
	if (rc)
		return rc;
	c->highest = (enum steward_class)highest;
	c->approval = (enum steward_approval)approval;
	c->commands = (enum steward_commands)cmd;
	if (token)
		memcpy(c->token_sha256, json_as_string(token, ""),
		       DIGEST_HEX_LEN);
	return 0;
}

static struct steward_client *find(const struct steward_config *c,
				   const char *name)
{
	for (size_t i = 0; i < c->n; i++)
		if (!strcmp(c->clients[i].name, name))
			return &c->clients[i];
	return NULL;
}

static int read_clients(struct reader *r, const struct json *v,
			struct steward_config *c)
{
	int rc = 0;

	if (!v)
		return 0;
	if (json_type(v) != JSON_OBJECT)
		return bad(r, "clients", "an object is needed");
	json_each (it, v) {
		const char *name = json_key(it);
		struct steward_client *to = find(c, name);

		if (!name_ok(name))
			return bad(r, "clients",
				   "names are of letters, digits, '.', '_' "
				   "and '-', at most 64");
		if (!to && c->n == CLIENTS_MAX)
			return bad(r, "clients", "there are too many");
		if (!to) {
			to = &c->clients[c->n++];
			client_init(to, name, STEWARD_OBSERVE, STEWARD_NEVER);
		}
		snprintf(r->at, sizeof(r->at), "clients.%s.", name);
		rc = read_client(r, it, to);
		r->at[0] = '\0';
		if (rc)
			return rc;
	}
	return 0;
}

static int read_folders(struct reader *r, const struct json *v,
			struct steward_config *c)
{
	if (!v)
		return 0;
	if (json_type(v) != JSON_ARRAY)
		return bad(r, "read", "an array of folders is needed");
	json_each (it, v) {
		const char *dir = json_as_string(it, "");

		if (dir[0] != '/' || !dir[1])
			return bad(r, "read",
				   "an absolute path of a folder is needed");
		strs_add(&c->read, dir);
	}
	return 0;
}

static int read_jobs(struct reader *r, const struct json *v,
		     struct steward_config *c)
{
	static const char *const known[] = {"at_once", "each", "keep_s", "kept",
					    NULL};
	double all = (double)c->jobs, each = (double)c->jobs_each;
	double kept = (double)c->kept;
	int rc;

	if (!v)
		return 0;
	if (json_type(v) != JSON_OBJECT)
		return bad(r, "jobs", "an object is needed");
	snprintf(r->at, sizeof(r->at), "jobs.");
	rc = check_keys(r, v, known);
	if (!rc)
		rc = read_number(r, v, "at_once", 1, 64, &all);
	if (!rc)
		rc = read_number(r, v, "each", 1, 64, &each);
	if (!rc)
		rc = read_number(r, v, "keep_s", 60, 365 * DAY_S, &c->keep_s);
	if (!rc)
		rc = read_number(r, v, "kept", 1, 10000, &kept);
	r->at[0] = '\0';
	c->jobs = (long)all;
	c->jobs_each = (long)each;
	c->kept = (long)kept;
	return rc;
}

int steward_config_parse(struct steward_config *c, const char *text, size_t len,
			 const char *path)
{
	static const char *const known[] = {"clients", "read", "jobs", NULL};
	struct reader r = {.path = path};
	struct json *v = json_parse(text, len);
	int rc;

	if (!v)
		return err_prefix(-EINVAL, "'%s'", path);
	if (json_type(v) != JSON_OBJECT)
		rc = err_set(EINVAL, "'%s': an object is needed", path);
	else
		rc = check_keys(&r, v, known);
	if (!rc)
		rc = read_clients(&r, json_get(v, "clients"), c);
	if (!rc)
		rc = read_folders(&r, json_get(v, "read"), c);
	if (!rc)
		rc = read_jobs(&r, json_get(v, "jobs"), c);
	json_free(v);
	return rc;
}

int steward_config_read(struct steward_config *c, const char *path)
{
	char *own = path ? mem_strdup(path) : path_config("mcp.json");
	int fd, rc = 0;
	struct stat st;
	struct buf b;

	if (!path && access(own, F_OK) < 0 && errno == ENOENT) {
		free(own);
		return 0;
	}
	buf_init(&b, CONFIG_MAX);
	fd = owned_open(own, &st);
	rc = fd < 0 ? fd : buf_read_fd(&b, fd);
	if (!rc)
		rc = steward_config_parse(c, b.data ? b.data : "", b.len, own);
	if (fd >= 0)
		close(fd);
	buf_release(&b);
	free(own);
	return rc;
}

/* ---- asking ------------------------------------------------------------- */

const struct steward_client *steward_config_client(
	const struct steward_config *c, const char *principal)
{
	const struct steward_client *found = find(c, principal);

	return found ? found : &c->other;
}
