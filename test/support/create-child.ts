import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { hashed } from "../../vault/store/hashed.ts";
import { openStore } from "../../vault/store/index.ts";

// A process that puts a large object, and says when part of it is on disk; meant to be killed then.
const [path = "", name = ""] = process.argv.slice(2);
const bytes = Buffer.alloc(256 << 20, 5);
const store = await openStore(path);
const body = hashed(bytes);
const watch = setInterval(() => {
  const temps = readdirSync(join(path, ".tmp"));
  if (!temps.some((temp) => statSync(join(path, ".tmp", temp)).size > 0)) return;
  clearInterval(watch);
  process.stdout.write("writing\n");
  // Stands still with the file half written: no more turns of the event loop, no more writes.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}, 0);
await store.create(name, body);
