/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What Rust cannot reach by itself: wrappers of inline functions and macros,
 * constants that the kernel's own bindings leave out, and the module's
 * parameters.  No logic here and none in helpers.c.
 *
 * bindgen reads this file (see Kbuild); names begin with rloop_ or RLOOP_.
 */
#ifndef RLOOP_HELPERS_H
#define RLOOP_HELPERS_H

#include <linux/blk-mq.h>
#include <linux/blk-cgroup.h>
#include <linux/blkdev.h>
#include <linux/cred.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/kobject.h>
#include <linux/loop.h>
#include <linux/major.h>
#include <linux/memcontrol.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pagemap.h>
#include <linux/sched/mm.h>
#include <linux/stat.h>
#include <linux/statfs.h>
#include <linux/uio.h>
#include <linux/workqueue.h>

/* Module parameters, as the user gave them; rust/driver/params.rs checks. */
extern char *rloop_name;
extern int rloop_max_loop;
extern bool rloop_max_loop_given;
extern int rloop_max_part;
extern int rloop_queues;
extern int rloop_queue_depth;
extern int rloop_workers;
extern char *rloop_error_policy;
extern char *rloop_flush_mode;

/* Constants. */
static const __u32 RLOOP_REQ_OP_MASK = REQ_OP_MASK;
static const __u32 RLOOP_REQ_NOUNMAP = (__force __u32)REQ_NOUNMAP;
static const __u32 RLOOP_REQ_FUA = (__force __u32)REQ_FUA;
static const __u32 RLOOP_BLK_FEAT_FUA = (__force __u32)BLK_FEAT_FUA;
static const __u32 RLOOP_BLK_FEAT_WRITE_CACHE = (__force __u32)BLK_FEAT_WRITE_CACHE;
static const __u32 RLOOP_BLK_FEAT_ROTATIONAL = (__force __u32)BLK_FEAT_ROTATIONAL;
static const __u32 RLOOP_BLK_MQ_F_STACKING = BLK_MQ_F_STACKING;
static const __u32 RLOOP_BLK_MQ_F_NO_SCHED = BLK_MQ_F_NO_SCHED_BY_DEFAULT;
static const __u8 RLOOP_BLK_STS_OK = BLK_STS_OK;
static const __u8 RLOOP_BLK_STS_IOERR = (__force __u8)BLK_STS_IOERR;
static const __u8 RLOOP_BLK_STS_NOSPC = (__force __u8)BLK_STS_NOSPC;
static const __u32 RLOOP_BLK_MAX_BLOCK_SIZE = BLK_MAX_BLOCK_SIZE;
static const __u32 RLOOP_BLK_OPEN_WRITE = (__force __u32)BLK_OPEN_WRITE;
static const __u32 RLOOP_BLK_OPEN_EXCL = (__force __u32)BLK_OPEN_EXCL;
static const __u32 RLOOP_GFP_IO_FS = (__force __u32)(__GFP_IO | __GFP_FS);
static const __s32 RLOOP_IOCB_DIRECT = IOCB_DIRECT;
static const __s32 RLOOP_IOCB_NOWAIT = (__force __s32)IOCB_NOWAIT;
static const __s32 RLOOP_IOCB_NOIO = IOCB_NOIO;
static const __s32 RLOOP_IOCB_DSYNC = (__force __s32)IOCB_DSYNC;
static const __s32 RLOOP_IOCB_WRITE = IOCB_WRITE;
static const __s32 RLOOP_EIOCBQUEUED = EIOCBQUEUED;
static const __u32 RLOOP_FMODE_READ = (__force __u32)FMODE_READ;
static const __u32 RLOOP_FMODE_WRITE = (__force __u32)FMODE_WRITE;
static const __u32 RLOOP_FMODE_CAN_ODIRECT = (__force __u32)FMODE_CAN_ODIRECT;
static const __s32 RLOOP_IOCB_WAITQ = (__force __s32)IOCB_WAITQ;
static const __s32 RLOOP_IOCB_DONTCACHE = (__force __s32)IOCB_DONTCACHE;
static const __u32 RLOOP_FOP_DONTCACHE = (__force __u32)FOP_DONTCACHE;
static const __u32 RLOOP_FOP_BUFFER_RASYNC = (__force __u32)FOP_BUFFER_RASYNC;
static const __u32 RLOOP_O_RDONLY = O_RDONLY;
static const __u32 RLOOP_O_RDWR = O_RDWR;
static const __u32 RLOOP_O_LARGEFILE = O_LARGEFILE;
static const __u32 RLOOP_O_DIRECT = O_DIRECT;
static const __s32 RLOOP_FALLOC_FL_KEEP_SIZE = FALLOC_FL_KEEP_SIZE;
static const __s32 RLOOP_FALLOC_FL_PUNCH_HOLE = FALLOC_FL_PUNCH_HOLE;
static const __s32 RLOOP_FALLOC_FL_ZERO_RANGE = FALLOC_FL_ZERO_RANGE;
static const __u32 RLOOP_STATX_SIZE = STATX_SIZE;
static const __u32 RLOOP_STATX_INO = STATX_INO;
static const __u32 RLOOP_STATX_DIOALIGN = STATX_DIOALIGN;
static const __u32 RLOOP_DISK_EVENT_MEDIA_CHANGE = DISK_EVENT_MEDIA_CHANGE;
static const __u32 RLOOP_DISK_EVENT_FLAG_UEVENT = DISK_EVENT_FLAG_UEVENT;
static const __u32 RLOOP_LOOP_MAJOR = LOOP_MAJOR;
static const __u32 RLOOP_LOOP_CTRL_MINOR = LOOP_CTRL_MINOR;
static const __u32 RLOOP_MISC_DYNAMIC_MINOR = MISC_DYNAMIC_MINOR;
static const __u32 RLOOP_ITER_SOURCE = ITER_SOURCE;
static const __u32 RLOOP_ITER_DEST = ITER_DEST;

