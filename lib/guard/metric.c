/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "guard/metric.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/io.h"

#define PATIENCE_S 10

/* ---- the process that tells ------------------------------------------- */

static void rest(double s)
{
	struct timespec t = {(time_t)s, (long)((s - floor(s)) * 1e9)};

	nanosleep(&t, NULL);
}

static void tell(int fd, void *arg)
{
	const struct metric_source *m = arg;
	double value;

	child_usual_signals();
	if (io_keep_only(fd))
		return;
	for (;;) {
		if (!m->read(m->arg, &value) && isfinite(value) &&
		    io_write(3, &value, sizeof(value)))
			return;
		rest(METRIC_EVERY_S);
	}
}

/* ---- who listens ------------------------------------------------------ */

int metric_source_open(struct metric_source *m, double now)
{
	struct pollfd p;
	double value;
	int rc;

	m->child = (struct child){.fd = -1};
	rc = child_fork(tell, m, true, &m->child);
	if (rc)
		return rc;
	p = (struct pollfd){m->child.fd, POLLIN, 0};
	/* Left to be read: the first number of the time before. */
	if (poll(&p, 1, PATIENCE_S * 1000) <= 0 ||
	    recv(m->child.fd, &value, sizeof(value), MSG_PEEK) <= 0)
		return err_set(EIO,
			       "metric '%s': its command printed no number "
			       "within %d s",
			       m->name, PATIENCE_S);
	m->heard = now;
	return 0;
}

bool metric_source_tick(struct metric_source *m, double now, double *value)
{
	bool news = false;
	double v;
	ssize_t n;

	while (!m->dead &&
	       (n = recv(m->child.fd, &v, sizeof(v), MSG_DONTWAIT)) != -1) {
		m->dead = n != sizeof(v);
		if (m->dead)
			break;
		*value = v;
		m->heard = now;
		news = true;
	}
	if (news || now - m->heard < METRIC_SILENCE_S)
		return news;
	*value = NAN;
	/* Each further second of silence is one more sample. */
	m->heard = now - METRIC_SILENCE_S + 1;
	return true;
}

void metric_source_close(struct metric_source *m)
{
	if (m->child.fd >= 0)
		close(m->child.fd);
	m->child.fd = -1;
	child_end(&m->child, 0);
}
