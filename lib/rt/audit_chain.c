/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rt/audit_chain.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"

/*
 * In canonical form "hash" stands right before "n".  Quotes within strings are
 * escaped, so neither of these can be part of what an outsider wrote.
 */
static const char hash_key[] = ",\"hash\":\"", n_key[] = ",\"n\":";

#define LINE_BYTES (256u << 10) /* more than any has */
#define HEX	   (DIGEST_HEX_LEN - 1)
#define HASH_LEN   (sizeof(hash_key) - 1 + HEX + 1)

size_t audit_log_bytes = 16u << 20;

void audit_none(struct rt_audit_seal *seal)
{
	seal->n = 0;
	memset(seal->hash, '0', HEX);
	seal->hash[HEX] = '\0';
}

char *audit_chain(struct json *v, struct rt_audit_seal *last)
{
	char *bare, *line, *n;

	json_set_number(v, "n", (double)++last->n);
	json_set_string(v, "before", last->hash);
	bare = json_canonical(v);
	digest_hex(bare, strlen(bare), last->hash);
	n = strstr(bare, n_key);
	line = mem_printf("%.*s%s%s\"%s", (int)(n - bare), bare, hash_key,
			  last->hash, n);
	free(bare);
	return line;
}

/* Whether the hash in the line is that of the rest of it. */
static bool hash_holds(const char *line, size_t len, const char *hash)
{
	size_t at = (size_t)(hash - line) - strlen(hash_key);
	char *bare = mem_zalloc(len - HASH_LEN + 1, 1);
	char sum[DIGEST_HEX_LEN];

	memcpy(bare, line, at);
	memcpy(bare + at, line + at + HASH_LEN, len - HASH_LEN - at);
	digest_hex(bare, len - HASH_LEN, sum);
	free(bare);
	return !memcmp(sum, hash, HEX);
}

static bool copy_hash(const struct json *v, const char *key, char *out)
{
	const char *hash = json_as_string(json_get(v, key), "");

	if (strlen(hash) != HEX)
		return false;
	if (out)
		memcpy(out, hash, DIGEST_HEX_LEN);
	return true;
}

bool audit_line(const char *line, size_t len, struct rt_audit_seal *seal,
		char before[DIGEST_HEX_LEN], char torn[DIGEST_HEX_LEN])
{
	const char *key = memmem(line, len, hash_key, strlen(hash_key));
	struct json *v;
	double n;
	bool good;

	if (!key || (size_t)(line + len - key) < HASH_LEN ||
	    key[HASH_LEN - 1] != '"' ||
	    !hash_holds(line, len, key + strlen(hash_key)))
		return false;
	v = json_parse(line, len);
	n = json_as_number(json_get(v, "n"), 0);
	good = n >= 1 && n < 0x1p53 && copy_hash(v, "hash", seal->hash) &&
	       copy_hash(v, "before", before);
	if (good)
		seal->n = (size_t)n;
	if (good && torn) {
		torn[0] = '\0';
		if (!strcmp(json_text_at(v, "what"), AUDIT_TORN))
			good = copy_hash(v, "resource", torn);
	}
	json_free(v);
	return good;
}

/* ---- the whole file ---------------------------------------------------- */

struct check {
	const char *data;
	size_t len, line; /* lines seen */
	struct rt_audit_seal at;
	struct rt_audit_seal *expected; /* in order */
	size_t expected_n, expected_at;
	size_t torn_from, torn_line; /* what a later line is to account for */
	bool torn;
};

static bool closes_torn(const struct check *k, size_t from, const char *torn)
{
	char sum[DIGEST_HEX_LEN];

	if (!k->torn)
		return !*torn;
	/* All up to the newline before this line. */
	digest_hex(k->data + k->torn_from, from - 1 - k->torn_from, sum);
	return !strcmp(sum, torn);
}

/* Those of the line that was just read. */
static int check_expected(struct check *k)
{
	for (; k->expected_at < k->expected_n; k->expected_at++) {
		const struct rt_audit_seal *x = &k->expected[k->expected_at];

		if (x->n > k->at.n)
			break;
		if (strcmp(x->hash, k->at.hash))
			return err_set(EBADMSG,
				       "line %zu is not the one that was "
				       "sealed as number %zu",
				       k->line, k->at.n);
	}
	return 0;
}

