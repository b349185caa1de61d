/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "llm/retry.h"

#include <ctype.h>
#include <curl/curl.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"
#include "base/mem.h"

#define FIRST_WAIT_S 0.5
#define MOST_WAIT_S  8
/* Beyond this a date is not worth printing. */
#define FAR_S (400.0 * 24 * 3600)
/* The runtime takes no more, and a figure of 400 digits is none. */
#define MOST 1e15

/* ---- what the endpoint says ------------------------------------------- */

/* Digits with at most one point, of which *end is behind; below 0: none.  Not
 * strtod(), which knows inf, hexadecimal and the user's comma. */
static double decimal(const char *s, const char **end)
{
	double x = 0, unit = 1;
	bool any = false;

	for (; isdigit((unsigned char)*s); s++, any = true)
		x = x * 10 + (*s - '0');
	if (*s == '.')
		for (s++; isdigit((unsigned char)*s); s++, any = true) {
			unit /= 10;
			x += (*s - '0') * unit;
		}
	*end = s;
	return any ? fmin(x, MOST) : -1;
}

static double seconds(const char *s)
{
	const char *end;
	double x = decimal(s, &end);

	return end[strspn(end, " \t")] ? -1 : x;
}

/* "6m0s", "41.724s", "120ms" */
static double duration(const char *s)
{
	static const struct {
		const char *name;
		double s;
	} units[] = {
		{"ms", 0.001}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};
	double sum = 0;

	if (!*s)
		return -1;
	while (*s) {
		double x = decimal(s, &s);
		size_t i = 0;

		while (i < ARRAY_LEN(units) &&
		       strncmp(s, units[i].name, strlen(units[i].name)))
			i++;
		if (x < 0 || i == ARRAY_LEN(units))
			return -1;
		sum += x * units[i].s;
		s += strlen(units[i].name);
	}
	return fmin(sum, MOST);
}

/* RFC 3339 in UTC, as Anthropic writes it, or a date of HTTP; -1: neither. */
static time_t date(const char *s)
{
	struct tm tm = {0};
	const char *end = strptime(s, "%Y-%m-%dT%H:%M:%SZ", &tm);

	if (end && !*end)
		return timegm(&tm);
	/* curl_getdate() makes something of almost anything. */
	if (!isalpha((unsigned char)*s) || !strchr(s, ':'))
		return -1;
	return curl_getdate(s, NULL);
}

/* By the endpoint's own clock where it tells it: ours may be wrong. */
static double until(time_t at, const struct strs *headers)
{
	const char *text = header_get(headers, "Date");
	time_t now = text ? date(text) : -1;

	return at < 0 ? -1 : difftime(at, now < 0 ? clock_wall() : now);
}

double retry_number(const struct strs *headers, const char *name)
{
	const char *text = header_get(headers, name);

	return text ? seconds(text) : -1;
}

double retry_reset(const struct strs *headers, const char *name)
{
	const char *text = header_get(headers, name);
	double x = text ? duration(text) : -1;

	return x >= 0 || !text ? x : until(date(text), headers);
}

/* The reset of one limit of which nothing remains. */
static double reset_of(const struct strs *headers, const char *remaining,
		       const char *reset)
{
	if (retry_number(headers, remaining) != 0)
		return -1;
	return retry_reset(headers, reset);
}

static double longest_reset(const struct strs *headers)
{
	static const char *const limits[][2] = {
		{"x-ratelimit-remaining-requests",
		 "x-ratelimit-reset-requests"},
		{"x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"},
		{"anthropic-ratelimit-requests-remaining",
		 "anthropic-ratelimit-requests-reset"},
		{"anthropic-ratelimit-tokens-remaining",
		 "anthropic-ratelimit-tokens-reset"},
		{"anthropic-ratelimit-input-tokens-remaining",
		 "anthropic-ratelimit-input-tokens-reset"},
		{"anthropic-ratelimit-output-tokens-remaining",
		 "anthropic-ratelimit-output-tokens-reset"},
	};
	double most = -1;

	for (size_t i = 0; i < ARRAY_LEN(limits); i++)
		most = fmax(most,
			    reset_of(headers, limits[i][0], limits[i][1]));
	return most;
}

double retry_after(long status, const struct strs *headers)
{
	const char *ms = header_get(headers, "retry-after-ms");
	const char *after = header_get(headers, "Retry-After");
	double x = ms ? seconds(ms) / 1000 : -1;

	if (x <= 0 && after)
		x = seconds(after);
	if (x < 0 && after)
		x = until(date(after), headers);
	if (x <= 0 && !after && status == 429)
		x = longest_reset(headers);
	return x > 0 ? x : -1;
}

/* ---- what a failure means --------------------------------------------- */

static bool any_has(const struct api_error *e, const char *word)
{
	return strcasestr(e->type, word) || strcasestr(e->kind, word) ||
	       strcasestr(e->message, word);
}

/* Waiting does not fill an account. */
static bool unpaid(long status, const struct api_error *e)
{
	/* A plain 429 of OpenAI mentions its page on billing, too. */
	return status == 402 || strcasestr(e->type, "billing") ||
	       strcasestr(e->kind, "billing") ||
	       any_has(e, "insufficient_quota") ||
	       any_has(e, "enforced_spend_limit") ||
	       any_has(e, "credit balance") ||
	       any_has(e, "specified API usage limits");
}

