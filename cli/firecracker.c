/* SPDX-License-Identifier: Apache-2.0 */
/*
 * firecracker.c - `muster --api-sock S …`: Firecracker's command line and statuses
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>

#include "cli/api.h"
#include "cli/fatal.h"
#include "cli/handed.h"
#include "cli/verb.h"
#include "config.h"
#include "vmm/api/http.h"
#include "vmm/api/observe.h"
#include "vmm/api/vm_server.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/base/text.h"
#include "vmm/base/thread.h"
#include "vmm/snapshot.h"

/* The exit statuses that its callers know. */
enum {
	FC_OK = 0,
	FC_GENERIC = 1,
	FC_SIGBUS = 149,
	FC_BAD_CONFIG = 152,
	FC_BAD_ARGUMENTS = 153,
	FC_SIGHUP = 156, /* others: fatal.c */
	FC_SIGNAL = 128, /* and the number: what a shell says of a killed one */
};

#define FC_SOCKET "/run/firecracker.socket"

struct fc_options {
	char *socket; /* or NULL */
	char *id;
	char *config_file; /* or NULL */
	bool no_api;
	bool no_seccomp;
	bool boot_timer;
	struct logger_body logger;
	struct metrics_body metrics;
	unsigned body_max;
	char *start_us; /* the jailer's, as are the next two; or NULL */
	char *start_cpu_us;
	char *parent_cpu_us;
	char *mmds_bytes;
	struct handed handed;
	bool version;   /* print it, and end */
	bool format;    /* print that of snapshots, and end */
	char *snapshot; /* print that of this one; or NULL */
};

#define IGNORED(option, member, text)                                   \
	{                                                               \
		.name = (option), .type = CONFIG_STRING,                \
		.offset = CONFIG_AT(struct fc_options, member, char *), \
		.max = 32, .metavar = "N", .help = "taken, " text,      \
	}
#define TIME(option, member, what)                                      \
	{                                                               \
		.name = (option), .type = CONFIG_STRING,                \
		.offset = CONFIG_AT(struct fc_options, member, char *), \
		.max = 32, .metavar = "US",                             \
		.help = "from the jailer, for the metrics: " what,      \
	}

