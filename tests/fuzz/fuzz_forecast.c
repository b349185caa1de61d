/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files of models: whatever bytes they have, the reader refuses them or gives
 * a model within its bounds; and what a model says is within its own, whether
 * it would have been refused or not.  What is taken is written as it was read.
 */
#include <string.h>

#include "base/buf.h"
#include "fuzz.h"
#include "learn/forecast.h"

static struct forecast model, back;

static void predict(const uint8_t *data, size_t len)
{
	int16_t x[FORECAST_FEATURES] = {0};

	memcpy(x, data, len < sizeof(x) ? len : sizeof(x));
	for (uint32_t t = 0; t <= FORECAST_TARGETS; t++) {
		int32_t said = forecast_predict(&model, t, x);

		expect(said >= 0 && said <= FORECAST_MOST);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buf b;
	int refused;

	forecast_get(data, len, &back);
	/* A digest is not come upon by chance: it is made right. */
	memset(&model, 0, sizeof(model));
	memcpy(&model, data, len < sizeof(model) ? len : sizeof(model));
	predict(data, len);
	buf_init(&b, 1 << 16);
	forecast_put(&model, &b);
	refused = forecast_check(&model);
	expect(forecast_get(b.data, b.len, &back) == refused);
	if (!refused)
		expect(!memcmp(&model, &back, sizeof(model)));
	buf_release(&b);
	return 0;
}
