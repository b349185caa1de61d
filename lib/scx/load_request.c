/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scx/load_request.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "scx/configuration.h"

void load_host_read(struct load_host *h)
{
	struct configuration c;

	configuration_read(&c);
	snprintf(h->release, sizeof(h->release), "%s", c.release);
	configuration_release(&c);
	configuration_digest(h->configuration);
}

int load_request_check(const struct load_request *r)
{
	if (r->size != sizeof(*r) || r->verb > LOAD_PIN || r->partial > 1 ||
	    r->intents > 1 || r->object_len > LOAD_OBJECT_MAX ||
	    (r->verb == LOAD_ASK) != !r->object_len ||
	    strnlen(r->ed25519, SIGN_HEX) == SIGN_HEX ||
	    !claim_is_text(&r->claim))
		return err_set(
			EINVAL,
			"not a request of this version to load a policy");
	return r->verb == LOAD_ASK ? 0 : policy_image_check(&r->image);
}

/* "6.18." of "6.18.15+deb13-cloud-amd64" */
static size_t series_len(const char *release)
{
	size_t n = strcspn(release, ".");

	n += release[n] == '.';
	return n + strspn(release + n, "0123456789");
}

static bool same_series(const char *a, const char *b)
{
	size_t n = series_len(a);

	return n == series_len(b) && !memcmp(a, b, n);
}

/* What was measured in a guest with a kernel like this one opens the canary,
 * which is partial, and no more. */
static int check_guest(const struct load_request *r,
		       const struct load_host *host)
{
	const struct claim *c = &r->claim;

	if (strcmp(c->target, "vm") || !r->partial)
		return err_set(EACCES,
			       "the verdict was measured on '%s': "
			       "'sched-verify --target host' measures on this "
			       "host",
			       c->target);
	if (!same_series(c->kernel, host->release))
		return err_set(EACCES,
			       "the verdict is for kernel %s, and this is %s, "
			       "of another series: verify again",
			       c->kernel, host->release);
	return 0;
}

static int check_host(const struct load_request *r,
		      const struct load_host *host)
{
	const struct claim *c = &r->claim;

	if (strcmp(c->target, "host"))
		return check_guest(r, host);
	if (strcmp(c->kernel, host->release))
		return err_set(EACCES,
			       "the verdict is for kernel %s, this is %s: "
			       "verify again",
			       c->kernel, host->release);
	if (strcmp(c->configuration, host->configuration))
		return err_set(EACCES,
			       "the verdict is for another build or "
			       "configuration of kernel %s (%.12s, here it is "
			       "%.12s): verify again",
			       host->release,
			       *c->configuration ? c->configuration : "none",
			       host->configuration);
	return 0;
}

int load_request_judge(const struct load_request *r, const void *object,
		       const struct trust *t, const struct load_host *host,
		       time_t now)
{
	const struct claim *c = &r->claim;
	char hex[DIGEST_HEX_LEN];
	int rc;

	if (claim_check(t, c, r->ed25519, now))
		return -EACCES;
	rc = check_host(r, host);
	if (rc)
		return rc;
	digest_hex(object, r->object_len, hex);
	if (strcmp(hex, c->object_sha256))
		return err_set(EACCES,
			       "the object is not the one that was measured "
			       "(%.12s, measured %.12s): verify again",
			       hex, c->object_sha256);
	policy_image_digest(&r->image, hex);
	if (strcmp(hex, c->image_sha256))
		return err_set(EACCES,
			       "what is to be put into the object is not what "
			       "was signed: verify again");
	return 0;
}
