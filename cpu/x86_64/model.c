/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model.c - which CPU the vCPUs of a machine show
 *
 * Theory of operation: cpu_model_new() reads what --cpu names.  What the host can
 * show is known only from a vCPU (offer.h), so that cpu_model_settle() decides on
 * the first one: the CPU that is wanted, and whether this host can show it.
 * apply.c then makes every vCPU show it.
 */
#include "cpu/x86_64/model.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/document.h"
#include "cpu/fleet.h"
#include "cpu/x86_64/apply.h"
#include "cpu/x86_64/bit_names.h"
#include "cpu/x86_64/msr_filter.h"
#include "cpu/x86_64/offer.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/base/log.h"
#include "vmm/base/text.h"
#include "vmm/core/kvm.h"

#define MISFITS_MAX 64

/* ---- what --cpu names ---- */

/* A muster template says so in its "format"; Firecracker's have no such key. */
static bool is_muster_template(const json_t *root)
{
	return json_object_get(root, "format") != NULL;
}

static int load(const char *path, struct buf *ret)
{
	int rc = document_load(path, ret);

	if (rc == -ENOENT)
		return err_set(rc,
			"--cpu %s: no such file; give host, C3, T2, T2S, T2CL, "
			"T2A, or the path of a template",
			text_shown(path).s);
	return rc ? err_wrap(rc, "--cpu") : 0;
}

static int parse_text(struct cpu_model *model, const char *origin,
	const void *text, size_t len)
{
	json_t *root;
	int rc = document_parse(origin, text, len, &root);

	if (rc)
		return rc;
	if (is_muster_template(root)) {
		model->source = MODEL_TEMPLATE;
		rc = template_parse_json(origin, root, &model->template);
	} else {
		model->source = MODEL_FIRECRACKER;
		rc = fc_parse(origin, text, len, &model->fc);
	}
	json_decref(root);
	return rc;
}

static int read_file(struct cpu_model *model, const char *path)
{
	CLEANUP(buf_fini) struct buf text = BUF_INIT;
	int rc = load(path, &text);

	return rc ? rc : parse_text(model, path, text.data, text.len);
}

static int read_source(
	struct cpu_model *model, const struct cpu_options *options)
{
	const char *cpu = options->cpu;

	if (options->text)
		return parse_text(
			model, cpu, options->text, strlen(options->text));
	if (!strcmp(cpu, "host")) {
		model->source = MODEL_HOST;
		return 0;
	}
	if (!fc_builtin(cpu, &model->fc)) {
		model->source = MODEL_FIRECRACKER;
		return 0;
	}
	return read_file(model, cpu);
}

struct cpu_model *cpu_model_free(struct cpu_model *model)
{
	if (!model)
		return NULL;
	fc_fini(&model->fc);
	free(model->wishes);
	free(model);
	return NULL;
}

static void cleanup_model(struct cpu_model **model)
{
	cpu_model_free(*model);
}

int cpu_text_check(const char *origin, const char *text)
{
	CLEANUP(cleanup_model)
	struct cpu_model *model = calloc(1, sizeof(*model));

	if (!model)
		return err_set(-ENOMEM, "no memory for the CPU model");
	return parse_text(model, origin, text, strlen(text));
}

int model_new(int kvm_fd, const struct cpu_options *options,
	const char *subject, struct cpu_model **ret)
{
	CLEANUP(cleanup_model)
	struct cpu_model *model = calloc(1, sizeof(*model));
	int rc;

	if (!model)
		return err_set(-ENOMEM, "no memory for the CPU model");
	snprintf(model->subject, sizeof(model->subject), "%s", subject);
	model->kvm_fd = kvm_fd;
	model->cpus = options->cpus;
	model->threads = options->smt && options->cpus > 1 ? 2 : 1;
	model->nested = options->nested;
	model->strict_msrs = options->strict_msrs;
	model->hide_hypervisor = options->hide_hypervisor;
	model->loader = options->loader;
	model->tsc_scaling = kvm_check(kvm_fd, KVM_CAP_TSC_CONTROL);
	rc = cpuid_get_supported(kvm_fd, &model->supported);
	if (rc)
		return rc;
	*ret = steal_ptr(&model);
	return 0;
}

