/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The process that sets knobs, as its asker sees it; what it does is in
 * tests/cli/knobs.bats. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "agents/attacher/setter.h"
#include "base/err.h"
#include "base/mem.h"

/* What is at the other end of its socket is *other. */
static void begin(struct setter *s, int *other)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	*s = (struct setter){.child = {.fd = pair[0]}};
	answers_init(&s->answers, pair[0]);
	*other = pair[1];
}

static void says(int other, const char *lines)
{
	assert_int_equal(write(other, lines, strlen(lines)), strlen(lines));
}

/* No signal ends us: there is something to undo. */
static void who_is_gone_is_an_error(void **state)
{
	struct knob_tune t = {.size = sizeof(t)};
	struct setter s;
	int other;

	(void)state;
	begin(&s, &other);
	close(other);
	assert_int_equal(setter_tune(&s, &t), -EPIPE);
	assert_int_equal(setter_tune(&s, &t), -EPIPE);
	setter_release(&s);
}

static void what_it_says(void **state)
{
	struct knob_tune t = {.size = sizeof(t)};
	struct setter s;
	int other;

	(void)state;
	begin(&s, &other);
	says(other, "tuned\n");
	assert_int_equal(setter_tune(&s, &t), 0);
	says(other, "refused EROFS it is read-only\n");
	assert_int_equal(setter_tune(&s, &t), -EROFS);
	assert_string_equal(err_text(), "it is read-only");
	says(other, "refused\nrefused \n");
	assert_int_equal(setter_tune(&s, &t), -EIO);
	/* The first trouble is what is told. */
	says(other, "fault EPERM not that\nno EINVAL nor this\n"
		    "left a\ndone 3 2 1 4 5\n");
	close(other);
	assert_int_equal(setter_end(&s), -EPERM);
	assert_string_equal(err_text(), "not that");
	assert_true(s.tasks == 3 && s.groups == 2 && s.gone == 1);
	assert_true(s.rules == 2 && s.rule_tasks[0] == 4 &&
		    s.rule_tasks[1] == 5);
	assert_int_equal(s.left.len, 1);
	setter_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_is_gone_is_an_error),
		cmocka_unit_test(what_it_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
