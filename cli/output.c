/* SPDX-License-Identifier: Apache-2.0 */
/* output.c - results to standard output, sentences to standard error */
#include <errno.h>
#include <stdio.h>

#include "cli/verb.h"
#include "vmm/base/err.h"

int output(const struct buf *text)
{
	int rc = 0;

	if (text->failed)
		rc = -ENOMEM;
	else if (fwrite(text->data, 1, text->len, stdout) != text->len ||
		 fflush(stdout))
		rc = -errno;
	if (!rc)
		return STATUS_OK;
	err_clear();
	return output_error(
		STATUS_FAILED, err_wrap(rc, "cannot write standard output"));
}

int output_error(int status, int rc)
{
	fprintf(stderr, "muster: %s\n", err_describe(rc));
	return status;
}