static bool passing(long status)
{
	return status == 408 || status == 409 || status == 425 ||
	       status == 429 || status >= 500;
}

static int status_error(long status, const struct api_error *e)
{
	if (status == 401 || status == 403 || unpaid(status, e))
		return -EACCES;
	if (passing(status))
		return -EAGAIN;
	/* No body, or not the one that was asked for. */
	return status < 300 ? -EBADMSG : -EINVAL;
}

static void say_status(long status, const struct api_error *e,
		       const struct strs *headers, struct failure *out)
{
	const char *location = header_get(headers, "Location");
	char to[256];

	plain_line(to, sizeof(to), location ? location : "");
	if (status >= 300 && status < 400)
		snprintf(out->text, sizeof(out->text),
			 "it redirects to '%s' (HTTP %ld), which is not "
			 "followed; give that address",
			 to, status);
	else
		snprintf(out->text, sizeof(out->text), "HTTP %ld%s%s%s%s",
			 status, *e->type ? ", " : "", e->type,
			 *e->message ? ": " : "", e->message);
}

void failure_of_status(long status, const struct api_error *e,
		       const struct strs *headers, struct failure *out)
{
	const char *should = header_get(headers, "x-should-retry");

	*out = (struct failure){.error = status_error(status, e),
				.again = passing(status),
				.after_s = retry_after(status, headers)};
	if (should && !strcasecmp(should, "true"))
		out->again = status >= 400;
	if (should && !strcasecmp(should, "false"))
		out->again = false;
	if (unpaid(status, e))
		out->again = false;
	say_status(status, e, headers, out);
}

void failure_of_error(const struct api_error *e, const struct strs *headers,
		      struct failure *out)
{
	static const struct {
		const char *word;
		long status;
	} words[] = {
		{"overloaded", 529},	     {"rate_limit", 429},
		{"insufficient_quota", 429}, {"authentication", 401},
		{"permission", 403},	     {"billing", 402},
		{"not_found", 404},	     {"invalid_request", 400},
		{"BadRequest", 400},	     {"too_large", 413},
	};
	long status = e->code >= 400 && e->code < 600 ? e->code : 500;

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcasestr(e->type, words[i].word) ||
		    strcasestr(e->kind, words[i].word)) {
			status = words[i].status;
			break;
		}
	failure_of_status(status, e, headers, out);
	snprintf(out->text, sizeof(out->text),
		 "an error within the answer: %s%s%s", e->type,
		 *e->type && *e->message ? ": " : "", e->message);
}

void failure_set(struct failure *f, int error, bool again)
{
	*f = (struct failure){.error = error, .again = again, .after_s = -1};
	snprintf(f->text, sizeof(f->text), "%s", err_text());
}

void failure_of_transfer(const struct transfer *t, struct failure *out)
{
	int error = t->error;
	bool again = false;
	const char *hint = "";

	switch (t->error) {
	case -ECONNREFUSED:
		error = -EAGAIN;
		again = true;
		break;
	case -EPIPE:
		/* Some of an answer is none; nothing at all may come yet. */
		error = t->status == 200 ? -EBADMSG : -EAGAIN;
		again = true;
		break;
	case -ETIMEDOUT:
		again = true;
		break;
	case -EKEYREJECTED:
		error = -EINVAL;
		hint = "; name the authority's certificate in SSL_CERT_FILE";
		break;
	case -EPROTO:
		error = -EBADMSG;
		break;
	}
	err_set(0, "%s%s", t->text, hint);
	failure_set(out, error, again);
}

/* ---- the budget ------------------------------------------------------- */

void retry_init(struct retry *r, const struct llm_limits *l, uint64_t seed)
{
	*r = (struct retry){.limits = *l, .started = clock_monotonic()};
	rng_init(&r->rng, seed);
}

double retry_left(const struct retry *r)
{
	return r->started + r->limits.total_s - clock_monotonic();
}

/* When to come back, in words. */
static int refuse_wait(const struct failure *f)
{
	char when[CLOCK_TEXT_LEN];

	if (f->after_s > FAR_S)
		return err_set(-f->error,
			       "%s; it says not to come back for more than a "
			       "year",
			       f->text);
	clock_text(clock_wall() + (time_t)ceil(f->after_s), when);
	return err_set(-f->error, "%s; it says to come back in %.0f s, at %s",
		       f->text, ceil(f->after_s), when);
}

int retry_next(struct retry *r, const struct failure *f, double *wait_s)
{
	double most, wait;

	r->attempts++;
	if (!f->again)
		return err_set(-f->error, "%s", f->text);
	if (f->after_s > RETRY_AFTER_MAX_S)
		return refuse_wait(f);
	if (r->attempts >= r->limits.attempts)
		return err_set(-f->error, "%s (attempt %ld, the last)", f->text,
			       r->attempts);
	most = fmin(MOST_WAIT_S,
		    FIRST_WAIT_S * exp2((double)(r->attempts - 1)));
	wait = f->after_s >= 0 ? f->after_s : most * rng_unit(&r->rng);
	if (r->waited + wait > r->limits.retry_s || wait >= retry_left(r)) {
		if (f->after_s >= 0)
			return refuse_wait(f);
		return err_set(-f->error, "%s (attempt %ld; no time for more)",
			       f->text, r->attempts);
	}
	r->waited += wait;
	*wait_s = wait;
	return 0;
}
