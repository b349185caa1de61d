/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "history/remote.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "crypt/digest.h"
#include "history/file.h"
#include "history/merge.h"
#include "history/remote_git.h"
#include "history/remote_parts.h"
#include "history/repo.h"
#include "history/state.h"

#define TALKS	 12
#define PAUSE_US 400000
#define SAID_MAX (64u << 10)

/* ---- who they are ------------------------------------------------------ */

/* It becomes a part of references' names. */
static int check_name(const char *name)
{
	size_t len = strlen(name);

	if (!len || *name == '-' || *name == '.' || len > 64 ||
	    strstr(name, "..") ||
	    (len >= 5 && !strcmp(name + len - 5, ".lock")) ||
	    strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			 "0123456789_-.") != len)
		return err_set(EINVAL,
			       "'%.80s' is no name for a remote: letters, "
			       "digits, '_', '-', '.'",
			       name);
	return 0;
}

/* "remote.NAME.url" of git's configuration, to be freed. */
static char *url_key(const char *name)
{
	return mem_printf("remote.%s.url", name);
}

/*
 * libgit2 1.5's own functions for remotes leak what they match keys with; the
 * address is all that we need of one.
 */
static int find_url(const struct history *h, const char *name, char **url)
{
	git_buf found = {0};
	git_config *c = NULL;
	char *key = url_key(name);
	int rc = git_repository_config(&c, h->repo);

	if (!rc)
		rc = git_config_get_string_buf(&found, c, key);
	*url = rc ? NULL : mem_strdup(found.ptr);
	git_buf_dispose(&found);
	git_config_free(c);
	free(key);
	if (!rc)
		return 0;
	return rc == GIT_ENOTFOUND
		       ? err_set(ENOENT,
				 "there is no remote '%s': see 'sched-history "
				 "remote add'",
				 name)
		       : repo_fail(h, rc, "cannot read the remotes");
}

/* url NULL: none any more. */
static int set_url(const struct history *h, const char *name, const char *url)
{
	git_config *all = NULL, *own = NULL;
	char *key = url_key(name);
	int rc = git_repository_config(&all, h->repo);

	if (!rc)
		rc = git_config_open_level(&own, all, GIT_CONFIG_LEVEL_LOCAL);
	if (!rc)
		rc = url ? git_config_set_string(own, key, url)
			 : git_config_delete_entry(own, key);
	git_config_free(own);
	git_config_free(all);
	free(key);
	return rc ? repo_fail(h, rc, "cannot set the remote '%s'", name) : 0;
}

int remote_add(struct history *h, const char *name, const char *url)
{
	char *path = NULL, *there = NULL;
	int rc = check_name(name);

	if (!rc)
		rc = remote_git_check(url);
	if (rc)
		return rc;
	if (!find_url(h, name, &there)) {
		free(there);
		return err_set(EEXIST, "there is a remote '%s' already", name);
	}
	/* A path is to mean the same wherever one stands. */
	if (!strchr(url, ':'))
		path = realpath(url, NULL);
	rc = set_url(h, name, path ? path : url);
	free(path);
	return rc;
}

/* "remote.NAME.url": the name, to be freed; NULL: not one. */
static char *name_in(const char *key)
{
	static const char before[] = "remote.", after[] = ".url";
	size_t len = strlen(key), b = sizeof(before) - 1, a = sizeof(after) - 1;

	if (len <= a + b || strncmp(key, before, b) ||
	    strcmp(key + len - a, after))
		return NULL;
	return mem_strndup(key + b, len - a - b);
}

int remote_each(struct history *h,
		int (*fn)(void *arg, const char *name, const char *url),
		void *arg)
{
	git_config_iterator *it = NULL;
	git_config *c = NULL;
	git_config_entry *e;
	int rc = git_repository_config_snapshot(&c, h->repo);

	if (!rc)
		rc = git_config_iterator_new(&it, c);
	if (rc)
		rc = repo_fail(h, rc, "cannot list the remotes");
	while (!rc && !git_config_next(&e, it)) {
		char *name = name_in(e->name);

		if (name)
			rc = fn(arg, name, e->value ? e->value : "");
		free(name);
	}
	git_config_iterator_free(it);
	git_config_free(c);
	return rc;
}

