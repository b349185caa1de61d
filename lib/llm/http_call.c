/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One call over HTTP, with all its attempts, as a machine that moves on when
 * its transfer is done or its pause is over, and never waits itself.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "base/err.h"
#include "base/mem.h"
#include "llm/http.h"
#include "llm/told.h"
#include "llm/url.h"

/* How late one that waits for another notices. */
#define TICK 0.05

/* ---- what comes in ---------------------------------------------------- */

static int on_data(void *arg, const struct transfer *t, const char *s, size_t n)
{
	struct exchange *x = arg;
	const char *coding = header_get(&t->headers, "Content-Encoding");
	int rc;

	/* Not asked for: a few bytes could become any number. */
	if (coding && *coding && strcasecmp(coding, "identity"))
		return err_set(EBADMSG,
			       "the answer is compressed (%.20s), "
			       "which was not asked for",
			       coding);
	rc = reader_feed(&x->reader, header_get(&t->headers, "Content-Type"), s,
			 n);
	if (x->a.out->first_token_s < 0 &&
	    (gather_bytes(&x->reader.g) || x->reader.form == READER_JSON))
		x->a.out->first_token_s = clock_monotonic() - x->started;
	return rc;
}

/* ---- ending ----------------------------------------------------------- */

/* Whatever is under way is not any more. */
void http_drop(struct exchange *x)
{
	transfer_free(x->t);
	x->t = NULL;
	free(x->text);
	x->text = NULL;
	if (x->reading)
		reader_release(&x->reader);
	x->reading = false;
	if (x->p->asking == x)
		x->p->asking = NULL;
}

/* rc has its message in the error slot. */
void http_over(struct exchange *x, int rc)
{
	char *words = mem_strdup(err_text());

	http_drop(x);
	x->state = HTTP_OVER;
	x->rc = rc;
	x->a.out->seconds = clock_monotonic() - x->retry.started;
	if (rc) {
		err_set(0, "%s", words);
		err_prefix(rc, "%s", x->p->base.name);
	}
	free(words);
}

/* What was used by attempts of which nothing came leaves less for others. */
static bool affords(const struct exchange *x)
{
	return !x->a.another || x->a.another(x->a.arg);
}

/* After a failed attempt: once more, later, or never. */
static void failed(struct exchange *x, const struct failure *f)
{
	struct llm_answer *out = x->a.out;
	double wait;
	int rc;

	out->again = f->again;
	out->after_s = f->after_s > 0 ? f->after_s : 0;
	rc = retry_next(&x->retry, f, &wait);
	if (!rc && !affords(x))
		rc = err_set(-f->error,
			     "%s (attempt %ld; the budget leaves no room for "
			     "another)",
			     f->text, x->retry.attempts);
	if (rc) {
		http_over(x, rc);
		return;
	}
	http_drop(x);
	x->state = HTTP_PAUSE;
	x->wake = clock_monotonic() + wait;
}

/* An endpoint that does not tell what it used, or broke off before it did, has
 * used something all the same. */
static void add_usage(struct exchange *x)
{
	const struct gather *g = &x->reader.g;
	struct llm_usage u = g->usage, *sum = &x->a.out->usage;
	long least = x->halted ? gather_tokens(g) : tokens_guess(x->said);
	bool told = u.in || u.out;

	if (x->said || g->complete) {
		if (!told)
			u.in = tokens_guess(strlen(x->text));
		if (!told || (!g->complete && u.out < least)) {
			u.out = least;
			x->a.out->estimated = true;
		}
	}
	sum->in += u.in;
	sum->cached += u.cached;
	sum->out += u.out;
}

/* ---- the answer ------------------------------------------------------- */

/* The limit is one of the whole answer, and a turn that repeats its end was
 * given more. */
static bool cut_to_limit(struct gather *g)
{
	if (!g->limited || g->text.len <= g->at_most)
		return false;
	g->text.len = g->at_most;
	g->text.data[g->at_most] = '\0';
	return true;
}

