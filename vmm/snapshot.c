/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot.c - write a VM that stands still into two files
 *
 * Theory of operation: both files are written under other names and synced while
 * the VM is held, the state first, so that memory which is whole but does not count
 * yet is known by the state beside it; then the state file gets its name, which is
 * the moment at which the new snapshot counts, and the memory file its own.
 * Whoever reads a state file finds by its id the memory that belongs to it, also
 * when we were killed between the two (memfile_open_full).  What a diff holds is
 * forgotten only after that.
 */
#include "vmm/snapshot.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cpu/cpu_state.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/base/log.h"
#include "vmm/base/text.h"
#include "vmm/core/mem_dirty.h"
#include "vmm/vm_parts.h"

#define STATE  "--state "
#define MEMORY "--memory "

/* ---- the files that are there already ---- */

/* 0: `path` may be written; 1: it holds a snapshot's state; -errno: neither. */
static int look_at_state(const char *path, struct snapshot_memory *ret)
{
	CLEANUP(buf_fini) struct buf bytes = BUF_INIT;
	struct snapshot_file file;
	struct stat st;
	int rc;

	if (stat(path, &st))
		return 0; /* absent, or newfile_create() says why not */
	if (S_ISREG(st.st_mode) && !st.st_size)
		return 0;
	rc = snapshot_read(STATE, path, &bytes, &file);
	if (!rc) {
		rc = snapshot_file_load(&file, 0, &snapshot_memory_desc, ret);
		if (rc)
			err_wrap(rc, "%s%s", STATE, path);
	}
	return rc ? err_wrap(rc, "--state: not replaced, for it is no snapshot")
		  : 1;
}

/* One file's temporary name as the other's would have it moved over that. */
static int check_name(const char *label, const char *path)
{
	size_t len = strlen(path), end = strlen(NEWFILE_SUFFIX);

	if (len < end || strcmp(path + len - end, NEWFILE_SUFFIX))
		return 0;
	return err_set(-EINVAL,
		"%s%s: names that end in " NEWFILE_SUFFIX
		" are for files that are being written; give another",
		label, text_shown(path).s);
}

/* The state of a snapshot that was killed before it counted. */
static bool find_rest(const char *path, struct snapshot_memory *ret)
{
	CLEANUP(buf_fini) struct buf bytes = BUF_INIT;
	char temporary[PATH_MAX];
	struct snapshot_file file;

	return snprintf(temporary, sizeof(temporary), "%s" NEWFILE_SUFFIX,
		       path) < (int)sizeof(temporary) &&
	       !snapshot_read(STATE, temporary, &bytes, &file) &&
	       !snapshot_file_load(&file, 0, &snapshot_memory_desc, ret);
}

static int check_rest(const struct vm_snapshot_args *args)
{
	struct snapshot_memory rest;
	bool known = find_rest(args->state_path, &rest);

	return memfile_check_rest(
		MEMORY, args->memory_path, known ? &rest.id : NULL);
}

/* A disk image or a kernel that is named by mistake must not be lost. */
static int check_targets(const struct vm_snapshot_args *args)
{
	struct snapshot_memory old;
	int rc = check_name(STATE, args->state_path);

	if (!rc)
		rc = check_name(MEMORY, args->memory_path);
	if (rc)
		return rc;
	if (!strcmp(args->state_path, args->memory_path))
		return err_set(-EINVAL,
			"--memory %s: the same as --state; give two files",
			text_shown(args->memory_path).s);
	rc = memfile_may_replace(MEMORY, args->memory_path);
	if (rc)
		return rc;
	rc = look_at_state(args->state_path, &old);
	if (rc > 0)
		rc = memfile_settle(MEMORY, args->memory_path, &old.id);
	return rc ? rc : check_rest(args);
}

/* Diffs are worth nothing without the full memory that the first of them changes. */
static int check_base(const char *path)
{
	CLEANUP(memfile_close) struct memfile file = MEMFILE_INIT;
	struct stat st;

	if (memfile_open(MEMORY, path, &file) || file.kind != MEMFILE_FULL ||
		fstat(file.fd, &st) || st.st_nlink > 1)
		return 0;
	return err_set(-EINVAL,
		"%s%s: a full memory file, which a diff would replace; give "
		"another name",
		MEMORY, text_shown(path).s);
}

static int check_diff(const struct vm *vm, const struct vm_snapshot_args *args)
{
	if (!vm->lineage.known)
		return err_set(-EINVAL,
			"--diff: this VM has no snapshot yet that a diff could "
			"follow; take a full one first");
	return check_base(args->memory_path);
}

/* ---- writing ---- */

struct taking {
	struct vm *vm;
	struct newfile state;
	struct newfile memory;
	struct memfile_plan plan;
	struct memfile_stats stats;
	bool logged; /* a diff can follow */
};

static int write_memory(struct taking *t)
{
	return memfile_write(&t->memory, &t->vm->mem, &t->plan, &t->stats);
}