static int cut_off(const struct check *k, size_t sealed)
{
	return err_set(EBADMSG,
		       "it ends after number %zu at line %zu, and number %zu "
		       "was sealed: lines were cut off",
		       k->at.n, k->line, sealed);
}

static int check_line(struct check *k, size_t from, size_t len, bool ended)
{
	char before[DIGEST_HEX_LEN], torn[DIGEST_HEX_LEN];
	struct rt_audit_seal seal;

	k->line++;
	if (!ended || !audit_line(k->data + from, len, &seal, before, torn)) {
		if (!k->torn) {
			k->torn_from = from;
			k->torn_line = k->line;
		}
		k->torn = true;
		return 0;
	}
	if (!closes_torn(k, from, torn))
		return err_set(EBADMSG,
			       "line %zu was changed, inserted or torn, and "
			       "the next whole one does not account for it",
			       k->torn ? k->torn_line : k->line);
	k->torn = false;
	if (seal.n != k->at.n + 1 || strcmp(before, k->at.hash))
		return err_set(EBADMSG,
			       "line %zu is number %zu and does not follow "
			       "number %zu: lines before it were removed, "
			       "moved or written anew",
			       k->line, seal.n, k->at.n);
	k->at = seal;
	return check_expected(k);
}

static int check_all(struct check *k)
{
	for (size_t from = 0; from < k->len;) {
		const char *nl = memchr(k->data + from, '\n', k->len - from);
		size_t end = nl ? (size_t)(nl - k->data) : k->len;
		int rc = check_line(k, from, end - from, nl != NULL);

		if (rc)
			return rc;
		from = end + 1;
	}
	if (k->torn)
		return err_set(EBADMSG,
			       "line %zu, at the end, was changed, or torn by "
			       "a writer that was killed: the next one to "
			       "open the log closes such a line",
			       k->torn_line);
	return 0;
}

static int check_file(int fd, struct check *k)
{
	struct stat st;
	void *map;
	int rc;

	if (fstat(fd, &st) < 0)
		return err_set(errno, "%s", strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(EINVAL, "not a file");
	k->len = (size_t)st.st_size;
	if (!k->len)
		return check_all(k);
	map = mmap(NULL, k->len, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return err_set(errno, "%s", strerror(errno));
	k->data = map;
	rc = check_all(k);
	munmap(map, k->len);
	return rc;
}

/* ---- its first line ---------------------------------------------------- */

static void read_head(const char *line, size_t len, struct audit_head *out)
{
	char before[DIGEST_HEX_LEN];
	struct rt_audit_seal seal;
	struct json *v;
	double aside;

	if (!audit_line(line, len, &seal, before, NULL))
		return;
	if (seal.n == 1) {
		strcpy(out->first, seal.hash);
		return;
	}
	v = json_parse(line, len);
	aside = strtod(json_text_at(v, "text"), NULL);
	if (!strcmp(json_text_at(v, "what"), AUDIT_ASIDE) && aside >= 1 &&
	    aside < 0x1p53 && copy_hash(v, "resource", out->first)) {
		out->aside = (size_t)aside;
		out->before.n = seal.n - 1;
		strcpy(out->before.hash, before);
	}
	json_free(v);
}

int audit_head(int fd, size_t len, struct audit_head *out)
{
	size_t head = len < LINE_BYTES ? len : LINE_BYTES;
	char *data = mem_zalloc(head + 1, 1);
	ssize_t got = pread(fd, data, head, 0);
	const char *nl;

	out->first[0] = '\0';
	out->aside = 0;
	audit_none(&out->before);
	nl = got > 0 ? memchr(data, '\n', (size_t)got) : NULL;
	if (nl)
		read_head(data, (size_t)(nl - data), out);
	free(data);
	return got < 0 ? err_set(errno, "%s", strerror(errno)) : 0;
}

/* ---- those that were put aside ----------------------------------------- */

char *audit_aside(const char *path, size_t n)
{
	return mem_printf("%s.%zu", path, n);
}

/* What is not here any more is taken for what the seals say it was. */
static int begin_after(struct check *k, const struct rt_audit_seal *before)
{
	k->at = *before;
	while (k->expected_at < k->expected_n &&
	       k->expected[k->expected_at].n < before->n)
		k->expected_at++;
	return check_expected(k);
}

static int check_aside(int fd, size_t n, bool oldest, struct check *k)
{
	struct audit_head head;
	struct stat st;
	int rc;

	if (fstat(fd, &st) < 0)
		return err_set(errno, "%s", strerror(errno));
	/* Who wants to be rid of lines could say that there were many more. */
	if (!S_ISREG(st.st_mode) || (size_t)st.st_size < audit_log_bytes)
		return err_set(EBADMSG, "it is too short to have been put "
					"aside");
	rc = audit_head(fd, (size_t)st.st_size, &head);
	if (!rc && head.aside != n - 1)
		rc = err_set(EBADMSG,
			     "its first line does not say that it is "
			     "number %zu",
			     n);
	if (!rc && oldest)
		rc = begin_after(k, &head.before);
	return rc ? rc : check_file(fd, k);
}

/* In their order, and the log itself. */
static int check_logs(const char *path, int fd, const struct audit_head *head,
		      struct check *k)
{
	size_t oldest =
		head->aside > AUDIT_KEPT ? head->aside - AUDIT_KEPT + 1 : 1;
	int rc = 0;

	for (size_t n = oldest; !rc && n <= head->aside; n++) {
		char *name = audit_aside(path, n);
		int old = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

		if (old >= 0)
			rc = check_aside(old, n, n == oldest, k);
		else
			rc = err_set(errno == ENOENT ? EBADMSG : errno, "%s",
				     strerror(errno));
		if (rc)
			err_prefix(rc, "put aside as '%s'", name);
		if (old >= 0)
			close(old);
		free(name);
		k->line = 0;
	}
	rc = rc ? rc : check_file(fd, k);
	if (!rc && k->expected_at < k->expected_n)
		return cut_off(k, k->expected[k->expected_n - 1].n);
	return rc;
}

/* ---- from outside ------------------------------------------------------ */

static int by_number(const void *a, const void *b)
{
	const struct rt_audit_seal *x = a, *y = b;

	return (x->n > y->n) - (x->n < y->n);
}

static int open_log(const char *path, struct audit_head *head)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), rc = 0;
	struct stat st;

	if (fd < 0)
		return err_set(errno, "cannot open '%s': %s", path,
			       strerror(errno));
	*head = (struct audit_head){0};
	if (!fstat(fd, &st) && S_ISREG(st.st_mode))
		rc = audit_head(fd, (size_t)st.st_size, head);
	if (!rc)
		return fd;
	close(fd);
	return rc;
}

