/* SPDX-License-Identifier: Apache-2.0 */
/* run.c - `muster run`: one VM, from the command line to its exit status */
#include <string.h>

#include "cli/verb.h"
#include "devices/backend/tty.h"
#include "vmm/api/vm_server.h"
#include "vmm/base/cleanup.h"
#include "vmm/vm.h"

/* The whole configuration, defaults included: what a bug report needs. */
static void log_config(const struct vm_config *config)
{
	CLEANUP(buf_fini) struct buf args = BUF_INIT;

	if (log_get_level() < LOG_DEBUG)
		return;
	config_print_args(&vm_config_object, config, &args);
	if (args.failed)
		return;
	for (const char *arg = (char *)args.data, *end = arg + args.len;
		arg < end; arg += strlen(arg) + 1)
		log_debug("run %s", arg);
}

static int run(int argc, char *const argv[])
{
	CLEANUP(vm_config_fini) struct vm_config config = { 0 };
	struct vm_result result;
	int rc = vm_config_parse(argc, argv, &config);

	if (rc)
		return output_error(STATUS_USAGE, rc);
	log_set_level(config.log_level);
	log_config(&config);
	rc = vm_run(&config, &vm_server, &result);
	if (rc)
		return output_error(result.status, rc);
	log_say("%s", result.line);
	return result.status;
}

static const struct verb_example examples[] = {
	{ "a kernel and its initial RAM disk, on this terminal",
		"muster run --kernel vmlinuz --initrd initrd.img" },
	{ "four CPUs, 2 GiB, and an end after five minutes at the latest",
		"muster run --kernel vmlinuz --initrd initrd.img --cpus 4 "
		"\\\n      --memory 2G --timeout 5m" },
	{ "a root disk that is not changed; the console goes to a file",
		"muster run --kernel vmlinux --disk path=root.img,readonly=on "
		"\\\n      --cmdline \"console=ttyS0 root=/dev/vda ro\" "
		"--console file=boot.log" },
	{ NULL, NULL },
};

const struct verb verb_run = {
	.name = "run",
	.arguments = " --kernel FILE [OPTION]...",
	.summary = "boot a VM and stay until it ends",
	.description =
		"The guest's serial port is this terminal: what is typed goes "
		"to the guest, and " TTY_ESCAPE_NAME
		" stops the VM. When the VM ends, one line on standard error "
		"says how, and so does the exit status."
		"\n\n"
		"Write options as --name value or --name=value; a value that "
		"begins with -- needs the second form. In --disk, write a "
		"comma inside a value twice.",
	.options = &vm_config_object,
	.examples = examples,
	.run = run,
};
