/* SPDX-License-Identifier: Apache-2.0 */
/* image.h - a disk image in a folder of its own, for cmocka's setup and teardown */
#ifndef MUSTER_TESTS_UNIT_IMAGE_H
#define MUSTER_TESTS_UNIT_IMAGE_H

#include "devices/backend/disk.h"
#include "tests/unit/fake_loop.h"

#define IMAGE_BYTES (64 * KIB)

/* Each byte of sector N is N + 1. */
extern char image_folder[32], image_path[48];

int image_setup(void **state);
int image_teardown(void **state);

#endif
