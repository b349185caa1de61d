/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a host says of itself: whose scheduler is attached, since when, how the
 * last one ended; out of sysfs and of records of those who live and do not. */
#include "tests/unit/place_fix.h"

#include <pwd.h>
#include <sys/wait.h>

#include "agents/deployer/pinned.h"
#include "agents/deployer/pins.h"
#include "agents/deployer/status.h"
#include "agents/host/holder.h"
#include "base/task.h"

#define OPS "schedkit_test"
#define DIGEST \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* Of the kernel; ops NULL: nothing is attached. */
static void kernel_is(const char *state, const char *ops, int seq)
{
	char text[32];

	sysfs_is("state", state);
	snprintf(text, sizeof(text), "%d\n", seq);
	sysfs_is("enable_seq", text);
	sysfs_is("nr_rejected", "2\n");
	sysfs_is("switch_all", "1\n");
	sysfs_is("root/events", "SCX_EV_A 7\nSCX_EV_B 1\n");
	if (ops)
		sysfs_is("root/ops", ops);
	else
		unlink(PLACE_SYS "/root/ops");
}

static void record(const char *name, const char *text)
{
	char *path = path_run(name);

	assert_int_equal(path_make_parent(path), 0);
	place_add(path, "we", text);
	free(path);
}

static void no_records(void)
{
	static const char *const names[] = {"deployment.json", "pinned.json",
					    "ended.json", "intents.json",
					    "model.json"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char *path = path_run(names[i]);

		unlink(path);
		free(path);
	}
}

/* Of ourselves, who live. */
static void held(const char *body)
{
	struct json *v = json_of(body);

	assert_int_equal(holder_write(v), 0);
	json_free(v);
}

static void has(const struct json *s, const char *words)
{
	if (!strstr(json_text_at(s, "text"), words))
		fail_msg("'%s' is not in '%s'", words, json_text_at(s, "text"));
}

static void lacks(const struct json *s, const char *words)
{
	if (strstr(json_text_at(s, "text"), words))
		fail_msg("'%s' is in '%s'", words, json_text_at(s, "text"));
}

/* ---- whose it is ------------------------------------------------------- */

