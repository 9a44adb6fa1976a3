// SPDX-License-Identifier: GPL-2.0
/*
 * scan: writes or reads every block of a range in random order from several
 * threads, and tells for which blocks that failed, and with which errno. What
 * is written depends on the place and the seed only, so that it can be compared
 * later; with a state file, the seed of each block is known even if only some
 * of the writes succeeded.
 *
 * Prints 'BLOCK ERRNO', sorted, for what failed; 'BLOCK differs' for what is
 * not as written, which is the one reason to exit with 1; and, with --fsync,
 * 'fsync ERRNO' if that fails.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const char usage[] =
	"Usage: scan FILE[:FLAGS] write|read [OPTION...]\n"
	"\n"
	"  --block B     bytes, default 4096; a multiple of 512\n"
	"  --first N     block, default 0\n"
	"  --count N     blocks\n"
	"  --seed S      default 1\n"
	"  --threads T   default 4\n"
	"  --passes P    as often, with seeds S, S + 1, ..., default 1\n"
	"  --state FILE  write: notes each block's seed; read: compares with that\n"
	"  --any         read: does not compare\n"
	"  --fsync       at the end of each pass\n"
	"  --pause US    after each block\n"
	"FLAGS: direct, dsync with commas in between\n";

#define UNKNOWN UINT64_MAX
#define DIFFERS (-1)

static int fd, writing, compare = 1;
static size_t block = 4096;
static uint64_t first, count, seed = 1, next_block;
static long threads = 4, pause_us;
static uint64_t *state;
static int *result;

static void die(const char *what)
{
	fprintf(stderr, "scan: %s: %s\n", what, strerror(errno));
	exit(2);
}

static void wrong(void)
{
	fputs(usage, stderr);
	exit(2);
}

static uint64_t mix(uint64_t z)
{
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

static void fill(uint64_t *words, uint64_t number, uint64_t of)
{
	size_t i;

	/* By place, not by block, so that it can be read with another size. */
	for (i = 0; i < block / 8; i++)
		words[i] = mix(of * 0x9e3779b97f4a7c15ULL + number * block + i * 8);
}

/* A permutation of the blocks: an odd multiplier modulo a power of two. */
static uint64_t place(uint64_t i)
{
	uint64_t size = 1;

	while (size < count)
		size *= 2;
	do
		i = (i * 0x9e3779b1 + 12345 + seed) & (size - 1);
	while (i >= count);
	return i;
}

static void *worker(void *unused)
{
	uint64_t *data, *wanted;

	(void)unused;
	if (posix_memalign((void **)&data, 4096, block) ||
	    posix_memalign((void **)&wanted, 4096, block))
		die("memory");
	for (;;) {
		uint64_t i = __atomic_fetch_add(&next_block, 1, __ATOMIC_RELAXED), number;
		ssize_t got;
		off_t at;

		if (i >= count)
			break;
		i = place(i);
		number = first + i;
		at = (off_t)(number * block);
		if (writing) {
			fill(data, number, seed);
			if (state)
				state[i] = UNKNOWN;
			got = pwrite(fd, data, block, at);
		} else {
			memset(data, 0xEE, block);
			got = pread(fd, data, block, at);
		}
		if (got < 0) {
			result[i] = errno;
		} else if ((size_t)got != block) {
			/* P6: the rest of it says why. */
			result[i] = ENODATA;
		} else {
			result[i] = 0;
			if (writing && state)
				state[i] = seed;
		}
		if (!writing && !result[i] && compare && (!state || state[i] != UNKNOWN)) {
			fill(wanted, number, state ? state[i] : seed);
			if (memcmp(data, wanted, block))
				result[i] = DIFFERS;
		}
		if (pause_us)
			usleep((useconds_t)pause_us);
	}
	free(data);
	free(wanted);
	return NULL;
}

int main(int argc, char **argv)
{
	int flags = O_CLOEXEC, i, do_fsync = 0, differs = 0;
	const char *state_path = NULL;
	long passes = 1, pass, t;
	pthread_t *thread;
	char *colon, *word;
	uint64_t n;

	if (argc < 3)
		wrong();
	colon = strrchr(argv[1], ':');
	if (colon) {
		*colon = 0;
		for (word = strtok(colon + 1, ","); word; word = strtok(NULL, ",")) {
			if (!strcmp(word, "direct"))
				flags |= O_DIRECT;
			else if (!strcmp(word, "dsync"))
				flags |= O_DSYNC;
			else
				wrong();
		}
	}
	writing = !strcmp(argv[2], "write");
	if (!writing && strcmp(argv[2], "read"))
		wrong();
	for (i = 3; i < argc; i++) {
		const char *name = argv[i], *value;

		if (!strcmp(name, "--any")) {
			compare = 0;
			continue;
		}
		if (!strcmp(name, "--fsync")) {
			do_fsync = 1;
			continue;
		}
		value = i + 1 < argc ? argv[++i] : "";
		if (!strcmp(name, "--block"))
			block = strtoull(value, NULL, 0);
		else if (!strcmp(name, "--first"))
			first = strtoull(value, NULL, 0);
		else if (!strcmp(name, "--count"))
			count = strtoull(value, NULL, 0);
		else if (!strcmp(name, "--seed"))
			seed = strtoull(value, NULL, 0);
		else if (!strcmp(name, "--threads"))
			threads = atol(value);
		else if (!strcmp(name, "--passes"))
			passes = atol(value);
		else if (!strcmp(name, "--pause"))
			pause_us = atol(value);
		else if (!strcmp(name, "--state"))
			state_path = value;
		else
			wrong();
	}
	if (!count || !block || block % 512 || threads < 1)
		wrong();

	fd = open(argv[1], flags | (writing ? O_RDWR : O_RDONLY));
	if (fd < 0)
		die(argv[1]);
	result = calloc(count, sizeof(*result));
	thread = calloc((size_t)threads, sizeof(*thread));
	if (!result || !thread)
		die("memory");
	if (state_path) {
		int file = open(state_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

		if (file < 0 || ftruncate(file, (off_t)(count * 8)))
			die(state_path);
		state = mmap(NULL, count * 8, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
		if (state == MAP_FAILED)
			die(state_path);
	}

	for (pass = 0; pass < passes; pass++, seed++) {
		next_block = 0;
		for (t = 0; t < threads; t++)
			if (pthread_create(&thread[t], NULL, worker, NULL))
				die("thread");
		for (t = 0; t < threads; t++)
			pthread_join(thread[t], NULL);
		for (n = 0; n < count; n++) {
			if (!result[n])
				continue;
			printf("%llu %s\n", (unsigned long long)(first + n),
			       result[n] == DIFFERS ? "differs" :
			       result[n] == ENODATA ? "short" : strerrorname_np(result[n]));
			differs |= result[n] == DIFFERS;
		}
		if (do_fsync && fsync(fd))
			printf("fsync %s\n", strerrorname_np(errno));
		fflush(stdout);
	}
	return differs;
}
