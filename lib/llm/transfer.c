/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "llm/transfer.h"

#include <curl/curl.h>
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "llm/provider.h"

/* How late a cancellation or a clock may be noticed, s. */
#define TICK 0.05
/* That a caller may wait for beside. */
#define MAX_FDS 4

struct transfer_private {
	struct transfer_loop *loop;
	struct transfer *next; /* in the loop */
	CURL *easy;
	struct curl_slist *send;
	struct transfer_request request;
	char reason[CURL_ERROR_SIZE]; /* libcurl's */
	bool enough;		      /* data() wants no more */
	size_t bytes;
	double started, connected, first, last; /* clock_monotonic(); 0: no */
};

struct transfer_loop {
	CURLM *multi;
	struct transfer *first;
};

int transfer_loop_new(struct transfer_loop **out)
{
	struct transfer_loop *l;

	*out = NULL;
	if (curl_global_init(CURL_GLOBAL_DEFAULT))
		return err_set(ENOSYS, "libcurl cannot start");
	l = mem_zalloc(1, sizeof(*l));
	l->multi = curl_multi_init();
	if (!l->multi) {
		free(l);
		curl_global_cleanup();
		return err_set(ENOMEM, "libcurl cannot start");
	}
	*out = l;
	return 0;
}

void transfer_loop_free(struct transfer_loop *l)
{
	if (!l)
		return;
	curl_multi_cleanup(l->multi);
	curl_global_cleanup();
	free(l);
}

const char *header_get(const struct strs *headers, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < headers->len; i++) {
		const char *h = headers->v[i];

		if (!strncasecmp(h, name, n) && h[n] == ':') {
			h += n + 1;
			return h + strspn(h, " \t");
		}
	}
	return NULL;
}

/* ---- what comes in ---------------------------------------------------- */

static void finish(struct transfer *t, int error, const char *text)
{
	struct transfer_private *p = t->private;
	struct transfer **at = &p->loop->first;

	if (t->done)
		return;
	curl_easy_getinfo(p->easy, CURLINFO_RESPONSE_CODE, &t->status);
	t->done = true;
	t->error = error;
	snprintf(t->text, sizeof(t->text), "%s", text);
	while (*at != t)
		at = &(*at)->private->next;
	*at = p->next;
	curl_multi_remove_handle(p->loop->multi, p->easy);
}

/* Counts bytes; the first reason to stop stays in t->error. */
static bool account(struct transfer *t, size_t n)
{
	struct transfer_private *p = t->private;

	if (t->error)
		return false;
	p->bytes += n;
	if (p->bytes <= p->request.limits.max_bytes)
		return true;
	t->error = -EMSGSIZE;
	snprintf(t->text, sizeof(t->text),
		 "the answer is longer than %zu bytes",
		 p->request.limits.max_bytes);
	return false;
}

static size_t on_header(char *data, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;
	char *line;

	(void)size;
	if (!account(t, n))
		return 0;
	/* A status line: whatever came before was of another answer. */
	if (n >= 5 && !memcmp(data, "HTTP/", 5)) {
		strs_release(&t->headers);
		return n;
	}
	line = mem_strndup(data, n);
	line[strcspn(line, "\r\n")] = '\0';
	if (*line)
		strs_add(&t->headers, line);
	free(line);
	return n;
}

static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;
	struct transfer_private *p = t->private;
	int rc;

	(void)size;
	if (!account(t, n))
		return 0;
	p->last = clock_monotonic();
	if (!p->first)
		p->first = p->last;
	curl_easy_getinfo(p->easy, CURLINFO_RESPONSE_CODE, &t->status);
	if (t->status != 200 || !p->request.data) {
		buf_add(&t->body, data, n);
		return n;
	}
	rc = p->request.data(p->request.arg, t, data, n);
	if (!rc)
		return n;
	if (rc > 0) {
		p->enough = true;
		return 0;
	}
	t->error = rc;
	snprintf(t->text, sizeof(t->text), "%s", err_text());
	return 0;
}

static int code_error(CURLcode code)
{
	switch (code) {
	case CURLE_OPERATION_TIMEDOUT:
		return -ETIMEDOUT;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_COULDNT_CONNECT:
	case CURLE_PROXY:
		return -ECONNREFUSED;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
		return -EKEYREJECTED;
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_WEIRD_SERVER_REPLY:
		return -EPROTO;
	default:
		return -EPIPE;
	}
}

