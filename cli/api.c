/* SPDX-License-Identifier: Apache-2.0 */
/* api.c - `muster api`: a socket whose clients configure, start and control a VM */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "cli/api.h"
#include "cli/handed.h"
#include "cli/verb.h"
#include "cpu/document.h"
#include "vmm/api/vm_server.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/base/text.h"
#include "vmm/base/thread.h"

struct api_options {
	char *socket; /* or NULL: one is handed down */
	char *id;
	char *config_file;  /* or NULL */
	unsigned log_level; /* enum log_level */
	struct handed handed;
};

static const struct config_field api_fields[] = {
	{
		.name = "socket",
		.type = CONFIG_PATH,
		.offset = CONFIG_AT(struct api_options, socket, char *),
		.min = 1,
		.max = CONFIG_SOCKET_MAX,
		.metavar = "SOCKET",
		.help = "the Unix socket to make; only this user can connect; "
			"needed unless one is handed down",
	},
	{
		.name = "id",
		.type = CONFIG_NAME,
		.offset = CONFIG_AT(struct api_options, id, char *),
		.min = 1,
		.max = INSTANCE_ID_MAX,
		.fallback = INSTANCE_ID_DEFAULT,
		.metavar = "ID",
		.help = "what the instance calls itself: letters, digits and "
			"'-'",
	},
	{
		.name = "config-file",
		.type = CONFIG_PATH,
		.offset = CONFIG_AT(struct api_options, config_file, char *),
		.min = 1,
		.max = PATH_MAX - 1,
		.metavar = "FILE",
		.help = "start with this VM: a JSON object as GET /vm/config "
			"gives it",
	},
	{
		.name = "log-level",
		.type = CONFIG_CHOICE,
		.offset = CONFIG_AT(struct api_options, log_level, unsigned),
		.fallback = "warning",
		.choices = config_log_levels,
		.help = "how much goes to standard error",
	},
	HANDED_FIELDS(api_options),
};

static const struct config_object api_object = {
	.name = "api",
	.fields = api_fields,
	.count = ARRAY_SIZE(api_fields),
	.size_bytes = sizeof(struct api_options),
};

static void cleanup_options_fn(struct api_options *options)
{
	config_fini(&api_object, options);
}

int api_check_id(const char *id)
{
	if (!strpbrk(id, "._"))
		return 0;
	return err_set(-EINVAL,
		"--id %s: has a dot or an underscore; give letters, digits and "
		"'-'",
		text_shown(id).s);
}

static int parse(int argc, char *const argv[], struct api_options *options)
{
	int rc = config_defaults(&api_object, options);

	if (!rc)
		rc = config_parse_args(&api_object, argc, argv, options);
	return rc ? rc : api_check_id(options->id);
}

static int load_config(const char *path, struct buf *text)
{
	int rc = path ? document_load(path, text) : 0;

	buf_u8(text, '\0');
	if (!rc && text->failed)
		rc = -ENOMEM;
	return rc ? err_wrap(rc, "--config-file") : 0;
}

int api_serve(struct vm_service *service, const char *config_file,
	struct vm_result *ret)
{
	CLEANUP(buf_fini) struct buf text = BUF_INIT;
	int rc = load_config(config_file, &text);

	*ret = (struct vm_result){
		.outcome = OUTCOME_BAD_CONFIG,
		.status = OUTCOME_BAD_CONFIG,
	};
	if (rc)
		return rc;
	if (config_file)
		service->config = (char *)text.data;
	return vm_serve(service, &vm_server, ret);
}

static int choose_place(
	const struct api_options *options, struct vm_service *service)
{
	int rc = handed_take(
		&options->handed, "--socket ", options->socket, service);

	if (rc || service->path || service->listen_fd)
		return rc;
	return err_set(-EINVAL,
		"--socket: missing; give --socket SOCKET, the Unix socket to "
		"make, or --api-fd N");
}

static int run(int argc, char *const argv[])
{
	CLEANUP(cleanup_options_fn) struct api_options options = { 0 };
	struct vm_service service = { .began_us = now_ns() / 1000, 0 };
	struct vm_result result;
	int rc = parse(argc, argv, &options);

	if (!rc)
		rc = choose_place(&options, &service);
	if (rc)
		return output_error(STATUS_USAGE, rc);
	log_set_level(options.log_level);
	service.id = options.id;
	rc = api_serve(&service, options.config_file, &result);
	if (rc)
		return output_error(result.status, rc);
	log_say("%s", result.line);
	return result.status;
}

static const struct verb_example examples[] = {
	{ "wait for clients", "muster api --socket vm.sock" },
	{ "two of their requests",
		"curl --unix-socket vm.sock -X PUT "
		"http://localhost/boot-source "
		"\\\n      -d '{\"kernel_image_path\": \"vmlinux\"}'\n"
		"  curl --unix-socket vm.sock -X PUT http://localhost/actions "
		"\\\n      -d '{\"action_type\": \"InstanceStart\"}'" },
	{ NULL, NULL },
};

const struct verb verb_api = {
	.name = "api",
	.arguments = " --socket SOCKET|--api-fd N [OPTION]...",
	.summary = "serve a socket where clients configure and start a VM",
	.description =
		"There is no VM yet: clients of the socket describe it with "
		"Firecracker's requests, start it, and control it as muster "
		"ctl does. The command ends when the VM does, and says how as "
		"muster run does, or when it is told to by a signal."
		"\n\n"
		"The guest's serial port is this terminal.",
	.options = &api_object,
	.examples = examples,
	.run = run,
};
