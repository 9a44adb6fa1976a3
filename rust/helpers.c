// SPDX-License-Identifier: GPL-2.0
/*
 * The module's parameters, and out-of-line copies of inline functions and
 * macros for the Rust side.  One statement each; decisions belong in Rust.
 */
#include "helpers.h"

#include <linux/capability.h>
#include <linux/device.h>
#include <linux/highmem.h>
#include <linux/kdev_t.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/ratelimit.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/isolation.h>
#include <linux/sched/rt.h>
#include <linux/sched/signal.h>
#include <linux/sched/stat.h>
#include <linux/shmem_fs.h>
#include <linux/spinlock.h>
#include <linux/version.h>

/* The kernel crate's module! has no word for it. */
MODULE_VERSION(RLOOP_VERSION);

char *rloop_name = "loop";
module_param_named(name, rloop_name, charp, 0444);
MODULE_PARM_DESC(name, "Prefix of the device nodes; begins with \"loop\" (default: loop)");

int rloop_max_loop = 8;
bool rloop_max_loop_given;

static int rloop_set_max_loop(const char *value, const struct kernel_param *param)
{
	rloop_max_loop_given = true;
	return param_set_int(value, param);
}

static const struct kernel_param_ops rloop_max_loop_ops = {
	.set = rloop_set_max_loop,
	.get = param_get_int,
};
module_param_cb(max_loop, &rloop_max_loop_ops, &rloop_max_loop, 0444);
__MODULE_PARM_TYPE(max_loop, "int");
MODULE_PARM_DESC(max_loop, "Devices to create at load time (default: 8); if given and not 0, opening a device node creates none beyond");

int rloop_max_part;
module_param_named(max_part, rloop_max_part, int, 0444);
MODULE_PARM_DESC(max_part, "Partitions per device that get minors of their own (default: 0)");

int rloop_queues;
module_param_named(queues, rloop_queues, int, 0444);
MODULE_PARM_DESC(queues, "Hardware queues of a bound device; 0: automatic (default: 0)");

int rloop_queue_depth = 128;
module_param_named(queue_depth, rloop_queue_depth, int, 0444);
MODULE_PARM_DESC(queue_depth, "Requests in flight per hardware queue (default: 128)");
module_param_named(hw_queue_depth, rloop_queue_depth, int, 0444);
MODULE_PARM_DESC(hw_queue_depth, "The same, by the name that it has with the C driver");

int rloop_workers;
module_param_named(workers, rloop_workers, int, 0444);
MODULE_PARM_DESC(workers, "Requests of a device that may block at once; 0: automatic (default: 0)");

char *rloop_flush_mode = "drain";
module_param_named(flush_mode, rloop_flush_mode, charp, 0444);
MODULE_PARM_DESC(flush_mode, "drain, or barrier: later writes wait for a flush (default: drain)");

char *rloop_error_policy = "report";
module_param_named(error_policy, rloop_error_policy, charp, 0444);
MODULE_PARM_DESC(error_policy, "After a lost write: report, sticky or rewrite (default: report)");

/* By these the kernel finds a module for a device number. */
MODULE_ALIAS_BLOCKDEV_MAJOR(LOOP_MAJOR);
MODULE_ALIAS_MISCDEV(LOOP_CTRL_MINOR);
MODULE_ALIAS("devname:loop-control");

/* block/ */

unsigned int rloop_minor(dev_t dev)
{
	return MINOR(dev);
}

sector_t rloop_rq_pos(const struct request *rq)
{
	return blk_rq_pos(rq);
}

unsigned int rloop_rq_bytes(const struct request *rq)
{
	return blk_rq_bytes(rq);
}

/* Bytes of the current bvec that are done already; the field was renamed in 7.3. */
unsigned int rloop_bio_bvec_done(const struct bio *bio)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 3, 0)
	return bio->bi_iter.bi_bvec_done;
#else
	return bio->bi_iter.bi_offset;
#endif
}

