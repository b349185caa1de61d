/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A test of a mathematical library: does sin²+cos² stay 1, and what is
 * integrated come out as it should?
 *
 *   check FILE    FILE has the number of points to try, in thousands
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
	FILE *f = argc == 2 ? fopen(argv[1], "re") : NULL;
	double worst = 0, sum = 0;
	long points;

	if (!f || fscanf(f, "%ld", &points) != 1 || points < 1) {
		fputs("usage: check FILE\n", stderr);
		return 2;
	}
	fclose(f);
	points *= 1000;
	for (long i = 0; i < points; i++) {
		double x = M_PI * (i + 0.5) / points;
		double s = sin(x), c = cos(x);

		worst = fmax(worst, fabs(s * s + c * c - 1));
		sum += s * M_PI / points;
	}
	printf("%ld points: worst error %g, integral %.6f\n", points, worst,
	       sum);
	return worst > 1e-12 || fabs(sum - 2) > 1e-3;
}
