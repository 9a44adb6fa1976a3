// SPDX-License-Identifier: GPL-2.0
/*
 * order: does each request of a device see exactly those that were submitted
 * before it?
 *
 * Each thread has a region of its own. It submits reads and writes of random
 * ranges there with O_DIRECT, each by an io_submit() of its own, which ends
 * after the driver has been given the request, and does not wait for them. It
 * goes to a random processor before, so that requests that overlap come by
 * different hardware queues. A model of the content as of each read's submission
 * says what this has to return. Tells how many requests overlapped, as far as
 * was known, one in flight from another processor. Exits with 1 after any error
 * or difference.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SECTOR 512
#define WORDS (SECTOR / 8)
#define SECTORS 128
#define DEPTH 32
#define LONGEST 16

struct slot {
	struct iocb iocb;
	uint64_t *data;
	/* The model as of submission, of what is read. */
	uint32_t version[LONGEST];
	int first, count, busy, write, processor;
};

static const char *path;
static long requests;
static unsigned long seed;
static int failures;
static long crossing;
static int processors[CPU_SETSIZE], processor_count;

struct thread {
	pthread_t id;
	long index;
	uint64_t random;
	uint32_t version[SECTORS];
	struct slot slots[DEPTH];
	aio_context_t context;
	int fd, in_flight, processor;
};

static unsigned int below(struct thread *thread, unsigned int limit)
{
	thread->random = thread->random * 6364136223846793005ULL + 1442695040888963407ULL;
	return (unsigned int)(thread->random >> 33) % limit;
}

static void fatal(const char *what)
{
	fprintf(stderr, "order: %s: %s\n", what, strerror(errno));
	exit(2);
}

static uint64_t word(long thread, uint32_t version, int sector, int i)
{
	return (uint64_t)version << 32 | (uint64_t)thread << 24 | (uint64_t)sector << 8 | (uint64_t)i;
}

static void fill(struct thread *thread, uint64_t *data, int first, int count, uint32_t version)
{
	int sector, i;

	for (sector = first; sector < first + count; sector++)
		for (i = 0; i < WORDS; i++)
			*data++ = word(thread->index, version, sector, i);
}

static void check(struct thread *thread, const uint64_t *data, int first, int count,
		  const uint32_t *version, const char *what)
{
	int sector, i;

	for (sector = 0; sector < count; sector++) {
		for (i = 0; i < WORDS; i++) {
			uint64_t wanted = word(thread->index, version[sector], first + sector, i);
			uint64_t got = data[sector * WORDS + i];

			if (got == wanted)
				continue;
			/* The first few tell enough. */
			if (__atomic_add_fetch(&failures, 1, __ATOMIC_RELAXED) <= 8)
				fprintf(stderr,
					"order: thread %ld, sector %d, word %d, %s: version %u instead of %u (%016llx)\n",
					thread->index, first + sector, i, what,
					(unsigned int)(got >> 32), version[sector],
					(unsigned long long)got);
			return;
		}
	}
}

/* Waits for at least that many completions. */
static void reap(struct thread *thread, int least)
{
	struct io_event events[DEPTH];
	long count, i;

	do {
		count = syscall(SYS_io_getevents, thread->context, (long)least, (long)DEPTH, events, NULL);
	} while (count < 0 && errno == EINTR);
	if (count < least)
		fatal("io_getevents");
	for (i = 0; i < count; i++) {
		struct slot *slot = (struct slot *)(uintptr_t)events[i].data;

		slot->busy = 0;
		thread->in_flight--;
		if (events[i].res != slot->count * SECTOR) {
			errno = events[i].res < 0 ? (int)-events[i].res : 0;
			fatal("a request failed");
		}
		if (slot->iocb.aio_lio_opcode == IOCB_CMD_PREAD)
			check(thread, slot->data, slot->first, slot->count, slot->version, "read");
	}
}

