import { spawn } from "node:child_process";
import { once } from "node:events";
import { text as readText } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import type { StoreOptions } from "../../vault/store/index.ts";

export interface StoreTask {
  readonly url: string;
  readonly s3?: StoreOptions["s3"];
  /** `create`: each name once; `add`: adds each word of `text` to the object at the first name. */
  readonly kind: "create" | "add";
  readonly names: readonly string[];
  readonly text: string;
}

export interface StoreTaskResult {
  /** For `create`: whether this process won the name. */
  readonly won: readonly boolean[];
}

const CHILD = fileURLToPath(new URL("./store-child.ts", import.meta.url));

/** Runs each task in a process of its own. All are ready before the first is let go. */
export async function runStoreChildren(tasks: readonly StoreTask[]): Promise<StoreTaskResult[]> {
  const children = tasks.map((task) =>
    spawn(process.execPath, [CHILD, JSON.stringify(task)], { stdio: ["pipe", "pipe", "inherit"] }),
  );
  await Promise.all(children.map((child) => once(child.stdout, "readable")));
  for (const child of children) child.stdin.end("go");
  return Promise.all(
    children.map(async (child) => {
      const output = await readText(child.stdout);
      const line = output.trim().split("\n").at(-1) ?? "";
      return JSON.parse(line) as StoreTaskResult;
    }),
  );
}
