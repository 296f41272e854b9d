/* SPDX-License-Identifier: Apache-2.0 */
/* config_rate.c - AMOUNT[/TIME][+BURST]: a rate from text, and back */
#include <errno.h>
#include <string.h>

#include "vmm/config_field.h"

#define TEXT_MAX   80
#define TIME_GIVEN 1000 /* where none is */

/* End `text` at `mark` and return what stands behind it, NULL without a mark. */
static char *cut(char *text, char mark)
{
	char *at = strchr(text, mark);

	if (!at)
		return NULL;
	*at = '\0';
	return at + 1;
}

static int parse_part(
	enum config_type type, const char *text, uint64_t max, uint64_t *at)
{
	uint64_t n;

	if (!text)
		return 0;
	if (config_parse_number(type, text, &n))
		return -EINVAL;
	if (!n || n > max)
		return -ERANGE;
	*at = n;
	return 0;
}

int config_parse_rate(const char *value, struct rate *ret)
{
	struct rate rate = { .refill_ms = TIME_GIVEN };
	char text[TEXT_MAX];
	char *time, *burst;
	int rc;

	if (strlen(value) >= sizeof(text))
		return -EINVAL;
	strcpy(text, value);
	burst = cut(text, '+');
	time = cut(text, '/');
	rc = parse_part(CONFIG_SIZE, text, RATE_SIZE_MAX, &rate.size);
	if (!rc)
		rc = parse_part(CONFIG_DURATION, time, RATE_REFILL_MS_MAX,
			&rate.refill_ms);
	if (!rc)
		rc = parse_part(CONFIG_SIZE, burst, RATE_SIZE_MAX, &rate.burst);
	if (!rc)
		*ret = rate;
	return rc;
}

void config_put_rate(const struct rate *rate, struct buf *out)
{
	config_put_number(CONFIG_SIZE, rate->size, out);
	buf_printf(out, "/");
	config_put_number(CONFIG_DURATION, rate->refill_ms, out);
	if (!rate->burst)
		return;
	buf_printf(out, "+");
	config_put_number(CONFIG_SIZE, rate->burst, out);
}
