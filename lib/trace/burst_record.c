/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "trace/burst_record.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/thread.h"
#include "trace/context.h"

/* The kernel does not wake the reader, so that it disturbs nothing. */
#define DRAIN_NS 10000000
/* What a reader beside it, or one who kills it, has to do without. */
#define FLUSH_S 5.0

struct burst_recorder {
	struct bursts_writer *file;
	struct observe_state *state; /* shared with the kernel */
	struct context context;
	uint64_t lost; /* of state->burst_drops, as far as the file has them */
	struct ring_buffer *ring;
	pthread_t thread;
	bool running;
	volatile bool stop;
};

static int take(void *arg, void *data, size_t size)
{
	struct burst_recorder *r = arg;

	if (size >= sizeof(struct burst_record))
		bursts_put(r->file, data);
	return 0;
}

static void consume(struct burst_recorder *r)
{
	uint64_t lost = r->state->burst_drops;

	ring_buffer__consume(r->ring);
	bursts_lost(r->file, lost - r->lost);
	r->lost = lost;
}

static void *drain(void *arg)
{
	const struct timespec pause = {.tv_nsec = DRAIN_NS};
	struct burst_recorder *r = arg;
	double flushed = clock_monotonic();

	while (!r->stop) {
		consume(r);
		context_look(&r->context);
		r->state->context = r->context.is;
		if (clock_monotonic() - flushed >= FLUSH_S) {
			bursts_flush(r->file);
			flushed = clock_monotonic();
		}
		nanosleep(&pause, NULL);
	}
	return NULL;
}

/* 1970 to when CLOCK_MONOTONIC was 0. */
static int64_t epoch_ns(void)
{
	struct timespec wall, mono;

	clock_gettime(CLOCK_MONOTONIC, &mono);
	clock_gettime(CLOCK_REALTIME, &wall);
	return ((int64_t)wall.tv_sec - mono.tv_sec) * 1000000000 +
	       wall.tv_nsec - mono.tv_nsec;
}

int burst_recorder_new(const char *path, uint64_t max_bytes, uint32_t every,
		       struct burst_recorder **out)
{
	struct bursts_opts opts = {
		.max_bytes = max_bytes, .every = every, .epoch_ns = epoch_ns()};
	struct burst_recorder *r = mem_zalloc(1, sizeof(*r));
	int rc = bursts_append(path, &opts, &r->file);

	if (rc) {
		free(r);
		r = NULL;
	}
	*out = r;
	return rc;
}

int burst_recorder_start(struct burst_recorder *r, int map_fd,
			 struct observe_state *state)
{
	int rc;

	r->state = state;
	context_init(&r->context);
	state->context = r->context.is;
	r->ring = ring_buffer__new(map_fd, take, r, NULL);
	if (!r->ring)
		return err_set(ENOTSUP, "cannot read bursts: %s",
			       strerror(errno));
	rc = thread_start(&r->thread, drain, r);
	r->running = !rc;
	return rc;
}

static void join(struct burst_recorder *r)
{
	r->stop = true;
	if (r->running)
		pthread_join(r->thread, NULL);
	r->running = false;
}

int burst_recorder_stop(struct burst_recorder *r, struct bursts_written *sum)
{
	join(r);
	consume(r);
	return bursts_finish(r->file, sum);
}

void burst_recorder_free(struct burst_recorder *r)
{
	if (!r)
		return;
	join(r);
	ring_buffer__free(r->ring);
	bursts_writer_free(r->file);
	free(r);
}
