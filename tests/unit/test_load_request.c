/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the program with privilege believes of what it is asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "scx/configuration.h"
#include "scx/load_request.h"
#include "trust/statement.h"
#include "trust_fix.h"

#define NOW	1800000000
#define DAY	86400
#define OBJECT	"\177ELF, as far as anybody looks here"
#define RELEASE "6.18.15"
#define CONFIGURATION \
	"0123abcd0123abcd0123abcd0123abcd0123abcd0123abcd0123abcd0123abcd"

struct world {
	struct sign_key *key, *other;
	struct trust *trust;
	struct doc *policy;
	struct json *verdict;
	struct load_host host;
	struct load_request *r;
};

static struct json *parsed(char *text)
{
	struct json *v = json_parse(text, strlen(text));

	free(text);
	assert_non_null(v);
	return v;
}

static struct json *verdict_of(const struct doc *policy)
{
	char hex[DIGEST_HEX_LEN];

	digest_hex(OBJECT, strlen(OBJECT), hex);
	return parsed(mem_printf(
		"{\"policy\":\"%s\",\"workload\":\"a \\\"b\\\"\\\\c \xc3\xa4\","
		"\"decision\":\"accepted\",\"why\":\"so\",\"target\":\"host\","
		"\"kernel\":\"" RELEASE "\",\"configuration\":\"" CONFIGURATION
		"\",\"object_sha256\":\"%s\",\"stages\":[],\"metrics\":[]}",
		policy->id, hex));
}

/* As the asker fills it. */
static void ask(struct world *w)
{
	const struct json *s = json_get(w->verdict, "signature");

	memset(w->r, 0, sizeof(*w->r));
	w->r->size = sizeof(*w->r);
	w->r->verb = LOAD_HOLD;
	w->r->object_len = strlen(OBJECT);
	assert_int_equal(statement_claim(s, &w->r->claim), 0);
	strcpy(w->r->ed25519, json_text_at(s, "ed25519"));
	assert_int_equal(policy_image_read(w->policy->body, &w->r->image), 0);
}

static void sign(struct world *w, const struct sign_key *key, time_t expires)
{
	assert_int_equal(
		statement_sign(key, w->verdict, w->policy, NOW, expires), 0);
	ask(w);
}

static int setup(void **state)
{
	struct world *w = mem_zalloc(1, sizeof(*w));

	assert_int_equal(sign_key_new(&w->key), 0);
	assert_int_equal(sign_key_new(&w->other), 0);
	w->trust = trust_new();
	trust_this(w->trust, w->key, KEY_NEVER);
	w->policy = doc_new(
		"policy", "test",
		parsed(mem_strdup(
			"{\"form\":\"params\",\"title\":\"t\",\"why\":\"w\","
			"\"uses\":[],\"params\":{\"classify\":\"identity\"},"
			"\"identities\":[{\"hash\":\"00000000000000ff\","
			"\"expect_us\":2500}]}")),
		NULL, 0);
	assert_non_null(w->policy);
	w->verdict = verdict_of(w->policy);
	strcpy(w->host.release, RELEASE);
	strcpy(w->host.configuration, CONFIGURATION);
	w->r = mem_zalloc(1, sizeof(*w->r));
	sign(w, w->key, NOW + DAY);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	json_free(w->verdict);
	doc_free(w->policy);
	trust_free(w->trust);
	sign_key_free(w->key);
	sign_key_free(w->other);
	free(w->r);
	free(w);
	return 0;
}

static int judge_at(const struct world *w, const char *object, time_t now)
{
	int rc = load_request_check(w->r);

	err_clear();
	return rc ? rc
		  : load_request_judge(w->r, object, w->trust, &w->host, now);
}

static void refuses(const struct world *w, const char *words)
{
	assert_int_equal(judge_at(w, OBJECT, NOW + 60), -EACCES);
	if (!strstr(err_text(), words))
		fail_msg("'%s' is not in: %s", words, err_text());
}

static void accepts(const struct world *w)
{
	if (judge_at(w, OBJECT, NOW + 60))
		fail_msg("%s", err_text());
}

/* ---- the text that was signed ----------------------------------------- */

static void test_rebuilt(void **state)
{
	struct world *w = *state;
	char *signed_text = json_canonical(statement_of(w->verdict));
	char *rebuilt = claim_text(&w->r->claim);

	assert_string_equal(rebuilt, signed_text);
	/* The order is that of the names. */
	for (size_t i = 1; claim_member(i); i++)
		assert_true(strcmp(claim_member(i - 1), claim_member(i)) < 0);
	free(rebuilt);
	free(signed_text);
	memset(&w->r->claim, 0, sizeof(w->r->claim));
	rebuilt = claim_text(&w->r->claim);
	assert_string_equal(rebuilt, "{}");
	free(rebuilt);
}

