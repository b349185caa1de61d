/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What sched-observe shows, of profiles as a guest may hand them out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agents/observer/page.h"

#define PROFILE(buckets)                                                          \
	"{\"scope\":\"all\",\"goal\":\"latency\",\"source\":\"bpf\","             \
	"\"target\":\"vm\",\"duration_us\":500000,"                               \
	"\"system\":{\"cpus\":2,\"kernel\":\"6.18\"},\"groups\":[{\"name\":"      \
	"\"server\",\"tasks\":2,\"run_us\":1000,\"wait_us\":1000,\"wakeups\":"    \
	"7,\"delay_us\":{\"count\":3,\"p50\":1,\"p99\":100,\"buckets\":[" buckets \
	"]},\"wakers\":[]}],\"overhead\":{\"drops\":0}}"

/* The line about the group. */
static char *shown(const char *text)
{
	struct json *body = json_parse(text, strlen(text));
	struct buf out;
	char *line;

	assert_non_null(body);
	buf_init(&out, 1 << 16);
	observer_page(body, 200, &out);
	line = strstr(out.data, "server ");
	assert_non_null(line);
	line = strndup(line, strcspn(line, "\n"));
	buf_release(&out);
	json_free(body);
	return line;
}

static void the_order_of_buckets_is_no_matter(void **state)
{
	char *up = shown(PROFILE("[1,1],[16,5],[128,2]"));
	char *down = shown(PROFILE("[128,2],[16,5],[1,1]"));

	(void)state;
	assert_string_equal(up, down);
	free(up);
	free(down);
}

static void numbers_that_no_clock_shows_are_shown(void **state)
{
	char *line = shown(PROFILE("[-5,1],[1e300,-2],[3,1e300]"));

	(void)state;
	free(line);
}

/* ---- what is there, and what is not ------------------------------------ */

#define PAGE_MAX (1 << 16)

static void page_says(const char *text, const char *const *has, size_t n,
		      const char *lacks)
{
	struct json *body = json_parse(text, strlen(text));
	struct buf out;

	if (!body)
		fail_msg("%s", text);
	buf_init(&out, PAGE_MAX);
	observer_page(body, 200, &out);
	for (size_t i = 0; i < n && has[i]; i++)
		if (!strstr(out.data, has[i]))
			fail_msg("no '%s' in\n%s", has[i], out.data);
	if (lacks && strstr(out.data, lacks))
		fail_msg("'%s' in\n%s", lacks, out.data);
	buf_release(&out);
	json_free(body);
}

static void pages_by_what_was_observed(void **state)
{
	static const struct {
		const char *body, *has[6], *lacks;
	} rows[] = {
		{"{\"scope\":\"all\"}",
		 {"observed the whole machine for",
		  "sampled from /proc: totals only"},
		 "Who"},
		{"{\"scope\":\"pid\",\"duration_us\":2000000,\"target\":"
		 "\"host\",\"system\":{\"cpus\":4,\"kernel\":\"6.18\","
		 "\"sched_ext\":\"absent\"}}",
		 {"observed a process for 2 s on host: 4 CPUs, Linux 6.18, "
		  "sched_ext absent\n"},
		 "ended with"},
		{"{\"scope\":\"cgroup\",\"source\":\"bpf\",\"overhead\":{"
		 "\"drops\":3,\"pct\":1.5,\"events\":2000},\"notes\":[\"one\","
		 "\"two\"]}",
		 {"observed a cgroup", "3 missed); observing took 1.50 %",
		  "one", "two"},
		 "sampled"},
		/* What others call themselves is text. */
		{"{\"scope\":\"command\",\"workload\":{\"name\":\"a\\u001b[2J\"}"
		 "}",
		 {"observed a"},
		 "\x1b"},
		{"{\"scope\":\"command\",\"workload\":{\"name\":\"w\"},"
		 "\"exit_status\":0,\"wall_us\":1500,\"user_us\":10,\"sys_us\":"
		 "20,\"metrics\":[{\"name\":\"m\",\"value\":3.5,\"unit\":\"s\","
		 "\"better\":\"lower\"},{\"name\":\"n\",\"unit\":\"x\","
		 "\"better\":\"higher\"}]}",
		 {"observed w for", "ended with status 0 after 1.50 ms",
		  "  m = 3.5 s (lower is better)\n",
		  "  n was not in the output x (higher is better)\n"},
		 NULL},
		{"{\"scope\":\"all\",\"run_queue\":{\"busy_pct\":12.5,"
		 "\"waiting_pct\":0}}",
		 {"   12.5 %  of CPU time was used",
		  "    0.0 %  of the time some task waited"},
		 "idle while one waited"},
		{"{\"scope\":\"all\",\"run_queue\":{\"idle_while_waiting_pct\":"
		 "7,\"depth_mean\":1.25},\"groups\":[{\"name\":\"a\",\"tasks\":"
		 "1,\"run_us\":30,\"wait_us\":10,\"kernel\":true}]}",
		 {"    7.0 %  of CPU time was idle while one waited",
		  "   25.0 %  of runnable time was spent in a queue",
		  "   1.25    tasks waiting per CPU", "a (kernel)"},
		 " more\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		page_says(rows[i].body, rows[i].has, 6, rows[i].lacks);
}

static void only_the_first_groups(void **state)
{
	const char *has[] = {"g7 ", "and 3 more\n"};
	struct buf body;

	(void)state;
	buf_init(&body, PAGE_MAX);
	buf_puts(&body, "{\"scope\":\"all\",\"groups\":[");
	for (int i = 0; i < 11; i++)
		buf_printf(&body, "%s{\"name\":\"g%d\",\"tasks\":1}",
			   i ? "," : "", i);
	buf_puts(&body, "]}");
	page_says(body.data, has, 2, "g8 ");
	buf_release(&body);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_order_of_buckets_is_no_matter),
		cmocka_unit_test(numbers_that_no_clock_shows_are_shown),
		cmocka_unit_test(pages_by_what_was_observed),
		cmocka_unit_test(only_the_first_groups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
