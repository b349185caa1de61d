/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the headers of a request say, and whether it may be asked. */
#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/mem.h"
#include "crypt/base64.h"
#include "doc/utf8.h"
#include "mcp/http_parts.h"

#define BASE64_BEGIN "=?base64?"
#define BASE64_END   "?="
#define PARAM	     "mcp-param-"

/* ---- reading ------------------------------------------------------------ */

/* NULL: it is said to be base64, and is none, or hides what is no text. */
static char *decode(const char *value)
{
	size_t len = strlen(value);
	size_t begin = strlen(BASE64_BEGIN), end = strlen(BASE64_END);
	struct buf out;
	char *inner;
	int rc;

	while (len && (value[len - 1] == ' ' || value[len - 1] == '\t'))
		len--;
	if (len < begin + end || strncasecmp(value, BASE64_BEGIN, begin) != 0 ||
	    memcmp(value + len - end, BASE64_END, end) != 0)
		return mem_strndup(value, len);
	inner = mem_strndup(value + begin, len - begin - end);
	buf_init(&out, len);
	buf_puts(&out, "");
	rc = base64_decode(inner, &out);
	free(inner);
	if (rc || memchr(out.data, '\0', out.len) ||
	    !utf8_valid(out.data, out.len)) {
		buf_release(&out);
		return NULL;
	}
	return buf_take(&out);
}

static void read_param(struct http_request *rq, const char *name,
		       const char *value)
{
	char *key = mem_strdup(name), *text = decode(value);

	for (char *c = key; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	if (!rq->params)
		rq->params = json_object();
	if (json_get(rq->params, key))
		rq->twice = "Mcp-Param";
	if (text)
		json_set_string(rq->params, key, text);
	else
		rq->bad = "Mcp-Param";
	free(key);
	free(text);
}

static enum MHD_Result on_header(void *arg, enum MHD_ValueKind kind,
				 const char *key, const char *value)
{
	struct http_request *rq = arg;
	const struct {
		const char *name;
		const char **to;
	} known[] = {
		{"Host", &rq->host},
		{"Origin", &rq->origin},
		{"Authorization", &rq->authorization},
		{"Content-Type", &rq->type},
		{"Content-Encoding", &rq->encoding},
		{"Content-Length", &rq->length},
		{"Transfer-Encoding", &rq->coding},
		{"Expect", &rq->expect},
		{"Mcp-Session-Id", &rq->session},
		{"MCP-Protocol-Version", &rq->revision},
		{"Mcp-Method", &rq->method},
		{"Mcp-Name", &rq->name},
	};

	(void)kind;
	value = value ? value : "";
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		if (strcasecmp(key, known[i].name) != 0)
			continue;
		if (*known[i].to)
			rq->twice = known[i].name;
		*known[i].to = value;
		return MHD_YES;
	}
	if (!strncasecmp(key, PARAM, strlen(PARAM)))
		read_param(rq, key + strlen(PARAM), value);
	return MHD_YES;
}

static bool is_token(const char *s, size_t len, const char *word)
{
	while (len && (*s == ' ' || *s == '\t'))
		s++, len--;
	while (len && (s[len - 1] == ' ' || s[len - 1] == '\t'))
		len--;
	return len == strlen(word) && !strncasecmp(s, word, len);
}

/* "; q=0", with as many zeros as there may be. */
static bool is_refused(const char *s, size_t len)
{
	const char *q = memchr(s, 'q', len), *end = s + len;

	if (!q || end - q < 3 || q[1] != '=' || q[2] != '0')
		return false;
	for (q += 3; q < end && (*q == '0' || *q == '.'); q++)
		;
	return q == end || *q == ' ';
}

/* A header Accept, of which there may be several. */
static enum MHD_Result on_accept(void *arg, enum MHD_ValueKind kind,
				 const char *key, const char *value)
{
	struct http_request *rq = arg;

	(void)kind;
	if (strcasecmp(key, "Accept") != 0 || !value)
		return MHD_YES;
	rq->accept = value;
	while (*value) {
		size_t len = strcspn(value, ","), type = strcspn(value, ",;");
		bool any = is_token(value, type, "*/*");

		if (!is_refused(value + type, len - type)) {
			rq->json |= any ||
				    is_token(value, type, "application/*") ||
				    is_token(value, type, "application/json");
			rq->sse |= any || is_token(value, type, "text/*") ||
				   is_token(value, type, "text/event-stream");
		}
		value += len + (value[len] == ',');
	}
	return MHD_YES;
}