/* What libcurl says, but not where it repeats the whole address of a proxy,
 * with a password perhaps. */
static const char *reason(const struct transfer_private *p, CURLcode code)
{
	static const char proxy[] = "Unsupported proxy";

	if (!strncmp(p->reason, proxy, strlen(proxy)))
		return "the address of the proxy, which the environment names, "
		       "is not understood";
	return *p->reason ? p->reason : curl_easy_strerror(code);
}

/* libcurl is through with it. */
static void settle(struct transfer *t, CURLcode code)
{
	struct transfer_private *p = t->private;
	char text[sizeof(t->text)];

	if (t->error) {
		memcpy(text, t->text, sizeof(text));
		finish(t, t->error, text);
	} else if (code == CURLE_OPERATION_TIMEDOUT && !p->connected) {
		snprintf(text, sizeof(text), "no connection within %.4g s",
			 p->request.limits.connect_s);
		finish(t, -ETIMEDOUT, text);
	} else if (code && !p->enough) {
		snprintf(text, sizeof(text), "%s", reason(p, code));
		finish(t, code_error(code), text);
	} else {
		finish(t, 0, "");
	}
}

/* ---- clocks ----------------------------------------------------------- */

static double earliest(double a, double b)
{
	return a < b ? a : b;
}

/* The clock of t that runs out first: when, and how to say so. */
struct alarm {
	double at, limit;
	const char *text;
};

static struct alarm next_alarm(const struct transfer *t)
{
	const struct transfer_private *p = t->private;
	const struct llm_limits *l = &p->request.limits;
	struct alarm total = {p->started + l->total_s, l->total_s,
			      "no complete answer within %.4g s"};
	struct alarm part = {INFINITY, 0, NULL};

	if (p->first)
		part = (struct alarm){p->last + l->idle_s, l->idle_s,
				      "the answer stopped coming for %.4g s"};
	else if (p->connected)
		part = (struct alarm){p->connected + l->first_byte_s,
				      l->first_byte_s,
				      "no answer within %.4g s"};
	return part.at < total.at ? part : total;
}

/* Ends it when a clock has run out or its caller wants no more. */
static void watch(struct transfer *t, double now)
{
	struct transfer_private *p = t->private;
	struct alarm a;
	char text[128];
	curl_off_t us = 0;

	if (p->request.cancel && *p->request.cancel) {
		finish(t, -EINTR, "cancelled");
		return;
	}
	if (!p->connected) {
		curl_easy_getinfo(p->easy, CURLINFO_PRETRANSFER_TIME_T, &us);
		if (us > 0)
			p->connected = now;
	}
	a = next_alarm(t);
	if (now < a.at)
		return;
	snprintf(text, sizeof(text), a.text, a.limit);
	finish(t, -ETIMEDOUT, text);
}

/* ---- the loop --------------------------------------------------------- */

static void collect(struct transfer_loop *l)
{
	struct transfer *t;
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(l->multi, &left)))
		if (m->msg == CURLMSG_DONE) {
			curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE,
					  (char **)&t);
			settle(t, m->data.result);
		}
}

/* Waits for libcurl's descriptors and fds. */
static void wait_for(struct transfer_loop *l, double seconds,
		     struct pollfd *fds, size_t n)
{
	struct curl_waitfd extra[MAX_FDS] = {0};

	for (size_t i = 0; i < n && i < MAX_FDS; i++) {
		fds[i].revents = 0;
		extra[i].fd = fds[i].fd;
		if (fds[i].events & POLLIN)
			extra[i].events |= CURL_WAIT_POLLIN;
		if (fds[i].events & POLLOUT)
			extra[i].events |= CURL_WAIT_POLLOUT;
	}
	curl_multi_poll(l->multi, extra, (unsigned)(n < MAX_FDS ? n : MAX_FDS),
			(int)ceil(seconds * 1000), NULL);
	/* What libcurl tells of a descriptor that was hung up depends on its
	 * version. */
	if (n)
		poll(fds, n, 0);
}

