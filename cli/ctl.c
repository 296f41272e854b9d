/* SPDX-License-Identifier: Apache-2.0 */
/* ctl.c - `muster ctl`: control a VM through its socket */
#include <errno.h>
#include <string.h>

#include "cli/ctl.h"
#include "vmm/base/cleanup.h"
#include "vmm/config.h"

struct ctl_options {
	char *socket;
	uint64_t timeout_ms;
};

static const struct config_field ctl_fields[] = {
	CTL_SOCKET(struct ctl_options),
	CTL_TIMEOUT(struct ctl_options, "1m"),
};

static const struct config_object ctl_object = {
	.name = "ctl",
	.fields = ctl_fields,
	.count = ARRAY_SIZE(ctl_fields),
	.size_bytes = sizeof(struct ctl_options),
};

/* For commands that have no options of their own. */
static int ask_with(int argc, char *const argv[], enum api_method method,
	const char *target, const char *body)
{
	struct ctl_options options = { 0 };
	struct ctl_request request = {
		.method = method,
		.target = target,
		.body = body,
	};
	int rc = config_defaults(&ctl_object, &options);
	int status;

	if (!rc)
		rc = config_parse_args(&ctl_object, argc, argv, &options);
	request.socket = options.socket;
	request.timeout_ms = options.timeout_ms;
	status = rc ? output_error(STATUS_USAGE, rc) : ctl_ask(&request);
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

static int show_cpu(int argc, char *const argv[])
{
	return ask_with(argc, argv, API_GET, "/cpu", NULL);
}

static const struct verb ctl_cpu = {
	.name = "cpu",
	.parent = "ctl",
	.arguments = " --socket SOCKET",
	.summary = "print the CPU that the guest was given",
	.description =
		"\"template\" is a template with exactly what the guest's CPUs "
		"show, as `muster fleet` reads it; \"microcode\" is the "
		"revision of microcode that the guest sees.",
	.options = &ctl_object,
	.run = show_cpu,
};

static int show_events(int argc, char *const argv[])
{
	return ask_with(argc, argv, API_GET, "/events", NULL);
}

static const struct verb ctl_events = {
	.name = "events",
	.parent = "ctl",
	.arguments = " --socket SOCKET",
	.summary = "print what happens to the VM, until it ends",
	.description =
		"One line of JSON for each event, as it happens; the first "
		"says the state of the VM. docs/events.md lists the events.",
	.options = &ctl_object,
	.run = show_events,
};

static const struct verb *const subverbs[] = {
	&ctl_pause,
	&ctl_resume,
	&ctl_status,
	&ctl_snapshot,
	&ctl_config,
	&ctl_cpu,
	&ctl_events,
	&ctl_get,
	&ctl_put,
	&ctl_patch,
	&ctl_delete,
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
	{ "wait for what happens", "muster ctl --socket vm.sock events" },
	{ "describe a VM for `muster api`, and start it",
		"muster ctl --socket vm.sock config vm.json"
		"\n  muster ctl --socket vm.sock put /actions "
		"'{\"action_type\": \"InstanceStart\"}'" },
	{ NULL, NULL },
};

const struct verb verb_ctl = {
	.name = "ctl",
	.arguments = " --socket SOCKET COMMAND [OPTION]...",
	.summary = "control a VM: pause, snapshot, events, any request",
	.description =
		"The VM was started by this user, with --control SOCKET or by "
		"`muster api`. The commands are also an HTTP API, which "
		"docs/control.md and docs/api.md explain."
		"\n\n"
		"The exit status is 0; 1 when the VM refuses, with the "
		"reason; 2 when an option is bad; 4 when there is no VM that "
		"answers in time."
		"\n\n"
		"`muster help ctl COMMAND` explains a command.",
	.subverbs = subverbs,
	.options = &ctl_object,
	.examples = examples,
	.run = ctl,
};