static void whose_it_is(void **state)
{
	static const struct {
		const char *ops;    /* of the kernel */
		const char *record; /* of us */
		int then, now;	    /* enable_seq */
		bool ours;
	} rows[] = {
		{OPS "\n", "{\"ops\":\"" OPS "\",\"policy\":\"" DIGEST "\"}", 5,
		 5, true},
		/* The kernel may add a suffix. */
		{OPS "_6.18\n",
		 "{\"ops\":\"" OPS "\",\"policy\":\"" DIGEST "\"}", 5, 5, true},
		/* Attached anew, by its holder as far as one can see. */
		{OPS "\n", "{\"ops\":\"" OPS "\",\"policy\":\"" DIGEST "\"}", 5,
		 6, true},
		{"other\n", "{\"ops\":\"" OPS "\",\"policy\":\"" DIGEST "\"}",
		 5, 5, false},
		/* Of knobs, and of one that did not say. */
		{OPS "\n", "{\"policy\":\"" DIGEST "\"}", 5, 5, false},
		{OPS "\n", "{\"ops\":\"\"}", 5, 5, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct json *s;

		no_records();
		kernel_is("enabled\n", rows[i].ops, rows[i].then);
		held(rows[i].record);
		kernel_is("enabled\n", rows[i].ops, rows[i].now);
		s = status_read();
		if (json_as_bool(json_path(s, "attached.ours"),
				 !rows[i].ours) != rows[i].ours)
			fail_msg("row %zu", i);
		assert_int_equal(status_is_well(s), rows[i].ours);
		assert_int_equal(json_as_bool(json_get(s, "well"), false),
				 rows[i].ours);
		if (rows[i].ours) {
			has(s, "held by sched-deploy (process ");
			assert_string_equal(json_text_at(s, "about"), DIGEST);
			assert_string_equal(json_text_at(s, "attached.kept"),
					    "held");
			assert_string_equal(json_text_at(s, "attached.by.name"),
					    "sched-deploy");
		} else {
			has(s, ", not by sched-deploy");
			assert_null(json_get(s, "about"));
			assert_string_equal(json_text_at(s, "attached.kept"),
					    "unknown");
		}
		/* Without privilege nobody sees who. */
		assert_true(*json_text_at(s, "attached.unseen"));
		json_free(s);
	}
	no_records();
}

static void what_has_happened_since(void **state)
{
	struct json *s;

	(void)state;
	no_records();
	kernel_is("enabled\n", OPS "\n", 5);
	/* What was counted before it is not its doing; nor is less than that.
	 */
	held("{\"ops\":\"" OPS "\",\"events\":{\"SCX_EV_A\":3,"
	     "\"SCX_EV_B\":4},\"since\":\"2026-01-02T03:04:05Z\"}");
	s = status_read();
	assert_true(json_as_number(json_path(s, "attached.events.SCX_EV_A"),
				   -1) == 4);
	assert_true(json_as_number(json_path(s, "attached.events.SCX_EV_B"),
				   -1) == 0);
	assert_null(json_path(s, "attached.tasks"));
	json_free(s);
	/* Partial: how many have the policy is told. */
	sysfs_is("switch_all", "0\n");
	s = status_read();
	assert_true(json_as_number(json_path(s, "attached.tasks"), -1) == 0);
	json_free(s);
	no_records();
}

/* ---- none -------------------------------------------------------------- */

static void nothing_is_attached(void **state)
{
	struct json *s;

	(void)state;
	no_records();
	kernel_is("disabled\n", NULL, 5);
	s = status_read();
	has(s, "no policy is attached (sched_ext is disabled)");
	assert_null(json_get(s, "attached"));
	assert_null(json_get(s, "last"));
	assert_false(status_is_well(s));
	json_free(s);
	/* A record of one who is just letting go. */
	held("{\"ops\":\"" OPS "\",\"policy\":\"" DIGEST "\"}");
	s = status_read();
	assert_null(json_get(s, "holder"));
	assert_false(status_is_well(s));
	json_free(s);
	no_records();
}

/* Its holder was killed: that is told, until the kernel has another one. */
static void of_the_dead(void **state)
{
	struct json *s;

	(void)state;
	no_records();
	kernel_is("disabled\n", NULL, 5);
	record("deployment.json", "{\"pid\":4194301,\"start\":7,\"ops\":\"" OPS
				  "\",\"policy\":\"p\",\"enable_seq\":5}");
	s = status_read();
	assert_string_equal(json_text_at(s, "last.state"), "lost");
	assert_non_null(strstr(json_text_at(s, "last.why"),
			       "back to its own scheduler"));
	json_free(s);
	/* It still stands there: it is on its way out. */
	kernel_is("enabled\n", OPS "\n", 5);
	s = status_read();
	assert_null(json_get(s, "last"));
	json_free(s);
	kernel_is("enabled\n", OPS "\n", 6);
	s = status_read();
	assert_string_equal(json_text_at(s, "last.state"), "lost");
	json_free(s);
	/* Of knobs. */
	record("deployment.json",
	       "{\"pid\":4194301,\"start\":7,\"policy\":\"p\"}");
	s = status_read();
	assert_string_equal(json_text_at(s, "last.why"),
			    "its holder was killed");
	json_free(s);
	/* Damaged ones are none. */
	record("deployment.json", "{\"pid\":4194301,");
	record("ended.json", "[]");
	s = status_read();
	assert_null(json_path(s, "last.state"));
	json_free(s);
	no_records();
}

static void what_ended_before(void **state)
{
	static const char *const ends[] = {"detached", "tripped", "tripped",
					   "stopped"};
	struct json *s, *v;

	(void)state;
	no_records();
	kernel_is("disabled\n", NULL, 5);
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		v = json_of("{\"policy\":\"p\",\"title\":\"t\"}");
		json_set_string(v, "state", ends[i]);
		holder_ended(v);
		json_free(v);
	}
	s = status_read();
	assert_string_equal(json_text_at(s, "last.state"), "stopped");
	assert_string_equal(json_text_at(s, "last.title"), "t");
	assert_null(json_path(s, "last.counts"));
	assert_true(json_as_number(json_path(s, "ended.tripped"), 0) == 2);
	assert_true(json_as_number(json_path(s, "ended.detached"), 0) == 1);
	json_free(s);
	/* A count that somebody spoilt begins anew. */
	record("ended.json",
	       "{\"state\":\"x\",\"counts\":{\"tripped\":\"7\"}}");
	v = json_of("{\"state\":\"tripped\"}");
	holder_ended(v);
	json_free(v);
	s = status_read();
	assert_true(json_as_number(json_path(s, "ended.tripped"), 0) == 1);
	json_free(s);
	no_records();
}

