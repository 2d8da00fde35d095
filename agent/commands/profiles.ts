import { allProfiles, type Profile, profileOf } from "../profiles/index.ts";
import { table } from "../report/index.ts";
import type { Answer } from "./answer.ts";
import type { Call } from "./define.ts";

/** `coldkeep profiles [name]`. */
export async function run(_call: Call, name: string | undefined): Promise<Answer> {
  if (name !== undefined) {
    const profile = profileOf(name);
    return { document: documentOf(profile), text: profileText(profile) };
  }
  const all = allProfiles();
  const rows = all.map((profile) => [profile.name, profile.summary]);
  return {
    document: all.map(documentOf),
    text: `${table([{ title: "PROFILE" }, { title: "WHAT IT KNOWS" }], rows)}\n\nOne of them in full: coldkeep profiles <name>`,
  };
}

const MEANS: Readonly<Record<string, string>> = {
  immutable: "hard-linked before the stop",
  "append-only": "hard-linked, its length pinned",
  mutable: "reflinked or copied while the node is down",
  omitted: "left out",
};

function profileText(profile: Profile): string {
  const rules = rulesOf(profile).map(({ files, how, why }) => `  ${files}\n      ${how}: ${why}`);
  const parts = [
    `${profile.name}: ${profile.summary}`,
    profile.about,
    `CAPTURED\n${rules.join("\n")}`,
    ...section("STOPPING", profile.stopping),
    ...section("HEIGHT", profile.height === null ? [] : [heightWords(profile.height)]),
    ...section(
      "IDENTITY",
      profile.identity.map(({ what, rule }) => `${what}: ${rule}`),
    ),
    ...section("IN A GROUP", groupWords(profile)),
    ...section("A RESTORE", [...profile.place, ...signingLines(profile)]),
    ...section("AFTER A RESTORE", profile.after),
  ];
  return parts.join("\n\n");
}

/** Every rule as it is told, the last one being what holds for all other files. */
export function rulesOf(
  profile: Profile,
): readonly { readonly files: string; readonly how: string; readonly why: string }[] {
  return [
    ...profile.folders.map(({ folder, why }) => ({ files: folder, how: MEANS.omitted ?? "", why })),
    ...(profile.lean ?? []).map(({ folder, why }) => ({ files: folder, how: "left out where `lean: true`", why })),
    ...profile.rules.map(({ files, mutability, secret, why }) => ({
      files,
      how: `${MEANS[mutability]}${secret === true ? ", as a secret" : ""}`,
      why,
    })),
    { files: "everything else", how: MEANS.mutable ?? "", why: "what is not known is taken for what may change" },
  ];
}

/** How a system tells its height, in words. */
export function heightWords(height: NonNullable<Profile["height"]>): string {
  if ("field" in height) return `${height.url}, field ${height.field}`;
  const { channels } = height;
  if ("metric" in channels) return `${height.url}, metric ${channels.metric} by ${channels.by}`;
  const from = channels.follow === undefined ? "" : `, of each at ${channels.follow}`;
  return `${height.url}, list${channels.list === "" ? "" : ` ${channels.list}`} by ${channels.by}${from}, field ${channels.field}`;
}

/** What must hold between it and others of its group, in words. */
export function groupWords(profile: Profile): string[] {
  return (profile.group ?? []).map(
    ({ notNewerThan, why, together }) =>
      `never newer than a ${notNewerThan} of the same group${together === true ? ", and down together with it" : ""}: ${why}`,
  );
}

/** What is told of validators. */
export function signingLines({ signing }: Profile): string[] {
  if (signing === undefined) return [];
  const { record, why, todo } = signing;
  return [
    `In place it is refused without --force. ${record}. That comes back as old as the snapshot: ${why}. Instead: ${todo}.`,
  ];
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [`${title}\n${lines.map((line) => `  ${line}`).join("\n")}`];
}

function documentOf(profile: Profile) {
  const { name, summary, about, stopping, height, identity, place, after } = profile;
  const rules = profile.rules.map(({ files, mutability, secret = false, why }) => ({ files, mutability, secret, why }));
  const folders = profile.folders.map(({ folder, why }) => ({ folder, why }));
  const lean = (profile.lean ?? []).map(({ folder, why }) => ({ folder, why }));
  const group = profile.group ?? [];
  return { name, summary, about, rules, folders, lean, stopping, height, group, identity, place, after };
}
