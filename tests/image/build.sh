#!/usr/bin/env bash
# Builds the image with buildah, mounts it, and runs the tests beside this file against it.
# BASE names the image to build on; without one, Debian and its Python are put together for it.
set -euo pipefail
cd "$(dirname "$0")/../.."
export BUILDAH_ISOLATION=chroot BUILDAH_FORMAT=docker STORAGE_DRIVER="${STORAGE_DRIVER:-vfs}"
TAG=tap-m365hunting:test
SCRATCH=$(mktemp -d)
CONTAINERS=()
clean() {
  for container in "${CONTAINERS[@]}"; do buildah rm "$container" > /dev/null; done
  rm -rf "$SCRATCH"
}
trap clean EXIT

if [ -z "${BASE:-}" ]; then
  BASE=localhost/python-of-debian
  if ! buildah inspect --type image "$BASE" > /dev/null 2>&1; then
    debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates bookworm "$SCRATCH/root"
    CONTAINERS+=("$(buildah from scratch)")
    buildah copy --quiet "${CONTAINERS[0]}" "$SCRATCH/root" /
    buildah commit --quiet "${CONTAINERS[0]}" "$BASE"
  fi
fi

# the settings of this machine's pip, and the certificates that they name
VOLUMES=()
for file in /etc/pip.conf /etc/ssl/certs/ca-certificates.crt; do
  [ -f "$file" ] && VOLUMES+=(--volume "$file:$file:ro")
done
buildah build --quiet --network host --build-arg BASE="$BASE" "${VOLUMES[@]}" --tag "$TAG" .
buildah images "$TAG"

CONTAINERS+=("$(buildah from "$TAG")")
buildah inspect --type image "$TAG" > "$SCRATCH/image.json"
IMAGE_ROOT=$(buildah mount "${CONTAINERS[-1]}") IMAGE_JSON=$SCRATCH/image.json \
  "${PYTHON:-.venv/bin/python}" -m pytest -q tests/image
