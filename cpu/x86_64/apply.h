/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apply.h - make a vCPU show the model, and prove it by reading it back
 *
 * A template's vCPU shows what the file says, or the VM does not start: the
 * sentence names every bit that KVM refused, dropped or added.  Of the host's own
 * CPU nothing is refused that KVM itself insists on.
 */
#ifndef MUSTER_CPU_X86_64_APPLY_H
#define MUSTER_CPU_X86_64_APPLY_H

#include "cpu/x86_64/model.h"

/* A vCPU that has never run; 0 or -errno with a sentence. */
int apply_model(int vcpu_fd, const struct cpu_model *model, unsigned index);

#endif
