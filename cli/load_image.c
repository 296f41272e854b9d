/* SPDX-License-Identifier: Apache-2.0 */
/* load_image.c - which image is loaded, and its place where the kernel looks for it */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/load.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/base/log.h"
#include "vmm/newfile.h"

static const char *const folders[] = {
	[UCODE_INTEL] = "intel-ucode",
	[UCODE_AMD] = "amd-ucode",
};

/* ---- verify ---- */

/* The host's own folder where nothing is named. */
static int read_images(struct load *load)
{
	const struct config_words *given = &load->settings->files;
	char path[PATH_MAX], *word[] = { path };
	const struct config_words own = { .count = 1, .word = word };
	int rc;

	snprintf(path, sizeof(path), "%s/lib/firmware/%s", load->settings->root,
		folders[load->host.kind[0].cpu.vendor]);
	rc = microcode_read(given->count ? given : &own, &load->files);
	if (rc)
		return rc;
	if (load->files.count == 1 && load->files.file[0].fault)
		return err_set(-EBADMSG, "%s", load->files.file[0].fault);
	microcode_warn(&load->files);
	return 0;
}

static int refuse(const struct host_cpu_kind *kind, const char *remedy)
{
	CLEANUP(buf_fini) struct buf text = BUF_INIT;

	cpu_list_print(&kind->cpus, &text);
	buf_printf(&text, ": ");
	ucode_put_choice(&kind->choice, &kind->cpu, &text);
	return err_set(-EPERM, "CPUs %.*s; %s", (int)text.len,
		(char *)text.data, remedy);
}

/* What is wanted of a kind of CPUs; an update that may not be loaded is refused. */
static int want(
	struct load *load, const struct host_cpu_kind *kind, uint32_t *ret)
{
	*ret = kind->cpu.revision;
	switch (kind->choice.verdict) {
	case UCODE_OLDER:
		if (!load->settings->downgrade)
			return refuse(kind,
				"--allow-downgrade loads it nevertheless");
		/* fall through */
	case UCODE_NEWER:
		*ret = kind->choice.update->revision;
		return 0;
	case UCODE_TOO_FAR:
		return refuse(kind, "load what comes between first");
	default:
		return 0;
	}
}

static int choose(struct load *load)
{
	struct host_cpus *host = &load->host;
	bool changes = false;
	int rc = 0;

	host_cpus_choose(host, &load->files.list, UCODE_LATE);
	for (unsigned i = 0; i < host->count && !rc; i++) {
		const struct host_cpu_kind *kind = &host->kind[i];
		struct load_cpus *cpus = &load->cpus[load->cpus_count++];

		*cpus = (struct load_cpus){
			.cpus = kind->cpus,
			.signature = kind->cpu.signature,
			.before = kind->cpu.revision,
			.after = kind->cpu.revision,
		};
		rc = want(load, kind, &cpus->wanted);
		changes |= cpus->wanted != cpus->before;
	}
	if (!rc && !changes)
		load->outcome = LOAD_NOTHING;
	return rc;
}

/* A tree of a test has the silicon of its CPUs in a file. */
static int read_profile(struct load *load)
{
	char path[PATH_MAX];

	if (!*load->settings->root)
		return profile_collect(NULL, &load->profile);
	snprintf(path, sizeof(path), "%s/profile.json", load->settings->root);
	return profile_read(path, &load->profile);
}

int load_verify(struct load *load)
{
	int rc = host_cpus_read(load->settings->root, &load->host);

	if (!rc)
		rc = read_images(load);
	if (rc)
		return rc;
	load->cpus = calloc(load->host.count, sizeof(*load->cpus));
	if (!load->cpus)
		return err_set(-ENOMEM, "no memory for a list of CPUs");
	rc = choose(load);
	return rc || load->outcome == LOAD_NOTHING ? rc : read_profile(load);
}

/* ---- what is placed ---- */

/* The kernel asks for the file of CPU 0, whatever the others are. */
static const struct host_cpu_kind *first_cpu(const struct load *load)
{
	for (unsigned i = 0; i < load->host.count; i++)
		if (cpu_list_has(&load->host.kind[i].cpus, 0))
			return &load->host.kind[i];
	return &load->host.kind[0];
}

static unsigned family_of(uint32_t signature)
{
	unsigned base = signature >> 8 & 0xf;

	return base == 0xf ? base + (signature >> 20 & 0xff) : base;
}

/* "intel-ucode/06-8f-08", "amd-ucode/microcode_amd_fam19h.bin" */
static void name_file(const struct ucode_cpu *cpu, char *ret, size_t room)
{
	unsigned family = family_of(cpu->signature);
	unsigned model = (cpu->signature >> 4 & 0xf) |
			 (cpu->signature >> 12 & 0xf0);

	if (cpu->vendor == UCODE_INTEL)
		snprintf(ret, room, "%s/%02x-%02x-%02x", folders[UCODE_INTEL],
			family, model, cpu->signature & 0xf);
	else if (family < 0x15)
		snprintf(ret, room, "%s/microcode_amd.bin", folders[UCODE_AMD]);
	else
		snprintf(ret, room, "%s/microcode_amd_fam%xh.bin",
			folders[UCODE_AMD], family);
}

static bool is_for(const struct ucode_update *u, uint32_t signature)
{
	for (unsigned i = 0; i < u->sig_count; i++)
		if (u->sigs[i].signature == signature)
			return true;
	return false;
}

/*
 * All of Intel's updates for the signature, whatever their platforms: each processor
 * takes its own.
 */
