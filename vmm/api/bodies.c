/* SPDX-License-Identifier: Apache-2.0 */
/* bodies.c - the tables of what configures a VM that has not started */
#include "vmm/api/bodies.h"

#include <limits.h>
#include <stdlib.h>

#define PATH_BYTES  .min = 1, .max = PATH_MAX - 1
#define CMDLINE_MAX 2048 /* as clients know it */

#define OBJECT(label, table, type)                                      \
	{                                                               \
		.name = (label), .fields = (table),                     \
		.count = ARRAY_SIZE(table), .size_bytes = sizeof(type), \
	}

/* ---- rate limiters ---- */

static const struct config_field bucket_fields[] = {
	{
		.name = "size",
		.type = CONFIG_COUNT,
		.required = true,
		.offset = CONFIG_AT(struct bucket_body, rate.size, uint64_t),
		.max = RATE_SIZE_MAX,
		.help = "bytes or requests in each refill_time; 0: no limit",
	},
	{
		.name = "refill_time",
		.type = CONFIG_COUNT,
		.required = true,
		.offset = CONFIG_AT(
			struct bucket_body, rate.refill_ms, uint64_t),
		.max = RATE_REFILL_MS_MAX,
		.help = "milliseconds; 0: no limit",
	},
	{
		.name = "one_time_burst",
		.type = CONFIG_COUNT,
		.offset = CONFIG_AT(struct bucket_body, rate.burst, uint64_t),
		.max = RATE_SIZE_MAX,
		.help = "so many more, once",
	},
};

static const struct config_object bucket_object = OBJECT(
	"token-bucket", bucket_fields, struct bucket_body);

static const struct config_field limiter_fields[] = {
	{
		.name = "bandwidth",
		.type = CONFIG_OBJECT,
		.offset = CONFIG_AT(
			struct limiter_body, bandwidth, struct bucket_body),
		.aux_offset = CONFIG_AT(
			struct limiter_body, bandwidth.given, bool),
		.help = "how many bytes",
		.item = &bucket_object,
	},
	{
		.name = "ops",
		.type = CONFIG_OBJECT,
		.offset = CONFIG_AT(
			struct limiter_body, ops, struct bucket_body),
		.aux_offset = CONFIG_AT(struct limiter_body, ops.given, bool),
		.help = "how many requests",
		.item = &bucket_object,
	},
};

static const struct config_object limiter_object = OBJECT(
	"rate-limiter", limiter_fields, struct limiter_body);

#define RATE_LIMITER(body)                                               \
	{                                                                \
		.name = "rate_limiter", .type = CONFIG_OBJECT,           \
		.offset = CONFIG_AT(body, limiter, struct limiter_body), \
		.aux_offset = CONFIG_AT(body, limiter.given, bool),      \
		.help = "how fast the guest may use it",                 \
		.item = &limiter_object,                                 \
	}

struct limits limits_of_body(const struct limiter_body *body)
{
	return (struct limits){ body->bandwidth.rate, body->ops.rate };
}

struct bucket_body rate_to_body(const struct rate *rate)
{
	return (struct bucket_body){ *rate, rate_limits(rate) };
}

struct limiter_body limits_to_body(const struct limits *limits)
{
	struct limiter_body body = {
		.bandwidth = rate_to_body(&limits->bandwidth),
		.ops = rate_to_body(&limits->ops),
	};

	body.given = body.bandwidth.given || body.ops.given;
	return body;
}

/* ---- /machine-config ---- */

static const struct config_choice cpu_templates[CPU_TEMPLATE_NAMES + 1] = {
	[CPU_NONE] = { "None", NULL },
	{ "C3", NULL },
	{ "T2", NULL },
	{ "T2S", NULL },
	{ "T2CL", NULL },
	{ "T2A", NULL },
	{ NULL, NULL },
};

const char *cpu_template_name(unsigned index)
{
	return cpu_templates[index].name;
}

static const struct config_choice page_choices[] = {
	[MEM_PAGES_NONE] = { "None", NULL },
	[MEM_PAGES_TRANSPARENT] = { "Transparent", NULL },
	[MEM_PAGES_2M] = { "2M", NULL },
	{ NULL, NULL },
};

