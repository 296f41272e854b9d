/* SPDX-License-Identifier: Apache-2.0 */
/* microcode_load.c - `muster microcode load`: late, with every VM of the host held */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "cli/load.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/base/thread.h"

#define KERNEL_MS_MAX   600000
#define DEADLINE_MS_MAX 60000

const char *const load_step_names[STEPS] = {
	[STEP_VERIFY] = "verify",
	[STEP_PLACE] = "place",
	[STEP_PREPARE] = "prepare",
	[STEP_HOLD] = "hold",
	[STEP_LOAD] = "load",
	[STEP_EXAMINE] = "examine",
	[STEP_CHECK] = "check",
	[STEP_RELEASE] = "release",
};

const char *const load_outcome_names[] = {
	[LOAD_STOPPED] = "not loaded",
	[LOAD_NOTHING] = "nothing to load",
	[LOAD_DRY] = "dry run",
	[LOAD_DONE] = "loaded",
	[LOAD_PARTLY] = "partly loaded",
	[LOAD_REFUSED] = "refused by the kernel",
	[LOAD_UNSEEN] = "not known",
	[LOAD_UNKNOWN] = "no answer from the kernel",
};

static const struct config_field fields[] = {
	{
		.name = "file",
		.type = CONFIG_WORDS,
		.operand = true,
		.offset = CONFIG_AT(
			struct settings, files, struct config_words),
		.max = 1,
		.metavar = "FILE|DIR",
		.help = "an image, or a folder of them; without it, the "
			"host's own in /lib/firmware",
	},
	{
		.name = "vms",
		.type = CONFIG_WORDS,
		.required = true,
		.offset = CONFIG_AT(struct settings, vms, struct config_words),
		.max = MICROCODE_PATHS_MAX,
		.metavar = "DIR|SOCKET",
		.help = "the control socket of a VM, or a folder of them; may "
			"be given many times: all VMs of this host must be "
			"named",
	},
	{
		.name = "dry-run",
		.type = CONFIG_BOOL,
		.offset = CONFIG_AT(struct settings, dry, bool),
		.help = "hold and examine everything, but place no file and "
			"load nothing",
	},
	{
		.name = "allow-downgrade",
		.type = CONFIG_BOOL,
		.offset = CONFIG_AT(struct settings, downgrade, bool),
		.help = "load a revision that is older than what runs; most "
			"kernels refuse it nevertheless",
	},
	{
		.name = "deadline",
		.type = CONFIG_DURATION,
		.offset = CONFIG_AT(struct settings, deadline_ms, uint64_t),
		.min = 1,
		.max = DEADLINE_MS_MAX,
		.fallback = "2s",
		.metavar = "TIME",
		.help = "all VMs have to answer, and then to stand still, "
			"within this time; else all go on and nothing is "
			"loaded",
	},
	{
		.name = "lease",
		.type = CONFIG_DURATION,
		.offset = CONFIG_AT(struct settings, lease_ms, uint64_t),
		.min = LEASE_MS_MIN,
		.max = LEASE_MS_MAX,
		.fallback = "5s",
		.metavar = "TIME",
		.help = "a VM that hears nothing for this long goes on by "
			"itself",
	},
	{
		.name = "kernel-deadline",
		.type = CONFIG_DURATION,
		.offset = CONFIG_AT(struct settings, kernel_ms, uint64_t),
		.min = 1,
		.max = KERNEL_MS_MAX,
		.fallback = "30s",
		.metavar = "TIME",
		.help = "if the kernel has not answered by then, the VMs go on",
	},
	MICROCODE_JSON,
	MICROCODE_ROOT,
};

static const struct config_object object = {
	.name = "microcode load",
	.fields = fields,
	.count = ARRAY_SIZE(fields),
	.size_bytes = sizeof(struct settings),
};

/* ---- the steps ---- */

static const struct {
	int (*run)(struct load *load);
	bool changes; /* left out of a dry run */
} steps[STEP_RELEASE] = {
	[STEP_VERIFY] = { load_verify, false },
	[STEP_PLACE] = { load_place, true },
	[STEP_PREPARE] = { load_prepare, false },
	[STEP_HOLD] = { load_hold, false },
	[STEP_LOAD] = { load_ask_kernel, true },
	[STEP_EXAMINE] = { load_examine, false },
	[STEP_CHECK] = { load_check, false },
};

/* Signals wait until the VMs are released; before the kernel is asked they count. */
static int check_signals(const struct load *load)
{
	sigset_t pending;

	sigpending(&pending);
	if (load->asked || sigisemptyset(&pending))
		return 0;
	return err_set(-EINTR, "interrupted");
}