void peer_release(struct peer *p)
{
	free(p->url);
	free(p->prefix);
}

struct choice {
	char *name;
	size_t n;
};

static int choose(void *arg, const char *name, const char *url)
{
	struct choice *c = arg;

	(void)url;
	free(c->name);
	c->name = mem_strdup(name);
	c->n++;
	return !strcmp(name, "origin");
}

static int default_name(struct history *h, char **out)
{
	struct choice c = {0};
	int rc = remote_each(h, choose, &c);

	*out = NULL;
	if (rc == 1 || (!rc && c.n == 1)) {
		*out = c.name;
		return 0;
	}
	free(c.name);
	if (rc < 0)
		return rc;
	return err_set(ENOENT, "which remote? name one, or add 'origin' with "
			       "'sched-history remote add origin ADDRESS'");
}

int peer_find(struct history *h, const char *remote, struct peer *p)
{
	char digest[DIGEST_HEX_LEN], *name = NULL;
	int rc;

	*p = (struct peer){0};
	if (!remote) {
		rc = default_name(h, &name);
		if (rc)
			return rc;
		remote = name;
	}
	if (strpbrk(remote, "/:")) {
		p->url = mem_strdup(remote);
		digest_hex(remote, strlen(remote), digest);
		p->prefix = mem_printf(REMOTE_REFS "at-%.16s/", digest);
		rc = 0;
	} else {
		p->prefix = mem_printf(REMOTE_REFS "%s/", remote);
		rc = check_name(remote);
		if (!rc)
			rc = find_url(h, remote, &p->url);
	}
	if (!rc)
		rc = remote_git_check(p->url);
	free(name);
	if (rc)
		peer_release(p);
	return rc;
}

int peer_each_ref(struct history *h, const char *prefix,
		  int (*fn)(struct history *h, const char *name, void *arg),
		  void *arg)
{
	git_strarray all;
	int rc = ref_list(h, &all);

	if (rc)
		return rc;
	for (size_t i = 0; !rc && i < all.count; i++)
		if (!strncmp(all.strings[i], prefix, strlen(prefix)))
			rc = fn(h, all.strings[i], arg);
	git_strarray_dispose(&all);
	return rc;
}

static int drop(struct history *h, const char *name, void *arg)
{
	(void)arg;
	return ref_remove(h, name);
}

int remote_remove(struct history *h, const char *name)
{
	char *url, *prefix;
	int rc = check_name(name);

	if (!rc)
		rc = find_url(h, name, &url);
	if (rc)
		return rc;
	free(url);
	rc = set_url(h, name, NULL);
	if (rc)
		return rc;
	prefix = mem_printf(REMOTE_REFS "%s/", name);
	rc = peer_each_ref(h, prefix, drop, NULL);
	free(prefix);
	return rc;
}

/* ---- pull -------------------------------------------------------------- */

static int look_again(struct history *h)
{
	git_odb *odb = NULL;
	int rc = git_repository_odb(&odb, h->repo);

	if (!rc)
		rc = git_odb_refresh(odb);
	git_odb_free(odb);
	return rc ? repo_fail(h, rc, "cannot read what was fetched") : 0;
}

int peer_fetch(struct history *h, const struct remote_opts *o,
	       const struct peer *p, const struct strs *specs)
{
	struct strs args = {0};
	struct buf said;
	int rc;

	strs_add(&args, "fetch");
	strs_add(&args, "--no-tags");
	strs_add(&args, "--no-write-fetch-head");
	strs_add(&args, "--prune");
	strs_add(&args, "--");
	strs_add(&args, p->url);
	for (size_t i = 0; i < specs->len; i++)
		strs_add(&args, specs->v[i]);
	buf_init(&said, SAID_MAX);
	rc = remote_git(h, o, &args, &said);
	if (rc > 0)
		rc = remote_git_failed(&said, "fetch from", p->url);
	strs_release(&args);
	buf_release(&said);
	return rc ? rc : look_again(h);
}

