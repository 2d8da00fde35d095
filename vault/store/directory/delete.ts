import { rmdirSync, unlinkSync } from "node:fs";
import { type Clock, systemClock } from "../../../posix/clock.ts";
import { systemCode } from "../../names/index.ts";
import type { ApprovedPlan, DeleteOutcome, Deleter, PlannedDelete } from "../facets.ts";
import { splitName } from "../object-name.ts";
import { vaultError } from "./errors.ts";
import { infoOf, statObject } from "./files.ts";
import { openFolder, type VaultRoot } from "./folders.ts";
import { fsyncForGood } from "./fsync.ts";
import { lockName } from "./locks.ts";

/** Deleter over a folder: an object is removed only while it is the version named. Empty folders go with the last one. */
export function directoryDeleter(root: VaultRoot, clock: Clock = systemClock): Deleter {
  return { delete: (plan) => deletePlanned(root, plan, clock) };
}

async function* deletePlanned(root: VaultRoot, plan: ApprovedPlan, clock: Clock): AsyncGenerator<DeleteOutcome> {
  // All names before the first file: a plan with one illegal name is no plan.
  for (const { name } of plan.objects) splitName(name);
  for (const object of plan.objects) {
    try {
      yield { name: object.name, outcome: await deleteOne(root, object, clock) };
    } catch (error) {
      throw vaultError(error, "cannot delete an object", `${root.path}/${object.name}`);
    }
  }
}

async function deleteOne(root: VaultRoot, object: PlannedDelete, clock: Clock): Promise<DeleteOutcome["outcome"]> {
  const { name, etag } = object;
  const parts = splitName(name);
  const leaf = parts.at(-1) ?? "";
  using _lock = await lockName(root, name, clock);
  const folder = openFolder(root, parts.slice(0, -1), false);
  if (folder === null) return "gone";
  try {
    const stats = statObject(root, folder, leaf, name);
    if (stats === null || infoOf(stats).etag !== etag) return "gone";
    unlinkSync(folder.at(leaf));
    await fsyncForGood(folder.fd, `${root.path}/${name}`);
  } catch (error) {
    // chattr +i, the nearest a local file system has to an object lock (ioctl_iflags(2)).
    if (systemCode(error) === "EPERM") return "locked";
    throw error;
  } finally {
    folder.close();
  }
  removeIfEmpty(root, parts.slice(0, -1));
  return "deleted";
}

function removeIfEmpty(root: VaultRoot, parts: readonly string[]): void {
  const leaf = parts.at(-1);
  if (leaf === undefined) return;
  const above = openFolder(root, parts.slice(0, -1), false);
  if (above === null) return;
  try {
    rmdirSync(above.at(leaf));
    root.durable.delete(`/${parts.join("/")}`);
  } catch {
    // Not empty, or somebody else was faster: an empty folder is no object and harms nobody.
  } finally {
    above.close();
  }
}
