/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "llm/resume.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/mem.h"
#include "llm/dialect.h"
#include "llm/record.h"
#include "llm/secret.h"

/* How much of what was said is to be said once more by a new turn: enough to
 * see that nothing is missing. */
#define ANCHOR_BYTES 96

/* Of the state that an endpoint has saved. */
#define SLOT_BEGIN  "schedkit-"
#define SLOT_END    ".bin"
#define SLOT_DIGITS 32

#define BEGIN "<<<"
#define END   ">>>"

const char *const llm_resume_names[] = {
	[LLM_RESUME_NONE] = "none",
	[LLM_RESUME_TURN] = "turn",
	[LLM_RESUME_CONTINUE] = "continue",
	[LLM_RESUME_SLOT] = "slot",
};

void resume_release(struct resume *f)
{
	free(f->endpoint);
	free(f->text);
	free(f->slot);
	free(f->wrong);
	free(f->why);
	*f = (struct resume){0};
}

char *resume_slot(const char *nonce)
{
	return mem_printf(SLOT_BEGIN "%.*s" SLOT_END, SLOT_DIGITS, nonce);
}

/* ---- as JSON ---------------------------------------------------------- */

static char *copy_of(const struct json *v, const char *key)
{
	const char *s = json_as_string(json_get(v, key), NULL);

	return s && *s ? mem_strdup(s) : NULL;
}

/* Any other name is one of a file that is nothing to this call. */
static bool is_slot(const char *name)
{
	size_t n = strlen(SLOT_BEGIN);

	return !strncmp(name, SLOT_BEGIN, n) &&
	       strspn(name + n, "0123456789abcdef") == SLOT_DIGITS &&
	       !strcmp(name + n + SLOT_DIGITS, SLOT_END);
}

int resume_read(const struct json *v, const struct llm_request *r,
		struct resume *out)
{
	const struct json *u = json_get(v, "usage");
	const struct json *slot = json_get(v, "slot");
	char digest[DIGEST_HEX_LEN];

	*out = (struct resume){0};
	record_digest(r, digest);
	if (strcmp(json_as_string(json_get(v, "digest"), ""), digest) ||
	    (slot && !is_slot(json_as_string(slot, ""))))
		return err_set(EINVAL,
			       "'resume' is not what a call of this request "
			       "was suspended with");
	memcpy(out->digest, digest, sizeof(digest));
	out->endpoint = copy_of(v, "endpoint");
	out->text = mem_strdup(json_as_string(json_get(v, "text"), ""));
	out->slot = copy_of(v, "slot");
	out->wrong = copy_of(v, "wrong");
	out->why = copy_of(v, "why");
	out->tokens = token_count(json_get(v, "tokens"), 0);
	out->slices = token_count(json_get(v, "slices"), 0);
	out->restarts = token_count(json_get(v, "restarts"), 0);
	out->stuck = json_as_bool(json_get(v, "stuck"), false);
	out->costs = answer_none();
	out->costs.cost_usd = json_as_number(json_get(v, "cost_usd"), -1);
	out->costs.seconds = fmax(json_as_number(json_get(v, "seconds"), 0), 0);
	out->costs.attempts = token_count(json_get(v, "attempts"), 0);
	out->costs.estimated = json_as_bool(json_get(v, "estimated"), false);
	out->costs.usage.in = token_count(json_get(u, "in"), 0);
	out->costs.usage.cached = token_count(json_get(u, "cached"), 0);
	out->costs.usage.out = token_count(json_get(u, "out"), 0);
	return 0;
}

static void put_string(struct json *v, const char *key, const char *s)
{
	if (s)
		json_set_string(v, key, s);
}

struct json *resume_json(const struct resume *f)
{
	const struct llm_answer *c = &f->costs;
	struct json *v = json_object(), *u;

	json_set_string(v, "digest", f->digest);
	put_string(v, "endpoint", f->endpoint);
	json_set_string(v, "text", f->text ? f->text : "");
	put_string(v, "slot", f->slot);
	put_string(v, "wrong", f->wrong);
	put_string(v, "why", f->why);
	json_set_number(v, "tokens", (double)f->tokens);
	json_set_number(v, "slices", (double)f->slices);
	json_set_number(v, "restarts", (double)f->restarts);
	json_set_bool(v, "stuck", f->stuck);
	json_set(v, "cost_usd",
		 c->cost_usd < 0 ? json_null() : json_number(c->cost_usd));
	json_set_number(v, "seconds", c->seconds);
	json_set_number(v, "attempts", (double)c->attempts);
	json_set_bool(v, "estimated", c->estimated);
	u = json_set(v, "usage", json_object());
	json_set_number(u, "in", (double)c->usage.in);
	json_set_number(u, "cached", (double)c->usage.cached);
	json_set_number(u, "out", (double)c->usage.out);
	return v;
}

