/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "llm/url.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"
#include "base/mem.h"

/* A part of u, the caller's; "" when it has none. */
static char *part_of(CURLU *u, CURLUPart part)
{
	char *text = NULL, *copy;

	if (curl_url_get(u, part, &text, 0))
		return mem_strdup("");
	copy = mem_strdup(text);
	curl_free(text);
	return copy;
}

/* Only what is this machine by its very text: no name is looked up. */
static bool loopback(const char *host)
{
	struct in_addr a;

	if (inet_pton(AF_INET, host, &a) == 1)
		return ntohl(a.s_addr) >> 24 == 127;
	return !strcasecmp(host, "localhost") || !strcmp(host, "[::1]");
}

static int check_parts(CURLU *u, char **out)
{
	char *scheme = part_of(u, CURLUPART_SCHEME);
	char *host = part_of(u, CURLUPART_HOST);
	char *port = part_of(u, CURLUPART_PORT);
	char *user = part_of(u, CURLUPART_USER);
	char *password = part_of(u, CURLUPART_PASSWORD);
	int rc = 0;

	if (*user || *password)
		rc = err_set(EINVAL, "the address of an endpoint may hold no "
				     "user or password; use SCHED_LLM_KEY");
	else if (strcmp(scheme, "https") && strcmp(scheme, "http"))
		rc = err_set(EINVAL,
			     "'%s' is no scheme of an endpoint; use https",
			     scheme);
	else if (!strcmp(scheme, "http") && !loopback(host))
		rc = err_set(EINVAL,
			     "plain http is only for this machine; use "
			     "https://%s",
			     host);
	else
		*out = mem_printf("%s%s%s", host, *port ? ":" : "", port);
	free(scheme);
	free(host);
	free(port);
	free(user);
	free(password);
	return rc;
}

int url_check(const char *url, char **host)
{
	CURLU *u = curl_url();
	CURLUcode code;
	int rc;

	*host = NULL;
	if (!u)
		return err_set(ENOMEM, "out of memory");
	code = curl_url_set(u, CURLUPART_URL, url, 0);
	/* The URL itself is not repeated: it may hold what is secret. */
	rc = code ? err_set(EINVAL, "the address of the endpoint is no URL: %s",
			    curl_url_strerror(code))
		  : check_parts(u, host);
	curl_url_cleanup(u);
	return rc;
}

bool url_is_here(const char *url)
{
	CURLU *u = curl_url();
	bool here = false;
	char *host;

	if (u && !curl_url_set(u, CURLUPART_URL, url, 0)) {
		host = part_of(u, CURLUPART_HOST);
		here = loopback(host);
		free(host);
	}
	curl_url_cleanup(u);
	return here;
}

char *url_join(const char *url, const char *path)
{
	CURLU *u = curl_url();
	char *own, *joined, *out;
	size_t n;

	if (!u || curl_url_set(u, CURLUPART_URL, url, 0))
		abort();
	own = part_of(u, CURLUPART_PATH);
	n = strlen(own);
	while (n && own[n - 1] == '/')
		n--;
	joined = mem_printf("%.*s%s", (int)n, own, path);
	if (curl_url_set(u, CURLUPART_PATH, joined, 0) ||
	    curl_url_set(u, CURLUPART_FRAGMENT, NULL, 0))
		abort();
	out = part_of(u, CURLUPART_URL);
	free(joined);
	free(own);
	curl_url_cleanup(u);
	return out;
}
