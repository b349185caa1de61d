/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libmicrohttpd in a loop of somebody else's: its descriptors are watched, and
 * it is run when they are ready, when it wants to be, and when an answer has
 * come.
 */
#include "mcp/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "mcp/http_parts.h"

#define TICK_S	    1.0
#define GIVE_BACK_S 10.0
#define HEADERS	    65536 /* bytes */
#define BACKLOG	    128
#define DISCARD	    (4 * (size_t)MCP_MAX_MESSAGE)
#define LAST_TURNS  8

/* ---- connections -------------------------------------------------------- */

static struct in6_addr address_of(const struct sockaddr *a)
{
	struct in6_addr out = IN6ADDR_ANY_INIT;

	if (a->sa_family == AF_INET6) {
		out = ((const struct sockaddr_in6 *)a)->sin6_addr;
	} else if (a->sa_family == AF_INET) {
		out.s6_addr[10] = out.s6_addr[11] = 0xff;
		memcpy(out.s6_addr + 12,
		       &((const struct sockaddr_in *)a)->sin_addr, 4);
	}
	return out;
}

static enum MHD_Result on_accept(void *arg, const struct sockaddr *a,
				 socklen_t len)
{
	const struct mcp_http *h = arg;
	struct in6_addr from = address_of(a);
	size_t of_it = 0;

	(void)len;
	for (const struct http_conn *c = h->conns; c; c = c->next)
		of_it += !memcmp(&c->address, &from, sizeof(from));
	return !h->closing && h->conn_count < h->o.max_connections &&
			       of_it < h->o.max_per_address
		       ? MHD_YES
		       : MHD_NO;
}

static void on_connection(void *arg, struct MHD_Connection *mhd, void **ours,
			  enum MHD_ConnectionNotificationCode code)
{
	struct mcp_http *h = arg;
	struct http_conn *c = *ours;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		c = mem_zalloc(1, sizeof(*c));
		c->h = h;
		c->since = clock_monotonic();
		c->fd = MHD_get_connection_info(
				mhd, MHD_CONNECTION_INFO_CONNECTION_FD)
				->connect_fd;
		c->address = address_of(
			MHD_get_connection_info(
				mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS)
				->client_addr);
		c->next = h->conns;
		c->link = &h->conns;
		if (c->next)
			c->next->link = &c->next;
		h->conns = c;
		h->conn_count++;
		*ours = c;
	} else if (c) {
		*c->link = c->next;
		if (c->next)
			c->next->link = c->link;
		h->conn_count--;
		h->freed = true;
		free(c);
		*ours = NULL;
	}
}

/* ---- requests ----------------------------------------------------------- */

static void take_body(struct http_exchange *x, const char *data, size_t len)
{
	struct mcp_http *h = x->h;

	if (x->no.status || x->verb != 'P') {
		x->dropped += len;
		return;
	}
	if (h->bodies + len > HTTP_BODIES) {
		http_refuse(x, 503, RPC_INVALID_REQUEST,
			    "too much is being sent; later");
		x->no.retry_s = 1;
		return;
	}
	if (x->body.len + len > MCP_MAX_MESSAGE) {
		http_refuse(x, 413, RPC_INVALID_REQUEST,
			    "a message of more than %u bytes", MCP_MAX_MESSAGE);
		return;
	}
	buf_add(&x->body, data, len);
	h->bodies += len;
}

/* It is refused, and its body would be read for nothing.  A short one is read
 * all the same: closing before it came would lose the answer on its way. */
static bool refuse_now(const struct http_exchange *x)
{
	return x->no.status &&
	       (x->rq.expect ||
		(x->rq.length && strtoull(x->rq.length, NULL, 10) > DISCARD));
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *mhd,
				  const char *path, const char *method,
				  const char *version, const char *data,
				  size_t *len, void **ours)
{
	struct http_exchange *x = *ours;
	(void)arg;
	(void)version;

	if (!x) {
		x = http_exchange_new(
			MHD_get_connection_info(
				mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)
				->socket_context,
			mhd);
		*ours = x;
		http_request_read(&x->rq, mhd);
		http_check(x, path, method);
		return refuse_now(x) ? http_exchange_answer(x) : MHD_YES;
	}
	if (*len) {
		take_body(x, data, *len);
		*len = 0;
		return x->dropped > DISCARD ? MHD_NO : MHD_YES;
	}
	if (!x->whole)
		http_exchange_begin(x);
	return http_exchange_answer(x);
}

