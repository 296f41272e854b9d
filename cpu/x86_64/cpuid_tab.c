/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cpuid_tab.c - CPUID, bit by bit (SDM vol. 2A, CPUID; APM vol. 3, E)
 *
 * Guests have no PMU, no power management, no cache allocation, no SGX, no
 * Processor Trace and no way to sleep in a wait instruction: hidden.
 */
#include "cpu/x86_64/tab.h"

static const struct feature leaf_1_ebx[] = {
	FIELD(0, 8, "brand_index", EQUAL_0),
	FIELD(8, 8, "clflush_size", EQUAL),
	FIELD(16, 8, "logical_cpus", MACHINE),
	FIELD(24, 8, "initial_apic_id", MACHINE),
};

/* The in-kernel APIC has a deadline timer on every host; CR4 makes OSXSAVE. */
static const struct feature leaf_1_ecx[] = {
	AND(0, "pni"),
	AND(1, "pclmulqdq"),
	HIDE(2, "dtes64"),
	HIDE(3, "monitor"),
	HIDE(4, "ds_cpl"),
	AND(5, "vmx"),
	HIDE(6, "smx"),
	HIDE(7, "est"),
	HIDE(8, "tm2"),
	AND(9, "ssse3"),
	HIDE(10, "cid"),
	HIDE(11, "sdbg"),
	AND(12, "fma"),
	AND(13, "cx16"),
	HIDE(14, "xtpr"),
	HIDE(15, "pdcm"),
	AND(17, "pcid"),
	HIDE(18, "dca"),
	AND(19, "sse4_1"),
	AND(20, "sse4_2"),
	AND(21, "x2apic"),
	AND(22, "movbe"),
	AND(23, "popcnt"),
	MACHINE(24, "tsc_deadline_timer"),
	AND(25, "aes"),
	AND(26, "xsave"),
	MACHINE(27, "osxsave"),
	AND(28, "avx"),
	AND(29, "f16c"),
	AND(30, "rdrand"),
	MACHINE(31, "hypervisor"),
};

static const struct feature leaf_1_edx[] = {
	AND(0, "fpu"),
	AND(1, "vme"),
	AND(2, "de"),
	AND(3, "pse"),
	AND(4, "tsc"),
	AND(5, "msr"),
	AND(6, "pae"),
	AND(7, "mce"),
	AND(8, "cx8"),
	AND(9, "apic"),
	AND(11, "sep"),
	AND(12, "mtrr"),
	AND(13, "pge"),
	AND(14, "mca"),
	AND(15, "cmov"),
	AND(16, "pat"),
	AND(17, "pse36"),
	HIDE(18, "pn"),
	AND(19, "clflush"),
	HIDE(21, "dts"),
	HIDE(22, "acpi"),
	AND(23, "mmx"),
	AND(24, "fxsr"),
	AND(25, "sse"),
	AND(26, "sse2"),
	AND(27, "ss"),
	MACHINE(28, "ht"),
	HIDE(29, "tm"),
	HIDE(30, "ia64"),
	HIDE(31, "pbe"),
};

/* One descriptor a byte; the lowest byte counts the calls: 1. */
static const struct feature leaf_2_eax[] = {
	FIELD(0, 8, "cache_descriptor_calls", OLDEST),
	FIELD(8, 24, "cache_descriptors_eax", OLDEST),
};

static const struct feature leaf_6_eax[] = {
	HIDE(0, "dtherm"),
	HIDE(1, "ida"),
	AND(2, "arat"),
	HIDE(4, "pln"),
	HIDE(5, "ecmd"),
	HIDE(6, "pts"),
	HIDE(7, "hwp"),
	HIDE(8, "hwp_notify"),
	HIDE(9, "hwp_act_window"),
	HIDE(10, "hwp_epp"),
	HIDE(11, "hwp_pkg_req"),
	HIDE(13, "hdc"),
	HIDE(14, "turbo_boost_max_3"),
	HIDE(15, "hwp_highest_perf_change"),
	HIDE(16, "hwp_peci_override"),
	HIDE(17, "hwp_flexible"),
	HIDE(18, "hwp_fast"),
	HIDE(19, "hfi"),
	HIDE(20, "hwp_ignore_idle"),
	HIDE(23, "thread_director"),
};

static const struct feature leaf_6_ecx[] = {
	HIDE(0, "aperfmperf"),
	HIDE(3, "epb"),
	FIELD(8, 8, "thread_director_classes", HIDE),
};

/* FDP_EXCPTN_ONLY and ZERO_FCS_FDS warn that the x87 keeps less. */
static const struct feature leaf_7_0_ebx[] = {
	AND(0, "fsgsbase"),
	AND(1, "tsc_adjust"),
	HIDE(2, "sgx"),
	AND(3, "bmi1"),
	AND(4, "hle"),
	AND(5, "avx2"),
	OR(6, "fdp_excptn_only"),
	AND(7, "smep"),
	AND(8, "bmi2"),
	AND(9, "erms"),
	AND(10, "invpcid"),
	AND(11, "rtm"),
	HIDE(12, "cqm"),
	OR(13, "zero_fcs_fds"),
	AND(14, "mpx"),
	HIDE(15, "rdt_a"),
	AND(16, "avx512f"),
	AND(17, "avx512dq"),
	AND(18, "rdseed"),
	AND(19, "adx"),
	AND(20, "smap"),
	AND(21, "avx512ifma"),
	AND(23, "clflushopt"),
	AND(24, "clwb"),
	HIDE(25, "intel_pt"),
	AND(26, "avx512pf"),
	AND(27, "avx512er"),
	AND(28, "avx512cd"),
	AND(29, "sha_ni"),
	AND(30, "avx512bw"),
	AND(31, "avx512vl"),
};