static void test_accepted(void **state)
{
	accepts(*state);
}

/* Every byte of every field counts. */
static void test_forged(void **state)
{
	struct world *w = *state;

	for (size_t i = 0; claim_member(i); i++) {
		size_t size;
		char *field = claim_field(&w->r->claim, claim_member(i), &size);
		char was = field[0];

		field[0] = was == '2' ? '3' : '2';
		if (!judge_at(w, OBJECT, NOW + 60))
			fail_msg("'%s' may be changed", claim_member(i));
		field[0] = was;
	}
	accepts(w);
	w->r->ed25519[7] = w->r->ed25519[7] == '0' ? '1' : '0';
	refuses(w, "forged");
}

static void test_image(void **state)
{
	struct world *w = *state;
	struct policy_image *i = &w->r->image;

	assert_int_equal(i->count, 1);
	assert_int_equal(i->identities[0].hash, 0xff);
	assert_int_equal(i->identities[0].expect_ns, 2500000);
	i->params.slice_us++;
	refuses(w, "not what was signed");
	i->params.slice_us--;
	i->identities[0].expect_ns++;
	refuses(w, "not what was signed");
	i->identities[0].expect_ns--;
	i->name[9] = i->name[9] == '0' ? '1' : '0';
	refuses(w, "not what was signed");
	ask(w);
	i->longest_ns++;
	refuses(w, "not what was signed");
	ask(w);
	/* What stands behind the last one is not used. */
	i->identities[1].hash = 1;
	accepts(w);
	i->count = 2;
	refuses(w, "not what was signed");
}

static void test_object(void **state)
{
	struct world *w = *state;
	char other[] = OBJECT;

	other[5]++;
	assert_int_equal(judge_at(w, other, NOW), -EACCES);
	assert_non_null(strstr(err_text(), "not the one that was measured"));
	w->r->object_len--;
	refuses(w, "not the one that was measured");
}

static void test_times(void **state)
{
	struct world *w = *state;

	assert_int_equal(judge_at(w, OBJECT, NOW + DAY + 299), 0);
	assert_int_equal(judge_at(w, OBJECT, NOW + DAY + 301), -EACCES);
	assert_non_null(strstr(err_text(), "has expired"));
	assert_int_equal(judge_at(w, OBJECT, NOW - 301), -EACCES);
	assert_non_null(strstr(err_text(), "was signed at"));
}

static void test_foreign(void **state)
{
	struct world *w = *state;

	sign(w, w->other, NOW + DAY);
	refuses(w, "not trusted");
	/* Another one's signature under a name that is. */
	strcpy(w->r->claim.key, sign_key_public(w->key));
	refuses(w, "forged");
}

static void call_back(struct world *w, const char *what, const char *id)
{
	char *line = mem_printf("%s %s it was lost\n", what, id);

	assert_int_equal(trust_parse_revoked(w->trust, line, strlen(line)), 0);
	free(line);
}

static void test_revoked_key(void **state)
{
	struct world *w = *state;

	call_back(w, "key", sign_key_public(w->key));
	refuses(w, "is revoked (it was lost)");
}

static void test_revoked_policy(void **state)
{
	struct world *w = *state;

	call_back(w, "policy", w->policy->id);
	refuses(w, "is revoked: it was lost");
}

static void test_revoked_verdict(void **state)
{
	struct world *w = *state;

	call_back(w, "verdict", w->r->claim.evidence_sha256);
	refuses(w, "verdict is revoked: it was lost");
}

static void test_other_kernel(void **state)
{
	struct world *w = *state;

	strcpy(w->host.release, "6.18.16");
	refuses(w, "is for kernel 6.18.15, this is 6.18.16");
	strcpy(w->host.release, RELEASE);
	w->host.configuration[0] = 'f';
	refuses(w, "another build or configuration");
}

/* Figures of a guest open the canary, on a kernel of the same series. */
static void test_guest(void **state)
{
	struct world *w = *state;

	json_set_string(w->verdict, "target", "vm");
	sign(w, w->key, NOW + DAY);
	strcpy(w->host.release, "6.18.99-other");
	refuses(w, "was measured on 'vm'");
	w->r->partial = 1;
	accepts(w);
	strcpy(w->host.release, "6.1.15");
	refuses(w, "of another series");
	strcpy(w->host.release, "6.180.15");
	refuses(w, "of another series");
	json_set_string(w->verdict, "target", "sim");
	sign(w, w->key, NOW + DAY);
	w->r->partial = 1;
	refuses(w, "was measured on 'sim'");
}

