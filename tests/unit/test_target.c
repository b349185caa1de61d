/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of a target that need no guest. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "target/accel.h"
#include "target/cell.h"
#include "target/console.h"
#include "target/cpu_wait.h"
#include "target/env.h"
#include "target/klog.h"
#include "target/qemu.h"
#include "target/runner.h"

static char *words_of(const char *text)
{
	struct console *c = mem_zalloc(1, sizeof(*c));
	char *words;

	console_add(c, text, strlen(text));
	words = console_words(c);
	free(c);
	return words;
}

static void assert_words(const char *text, const char *want)
{
	char *got = words_of(text);

	assert_string_equal(got, want);
	free(got);
}

static void panic_is_found(void **state)
{
	(void)state;
	assert_words("booting\r\n"
		     "[    1.5] random: fine\r\n"
		     "[    7.568166] Kernel panic - not syncing: told to\r\n"
		     "[    7.578934] CPU: 0 UID: 0 PID: 134 Comm: sh\r\n"
		     "[    7.579590] Call Trace:\r\n"
		     "[    7.580148]  <TASK>\r\n"
		     "[    7.580452]  dump_stack_lvl+0x5d/0x80\r\n"
		     "[    7.9] Rebooting in 0 seconds\r\n",
		     "Kernel panic - not syncing: told to | "
		     "Rebooting in 0 seconds");
}

static void oops_comes_before_its_panic(void **state)
{
	(void)state;
	assert_words("a\nBUG: kernel NULL pointer dereference\n"
		     "Oops: Oops: 0002 [#1]\nKernel panic - not syncing\n",
		     "BUG: kernel NULL pointer dereference | "
		     "Oops: Oops: 0002 [#1] | Kernel panic - not syncing");
}

static void last_lines_without_a_cause(void **state)
{
	(void)state;
	assert_words("", "");
	assert_words("guest-init: cannot mount\n", "guest-init: cannot mount");
	/* Nothing that a terminal would obey. */
	assert_words("\033[2Jx\a\n", "[2Jx");
}

static void console_keeps_the_end(void **state)
{
	struct console *c = mem_zalloc(1, sizeof(*c));
	char *words;

	(void)state;
	for (int i = 0; i < 5000; i++)
		console_add(c, "0123456789\n", 11);
	console_add(c, "the end\n", 8);
	assert_true(c->len <= CONSOLE_KEEP);
	words = console_words(c);
	assert_non_null(strstr(words, " | the end"));
	free(words);
	free(c);
}

static void machine_defaults(void **state)
{
	struct machine m;

	(void)state;
	assert_int_equal(machine_read(0, 0, NULL, &m), 0);
	assert_in_range(m.cpus, 1, 4);
	assert_int_equal(m.memory_mib, 1024);
	assert_string_equal(m.topology, "");
}

static void topology_gives_the_cpus(void **state)
{
	struct machine m;

	(void)state;
	assert_int_equal(machine_read(0, 0, "sockets=2,cores=2,threads=2", &m),
			 0);
	assert_int_equal(m.cpus, 8);
	assert_int_equal(machine_read(2, 0, "cores=2", &m), 0);
	assert_int_equal(machine_read(2, 0, "cores=3", &m), -EINVAL);
	assert_non_null(strstr(err_text(), "makes 3 CPUs, not 2"));
}

static void topology_is_no_way_into_qemu(void **state)
{
	static const char *const bad[] = {"",
					  "cores",
					  "cores=",
					  "cores=0",
					  "cores=-1",
					  "cores=1,",
					  "cores=1,maxcpus=9",
					  "cores=2;x",
					  "cores=1,file=/etc/x",
					  "cores=2,cores=2",
					  "memdev=mem0",
					  "cores=99"};
	struct machine m;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(machine_read(0, 0, bad[i], &m), -EINVAL);
}

