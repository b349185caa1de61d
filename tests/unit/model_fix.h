/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What tests of ask-model need: a home without settings, and its process. */
#ifndef SCHEDKIT_TESTS_MODEL_FIX_H
#define SCHEDKIT_TESTS_MODEL_FIX_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/temp.h"

static char home[] = "/tmp/test_model.XXXXXX";

static inline int home_make(void)
{
	if (!mkdtemp(home))
		return -1;
	unsetenv("SCHED_LLM");
	unsetenv("SCHED_LLM_MODEL");
	setenv("SCHEDKIT_RUNTIME", "off", 1);
	setenv("XDG_CONFIG_HOME", home, 1);
	setenv("XDG_CACHE_HOME", home, 1);
	return setenv("XDG_STATE_HOME", home, 1);
}

static inline int home_remove(void **state)
{
	(void)state;
	temp_clear(home);
	return 0;
}

/* The pid of our only child. */
static inline pid_t child_of_ours(void)
{
	char path[64], line[64] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	f = fopen(path, "r");
	assert_non_null(f);
	assert_non_null(fgets(line, sizeof(line), f));
	fclose(f);
	return (pid_t)strtol(line, NULL, 10);
}

#endif