static void on_end(void *arg, struct MHD_Connection *mhd, void **ours,
		   enum MHD_RequestTerminationCode why)
{
	struct http_exchange *x = *ours;

	(void)arg;
	(void)mhd;
	(void)why;
	*ours = NULL;
	if (!x)
		return;
	x->conn->since = clock_monotonic();
	http_exchange_free(x);
}

/* ---- the loop ----------------------------------------------------------- */

static void run(void *arg)
{
	struct mcp_http *h = arg;
	MHD_UNSIGNED_LONG_LONG ms;
	double next = INFINITY;

	h->freed = false;
	for (size_t i = 0; i < HTTP_LISTENERS; i++)
		if (h->daemon[i])
			MHD_run(h->daemon[i]);
	/* If it had no descriptors left it accepts again, but in the next run
	 * only. */
	if (h->freed)
		next = 0;
	for (size_t i = 0; i < HTTP_LISTENERS; i++)
		if (h->daemon[i] &&
		    MHD_get_timeout(h->daemon[i], &ms) == MHD_YES)
			next = fmin(next, (double)ms / 1e3);
	event_timer_set(h->run, next);
}

static void on_ready(void *arg, short ready)
{
	(void)ready;
	run(arg);
}

/* Its end of the connection is closed, and all that came is read. */
static bool has_left(const struct http_conn *c)
{
	char byte;

	return recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

static void tick(void *arg)
{
	struct mcp_http *h = arg;
	double now = clock_monotonic();

	/* MHD lets everybody live who sends a byte now and then. */
	for (struct http_conn *c = h->conns; c; c = c->next)
		if (now - c->since > h->o.patience_s)
			shutdown(c->fd, SHUT_RDWR);
	for (struct http_exchange *x = h->exchanges; x; x = x->next) {
		/* MHD takes less than it asked for as the end of what came,
		 * misses the close behind it, and would keep the body. */
		if (!x->whole && has_left(x->conn))
			shutdown(x->conn->fd, SHUT_RDWR);
		http_exchange_tick(x, now);
	}
	http_session_expire(h, now);
	if (now - h->gave_back >= GIVE_BACK_S) {
		mem_give_back();
		h->gave_back = now;
	}
	event_timer_set(h->tick, TICK_S);
}

/* ---- opening ------------------------------------------------------------ */

void mcp_http_defaults(struct mcp_http_opts *o)
{
	o->max_connections = 512;
	o->max_per_address = 256;
	o->max_sessions = 64;
	o->patience_s = 30;
	o->session_s = 3600;
	o->quiet_s = 15;
	o->rate = 2000;
	o->burst = 2000;
}

/* And one more, if it is not NULL. */
static char **copy_strings(const char *const *v, size_t n, const char *more)
{
	char **out = mem_zalloc(n + 2, sizeof(*out));

	for (size_t i = 0; i < n; i++)
		out[i] = mem_strdup(v[i]);
	if (more)
		out[n] = mem_printf(strchr(more, ':') ? "[%s]" : "%s", more);
	return out;
}

static void free_strings(char **v)
{
	for (size_t i = 0; v && v[i]; i++)
		free(v[i]);
	free(v);
}

static int copy_tokens(struct mcp_http *h)
{
	h->who_count = h->o.token_count ? h->o.token_count : 1;
	h->who = mem_zalloc(h->who_count, sizeof(*h->who));
	for (size_t i = 0; i < h->who_count; i++) {
		const struct mcp_http_token *t = &h->o.tokens[i];

		h->who[i].level = h->o.burst;
		h->who[i].at = clock_monotonic();
		if (!h->o.token_count) {
			h->who[i].name = mem_strdup("local");
			continue;
		}
		h->who[i].name = mem_strdup(t->principal);
		if (t->sha256) {
			snprintf(h->who[i].digest, sizeof(h->who[i].digest),
				 "%s", t->sha256);
			continue;
		}
		if (!t->token[0])
			return err_set(EINVAL, "the token of '%s' is empty",
				       t->principal);
		digest_hex(t->token, strlen(t->token), h->who[i].digest);
	}
	return 0;
}

/* A socket that listens, or -errno with a message. */
static int listen_at(const char *address, unsigned port, unsigned *got)
{
	struct sockaddr_in6 six = {.sin6_family = AF_INET6,
				   .sin6_port = htons((uint16_t)port)};
	struct sockaddr_in four = {.sin_family = AF_INET,
				   .sin_port = htons((uint16_t)port)};
	bool is_six = inet_pton(AF_INET6, address, &six.sin6_addr) == 1;
	struct sockaddr *a =
		is_six ? (struct sockaddr *)&six : (struct sockaddr *)&four;
	socklen_t len = is_six ? sizeof(six) : sizeof(four);
	int yes = 1, fd, rc;

	if (!is_six && inet_pton(AF_INET, address, &four.sin_addr) != 1)
		return err_set(EINVAL, "'%s' is no address", address);
	fd = socket(a->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
		    0);
	if (fd >= 0 &&
	    !setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) &&
	    (!is_six ||
	     !setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof(yes))) &&
	    !bind(fd, a, len) && !listen(fd, BACKLOG) &&
	    !getsockname(fd, a, &len)) {
		*got = ntohs(is_six ? six.sin6_port : four.sin_port);
		return fd;
	}
	rc = err_set(errno, "cannot listen at %s, port %u: %s", address, port,
		     strerror(errno));
	if (fd >= 0)
		close(fd);
	return rc;
}

