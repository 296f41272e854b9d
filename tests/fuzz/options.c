/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options.c - the command line of a VM: NULs and newlines in the input separate
 * the arguments.  What is accepted must print as arguments that give it again.
 */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "vmm/config.h"

#define ARGS_MAX 64

/* Point `argv` into `len` bytes with a NUL behind them; empty pieces count. */
static int split(char *text, size_t len, char *argv[])
{
	int argc = 0;

	while (len && argc < ARGS_MAX) {
		size_t n = strlen(text) + 1;

		argv[argc++] = text;
		text += n;
		len -= MIN(n, len);
	}
	return argc;
}

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check_bounds(const struct vm_config *config)
{
	must(config->kernel && *config->kernel && config->cmdline);
	must(config->cpus >= 1 && config->cpus <= MACHINE_CPUS_MAX);
	must(config->memory_bytes && config->memory_bytes % MEM_PAGE_SIZE == 0);
	must(config->disk_count + config->rng <= MACHINE_VIRTIO_MAX);
	must(config->console != CONSOLE_FILE || config->console_path);
	for (unsigned i = 0; i < config->disk_count; i++)
		must(config->disk[i].path && *config->disk[i].path);
}

/* Print, parse, print: both prints are the same. */
static void check_round_trip(const struct vm_config *config)
{
	struct buf first = BUF_INIT, again = BUF_INIT;
	struct vm_config copy;
	char *argv[ARGS_MAX];
	char *text;
	int argc;

	config_print_args(&vm_config_object, config, &first);
	must(!first.failed);
	text = malloc(first.len);
	memcpy(text, first.data, first.len);
	argc = split(text, first.len, argv);
	must(!vm_config_parse(argc, argv, &copy));
	config_print_args(&vm_config_object, &copy, &again);
	must(again.len == first.len &&
		!memcmp(again.data, first.data, first.len));
	vm_config_fini(&copy);
	free(text);
	buf_fini(&first);
	buf_fini(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct vm_config config;
	char *argv[ARGS_MAX];
	char *text = malloc(len + 1);

	memcpy(text, data, len);
	text[len] = '\0';
	for (size_t i = 0; i < len; i++)
		if (text[i] == '\n')
			text[i] = '\0';
	if (!vm_config_parse(split(text, len, argv), argv, &config)) {
		check_bounds(&config);
		check_round_trip(&config);
		vm_config_fini(&config);
	}
	free(text);
	return 0;
}
