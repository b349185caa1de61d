/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The files of a job, what engines say, and a job on its node, each also as an
 * enemy would have it.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/temp.h"
#include "executor/engine.h"
#include "executor/serve.h"

static char parent[] = "/tmp/test_executor.XXXXXX";

/* ---- files ------------------------------------------------------------ */

static void fill(struct job_packet *p, const char *input, ...)
{
	va_list ap;
	const char *word;

	*p = (struct job_packet){.input = input, .input_len = strlen(input)};
	va_start(ap, input);
	while ((word = va_arg(ap, const char *)))
		strs_add(&p->argv, word);
	va_end(ap);
}

static void test_job_there_and_back(void **state)
{
	struct job_packet in, out;
	struct buf b;

	(void)state;
	fill(&in, "line\n$(reboot)\n", "/bin/x", "a b", "", "';\n", NULL);
	strs_add(&in.env, "X=1 2");
	buf_init(&b, 1 << 20);
	job_packet_write(&in, &b);
	assert_int_equal(job_packet_read(b.data, b.len, &out), 0);
	assert_int_equal(out.argv.len, 4);
	for (size_t i = 0; i < 4; i++)
		assert_string_equal(out.argv.v[i], in.argv.v[i]);
	assert_string_equal(out.env.v[0], "X=1 2");
	assert_int_equal(out.input_len, in.input_len);
	assert_memory_equal(out.input, in.input, in.input_len);
	job_packet_release(&out);
	/* No part of it is one, and nor is more. */
	for (size_t len = 0; len < b.len; len++) {
		char *part = malloc(len + 1);

		memcpy(part, b.data, len);
		assert_int_equal(job_packet_read(part, len, &out), -EBADMSG);
		free(part);
	}
	buf_puts(&b, "x");
	assert_int_equal(job_packet_read(b.data, b.len, &out), -EBADMSG);
	buf_release(&b);
	job_packet_release(&in);
}

static void test_answer_there_and_back(void **state)
{
	struct answer_packet in = {.exit_status = 1,
				   .seconds = 1.25,
				   .node = "n 1\n;x",
				   .out = "o\nut",
				   .out_len = 4,
				   .said = "said",
				   .said_len = 4},
			     out;
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 20);
	answer_packet_write(&in, &b);
	assert_int_equal(answer_packet_read(b.data, b.len, &out), 0);
	assert_int_equal(out.exit_status, 1);
	assert_false(out.gave_up);
	assert_true(out.seconds == 1.25);
	assert_string_equal(out.node, "n1x");
	assert_memory_equal(out.out, "o\nut", 4);
	assert_memory_equal(out.said, "said", 4);
	for (size_t len = 0; len < b.len; len++) {
		char *part = malloc(len + 1);

		memcpy(part, b.data, len);
		assert_int_equal(answer_packet_read(part, len, &out), -EBADMSG);
		free(part);
	}
	buf_release(&b);
}

/* A part of a good one that is another. */
static int read_with(bool job, const char *from, const char *to, char node[])
{
	static const char good_job[] =
		"schedkit job 1\nargv 1\nenv 1\ninput 2\nsh";
	static const char good_answer[] =
		"schedkit answer 1\nstatus 0\ngave_up 0\nms 1\nnode n\n"
		"out 1\nsaid 0\nx";
	const char *text = job ? good_job : good_answer;
	const char *at = strstr(text, from);
	struct answer_packet a;
	struct job_packet p;
	struct buf b;
	int rc;

	assert_non_null(at);
	buf_init(&b, 4096);
	buf_add(&b, text, (size_t)(at - text));
	buf_puts(&b, to);
	buf_puts(&b, at + strlen(from));
	if (job)
		buf_add(&b, "\0X=1\0in", 7);
	if (job) {
		rc = job_packet_read(b.data, b.len, &p);
		job_packet_release(&p);
	} else {
		rc = answer_packet_read(b.data, b.len, &a);
		if (!rc && node)
			strcpy(node, a.node);
	}
	buf_release(&b);
	return rc;
}

