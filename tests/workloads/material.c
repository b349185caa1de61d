/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the batches work on: the same bytes for the same arguments, anywhere.
 *
 *   material text SEED KIB     prose, as compressible as prose
 *   material log SEED KIB      lines of a web server's access log
 *   material rows SEED KIB     "KEY COUNT" lines, a few keys much hotter
 *   material events SEED KIB   "PRODUCT KIND COUNT" lines, in no order
 *   material products 0 KIB    "PRODUCT CATEGORY" lines, sorted
 *   material blob SEED KIB     noise
 *   material frames SEED KIB   grey frames of 320x240: things that move
 *
 * What is drawn at random is drawn in statements of its own: the order in which
 * arguments are evaluated is the compiler's.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WIDTH  320
#define HEIGHT 240

static uint64_t state;
static uint64_t written;

static uint64_t next(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static uint32_t below(uint32_t n)
{
	return (next() >> 32) * n >> 32;
}

/* Few of the n are met often, most seldom. */
static uint32_t skewed(uint32_t n)
{
	return below(1 + below(1 + below(n)));
}

static void put_text(void)
{
	static const char *const parts[] = {
		"ba",  "con",  "der", "el",  "fir", "gan", "ho",  "in",
		"jer", "kel",  "lo",  "mar", "nen", "or",  "pra", "qui",
		"ras", "sten", "tu",  "um",  "ver", "wen", "yl",  "zo",
	};
	uint32_t word = skewed(20000);

	do {
		written += printf("%s", parts[word % 24]);
		word /= 24;
	} while (word);
	written += printf("%s", below(12) ? " " : ".\n");
}

static void put_log(void)
{
	uint32_t who = skewed(60000), page = skewed(400);
	uint32_t size = below(40000), status = below(20) ? 200 : 404;

	written += printf(
		"10.%u.%u.%u - - [21/Nov/2026:%02u:%02u:%02u +0000] "
		"\"GET /shop/%u/item-%u HTTP/1.1\" %u %u\n",
		who >> 14, who >> 7 & 127, who & 127,
		(uint32_t)(written >> 22) % 24, (uint32_t)(written >> 16) % 60,
		(uint32_t)(written >> 10) % 60, page % 20, page, status, size);
}

static void put_rows(void)
{
	uint32_t count = below(1000);

	written += printf("key-%05u %u\n", skewed(50000), count);
}

static void put_events(void)
{
	static const char *const kinds[] = {"view", "cart", "buy", "share"};

	uint32_t count = 1 + below(9);
	const char *kind = kinds[skewed(4)];

	written += printf("p%05u %s %u\n", below(20000), kind, count);
}

static void put_product(void)
{
	static uint32_t n;

	written += printf("p%05u category-%u\n", n, n * 7919 % 97);
	n++;
}

static void put_blob(void)
{
	uint64_t words[512];

	for (size_t i = 0; i < 512; i++)
		words[i] = next();
	written += fwrite(words, 1, sizeof(words), stdout);
}

static void put_frame(void)
{
	static uint8_t frame[HEIGHT][WIDTH];
	static uint32_t t;

	for (uint32_t y = 0; y < HEIGHT; y++)
		for (uint32_t x = 0; x < WIDTH; x++) {
			uint32_t dx = (x + 3 * t) % WIDTH - WIDTH / 2;
			uint32_t dy = (y + t) % HEIGHT - HEIGHT / 2;

			frame[y][x] = (dx * dx + dy * dy) / 128 + (next() & 7);
		}
	t++;
	written += fwrite(frame, 1, sizeof(frame), stdout);
}

static const struct {
	const char *name;
	void (*put)(void);
} kinds[] = {
	{"text", put_text},	{"log", put_log},	   {"rows", put_rows},
	{"events", put_events}, {"products", put_product}, {"blob", put_blob},
	{"frames", put_frame},
};

int main(int argc, char **argv)
{
	uint64_t size = argc == 4 ? strtoull(argv[3], NULL, 10) << 10 : 0;

	for (size_t i = 0; size && i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (strcmp(argv[1], kinds[i].name))
			continue;
		state = 88172645463325252ULL ^
			strtoull(argv[2], NULL, 10) * 0x9e3779b97f4a7c15ULL;
		while (written < size)
			kinds[i].put();
		return fflush(stdout) || ferror(stdout);
	}
	fputs("usage: material KIND SEED KIB\n", stderr);
	return 2;
}
