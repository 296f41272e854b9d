/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cpu_set_json.h - a CPU in a file: "cpuid", a list of leaves, and "msrs"
 *
 *     "cpuid": [{"leaf": "0x7", "subleaf": "0x0", "ebx": "0x219c07ab"}, …],
 *     "msrs": {"0x480": "0x58100011e57ed0", …}
 *
 * Both ascend.  A register that is not there is absent; one that feature.h does
 * not know is refused.
 */
#ifndef MUSTER_CPU_X86_64_CPU_SET_JSON_H
#define MUSTER_CPU_X86_64_CPU_SET_JSON_H

#include <jansson.h>

#include "cpu/x86_64/cpu_set.h"
#include "vmm/base/buf.h"

/* Append both members, each line behind `indent`, without a last newline. */
void cpu_set_print(
	const struct cpu_set *set, const char *indent, struct buf *out);

/*
 * Read both members of an object.  0, or -EBADMSG with a sentence: unknown or
 * double registers, no vendor, a VMX control that must and may not be 1.
 */
int cpu_set_parse(const char *origin, const char *where, const json_t *object,
	struct cpu_set *ret);

#endif
