/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a scheduler answers when it is asked for its figures: whatever it is,
 * what is taken of it is within its bounds and can stand in a document.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "scx/figures.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct json *v, *again;
	char *text;

	if (figures_read((const char *)data, len, &v)) {
		expect(v == NULL);
		return 0;
	}
	expect(json_type(v) == JSON_OBJECT && json_len(v) <= FIGURES_MAX);
	json_each (f, v) {
		expect(json_type(f) == JSON_NUMBER);
		expect(isfinite(json_as_number(f, NAN)));
		expect(strlen(json_key(f)) <= FIGURES_NAME);
	}
	text = json_canonical(v);
	again = json_parse(text, strlen(text));
	expect(again != NULL && json_len(again) == json_len(v));
	free(text);
	json_free(again);
	json_free(v);
	return 0;
}