static int run_step(struct load *load, enum load_step step)
{
	uint64_t begun = now_ns();
	int rc = check_signals(load);

	if (rc || (steps[step].changes && load->settings->dry))
		return rc;
	rc = steps[step].run(load);
	load->step_ns[step] = now_ns() - begun;
	return rc;
}

static void note_fault(struct load *load, int rc)
{
	if (!load->fault)
		load->fault = strdup(err_describe(rc));
}

/* Whatever happened, everybody who may be held is released. */
static void release(struct load *load)
{
	uint64_t begun = now_ns();
	int rc = load_release(load);

	load->step_ns[STEP_RELEASE] = now_ns() - begun;
	if (rc)
		note_fault(load, rc);
}

static int run_steps(struct load *load)
{
	bool urgent = thread_be_urgent(true);
	int rc = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(steps); i++) {
		rc = run_step(load, i);
		if (rc || load->outcome == LOAD_NOTHING)
			break;
	}
	if (rc)
		note_fault(load, rc);
	else if (load->settings->dry && load->outcome == LOAD_STOPPED)
		load->outcome = LOAD_DRY;
	release(load);
	if (urgent)
		thread_be_urgent(false);
	if (load->outcome == LOAD_STOPPED || load->outcome == LOAD_REFUSED)
		load_unplace(load);
	return rc;
}

static int do_load(struct load *load)
{
	int rc = load->settings->dry ? 0
				     : load_check_kernel(load->settings->root);

	if (!rc)
		rc = load_lock(load);
	if (!rc)
		rc = load_find_vms(load);
	if (rc) {
		note_fault(load, rc);
		return rc;
	}
	return run_steps(load);
}

/* ---- the command ---- */

static void block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static bool all_is_well(const struct load *load)
{
	bool well = !load->fault &&
		    (load->outcome == LOAD_DONE || load->outcome == LOAD_DRY ||
			    load->outcome == LOAD_NOTHING);

	for (unsigned i = 0; i < load->vm_count && well; i++)
		well = !load->vm[i].fault && !load->vm[i].misfit_count;
	return well;
}

static void cleanup_settings(struct settings *s)
{
	config_fini(&object, s);
}

static void cleanup_load(struct load *load)
{
	load_free_vms(load);
	silicon_changes_fini(&load->changes);
	profile_free(load->profile);
	profile_free(load->silicon_after);
	host_cpus_fini(&load->host);
	host_cpus_fini(&load->host_after);
	ucode_files_fini(&load->files);
	for (unsigned i = 0; i < load->line_count; i++)
		free(load->lines[i]);
	free(load->cpus);
	free(load->fault);
	if (load->lock_fd >= 0)
		close_fd(load->lock_fd);
}

static int run(int argc, char *const argv[])
{
	CLEANUP(cleanup_settings) struct settings s = { 0 };
	CLEANUP(cleanup_load)
	struct load load = { .settings = &s, .lock_fd = -1 };
	CLEANUP(buf_fini) struct buf text = BUF_INIT;
	int rc = config_defaults(&object, &s);

	if (!rc)
		rc = config_parse_args(&object, argc, argv, &s);
	if (rc)
		return output_error(STATUS_USAGE, rc);
	block_signals();
	(void)do_load(&load);
	if (s.json)
		load_put_json(&load, &text);
	else
		load_put_text(&load, &text);
	rc = output(&text);
	if (load.fault && !s.json)
		output_error(0, err_set(-EIO, "%s", load.fault));
	return rc ? rc : all_is_well(&load) ? STATUS_OK : LOAD_FAILED;
}

static const struct verb_example examples[] = {
	{ "what would happen",
		"muster microcode load --dry-run --vms /run/vms" },
	{ "one file, onto a host whose VMs have their sockets in /run/vms",
		"muster microcode load 06-8f-08 --vms /run/vms" },
	{ NULL, NULL },
};

const struct verb microcode_load = {
	.name = "load",
	.parent = "microcode",
	.arguments = " [FILE|DIR] --vms DIR|SOCKET...",
	.summary = "load microcode while every VM of the host is held",
	.description =
		"Verifies the image, places it where the kernel looks for it, "
		"holds all VMs, has the kernel load it, reads every CPU again "
		"and says what has changed, checks that every VM can still be "
		"shown its CPU, and releases the VMs. Whatever fails, all VMs "
		"go on, and if this process dies their leases run out."
		"\n\n"
		"The exit status is 0 when every CPU has what it should and "
		"no VM suffered; 1 when not, with the reason; 2 when an option "
		"is bad."
		"\n\n"
		"docs/microcode.md tells the whole procedure.",
	.options = &object,
	.examples = examples,
	.run = run,
};
