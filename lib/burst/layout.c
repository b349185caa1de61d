/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "burst/layout.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "bpf/identity_abi.h"

struct column {
	size_t offset;
	uint8_t bytes;
};

#define COLUMN(field)                                             \
	{                                                         \
		offsetof(struct burst_record, field),             \
			sizeof(((struct burst_record *)0)->field) \
	}

static const struct column columns[] = {
	COLUMN(at),	   COLUMN(identity), COLUMN(cgroup), COLUMN(run_ns),
	COLUMN(wait_ns),   COLUMN(sleep_ns), COLUMN(tid),    COLUMN(tgid),
	COLUMN(preempted), COLUMN(flags),
};

_Static_assert(ARRAY_LEN(columns) + FEATURE_COUNT == LAYOUT_COLUMNS,
	       "every member is a column");

static struct column column_of(size_t i)
{
	size_t feature = i - ARRAY_LEN(columns);

	if (i < ARRAY_LEN(columns))
		return columns[i];
	return (struct column){offsetof(struct burst_record, features) +
				       feature * sizeof(int16_t),
			       sizeof(int16_t)};
}

/* ---- the file's header ------------------------------------------------- */

void layout_header_make(struct layout_header *h)
{
	*h = (struct layout_header){
		.magic = LAYOUT_MAGIC,
		.version = htole32(LAYOUT_VERSION),
		.feature_version = htole32(FEATURE_VERSION),
		.features = htole32(FEATURE_COUNT),
		.clock = htole32(LAYOUT_CLOCK),
		.cpus = htole32((uint32_t)sysconf(_SC_NPROCESSORS_ONLN)),
	};
}

int layout_header_check(const struct layout_header *h)
{
	if (memcmp(h->magic, LAYOUT_MAGIC, sizeof(h->magic)))
		return err_set(EINVAL, "not a file of sched-observe --bursts");
	if (le32toh(h->version) == LAYOUT_VERSION &&
	    le32toh(h->feature_version) == FEATURE_VERSION &&
	    le32toh(h->features) == FEATURE_COUNT &&
	    le32toh(h->clock) == LAYOUT_CLOCK)
		return 0;
	return err_set(ENOTSUP,
		       "bursts of version %u with %u features of version %u: "
		       "this knows version %d with %d of version %d",
		       le32toh(h->version), le32toh(h->features),
		       le32toh(h->feature_version), LAYOUT_VERSION,
		       FEATURE_COUNT, FEATURE_VERSION);
}

/* ---- a block ----------------------------------------------------------- */

uint64_t layout_checksum(const struct layout_block *h, const char *bytes,
			 size_t len)
{
	struct layout_block head = *h;
	uint64_t sum = IDENTITY_SEED, word;

	head.checksum = 0;
	for (size_t at = 0; at < sizeof(head); at += sizeof(word)) {
		memcpy(&word, (const char *)&head + at, sizeof(word));
		sum = identity_mix(sum, le64toh(word));
	}
	for (size_t at = 0; at < len; at += sizeof(word)) {
		size_t n = len - at < sizeof(word) ? len - at : sizeof(word);

		word = 0;
		memcpy(&word, bytes + at, n);
		sum = identity_mix(sum, le64toh(word));
	}
	return htole64(identity_final(sum));
}

static uint64_t value_get(const struct burst_record *r, struct column c)
{
	const char *at = (const char *)r + c.offset;
	uint64_t wide;
	uint32_t word;
	int16_t half;

	switch (c.bytes) {
	case sizeof(wide):
		memcpy(&wide, at, sizeof(wide));
		return wide;
	case sizeof(word):
		memcpy(&word, at, sizeof(word));
		return word;
	default:
		memcpy(&half, at, sizeof(half));
		return (uint64_t)(int64_t)half;
	}
}

