/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a host says of a rollout, signed with a key of its own. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "agents/rollout/follower_parts.h"
#include "base/mem.h"
#include "base/path.h"
#include "rollout/signed.h"

#define KEY_NAME "report"

int follower_key(struct key_info *info, struct sign_key **key)
{
	char *folder = path_config("host");
	struct key_info made = {0};
	int rc;

	rc = key_open(folder, KEY_NAME, info, key);
	if (rc == -ENOENT) {
		rc = key_make(folder, KEY_NAME, 0, &made);
		free(made.path);
		if (!rc || rc == -EEXIST)
			rc = key_open(folder, KEY_NAME, info, key);
	}
	free(folder);
	return rc;
}

static char *make_line(const struct follower *f, enum rollout_outcome o)
{
	const char *const parents[] = {f->r.policy};
	struct rollout_report r = {
		.serial = f->r.serial,
		.cohort = f->host.cohort,
		.named = f->named,
		.outcome = o,
	};
	struct json *body = json_object();
	struct utsname u;
	struct doc *d;
	char *text;

	uname(&u);
	strcpy(r.rollout, f->r.id);
	strcpy(r.policy, f->r.policy);
	strcpy(r.why, f->why);
	snprintf(r.kernel, sizeof(r.kernel), "%s", u.release);
	text = mem_printf("policy %.12s is %s on a host of '%s'%s%s",
			  f->r.policy, rollout_outcomes[o],
			  f->r.cohorts[f->host.cohort].name,
			  *f->why ? ": " : "", f->why);
	json_set_string(body, "text", text);
	json_set_string(body, "about", f->r.policy);
	json_add(json_set(body, "tags", json_array()),
		 json_string("rollout-report"));
	json_set(body, "report",
		 signed_make(f->key, SIGNED_REPORT, rollout_report_json(&r),
			     clock_wall()));
	free(text);
	d = doc_new("note", ROLLOUTS_BY, body, parents, ARRAY_LEN(parents));
	text = d ? doc_line(d) : NULL;
	doc_free(d);
	return text;
}

int follower_report(struct follower *f)
{
	enum rollout_outcome o = rollout_outcome_of(f->host.stage);
	char part[ROLLOUTS_PART], *line, *name;
	struct rollout_place place;
	int rc;

	if (!f->unreported || o == OUTCOMES || f->host.cohort < 0 ||
	    f->o->dry_run)
		return 0;
	rollout_place(f->r.id, f->info.id, &place);
	if (!rollout_is_said(&f->r.cohorts[f->host.cohort], o, place.voice)) {
		f->unreported = false;
		return 0;
	}
	line = make_line(f, o);
	if (!line)
		return -EINVAL;
	rollouts_part(&f->r, part);
	name = rollout_is_bad(o) ? mem_printf("%sbad/%.16s", part, f->info.id)
				 : mem_printf("%s%d/%.16s", part,
					      f->host.cohort, f->info.id);
	rc = reports_push(f->h, f->o->remote, name, line);
	f->unreported = rc != 0;
	if (!rc)
		follower_say(f, "reported: %s", rollout_outcomes[o]);
	free(name);
	free(line);
	return rc;
}
