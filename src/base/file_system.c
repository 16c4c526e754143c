/* SPDX-License-Identifier: MIT */
/* What kind of file system a path is on: the journal wants one that is local and survives a power cut. And whether it
 * answers. Any thread. */
#include <errno.h>
#include <linux/magic.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/statfs.h>

#include "base/deadline.h"
#include "base/file.h"

/* Numbers that linux/magic.h of Debian 12 does not have; from each file system's own source in Linux. */
#define MAGIC_XFS 0x58465342
#define MAGIC_CIFS 0xFF534D42
#define MAGIC_ZFS 0x2FC12FC1
#define MAGIC_NTFS3 0x7366746E
#define MAGIC_VBOX 0x786F4256
#define MAGIC_GFS2 0x01161970
#define MAGIC_LUSTRE 0x0BD00BD0
#define MAGIC_BCACHEFS 0xCA451A4E

static const struct {
	uint32_t magic;
	const char *name;
	bool local, durable;
} kinds[] = {
	{EXT4_SUPER_MAGIC, "ext4", true, true}, {MAGIC_XFS, "xfs", true, true}, {BTRFS_SUPER_MAGIC, "btrfs", true, true},
	{F2FS_SUPER_MAGIC, "f2fs", true, true}, {MAGIC_ZFS, "zfs", true, true}, {MAGIC_BCACHEFS, "bcachefs", true, true},
	{OVERLAYFS_SUPER_MAGIC, "overlay", true, true}, {MSDOS_SUPER_MAGIC, "vfat", true, true},
	{EXFAT_SUPER_MAGIC, "exfat", true, true}, {MAGIC_NTFS3, "ntfs3", true, true},
	{ISOFS_SUPER_MAGIC, "iso9660", true, true}, {SQUASHFS_MAGIC, "squashfs", true, true},
	{TMPFS_MAGIC, "tmpfs", true, false}, {RAMFS_MAGIC, "ramfs", true, false}, {NFS_SUPER_MAGIC, "nfs", false, true},
	{MAGIC_CIFS, "cifs", false, true}, {SMB2_SUPER_MAGIC, "smb2", false, true}, {SMB_SUPER_MAGIC, "smb", false, true},
	{AFS_SUPER_MAGIC, "afs", false, true}, {CEPH_SUPER_MAGIC, "ceph", false, true},
	{CODA_SUPER_MAGIC, "coda", false, true}, {OCFS2_SUPER_MAGIC, "ocfs2", false, true},
	{MAGIC_GFS2, "gfs2", false, true}, {MAGIC_LUSTRE, "lustre", false, true}, {V9FS_MAGIC, "9p", false, true},
	{MAGIC_VBOX, "vboxsf", false, true},
	{FUSE_SUPER_MAGIC, "fuse", false, true}, /* sshfs and NTFS-3G look the same from here: the careful guess */
};

int file_system_of(const char *path, struct file_system *ret, struct error *err) {
	struct statfs fs;
	while (statfs(path, &fs) != 0)
		if (errno != EINTR)
			return error_errno(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_DISK, errno, "cannot examine %s", path);
	int64_t block = fs.f_frsize ? fs.f_frsize : fs.f_bsize;
	*ret = (struct file_system){.name = "unknown",
		.local = true,
		.durable = true,
		.free_bytes = (int64_t)fs.f_bavail * block,
		.total_bytes = (int64_t)fs.f_blocks * block};
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (kinds[i].magic != (uint32_t)fs.f_type) continue;
		ret->name = kinds[i].name;
		ret->local = kinds[i].local;
		ret->durable = kinds[i].durable;
	}
	return 0;
}

/* --- does it answer? --- */

struct asked { /* shared with the thread that asks; whoever is last frees it */
	pthread_mutex_t lock;
	pthread_cond_t answered;
	char *path;
	struct stat st;
	int failure; /* errno */
	bool over, left;
};

static void asked_free(struct asked *a) {
	pthread_cond_destroy(&a->answered);
	pthread_mutex_destroy(&a->lock);
	free(a->path);
	free(a);
}

static void *ask(void *arg) {
	struct asked *a = arg;
	struct stat st = {0};
	int failure = stat(a->path, &st) ? errno : 0;
	pthread_mutex_lock(&a->lock);
	a->st = st;
	a->failure = failure;
	a->over = true;
	bool left = a->left;
	pthread_cond_signal(&a->answered);
	pthread_mutex_unlock(&a->lock);
	if (left) asked_free(a);
	return NULL;
}

static struct asked *asked_new(const char *path) {
	struct asked *a = xcalloc(1, sizeof *a);
	a->path = xstrdup(path);
	pthread_mutex_init(&a->lock, NULL);
	condition_init(&a->answered);
	return a;
}

int file_stat_within(const char *path, struct stat *ret, int64_t timeout_ms) {
	struct asked *a = asked_new(path);
	const struct timespec until = deadline_after(timeout_ms);
	pthread_t thread;
	int failure = pthread_create(&thread, NULL, ask, a);
	if (failure) {
		asked_free(a);
		return errno = failure, -1;
	}
	pthread_detach(thread);
	pthread_mutex_lock(&a->lock);
	while (!a->over && pthread_cond_timedwait(&a->answered, &a->lock, &until) != ETIMEDOUT) continue;
	bool over = a->over;
	a->left = !over;
	failure = over ? a->failure : ETIMEDOUT;
	*ret = over ? a->st : (struct stat){0};
	pthread_mutex_unlock(&a->lock);
	if (over) asked_free(a);
	errno = failure;
	return failure ? -1 : 0;
}