/* What was said before stands before what came. */
static int join(struct exchange *x, struct failure *f)
{
	struct gather *g = &x->reader.g;
	int rc;

	if (x->means == LLM_RESUME_NONE)
		return 0;
	if (cut_to_limit(g))
		g->finish = LLM_LENGTH;
	rc = resume_join(x->a.from, x->means, false, &g->text);
	if (rc == -EBADMSG) {
		/* What it cannot do now it could not do another time. */
		x->a.from->restarts++;
		x->means = LLM_RESUME_NONE;
		return 1;
	}
	if (rc)
		failure_set(f, rc, false);
	return rc;
}

/* The answer is in: 0, 1 (once more, from its beginning), or why it is none. */
static int read_answer(struct exchange *x, struct failure *f)
{
	const struct transfer *t = x->t;
	struct gather *g = &x->reader.g;
	int rc = t->error || g->complete ? 0 : reader_end(&x->reader);

	x->said = gather_bytes(g);
	if (g->error.set) {
		failure_of_error(&g->error, &t->headers, f);
		return f->error;
	}
	if (t->error && !g->complete) {
		failure_of_transfer(t, f);
		return f->error;
	}
	if (!rc && !g->complete) {
		rc = err_set(EBADMSG, "the answer %s",
			     x->reader.form == READER_UNKNOWN
				     ? "is empty"
				     : "broke off before its end");
		failure_set(f, rc, true);
		return rc;
	}
	if (!rc)
		rc = join(x, f);
	else
		failure_set(f, rc, false);
	if (rc)
		return rc;
	rc = gather_finish(g, x->a.r, x->a.out);
	if (rc)
		failure_set(f, rc, false);
	return rc;
}

static void ask_done(struct exchange *x)
{
	struct failure f;
	int rc;

	told_read(&x->t->headers, &x->a.out->told);
	x->said = 0;
	if (http_is_refusal(x->t)) {
		rc = http_learn(x, x->t);
		if (!rc)
			rc = http_refused(x, x->t, &f);
	} else {
		rc = read_answer(x, &f);
	}
	add_usage(x);
	if (rc > 0 && !affords(x)) {
		http_over(x, err_set(EDQUOT, "the budget leaves no room to "
					     "ask once more"));
	} else if (rc > 0) {
		http_drop(x);
		x->state = HTTP_BEGIN;
	} else if (rc < 0) {
		failed(x, &f);
	} else {
		if (x->lowered)
			x->p->base.resume = x->means;
		http_over(x, 0);
	}
}

/* ---- asking ----------------------------------------------------------- */

/* Sends x->text to url, or asks for what is there without one. */
int http_send(struct exchange *x, const char *url, double seconds)
{
	struct http_provider *p = x->p;
	struct transfer_request q = {
		.url = url,
		.headers = (const char *const *)x->headers.v,
		.body = x->text,
		/* What went wrong may be left over in the old one. */
		.fresh = x->a.out->attempts > 1,
		.limits = p->limits,
		.cancel = p->cancel,
		.data = x->reading ? on_data : NULL,
		.arg = x,
	};

	q.limits.total_s = seconds > 0.001 ? seconds : 0.001;
	x->started = clock_monotonic();
	return transfer_start(p->loop, &q, &x->t);
}

/* What is sent in x->sent and *r; the messages of that, NULL: the request's. */
static struct json *prepare(struct exchange *x, struct llm_request *r)
{
	struct dialect_opts *sent = &x->sent;
	struct json *messages = NULL;

	*r = *x->a.r;
	*sent = x->p->known;
	sent->slot = x->lowered ? 0 : x->slot;
	if (x->means > LLM_RESUME_NONE) {
		resume_request(x->a.from, x->means, x->a.r, r, &messages);
		sent->slice = true;
		sent->resume = x->means >= LLM_RESUME_CONTINUE;
	}
	return messages;
}

