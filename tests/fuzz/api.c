/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api.c - requests as http.c gives them: the first byte is the method, the first
 * line the path, and the rest the body.  Every reply must be one that is
 * documented, with JSON in it, and a machine is only changed by a 204.
 */
#include "tests/fuzz/fuzz.h"

#include <jansson.h>

#include "tests/fuzz/input.h"
#include "vmm/api/routes.h"

struct vm {
	unsigned changes;
};

static void status(const struct vm *vm, struct vm_status *ret)
{
	(void)vm;
	*ret = (struct vm_status){ .state = VM_RUNNING };
}

static int change(struct vm *vm)
{
	vm->changes++;
	return 0;
}

static int snapshot(struct vm *vm, const struct vm_snapshot_args *args)
{
	must(args->state_path[0] && args->memory_path[0]);
	return change(vm);
}

static const struct vm_ops ops = {
	.status = status,
	.pause = change,
	.resume = change,
	.snapshot = snapshot,
};

static void check(const struct reply *reply, const struct vm *vm)
{
	json_t *root = json_loadb(
		(char *)reply->body.data, reply->body.len, 0, NULL);

	must(vm->changes == (reply->status == STATUS_NO_CONTENT));
	switch (reply->status) {
	case STATUS_NO_CONTENT:
		must(!reply->body.len);
		break;
	case STATUS_FINE:
		must(json_is_object(root));
		break;
	default:
		must(reply->status == STATUS_BAD_REQUEST);
		must(json_string_length(
			json_object_get(root, "fault_message")));
	}
	json_decref(root);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct input in = { data, len };
	struct http_message request = { .method = input_u8(&in) % API_METHODS };
	struct vm vm = { 0 };
	struct api api = { .ops = &ops, .vm = &vm };
	struct reply reply = REPLY_INIT;
	char c;

	for (size_t i = 0; in.left && (c = (char)input_u8(&in)) != '\n';)
		if (c && i < HTTP_TARGET_MAX)
			request.target[i++] = c;
	request.body_bytes = in.left;
	request.body = malloc(in.left + 1);
	input_bytes(&in, request.body, in.left);
	request.body[request.body_bytes] = '\0';
	routes_handle(&api, &request, &reply);
	check(&reply, &vm);
	reply_fini(&reply);
	free(request.body);
	return 0;
}
