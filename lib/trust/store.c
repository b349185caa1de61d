/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "trust/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/lines.h"
#include "base/mem.h"
#include "base/path.h"

#define REVOKED_MAX (4u << 20)
#define ID_DIGITS   64

struct revocation {
	const char *what; /* of whats[] */
	char id[ID_DIGITS + 1];
	char *why;
};

struct trust {
	struct key_info *keys;
	size_t count;
	struct revocation *revoked;
	size_t revoked_count;
};

static const char *const whats[] = {"key", "verdict", "policy"};

struct trust *trust_new(void)
{
	return mem_zalloc(1, sizeof(struct trust));
}

void trust_free(struct trust *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->count; i++)
		free(t->keys[i].path);
	for (size_t i = 0; i < t->revoked_count; i++)
		free(t->revoked[i].why);
	free(t->keys);
	free(t->revoked);
	free(t);
}

void trust_add_key(struct trust *t, const struct key_info *k)
{
	t->keys = mem_realloc(t->keys, t->count + 1, sizeof(*t->keys));
	t->keys[t->count] = *k;
	t->keys[t->count++].path = mem_strdup(k->path ? k->path : "");
}

/* ---- what is revoked -------------------------------------------------- */

static void add_revocation(struct trust *t, const char *what, const char *id,
			   const char *why, size_t len)
{
	struct revocation *r;

	t->revoked = mem_realloc(t->revoked, t->revoked_count + 1,
				 sizeof(*t->revoked));
	r = &t->revoked[t->revoked_count++];
	r->what = what;
	memcpy(r->id, id, ID_DIGITS);
	r->id[ID_DIGITS] = '\0';
	r->why = len ? mem_strndup(why, len) : mem_strdup("no reason is given");
}

/* "key ID reason"; false: it is no such line. */
static bool read_line(struct trust *t, const char *line, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(whats); i++) {
		size_t n = strlen(whats[i]);
		const char *id = line + n + 1, *why = id + ID_DIGITS;

		if (len < n + 1 + ID_DIGITS || memcmp(line, whats[i], n) ||
		    line[n] != ' ')
			continue;
		for (const char *s = id; s < why; s++)
			if (!*s || !strchr("0123456789abcdef", *s))
				return false;
		len -= n + 1 + ID_DIGITS;
		if (len && *why != ' ')
			return false;
		/* A blank, and what it stands before. */
		add_revocation(t, whats[i], id, why + 1, len ? len - 1 : 0);
		return true;
	}
	return false;
}

int trust_parse_revoked(struct trust *t, const char *text, size_t len)
{
	const char *end = text + len;

	for (size_t line = 1; text < end; line++) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));
		size_t n;

		/* Half a line may have lost its other half. */
		if (!stop)
			return err_set(EBADMSG,
				       "line %zu does not end: it is cut off",
				       line);
		n = (size_t)(stop - text);
		if (n && *text != '#' && !read_line(t, text, n))
			return err_set(EBADMSG,
				       "line %zu is not 'key ID', 'verdict "
				       "ID' or 'policy ID', with 64 "
				       "hexadecimal digits",
				       line);
		text = stop + 1;
	}
	return 0;
}

int trust_revoke(const char *folder, const char *what, const char *id)
{
	char *path = mem_printf("%s/revoked", folder);
	char *line = mem_printf("%s %s", what, id);
	struct trust *t = trust_new();
	int fd = -1, rc = 0;

	/* More would be a reason, or lines of their own. */
	if (strlen(id) != ID_DIGITS || !read_line(t, line, strlen(line)))
		rc = err_set(EINVAL,
			     "'%s' is not 'key', 'verdict' or 'policy' and 64 "
			     "hexadecimal digits",
			     line);
	if (!rc) {
		fd = lines_open(path);
		rc = fd < 0 ? fd : key_check_file(fd, path, false);
	}
	if (!rc) {
		rc = lines_append(fd, line, true);
		if (rc)
			err_set(-rc, "cannot write '%s': %s", path,
				strerror(-rc));
	}
	if (fd >= 0)
		close(fd);
	trust_free(t);
	free(line);
	free(path);
	return rc;
}

static int read_revoked(struct trust *t, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), rc;
	struct buf b;

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return err_set(errno, "cannot open '%s': %s", path,
			       strerror(errno));
	buf_init(&b, REVOKED_MAX);
	rc = key_check_file(fd, path, false);
	if (!rc) {
		rc = buf_read_fd(&b, fd);
		if (!rc && b.len)
			rc = trust_parse_revoked(t, b.data, b.len);
		if (rc)
			err_prefix(rc, "'%s'", path);
	}
	buf_release(&b);
	close(fd);
	return rc;
}

/* ---- folders ---------------------------------------------------------- */

static int is_public(const struct dirent *e)
{
	size_t n = strlen(e->d_name);

	return n > 4 && e->d_name[0] != '.' &&
	       !strcmp(e->d_name + n - 4, ".pub");
}

static int read_keys(struct trust *t, const char *folder)
{
	struct dirent **found = NULL;
	int n = scandir(folder, &found, is_public, alphasort), rc = 0;

	if (n < 0)
		return err_set(errno, "cannot look into '%s': %s", folder,
			       strerror(errno));
	for (int i = 0; i < n; i++) {
		char *path = mem_printf("%s/%s", folder, found[i]->d_name);
		struct key_info k = {0};

		if (!rc) {
			rc = key_read_public(path, &k);
			if (!rc)
				trust_add_key(t, &k);
			free(k.path);
		}
		free(path);
		free(found[i]);
	}
	free(found);
	return rc;
}

int trust_add_folder(struct trust *t, const char *folder)
{
	int rc = key_check_folder(folder, false);
	char *revoked;

	if (rc)
		return rc == -ENOENT ? 0 : rc;
	revoked = mem_printf("%s/revoked", folder);
	rc = read_keys(t, folder);
	if (!rc)
		rc = read_revoked(t, revoked);
	free(revoked);
	return rc;
}

char *trust_own_folder(void)
{
	return path_config("keys");
}

int trust_open(struct trust **out)
{
	struct trust *t = trust_new();
	int rc = trust_add_folder(t, TRUST_SYSTEM_FOLDER);

	/* Whoever called us may set the environment. */
	if (!rc && !getauxval(AT_SECURE)) {
		char *own = trust_own_folder();

		rc = trust_add_folder(t, own);
		free(own);
	}
	if (rc) {
		trust_free(t);
		t = NULL;
	}
	*out = t;
	return rc;
}

/* ---- asking ----------------------------------------------------------- */

const struct key_info *trust_key(const struct trust *t, const char *id)
{
	for (size_t i = 0; i < t->count; i++)
		if (!strcmp(t->keys[i].id, id))
			return &t->keys[i];
	return NULL;
}

size_t trust_count(const struct trust *t)
{
	return t->count;
}

const struct key_info *trust_at(const struct trust *t, size_t i)
{
	return &t->keys[i];
}

const char *trust_revoked(const struct trust *t, const char *what,
			  const char *id)
{
	for (size_t i = 0; i < t->revoked_count; i++)
		if (!strcmp(t->revoked[i].what, what) &&
		    !strcmp(t->revoked[i].id, id))
			return t->revoked[i].why;
	return NULL;
}
