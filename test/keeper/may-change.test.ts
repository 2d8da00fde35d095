import { describe, expect, it } from "vitest";
import { copySnapshots, indexSnapshots, listSnapshots, rebuildIndex, selectSnapshot } from "../../keeper/index.ts";
import { encodeVaultJson } from "../../vault/card/index.ts";
import { names } from "../../vault/names/index.ts";
import { cardWorld } from "../support/cards.ts";
import { memoryStore } from "../support/memory-store.ts";

const asks = (min_keeper: string) => encodeVaultJson({ format: 1, created: 1, min_agent: "0.1.0", min_keeper });

describe("a vault that asks for a newer keeper", () => {
  it("is read and not changed, with the version that is needed", async () => {
    const { store, node, snapshot } = await cardWorld();
    const { core } = await snapshot();
    store.plant(names.VAULT_JSON, asks("0.0.9"));
    await rebuildIndex({ store, node });
    store.plant(names.VAULT_JSON, asks("7.1.0"));
    const before = new Map(store.objects);
    const late = await snapshot();
    for (const job of [rebuildIndex({ store, node }), indexSnapshots({ store, node, ids: [late.core.snapshot] })]) {
      await expect(job).rejects.toMatchObject({
        kind: "refused",
        on: "vault.json",
        why: expect.stringContaining("version 7.1.0 or newer"),
      });
    }
    for (const [name, object] of before) expect(store.objects.get(name), name).toBe(object);
    expect((await selectSnapshot({ store, node, selection: { by: "latest" } })).snapshot).toBe(core.snapshot);
    for await (const entry of listSnapshots({ store, node })) expect(entry.snapshot).toBe(core.snapshot);
  });

  it("is copied from, and not into", async () => {
    const { store, node, snapshot } = await cardWorld();
    const ids = [(await snapshot()).core.snapshot];
    const target = memoryStore(() => Date.UTC(2026, 1, 1));
    const copy = async () => {
      for await (const _ of copySnapshots({ from: store, to: target, node, ids })) break;
    };
    store.plant(names.VAULT_JSON, asks("7.1.0"));
    await expect(copy(), "a copy of it would be as new").rejects.toMatchObject({ kind: "refused", on: "vault.json" });
    expect([...target.objects]).toEqual([]);
    store.plant(names.VAULT_JSON, asks("0.1.0"));
    target.plant(names.VAULT_JSON, asks("7.1.0"));
    await expect(copy()).rejects.toMatchObject({ kind: "refused", on: "vault.json" });
    expect([...target.objects.keys()]).toEqual([names.VAULT_JSON]);
  });

  it("and cannot be asked, as its record is damaged, is not changed either", async () => {
    const { store, node } = await cardWorld();
    store.plant(names.VAULT_JSON, Buffer.from("{"));
    await expect(rebuildIndex({ store, node })).rejects.toMatchObject({ kind: "integrity", on: "vault.json" });
  });
});
