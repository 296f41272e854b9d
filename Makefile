# SPDX-License-Identifier: Apache-2.0
# make [O=DIR] [V=1] - objects are listed, not globbed; `make help` names the targets
O ?= build
CONFIG = $(if $(wildcard $(O)/config.mk),$(O)/config.mk,config.mk)
CONFIG_DIR = $(dir $(CONFIG))

.DEFAULT_GOAL = all
ifeq ($(filter clean demo help,$(MAKECMDGOALS)),)
include $(CONFIG)
endif

# Made again, with the settings of the last time, when configure has changed.
CONFIGURE ?= ./configure
config.mk: configure
	$(CONFIGURE)

Q = $(if $(V),,@)
say = $(if $(V),,@printf '  %-7s %s\n' $(1) $(2);)

WARN = -Wall -Wextra -Wshadow -Wmissing-prototypes -Wstrict-prototypes -Wvla \
	-Wimplicit-fallthrough -Wundef -Wno-format-truncation $(WERROR)
# Sizes from guests and files meet host types in these two layers.
STRICT = -Wconversion -Wno-sign-conversion

# gcc warns that ThreadSanitizer does not model fences.
SANITIZE_FLAGS = $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-omit-frame-pointer \
	$(if $(findstring undefined,$(SANITIZE)),-fno-sanitize-recover=undefined) \
	$(if $(findstring thread,$(SANITIZE)),-Wno-tsan))
HARDEN = $(if $(SANITIZE),,-D_FORTIFY_SOURCE=2) -fstack-protector-strong

CFLAGS = -std=gnu17 $(USER_CFLAGS) $(WARN) $(HARDEN) $(SANITIZE_FLAGS) -fPIE -pthread \
	-fno-strict-aliasing -D_GNU_SOURCE -I. -I$(CONFIG_DIR) $(LIB_CFLAGS) -MMD -MP
LDFLAGS = $(USER_LDFLAGS) $(SANITIZE_FLAGS) -pthread \
	$(if $(filter yes,$(STATIC)),-static-pie,-pie) -Wl,-z,relro,-z,now

# ---- objects, by layer ----

OBJS_BASE = buf crc err futex iov log metrics ratelimit text thread
OBJS_BASE += bucket
OBJS_CORE = bus irq kvm loop loop_epoll loop_pool loop_ring loop_uring loop_watch mem
OBJS_CORE += state state_load state_print
OBJS_CORE += mem_dirty mem_pages
OBJS_CPU = $(addprefix $(ARCH)/,cpuid exits msr topology vcpu)
OBJS_CPU += $(addprefix $(ARCH)/,offer)
OBJS_CPU += $(addprefix $(ARCH)/,apply bit_names model model_firecracker)
OBJS_CPU += $(addprefix $(ARCH)/,msr_filter msr_filter_tab ucode)
OBJS_CPU += $(addprefix $(ARCH)/,clock clock_timer model_text)
OBJS_CPU += $(addprefix $(ARCH)/,msr_wishes state_msr state_nested state_tab)
OBJS_CPU += $(addprefix $(ARCH)/,state_vcpu state_vm state_xsave)
OBJS_CPU += firecracker_tab template_firecracker
OBJS_CPU += $(addprefix $(ARCH)/,feature cpu_set cpuid_tab msr_tab vmx_tab)
OBJS_CPU += $(addprefix $(ARCH)/,feature_name)
OBJS_CPU += $(addprefix $(ARCH)/,closure closure_tab meet rules xsave)
OBJS_CPU += $(addprefix $(ARCH)/,identity)
OBJS_CPU += fleet fleet_check fleet_explain fleet_layer fleet_regain
OBJS_CPU += silicon
OBJS_CPU += cpu_list document profile profile_asymmetry profile_firecracker template
OBJS_CPU += $(addprefix $(ARCH)/,cpu_set_diff cpu_set_json)
OBJS_CPU += $(addprefix $(ARCH)/,collect collect_groups collect_kvm collect_silicon)
OBJS_DEVICES = backend/disk virtio/blk virtio/device virtio/mmio virtio/rng virtio/virtqueue \
	platform backend/nonblock backend/tty backend/tty_in backend/tty_out serial
