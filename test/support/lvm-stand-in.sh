#!/bin/sh
# Stands in for LVM's commands, where the kernel has no device mapper: `lvm-stand-in.sh <state folder> <program> <words>`.
# <state>/device is the loop device of the one logical volume vg0/node, <state>/image its file, <state>/mounted where it
# is mounted, <state>/free the bytes free in vg0. Snapshots are copies of the image, as <state>/vg0-<name>, with the
# origin's name and tags in <state>/vg0-<name>.of. Every call is noted in <state>/calls.
set -eu
state=$1
program=$2
shift 2
echo "$program $*" >>"$state/calls"
case $program in
lvs)
  selected=
  for word; do
    case $word in lv_name=*) selected=${word#lv_name=} ;; esac
    last=$word
  done
  if [ -n "$selected" ]; then
    row=
    if [ -e "$state/vg0-$selected.of" ]; then
      row="{\"lv_name\":\"$selected\",$(cat "$state/vg0-$selected.of")}"
    fi
    echo "{\"report\":[{\"lv\":[$row]}]}"
  elif [ "$last" = "$(cat "$state/device")" ]; then
    size=$(stat -L -c %s "$state/image")
    echo "{\"report\":[{\"lv\":[{\"vg_name\":\"vg0\",\"lv_name\":\"node\",\"lv_size\":\"$size\",\"vg_free\":\"$(cat "$state/free")\",\"pool_lv\":\"\"}]}]}"
  else
    echo "  Volume group \"$last\" not found" >&2
    exit 5
  fi
  ;;
lvcreate)
  [ "$1 $2 $3 $5 $6 $7" = "--snapshot --yes --name --addtag coldkeep --size" ]
  [ "$9" = vg0/node ]
  fsfreeze --freeze "$(cat "$state/mounted")"
  cp --sparse=always "$state/image" "$state/vg0-$4" || failed=1
  fsfreeze --unfreeze "$(cat "$state/mounted")"
  [ -z "${failed-}" ]
  echo '"origin":"node","lv_tags":"coldkeep"' >"$state/vg0-$4.of"
  ;;
lvremove)
  [ "$1" = --yes ]
  rm "$state/vg0-${2#vg0/}" "$state/vg0-${2#vg0/}.of"
  ;;
mount)
  # mount -t <type> -o <options> /dev/vg0/<name> <point>
  # A device that can be written to, as LVM's: a file system may have to finish what its log tells. Gone when unmounted.
  device=$(losetup --find --show "$state/vg0-${5#/dev/vg0/}")
  mount -t "$2" -o "$4" "$device" "$6" || failed=1
  losetup --detach "$device"
  [ -z "${failed-}" ]
  ;;
*) exec "$program" "$@" ;;
esac
