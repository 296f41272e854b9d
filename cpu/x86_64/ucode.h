/* SPDX-License-Identifier: Apache-2.0 */
/* ucode.h - the registers that load microcode */
#ifndef MUSTER_CPU_X86_64_UCODE_H
#define MUSTER_CPU_X86_64_UCODE_H

#define MSR_INTEL_LOADER 0x79u       /* IA32_BIOS_UPDT_TRIG */
#define MSR_AMD_LOADER   0xc0010020u /* PATCH_LOADER */

#endif