static const struct config_field machine_fields[] = {
	{
		.name = "vcpu_count",
		.type = CONFIG_UNSIGNED,
		.required = true,
		.offset = CONFIG_AT(struct machine_body, vcpu_count, unsigned),
		.min = 1,
		.max = API_CPUS_MAX,
		.fallback = "1",
		.help = "how many CPUs the guest sees",
	},
	{
		.name = "mem_size_mib",
		.type = CONFIG_UNSIGNED,
		.required = true,
		.offset = CONFIG_AT(
			struct machine_body, mem_size_mib, unsigned),
		.min = 2,
		.max = MEM_BYTES_MAX / MIB,
		.fallback = "128",
		.help = "the guest's RAM in MiB",
	},
	{
		.name = "smt",
		.type = CONFIG_BOOL,
		.offset = CONFIG_AT(struct machine_body, smt, bool),
		.fallback = "off",
		.help = "two CPUs are the threads of one core",
	},
	{
		.name = "cpu_template",
		.type = CONFIG_CHOICE,
		.offset = CONFIG_AT(
			struct machine_body, cpu_template, unsigned),
		.fallback = "None",
		.choices = cpu_templates,
		.help = "a built-in CPU template; deprecated, see /cpu-config",
	},
	{
		.name = "track_dirty_pages",
		.type = CONFIG_BOOL,
		.offset = CONFIG_AT(
			struct machine_body, track_dirty_pages, bool),
		.fallback = "off",
		.help = "taken, without effect: snapshots of type Diff are "
			"always possible",
	},
	{
		.name = "huge_pages",
		.type = CONFIG_CHOICE,
		.offset = CONFIG_AT(struct machine_body, huge_pages, unsigned),
		.fallback = "None",
		.choices = page_choices,
		.help = "what the RAM is made of: huge pages that were "
			"reserved, some where the host has them, or what the "
			"host does unasked",
	},
};

const struct config_object machine_body_object = OBJECT(
	"machine-config", machine_fields, struct machine_body);

/* ---- /boot-source ---- */

static const struct config_field boot_fields[] = {
	{
		.name = "kernel_image_path",
		.type = CONFIG_PATH,
		.required = true,
		.offset = CONFIG_AT(struct boot_body, kernel, char *),
		PATH_BYTES,
		.help = "the kernel to boot: a bzImage or an ELF vmlinux",
	},
	{
		.name = "initrd_path",
		.type = CONFIG_PATH,
		.offset = CONFIG_AT(struct boot_body, initrd, char *),
		PATH_BYTES,
		.help = "the initial RAM disk",
	},
	{
		.name = "boot_args",
		.type = CONFIG_STRING,
		.offset = CONFIG_AT(struct boot_body, args, char *),
		.max = CMDLINE_MAX,
		.help = "the kernel's command line, instead of the default",
	},
};

const struct config_object boot_body_object = OBJECT(
	"boot-source", boot_fields, struct boot_body);

/* ---- /drives/{id} ---- */

static const struct config_choice cache_choices[] = {
	{ "Unsafe", NULL },
	{ "Writeback", NULL },
	{ NULL, NULL },
};

static const struct config_choice engine_choices[] = {
	{ "Sync", NULL },
	{ "Async", NULL },
	{ NULL, NULL },
};

static const struct config_field drive_fields[] = {
	{
		.name = "drive_id",
		.type = CONFIG_NAME,
		.required = true,
		.offset = CONFIG_AT(struct drive_body, id, char *),
		.min = 1,
		.max = CONFIG_DISK_ID_MAX,
		.help = "the name that the path has",
	},
	{
		.name = "path_on_host",
		.type = CONFIG_PATH,
		.required = true,
		.offset = CONFIG_AT(struct drive_body, path, char *),
		PATH_BYTES,
		.help = "a raw image or a block device",
	},
	{
		.name = "is_root_device",
		.type = CONFIG_BOOL,
		.required = true,
		.offset = CONFIG_AT(struct drive_body, root, bool),
		.help = "true for the one that the kernel boots from",
	},
	{
		.name = "partuuid",
		.type = CONFIG_NAME,
		.offset = CONFIG_AT(struct drive_body, partuuid, char *),
		.min = 1,
		.max = 64,
		.help = "the partition of the root device",
	},
	{
		.name = "is_read_only",
		.type = CONFIG_BOOL,
		.offset = CONFIG_AT(struct drive_body, readonly, bool),
		.fallback = "off",
		.help = "refuse the guest's writes",
	},
	{
		.name = "cache_type",
		.type = CONFIG_CHOICE,
		.offset = CONFIG_AT(struct drive_body, cache_type, unsigned),
		.fallback = "Unsafe",
		.choices = cache_choices,
		.help = "taken, without effect: flushes are always honoured",
	},
	{
		.name = "io_engine",
		.type = CONFIG_CHOICE,
		.offset = CONFIG_AT(struct drive_body, io_engine, unsigned),
		.fallback = "Sync",
		.choices = engine_choices,
		.help = "taken, without effect: io_uring where the host allows "
			"it",
	},
	RATE_LIMITER(struct drive_body),
	{
		.name = "socket",
		.type = CONFIG_ABSENT,
		.help = "this version has no vhost-user disks; give "
			"path_on_host",
	},
};