/* The blkcg that a request is charged to; NULL: the root, which needs no care. */
struct cgroup_subsys_state *rloop_rq_blkcg(const struct request *rq)
{
#ifdef CONFIG_BLK_CGROUP
	struct cgroup_subsys_state *css = rq->bio ? bio_blkcg_css(rq->bio) : NULL;

	return css == blkcg_root_css ? NULL : css;
#else
	return NULL;
#endif
}

void rloop_charge_blkcg(struct cgroup_subsys_state *css)
{
	kthread_associate_blkcg(css);
}

/* The memcg of a blkcg's cgroup, with a reference; NULL if there is none. */
struct cgroup_subsys_state *rloop_memcg_of(struct cgroup_subsys_state *blkcg)
{
#if defined(CONFIG_BLK_CGROUP) && defined(CONFIG_MEMCG)
	return cgroup_get_e_css(blkcg->cgroup, &memory_cgrp_subsys);
#else
	return NULL;
#endif
}

/* The group, or one above it. */
bool rloop_memcg_over_high(struct cgroup_subsys_state *css)
{
#ifdef CONFIG_MEMCG
	struct mem_cgroup *memcg = mem_cgroup_from_css(css);

	for (; memcg; memcg = parent_mem_cgroup(memcg)) {
		if (page_counter_read(&memcg->memory) > READ_ONCE(memcg->memory.high) ||
		    page_counter_read(&memcg->swap) > READ_ONCE(memcg->swap.high))
			return true;
	}
#endif
	return false;
}

struct mem_cgroup *rloop_charge_memcg(struct cgroup_subsys_state *css)
{
	return set_active_memcg(mem_cgroup_from_css(css));
}

void rloop_restore_memcg(struct mem_cgroup *old)
{
	set_active_memcg(old);
}

void rloop_css_put(struct cgroup_subsys_state *css)
{
	css_put(css);
}

struct request *rloop_rq_list_pop(struct rq_list *list)
{
	return rq_list_pop(list);
}

unsigned int rloop_rq_depth(const struct request *rq)
{
	return rq->q->tag_set->queue_depth;
}

unsigned int rloop_rq_hw_queue(const struct request *rq)
{
	return rq->mq_hctx->queue_num;
}

void rloop_set_hw_queues(struct request_queue *q, unsigned int count)
{
	blk_mq_update_nr_hw_queues(q->tag_set, count);
}

unsigned int rloop_hw_queues(struct request_queue *q)
{
	return q->tag_set->nr_hw_queues;
}

void rloop_limits_start(struct request_queue *q, struct queue_limits *lim)
{
	*lim = queue_limits_start_update(q);
}

unsigned int rloop_freeze(struct request_queue *q)
{
	return blk_mq_freeze_queue(q);
}

void rloop_unfreeze(struct request_queue *q, unsigned int memflags)
{
	blk_mq_unfreeze_queue(q, memflags);
}

struct device *rloop_disk_dev(struct gendisk *disk)
{
	return disk_to_dev(disk);
}

struct gendisk *rloop_dev_disk(struct device *dev)
{
	return dev_to_disk(dev);
}

unsigned int rloop_disk_openers(struct gendisk *disk)
{
	return disk_openers(disk);
}

void rloop_disk_suppress_partscan(struct gendisk *disk, bool on)
{
	assign_bit(GD_SUPPRESS_PART_SCAN, &disk->state, on);
}

int rloop_disk_rescan(struct gendisk *disk)
{
	int ret;

	mutex_lock(&disk->open_mutex);
	ret = bdev_disk_changed(disk, false);
	mutex_unlock(&disk->open_mutex);
	return ret;
}

void rloop_disk_uevent_change(struct gendisk *disk)
{
	kobject_uevent(&disk_to_dev(disk)->kobj, KOBJ_CHANGE);
}

void rloop_disk_uevent_suppress(struct gendisk *disk, bool on)
{
	dev_set_uevent_suppress(disk_to_dev(disk), on);
}