/* What QEMU is started with, as one line. */
static char *line_of(const struct machine *m)
{
	static char none[] = "", qemu[] = "/usr/bin/qemu", kernel[] = "/k";
	struct parts p = {.qemu = qemu, .qemu_share = none, .kernel = kernel};
	struct strs argv = {0};
	struct buf b;

	buf_init(&b, 1 << 16);
	qemu_argv(&p, m, "tcg", "/init", &argv);
	for (size_t i = 0; i < argv.len; i++)
		buf_printf(&b, "%s%s", i ? " " : "", argv.v[i]);
	strs_release(&argv);
	return buf_take(&b);
}

static void assert_line_has(const struct machine *m, const char *part)
{
	char *line = line_of(m);

	if (!strstr(line, part))
		fail_msg("not in it: %s\n%s", part, line);
	free(line);
}

static void one_node_is_no_numa(void **state)
{
	struct machine m;
	char *line;

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(machine_read(0, 0,
					      i ? "nodes=1,cores=2" : "cores=2",
					      &m),
				 0);
		assert_line_has(&m, "memory-backend=mem0,");
		assert_line_has(&m, "id=mem0,size=1024M,share=on");
		line = line_of(&m);
		assert_null(strstr(line, "-numa"));
		free(line);
	}
}

/* Where the host has little time for it the timer seems not to tick, and the
 * kernel gives up: "IO-APIC + timer doesn't work!" */
static void a_late_timer_is_no_panic(void **state)
{
	struct machine m;

	(void)state;
	assert_int_equal(machine_read(0, 0, NULL, &m), 0);
	assert_line_has(&m, " no_timer_check ");
}

static void nodes_have_their_share(void **state)
{
	struct machine m;

	(void)state;
	assert_int_equal(machine_read(0, 1001, "nodes=2,cores=2,threads=2", &m),
			 0);
	assert_int_equal(m.cpus, 8);
	assert_int_equal(m.nodes, 2);
	assert_string_equal(m.topology, "nodes=2,cores=2,threads=2");
	assert_line_has(&m, "-machine pc,usb=off,vmport=off -m 1001 ");
	assert_line_has(&m, "-smp 8,sockets=2,cores=2,threads=2 ");
	assert_line_has(&m, "id=mem0,size=501M,share=on -numa "
			    "node,nodeid=0,memdev=mem0,cpus=0-3 ");
	assert_line_has(&m, "id=mem1,size=500M,share=on -numa "
			    "node,nodeid=1,memdev=mem1,cpus=4-7 ");
	/* Two sockets each. */
	assert_int_equal(machine_read(4, 0, "sockets=4,nodes=2", &m), 0);
	assert_line_has(&m, "-smp 4,sockets=4 ");
	assert_line_has(&m, "memdev=mem1,cpus=2-3 ");
}

static void no_socket_is_in_two_nodes(void **state)
{
	struct machine m;

	(void)state;
	assert_int_equal(machine_read(0, 0, "nodes=2,sockets=1,cores=4", &m),
			 -EINVAL);
	assert_non_null(strstr(err_text(), "2 nodes cannot have the same"));
	assert_int_equal(machine_read(0, 0, "nodes=2,sockets=3", &m), -EINVAL);
	assert_int_equal(machine_read(0, 0, "nodes=5", &m), -EINVAL);
	assert_non_null(strstr(err_text(), "1 to 4 nodes, not 5"));
}

/* ---- the kernel's log -------------------------------------------------- */

static void assert_heard(const char *record, const char *want)
{
	struct json *said = json_array();

	klog_take(record, strlen(record), said);
	assert_int_equal(json_len(said), want ? 1 : 0);
	if (want)
		assert_string_equal(json_as_string(json_at(said, 0), ""), want);
	json_free(said);
}

