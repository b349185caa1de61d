/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "trust/key.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"

#define LINES 3 /* after the first */

/* ---- the text --------------------------------------------------------- */

static const char *const public_words[LINES] = {"key ", "made ", "expires "};
static const char *const private_words[LINES] = {"seed ", "made ", "expires "};

struct span {
	const char *at;
	size_t len;
};

/* What stands behind the words: four lines in this order, and nothing else. */
static int split(const char *text, size_t len, const char *first,
		 const char *const *words, struct span out[LINES])
{
	const char *end = text + len;

	for (size_t i = 0; i <= LINES; i++) {
		const char *word = i ? words[i - 1] : first;
		const char *stop = memchr(text, '\n', (size_t)(end - text));
		size_t n = strlen(word);

		if (!stop || (size_t)(stop - text) < n ||
		    memcmp(text, word, n) || (!i && (size_t)(stop - text) != n))
			return err_set(EBADMSG, "line %zu is not '%s%s'", i + 1,
				       word, i ? "..." : "");
		if (i)
			out[i - 1] = (struct span){text + n,
						   (size_t)(stop - text) - n};
		text = stop + 1;
	}
	return text == end ? 0
			   : err_set(EBADMSG,
				     "line %d: nothing stands there "
				     "in a key",
				     LINES + 2);
}

static bool take(const struct span *s, char *out, size_t size)
{
	if (s->len >= size || memchr(s->at, '\0', s->len))
		return false;
	memcpy(out, s->at, s->len);
	out[s->len] = '\0';
	return true;
}

bool key_is_time(const char *text)
{
	static const char form[] = "0000-00-00T00:00:00Z";
	size_t i = 0;

	for (; form[i]; i++)
		if (form[i] == '0' ? !isdigit((unsigned char)text[i])
				   : text[i] != form[i])
			return false;
	return !text[i];
}

bool key_expired(const struct key_info *k, time_t now)
{
	char text[CLOCK_TEXT_LEN];

	clock_text(now, text);
	return strcmp(k->expires, KEY_NEVER) && strcmp(k->expires, text) < 0;
}

static int take_times(const struct span *s, struct key_info *out)
{
	if (!take(&s[1], out->made, sizeof(out->made)) ||
	    !key_is_time(out->made))
		return err_set(EBADMSG, "line 3 holds no time");
	if (!take(&s[2], out->expires, sizeof(out->expires)) ||
	    (strcmp(out->expires, KEY_NEVER) && !key_is_time(out->expires)))
		return err_set(EBADMSG, "line 4 holds neither a time nor "
					"'" KEY_NEVER "'");
	return 0;
}

int key_parse_public(const char *text, size_t len, struct key_info *out)
{
	struct span s[LINES];
	int rc = split(text, len, "schedkit public key 1", public_words, s);

	*out = (struct key_info){0};
	if (rc)
		return rc;
	if (!take(&s[0], out->id, sizeof(out->id)) ||
	    strspn(out->id, "0123456789abcdef") != SIGN_KEY_HEX - 1)
		return err_set(EBADMSG, "line 2 holds no public key");
	return take_times(s, out);
}

int key_parse_private(const char *text, size_t len, struct key_info *out,
		      struct sign_key **key)
{
	char *seed = sign_memory(SIGN_KEY_HEX);
	struct span s[LINES];
	int rc = seed ? split(text, len, "schedkit secret key 1", private_words,
			      s)
		      : -ENOMEM;

	*out = (struct key_info){0};
	*key = NULL;
	if (!rc &&
	    (!take(&s[0], seed, SIGN_KEY_HEX) || sign_key_of_seed(seed, key)))
		rc = err_set(EBADMSG, "line 2 holds no seed");
	sign_memory_free(seed);
	if (!rc)
		rc = take_times(s, out);
	if (!rc) {
		memcpy(out->id, sign_key_public(*key), SIGN_KEY_HEX);
	} else {
		sign_key_free(*key);
		*key = NULL;
	}
	return rc;
}

