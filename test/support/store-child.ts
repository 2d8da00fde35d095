import { buffer } from "node:stream/consumers";
import { hashed } from "../../vault/store/hashed.ts";
import { openStore } from "../../vault/store/index.ts";
import type { StoreTask } from "./store-children.ts";
import { addTokens } from "./store-tokens.ts";

// A process of its own that works on a store: see store-children.ts.
const task = JSON.parse(process.argv[2] ?? "") as StoreTask;
const store = await openStore(task.url, task.s3 === undefined ? {} : { s3: task.s3 });
process.stdout.write("ready\n");
await buffer(process.stdin);

const won: boolean[] = [];
if (task.kind === "create") {
  for (const name of task.names) {
    const bytes = Buffer.from(task.text);
    const outcome = await store.create(name, hashed(bytes));
    won.push(outcome.created);
  }
} else {
  await addTokens(store, task.names[0] ?? "", task.text.split(" "));
}
process.stdout.write(`${JSON.stringify({ won })}\n`);