/* ---- going on --------------------------------------------------------- */

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static size_t without_space(const char *s, size_t n)
{
	while (n && is_space(s[n - 1]))
		n--;
	return n;
}

/* Where the anchor begins: at a character, and not at a space. */
static const char *anchor_of(const char *text)
{
	size_t n = strlen(text);
	const char *at = n > ANCHOR_BYTES ? text + n - ANCHOR_BYTES : text;

	while (((unsigned char)*at & 0xc0) == 0x80 || is_space(*at))
		at++;
	return at;
}

size_t resume_repeats(const struct resume *f, enum llm_resume means)
{
	size_t n = strlen(f->text);

	if (means == LLM_RESUME_TURN)
		return strlen(anchor_of(f->text));
	return f->trim ? n - without_space(f->text, n) : 0;
}

bool resume_any(const struct resume *f)
{
	return f && f->text && without_space(f->text, strlen(f->text));
}

static void add_message(struct json *to, const char *role, const char *text)
{
	struct json *m = json_add(to, json_object());

	json_set_string(m, "role", role);
	json_set_string(m, "text", text);
}

void resume_request(const struct resume *f, enum llm_resume means,
		    const struct llm_request *r, struct llm_request *out,
		    struct json **messages)
{
	size_t len = strlen(f->text);
	char *text;

	*out = *r;
	*messages = json_copy(r->messages);
	if (f->trim)
		len = without_space(f->text, len);
	text = mem_strndup(f->text, len);
	add_message(*messages, "assistant", text);
	free(text);
	if (means == LLM_RESUME_TURN) {
		text = mem_printf(
			"Your answer was interrupted. Begin by repeating its "
			"last characters, those between the marks, exactly "
			"and without the marks, and go on from there as if "
			"nothing had happened: no comment, no fence that was "
			"not open, nothing else said twice.\n" BEGIN "%s" END,
			anchor_of(f->text));
		add_message(*messages, "user", text);
		free(text);
	}
	out->messages = *messages;
	out->max_tokens = r->max_tokens - f->tokens;
	if (out->max_tokens < 1)
		out->max_tokens = 1;
	out->max_tokens += (long)resume_repeats(f, means);
}

/* How much of what came was said already; below 0: it does not follow. */
static ssize_t said_twice(const char *text, const char *came, size_t len)
{
	const char *anchor = anchor_of(text);
	size_t least = strlen(anchor), n = strlen(text);

	if (len >= least && !memcmp(came, anchor, least))
		return (ssize_t)least;
	/* It went back further than it was asked to. */
	for (size_t k = n < len ? n : len; k > least; k--)
		if (!memcmp(text + n - k, came, k))
			return (ssize_t)k;
	return -1;
}

/* In front of came, with so much of its beginning left out. */
static int put_before(const char *text, size_t text_len, size_t skip,
		      struct buf *came)
{
	struct buf whole;
	int rc;

	buf_init(&whole, came->max);
	rc = buf_add(&whole, text, text_len);
	if (!rc && came->len > skip)
		rc = buf_add(&whole, came->data + skip, came->len - skip);
	if (rc) {
		buf_release(&whole);
		return err_set(EMSGSIZE, "the answer is longer than %zu bytes",
			       came->max);
	}
	buf_release(came);
	*came = whole;
	return 0;
}

/* An endpoint that is not shown the space at the end says it again. */
static size_t spaces_twice(const char *text, const struct buf *came)
{
	size_t n = strlen(text), from = without_space(text, n), same = 0;

	while (from + same < n && same < came->len &&
	       text[from + same] == came->data[same])
		same++;
	return same;
}

int resume_join(const struct resume *f, enum llm_resume means, bool cut,
		struct buf *came)
{
	const char *text = f->text;
	ssize_t twice = 0;

	if (means == LLM_RESUME_NONE)
		return 0;
	if (means == LLM_RESUME_TURN)
		twice = said_twice(text, came->len ? came->data : "",
				   came->len);
	else if (f->trim)
		twice = (ssize_t)spaces_twice(text, came);
	/* Nothing new has come to be kept. */
	if (twice < 0 && cut) {
		buf_reset(came);
		twice = 0;
	}
	if (twice < 0)
		return err_set(EBADMSG,
			       "the answer does not go on where it was "
			       "suspended");
	return put_before(text, strlen(text), (size_t)twice, came);
}

void resume_hold_back(struct buf *text)
{
	size_t keep = text->len ? secret_before(text->data, text->len) : 0;

	if (keep < text->len) {
		text->len = keep;
		text->data[keep] = '\0';
	}
}
