import assert from "node:assert/strict";
import { test } from "node:test";
import { watchModeOf } from "../../../watcher/folder-io/file-systems.ts";

test("a file system whose changes come from elsewhere is polled and named, one of this machine is watched", () => {
  for (const [type, name] of [
    [0x6969, "NFS"],
    [0xff534d42, "CIFS"],
    // A 32-bit system shows it so.
    [0xff534d42 | 0, "CIFS"],
    [0xfe534d42, "SMB2"],
    [0x65735546, "FUSE"],
    [0x01021997, "9P"],
    [0x786f4256, "VirtualBox shared folders"],
    [0x6a656a63, "virtiofs"],
  ] as const) {
    assert.deepEqual(watchModeOf(type), {
      events: false,
      why: `${name}: changes made by other machines send no events here`,
    });
  }
  // ext4, XFS, Btrfs, ZFS, tmpfs, overlayfs.
  for (const type of [0xef53, 0x58465342, 0x9123683e, 0x2fc12fc1, 0x01021994, 0x794c7630]) {
    assert.equal(watchModeOf(type).events, true);
  }
});
