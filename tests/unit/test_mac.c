/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "crypt/mac.h"

/* printf 'Hi There' | openssl dgst -sha256 -mac HMAC -macopt \
 * hexkey:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f */
static const char known[] =
	"278639ec02309d3afded1b273f1349ba63b9089c12476d716bee3ecc94673e9e";

static void key_of(unsigned char key[static MAC_KEY_LEN])
{
	for (int i = 0; i < MAC_KEY_LEN; i++)
		key[i] = (unsigned char)i;
}

static void test_known(void **state)
{
	unsigned char key[MAC_KEY_LEN], mac[MAC_LEN];
	char hex[2 * MAC_LEN + 1];

	(void)state;
	key_of(key);
	mac_bytes(key, "Hi There", 8, mac);
	for (int i = 0; i < MAC_LEN; i++)
		snprintf(hex + (size_t)(2 * i), 3, "%02x", mac[i]);
	assert_string_equal(hex, known);
}

static void test_check(void **state)
{
	unsigned char key[MAC_KEY_LEN], mac[MAC_LEN];

	(void)state;
	key_of(key);
	mac_bytes(key, "text", 4, mac);
	assert_true(mac_check(key, "text", 4, mac));
	assert_false(mac_check(key, "texT", 4, mac));
	assert_false(mac_check(key, "text", 3, mac));
	for (int i = 0; i < MAC_LEN; i++) {
		mac[i] ^= 1;
		assert_false(mac_check(key, "text", 4, mac));
		mac[i] ^= 1;
	}
	key[31] ^= 0x80;
	assert_false(mac_check(key, "text", 4, mac));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_check),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
