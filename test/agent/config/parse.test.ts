import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Config, parseConfig } from "../../../agent/config/index.ts";
import { ColdkeepError } from "../../../vault/names/index.ts";

const PROFILES = ["leveldb", "files"];

const GOOD = `version: 1
vault: file:///backup/vault
vault_id: AAECAwQFBgcICQoLDA0ODw
encrypt_key: /etc/coldkeep/key
nodes:
  demo:
    profile: leveldb
    roots:
      data: /srv/demo
    service:
      manager: command
      stop: systemctl stop demo
      start: [systemctl, start, demo]
      is_running: systemctl is-active demo
    height: { url: "http://127.0.0.1:9000/h", field: 0.height }
`;

function parse(text: string): Config {
  return parseConfig(text, "c.yaml", PROFILES);
}

/** The lines of the mistakes that `text` is refused with. */
function mistakes(text: string): string[] {
  return refusal(text)
    .why?.split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "") as string[];
}

function refusal(text: string): ColdkeepError {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof ColdkeepError && error.kind === "config") return error;
    throw error;
  }
  throw new Error("the configuration was taken");
}

/** GOOD with one line replaced. */
function withLine(from: string, to: string): string {
  expect(GOOD).toContain(from);
  return GOOD.replace(from, to);
}

it("nothing of a mapping that is written as a key is printed: it may be the key", async () => {
  const warned: string[] = [];
  const hear = (warning: Error) => void warned.push(warning.message);
  process.on("warning", hear);
  expect(() => parse(`? { encrypt_key: a secret }\n: 1\n${GOOD}`)).toThrow(ColdkeepError);
  await new Promise((resolve) => setImmediate(resolve));
  process.off("warning", hear);
  expect(warned).toEqual([]);
});

describe("a right configuration", () => {
  it("becomes settings with every default filled in", () => {
    const config = parse(GOOD);
    expect(config).toMatchObject({
      stateDir: "/var/lib/coldkeep",
      encryptor: "aes",
      consumeKeyFile: false,
      vaultId: "AAECAwQFBgcICQoLDA0ODw",
    });
    expect(config.nodes[0]).toEqual({
      name: "demo",
      profile: "leveldb",
      roots: [{ name: "data", path: "/srv/demo" }],
      globs: { immutable: [], append_only: [], exclude: [], secret: [] },
      service: {
        manager: "command",
        stop: "systemctl stop demo",
        start: ["systemctl", "start", "demo"],
        isRunning: "systemctl is-active demo",
      },
      limits: { stopMs: 120_000, startMs: 300_000, onStopTimeout: "fail" },
      height: { url: "http://127.0.0.1:9000/h", field: "0.height" },
      whenDown: "skip-and-restart",
      chains: [],
      validator: true,
      formerly: [],
      tags: [],
      system: {},
      stop: { windows: [], timezone: "UTC" },
    });
  });

  it("says how a node is driven, for each manager there is", () => {
    const lines = / {4}service:\n(?: {6}.*\n)+/;
    const service = (text: string) => parse(GOOD.replace(lines, `    service: ${text}\n`)).nodes[0];
    expect(service("{ manager: systemd, unit: demo.service }")?.service).toEqual({
      manager: "systemd",
      unit: "demo.service",
    });
    expect(service("{ manager: docker, container: demo }")?.service).toEqual({
      manager: "docker",
      container: "demo",
      program: "docker",
    });
    expect(
      service("{ manager: compose, file: /srv/c.yml, services: [prep], command: docker-compose }")?.service,
    ).toEqual({
      manager: "compose",
      file: "/srv/c.yml",
      services: ["prep"],
      command: "docker-compose",
    });
    expect(service("{ manager: kubernetes, workload: statefulset, name: demo, context: prod }")?.service).toEqual({
      manager: "kubernetes",
      workload: "statefulset",
      name: "demo",
      namespace: "default",
      context: "prod",
    });
    const pod = "manager: kubernetes, workload: pod, name: demo, manifest: /srv/pod.yaml";
    expect(service(`{ ${pod} }`)?.service).toEqual({
      manager: "kubernetes",
      workload: "pod",
      name: "demo",
      namespace: "default",
      kept: "/var/lib/coldkeep/demo/pod.json",
      manifest: "/srv/pod.yaml",
    });
    const scaled = GOOD.replace(lines, `    service: { ${pod.replace("pod,", "deployment,")} }\n`);
    expect(mistakes(scaled)).toEqual([
      expect.stringMatching(/service\.manifest: is for workload: pod; a deployment is scaled/),
    ]);
    const uid = "/var/lib/kubelet/pods/0b1c2d3e-0000-4000-8000-00000000abcd/volumes/kubernetes.io~empty-dir/data";
    expect(mistakes(GOOD.replace(lines, `    service: { ${pod} }\n`).replace("/srv/demo", uid))).toEqual([
      expect.stringMatching(/is of one pod and goes with it/),
    ]);
    const hooks = "{ before_stop: announce, after_start: { run: [a, b], timeout: 5s } }";
    expect(service(`{ manager: systemd, unit: demo.service, stop_timeout: 5s, hooks: ${hooks} }`)).toMatchObject({
      limits: { stopMs: 5000 },
      hooks: { beforeStop: { run: "announce", timeoutMs: 30_000 }, afterStart: { run: ["a", "b"], timeoutMs: 5000 } },
    });
    expect(mistakes(GOOD.replace(lines, "    service: { manager: docker, container: -x }\n"))[0]).toMatch(
      /container: found "-x"/,
    );
    expect(parse(`${GOOD}    health: { tcp: "127.0.0.1:9000" }\n`).nodes[0]?.health).toEqual({ tcp: "127.0.0.1:9000" });
  });

  it("may repeat a part by an alias", () => {
    const other = "  other:\n    profile: leveldb\n    roots: { data: /srv/other }\n    service: *it\n";
    const text = `${withLine("    service:", "    service: &it")}${other}`;
    expect(parse(text).nodes.map(({ name }) => name)).toEqual(["demo", "other"]);
  });
});

