// SPDX-License-Identifier: Apache-2.0
/*
 * vmx-hypervisor.c - a hypervisor by the book (SDM vol. 3, 31.5.1 and app. A)
 *
 * It believes CPUID and the capability MSRs, and nothing else.  Its guest does
 * CPUID and HLT.  What the MSRs do not allow, a VM entry must refuse.
 */
#include "tests/guests/rt/vmx.h"

#define CPUID_1_ECX_VMX  (1u << 5)
#define CR4_VMXE         (1u << 13)
#define PROC_CR3_EXITING (3u << 15) /* loads and stores: default1 */
#define DEBUG_CONTROLS   (1u << 2) /* VM entry loads, VM exit saves: default1 */
#define ROUNDS           2

enum { REGION_VMXON, REGION_VMCS, REGION_OTHER };

static const char *const word_names[VMX_WORDS] = { "pin", "proc", "exit",
	"entry", "proc2" };

/* ---- controls ---- */

static struct vmx_choice choose(const struct vmx_capabilities *caps)
{
	struct vmx_choice choice = {
		.known = {
			[VMX_PROC] = PROC_HLT_EXITING | PROC_CR3_EXITING |
				     PROC_SECONDARY,
			[VMX_EXIT] = EXIT_HOST_64_BIT | DEBUG_CONTROLS,
			[VMX_ENTRY] = ENTRY_GUEST_64BIT | DEBUG_CONTROLS,
		},
		.wanted = {
			[VMX_PROC] = PROC_HLT_EXITING,
			[VMX_EXIT] = EXIT_HOST_64_BIT,
			[VMX_ENTRY] = ENTRY_GUEST_64BIT,
		},
	};

	if (vmx_may_be(caps, VMX_PROC, PROC_SECONDARY, true))
		choice.wanted[VMX_PROC] |= PROC_SECONDARY;
	return choice;
}

static void print_words(const char *what, const uint32_t words[VMX_WORDS])
{
	print("%s:", what);
	for (unsigned i = 0; i < VMX_WORDS; i++)
		print(" %s %x", word_names[i], words[i]);
	print("\n");
}

/* ---- in and out of VMX operation ---- */

static void check_firmware(void)
{
	uint64_t feature_control = 0;

	CHECK(cpuid(1, 0).ecx & CPUID_1_ECX_VMX);
	CHECK(msr_read_ring0(MSR_FEATURE_CONTROL, &feature_control));
	CHECK((feature_control & FEATURE_LOCKED_VMXON) == FEATURE_LOCKED_VMXON);
}

static void enter_vmx_operation(const struct vmx_capabilities *caps)
{
	const void *region = vmx_region(REGION_VMXON, caps);
	uint64_t cr0 = cr0_read();

	cr4_write(
		(cr4_read() | CR4_VMXE | caps->cr4_fixed0) & caps->cr4_fixed1);
	if ((cr0 & caps->cr0_fixed0) != caps->cr0_fixed0)
		CHECK(vmx_on(region) == VMX_FAULT);
	cr0_write((cr0 | caps->cr0_fixed0) & caps->cr0_fixed1);
	CHECK(vmx_on(region) == VMX_SUCCEED);
}

static void leave_vmx_operation(void)
{
	CHECK(vmx_off() == VMX_SUCCEED);
	cr4_write(cr4_read() & ~(uint64_t)CR4_VMXE);
}

static const void *open_vmcs(
	const struct vmx_capabilities *caps, const uint32_t words[VMX_WORDS])
{
	const void *vmcs = vmx_region(REGION_VMCS, caps);

	CHECK(vmx_clear(vmcs) == VMX_SUCCEED);
	CHECK(vmx_load(vmcs) == VMX_SUCCEED);
	vmx_fill_vmcs(caps, words);
	return vmcs;
}

static void close_vmcs(const void *vmcs)
{
	struct vmx_registers guest = { 0 };

	CHECK(vmx_clear(vmcs) == VMX_SUCCEED);
	CHECK(vmx_enter(&guest, VMX_RESUME) == VMX_FAIL_INVALID);
}

/* ---- what must fail ---- */

static bool is_refused(uint32_t field, uint64_t value)
{
	struct vmx_registers guest = { 0 };
	uint64_t good = vmx_read(field);
	enum vmx_outcome outcome;

	vmx_write(field, value);
	outcome = vmx_enter(&guest, VMX_LAUNCH);
	vmx_write(field, good);
	return outcome == VMX_FAIL_VALID && vmx_error() == VMX_ERROR_CONTROLS;
}

/* Each control that may not be 1, and each that must be, one at a time. */
static void refuse_word(const struct vmx_capabilities *caps, unsigned word,
	const uint32_t words[VMX_WORDS])
{
	unsigned count = 0;

	for (unsigned bit = 0; bit < 32; bit++) {
		uint32_t flipped = words[word] ^ 1u << bit;
		bool refused;

		if (vmx_may_be(caps, word, 1u << bit, flipped >> bit & 1))
			continue;
		refused = is_refused(vmx_word_fields[word], flipped);
		if (!refused)
			print("%s bit %u is not refused\n", word_names[word],
				bit);
		CHECK(refused);
		count++;
	}
	print("%s: %u controls refused\n", word_names[word], count);
}