static void test_each_word_counts(void **state)
{
	static const struct {
		bool job;
		const char *from, *to;
	} bad[] = {
		{true, "job 1\n", "job 1 \n"},
		{true, "job 1", "job 2"},
		{true, "argv 1", "argv"},
		{true, "argv 1", "argv "},
		{true, "argv 1", "argv  1"},
		{true, "argv 1", "argw 1"},
		{true, "argv 1", "argv1"},
		{true, "argv 1", "argv\t1"},
		{true, "argv 1", "argv +1"},
		{true, "argv 1", "argv 0"},
		{true, "argv 1", "argv 2"},
		{true, "argv 1", "argv 9999999999999"},
		{true, "env 1", "env 0"},
		{true, "env 1", "env 2"},
		{true, "input 2", "input 1"},
		{true, "input 2", "input 3"},
		{true, "input 2\n", "input 2"},
		{false, "status 0", "status"},
		{false, "status 0", "state 0"},
		{false, "ms 1", "ms 0000000000001"},
		{false, "ms 1", "ms 1.5"},
		{false, "node n", "nodes n"},
		{false, "out 1", "out 0"},
		{false, "said 0", "said 1"},
	};
	char node[PACKET_NODE_LEN], long_name[101] = "";

	(void)state;
	assert_int_equal(read_with(true, "job", "job", NULL), 0);
	assert_int_equal(read_with(false, "out", "out", NULL), 0);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (read_with(bad[i].job, bad[i].from, bad[i].to, NULL) !=
		    -EBADMSG)
			fail_msg("'%s' for '%s'", bad[i].to, bad[i].from);
	/* A name is cut, and there is always one. */
	memset(long_name, 'n', sizeof(long_name) - 1);
	memcpy(long_name, "node ", 5);
	assert_int_equal(read_with(false, "node n", long_name, node), 0);
	assert_int_equal(strlen(node), PACKET_NODE_LEN - 1);
	assert_int_equal(strspn(node, "n"), PACKET_NODE_LEN - 1);
	assert_int_equal(read_with(false, "node n", "node  ;;", node), 0);
	assert_string_equal(node, "?");
	assert_int_equal(read_with(false, "node n", "node a_b-c@d:1.e", node),
			 0);
	assert_string_equal(node, "a_b-c@d:1.e");
}

static void test_hostile_answers(void **state)
{
	static const char *const bad[] = {
		"",
		"schedkit answer 2\nstatus 0\n",
		"schedkit answer 1\nstatus -1\ngave_up 0\nms 1\nnode n\nout "
		"0\nsaid 0\n",
		"schedkit answer 1\nstatus 256\ngave_up 0\nms 1\nnode n\nout "
		"0\nsaid 0\n",
		"schedkit answer 1\nstatus 0\ngave_up 2\nms 1\nnode n\nout "
		"0\nsaid 0\n",
		"schedkit answer 1\nstatus 0\ngave_up 0\nms 1\nnode n\nout "
		"18446744073709551615\nsaid 1\nx",
		"schedkit answer 1\nstatus 0\ngave_up 0\nms 1\nnode n\nout "
		"99999999999\nsaid 0\nx",
		"schedkit answer 1\nstatus 0\ngave_up 0\nms 1\nnode n\nout "
		"2\nsaid 0\nx",
		"schedkit answer 1\nstatus 0\ngave_up 0\nms 1\nnode n\nout "
		"0x1\nsaid 0\nx",
	};
	struct answer_packet p;
	const char *text;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(answer_packet_read(bad[i], strlen(bad[i]), &p),
				 -EBADMSG);
	/* What a node calls itself is written on terminals. */
	text = "schedkit answer 1\nstatus 0\ngave_up 0\nms 1\nnode "
	       "\x1b[2J;n1\nout 0\nsaid 0\n";
	assert_int_equal(answer_packet_read(text, strlen(text), &p), 0);
	assert_string_equal(p.node, "2Jn1");
}

/* ---- options ---------------------------------------------------------- */

static void refuses(const char *text, const char *words)
{
	struct executor *e;

	assert_int_equal(executor_open(text, "sched-verify", &e), -EINVAL);
	assert_null(e);
	if (!strstr(err_text(), words))
		fail_msg("'%s' lacks '%s'", err_text(), words);
}