/*
 * The whole disk or partition with number *index or the next one there is, with
 * a reference, and *index its number; NULL if there is none.
 */
struct block_device *rloop_disk_part_get(struct gendisk *disk, unsigned long *index)
{
	struct block_device *part;

	rcu_read_lock();
	part = xa_find(&disk->part_tbl, index, ULONG_MAX, XA_PRESENT);
	while (part && !kobject_get_unless_zero(&part->bd_device.kobj))
		part = xa_find_after(&disk->part_tbl, index, ULONG_MAX, XA_PRESENT);
	rcu_read_unlock();
	return part;
}

gfp_t rloop_mapping_restrain(struct address_space *mapping)
{
	gfp_t mask = mapping_gfp_mask(mapping);

	mapping_set_gfp_mask(mapping, mask & ~(__GFP_IO | __GFP_FS));
	return mask;
}

void rloop_mapping_release(struct address_space *mapping, gfp_t before)
{
	gfp_t mask = mapping_gfp_mask(mapping);

	mapping_set_gfp_mask(mapping, mask | (before & (__GFP_IO | __GFP_FS)));
}

bool rloop_mapping_is_unwritten(const struct address_space *mapping)
{
	return mapping_tagged(mapping, PAGECACHE_TAG_DIRTY) ||
	       mapping_tagged(mapping, PAGECACHE_TAG_WRITEBACK);
}

int rloop_bdev_sync(struct block_device *bdev)
{
	return sync_blockdev(bdev);
}

bool rloop_bdev_take_flag(struct block_device *bdev, unsigned int flag)
{
	return test_and_clear_bit(flag, &bdev->bd_mapping->flags);
}

void rloop_bdev_set_flag(struct block_device *bdev, unsigned int flag)
{
	set_bit(flag, &bdev->bd_mapping->flags);
}

void rloop_bdev_invalidate(struct block_device *bdev)
{
	invalidate_bdev(bdev);
}

void rloop_bdev_put(struct block_device *bdev)
{
	put_device(&bdev->bd_device);
}

int rloop_bdev_openers(const struct block_device *bdev)
{
	return atomic_read(&bdev->bd_openers);
}

void rloop_bdev_set_wb_err(struct block_device *bdev, int err)
{
	filemap_set_wb_err(bdev->bd_mapping, err);
}

/*
 * Does a file system hold the device? Nobody else wants to be asked to freeze.
 * With bd_holder_lock.
 */
static bool bdev_has_fs(const struct block_device *bdev)
{
	return bdev->bd_holder_ops && bdev->bd_holder_ops->freeze;
}

bool rloop_bdev_has_fs(struct block_device *bdev)
{
	bool has_fs;

	mutex_lock(&bdev->bd_holder_lock);
	has_fs = bdev_has_fs(bdev);
	mutex_unlock(&bdev->bd_holder_lock);
	return has_fs;
}

/*
 * Records an error for syncfs() of a file system that holds the device. Since
 * 7.3 nobody but fs/super.c knows its super block; but sync_filesystem() looks at
 * these flags of the device's page cache, and tells the first who asks.
 */
void rloop_bdev_set_fs_err(struct block_device *bdev, int err)
{
	mutex_lock(&bdev->bd_holder_lock);
#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 3, 0)
	if (bdev->bd_holder_ops == &fs_holder_ops && bdev->bd_holder)
		errseq_set(&((struct super_block *)bdev->bd_holder)->s_wb_err, err);
#else
	if (bdev_has_fs(bdev))
		set_bit(err == -ENOSPC ? AS_ENOSPC : AS_EIO, &bdev->bd_mapping->flags);
#endif
	mutex_unlock(&bdev->bd_holder_lock);
}

/*
 * When a flush was submitted, by blk_time_get_ns(). It is issued in the name of
 * those that wait for it, with the tag of the first; without I/O statistics the
 * time of that is not known.
 */