static void begin_ask(struct exchange *x)
{
	struct llm_request r;
	struct json *messages = prepare(x, &r);
	struct json *body = x->p->d->request(&r, x->a.shape, &x->sent);
	struct gather *g = &x->reader.g;
	struct failure f;
	int rc;

	json_free(messages);
	x->state = HTTP_ASK;
	if (!body) {
		http_over(x,
			  err_set(EOPNOTSUPP, "it has no such form of answer"));
		return;
	}
	x->text = json_ordered(body);
	json_free(body);
	reader_init(&x->reader, x->p->d, x->sent.stream,
		    x->p->limits.max_bytes);
	x->reading = true;
	if (x->means > LLM_RESUME_NONE) {
		g->repeats = resume_repeats(x->a.from, x->means);
		g->limited = true;
		g->most = x->a.r->max_tokens - x->a.from->tokens;
	}
	x->a.out->attempts++;
	rc = http_send(x, x->p->url, retry_left(&x->retry));
	if (rc) {
		failure_set(&f, rc, false);
		failed(x, &f);
	}
}

/* ---- what has to be known before -------------------------------------- */

static void begin_get(struct exchange *x, enum http_state state)
{
	char *props = url_join(x->p->root, "/props");
	struct failure f;
	int rc;

	x->state = state;
	x->p->asking = x;
	rc = state == HTTP_LIST
		     ? http_send(x, x->p->models_url, retry_left(&x->retry))
		     : http_send(x, props, HTTP_ASIDE_S);
	free(props);
	if (rc) {
		failure_set(&f, rc, false);
		failed(x, &f);
	}
}

static void list_done(struct exchange *x)
{
	struct failure f;
	int rc = http_list_done(x, x->t, &f);

	if (rc) {
		failed(x, &f);
		return;
	}
	http_set_name(x->p);
	x->retry.attempts = 0;
	http_drop(x);
	x->state = HTTP_BEGIN;
}

/* ---- halting ---------------------------------------------------------- */

/* What came so far, behind what was there before. */
static void keep_text(struct exchange *x)
{
	struct gather *g = &x->reader.g;
	struct resume *k = x->keep;
	long tokens = gather_fresh(g);

	k->stuck = g->call_count || x->p->base.resume == LLM_RESUME_NONE;
	/* Of calls none is kept: the turn that goes on says them again. */
	if (g->call_count && g->pieces)
		tokens = tokens * (long)g->text.len /
			 ((long)gather_bytes(g) + 1);
	if (cut_to_limit(g))
		tokens = g->most;
	if (x->means > LLM_RESUME_NONE &&
	    resume_join(x->a.from, x->means, true, &g->text))
		return;
	resume_hold_back(&g->text);
	if (!g->text.len && gather_bytes(g))
		k->restarts++;
	free(k->text);
	k->text = mem_strdup(g->text.len ? g->text.data : "");
	k->tokens = (x->means > LLM_RESUME_NONE ? k->tokens : 0) +
		    (tokens > 0 ? tokens : 0);
}

static void halt_now(struct exchange *x)
{
	struct resume *k = x->keep;

	if (x->reading) {
		told_read(&x->t->headers, &x->a.out->told);
		x->said = gather_bytes(&x->reader.g);
		add_usage(x);
		if (k)
			keep_text(x);
	}
	http_drop(x);
	if (k && x->slot && resume_any(k)) {
		if (!k->slot)
			k->slot = resume_slot(x->nonce);
		http_begin_slot(x, HTTP_SAVE, k->slot);
		return;
	}
	http_over(x, k ? err_set(ERESTART, "suspended")
		       : err_set(ECANCELED, "cancelled"));
}

void http_halt(struct exchange *x, struct resume *keep)
{
	/* Suspended, and now nobody wants it any more. */
	if (x->halted && !keep && x->state == HTTP_SAVE)
		http_over(x, err_set(ECANCELED, "cancelled"));
	if (x->halted)
		return;
	x->halted = true;
	x->keep = keep;
}

/* ---- the machine ------------------------------------------------------ */

/* Returns false when it has to wait for another call. */
static bool begin(struct exchange *x)
{
	struct http_provider *p = x->p;
	bool slots = p->base.resume == LLM_RESUME_SLOT && !p->slots;

	if (!p->base.model || slots) {
		if (p->asking)
			return false;
		begin_get(x, p->base.model ? HTTP_PROPS : HTTP_LIST);
		return true;
	}
	if (p->base.resume == LLM_RESUME_SLOT)
		http_take_slot(x);
	if (!x->restored && x->slot && x->means == LLM_RESUME_SLOT)
		http_begin_slot(x, HTTP_RESTORE, x->a.from->slot);
	else
		begin_ask(x);
	return true;
}