/** GOOD with its one vault written otherwise. */
function withVault(lines: string): string {
  return withLine("vault: file:///backup/vault", lines);
}

describe("vaults", () => {
  it("may be one place, one mapping, or a list; the short form is called main", () => {
    expect(parse(GOOD).vaults).toEqual([{ name: "main", url: "file:///backup/vault" }]);
    expect(parse(withVault("vault: { url: file:///v }")).vaults).toEqual([{ name: "main", url: "file:///v" }]);
    expect(parse(withVault("vault: { name: near, url: file:///v }")).vaults[0]?.name).toBe("near");
    expect(
      parse(withVault("vaults:\n- { name: near, url: file:///v }\n- { name: far, url: file:///w }")).vaults,
    ).toEqual([
      { name: "near", url: "file:///v" },
      { name: "far", url: "file:///w" },
    ]);
    expect(parse(withVault("vault: s3://bucket/a/b")).vaults).toEqual([
      { name: "main", url: "s3://bucket/a/b", s3: {} },
    ]);
    expect(parse(withVault("vault: { url: file:///v, retry_for: 2h }")).vaults).toEqual([
      { name: "main", url: "file:///v", retryForMs: 7_200_000 },
    ]);
    const full =
      "{ url: s3://b-1.x/p, region: eu-central-1, endpoint: 'https://h', path_style: false, profile: backup, ca_bundle: /ca.pem }";
    expect(parse(withVault(`vault: ${full}`)).vaults[0]).toMatchObject({
      url: "s3://b-1.x/p",
      s3: {
        region: "eu-central-1",
        endpoint: "https://h",
        pathStyle: false,
        profile: "backup",
        caBundle: "/ca.pem",
      },
    });
  });

  it.each([
    ["none at all", "", ["c.yaml:1:1: vault: missing; allowed: the place of the vault"]],
    [
      "both spellings",
      "vault: file:///v\nvaults: [{ name: a, url: file:///w }]",
      ["c.yaml:3:9: vaults: stands beside vault"],
    ],
    [
      "an empty list",
      "vaults: []",
      ["c.yaml:2:9: vaults: found a list; allowed: a list of mappings with name and url"],
    ],
    ["no name in a list", "vaults: [{ url: file:///w }]", ["c.yaml:2:10: vaults.0.name: missing; allowed: 1 to 63"]],
    [
      "one name twice",
      "vaults:\n- { name: a, url: file:///v }\n- { name: a, url: file:///w }",
      ["c.yaml:4:11: vaults.1.name: a is the name of another vault, too"],
    ],
    [
      "one place twice",
      "vaults:\n- { name: a, url: file:///v }\n- { name: b, url: file:///v }",
      ["c.yaml:4:19: vaults.1.url: is the place of a, too"],
    ],
    [
      "an unknown key",
      "vault: { urll: file:///v }",
      ["vault.url: missing", "vault.urll: unknown key; did you mean url?"],
    ],
    [
      "a second one inside a root",
      "vaults: [{ name: a, url: file:///v }, { name: b, url: file:///srv/demo/v }]",
      ["lies in it"],
    ],
  ])("with %s are refused with their place", (_, lines, words) => {
    const found = mistakes(withVault(lines));
    expect(found).toHaveLength(words.length);
    for (const [index, each] of words.entries()) expect(found[index]).toContain(each);
  });
});