u64 rloop_flush_submitted(const struct request *rq)
{
	bool sched = rq->q->elevator;
	const struct blk_mq_tags *tags = sched ? rq->mq_hctx->sched_tags : rq->mq_hctx->tags;
	unsigned int tag = sched ? rq->internal_tag : rq->tag;
	const struct request *first;

	if (tag >= tags->nr_tags)
		return rq->start_time_ns;
	first = tags->static_rqs[tag];
	return first->rq_flags & RQF_IO_STAT ? first->start_time_ns : rq->start_time_ns;
}

u64 rloop_now(void)
{
	return ktime_get_ns();
}

s64 rloop_seconds(void)
{
	return ktime_get_seconds();
}

struct gendisk *rloop_alloc_disk(struct blk_mq_tag_set *set,
				 struct queue_limits *lim, void *queuedata)
{
	return blk_mq_alloc_disk(set, lim, queuedata);
}

unsigned int rloop_bdev_logical_block_size(struct block_device *bdev)
{
	return bdev_logical_block_size(bdev);
}

bool rloop_bdev_rotational(struct block_device *bdev)
{
	return bdev_rot(bdev);
}

unsigned int rloop_bdev_write_zeroes_sectors(struct block_device *bdev)
{
	return bdev_write_zeroes_sectors(bdev);
}

unsigned int rloop_bdev_discard_granularity(struct block_device *bdev)
{
	return bdev_discard_granularity(bdev);
}

/* fs/ */

/* Whether an I/O of that mode needs what vfs_iocb_iter_*() look at first. */
static bool rloop_needs_vfs(const struct file *file, const struct kiocb *iocb,
			    const struct iov_iter *iter, fmode_t mode)
{
	loff_t end;

	return unlikely((file->f_mode & mode) != mode ||
			check_add_overflow(iocb->ki_pos, iov_iter_count(iter), &end) ||
			FMODE_FSNOTIFY_HSM(file->f_mode));
}

/*
 * What vfs_iocb_iter_read() and vfs_iocb_iter_write() do, without asking the
 * security module for each I/O what it was asked when the file was opened (2 %
 * of the CPU time of a random read), and without an event for those who watch
 * the file, as with the C driver. But for files whose content comes when it is
 * read first, those who bring it have to be told. What the file is not open for,
 * or has no room for, fails as ever.
 */
ssize_t rloop_read_iter(struct file *file, struct kiocb *iocb,
			struct iov_iter *iter)
{
	if (rloop_needs_vfs(file, iocb, iter, FMODE_READ | FMODE_CAN_READ))
		return vfs_iocb_iter_read(file, iocb, iter);
	return file->f_op->read_iter(iocb, iter);
}

ssize_t rloop_write_iter(struct file *file, struct kiocb *iocb,
			 struct iov_iter *iter)
{
	ssize_t ret;

	if (rloop_needs_vfs(file, iocb, iter, FMODE_WRITE | FMODE_CAN_WRITE))
		return vfs_iocb_iter_write(file, iocb, iter);
	if (iocb->ki_flags & IOCB_NOWAIT) {
		/* Whoever freezes the file system is to be waited for, too. */
		struct super_block *sb = file_inode(file)->i_sb;

		if (!sb_start_write_trylock(sb))
			return -EAGAIN;
		/* As kiocb_start_write(): who completes it gives it back. */
		__sb_writers_release(sb, SB_FREEZE_WRITE);
	} else {
		kiocb_start_write(iocb);
	}
	ret = file->f_op->write_iter(iocb, iter);
	if (ret != -EIOCBQUEUED)
		kiocb_end_write(iocb);
	return ret;
}

/*
 * Whether reads and writes can be told not to wait. Those who bring the content of
 * a file when it is read first are waited for in any case.
 */
bool rloop_file_can_nowait(const struct file *file)
{
	return file->f_mode & FMODE_NOWAIT && !FMODE_FSNOTIFY_HSM(file->f_mode);
}

