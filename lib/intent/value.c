/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The settings of a rule, and in words again. */
#include <ctype.h>
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "intent/intent_parts.h"
#include "policy/knobs.h"

#define TEXT_MAX 4096

_Static_assert(INTENT_CORE_WORDS == KNOBS_CPU_WORDS, "masks of one size");

const char *const intent_conditions[INTENT_CONDITIONS] = {
	[INTENT_COMMAND] = "command", [INTENT_EXECUTABLE] = "executable",
	[INTENT_CGROUP] = "cgroup",   [INTENT_UNIT] = "unit",
	[INTENT_TAG] = "tag",	      [INTENT_USER] = "user",
};

/* In the order of the template's enum class. */
static const char *const classes[] = {"interactive", "normal", "batch"};

/* ---- conditions ------------------------------------------------------- */

/* What the kernel's side can test of a name that it sees for the first time:
 * its beginning, its end, or all of it. */
static int check_command(const char *s)
{
	size_t n = strlen(s), stars = 0;
	const char *inner = NULL;

	for (size_t i = 0; i < n; i++) {
		if (s[i] != '*')
			continue;
		stars++;
		if (i && i + 1 < n)
			inner = s + i;
	}
	if (inner || stars > 1 || strpbrk(s, "[]\\"))
		return err_set(EINVAL,
			       "a command has one '*' at most, at its "
			       "beginning or end, and no '[', ']' or '\\'");
	if (n - stars > INTENT_COMMAND_MAX)
		return err_set(EINVAL,
			       "the kernel knows %d bytes of a command's name, "
			       "that is '%.*s'",
			       INTENT_COMMAND_MAX, INTENT_COMMAND_MAX,
			       s + (*s == '*'));
	return 0;
}

static int take_user(struct intent_rule *r, const char *value)
{
	const struct passwd *pw;
	char *end;
	unsigned long n;

	if (isdigit((unsigned char)*value)) {
		errno = 0;
		n = strtoul(value, &end, 10);
		if (*end || errno || n >= (uid_t)-1)
			return err_set(EINVAL, "'%s' is no number of a user",
				       value);
		r->uid = (uid_t)n;
		return 0;
	}
	pw = getpwnam(value);
	if (!pw)
		return err_set(EINVAL,
			       "there is no user '%s'; a number will do, too",
			       value);
	r->uid = pw->pw_uid;
	return 0;
}

static int take_condition(struct intent_rule *r, enum intent_condition c,
			  const char *value)
{
	int rc = 0;

	if (strlen(value) > INTENT_PATTERN_MAX)
		return err_set(EINVAL, "a pattern has %d bytes at most",
			       INTENT_PATTERN_MAX);
	if (c == INTENT_COMMAND)
		rc = check_command(value);
	else if (c == INTENT_USER)
		rc = take_user(r, value);
	else if ((c == INTENT_EXECUTABLE || c == INTENT_CGROUP) &&
		 *value != '/')
		rc = err_set(EINVAL, "a path begins with '/'");
	if (!rc)
		r->match[c] = mem_strdup(value);
	return rc;
}

/* ---- effects ---------------------------------------------------------- */

static int take_class(struct intent_rule *r, const char *value)
{
	for (uint32_t i = 0; i < ARRAY_LEN(classes); i++) {
		if (strcmp(classes[i], value) != 0)
			continue;
		r->class = i;
		r->set |= INTENT_CLASS;
		return 0;
	}
	return err_set(EINVAL, "'%s' is not interactive, normal or batch",
		       value);
}

static int take_weight(struct intent_rule *r, const char *value)
{
	size_t n = strspn(value, "0123456789");
	long x = n && n < 6 && !value[n] ? strtol(value, NULL, 10) : 0;

	if (x < 1 || x > INTENT_MAX_WEIGHT)
		return err_set(EINVAL,
			       "a weight is a whole number from 1 to %d; 100 "
			       "is as nice 0",
			       INTENT_MAX_WEIGHT);
	r->weight = (uint32_t)x;
	r->set |= INTENT_WEIGHT;
	return 0;
}

/* "3ms": digits, perhaps a fraction, and a unit. */
static int read_time(const char *value, uint32_t *us)
{
	static const struct {
		const char *name;
		double us;
	} units[] = {{"us", 1}, {"ms", 1e3}, {"s", 1e6}};
	size_t n = strspn(value, "0123456789.");
	char *end;
	double x = strtod(value, &end);

	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		const char *unit = value + n + strspn(value + n, " \t");

		if (!n || end != value + n || strcmp(unit, units[i].name))
			continue;
		x *= units[i].us;
		if (x < 1 || x > INTENT_MAX_US)
			break;
		*us = (uint32_t)(x + 0.5);
		return 0;
	}
	return err_set(EINVAL, "a time is a number with its unit, us, ms or s, "
			       "from 1us to 1s");
}

static int take_time(struct intent_rule *r, unsigned bit, uint32_t *us,
		     const char *value)
{
	int rc = read_time(value, us);

	if (!rc)
		r->set |= bit;
	return rc;
}

static int take_cores(struct intent_rule *r, const char *value)
{
	if (!knobs_read_cpus(value, r->cores))
		return err_set(EINVAL,
			       "'%s' is no list of CPUs below %d, as 0-3,6 is",
			       value, KNOBS_MAX_CPUS);
	r->set |= INTENT_CORES;
	return 0;
}

/* ---- its end ---------------------------------------------------------- */