static int check_marks(const char *path, int fd, const struct audit_head *head,
		       struct check *k, const struct rt_audit_mark *marks,
		       size_t n)
{
	int rc;

	k->expected = mem_zalloc(n + 1, sizeof(*k->expected));
	for (size_t i = 0; i < n; i++)
		if (!strcmp(marks[i].first, head->first))
			k->expected[k->expected_n++] = marks[i].seal;
	qsort(k->expected, k->expected_n, sizeof(*k->expected), by_number);
	rc = check_logs(path, fd, head, k);
	if (rc || !n || !strcmp(marks->first, head->first))
		return rc;
	if (!k->at.n)
		return cut_off(k, marks->seal.n);
	return err_set(EBADMSG,
		       "it is not the log that was sealed up to number %zu, "
		       "but was begun anew",
		       marks->seal.n);
}

int rt_audit_verify_marks(const char *path, const struct rt_audit_mark *marks,
			  size_t n, struct rt_audit_seal *seal)
{
	struct audit_head head;
	struct check k = {0};
	int fd = open_log(path, &head), rc;

	if (fd < 0)
		return fd;
	audit_none(&k.at);
	rc = check_marks(path, fd, &head, &k, marks, n);
	close(fd);
	free(k.expected);
	if (seal)
		*seal = k.at;
	return rc ? err_prefix(rc, "audit log '%s'", path) : 0;
}

int rt_audit_verify(const char *path, const struct rt_audit_seal *expected,
		    struct rt_audit_seal *seal)
{
	struct rt_audit_seal one;
	struct check k = {.expected = &one, .expected_n = expected != NULL};
	struct audit_head head;
	int fd = open_log(path, &head), rc;

	if (fd < 0)
		return fd;
	if (expected)
		one = *expected;
	audit_none(&k.at);
	rc = check_logs(path, fd, &head, &k);
	close(fd);
	if (seal)
		*seal = k.at;
	return rc ? err_prefix(rc, "audit log '%s'", path) : 0;
}