static const struct config_field fc_fields[] = {
	{
		.name = "api-sock",
		.type = CONFIG_PATH,
		.offset = CONFIG_AT(struct fc_options, socket, char *),
		.min = 1,
		.max = CONFIG_SOCKET_MAX,
		.metavar = "SOCKET",
		.help = "the Unix socket to make; " FC_SOCKET
			" if nothing else is said",
	},
	{
		.name = "id",
		.type = CONFIG_NAME,
		.offset = CONFIG_AT(struct fc_options, id, char *),
		.min = 1,
		.max = INSTANCE_ID_MAX,
		.fallback = INSTANCE_ID_DEFAULT,
		.metavar = "ID",
		.help = "what the instance calls itself",
	},
	{
		.name = "config-file",
		.type = CONFIG_PATH,
		.offset = CONFIG_AT(struct fc_options, config_file, char *),
		.min = 1,
		.max = PATH_MAX - 1,
		.metavar = "FILE",
		.help = "start with this VM",
	},
	{
		.name = "no-api",
		.type = CONFIG_BOOL,
		.offset = CONFIG_AT(struct fc_options, no_api, bool),
		.help = "make no socket; needs --config-file",
	},
	{
		.name = "http-api-max-payload-size",
		.type = CONFIG_UNSIGNED,
		.offset = CONFIG_AT(struct fc_options, body_max, unsigned),
		.min = 1,
		.max = 64 * MIB,
		.fallback = "51200",
		.metavar = "BYTES",
		.help = "of a request's body",
	},
	{
		.name = "log-path",
		.type = CONFIG_PATH,
		.offset = CONFIG_AT(struct fc_options, logger.log_path, char *),
		.min = 1,
		.max = PATH_MAX - 1,
		.metavar = "FILE",
		.help = "append log lines there, instead of to standard error",
	},
	{
		.name = "level",
		.type = CONFIG_CHOICE,
		.any_case = true,
		.offset = CONFIG_AT(struct fc_options, logger.level, unsigned),
		.fallback = "Info",
		.choices = logger_levels,
		.help = "how much is logged",
	},
	{
		.name = "module",
		.type = CONFIG_STRING,
		.offset = CONFIG_AT(struct fc_options, logger.module, char *),
		.max = LOG_MODULE_MAX,
		.metavar = "PATH",
		.help = "log only what sources say whose path begins so",
	},
	{
		.name = "show-level",
		.type = CONFIG_BOOL,
		.offset = CONFIG_AT(struct fc_options, logger.show_level, bool),
		.help = "say the level in each line",
	},
	{
		.name = "show-log-origin",
		.type = CONFIG_BOOL,
		.offset = CONFIG_AT(
			struct fc_options, logger.show_log_origin, bool),
		.help = "say the source's file and line in each line",
	},
	{
		.name = "metrics-path",
		.type = CONFIG_PATH,
		.offset = CONFIG_AT(
			struct fc_options, metrics.metrics_path, char *),
		.min = 1,
		.max = PATH_MAX - 1,
		.metavar = "FILE",
		.help = "append lines of metrics there, one a minute",
	},
	{
		.name = "boot-timer",
		.type = CONFIG_BOOL,
		.offset = CONFIG_AT(struct fc_options, boot_timer, bool),
		.help = "log when a guest writes 123 at 0xc0000000, which is "
			"how it says that it has booted",
	},
	{
		.name = "no-seccomp",
		.type = CONFIG_BOOL,
		.offset = CONFIG_AT(struct fc_options, no_seccomp, bool),
		.help = "taken, without effect: this version has no filters",
	},
	{
		.name = "seccomp-filter",
		.type = CONFIG_ABSENT,
		.hidden = true,
		.help = "this version has no filters; leave it out",
	},
	{
		.name = "metadata",
		.type = CONFIG_ABSENT,
		.hidden = true,
		.help = "this version has no metadata service; leave it out",
	},
	{
		.name = "enable-pci",
		.type = CONFIG_ABSENT,
		.hidden = true,
		.help = "this version has no PCI bus, its devices are "
			"virtio-mmio; leave it out",
	},
	IGNORED("mmds-size-limit", mmds_bytes,
		"without effect: this version has no metadata service"),
	TIME("start-time-us", start_us, "when the process began"),
	TIME("start-time-cpu-us", start_cpu_us, "its CPU time by then"),
	TIME("parent-cpu-time-us", parent_cpu_us, "the jailer's CPU time"),
	HANDED_FIELDS(fc_options),
	{
		.name = "version",
		.type = CONFIG_BOOL,
		.offset = CONFIG_AT(struct fc_options, version, bool),
		.help = "print the version of the API, and end",
	},
	{
		.name = "snapshot-version",
		.type = CONFIG_BOOL,
		.offset = CONFIG_AT(struct fc_options, format, bool),
		.help = "print the version of the format of snapshots, and end",
	},
	{
		.name = "describe-snapshot",
		.type = CONFIG_PATH,
		.offset = CONFIG_AT(struct fc_options, snapshot, char *),
		.min = 1,
		.max = PATH_MAX - 1,
		.metavar = "STATE",
		.help = "print the version that this state file has, and end",
	},
};

static const struct config_object fc_object = {
	.name = "firecracker",
	.fields = fc_fields,
	.count = ARRAY_SIZE(fc_fields),
	.size_bytes = sizeof(struct fc_options),
};

static void cleanup_options_fn(struct fc_options *options)
{
	config_fini(&fc_object, options);
}

static int parse(int argc, char *const argv[], struct fc_options *options)
{
	int rc = config_defaults(&fc_object, options);

	if (!rc)
		rc = config_parse_args(&fc_object, argc, argv, options);
	if (!rc)
		rc = api_check_id(options->id);
	if (!rc && options->no_api && options->handed.api_fd)
		rc = err_set(
			-EINVAL, "--no-api: and --api-fd; give one of them");
	if (!rc && options->no_api && !options->config_file)
		rc = err_set(-EINVAL,
			"--no-api: and nothing to start; give --config-file");
	return rc;
}

/* Where clients are served; the default gives way to what is handed down. */
static int choose_place(
	const struct fc_options *options, struct vm_service *service)
{
	int rc = handed_take(&options->handed, "--api-sock ",
		options->no_api ? NULL : options->socket, service);

	if (options->no_api)
		service->listen_fd = 0;
	else if (!service->path && !service->listen_fd)
		service->path = FC_SOCKET;
	return rc;
}

