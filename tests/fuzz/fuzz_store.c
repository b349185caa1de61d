/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an agent may ask of the store, a request in each line: every one is
 * answered, none of the answers has what another agent keeps for itself, and
 * any content comes back as it was.
 */
#include <stdlib.h>
#include <string.h>

#include "agents/keeper/content.h"
#include "agents/keeper/keeper.h"
#include "base/mem.h"
#include "fuzz.h"

#define AGENT  "mallory"
#define SECRET "kept-by-alice"
#define LINES  16

static struct keeper *keeper;

static struct json *ask(const char *agent, const char *payload, size_t len)
{
	struct json *q = json_object(), *v = json_parse(payload, len), *answer;

	json_set_string(q, "agent", agent);
	json_set(q, "payload", v);
	keeper_answer(keeper, (const struct json *const *)&q, 1, &answer);
	json_free(q);
	expect(!json_get(answer, "result") != !json_get(answer, "error"));
	return answer;
}

static void keep(const char *payload)
{
	struct json *answer = ask("alice", payload, strlen(payload));

	expect(json_get(answer, "result") != NULL);
	json_free(answer);
}

static void begin(void)
{
	char shm[] = "/dev/shm/schedkit-fuzz.XXXXXX";
	struct history *h = NULL;

	setenv("SCHEDKIT_TIME", "1795230000", 1);
	expect(mkdtemp(shm) && !history_open(shm, true, &h));
	keeper = keeper_new(h);
	keep("{\"kind\":\"storage\",\"verb\":\"put\",\"name\":\"f\","
	     "\"text\":\"" SECRET "\"}");
	keep("{\"kind\":\"memory\",\"verb\":\"add\",\"text\":\"" SECRET "\"}");
}

static void content_is_kept(const uint8_t *data, size_t size)
{
	struct json *v = json_object();
	struct buf b;

	content_set(v, data, size);
	buf_init(&b, size + 1);
	expect(!content_get(v, &b) && b.len == size);
	expect(!size || !memcmp(b.data, data, size));
	buf_release(&b);
	json_free(v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *at = (const char *)data, *end = at + size;

	content_is_kept(data, size);
	/* What it says itself it may hear again. */
	if (memmem(data, size, "by-al", 5) || memchr(data, '\\', size) ||
	    memmem(data, size, "base64", 6))
		return 0;
	if (!keeper)
		begin();
	for (int i = 0; at < end && i < LINES; i++) {
		const char *nl = memchr(at, '\n', (size_t)(end - at));
		size_t len = (size_t)((nl ? nl : end) - at);
		struct json *answer = ask(AGENT, at, len);
		char *text = json_canonical(answer);

		expect(!strstr(text, SECRET));
		free(text);
		json_free(answer);
		at += len + 1;
	}
	return 0;
}
