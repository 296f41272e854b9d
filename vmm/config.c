/* SPDX-License-Identifier: Apache-2.0 */
/* config.c - the settings of a VM: their tables, and what binds them */
#include "vmm/config.h"

#include <assert.h>
#include <limits.h>

#include "boot/loader.h"
#include "cpu/cpu_state.h"
#include "vmm/guest_ucode.h"

#define PATH_BYTES .min = 1, .max = PATH_MAX - 1

static const struct config_choice clock_choices[] = {
	[CLOCK_KEEP] = { "keep", NULL },
	[CLOCK_ADVANCE] = { "advance", NULL },
	{ NULL, NULL },
};

static const struct config_choice console_choices[] = {
	[CONSOLE_SERIAL] = { "serial", NULL },
	[CONSOLE_FILE] = { "file", "FILE" },
	[CONSOLE_NONE] = { "none", NULL },
	{ NULL, NULL },
};

static const struct config_choice engine_choices[] = {
	[LOOP_AUTO] = { "auto", NULL },
	[LOOP_IO_URING] = { "io_uring", NULL },
	[LOOP_EPOLL] = { "epoll", NULL },
	{ NULL, NULL },
};

static const struct config_choice page_choices[] = {
	[MEM_PAGES_NONE] = { "none", NULL },
	[MEM_PAGES_TRANSPARENT] = { "transparent", NULL },
	[MEM_PAGES_2M] = { "2M", NULL },
	{ NULL, NULL },
};

static const struct config_choice nested_choices[] = {
	[NESTED_OFF] = { "off", NULL },
	[NESTED_ON] = { "on", NULL },
	{ NULL, NULL },
};

static const struct config_choice msr_choices[] = {
	[MSR_DEFAULT] = { "default", NULL },
	[MSR_STRICT] = { "strict", NULL },
	{ NULL, NULL },
};

const struct config_choice config_misfit[] = {
	[MISFIT_RESUME] = { "resume", NULL },
	[MISFIT_PAUSE] = { "pause", NULL },
	{ NULL, NULL },
};

const struct config_choice config_hypervisor[] = {
	[HYPERVISOR_SHOWN] = { "shown", NULL },
	[HYPERVISOR_HIDDEN] = { "hidden", NULL },
	{ NULL, NULL },
};

const struct config_choice config_guest_ucode[] = {
	[GUEST_UCODE_IGNORE] = { "ignore", NULL },
	[GUEST_UCODE_REFUSE] = { "refuse", NULL },
	[GUEST_UCODE_EMULATE] = { "emulate", NULL },
	[GUEST_UCODE_STAGE] = { "stage", NULL },
	{ NULL, NULL },
};

const struct config_choice config_log_levels[] = {
	[LOG_ERROR] = { "error", NULL },
	[LOG_WARN] = { "warning", NULL },
	[LOG_INFO] = { "info", NULL },
	[LOG_DEBUG] = { "debug", NULL },
	{ NULL, NULL },
};

/*
 * Three groups, in the order of the help: what the machine is, how this process
 * runs it, and what it is restored from.  `muster run` takes the first two, `muster
 * restore` the last two, `muster snapshot check` the end of the last, and a snapshot
 * keeps the first.
 */
enum { RUN_AT = 17, RESTORE_AT = 26, CHECK_AT = 29, JSON_AT = 32, FIELDS };

