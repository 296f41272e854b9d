/* SPDX-License-Identifier: Apache-2.0 */
/* text.c - show and compare what users typed */
#include "vmm/base/text.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define WORD_MAX 32

void text_make_plain(char *text)
{
	for (char *p = text; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
}

struct text_shown text_shown(const char *text)
{
	static const char more[] = "...";
	struct text_shown shown;
	size_t room = sizeof(shown.s) - sizeof(more);
	size_t len = strnlen(text, room + 1);

	if (!len) {
		snprintf(shown.s, sizeof(shown.s), "\"\"");
		return shown;
	}
	snprintf(shown.s, sizeof(shown.s), "%.*s%s", (int)MIN(len, room), text,
		len > room ? more : "");
	text_make_plain(shown.s);
	return shown;
}

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	return MIN(MIN(a, b), c);
}

/* Optimal string alignment: row i holds the distances of a's first i letters. */
unsigned text_distance(const char *a, const char *b)
{
	unsigned row[WORD_MAX + 1][WORD_MAX + 1];
	size_t la = strnlen(a, WORD_MAX + 1), lb = strnlen(b, WORD_MAX + 1);

	if (la > WORD_MAX || lb > WORD_MAX)
		return UINT_MAX;
	for (size_t j = 0; j <= lb; j++)
		row[0][j] = (unsigned)j;
	for (size_t i = 1; i <= la; i++) {
		row[i][0] = (unsigned)i;
		for (size_t j = 1; j <= lb; j++) {
			row[i][j] = min3(row[i - 1][j] + 1, row[i][j - 1] + 1,
				row[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
				a[i - 2] == b[j - 1])
				row[i][j] = MIN(
					row[i][j], row[i - 2][j - 2] + 1);
		}
	}
	return row[la][lb];
}

bool text_is_near(const char *typed, const char *known)
{
	size_t len = strlen(known);

	/* A third of the letters may be wrong, or the end be missing. */
	return text_distance(typed, known) <= MAX(len / 3, 1) ||
	       (strlen(typed) >= 3 && !strncmp(typed, known, strlen(typed)));
}
