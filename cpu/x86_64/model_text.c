/* SPDX-License-Identifier: Apache-2.0 */
/* model_text.c - the CPU that is shown as a template's text, and back; the host */
#include <errno.h>
#include <string.h>

#include "cpu/cpu_state.h"
#include "cpu/cpu_ucode.h"
#include "cpu/fleet.h"
#include "cpu/profile.h"
#include "cpu/x86_64/clock.h"
#include "cpu/x86_64/model.h"
#include "vmm/base/err.h"
#include "vmm/base/text.h"

#define MSR_UCODE_REV 0x8b

/* Closing takes out what each machine decides, as templates have it. */
int cpu_model_save(const struct cpu_model *model, const struct cpu_clock *clock,
	struct buf *out)
{
	struct template text = {
		.cpu = model->wanted,
		.tsc_khz = (uint64_t)MAX(clock->tsc_khz, 0),
		.tsc_scaling = model->tsc_scaling,
	};

	cpu_set_close(&text.cpu);
	template_print(&text, out);
	return out->failed ? err_set(-ENOMEM, "no memory for the CPU's text")
			   : 0;
}

/* Intel's revision is in the high half, AMD's in the low one. */
uint32_t cpu_model_microcode(const struct cpu_model *model)
{
	uint64_t value = cpu_set_msr(&model->wanted, MSR_UCODE_REV);

	return value >> 32 ? (uint32_t)(value >> 32) : (uint32_t)value;
}

static void note_microcode(struct cpu_model *model, uint32_t revision)
{
	char vendor[13];

	cpu_set_vendor(&model->wanted, vendor);
	cpu_set_put_msr(&model->wanted, MSR_UCODE_REV,
		strcmp(vendor, "GenuineIntel") ? revision
					       : (uint64_t)revision << 32);
}

int cpu_model_follow_host(struct cpu_model *model,
	const struct cpu_clock *clock, uint32_t revision)
{
	uint32_t shown = cpu_model_microcode(model);
	int rc = 0;

	if ((model->source == MODEL_TEMPLATE && shown) || revision <= shown)
		return 0;
	for (unsigned i = 0; i < clock->count && !rc; i++) {
		rc = cpu_ucode_get(clock->vcpu[i].fd, &shown);
		if (!rc && shown < revision)
			rc = cpu_ucode_set(clock->vcpu[i].fd, revision);
	}
	if (!rc)
		note_microcode(model, revision);
	return rc;
}

int cpu_model_from_text(int kvm_fd, const struct cpu_options *options,
	const void *text, size_t len, struct cpu_model **ret)
{
	struct text_shown origin = text_shown(options->cpu);
	struct cpu_model *model;
	int rc = model_new(kvm_fd, options, origin.s, &model);

	if (rc)
		return rc;
	model->source = MODEL_TEMPLATE;
	rc = template_parse(origin.s, text, len, &model->template);
	if (rc) {
		cpu_model_free(model);
		return rc;
	}
	*ret = model;
	return 0;
}

int cpu_host_profile(struct buf *out)
{
	struct profile *profile;
	int rc = profile_collect(NULL, &profile);

	if (rc)
		return rc;
	profile_print(profile, out);
	profile_free(profile);
	return out->failed ? err_set(-ENOMEM, "no memory for the profile") : 0;
}
