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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_order_of_buckets_is_no_matter),
		cmocka_unit_test(numbers_that_no_clock_shows_are_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