static void warnings_and_schedulers_are_heard(void **state)
{
	(void)state;
	assert_heard("4,512,7000000,-;WARNING: CPU: 0 PID: 7 at k.c:3\n",
		     "WARNING: CPU: 0 PID: 7 at k.c:3");
	assert_heard("6,512,7,-;sched_ext: BPF scheduler \"x\" enabled\n",
		     "sched_ext: BPF scheduler \"x\" enabled");
	/* What it adds for machines stands in lines of its own. */
	assert_heard("3,1,2,-,caller=T1;bad disk\n SUBSYSTEM=block\n"
		     " DEVICE=b8:0\n",
		     "bad disk");
	assert_heard("4,1,2,-;a\\x1b[2Jb", "a\\x1b[2Jb");
}

static void the_rest_is_not(void **state)
{
	(void)state;
	assert_heard("5,512,7,-;random: fine\n", NULL);
	/* A program's own words, however urgent. */
	assert_heard("9,512,7,-;sched_ext: BUG: not the kernel's\n", NULL);
	assert_heard("12,512,7,-;systemd: WARNING\n", NULL);
	assert_heard("", NULL);
	assert_heard("4,512,7,-", NULL);
	assert_heard("x,512,7,-;words\n", NULL);
}

static void not_all_of_a_flood_is_kept(void **state)
{
	struct json *said = json_array();

	(void)state;
	for (int i = 0; i < 1000; i++)
		klog_take("4,1,2,-;again", 13, said);
	assert_int_equal(json_len(said), KLOG_LINES);
	json_free(said);
}

static void messages_are_whole_or_not_there(void **state)
{
	static const char data[] = "{\"bytes\":3}\n\0\n{";
	struct buf in;
	struct wire_msg m = {0};

	(void)state;
	buf_init(&in, WIRE_MAX);
	for (size_t i = 0; i < sizeof(data) - 2; i++) {
		buf_add(&in, &data[i], 1);
		assert_int_equal(wire_next(&in, &m), 0);
	}
	buf_add(&in, &data[sizeof(data) - 2], 1);
	assert_int_equal(wire_next(&in, &m), 1);
	assert_int_equal(m.len, 3);
	assert_memory_equal(m.data, "\0\n{", 3);
	assert_int_equal(in.len, 0);
	wire_msg_release(&m);
	buf_release(&in);
}

static void nonsense_is_refused(void **state)
{
	static const char *const bad[] = {"hello\n",
					  "{}\n",
					  "{\"bytes\":-1}\n",
					  "{\"bytes\":1e12}\n",
					  "{\"bytes\":\"3\"}\n",
					  "[3]\n"};
	struct wire_msg m = {0};
	struct buf in;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		buf_init(&in, WIRE_MAX);
		buf_puts(&in, bad[i]);
		assert_int_equal(wire_next(&in, &m), -EBADMSG);
		buf_release(&in);
	}
}

static void job_survives_the_wire(void **state)
{
	char odd[] = "\xff\n\"\x01", cmd[] = "true", empty[] = "";
	char *argv[] = {cmd, odd, empty, NULL}, *env[] = {odd, NULL};
	struct run_spec s = {
		.argv = argv, .env = env, .cwd = "/tmp", .timeout_s = 1.5};
	struct wire_msg m = {0};
	struct run_job a, b;
	struct buf in;
	int p[2];

	(void)state;
	assert_int_equal(pipe(p), 0);
	run_job_fill(&a, &s, NULL);
	a.policy = json_parse("{\"form\":\"params\"}", 17);
	assert_int_equal(run_job_send(p[1], &a, 0), 0);
	buf_init(&in, WIRE_MAX);
	assert_int_equal(wire_receive(p[0], &in, &m), 1);
	assert_int_equal(run_job_read(&m, &b), 0);
	assert_int_equal(b.argv.len, 3);
	assert_string_equal(b.argv.v[1], odd);
	assert_string_equal(b.argv.v[2], "");
	assert_null(b.argv.v[3]);
	assert_string_equal(b.env.v[0], odd);
	assert_string_equal(b.cwd, "/tmp");
	assert_true(b.timeout_s == 1.5);
	assert_string_equal(json_as_string(json_get(b.policy, "form"), ""),
			    "params");
	/* Cut short: refused, not read beyond. */
	run_job_release(&b);
	m.len -= 1;
	assert_int_equal(run_job_read(&m, &b), -EBADMSG);
	run_job_release(&a);
	wire_msg_release(&m);
	buf_release(&in);
	close(p[0]);
	close(p[1]);
}

