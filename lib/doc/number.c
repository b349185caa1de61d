/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "doc/number.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_DIGITS 17
#define MAX_SAFE   9007199254740992.0 /* 2^53 */

/* 0.DIGITS times ten to the power of point. */
struct decimal {
	char digits[MAX_DIGITS + 1];
	int count;
	int point;
};

/* The nearest decimal of count digits. */
static void decimal_round(struct decimal *d, double x, int count)
{
	char text[64];
	const char *s = text;

	snprintf(text, sizeof(text), "%.*e", count - 1, x);
	d->count = 0;
	/* The locale's decimal point may be anything but a digit or an e. */
	for (; *s != 'e'; s++) {
		if (*s >= '0' && *s <= '9')
			d->digits[d->count++] = *s;
	}
	d->digits[d->count] = '\0';
	d->point = atoi(s + 1) + 1;
}

/* The next larger decimal of as many digits. */
static void decimal_step(struct decimal *d)
{
	int i = d->count - 1;

	while (i >= 0 && d->digits[i] == '9')
		d->digits[i--] = '0';
	if (i >= 0) {
		d->digits[i]++;
		return;
	}
	d->digits[0] = '1';
	d->point++;
}

static bool decimal_is(const struct decimal *d, double x)
{
	char text[64];

	/* Without a decimal point the locale does not matter. */
	snprintf(text, sizeof(text), "%se%d", d->digits, d->point - d->count);
	return strtod(text, NULL) == x;
}

/*
 * At a power of two the doubles below lie half as far apart as those above,
 * so the nearest decimal may fall out at the bottom while its upper neighbour
 * still reads back as x: 2^-44 is 5.684341886080802e-14.
 */
static bool decimal_fits(struct decimal *d, double x, int count)
{
	decimal_round(d, x, count);
	if (decimal_is(d, x))
		return true;
	decimal_step(d);
	return decimal_is(d, x);
}

static void decimal_shortest(struct decimal *d, double x)
{
	/* Every decimal of 15 digits survives the way through a normal. */
	int count = x < DBL_MIN ? 1 : DBL_DIG;

	while (count < MAX_DIGITS && !decimal_fits(d, x, count))
		count++;
	if (count == MAX_DIGITS)
		decimal_round(d, x, count);
	while (d->count > 1 && d->digits[d->count - 1] == '0')
		d->count--;
	d->digits[d->count] = '\0';
}

/* ECMA-262, Number::toString: k is count, n is point. */
static void decimal_write(const struct decimal *d, char *out, size_t room)
{
	int k = d->count, n = d->point;
	const char *s = d->digits;

	if (k <= n && n <= 21)
		snprintf(out, room, "%s%.*s", s, n - k, "00000000000000000000");
	else if (n > 0 && n <= 21)
		snprintf(out, room, "%.*s.%s", n, s, s + n);
	else if (n > -6 && n <= 0)
		snprintf(out, room, "0.%.*s%s", -n, "00000", s);
	else
		snprintf(out, room, "%.1s%s%se%+d", s, k > 1 ? "." : "", s + 1,
			 n - 1);
}

void number_text(double x, char out[static NUMBER_TEXT_LEN])
{
	size_t room = NUMBER_TEXT_LEN;
	struct decimal d;

	/* Also takes care of -0, which is written without its sign. */
	if (fabs(x) <= MAX_SAFE && x == (double)(long long)x) {
		snprintf(out, room, "%lld", (long long)x);
		return;
	}
	if (x < 0) {
		*out++ = '-';
		room--;
	}
	decimal_shortest(&d, fabs(x));
	decimal_write(&d, out, room);
}
