/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An installed scheduler on a host: how it begins, goes on and ends, as the
 * documents about it say; who minds it is a stand-in. */
#include "tests/unit/deployer_fix.h"

/* ---- external schedulers ----------------------------------------------- */

static int deploy_external(const struct deployer_opts *o)
{
	struct doc *p = policy_of("\"form\":\"external\",\"external\":"
				  "{\"program\":\"scx_list\"}");
	char hex[DIGEST_HEX_LEN], *members;
	struct doc *v;

	assert_int_equal(digest_file_hex("/bin/ls", hex), 0);
	members = mem_printf("{\"object_sha256\":\"%s\"}", hex);
	v = verdict_of(p, members);
	free(members);
	return deploy(p, v, o);
}

static void external_ones(void **state)
{
	static const struct {
		const char *script;
		int rc;
		const char *state, *why, *reason, *message;
	} rows[] = {
		{"say path /bin/ls\nsay held 42 list_1\nuntil\nsay done\n",
		 DEPLOYER_DONE, "detached", "the time is over", "", ""},
		{"say held 42 list_1\nsay said 1 EXIT: stall (a[7] (b))\n"
		 "say said \nsay gone it fell\nuntil\nsay done\n",
		 DEPLOYER_EJECTED, "ejected", "the scheduler is gone: it fell",
		 "stall", "a[7] (b)"},
		{"say held 42 list_1\nsay said EXIT: a\nsay said EXIT: b) (\n"
		 "say gone x\nuntil\nsay done\n",
		 DEPLOYER_EJECTED, "ejected", "x", "b)", ""},
		{"say held 42 list_1\nsay said EXIT: plain\n"
		 "say said EXIT : no\n",
		 DEPLOYER_EJECTED, "ejected", "who minded it was killed",
		 "plain", ""},
		{"say no EACCES not what was measured\n", DEPLOYER_REFUSED,
		 "refused", "not what was measured", "", ""},
		{"say held 42 list_1\nuntil\nsay fault EIO it stays\n", -EIO,
		 "detached", "it stays", "", ""},
	};
	struct deployer_opts o = opts();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int rc;

		says("hold-external", rows[i].script);
		/* What falls does so before its time is over. */
		o.hold_s = rows[i].rc == DEPLOYER_EJECTED ? 20 : 0.05;
		rc = deploy_external(&o);
		if (rc != rows[i].rc)
			fail_msg("row %zu: %d '%s'", i, rc, err_text());
		last_is(rows[i].state, rows[i].why);
		assert_string_equal(json_text_at(last(), "exit_reason"),
				    rows[i].reason);
		assert_string_equal(json_text_at(last(), "exit_message"),
				    rows[i].message);
		nobody_holds();
	}
	/* What this machine cannot is no answer to the policy. */
	says("hold-external", "say no EOPNOTSUPP no cgroups\n");
	assert_int_equal(deploy_external(&o), -ENOTSUP);
	assert_int_equal(told(), 0);
}

static void external_ones_otherwise(void **state)
{
	static char *const four[] = {(char *)"sh", (char *)"-c",
				     (char *)"exit 4", NULL};
	static char *const none[] = {(char *)"no-such-program", NULL};
	struct deployer_opts o = opts();

	(void)state;
	o.dry_run = true;
	says("hold-external", "say path /bin/ls\nsay held 0\n");
	assert_int_equal(deploy_external(&o), DEPLOYER_DONE);
	last_is("dry-run", "would be started");
	assert_string_equal(json_text_at(last(), "program.path"), "/bin/ls");
	assert_null(json_path(last(), "program.pid"));
	o.dry_run = false;
	says("hold-external", "say held 42 list_1\nsay again 2\nsay said x\n"
			      "until\nsay done\n");
	o.hold_s = 20;
	o.command = four;
	assert_int_equal(deploy_external(&o), DEPLOYER_DONE);
	assert_int_equal(result.exit_status, 4);
	last_is("detached", "the command ended with status 4");
	assert_true(json_as_number(json_path(last(), "program.restarts"), 0) ==
		    2);
	assert_string_equal(json_text_at(last(), "output.0"), "x");
	assert_true(*json_text_at(last(), "no_stats"));
	o.command = none;
	assert_int_equal(deploy_external(&o), -ENOENT);
	last_is("detached", "no-such-program");
	o.command = NULL;
	o.hold_s = 0;
	o.cancel = &cancelled;
	o.emitted = stop;
	assert_int_equal(deploy_external(&o), DEPLOYER_DONE);
	last_is("stopped", "asked to stop");
	cancelled = 0;
	nobody_holds();
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(external_ones),
		cmocka_unit_test(external_ones_otherwise),
	};

	(void)argc;
	return place_run(tests, argv, set_up, tear_down);
}