static const struct feature leaf_7_0_ecx[] = {
	AND(0, "prefetchwt1"),
	AND(1, "avx512vbmi"),
	AND(2, "umip"),
	AND(3, "pku"),
	MACHINE(4, "ospke"),
	HIDE(5, "waitpkg"),
	AND(6, "avx512_vbmi2"),
	AND(7, "shstk"),
	AND(8, "gfni"),
	AND(9, "vaes"),
	AND(10, "vpclmulqdq"),
	AND(11, "avx512_vnni"),
	AND(12, "avx512_bitalg"),
	HIDE(13, "tme"),
	AND(14, "avx512_vpopcntdq"),
	AND(16, "la57"),
	FIELD(17, 5, "mpx_mawau", HIDE),
	AND(22, "rdpid"),
	HIDE(23, "kl"),
	AND(24, "bus_lock_detect"),
	AND(25, "cldemote"),
	AND(27, "movdiri"),
	AND(28, "movdir64b"),
	HIDE(29, "enqcmd"),
	HIDE(30, "sgx_lc"),
	AND(31, "pks"),
};

/* KVM emulates ARCH_CAPABILITIES everywhere and CORE_CAPABILITIES nowhere. */
static const struct feature leaf_7_0_edx[] = {
	HIDE(1, "sgx_keys"),
	AND(2, "avx512_4vnniw"),
	AND(3, "avx512_4fmaps"),
	AND(4, "fsrm"),
	HIDE(5, "uintr"),
	AND(8, "avx512_vp2intersect"),
	HIDE(9, "srbds_ctrl"),
	CLEAR(10, "md_clear"),
	HIDE(11, "rtm_always_abort"),
	HIDE(13, "tsx_force_abort"),
	AND(14, "serialize"),
	HIDE(15, "hybrid_cpu"),
	AND(16, "tsxldtrk"),
	HIDE(18, "pconfig"),
	HIDE(19, "arch_lbr"),
	AND(20, "ibt"),
	AND(22, "amx_bf16"),
	AND(23, "avx512_fp16"),
	AND(24, "amx_tile"),
	AND(25, "amx_int8"),
	AND(26, "spec_ctrl"),
	AND(27, "intel_stibp"),
	AND(28, "flush_l1d"),
	AND(29, "arch_capabilities"),
	HIDE(30, "core_capabilities"),
	AND(31, "spec_ctrl_ssbd"),
};

static const struct feature leaf_7_1_eax[] = {
	AND(0, "sha512"),
	AND(1, "sm3"),
	AND(2, "sm4"),
	AND(3, "rao_int"),
	AND(4, "avx_vnni"),
	AND(5, "avx512_bf16"),
	AND(6, "lass"),
	AND(7, "cmpccxadd"),
	HIDE(8, "arch_perfmon_ext"),
	AND(10, "fzrm"),
	AND(11, "fsrs"),
	AND(12, "fsrc"),
	AND(17, "fred"),
	AND(18, "lkgs"),
	AND(19, "wrmsrns"),
	HIDE(20, "nmi_source"),
	AND(21, "amx_fp16"),
	HIDE(22, "hreset"),
	AND(23, "avx_ifma"),
	AND(26, "lam"),
	AND(27, "msrlist"),
	AND(31, "movrs"),
};

static const struct feature leaf_7_1_ebx[] = {
	HIDE(0, "intel_ppin"),
};

static const struct feature leaf_7_1_ecx[] = {
	AND(5, "msr_imm"),
};

static const struct feature leaf_7_1_edx[] = {
	AND(4, "avx_vnni_int8"),
	AND(5, "avx_ne_convert"),
	AND(8, "amx_complex"),
	AND(10, "avx_vnni_int16"),
	HIDE(13, "utmr"),
	AND(14, "prefetchiti"),
	HIDE(15, "user_msr"),
	AND(18, "cet_sss"),
	AND(19, "avx10"),
	AND(21, "apx"),
};

static const struct feature leaf_7_2_edx[] = {
	AND(0, "intel_psfd"),
	AND(1, "ipred_ctrl"),
	AND(2, "rrsba_ctrl"),
	AND(3, "ddpd_u"),
	AND(4, "bhi_ctrl"),
	AND(5, "mcdt_no"),
	HIDE(6, "uclock_disable"),
};

static const struct feature leaf_a_eax[] = {
	FIELD(0, 8, "pmu_version", HIDE),
	FIELD(8, 8, "pmu_counters", HIDE),
	FIELD(16, 8, "pmu_counter_width", HIDE),
	FIELD(24, 8, "pmu_events", HIDE),
};

static const struct feature leaf_a_edx[] = {
	FIELD(0, 5, "pmu_fixed_counters", HIDE),
	FIELD(5, 8, "pmu_fixed_counter_width", HIDE),
	HIDE(15, "anythread_deprecated"),
};

static const struct feature leaf_d_0_eax[] = {
	AND(0, "xcr0_x87"),
	AND(1, "xcr0_sse"),
	AND(2, "xcr0_avx"),
	AND(3, "xcr0_bndregs"),
	AND(4, "xcr0_bndcsr"),
	AND(5, "xcr0_opmask"),
	AND(6, "xcr0_zmm_hi256"),
	AND(7, "xcr0_hi16_zmm"),
	AND(9, "xcr0_pkru"),
	AND(17, "xcr0_xtilecfg"),
	AND(18, "xcr0_xtiledata"),
	AND(19, "xcr0_apx"),
};

static const struct feature leaf_d_0_edx[] = {
	HIDE(30, "xcr0_lwp"),
};

static const struct feature leaf_d_1_eax[] = {
	AND(0, "xsaveopt"),
	AND(1, "xsavec"),
	AND(2, "xgetbv1"),
	AND(3, "xsaves"),
	AND(4, "xfd"),
};