static int write_state(struct taking *t, const char *path)
{
	CLEANUP(buf_fini) struct buf text = BUF_INIT;
	struct iovec whole;
	int rc = snapshot_put_state(t->vm, &t->plan.id, &text);

	if (!rc)
		rc = newfile_create(&t->state, STATE, path);
	if (rc)
		return rc;
	whole = (struct iovec){ text.data, text.len };
	rc = newfile_write(&t->state, (struct iov_list){ &whole, 1 }, 0);
	return rc ? rc : newfile_sync(&t->state);
}

/*
 * Once the state has its name, the memory must not be lost.  It keeps its temporary
 * one, under which it is found, when the state's name may not be on the disk yet:
 * then the old memory is still there for the old state.
 */
static int commit(struct taking *t)
{
	int rc = newfile_commit(&t->state);

	if (rc < 0)
		return rc;
	if (!rc)
		rc = newfile_commit(&t->memory);
	if (rc < 0)
		log_warn("%s", err_describe(rc));
	if (rc)
		newfile_keep(&t->memory);
	return 0;
}

static int write_files(struct taking *t, const struct vm_snapshot_args *args)
{
	/* Old memory goes before the state by which it is known. */
	int rc = newfile_create(&t->memory, MEMORY, args->memory_path);

	if (!rc)
		rc = write_state(t, args->state_path);
	if (!rc)
		rc = write_memory(t);
	return rc ? rc : commit(t);
}

/* ---- what the next diff holds ---- */

/*
 * Before memory is read: what KVM writes for the guest from then on, while its
 * state is saved, is in the next diff.
 */
static int collect_log(struct vm *vm)
{
	int rc = mem_dirty_start(&vm->mem, vm->fd);

	return rc ? rc : mem_dirty_collect(&vm->mem, vm->fd);
}

static int plan(struct taking *t, bool diff)
{
	struct snapshot_lineage *lineage = &t->vm->lineage;
	int rc = memfile_id_new(&t->plan.id);

	if (rc)
		return rc;
	if (lineage->source.fd >= 0)
		t->plan.source = &lineage->source;
	rc = collect_log(t->vm);
	t->logged = !rc;
	if (diff) {
		t->plan.kind = MEMFILE_DIFF;
		t->plan.base = lineage->id;
		return rc;
	}
	/* A full one is as good without. */
	if (rc)
		log_warn("no diff can follow this snapshot: %s",
			err_describe(rc));
	return 0;
}

static void follow(struct taking *t)
{
	struct vm *vm = t->vm;

	if (t->logged)
		mem_dirty_clear(&vm->mem);
	vm->lineage.known = t->logged;
	vm->lineage.id = t->plan.id;
}

/* ---- together ---- */

static int take(struct taking *t, const struct vm_snapshot_args *args)
{
	uint64_t begun = now_ns();
	int rc = plan(t, args->diff);

	if (!rc)
		rc = write_files(t, args);
	if (rc)
		return rc;
	follow(t);
	log_info("snapshot %s: %llu KiB of memory in %llu ms",
		memfile_id_text(&t->plan.id).s,
		(unsigned long long)(t->stats.written_bytes / KIB),
		(unsigned long long)((now_ns() - begun) / 1000000));
	return 0;
}

/* It takes milliseconds for each CPU of the host: once, and not while held. */
static int know_host(struct vm *vm)
{
	return vm->host_profile.len ? 0 : cpu_host_profile(&vm->host_profile);
}

/* Whether the snapshot is good does not depend on it. */
static void let_go(struct vm *vm)
{
	char sentence[ERR_TEXT_MAX];
	int rc;

	snprintf(sentence, sizeof(sentence), "%s", err_text());
	rc = pause_release(&vm->pause, PAUSE_SNAPSHOT);
	if (!rc)
		return;
	log_warn("after a snapshot the guest's time is not as it was: %s",
		err_describe(rc));
	err_set(rc, "%s", sentence);
}

/* What has powered off or crashed must not take the place of what ran. */
static int hold(struct vm *vm)
{
	int rc = pause_hold(&vm->pause, PAUSE_SNAPSHOT, PAUSE_DEADLINE_NS);

	if (rc || !ending_reported(&vm->control->ending))
		return rc;
	rc = err_set(-ESHUTDOWN, "the guest has ended; nothing was written");
	let_go(vm);
	return rc;
}

int vm_snapshot(struct vm *vm, const struct vm_snapshot_args *args)
{
	struct taking t = {
		.vm = vm,
		.state = NEWFILE_INIT,
		.memory = NEWFILE_INIT,
	};
	int rc = check_targets(args);

	if (!rc && args->diff)
		rc = check_diff(vm, args);
	if (!rc)
		rc = know_host(vm);
	if (!rc)
		rc = hold(vm);
	if (rc)
		return rc;
	rc = take(&t, args);
	let_go(vm);
	/* The old files go now: to free theirs may take the host seconds. */
	newfile_fini(&t.state);
	newfile_fini(&t.memory);
	return rc;
}
