/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a policy that follows a model makes of others, as fast as they come:
 *
 *   swap POLICY many N MODEL OTHER COMMAND...
 *       hands it N models, by turns these two, a thousand a second at most,
 *       and waits for the command
 *   swap POLICY brake N MODEL OTHER COMMAND...
 *       N times: the model, until it is followed, then the other one, until
 *       that is braked; takes the command off in the end
 *
 * POLICY is the body of one as a file.  Takes root.  Prints what came of it, in
 * milliseconds a line for "brake"; the command's own output stands before.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/path.h"
#include "base/ticker.h"
#include "guard/stand.h"
#include "learn/forecast.h"
#include "policy/learned.h"
#include "policy/object.h"
#include "scx/ext.h"
#include "trace/context.h"

#define BODY_MAX   (1u << 20)
#define LOOK_US	   5000
#define BETWEEN_US 1000
#define PATIENCE   20.0 /* s, for a model to be followed or braked */

static struct ext_policy *ext;
static struct context context;

static int fail(const char *what)
{
	fprintf(stderr, "swap: %s: %s\n", what, err_text());
	return 1;
}

static void tell_context(void *arg)
{
	(void)arg;
	context_look(&context);
	ext_context(ext, &context.is);
}

static int load(const char *file)
{
	struct json *body;
	struct buf b;
	char *path;
	int rc;

	buf_init(&b, BODY_MAX);
	rc = buf_read_file(&b, file);
	body = rc ? NULL : json_parse(b.data, b.len);
	path = policy_object_path(body);
	if (!rc)
		rc = ext_load(path, body, &ext, NULL);
	if (!rc)
		rc = ext_attach(ext);
	free(path);
	json_free(body);
	buf_release(&b);
	return rc;
}

/* It waits until *go is closed: it is not to stand where we do, and not to
 * begin before the policy is there. */
static pid_t begin(char **argv, int *go)
{
	int ends[2];
	pid_t pid = pipe(ends) ? -1 : fork();

	if (!pid) {
		char byte;

		close(ends[1]);
		if (!read(ends[0], &byte, 1))
			execvp(argv[0], argv);
		_exit(127);
	}
	close(ends[0]);
	*go = ends[1];
	return pid;
}

/* Seconds until the policy says this of the model that it was handed last; -1:
 * it never did. */
static double until(uint32_t generation, uint32_t state)
{
	double since = clock_monotonic(), now;
	struct learned_report r;

	do {
		usleep(LOOK_US);
		now = clock_monotonic();
		if (ext_learned(ext, &r))
			return -1;
		if (r.generation == generation && r.state == state)
			return now - since;
	} while (now - since < PATIENCE && ext_alive(ext));
	return -1;
}

static int many(const struct forecast m[2], unsigned n, pid_t pid)
{
	double since = clock_monotonic(), took;
	uint32_t generation = 0;
	int status;

	for (unsigned i = 0; i < n; i++) {
		usleep(BETWEEN_US);
		if (ext_model(ext, &m[i % 2], &generation))
			return fail("a model is not taken");
	}
	took = clock_monotonic() - since;
	if (waitpid(pid, &status, 0) != pid)
		return fail("the command is lost");
	printf("%u models in %.3f s, the last is number %u; the command ended "
	       "with %d after %.1f s; the policy is %s\n",
	       n, took, generation, WEXITSTATUS(status),
	       clock_monotonic() - since, ext_alive(ext) ? "attached" : "gone");
	return 0;
}

static int brake(const struct forecast m[2], unsigned n, pid_t pid)
{
	uint32_t generation;
	double good, bad;
	int rc = 0;

	for (unsigned i = 0; i < n && !rc; i++) {
		rc = ext_model(ext, &m[0], &generation);
		good = rc ? -1 : until(generation, LEARNED_FOLLOW);
		if (!rc)
			rc = ext_model(ext, &m[1], &generation);
		bad = rc ? -1 : until(generation, LEARNED_BRAKED);
		printf("followed after %.0f, braked after %.0f\n", good * 1e3,
		       bad * 1e3);
	}
	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
	return rc ? fail("a model is not taken") : 0;
}

int main(int argc, char **argv)
{
	static struct forecast m[2];
	struct ticker *ticker;
	struct stand stand;
	unsigned n;
	pid_t pid;
	int rc, go;

	if (argc < 7) {
		fputs("usage: swap POLICY {many | brake} N MODEL OTHER "
		      "COMMAND...\n",
		      stderr);
		return 2;
	}
	n = (unsigned)strtoul(argv[3], NULL, 10);
	if (forecast_read(argv[4], &m[0]) || forecast_read(argv[5], &m[1]))
		return fail("no model");
	pid = begin(argv + 6, &go);
	stand_above(&stand);
	if (pid < 0 || load(argv[1]))
		return fail("cannot attach");
	close(go);
	context_init(&context);
	ticker = ticker_new(CONTEXT_EVERY_S, tell_context, NULL);
	setlinebuf(stdout);
	rc = strcmp(argv[2], "brake") ? many(m, n, pid) : brake(m, n, pid);
	ticker_free(ticker);
	ext_free(ext);
	return rc;
}