OBJS_DEVICES += vmgenid
OBJS_DEVICES += boot_timer
OBJS_DEVICES += i8042 keyboard
OBJS_DEVICES += virtio/device_state
OBJS_DEVICES += backend/limiter virtio/blk_config virtio/device_regs
OBJS_BOOT = bzimage cmdline elf image loader $(ARCH)/entry $(ARCH)/params
OBJS_FIRMWARE = acpi aml dsdt mptable tables
OBJS_FIRMWARE += ucode ucode_amd ucode_amd_put ucode_cpio ucode_early ucode_files
OBJS_FIRMWARE += ucode_intel ucode_select
OBJS_VMM = config config_vm config_args config_print config_value config_words devices \
	ending outcome outfile vcpu vm vm_build
OBJS_VMM += config_json vm_ops
OBJS_VMM += config_json_print
OBJS_VMM += control instance
OBJS_VMM += host_cpus
OBJS_VMM += microcode
OBJS_VMM += events vm_events
OBJS_VMM += config_disk config_rate drive
OBJS_VMM += readiness
OBJS_VMM += devices_pause park pause
OBJS_VMM += memory_guard watchdog
OBJS_VMM += mem_handler memfile memfile_merge memfile_open memfile_read
OBJS_VMM += memfile_save memfile_write newfile
OBJS_VMM += snapshot_file devices_state
OBJS_API = client conn http listener reply resources routes server vm_server
OBJS_API += drives
OBJS_API += logger metrics metrics_file metrics_tab observe tally
OBJS_VMM += metric_groups
OBJS_API += bodies config_file draft draft_json load machine setup
OBJS_API += events stream words
OBJS_API += openapi schema
OBJS_VMM += guest_ucode ucode_spool
OBJS_VMM += snapshot snapshot_check snapshot_state restore
OBJS_API += microcode crowd
OBJS_CLI = ctl ctl_ask ctl_raw doctor doctor_checks help main output run verbs
OBJS_CLI += restore ctl_snapshot snapshot_check snapshot_info
OBJS_CLI += fleet fleet_check fleet_diff fleet_explain fleet_file
OBJS_CLI += fleet_explain_text
OBJS_CLI += snapshot snapshot_merge
OBJS_CLI += microcode_load load_examine load_hold load_image load_json load_kernel
OBJS_CLI += load_report load_vms
OBJS_CLI += api firecracker
OBJS_CLI += microcode microcode_image microcode_json microcode_select
OBJS_CLI += microcode_kernel microcode_show microcode_status
OBJS_CLI += microcode_verify microcode_vms
OBJS_CLI += fatal handed
OBJS_CLI += fleet_html fleet_merge fleet_profile fleet_report fleet_show

OBJS = $(OBJS_BASE:%=vmm/base/%) $(OBJS_CORE:%=vmm/core/%) $(OBJS_CPU:%=cpu/%) \
	$(OBJS_DEVICES:%=devices/%) $(OBJS_BOOT:%=boot/%) $(OBJS_FIRMWARE:%=firmware/%) \
	$(OBJS_VMM:%=vmm/%) $(OBJS_API:%=vmm/api/%) $(OBJS_CLI:%=cli/%)
LIB_OBJS = $(filter-out cli/main,$(OBJS))

# tests/unit/NAME.c: one cmocka program each
UNIT_TESTS = base mem bus irq config boot bzimage cmdline elf platform loop \
	loop_engine loop_ops loop_watch serial tty_in tty_out aml dsdt firmware text

# tests/fuzz/NAME.c: one LLVMFuzzerTestOneInput each; corpus in tests/fuzz/corpus/NAME
FUZZERS = options serial bzimage elf virtqueue virtio_mmio
FUZZERS += profile template fingerprint
FUZZERS += fc_template
FUZZERS += memfile
FUZZERS += ucode
FUZZERS += http api

FUZZERS += state snapshot_file device_state
FUZZERS += i8042

MAN_PAGES = muster.1 muster-run.1 muster-doctor.1
MAN_PAGES += muster-ctl.1
MAN_PAGES += muster-fleet.1
MAN_PAGES += muster-microcode.1
MAN_PAGES += muster-snapshot.1
MAN_PAGES += muster-restore.1
MAN_PAGES += muster-api.1 muster-firecracker.1

all: $(O)/muster $(MAN_PAGES:%=$(O)/man/%)

$(O)/libmuster.a: $(LIB_OBJS:%=$(O)/%.o) Makefile
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $(filter %.o,$^)

$(O)/muster: $(O)/cli/main.o $(O)/libmuster.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS)

# The man pages are made from the tables that the program itself uses.
$(O)/docs/genman: $(O)/docs/genman.o $(O)/libmuster.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS)