/* ---- what was pinned --------------------------------------------------- */

static void of_what_was_pinned(void **state)
{
	struct json *s;

	(void)state;
	no_records();
	kernel_is("enabled\n", OPS "\n", 9);
	held("{\"ops\":\"" OPS "\",\"policy\":\"" DIGEST
	     "\",\"pinned\":true,\"since\":\"2026-01-02T03:04:05Z\"}");
	s = status_read();
	has(s, ", pinned by sched-deploy");
	assert_true(json_as_bool(json_path(s, "attached.ours"), false));
	assert_true(status_is_well(s));
	json_free(s);
	/* Enabled again since: that one is another's. */
	kernel_is("enabled\n", OPS "\n", 10);
	s = status_read();
	lacks(s, "pinned by sched-deploy");
	assert_string_equal(json_text_at(s, "last.state"), "ejected");
	assert_non_null(strstr(json_text_at(s, "last.why"), "was pinned"));
	json_free(s);
	/* The links are gone: only the record is left, and goes. */
	kernel_is("disabled\n", NULL, 10);
	assert_int_equal(pinned_end(), -ESRCH);
	assert_null(holder_pinned());
	s = status_read();
	assert_string_equal(json_text_at(s, "last.state"), "ejected");
	assert_true(json_as_bool(json_path(s, "last.pinned"), true));
	json_free(s);
	/* As long as it is in force, it is not forgotten. */
	kernel_is("enabled\n", OPS "\n", 11);
	held("{\"ops\":\"" OPS "\",\"policy\":\"" DIGEST "\",\"pinned\":true}");
	assert_int_equal(pinned_end(), -ESRCH);
	s = holder_pinned();
	assert_non_null(s);
	json_free(s);
	no_records();
}

/* ---- its links --------------------------------------------------------- */

#define PINS "/sys/fs/bpf/schedkit"

/* Both of them, or only what attaches it. */
static void pin(bool both)
{
	assert_int_equal(path_make_dirs(PINS), 0);
	place_add(PINS "/policy", "we", "");
	if (both)
		place_add(PINS "/exec", "we", "");
}

