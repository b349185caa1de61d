/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Texts that an outsider keeps for us: a MAC, and what it is over. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "crypt/base64.h"
#include "crypt/mac.h"
#include "mcp/server_state.h"

#define MAX_SEALED (256u << 10)

_Static_assert(sizeof(((struct mcp_server_opts *)0)->key) == MAC_KEY_LEN,
	       "a key is one");

char *seal_make(const struct mcp_server *s, const char *what, struct json *v)
{
	unsigned char mac[MAC_LEN];
	char *text, *out;
	struct buf b;

	json_set_string(v, "what", what);
	text = json_canonical(v);
	json_free(v);
	mac_bytes(s->o.key, text, strlen(text), mac);
	buf_init(&b, SIZE_MAX / 4);
	buf_add(&b, mac, sizeof(mac));
	buf_puts(&b, text);
	free(text);
	out = base64_encode(b.data, b.len);
	buf_release(&b);
	return out;
}

struct json *seal_open(const struct mcp_server *s, const char *what,
		       const char *text)
{
	struct json *v = NULL;
	struct buf b;

	if (strlen(text) > MAX_SEALED)
		return NULL;
	buf_init(&b, MAX_SEALED);
	if (!base64_decode(text, &b) && b.len > MAC_LEN &&
	    mac_check(s->o.key, b.data + MAC_LEN, b.len - MAC_LEN,
		      (const unsigned char *)b.data))
		v = json_parse(b.data + MAC_LEN, b.len - MAC_LEN);
	buf_release(&b);
	if (v && strcmp(json_text_at(v, "what"), what)) {
		json_free(v);
		v = NULL;
	}
	return v;
}
