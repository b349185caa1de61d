/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A long-tailed batch: all its jobs are started at once, and it is done when
 * the last one is.
 *
 *   batch [--seed N] DIR           the batch, as a shell would start it
 *   batch [--seed N] --bound DIR   the same jobs by an optimal plan
 *
 * DIR/jobs has a job on each line: what it weighs, then its command, words
 * split at blanks.  The first one is the long one.  The others are taken in
 * turn until they weigh as much together as the long one on every CPU but its
 * own: then a plan that starts the long one at once and never holds it up
 * ends with it, and any other ends later.  They start in an order that the
 * seed decides, the long one two thirds in.
 *
 * Each job has a folder of its own to run in, in which "in" is DIR and "out"
 * what it prints: so its arguments, and with them its learned identity, are
 * the same in every run, wherever DIR is.
 *
 * The bound starts the long one first and lets it go before all others wherever
 * it wants to run (nice); they get what it leaves.  A plan that can be had,
 * measured where the batch is; it knows the weights, which no scheduler is
 * told.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <getopt.h>
#include <limits.h>
#include <sched.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "work.h"

#define MAX_ROWS  64
#define MAX_JOBS  4096
#define MAX_WORDS 32

extern char **environ;

struct row {
	double weight;
	char *words[MAX_WORDS + 1];
};

struct job {
	const struct row *row;
	pid_t pid;
	double ended;
};

static struct row rows[MAX_ROWS];
static size_t row_count;
static struct job jobs[MAX_JOBS];
static size_t job_count;
static char scratch[PATH_MAX];