static void test_options(void **state)
{
	struct executor *e;

	(void)state;
	refuses("", "neither");
	refuses("pbs", "'pbs'");
	refuses("slurm,speed=9", "no key 'speed'");
	refuses("slurm,dir", "KEY=VALUE");
	refuses("slurm,hosts=a", "no key of slurm");
	refuses("slurm,dir=jobs", "path from the root");
	refuses("slurm,dir=/tmp/a b", "path from the root");
	refuses("slurm,dir=/tmp/$(id)", "path from the root");
	refuses("slurm,partition=a b", "a word");
	refuses("slurm,partition=-x", "a word");
	refuses("slurm,at_once=0", "number");
	refuses("slurm,program=/x", "below a folder bin");
	refuses("parallel", "hosts=");
	refuses("parallel,hosts=a;b,hostfile=/h", "not both");
	refuses("parallel,hosts=a`id`", "names of hosts");
	/* None of them is an option of ssh. */
	refuses("parallel,hosts=-v", "names of hosts");
	refuses("parallel,hosts=a;-F/tmp/x", "names of hosts");
	refuses("parallel,hosts=a;8/-v", "names of hosts");
	refuses("parallel,hosts=a;;b", "names of hosts");
	refuses("parallel,hosts=a;", "names of hosts");
	refuses("parallel,hosts=;a", "names of hosts");
	refuses("parallel,hosts=", "names of hosts");
	refuses("slurm,partition=", "a word");
	refuses("slurm,=p", "KEY=VALUE");
	refuses("slurm,cpus=", "number from 1");
	refuses("slurm,cpus=4x", "number from 1");
	refuses("slurm,cpus=1.5", "number from 1");
	refuses("slurm,cpus=1000001", "number from 1");
	refuses("slurm,cpus=nan", "number from 1");
	refuses("slurm,patience=0.5", "seconds, at least 1");
	refuses("slurm,patience=x", "seconds, at least 1");
	refuses("slurm,hostfile=/h", "no key of slurm");
	refuses("parallel,hosts=a,mem=4G", "no key of parallel");
	assert_int_equal(executor_open("slurm,partition=p1,time=1:00:00,cpus=4,"
				       "program=/opt/s/bin/sched-verify",
				       "sched-verify", &e),
			 0);
	assert_string_equal(e->partition, "p1");
	assert_string_equal(e->time, "1:00:00");
	assert_int_equal(e->cpus, 4);
	assert_string_equal(executor_program(e), "/opt/s/bin/sched-verify");
	assert_string_equal(e->runner, "/opt/s/libexec/schedkit/run-job");
	executor_close(e);
	assert_int_equal(executor_open("parallel,hosts=a-1;8/root@b:22",
				       "sched-verify", &e),
			 0);
	assert_string_equal(e->hosts, "a-1;8/root@b:22");
	executor_close(e);
}

static void test_plain_paths(void **state)
{
	(void)state;
	assert_true(folder_is_plain("/srv/jobs_1/a-b.c+d@e"));
	assert_false(folder_is_plain("srv"));
	assert_false(folder_is_plain(""));
	assert_false(folder_is_plain("/srv/%a"));
	assert_false(folder_is_plain("/srv/a\nb"));
	assert_false(folder_is_plain("/srv/{}"));
}

/* ---- what engines say -------------------------------------------------- */

static void test_ranges(void **state)
{
	static const size_t which[] = {0, 1, 2, 5, 7, 8};
	struct buf b;

	(void)state;
	buf_init(&b, 256);
	engine_ranges(which, ARRAY_LEN(which), &b);
	assert_string_equal(b.data, "0-2,5,7-8");
	buf_release(&b);
}

static bool is_set(const struct strs *env, const char *setting)
{
	for (size_t i = 0; i < env->len; i++)
		if (!strcmp(env->v[i], setting))
			return true;
	return false;
}

/* What would have squeue hide our jobs, or scancel ask about them, is not
 * handed on; nor is what does not concern an engine at all. */