/* ---- the form --------------------------------------------------------- */

static void malformed(struct world *w)
{
	assert_int_equal(load_request_check(w->r), -EINVAL);
	ask(w);
	assert_int_equal(load_request_check(w->r), 0);
}

static void test_form(void **state)
{
	struct world *w = *state;
	struct load_request *r = w->r;

	r->size--;
	malformed(w);
	r->verb = 7;
	malformed(w);
	r->verb = LOAD_ASK;
	malformed(w);
	r->intents = 2;
	malformed(w);
	r->partial = 2;
	malformed(w);
	r->object_len = 0;
	malformed(w);
	r->object_len = LOAD_OBJECT_MAX + 1;
	malformed(w);
	memset(r->ed25519, 'a', sizeof(r->ed25519));
	malformed(w);
	memset(r->claim.workload, 'a', sizeof(r->claim.workload));
	malformed(w);
	r->claim.kernel[0] = '\033';
	malformed(w);
	r->image.size++;
	malformed(w);
	r->image.whole = 2;
	malformed(w);
	r->image.whole = 1;
	malformed(w);
	r->image.count = POLICY_MAX_IDENTITIES + 1;
	malformed(w);
	r->image.count = UINT32_MAX;
	malformed(w);
	memset(r->image.name, 'a', sizeof(r->image.name));
	malformed(w);
	r->image.name[0] = '/';
	malformed(w);
	r->image.name[0] = '\0';
	malformed(w);
}

static int no_more(void)
{
	fail_msg("something was loaded");
	return 0;
}

/* What it says to so many bytes of a request that would be good. */
static void served(const struct world *w, size_t bytes, const char *words)
{
	volatile sig_atomic_t cancel = 0;
	char line[512];
	int pair[2];
	ssize_t n;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(write(pair[0], w->r, bytes), bytes);
	shutdown(pair[0], SHUT_WR);
	assert_true(load_serve(pair[1], &cancel, no_more) < 0);
	n = read(pair[0], line, sizeof(line) - 1);
	assert_true(n > 0);
	line[n] = '\0';
	if (strncmp(line, "no ", 3) || !strstr(line, words))
		fail_msg("'%s' is not in: %s", words, line);
	close(pair[0]);
	close(pair[1]);
}

static void test_truncated(void **state)
{
	struct world *w = *state;

	served(w, 1, "half a request");
	served(w, sizeof(*w->r) - 1, "half a request");
	/* … and without the object. */
	served(w, sizeof(*w->r), "half a request");
	w->r->size++;
	served(w, sizeof(*w->r), "not a request of this version");
}

/* ---- what is signed of a policy --------------------------------------- */

static void test_image_of(void **state)
{
	struct world *w = *state;
	char a[DIGEST_HEX_LEN], b[DIGEST_HEX_LEN];
	struct policy_image *i = mem_zalloc(1, sizeof(*i));
	struct json *many = json_array(), *body = json_copy(w->policy->body);
	struct json *source = parsed(mem_strdup("{\"form\":\"source\"}"));

	assert_int_equal(policy_image_read(w->policy->body, i), 0);
	policy_image_digest(i, a);
	assert_string_equal(a, w->r->claim.image_sha256);
	memset(i, 0xff, sizeof(*i));
	assert_int_equal(policy_image_read(w->policy->body, i), 0);
	policy_image_digest(i, b);
	assert_string_equal(a, b);
	assert_int_equal(policy_image_read(source, i), 0);
	assert_int_equal(policy_image_check(i), 0);
	assert_true(i->whole && !*i->name);
	for (size_t n = 0; n <= POLICY_MAX_IDENTITIES; n++)
		json_add(many, json_copy(json_path(body, "identities.0")));
	json_set(body, "identities", many);
	assert_int_equal(policy_image_read(body, i), -E2BIG);
	json_free(source);
	json_free(body);
	free(i);
}

#define WITH(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(test_rebuilt),	   WITH(test_accepted),
		WITH(test_forged),	   WITH(test_image),
		WITH(test_object),	   WITH(test_times),
		WITH(test_foreign),	   WITH(test_revoked_key),
		WITH(test_revoked_policy), WITH(test_revoked_verdict),
		WITH(test_other_kernel),   WITH(test_guest),
		WITH(test_form),	   WITH(test_truncated),
		WITH(test_image_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