describe("a wrong configuration", () => {
  it("is told with line, column, key, what was found and what is allowed, all mistakes at once", () => {
    expect(
      mistakes(
        withLine("profile: leveldb", "profil: leveldb")
          .replace("data: /srv/demo", "data: srv/demo")
          .replace("manager: command", "manager: comand"),
      ),
    ).toEqual([
      "c.yaml:6:3: nodes.demo.profile: missing; allowed: leveldb or files",
      "c.yaml:7:5: nodes.demo.profil: unknown key; did you mean profile?",
      'c.yaml:9:13: nodes.demo.roots.data: found "srv/demo"; allowed: an absolute path without . or .. in it, such as /srv/node/data',
      'c.yaml:11:16: nodes.demo.service.manager: found "comand"; allowed: systemd, docker, compose, kubernetes, command or none',
    ]);
  });

  it.each([
    ["a profile that does not exist", withLine("leveldb", "levldb"), 'found "levldb"; allowed: leveldb or files'],
    [
      "a duration without a unit",
      withLine("manager: command", "manager: command\n      stop_timeout: 120"),
      "found 120; allowed: a whole number with a unit",
    ],
    [
      "a duration of nothing",
      withLine("manager: command", "manager: command\n      stop_timeout: 0s"),
      'found "0s"; allowed',
    ],
    [
      "a vault elsewhere",
      withLine("file:///backup/vault", "ftp://host/x"),
      'found "ftp://host/x"; allowed: file:///absolute/path, s3://bucket or s3://bucket/prefix',
    ],
    ["an unknown version", withLine("version: 1", "version: 2"), "found 2; allowed: 1"],
    ["a path with ..", withLine("/srv/demo", "/srv/../etc"), "without . or .. in it"],
    [
      "a node's name with capitals",
      withLine("  demo:", "  Demo:"),
      'nodes.Demo: found "Demo"; allowed: a node\'s name',
    ],
    ["a reserved node's name", withLine("  demo:", "  groups:"), "nodes.groups"],
    [
      "a URL of another kind",
      withLine("http://127.0.0.1:9000/h", "ftp://x/"),
      "a URL beginning with http:// or https://",
    ],
    [
      "a vault inside a root",
      withLine("file:///backup/vault", "file:///srv/demo/v"),
      "a backup would hold the vault itself",
    ],
    ["the state inside a root", `${GOOD}state_dir: /srv/demo/state\n`, "a backup would hold this host's keys"],
    [
      "a root inside a root",
      withLine("data: /srv/demo", "data: /srv/demo\n      in: /srv/demo/in"),
      "lies in root data",
    ],
    [
      "an absolute glob",
      withLine("profile: leveldb", "profile: leveldb\n    exclude: [/cache]"),
      "without a leading /",
    ],
    ["no nodes", "version: 1\nvault: file:///v\nencrypt_key: k\nnodes: {}\n", "at least one node"],
    ["a pinned key of the wrong form", `${GOOD}card_key: abc\n`, "the 43 letters of a card key"],
    ["a list where a mapping belongs", "- version: 1\n", "found a list; allowed: a mapping with version"],
    ["an empty file", "", "the file is empty"],
    ["a prototype as a key", `${GOOD}__proto__: { polluted: true }\n`, "__proto__: unknown key"],
  ])("with %s is refused", (_, text, words) => {
    expect(mistakes(text).join("\n")).toContain(words);
    expect(Object.hasOwn(Object.prototype, "polluted")).toBe(false);
  });

  it.each([
    ["a key given twice", `${GOOD}vault: file:///other\n`, "c.yaml:16:1: vault: the key is there twice"],
    ["a tab as indentation", "version: 1\nnodes:\n\tdemo: 1\n", "c.yaml:3:1: a tab is used to indent"],
    ["a quote that never ends", 'version: 1\nvault: "file\n', "is missing"],
    ["several documents", `${GOOD}---\n${GOOD}`, "one is allowed"],
    ["an alias of nothing", `${GOOD}  other: *nowhere\n`, "has no anchor"],
    ["an unknown tag", withLine("version: 1", "version: !!js/function 1"), "a tag (!name) is not known"],
  ])("that is no YAML, by %s, is refused with its place", (_, text, words) => {
    expect(mistakes(text).join("\n")).toContain(words);
  });

  it("that grows without bounds by its aliases is refused", () => {
    const bomb = Array.from({ length: 9 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i}, `.repeat(9)}]`).join("\n");
    expect(mistakes(`a0: &a0 [x]\n${bomb}\n`).join()).toContain("aliases");
  });
});

