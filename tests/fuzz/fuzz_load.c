/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the program with privilege is asked, as anybody may have written it:
 * the fields of a statement, the numbers for an object, and the object.
 * Nothing may be carried out whose text the key did not sign, and the text that
 * is made of the fields is JSON that says just what they do.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "doc/json.h"
#include "fuzz.h"
#include "scx/load_request.h"

#define NOW 1800000000
/* What of a request comes from the input; an object follows. */
#define FRONT                                        \
	(offsetof(struct load_request, image) +      \
	 offsetof(struct policy_image, identities) + \
	 4 * sizeof(struct image_identity))

/* The key that it names, so that it comes further. */
static struct trust *trust_of(const char *id)
{
	struct key_info k = {.expires = KEY_NEVER};
	struct trust *t = trust_new();

	memcpy(k.id, id, strlen(id));
	trust_add_key(t, &k);
	return t;
}

static void check_text(struct claim *c, const char *text)
{
	struct json *v = json_parse(text, strlen(text));
	char *again;

	/* Only what is no UTF-8 is no JSON. */
	if (!v)
		return;
	again = json_canonical(v);
	expect(!strcmp(again, text));
	for (size_t i = 0; claim_member(i); i++) {
		size_t len;
		const char *field = claim_field(c, claim_member(i), &len);

		expect(!strcmp(json_text_at(v, claim_member(i)), field));
	}
	free(again);
	json_free(v);
}

static void check_accepted(const struct load_request *r, const char *text)
{
	const struct claim *c = &r->claim;

	expect(!strcmp(c->decision, "accepted"));
	expect(!strcmp(c->target, "host") || r->partial);
	expect(sign_check(c->key, text, strlen(text), r->ed25519));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct load_request *r = calloc(1, sizeof(*r));
	size_t front = size < FRONT ? size : FRONT;
	struct load_host host = {{0}, {0}};
	struct trust *t;
	char *object, *text;

	expect(r != NULL);
	memcpy(r, data, front);
	/* Half of them are at least of the right version and length. */
	if (r->verb & 0x100) {
		r->verb &= 0xff;
		r->size = sizeof(*r);
		r->image.size = sizeof(r->image);
		r->object_len = (uint32_t)(size - front);
	}
	/* A copy of just this size. */
	object = malloc(size - front + 1);
	expect(object != NULL);
	memcpy(object, data + front, size - front);
	if (!load_request_check(r) && r->object_len == size - front) {
		memcpy(host.release, r->claim.kernel, sizeof(host.release));
		memcpy(host.configuration, r->claim.configuration,
		       sizeof(host.configuration));
		t = trust_of(r->claim.key);
		text = claim_text(&r->claim);
		check_text(&r->claim, text);
		if (!load_request_judge(r, object, t, &host, NOW))
			check_accepted(r, text);
		free(text);
		trust_free(t);
	}
	free(object);
	free(r);
	return 0;
}
