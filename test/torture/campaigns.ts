import type { Campaign } from "./types.ts";

/** Every campaign there is, by name. Loaded when it is played. Alphabetical. */
export const CAMPAIGNS: Readonly<Record<string, () => Promise<{ readonly campaign: Campaign }>>> = {
  adversary: () => import("./adversary/campaign.ts"),
  corrupt: () => import("./corrupt/campaign.ts"),
  crash: () => import("./crash/campaign.ts"),
  disk: () => import("./disk/campaign.ts"),
  hostile: () => import("./hostile/campaign.ts"),
  meet: () => import("./meet/campaign.ts"),
  network: () => import("./network/campaign.ts"),
  power: () => import("./power/campaign.ts"),
  soak: () => import("./soak/campaign.ts"),
};
