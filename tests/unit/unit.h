/* SPDX-License-Identifier: Apache-2.0 */
/* unit.h - what cmocka wants included before it */
#ifndef MUSTER_TESTS_UNIT_H
#define MUSTER_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "vmm/base/util.h"

#endif