static int fetch(struct history *h, const struct remote_opts *o,
		 const struct peer *p)
{
	static const char *const refs[] = {"heads/main", "notes/metrics",
					   "schedkit/store"};
	struct strs specs = {0};
	int rc = ref_wait(h, p->prefix);

	if (rc)
		return rc;
	/* With a star it is no error that there is none. */
	for (size_t i = 0; i < ARRAY_LEN(refs); i++) {
		const char *last = strncmp(refs[i], "schedkit/", 9)
					   ? refs[i]
					   : refs[i] + 9;

		strs_printf(&specs, "+refs/%s*:%s%s*", refs[i], p->prefix,
			    last);
	}
	strs_printf(&specs, "+refs/tags/*:%stags/*", p->prefix);
	strs_printf(&specs, "+" STATE_REFS "*:%sstate/*", p->prefix);
	rc = peer_fetch(h, o, p, &specs);
	strs_release(&specs);
	return rc;
}

struct offers {
	bool documents, files;
};

static int merge_all(struct history *h, const struct peer *p, bool on_top,
		     struct remote_result *out, struct offers *offers)
{
	struct merged documents, notes, files, tags;
	int rc = merge_documents(h, p->prefix, on_top, &documents);

	if (!rc)
		rc = merge_notes(h, p->prefix, on_top && documents.offer,
				 &notes);
	if (!rc)
		rc = merge_files(h, p->prefix, on_top, &files);
	if (!rc)
		rc = merge_tags(h, p->prefix, &tags, &out->kept);
	/* Whatever came: an earlier one may have ended right before. */
	if (!rc)
		rc = states_publish(h);
	if (rc)
		return rc;
	out->documents += documents.taken;
	out->files += files.taken;
	out->tags += tags.taken;
	*offers = (struct offers){documents.offer, files.offer};
	return 0;
}

int remote_pull(struct history *h, const struct remote_opts *o,
		struct remote_result *out)
{
	struct offers offers;
	struct peer p;
	int rc = peer_find(h, o->remote, &p);

	*out = (struct remote_result){0};
	if (rc)
		return rc;
	rc = fetch(h, o, &p);
	if (!rc)
		rc = merge_all(h, &p, false, out, &offers);
	peer_release(&p);
	return rc;
}

/* ---- push -------------------------------------------------------------- */

/* What a push says: "from:to" of each reference that is to move. */
struct specs {
	const struct peer *p;
	struct strs l;
};

static int same(struct history *h, const char *ours, const char *theirs,
		bool *out)
{
	git_oid a, b;
	int rc = ref_read(h, ours, &a);

	if (!rc)
		rc = ref_read(h, theirs, &b);
	*out = !rc && git_oid_equal(&a, &b);
	return rc;
}

static int add_tag(struct history *h, const char *name, void *arg)
{
	struct specs *s = arg;
	char *theirs = mem_printf("%stags/%s", s->p->prefix,
				  name + strlen("refs/tags/"));
	git_oid b;
	int rc = ref_read(h, theirs, &b);

	if (!rc && git_oid_is_zero(&b))
		strs_printf(&s->l, "%s:%s", name, name);
	free(theirs);
	return rc;
}

static int add_state(struct history *h, const char *name, void *arg)
{
	struct specs *s = arg;
	char *theirs = mem_printf("%sstate/%s", s->p->prefix,
				  name + strlen(STATE_REFS));
	bool alike;
	int rc = same(h, name, theirs, &alike);

	/* They follow from the notes, which go with them. */
	if (!rc && !alike)
		strs_printf(&s->l, "+%s:%s", name, name);
	free(theirs);
	return rc;
}

static int drop_state(struct history *h, const char *name, void *arg)
{
	struct specs *s = arg;
	char *ours = mem_printf(STATE_REFS "%s",
				name + strlen(s->p->prefix) + strlen("state/"));
	git_oid a;
	int rc = ref_read(h, ours, &a);

	if (!rc && git_oid_is_zero(&a))
		strs_printf(&s->l, ":%s", ours);
	free(ours);
	return rc;
}

