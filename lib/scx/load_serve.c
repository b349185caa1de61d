/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/answer.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "bpf/forecast_abi.h"
#include "bpf/intent_abi.h"
#include "bpf/learned_abi.h"
#include "scx/attach.h"
#include "scx/load_request.h"
#include "scx/sysfs.h"

#define LOOK_MS 100
#define BEAT_MS 250
#define OBJECT	"policy.bpf.o" /* whatever file it was read from */

struct service {
	int fd;
	const volatile sig_atomic_t *cancel;
	int (*settled)(void);
	struct load_request *r;
	char *object;
	struct ext_policy *ext;
	double heard, beaten; /* when */
	bool root;	      /* that is who asks */
};

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
			answer_trouble(s->fd, "unheeded", rc);
		else
			answer_say(s->fd, "intents %u", generation);
	}
	s->heard = clock_monotonic();
	free(r);
	return is;
}

/*
 * As take_intents(), and nobody signs this either.  NULL: to follow none, which
 * is for anybody who may have the policy taken off.
 */
static bool take_model(struct service *s, struct forecast *m)
{
	uint32_t generation;
	int rc = 0;

	if (m && answer_request(s->fd, m, sizeof(*m)))
		return false;
	if (m && !s->root)
		rc = err_set(EACCES, "a model is taken from root alone");
	if (!rc)
		rc = ext_model(s->ext, m, &generation);
	if (rc)
		answer_trouble(s->fd, "unlearned", rc);
	else
		answer_say(s->fd, "model %u", generation);
	s->heard = clock_monotonic();
	return true;
}

static bool take_context(struct service *s)
{
	struct feature_context c;
	bool is = !answer_request(s->fd, &c, sizeof(c));

	/* Who follows no model has no use for it. */
	if (is && ext_context(s->ext, &c))
		err_clear();
	return is;
}

/* What the asker wrote; false: it has closed its side. */
static bool listen_to(struct service *s)
{
	struct sysfs_events events;
	struct forecast model;
	char byte;
	ssize_t n = read(s->fd, &byte, sizeof(byte));

	if (n < 0)
		return errno == EINTR || errno == EAGAIN;
	s->heard = clock_monotonic();
	if (n <= 0)
		return false;
	if (byte == LOAD_INTENTS)
		return take_intents(s);
	if (byte == LOAD_MODEL)
		return take_model(s, &model);
	if (byte == LOAD_UNMODEL)
		return take_model(s, NULL);
	if (byte == LOAD_CONTEXT)
		return take_context(s);
	if (byte == LOAD_REPORT) {
		ext_events(s->ext, &events);
		ext_tell_counts(s->ext, &events, s->fd);
		ext_tell_effort(s->ext, s->fd);
		answer_say(s->fd, "told");
	}
	return true;
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
		answer_say(s->fd, "silent");
		return false;
	}
	if (now - s->beaten >= BEAT_MS / 1e3) {
		ext_beat(s->ext);
		s->beaten = now;
		ext_tell_effort(s->ext, s->fd);
	}
	return !*s->cancel && ext_alive(s->ext);
}

static void detach(struct service *s)
{
	struct sysfs_events events;
	int rc;

	ext_events(s->ext, &events);
	rc = ext_detach(s->ext);
	ext_tell_counts(s->ext, &events, s->fd);
	ext_tell_end(s->ext, s->fd);
	if (rc)
		answer_trouble(s->fd, "fault", rc);
	else
		answer_say(s->fd, "done");
}

static int attach(struct service *s)
{
	int rc = ext_attach(s->ext);

	/* The kernel may have dropped it before it was enabled. */
	if (rc)
		ext_tell_end(s->ext, s->fd);
	if (!rc && s->r->verb == LOAD_PIN)
		rc = ext_pin(s->ext, LOAD_PINS);
	if (!rc)
		rc = s->settled();
	if (rc)
		return rc;
	/* First, so that the asker knows what it needs. */
	ext_tell_effort(s->ext, s->fd);
	answer_say(s->fd, "attached %s", ext_name(s->ext));
	if (s->r->verb == LOAD_PIN) {
		answer_say(s->fd, "pinned");
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
		.intents = s->r->intents && s->root,
		.beat_limit_ms = s->r->verb == LOAD_HOLD ? LOAD_LIMIT_MS : 0,
	};
	int rc = ext_load_image(OBJECT, s->object, s->r->object_len, &setup,
				&s->ext, NULL);

	if (!rc && s->r->verb == LOAD_TRY)
		answer_say(s->fd, "loaded %s", ext_name(s->ext));
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
		answer_say(s->fd, "able");
	else if (!rc)
		rc = load(s);
	return rc;
}

int load_serve(int fd, const volatile sig_atomic_t *cancel,
	       int (*settled)(void))
{
	struct service s = {.fd = fd,
			    .cancel = cancel,
			    .settled = settled,
			    .root = !getuid()};
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
		answer_say(fd, "no %s %s", err_name(-rc), why);
	free(why);
	free(s.object);
	free(s.r);
	return rc;
}
