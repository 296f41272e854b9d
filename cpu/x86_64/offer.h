/* SPDX-License-Identifier: Apache-2.0 */
/*
 * offer.h - what this host's KVM can show a guest, by trying it on a vCPU
 *
 * KVM takes most CPUID bits unseen and lists feature MSRs that it then refuses:
 * only what a vCPU shows after it was set counts.
 */
#ifndef MUSTER_CPU_X86_64_OFFER_H
#define MUSTER_CPU_X86_64_OFFER_H

#include "cpu/x86_64/cpu_set.h"

/*
 * Give a vCPU that has never run all that KVM says it supports (`supported`, from
 * cpuid_get_supported()), and read back what it shows.  The VM has its interrupt
 * controllers.  Bits without a name and bits that guests never see are included;
 * the vCPU keeps the values.  0 or -errno with a sentence.
 */
int offer_probe(int kvm_fd, int vcpu_fd, const struct cpuid *supported,
	struct cpu_set *ret);

#endif