static void result_survives_the_wire(void **state)
{
	char out[] = "a\0b", err[] = "{\"bytes\":5}\n", words[] = "why";
	struct run_result a = {
		.outcome = RUN_EJECTED,
		.proc = {.exit_status = 3, .wall_s = 0.25, .max_rss_kib = 7},
		.out = out,
		.out_len = 3,
		.err = err,
		.err_len = strlen(err),
		.message = words,
	};
	struct wire_msg m = {0};
	struct run_result b;
	struct buf in;
	int p[2];

	(void)state;
	assert_int_equal(pipe(p), 0);
	assert_int_equal(run_result_send(p[1], 0, &a), 0);
	buf_init(&in, WIRE_MAX);
	assert_int_equal(wire_receive(p[0], &in, &m), 1);
	assert_int_equal(run_result_read(&m, &b), 0);
	assert_int_equal(b.outcome, RUN_EJECTED);
	assert_int_equal(b.proc.exit_status, 3);
	assert_int_equal(b.proc.max_rss_kib, 7);
	assert_true(b.proc.wall_s == 0.25);
	assert_int_equal(b.out_len, 3);
	assert_memory_equal(b.out, "a\0b", 4);
	assert_string_equal(b.err, err);
	assert_string_equal(b.message, "why");
	run_result_release(&b);
	wire_msg_release(&m);
	/* A command that could not start. */
	err_set(ENOENT, "no such thing");
	run_result_send(p[1], -ENOENT, &(struct run_result){0});
	err_clear();
	assert_int_equal(wire_receive(p[0], &in, &m), 1);
	assert_int_equal(run_result_read(&m, &b), -ENOENT);
	assert_string_equal(err_text(), "no such thing");
	wire_msg_release(&m);
	buf_release(&in);
	close(p[0]);
	close(p[1]);
}

static void environment_is_clean(void **state)
{
	char **env;
	int known = 0;

	(void)state;
	setenv("SECRET_TOKEN", "x", 1);
	setenv("LANG", "de_DE.UTF-8", 1);
	env = env_clean();
	for (char **e = env; *e; e++) {
		assert_null(strstr(*e, "SECRET_TOKEN"));
		known += !strncmp(*e, "PATH=", 5) ||
			 !strcmp(*e, "LANG=de_DE.UTF-8");
	}
	assert_int_equal(known, 2);
	env_free(env);
}

/* The runner itself, without a policy, on this machine. */
static void runner_runs(void **state)
{
	char sh[] = "sh", c[] = "-c", cmd[] = "echo o; echo e >&2; exit 4";
	char *argv[] = {sh, c, cmd, NULL};
	struct run_spec s = {.argv = argv, .cwd = "/"};
	struct run_result r;
	struct run_job j;

	(void)state;
	run_job_fill(&j, &s, environ);
	assert_int_equal(run_job(&j, &r), 0);
	assert_int_equal(r.outcome, RUN_DONE);
	assert_int_equal(r.proc.exit_status, 4);
	assert_string_equal(r.out, "o\n");
	assert_string_equal(r.err, "e\n");
	assert_null(r.report);
	run_result_release(&r);
	run_job_release(&j);
}

static void runner_ends_what_takes_too_long(void **state)
{
	char cmd[] = "sleep", arg[] = "20";
	char *argv[] = {cmd, arg, NULL};
	struct run_spec s = {.argv = argv, .timeout_s = 0.3};
	struct run_result r;
	struct run_job j;

	(void)state;
	run_job_fill(&j, &s, environ);
	assert_int_equal(run_job(&j, &r), 0);
	assert_int_equal(r.outcome, RUN_TIMEOUT);
	assert_non_null(strstr(r.message, "did not end within 0.3 s"));
	run_result_release(&r);
	run_job_release(&j);
}

