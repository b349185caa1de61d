/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "trace/record.h"

#include <bpf/libbpf.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/thread.h"
#include "bpf/trace_abi.h"

/* The kernel does not wake the reader, so that it disturbs nothing. */
#define DRAIN_NS    10000000
#define CHUNK_BYTES (1u << 16)

struct recorder {
	int fd;
	char *path;
	uint64_t max, written, events, drops;
	int error; /* errno of the first failed write */
	struct buf out;
	struct ring_buffer *ring;
	pthread_t thread;
	bool running;
	volatile bool stop;
};

static void flush(struct recorder *r)
{
	int rc = r->error ? 0 : io_write(r->fd, r->out.data, r->out.len);

	if (rc)
		r->error = -rc;
	buf_reset(&r->out);
}

static void put(struct recorder *r, const struct trace_record *from)
{
	struct trace_record to = *from;

	to.at = htole64(from->at);
	to.value = htole64(from->value);
	to.pid = htole32(from->pid);
	to.other = htole32(from->other);
	to.cpu = htole16(from->cpu);
	buf_add(&r->out, &to, sizeof(to));
	r->written += sizeof(to);
	if (r->out.len >= CHUNK_BYTES)
		flush(r);
}

static int take(void *arg, void *data, size_t size)
{
	struct recorder *r = arg;

	/* The last record is the one that says that it is whole. */
	if (size < sizeof(struct trace_record) ||
	    r->written + 2 * sizeof(struct trace_record) > r->max) {
		r->drops++;
		return 0;
	}
	put(r, data);
	r->events++;
	return 0;
}

static void *drain(void *arg)
{
	const struct timespec pause = {.tv_nsec = DRAIN_NS};
	struct recorder *r = arg;

	while (!r->stop) {
		ring_buffer__consume(r->ring);
		flush(r);
		nanosleep(&pause, NULL);
	}
	return NULL;
}

int recorder_new(const char *path, uint64_t max_bytes, uint64_t start,
		 struct recorder **out)
{
	struct trace_header h = {
		.magic = REC_MAGIC,
		.version = htole32(REC_VERSION),
		.record_bytes = htole32(sizeof(struct trace_record)),
		.hz = htole64(1000000000),
		.start = htole64(start),
		.cpus = htole32((uint32_t)sysconf(_SC_NPROCESSORS_ONLN)),
	};
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644), rc;
	struct recorder *r;

	*out = NULL;
	if (fd < 0)
		return err_set(errno, "cannot write the trace '%s': %s", path,
			       strerror(errno));
	rc = io_write(fd, &h, sizeof(h));
	if (rc) {
		close(fd);
		return err_set(-rc, "cannot write the trace '%s': %s", path,
			       strerror(-rc));
	}
	r = mem_zalloc(1, sizeof(*r));
	r->fd = fd;
	r->path = mem_strdup(path);
	r->max = max_bytes;
	r->written = sizeof(h);
	buf_init(&r->out, 2 * CHUNK_BYTES);
	*out = r;
	return 0;
}

int recorder_start(struct recorder *r, int map_fd)
{
	int rc;

	r->ring = ring_buffer__new(map_fd, take, r, NULL);
	if (!r->ring)
		return err_set(ENOTSUP, "cannot read the events of a trace: %s",
			       strerror(errno));
	rc = thread_start(&r->thread, drain, r);
	r->running = !rc;
	return rc;
}

static void join(struct recorder *r)
{
	r->stop = true;
	if (r->running)
		pthread_join(r->thread, NULL);
	r->running = false;
}

int recorder_stop(struct recorder *r, uint64_t lost, uint64_t *events,
		  uint64_t *drops)
{
	struct trace_record end = {.what = REC_END};

	join(r);
	ring_buffer__consume(r->ring);
	*events = r->events;
	*drops = end.value = r->drops + lost;
	put(r, &end);
	flush(r);
	if (close(r->fd) && !r->error)
		r->error = errno;
	r->fd = -1;
	if (r->error)
		return err_set(r->error, "cannot write the trace '%s': %s",
			       r->path, strerror(r->error));
	return 0;
}

void recorder_free(struct recorder *r)
{
	if (!r)
		return;
	join(r);
	ring_buffer__free(r->ring);
	if (r->fd >= 0)
		close(r->fd);
	buf_release(&r->out);
	free(r->path);
	free(r);
}
