import { createHash } from "node:crypto";
import { parentPort, workerData } from "node:worker_threads";
import { ChunkTable, type ChunkTableMemory } from "../../../agent/backup/chunk-table.ts";

const { memory, ids, start } = workerData as { memory: ChunkTableMemory; ids: number; start: SharedArrayBuffer };
const table = new ChunkTable(memory);
const gate = new Int32Array(start);
parentPort?.postMessage("ready");
Atomics.wait(gate, 0, 0);
const rows = new Int32Array(ids);
for (let n = 0; n < ids; n += 1) rows[n] = table.claim(createHash("sha256").update(`${n}`).digest());
parentPort?.postMessage(rows);