/* block/ */
unsigned int rloop_minor(dev_t dev);
sector_t rloop_rq_pos(const struct request *rq);
unsigned int rloop_rq_bytes(const struct request *rq);
unsigned int rloop_bio_bvec_done(const struct bio *bio);
struct cgroup_subsys_state *rloop_rq_blkcg(const struct request *rq);
void rloop_charge_blkcg(struct cgroup_subsys_state *css);
struct cgroup_subsys_state *rloop_memcg_of(struct cgroup_subsys_state *blkcg);
bool rloop_memcg_over_high(struct cgroup_subsys_state *css);
struct mem_cgroup *rloop_charge_memcg(struct cgroup_subsys_state *css);
void rloop_restore_memcg(struct mem_cgroup *old);
void rloop_css_put(struct cgroup_subsys_state *css);
struct request *rloop_rq_list_pop(struct rq_list *list);
unsigned int rloop_rq_depth(const struct request *rq);
unsigned int rloop_rq_hw_queue(const struct request *rq);
void rloop_set_hw_queues(struct request_queue *q, unsigned int count);
unsigned int rloop_hw_queues(struct request_queue *q);
void rloop_limits_start(struct request_queue *q, struct queue_limits *lim);
unsigned int rloop_freeze(struct request_queue *q);
void rloop_unfreeze(struct request_queue *q, unsigned int memflags);
struct device *rloop_disk_dev(struct gendisk *disk);
struct gendisk *rloop_dev_disk(struct device *dev);
unsigned int rloop_disk_openers(struct gendisk *disk);
void rloop_disk_suppress_partscan(struct gendisk *disk, bool on);
int rloop_disk_rescan(struct gendisk *disk);
void rloop_disk_uevent_change(struct gendisk *disk);
void rloop_disk_uevent_suppress(struct gendisk *disk, bool on);
gfp_t rloop_mapping_restrain(struct address_space *mapping);
void rloop_mapping_release(struct address_space *mapping, gfp_t before);
bool rloop_mapping_is_unwritten(const struct address_space *mapping);
int rloop_bdev_sync(struct block_device *bdev);
bool rloop_bdev_take_flag(struct block_device *bdev, unsigned int flag);
void rloop_bdev_set_flag(struct block_device *bdev, unsigned int flag);
void rloop_bdev_invalidate(struct block_device *bdev);
struct block_device *rloop_disk_part_get(struct gendisk *disk, unsigned long *index);
void rloop_bdev_put(struct block_device *bdev);
int rloop_bdev_openers(const struct block_device *bdev);
void rloop_bdev_set_wb_err(struct block_device *bdev, int err);
bool rloop_bdev_has_fs(struct block_device *bdev);
void rloop_bdev_set_fs_err(struct block_device *bdev, int err);
u64 rloop_flush_submitted(const struct request *rq);
u64 rloop_now(void);
s64 rloop_seconds(void);
struct gendisk *rloop_alloc_disk(struct blk_mq_tag_set *set,
				 struct queue_limits *lim, void *queuedata);