int transfer_loop_step(struct transfer_loop *l, double seconds,
		       struct pollfd *fds, size_t n)
{
	struct transfer *t, *next;
	double now = clock_monotonic(), wait = seconds;
	bool idle = !l->first;
	int running, left = 0;

	for (t = l->first; t; t = t->private->next) {
		wait = earliest(wait, next_alarm(t).at - now);
		/* The moment of connecting is looked for, not told. */
		if (t->private->request.cancel || !t->private->connected)
			wait = earliest(wait, TICK);
	}
	curl_multi_perform(l->multi, &running);
	collect(l);
	if (running || idle)
		wait_for(l, wait > 0 ? wait : 0, fds, n);
	else if (n)
		poll(fds, n, 0);
	curl_multi_perform(l->multi, &running);
	collect(l);
	now = clock_monotonic();
	for (t = l->first; t; t = next) {
		next = t->private->next;
		watch(t, now);
		left += !t->done;
	}
	return left;
}

/* ---- one transfer ----------------------------------------------------- */

static void set_certificates(CURL *e)
{
	static const char *const names[] = {"CURL_CA_BUNDLE", "SSL_CERT_FILE"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *file = getenv(names[i]);

		if (!file || !*file)
			continue;
		curl_easy_setopt(e, CURLOPT_CAINFO, file);
		/* Those, and not the system's, too. */
		curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
		return;
	}
}

static void set_up(struct transfer *t)
{
	struct transfer_private *p = t->private;
	const struct transfer_request *r = &p->request;
	CURL *e = p->easy;

	curl_easy_setopt(e, CURLOPT_URL, r->url);
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	/* HTTP/2 stalls with some proxies and endpoints. */
	curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 2L);
	set_certificates(e);
	/* What is plain does not leave this machine, not by a proxy either. */
	if (!strncasecmp(r->url, "http:", 5))
		curl_easy_setopt(e, CURLOPT_PROXY, "");
	/* A name that does not resolve may not hold up a cancellation. */
	curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS,
			 (long)ceil(r->limits.connect_s * 1000));
	curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, r->fresh ? 1L : 0L);
	curl_easy_setopt(e, CURLOPT_HTTPHEADER, p->send);
	curl_easy_setopt(e, CURLOPT_USERAGENT, "schedkit");
	curl_easy_setopt(e, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(e, CURLOPT_HEADERDATA, t);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, p->reason);
	curl_easy_setopt(e, CURLOPT_PRIVATE, t);
	if (r->body) {
		curl_easy_setopt(e, CURLOPT_POST, 1L);
		curl_easy_setopt(e, CURLOPT_POSTFIELDS, r->body);
		curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE,
				 (curl_off_t)strlen(r->body));
	}
}

int transfer_start(struct transfer_loop *l, const struct transfer_request *r,
		   struct transfer **out)
{
	struct transfer *t = mem_zalloc(1, sizeof(*t));
	struct transfer_private *p = mem_zalloc(1, sizeof(*p));

	*out = t;
	t->private = p;
	p->loop = l;
	p->request = *r;
	limits_fill(&p->request.limits);
	buf_init(&t->body, p->request.limits.max_bytes);
	p->easy = curl_easy_init();
	for (const char *const *h = r->headers; h && *h; h++)
		p->send = curl_slist_append(p->send, *h);
	/* No round trip to ask whether a long body is welcome. */
	p->send = curl_slist_append(p->send, "Expect:");
	p->started = clock_monotonic();
	p->next = l->first;
	l->first = t;
	if (p->easy) {
		set_up(t);
		if (!curl_multi_add_handle(l->multi, p->easy))
			return 0;
	}
	l->first = p->next;
	t->done = true;
	transfer_free(t);
	*out = NULL;
	return err_set(ENOMEM, "libcurl cannot start a transfer");
}

void transfer_free(struct transfer *t)
{
	if (!t)
		return;
	finish(t, -EINTR, "cancelled");
	curl_easy_cleanup(t->private->easy);
	/* One of them is a key. */
	for (struct curl_slist *h = t->private->send; h; h = h->next)
		explicit_bzero(h->data, strlen(h->data));
	curl_slist_free_all(t->private->send);
	strs_release(&t->headers);
	buf_release(&t->body);
	free(t->private);
	free(t);
}
