import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../posix/clock.ts";
import { type Ran, runHere } from "../cli/run.ts";
import { keepSecret } from "./secrets.ts";
import { tempDir } from "./tmp.ts";

/** A node that nobody runs, with coldkeep set up for it in a folder of its own; the test says which keys it has. */
export interface KeyedNode {
  readonly home: string;
  readonly data: string;
  readonly vault: string;
  readonly config: string;
  /** A path below `home`. */
  path(name: string): string;
  /** Writes a file of mode 0600 below `home` and tells its path. */
  file(name: string, content: string | Uint8Array, mode?: number): string;
  /** Replaces the lines of the configuration that say what the keys are. */
  setKeys(yaml: string): void;
  /** Runs `coldkeep <words…>` in this process, with this node's configuration. */
  run(words: readonly string[], options?: Parameters<typeof runHere>[1]): Promise<Ran>;
  /** The same with --json. @throws Error where it does not end with 0. */
  json<T>(...words: string[]): Promise<T>;
  /** Restores `id` into a fresh folder and tells the content of the node's file. */
  restored(id?: string): Promise<string>;
}

/**
 * @param copyOf The home of another one, whose snapshots this one has, too.
 * @param place The vault as the configuration has it. Default: a folder below `home`.
 */
export async function keyedNode(
  keys: string,
  home = tempDir("coldkeep-keys"),
  copyOf?: string,
  place = `file://${home}/vault`,
): Promise<KeyedNode> {
  // cp keeps the modes of folders, which the state insists on.
  if (copyOf !== undefined) execFileSync("cp", ["-a", `${copyOf}/.`, home]);
  const data = join(home, "data");
  const config = join(home, "config.yaml");
  mkdirSync(data, { recursive: true });
  mkdirSync(join(home, "vault"), { recursive: true, mode: 0o700 });
  writeFileSync(join(data, "file"), "content of the node");
  let folders = 0;
  const node: KeyedNode = {
    home,
    data,
    config,
    vault: join(home, "vault"),
    path: (name) => join(home, name),
    file(name, content, mode = 0o600) {
      // Everything that a test writes this way is a key, or holds one.
      if (typeof content === "string") keepSecret(content);
      writeFileSync(join(home, name), content, { mode });
      return join(home, name);
    },
    setKeys(yaml) {
      const text = [
        "version: 1",
        `vault: ${place}`,
        "vault_id: AAECAwQFBgcICQoLDA0ODw",
        `state_dir: ${home}/state`,
        yaml.trim().replaceAll("HOME", home),
        `nodes: { demo: { profile: files, roots: { data: ${data} }, service: { manager: none } } }`,
      ];
      writeFileSync(config, `${text.join("\n")}\n`, { mode: 0o600 });
    },
    run: (words, options) => runHere([...words, "--config", config], { clock: systemClock, ...options }),
    async json<T>(...words: string[]) {
      const { code, stdout, stderr } = await node.run([...words, "--json"]);
      if (code !== 0) throw new Error(`coldkeep ${words.join(" ")} ended with ${code}: ${stderr}${stdout}`);
      return JSON.parse(stdout) as T;
    },
    async restored(id = "latest") {
      folders += 1;
      const to = join(home, `restored-${folders}`);
      await node.json("restore", id, "--to", to);
      return readFileSync(join(to, "data", "file"), "utf8");
    },
  };
  node.setKeys(keys);
  const { code, stderr, stdout } = await node.run(["init"]);
  if (code !== 0 && !stdout.includes("prepared"))
    throw new Error(`coldkeep init ended with ${code}: ${stderr}${stdout}`);
  return node;
}