$(O)/man/%.1: $(O)/docs/genman
	$(call say,MAN,$@)
	$(Q)mkdir -p $(@D) && $< $(patsubst muster-%,%,$(filter-out muster,$*)) >$@.new && \
		mv $@.new $@

$(O)/vmm/base/%.o $(O)/vmm/core/%.o: CFLAGS += $(STRICT)

$(O)/%.o: %.c $(CONFIG)
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(CFLAGS) -c -o $@ $<

# ---- tests ----

include tests/guests/guests.mk

# Tests of disks and virtio, by what stands in for the rest of the machine.
ON_RING = virtqueue virtqueue_notify
ON_IMAGE = disk disk_open outfile
ON_MODEL = rng
ON_COUNTER = virtio virtio_batch virtio_mmio
ON_COUNTER += virtio_state
ON_DEVKIT = devices_state devices_golden
ON_BLKGUEST = blk blk_flight blk_limit
ON_LIVEVM = pause pause_disk
ON_LIVEVM += pause_told
ON_CPUS = closure meet fleet fleet_explain
ON_CPUS += cpu_set silicon
ON_KVM = cpu_clock cpu_state cpu_state_hostile cpu_state_run cpu_model_text guest_ucode
UNIT_TESTS += iov topology $(ON_RING) $(ON_IMAGE) $(ON_MODEL) $(ON_COUNTER) $(ON_BLKGUEST)
UNIT_TESTS += config_table
UNIT_TESTS += feature feature_cover
UNIT_TESTS += collect fingerprint operands profile
UNIT_TESTS += fc_template msr_filter
UNIT_TESTS += $(ON_CPUS)
UNIT_TESTS += apply
UNIT_TESTS += state state_print snapshot_file serial_state $(ON_DEVKIT)
UNIT_TESTS += $(ON_LIVEVM)
UNIT_TESTS += $(ON_KVM)
ON_STAGE = server server_bad
ON_STAGE += stream
UNIT_TESTS += http config_json listener routes $(ON_STAGE)
UNIT_TESTS += setup
UNIT_TESTS += crowd
UNIT_TESTS += openapi
UNIT_TESTS += events words
UNIT_TESTS += bucket rates
UNIT_TESTS += log metrics_file
UNIT_TESTS += vmgenid
UNIT_TESTS += readiness
UNIT_TESTS += i8042
UNIT_TESTS += msr_wishes
UNIT_TESTS += memory_guard
ON_MEMKIT = mem_handler memfile memfile_merge memfile_open mem_dirty newfile
UNIT_TESTS += $(ON_MEMKIT)
ON_UCODEKIT = host_cpus ucode_amd ucode_early ucode_files ucode_intel ucode_select
ON_UCODEKIT += ucode_spool
UNIT_TESTS += $(ON_UCODEKIT)

UNIT_BINS = $(UNIT_TESTS:%=$(O)/tests/unit/%)