const struct config_object drive_body_object = OBJECT(
	"drives", drive_fields, struct drive_body);

static const struct config_field drive_change_fields[] = {
	{
		.name = "drive_id",
		.type = CONFIG_NAME,
		.required = true,
		.offset = CONFIG_AT(struct drive_change_body, id, char *),
		.min = 1,
		.max = CONFIG_DISK_ID_MAX,
		.help = "the name that the path has",
	},
	{
		.name = "path_on_host",
		.type = CONFIG_PATH,
		.offset = CONFIG_AT(struct drive_change_body, path, char *),
		PATH_BYTES,
		.help = "another file for the drive, or the same with another "
			"size",
	},
	RATE_LIMITER(struct drive_change_body),
};

const struct config_object drive_change_body_object = OBJECT(
	"drive-change", drive_change_fields, struct drive_change_body);

void drive_body_change(
	struct drive_body *drive, struct drive_change_body *change)
{
	struct limits limits = limits_of_body(&drive->limiter);

	if (change->path) {
		free(drive->path);
		drive->path = change->path;
		change->path = NULL;
	}
	if (change->limiter.bandwidth.given)
		limits.bandwidth = change->limiter.bandwidth.rate;
	if (change->limiter.ops.given)
		limits.ops = change->limiter.ops.rate;
	drive->limiter = limits_to_body(&limits);
}

/* ---- /entropy ---- */

static const struct config_field entropy_fields[] = {
	RATE_LIMITER(struct entropy_body),
};

const struct config_object entropy_body_object = OBJECT(
	"entropy", entropy_fields, struct entropy_body);

/* ---- /serial ---- */

static const struct config_field serial_fields[] = {
	{
		.name = "serial_out_path",
		.type = CONFIG_PATH,
		.offset = CONFIG_AT(struct serial_body, path, char *),
		PATH_BYTES,
		.help = "the file or FIFO that the serial port writes to, "
			"instead of standard output",
	},
	{
		.name = "rate_limiter",
		.type = CONFIG_OBJECT,
		.offset = CONFIG_AT(
			struct serial_body, limiter, struct bucket_body),
		.aux_offset = CONFIG_AT(
			struct serial_body, limiter.given, bool),
		.help = "how many bytes; more is dropped",
		.item = &bucket_object,
	},
};

const struct config_object serial_body_object = OBJECT(
	"serial", serial_fields, struct serial_body);

/* ---- /actions ---- */

static const struct config_choice action_choices[] = {
	[ACTION_START] = { "InstanceStart", NULL },
	[ACTION_FLUSH] = { "FlushMetrics", NULL },
	[ACTION_CTRL_ALT_DEL] = { "SendCtrlAltDel", NULL },
	{ NULL, NULL },
};

static const struct config_field action_fields[] = {
	{
		.name = "action_type",
		.type = CONFIG_CHOICE,
		.required = true,
		.offset = CONFIG_AT(struct action_body, type, unsigned),
		.choices = action_choices,
		.help = "InstanceStart, FlushMetrics or SendCtrlAltDel",
	},
};

const struct config_object action_body_object = OBJECT(
	"actions", action_fields, struct action_body);

/* ---- /microcode ---- */

static const struct config_field microcode_fields[] = {
	{
		.name = "guest",
		.type = CONFIG_CHOICE,
		.offset = CONFIG_AT(struct microcode_body, guest, unsigned),
		.fallback = "ignore",
		.choices = config_guest_ucode,
		.help = "what the guest's own updates do",
	},
	{
		.name = "spool_path",
		.type = CONFIG_PATH,
		.offset = CONFIG_AT(struct microcode_body, spool, char *),
		PATH_BYTES,
		.help = "the directory for updates that the guest hands over",
	},
	{
		.name = "hypervisor",
		.type = CONFIG_CHOICE,
		.offset = CONFIG_AT(
			struct microcode_body, hypervisor, unsigned),
		.fallback = "shown",
		.choices = config_hypervisor,
		.help = "hidden: Linux loads no microcode where it sees one",
	},
	{
		.name = "misfit",
		.type = CONFIG_CHOICE,
		.offset = CONFIG_AT(struct microcode_body, misfit, unsigned),
		.fallback = "resume",
		.choices = config_misfit,
		.help = "what becomes of the VM if this host cannot show its "
			"CPU after a load of microcode",
	},
};

const struct config_object microcode_body_object = OBJECT(
	"microcode-policy", microcode_fields, struct microcode_body);
