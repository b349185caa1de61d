/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files of bursts: what is read lies within its bounds, and what was read is
 * the same once it has been written again.
 */
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "burst/layout.h"
#include "fuzz.h"

static struct burst_record records[BURSTS_BLOCK_RECORDS],
	again[BURSTS_BLOCK_RECORDS];
static char out[sizeof(struct layout_block) + LAYOUT_BYTES_MAX];

/* The checksum would keep nearly everything out: it is put right first. */
static void block(const char *bytes, size_t len)
{
	struct bursts_opts o;
	struct bursts_block b, c;
	size_t size;

	if (!layout_block_read(bytes, len, &b, records))
		return;
	expect(b.count <= BURSTS_BLOCK_RECORDS && b.records == records);
	o = (struct bursts_opts){.every = b.every, .epoch_ns = b.epoch_ns};
	size = layout_block_make(records, b.count, &o, b.lost, out);
	expect(size <= sizeof(out));
	expect(layout_block_read(out, size, &c, again));
	expect(c.count == b.count && c.every == b.every &&
	       c.epoch_ns == b.epoch_ns && c.lost == b.lost);
	expect(!memcmp(records, again, b.count * sizeof(records[0])));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct layout_header header;
	struct layout_block h;
	size_t whole;
	char *copy;

	if (len >= sizeof(header)) {
		memcpy(&header, data, sizeof(header));
		layout_header_check(&header);
	}
	if (len < sizeof(h))
		return 0;
	/* Of its own size, so that a read beyond it is seen. */
	copy = malloc(len);
	memcpy(copy, data, len);
	memcpy(&h, data, sizeof(h));
	h.magic = htole32(LAYOUT_BLOCK_MAGIC);
	h.bytes = htole32((uint32_t)(len - sizeof(h)));
	h.checksum = layout_checksum(&h, copy + sizeof(h), len - sizeof(h));
	memcpy(copy, &h, sizeof(h));
	if (layout_block_begins(&h, &whole))
		block(copy, whole);
	free(copy);
	return 0;
}