static const struct feature leaf_d_1_ecx[] = {
	HIDE(8, "xss_pt"),
	HIDE(10, "xss_pasid"),
	AND(11, "xss_cet_u"),
	AND(12, "xss_cet_s"),
	HIDE(13, "xss_hdc"),
	HIDE(14, "xss_uintr"),
	HIDE(15, "xss_lbr"),
	HIDE(16, "xss_hwp"),
};

static const struct feature leaf_12_0_eax[] = {
	HIDE(0, "sgx1"),
	HIDE(1, "sgx2"),
	HIDE(11, "sgx_edeccssa"),
};

static const struct feature leaf_1d_1_eax[] = {
	FIELD(0, 16, "tile_bytes", LAYOUT),
	FIELD(16, 16, "tile_bytes_each", LAYOUT),
};

static const struct feature leaf_1d_1_ebx[] = {
	FIELD(0, 16, "tile_bytes_per_row", LAYOUT),
	FIELD(16, 16, "tile_names", LAYOUT),
};

static const struct feature leaf_1d_1_ecx[] = {
	FIELD(0, 16, "tile_rows", LAYOUT),
};

static const struct feature leaf_1e_0_ebx[] = {
	FIELD(0, 8, "tmul_maxk", LAYOUT),
	FIELD(8, 16, "tmul_maxn", LAYOUT),
};

static const struct feature leaf_1e_1_eax[] = {
	AND(0, "amx_int8_alias"),
	AND(1, "amx_bf16_alias"),
	AND(2, "amx_complex_alias"),
	AND(3, "amx_fp16_alias"),
	AND(4, "amx_fp8"),
	AND(6, "amx_tf32"),
	AND(7, "amx_avx512"),
	AND(8, "amx_movrs"),
};

static const struct feature leaf_24_0_ebx[] = {
	FIELD(0, 8, "avx10_version", MIN),
	AND(16, "avx10_128"),
	AND(17, "avx10_256"),
	AND(18, "avx10_512"),
};

static const struct feature leaf_24_1_ecx[] = {
	AND(2, "avx10_vnni_int"),
};

static const struct feature leaf_29_0_ebx[] = {
	AND(0, "apx_nci_ndd_nf"),
};

/* Those that would need the monitor to do its part are hidden. */
static const struct feature leaf_40000001_eax[] = {
	AND(0, "kvm_clocksource"),
	AND(1, "kvm_nop_io_delay"),
	HIDE(2, "kvm_mmu_op"),
	AND(3, "kvm_clocksource2"),
	AND(4, "kvm_async_pf"),
	AND(5, "kvm_steal_time"),
	AND(6, "kvm_pv_eoi"),
	AND(7, "kvm_pv_unhalt"),
	AND(9, "kvm_pv_tlb_flush"),
	AND(10, "kvm_async_pf_vmexit"),
	AND(11, "kvm_pv_send_ipi"),
	AND(12, "kvm_poll_control"),
	AND(13, "kvm_pv_sched_yield"),
	AND(14, "kvm_async_pf_int"),
	HIDE(15, "kvm_msi_ext_dest_id"),
	HIDE(16, "kvm_hc_map_gpa_range"),
	HIDE(17, "kvm_migration_control"),
	AND(24, "kvm_clocksource_stable_bit"),
};

static const struct feature leaf_40000001_edx[] = {
	MACHINE(0, "kvm_hints_realtime"),
};

static const struct feature leaf_80000001_ebx[] = {
	FIELD(0, 16, "ext_brand_id", EQUAL_0),
	FIELD(28, 4, "package_type", EQUAL_0),
};

static const struct feature leaf_80000001_ecx[] = {
	AND(0, "lahf_lm"),
	MACHINE(1, "cmp_legacy"),
	AND(2, "svm"),
	HIDE(3, "extapic"),
	AND(4, "cr8_legacy"),
	AND(5, "abm"),
	AND(6, "sse4a"),
	AND(7, "misalignsse"),
	AND(8, "3dnowprefetch"),
	AND(9, "osvw"),
	HIDE(10, "ibs"),
	AND(11, "xop"),
	HIDE(12, "skinit"),
	HIDE(13, "wdt"),
	HIDE(15, "lwp"),
	AND(16, "fma4"),
	AND(17, "tce"),
	HIDE(19, "nodeid_msr"),
	AND(21, "tbm"),
	AND(22, "topoext"),
	HIDE(23, "perfctr_core"),
	HIDE(24, "perfctr_nb"),
	AND(26, "bpext"),
	HIDE(27, "ptsc"),
	HIDE(28, "perfctr_llc"),
	HIDE(29, "mwaitx"),
	AND(30, "addr_mask_ext"),
};

/* AMD repeats leaf 1 here: ext_*. */
static const struct feature leaf_80000001_edx[] = {
	AND(0, "ext_fpu"),
	AND(1, "ext_vme"),
	AND(2, "ext_de"),
	AND(3, "ext_pse"),
	AND(4, "ext_tsc"),
	AND(5, "ext_msr"),
	AND(6, "ext_pae"),
	AND(7, "ext_mce"),
	AND(8, "ext_cx8"),
	AND(9, "ext_apic"),
	AND(11, "syscall"),
	AND(12, "ext_mtrr"),
	AND(13, "ext_pge"),
	AND(14, "ext_mca"),
	AND(15, "ext_cmov"),
	AND(16, "ext_pat"),
	AND(17, "ext_pse36"),
	HIDE(19, "mp"),
	AND(20, "nx"),
	AND(22, "mmxext"),
	AND(23, "ext_mmx"),
	AND(24, "ext_fxsr"),
	AND(25, "fxsr_opt"),
	AND(26, "pdpe1gb"),
	AND(27, "rdtscp"),
	AND(29, "lm"),
	AND(30, "3dnowext"),
	AND(31, "3dnow"),
};

