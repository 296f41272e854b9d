/* SPDX-License-Identifier: Apache-2.0 */
/* metrics_tab.h - what Firecracker's clients call the numbers that we have */
#ifndef MUSTER_API_METRICS_TAB_H
#define MUSTER_API_METRICS_TAB_H

#include "vmm/api/http.h"

struct api;

/* A number of a metric group, or of a row of the table of requests. */
struct metrics_row {
	const char *object; /* the rows of one stand together */
	const char *key;
	bool gauge; /* told as it is; else what was added since the last line */

	const char *group; /* NULL: of requests */
	const char *name;

	enum api_method method;
	const char *path;
	bool fails;
};

extern const struct metrics_row metrics_rows[];
extern const unsigned metrics_rows_count;

#define METRICS_ROWS_MAX 128

/* False if there is no such number: that is a row for nothing. */
bool metrics_row_value(
	const struct api *api, const struct metrics_row *row, uint64_t *ret);

#endif