static int read_time(const char *option, const char *text, uint64_t *ret)
{
	char *end;

	if (!text)
		return 0;
	*ret = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end)
		return err_set(-EINVAL, "--%s %s: give microseconds", option,
			text_shown(text).s);
	return 0;
}

/* What the jailer tells of the time before. */
static int read_times(
	const struct fc_options *options, struct vm_service *service)
{
	int rc = read_time(
		"start-time-us", options->start_us, &service->began_us);

	if (!rc)
		rc = read_time("start-time-cpu-us", options->start_cpu_us,
			&service->began_cpu_us);
	return rc ? rc
		  : read_time("parent-cpu-time-us", options->parent_cpu_us,
			    &service->parent_cpu_us);
}

/* However a guest ends, that is no failure. */
static int status_of(const struct vm_result *result)
{
	switch (result->outcome) {
	case OUTCOME_STOPPED:
		return result->signal == SIGHUP ? FC_SIGHUP
		       : result->signal         ? FC_SIGNAL + result->signal
						: FC_OK;
	case OUTCOME_POWER_OFF:
	case OUTCOME_REBOOT:
	case OUTCOME_TRIPLE_FAULT:
	case OUTCOME_PANIC:
		return FC_OK;
	default:
		return result->signal == SIGBUS ? FC_SIGBUS : FC_GENERIC;
	}
}

/* In Firecracker's words, which its callers take apart. */
static int print_version(void)
{
	CLEANUP(buf_fini) struct buf out = BUF_INIT;

	buf_printf(&out, "Firecracker v" API_VERSION " (muster %s)\n",
		MUSTER_VERSION);
	return output(&out);
}

/* The format has one number; callers expect three. */
static int print_format(unsigned format)
{
	CLEANUP(buf_fini) struct buf out = BUF_INIT;

	buf_printf(&out, "v%u.0.0\n", format);
	return output(&out);
}

static int describe_snapshot(const char *path)
{
	CLEANUP(buf_fini) struct buf bytes = BUF_INIT;
	struct snapshot_file file;
	int rc = snapshot_read("--describe-snapshot ", path, &bytes, &file);

	return rc ? output_error(FC_GENERIC, rc) : print_format(file.format);
}

static int run(int argc, char *const argv[])
{
	CLEANUP(cleanup_options_fn) struct fc_options options = { 0 };
	struct vm_service service = { .began_us = now_ns() / 1000 };
	struct vm_result result;
	int rc = parse(argc, argv, &options);

	if (!rc && options.version)
		return print_version();
	if (!rc && options.format)
		return print_format(SNAPSHOT_FORMAT);
	if (!rc && options.snapshot)
		return describe_snapshot(options.snapshot);
	if (!rc)
		rc = read_times(&options, &service);
	if (!rc)
		rc = choose_place(&options, &service);
	if (rc)
		return output_error(FC_BAD_ARGUMENTS, rc);
	service.logger = &options.logger;
	if (options.metrics.metrics_path)
		service.metrics = &options.metrics;
	fatal_catch();
	service.boot_timer = options.boot_timer;
	service.id = options.id;
	service.body_max = options.body_max;
	service.status_of = status_of;
	rc = api_serve(&service, options.config_file, &result);
	if (rc)
		return output_error(options.config_file && rc != -EADDRINUSE
					    ? FC_BAD_CONFIG
					    : FC_GENERIC,
			rc);
	log_say("%s", result.line);
	return status_of(&result);
}

static const struct verb_example examples[] = {
	{ "as its clients start it", "muster --api-sock vm.sock --id vm-1" },
	{ "without clients", "muster --no-api --config-file vm.json" },
	{ NULL, NULL },
};

const struct verb verb_firecracker = {
	.name = "firecracker",
	.arguments = " [OPTION]...",
	.summary = "serve as muster api, with Firecracker's options",
	.description =
		"The word may be left out, and is not needed either where "
		"muster is called firecracker, by a link of that name."
		"\n\n"
		"Exit statuses are Firecracker's: 0 when the guest ends in "
		"whatever way, 1 for a failure, 152 for a bad --config-file, "
		"153 for a bad option, 156 for SIGHUP; 148 to 151, 154 and "
		"157 for signals by which the kernel ends a process.",
	.options = &fc_object,
	.examples = examples,
	.run = run,
};
