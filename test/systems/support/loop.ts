import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { tempDir } from "../../support/tmp.ts";

/** File systems that can be made here on a loop device, and the Debian package whose `mkfs` they need. */
export const FILE_SYSTEMS = [
  { name: "xfs", make: ["mkfs.xfs", "-q"], package: "xfsprogs", reflinks: true },
  { name: "btrfs", make: ["mkfs.btrfs", "-q"], package: "btrfs-progs", reflinks: true },
  { name: "ext4", make: ["mkfs.ext4", "-q", "-F"], package: "e2fsprogs", reflinks: false },
] as const;

export type FileSystem = (typeof FILE_SYSTEMS)[number];

/** Why a file system cannot be made here, in words for a test's name; null where it can. */
export function obstacleTo(system: FileSystem): string | null {
  if (process.getuid?.() !== 0) return "needs root";
  if (spawnSync(system.make[0], ["-V"]).error !== undefined) return `needs: apt-get install ${system.package}`;
  return null;
}

/** A real file system of `mebibytes`, mounted until the test ends; the path it is mounted on. */
export function mountFresh(system: FileSystem, mebibytes: number): string {
  const folder = tempDir(`coldkeep-${system.name}`);
  const image = join(folder, "image");
  const mounted = join(folder, "mounted");
  mkdirSync(mounted);
  writeFileSync(image, "");
  truncateSync(image, mebibytes * 1024 * 1024);
  const [command, ...options] = system.make;
  execFileSync(command, [...options, image], { stdio: "pipe" });
  execFileSync("mount", ["-o", "loop", image, mounted], { stdio: "pipe" });
  onTestFinished(() => {
    execFileSync("umount", ["--lazy", mounted], { stdio: "pipe" });
    rmSync(image);
  });
  return mounted;
}