void rloop_kiocb_end_write(struct kiocb *iocb)
{
	kiocb_end_write(iocb);
}

loff_t rloop_i_size_read(const struct inode *inode)
{
	return i_size_read(inode);
}

const struct path *rloop_file_path(const struct file *file)
{
	return &file->f_path;
}

/* As by fcntl(): not all file systems would open it so. */
void rloop_file_no_atime(struct file *file)
{
	spin_lock(&file->f_lock);
	file->f_flags |= O_NOATIME;
	spin_unlock(&file->f_lock);
}

/* The unit in which the file system allocates, in bytes; negative errno. */
long rloop_file_block_size(const struct file *file)
{
	struct kstatfs stat;
	int ret = vfs_statfs(&file->f_path, &stat);

	return ret ? ret : stat.f_bsize;
}

/* Where the data of a file is: another inode if its file system lies over others. */
struct inode *rloop_real_inode(const struct file *file)
{
	return d_real_inode(file->f_path.dentry);
}

/* Whether the file system lies over others, as overlayfs does. */
bool rloop_is_stacked(const struct inode *inode)
{
	return inode->i_sb->s_stack_depth > 0;
}

bool rloop_is_reg(const struct inode *inode)
{
	return S_ISREG(inode->i_mode);
}

bool rloop_is_blk(const struct inode *inode)
{
	return S_ISBLK(inode->i_mode);
}

bool rloop_is_swapfile(const struct inode *inode)
{
	return IS_SWAPFILE(inode);
}

bool rloop_is_immutable(const struct inode *inode)
{
	return IS_IMMUTABLE(inode);
}

bool rloop_is_append(const struct inode *inode)
{
	return IS_APPEND(inode);
}

const struct cred *rloop_override_creds(const struct cred *cred)
{
	return override_creds(cred);
}

void rloop_revert_creds(const struct cred *old)
{
	revert_creds(old);
}

struct page *rloop_zero_page(void)
{
	return ZERO_PAGE(0);
}

u64 rloop_huge_encode_dev(dev_t dev)
{
	return huge_encode_dev(dev);
}

bool rloop_capable_sys_admin(void)
{
	return capable(CAP_SYS_ADMIN);
}

/* core/ */

unsigned int rloop_nr_cpus(void)
{
	return num_possible_cpus();
}

unsigned int rloop_nr_nodes(void)
{
	return num_online_nodes();
}

void rloop_init_list(struct list_head *list)
{
	INIT_LIST_HEAD(list);
}

/*
 * Whether a wake-up by `key' is for an entry of a folio's wait queue; if so the
 * entry leaves the queue. In wake functions only.
 */
bool rloop_folio_woken(struct wait_queue_entry *entry, void *key)
{
	struct wait_page_queue *wait = container_of(entry, struct wait_page_queue, wait);

	if (!wake_page_match(wait, key))
		return false;
	list_del_init(&entry->entry);
	return true;
}

errseq_t rloop_error_cursor(const struct file *file)
{
	return READ_ONCE(file->f_wb_err);
}

void rloop_plug_start(struct blk_plug *plug)
{
	blk_start_plug(plug);
}

void rloop_plug_finish(struct blk_plug *plug)
{
	blk_finish_plug(plug);
}

struct workqueue_struct *rloop_alloc_workqueue(const char *name, unsigned int where, int max_active)
{
	/*
	 * Work that waits for a file system may wait for a workqueue of that
	 * one that has no rescuer; XFS does so when it has no more space. The
	 * kernel complains of that in workqueues whose own rescuer is a promise
	 * for all they wait for. Here it is one for the driver's part only, and
	 * __WQ_LEGACY is the kernel's word for that.
	 */
	unsigned int flags = WQ_MEM_RECLAIM | WQ_SYSFS | __WQ_LEGACY;

	/* That has no threads, and so none of this. */
	if (where & WQ_BH)
		flags = 0;
	return alloc_workqueue("%s", where | flags, max_active, name);
}