static void die(const char *what)
{
	fprintf(stderr, "batch: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* ---- the jobs --------------------------------------------------------- */

static void read_row(char *line)
{
	struct row *r = &rows[row_count];
	char *rest, *word = strtok_r(line, " \t\n", &rest);
	size_t n = 0;

	if (!word)
		return;
	r->weight = atof(word);
	while (n < MAX_WORDS && (word = strtok_r(NULL, " \t\n", &rest)))
		r->words[n++] = strdup(word);
	if (r->weight <= 0 || !n || strtok_r(NULL, " \t\n", &rest)) {
		fprintf(stderr, "batch: row %zu of the jobs makes no sense\n",
			row_count + 1);
		exit(1);
	}
	row_count++;
}

static void read_jobs(const char *dir)
{
	char path[PATH_MAX + 8], *line = NULL;
	size_t size = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/jobs", dir);
	f = fopen(path, "re");
	if (!f)
		die(path);
	while (row_count < MAX_ROWS && getline(&line, &size, f) > 0)
		read_row(line);
	free(line);
	fclose(f);
	if (row_count < 2) {
		fprintf(stderr, "batch: '%s' has fewer than two jobs\n", path);
		exit(1);
	}
}

static void add(const struct row *r)
{
	if (job_count < MAX_JOBS)
		jobs[job_count++].row = r;
}

static void swap(size_t a, size_t b)
{
	struct job j = jobs[a];

	jobs[a] = jobs[b];
	jobs[b] = j;
}

/* The first is the long one. */
static void choose(int cpus)
{
	double left = rows[0].weight * (cpus > 1 ? cpus - 1 : 1);

	add(&rows[0]);
	for (size_t i = 1; left > 0 && job_count < MAX_JOBS;
	     i = i % (row_count - 1) + 1) {
		/* Whichever comes nearer. */
		if (rows[i].weight > 2 * left)
			break;
		add(&rows[i]);
		left -= rows[i].weight;
	}
}

/* Knuth's shuffle of the others; the long one goes two thirds in. */
static void shuffle(uint64_t seed)
{
	uint64_t x = seed * 2654435761U + 88172645463325252ULL;

	for (size_t i = job_count - 1; i > 1; i--) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		swap(i, 1 + x % i);
	}
	swap(0, job_count * 2 / 3);
}

/* ---- running them ----------------------------------------------------- */

static void make_folder(const char *dir, size_t i)
{
	char path[PATH_MAX + 32];

	snprintf(path, sizeof(path), "%s/%zu", scratch, i);
	if (mkdir(path, 0700))
		die(path);
	snprintf(path, sizeof(path), "%s/%zu/in", scratch, i);
	if (symlink(dir, path))
		die(path);
}

static void start(size_t i)
{
	struct job *j = &jobs[i];
	posix_spawn_file_actions_t fa;
	char folder[PATH_MAX + 32];

	snprintf(folder, sizeof(folder), "%s/%zu", scratch, i);
	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_addchdir_np(&fa, folder);
	posix_spawn_file_actions_addopen(&fa, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&fa, 1, "out", O_WRONLY | O_CREAT,
					 0600);
	errno = posix_spawnp(&j->pid, j->row->words[0], &fa, NULL,
			     j->row->words, environ);
	if (errno)
		die(j->row->words[0]);
	posix_spawn_file_actions_destroy(&fa);
}

static bool wait_all(double began)
{
	bool ok = true;
	int status;
	pid_t pid;

	for (size_t left = job_count; left;) {
		pid = waitpid(-1, &status, 0);
		if (pid < 0 && errno != EINTR)
			die("waitpid");
		for (size_t i = 0; i < job_count && pid > 0; i++) {
			struct job *j = &jobs[i];

			if (j->pid != pid)
				continue;
			left--;
			j->ended = now() - began;
			if (!WIFEXITED(status) || WEXITSTATUS(status)) {
				fprintf(stderr, "batch: a job failed: %s %s\n",
					j->row->words[0],
					j->row->words[1] ? j->row->words[1]
							 : "");
				ok = false;
			}
		}
	}
	return ok;
}

static int heavier(const void *a, const void *b)
{
	double x = ((const struct job *)a)->row->weight;
	double y = ((const struct job *)b)->row->weight;

	return x > y ? -1 : x < y;
}

/* Without privilege nobody can go before others, but others behind. */
static void start_by_plan(void)
{
	int after = setpriority(PRIO_PROCESS, 0, -20) ? 19 : 0;

	qsort(jobs, job_count, sizeof(*jobs), heavier);
	for (size_t i = 0; i < job_count; i++) {
		start(i);
		if (!i && setpriority(PRIO_PROCESS, 0, after))
			die("setpriority");
	}
}

/* ---- the whole -------------------------------------------------------- */

static int remove_one(const char *path, const struct stat *st, int flag,
		      struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static void report(double makespan, const struct row *long_row)
{
	double sum = 0, last = 0;

	for (size_t i = 0; i < job_count; i++) {
		if (jobs[i].row == long_row)
			continue;
		sum += jobs[i].ended;
		last = jobs[i].ended > last ? jobs[i].ended : last;
	}
	printf("%zu jobs, all but the longest: mean %.3f s, last %.3f s\n",
	       job_count, sum / (job_count - 1), last);
	printf("makespan %.3f s\n", makespan);
}

static bool run(const char *dir, bool bound)
{
	double began;
	bool ok;

	for (size_t i = 0; i < job_count; i++)
		make_folder(dir, i);
	began = now();
	if (bound)
		start_by_plan();
	for (size_t i = 0; !bound && i < job_count; i++)
		start(i);
	ok = wait_all(began);
	report(now() - began, &rows[0]);
	return ok;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"bound", no_argument, NULL, 'b'},
		{"seed", required_argument, NULL, 's'},
		{NULL, 0, NULL, 0},
	};
	const char *tmp = getenv("TMPDIR");
	char dir[PATH_MAX];
	cpu_set_t allowed;
	uint64_t seed = 1;
	bool bound = false, ok;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'b')
			bound = true;
		else if (c == 's')
			seed = strtoull(optarg, NULL, 10);
		else
			return 2;
	}
	if (optind != argc - 1) {
		fprintf(stderr, "usage: batch [--bound] [--seed N] DIR\n");
		return 2;
	}
	if (!realpath(argv[optind], dir))
		die(argv[optind]);
	if (sched_getaffinity(0, sizeof(allowed), &allowed))
		die("sched_getaffinity");
	read_jobs(dir);
	choose(CPU_COUNT(&allowed));
	shuffle(seed);
	snprintf(scratch, sizeof(scratch), "%s/batch-XXXXXX",
		 tmp && *tmp ? tmp : "/tmp");
	if (!mkdtemp(scratch))
		die(scratch);
	ok = run(dir, bound);
	nftw(scratch, remove_one, 32, FTW_DEPTH | FTW_PHYS);
	return ok ? 0 : 1;
}
