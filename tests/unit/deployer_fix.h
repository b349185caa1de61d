/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Policies on their way to a host whose programs are stand-ins. */
#ifndef SCHEDKIT_TESTS_DEPLOYER_FIX_H
#define SCHEDKIT_TESTS_DEPLOYER_FIX_H

#include "tests/unit/place_fix.h"

#include <sys/utsname.h>

#include "agents/deployer/deployer.h"
#include "agents/host/holder.h"
#include "agents/verifier/signer.h"
#include "scx/configuration.h"

#define PARAMS "\"form\":\"params\",\"params\":{\"queue\":\"global\"}"
#define OPS    "schedkit_test"
#define DIGEST \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define HOLDS "say attached " OPS "\non r told\nuntil\nsay done\n"

static volatile sig_atomic_t cancelled;
static struct stream *stream;
static struct deployer_result result;

/* ---- what comes in ----------------------------------------------------- */

static inline struct doc *policy_of(const char *members)
{
	char *text = mem_printf(
		"{\"title\":\"t\",\"why\":\"w\",\"uses\":[],%s}", members);
	struct doc *d = document("policy", json_of(text));

	free(text);
	return d;
}

/* Accepted, of this host and the object that is there, but for these members;
 * null: not there. */
static inline struct doc *verdict_of(const struct doc *policy,
				     const char *members)
{
	struct json *other = json_of(members);
	const struct signer_opts o = {.days = 1, .make_first = true};
	struct json *v = json_of("{\"decision\":\"accepted\",\"why\":\"so\","
				 "\"target\":\"host\",\"workload\":\"w\","
				 "\"stages\":[],\"metrics\":[]}");
	char hex[DIGEST_HEX_LEN];
	struct signer *s;
	struct utsname u;

	uname(&u);
	configuration_digest(hex);
	json_set_string(v, "kernel", u.release);
	json_set_string(v, "configuration", hex);
	digest_hex("bytes", 5, hex);
	json_set_string(v, "object_sha256", hex);
	json_set_string(v, "policy", policy->id);
	json_each (m, other) {
		json_remove(v, json_key(m));
		if (json_type(m) != JSON_NULL)
			json_set(v, json_key(m), json_copy(m));
	}
	json_free(other);
	s = signer_new(&o);
	if (!strcmp(json_text_at(v, "decision"), "accepted") &&
	    signer_sign(s, v, policy))
		fail_msg("%s", err_text());
	signer_free(s);
	return document("verdict", v);
}

static inline void put(FILE *f, struct doc *d)
{
	char *line = doc_line(d);

	fprintf(f, "%s\n", line);
	free(line);
	doc_free(d);
}

/* Takes both; verdict NULL: there is none. */
static inline int deploy(struct doc *policy, struct doc *verdict,
			 const struct deployer_opts *o)
{
	FILE *f = tmpfile();
	int rc;

	assert_non_null(f);
	put(f, policy);
	if (verdict)
		put(f, verdict);
	rewind(f);
	stream_free(stream);
	stream = stream_open(fileno(f), -1, "tests");
	err_clear();
	rc = deployer_deploy(stream, o, &result);
	fclose(f);
	return rc;
}

static inline struct deployer_opts opts(void)
{
	return (struct deployer_opts){
		.target = "host", .hold_s = 0.05, .out_fd = 1};
}

static inline int deploy_it(const struct deployer_opts *o)
{
	struct doc *p = policy_of(PARAMS);

	return deploy(p, verdict_of(p, "{}"), o);
}

/* ---- what is told ------------------------------------------------------ */

static inline const struct json *last(void)
{
	const struct doc *d = stream_last(stream, "deployment");

	if (!d)
		fail_msg("nothing is told; %s", err_text());
	return d ? d->body : NULL;
}

static inline void last_is(const char *state, const char *why)
{
	const struct json *b = last();

	if (strcmp(json_text_at(b, "state"), state) ||
	    !strstr(json_text_at(b, "why"), why))
		fail_msg("%s: %s (not %s: %s)", json_text_at(b, "state"),
			 json_text_at(b, "why"), state, why);
}

static inline size_t told(void)
{
	size_t n = 0;

	for (size_t i = 0; i < stream_count(stream); i++)
		n += !strcmp(stream_at(stream, i)->kind, "deployment");
	return n;
}

static inline bool logged(const char *line)
{
	char *log = place_read("log");
	bool is = strstr(log, line) != NULL;

	free(log);
	return is;
}

static inline void nobody_holds(void)
{
	struct json *left = holder_left(), *held = holder_read();

	assert_null(left);
	assert_null(held);
}

/* ---- before and after -------------------------------------------------- */

static inline void stop(void *arg)
{
	(void)arg;
	cancelled = 1;
}

static inline int set_up(void **state)
{
	char *object = path_lib("policy.bpf.o"), *list, *dirs;

	(void)state;
	place_add(object, "we", "bytes");
	free(object);
	list = place_path("bin/scx_list");
	if (symlink("/bin/ls", list))
		return -1;
	free(list);
	dirs = mem_printf("%s/bin:%s", getenv(PLACE), getenv("PATH"));
	setenv("PATH", dirs, 1);
	free(dirs);
	return 0;
}

static inline int tear_down(void **state)
{
	stream_free(stream);
	return place_leave(state);
}

#endif