/* false: such a value does not fit there. */
static bool value_set(struct burst_record *r, struct column c, uint64_t value)
{
	char *at = (char *)r + c.offset;
	uint32_t word = (uint32_t)value;
	int16_t half = (int16_t)value;

	switch (c.bytes) {
	case sizeof(value):
		memcpy(at, &value, sizeof(value));
		return true;
	case sizeof(word):
		memcpy(at, &word, sizeof(word));
		return word == value;
	default:
		memcpy(at, &half, sizeof(half));
		return (uint64_t)(int64_t)half == value;
	}
}

static char *number_put(char *out, uint64_t difference)
{
	uint64_t x = difference << 1 ^ -(difference >> 63);

	while (x >= 0x80) {
		*out++ = (char)(x | 0x80);
		x >>= 7;
	}
	*out++ = (char)x;
	return out;
}

/* NULL: it is cut off, or of more than 64 bits. */
static const char *number_get(const char *at, const char *end,
			      uint64_t *difference)
{
	uint64_t x = 0;

	for (unsigned shift = 0; at < end && shift < 64; shift += 7) {
		uint64_t digit = *at & 0x7f;

		if (shift == 63 && digit > 1)
			return NULL;
		x |= digit << shift;
		if (!(*at++ & 0x80)) {
			*difference = x >> 1 ^ -(x & 1);
			return at;
		}
	}
	return NULL;
}

size_t layout_block_make(const struct burst_record *r, uint32_t count,
			 const struct bursts_opts *o, uint64_t lost, char *out)
{
	char *bytes = out + sizeof(struct layout_block), *at = bytes;
	struct layout_block h = {
		.magic = htole32(LAYOUT_BLOCK_MAGIC),
		.count = htole32(count),
		.every = htole32(o->every),
		.epoch_ns = (int64_t)htole64((uint64_t)o->epoch_ns),
		.lost = htole64(lost),
	};

	for (size_t i = 0; i < LAYOUT_COLUMNS; i++) {
		struct column c = column_of(i);
		uint64_t before = 0;

		for (uint32_t k = 0; k < count; k++) {
			uint64_t value = value_get(&r[k], c);

			at = number_put(at, value - before);
			before = value;
		}
	}
	h.bytes = htole32((uint32_t)(at - bytes));
	h.checksum = layout_checksum(&h, bytes, (size_t)(at - bytes));
	memcpy(out, &h, sizeof(h));
	return (size_t)(at - out);
}

bool layout_block_begins(const struct layout_block *h, size_t *len)
{
	if (le32toh(h->magic) != LAYOUT_BLOCK_MAGIC ||
	    le32toh(h->count) > BURSTS_BLOCK_RECORDS ||
	    le32toh(h->bytes) > LAYOUT_BYTES_MAX)
		return false;
	*len = sizeof(*h) + le32toh(h->bytes);
	return true;
}

bool layout_block_read(const char *bytes, size_t len,
		       struct bursts_block *block, struct burst_record *records)
{
	const char *at = bytes + sizeof(struct layout_block);
	const char *end = bytes + len;
	struct layout_block h;
	size_t whole;

	if (len < sizeof(h))
		return false;
	memcpy(&h, bytes, sizeof(h));
	if (!layout_block_begins(&h, &whole) || whole != len ||
	    h.checksum != layout_checksum(&h, at, len - sizeof(h)))
		return false;
	*block = (struct bursts_block){
		.records = records,
		.count = le32toh(h.count),
		.every = le32toh(h.every),
		.epoch_ns = (int64_t)le64toh((uint64_t)h.epoch_ns),
		.lost = le64toh(h.lost),
	};
	for (size_t i = 0; i < LAYOUT_COLUMNS; i++) {
		struct column c = column_of(i);
		uint64_t value = 0, difference;

		for (uint32_t k = 0; k < block->count; k++) {
			at = number_get(at, end, &difference);
			if (!at)
				return false;
			value += difference;
			if (!value_set(&records[k], c, value))
				return false;
		}
	}
	return at == end;
}
