/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/doctor/self.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "agents/doctor/check.h"
#include "agents/doctor/self_parts.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/temp.h"
#include "doc/doc.h"

#define LIMIT_S 120.0

struct self {
	struct temp temp;
	struct self_bait bait;
	char *run; /* where they run: nothing else of the temporary folder is
		      in their reach */
	struct strs env;
	char *profile, *code; /* documents */
	struct json *list;
	size_t more, unknown, held;
};

/* ---- what they are given ---------------------------------------------- */

static char *document(const char *kind, const char *body)
{
	struct doc *d = doc_new(kind, "sched-doctor",
				json_parse(body, strlen(body)), NULL, 0);
	char *line = d ? doc_line(d) : NULL;
	char *text = mem_printf("%s\n", line ? line : "");

	free(line);
	doc_free(d);
	return text;
}

static void make_documents(struct self *s)
{
	s->profile = document(
		"profile",
		"{\"scope\":\"command\",\"goal\":\"makespan\","
		"\"source\":\"proc\",\"target\":\"host\",\"duration_us\":1,"
		"\"workload\":{\"name\":\"self\",\"command\":[\"true\"],"
		"\"metrics\":[]},\"system\":{\"cpus\":1,\"kernel\":\"6\"},"
		"\"groups\":[],\"overhead\":{\"drops\":0}}");
	s->code = document(
		"policy",
		"{\"form\":\"hooks\",\"title\":\"self\",\"why\":\"to look "
		"at the compiler\",\"uses\":[\"behaviour\"],\"code\":"
		"\"u64 hook_key(const struct hook_task *t)\\n{\\n"
		"\\treturn t->key + t->mean_burst;\\n}\\n\"}");
}

/* Nothing of the user's but the way to programs; and a key. */
static void make_env(struct self *s)
{
	static const char *const kept[] = {"PATH", "BPF_CLANG", "ASAN_OPTIONS",
					   "UBSAN_OPTIONS"};
	static const char *const folders[] = {
		"HOME",		  "XDG_STATE_HOME",  "XDG_CONFIG_HOME",
		"XDG_CACHE_HOME", "XDG_RUNTIME_DIR", "SCHEDKIT_RUN"};

	for (size_t i = 0; i < ARRAY_LEN(kept); i++)
		if (getenv(kept[i]))
			strs_printf(&s->env, "%s=%s", kept[i], getenv(kept[i]));
	for (size_t i = 0; i < ARRAY_LEN(folders); i++)
		strs_printf(&s->env, "%s=%s", folders[i], s->run);
	strs_printf(&s->env, "SCHEDKIT_HISTORY=%s/history", s->run);
	strs_add(&s->env, "SCHEDKIT_RUNTIME=off");
	strs_add(&s->env, "SCHED_LLM=openai:http://127.0.0.1:9/v1#m");
	strs_add(&s->env, "SCHED_LLM_KEY=" SELF_KEY);
	strs_add(&s->env, "LC_ALL=C.UTF-8");
}

static int open_self(struct self *s)
{
	char *parent = path_cache("doctor");
	int rc = temp_make(parent, "self.", &s->temp);

	free(parent);
	if (rc)
		return rc;
	s->run = mem_printf("%s/run", s->temp.dir);
	rc = path_make_dirs(s->run);
	make_documents(s);
	make_env(s);
	s->list = json_array();
	return rc ? rc : self_bait_put(&s->bait, s->temp.dir);
}

static void close_self(struct self *s)
{
	self_bait_remove(&s->bait);
	temp_remove(&s->temp);
	strs_release(&s->env);
	json_free(s->list);
	free(s->profile);
	free(s->code);
	free(s->run);
}

/* ---- one of them ------------------------------------------------------ */

static bool is_it(const struct self_row *r, const struct tracee_stop *at)
{
	if (r->at != at->at)
		return false;
	switch (r->who) {
	case SELF_FIRST:
		return at->first && at->executed;
	case SELF_FORKED:
		return !at->first && !at->executed;
	default:
		return !at->first && at->executed &&
		       !strncmp(at->program, r->called, strlen(r->called));
	}
}

/* 0; -ENODATA: it ended without being seen. */
static int await(const struct self *s, const struct self_row *r,
		 struct tracees *t, struct self_found *f)
{
	struct tracee_stop at;
	char *words;
	int rc;

	while ((rc = tracee_next(t, LIMIT_S, &at)) > 0)
		if (is_it(r, &at))
			return self_look(t, at.pid, &s->bait, f);
	if (rc)
		return rc;
	words = tracee_words(t);
	rc = err_set(ENODATA,
		     "it was over before there was anything to see%s%s",
		     *words ? ": " : "", words);
	free(words);
	return rc;
}

/* Whoever executes it has another user's rights, or capabilities. */
static bool gives_privilege(const char *path)
{
	struct stat st;

	return (!stat(path, &st) && st.st_mode & (S_ISUID | S_ISGID)) ||
	       getxattr(path, "security.capability", NULL, 0) > 0;
}

static void arguments(const struct self_row *r, const char *path,
		      struct strs *argv)
{
	strs_add(argv, path);
	for (const char *const *a = r->args; *a; a++) {
		const char *at = strchr(*a, '@');
		char *file = at ? path_lib(at + 1) : NULL;

		strs_printf(argv, "%.*s%s", at ? (int)(at - *a) : -1, *a,
			    file ? file : "");
		free(file);
	}
}