static void test_environment(void **state)
{
	static const char *const set[][2] = {
		{"SQUEUE_PARTITION", "other"}, {"SCANCEL_INTERACTIVE", "1"},
		{"OPENAI_API_KEY", "sk-0"},    {"SBATCH_ACCOUNT", "ours"},
		{"SLURM_CLUSTERS", "blue"},
	};
	struct executor e = {.folder.dir = (char *)"/srv/jobs"};
	struct strs env = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(set); i++)
		setenv(set[i][0], set[i][1], 1);
	engine_environment(&e, &env);
	assert_false(is_set(&env, "SQUEUE_PARTITION=other"));
	assert_false(is_set(&env, "SCANCEL_INTERACTIVE=1"));
	assert_false(is_set(&env, "OPENAI_API_KEY=sk-0"));
	assert_true(is_set(&env, "SBATCH_ACCOUNT=ours"));
	assert_true(is_set(&env, "SLURM_CLUSTERS=blue"));
	assert_true(is_set(&env, "PARALLEL_HOME=/srv/jobs/parallel"));
	strs_release(&env);
	for (size_t i = 0; i < ARRAY_LEN(set); i++)
		unsetenv(set[i][0]);
}

static void queue(const char *text, const char *want)
{
	struct engine_job jobs[6] = {{0}};
	char got[7] = "";

	slurm_read_queue(text, jobs, 6);
	for (size_t i = 0; i < 6; i++)
		got[i] = jobs[i].under_way ? '1' : '0';
	assert_string_equal(got, want);
}

static void test_queue(void **state)
{
	struct engine_job jobs[2] = {{0}};

	(void)state;
	queue("", "000000");
	queue("0|RUNNING|n1|None\n2|PENDING||Resources\n", "101000");
	/* Kept together, by one that was told not to. */
	queue("0-2,4%2|PENDING||Priority\n", "111010");
	/* An earlier one of the same number has ended, in either order. */
	queue("1|NODE_FAIL|n1|None\n1|PENDING||BeginTime\n", "010000");
	queue("1|PENDING||BeginTime\n1|NODE_FAIL|n1|None\n", "010000");
	queue("1|COMPLETED|n1|None\n3|TIMEOUT|n1|TimeLimit\n", "000000");
	/* Slurm will not begin it again by itself. */
	queue("1|PENDING||launch failed requeued held\n", "000000");
	queue("1|REQUEUE_HOLD||x\n", "000000");
	/* Whatever that is. */
	queue("N/A|RUNNING|n1|None\n99|RUNNING|n1|None\n"
	      "0-99999999999999999999|CANCELLED|n|x\n|||||\n-1|RUNNING|n|x\n"
	      "3-1|RUNNING|n|x\nRUNNING\n1|RUN",
	      "000000");
	queue("4-999999|RUNNING|n1|None\n", "000011");
	slurm_read_queue("1|NODE_FAIL|n1|NodeDown\n", jobs, 2);
	assert_string_equal(jobs[1].why,
			    "Slurm says NODE_FAIL on n1, NodeDown");
}

static void test_away(void **state)
{
	(void)state;
	assert_true(slurm_is_away("sbatch: Batch job submission failed: Unable "
				  "to contact slurm controller (connect "
				  "failure)"));
	assert_true(slurm_is_away("Socket timed out on send/recv operation"));
	assert_false(slurm_is_away("Batch job submission failed: Invalid "
				   "partition name specified"));
}

static void test_joblog(void **state)
{
	static const size_t which[] = {3, 1};
	struct engine_job jobs[4] = {{0}};

	(void)state;
	parallel_read_log(
		"Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\t"
		"Signal\tCommand\n"
		"1\tn1\t1.5\t 0.1\t0\t0\t255\t0\tx\n"
		"2\tn2\t1.5\t 0.1\t0\t0\t0\t9\tx y\n"
		"3\tn2\t1.5\t 0.1\t0\t0\t7\t0\tx\n"
		"0\tn2\t1.5\t 0.1\t0\t0\t7\t0\tx\n"
		"-1\tn2\t1\t1\t0\t0\t7\t0\tx\n"
		"1\tn1\t1\t1\t0\t0\tmany\t0\tx\n"
		"1\tn1\n",
		which, 2, jobs, 4);
	assert_string_equal(jobs[3].why, "on n1 it ended with status 255");
	assert_string_equal(jobs[1].why, "on n2 it ended with signal 9");
	assert_string_equal(jobs[0].why, "");
}

