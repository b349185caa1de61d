/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two files that a job is made of: what is to be run, and what came of it.
 *
 * Each is a head of lines and the bytes that it counts, so that nothing in it
 * is ever a word of a shell.  Both are read as if an enemy had written them:
 * every length is checked against what is there.
 */
#ifndef SCHEDKIT_EXECUTOR_PACKET_H
#define SCHEDKIT_EXECUTOR_PACKET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/strs.h"

#define PACKET_OUT_MAX	(64u << 20)  /* of what a job may write */
#define PACKET_SAID_MAX 4096	     /* of its standard error, the last */
#define PACKET_JOB_MAX	(256u << 20) /* of all that a job is told */
#define PACKET_NODE_LEN 65
#define PACKET_WORDS	1024 /* arguments and settings, together */

struct job_packet {
	struct strs argv;
	struct strs env; /* NAME=VALUE, beside what the node has */
	const char *input;
	size_t input_len;
};

struct answer_packet {
	int exit_status;
	bool gave_up; /* it was begun too often and never ended */
	double seconds;
	char node[PACKET_NODE_LEN];
	const char *out, *said;
	size_t out_len, said_len;
};

/* Adds the file's bytes to *out. */
void job_packet_write(const struct job_packet *p, struct buf *out);
void answer_packet_write(const struct answer_packet *p, struct buf *out);

/* -EBADMSG: it is not whole, or not one.  What is read points into data, but
 * for the lists, which job_packet_release() frees. */
int job_packet_read(const char *data, size_t len, struct job_packet *p);
int answer_packet_read(const char *data, size_t len, struct answer_packet *p);
void job_packet_release(struct job_packet *p);

/* A node's name without what does not belong into one. */
void packet_node(const char *name, char out[static PACKET_NODE_LEN]);

#endif
