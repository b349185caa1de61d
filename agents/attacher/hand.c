/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the process that holds a policy is handed while it does. */
#include "agents/attacher/parts.h"

#include <errno.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#include "base/err.h"
#include "base/mem.h"

/* So much that it did not read, and there is room for the largest rules: one
 * that is stopped, or does not get to run, must not stop who waits for it. */
#define UNREAD_MAX (64 << 10)

/* The byte that says what follows, and that; NULL: nothing does. */
static int send_after(const struct attacher *a, char byte, const void *data,
		      size_t len)
{
	int rc = answers_send(&a->answers, &byte, 1);

	return rc || !data ? rc : answers_send(&a->answers, data, len);
}

static int send_rules(struct attacher *a)
{
	a->declared++;
	return send_after(a, LOAD_INTENTS, a->rules, a->rules->size);
}

static int send_model(struct attacher *a, const struct forecast *m)
{
	a->modelled++;
	return send_after(a, m ? LOAD_MODEL : LOAD_UNMODEL, m, sizeof(*m));
}

void attacher_hand_again(struct attacher *a)
{
	if (a->rules)
		send_rules(a);
	if (a->model || a->dropped)
		send_model(a, a->model);
}

/* Until *answers is n; with the lock held.  -EAGAIN: it is not there, or busy.
 */
static int await(struct attacher *a, const unsigned long *answers,
		 unsigned long n)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += (time_t)TELL_S;
	while (*answers < n)
		if (a->child.fd < 0 ||
		    pthread_cond_clockwait(&a->news, &a->lock, CLOCK_MONOTONIC,
					   &until))
			return -EAGAIN;
	return 0;
}

static bool is_there(const struct attacher *a)
{
	return a->child.fd >= 0 && a->attached;
}

static bool may_send(const struct attacher *a)
{
	int unread = 0;

	return is_there(a) && (ioctl(a->child.fd, SIOCOUTQ, &unread) < 0 ||
			       unread < UNREAD_MAX);
}

int attacher_declare(struct attacher *a, const struct intent_rules *r,
		     uint32_t *generation)
{
	int rc = 0;

	pthread_mutex_lock(&a->lock);
	if (!a->rules)
		a->rules = mem_zalloc(1, sizeof(*a->rules));
	memset(a->rules, 0, sizeof(*a->rules));
	memcpy(a->rules, r, r->size);
	if (!may_send(a) || send_rules(a))
		rc = -EAGAIN;
	if (!rc)
		rc = await(a, &a->heeded, a->declared);
	*generation = a->generation;
	if (!rc && !a->generation)
		rc = err_set(EINVAL, "the policy takes no rules");
	pthread_mutex_unlock(&a->lock);
	return rc;
}

/* What is to be handed to the next one, too. */
static void keep_model(struct attacher *a, const struct forecast *m)
{
	free(a->model);
	a->model = NULL;
	a->dropped = !m;
	if (!m)
		return;
	a->model = mem_zalloc(1, sizeof(*m));
	*a->model = *m;
}

int attacher_model(struct attacher *a, const struct forecast *m,
		   uint32_t *generation)
{
	int rc;

	pthread_mutex_lock(&a->lock);
	rc = !may_send(a) || send_model(a, m)
		     ? -EAGAIN
		     : await(a, &a->answered, a->modelled);
	if (!rc && a->unlearned)
		rc = err_set(EINVAL, "%s", a->unlearned);
	if (!rc)
		keep_model(a, m);
	*generation = a->model_generation;
	pthread_mutex_unlock(&a->lock);
	return rc;
}

void attacher_context(struct attacher *a, const struct feature_context *c)
{
	pthread_mutex_lock(&a->lock);
	if (may_send(a))
		send_after(a, LOAD_CONTEXT, c, sizeof(*c));
	pthread_mutex_unlock(&a->lock);
}

/* What it said of the model before, it did not say of this one. */
bool attacher_learned(struct attacher *a, struct learned_report *out)
{
	bool is;

	pthread_mutex_lock(&a->lock);
	is = is_there(a) && a->learns && a->answered == a->modelled &&
	     (!(a->model || a->dropped) ||
	      a->learned.generation == a->model_generation);
	*out = a->learned;
	pthread_mutex_unlock(&a->lock);
	return is;
}

void attacher_note(struct attacher *a, struct json *body)
{
	pthread_mutex_lock(&a->lock);
	if (!a->notes)
		a->notes = json_array();
	json_add(a->notes, body);
	pthread_mutex_unlock(&a->lock);
}

struct json *attacher_notes(struct attacher *a)
{
	struct json *v;

	if (!a->request)
		return NULL;
	pthread_mutex_lock(&a->lock);
	v = a->notes;
	a->notes = NULL;
	pthread_mutex_unlock(&a->lock);
	return v;
}
