/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a transcoder does with each frame: at full size and scaled to half, the
 * cosine transform of 8x8 blocks, quantise, code what is left in runs.
 *
 *   transcode FILE    grey frames of 320x240 in, a coded stream out
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WIDTH  320
#define HEIGHT 240
#define N      8
#define ONE    (1 << 12) /* fixed point */

static uint8_t frame[HEIGHT * WIDTH], half[HEIGHT * WIDTH / 4];
static int basis[N][N];
static uint32_t bits, bit_count;

static void put_bits(uint32_t value, unsigned int count)
{
	while (count--) {
		bits = bits << 1 | (value >> count & 1);
		if (++bit_count == 8) {
			putchar_unlocked(bits & 255);
			bit_count = 0;
		}
	}
}

/* Exponential Golomb code. */
static void put_number(uint32_t value)
{
	unsigned int length = 31 - __builtin_clz(value + 1);

	put_bits(0, length);
	put_bits(value + 1, length + 1);
}

static void put_block(const int block[N][N])
{
	uint32_t run = 0;

	for (int d = 0; d < 2 * N - 1; d++)
		for (int v = d < N ? 0 : d - N + 1; v <= d && v < N; v++) {
			int u = d - v, q = 16 + 6 * d;
			int level = block[v][u] / q;

			if (!level) {
				run++;
				continue;
			}
			put_number(run);
			put_number(level > 0 ? 2 * level : -2 * level + 1);
			run = 0;
		}
	put_number(N * N);
}

static void transform(const uint8_t *at, int width)
{
	int rows[N][N], out[N][N];

	for (int y = 0; y < N; y++)
		for (int u = 0; u < N; u++) {
			int sum = 0;

			for (int x = 0; x < N; x++)
				sum += (at[y * width + x] - 128) * basis[u][x];
			rows[y][u] = sum / ONE;
		}
	for (int v = 0; v < N; v++)
		for (int u = 0; u < N; u++) {
			int sum = 0;

			for (int y = 0; y < N; y++)
				sum += rows[y][u] * basis[v][y];
			out[v][u] = sum / ONE;
		}
	put_block(out);
}

static void code(const uint8_t *picture, int width, int height)
{
	for (int y = 0; y < height; y += N)
		for (int x = 0; x < width; x += N)
			transform(picture + y * width + x, width);
}

static void scale(void)
{
	for (int y = 0; y < HEIGHT / 2; y++)
		for (int x = 0; x < WIDTH / 2; x++) {
			const uint8_t *p = &frame[2 * y * WIDTH + 2 * x];

			half[y * WIDTH / 2 + x] =
				(p[0] + p[1] + p[WIDTH] + p[WIDTH + 1]) / 4;
		}
}

int main(int argc, char **argv)
{
	FILE *f = argc == 2 ? fopen(argv[1], "re") : NULL;
	size_t frames = 0;

	if (!f) {
		fputs("usage: transcode FILE\n", stderr);
		return 2;
	}
	for (int u = 0; u < N; u++)
		for (int x = 0; x < N; x++)
			basis[u][x] = lround(ONE * (u ? 0.5 : M_SQRT1_2 / 2) *
					     cos((2 * x + 1) * u * M_PI / 16));
	for (; fread(frame, sizeof(frame), 1, f) == 1; frames++) {
		code(frame, WIDTH, HEIGHT);
		scale();
		code(half, WIDTH / 2, HEIGHT / 2);
	}
	put_bits(0, 7);
	fclose(f);
	return !frames || fflush(stdout) || ferror(stdout);
}
