/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A host with sched_ext, as far as files and processes can tell: the test moves
 * into a folder of its own, where its own program stands for those that have
 * privilege, and sees a /sys/kernel/sched_ext that it writes itself.
 *
 * A stand-in takes its request and does what the file of its name says, a line
 * each; says("load-policy", "…") writes it, "load-policy.ask" is for who only
 * asks whether policies are taken:
 *
 *   say TEXT       a line to its asker
 *   on B TEXT      later: a line whenever the byte B comes, of a struct
 *                  knob_tune "t"
 *   hear MS        answers for that long, or until its asker is done
 *   until          the same for ever
 *   await B        the same until the byte B has come
 *   is FILE WORD   in /sys/kernel/sched_ext
 *   next           who comes next does what the file NAME.next says
 *
 * What it is handed stands in the file "log".
 */
#ifndef SCHEDKIT_TESTS_PLACE_FIX_H
#define SCHEDKIT_TESTS_PLACE_FIX_H

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/temp.h"
#include "bpf/intent_abi.h"
#include "bpf/learned_abi.h"
#include "doc/doc.h"
#include "knob/request.h"
#include "knob/tune.h"
#include "scx/load_request.h"
#include "target/external_serve.h"

#define PLACE	  "TEST_PLACE"
#define PLACE_SYS "/sys/kernel/sched_ext"

static inline char *place_path(const char *name)
{
	return mem_printf("%s/%s", getenv(PLACE), name);
}

static inline void place_add(const char *path, const char *mode,
			     const char *text)
{
	FILE *f = fopen(path, mode);

	if (!f || fputs(text, f) < 0 || fclose(f))
		abort();
}

static inline void says(const char *name, const char *script)
{
	char *path = place_path(name);

	place_add(path, "we", script);
	free(path);
}

/* The whole file; "": there is none.  The caller's. */
static inline char *place_read(const char *name)
{
	char *path = place_path(name);
	struct buf b;

	buf_init(&b, 1 << 22);
	if (buf_read_file(&b, path) || !b.len)
		buf_puts(&b, "");
	free(path);
	return buf_take(&b);
}

static inline void sysfs_is(const char *file, const char *word)
{
	char *path = mem_printf(PLACE_SYS "/%s", file);

	place_add(path, "we", word);
	free(path);
}

static inline void place_forget(const char *name)
{
	char *path = place_path(name);

	unlink(path);
	free(path);
}

/* ---- the stand-ins ----------------------------------------------------- */

#define ANSWERS 16

struct standin {
	const char *name;
	char file[64];
	char on[ANSWERS];
	char *with[ANSWERS];
	size_t n;
	char last; /* byte that came */
};

static inline void standin_log(const char *fmt, ...)
{
	char line[256], *path = place_path("log");
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	place_add(path, "ae", line);
	free(path);
}

static inline bool standin_take(void *to, size_t size)
{
	for (size_t got = 0; got < size;) {
		ssize_t n = read(0, (char *)to + got, size - got);

		if (n <= 0)
			return false;
		got += (size_t)n;
	}
	return true;
}

static inline void standin_say(const char *text)
{
	dprintf(1, "%s\n", text);
}

/* What follows a byte of the holder's. */
static inline bool standin_more(char byte)
{
	static struct intent_rules rules;
	static struct forecast model;
	static struct feature_context context;
	bool got = true;

	if (byte == LOAD_INTENTS) {
		got = standin_take(&rules.size, sizeof(rules.size)) &&
		      rules.size <= sizeof(rules) &&
		      standin_take(&rules.marks, rules.size - 4);
		standin_log("rules %u\n", rules.table.count);
	} else if (byte == LOAD_MODEL) {
		got = standin_take(&model, sizeof(model));
		standin_log("model\n");
	} else if (byte == LOAD_CONTEXT) {
		got = standin_take(&context, sizeof(context));
	} else if (byte == LOAD_UNMODEL) {
		standin_log("unmodel\n");
	}
	return got;
}