/* Two digits and what follows them. */
static bool two(const char **s, int most, char after, int *out)
{
	const char *c = *s;

	if (!isdigit((unsigned char)c[0]) || !isdigit((unsigned char)c[1]) ||
	    c[2] != after)
		return false;
	*out = (c[0] - '0') * 10 + c[1] - '0';
	*s = c + 2 + (after != '\0');
	return *out <= most;
}

/* "18:00"; the machine's own time. */
static bool read_clock(const char *s, struct tm *tm)
{
	return two(&s, 23, ':', &tm->tm_hour) && two(&s, 59, '\0', &tm->tm_min);
}

/* "2026-12-01", perhaps with a time of day behind it. */
static bool read_date(const char *s, struct tm *tm)
{
	size_t n = strspn(s, "0123456789");
	int month;

	if (n != 4 || s[4] != '-')
		return false;
	tm->tm_year = (int)strtol(s, NULL, 10) - 1900;
	s += 5;
	if (!two(&s, 12, '-', &month) || !month || strspn(s, "0123456789") != 2)
		return false;
	tm->tm_mon = month - 1;
	tm->tm_mday = (s[0] - '0') * 10 + s[1] - '0';
	if (tm->tm_mday < 1 || tm->tm_mday > 31 || tm->tm_year < 70)
		return false;
	s += 2;
	if (!*s)
		return true;
	return strspn(s, " T") == 1 && read_clock(s + 1, tm);
}

/* A time of day is the first such time after the file was written. */
static int take_until(struct intent_rule *r, const char *value, time_t changed)
{
	struct tm tm = {.tm_isdst = -1}, written;
	bool date = read_date(value, &tm);
	int day;

	if (!date) {
		tm = (struct tm){.tm_isdst = -1};
		localtime_r(&changed, &written);
		tm.tm_year = written.tm_year;
		tm.tm_mon = written.tm_mon;
		tm.tm_mday = written.tm_mday;
		if (!read_clock(value, &tm))
			return err_set(EINVAL,
				       "'%s' is no date such as 2026-12-01 or "
				       "2026-12-01 18:00, nor a time of day "
				       "such as 18:00",
				       value);
	}
	day = tm.tm_mday;
	r->until = mktime(&tm);
	if (date && tm.tm_mday != day)
		return err_set(EINVAL, "there is no such day as '%s'", value);
	if (!date && r->until <= changed) {
		tm.tm_mday++;
		tm.tm_isdst = -1;
		r->until = mktime(&tm);
	}
	return r->until > 0 ? 0 : err_set(EINVAL, "no such time: '%s'", value);
}

int intent_take(struct intent_rule *r, const char *key, const char *value,
		time_t changed)
{
	for (size_t i = 0; i < INTENT_CONDITIONS; i++)
		if (!strcmp(intent_conditions[i], key))
			return take_condition(r, (enum intent_condition)i,
					      value);
	if (!strcmp(key, "class"))
		return take_class(r, value);
	if (!strcmp(key, "weight"))
		return take_weight(r, value);
	if (!strcmp(key, "slice_min"))
		return take_time(r, INTENT_SLICE_MIN, &r->slice_min_us, value);
	if (!strcmp(key, "slice_max"))
		return take_time(r, INTENT_SLICE_MAX, &r->slice_max_us, value);
	if (!strcmp(key, "deadline"))
		return take_time(r, INTENT_DEADLINE, &r->deadline_us, value);
	if (!strcmp(key, "cores"))
		return take_cores(r, value);
	if (!strcmp(key, "until"))
		return take_until(r, value, changed);
	return err_set(ENOENT,
		       "'%s' is none of command, executable, cgroup, unit, "
		       "tag, user, class, weight, slice_min, slice_max, "
		       "deadline, cores, until",
		       key);
}

/* ---- words ------------------------------------------------------------ */

static void add(struct buf *b, const char *what, const char *value)
{
	buf_printf(b, "%s%s%s%s", b->len ? ", " : "", what, *value ? " " : "",
		   value);
}

static void add_time(struct buf *b, const char *what, uint32_t us)
{
	char text[32];

	if (us % 1000)
		snprintf(text, sizeof(text), "%u us", us);
	else
		snprintf(text, sizeof(text), "%u ms", us / 1000);
	add(b, what, text);
}

char *intent_effects_text(const struct intent_rule *r)
{
	char number[16], *cores;
	struct buf b;

	buf_init(&b, TEXT_MAX);
	if (r->set & INTENT_CLASS)
		add(&b, "class", classes[r->class]);
	snprintf(number, sizeof(number), "%u", r->weight);
	if (r->set & INTENT_WEIGHT)
		add(&b, "weight", number);
	if (r->set & INTENT_SLICE_MIN)
		add_time(&b, "slice at least", r->slice_min_us);
	if (r->set & INTENT_SLICE_MAX)
		add_time(&b, "slice at most", r->slice_max_us);
	if (r->set & INTENT_DEADLINE)
		add_time(&b, "deadline", r->deadline_us);
	if (r->set & INTENT_CORES) {
		cores = knobs_cpus_text(r->cores);
		add(&b, "cores", cores);
		free(cores);
	}
	return buf_take(&b);
}

char *intent_match_text(const struct intent_rule *r)
{
	struct buf b;

	buf_init(&b, TEXT_MAX);
	for (size_t i = 0; i < INTENT_CONDITIONS; i++)
		if (r->match[i])
			add(&b, intent_conditions[i], r->match[i]);
	return buf_take(&b);
}

char *intent_words(const struct intent_rule *r)
{
	char *match = intent_match_text(r), *sets = intent_effects_text(r);
	char *words = mem_printf("%s: %s", match, sets);

	free(match);
	free(sets);
	return words;
}
