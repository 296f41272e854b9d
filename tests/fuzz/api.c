/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api.c - requests as http.c gives them: the first byte is the method and whether
 * the VM runs, the first line the path, and the rest the body.  Every reply must
 * be one that is documented, with JSON in it, and nothing is changed but by a 204.
 */
#include "tests/fuzz/fuzz.h"

#include <fcntl.h>
#include <jansson.h>

#include "tests/fuzz/input.h"
#include "vmm/api/routes.h"
#include "vmm/microcode.h"
#include "vmm/outfile.h"

struct instance {
	enum vm_state state;
	unsigned changes;
};

static void status(const struct instance *in, struct vm_status *ret)
{
	*ret = (struct vm_status){ .state = in->state };
}

static const struct vm_config *config_of(const struct instance *in)
{
	(void)in;
	return NULL;
}

static int change(struct instance *in)
{
	must(in->state != VM_NOT_STARTED);
	in->changes++;
	return 0;
}

static int start(struct instance *in, struct vm_config *config)
{
	must(in->state == VM_NOT_STARTED);
	must(config->cpus && config->memory_bytes);
	must(config->kernel || config->restore.state);
	in->changes++;
	vm_config_fini(config);
	return 0;
}

static int snapshot(struct instance *in, const struct vm_snapshot_args *args)
{
	must(args->state_path[0] && args->memory_path[0]);
	return change(in);
}

static int cpu(const struct instance *in, struct vm_cpu *ret)
{
	must(in->state != VM_NOT_STARTED);
	*ret = (struct vm_cpu){ .microcode = 1 };
	buf_printf(&ret->template, "{}");
	return 0;
}

static int change_drive(struct instance *in, const struct vm_drive_change *wish)
{
	must(wish->id[0] && (!wish->path || wish->path[0]));
	return change(in);
}

/* A VM need not be there; nothing of it is changed. */
static int microcode(struct instance *in, const struct microcode_wish *wish,
	struct microcode_answer *ret)
{
	(void)in;
	must(wish->coordinator[0]);
	*ret = (struct microcode_answer){ .now_ns = 1 };
	return 0;
}

static const struct vm_ops ops = {
	.change_drive = change_drive,
	.cpu = cpu,
	.ctrl_alt_del = change,
	.microcode = { microcode, microcode, microcode },
	.status = status,
	.config = config_of,
	.start = start,
	.pause = change,
	.resume = change,
	.snapshot = snapshot,
};

/* What a request writes to is nobody's file. */
int outfile_open(const char *label, const char *path, int *ret_fd)
{
	(void)label;
	*ret_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	must(path[0] && *ret_fd >= 0);
	return 0;
}

static void check(const struct reply *reply, const struct instance *in)
{
	json_t *root = json_loadb(
		(char *)reply->body.data, reply->body.len, 0, NULL);

	must(!in->changes || reply->status == STATUS_NO_CONTENT);
	switch (reply->status) {
	case STATUS_NO_CONTENT:
		must(!reply->body.len);
		break;
	case STATUS_FINE:
		must(json_is_object(root) || reply->type);
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
	uint8_t first = input_u8(&in);
	struct http_message request = { .method = first % API_METHODS };
	struct instance instance = {
		.state = first / API_METHODS % 2 ? VM_NOT_STARTED : VM_RUNNING,
	};
	struct api api = { .id = "x", .ops = &ops, .instance = &instance };
	struct reply reply = REPLY_INIT;
	char c;

	for (size_t i = 0; in.left && (c = (char)input_u8(&in)) != '\n';)
		if (c && i < HTTP_TARGET_MAX)
			request.target[i++] = c;
	request.body_bytes = in.left;
	request.body = malloc(in.left + 1);
	input_bytes(&in, request.body, in.left);
	request.body[request.body_bytes] = '\0';
	must(!draft_init(&api.draft));
	routes_handle(&api, &request, &reply);
	check(&reply, &instance);
	draft_fini(&api.draft);
	observe_fini(&api.observe);
	log_set_sink(&(struct log_sink){ .fd = -1 });
	log_set_level(LOG_OFF);
	reply_fini(&reply);
	free(request.body);
	return 0;
}
