/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers for people: three significant digits and a unit.
 *
 * Each writes to out and returns it, so that it can stand in a call:
 *     char a[NUM_LEN];
 *     table_cell(t, "%s", num_us(a, delay_us));
 */
#ifndef SCHEDKIT_TERM_NUM_H
#define SCHEDKIT_TERM_NUM_H

#define NUM_LEN 32

/* A time in microseconds: "870 ns", "12.5 µs", "3.42 s", "2 h 05 min". */
char *num_us(char out[static NUM_LEN], double us);

/* "12.3 k", "4.56 M"; with a unit "12.3 kreq/s".  unit may be "". */
char *num_si(char out[static NUM_LEN], double x, const char *unit);

/* "512 B", "1.50 KiB", "3.20 GiB". */
char *num_bytes(char out[static NUM_LEN], double bytes);

/* An improvement: "1.12x", "172x". */
char *num_ratio(char out[static NUM_LEN], double ratio);

/* "0.3 %", "42 %". */
char *num_pct(char out[static NUM_LEN], double pct);

#endif
