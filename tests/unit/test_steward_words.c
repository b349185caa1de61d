/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How many words and clients there may be, and configuration that is broken. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "agents/steward/order.h"
#include "base/err.h"
#include "base/mem.h"
#include "file_fix.h"

static char folder[] = "/tmp/schedkit-steward-XXXXXX";
static struct steward_config cfg;
static const struct steward_client all = {
	.name = "all", .highest = STEWARD_DEPLOY, .commands = STEWARD_HOST};

static int order(struct steward_order *o, const struct steward_client *who,
		 const char *tool, const char *args, bool words)
{
	struct json *v = json_parse(args, strlen(args));
	int rc;

	assert_non_null(v);
	rc = steward_order_make(o, &cfg, who, tool, v, words);
	json_free(v);
	return rc;
}

/* Where there is a file of them, it counts as if they were there. */
static void words_in_a_file_go_where_words_go(void **state)
{
	static const struct {
		const char *tool, *args;
		int rc;
	} is[] = {
		{"observe", "{\"what\":\"machine\"}", -EINVAL},
		{"observe", "{\"what\":\"command\"}", 0},
		{"intents", "{\"action\":\"list\"}", -EINVAL},
		{"intents", "{\"action\":\"propose\"}", 0},
		{"intents", "{\"action\":\"propose\",\"profile\":\"abcd\"}",
		 -EINVAL},
		{"synthesise", "{\"profile\":\"abcd\"}", -EINVAL},
		{"synthesise", "{\"profile\":\"abcd\",\"by\":\"rules\"}",
		 -EINVAL},
		{"synthesise", "{\"profile\":\"abcd\",\"by\":\"model\"}", 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(is); i++) {
		struct steward_order o;
		int rc = order(&o, &all, is[i].tool, is[i].args, true);

		if (rc != is[i].rc)
			fail_msg("%s %s: %d", is[i].tool, is[i].args, rc);
		if (!rc && !strcmp(is[i].tool, "synthesise"))
			assert_string_equal(o.words_as, "--wish=");
		steward_order_release(&o);
	}
}

/* A command of n words, of which the last has so many bytes. */
static int command_of(size_t n, size_t bytes)
{
	struct json *args = json_object(), *list;
	char *last = mem_zalloc(bytes + 1, 1);
	char *path = mem_printf("%s/words", folder);
	struct steward_order o;
	struct strs back = {0};
	int rc;

	memset(last, 'x', bytes);
	json_set_string(args, "what", "command");
	list = json_set(args, "command", json_array());
	while (n-- > 1)
		json_add(list, json_string("y"));
	json_add(list, json_string(last));
	rc = steward_order_make(&o, &cfg, &all, "observe", args, false);
	/* What may be ordered can be read again. */
	if (!rc) {
		assert_int_equal(steward_words_write(path, &o.words), 0);
		assert_int_equal(steward_words_read(path, &back), 0);
		assert_int_equal(back.len, o.words.len);
		for (size_t i = 0; i < back.len; i++)
			assert_string_equal(back.v[i], o.words.v[i]);
		unlink(path);
	}
	strs_release(&back);
	steward_order_release(&o);
	json_free(args);
	free(path);
	free(last);
	return rc;
}

static void words_have_their_most(void **state)
{
	char *path = mem_printf("%s/words", folder);
	struct json *args = json_object(), *list;
	struct strs many = {0}, back = {0};
	struct steward_order o;
	char text[2001];

	(void)state;
	assert_int_equal(command_of(STEWARD_MAX_WORDS, 1), 0);
	assert_int_equal(command_of(STEWARD_MAX_WORDS + 1, 1), -EINVAL);
	assert_int_equal(command_of(2, 2000), 0);
	assert_int_equal(command_of(2, 2001), -EINVAL);
	/* All bytes of them, each with its end: to the last. */
	memset(text, 'x', 2000);
	text[2000] = '\0';
	json_set_string(args, "what", "command");
	list = json_set(args, "command", json_array());
	json_add(list, json_string(text));
	json_add(list, json_string(text));
	text[STEWARD_MAX_TEXT - 2 * 2001 - 1] = '\0';
	json_add(list, json_string(text));
	assert_int_equal(
		steward_order_make(&o, &cfg, &all, "observe", args, false), 0);
	assert_int_equal(steward_words_write(path, &o.words), 0);
	assert_int_equal(steward_words_read(path, &back), 0);
	assert_int_equal(back.len, 3);
	steward_order_release(&o);
	json_add(list, json_string(""));
	assert_int_equal(
		steward_order_make(&o, &cfg, &all, "observe", args, false),
		-EINVAL);
	steward_order_release(&o);
	unlink(path);
	/* Nor does who runs it take more from a file. */
	for (size_t i = 0; i <= STEWARD_MAX_WORDS; i++)
		strs_add(&many, "w");
	assert_int_equal(steward_words_write(path, &many), 0);
	assert_int_equal(steward_words_read(path, &back), -EINVAL);
	unlink(path);
	strs_release(&many);
	strs_release(&back);
	json_free(args);
	free(path);
}

/* So many and no more; the same name twice in the file is one. */
static void clients_have_their_most(void **state)
{
	struct json *v = json_object(), *list;
	struct steward_config c;
	int rc = 0, n = 0;

	(void)state;
	list = json_set(v, "clients", json_object());
	for (; !rc && n < 1000; n++) {
		char *name = mem_printf("client-%d", n), *text;

		json_set(list, name, json_object());
		text = json_canonical(v);
		steward_config_init(&c);
		rc = steward_config_parse(&c, text, strlen(text), "mcp.json");
		steward_config_release(&c);
		free(text);
		free(name);
	}
	assert_int_equal(rc, -EINVAL);
	assert_non_null(strstr(err_text(), "too many"));
	assert_in_range(n, 16, 999);
	json_free(v);
}

/* Nobody's own is the default; what is broken stays as it is. */
static void no_configuration_and_a_broken_one(void **state)
{
	char *own = mem_printf("%s/schedkit", folder);
	char *path = mem_printf("%s/mcp.json", own);
	char token[STEWARD_TOKEN_LEN];
	struct steward_config c;
	struct buf b;
	FILE *f;

	(void)state;
	steward_config_init(&c);
	assert_int_equal(steward_config_read(&c, NULL), 0);
	assert_int_equal(steward_config_read(&c, "/nonesuch"), -ENOENT);
	steward_config_release(&c);
	mkdir(own, 0700);
	f = fopen(path, "w");
	fputs("{\"clients\":7}", f);
	fclose(f);
	chmod(path, 0600);
	steward_config_init(&c);
	assert_int_equal(steward_config_read(&c, NULL), -EINVAL);
	steward_config_release(&c);
	assert_int_equal(steward_config_add_token(NULL, "laptop", token),
			 -EINVAL);
	b = file_content(path);
	assert_string_equal(b.data, "{\"clients\":7}");
	buf_release(&b);
	file_put(path, "", 0);
	assert_int_equal(steward_config_add_token(NULL, "laptop", token),
			 -EINVAL);
	/* Others could have written it. */
	chmod(path, 0622);
	assert_int_equal(steward_config_add_token(NULL, "laptop", token),
			 -EACCES);
	unlink(path);
	free(path);
	free(own);
}

static int set_up(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	setenv("XDG_CONFIG_HOME", folder, 1);
	steward_config_init(&cfg);
	return 0;
}

static int tear_down(void **state)
{
	char *own = mem_printf("%s/schedkit", folder);

	(void)state;
	steward_config_release(&cfg);
	rmdir(own);
	free(own);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_in_a_file_go_where_words_go),
		cmocka_unit_test(words_have_their_most),
		cmocka_unit_test(clients_have_their_most),
		cmocka_unit_test(no_configuration_and_a_broken_one),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
