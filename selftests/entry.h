/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ioctl(2) by the kernel's 64-bit or its 32-bit entry. The latter is called by
 * `int $0x80' from a 64-bit program: no 32-bit C library is needed.
 */
#ifndef RLOOP_ENTRY_H
#define RLOOP_ENTRY_H

#include <errno.h>
#include <linux/loop.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* The 32-bit entry? Arguments that are addresses must be below 4 GiB then. */
static int compat;

/* As `struct compat_loop_info' of the kernel. */
struct loop_info32 {
	int32_t number;
	uint16_t device, pad;
	uint32_t inode;
	uint16_t rdevice, pad2;
	int32_t offset, encrypt_type, encrypt_key_size, flags;
	char name[LO_NAME_SIZE];
	unsigned char key[LO_KEY_SIZE];
	uint32_t init[2];
	char reserved[4];
};

static int call(int fd, unsigned long request, unsigned long arg)
{
	long result;

	if (!compat) {
		result = syscall(SYS_ioctl, fd, request, arg);
		return (int)result;
	}
	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "a"(54L), "b"((long)(unsigned int)fd), "c"((unsigned long)(uint32_t)request),
			   "d"((unsigned long)(uint32_t)arg)
			 : "memory", "r8", "r9", "r10", "r11");
	result = (int)result;
	if (result < 0 && result > -4096) {
		errno = (int)-result;
		return -1;
	}
	return (int)result;
}

/* Whether the kernel has a 32-bit entry: asked by a child, which may be killed. */
static int has_compat(void)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		return 0;
	if (!pid) {
		compat = 1;
		_exit(call(-1, LOOP_CLR_FD, 0) == -1 && errno == EBADF ? 0 : 1);
	}
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && !WEXITSTATUS(status);
}

#endif