static void what_is_unpinned(void **state)
{
	static const struct {
		const char *state, *ops;
		bool both;
		const char *told; /* of its end */
	} rows[] = {
		/* It was in force, and the kernel has let go of it already. */
		{"disabled\n", NULL, true, "ejected"},
		{"disabled\n", NULL, false, "ejected"},
		/* Others have taken its place. */
		{"enabled\n", "other\n", true, "ejected"},
	};

	(void)state;
	if (mount("tmpfs", "/sys/fs/bpf", "tmpfs", 0, NULL))
		skip();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct json *s;

		no_records();
		kernel_is("enabled\n", OPS "\n", 9);
		held("{\"ops\":\"" OPS "\",\"policy\":\"" DIGEST
		     "\",\"pinned\":true,\"since\":\"2026-01-02T03:04:05Z\"}");
		kernel_is(rows[i].state, rows[i].ops, 9);
		pin(rows[i].both);
		assert_true(pins_there());
		assert_int_equal(pinned_end(), 0);
		assert_false(pins_there());
		assert_int_equal(access(PINS, F_OK), -1);
		assert_null(holder_pinned());
		s = holder_last();
		assert_string_equal(json_text_at(s, "state"), rows[i].told);
		json_free(s);
	}
	/* One that nobody wrote down. */
	no_records();
	kernel_is("disabled\n", NULL, 9);
	pin(true);
	assert_int_equal(pinned_end(), 0);
	assert_null(holder_last());
	/* What is in the way of that is said. */
	assert_int_equal(path_make_dirs(PINS "/policy"), 0);
	assert_true(pins_remove() < 0);
	assert_non_null(strstr(err_text(), "cannot remove"));
	umount("/sys/fs/bpf");
	no_records();
}

