# SPDX-License-Identifier: Apache-2.0
# guests.mk - bare-metal payloads: tests/guests/NAME.c becomes build/guests/NAME
GUESTS = hello debugexit smp timer

GUEST_RT = start.S traps.S rt.c lib.c info.c apic.c
GUEST_CFLAGS = -std=gnu17 -O2 -g $(WARN) -Wno-array-bounds -ffreestanding -nostdlib \
	-mno-red-zone -mgeneral-regs-only -fcf-protection=none -fno-stack-protector \
	-fno-pic -fno-pie -fno-asynchronous-unwind-tables -fno-strict-aliasing -I.
GUEST_LDFLAGS = -static -no-pie -nostdlib -Wl,-T,tests/guests/rt/link.ld \
	-Wl,--build-id=none -Wl,-z,max-page-size=4096

GUEST_RT_FILES = $(GUEST_RT:%=tests/guests/rt/%)

guests: $(GUESTS:%=$(O)/guests/%)

# The runtime is built into each payload with its name.
$(O)/guests/%: tests/guests/%.c $(GUEST_RT_FILES) tests/guests/rt/link.ld \
		$(wildcard tests/guests/rt/*.h) $(CONFIG)
	$(call say,GUEST,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(GUEST_CFLAGS) -DPAYLOAD='"$*"' $(GUEST_LDFLAGS) \
		-o $@ $< $(GUEST_RT_FILES)

.PHONY: guests