void http_request_read(struct http_request *rq, struct MHD_Connection *c)
{
	MHD_get_connection_values(c, MHD_HEADER_KIND, on_header, rq);
	MHD_get_connection_values(c, MHD_HEADER_KIND, on_accept, rq);
	if (!rq->accept)
		rq->json = rq->sse = true;
	if (!rq->name)
		return;
	rq->decoded = decode(rq->name);
	if (!rq->decoded)
		rq->bad = "Mcp-Name";
	rq->name = rq->decoded;
}

void http_request_release(struct http_request *rq)
{
	free(rq->decoded);
	json_free(rq->params);
}

/* ---- who may ask -------------------------------------------------------- */

void http_refuse(struct http_exchange *x, unsigned status, int code,
		 const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = mem_vprintf(fmt, ap);
	va_end(ap);
	free(x->no.text);
	x->no = (struct http_no){.status = status,
				 .text = mcp_refusal(code, "%s", text)};
	free(text);
}

bool http_is_loopback(const char *name)
{
	static const char *const names[] = {"localhost", "127.0.0.1", "::1",
					    "[::1]"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (!strcasecmp(name, names[i]))
			return true;
	return false;
}

/* The name of "NAME[:PORT]" or "[ADDRESS][:PORT]"; NULL: it is neither. */
static char *name_of(const char *authority)
{
	size_t n = *authority == '[' ? strcspn(authority, "]")
				     : strcspn(authority, ":");
	const char *rest;

	if (*authority == '[' && authority[n] == ']')
		n++;
	rest = authority + n;
	if (!n || (*rest && *rest != ':') ||
	    (*rest && strspn(rest + 1, "0123456789") != strlen(rest + 1)))
		return NULL;
	return mem_strndup(authority, n);
}

static bool is_address(const char *name)
{
	size_t len = strlen(name);

	return len &&
	       (name[0] == '[' || (strspn(name, "0123456789.") == len &&
				   isdigit((unsigned char)name[len - 1])));
}

/* A page that someone lured here by a name of his own names it. */
static bool host_is_ours(const struct mcp_http *h, const char *host)
{
	char *name = name_of(host);
	bool ours = name && (http_is_loopback(name) ||
			     (!h->loopback && is_address(name)));

	for (size_t i = 0; name && !ours && h->hosts[i]; i++)
		ours = !strcasecmp(h->hosts[i], name) ||
		       !strcasecmp(h->hosts[i], host);
	free(name);
	return ours;
}

static bool origin_may(const struct mcp_http *h, const char *origin)
{
	const char *authority = strstr(origin, "://");
	char *name = authority ? name_of(authority + 3) : NULL;
	bool may = name && http_is_loopback(name) &&
		   (!strncasecmp(origin, "http://", 7) ||
		    !strncasecmp(origin, "https://", 8));

	for (size_t i = 0; !may && h->origins[i]; i++)
		may = !strcasecmp(h->origins[i], origin);
	free(name);
	return may;
}

static struct http_principal *whose(struct mcp_http *h, const char *said)
{
	char digest[DIGEST_HEX_LEN];
	struct http_principal *who = NULL;

	if (!h->o.token_count)
		return &h->who[0];
	if (!said || strncasecmp(said, "Bearer ", 7) != 0)
		return NULL;
	said += 7;
	said += strspn(said, " ");
	digest_hex(said, strlen(said), digest);
	for (size_t i = 0; i < h->who_count; i++)
		if (digest_same(h->who[i].digest, digest))
			who = &h->who[i];
	return who;
}

/* Seconds until one more may come; 0: it may. */
static double too_soon(const struct mcp_http *h, struct http_principal *who)
{
	double now = clock_monotonic();

	if (h->o.rate <= 0)
		return 0;
	who->level = fmin(fmax(h->o.burst, 1),
			  who->level + (now - who->at) * h->o.rate);
	who->at = now;
	if (who->level < 1)
		return (1 - who->level) / h->o.rate;
	who->level -= 1;
	return 0;
}

/* ---- the checks --------------------------------------------------------- */

static void check_who(struct http_exchange *x)
{
	struct mcp_http *h = x->h;
	const struct http_request *rq = &x->rq;
	double wait;

	if (!rq->host || !host_is_ours(h, rq->host)) {
		http_refuse(x, 403, RPC_INVALID_REQUEST,
			    "this server does not go by the name in Host");
		return;
	}
	if (rq->origin && !origin_may(h, rq->origin)) {
		http_refuse(x, 403, RPC_INVALID_REQUEST,
			    "pages of this Origin may not ask");
		return;
	}
	x->who = whose(h, rq->authorization);
	if (!x->who) {
		http_refuse(x, 401, RPC_INVALID_REQUEST,
			    "needs a token: Authorization: Bearer TOKEN");
		return;
	}
	wait = too_soon(h, x->who);
	if (wait > 0) {
		http_refuse(x, 429, RPC_INVALID_REQUEST,
			    "too many requests; later");
		x->no.retry_s = (int)fmin(ceil(wait), 3600);
	}
}

static void check_verb(struct http_exchange *x, const char *method)
{
	const char *revision = x->rq.revision;
	bool newer = revision && strcmp(revision, HTTP_NEW_ERA) >= 0;

	if (!strcmp(method, "POST"))
		x->verb = 'P';
	else if (!strcmp(method, "GET") && !newer)
		x->verb = 'G';
	else if (!strcmp(method, "DELETE") && !newer)
		x->verb = 'D';
	else
		http_refuse(x, 405, RPC_INVALID_REQUEST,
			    newer ? "this revision has POST alone"
				  : "neither POST, GET nor DELETE");
}

static void check_types(struct http_exchange *x)
{
	const struct http_request *rq = &x->rq;

	if (x->verb == 'G' && !rq->sse) {
		http_refuse(x, 406, RPC_INVALID_REQUEST,
			    "Accept must allow text/event-stream");
		return;
	}
	if (x->verb != 'P')
		return;
	if (!rq->json && !rq->sse)
		http_refuse(x, 406, RPC_INVALID_REQUEST,
			    "Accept must allow application/json and "
			    "text/event-stream");
	else if (!rq->type || !is_token(rq->type, strcspn(rq->type, ";"),
					"application/json"))
		http_refuse(x, 415, RPC_INVALID_REQUEST,
			    "Content-Type must be application/json");
	else if (rq->encoding && strcasecmp(rq->encoding, "identity") != 0)
		http_refuse(x, 415, RPC_INVALID_REQUEST,
			    "no Content-Encoding is understood");
	else if (rq->length && strtoull(rq->length, NULL, 10) > MCP_MAX_MESSAGE)
		http_refuse(x, 413, RPC_INVALID_REQUEST,
			    "a message of more than %u bytes", MCP_MAX_MESSAGE);
}

static void check_session(struct http_exchange *x)
{
	const struct http_request *rq = &x->rq;
	const char *revision;

	if (!rq->session) {
		if (x->verb != 'P')
			http_refuse(x, 400, RPC_INVALID_REQUEST,
				    "needs Mcp-Session-Id");
		return;
	}
	/* In the new era there is no such thing, and it says nothing. */
	if (rq->revision && strcmp(rq->revision, HTTP_NEW_ERA) >= 0)
		return;
	x->session = http_session_find(x->h, rq->session, x->who);
	if (!x->session) {
		http_refuse(x, 404, RPC_INVALID_REQUEST,
			    "there is no such session, or no longer; begin "
			    "one by initialize");
		return;
	}
	x->in_session = true;
	revision = mcp_peer_revision(x->session->peer);
	if (rq->revision && strcmp(rq->revision, revision) != 0)
		http_refuse(x, 400, RPC_INVALID_REQUEST,
			    "MCP-Protocol-Version must be %s in this session",
			    revision);
}

void http_check(struct http_exchange *x, const char *path, const char *method)
{
	const struct http_request *rq = &x->rq;

	if (rq->twice)
		http_refuse(x, 400, RPC_INVALID_REQUEST,
			    "a header comes twice: %s", rq->twice);
	else if (rq->coding &&
		 (rq->length ||
		  !is_token(rq->coding, strlen(rq->coding), "chunked")))
		http_refuse(x, 400, RPC_INVALID_REQUEST,
			    "where the body ends must be said in one way");
	if (!x->no.status)
		check_who(x);
	if (!x->no.status && strcmp(path, MCP_HTTP_PATH) != 0)
		http_refuse(x, 404, RPC_INVALID_REQUEST,
			    "there is nothing but " MCP_HTTP_PATH);
	if (!x->no.status)
		check_verb(x, method);
	if (!x->no.status)
		check_types(x);
	if (!x->no.status && rq->bad)
		http_refuse(x, 400, RPC_HEADER_MISMATCH,
			    "the base64 in a header is not: %s", rq->bad);
	if (!x->no.status)
		check_session(x);
}
