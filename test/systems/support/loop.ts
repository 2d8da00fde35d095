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
  return mountToMove(system, mebibytes).mounted;
}

/** The same, which can be given another device, as a boot that finds disks in another order does. */
export function mountToMove(system: FileSystem, mebibytes: number): { readonly mounted: string; move(): void } {
  const folder = tempDir(`coldkeep-${system.name}`);
  const image = join(folder, "image");
  const mounted = join(folder, "mounted");
  mkdirSync(mounted);
  writeFileSync(image, "");
  truncateSync(image, mebibytes * 1024 * 1024);
  const [command, ...options] = system.make;
  execFileSync(command, [...options, image], { stdio: "pipe" });
  const mount = (file: string, at: string) => execFileSync("mount", ["-o", "loop", file, at], { stdio: "pipe" });
  const unmount = (at: string) => execFileSync("umount", ["--lazy", at], { stdio: "pipe" });
  mount(image, mounted);
  onTestFinished(() => {
    unmount(mounted);
    rmSync(image);
  });
  return {
    mounted,
    move: () => {
      // While the file has one device, it is given another.
      const device = execFileSync("losetup", ["--find", "--show", image], { encoding: "utf8" }).trim();
      onTestFinished(() => void spawnSync("losetup", ["--detach", device]));
      execFileSync("umount", [mounted], { stdio: "pipe" });
      // File systems with numbers of their own making get the first free one: this takes it.
      const taker = join(folder, "taker");
      mkdirSync(taker);
      execFileSync("mount", ["-t", "tmpfs", "none", taker]);
      onTestFinished(() => void unmount(taker));
      execFileSync("blockdev", ["--flushbufs", device], { stdio: "pipe" });
      execFileSync("mount", [device, mounted], { stdio: "pipe" });
    },
  };
}
