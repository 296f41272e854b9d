/* SPDX-License-Identifier: Apache-2.0 */
/* tab.h - how the tables of registers spell their features */
#ifndef MUSTER_CPU_X86_64_TAB_H
#define MUSTER_CPU_X86_64_TAB_H

#include "cpu/x86_64/feature.h"

/* clang-format off */
#define FIELD(low, width, name, rule) { name, low, width, RULE_##rule }
#define AND(bit, name)                FIELD(bit, 1, name, AND)
#define OR(bit, name)                 FIELD(bit, 1, name, OR)
#define CLEAR(bit, name)              FIELD(bit, 1, name, CLEAR)
#define HIDE(bit, name)               FIELD(bit, 1, name, HIDE)
#define MACHINE(bit, name)            FIELD(bit, 1, name, MACHINE)
/* clang-format on */

#endif
