/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/answer.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/io.h"
#include "base/mem.h"
#include "bpf/intent_abi.h"
#include "scx/attach.h"
#include "scx/load_request.h"
#include "scx/sysfs.h"

#define LOOK_MS	 100
#define BEAT_MS	 250
#define LINE_LEN 4096
#define OBJECT	 "policy.bpf.o" /* whatever file it was read from */

struct service {
	int fd;
	const volatile sig_atomic_t *cancel;
	int (*settled)(void);
	struct load_request *r;
	char *object;
	struct ext_policy *ext;
	double heard, beaten; /* when */
};

/* ---- answers ---------------------------------------------------------- */

/* The asker may be gone: that is no reason to leave anything attached. */
static void __attribute__((format(printf, 2, 3)))
say(const struct service *s, const char *fmt, ...)
{
	char line[LINE_LEN];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line) - 1, fmt, ap);
	va_end(ap);
	if (n >= (int)sizeof(line) - 1)
		n = (int)sizeof(line) - 2;
	for (int i = 0; i < n; i++)
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
			line[i] = ' ';
	line[n] = '\n';
	io_write(s->fd, line, (size_t)n + 1);
}

static void say_rc(const struct service *s, const char *word, int rc)
{
	say(s, "%s %s %s", word, err_name(-rc), err_text());
}

static void say_figures(const struct service *s, const struct sysfs_events *e)
{
	uint64_t n;

	for (unsigned i = 0; i < COUNT_MAX; i++)
		if (ext_count(s->ext, (enum policy_counter)i, &n))
			say(s, "count %u %llu", i, (unsigned long long)n);
	for (size_t i = 0; i < e->count; i++)
		say(s, "event %s %lld", e->v[i].name, e->v[i].n);
}

static void say_time(const struct service *s)
{
	say(s, "time %.0f", ext_time_ns(s->ext));
}

static void say_end(const struct service *s)
{
	struct policy_exit *end = mem_zalloc(1, sizeof(*end));
	char *save = NULL, *line;

	ext_ended(s->ext, end);
	end->reason[sizeof(end->reason) - 1] = '\0';
	end->message[sizeof(end->message) - 1] = '\0';
	end->dump[sizeof(end->dump) - 1] = '\0';
	if (end->kind) {
		say(s, "ended %d %lld", end->kind, (long long)end->code);
		say(s, "reason %s", end->reason);
		say(s, "message %s", end->message);
		line = strtok_r(end->dump, "\n", &save);
		for (; line; line = strtok_r(NULL, "\n", &save))
			say(s, "dump %s", line);
	}
	free(end);
}

/* ---- holding it ------------------------------------------------------- */

/* false: what follows cannot be made out. */
static bool take_intents(struct service *s)
{
	struct intent_rules *r = mem_zalloc(1, sizeof(*r));
	uint32_t generation;
	int rc = answer_request(s->fd, &r->size, sizeof(r->size));
	bool is = !rc && r->size > sizeof(r->size) && r->size <= sizeof(*r) &&
		  !answer_request(s->fd, &r->marks, r->size - sizeof(r->size));

	if (is) {
		rc = ext_intents(s->ext, r, r->size, &generation);
		if (rc)
			say_rc(s, "unheeded", rc);
		else
			say(s, "intents %u", generation);
	}
	s->heard = clock_monotonic();
	free(r);
	return is;
}

/* What the asker wrote; false: it has closed its side. */
static bool listen_to(struct service *s)
{
	struct sysfs_events events;
	char byte;
	ssize_t n = read(s->fd, &byte, sizeof(byte));

	if (n < 0)
		return errno == EINTR || errno == EAGAIN;
	s->heard = clock_monotonic();
	if (n > 0 && byte == LOAD_INTENTS)
		return take_intents(s);
	if (n > 0 && byte == LOAD_REPORT) {
		ext_events(s->ext, &events);
		say_figures(s, &events);
		say(s, "told");
	}
	return n > 0;
}