int cpu_model_new(
	int kvm_fd, const struct cpu_options *options, struct cpu_model **ret)
{
	CLEANUP(cleanup_model) struct cpu_model *model = NULL;
	char subject[MODEL_SUBJECT_MAX];
	int rc;

	snprintf(subject, sizeof(subject), "--cpu %s",
		text_shown(options->cpu).s);
	rc = model_new(kvm_fd, options, subject, &model);
	if (!rc)
		rc = read_source(model, options);
	if (rc)
		return rc;
	*ret = steal_ptr(&model);
	return 0;
}

uint64_t cpu_physical_limit(const struct cpu_model *model)
{
	const struct cpu_set *set = &model->template.cpu;
	struct cpu_set host = { 0 };
	unsigned bits;

	if (model->source != MODEL_TEMPLATE) {
		cpu_set_from_cpuid(&host, &model->supported);
		set = &host;
	}
	/* Without the leaf: 36 bits (SDM vol. 3, 4.1.4). */
	bits = cpu_set_cpuid(set, 0x80000008, 0, REG_EAX) & 0xff;
	if (!bits)
		bits = 36;
	return bits < 64 ? BIT64(bits) : UINT64_MAX;
}

/* ---- the CPU that is wanted ---- */

/* CPUID.1:ECX.VMX or CPUID.80000001H:ECX.SVM. */
static bool has_nested(const struct cpu_set *set)
{
	return cpu_set_cpuid(set, 1, 0, REG_ECX) & BIT(5) ||
	       cpu_set_cpuid(set, 0x80000001, 0, REG_ECX) & BIT(2);
}

/* Clear the two bits; all of VMX and SVM falls with them. */
static void take_nested_away(struct cpu_set *set)
{
	cpu_set_put_cpuid(set, 1, 0, REG_ECX,
		cpu_set_cpuid(set, 1, 0, REG_ECX) & ~BIT(5));
	cpu_set_put_cpuid(set, 0x80000001, 0, REG_ECX,
		cpu_set_cpuid(set, 0x80000001, 0, REG_ECX) & ~BIT(2));
	cpu_set_close(set);
}

static int decide_nested(struct cpu_model *model)
{
	if (!model->nested) {
		take_nested_away(&model->wanted);
		return 0;
	}
	if (has_nested(&model->wanted))
		return 0;
	if (model->source == MODEL_HOST)
		return err_set(-ENOTSUP,
			"--nested on: KVM on this host offers neither VMX nor "
			"SVM to guests; load kvm_intel or kvm_amd with "
			"nested=1, or leave it out");
	return err_set(-EINVAL,
		"--nested on: the CPU of %s has neither VMX nor SVM; "
		"leave it out",
		model->subject);
}

/* ---- together ---- */

/* Without bits that have no name, and those that no guest may see. */
static void offer_to_guests(struct cpu_set *set)
{
	for (unsigned row = 0; row < feature_rows(); row++)
		set->value[row] &= bits_by_rule(row, ~BIT(RULE_HIDE));
	cpu_set_close(set);
}

static int want(struct cpu_model *model, const struct cpu_set *offer, int vm_fd,
	int vcpu_fd)
{
	int rc;

	if (model->source == MODEL_TEMPLATE) {
		model->wanted =
			model->template.cpu; /* coherent as it was read */
		return 0;
	}
	model->wanted = *offer;
	offer_to_guests(&model->wanted);
	if (model->source == MODEL_HOST)
		return 0;
	rc = model_check_firecracker_host(model, vm_fd);
	if (rc)
		return rc;
	fc_apply(&model->fc, &model->wanted);
	offer_to_guests(&model->wanted);
	return model_check_modifiers(model, vcpu_fd);
}