/* ---- a folder and its jobs --------------------------------------------- */

static volatile sig_atomic_t never;

static void open_folder(struct folder *f, const struct job_packet *p)
{
	if (folder_open(parent, p, 1, f))
		fail_msg("%s", err_text());
}

static int serve(const struct folder *f, const volatile sig_atomic_t *stop)
{
	return job_serve(f->dir, "0", stop);
}

static void test_a_job(void **state)
{
	struct answer_packet a;
	struct job_packet p;
	struct folder f;
	struct buf room;

	(void)state;
	fill(&p, "in", "sh", "-c", "cat; echo \"$X\"; echo no >&2; exit 3",
	     NULL);
	strs_add(&p.env, "X=it's");
	open_folder(&f, &p);
	buf_init(&room, 0);
	assert_int_equal(folder_answer(&f, 0, &room, &a), -ENOENT);
	assert_int_equal(serve(&f, &never), 0);
	assert_int_equal(folder_answer(&f, 0, &room, &a), 0);
	assert_int_equal(a.exit_status, 3);
	assert_int_equal(a.out_len, 7);
	assert_memory_equal(a.out, "init's\n", 7);
	assert_memory_equal(a.said, "no\n", 3);
	/* Once more is no more. */
	assert_int_equal(serve(&f, &never), 0);
	buf_release(&room);
	folder_close(&f, true);
	job_packet_release(&p);
}

static void test_given_up(void **state)
{
	struct answer_packet a;
	struct job_packet p;
	struct folder f;
	struct buf room;

	(void)state;
	fill(&p, "", "sh", "-c", "kill -9 $$", NULL);
	open_folder(&f, &p);
	buf_init(&room, 0);
	for (int i = 0; i < EXECUTOR_TRIES; i++) {
		assert_int_equal(serve(&f, &never), -EIO);
		assert_int_equal(folder_answer(&f, 0, &room, &a), -ENOENT);
	}
	assert_int_equal(serve(&f, &never), 0);
	assert_int_equal(folder_answer(&f, 0, &room, &a), 0);
	assert_true(a.gave_up);
	buf_release(&room);
	folder_close(&f, true);
	job_packet_release(&p);
}

static void test_not_wanted(void **state)
{
	double start = clock_monotonic();
	struct job_packet p;
	struct folder f;
	pid_t pid;

	(void)state;
	fill(&p, "", "sleep", "60", NULL);
	open_folder(&f, &p);
	pid = fork();
	if (!pid) {
		usleep(300000);
		folder_stop(&f);
		_exit(0);
	}
	assert_int_equal(serve(&f, &never), -ECANCELED);
	waitpid(pid, NULL, 0);
	assert_true(clock_monotonic() - start < 20);
	folder_close(&f, true);
	job_packet_release(&p);
}

