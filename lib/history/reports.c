/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "history/reports.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "history/remote_git.h"
#include "history/remote_parts.h"
#include "history/repo.h"

#define LISTED_MAX   (64u << 20)
#define NAME_MAX_LEN 128
#define TALKS	     6
#define PAUSE_US     500000
#define AT_ONCE	     2000 /* references in one command line */

int report_check_name(const char *name)
{
	const char *s = name;

	if (strlen(name) > NAME_MAX_LEN || *name == '/' || *name == '-' ||
	    strstr(name, "//"))
		s = "!";
	while (islower((unsigned char)*s) || isdigit((unsigned char)*s) ||
	       *s == '-' || *s == '/')
		s++;
	return *s ? err_set(EINVAL, "'%.200s' is no name of a report", name)
		  : 0;
}

/* ---- fetching ---------------------------------------------------------- */

static int fetch(struct history *h, const struct remote_opts *o,
		 const struct peer *p, const struct strs *below)
{
	struct strs specs = {0};
	int rc = ref_wait(h, REPORT_REFS);

	if (rc)
		return rc;
	for (size_t i = 0; i < below->len; i++)
		strs_printf(&specs, "+" REPORT_REFS "%s*:" REPORT_REFS "%s*",
			    below->v[i], below->v[i]);
	rc = peer_fetch(h, o, p, &specs);
	strs_release(&specs);
	return rc;
}

int reports_fetch(struct history *h, const struct remote_opts *o,
		  const struct strs *below)
{
	struct peer p;
	int rc = 0;

	for (size_t i = 0; !rc && i < below->len; i++)
		rc = report_check_name(below->v[i]);
	if (!rc)
		rc = peer_find(h, o->remote, &p);
	if (rc)
		return rc;
	rc = fetch(h, o, &p, below);
	peer_release(&p);
	return rc;
}

struct reader {
	int (*fn)(void *arg, const char *name, const char *text, size_t len);
	void *arg;
	size_t left;
};

static int read_one(struct history *h, const char *name, void *arg)
{
	struct reader *r = arg;
	git_blob *blob = NULL;
	git_oid at;
	int rc = ref_read(h, name, &at);

	if (rc || !r->left)
		return rc;
	r->left--;
	/* It may point to anything: then it is no report. */
	if (git_blob_lookup(&blob, h->repo, &at))
		return 0;
	if (git_blob_rawsize(blob) <= REPORT_SIZE_MAX)
		rc = r->fn(r->arg, name + strlen(REPORT_REFS),
			   git_blob_rawcontent(blob),
			   (size_t)git_blob_rawsize(blob));
	git_blob_free(blob);
	return rc;
}

int reports_each(struct history *h, const char *below,
		 int (*fn)(void *arg, const char *name, const char *text,
			   size_t len),
		 void *arg)
{
	struct reader r = {fn, arg, REPORTS_MAX};
	char *prefix = mem_printf(REPORT_REFS "%s", below);
	int rc = peer_each_ref(h, prefix, read_one, &r);

	free(prefix);
	return rc;
}

/* ---- pushing ----------------------------------------------------------- */

/* As long as others are in the way. */
static int push_all(struct history *h, const struct remote_opts *o,
		    const struct peer *p, const struct strs *specs)
{
	struct rng r;
	int rc = 1;

	rng_init(&r, (uint64_t)getpid() ^ (uint64_t)(clock_monotonic() * 1e6));
	for (int i = 0; rc == 1 && i < TALKS; i++) {
		if (i)
			usleep((useconds_t)rng_below(&r, PAUSE_US) + 1000);
		rc = peer_push(h, o, p, specs, false);
	}
	return rc == 1 ? err_prefix(-EAGAIN, "others are in the way") : rc;
}

int reports_push(struct history *h, const struct remote_opts *o,
		 const char *name, const char *text)
{
	char hex[GIT_OID_HEXSZ + 1];
	struct strs specs = {0};
	struct peer p;
	git_oid at;
	int rc = report_check_name(name);

	if (!rc)
		rc = peer_find(h, o->remote, &p);
	if (rc)
		return rc;
	rc = git_blob_create_from_buffer(&at, h->repo, text, strlen(text));
	if (rc)
		rc = repo_fail(h, rc, "cannot record the report");
	if (!rc) {
		strs_printf(&specs, "+%s:" REPORT_REFS "%s",
			    git_oid_tostr(hex, sizeof(hex), &at), name);
		rc = push_all(h, o, &p, &specs);
	}
	strs_release(&specs);
	peer_release(&p);
	return rc;
}

/* ---- removing ---------------------------------------------------------- */

static bool is_kept(const char *name, const struct strs *keep)
{
	for (size_t i = 0; i < keep->len; i++)
		if (!strncmp(name, keep->v[i], strlen(keep->v[i])))
			return true;
	return false;
}

static int forget(struct history *h, const char *name, void *arg)
{
	return is_kept(name + strlen(REPORT_REFS), arg) ? 0
							: ref_remove(h, name);
}

int reports_forget(struct history *h, const struct strs *keep)
{
	return peer_each_ref(h, REPORT_REFS, forget, (void *)keep);
}

/* The names in "OID<tab>NAME" lines that are not kept. */
static void find_old(char *listed, const struct strs *keep, struct strs *out)
{
	char *line;

	while ((line = strsep(&listed, "\n"))) {
		char *name = strchr(line, '\t');

		name = name ? name + 1 : line;
		if (strncmp(name, REPORT_REFS, strlen(REPORT_REFS)) ||
		    report_check_name(name + strlen(REPORT_REFS)))
			continue;
		if (!is_kept(name + strlen(REPORT_REFS), keep))
			strs_add(out, name);
	}
}

static int list(struct history *h, const struct remote_opts *o,
		const struct peer *p, const struct strs *keep, struct strs *out)
{
	struct strs args = {0};
	struct buf said;
	int rc;

	strs_add(&args, "ls-remote");
	strs_add(&args, "--");
	strs_add(&args, p->url);
	strs_add(&args, REPORT_REFS "*");
	buf_init(&said, LISTED_MAX);
	rc = remote_git(h, o, &args, &said);
	if (rc > 0)
		rc = remote_git_failed(&said, "look at", p->url);
	if (!rc && said.len)
		find_old(said.data, keep, out);
	buf_release(&said);
	strs_release(&args);
	return rc;
}

int reports_prune(struct history *h, const struct remote_opts *o,
		  const struct strs *keep, size_t *n)
{
	struct strs old = {0};
	struct peer p;
	int rc = peer_find(h, o->remote, &p);

	*n = 0;
	if (rc)
		return rc;
	rc = list(h, o, &p, keep, &old);
	for (size_t i = 0; !rc && i < old.len; i += AT_ONCE) {
		struct strs specs = {0};

		for (size_t j = i; j < old.len && j < i + AT_ONCE; j++)
			strs_printf(&specs, ":%s", old.v[j]);
		rc = push_all(h, o, &p, &specs);
		if (!rc)
			*n += specs.len;
		strs_release(&specs);
	}
	strs_release(&old);
	peer_release(&p);
	return rc ? rc : reports_forget(h, keep);
}