unsigned int rloop_bdev_logical_block_size(struct block_device *bdev);
bool rloop_bdev_rotational(struct block_device *bdev);
unsigned int rloop_bdev_write_zeroes_sectors(struct block_device *bdev);
unsigned int rloop_bdev_discard_granularity(struct block_device *bdev);

/* fs/ */
ssize_t rloop_read_iter(struct file *file, struct kiocb *iocb,
			struct iov_iter *iter);
ssize_t rloop_write_iter(struct file *file, struct kiocb *iocb,
			 struct iov_iter *iter);
bool rloop_file_can_nowait(const struct file *file);
void rloop_kiocb_end_write(struct kiocb *iocb);
loff_t rloop_i_size_read(const struct inode *inode);
const struct path *rloop_file_path(const struct file *file);
void rloop_file_no_atime(struct file *file);
long rloop_file_block_size(const struct file *file);
struct inode *rloop_real_inode(const struct file *file);
bool rloop_is_stacked(const struct inode *inode);
bool rloop_is_reg(const struct inode *inode);
bool rloop_is_blk(const struct inode *inode);
bool rloop_is_swapfile(const struct inode *inode);
bool rloop_is_immutable(const struct inode *inode);
bool rloop_is_append(const struct inode *inode);
const struct cred *rloop_override_creds(const struct cred *cred);
void rloop_revert_creds(const struct cred *old);
struct page *rloop_zero_page(void);
u64 rloop_huge_encode_dev(dev_t dev);
bool rloop_capable_sys_admin(void);

/* core/ */
unsigned int rloop_nr_cpus(void);
unsigned int rloop_nr_nodes(void);
void rloop_init_list(struct list_head *list);
bool rloop_folio_woken(struct wait_queue_entry *entry, void *key);
errseq_t rloop_error_cursor(const struct file *file);
void rloop_plug_start(struct blk_plug *plug);
void rloop_plug_finish(struct blk_plug *plug);
struct workqueue_struct *rloop_alloc_workqueue(const char *name, unsigned int where, int max_active);
bool rloop_is_realtime(void);
bool rloop_is_only_task(void);
unsigned int rloop_cpu(void);
bool rloop_on_isolated_cpu(void);
void rloop_synchronize_rcu_tasks(void);
bool rloop_irqs_off(void);
void rloop_stay(void);
void rloop_leave(void);
unsigned int rloop_io_context_enter(void);
void rloop_io_context_exit(unsigned int old);
unsigned long rloop_spin_lock_irqsave(spinlock_t *lock);
void rloop_spin_unlock_irqrestore(spinlock_t *lock, unsigned long flags);
void rloop_assert_spin_held(spinlock_t *lock);
int rloop_mutex_lock_killable(struct mutex *lock);
void rloop_module_get(void);
void rloop_module_put(void);
bool rloop_may_log_refusal(void);
bool rloop_may_log_trouble(void);

#ifdef CONFIG_KUNIT
/* For tests only. */
bool rloop_test_interrupts_off(void);
void rloop_test_be_killed(void);
void rloop_test_be_spared(void);
void rloop_test_reset_ratelimits(void);
struct file *rloop_test_file(const char *name, loff_t size);
#endif

#endif /* RLOOP_HELPERS_H */
