# SPDX-License-Identifier: Apache-2.0
# guests.mk - bare-metal payloads: tests/guests/NAME.c becomes build/guests/NAME
GUESTS = hello booted debugexit smp timer memory panic reboot poweroff tripfault spin idle \
	rng blk-rw blk-scatter blk-discard blk-readonly blk-features blk-deep irqfd \
	ioeventfd cpu-dump vmx-hypervisor counters tally blk-again \
	hostile-chain hostile-buffer hostile-ring hostile-register bench-blk
GUESTS += bench-snapshot
GUESTS += ledger
GUESTS += blk-swap
GUESTS += ucode
GUESTS += keyboard

GUEST_RT = start.S traps.S rt.c lib.c info.c apic.c cpu.c virtio.c virtq.c blk.c hostile.c
GUEST_RT += vmx_caps.c vmx_ept.c vmx_insn.c vmx_vmcs.c vmx_enter.S

GUEST_CFLAGS = -std=gnu17 -O2 -g $(WARN) -Wno-array-bounds -ffreestanding -nostdlib \
	-mno-red-zone -mgeneral-regs-only -fcf-protection=none -fno-stack-protector \
	-fno-pic -fno-pie -fno-asynchronous-unwind-tables -fno-strict-aliasing \
	-ffunction-sections -fdata-sections -I.
GUEST_LDFLAGS = -static -no-pie -nostdlib -Wl,-T,tests/guests/rt/link.ld \
	-Wl,--gc-sections -Wl,--build-id=none -Wl,-z,max-page-size=4096

GUEST_RT_FILES = $(GUEST_RT:%=tests/guests/rt/%)
GUEST_DEPS = $(GUEST_RT_FILES) $(wildcard tests/guests/rt/*.h) \
	tests/guests/rt/link.ld tests/guests/guests.mk $(CONFIG)

guests: $(GUESTS:%=$(O)/guests/%)

# The runtime is built into each payload with its name.
$(O)/guests/%: tests/guests/%.c $(GUEST_DEPS)
	$(call say,GUEST,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(GUEST_CFLAGS) -DPAYLOAD='"$*"' $(GUEST_LDFLAGS) \
		-o $@ $< $(GUEST_RT_FILES)

.PHONY: guests
