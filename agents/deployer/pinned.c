/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/deployer/pinned.h"

#include <errno.h>
#include <string.h>
#include <sys/utsname.h>

#include "agents/host/holder.h"
#include "agents/deployer/past.h"
#include "agents/deployer/pins.h"
#include "base/clock.h"
#include "base/mem.h"
#include "scx/ext.h"

#define BY "sched-deploy"

static bool is_in_force(const struct json *record, const struct json *kernel)
{
	return record && !strcmp(json_text_at(kernel, "state"), "enabled") &&
	       holder_is_of(record, kernel);
}

struct json *pinned_in_force(const struct json *kernel)
{
	struct json *v = holder_pinned();

	if (is_in_force(v, kernel))
		return v;
	json_free(v);
	return NULL;
}

/* What of the record is told of its end, too. */
static struct json *told(const struct json *record, const char *state,
			 const char *why)
{
	static const char *const keys[] = {"policy", "verdict", "title",
					   "ops",    "since",	"pinned"};
	struct json *v = json_object();

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (json_get(record, keys[i]))
			json_set(v, keys[i],
				 json_copy(json_get(record, keys[i])));
	json_set_string(v, "state", state);
	json_set_string(v, "why", why);
	return v;
}

static struct json *fallen(const struct json *record)
{
	return told(record, "ejected",
		    "the kernel dropped the policy, which was pinned: its log "
		    "says why");
}

struct json *pinned_fallen(const struct json *kernel)
{
	struct json *v = holder_pinned(), *end = NULL;

	if (v && !is_in_force(v, kernel))
		end = fallen(v);
	json_free(v);
	return end;
}

/* ---- its end ---------------------------------------------------------- */

static struct json *stopped(const struct json *record)
{
	struct json *v = told(record, "stopped", "asked to stop");
	time_t since = clock_parse(json_text_at(record, "since"));
	double held_s = (double)(clock_wall() - since);

	if (since && held_s >= 0)
		json_set_number(v, "held_us", held_s * 1e6);
	return v;
}

/* A document of it; takes end. */
static struct doc *document(struct json *end)
{
	const char *parents[] = {json_text_at(end, "verdict"),
				 json_text_at(end, "policy")};
	char host[DIGEST_HEX_LEN];
	struct utsname u;

	uname(&u);
	json_set_string(end, "target", "host");
	json_set_string(end, "kernel", u.release);
	if (deployments_host(host))
		json_set_string(end, "host", host);
	return doc_new("deployment", BY, end, parents, ARRAY_LEN(parents));
}

/* It was attached, and nobody has told its end. */
static bool is_begun(const struct json *end)
{
	bool begun = false;
	struct past p;

	if (past_deployments(false, NULL, &p) == 0)
		for (size_t i = 0; i < p.of.n && !begun; i++) {
			const struct deployment *d = &p.of.v[i];
			const struct json *b = d->begin ? d->begin->body : NULL;

			begun = b && !d->end &&
				!strcmp(json_text_at(b, "policy"),
					json_text_at(end, "policy")) &&
				!strcmp(json_text_at(b, "since"),
					json_text_at(end, "since"));
		}
	past_deployments_release(&p);
	return begun;
}

/* That it cannot be told is no reason to do anything else. */
static void tell(struct json *end)
{
	struct doc *d;

	holder_ended(end);
	if (!is_begun(end)) {
		json_free(end);
		return;
	}
	d = document(end);
	if (d)
		past_record(d);
	doc_free(d);
}

int pinned_end(void)
{
	struct json *kernel = ext_kernel_state(), *record = holder_pinned();
	bool on = is_in_force(record, kernel);
	int rc = pins_remove();

	/* Somebody else may have removed the links. */
	if (record && (!rc || (rc == -ESRCH && !on))) {
		tell(on ? stopped(record) : fallen(record));
		holder_unpin();
	}
	json_free(record);
	json_free(kernel);
	return rc;
}