/*
 * A beat is passed on only while there are new ones: whoever of the two stops,
 * the policy is without one.
 */
static bool wait_some(struct service *s)
{
	struct pollfd p = {s->fd, POLLIN, 0};
	double now;

	if (poll(&p, 1, LOOK_MS) > 0 && !listen_to(s))
		return false;
	now = clock_monotonic();
	if (now - s->heard > LOAD_LIMIT_MS / 1e3) {
		say(s, "silent");
		return false;
	}
	if (now - s->beaten >= BEAT_MS / 1e3) {
		ext_beat(s->ext);
		s->beaten = now;
		say_time(s);
	}
	return !*s->cancel && ext_alive(s->ext);
}

static void detach(struct service *s)
{
	struct sysfs_events events;
	int rc;

	ext_events(s->ext, &events);
	rc = ext_detach(s->ext);
	say_figures(s, &events);
	say_end(s);
	if (rc)
		say_rc(s, "fault", rc);
	else
		say(s, "done");
}

static int attach(struct service *s)
{
	int rc = ext_attach(s->ext);

	/* The kernel may have dropped it before it was enabled. */
	if (rc)
		say_end(s);
	if (!rc && s->r->verb == LOAD_PIN)
		rc = ext_pin(s->ext, LOAD_PINS);
	if (!rc)
		rc = s->settled();
	if (rc)
		return rc;
	say(s, "attached %s", ext_name(s->ext));
	if (s->r->verb == LOAD_PIN) {
		say(s, "pinned");
		return 0;
	}
	s->heard = clock_monotonic();
	while (wait_some(s))
		;
	detach(s);
	return 0;
}

static int load(struct service *s)
{
	struct ext_setup setup = {
		.image = &s->r->image,
		.partial = s->r->partial,
		/* Nobody signs rules. */
		.intents = s->r->intents && !getuid(),
		.beat_limit_ms = s->r->verb == LOAD_HOLD ? LOAD_LIMIT_MS : 0,
	};
	int rc = ext_load_image(OBJECT, s->object, s->r->object_len, &setup,
				&s->ext, NULL);

	if (!rc && s->r->verb == LOAD_TRY)
		say(s, "loaded %s", ext_name(s->ext));
	else if (!rc)
		rc = attach(s);
	return rc;
}

/* ---- the request ------------------------------------------------------ */

static int judge(const struct service *s)
{
	struct load_host host;
	struct trust *t;
	int rc = trust_open(&t);

	if (rc)
		return rc;
	load_host_read(&host);
	/* The machine's own time, whatever the environment would have it be. */
	rc = load_request_judge(s->r, s->object, t, &host, time(NULL));
	trust_free(t);
	return rc;
}

static int carry_out(struct service *s)
{
	int rc = answer_request(s->fd, s->r, sizeof(*s->r));

	if (!rc)
		rc = load_request_check(s->r);
	if (!rc && s->r->object_len) {
		s->object = mem_zalloc(1, s->r->object_len);
		rc = answer_request(s->fd, s->object, s->r->object_len);
	}
	if (!rc && s->r->verb != LOAD_ASK)
		rc = judge(s);
	if (!rc)
		rc = ext_check();
	if (!rc && s->r->verb == LOAD_ASK)
		say(s, "able");
	else if (!rc)
		rc = load(s);
	return rc;
}

int load_serve(int fd, const volatile sig_atomic_t *cancel,
	       int (*settled)(void))
{
	struct service s = {.fd = fd, .cancel = cancel, .settled = settled};
	char *why;
	int rc;

	s.r = mem_zalloc(1, sizeof(*s.r));
	rc = carry_out(&s);
	why = mem_strdup(err_text());
	/* Before it is said: who reads it may load another.  What is pinned
	 * is left to the end of the process, which takes nothing off. */
	if (rc || s.r->verb != LOAD_PIN)
		ext_free(s.ext);
	if (rc)
		say(&s, "no %s %s", err_name(-rc), why);
	free(why);
	free(s.object);
	free(s.r);
	return rc;
}
