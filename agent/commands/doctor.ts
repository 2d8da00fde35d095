import { listSnapshots } from "../../keeper/index.ts";
import { isColdkeepError } from "../../vault/names/index.ts";
import type { Store } from "../../vault/store/index.ts";
import type { VaultSettings } from "../config/index.ts";
import { formatTime, stylesFor } from "../report/index.ts";
import type { Answer } from "./answer.ts";
import { attempt, type Check, checksText, firstFailure, ok, warn } from "./check.ts";
import { checkHost } from "./check-host.ts";
import { checkKey, checkKeyOpens } from "./check-key.ts";
import { checkProfile, checkRoots, checkService } from "./check-node.ts";
import { checkState } from "./check-state.ts";
import { checkVault } from "./check-vault.ts";
import type { Call } from "./define.ts";
import type { DoctorFlags } from "./doctor.command.ts";
import { probeVaults } from "./doctor-store.ts";
import { openOneVault } from "./opened.ts";
import { openSession, pickVault, type Session, scopeOf } from "./session.ts";

const CLOCK_SLACK_MS = 5 * 60_000;

/** `coldkeep doctor`. */
export async function run(call: Call<DoctorFlags>): Promise<Answer> {
  if (call.flags.store === true) return probeVaults(call);
  const host = checkHost(call.io);
  let session: Session | null = null;
  const opened = await attempt("config", async () => {
    session = openSession(call);
    const { config, node } = session;
    return [
      ok("config", `${config.path}, node ${node.name}`),
      ...config.warnings.map((words) => warn("config", words, "chmod 600")),
    ];
  });
  const rest = session === null ? [] : await checkSession(session, call, vaultsFor(session, call));
  return answerOf([...host, ...opened, ...rest], call);
}

function vaultsFor({ config }: Session, { flags }: Call): readonly VaultSettings[] {
  return flags.vault === undefined ? config.vaults : [pickVault(config, flags.vault)];
}

/** All that can be looked at once the configuration is read; changes nothing. */
export async function checkSession(
  session: Session,
  call: Call,
  vaults: readonly VaultSettings[] = session.config.vaults,
): Promise<readonly Check[]> {
  const checks: Check[] = [];
  const add = async (name: string, look: () => Promise<Check | readonly Check[]>) => {
    checks.push(...(await attempt(name, look)));
  };
  await add("key", () => checkKey(session, call));
  await add("state", () => checkState(session, call.io.clock.now()));
  for (const vault of vaults) checks.push(...(await checkOneVault(session, vault, call, vaults.length > 1)));
  await add("roots", () => checkRoots(session));
  await add("profile", () => checkProfile(session));
  await add("service", () => checkService(session, call.io.signal));
  return checks;
}

/** Where there are several, each check says which vault it is about. */
async function checkOneVault(
  session: Session,
  vault: VaultSettings,
  call: Call,
  named: boolean,
): Promise<readonly Check[]> {
  const stores: Store[] = [];
  const checks = [
    ...(await attempt("vault", async () => {
      const store = await openOneVault(vault, call, "read");
      stores.push(store);
      return checkVault(session, store);
    })),
  ];
  for (const store of stores) {
    checks.push(...(await attempt("clock", () => checkClock(session, store, call))));
    checks.push(...(await attempt("key proven", () => checkKeyOpens(session, store, call))));
  }
  return named ? checks.map((check) => ({ ...check, name: `${check.name}, ${vault.name}` })) : checks;
}

/** A host whose clock runs behind its own vault names snapshots wrongly. */
async function checkClock({ config, node }: Session, store: Store, { io }: Call): Promise<Check> {
  const now = io.clock.now();
  try {
    for await (const { received } of listSnapshots({ store, ...scopeOf(config, node.name) })) {
      if (received <= now + CLOCK_SLACK_MS) break;
      return warn(
        "clock",
        `${formatTime(now)}, but the vault received the newest snapshot at ${formatTime(received)}`,
        "set this host's clock, or the vault's",
      );
    }
  } catch (error) {
    if (!isColdkeepError(error, "not-found")) throw error;
  }
  return ok("clock", formatTime(now));
}

export function answerOf(checks: readonly Check[], { io }: Call): Answer {
  const failure = firstFailure(checks);
  const warned = checks.filter(({ status }) => status === "warn").length;
  const end =
    failure !== null
      ? ""
      : warned === 0
        ? "\n\nAll is in place."
        : `\n\nBackups can run; ${warned === 1 ? "one thing is" : `${warned} things are`} worth a look.`;
  return {
    document: { ok: failure === null, checks },
    text: `${checksText(checks, stylesFor(io.stdout, io.env))}${end}`,
    ...(failure === null ? {} : { failure }),
  };
}