/* It goes while it is waited for. */
static void what_takes_its_time(void **state)
{
	struct json *s;
	int status;
	pid_t pid;

	(void)state;
	if (mount("tmpfs", "/sys/fs/bpf", "tmpfs", 0, NULL))
		skip();
	no_records();
	kernel_is("enabled\n", OPS "\n", 9);
	held("{\"ops\":\"" OPS "\",\"policy\":\"" DIGEST
	     "\",\"pinned\":true,\"since\":\"2026-01-02T03:04:05Z\"}");
	pin(true);
	pid = fork();
	if (!pid) {
		usleep(100000);
		kernel_is("disabling\n", OPS "\n", 9);
		usleep(50000);
		kernel_is("disabled\n", NULL, 9);
		_exit(0);
	}
	assert_int_equal(pinned_end(), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	s = holder_last();
	assert_string_equal(json_text_at(s, "state"), "stopped");
	assert_true(json_as_number(json_get(s, "held_us"), 0) > 0);
	json_free(s);
	umount("/sys/fs/bpf");
	no_records();
}

/* ---- who lives --------------------------------------------------------- */

static void who_is_a_holder(void **state)
{
	struct json *v;
	char text[128];
	uint64_t start = task_start(getpid());

	(void)state;
	no_records();
	held("{\"policy\":\"p\"}");
	v = holder_read();
	assert_true(json_as_number(json_get(v, "pid"), 0) == getpid());
	json_free(v);
	assert_null(holder_left());
	/* A record that says nothing beside it is none of the living. */
	assert_null(holder_declared());
	/* Another process of that number, or one that is none of ours. */
	snprintf(text, sizeof(text), "{\"pid\":%d,\"start\":%llu}", getpid(),
		 (unsigned long long)start + 1);
	record("deployment.json", text);
	assert_null(holder_read());
	assert_int_equal(holder_stop(), -ESRCH);
	prctl(PR_SET_NAME, "sleep");
	held("{\"policy\":\"p\"}");
	assert_null(holder_read());
	prctl(PR_SET_NAME, "sched-deploy");
	for (int i = 0; i < 2; i++) {
		record("deployment.json",
		       i ? "{\"pid\":0,\"start\":0}" : "{\"pid\":-1}");
		assert_null(holder_read());
	}
	no_records();
}

/* It is asked, and waited for. */
static void a_holder_is_stopped(void **state)
{
	char path[64], text[128];
	int status;
	pid_t pid = fork();

	(void)state;
	if (!pid) {
		prctl(PR_SET_NAME, "sched-demand");
		alarm(20);
		for (;;)
			pause();
	}
	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	for (int i = 0; i < 1000; i++) {
		char *comm = NULL;
		struct buf b;

		buf_init(&b, 64);
		buf_read_file(&b, path);
		comm = buf_take(&b);
		if (comm && !strcmp(comm, "sched-demand\n")) {
			free(comm);
			break;
		}
		free(comm);
		usleep(1000);
	}
	snprintf(text, sizeof(text), "{\"pid\":%d,\"start\":%llu}", pid,
		 (unsigned long long)task_start(pid));
	record("deployment.json", text);
	assert_int_equal(holder_stop(), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WTERMSIG(status), SIGTERM);
	assert_int_equal(holder_stop(), -ESRCH);
	no_records();
}

/* ---- as figures -------------------------------------------------------- */

static void as_figures(void **state)
{
	static const struct {
		const char *status;
		const char *has[6];
		const char *lacks;
	} rows[] = {
		{"{\"sched_ext\":{\"state\":\"absent\"}}",
		 {"_sched_ext_state{state=\"absent\"} 1\n",
		  "_sched_ext_state{state=\"enabled\"} 0\n",
		  "_attached_ours 0\n", "_well 0\n", "_trips_total 0\n"},
		 "enables"},
		{"{\"sched_ext\":{\"state\":\"enabled\",\"enable_seq\":4,"
		 "\"nr_rejected\":2},\"holder\":{},\"attached\":{\"ours\":true,"
		 "\"ops\":\"x\",\"policy\":\"p\",\"tasks\":3,\"since\":"
		 "\"1970-01-01T00:01:40Z\",\"events\":{\"SCX_EV_A\":5},"
		 "\"by\":{\"name\":\"sched-deploy\"}}}",
		 {"_sched_ext_enables_total 4\n", "_attached_ours 1\n",
		  "_attached{ops=\"x\",policy=\"p\",by=\"sched-deploy\"} 1\n",
		  "_attached_since_seconds 100\n", "_attached_tasks 3\n",
		  "_sched_ext_events_total{event=\"SCX_EV_A\"} 5\n"},
		 "_model"},
		{"{\"attached\":{\"model\":{\"state\":\"trial\",\"generation\":2,"
		 "\"bursts\":9,\"trips\":1,\"ratio\":0.5,\"alarm\":\"so\"}},"
		 "\"last\":{\"exit_kind\":1026}}",
		 {"_model_state{state=\"trial\"} 1\n",
		  "_model_state{state=\"braked\"} 0\n", "_model_generation 2\n",
		  "_model_error_ratio 0.5\n", "_model_alarm 1\n",
		  "_last_exit_kind 1026\n"},
		 "since_seconds"},
		{"{\"attached\":{\"model\":{\"state\":\"none\"}},\"knobs\":"
		 "{\"tasks\":4,\"groups\":1},\"ended\":{\"tripped\":2}}",
		 {"_model_alarm 0\n", "_knob_tasks 4\n", "_knob_cgroups 1\n",
		  "_deployments_ended_total{state=\"tripped\"} 2\n",
		  "_trips_total 2\n", "_well 0\n"},
		 "error_ratio"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct json *s = json_of(rows[i].status);
		struct buf out;

		buf_init(&out, 1 << 16);
		status_metrics(s, &out);
		for (size_t k = 0; k < 6 && rows[i].has[k]; k++)
			if (!strstr(out.data, rows[i].has[k]))
				fail_msg("row %zu: no %s in %s", i,
					 rows[i].has[k], out.data);
		if (strstr(out.data, rows[i].lacks))
			fail_msg("row %zu: %s in %s", i, rows[i].lacks,
				 out.data);
		buf_release(&out);
		json_free(s);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whose_it_is),
		cmocka_unit_test(what_has_happened_since),
		cmocka_unit_test(nothing_is_attached),
		cmocka_unit_test(of_the_dead),
		cmocka_unit_test(what_ended_before),
		cmocka_unit_test(of_what_was_pinned),
		cmocka_unit_test(what_is_unpinned),
		cmocka_unit_test(what_takes_its_time),
		cmocka_unit_test(who_is_a_holder),
		cmocka_unit_test(a_holder_is_stopped),
		cmocka_unit_test(as_figures),
	};

	(void)argc;
	return place_run(tests, argv, NULL, place_leave);
}
