import { randomBytes } from "node:crypto";
import { toHex } from "../../vault/names/index.ts";
import { type ProbeFinding, probeStore } from "../../vault/store/index.ts";
import type { VaultSettings } from "../config/index.ts";
import { stylesFor } from "../report/index.ts";
import type { Answer } from "./answer.ts";
import { attempt, type Check, checksText, fail, firstFailure, note, ok, warn } from "./check.ts";
import { checkPlace } from "./check-place.ts";
import type { Call } from "./define.ts";
import { openPlace } from "./opened.ts";
import { pickVault, readConfig } from "./session.ts";

/** `coldkeep doctor --store`: each vault of the configuration, or the one that --vault names. */
export async function probeVaults(call: Call): Promise<Answer> {
  const { flags, io } = call;
  const config = readConfig(call);
  const vaults = flags.vault === undefined ? config.vaults : [pickVault(config, flags.vault)];
  const seen: { readonly vault: VaultSettings; readonly checks: readonly Check[] }[] = [];
  for (const vault of vaults) {
    call.progress.stage(`look at ${vault.name}`);
    seen.push({ vault, checks: await attempt("vault", () => probe(vault, call)) });
  }
  const failure = firstFailure(seen.flatMap(({ checks }) => checks));
  const styles = stylesFor(io.stdout, io.env);
  return {
    document: {
      ok: failure === null,
      vaults: seen.map(({ vault, checks }) => ({ vault: vault.name, url: vault.url, checks })),
    },
    text: seen.map(({ vault, checks }) => `${vault.name}  ${vault.url}\n\n${checksText(checks, styles)}`).join("\n\n"),
    ...(failure === null ? {} : { failure }),
  };
}

async function probe(vault: VaultSettings, call: Call): Promise<readonly Check[]> {
  const { io } = call;
  const store = await openPlace(vault, call, {});
  const { findings, left } = await probeStore({
    store,
    run: toHex(randomBytes(8)),
    now: () => io.clock.now(),
    signal: io.signal,
  });
  const traits = (await store.inspect?.().catch(() => null)) ?? null;
  const checks = [...findings.map(checkOf), ...checkPlace(vault, io.env, traits)];
  if (left.length === 0) return checks;
  const names = left.length <= 3 ? left.join(", ") : `${left.slice(0, 3).join(", ")} and ${left.length - 3} more`;
  return [...checks, note("left behind", names, "this host may not remove them, and nothing needs them")];
}

function checkOf({ name, guarantee, otherwise, weight, result, found }: ProbeFinding): Check {
  switch (result) {
    case "holds":
      return ok(name, `${guarantee}: ${found}`);
    case "broken": {
      const words = `NOT so that ${guarantee}: ${found}`;
      if (weight === "needed") return fail(name, "vault", words, otherwise);
      return weight === "useful" ? warn(name, words, otherwise) : note(name, words, otherwise);
    }
    case "denied":
      return (weight === "needed" ? warn : note)(
        name,
        `this host may not see whether ${guarantee}: ${found}`,
        otherwise,
      );
    case "unknown":
      if (weight === "needed") return fail(name, "vault", `it could not be seen: ${found}`, otherwise);
      return warn(name, `it could not be seen: ${found}`, otherwise);
  }
}