/* TLBs and caches (AMD) */
static const struct feature leaf_80000005_eax[] = {
	FIELD(0, 8, "l1i_tlb_2m_entries", OLDEST),
	FIELD(8, 8, "l1i_tlb_2m_ways", OLDEST),
	FIELD(16, 8, "l1d_tlb_2m_entries", OLDEST),
	FIELD(24, 8, "l1d_tlb_2m_ways", OLDEST),
};

static const struct feature leaf_80000005_ebx[] = {
	FIELD(0, 8, "l1i_tlb_4k_entries", OLDEST),
	FIELD(8, 8, "l1i_tlb_4k_ways", OLDEST),
	FIELD(16, 8, "l1d_tlb_4k_entries", OLDEST),
	FIELD(24, 8, "l1d_tlb_4k_ways", OLDEST),
};

static const struct feature leaf_80000005_ecx[] = {
	FIELD(0, 8, "l1d_line_size", OLDEST),
	FIELD(8, 8, "l1d_lines_per_tag", OLDEST),
	FIELD(16, 8, "l1d_ways", OLDEST),
	FIELD(24, 8, "l1d_kib", OLDEST),
};

static const struct feature leaf_80000005_edx[] = {
	FIELD(0, 8, "l1i_line_size", OLDEST),
	FIELD(8, 8, "l1i_lines_per_tag", OLDEST),
	FIELD(16, 8, "l1i_ways", OLDEST),
	FIELD(24, 8, "l1i_kib", OLDEST),
};

static const struct feature leaf_80000006_eax[] = {
	FIELD(0, 12, "l2i_tlb_2m_entries", OLDEST),
	FIELD(12, 4, "l2i_tlb_2m_ways", OLDEST),
	FIELD(16, 12, "l2d_tlb_2m_entries", OLDEST),
	FIELD(28, 4, "l2d_tlb_2m_ways", OLDEST),
};

static const struct feature leaf_80000006_ebx[] = {
	FIELD(0, 12, "l2i_tlb_4k_entries", OLDEST),
	FIELD(12, 4, "l2i_tlb_4k_ways", OLDEST),
	FIELD(16, 12, "l2d_tlb_4k_entries", OLDEST),
	FIELD(28, 4, "l2d_tlb_4k_ways", OLDEST),
};

static const struct feature leaf_80000006_ecx[] = {
	FIELD(0, 8, "l2_line_size", OLDEST),
	FIELD(8, 4, "l2_lines_per_tag", OLDEST),
	FIELD(12, 4, "l2_ways", OLDEST),
	FIELD(16, 16, "l2_kib", OLDEST),
};

static const struct feature leaf_80000006_edx[] = {
	FIELD(0, 8, "l3_line_size", OLDEST),
	FIELD(8, 4, "l3_lines_per_tag", OLDEST),
	FIELD(12, 4, "l3_ways", OLDEST),
	FIELD(18, 14, "l3_512kib", OLDEST),
};

static const struct feature leaf_80000007_ebx[] = {
	HIDE(0, "overflow_recov"),
	HIDE(1, "succor"),
	HIDE(2, "hw_assert"),
	HIDE(3, "smca"),
};

static const struct feature leaf_80000007_edx[] = {
	HIDE(0, "digital_temp"),
	HIDE(1, "powernow_freq_id"),
	HIDE(2, "powernow_volt_id"),
	HIDE(3, "thermal_trip"),
	HIDE(4, "hw_thermal_control"),
	HIDE(5, "sw_thermal_control"),
	HIDE(6, "100mhz_steps"),
	HIDE(7, "hw_pstate"),
	AND(8, "constant_tsc"),
	HIDE(9, "cpb"),
	HIDE(10, "eff_freq_ro"),
	HIDE(11, "proc_feedback"),
	HIDE(12, "acc_power"),
	HIDE(13, "connected_standby"),
	HIDE(14, "rapl"),
};

static const struct feature leaf_80000008_eax[] = {
	FIELD(0, 8, "phys_bits", MIN),
	FIELD(8, 8, "virt_bits", MIN),
	FIELD(16, 8, "guest_phys_bits", MIN),
};

/* EFER_LMSLE_MBZ says that segment limits are not checked in long mode. */
static const struct feature leaf_80000008_ebx[] = {
	AND(0, "clzero"),
	HIDE(1, "irperf"),
	AND(2, "xsaveerptr"),
	HIDE(3, "invlpgb"),
	HIDE(4, "rdpru"),
	HIDE(6, "mba"),
	HIDE(8, "mcommit"),
	AND(9, "wbnoinvd"),
	AND(12, "amd_ibpb"),
	AND(13, "wbinvd_int"),
	AND(14, "amd_ibrs"),
	AND(15, "amd_stibp"),
	AND(16, "amd_ibrs_always_on"),
	AND(17, "amd_stibp_always_on"),
	AND(18, "amd_ibrs_preferred"),
	AND(19, "amd_ibrs_same_mode"),
	OR(20, "efer_lmsle_mbz"),
	HIDE(21, "invlpgb_nested"),
	HIDE(23, "amd_ppin"),
	AND(24, "amd_ssbd"),
	AND(25, "virt_ssbd"),
	AND(26, "amd_ssb_no"),
	HIDE(27, "cppc"),
	AND(28, "amd_psfd"),
	AND(29, "btc_no"),
	AND(30, "amd_ibpb_ret"),
	HIDE(31, "brs"),
};

static const struct feature leaf_80000008_ecx[] = {
	FIELD(0, 8, "cores_less_one", MACHINE),
	FIELD(12, 4, "apic_id_bits", MACHINE),
	FIELD(16, 2, "perf_tsc_size", HIDE),
};

static const struct feature leaf_80000008_edx[] = {
	FIELD(0, 16, "invlpgb_count_max", HIDE),
	FIELD(16, 16, "rdpru_ecx_max", HIDE),
};

static const struct feature leaf_8000000a_eax[] = {
	FIELD(0, 8, "svm_revision", MIN),
};

