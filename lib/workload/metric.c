/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "workload/workload.h"

#include <errno.h>
#include <math.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"

static const char name_chars[] = "abcdefghijklmnopqrstuvwxyz"
				 "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";

/* What takes time is better when it takes less. */
static bool is_time(const char *unit)
{
	static const char *const units[] = {"s", "ms", "us", "ns", "min"};

	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (!strcmp(unit, units[i]))
			return true;
	return false;
}

static int regex_compile(const char *expr, regex_t *re)
{
	char why[128];
	int rc = regcomp(re, expr, REG_EXTENDED);

	if (!rc)
		return 0;
	regerror(rc, re, why, sizeof(why));
	return err_set(EINVAL, "bad regular expression '%s': %s", expr, why);
}

static int regex_check(const char *expr)
{
	regex_t re;
	int rc = regex_compile(expr, &re);

	if (!rc)
		regfree(&re);
	return rc;
}

/* "NAME[,higher|lower][,UNIT]"; false: this is no such thing. */
static bool read_head(const char *text, size_t len, struct metric *m)
{
	char *head = mem_strndup(text, len), *save = NULL;
	size_t name_len = strspn(head, name_chars);
	int direction = -1;

	if (!name_len || (head[name_len] && head[name_len] != ',')) {
		free(head);
		return false;
	}
	m->name = mem_strdup(strtok_r(head, ",", &save));
	for (char *w; (w = strtok_r(NULL, ",", &save));) {
		if (!strcmp(w, "higher") || !strcmp(w, "lower")) {
			direction = *w == 'h';
		} else {
			free(m->unit);
			m->unit = mem_strdup(w);
		}
	}
	if (!m->unit)
		m->unit = mem_strdup("");
	m->higher_is_better = direction < 0 ? !is_time(m->unit) : direction;
	free(head);
	return true;
}

int metric_parse(const char *text, struct metric *out)
{
	const char *re = strstr(text, "=re:"), *json = strstr(text, "=json:");
	int rc = 0;

	*out = (struct metric){0};
	if (!strcmp(text, "wall")) {
		out->name = mem_strdup("wall");
		out->unit = mem_strdup("s");
		return 0;
	}
	if (!*text)
		return err_set(EINVAL, "a metric is empty");
	if (re && json)
		*(re < json ? &json : &re) = NULL;
	if (re && read_head(text, (size_t)(re - text), out)) {
		out->regex = mem_strdup(re + strlen("=re:"));
	} else if (json && read_head(text, (size_t)(json - text), out)) {
		out->json = mem_strdup(json + strlen("=json:"));
	} else {
		out->name = mem_strdup("metric");
		out->unit = mem_strdup("");
		out->higher_is_better = true;
		out->regex = mem_strdup(text);
	}
	if (out->json && !*out->json)
		rc = err_set(EINVAL, "metric '%s' has an empty path", text);
	if (out->regex && !*out->regex)
		rc = err_set(EINVAL, "metric '%s' has an empty expression",
			     text);
	if (!rc && out->regex)
		rc = regex_check(out->regex);
	if (rc)
		metric_release(out);
	return rc;
}

void metric_release(struct metric *m)
{
	free(m->name);
	free(m->unit);
	free(m->regex);
	free(m->json);
	*m = (struct metric){0};
}

static bool number_at(const char *s, double *value)
{
	char *end;

	*value = strtod(s, &end);
	return end != s && isfinite(*value);
}

/* The line that ends at *end (exclusive), as a copy; *end moves before it. */
static char *line_before(const char *text, size_t *end)
{
	size_t start = *end, len;

	while (start > 0 && text[start - 1] != '\n')
		start--;
	len = *end - start;
	*end = start ? start - 1 : 0;
	return mem_strndup(text + start, len);
}

typedef bool (*line_fn)(void *arg, const char *line, double *value);

/* The last line that has it counts: what comes last sums up. */
static bool search_lines(const char *text, line_fn fn, void *arg, double *value)
{
	size_t end = text ? strlen(text) : 0;
	bool found = false;

	while (end > 0 && !found) {
		char *line = line_before(text, &end);

		found = fn(arg, line, value);
		free(line);
	}
	return found;
}

static bool regex_line(void *arg, const char *line, double *value)
{
	regmatch_t m[2];
	const regmatch_t *hit;
	char *text;
	bool ok;

	if (regexec(arg, line, 2, m, 0))
		return false;
	hit = m[1].rm_so >= 0 ? &m[1] : &m[0];
	text = mem_strndup(line + hit->rm_so,
			   (size_t)(hit->rm_eo - hit->rm_so));
	ok = number_at(text, value);
	free(text);
	return ok;
}

static bool json_value(const char *text, const char *path, double *value)
{
	struct json *v = json_parse(text, strlen(text));
	const struct json *at = json_path(v, path);
	bool ok = json_type(at) == JSON_NUMBER;

	if (ok)
		*value = json_as_number(at, 0);
	json_free(v);
	return ok;
}

static bool json_line(void *arg, const char *line, double *value)
{
	line += strspn(line, " \t");
	return (*line == '{' || *line == '[') && json_value(line, arg, value);
}

static bool json_text(const char *text, const char *path, double *value)
{
	return text && strpbrk(text, "{[") &&
	       json_value(strpbrk(text, "{["), path, value);
}

static int read_regex(const struct metric *m, const char *out, const char *err,
		      double *value)
{
	regex_t re;
	bool found;
	int rc = regex_compile(m->regex, &re);

	if (rc)
		return rc;
	found = search_lines(out, regex_line, &re, value) ||
		search_lines(err, regex_line, &re, value);
	regfree(&re);
	if (found)
		return 0;
	return err_set(ENODATA,
		       "metric '%s': nothing in the output matches '%s' with "
		       "a number",
		       m->name, m->regex);
}

int metric_read(const struct metric *m, const char *out, const char *err,
		double wall_s, double *value)
{
	if (m->regex)
		return read_regex(m, out, err, value);
	if (!m->json) {
		*value = wall_s;
		return 0;
	}
	if (search_lines(out, json_line, m->json, value) ||
	    json_text(out, m->json, value) ||
	    search_lines(err, json_line, m->json, value) ||
	    json_text(err, m->json, value))
		return 0;
	return err_set(ENODATA,
		       "metric '%s': no JSON in the output has a number at "
		       "'%s'",
		       m->name, m->json);
}
