// SPDX-License-Identifier: Apache-2.0
/* vmx_caps.c - what the capability MSRs allow, and the control values from it */
#include "tests/guests/rt/vmx.h"

#define BASIC_REVISION 0x7fffffffu
#define BASIC_SIZE(v)  ((uint32_t)((v) >> 32) & 0x1fff)
#define BASIC_TRUE_BIT 55

#define MSR_BASIC      0x480
#define MSR_CR0_FIXED0 0x486
#define MSR_CR4_FIXED0 0x488
#define MSR_PROC2      0x48b
#define MSR_EPT_VPID   0x48c

static const struct {
	uint32_t plain, precise;
} control_msrs[] = {
	[VMX_PIN] = { 0x481, 0x48d },
	[VMX_PROC] = { 0x482, 0x48e },
	[VMX_EXIT] = { 0x483, 0x48f },
	[VMX_ENTRY] = { 0x484, 0x490 },
};

static uint64_t must_read(uint32_t msr)
{
	uint64_t v = 0;

	CHECK(msr_read_ring0(msr, &v));
	return v;
}

static uint32_t may(uint64_t word)
{
	return (uint32_t)(word >> 32);
}

static uint32_t must(uint64_t word)
{
	return (uint32_t)word;
}

void vmx_read_capabilities(struct vmx_capabilities *ret)
{
	uint64_t basic = must_read(MSR_BASIC);

	*ret = (struct vmx_capabilities){
		.revision = (uint32_t)basic & BASIC_REVISION,
		.region_size = BASIC_SIZE(basic),
		.true_controls = basic >> BASIC_TRUE_BIT & 1,
		.cr0_fixed0 = must_read(MSR_CR0_FIXED0),
		.cr0_fixed1 = must_read(MSR_CR0_FIXED0 + 1),
		.cr4_fixed0 = must_read(MSR_CR4_FIXED0),
		.cr4_fixed1 = must_read(MSR_CR4_FIXED0 + 1),
	};
	for (unsigned i = 0; i < ARRAY_SIZE(control_msrs); i++) {
		ret->plain[i] = must_read(control_msrs[i].plain);
		ret->precise[i] = ret->true_controls
					  ? must_read(control_msrs[i].precise)
					  : ret->plain[i];
	}
	if (may(ret->plain[VMX_PROC]) & PROC_SECONDARY)
		ret->plain[VMX_PROC2] = must_read(MSR_PROC2);
	ret->precise[VMX_PROC2] = ret->plain[VMX_PROC2];
	if (may(ret->plain[VMX_PROC2]) & (PROC2_EPT | PROC2_VPID))
		ret->ept_vpid = must_read(MSR_EPT_VPID);
}

bool vmx_has_ept(const struct vmx_capabilities *caps)
{
	uint64_t needed = EPT_WALK_4 | EPT_WB | EPT_2M;

	return may(caps->plain[VMX_PROC2]) & PROC2_EPT &&
	       (caps->ept_vpid & needed) == needed;
}

/* By the plain MSRs the default1 class must be 1, so that nothing is left open. */
void vmx_derive(const struct vmx_capabilities *caps, bool use_true,
	const struct vmx_choice *choice, uint32_t ret[VMX_WORDS])
{
	for (unsigned i = 0; i < VMX_WORDS; i++) {
		uint64_t word = use_true ? caps->precise[i] : caps->plain[i];
		uint32_t defaults = must(caps->plain[i]) & ~choice->known[i];

		ret[i] = (choice->wanted[i] | defaults | must(word)) &
			 may(word);
		CHECK((ret[i] & choice->wanted[i]) == choice->wanted[i]);
		CHECK((ret[i] & must(word)) == must(word));
	}
}

bool vmx_may_be(const struct vmx_capabilities *caps, unsigned word,
	uint32_t control, bool value)
{
	uint64_t allowed = caps->precise[word];

	return value ? may(allowed) & control : !(must(allowed) & control);
}
