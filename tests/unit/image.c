/* SPDX-License-Identifier: Apache-2.0 */
/* image.c - a disk image whose bytes tell their sector */
#include "tests/unit/image.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/unit/unit.h"

char image_folder[32], image_path[48];

static void fill(int fd)
{
	uint8_t sector[DISK_SECTOR_BYTES];

	for (unsigned i = 0; i < IMAGE_BYTES / sizeof(sector); i++) {
		memset(sector, (int)i + 1, sizeof(sector));
		assert_int_equal(
			write(fd, sector, sizeof(sector)), sizeof(sector));
	}
}

int image_setup(void **state)
{
	int fd;

	(void)state;
	strcpy(image_folder, "/tmp/muster-unit-XXXXXX");
	assert_non_null(mkdtemp(image_folder));
	snprintf(image_path, sizeof(image_path), "%s/disk.img", image_folder);
	fd = open(image_path, O_RDWR | O_CREAT | O_EXCL, 0600);
	assert_true(fd >= 0);
	fill(fd);
	close(fd);
	return 0;
}

int image_teardown(void **state)
{
	(void)state;
	unlink(image_path);
	rmdir(image_folder);
	return 0;
}