static char *path_of(const struct self_row *r)
{
	return r->libexec ? path_libexec(r->program) : path_bin(r->program);
}

static int measure(const struct self *s, const struct self_row *r,
		   struct self_found *f)
{
	char *path = path_of(r);
	struct tracee_spec spec = {
		.env = s->env.v,
		.cwd = s->run,
		.input = r->input == SELF_PROFILE ? s->profile
			 : r->input == SELF_CODE  ? s->code
						  : NULL,
		.ends = r->input != SELF_SILENT,
		.keep = s->bait.kept,
	};
	struct strs argv = {0};
	struct tracees *t = NULL;
	int rc = 0;

	*f = (struct self_found){.privileged_file = gives_privilege(path)};
	if (access(path, X_OK))
		rc = err_set(errno, "cannot run '%s': %s", path,
			     strerror(errno));
	arguments(r, path, &argv);
	spec.argv = argv.v;
	if (!rc)
		rc = tracee_start(&spec, &t);
	if (!rc)
		rc = await(s, r, t, f);
	tracee_end(t);
	strs_release(&argv);
	free(path);
	return rc;
}

/* ---- all of them ------------------------------------------------------ */

static struct json *words_of(unsigned bits)
{
	struct json *list = json_array();

	for (size_t i = 0; i < SELF_BITS; i++)
		if (bits & 1u << i)
			json_add(list, json_string(self_words[i]));
	return list;
}

static void set_text(struct json *to, const char *key, char *text)
{
	json_set_string(to, key, text);
	free(text);
}

static struct json *add(struct self *s, const struct self_row *r,
			const char *status, const char *text)
{
	struct json *v = json_add(s->list, json_object());

	json_set_string(v, "name", r->name);
	json_set_string(v, "status", status);
	json_set_string(v, "text", text);
	json_set(v, "may", words_of(r->may));
	set_text(v, "may_privilege", self_privilege(r->caps));
	return v;
}

/* What it may, in a line. */
static char *describe(const struct self_found *f)
{
	bool callers = f->caps && f->caps == self_own_caps();
	char *caps = self_privilege(callers ? SELF_CALLERS : f->caps);
	char *has = self_may(f->has), *text;

	text = mem_printf("privilege: %s; beside that: %s", caps, has);
	free(caps);
	free(has);
	return text;
}

static void tell(struct self *s, const struct self_row *r,
		 const struct self_found *f)
{
	struct strs more = {0};
	struct json *v;
	struct buf b;
	char *text;

	self_compare(r, f, &more);
	buf_init(&b, 65536);
	for (size_t i = 0; i < more.len; i++)
		buf_printf(&b, "%s%s", i ? "; " : "", more.v[i]);
	text = more.len ? buf_take(&b) : describe(f);
	v = add(s, r, more.len ? "more" : "as declared", text);
	s->more += more.len > 0;
	s->held += !more.len;
	free(text);
	buf_release(&b);
	json_set(v, "has", words_of(f->has));
	set_text(v, "has_privilege", self_privilege(f->caps));
	text = mem_printf("%016llx", (unsigned long long)f->bounding);
	set_text(v, "bounding", text);
	json_set_number(v, "filters", (double)f->filters);
	json_set_number(v, "descriptors", (double)f->descriptors);
	strs_release(&more);
}

/* The package lets only members of a group start what loads policies. */
static bool is_for_others(const struct self_row *r)
{
	char *path = path_of(r);
	bool others = access(path, X_OK) < 0 && errno == EACCES;

	free(path);
	return others;
}

static void look_at(struct self *s, const struct self_row *r, bool compiler)
{
	struct self_found f;

	if (r->compiles && !compiler) {
		add(s, r, "skipped", "there is no compiler for BPF here");
		return;
	}
	if (is_for_others(r)) {
		add(s, r, "skipped", "it is not for you to start");
		return;
	}
	if (!measure(s, r, &f)) {
		tell(s, r, &f);
		return;
	}
	add(s, r, "unknown", err_text());
	s->unknown++;
}

static char *answer(const struct self *s)
{
	if (s->more)
		return mem_printf("not as declared: %zu may do more than they "
				  "should",
				  s->more);
	if (s->unknown)
		return mem_printf("as declared, as far as it was seen: %zu "
				  "could not be looked at",
				  s->unknown);
	return mem_printf("as declared: %zu processes may do what they should "
			  "and no more",
			  s->held);
}

int doctor_self(struct json **out)
{
	bool compiler = doctor_has_clang();
	struct self s = {.temp = TEMP_NONE,
			 .bait = {.kept = -1, .inet = -1, .local = -1}};
	int rc = open_self(&s);

	if (!rc) {
		for (const struct self_row *r = self_rows; r->name; r++)
			look_at(&s, r, compiler);
		*out = json_object();
		set_text(*out, "text", answer(&s));
		json_set_bool(*out, "as_declared", !s.more);
		json_set_bool(*out, "measured", !s.unknown);
		json_set(*out, "processes", s.list);
		s.list = NULL;
	}
	close_self(&s);
	return rc;
}