# Objects first: a fake takes the place of the real part in the archive.
link = $(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(LIBS)

$(O)/tests/unit/%: $(O)/tests/unit/%.o $(O)/libmuster.a
	$(call say,LINK,$@)
	$(Q)$(link) -lcmocka

unit = $(1:%=$(O)/tests/unit/%)
GUEST_OBJS = $(call unit,fake_irq.o fake_loop.o guest.o ring.o)
$(call unit,$(ON_RING)): $(call unit,ring.o)
$(call unit,$(ON_IMAGE)): $(call unit,fake_loop.o image.o)
$(call unit,$(ON_MODEL) $(ON_COUNTER) $(ON_BLKGUEST)): $(GUEST_OBJS)
$(call unit,$(ON_COUNTER)): $(call unit,counter.o)
$(call unit,$(ON_CPUS)): $(call unit,cpus.o)
$(call unit,$(ON_STAGE)): $(call unit,stage.o)
$(call unit,$(ON_KVM)): $(call unit,cpu_vm.o)
$(call unit,$(ON_MEMKIT)): $(call unit,memkit.o)
$(call unit,$(ON_UCODEKIT) guest_ucode): $(call unit,ucodekit.o)
$(call unit,mem_dirty): $(call unit,ring.o)
$(call unit,$(ON_BLKGUEST)): $(call unit,blkguest.o image.o)
$(call unit,state state_print): $(call unit,thing.o)
$(call unit,serial_state vmgenid i8042): $(call unit,fake_irq.o)
$(call unit,$(ON_DEVKIT)): $(GUEST_OBJS) $(call unit,devkit.o image.o)
$(call unit,$(ON_LIVEVM)): $(call unit,livevm.o) | guests
$(call unit,msr_wishes): LDFLAGS += -Wl,--wrap=kvm_ioctl
$(call unit,pause_disk): LDFLAGS += -Wl,--wrap=disk_submit
$(call unit,blk_threads): $(call unit,fake_irq.o guest.o image.o ring.o)

unit-bins: $(UNIT_BINS)

check-unit: $(UNIT_BINS)
	$(Q)tests/unit/run $(UNIT_BINS)

# Replay: every file of a target's corpus through the same function, once.
FUZZ_BINS = $(FUZZERS:%=$(O)/tests/fuzz/%)

# libFuzzer brings its own main().
FUZZ_MAIN = $(O)/tests/fuzz/replay.o

$(O)/tests/fuzz/%: $(O)/tests/fuzz/%.o $(FUZZ_MAIN) $(O)/libmuster.a
	$(call say,LINK,$@)
	$(Q)$(link)

ON_BOX = virtio_mmio device_state
$(ON_BOX:%=$(O)/tests/fuzz/%): $(O)/tests/fuzz/box.o $(GUEST_OBJS)

fuzz-bins: $(FUZZ_BINS)

check-fuzz: $(FUZZ_BINS)
	$(Q)tests/fuzz/run-corpora $(O) $(FUZZERS)

# Go on searching: clang's libFuzzer, FUZZ_SECONDS for each target.
fuzz:
	$(Q)tests/fuzz/run-libfuzzer $(FUZZERS)

lint:
	$(Q)tests/lint/run

# The unit tests and the corpora once more, with sanitizers.
build-asan/config.mk: configure
	$(Q)./configure --enable-asan --out=build-asan >/dev/null
build-tsan/config.mk: configure
	$(Q)./configure --enable-tsan --out=build-tsan >/dev/null

check-asan: build-asan/config.mk
	$(Q)$(MAKE) O=build-asan all check-unit check-fuzz
check-tsan: build-tsan/config.mk
	$(Q)$(MAKE) O=build-tsan check-unit

check-integration:
	$(Q)tests/integration/run

check:
	$(Q)tests/check

# Side by side with QEMU's microvm; each prints its ratios and limits.
BENCHES = start blk memory syscalls
BENCHES += apply
BENCHES += fleet
BENCHES += microcode
BENCHES += snapshot
BENCHES += pause
BENCHES += api
$(O)/tests/bench/%: $(O)/tests/bench/%.o $(O)/libmuster.a
	$(call say,LINK,$@)
	$(Q)$(link)

bench: all guests
	$(Q)for b in $(BENCHES); do bench/$$b || exit 1; done

# Static, because it runs inside an emulated host.
$(O)/bench/stopwatch: $(O)/bench/stopwatch.o
	$(call say,LINK,$@)
	$(Q)$(CC) $(USER_LDFLAGS) -static -o $@ $^

# ---- the rest ----

help:
	@echo 'make              build $(O)/muster and its man pages'
	@echo 'make demo         install what it needs, build, boot a Debian kernel'
	@echo 'make check        every test; also one by one:'
	@echo '                  check-unit lint check-fuzz check-asan check-tsan check-integration'
	@echo 'make fuzz         search for new inputs, FUZZ_SECONDS for each target'
	@echo 'make bench        measure beside QEMU, on an idle machine'
	@echo 'make install      below PREFIX (configure), into DESTDIR'
	@echo 'make clean        remove what was built'

demo:
	$(Q)demo/run

install: all
	install -D -m 755 $(O)/muster $(DESTDIR)$(PREFIX)/bin/muster
	install -d $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 644 $(MAN_PAGES:%=$(O)/man/%) $(DESTDIR)$(PREFIX)/share/man/man1

clean:
	rm -rf $(O) build-asan build-tsan build-fuzz build-static

.PHONY: all bench check check-unit check-fuzz check-asan check-tsan check-integration \
	clean demo fuzz fuzz-bins help install lint unit-bins
.SECONDARY:
-include $(OBJS:%=$(O)/%.d) $(O)/docs/genman.d $(O)/bench/stopwatch.d \
	$(wildcard $(O)/tests/unit/*.d) $(wildcard $(O)/tests/fuzz/*.d)