/* What happens at the end, or is looked for, says nothing of the beginning. */
static void a_command_that_is_not_there(void **state)
{
	char cmd[] = "/nonexistent/command";
	char *argv[] = {cmd, NULL};
	struct run_spec s = {.argv = argv, .bring = "/nonexistent/file"};
	struct run_result r;
	struct run_job j;

	(void)state;
	run_job_fill(&j, &s, environ);
	assert_int_equal(run_job(&j, &r), -ENOENT);
	assert_non_null(
		strstr(err_text(), "cannot run '/nonexistent/command'"));
	run_result_release(&r);
	run_job_release(&j);
}

static volatile sig_atomic_t stop;

static void on_alarm(int sig)
{
	(void)sig;
	stop = 1;
}

/* The signal comes while the target waits for the command's end. */
static void a_run_on_this_host_is_cancelled(void **state)
{
	const struct target_opts o = {
		.kind = "host", .plain = true, .cancel = &stop};
	const struct sigaction sa = {.sa_handler = on_alarm};
	char cmd[] = "sleep", arg[] = "60";
	char *argv[] = {cmd, arg, NULL};
	struct run_spec s = {.argv = argv};
	double began = clock_monotonic();
	struct run_result r;
	struct target *t;

	(void)state;
	/* Somebody's policy is attached. */
	if (target_open(&o, &t))
		skip();
	sigaction(SIGALRM, &sa, NULL);
	alarm(1);
	assert_int_equal(target_run(t, &s, &r), 0);
	assert_true(stop);
	assert_int_equal(r.outcome, RUN_CANCELLED);
	assert_true(clock_monotonic() - began < 40);
	run_result_release(&r);
	target_close(t);
}

/* Where everything is installed nobody has made the cache before. */
static void what_kvm_did_is_remembered(void **state)
{
	char dir[] = "/tmp/test-target.XXXXXX", none[] = "", v[] = "10.0";
	struct parts p = {.qemu_version = v, .release = none, .kernel = v};
	char *folder, *path;

	(void)state;
	assert_non_null(mkdtemp(dir));
	folder = mem_printf("%s/schedkit", dir);
	path = mem_printf("%s/accel", folder);
	setenv("XDG_CACHE_HOME", dir, 1);
	accel_remember(&p, ACCEL_TCG, "it hung");
	unsetenv("XDG_CACHE_HOME");
	assert_int_equal(unlink(path), 0);
	rmdir(folder);
	rmdir(dir);
	free(path);
	free(folder);
}

/* Whichever end it is that there is no descriptor for, none stays open. */
static void a_cell_that_cannot_be_made(void **state)
{
	struct cell_spec spec = {0};
	struct rlimit before, few;
	int first = dup(0);
	struct cell c;

	(void)state;
	close(first);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = before;
	for (int more = 0; more < 8; more++) {
		few.rlim_cur = (rlim_t)(first + more);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
		assert_true(cell_start(&spec, &c) < 0);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
		assert_int_equal(dup(0), first);
		close(first);
	}
}

/* Of three that want one CPU, each waits for two thirds of the time. */
static void waiting_for_a_cpu_is_seen(void **state)
{
	struct cpu_wait before, during, own;
	cpu_set_t one;
	int parent;

	(void)state;
	parent = fork();
	if (!parent) {
		setpgid(0, 0);
		CPU_ZERO(&one);
		CPU_SET(sched_getcpu(), &one);
		sched_setaffinity(0, sizeof(one), &one);
		for (int i = 0; i < 2 && fork(); i++)
			;
		for (;;)
			;
	}
	/* They may have to begin first, and be kept from running by others. */
	for (int i = 0; i < 100; i++) {
		before = cpu_wait_read(parent);
		usleep(400000);
		during = cpu_wait_since(parent, &before);
		if (during.ran_ns > 0 && cpu_wait_pct(&during) > 55)
			break;
	}
	kill(-parent, SIGKILL);
	waitpid(parent, NULL, 0);
	own = (struct cpu_wait){1, 3};
	assert_true(cpu_wait_pct(&own) == 75);
	assert_true(during.ran_ns > 0);
	assert_true(cpu_wait_pct(&during) > 55);
	/* Who is not there has not waited either. */
	during = cpu_wait_since(parent, &before);
	assert_true(cpu_wait_pct(&during) == 0);
}

