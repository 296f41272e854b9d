/* SPDX-License-Identifier: Apache-2.0 */
/* ctl_raw.c - `muster ctl get`, `put`, …: any request, and a whole VM's */
#include <errno.h>
#include <string.h>

#include "cli/ctl.h"
#include "cpu/document.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/base/text.h"

struct raw_options {
	char *socket;
	uint64_t timeout_ms;
	struct config_words words; /* path and body */
};

#define WORDS(most, needed, word, text)                                  \
	{                                                                \
		.name = "word", .type = CONFIG_WORDS, .operand = true,   \
		.required = (needed),                                    \
		.offset = CONFIG_AT(                                     \
			struct raw_options, words, struct config_words), \
		.max = (most), .metavar = (word), .help = (text)         \
	}

static const struct config_field get_fields[] = {
	WORDS(1, true, "PATH", "the path of the request: /vm/config"),
	CTL_SOCKET(struct raw_options),
	CTL_TIMEOUT(struct raw_options, "1m"),
};

static const struct config_field put_fields[] = {
	WORDS(2, true, "PATH",
		"the path of the request, /machine-config, and its body: "
		"JSON, or - for standard input"),
	CTL_SOCKET(struct raw_options),
	CTL_TIMEOUT(struct raw_options, "1m"),
};

static const struct config_field config_fields[] = {
	WORDS(1, false, "FILE",
		"JSON that describes a whole VM, - for standard input; without "
		"it the VM's own is printed"),
	CTL_SOCKET(struct raw_options),
	CTL_TIMEOUT(struct raw_options, "1m"),
};

#define OBJECT(verb, table)                               \
	{                                                 \
		.name = "ctl " verb, .fields = (table),   \
		.count = ARRAY_SIZE(table),               \
		.size_bytes = sizeof(struct raw_options), \
	}

static const struct config_object get_object = OBJECT("get", get_fields),
				  put_object = OBJECT("put", put_fields),
				  config_object = OBJECT(
					  "config", config_fields);

/* ---- asking ---- */

/* The socket takes text alone: what is behind a NUL would be lost unseen. */
static int load_body(const char *file, struct buf *ret)
{
	int rc = document_load(file, ret);

	if (!rc && ret->len && memchr(ret->data, '\0', ret->len))
		rc = err_set(-EINVAL, "%s: holds a NUL; give JSON",
			text_shown(file).s);
	buf_u8(ret, '\0');
	return rc || !ret->failed ? rc : err_set(-ENOMEM, "no memory");
}

static int check_path(const char *path)
{
	if (*path == '/' && strlen(path) <= HTTP_TARGET_MAX &&
		!strpbrk(path, " \t\r\n"))
		return 0;
	return err_set(-EINVAL, "%s: not a path; give one such as /vm",
		text_shown(path).s);
}

static int ask(const struct raw_options *o, enum api_method method,
	const char *target, const char *body)
{
	const struct ctl_request request = {
		.socket = o->socket,
		.timeout_ms = o->timeout_ms,
		.method = method,
		.target = target,
		.body = body,
	};

	return ctl_ask(&request);
}

/* ---- any request ---- */

static void cleanup_options(struct raw_options *o)
{
	config_fini(&put_object, o);
}

static int parse(const struct config_object *object, int argc,
	char *const argv[], struct raw_options *ret)
{
	int rc = config_defaults(object, ret);

	return rc ? rc : config_parse_args(object, argc, argv, ret);
}

static int any(enum api_method method, const struct config_object *object,
	int argc, char *const argv[])
{
	CLEANUP(cleanup_options) struct raw_options o = { 0 };
	CLEANUP(buf_fini) struct buf input = BUF_INIT;
	int rc = parse(object, argc, argv, &o);
	const char *body = !rc && o.words.count > 1 ? o.words.word[1] : NULL;

	if (!rc)
		rc = check_path(o.words.word[0]);
	if (!rc && body && !strcmp(body, "-")) {
		rc = load_body(body, &input);
		body = (const char *)input.data;
	}
	return rc ? output_error(STATUS_USAGE, rc)
		  : ask(&o, method, o.words.word[0], body);
}

static int get(int argc, char *const argv[])
{
	return any(API_GET, &get_object, argc, argv);
}

static int put(int argc, char *const argv[])
{
	return any(API_PUT, &put_object, argc, argv);
}

static int patch(int argc, char *const argv[])
{
	return any(API_PATCH, &put_object, argc, argv);
}

static int delete (int argc, char *const argv[])
{
	return any(API_DELETE, &get_object, argc, argv);
}

#define PATHS \
	"The paths are in docs/api.md, and GET /openapi.json has them all."

const struct verb ctl_get = {
	.name = "get",
	.parent = "ctl",
	.arguments = " --socket SOCKET PATH",
	.summary = "print what the API tells at a path",
	.description =
		"JSON is printed indented. What has no end, such as /events, "
		"is printed as it comes. " PATHS,
	.options = &get_object,
	.run = get,
};

const struct verb ctl_put = {
	.name = "put",
	.parent = "ctl",
	.arguments = " --socket SOCKET PATH [BODY | -]",
	.summary = "send a PUT request of the API",
	.description = "The body is JSON; - reads it from standard "
		       "input. " PATHS,
	.options = &put_object,
	.run = put,
};

const struct verb ctl_patch = {
	.name = "patch",
	.parent = "ctl",
	.arguments = " --socket SOCKET PATH [BODY | -]",
	.summary = "send a PATCH request of the API",
	.description = "The body is JSON; - reads it from standard "
		       "input. " PATHS,
	.options = &put_object,
	.run = patch,
};

const struct verb ctl_delete = {
	.name = "delete",
	.parent = "ctl",
	.arguments = " --socket SOCKET PATH",
	.summary = "send a DELETE request of the API",
	.description = PATHS,
	.options = &get_object,
	.run = delete,
};

/* ---- a whole VM ---- */

static int config(int argc, char *const argv[])
{
	CLEANUP(cleanup_options) struct raw_options o = { 0 };
	CLEANUP(buf_fini) struct buf text = BUF_INIT;
	int rc = parse(&config_object, argc, argv, &o);

	if (!rc && !o.words.count)
		return ask(&o, API_GET, "/vm/config", NULL);
	if (!rc)
		rc = load_body(o.words.word[0], &text);
	return rc ? output_error(STATUS_USAGE, rc)
		  : ask(&o, API_PUT, "/config", (char *)text.data);
}

const struct verb ctl_config = {
	.name = "config",
	.parent = "ctl",
	.arguments = " --socket SOCKET [FILE | -]",
	.summary = "print the VM's configuration, or give it a new one",
	.description =
		"What is printed describes the whole VM: in a file, it makes "
		"the same VM again, also with `muster api --config-file`. A "
		"new one is for a VM that has not started; it is taken wholly "
		"or not at all, and \"start\": true in it starts the VM.",
	.options = &config_object,
	.run = config,
};