static int make_specs(struct history *h, const struct offers *offers,
		      struct specs *s)
{
	char *states = mem_printf("%sstate/", s->p->prefix);
	git_oid notes;
	int rc = ref_read(h, HISTORY_NOTES, &notes);

	if (offers->documents)
		strs_add(&s->l, HISTORY_BRANCH ":" HISTORY_BRANCH);
	if (offers->documents && !rc && !git_oid_is_zero(&notes))
		strs_add(&s->l, HISTORY_NOTES ":" HISTORY_NOTES);
	if (offers->files)
		strs_add(&s->l, FILES_REF ":" FILES_REF);
	if (!rc)
		rc = peer_each_ref(h, "refs/tags/", add_tag, s);
	if (!rc)
		rc = peer_each_ref(h, STATE_REFS, add_state, s);
	if (!rc)
		rc = peer_each_ref(h, states, drop_state, s);
	free(states);
	return rc;
}

/* What they pushed is to be merged first. */
static bool raced(const struct buf *said)
{
	static const char *const words[] = {
		"fetch first",	       "non-fast-forward",
		"cannot lock ref",     "failed to update",
		"already exists",      "stale info",
		"incorrect old value", "reference already exists",
		"remote rejected"};

	/* Who decides that it does not want it does not want it later.  The
	 * second is of hosts with rules of their own. */
	if (said->len && (strstr(said->data, "hook declined") ||
			  strstr(said->data, "push declined")))
		return false;
	for (size_t i = 0; said->len && i < ARRAY_LEN(words); i++)
		if (strstr(said->data, words[i]))
			return true;
	return false;
}

int peer_push(struct history *h, const struct remote_opts *o,
	      const struct peer *p, const struct strs *specs, bool atomic)
{
	struct strs args = {0};
	struct buf said;
	int rc;

	strs_add(&args, "push");
	if (atomic)
		strs_add(&args, "--atomic");
	strs_add(&args, "--porcelain");
	strs_add(&args, "--no-verify");
	strs_add(&args, "--");
	strs_add(&args, p->url);
	for (size_t i = 0; i < specs->len; i++)
		strs_add(&args, specs->v[i]);
	buf_init(&said, SAID_MAX);
	rc = remote_git(h, o, &args, &said);
	if (rc > 0) {
		rc = remote_git_failed(&said, "push to", p->url);
		if (raced(&said))
			rc = 1;
	}
	buf_release(&said);
	strs_release(&args);
	return rc;
}

/* 0; 1: others were faster. */
static int push_once(struct history *h, const struct remote_opts *o,
		     const struct peer *p, struct remote_result *out)
{
	struct specs s = {.p = p};
	struct offers offers;
	int rc = fetch(h, o, p);

	if (!rc)
		rc = merge_all(h, p, true, out, &offers);
	if (!rc)
		rc = make_specs(h, &offers, &s);
	if (!rc && s.l.len) {
		rc = peer_push(h, o, p, &s.l, true);
		out->pushed = !rc;
	}
	strs_release(&s.l);
	return rc;
}

int remote_push(struct history *h, const struct remote_opts *o,
		struct remote_result *out)
{
	struct peer p;
	struct rng r;
	int rc = peer_find(h, o->remote, &p);

	*out = (struct remote_result){0};
	if (rc)
		return rc;
	rng_init(&r, (uint64_t)getpid() ^ (uint64_t)(clock_monotonic() * 1e6));
	rc = 1;
	for (int i = 0; rc == 1 && i < TALKS; i++) {
		if (i)
			usleep((useconds_t)rng_below(&r, PAUSE_US) + 1000);
		rc = push_once(h, o, &p, out);
	}
	peer_release(&p);
	if (rc == 1)
		return err_prefix(-EAGAIN, "others push all the time, or one "
					   "that died left its lock there");
	return rc;
}
