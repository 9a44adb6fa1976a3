// SPDX-License-Identifier: GPL-2.0
/*
 * fsx: random operations on one file, compared with a copy in memory after
 * each read and at the end; after the idea of Apple's and xfstests' fsx, small.
 * The sequence follows from the seed alone.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
	"Usage: fsx FILE OPERATIONS SEED [SIZE]\n"
	"\n"
	"Writes, reads, truncates, punches, zeroes, syncs and drops the cache of\n"
	"FILE, which is made anew, up to SIZE bytes (default 262144).\n";

static size_t limit = 262144, length;
static unsigned char *shadow, *buffer;
static unsigned long long state;
static long step;
static int fd;

static unsigned int next(unsigned int below)
{
	/* xorshift64*: the same everywhere. */
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (unsigned int)((state * 2685821657736338717ULL) >> 33) % below;
}

static void die(const char *what)
{
	printf("fsx: operation %ld: %s: %s\n", step, what, strerror(errno));
	exit(1);
}

/* FILE's bytes from OFFSET on are those of the copy. */
static void check(size_t offset, size_t count)
{
	size_t i, got = 0;

	while (got < count) {
		ssize_t part = pread(fd, buffer + got, count - got, offset + got);

		if (part < 0)
			die("read");
		if (!part)
			break;
		got += part;
	}
	if (got != count) {
		printf("fsx: operation %ld: %zu bytes at %zu instead of %zu\n",
		       step, got, offset, count);
		exit(1);
	}
	for (i = 0; i < count; i++) {
		if (buffer[i] != shadow[offset + i]) {
			printf("fsx: operation %ld: byte %zu is %u instead of %u\n", step,
			       offset + i, buffer[i], shadow[offset + i]);
			exit(1);
		}
	}
}

static void grow(size_t end)
{
	if (end > length)
		length = end;
}

static void write_some(size_t offset, size_t count)
{
	size_t i, put = 0;

	for (i = 0; i < count; i++)
		shadow[offset + i] = (unsigned char)next(256);
	while (put < count) {
		ssize_t part = pwrite(fd, shadow + offset + put, count - put, offset + put);

		if (part <= 0)
			die("write");
		put += part;
	}
	grow(offset + count);
}

static void zero_some(int mode, size_t offset, size_t count)
{
	if (!count)
		return;
	if (fallocate(fd, mode, offset, count)) {
		if (errno == EOPNOTSUPP)
			return;
		die("fallocate");
	}
	memset(shadow + offset, 0, count);
}

static void truncate_to(size_t size)
{
	if (ftruncate(fd, size))
		die("truncate");
	if (size < length)
		memset(shadow + size, 0, length - size);
	length = size;
}

int main(int argc, char **argv)
{
	long operations;

	if (argc < 4) {
		fputs(usage, stderr);
		return 2;
	}
	operations = atol(argv[2]);
	state = strtoull(argv[3], NULL, 0) * 0x9E3779B97F4A7C15ULL + 1;
	if (argc > 4)
		limit = strtoull(argv[4], NULL, 0);
	shadow = calloc(1, limit);
	buffer = malloc(limit);
	fd = open(argv[1], O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || !shadow || !buffer)
		die("start");

	for (step = 0; step < operations; step++) {
		size_t offset = next(limit), count = next(limit / 4);

		if (count > limit - offset)
			count = limit - offset;
		switch (next(12)) {
		case 0 ... 4:
			write_some(offset, count);
			break;
		case 5 ... 7:
			if (offset < length)
				check(offset, count < length - offset ? count : length - offset);
			break;
		case 8:
			truncate_to(offset);
			break;
		case 9:
			/* Beyond the end there is nothing to punch. */
			if (offset < length)
				zero_some(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset,
					  count < length - offset ? count : length - offset);
			break;
		case 10:
			if (offset < length)
				zero_some(FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, offset,
					  count < length - offset ? count : length - offset);
			break;
		default:
			if (next(2) ? fsync(fd) : fdatasync(fd))
				die("sync");
			if (posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED))
				die("fadvise");
		}
	}
	if (fsync(fd) || posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED))
		die("sync");
	if ((size_t)lseek(fd, 0, SEEK_END) != length) {
		puts("fsx: wrong size");
		return 1;
	}
	check(0, length);
	return 0;
}