describe("the key in a configuration", () => {
  const SECRET = "Hush-4-Hush-5-Hu";

  it.each([
    ["beside an unknown key", `encrypt_key: ${SECRET}\nencrypt_kee: ${"1"}\n`],
    ["with a quote that never ends", `encrypt_key: "${SECRET}\n`],
    ["followed by garbage", `encrypt_key: "${SECRET}" trailing\n`],
    ["as a list", `encrypt_key: [${SECRET}]\n`],
    ["as a key of a mapping", `encrypt_key: { ${SECRET}: 1 }\n`],
    ["given twice", `encrypt_key: ${SECRET}\nencrypt_key: ${SECRET}\n`],
    ["badly indented", `encrypt_key: ${SECRET}\n  ${SECRET}: x\n`],
    ["as an alias", `encrypt_key: *${SECRET}\n`],
  ])("is never told, even %s", (_, text) => {
    const error = refusal(`version: 1\n${text}`);
    expect(JSON.stringify([error.message, error.what, error.on, error.why, error.todo])).not.toContain("Hush");
  });

  it("without quotes is read by YAML as a number, and the refusal says so", () => {
    const lines = mistakes(withLine("/etc/coldkeep/key", "0x30483079404547585030415363416e42")).join();
    expect(lines).toContain("found a number (YAML reads digits and 0x… without quotes as a number)");
    expect(lines).not.toContain("3048");
  });
});

it("is told as one error of kind config, whatever the file holds", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.json(),
        fc.string().map((text) => `${GOOD}${text}`),
      ),
      (text) => {
        try {
          parse(text);
        } catch (error) {
          expect(error).toBeInstanceOf(ColdkeepError);
          expect((error as ColdkeepError).kind).toBe("config");
        }
      },
    ),
    { numRuns: 300 },
  );
});
