/* SPDX-License-Identifier: Apache-2.0 */
/* ctl_ask.c - one request of `muster ctl`, and what its user is told */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "cli/ctl.h"
#include "vmm/api/reply.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"

/* ---- what was refused ---- */

/* The server puts the request in front, which is nothing that our user said. */
static const char *without_request(
	const char *sentence, const struct ctl_request *request)
{
	CLEANUP(buf_fini) struct buf front = BUF_INIT;
	size_t len;

	buf_printf(&front, "%s %s: ", api_method_names[request->method],
		request->target);
	len = front.len;
	return strncmp(sentence, (const char *)front.data, len)
		       ? sentence
		       : sentence + len;
}

/* The server's sentence becomes our own. */
static int refused(
	const struct client_answer *answer, const struct ctl_request *request)
{
	static const struct word none[] = { { NULL, NULL } };
	json_auto_t *root = json_loads(
		answer->body ? answer->body : "", 0, NULL);
	const char *sentence = json_string_value(
		json_object_get(root, "fault_message"));
	CLEANUP(buf_fini) struct buf said = BUF_INIT;

	if (!sentence)
		return output_error(CTL_REFUSED,
			err_set(-EREMOTEIO, "the VM gives no reason"));
	words_for_options(without_request(sentence, request),
		request->words ? request->words : none, &said);
	return output_error(CTL_REFUSED,
		err_set(-EREMOTEIO, "%.*s", (int)said.len, (char *)said.data));
}

/* ---- what was told ---- */

/* As it comes: who reads it may wait for a line. */
static void print_stream(void *owner, const void *data, size_t len)
{
	(void)owner;
	fwrite(data, 1, len, stdout);
	fflush(stdout);
}

/* JSON to be read by people; else it is text for a program. */
static int print(const struct client_answer *answer)
{
	json_auto_t *root = json_loads(answer->body, 0, NULL);
	CLEANUP_FREE char *text = root ? json_dumps(root, JSON_INDENT(2))
				       : NULL;
	CLEANUP(buf_fini) struct buf out = BUF_INIT;

	buf_printf(&out, "%s%s", text ? text : answer->body, text ? "\n" : "");
	return output(&out);
}

int ctl_ask(const struct ctl_request *request)
{
	CLEANUP(client_answer_fini) struct client_answer answer = { 0 };
	const struct client_request ask = {
		.label = "--socket ",
		.path = request->socket,
		.method = request->method,
		.target = request->target,
		.body = request->body,
		.timeout_ms = request->timeout_ms,
		.stream = print_stream,
	};
	int rc = client_ask(&ask, &answer);

	if (rc)
		return output_error(STATUS_FAILED, rc);
	if (answer.status >= STATUS_BAD_REQUEST)
		return refused(&answer, request);
	return answer.body ? print(&answer) : STATUS_OK;
}
