/* SPDX-License-Identifier: Apache-2.0 */
/* reply.c - replies as JSON, and as HTTP */
#include "vmm/api/reply.h"

#include <stdlib.h>
#include <string.h>

#include "vmm/api/http.h"
#include "vmm/base/cleanup.h"
#include "vmm/events.h"

void reply_fini(struct reply *reply)
{
	buf_fini(&reply->body);
}

void reply_json(struct reply *reply, json_t *root)
{
	CLEANUP_FREE char *text = root ? json_dumps(root, JSON_COMPACT) : NULL;

	json_decref(root);
	reply->status = STATUS_FINE;
	if (text)
		buf_append(&reply->body, text, strlen(text));
	else
		reply->body.failed = true;
}

/* A sentence may quote a file's name, which need not be UTF-8. */
void reply_fault(struct reply *reply, unsigned status, const char *sentence)
{
	buf_fini(&reply->body);
	reply->type = NULL;
	reply->stream = NULL;
	reply_json(reply,
		json_pack("{s:o}", "fault_message", events_text(sentence)));
	reply->status = status;
}

void reply_put(const struct reply *reply, bool keep_alive, struct buf *out)
{
	buf_printf(out,
		"HTTP/1.1 %u %s\r\n"
		"Server: muster\r\n"
		"Connection: %s\r\n",
		reply->status, http_reason(reply->status),
		keep_alive ? "keep-alive" : "close");
	if (reply->deprecated)
		buf_printf(out, "Deprecation: true\r\n");
	/* A 204 must not have a length (RFC 9110 8.6). */
	if (reply->status != STATUS_NO_CONTENT)
		buf_printf(out, "Content-Type: %s\r\n",
			reply->type ? reply->type : "application/json");
	if (reply->status != STATUS_NO_CONTENT && !reply->stream)
		buf_printf(out, "Content-Length: %zu\r\n", reply->body.len);
	buf_printf(out, "\r\n");
	buf_append(out, reply->body.data, reply->body.len);
	out->failed |= reply->body.failed;
}