static void put_intel(
	const struct load *load, uint32_t signature, struct buf *out)
{
	const struct ucode_list *list = &load->files.list;

	for (unsigned i = 0; i < list->count; i++) {
		const struct ucode_update *u = &list->updates[i];

		if (!*u->fault && u->vendor == UCODE_INTEL &&
			is_for(u, signature))
			buf_append(out, u->data, u->size_bytes);
	}
}

/* A container is nothing without its table: the whole file that has the update. */
static int put_amd(
	const struct load *load, const struct ucode_update *u, struct buf *out)
{
	static const uint8_t magic[] = { 'D', 'M', 'A', 0 };

	for (unsigned i = 0; i < load->files.count; i++) {
		const struct ucode_file *file = &load->files.file[i];
		const struct ucode_update *first =
			&load->files.list.updates[file->first];

		if (u < first || u >= first + file->count)
			continue;
		if (file->len < sizeof(magic) ||
			memcmp(file->data, magic, sizeof(magic)))
			return err_set(-EINVAL,
				"%s: a late load takes the container itself, "
				"not an archive of it",
				file->path);
		buf_append(out, file->data, file->len);
	}
	return 0;
}

static int put_image(const struct load *load, struct buf *out)
{
	const struct host_cpu_kind *kind = first_cpu(load);
	int rc = 0;

	if (kind->cpu.vendor == UCODE_INTEL)
		put_intel(load, kind->cpu.signature, out);
	else if (kind->choice.update)
		rc = put_amd(load, kind->choice.update, out);
	if (rc)
		return rc;
	if (out->failed)
		return err_set(-ENOMEM, "no memory for the image");
	if (!out->len)
		return err_set(-ENODATA,
			"nothing here is for CPU 0 (0x%08x), which the kernel "
			"goes by",
			kind->cpu.signature);
	return 0;
}

/* ---- the place ---- */

/* The kernel takes the first that it finds of these; ours is the last. */
static int check_hidden(const char *root, const char *name)
{
	static const char *const before[] = { "/lib/firmware/updates" };

	for (unsigned i = 0; i < ARRAY_SIZE(before); i++) {
		char path[PATH_MAX];

		snprintf(path, sizeof(path), "%s%s/%s", root, before[i], name);
		if (!access(path, F_OK))
			return err_set(-EEXIST,
				"%s: the kernel would take this file and not "
				"ours; move it away",
				path);
	}
	return 0;
}

static bool is_there(const char *path, const struct buf *image)
{
	FILE *f = fopen(path, "re");
	CLEANUP_FREE uint8_t *now = NULL;
	size_t n;

	if (!f)
		return false;
	now = malloc(image->len + 1);
	n = now ? fread(now, 1, image->len + 1, f) : 0;
	fclose(f);
	return now && n == image->len && !memcmp(now, image->data, n);
}

static int old_name(const struct load *load, char ret[PATH_MAX])
{
	int n = snprintf(ret, PATH_MAX, "%s.old", load->target);

	return n < PATH_MAX ? 0
			    : err_set(-ENAMETOOLONG, "%s: too long a name",
				      load->target);
}

/* Another name of it; the file itself is not touched. */
static int keep_old(struct load *load)
{
	char old[PATH_MAX];
	int rc = old_name(load, old);

	if (rc || access(load->target, F_OK))
		return rc;
	if ((unlink(old) && errno != ENOENT) || link(load->target, old))
		return err_set(-errno, "%s: cannot be kept: %s", load->target,
			strerror(errno));
	load->kept_old = true;
	return 0;
}

static int write_image(const char *path, const struct buf *image)
{
	CLEANUP(newfile_fini) struct newfile file = NEWFILE_INIT;
	struct iovec iov = { image->data, image->len };
	int rc = newfile_create(&file, "", path);

	if (!rc)
		rc = newfile_write(&file, (struct iov_list){ &iov, 1 }, 0);
	if (!rc)
		rc = newfile_sync(&file);
	if (!rc)
		rc = newfile_commit(&file);
	return rc < 0 ? rc : 0;
}

static int make_folder(const char *path)
{
	char folder[PATH_MAX];

	snprintf(folder, sizeof(folder), "%s", path);
	*strrchr(folder, '/') = '\0';
	if (mkdir(folder, 0755) && errno != EEXIST)
		return err_set(-errno, "%s: cannot be made: %s", folder,
			strerror(errno));
	return 0;
}

int load_place(struct load *load)
{
	CLEANUP(buf_fini) struct buf image = BUF_INIT;
	const char *root = load->settings->root;
	char name[64];
	int rc = put_image(load, &image);

	name_file(&first_cpu(load)->cpu, name, sizeof(name));
	if (!rc)
		rc = check_hidden(root, name);
	if (rc)
		return rc;
	snprintf(load->target, sizeof(load->target), "%s/lib/firmware/%s", root,
		name);
	if (is_there(load->target, &image))
		return 0;
	rc = make_folder(load->target);
	if (!rc)
		rc = keep_old(load);
	if (!rc)
		rc = write_image(load->target, &image);
	load->placed = !rc;
	return rc;
}

void load_unplace(struct load *load)
{
	char old[PATH_MAX];

	if (!load->placed || old_name(load, old))
		return;
	if (load->kept_old ? rename(old, load->target) : unlink(load->target))
		log_warn("%s: the old file is not put back: %s", load->target,
			strerror(errno));
	else
		load->placed = load->kept_old = false;
}