/* false: its asker is done. */
static inline bool standin_hear(struct standin *s)
{
	struct knob_tune tune;
	char byte = 't';

	if (!strcmp(s->name, "set-knobs")) {
		if (!standin_take(&tune, sizeof(tune)))
			return false;
		standin_log("tune set=%u weight=%ld\n", tune.set,
			    (long)tune.cpu_weight);
	} else if (!standin_take(&byte, 1) || !standin_more(byte)) {
		return false;
	}
	s->last = byte;
	for (size_t i = 0; i < s->n; i++)
		if (s->on[i] == byte)
			standin_say(s->with[i]);
	return true;
}

static inline void standin_serve(struct standin *s, int ms)
{
	struct timespec a, b;
	int left = ms;

	clock_gettime(CLOCK_MONOTONIC, &a);
	do {
		struct pollfd p = {0, POLLIN, 0};

		if (poll(&p, 1, left) > 0 && !standin_hear(s))
			return;
		clock_gettime(CLOCK_MONOTONIC, &b);
		if (ms >= 0)
			left = ms - (int)((b.tv_sec - a.tv_sec) * 1000 +
					  (b.tv_nsec - a.tv_nsec) / 1000000);
	} while (ms < 0 || left > 0);
}

static inline void standin_next(const struct standin *s)
{
	char *to = place_path(s->file), *from = mem_printf("%s.next", to);

	rename(from, to);
	free(from);
	free(to);
}

static inline void standin_do(struct standin *s, char *line)
{
	char *rest = strchrnul(line, ' ');

	if (*rest)
		*rest++ = '\0';
	if (!strcmp(line, "say"))
		standin_say(rest);
	else if (!strcmp(line, "on") && s->n < ANSWERS) {
		s->on[s->n] = *rest;
		s->with[s->n++] = rest + 2;
	} else if (!strcmp(line, "hear"))
		standin_serve(s, atoi(rest));
	else if (!strcmp(line, "until"))
		standin_serve(s, -1);
	else if (!strcmp(line, "await")) {
		while (s->last != *rest && standin_hear(s))
			;
	} else if (!strcmp(line, "next"))
		standin_next(s);
	else if (!strcmp(line, "is")) {
		char *word = strchrnul(rest, ' ');

		if (*word)
			*word++ = '\0';
		sysfs_is(rest, word);
	}
}

static inline bool standin_request(struct standin *s)
{
	static struct load_request load;
	static struct knob_request knobs;
	static struct external_request external;
	char *object;

	snprintf(s->file, sizeof(s->file), "%s", s->name);
	if (!strcmp(s->name, "set-knobs")) {
		bool got = standin_take(&knobs, sizeof(knobs));

		standin_log("knobs verb=%d policy=%.8s\n", knobs.verb,
			    knobs.policy);
		return got;
	}
	if (!strcmp(s->name, "hold-external")) {
		bool got = standin_take(&external, sizeof(external));

		standin_log("external verb=%u %s\n", external.verb,
			    external.what.program);
		return got;
	}
	if (!standin_take(&load, sizeof(load)))
		return false;
	if (load.verb == LOAD_ASK) {
		snprintf(s->file, sizeof(s->file), "%s.ask", s->name);
		return true;
	}
	object = mem_zalloc(1, load.object_len + 1);
	if (!standin_take(object, load.object_len))
		return false;
	standin_log("load verb=%u partial=%u intents=%u object=%s\n", load.verb,
		    load.partial, load.intents, object);
	free(object);
	return true;
}