/* ---- who may read and write ------------------------------------------- */

static int check_stat(const struct stat *st, const char *path, bool alone)
{
	bool folder = S_ISDIR(st->st_mode);

	if (st->st_uid != geteuid() && (alone || st->st_uid))
		return err_set(EACCES,
			       "'%s' belongs to user %u, not to you%s: keys "
			       "of others are not taken (chown, or make your "
			       "own with 'sched-verify --new-key')",
			       path, (unsigned)st->st_uid,
			       alone ? "" : " or root");
	if (alone && folder && st->st_mode & 077)
		return err_set(EACCES,
			       "'%s' is open to others (mode %04o), and "
			       "private keys belong there: chmod 700 '%s'",
			       path, (unsigned)st->st_mode & 07777, path);
	if (alone && st->st_mode & 077)
		return err_set(EACCES,
			       "'%s' is open to others (mode %04o): chmod 600 "
			       "'%s', and revoke the key if somebody may have "
			       "read it",
			       path, (unsigned)st->st_mode & 07777, path);
	if (st->st_mode & 022)
		return err_set(EACCES,
			       "others may write '%s' (mode %04o), and so say "
			       "whom to trust: chmod go-w '%s'",
			       path, (unsigned)st->st_mode & 07777, path);
	return 0;
}

int key_check_folder(const char *folder, bool alone)
{
	struct stat st;

	if (stat(folder, &st) < 0)
		return err_set(errno, "cannot look at '%s': %s", folder,
			       strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return err_set(ENOTDIR, "'%s' is no folder", folder);
	return check_stat(&st, folder, alone);
}

int key_check_file(int fd, const char *path, bool alone)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_set(errno, "cannot look at '%s': %s", path,
			       strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(EACCES, "'%s' is not a regular file", path);
	return check_stat(&st, path, alone);
}

/* ---- reading ---------------------------------------------------------- */

/* At most size bytes; their number, or -errno. */
static ssize_t read_all(int fd, char *text, size_t size)
{
	size_t len = 0;
	ssize_t n;

	while (len < size) {
		n = read(fd, text + len, size - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

/* Into text of KEY_FILE_MAX bytes: its length, or -errno with a message. */
static ssize_t read_file(const char *path, bool alone, char *text)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK |
				    (alone ? O_NOFOLLOW : 0));
	ssize_t n;

	if (fd < 0 && errno == ELOOP)
		return err_set(EACCES,
			       "'%s' is a link: a private key is a file", path);
	if (fd < 0)
		return err_set(errno, "cannot open '%s': %s", path,
			       strerror(errno));
	n = key_check_file(fd, path, alone);
	if (!n) {
		n = read_all(fd, text, KEY_FILE_MAX);
		if (n < 0)
			err_set((int)-n, "cannot read '%s': %s", path,
				strerror((int)-n));
		else if (n == KEY_FILE_MAX)
			n = err_set(EBADMSG, "'%s' is too large for a key",
				    path);
	}
	close(fd);
	return n;
}

int key_read_public(const char *path, struct key_info *out)
{
	char text[KEY_FILE_MAX];
	ssize_t n = read_file(path, false, text);
	int rc = n < 0 ? (int)n : key_parse_public(text, (size_t)n, out);

	if (n >= 0 && rc)
		return err_prefix(rc, "'%s' is no public key", path);
	if (!rc)
		out->path = mem_strdup(path);
	return rc;
}

int key_read_private(const char *path, struct key_info *out,
		     struct sign_key **key)
{
	char *text = sign_memory(KEY_FILE_MAX);
	ssize_t n = text ? read_file(path, true, text) : -ENOMEM;
	int rc = n < 0 ? (int)n : key_parse_private(text, (size_t)n, out, key);

	sign_memory_free(text);
	if (n >= 0 && rc)
		return err_prefix(rc, "'%s' is damaged", path);
	if (!rc)
		out->path = mem_strdup(path);
	return rc;
}