bool rloop_is_realtime(void)
{
	return rt_or_dl_task_policy(current);
}

bool rloop_is_only_task(void)
{
	return single_task_running();
}

void rloop_synchronize_rcu_tasks(void)
{
	synchronize_rcu_tasks();
}

unsigned int rloop_cpu(void)
{
	return raw_smp_processor_id();
}

/* The two masks that unbound workqueues keep to. */
bool rloop_on_isolated_cpu(void)
{
	int cpu = raw_smp_processor_id();

	/* That of the cpusets changes, and is freed after a grace period. */
	guard(rcu)();
	return !housekeeping_test_cpu(cpu, HK_TYPE_DOMAIN) ||
	       !housekeeping_test_cpu(cpu, HK_TYPE_WQ);
}

bool rloop_irqs_off(void)
{
	return in_hardirq() || irqs_disabled();
}

void rloop_stay(void)
{
	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		migrate_disable();
	else
		preempt_disable();
}

void rloop_leave(void)
{
	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		migrate_enable();
	else
		preempt_enable();
}

unsigned int rloop_io_context_enter(void)
{
	unsigned int old = current->flags & (PF_LOCAL_THROTTLE | PF_MEMALLOC_NOIO);

	current->flags |= PF_LOCAL_THROTTLE | PF_MEMALLOC_NOIO;
	return old;
}

void rloop_io_context_exit(unsigned int old)
{
	current_restore_flags(old, PF_LOCAL_THROTTLE | PF_MEMALLOC_NOIO);
}

unsigned long rloop_spin_lock_irqsave(spinlock_t *lock)
{
	unsigned long flags;

	spin_lock_irqsave(lock, flags);
	return flags;
}

void rloop_spin_unlock_irqrestore(spinlock_t *lock, unsigned long flags)
{
	spin_unlock_irqrestore(lock, flags);
}

void rloop_assert_spin_held(spinlock_t *lock)
{
	lockdep_assert_held(lock);
}

int rloop_mutex_lock_killable(struct mutex *lock)
{
	return mutex_lock_killable(lock);
}

void rloop_module_get(void)
{
	__module_get(THIS_MODULE);
}

void rloop_module_put(void)
{
	module_put(THIS_MODULE);
}

static DEFINE_RATELIMIT_STATE(rloop_refusals, DEFAULT_RATELIMIT_INTERVAL,
			      DEFAULT_RATELIMIT_BURST);

bool rloop_may_log_refusal(void)
{
	return __ratelimit(&rloop_refusals);
}

static DEFINE_RATELIMIT_STATE(rloop_troubles, DEFAULT_RATELIMIT_INTERVAL,
			      DEFAULT_RATELIMIT_BURST);

bool rloop_may_log_trouble(void)
{
	return __ratelimit(&rloop_troubles);
}

#ifdef CONFIG_KUNIT
/* For tests only. */

bool rloop_test_interrupts_off(void)
{
	return irqs_disabled();
}

/* From now on a fatal signal is pending for this kernel thread, which never acts on it. */
void rloop_test_be_killed(void)
{
	spin_lock_irq(&current->sighand->siglock);
	sigaddset(&current->pending.signal, SIGKILL);
	set_thread_flag(TIF_SIGPENDING);
	spin_unlock_irq(&current->sighand->siglock);
}

void rloop_test_be_spared(void)
{
	flush_signals(current);
}

void rloop_test_reset_ratelimits(void)
{
	ratelimit_state_reset_interval(&rloop_refusals, DEFAULT_RATELIMIT_INTERVAL);
	ratelimit_state_reset_interval(&rloop_troubles, DEFAULT_RATELIMIT_INTERVAL);
}

/* An open file, for reading and writing, in a file system in memory. */
struct file *rloop_test_file(const char *name, loff_t size)
{
	return shmem_kernel_file_setup(name, size, mk_vma_flags(VMA_NORESERVE_BIT));
}
#endif
