/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tokens for clients over HTTP: only what they hash to is kept. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agents/steward/config.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/owned.h"
#include "base/path.h"
#include "base/random.h"
#include "doc/json.h"

#define CONFIG_MAX (1u << 20)

/* What is there stays as it is, in its order. */
static int load(const char *path, struct json **out)
{
	struct steward_config c;
	struct stat st;
	struct buf b;
	int fd, rc;

	*out = NULL;
	if (access(path, F_OK) < 0 && errno == ENOENT) {
		*out = json_object();
		return 0;
	}
	buf_init(&b, CONFIG_MAX);
	steward_config_init(&c);
	fd = owned_open(path, &st);
	rc = fd < 0 ? fd : buf_read_fd(&b, fd);
	if (!rc)
		rc = steward_config_parse(&c, b.data ? b.data : "", b.len,
					  path);
	if (!rc)
		*out = json_parse(b.data, b.len);
	if (fd >= 0)
		close(fd);
	steward_config_release(&c);
	buf_release(&b);
	return rc;
}

/* The member of this name, made if need be; lent. */
static struct json *child_of(struct json *v, const char *name)
{
	const struct json *has = json_get(v, name);

	return json_set(v, name, has ? json_copy(has) : json_object());
}

static int save(const char *path, const struct json *v)
{
	char *text = json_ordered(v);
	int rc = path_make_parent(path);

	if (!rc)
		rc = path_write_atomic(path, text, strlen(text));
	free(text);
	return rc;
}

int steward_config_add_token(const char *path, const char *name,
			     char token[static STEWARD_TOKEN_LEN])
{
	char *own = path ? mem_strdup(path) : path_config("mcp.json");
	char hash[DIGEST_HEX_LEN], *text;
	struct steward_config c;
	struct json *v;
	int rc = load(own, &v);

	random_hex(token, STEWARD_TOKEN_LEN);
	digest_hex(token, strlen(token), hash);
	if (!rc) {
		struct json *clients = child_of(v, "clients");

		json_set_string(child_of(clients, name), "token_sha256", hash);
		/* Whether the name can be one is told in one place. */
		text = json_canonical(v);
		steward_config_init(&c);
		rc = steward_config_parse(&c, text, strlen(text), own);
		steward_config_release(&c);
		free(text);
	}
	if (!rc)
		rc = save(own, v);
	json_free(v);
	free(own);
	return rc;
}