/* How it goes on: as well as the endpoint can, and as what is kept allows. */
static void choose_means(struct exchange *x)
{
	x->means = LLM_RESUME_NONE;
	if (!resume_any(x->a.from))
		return;
	x->means = x->p->base.resume;
	x->a.from->trim = x->p->d->trim;
	if (x->means == LLM_RESUME_SLOT && !x->a.from->slot)
		x->means = LLM_RESUME_CONTINUE;
	if (x->means == LLM_RESUME_NONE)
		x->a.from->restarts++;
}

static bool done(struct exchange *x)
{
	return !x->t || x->t->done;
}

/* Returns false when there is nothing to do now. */
static bool move(struct exchange *x, double now, double *wake)
{
	if (x->halted && x->state != HTTP_SAVE) {
		halt_now(x);
		return true;
	}
	switch (x->state) {
	case HTTP_BEGIN:
		if (begin(x))
			return true;
		*wake = fmin(*wake, now + TICK);
		return false;
	case HTTP_PAUSE:
		if (x->p->cancel && *x->p->cancel) {
			http_over(x, err_set(EINTR, "cancelled"));
			return true;
		}
		*wake = fmin(*wake, x->p->cancel ? fmin(x->wake, now + TICK)
						 : x->wake);
		if (now < x->wake)
			return false;
		x->state = HTTP_BEGIN;
		return true;
	case HTTP_OVER:
		return false;
	default:
		break;
	}
	if (!done(x))
		return false;
	if (x->state == HTTP_LIST)
		list_done(x);
	else if (x->state == HTTP_PROPS)
		http_props_done(x);
	else if (x->state == HTTP_RESTORE)
		http_restore_done(x);
	else if (x->state == HTTP_SAVE)
		http_save_done(x);
	else
		ask_done(x);
	return true;
}

bool http_step(struct exchange *x, double *wake, int *rc)
{
	while (x->state != HTTP_OVER)
		if (!move(x, clock_monotonic(), wake))
			return false;
	*rc = x->rc;
	return true;
}

long http_tokens(const struct exchange *x)
{
	long before = x->means > LLM_RESUME_NONE ? x->a.from->tokens : 0;

	return before + (x->reading ? gather_fresh(&x->reader.g) : 0);
}

/* ---- the beginning and the end ---------------------------------------- */

static uint64_t random_bits(void)
{
	uint64_t bits = 0;

	/* Of 8 bytes none are ever missing. */
	if (getrandom(&bits, sizeof(bits), 0) != (ssize_t)sizeof(bits))
		abort();
	return bits;
}

struct exchange *http_start(struct provider *base, const struct ask *a)
{
	struct exchange *x = mem_zalloc(1, sizeof(*x));
	struct llm_limits limits;

	x->p = (struct http_provider *)base;
	x->a = *a;
	*a->out = answer_none();
	limits = x->p->limits;
	if (a->attempts)
		limits.attempts = a->attempts;
	retry_init(&x->retry, &limits, random_bits());
	snprintf(x->nonce, sizeof(x->nonce), "%016lx%016lx", random_bits(),
		 random_bits());
	strs_add(&x->headers, "Content-Type: application/json");
	/* The same over all attempts, so that none is billed twice. */
	strs_printf(&x->headers, "Idempotency-Key: schedkit-%s", x->nonce);
	x->p->d->headers(x->p->key, &x->headers);
	choose_means(x);
	return x;
}

void http_end(struct exchange *x)
{
	http_drop(x);
	if (x->slot)
		x->p->taken[x->slot - 1] = false;
	for (size_t i = 0; i < x->headers.len; i++)
		explicit_bzero(x->headers.v[i], strlen(x->headers.v[i]));
	strs_release(&x->headers);
	free(x);
}
