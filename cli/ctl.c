/* SPDX-License-Identifier: Apache-2.0 */
/* ctl.c - `muster ctl`: control a VM through its socket */
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "cli/ctl.h"
#include "vmm/api/reply.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/config.h"

struct ctl_options {
	char *socket;
};

static const struct config_field ctl_fields[] = {
	CTL_SOCKET(struct ctl_options),
};

static const struct config_object ctl_object = {
	.name = "ctl",
	.fields = ctl_fields,
	.count = ARRAY_SIZE(ctl_fields),
	.size_bytes = sizeof(struct ctl_options),
};

/* ---- asking ---- */

static void cleanup_json_fn(json_t **root)
{
	json_decref(*root);
}

/* The server puts the request in front, which is nothing that our user said. */
static const char *without_request(
	const char *sentence, enum api_method method, const char *target)
{
	CLEANUP(buf_fini) struct buf request = BUF_INIT;
	size_t len;

	buf_printf(&request, "%s %s: ", api_method_names[method], target);
	len = request.len;
	return strncmp(sentence, (const char *)request.data, len)
		       ? sentence
		       : sentence + len;
}

/* The server's sentence becomes our own. */
static int refused(const struct client_answer *answer, enum api_method method,
	const char *target)
{
	CLEANUP(cleanup_json_fn)
	json_t *root = json_loads(answer->body ? answer->body : "", 0, NULL);
	const char *sentence = json_string_value(
		json_object_get(root, "fault_message"));

	return output_error(CTL_REFUSED,
		err_set(-EREMOTEIO, "%s",
			sentence ? without_request(sentence, method, target)
				 : "the VM gives no reason"));
}

static int print(const struct client_answer *answer)
{
	CLEANUP(cleanup_json_fn)
	json_t *root = json_loads(answer->body ? answer->body : "", 0, NULL);
	CLEANUP_FREE char *text = root ? json_dumps(root, JSON_INDENT(2))
				       : NULL;
	CLEANUP(buf_fini) struct buf out = BUF_INIT;

	if (!text)
		return output_error(STATUS_FAILED,
			err_set(-EBADMSG, "the VM's answer is not JSON"));
	buf_printf(&out, "%s\n", text);
	return output(&out);
}

int ctl_ask(const char *socket, enum api_method method, const char *target,
	const char *body)
{
	CLEANUP(client_answer_fini) struct client_answer answer = { 0 };
	int rc = client_ask("--socket ", socket, method, target, body, &answer);

	if (rc)
		return output_error(STATUS_FAILED, rc);
	if (answer.status == STATUS_NO_CONTENT)
		return STATUS_OK;
	if (answer.status == STATUS_FINE)
		return print(&answer);
	return refused(&answer, method, target);
}

/* For commands that have no option but --socket. */
static int ask_with(int argc, char *const argv[], enum api_method method,
	const char *target, const char *body)
{
	struct ctl_options options = { 0 };
	int rc = config_parse_args(&ctl_object, argc, argv, &options);
	int status = rc ? output_error(STATUS_USAGE, rc)
			: ctl_ask(options.socket, method, target, body);

	config_fini(&ctl_object, &options);
	return status;
}

/* ---- commands ---- */

static int pause_vm(int argc, char *const argv[])
{
	return ask_with(
		argc, argv, API_PATCH, "/vm", "{\"state\": \"Paused\"}");
}

static const struct verb ctl_pause = {
	.name = "pause",
	.parent = "ctl",
	.arguments = " --socket SOCKET",
	.summary = "hold all CPUs and devices still",
	.description =
		"When the command returns, no CPU of the guest runs and no "
		"request of its disks is under way. Its clocks stand still "
		"with it. Pausing a paused VM is harmless.",
	.options = &ctl_object,
	.run = pause_vm,
};

static int resume_vm(int argc, char *const argv[])
{
	return ask_with(
		argc, argv, API_PATCH, "/vm", "{\"state\": \"Resumed\"}");
}

static const struct verb ctl_resume = {
	.name = "resume",
	.parent = "ctl",
	.arguments = " --socket SOCKET",
	.summary = "let the VM go on",
	.description =
		"The guest goes on where it stopped. Resuming a VM that runs "
		"is harmless. A VM that something else holds too stays "
		"paused; `status` says what.",
	.options = &ctl_object,
	.run = resume_vm,
};

static int show_status(int argc, char *const argv[])
{
	return ask_with(argc, argv, API_GET, "/vm", NULL);
}

static const struct verb ctl_status = {
	.name = "status",
	.parent = "ctl",
	.arguments = " --socket SOCKET",
	.summary = "print the VM's state as JSON",
	.description =
		"\"state\" is Running or Paused, and \"held_by\" lists "
		"who holds it: user, snapshot, microcode. \"pause\" tells "
		"how long pauses took so far, in nanoseconds.",
	.options = &ctl_object,
	.run = show_status,
};

static const struct verb *const subverbs[] = {
	&ctl_pause,
	&ctl_resume,
	&ctl_status,
	&ctl_snapshot,
	NULL,
};

/* ---- the verb ---- */

/* How many words are `--socket S` or `--socket=S`, in front of the command. */
static int leading_words(int argc, char *const argv[])
{
	int n = 0;

	while (n < argc && !strncmp(argv[n], "--socket", 8))
		n += argv[n][8] == '=' ? 1 : 2;
	return MIN(n, argc);
}

/* "--socket S pause" is read as "pause --socket S". */
static int ctl(int argc, char *const argv[])
{
	int leading = leading_words(argc, argv);
	CLEANUP_FREE char **words = calloc((size_t)argc + 1, sizeof(*words));
	int n = argc - leading;

	if (!words)
		return output_error(STATUS_FAILED, -ENOMEM);
	memcpy(words, argv + leading, (size_t)n * sizeof(*words));
	memcpy(words + n, argv, (size_t)leading * sizeof(*words));
	return verb_run_subverb(&verb_ctl, n ? argc : 0, words);
}

static const struct verb_example examples[] = {
	{ "a VM that can be controlled",
		"muster run --kernel vmlinuz --initrd initrd.img --control "
		"vm.sock" },
	{ "hold it still", "muster ctl --socket vm.sock pause" },
	{ "let it go on", "muster ctl --socket vm.sock resume" },
	{ "whether it runs", "muster ctl --socket vm.sock status" },
	{ "keep it in two files, and go on",
		"muster ctl --socket vm.sock snapshot --state vm.state "
		"--memory vm.memory" },
	{ NULL, NULL },
};

const struct verb verb_ctl = {
	.name = "ctl",
	.arguments = " --socket SOCKET COMMAND [OPTION]...",
	.summary = "control a running VM: pause, resume, status, snapshot",
	.description =
		"The VM was started with --control SOCKET, by this user. Its "
		"commands are also an HTTP API, which docs/control.md "
		"explains."
		"\n\n"
		"The exit status is 0; 1 when the VM refuses, with the "
		"reason; 2 when an option is bad; 4 when there is no VM that "
		"answers."
		"\n\n"
		"`muster help ctl COMMAND` explains a command.",
	.subverbs = subverbs,
	.options = &ctl_object,
	.examples = examples,
	.run = ctl,
};
