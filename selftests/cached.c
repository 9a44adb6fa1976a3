// SPDX-License-Identifier: GPL-2.0
/*
 * cached: how many pages of a file are in the page cache, and how many of them
 * are dirty or being written: `cached FILE' prints both numbers.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_cachestat
#define SYS_cachestat 451
#endif

int main(int argc, char **argv)
{
	/* struct cachestat_range and struct cachestat; length 0: to the end. */
	struct { uint64_t offset, length; } range = { 0, 0 };
	struct { uint64_t cached, dirty, writeback, evicted, recent; } counts;
	int fd;

	if (argc != 2) {
		fputs("Usage: cached FILE\n", stderr);
		return 2;
	}
	fd = open(argv[1], O_RDWR | O_CLOEXEC);
	if (fd < 0 || syscall(SYS_cachestat, fd, &range, &counts, 0)) {
		perror("cached");
		return 2;
	}
	printf("%llu %llu\n", (unsigned long long)counts.cached,
	       (unsigned long long)(counts.dirty + counts.writeback));
	return 0;
}