static int start(struct mcp_http *h, size_t i, const char *address)
{
	unsigned patience = (unsigned)fmax(1, ceil(h->o.patience_s));
	int fd = listen_at(address, h->port, &h->port);
	const union MHD_DaemonInfo *info;

	if (fd < 0)
		return fd;
	h->daemon[i] = MHD_start_daemon(
		MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, on_accept, h,
		on_request, h, MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_NOTIFY_COMPLETED, on_end, h,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, h,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned)h->o.max_connections + 1,
		MHD_OPTION_CONNECTION_TIMEOUT, patience,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEADERS,
		MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
	if (!h->daemon[i]) {
		close(fd);
		return err_set(EIO, "cannot serve HTTP at %s", address);
	}
	info = MHD_get_daemon_info(h->daemon[i], MHD_DAEMON_INFO_EPOLL_FD);
	h->watch[i] =
		event_new(h->o.events, info->epoll_fd, POLLIN, on_ready, h);
	return 0;
}

static int start_all(struct mcp_http *h)
{
	const char *address = h->o.address;
	int rc;

	h->loopback = !address || http_is_loopback(address) ||
		      !strncmp(address, "127.", 4);
	if (!h->loopback && !h->o.token_count)
		return err_set(EACCES,
			       "no token is set, and without one only the "
			       "loopback addresses are served, not %s",
			       address);
	if (address && strcasecmp(address, "localhost") != 0)
		return start(h, 0, address);
	rc = start(h, 0, "127.0.0.1");
	/* Not every machine has it. */
	if (!rc && start(h, 1, "::1") == -EADDRINUSE)
		rc = -EADDRINUSE;
	return rc;
}

int mcp_http_open(const struct mcp_http_opts *o, struct mcp_http **out)
{
	struct mcp_http *h = mem_zalloc(1, sizeof(*h));
	int rc;

	h->o = *o;
	h->port = o->port;
	h->origins = copy_strings(o->origins, o->origin_count, NULL);
	h->hosts = copy_strings(o->hosts, o->host_count, o->address);
	h->run = event_timer_new(o->events, run, h);
	h->tick = event_timer_new(o->events, tick, h);
	rc = copy_tokens(h);
	if (!rc)
		rc = start_all(h);
	if (rc) {
		mcp_http_close(h);
		return rc;
	}
	event_timer_set(h->run, 0);
	event_timer_set(h->tick, TICK_S);
	*out = h;
	return 0;
}

unsigned mcp_http_port(const struct mcp_http *h)
{
	return h->port;
}

void mcp_http_close(struct mcp_http *h)
{
	if (!h)
		return;
	h->closing = true;
	while (h->sessions)
		http_session_end(h->sessions);
	for (struct http_exchange *x = h->exchanges; x; x = x->next)
		http_exchange_leave(x);
	for (int i = 0; i < LAST_TURNS; i++)
		run(h);
	/* Who has not read by now is not waited for. */
	for (struct http_exchange *x = h->exchanges; x; x = x->next)
		http_exchange_drop(x);
	run(h);
	for (size_t i = 0; i < HTTP_LISTENERS; i++) {
		event_free(h->watch[i]);
		if (h->daemon[i])
			MHD_stop_daemon(h->daemon[i]);
	}
	event_timer_free(h->run);
	event_timer_free(h->tick);
	for (size_t i = 0; i < h->who_count; i++)
		free(h->who[i].name);
	free(h->who);
	free_strings(h->origins);
	free_strings(h->hosts);
	free(h);
}
