/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "llm/secret.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/strs.h"

#define MARK	 "[secret]"
#define FILE_MAX 4096
#define PAGE	 4096u

static const char *const always[] = {"SCHED_LLM_KEY", "OPENAI_API_KEY",
				     "ANTHROPIC_API_KEY"};
static struct strs named;

static struct secret *known;

static bool fit(const char *value, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)value[i];

		if (c <= ' ' || c >= 0x7f || c == '"' || c == '\\')
			return false;
	}
	return true;
}

int secret_learn(const char *name, const char *value, size_t len,
		 const struct secret **out)
{
	struct secret *s;

	if (len < SECRET_LEAST)
		return err_set(EINVAL,
			       "%s: a key has at least %d characters, not %zu",
			       name, SECRET_LEAST, len);
	if (!fit(value, len))
		return err_set(EINVAL,
			       "%s: a key holds no blanks, quotes or control "
			       "characters",
			       name);
	for (s = known; s; s = s->next)
		if (s->len == len && !memcmp(s->value, value, len))
			break;
	if (!s) {
		s = mem_zalloc(1, sizeof(*s));
		s->len = len;
		s->mapped = (len + PAGE) / PAGE * PAGE;
		s->value = mmap(NULL, s->mapped, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (s->value == MAP_FAILED) {
			free(s);
			return err_set(ENOMEM, "no memory for a key");
		}
		/* Both are best effort: limits may forbid locking. */
		(void)!mlock(s->value, s->mapped);
		(void)!madvise(s->value, s->mapped, MADV_DONTDUMP);
		memcpy(s->value, value, len);
		s->next = known;
		known = s;
	}
	if (out)
		*out = s;
	return 0;
}

static int check_file(const char *name, const char *path, int fd)
{
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(errno, "%s: cannot read '%s': %s", name, path,
			       strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(EACCES, "%s: '%s' is not a regular file", name,
			       path);
	if (st.st_mode & 077)
		return err_set(EACCES,
			       "%s: others may read '%s' (chmod 600 '%s')",
			       name, path, path);
	return 0;
}

int secret_learn_file(const char *name, const char *path,
		      const struct secret **out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int rc = check_file(name, path, fd);
	char text[FILE_MAX];
	ssize_t n;

	if (!rc) {
		n = read(fd, text, sizeof(text));
		if (n < 0)
			rc = err_set(errno, "%s: cannot read '%s': %s", name,
				     path, strerror(errno));
		else if ((size_t)n == sizeof(text))
			rc = err_set(EINVAL, "%s: '%s' is no key file", name,
				     path);
		else
			text[n] = '\0';
	}
	if (!rc)
		rc = secret_learn(name, text, strcspn(text, "\r\n"), out);
	explicit_bzero(text, sizeof(text));
	if (fd >= 0)
		close(fd);
	return rc;
}

void secret_forget(void)
{
	while (known) {
		struct secret *s = known;

		known = s->next;
		explicit_bzero(s->value, s->mapped);
		munmap(s->value, s->mapped);
		free(s);
	}
	strs_release(&named);
}

/* ---- the variables ---------------------------------------------------- */

void secret_names_in(const char *addresses)
{
	static const char option[] = ";key=";

	const char *at = addresses ? strstr(addresses, option) : NULL;

	for (; at; at = strstr(at, option)) {
		size_t n;
		char *name;

		at += strlen(option);
		n = strcspn(at, "; \t\r\n");
		name = mem_strndup(at, n);
		if (n && !secret_is_env(name, n))
			strs_add(&named, name);
		free(name);
	}
}

bool secret_is_env(const char *name, size_t n)
{
	for (size_t i = 0; i < ARRAY_LEN(always); i++)
		if (strlen(always[i]) == n && !strncmp(name, always[i], n))
			return true;
	for (size_t i = 0; i < named.len; i++)
		if (strlen(named.v[i]) == n && !strncmp(name, named.v[i], n))
			return true;
	return false;
}

static void clear(const char *name)
{
	char *value = getenv(name);

	if (!value)
		return;
	explicit_bzero(value, strlen(value));
	unsetenv(name);
}

void secret_clear_env(void)
{
	for (size_t i = 0; i < ARRAY_LEN(always); i++)
		clear(always[i]);
	for (size_t i = 0; i < named.len; i++)
		clear(named.v[i]);
}

void secret_leave_env(void)
{
	secret_names_in(getenv("SCHED_LLM"));
	secret_clear_env();
}

/* ---- cutting out ------------------------------------------------------ */

static bool is_token(char c)
{
	return isalnum((unsigned char)c) || (c && strchr("-._~+/=", c));
}

/* The length of what can be a key at s. */
static size_t token(const char *s)
{
	size_t n = 0;

	while (is_token(s[n]))
		n++;
	return n;
}

static size_t exact(const char *s)
{
	size_t longest = 0;

	for (const struct secret *k = known; k; k = k->next)
		if (k->len > longest && !strncmp(s, k->value, k->len))
			longest = k->len;
	return longest;
}

/* What may stand between the name of a header or member and its value. */
static size_t gap(const char *s)
{
	return strspn(s, " \t:=\"'\\");
}

/*
 * Words before which, or at which, a key begins: how many bytes of the token
 * behind it make it one.
 */
static const struct {
	const char *word;
	size_t least;
	bool in; /* the word is part of the key */
} looks[] = {
	{"sk-", 16, true},	{"Bearer", 16, false},	{"x-api-key", 8, false},
	{"api_key", 16, false}, {"api-key", 16, false},
};

/* Bytes to keep and, behind them, to cut at s; false: nothing. */
static bool looks_like(const char *s, size_t *keep, size_t *cut)
{
	for (size_t i = 0; i < ARRAY_LEN(looks); i++) {
		size_t n = strlen(looks[i].word), between;

		if (strncasecmp(s, looks[i].word, n))
			continue;
		between = looks[i].in ? 0 : gap(s + n);
		*keep = looks[i].in ? 0 : n + between;
		*cut = token(s + n + between) + (looks[i].in ? n : 0);
		if ((looks[i].in || between) && *cut >= looks[i].least)
			return true;
	}
	return false;
}

/* s is in the middle of a word; the n of a JSON text's \n is not in one. */
static bool in_word(const char *text, const char *s)
{
	return s > text && isalnum((unsigned char)s[-1]) &&
	       !(s > text + 1 && s[-2] == '\\');
}

char *secret_scrub(const char *text)
{
	const char *plain = text;
	size_t keep, cut;
	struct buf b;

	buf_init(&b, SIZE_MAX / 4);
	for (const char *s = text; *s;) {
		keep = 0;
		cut = exact(s);
		if (!cut && (in_word(text, s) || !looks_like(s, &keep, &cut))) {
			s++;
			continue;
		}
		buf_add(&b, plain, (size_t)(s + keep - plain));
		buf_puts(&b, MARK);
		s += keep + cut;
		plain = s;
	}
	buf_puts(&b, plain);
	return buf_take(&b);
}

int secret_scrub_err(int rc)
{
	char *clean = secret_scrub(err_text());

	err_set(0, "%s", clean);
	free(clean);
	return rc;
}

size_t secret_before(const char *text, size_t n)
{
	size_t before = n;

	for (const struct secret *k = known; k; k = k->next)
		for (size_t len = k->len < n ? k->len : n; len > n - before;
		     len--)
			if (!memcmp(text + n - len, k->value, len))
				before = n - len;
	return before;
}