static const struct feature leaf_8000000a_edx[] = {
	AND(0, "npt"),
	AND(1, "lbrv"),
	AND(2, "svm_lock"),
	AND(3, "nrip_save"),
	AND(4, "tsc_scale"),
	AND(5, "vmcb_clean"),
	AND(6, "flushbyasid"),
	AND(7, "decodeassists"),
	AND(10, "pausefilter"),
	AND(12, "pfthreshold"),
	AND(13, "avic"),
	AND(15, "v_vmsave_vmload"),
	AND(16, "vgif"),
	AND(17, "gmet"),
	AND(18, "x2avic"),
	AND(19, "svm_sss_check"),
	AND(20, "v_spec_ctrl"),
	AND(21, "rogpt"),
	AND(23, "host_mce_override"),
	AND(24, "tlbi_ctl"),
	AND(25, "vnmi"),
	HIDE(26, "ibs_virt"),
	HIDE(27, "ext_lvt_avic"),
	AND(28, "svme_addr_chk"),
};

static const struct feature leaf_80000019_eax[] = {
	FIELD(0, 12, "l1i_tlb_1g_entries", OLDEST),
	FIELD(12, 4, "l1i_tlb_1g_ways", OLDEST),
	FIELD(16, 12, "l1d_tlb_1g_entries", OLDEST),
	FIELD(28, 4, "l1d_tlb_1g_ways", OLDEST),
};

static const struct feature leaf_80000019_ebx[] = {
	FIELD(0, 12, "l2i_tlb_1g_entries", OLDEST),
	FIELD(12, 4, "l2i_tlb_1g_ways", OLDEST),
	FIELD(16, 12, "l2d_tlb_1g_entries", OLDEST),
	FIELD(28, 4, "l2d_tlb_1g_ways", OLDEST),
};

static const struct feature leaf_8000001a_eax[] = {
	AND(0, "fp128"),
	AND(1, "movu"),
	AND(2, "fp256"),
};

static const struct feature leaf_8000001f_eax[] = {
	HIDE(0, "sme"),
	HIDE(1, "sev"),
	HIDE(2, "vm_page_flush"),
	HIDE(3, "sev_es"),
	HIDE(4, "sev_snp"),
	HIDE(5, "vmpl"),
	HIDE(8, "secure_tsc"),
	HIDE(9, "v_tsc_aux"),
	HIDE(10, "sme_coherent"),
	HIDE(14, "debug_swap"),
	HIDE(28, "svsm"),
	HIDE(30, "hv_inuse_wr_allowed"),
};

/* WRMSR_XX_BASE_NS: writes of FS and GS bases may not serialize on some host. */
static const struct feature leaf_80000021_eax[] = {
	AND(0, "no_nested_data_bp"),
	OR(1, "wrmsr_xx_base_ns"),
	AND(2, "lfence_rdtsc"),
	HIDE(3, "smm_page_cfg_lock"),
	CLEAR(5, "verw_clear"),
	AND(6, "null_sel_clr_base"),
	AND(7, "upper_address_ignore"),
	AND(8, "autoibrs"),
	AND(9, "no_smm_ctl_msr"),
	AND(10, "amd_fsrs"),
	AND(11, "amd_fsrc"),
	HIDE(13, "prefetch_ctl_msr"),
	AND(17, "gp_on_user_cpuid"),
	HIDE(18, "epsf"),
	AND(20, "prefetchi"),
	AND(23, "avx512_bmm"),
	AND(24, "eraps"),
	AND(27, "sbpb"),
	AND(28, "ibpb_brtype"),
	AND(29, "srso_no"),
	AND(30, "srso_user_kernel_no"),
	AND(31, "srso_bp_spec_reduce"),
};

static const struct feature leaf_80000021_ebx[] = {
	FIELD(16, 8, "rap_size", MIN),
};

static const struct feature leaf_80000021_ecx[] = {
	AND(1, "tsa_sq_no"),
	AND(2, "tsa_l1_no"),
	AND(7, "tsa_fill_no"),
};

static const struct feature leaf_80000022_eax[] = {
	HIDE(0, "perfmon_v2"),
	HIDE(1, "amd_lbr_v2"),
	HIDE(2, "amd_lbr_pmc_freeze"),
};

static const struct feature leaf_80000022_ebx[] = {
	FIELD(0, 4, "amd_core_counters", HIDE),
	FIELD(4, 6, "amd_lbr_stack", HIDE),
	FIELD(10, 6, "amd_northbridge_counters", HIDE),
	FIELD(16, 6, "amd_umc_counters", HIDE),
};

static const struct feature leaf_c0000001_edx[] = {
	AND(2, "rng"),
	AND(3, "rng_en"),
	AND(6, "ace"),
	AND(7, "ace_en"),
	AND(8, "ace2"),
	AND(9, "ace2_en"),
	AND(10, "phe"),
	AND(11, "phe_en"),
	AND(12, "pmm"),
	AND(13, "pmm_en"),
};

/* clang-format off */
/*
 * Leaves 4 and 8000001D, one subleaf a cache: those of a CPU that exists; who
 * shares them is the VM's.
 */
