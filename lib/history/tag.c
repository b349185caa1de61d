/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "history/tag.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "history/entry.h"
#include "history/remote_git.h"
#include "history/repo.h"

#define SAID_MAX  (64u << 10)
#define TIMEOUT_S 120

static const struct remote_opts opts = {.timeout_s = TIMEOUT_S};

/* "refs/tags/NAME"; NULL: it cannot be one. */
static char *ref_of(const char *name)
{
	char *ref = mem_printf("refs/tags/%s", name);
	int valid = 0;

	if (*name != '-' && !git_reference_name_is_valid(&valid, ref) && valid)
		return ref;
	free(ref);
	err_set(EINVAL, "'%.80s' is no name for a tag", name);
	return NULL;
}

static int find_commit(struct history *h, const struct doc *d, git_oid *out)
{
	struct entry e;
	git_oid head;
	int rc = ref_read(h, HISTORY_BRANCH, &head);

	if (!rc)
		rc = entry_find(h, &head, d->kind, d->id, &e);
	if (rc == 1)
		git_oid_cpy(out, &e.commit);
	return rc == 1 ? 0
	       : rc    ? rc
		       : err_set(ENOENT, "no commit records %s %.12s", d->kind,
				 d->id);
}

/* 0; what git said where it failed is in the error slot, as errnum. */
static int run_git(struct history *h, const struct strs *args, int errnum,
		   const char *doing, const char *name)
{
	struct buf said;
	int rc;

	buf_init(&said, SAID_MAX);
	rc = remote_git(h, &opts, args, &said);
	if (rc > 0) {
		remote_git_failed(&said, doing, name);
		rc = -errnum;
	}
	buf_release(&said);
	return rc;
}

/* git says nothing where it could not sign, and leaves a plain tag. */
static int check_signed(struct history *h, const char *ref, const char *name)
{
	git_tag *t = NULL;
	git_oid at;
	int rc = ref_read(h, ref, &at);
	bool good = !rc && !git_tag_lookup(&t, h->repo, &at) &&
		    git_tag_message(t) &&
		    strstr(git_tag_message(t), "\n-----BEGIN ");

	git_tag_free(t);
	if (rc || good)
		return rc;
	ref_remove(h, ref);
	return err_set(EIO,
		       "git could not sign tag '%s': see user.signingkey and "
		       "gpg.format in its configuration",
		       name);
}

int tag_make(struct history *h, const char *name, const struct doc *d,
	     const char *message, bool sign)
{
	char hex[GIT_OID_HEXSZ + 1], *ref = ref_of(name);
	struct strs args = {0};
	struct buf words;
	git_oid at, commit;
	int rc = ref ? ref_read(h, ref, &at) : -EINVAL;

	buf_init(&words, 1u << 20);
	if (!rc && !git_oid_is_zero(&at))
		rc = err_set(EEXIST, "there is a tag '%s' already", name);
	if (!rc)
		rc = find_commit(h, d, &commit);
	if (!rc && !message) {
		rc = history_subject(h, d->kind, d->id, &words);
		message = words.len ? words.data : d->kind;
	}
	if (!rc) {
		git_oid_tostr(hex, sizeof(hex), &commit);
		strs_add(&args, "tag");
		strs_add(&args, sign ? "-s" : "--no-sign");
		strs_add(&args, "-a");
		strs_add(&args, "-m");
		strs_add(&args, message);
		strs_add(&args, "--");
		strs_add(&args, name);
		strs_add(&args, hex);
		rc = run_git(h, &args, EIO, "make tag", name);
	}
	if (!rc && sign)
		rc = check_signed(h, ref, name);
	strs_release(&args);
	buf_release(&words);
	free(ref);
	return rc;
}

int tag_verify(struct history *h, const char *name)
{
	char *ref = ref_of(name);
	struct strs args = {0};
	git_oid at;
	int rc = ref ? ref_read(h, ref, &at) : -EINVAL;

	if (!rc && git_oid_is_zero(&at))
		rc = err_set(ENOENT, "there is no tag '%s'", name);
	if (!rc) {
		strs_add(&args, "tag");
		strs_add(&args, "-v");
		strs_add(&args, "--");
		strs_add(&args, name);
		rc = run_git(h, &args, EKEYREJECTED, "verify tag", name);
	}
	strs_release(&args);
	free(ref);
	return rc;
}