static int check_vendor(
	const struct cpu_model *model, const struct cpu_set *offer)
{
	char wanted[13], offered[13];

	cpu_set_vendor(&model->wanted, wanted);
	cpu_set_vendor(offer, offered);
	if (!strcmp(wanted, offered))
		return 0;
	return err_set(-ENOTSUP, "%s: is a CPU of %s; this host's is of %s",
		model->subject, text_shown(wanted).s, text_shown(offered).s);
}

/* Features come first: should the room end, it is numbers that are left out. */
static void name_misfits(struct bit_names *names,
	const struct fleet_misfit misfit[], unsigned count, bool numbers)
{
	for (unsigned i = 0; i < count; i++) {
		const struct feature *f = misfit[i].feature;

		if ((f && f->width > 1) == numbers)
			bit_names_add(names, misfit[i].row, f, misfit[i].wanted,
				misfit[i].offered);
	}
}

static int check_fit(const struct cpu_model *model, const struct cpu_set *offer)
{
	struct fleet_misfit misfit[MISFITS_MAX];
	unsigned count = fleet_check(
		offer, &model->wanted, misfit, MISFITS_MAX);
	struct bit_names names = { 0 };

	if (!count)
		return 0;
	name_misfits(&names, misfit, MIN(count, MISFITS_MAX), false);
	name_misfits(&names, misfit, MIN(count, MISFITS_MAX), true);
	names.omitted += count - MIN(count, MISFITS_MAX);
	return err_set(-ENOTSUP, "%s: this host cannot show it: %s",
		model->subject, bit_names_end(&names));
}

/*
 * The deadline timer is the local APIC's in KVM, and not the CPU's that a template
 * describes (RULE_MACHINE).
 */
static void show_tsc_deadline(struct cpu_model *model)
{
	struct kvm_cpuid_entry2 *from = cpuid_find(&model->supported, 1, 0);
	struct kvm_cpuid_entry2 *to = cpuid_find(&model->cpuid, 1, 0);

	if (from && to)
		to->ecx |= from->ecx & BIT(24);
}

/* Also the features that each machine adds have their MSRs. */
static int filter_msrs(const struct cpu_model *model, int vm_fd)
{
	struct cpu_set shown = model->wanted;

	cpu_set_from_cpuid(&shown, &model->cpuid);
	return msr_filter_apply(
		vm_fd, model->strict_msrs ? &shown : NULL, model->loader);
}

/* Linux and others believe AMD's processors only with this (CPUID.80000001H:ECX). */
static void warn_of_threads(struct cpu_model *model)
{
	struct kvm_cpuid_entry2 *e = cpuid_find(&model->cpuid, 0x80000001, 0);
	char vendor[13];

	cpu_set_vendor(&model->wanted, vendor);
	if (model->threads > 1 && strcmp(vendor, "GenuineIntel") &&
		!(e && e->ecx & BIT(22)))
		log_warn("--smt: %s has no topoext; its guest sees %u cores",
			model->subject, model->cpus);
}

int cpu_model_settle(
	struct cpu_model *model, int kvm_fd, int vm_fd, int vcpu_fd)
{
	struct cpu_set offer;
	int rc = offer_probe(kvm_fd, vcpu_fd, &model->supported, &offer);

	if (!rc)
		rc = want(model, &offer, vm_fd, vcpu_fd);
	if (!rc)
		rc = check_vendor(model, &offer);
	if (!rc)
		rc = decide_nested(model);
	if (!rc)
		rc = check_fit(model, &offer);
	if (rc)
		return rc;
	cpu_set_to_cpuid(&model->wanted, &model->cpuid);
	show_tsc_deadline(model);
	warn_of_threads(model);
	rc = topology_describe(&model->cpuid, model->cpus, model->threads);
	if (model->hide_hypervisor)
		cpuid_hide_hypervisor(&model->cpuid);
	return rc ? rc : filter_msrs(model, vm_fd);
}