#define CACHE(leaf, n, name) \
static const struct feature leaf_##leaf##_##n##_eax[] = { \
	FIELD(0, 5, name #n "_type", OLDEST), \
	FIELD(5, 3, name #n "_level", OLDEST), \
	FIELD(8, 1, name #n "_self_init", OLDEST), \
	FIELD(9, 1, name #n "_fully_associative", OLDEST), \
	FIELD(14, 12, name #n "_sharing", MACHINE), \
	FIELD(26, 6, name #n "_package_cores", MACHINE), \
}; \
static const struct feature leaf_##leaf##_##n##_ebx[] = { \
	FIELD(0, 12, name #n "_line_size", OLDEST), \
	FIELD(12, 10, name #n "_partitions", OLDEST), \
	FIELD(22, 10, name #n "_ways", OLDEST), \
}; \
static const struct feature leaf_##leaf##_##n##_ecx[] = { \
	FIELD(0, 32, name #n "_sets", OLDEST), \
}; \
static const struct feature leaf_##leaf##_##n##_edx[] = { \
	FIELD(0, 1, name #n "_wbinvd_not_all", OLDEST), \
	FIELD(1, 1, name #n "_inclusive", OLDEST), \
	FIELD(2, 1, name #n "_complex_index", OLDEST), \
}

CACHE(4, 0, "cache");
CACHE(4, 1, "cache");
CACHE(4, 2, "cache");
CACHE(4, 3, "cache");
CACHE(4, 4, "cache");
CACHE(8000001D, 0, "amd_cache");
CACHE(8000001D, 1, "amd_cache");
CACHE(8000001D, 2, "amd_cache");
CACHE(8000001D, 3, "amd_cache");
CACHE(8000001D, 4, "amd_cache");

/* Leaf D, one subleaf a state component: hosts must agree where it lies. */
#define XSAVE_FLAGS(n, name) \
static const struct feature leaf_D_##n##_ecx[] = { \
	FIELD(0, 1, "xsave_" name "_supervisor", LAYOUT), \
	FIELD(1, 1, "xsave_" name "_align64", LAYOUT), \
	FIELD(2, 1, "xsave_" name "_xfd", LAYOUT), \
}

XSAVE_FLAGS(2, "avx");
XSAVE_FLAGS(3, "bndregs");
XSAVE_FLAGS(4, "bndcsr");
XSAVE_FLAGS(5, "opmask");
XSAVE_FLAGS(6, "zmm_hi256");
XSAVE_FLAGS(7, "hi16_zmm");
XSAVE_FLAGS(8, "pt");
XSAVE_FLAGS(9, "pkru");
XSAVE_FLAGS(10, "pasid");
XSAVE_FLAGS(11, "cet_u");
XSAVE_FLAGS(12, "cet_s");
XSAVE_FLAGS(13, "hdc");
XSAVE_FLAGS(14, "uintr");
XSAVE_FLAGS(15, "lbr");
XSAVE_FLAGS(16, "hwp");
XSAVE_FLAGS(17, "xtilecfg");
XSAVE_FLAGS(18, "xtiledata");
XSAVE_FLAGS(19, "apx");

#define CPUID_ROW(leaf, sub, isindexed, r, title, ...) { \
	SPACE_CPUID, REG_##r, isindexed, 0x##leaf, sub, \
	"CPUID." title ":" #r, __VA_ARGS__ \
}
/* A register of a plain leaf, of a subleaf; and one that is a single field. */
#define LEAF(leaf, r, list) \
	CPUID_ROW(leaf, 0, false, r, #leaf, list, ARRAY_SIZE(list))
#define SUB(leaf, sub, r, list) \
	CPUID_ROW(leaf, sub, true, r, #leaf "." #sub, list, ARRAY_SIZE(list))
#define WHOLE(field, rule) \
	(const struct feature[]){ FIELD(0, 32, field, rule) }, 1
#define LEAF_WHOLE(leaf, r, field, rule) \
	CPUID_ROW(leaf, 0, false, r, #leaf, WHOLE(field, rule))
#define SUB_WHOLE(leaf, sub, r, field, rule) \
	CPUID_ROW(leaf, sub, true, r, #leaf "." #sub, WHOLE(field, rule))

#define CACHE_ROWS(leaf, n) \
	SUB(leaf, n, EAX, leaf_##leaf##_##n##_eax), \
	SUB(leaf, n, EBX, leaf_##leaf##_##n##_ebx), \
	SUB(leaf, n, ECX, leaf_##leaf##_##n##_ecx), \
	SUB(leaf, n, EDX, leaf_##leaf##_##n##_edx)
#define TOPOLOGY_ROWS(leaf, n, name) \
	SUB_WHOLE(leaf, n, EAX, name #n "_shift", MACHINE), \
	SUB_WHOLE(leaf, n, EBX, name #n "_cpus", MACHINE), \
	SUB_WHOLE(leaf, n, ECX, name #n "_level", MACHINE), \
	SUB_WHOLE(leaf, n, EDX, name #n "_apic_id", MACHINE)
#define XSAVE_ROWS(n, name) \
	SUB_WHOLE(D, n, EAX, "xsave_" name "_size", LAYOUT), \
	SUB_WHOLE(D, n, EBX, "xsave_" name "_offset", LAYOUT), \
	SUB(D, n, ECX, leaf_D_##n##_ecx)
#define BRAND_ROWS(leaf, part) \
	LEAF_WHOLE(leaf, EAX, "brand_string_" part "_eax", BRAND), \
	LEAF_WHOLE(leaf, EBX, "brand_string_" part "_ebx", BRAND), \
	LEAF_WHOLE(leaf, ECX, "brand_string_" part "_ecx", BRAND), \
	LEAF_WHOLE(leaf, EDX, "brand_string_" part "_edx", BRAND)

const struct feature_reg cpuid_regs[] = {
	LEAF_WHOLE(0, EAX, "max_leaf", MIN),
	LEAF_WHOLE(0, EBX, "vendor_ebx", EQUAL),
	LEAF_WHOLE(0, ECX, "vendor_ecx", EQUAL),
	LEAF_WHOLE(0, EDX, "vendor_edx", EQUAL),
	/* As a number the least is the oldest: see identity.h. */
	LEAF_WHOLE(1, EAX, "signature", OLDEST),
	LEAF(1, EBX, leaf_1_ebx),
	LEAF(1, ECX, leaf_1_ecx),
	LEAF(1, EDX, leaf_1_edx),
	LEAF(2, EAX, leaf_2_eax),
	LEAF_WHOLE(2, EBX, "cache_descriptors_ebx", OLDEST),
	LEAF_WHOLE(2, ECX, "cache_descriptors_ecx", OLDEST),
	LEAF_WHOLE(2, EDX, "cache_descriptors_edx", OLDEST),
	CACHE_ROWS(4, 0),
	CACHE_ROWS(4, 1),
	CACHE_ROWS(4, 2),
	CACHE_ROWS(4, 3),
	CACHE_ROWS(4, 4),
	LEAF_WHOLE(5, EAX, "monitor_line_min", HIDE),
	LEAF_WHOLE(5, EBX, "monitor_line_max", HIDE),
	LEAF_WHOLE(5, ECX, "mwait_extensions", HIDE),
	LEAF_WHOLE(5, EDX, "mwait_substates", HIDE),
	LEAF(6, EAX, leaf_6_eax),
	LEAF_WHOLE(6, EBX, "thermal_thresholds", HIDE),
	LEAF(6, ECX, leaf_6_ecx),
	LEAF_WHOLE(6, EDX, "hfi_table", HIDE),
	SUB_WHOLE(7, 0, EAX, "max_subleaf_7", MIN),
	SUB(7, 0, EBX, leaf_7_0_ebx),
	SUB(7, 0, ECX, leaf_7_0_ecx),
	SUB(7, 0, EDX, leaf_7_0_edx),
	SUB(7, 1, EAX, leaf_7_1_eax),
	SUB(7, 1, EBX, leaf_7_1_ebx),
	SUB(7, 1, ECX, leaf_7_1_ecx),
	SUB(7, 1, EDX, leaf_7_1_edx),
	SUB(7, 2, EDX, leaf_7_2_edx),
	LEAF_WHOLE(9, EAX, "dca_cap", HIDE),
	LEAF(A, EAX, leaf_a_eax),
	LEAF_WHOLE(A, EBX, "pmu_events_missing", HIDE),
	LEAF_WHOLE(A, ECX, "pmu_fixed_counter_mask", HIDE),
	LEAF(A, EDX, leaf_a_edx),
	TOPOLOGY_ROWS(B, 0, "topology"),
	TOPOLOGY_ROWS(B, 1, "topology"),
	TOPOLOGY_ROWS(B, 2, "topology"),
	SUB(D, 0, EAX, leaf_d_0_eax),
	SUB_WHOLE(D, 0, EBX, "xsave_size_now", DERIVED),
	SUB_WHOLE(D, 0, ECX, "xsave_size_max", DERIVED),
	SUB(D, 0, EDX, leaf_d_0_edx),
	SUB(D, 1, EAX, leaf_d_1_eax),
	SUB_WHOLE(D, 1, EBX, "xsave_size_compact", DERIVED),
	SUB(D, 1, ECX, leaf_d_1_ecx),
	XSAVE_ROWS(2, "avx"),
	XSAVE_ROWS(3, "bndregs"),
	XSAVE_ROWS(4, "bndcsr"),
	XSAVE_ROWS(5, "opmask"),
	XSAVE_ROWS(6, "zmm_hi256"),
	XSAVE_ROWS(7, "hi16_zmm"),
	XSAVE_ROWS(8, "pt"),
	XSAVE_ROWS(9, "pkru"),
	XSAVE_ROWS(10, "pasid"),
	XSAVE_ROWS(11, "cet_u"),
	XSAVE_ROWS(12, "cet_s"),
	XSAVE_ROWS(13, "hdc"),
	XSAVE_ROWS(14, "uintr"),
	XSAVE_ROWS(15, "lbr"),
	XSAVE_ROWS(16, "hwp"),
	XSAVE_ROWS(17, "xtilecfg"),
	XSAVE_ROWS(18, "xtiledata"),
	XSAVE_ROWS(19, "apx"),
	SUB_WHOLE(F, 0, EBX, "cqm_max_rmid", HIDE),
	SUB_WHOLE(F, 0, EDX, "cqm_resources", HIDE),
	SUB_WHOLE(10, 0, EBX, "rdt_resources", HIDE),
	SUB(12, 0, EAX, leaf_12_0_eax),
	SUB_WHOLE(12, 0, EBX, "sgx_miscselect", HIDE),
	SUB_WHOLE(12, 0, EDX, "sgx_enclave_size", HIDE),
	SUB_WHOLE(12, 1, EAX, "sgx_attributes_0", HIDE),
	SUB_WHOLE(12, 1, EBX, "sgx_attributes_1", HIDE),
	SUB_WHOLE(12, 1, ECX, "sgx_attributes_2", HIDE),
	SUB_WHOLE(12, 1, EDX, "sgx_attributes_3", HIDE),
	SUB_WHOLE(14, 0, EAX, "max_subleaf_14", HIDE),
	SUB_WHOLE(14, 0, EBX, "pt_features", HIDE),
	SUB_WHOLE(14, 0, ECX, "pt_outputs", HIDE),
	SUB_WHOLE(14, 1, EAX, "pt_ranges", HIDE),
	SUB_WHOLE(14, 1, EBX, "pt_periods", HIDE),
	LEAF_WHOLE(15, EAX, "tsc_ratio_denominator", MACHINE),
	LEAF_WHOLE(15, EBX, "tsc_ratio_numerator", MACHINE),
	LEAF_WHOLE(15, ECX, "crystal_hz", MACHINE),
	LEAF_WHOLE(16, EAX, "base_mhz", MACHINE),
	LEAF_WHOLE(16, EBX, "turbo_mhz", MACHINE),
	LEAF_WHOLE(16, ECX, "bus_mhz", MACHINE),
	LEAF_WHOLE(19, EAX, "kl_restrictions", HIDE),
	LEAF_WHOLE(19, EBX, "kl_features", HIDE),
	LEAF_WHOLE(19, ECX, "kl_loadiwkey", HIDE),
	LEAF_WHOLE(1A, EAX, "hybrid_core_type", HIDE),
	LEAF_WHOLE(1C, EAX, "lbr_depths", HIDE),
	LEAF_WHOLE(1C, EBX, "lbr_filters", HIDE),
	LEAF_WHOLE(1C, ECX, "lbr_fields", HIDE),
	SUB_WHOLE(1D, 0, EAX, "max_tile_palette", MIN),
	SUB(1D, 1, EAX, leaf_1d_1_eax),
	SUB(1D, 1, EBX, leaf_1d_1_ebx),
	SUB(1D, 1, ECX, leaf_1d_1_ecx),
	SUB_WHOLE(1E, 0, EAX, "max_subleaf_1e", MIN),
	SUB(1E, 0, EBX, leaf_1e_0_ebx),
	SUB(1E, 1, EAX, leaf_1e_1_eax),
	TOPOLOGY_ROWS(1F, 0, "v2_topology"),
	TOPOLOGY_ROWS(1F, 1, "v2_topology"),
	TOPOLOGY_ROWS(1F, 2, "v2_topology"),
	SUB_WHOLE(20, 0, EBX, "hreset_types", HIDE),
	SUB_WHOLE(23, 0, EAX, "pmu_subleaves", HIDE),
	SUB_WHOLE(23, 0, EBX, "pmu_umask2", HIDE),
	SUB_WHOLE(24, 0, EAX, "max_subleaf_24", MIN),
	SUB(24, 0, EBX, leaf_24_0_ebx),
	SUB(24, 1, ECX, leaf_24_1_ecx),
	SUB_WHOLE(29, 0, EAX, "max_subleaf_29", MIN),
	SUB(29, 0, EBX, leaf_29_0_ebx),
	LEAF_WHOLE(40000000, EAX, "kvm_max_leaf", MIN),
	LEAF_WHOLE(40000000, EBX, "kvm_signature_ebx", EQUAL),
	LEAF_WHOLE(40000000, ECX, "kvm_signature_ecx", EQUAL),
	LEAF_WHOLE(40000000, EDX, "kvm_signature_edx", EQUAL),
	LEAF(40000001, EAX, leaf_40000001_eax),
	LEAF(40000001, EDX, leaf_40000001_edx),
	LEAF_WHOLE(80000000, EAX, "max_ext_leaf", MIN),
	LEAF_WHOLE(80000000, EBX, "ext_vendor_ebx", EQUAL),
	LEAF_WHOLE(80000000, ECX, "ext_vendor_ecx", EQUAL),
	LEAF_WHOLE(80000000, EDX, "ext_vendor_edx", EQUAL),
	LEAF_WHOLE(80000001, EAX, "ext_signature", OLDEST),
	LEAF(80000001, EBX, leaf_80000001_ebx),
	LEAF(80000001, ECX, leaf_80000001_ecx),
	LEAF(80000001, EDX, leaf_80000001_edx),
	BRAND_ROWS(80000002, "1"),
	BRAND_ROWS(80000003, "2"),
	BRAND_ROWS(80000004, "3"),
	LEAF(80000005, EAX, leaf_80000005_eax),
	LEAF(80000005, EBX, leaf_80000005_ebx),
	LEAF(80000005, ECX, leaf_80000005_ecx),
	LEAF(80000005, EDX, leaf_80000005_edx),
	LEAF(80000006, EAX, leaf_80000006_eax),
	LEAF(80000006, EBX, leaf_80000006_ebx),
	LEAF(80000006, ECX, leaf_80000006_ecx),
	LEAF(80000006, EDX, leaf_80000006_edx),
	LEAF(80000007, EBX, leaf_80000007_ebx),
	LEAF(80000007, EDX, leaf_80000007_edx),
	LEAF(80000008, EAX, leaf_80000008_eax),
	LEAF(80000008, EBX, leaf_80000008_ebx),
	LEAF(80000008, ECX, leaf_80000008_ecx),
	LEAF(80000008, EDX, leaf_80000008_edx),
	LEAF(8000000A, EAX, leaf_8000000a_eax),
	LEAF_WHOLE(8000000A, EBX, "svm_asids", MIN),
	LEAF(8000000A, EDX, leaf_8000000a_edx),
	LEAF(80000019, EAX, leaf_80000019_eax),
	LEAF(80000019, EBX, leaf_80000019_ebx),
	LEAF(8000001A, EAX, leaf_8000001a_eax),
	LEAF_WHOLE(8000001B, EAX, "ibs_features", HIDE),
	CACHE_ROWS(8000001D, 0),
	CACHE_ROWS(8000001D, 1),
	CACHE_ROWS(8000001D, 2),
	CACHE_ROWS(8000001D, 3),
	CACHE_ROWS(8000001D, 4),
	LEAF_WHOLE(8000001E, EAX, "ext_apic_id", MACHINE),
	LEAF_WHOLE(8000001E, EBX, "core_id", MACHINE),
	LEAF_WHOLE(8000001E, ECX, "node_id", MACHINE),
	LEAF(8000001F, EAX, leaf_8000001f_eax),
	LEAF_WHOLE(8000001F, EBX, "sev_c_bit", HIDE),
	LEAF_WHOLE(8000001F, ECX, "sev_guests_max", HIDE),
	LEAF_WHOLE(8000001F, EDX, "sev_asid_min", HIDE),
	LEAF(80000021, EAX, leaf_80000021_eax),
	LEAF(80000021, EBX, leaf_80000021_ebx),
	LEAF(80000021, ECX, leaf_80000021_ecx),
	LEAF(80000022, EAX, leaf_80000022_eax),
	LEAF(80000022, EBX, leaf_80000022_ebx),
	LEAF_WHOLE(C0000000, EAX, "max_centaur_leaf", MIN),
	LEAF(C0000001, EDX, leaf_c0000001_edx),
};
/* clang-format on */

const unsigned cpuid_regs_count = ARRAY_SIZE(cpuid_regs);