static inline _Noreturn void standin_run(const char *name)
{
	struct standin s = {.name = name};
	char *script, *save = NULL;

	/* Nobody ends it where a test failed. */
	alarm(60);
	if (!standin_request(&s))
		_exit(1);
	script = place_read(s.file);
	if (!*script && strstr(s.file, ".ask"))
		standin_say("able");
	for (char *line = strtok_r(script, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		standin_do(&s, line);
	_exit(0);
}

/* ---- the place --------------------------------------------------------- */

static const char *const standins[] = {"load-policy", "set-knobs",
				       "hold-external"};

static inline void place_copy(const char *from, const char *to)
{
	char chunk[1 << 16];
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	ssize_t n = -1;

	while (in >= 0 && out >= 0 && (n = read(in, chunk, sizeof(chunk))) > 0)
		if (write(out, chunk, (size_t)n) != n)
			abort();
	if (n < 0 || close(out))
		abort();
	close(in);
}

static inline void place_make(void)
{
	static const char *const dirs[] = {"tests", "libexec/schedkit",
					   "lib/schedkit", "bin", "run"};
	char dir[] = "/tmp/schedkit-place-XXXXXX", *self, *path;

	if (!mkdtemp(dir))
		abort();
	setenv(PLACE, dir, 1);
	for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
		path = place_path(dirs[i]);
		if (path_make_dirs(path))
			abort();
		free(path);
	}
	self = place_path("tests/test");
	place_copy("/proc/self/exe", self);
	for (size_t i = 0; i < ARRAY_LEN(standins); i++) {
		path = mem_printf("%s/libexec/schedkit/%s", dir, standins[i]);
		if (link(self, path))
			abort();
		free(path);
	}
	execv(self, (char *const[]){self, NULL});
	abort();
}

/* What the kernel's types are is as it was. */
static inline void place_mount_types(int types)
{
	char *from = mem_printf("/proc/self/fd/%d", types);

	if (types >= 0 && !mkdir("/sys/kernel/btf", 0755) &&
	    mount(from, "/sys/kernel/btf", NULL, MS_BIND, NULL))
		perror("/sys/kernel/btf");
	free(from);
}

/* False: it takes more than we may. */
static inline bool place_mount(void)
{
	bool there;
	int types;

	if (geteuid() || unshare(CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return false;
	types = open("/sys/kernel/btf", O_PATH | O_CLOEXEC);
	there = !mount("tmpfs", "/sys/kernel", "tmpfs", 0, NULL) &&
		!mkdir(PLACE_SYS, 0755) && !mkdir(PLACE_SYS "/root", 0755);
	if (there) {
		place_mount_types(types);
		sysfs_is("state", "disabled\n");
	}
	if (types >= 0)
		close(types);
	return there;
}

static inline void place_settle(void)
{
	static const char *const vars[][2] = {
		{"SCHEDKIT_RUN", "run"},       {"XDG_CONFIG_HOME", "config"},
		{"XDG_STATE_HOME", "state"},   {"XDG_CACHE_HOME", "cache"},
		{"SCHEDKIT_HISTORY", "story"},
	};

	for (size_t i = 0; i < ARRAY_LEN(vars); i++) {
		char *path = place_path(vars[i][1]);

		setenv(vars[i][0], path, 1);
		free(path);
	}
	setenv("SCHEDKIT_RUNTIME", "off", 1);
	/* As whom the records of holders believe. */
	prctl(PR_SET_NAME, "sched-deploy");
}

/* First of all; false: the tests cannot be run here. */
static inline bool place_enter(char **argv)
{
	for (size_t i = 0; i < ARRAY_LEN(standins); i++)
		if (!strcmp(argv[0], standins[i]))
			standin_run(argv[0]);
	if (!getenv(PLACE))
		place_make();
	place_settle();
	return place_mount();
}

static inline int place_leave(void **state)
{
	(void)state;
	temp_clear(getenv(PLACE));
	rmdir(getenv(PLACE));
	return 0;
}

static inline void place_is_needed(void **state)
{
	(void)state;
	print_message("mounts of its own are not for us\n");
	skip();
}

/* The tests, or why not. */
#define place_run(tests, argv, up, down)                                      \
	(place_enter(argv) ? cmocka_run_group_tests(tests, up, down)          \
			   : cmocka_run_group_tests_name("tests", place_shut, \
							 NULL, place_leave))

static const struct CMUnitTest place_shut[] = {
	cmocka_unit_test(place_is_needed),
};

/* ---- documents --------------------------------------------------------- */

static inline struct json *json_of(const char *text)
{
	struct json *v = json_parse(text, strlen(text));

	if (!v)
		fail_msg("no JSON: %s", text);
	return v;
}

static inline struct doc *document(const char *kind, struct json *body)
{
	struct doc *d = doc_new(kind, "tests", body, NULL, 0);

	if (!d)
		fail_msg("%s", err_text());
	return d;
}

#endif