static void move(struct thread *thread)
{
	int processor = processors[below(thread, (unsigned int)processor_count)];
	cpu_set_t set;

	if (processor == thread->processor)
		return;
	CPU_ZERO(&set);
	CPU_SET(processor, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		fatal("sched_setaffinity");
	thread->processor = processor;
}

/* Does one that is in flight come from another processor, and have to be ordered with it? */
static int crosses(const struct thread *thread, const struct slot *slot)
{
	int i;

	for (i = 0; i < DEPTH; i++) {
		const struct slot *other = &thread->slots[i];

		if (other->busy && other->processor != slot->processor &&
		    (other->write || slot->write) && other->first < slot->first + slot->count &&
		    slot->first < other->first + other->count)
			return 1;
	}
	return 0;
}

static void submit(struct thread *thread, struct slot *slot, uint32_t version)
{
	struct iocb *iocb = &slot->iocb;
	int write = below(thread, 2) == 0, i;

	move(thread);
	slot->write = write;
	slot->processor = thread->processor;
	slot->count = 1 + (int)below(thread, LONGEST);
	slot->first = (int)below(thread, (unsigned int)(SECTORS - slot->count + 1));
	memset(iocb, 0, sizeof(*iocb));
	iocb->aio_data = (uintptr_t)slot;
	iocb->aio_lio_opcode = write ? IOCB_CMD_PWRITE : IOCB_CMD_PREAD;
	iocb->aio_fildes = (uint32_t)thread->fd;
	iocb->aio_buf = (uintptr_t)slot->data;
	iocb->aio_nbytes = (uint64_t)slot->count * SECTOR;
	iocb->aio_offset = (thread->index * SECTORS + slot->first) * SECTOR;
	if (write) {
		fill(thread, slot->data, slot->first, slot->count, version);
		for (i = 0; i < slot->count; i++)
			thread->version[slot->first + i] = version;
	} else {
		memset(slot->data, 0xEE, (size_t)slot->count * SECTOR);
		memcpy(slot->version, &thread->version[slot->first],
		       (size_t)slot->count * sizeof(*slot->version));
	}
	if (crosses(thread, slot))
		__atomic_add_fetch(&crossing, 1, __ATOMIC_RELAXED);
	slot->busy = 1;
	thread->in_flight++;
	if (syscall(SYS_io_submit, thread->context, 1L, &iocb) != 1)
		fatal("io_submit");
}

static void *run(void *argument)
{
	struct thread *thread = argument;
	off_t start = thread->index * SECTORS * SECTOR;
	uint64_t *all;
	long done;
	int i;

	thread->fd = open(path, O_RDWR | O_DIRECT | O_CLOEXEC);
	if (thread->fd < 0)
		fatal(path);
	if (syscall(SYS_io_setup, DEPTH, &thread->context))
		fatal("io_setup");
	if (posix_memalign((void **)&all, 4096, SECTORS * SECTOR))
		fatal("memory");
	for (i = 0; i < DEPTH; i++)
		if (posix_memalign((void **)&thread->slots[i].data, 4096, LONGEST * SECTOR))
			fatal("memory");
	fill(thread, all, 0, SECTORS, 1);
	for (i = 0; i < SECTORS; i++)
		thread->version[i] = 1;
	if (pwrite(thread->fd, all, SECTORS * SECTOR, start) != SECTORS * SECTOR)
		fatal("write");

	for (done = 0; done < requests; done++) {
		/* Now and then few are in flight. */
		int most = done / 256 % 4 ? DEPTH : 3;

		reap(thread, 0);
		while (thread->in_flight >= most)
			reap(thread, 1);
		for (i = 0; thread->slots[i].busy; i++)
			;
		submit(thread, &thread->slots[i], (uint32_t)done + 2);
	}
	while (thread->in_flight)
		reap(thread, 1);
	if (pread(thread->fd, all, SECTORS * SECTOR, start) != SECTORS * SECTOR)
		fatal("read");
	check(thread, all, 0, SECTORS, thread->version, "at the end");
	return NULL;
}

int main(int argc, char **argv)
{
	struct thread *threads;
	long count, i;
	cpu_set_t set;

	if (argc != 5) {
		fputs("Usage: order DEVICE THREADS REQUESTS-OF-EACH SEED\n", stderr);
		return 2;
	}
	path = argv[1];
	count = atol(argv[2]);
	requests = atol(argv[3]);
	seed = strtoul(argv[4], NULL, 0);
	printf("order: seed %lu\n", seed);
	fflush(stdout);
	if (sched_getaffinity(0, sizeof(set), &set))
		fatal("sched_getaffinity");
	for (i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &set))
			processors[processor_count++] = (int)i;
	threads = calloc((size_t)count, sizeof(*threads));
	if (!threads)
		fatal("memory");
	for (i = 0; i < count; i++) {
		threads[i].index = i;
		threads[i].processor = -1;
		threads[i].random = seed * 0x9E3779B97F4A7C15ULL + (uint64_t)i;
		if (pthread_create(&threads[i].id, NULL, run, &threads[i]))
			fatal("thread");
	}
	for (i = 0; i < count; i++)
		pthread_join(threads[i].id, NULL);
	printf("order: %ld of %ld requests overlapped one from another processor\n", crossing,
	       count * requests);
	if (failures)
		fprintf(stderr, "order: %d of %ld requests differ\n", failures, count * requests);
	return failures ? 1 : 0;
}
