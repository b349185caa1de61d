/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/path.h"
#include "trust/key.h"

/* ---- writing ---------------------------------------------------------- */

static int write_new(int fd, const char *path, const char *tmp,
		     const char *text, size_t len, mode_t mode)
{
	int rc = io_write(fd, text, len);

	if (!rc && (fchmod(fd, mode) < 0 || fsync(fd) < 0))
		rc = -errno;
	/* Unlike rename(2) it never takes another one's place. */
	if (!rc && link(tmp, path) < 0)
		rc = -errno;
	return rc;
}

/* All of it or nothing, and never in place of what is there: -EEXIST. */
static int put(const char *path, const char *text, size_t len, mode_t mode)
{
	char *tmp = mem_printf("%s.XXXXXX", path);
	int fd = mkostemp(tmp, O_CLOEXEC), rc;

	if (fd < 0) {
		rc = -errno;
	} else {
		rc = write_new(fd, path, tmp, text, len, mode);
		close(fd);
		unlink(tmp);
	}
	if (rc == -EEXIST)
		err_set(EEXIST, "'%s' is there already and stays as it is",
			path);
	else if (rc)
		err_set(-rc, "cannot write '%s': %s", path, strerror(-rc));
	free(tmp);
	return rc;
}

static void sync_folder(const char *folder)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return;
	fsync(fd);
	close(fd);
}

static char *file_of(const char *folder, const char *name, const char *suffix)
{
	return mem_printf("%s/%s%s", folder, name, suffix);
}

static int put_public(const char *path, const struct key_info *k)
{
	char *text = mem_printf("schedkit public key 1\nkey %s\nmade %s\n"
				"expires %s\n",
				k->id, k->made, k->expires);
	int rc = put(path, text, strlen(text), 0644);

	free(text);
	return rc;
}

static int put_private(const char *path, const struct key_info *k,
		       const struct sign_key *key)
{
	static const char head[] = "schedkit secret key 1\nseed ";
	char *text = sign_memory(KEY_FILE_MAX), *at;
	int rc;

	if (!text)
		return -ENOMEM;
	memcpy(text, head, strlen(head));
	at = text + strlen(head);
	/* No other copy of it is made than this one. */
	sign_key_seed(key, at);
	at += strlen(at);
	at += snprintf(at, (size_t)(text + KEY_FILE_MAX - at),
		       "\nmade %s\nexpires %s\n", k->made, k->expires);
	rc = put(path, text, (size_t)(at - text), 0600);
	sign_memory_free(text);
	return rc;
}

/* ---- making ----------------------------------------------------------- */

static int check_name(const char *name)
{
	bool good =
		isalnum((unsigned char)*name) && strlen(name) <= KEY_NAME_MAX;

	for (const char *s = name; *s; s++)
		good &= isalnum((unsigned char)*s) || strchr("._-", *s);
	return good ? 0
		    : err_set(EINVAL,
			      "'%s' is no name for a key: letters, digits, "
			      "'.', '_' and '-', at most %d",
			      name, KEY_NAME_MAX);
}

static int make_folder(const char *folder)
{
	int rc = path_make_dirs(folder);

	return rc ? rc : key_check_folder(folder, true);
}

/* The private half first: without the other it is mended when it is opened. */
static int put_both(const char *folder, const char *name,
		    const struct key_info *k, const struct sign_key *key)
{
	char *private = file_of(folder, name, ".key");
	char *public = file_of(folder, name, ".pub");
	int rc = put_private(private, k, key);

	if (!rc) {
		rc = put_public(public, k);
		if (rc)
			unlink(private);
	}
	sync_folder(folder);
	free(private);
	free(public);
	return rc;
}

int key_make(const char *folder, const char *name, time_t expires,
	     struct key_info *out)
{
	struct sign_key *key = NULL;
	int rc = check_name(name);

	*out = (struct key_info){.expires = KEY_NEVER};
	if (!rc)
		rc = make_folder(folder);
	if (!rc)
		rc = sign_key_new(&key);
	if (rc)
		return rc;
	memcpy(out->id, sign_key_public(key), SIGN_KEY_HEX);
	clock_text(clock_wall(), out->made);
	if (expires)
		clock_text(expires, out->expires);
	rc = put_both(folder, name, out, key);
	sign_key_free(key);
	if (!rc)
		out->path = file_of(folder, name, ".key");
	return rc;
}

/* ---- opening ---------------------------------------------------------- */

/* It is what others are told to trust. */
static int check_public(const char *folder, const char *name,
			const struct key_info *own)
{
	char *path = file_of(folder, name, ".pub");
	struct key_info k = {0};
	int rc = key_read_public(path, &k);

	if (rc == -ENOENT) {
		rc = put_public(path, own);
		/* Whoever made the key is only now that far. */
		if (rc == -EEXIST)
			rc = key_read_public(path, &k);
		else if (!rc)
			k = *own;
	}
	if (!rc && strcmp(k.id, own->id))
		rc = err_set(EBADMSG,
			     "'%s' is not the public half of '%s': move it "
			     "away, and it is written again",
			     path, own->path);
	if (k.path != own->path)
		free(k.path);
	free(path);
	return rc;
}

int key_open(const char *folder, const char *name, struct key_info *info,
	     struct sign_key **key)
{
	char *path = file_of(folder, name, ".key");
	int rc = check_name(name);

	*key = NULL;
	*info = (struct key_info){0};
	if (!rc)
		rc = key_check_folder(folder, true);
	if (!rc)
		rc = key_read_private(path, info, key);
	if (!rc) {
		rc = check_public(folder, name, info);
		if (rc) {
			sign_key_free(*key);
			*key = NULL;
			free(info->path);
			info->path = NULL;
		}
	}
	free(path);
	return rc;
}

static int is_private(const struct dirent *e)
{
	size_t n = strlen(e->d_name);

	return n > 4 && e->d_name[0] != '.' &&
	       !strcmp(e->d_name + n - 4, ".key");
}

int key_names(const char *folder, struct strs *out)
{
	struct dirent **found = NULL;
	int n = scandir(folder, &found, is_private, alphasort);

	if (n < 0 && errno == ENOENT)
		return 0;
	if (n < 0)
		return err_set(errno, "cannot look into '%s': %s", folder,
			       strerror(errno));
	for (int i = 0; i < n; i++) {
		strs_printf(out, "%.*s", (int)strlen(found[i]->d_name) - 4,
			    found[i]->d_name);
		free(found[i]);
	}
	free(found);
	return 0;
}
