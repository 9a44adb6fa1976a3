// SPDX-License-Identifier: GPL-2.0
/*
 * many: attaches many devices to slices of one file, uses all of them at the
 * same time, and detaches them, all in one process.
 *
 * The file has to be empty. Says 'attached', waits for a line of standard input,
 * has THREADS threads for each device read, write, flush, read and compare their
 * part of it, says 'done', waits
 * for another line, and detaches. Exits with 1 after any error or difference.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define BLOCK 4096

/* How many devices are attached at once: that is waiting more than work. */
#define ATTACHERS 16
/* Whoever uses others besides takes lower numbers. */
#define FIRST 100

static int failures;
static long count, step, threads, rounds;
static int control, file, mixed, *fds;
static const char *prefix;

struct part {
	int fd;
	long device, index;
};

static void failed(const char *what, long device)
{
	fprintf(stderr, "many: device %ld: %s: %s\n", device, what, strerrorname_np(errno));
	__atomic_add_fetch(&failures, 1, __ATOMIC_RELAXED);
}

static void *use(void *argument)
{
	struct part *part = argument;
	long first = step / BLOCK * part->index / threads;
	long last = step / BLOCK * (part->index + 1) / threads, round, i;
	uint64_t *data, *back;

	if (posix_memalign((void **)&data, BLOCK, BLOCK) ||
	    posix_memalign((void **)&back, BLOCK, BLOCK))
		exit(2);
	/* The file is empty, and nothing of it cached. */
	memset(data, 0, BLOCK);
	for (i = first; i < last; i++) {
		if (pread(part->fd, back, BLOCK, i * BLOCK) != BLOCK)
			failed("read", part->device);
		else if (memcmp(data, back, BLOCK))
			errno = EILSEQ, failed("compare", part->device);
	}
	for (round = 0; round < rounds; round++) {
		for (i = first; i < last; i++) {
			size_t word;

			for (word = 0; word < BLOCK / 8; word++)
				data[word] = (uint64_t)part->device << 48 | (uint64_t)round << 32 |
					     (uint64_t)i << 12 | word;
			if (pwrite(part->fd, data, BLOCK, i * BLOCK) != BLOCK)
				failed("write", part->device);
			if (i == first && fsync(part->fd))
				failed("fsync", part->device);
			if (pread(part->fd, back, BLOCK, i * BLOCK) != BLOCK)
				failed("read", part->device);
			else if (memcmp(data, back, BLOCK))
				errno = EILSEQ, failed("compare", part->device);
		}
	}
	free(data);
	free(back);
	return NULL;
}

static void pause_at(const char *what)
{
	char line[16];

	puts(what);
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin))
		exit(2);
}

static void *attach(void *first)
{
	char path[64];
	long i;

	for (i = (long)first; i < count; i += ATTACHERS) {
		struct loop_config config = {
			.fd = (uint32_t)file,
			.info.lo_offset = (uint64_t)(i * step),
			.info.lo_sizelimit = (uint64_t)step,
			.info.lo_flags = mixed && i % 2 ? LO_FLAGS_DIRECT_IO : 0,
		};

		snprintf(path, sizeof(path), "/dev/%s%ld", prefix, FIRST + i);
		if ((ioctl(control, LOOP_CTL_ADD, FIRST + i) < 0 && errno != EEXIST) ||
		    (fds[i] = open(path, O_RDWR | O_DIRECT | O_CLOEXEC)) < 0 ||
		    ioctl(fds[i], LOOP_CONFIGURE, &config)) {
			failed("attaching", i);
			exit(1);
		}
	}
	return NULL;
}

static void *detach(void *first)
{
	long i;

	for (i = (long)first; i < count; i += ATTACHERS) {
		if (ioctl(fds[i], LOOP_CLR_FD, 0))
			failed("detaching", i);
		close(fds[i]);
	}
	return NULL;
}

/* In parallel for all devices. */
static void all(void *(*what)(void *))
{
	pthread_t ids[ATTACHERS];
	long i;

	for (i = 0; i < ATTACHERS; i++) {
		if (pthread_create(&ids[i], NULL, what, (void *)i)) {
			perror("many: thread");
			exit(2);
		}
	}
	for (i = 0; i < ATTACHERS; i++)
		pthread_join(ids[i], NULL);
}

int main(int argc, char **argv)
{
	long i, t;
	pthread_t *ids;
	struct part *parts;
	char path[64];

	if (argc != 8) {
		fputs("Usage: many PREFIX FILE DEVICES BYTES-OF-EACH THREADS ROUNDS buffered|mixed\n",
		      stderr);
		return 2;
	}
	count = atol(argv[3]);
	step = atol(argv[4]);
	threads = atol(argv[5]);
	rounds = atol(argv[6]);
	mixed = !strcmp(argv[7], "mixed");
	prefix = argv[1];
	snprintf(path, sizeof(path), "/dev/%s-control", prefix);
	control = open(path, O_RDWR | O_CLOEXEC);
	file = open(argv[2], O_RDWR | O_CLOEXEC);
	fds = calloc((size_t)count, sizeof(*fds));
	ids = calloc((size_t)(count * threads), sizeof(*ids));
	parts = calloc((size_t)(count * threads), sizeof(*parts));
	if (control < 0 || file < 0 || !fds || !ids || !parts) {
		perror("many");
		return 2;
	}
	all(attach);
	pause_at("attached");
	for (i = 0; i < count; i++) {
		for (t = 0; t < threads; t++) {
			struct part *part = &parts[i * threads + t];

			*part = (struct part){ .fd = fds[i], .device = i, .index = t };
			if (pthread_create(&ids[i * threads + t], NULL, use, part)) {
				perror("many: thread");
				return 2;
			}
		}
	}
	for (i = 0; i < count * threads; i++)
		pthread_join(ids[i], NULL);
	pause_at("done");
	all(detach);
	return failures ? 1 : 0;
}