static const struct config_field vm_fields[FIELDS] = {
	{
		.name = "kernel",
		.type = CONFIG_PATH,
		.required = true,
		.offset = CONFIG_AT(struct vm_config, kernel, char *),
		PATH_BYTES,
		.metavar = "FILE",
		.help = "the kernel to boot: a bzImage or an ELF vmlinux",
	},
	{
		.name = "initrd",
		.type = CONFIG_PATH,
		.offset = CONFIG_AT(struct vm_config, initrd, char *),
		PATH_BYTES,
		.metavar = "FILE",
		.help = "the initial RAM disk",
	},
	{
		.name = "cmdline",
		.type = CONFIG_STRING,
		.offset = CONFIG_AT(struct vm_config, cmdline, char *),
		.max = LOWMEM_CMDLINE_BYTES - 1,
		.fallback = BOOT_CMDLINE_DEFAULT,
		.metavar = "TEXT",
		.help = "the kernel's command line, instead of the default",
	},
	{
		.name = "cpus",
		.type = CONFIG_UNSIGNED,
		.offset = CONFIG_AT(struct vm_config, cpus, unsigned),
		.min = 1,
		.max = MACHINE_CPUS_MAX,
		.fallback = "1",
		.metavar = "N",
		.help = "virtual CPUs",
	},
	{
		.name = "smt",
		.type = CONFIG_BOOL,
		.offset = CONFIG_AT(struct vm_config, smt, bool),
		.fallback = "off",
		.help = "two CPUs are the threads of one core",
	},
	{
		.name = "cpu",
		.type = CONFIG_PATH,
		.offset = CONFIG_AT(struct vm_config, cpu, char *),
		PATH_BYTES,
		.fallback = "host",
		.metavar = "CPU",
		.help = "the CPU that the guest sees: host; a template's file, "
			"muster's or Firecracker's; or C3, T2, T2S, T2CL or "
			"T2A, as Firecracker has them",
	},
	{
		.name = "nested",
		.type = CONFIG_CHOICE,
		.offset = CONFIG_AT(struct vm_config, nested, unsigned),
		.fallback = "off",
		.choices = nested_choices,
		.help = "on shows the guest VMX or SVM, so that it can run "
			"guests; off hides them",
	},
	{
		.name = "msr",
		.type = CONFIG_CHOICE,
		.offset = CONFIG_AT(struct vm_config, msr, unsigned),
		.fallback = "default",
		.choices = msr_choices,
		.help = "strict gives the guest only the MSRs of the CPU that "
			"it sees, and #GP for all others",
	},
	{
		.name = "hypervisor",
		.type = CONFIG_CHOICE,
		.offset = CONFIG_AT(struct vm_config, hypervisor, unsigned),
		.fallback = "shown",
		.choices = config_hypervisor,
		.help = "hidden shows the guest no hypervisor, as on bare "
			"metal: no clock of KVM's, and Linux loads its "
			"microcode",
	},
	{
		.name = "guest-microcode",
		.type = CONFIG_CHOICE,
		.offset = CONFIG_AT(struct vm_config, guest_ucode, unsigned),
		.fallback = "ignore",
		.choices = config_guest_ucode,
		.help = "what becomes of the guest's own updates: nothing; "
			"#GP; it sees their revision; or, with "
			"--microcode-spool, they are handed to the operator",
	},
	{
		.name = "memory",
		.type = CONFIG_SIZE,
		.offset = CONFIG_AT(struct vm_config, memory_bytes, uint64_t),
		.min = 2 * MIB,
		.max = MEM_BYTES_MAX,
		.multiple_of = MEM_PAGE_SIZE,
		.fallback = "512M",
		.metavar = "SIZE",
		.help = "the guest's RAM",
	},
	{
		.name = "huge-pages",
		.type = CONFIG_CHOICE,
		.offset = CONFIG_AT(struct vm_config, huge_pages, unsigned),
		.fallback = "transparent",
		.choices = page_choices,
		.help = "what the RAM is made of: huge pages of 2 MiB that were "
			"reserved, or some where the host has them",
	},
	{
		.name = "disk",
		.type = CONFIG_LIST,
		.offset = CONFIG_AT(
			struct vm_config, disk[0], struct disk_config),
		.aux_offset = CONFIG_AT(struct vm_config, disk_count, unsigned),
		.max = MACHINE_VIRTIO_MAX,
		.help = "attach a virtio disk: /dev/vda, then /dev/vdb, ...",
		.item = &disk_config_object,
	},
	{
		.name = "rng",
		.type = CONFIG_BOOL,
		.offset = CONFIG_AT(struct vm_config, rng, bool),
		.fallback = "off",
		.help = "attach a virtio source of random numbers",
	},
	{
		.name = "rng-bandwidth",
		.type = CONFIG_RATE,
		.offset = CONFIG_AT(struct vm_config, rng_limits.bandwidth,
			struct rate),
		.metavar = "RATE",
		.help = "the most bytes that it gives in a time, as 64K/1s",
	},
	{
		.name = "rng-ops",
		.type = CONFIG_RATE,
		.offset = CONFIG_AT(
			struct vm_config, rng_limits.ops, struct rate),
		.metavar = "RATE",
		.help = "the most requests that it serves in a time",
	},
	{
		.name = "debug-exit",
		.type = CONFIG_BOOL,
		.offset = CONFIG_AT(struct vm_config, debug_exit, bool),
		.fallback = "off",
		.help = "a byte that the guest writes to port 0xf4 ends the "
			"run "
			"and is the exit status",
	},
	[RUN_AT] = {
		.name = "console",
		.type = CONFIG_CHOICE,
		.offset = CONFIG_AT(struct vm_config, console, unsigned),
		.aux_offset = CONFIG_AT(struct vm_config, console_path, char *),
		PATH_BYTES,
		.fallback = "serial",
		.choices = console_choices,
		.help = "the serial port: on this terminal, written to a file, "
			"or unplugged",
	},
	{
		.name = "console-rate",
		.type = CONFIG_RATE,
		.offset = CONFIG_AT(
			struct vm_config, console_rate, struct rate),
		.metavar = "RATE",
		.help = "the most bytes of output in a time, as 64K/1s; more "
			"is dropped",
	},
	{
		.name = "timeout",
		.type = CONFIG_DURATION,
		.offset = CONFIG_AT(struct vm_config, timeout_ms, uint64_t),
		.min = 1,
		.max = 8760ull * 3600 * 1000, /* a year */
		.metavar = "TIME",
		.help = "stop the VM after this long; without it, never",
	},
	{
		.name = "loop-engine",
		.type = CONFIG_CHOICE,
		.offset = CONFIG_AT(struct vm_config, loop_engine, unsigned),
		.fallback = "auto",
		.choices = engine_choices,
		.help = "how disks and events are served; auto takes io_uring "
			"where the host allows it",
	},
	{
		.name = "metrics",
		.type = CONFIG_PATH,
		.offset = CONFIG_AT(struct vm_config, metrics_path, char *),
		PATH_BYTES,
		.metavar = "FILE",
		.help = "write counters to FILE, as JSON, when the run ends",
	},
	{
		.name = "control",
		.type = CONFIG_PATH,
		.offset = CONFIG_AT(struct vm_config, control_path, char *),
		.min = 1,
		.max = CONFIG_SOCKET_MAX,
		.metavar = "SOCKET",
		.help = "make SOCKET, where muster ctl and HTTP clients of "
			"this user control the VM",
	},
	{
		.name = "microcode-spool",
		.type = CONFIG_PATH,
		.offset = CONFIG_AT(struct vm_config, ucode_spool, char *),
		PATH_BYTES,
		.metavar = "DIR",
		.help = "the directory for updates that this guest hands over "
			"(--guest-microcode stage)",
	},
	{
		.name = "log-level",
		.type = CONFIG_CHOICE,
		.offset = CONFIG_AT(struct vm_config, log_level, unsigned),
		.fallback = "warning",
		.choices = config_log_levels,
		.help = "how much goes to standard error",
	},
	{
		.name = "microcode-misfit",
		.type = CONFIG_CHOICE,
		.offset = CONFIG_AT(
			struct vm_config, microcode_misfit, unsigned),
		.fallback = "resume",
		.choices = config_misfit,
		.help = "what becomes of the VM if, after a load of microcode, "
			"this host cannot show its CPU any more",
	},
	[RESTORE_AT] = {
		.name = "clock",
		.type = CONFIG_CHOICE,
		.offset = CONFIG_AT(struct vm_config, restore.clock, unsigned),
		.fallback = "keep",
		.choices = clock_choices,
		.help = "the guest's time goes on from where it stopped, or "
			"from now",
	},
	{
		.name = "resume",
		.type = CONFIG_BOOL,
		.offset = CONFIG_AT(struct vm_config, restore.resume, bool),
		.fallback = "off",
		.help = "let the VM run at once; else it waits for muster ctl "
			"resume",
	},
	{
		.name = "memory-handler",
		.type = CONFIG_PATH,
		.offset = CONFIG_AT(struct vm_config, restore.handler, char *),
		.min = 1,
		.max = CONFIG_SOCKET_MAX,
		.metavar = "SOCKET",
		.help = "instead of --memory: a process that listens there "
			"gives each page when it is first needed "
			"(userfaultfd)",
	},
	[CHECK_AT] = {
		.name = "state",
		.type = CONFIG_PATH,
		.required = true,
		.offset = CONFIG_AT(struct vm_config, restore.state, char *),
		PATH_BYTES,
		.metavar = "FILE",
		.help = "the state file of the snapshot",
	},
	{
		.name = "memory",
		.type = CONFIG_PATH,
		.offset = CONFIG_AT(struct vm_config, restore.memory, char *),
		PATH_BYTES,
		.metavar = "FILE",
		.help = "its memory file: mapped, not read, and not changed",
	},
	{
		.name = "disk",
		.type = CONFIG_LIST,
		.offset = CONFIG_AT(struct vm_config, restore.disk[0],
			struct disk_override),
		.aux_offset = CONFIG_AT(
			struct vm_config, restore.disk_count, unsigned),
		.max = MACHINE_VIRTIO_MAX,
		.help = "another file for a disk of the snapshot",
		.item = &disk_override_object,
	},
	[JSON_AT] = {
		.name = "json",
		.type = CONFIG_BOOL,
		.offset = CONFIG_AT(struct vm_config, restore.json, bool),
		.fallback = "off",
		.help = "print one JSON object",
	},
};

static_assert(FIELDS <= CONFIG_FIELDS_MAX, "a bit each in the parser's `seen`");

#define WINDOW(verb, from, to)                                                 \
	{                                                                      \
		.name = (verb), .fields = vm_fields + (from),                  \
		.count = (to) - (from), .size_bytes = sizeof(struct vm_config) \
	}

const struct config_object vm_config_object = WINDOW("run", 0, RESTORE_AT);
const struct config_object vm_machine_object = WINDOW("run", 0, RUN_AT);
const struct config_object vm_restore_object = WINDOW(
	"restore", RUN_AT, JSON_AT);
const struct config_object vm_check_object = WINDOW(
	"snapshot check", CHECK_AT, FIELDS);
const struct config_object vm_all_object = WINDOW("muster", 0, FIELDS);