static void refuse_controls(
	const struct vmx_capabilities *caps, const uint32_t words[VMX_WORDS])
{
	for (unsigned i = 0; i < VMX_WORDS; i++)
		if (i != VMX_PROC2 || words[VMX_PROC] & PROC_SECONDARY)
			refuse_word(caps, i, words);
}

/* What IA32_VMX_EPT_VPID_CAP does not offer, an EPT pointer may not ask for. */
static void refuse_ept_pointers(const struct vmx_capabilities *caps)
{
	static const struct {
		uint32_t capability;
		uint32_t flips;
	} options[] = {
		{ EPT_UC, EPTP_WB ^ EPTP_UC },
		{ EPT_WALK_5, EPTP_WALK_4 ^ EPTP_WALK_5 },
		{ EPT_DIRTY, EPTP_DIRTY },
	};
	unsigned count = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(options); i++) {
		if (caps->ept_vpid & options[i].capability)
			continue;
		CHECK(is_refused(FIELD_EPT_POINTER,
			vmx_ept_pointer() ^ options[i].flips));
		count++;
	}
	print("EPT pointer: %u kinds refused\n", count);
}

static void refuse_revision(const struct vmx_capabilities *caps)
{
	uint32_t *vmcs = vmx_region(REGION_OTHER, caps);

	CHECK(vmx_clear(vmcs) == VMX_SUCCEED);
	*vmcs = caps->revision ^ 1;
	CHECK(vmx_load(vmcs) == VMX_FAIL_VALID);
	CHECK(vmx_error() == VMX_ERROR_REVISION);
}

/* ---- what must work ---- */

static void expect_exit(
	struct vmx_registers *guest, enum vmx_entry how, uint64_t reason)
{
	enum vmx_outcome outcome = vmx_enter(guest, how);

	if (outcome == VMX_FAIL_VALID)
		print("VM-instruction error %u\n", vmx_error());
	CHECK(outcome == VMX_SUCCEED);
	if (vmx_read(FIELD_EXIT_REASON) != reason)
		print("exit reason %lx, not %lx\n", vmx_read(FIELD_EXIT_REASON),
			reason);
	CHECK(vmx_read(FIELD_EXIT_REASON) == reason);
	vmx_write(FIELD_GUEST_RIP,
		vmx_read(FIELD_GUEST_RIP) + vmx_read(FIELD_INSTRUCTION_LENGTH));
}

static void do_cpuid(struct vmx_registers *guest)
{
	struct cpuid c = cpuid((uint32_t)guest->rax, (uint32_t)guest->rcx);

	*guest = (struct vmx_registers){ c.eax, c.ebx, c.ecx, c.edx };
}

static void run_guest(
	const struct vmx_capabilities *caps, const uint32_t words[VMX_WORDS])
{
	struct vmx_registers guest = { 0 };
	struct vmx_registers answer;
	enum vmx_entry how = VMX_LAUNCH;
	const void *vmcs = open_vmcs(caps, words);

	for (unsigned i = 0; i < ROUNDS; i++) {
		guest.rax = i;
		expect_exit(&guest, how, EXIT_CPUID);
		CHECK(guest.rax == i);
		do_cpuid(&guest);
		answer = guest;
		how = VMX_RESUME;
		expect_exit(&guest, how, EXIT_HLT);
		CHECK(!memcmp(&guest, &answer, sizeof(guest)));
	}
	close_vmcs(vmcs);
}

static void derive_and_run(const char *how, const struct vmx_capabilities *caps,
	bool use_true, const struct vmx_choice *choice)
{
	uint32_t words[VMX_WORDS];

	vmx_derive(caps, use_true, choice, words);
	print_words(how, words);
	run_guest(caps, words);
}

static void run_with_ept(const struct vmx_capabilities *caps)
{
	struct vmx_choice choice = choose(caps);
	uint32_t words[VMX_WORDS];
	const void *vmcs;

	choice.wanted[VMX_PROC2] = PROC2_EPT;
	if (vmx_may_be(caps, VMX_PROC2, PROC2_VPID, true))
		choice.wanted[VMX_PROC2] |= PROC2_VPID;
	choice.known[VMX_PROC2] = choice.wanted[VMX_PROC2];
	vmx_derive(caps, caps->true_controls, &choice, words);
	vmcs = open_vmcs(caps, words);
	refuse_ept_pointers(caps);
	close_vmcs(vmcs);
	derive_and_run("with EPT", caps, caps->true_controls, &choice);
}

static void refuse_all(
	const struct vmx_capabilities *caps, const struct vmx_choice *choice)
{
	uint32_t words[VMX_WORDS];
	const void *vmcs;

	vmx_derive(caps, false, choice, words);
	vmcs = open_vmcs(caps, words);
	refuse_controls(caps, words);
	refuse_revision(caps);
	close_vmcs(vmcs);
}

static long hypervisor(long unused)
{
	struct vmx_capabilities caps;
	struct vmx_choice choice;

	(void)unused;
	check_firmware();
	vmx_read_capabilities(&caps);
	choice = choose(&caps);
	enter_vmx_operation(&caps);
	refuse_all(&caps, &choice);
	derive_and_run("by the plain MSRs", &caps, false, &choice);
	if (caps.true_controls)
		derive_and_run("by the TRUE MSRs", &caps, true, &choice);
	if (vmx_has_ept(&caps))
		run_with_ept(&caps);
	leave_vmx_operation();
	return 0;
}

void payload(void)
{
	ring0_call(hypervisor, 0);
}