/* ---- command lines ---------------------------------------------------- */

/* What an ordinary user's virtiofsd is asked for, the version beside it being
 * this one; NULL: there is none. */
static void assert_sandbox(char *program, const char *version, const char *want)
{
	struct parts p = {.virtiofsd = program};
	char *path =
		mem_printf("%.*s/version",
			   (int)(strrchr(program, '/') - program), program);
	struct strs argv = {0};
	bool found = false, root = geteuid() == 0;

	if (version)
		assert_int_equal(
			path_write_public(path, version, strlen(version)), 0);
	if (root)
		assert_int_equal(seteuid(65534), 0);
	virtiofsd_argv(&p, &argv);
	if (root)
		assert_int_equal(seteuid(0), 0);
	for (size_t i = 0; i < argv.len; i++)
		found = found || !strcmp(argv.v[i], want);
	assert_true(found);
	if (version)
		unlink(path);
	strs_release(&argv);
	free(path);
}

static void virtiofsd_is_told_apart(void **state)
{
	char dir[] = "/tmp/test-target.XXXXXX";
	char *fetched;

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chmod(dir, 0755), 0);
	fetched = mem_printf("%s/virtiofsd", dir);
	assert_sandbox(fetched, "7.2+dfsg-7+deb12u13\n", "sandbox=chroot");
	assert_sandbox(fetched, "1.13.2-1\n", "--sandbox=none");
	assert_sandbox((char *)"/usr/lib/qemu/virtiofsd", NULL,
		       "sandbox=chroot");
	assert_sandbox((char *)"/usr/libexec/virtiofsd", NULL,
		       "--sandbox=none");
	rmdir(dir);
	free(fetched);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(panic_is_found),
		cmocka_unit_test(oops_comes_before_its_panic),
		cmocka_unit_test(last_lines_without_a_cause),
		cmocka_unit_test(console_keeps_the_end),
		cmocka_unit_test(machine_defaults),
		cmocka_unit_test(topology_gives_the_cpus),
		cmocka_unit_test(topology_is_no_way_into_qemu),
		cmocka_unit_test(one_node_is_no_numa),
		cmocka_unit_test(a_late_timer_is_no_panic),
		cmocka_unit_test(nodes_have_their_share),
		cmocka_unit_test(no_socket_is_in_two_nodes),
		cmocka_unit_test(warnings_and_schedulers_are_heard),
		cmocka_unit_test(the_rest_is_not),
		cmocka_unit_test(not_all_of_a_flood_is_kept),
		cmocka_unit_test(messages_are_whole_or_not_there),
		cmocka_unit_test(nonsense_is_refused),
		cmocka_unit_test(job_survives_the_wire),
		cmocka_unit_test(result_survives_the_wire),
		cmocka_unit_test(environment_is_clean),
		cmocka_unit_test(waiting_for_a_cpu_is_seen),
		cmocka_unit_test(runner_runs),
		cmocka_unit_test(runner_ends_what_takes_too_long),
		cmocka_unit_test(a_command_that_is_not_there),
		cmocka_unit_test(a_run_on_this_host_is_cancelled),
		cmocka_unit_test(what_kvm_did_is_remembered),
		cmocka_unit_test(a_cell_that_cannot_be_made),
		cmocka_unit_test(virtiofsd_is_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
