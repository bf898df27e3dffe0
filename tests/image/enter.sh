#!/bin/sh
# enter.sh ROOT FOLDER COMMAND...: runs a command of the image as a container engine would.
# The root is read only, /tmp is memory, FOLDER is /mnt; the user is the image's, without groups.
set -eu
root=$1 folder=$2
shift 2
mount --bind "$root" "$root"
mount -t tmpfs tmpfs "$root/tmp"
mount --bind "$folder" "$root/mnt"
mount --bind /dev "$root/dev"
mount --bind /dev/shm "$root/dev/shm"
# engines bring the names of hosts, too
touch "$root/etc/hosts"
mount --bind /etc/hosts "$root/etc/hosts"
mount -t proc proc "$root/proc"
mount -o remount,bind,ro "$root"
exec chroot --userspec=10001:10001 --groups= "$root" \
  env -i PATH="$IMAGE_PATH" PYTHONPATH=/opt/fleet PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
  HOME=/tmp REQUESTS_CA_BUNDLE=/mnt/ca.pem "$@"
