/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scx/figures.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"

#define CHUNK 16384

static const char request[] = "{\"req\":\"stats\",\"args\":{\"target\":"
			      "\"top\"}}\n";

struct figures {
	int fd;
	struct buf in;
};

/* ---- an answer -------------------------------------------------------- */

/* name: of v, empty for the answer itself. */
static void flatten(const struct json *v, const char *name, struct json *out,
		    size_t *count)
{
	char longer[FIGURES_NAME + 1];
	size_t i = 0;

	if (json_type(v) == JSON_NUMBER && *name && *count < FIGURES_MAX) {
		json_set_number(out, name, json_as_number(v, 0));
		(*count)++;
	}
	if (json_type(v) != JSON_OBJECT && json_type(v) != JSON_ARRAY)
		return;
	json_each (m, v) {
		const char *key = json_key(m), *dot = *name ? "." : "";
		int n = key ? snprintf(longer, sizeof(longer), "%s%s%s", name,
				       dot, key)
			    : snprintf(longer, sizeof(longer), "%s%s%zu", name,
				       dot, i);

		i++;
		if (n > 0 && n <= FIGURES_NAME && *count < FIGURES_MAX)
			flatten(m, longer, out, count);
	}
}

int figures_read(const char *line, size_t len, struct json **out)
{
	struct json *v = json_parse(line, len);
	const struct json *resp = json_path(v, "args.resp");
	size_t count = 0;
	int rc = 0;

	*out = NULL;
	if (!v)
		return err_prefix(-EBADMSG, "its figures are no JSON");
	if (json_type(json_get(v, "errno")) != JSON_NUMBER || !resp)
		rc = err_set(EBADMSG, "its answer is not of scx_stats");
	else if (json_as_number(json_get(v, "errno"), 0) != 0)
		rc = err_set(EREMOTEIO, "it has no figures (%.256s)",
			     json_as_string(resp, "it does not say why"));
	if (!rc) {
		*out = json_object();
		flatten(resp, "", *out, &count);
	}
	json_free(v);
	return rc;
}

/* ---- the connection --------------------------------------------------- */

static int check_peer(int fd, const char *path, pid_t pid)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return err_set(errno, "cannot see who is at '%s': %s", path,
			       strerror(errno));
	return !pid || peer.pid == pid
		       ? 0
		       : err_set(EPERM,
				 "'%s' is process %d's, not the scheduler's",
				 path, peer.pid);
}

int figures_open(const char *path, pid_t pid, struct figures **out)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd, rc = 0;

	*out = NULL;
	if (strlen(path) >= sizeof(at.sun_path))
		return err_set(ENAMETOOLONG, "'%s' is too long for a socket",
			       path);
	strcpy(at.sun_path, path);
	/* A full queue of connections is not waited for. */
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		rc = err_set(errno, "cannot connect to '%s': %s", path,
			     strerror(errno));
	if (!rc)
		rc = check_peer(fd, path, pid);
	if (rc) {
		if (fd >= 0)
			close(fd);
		return rc;
	}
	*out = mem_zalloc(1, sizeof(**out));
	(*out)->fd = fd;
	buf_init(&(*out)->in, FIGURES_LINE);
	return 0;
}

/* Ready for that within the time that is left. */
static int await(const struct figures *f, short what, double until)
{
	struct pollfd p = {f->fd, what, 0};
	double left = until - clock_monotonic();

	if (left > 0 && poll(&p, 1, (int)ceil(left * 1000)) > 0)
		return 0;
	return err_set(ETIMEDOUT, "its figures did not come in time");
}

static int reset(void)
{
	return err_set(ECONNRESET, "it closed the connection");
}

static int send_request(const struct figures *f, double until)
{
	size_t sent = 0;

	while (sent < sizeof(request) - 1) {
		ssize_t n = send(f->fd, request + sent,
				 sizeof(request) - 1 - sent, MSG_NOSIGNAL);
		int rc = 0;

		if (n > 0)
			sent += (size_t)n;
		else if (errno == EAGAIN || errno == EINTR)
			rc = await(f, POLLOUT, until);
		else
			rc = reset();
		if (rc)
			return rc;
	}
	return 0;
}

static int read_line(struct figures *f, double until)
{
	char chunk[CHUNK];
	int rc = 0;

	buf_reset(&f->in);
	while (!rc) {
		ssize_t n = recv(f->fd, chunk, sizeof(chunk), 0);

		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
			rc = reset();
		} else if (n < 0) {
			rc = await(f, POLLIN, until);
		} else if (f->in.len + (size_t)n > FIGURES_LINE) {
			rc = err_set(EMSGSIZE, "its figures are too long");
		} else {
			buf_add(&f->in, chunk, (size_t)n);
			if (memchr(chunk, '\n', (size_t)n))
				return 0;
			/* Who sends byte after byte has no longer. */
			if (clock_monotonic() > until)
				rc = await(f, POLLIN, until);
		}
	}
	return rc;
}

int figures_ask(struct figures *f, double patience_s, struct json **out)
{
	double until = clock_monotonic() + patience_s;
	int rc;

	*out = NULL;
	rc = send_request(f, until);
	if (!rc)
		rc = read_line(f, until);
	if (rc)
		return rc;
	return figures_read(
		f->in.data,
		(size_t)((char *)memchr(f->in.data, '\n', f->in.len) -
			 f->in.data),
		out);
}

void figures_close(struct figures *f)
{
	if (!f)
		return;
	close(f->fd);
	buf_release(&f->in);
	free(f);
}
