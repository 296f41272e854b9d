/* SPDX-License-Identifier: Apache-2.0 */
/* err.c - the calling thread's error sentence */
#include "vmm/base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "vmm/base/text.h"

static _Thread_local char text[ERR_TEXT_MAX];

int err_set(int rc, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	text_make_plain(text);
	return rc;
}

int err_wrap(int rc, const char *fmt, ...)
{
	char inner[ERR_TEXT_MAX];
	va_list ap;
	size_t used;
	int n;

	snprintf(inner, sizeof(inner), "%s", err_describe(rc));
	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	used = n < 0 ? 0 : MIN((size_t)n, sizeof(text) - 1);
	snprintf(text + used, sizeof(text) - used, ": %s", inner);
	text_make_plain(text);
	return rc;
}

const char *err_text(void)
{
	return text;
}

const char *err_describe(int rc)
{
	return text[0] ? text : strerror(-rc);
}

void err_clear(void)
{
	text[0] = '\0';
}