/* The second waits for the first and takes its answer. */
static void test_one_at_a_time(void **state)
{
	struct job_packet p;
	struct folder f;
	struct buf log;
	char *path;
	pid_t pid;
	int status;

	(void)state;
	path = mem_printf("%s/log", parent);
	fill(&p, "", "sh", "-c", "echo x >>\"$L\"; sleep 1", NULL);
	strs_printf(&p.env, "L=%s", path);
	open_folder(&f, &p);
	pid = fork();
	if (!pid)
		_exit(serve(&f, &never) ? 1 : 0);
	assert_int_equal(serve(&f, &never), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	buf_init(&log, 64);
	assert_int_equal(buf_read_file(&log, path), 0);
	assert_string_equal(log.data, "x\n");
	buf_release(&log);
	free(path);
	folder_close(&f, true);
	job_packet_release(&p);
}

static void test_not_ours(void **state)
{
	struct job_packet p;
	struct folder f, second;

	(void)state;
	fill(&p, "", "true", NULL);
	open_folder(&f, &p);
	/* Another call with the same jobs. */
	assert_int_equal(folder_open(parent, &p, 1, &second), -EBUSY);
	chmod(f.dir, 0777);
	assert_int_equal(serve(&f, &never), -EPERM);
	chmod(f.dir, 0700);
	assert_int_equal(job_serve(f.dir, "../0", &never), -EINVAL);
	assert_int_equal(job_serve(f.dir, "", &never), -EINVAL);
	folder_close(&f, true);
	job_packet_release(&p);
}

/* Where others may write, or may have put something, nothing is run. */
static void test_folders_of_others(void **state)
{
	struct job_packet p;
	struct folder f;
	char *dir, *other;

	(void)state;
	fill(&p, "", "true", "folders", NULL);
	open_folder(&f, &p);
	dir = mem_strdup(f.dir);
	folder_close(&f, false);
	chmod(dir, 0770);
	assert_int_equal(folder_open(parent, &p, 1, &f), -EPERM);
	chmod(dir, 0707);
	assert_int_equal(folder_open(parent, &p, 1, &f), -EPERM);
	chmod(dir, 0755);
	assert_int_equal(folder_open(parent, &p, 1, &f), 0);
	folder_close(&f, true);
	other = mem_printf("%s/other", parent);
	assert_int_equal(mkdir(other, 0700), 0);
	rmdir(dir);
	assert_int_equal(symlink(other, dir), 0);
	assert_true(folder_open(parent, &p, 1, &f) < 0);
	assert_null(f.dir);
	assert_int_equal(unlink(dir), 0);
	/* Nothing was put where the link leads. */
	assert_int_equal(rmdir(other), 0);
	free(other);
	free(dir);
	job_packet_release(&p);
}

/* What is damaged is no answer, and is begun anew. */
static void test_damaged(void **state)
{
	struct answer_packet a;
	struct job_packet p;
	struct folder f;
	struct buf room;
	char *path;

	(void)state;
	fill(&p, "", "echo", "hello", NULL);
	open_folder(&f, &p);
	path = folder_file(f.dir, 0, "answer");
	assert_int_equal(path_write_atomic(path, "schedkit answer 1\n", 18), 0);
	buf_init(&room, 0);
	assert_int_equal(folder_answer(&f, 0, &room, &a), -EBADMSG);
	assert_int_equal(serve(&f, &never), 0);
	assert_int_equal(folder_answer(&f, 0, &room, &a), 0);
	assert_memory_equal(a.out, "hello\n", 6);
	buf_release(&room);
	free(path);
	folder_close(&f, true);
	job_packet_release(&p);
}

/* What a call that was killed has left is there for the next one; nothing of
 * yesterday is. */
static void test_taken_up(void **state)
{
	struct timespec old[2] = {{.tv_sec = 1000000}, {.tv_sec = 1000000}};
	struct answer_packet a;
	struct job_packet p;
	struct folder f;
	struct buf room;
	char *made;

	(void)state;
	fill(&p, "", "echo", "kept", NULL);
	open_folder(&f, &p);
	assert_int_equal(serve(&f, &never), 0);
	folder_close(&f, false);
	open_folder(&f, &p);
	buf_init(&room, 0);
	assert_int_equal(folder_answer(&f, 0, &room, &a), 0);
	made = mem_printf("%s/made", f.dir);
	assert_int_equal(utimensat(AT_FDCWD, made, old, 0), 0);
	folder_close(&f, false);
	open_folder(&f, &p);
	assert_int_equal(folder_answer(&f, 0, &room, &a), -ENOENT);
	folder_close(&f, true);
	buf_release(&room);
	free(made);
	job_packet_release(&p);
}

static int make_parent(void **state)
{
	(void)state;
	return !mkdtemp(parent);
}

static int remove_parent(void **state)
{
	(void)state;
	temp_clear(parent);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_job_there_and_back),
		cmocka_unit_test(test_answer_there_and_back),
		cmocka_unit_test(test_each_word_counts),
		cmocka_unit_test(test_hostile_answers),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_plain_paths),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_environment),
		cmocka_unit_test(test_queue),
		cmocka_unit_test(test_away),
		cmocka_unit_test(test_joblog),
		cmocka_unit_test(test_a_job),
		cmocka_unit_test(test_given_up),
		cmocka_unit_test(test_not_wanted),
		cmocka_unit_test(test_one_at_a_time),
		cmocka_unit_test(test_not_ours),
		cmocka_unit_test(test_folders_of_others),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_taken_up),
	};

	return cmocka_run_group_tests(tests, make_parent, remove_parent);
}
